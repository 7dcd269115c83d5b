"""A cursor opens where it was given, and nowhere else."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.exchange.cursor import Cursors
from tocsin.exchange.model import Query
from tocsin.kernel.ids import SeededEntropy

if TYPE_CHECKING:
    from tocsin.kernel.canonical import Json

KEY = bytes(range(32))
places = st.integers(0, 2**63 - 1)
bounds: st.SearchStrategy[Json] = st.tuples(
    st.integers(1, 2),
    st.sampled_from(["https://a.example", "https://b.example"]),
    st.none() | st.sampled_from(["anna", "bo"]),
    st.sampled_from(["one", "two"]),
    st.builds(
        Query,
        ids=st.none() | st.frozensets(st.sampled_from("ab"), max_size=2),
        added_after=st.none() | st.integers(0, 9),
    ).map(Query.as_json),
).map(list)


def _cursors(seed: int = 1, key: bytes = KEY) -> Cursors:
    return Cursors(key, SeededEntropy(seed))


@given(places, bounds)
def test_it_opens_where_it_was_given(place: int, bound: Json) -> None:
    assert _cursors().open(_cursors().seal(place, bound), bound) == place


@given(places, bounds, bounds)
def test_it_opens_for_no_other_question(place: int, bound: Json, other: Json) -> None:
    assume(bound != other)
    with pytest.raises(InputError, match="not given for this question"):
        _cursors().open(_cursors().seal(place, bound), other)


@given(places, st.integers(0, 47), st.sampled_from("ABCabc012-_=. é\n"))
def test_it_cannot_be_changed(place: int, at: int, char: str) -> None:
    text = _cursors().seal(place, ["here"])
    changed = text[:at] + char + text[at + 1 :]
    assume(changed != text)
    with pytest.raises(InputError):
        _cursors().open(changed, ["here"])


@given(st.text(max_size=100))
def test_what_was_never_given_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        _cursors().open(text, ["here"])


def test_it_is_of_this_hub_only() -> None:
    with pytest.raises(InputError):
        _cursors(key=bytes(32)).open(_cursors().seal(7, ["here"]), ["here"])


def test_it_tells_nothing_of_its_place() -> None:
    """Two of one place differ, all have one length, and none holds the place."""
    cursors = _cursors()
    texts = [cursors.seal(place, ["here"]) for place in (0, 0, 1, 2**63 - 1)]
    assert len(set(texts)) == 4
    assert {len(text) for text in texts} == {48}
    assert (1).to_bytes(8, "big") not in base64.urlsafe_b64decode(texts[2])
