"""The proof of one entry: a document that shows, offline, that the log holds it and what it says."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.errors import InputError, LimitError, LogBrokenError
from tocsin.log.checkpoint import open_checkpoint
from tocsin.log.commitment import commit_content, content_text, opens_entry
from tocsin.log.merkle import leaf_hash, verify_inclusion
from tocsin.log.model import EntryPayload, decode_payload
from tocsin.log.note import VerifierKey

__all__ = [
    "CONTENT_FIELD",
    "MAX_PROOF_BYTES",
    "PROOF_VERSION",
    "Content",
    "Proof",
    "ProvenEntry",
    "decode_proof",
    "encode_proof",
    "verify_proof",
]

PROOF_VERSION = 1

# The largest payload as a JSON string, and a content as large as the largest bundle, in base64.
MAX_PROOF_BYTES = 256 * 1024 * 1024

CONTENT_FIELD = "content"
"""The name under which a payload's data carries the commitment to an object's bytes, at whatever depth."""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bytes of an object that the payload commits to, and the salt that opens the commitment."""

    salt: bytes
    body: bytes


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that shows one entry: the signed head, the path to it, and what opens the entry.

    In JSON the hashes, salts and bodies are base64; the checkpoint is the text of its note and the payload its own
    text.
    """

    v: int = PROOF_VERSION
    checkpoint: str
    vkey: str
    index: int
    entry: bytes
    inclusion: list[bytes]
    salt: bytes
    payload: str
    content: Content | None = None


class ProvenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof that holds shows.

    ``pinned`` says whether the key came from the caller; otherwise anybody could have made the proof. ``with_content``
    says whether it also showed the bytes of an object.
    """

    origin: str
    size: int
    root: bytes
    index: int
    payload: EntryPayload
    fingerprint: str
    pinned: bool
    with_content: bool


class _Version(msgspec.Struct):
    """The one field that each version of a proof has."""

    v: int


_DECODER = msgspec.json.Decoder(Proof)
_VERSION_DECODER = msgspec.json.Decoder(_Version)


def encode_proof(proof: Proof) -> bytes:
    """The document, as indented JSON with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n"


def decode_proof(data: bytes, *, where: str = "proof") -> Proof:
    """Read a document; nothing is checked yet but its form.

    Raises:
        InputError: it is not a proof, or of a version that is not known here.
        LimitError: it is too large.

    """
    if len(data) > MAX_PROOF_BYTES:
        raise LimitError(f"a proof has at most {MAX_PROOF_BYTES} bytes, not {len(data)}", where=where)
    try:
        version = _VERSION_DECODER.decode(data).v
        if version != PROOF_VERSION:
            raise InputError(f"proofs of version {version} are not known here", where=where)
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"this is not a proof: {error}", where=where) from error


def verify_proof(proof: Proof, *, trusted_vkey: str | None = None, where: str = "proof") -> ProvenEntry:
    """Check all that a proof claims.

    The key signed the checkpoint, the entry is in its tree, salt and payload open the entry, and the payload commits
    to the content, if there is one.

    Raises:
        LogBrokenError: one of these does not hold.
        InputError: a key is not a verifier key, or the payload is of a version that is not known here.

    """
    key = VerifierKey.parse(proof.vkey, where=f"{where}, vkey")
    if trusted_vkey is not None and VerifierKey.parse(trusted_vkey, where="the trusted key") != key:
        raise LogBrokenError("the proof was made with another key than the one that you trust", where=where)
    head = open_checkpoint(proof.checkpoint.encode(), key=key, where=f"{where}, checkpoint")
    verify_inclusion(
        leaf=leaf_hash(proof.entry), index=proof.index, size=head.size, proof=proof.inclusion, root=head.root
    )
    data = proof.payload.encode()
    if not opens_entry(proof.entry, salt=proof.salt, payload=data):
        raise LogBrokenError(f"salt and payload are not what entry {proof.index} commits to", where=where)
    payload = decode_payload(data, where=f"{where}, payload")
    if proof.content is not None:
        commitment = content_text(commit_content(salt=proof.content.salt, body=proof.content.body))
        if not _commits_to(payload.data, commitment):
            raise LogBrokenError(f"the payload of entry {proof.index} does not commit to this content", where=where)
    return ProvenEntry(
        origin=head.origin,
        size=head.size,
        root=head.root,
        index=proof.index,
        payload=payload,
        fingerprint=key.fingerprint,
        pinned=trusted_vkey is not None,
        with_content=proof.content is not None,
    )


def _commits_to(data: dict[str, Any], commitment: str) -> bool:
    """Whether some field named ``content`` holds the commitment. A loop, because the depth is a stranger's choice."""
    waiting: list[object] = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get(CONTENT_FIELD) == commitment:
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False
