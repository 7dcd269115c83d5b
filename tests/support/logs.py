"""Small logs for tests: keys, trees by the letter of the RFC, payloads and whole exports."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from tocsin.log.checkpoint import Checkpoint, sign_checkpoint
from tocsin.log.commitment import commit_entry
from tocsin.log.export import MANIFEST_FILE, write_export
from tocsin.log.manifest import FileDigest, Manifest, parse_manifest
from tocsin.log.merkle import Frontier, leaf_hash
from tocsin.log.model import Disclosure, EntryPayload, encode_payload
from tocsin.log.note import NoteSigner, parse_note, sign_note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ORIGIN = "hub.example/log"
SIGNER = NoteSigner(name=ORIGIN, seed=b"\x07" * 32)
STRANGER = NoteSigner(name=ORIGIN, seed=b"\x08" * 32)
VKEY = SIGNER.key.encode()


def rfc_root(entries: Sequence[bytes]) -> bytes:
    """MTH(D[n]) as RFC 9162 §2.1.1 words it, over entries (not their hashes). Slow on purpose."""
    n = len(entries)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < n:
        k *= 2
    return sha256(b"\x01" + rfc_root(entries[:k]) + rfc_root(entries[k:])).digest()


def payload(index: int) -> EntryPayload:
    return EntryPayload(
        kind="object.shared",
        at=f"2026-01-31T12:00:00.{index:06d}Z",
        environment="live",
        actor="https://party.example/users/ü",
        on_behalf_of=None,
        mandate=None,
        data={"object": f"indicator--{index}", "note": 'a "quoted" \\ line\n'},
    )


def disclosure(index: int) -> Disclosure:
    salt = sha256(b"salt of %d" % index).digest()
    return Disclosure(index=index, salt=salt, payload=encode_payload(payload(index)))


def entry(index: int) -> bytes:
    opened = disclosure(index)
    return commit_entry(salt=opened.salt, payload=opened.payload)


def checkpoint(entries: Sequence[bytes], signer: NoteSigner = SIGNER) -> bytes:
    root = Frontier().grown(map(leaf_hash, entries)).root()
    return sign_checkpoint(Checkpoint(origin=signer.key.name, size=len(entries), root=root), signer)


def make_export(
    directory: Path, *, size: int, disclosed: Sequence[int] = (), signer: NoteSigner = SIGNER, start: int = 0
) -> Path:
    """An export of ``size`` entries whose contents are numbered from ``start``."""
    entries = [entry(start + index) for index in range(size)]
    write_export(
        directory,
        checkpoint=checkpoint(entries, signer),
        signer=signer,
        entries=iter(entries),
        disclosures=(msgspec.structs.replace(disclosure(start + index), index=index) for index in disclosed),
        scope="live, everything",
    )
    return directory


def relist(directory: Path, *, signer: NoteSigner = SIGNER, disclosed: int | None = None) -> None:
    """Sign a new manifest over whatever the directory holds now, as only the holder of the key can."""
    manifest = parse_manifest(parse_note((directory / MANIFEST_FILE).read_bytes(), where="").text, where="")
    files = {
        str(path.relative_to(directory)): FileDigest(
            sha256=sha256(path.read_bytes()).digest(), length=path.stat().st_size
        )
        for path in directory.rglob("*")
        if path.is_file() and path.name != MANIFEST_FILE
    }
    renewed = Manifest(
        origin=manifest.origin,
        size=manifest.size,
        root=manifest.root,
        scope=manifest.scope,
        disclosed=manifest.disclosed if disclosed is None else disclosed,
        files=files,
    )
    (directory / MANIFEST_FILE).write_bytes(sign_note(renewed.text(), signer))
