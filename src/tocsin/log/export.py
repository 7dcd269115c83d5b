"""Writes an export: a directory with all that an outsider needs to check the log without us.

::

    checkpoint            the signed head of the log
    vkey                  the key that signed it
    tile/<L>/…            the tree, as tlog-tiles
    tile/entries/…        its entries
    disclosed.jsonl       the payloads that the scope opens, one to a line
    manifest              signed: the scope, how many are disclosed, and the digest of each file

``tocsin.log.verify`` reads it back.
"""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import ConflictError, InputError, LimitError, LogBrokenError, UsageError
from tocsin.log.checkpoint import open_checkpoint
from tocsin.log.commitment import opens_entry
from tocsin.log.manifest import MAX_MANIFEST_BYTES, FileDigest, Manifest, encode_disclosure
from tocsin.log.merkle import leaf_hash
from tocsin.log.note import sign_note
from tocsin.log.tiles import TILE_WIDTH, Tile, TreeBuilder, encode_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tocsin.log.model import Disclosure
    from tocsin.log.note import NoteSigner

__all__ = ["CHECKPOINT_FILE", "DISCLOSED_FILE", "MANIFEST_FILE", "VKEY_FILE", "ExportSummary", "write_export"]

CHECKPOINT_FILE = "checkpoint"
VKEY_FILE = "vkey"
DISCLOSED_FILE = "disclosed.jsonl"
MANIFEST_FILE = "manifest"


class ExportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: the head, how many entries were disclosed, and in how many files (the manifest included)."""

    directory: str
    origin: str
    size: int
    root: bytes
    scope: str
    disclosed: int
    files: int


def write_export(
    directory: Path,
    *,
    checkpoint: bytes,
    signer: NoteSigner,
    entries: Iterable[bytes],
    disclosures: Iterable[Disclosure],
    scope: str,
    progress: Callable[[int], None] | None = None,
) -> ExportSummary:
    """Write the export into ``directory``, which must not exist or be empty; all of it appears at once, or nothing.

    Args:
        directory: where to; its parent must exist. Other users of the machine cannot read it (mode 0700).
        checkpoint: the signed note of the head. Origin and size come from it.
        signer: the hub's key, which signed the checkpoint and now signs the manifest.
        entries: all entries below the head, in their order. One bundle of 256 is held at a time.
        disclosures: rising by index. Each is checked against its entry, so that no export is written that would
            not verify.
        scope: one line that says what was to be disclosed.
        progress: called after each bundle with the number of entries in it.

    Raises:
        ConflictError: the directory is there and not empty.
        UsageError: it cannot be written to.
        InputError: the scope or a payload cannot be written, or an entry is disclosed that there is not.
        LimitError: a payload or the whole export is larger than readers take.
        LogBrokenError: the entries are not those of the checkpoint, or a disclosure does not open its entry.

    """
    directory = directory.absolute()
    try:
        _refuse_occupied(directory)
        work = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            writer = _Writer(work, signer=signer, checkpoint=checkpoint, progress=progress)
            summary = writer.write(entries, disclosures, scope=scope, directory=str(directory))
            # rename(2) replaces an empty directory and refuses one that somebody filled meanwhile.
            work.rename(directory)
        except BaseException:  # whatever stopped us, an interrupt included: leave nothing half-written behind
            shutil.rmtree(work, ignore_errors=True)
            raise
    except OSError as error:
        raise UsageError(f"the export cannot be written: {error.strerror or error}", where=str(directory)) from error
    return summary


def _refuse_occupied(directory: Path) -> None:
    if directory.is_symlink() or (directory.exists() and (not directory.is_dir() or any(directory.iterdir()))):
        raise ConflictError("there is something already", where=str(directory), todo="name a new or empty directory")


class _Writer:
    """One run: the files written so far and their digests."""

    def __init__(
        self, work: Path, *, signer: NoteSigner, checkpoint: bytes, progress: Callable[[int], None] | None
    ) -> None:
        self._work = work
        self._signer = signer
        self._note = checkpoint
        self._head = open_checkpoint(checkpoint, key=signer.key)
        self._progress = progress
        self._files: dict[str, FileDigest] = {}
        self._tree = TreeBuilder()

    def write(
        self, entries: Iterable[bytes], disclosures: Iterable[Disclosure], *, scope: str, directory: str
    ) -> ExportSummary:
        disclosed = self._write_entries(entries, disclosures)
        for tile, data in self._tree.partial():
            self._put(tile.path, data)
        root = self._tree.frontier().root()
        if (self._tree.size, root) != (self._head.size, self._head.root):
            raise LogBrokenError(
                f"the {self._tree.size} entries do not have the root that the checkpoint signs for {self._head.size}",
                where=CHECKPOINT_FILE,
            )
        self._put(CHECKPOINT_FILE, self._note)
        self._put(VKEY_FILE, self._signer.key.encode().encode() + b"\n")
        manifest = Manifest(
            origin=self._head.origin,
            size=self._head.size,
            root=root,
            scope=scope,
            disclosed=disclosed,
            files=self._files,
        )
        note = sign_note(manifest.text(), self._signer)
        if len(note) > MAX_MANIFEST_BYTES:
            raise LimitError(
                f"the manifest would have {len(note)} bytes, and readers take {MAX_MANIFEST_BYTES}", where=MANIFEST_FILE
            )
        (self._work / MANIFEST_FILE).write_bytes(note)
        return ExportSummary(
            directory=directory,
            origin=manifest.origin,
            size=manifest.size,
            root=root,
            scope=scope,
            disclosed=disclosed,
            files=len(self._files) + 1,
        )

    def _write_entries(self, entries: Iterable[bytes], disclosures: Iterable[Disclosure]) -> int:
        """Write bundles, full tiles and disclosures in one pass; the number of disclosures."""
        digest, length, disclosed = sha256(), 0, 0
        pending = iter(disclosures)
        ahead = next(pending, None)
        with (self._work / DISCLOSED_FILE).open("wb") as lines:
            for first, bundle in _bundles(entries):
                self._write_bundle(first, bundle)
                while ahead is not None and ahead.index < first + len(bundle):
                    if not opens_entry(bundle[ahead.index - first], salt=ahead.salt, payload=ahead.payload):
                        raise LogBrokenError("the disclosure does not open its entry", where=f"entry {ahead.index}")
                    line = encode_disclosure(ahead)
                    lines.write(line)
                    digest.update(line)
                    length, disclosed = length + len(line), disclosed + 1
                    index, ahead = ahead.index, next(pending, None)
                    if ahead is not None and ahead.index <= index:
                        raise LogBrokenError("the disclosures are out of order", where=f"entry {ahead.index}")
                if self._progress:
                    self._progress(len(bundle))
        if ahead is not None:
            raise InputError(f"the log has no entry {ahead.index} to disclose", where=DISCLOSED_FILE)
        self._files[DISCLOSED_FILE] = FileDigest(sha256=digest.digest(), length=length)
        return disclosed

    def _write_bundle(self, first: int, bundle: list[bytes]) -> None:
        self._put(
            Tile(level=None, index=first // TILE_WIDTH, width=len(bundle)).path,
            encode_bundle(bundle),
        )
        for tile, data in self._tree.add(map(leaf_hash, bundle)):
            self._put(tile.path, data)

    def _put(self, path: str, data: bytes) -> None:
        target = self._work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._files[path] = FileDigest(sha256=sha256(data).digest(), length=len(data))


def _bundles(entries: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """The entries in runs of 256, each with the index of its first."""
    source = iter(entries)
    first = 0
    while bundle := list(islice(source, TILE_WIDTH)):
        yield first, bundle
        first += len(bundle)
