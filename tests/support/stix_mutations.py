"""Small changes to STIX objects, most of which break some rule: what a differential test and a fuzzer feed on."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

__all__ = ["mutants", "places"]

Json = dict[str, Any]
Place = tuple[str | int, ...]

JUNK: tuple[Any, ...] = (
    None,
    "",
    "x",
    [],
    {},
    0,
    1,
    -1,
    True,
    False,
    1.5,
    100,
    101,
    2**53,
    999_999_999,
    1_000_000_000,
    "2020-01-01T00:00:00Z",
    "2020-02-30T00:00:00.000Z",
    "2020-01-01T00:00:00.000+00:00",
    "2099-12-31T23:59:59.999Z",
    "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "relationship--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "identity--8e2e2d2b-17d4-4cbf-c38f-98ee46b3cd3f",
    ["x"],
    [[]],
    {"abc": "x"},
    "2.0",
    "de",
)
NAMES = (
    "x_acme_value",
    "ab",
    "Upper",
    "with-hyphen",
    "ünïcode",
    "x" * 251,
    "severity",
    "action",
    "username",
    "defanged",
    "created",
    "modified",
    "revoked",
    "lang",
    "confidence",
    "name",
    "value",
    "extensions",
    "granular_markings",
)


def places(value: object, here: Place = ()) -> list[Place]:
    """List the paths of everything in a value, the value itself aside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Place] = []
    for key, member in items:
        found.append((*here, key))
        found += places(member, (*here, key))
    return found


def _holder(item: Any, place: Place) -> Any:  # noqa: ANN401 - any part of any JSON value
    for step in place[:-1]:
        item = item[step]
    return item


@st.composite
def mutants(draw: st.DrawFn, items: st.SearchStrategy[Json]) -> Json:
    """Draw an object and change it in one place: a member dropped, replaced, renamed, added, or a text altered."""
    item = copy.deepcopy(draw(items))
    place = draw(st.sampled_from(places(item)))
    holder, last = _holder(item, place), place[-1]
    how = draw(st.sampled_from(["drop", "replace", "replace", "rename", "add", "alter"]))
    if how == "drop" and isinstance(holder, dict):
        del holder[last]
    elif how == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from(NAMES))] = holder.pop(last)
    elif how == "add":
        item[draw(st.sampled_from(NAMES))] = draw(st.sampled_from(JUNK))
    elif how == "alter" and isinstance(holder[last], str):
        text = holder[last]
        at = draw(st.integers(0, len(text)))
        holder[last] = text[:at] + draw(st.sampled_from(["", "-", "z", "0", " ", "Z", "\n", "é", "."])) + text[at + 1 :]
    else:
        holder[last] = copy.deepcopy(draw(st.sampled_from(JUNK)))
    return item
