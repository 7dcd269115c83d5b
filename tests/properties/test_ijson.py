"""I-JSON: the cheap checks against a slow reference that reads every token."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from support.stix_strategies import bundles, objects
from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix import ParsedObject, RefusedObject, ijson, parse_bundle, parse_object
from tocsin.exchange.stix.limits import DEFAULT_LIMITS, Limits

_quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)

# --- a writer that can write what no encoder writes: names twice, every escape, any whitespace ------------------------

_TRICKY = st.sampled_from(
    [
        "a",
        "\\",
        '"',
        '\\"',
        '"\\',
        "\\\\",
        '{"',
        "]}",
        "[[",
        ":",
        ",",
        '","',
        "null",
        "[]",
        "{}",
        "é",
        "😀",
        "\n",
        "/",
        "\u2028",
    ]
)
_texts = st.lists(_TRICKY, max_size=4).map("".join) | st.text(st.characters(codec="utf-8"), max_size=6)
_scalars = st.one_of(
    _texts,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
Pairs = list[tuple[str, Any]]


class _Members:
    """An object as its list of members, in which names may come twice."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


_trees = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(_texts, inner), max_size=4).map(_Members)  # names may repeat
    ),
    max_leaves=12,
)


@st.composite
def _written(draw: st.DrawFn, trees: st.SearchStrategy[Any] = _trees) -> bytes:
    """Draw a text of JSON, each character of each string escaped or not by chance."""
    space = st.sampled_from([b"", b"", b" ", b"\n\t"])

    def string(text: str) -> bytes:
        written = b'"'
        for character in text:
            plain = json.dumps(character, ensure_ascii=False)[1:-1]
            escaped = "".join(f"\\u{unit:04x}" for unit in memoryview(character.encode("utf-16-le")).cast("H").tolist())
            written += draw(st.sampled_from([plain, escaped])).encode()
        return written + b'"'

    def write(tree: object) -> bytes:
        if isinstance(tree, _Members):
            members = [string(name) + draw(space) + b":" + write(member) for name, member in tree.pairs]
            return b"{" + b",".join(members) + draw(space) + b"}"
        if isinstance(tree, list):
            return b"[" + draw(space) + b",".join(write(member) for member in tree) + b"]"
        if isinstance(tree, str):
            return string(tree)
        return json.dumps(tree).encode()

    return write(draw(trees))


def _has_duplicates(data: bytes) -> bool:
    """The reference: the standard library's parser, asked for its pairs."""
    found = False

    def pairs(members: Pairs) -> dict[str, Any]:
        nonlocal found
        found = found or len({name for name, _ in members}) < len(members)
        return dict(members)

    json.JSONDecoder(object_pairs_hook=pairs).decode(data.decode())
    return found


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(member) for member in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(member) for member in value), default=0)
    return 0


@settings(_quick, max_examples=400)
@given(data=_written())
def test_counting_quotes_finds_exactly_the_duplicates(data: bytes) -> None:
    outline = ijson.outline(data, DEFAULT_LIMITS)
    encoded = json.dumps(json.loads(data), ensure_ascii=False).encode()
    assert (outline.quotes != ijson.quotes(encoded)) == _has_duplicates(data)


@settings(_quick, max_examples=250)
@given(data=_written())
def test_both_ways_of_counting_agree(data: bytes) -> None:
    tokens = re.findall(rb'"(?:[^"\\]|\\.)*"', data, re.DOTALL)
    assert ijson.outline(data, DEFAULT_LIMITS).quotes == 2 * len(tokens)
    assert ijson.quotes(data) == 2 * len(tokens)


@settings(_quick, max_examples=250)
@given(data=_written())
def test_the_slow_scan_agrees_with_the_reference(data: bytes) -> None:
    flaws = ijson.scan(data)
    assert any("twice" in flaw.what for flaw in flaws) == _has_duplicates(data)
    assert all("twice" in flaw.what for flaw in flaws)


