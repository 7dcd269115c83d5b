"""Payloads: one way to write them, and one reading of what was written."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import payload
from tocsin.errors import InputError, LimitError, TocsinError
from tocsin.log import model
from tocsin.log.model import Disclosure, EntryPayload, decode_payload, encode_payload

WORDS = st.text(max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.builds(
    EntryPayload,
    v=st.just(1),
    kind=st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True),
    at=st.datetimes(timezones=st.just(UTC)).map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)),
    environment=st.text(min_size=1, max_size=10),
    actor=st.text(min_size=1, max_size=10),
    on_behalf_of=st.none() | WORDS,
    mandate=st.none() | WORDS,
    data=st.dictionaries(WORDS, VALUES, max_size=4),
)


@given(PAYLOADS)
@settings(deadline=None)
def test_a_payload_reads_back_and_is_written_one_way(written: EntryPayload) -> None:
    data = encode_payload(written)
    assert decode_payload(data) == written
    assert encode_payload(decode_payload(data)) == data
    shuffled = msgspec.structs.replace(written, data=dict(reversed(written.data.items())))
    assert encode_payload(shuffled) == data


def test_the_bytes_of_version_1() -> None:
    """They are in the logs of others for ever: this line changes only with the version."""
    assert (
        encode_payload(payload(7))
        == (
            '{"v":1,"kind":"object.shared","at":"2026-01-31T12:00:00.000007Z","environment":"live",'
            '"actor":"https://party.example/users/ü","on_behalf_of":null,"mandate":null,'
            '"data":{"note":"a \\"quoted\\" \\\\ line\\n","object":"indicator--7"}}'
        ).encode()
    )


UNFIT: dict[str, Any] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "tuple": (1, 2),
    "bytes": b"bytes",
    "set": {1},
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "number as a name": {1: 2},
    "lone surrogate": "\ud800",
    "object": object(),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_json_does_not_keep_is_refused(case: str) -> None:
    with pytest.raises(InputError, match=r"log payload object\.shared"):
        encode_payload(msgspec.structs.replace(payload(0), data={"value": UNFIT[case]}))


def test_endless_nesting_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="JSON"):
        encode_payload(msgspec.structs.replace(payload(0), data={"deep": deep}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2),
        ("kind", ""),
        ("kind", "Object.Shared"),
        ("kind", "a" * 65),
        ("at", "2026-01-31T12:00:00Z"),
        ("at", "2026-01-31T12:00:00.000000+00:00"),
        ("at", "2026-02-30T12:00:00.000000Z"),
        ("at", "2026-01-31 12:00:00.000000Z"),
        ("environment", ""),
        ("actor", ""),
    ],
)
def test_no_such_payload_is_made(field: str, value: object) -> None:
    with pytest.raises(InputError):
        msgspec.structs.replace(payload(0), **{field: value})


GOOD = encode_payload(payload(7)).decode()

BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "not a log payload"),
    "no object": ("[1]", "not a log payload"),
    "no version": ("{}", "not a log payload"),
    "later version": (GOOD.replace('"v":1', '"v":2'), "version 2 are not known"),
    "later version of another form": ('{"v":9}', "version 9 are not known"),
    "version as text": (GOOD.replace('"v":1', '"v":"1"'), "not a log payload"),
    "unknown field": (GOOD.replace('"v":1', '"v":1,"w":2'), "unknown field"),
    "missing field": (GOOD.replace('"environment":"live",', ""), "environment"),
    "a name twice": (GOOD.replace('"v":1', '"v":1,"kind":"x"'), "twice"),
    "a name twice within": (GOOD.replace('"object":', '"object":"a","object":'), "twice"),
    "a name twice, one escaped": (GOOD.replace('"object":', '"\\u006fbject":"a","object":'), "twice"),
    "bad time": (GOOD.replace("2026-01-31", "2026-13-31"), "time"),
    "trailing": (GOOD + "x", "not a log payload"),
    "lone surrogate": (GOOD.replace("indicator", "\\ud800"), "not a log payload"),
    "deep": (GOOD.replace('"indicator--7"', "[" * 100_000 + "]" * 100_000), "not a log payload"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_payloads_are_refused_by_name(case: str) -> None:
    text, says = BAD[case]
    with pytest.raises(InputError, match=says) as caught:
        decode_payload(text.encode(), where="entry 7")
    assert caught.value.where == "entry 7"


def test_other_spacing_is_read_alike() -> None:
    """Another encoder's bytes have the same meaning, as long as they have only one."""
    assert decode_payload(GOOD.replace(",", ", ").encode()).kind == "object.shared"


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_bytes_are_a_payload_or_refused(data: st.DataObject) -> None:
    mutated = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode_payload(bytes(mutated))
    except InputError:
        return
    assert decode_payload(encode_payload(read)) == read


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MAX_PAYLOAD_BYTES", len(GOOD.encode()) - 1)
    with pytest.raises(LimitError, match="at most"):
        encode_payload(payload(7))
    with pytest.raises(LimitError, match="at most"):
        decode_payload(GOOD.encode())


@pytest.mark.parametrize(("index", "salt"), [(-1, b"s" * 32), (0, b"s" * 31), (0, b"")])
def test_no_such_disclosure_is_made(index: int, salt: bytes) -> None:
    with pytest.raises(TocsinError, match="disclosure"):
        Disclosure(index=index, salt=salt, payload=b"")
