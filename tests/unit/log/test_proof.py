"""The proof of one entry: holds as made, and with anything changed does not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import ORIGIN, SIGNER, STRANGER, VKEY, checkpoint, entry, payload
from tocsin.errors import InputError, LimitError, LogBrokenError, TocsinError
from tocsin.log import proof as room
from tocsin.log.commitment import commit_content, commit_entry, content_text
from tocsin.log.merkle import inclusion_proof, leaf_hash
from tocsin.log.model import encode_payload
from tocsin.log.proof import Content, Proof, decode_proof, encode_proof, verify_proof
from tocsin.log.tiles import TreeBuilder, hash_reader

SIZE, INDEX = 11, 6
BODY = b'{"type":"indicator"}'
SALT = b"\x05" * 32


def make(data: dict[str, Any], *, content: bytes | None = BODY) -> Proof:
    opened = encode_payload(msgspec.structs.replace(payload(INDEX), data=data))
    entries = [entry(index) for index in range(SIZE)]
    entries[INDEX] = commit_entry(salt=SALT, payload=opened)
    builder = TreeBuilder()
    tiles = dict([*builder.add(map(leaf_hash, entries)), *builder.partial()])
    return Proof(
        checkpoint=checkpoint(entries).decode(),
        vkey=VKEY,
        index=INDEX,
        entry=entries[INDEX],
        inclusion=inclusion_proof(index=INDEX, size=SIZE, hash_at=hash_reader(tiles.__getitem__, size=SIZE)),
        salt=SALT,
        payload=opened.decode(),
        content=None if content is None else Content(salt=SALT, body=content),
    )


COMMITMENT = content_text(commit_content(salt=SALT, body=BODY))
GOOD = make({"objects": [{"id": "a"}, {"id": "b", "content": COMMITMENT}]})


def test_a_proof_holds_and_reads_back() -> None:
    again = decode_proof(encode_proof(GOOD))
    assert again == GOOD
    proven = verify_proof(again, trusted_vkey=VKEY)
    assert (proven.origin, proven.size, proven.index) == (ORIGIN, SIZE, INDEX)
    assert proven.payload.data["objects"][1]["id"] == "b"
    assert proven.pinned
    assert proven.with_content
    assert not verify_proof(GOOD).pinned
    assert not verify_proof(make({}, content=None)).with_content


OTHER = make({"objects": []}, content=None)

LIES: dict[str, tuple[dict[str, Any], str]] = {
    "other index": ({"index": 5}, "not in the tree"),
    "index beyond": ({"index": SIZE}, "has no entry"),
    "other entry": ({"entry": entry(5)}, "not in the tree"),
    "path cut": ({"inclusion": GOOD.inclusion[:-1]}, "too many or too few"),
    "path reversed": ({"inclusion": GOOD.inclusion[::-1]}, "not in the tree"),
    "not hashes": ({"inclusion": [b"x"] * 4}, "32 bytes"),
    "other salt": ({"salt": b"\x06" * 32}, "commits to"),
    "short salt": ({"salt": b"\x05"}, "commits to"),
    "other payload": ({"payload": GOOD.payload.replace("shared", "read")}, "commits to"),
    "other body": ({"content": Content(salt=SALT, body=BODY + b" ")}, "does not commit to this content"),
    "other content salt": ({"content": Content(salt=b"\x06" * 32, body=BODY)}, "does not commit to this content"),
    "other checkpoint": ({"checkpoint": OTHER.checkpoint}, "not in the tree"),
    "changed checkpoint": ({"checkpoint": GOOD.checkpoint.replace("\n11\n", "\n12\n")}, "does not match"),
    "no checkpoint": ({"checkpoint": ""}, "note"),
    "key of another": ({"vkey": STRANGER.key.encode()}, "no signature by"),
}


@pytest.mark.parametrize("case", LIES)
def test_lies(case: str) -> None:
    change, says = LIES[case]
    with pytest.raises(LogBrokenError, match=says):
        verify_proof(msgspec.structs.replace(GOOD, **change))


def test_a_commitment_counts_only_where_it_belongs() -> None:
    """Text that a party wrote must not pass for the hub's commitment."""
    for data in ({"note": COMMITMENT}, {"content": [COMMITMENT]}, {COMMITMENT: "content"}, {}):
        with pytest.raises(LogBrokenError, match="does not commit to this content"):
            verify_proof(make(data))
    assert verify_proof(make({"content": COMMITMENT})).with_content


def test_a_whole_forgery_fails_against_the_trusted_key() -> None:
    with pytest.raises(LogBrokenError, match="the one that you trust"):
        verify_proof(GOOD, trusted_vkey=STRANGER.key.encode())
    with pytest.raises(InputError, match="the trusted key"):
        verify_proof(GOOD, trusted_vkey="nonsense")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a proof"),
        (b"[]", "not a proof"),
        (b'{"v":2}', "version 2 are not known"),
        (encode_proof(GOOD).replace(b'"index": 6', b'"index": "6"'), "not a proof"),
        (encode_proof(GOOD).replace(b'"index"', b'"more": 1, "index"'), "unknown field"),
        (b"[" * 100_000, "not a proof"),
    ],
    ids=["empty", "list", "version", "type", "unknown field", "deep"],
)
def test_no_proof(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        decode_proof(data)


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_PROOF_BYTES", 10)
    with pytest.raises(LimitError, match="at most 10"):
        decode_proof(encode_proof(GOOD))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mutated_document_is_refused_or_says_the_same(data: st.DataObject) -> None:
    document = bytearray(encode_proof(GOOD))
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] = data.draw(st.integers(0, 255).filter(lambda value: value != document[at]))
    try:
        proof = decode_proof(bytes(document))
        proven = verify_proof(proof, trusted_vkey=VKEY)
    except TocsinError:
        return
    # What is left: white space, and the spare bits at the end of base64.
    assert proof == GOOD
    assert proven == verify_proof(GOOD, trusted_vkey=VKEY)
    assert proven.fingerprint == SIGNER.key.fingerprint