@settings(_quick, max_examples=250)
@given(data=_written(), limit=st.integers(1, 8))
def test_the_depth_is_bounded_exactly(data: bytes, limit: int) -> None:
    assume(not _has_duplicates(data))
    limits = Limits(max_depth=limit)
    if _depth(json.loads(data)) > limit:
        with pytest.raises(LimitError, match="deeper"):
            ijson.outline(data, limits)
    else:
        ijson.outline(data, limits)


@settings(_quick, max_examples=200)
@given(data=_written())
def test_no_empty_container_is_overlooked(data: bytes) -> None:
    assume(not _has_duplicates(data))

    def empty(value: object) -> bool:
        if isinstance(value, (dict, list)):
            members = value.values() if isinstance(value, dict) else value
            return not value or any(empty(member) for member in members)
        return False

    assert ijson.outline(data, DEFAULT_LIMITS).maybe_empty or not empty(json.loads(data))


@_quick
@given(data=st.binary(max_size=200) | st.text('[]{}",:\\u0 1en', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (parse_bundle, parse_object):
        with contextlib.suppress(InputError):
            parse(data)


@settings(_quick, max_examples=80)
@given(bundle=bundles())
def test_a_round_trip_keeps_every_value(bundle: dict[str, Any]) -> None:
    parsed = parse_bundle(json.dumps(bundle, indent=1).encode())
    assert parsed.bundle_id == bundle["id"]
    assert [json.loads(item.body) for item in parsed.items if isinstance(item, ParsedObject)] == bundle["objects"]


@_quick
@given(item=objects())
def test_reading_twice_changes_nothing(item: dict[str, Any]) -> None:
    once = parse_object(json.dumps(item).encode())
    assert isinstance(once, ParsedObject)
    twice = parse_object(once.body)
    assert isinstance(twice, ParsedObject)
    assert twice == once


@settings(_quick, max_examples=80)
@given(bundle=bundles(), data=st.data())
def test_one_object_with_duplicate_names_does_not_sink_the_others(bundle: dict[str, Any], data: st.DataObject) -> None:
    members = bundle["objects"]
    index = data.draw(st.integers(0, len(members) - 1))
    name = data.draw(st.sampled_from(sorted(members[index])))
    again = f"{json.dumps(name)}:{json.dumps(members[index][name])},"
    texts = [json.dumps(member) for member in members]
    texts[index] = "{" + again.replace(name[0], f"\\u{ord(name[0]):04x}", 1) + texts[index][1:]
    text = f'{{"type":"bundle","id":"{bundle["id"]}","objects":[{",".join(texts)}]}}'
    items = parse_bundle(text.encode()).items
    refused = [item for item in items if isinstance(item, RefusedObject)]
    assert [item.index for item in refused] == [index]
    assert refused[0].section == "RFC 7493 §2.3"
    assert refused[0].where.startswith(f"objects[{index}].{name} (byte ")


_NUMBERS = {
    "beyond a double's integers": (b"9007199254740992", False),
    "below them": (b"-9007199254740992", False),
    "the greatest": (b"9007199254740991", True),
    "the least": (b"-9007199254740991", True),
    "two to the sixtieth": (str(2**60).encode(), False),
    "a million digits": (b"9" * 1_000_000, False),
    "no double": (b"1e400", False),
    "minus no double": (b"-1e400", False),
    "NaN": (b"NaN", False),
    "Infinity": (b"Infinity", False),
    "minus Infinity": (b"-Infinity", False),
    "a leading zero": (b"01", False),
    "a plain float": (b"0.25", True),
    "a large float": (b"1e300", True),
}


@pytest.mark.parametrize(("number", "fine"), _NUMBERS.values(), ids=_NUMBERS.keys())
def test_numbers(number: bytes, fine: bool) -> None:  # noqa: FBT001 - a column of the table
    text = b'{"type":"x-acme-thing","id":"x-acme-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","x_number":%s}' % number
    if fine:
        read = parse_object(text)
        assert isinstance(read, ParsedObject)
        assert json.loads(read.body)["x_number"] == json.loads(number)
        return
    try:
        refused = parse_object(text)
    except InputError as error:
        where = error.where
    else:
        assert isinstance(refused, RefusedObject)
        where = refused.where
    assert where is not None
