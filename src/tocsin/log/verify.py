"""Checks an export with nothing but the export: no database, no network.

The steps, whose numbers the errors carry:

1. Every file is a plain file or directory, within its bounds, and the fixed ones are there.
2. The key signed the checkpoint and the manifest, and both speak of the same log at the same size and root.
3. The entries hash to the root that the checkpoint signs: none is changed, dropped, added or moved.
4. The tiles are those of the entries.
5. Each disclosure opens the commitment of its entry, each entry at most once.
6. The directory holds just the files that the manifest lists, with their digests, and as many disclosures as it says.

What no outsider can check alone: that the hub shows everybody the same log (compare checkpoints, ask a witness), and
that this export is the newest.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from tocsin.errors import InputError, LogBrokenError, NotFoundError
from tocsin.log.checkpoint import Checkpoint, open_checkpoint
from tocsin.log.commitment import opens_entry
from tocsin.log.export import CHECKPOINT_FILE, DISCLOSED_FILE, MANIFEST_FILE, VKEY_FILE
from tocsin.log.manifest import (
    MAX_DISCLOSURE_LINE,
    MAX_MANIFEST_BYTES,
    FileDigest,
    Manifest,
    decode_disclosure,
    parse_manifest,
)
from tocsin.log.merkle import HASH_BYTES, leaf_hash
from tocsin.log.model import Disclosure, EntryPayload, decode_payload
from tocsin.log.note import MAX_NOTE_BYTES, MAX_VKEY_CHARS, VerifierKey, open_note
from tocsin.log.tiles import (
    MAX_BUNDLE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TreeBuilder,
    bundles_of,
    decode_bundle,
    tiles_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["STEPS", "Disclosures", "Verified", "verify_export"]

STEPS = {
    1: "the files are there and within bounds",
    2: "the signatures hold",
    3: "the entries have the signed root",
    4: "the tiles are those of the entries",
    5: "the disclosures open their entries",
    6: "the manifest lists all there is",
}

# Two files for each 256 entries: as many as the largest manifest can list, and some directories.
_MAX_FILES = 700_000

_FIXED_FILES = (CHECKPOINT_FILE, DISCLOSED_FILE, MANIFEST_FILE, VKEY_FILE)
_TILE_BYTES = TILE_WIDTH * HASH_BYTES


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """An export that passed every step.

    ``pinned`` says whether the key came from the caller. When it did not, ``caveat`` says what that leaves open.
    """

    origin: str
    size: int
    root: bytes
    vkey: str
    fingerprint: str
    pinned: bool
    scope: str
    disclosed: int
    files: int

    @property
    def caveat(self) -> str | None:
        """What the check does not show, in one sentence; None if the key was pinned."""
        if self.pinned:
            return None
        return (
            "The key was taken from the export itself: this shows that the export is whole, not who made it. "
            f"Ask {self.origin} on another way for its key, compare it with {self.vkey}, and verify against it."
        )


def verify_export(
    directory: Path, *, trusted_vkey: str | None = None, progress: Callable[[int], None] | None = None
) -> Verified:
    """Check an export, step by step (see the module).

    Args:
        directory: the export.
        trusted_vkey: the hub's verifier key, from elsewhere. Without it the directory's own is taken on trust.
        progress: called after each bundle with the number of entries in it.

    Raises:
        LogBrokenError: it does not verify; says the step, the file and, where there is one, the entry.
        NotFoundError: there is no such directory.
        InputError: ``trusted_vkey`` is not a verifier key.

    """
    trusted = VerifierKey.parse(trusted_vkey, where="the trusted key") if trusted_vkey is not None else None
    run = _Run(directory)
    run.look_around()
    key, head, manifest = run.check_signatures(trusted)
    run.check_tree(head, progress)
    disclosed = run.check_disclosures(head)
    run.check_manifest(head, manifest, disclosed)
    return Verified(
        origin=head.origin,
        size=head.size,
        root=head.root,
        vkey=key.encode(),
        fingerprint=key.fingerprint,
        pinned=trusted is not None,
        scope=manifest.scope,
        disclosed=disclosed,
        files=len(manifest.files) + 1,
    )


class Disclosures:
    """The disclosed payloads with their indices, rising: read anew each time they are walked over, and never held.

    Only for an export that verified: nothing is checked. Walking over them raises LogBrokenError when the file or a
    line in it cannot be read, and InputError when a payload is of a version that is not known here, or no payload.
    ``progress`` is called with 1 for each.
    """

    def __init__(self, directory: Path, progress: Callable[[int], None] | None = None) -> None:
        self._directory = directory
        self._progress = progress

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        with _step(5, DISCLOSED_FILE), _open(self._directory, DISCLOSED_FILE) as lines:
            for _, disclosure in _disclosures(lines):
                yield disclosure.index, decode_payload(disclosure.payload, where=f"entry {disclosure.index}")
                if self._progress is not None:
                    self._progress(1)


class _Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first tile that differs from the entries, and the first entry beneath the hash that differs."""

    tile: Tile
    entry: int

    @property
    def bundle(self) -> str:
        """The path, up to its width, of the bundle that holds the entry."""
        return Tile(level=None, index=self.entry // TILE_WIDTH).path


class _Run:
    """One verification: what has been read so far, and what it hashed to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._present: set[str] = set()
        self._digests: dict[str, FileDigest] = {}

    def look_around(self) -> None:
        """Step 1. Nothing is followed: a link or a device is refused where it stands."""
        if not self._directory.is_dir():
            raise NotFoundError("there is no such directory", where=str(self._directory))
        with _step(1, "."):
            self._walk()
            missing = [name for name in _FIXED_FILES if name not in self._present]
            if missing:
                raise LogBrokenError("the file is missing", where=missing[0])

    def check_signatures(self, trusted: VerifierKey | None) -> tuple[VerifierKey, Checkpoint, Manifest]:
        """Step 2."""
        with _step(2, VKEY_FILE):
            text = self._read(VKEY_FILE, 4 * MAX_VKEY_CHARS + 1).decode("utf-8", errors="replace")
            try:
                key = VerifierKey.parse(text.removesuffix("\n"), where=VKEY_FILE)
            except InputError as error:
                raise LogBrokenError(error.what, where=VKEY_FILE) from error
            if trusted is not None and trusted != key:
                raise LogBrokenError(
                    f"the export is signed with {key.encode()}, not with the key that you trust, {trusted.encode()}",
                    where=VKEY_FILE,
                )
        with _step(2, CHECKPOINT_FILE):
            head = open_checkpoint(self._read(CHECKPOINT_FILE, MAX_NOTE_BYTES), key=key)
        with _step(2, MANIFEST_FILE):
            data = self._read(MANIFEST_FILE, MAX_MANIFEST_BYTES)
            note = open_note(data, keys=[key], where=MANIFEST_FILE, limit=MAX_MANIFEST_BYTES)
            if len(note.signatures) != 1:
                # Nothing lists the digest of the manifest, so that a line added to it has to be refused here.
                raise LogBrokenError("a manifest has one signature, no more", where=MANIFEST_FILE)
            manifest = parse_manifest(note.text, where=MANIFEST_FILE)
            if (manifest.origin, manifest.size, manifest.root) != (head.origin, head.size, head.root):
                raise LogBrokenError("the manifest was made for another checkpoint", where=MANIFEST_FILE)
        return key, head, manifest

    def check_tree(self, head: Checkpoint, progress: Callable[[int], None] | None) -> None:
        """Steps 3 and 4, in one pass over entries and tiles.

        Whether a tile or an entry is at fault when the two differ, only the root tells; so the first difference is kept
        until the root is known.
        """
        tree = TreeBuilder()
        found: _Difference | None = None
        for bundle in bundles_of(head.size):
            with _step(3, bundle.path):
                entries = decode_bundle(
                    self._read(bundle.path, MAX_BUNDLE_BYTES), width=bundle.width, where=bundle.path
                )
                full = tree.add(map(leaf_hash, entries))
            for tile, data in full:
                found = found or self._compare(tile, data)
            if progress:
                progress(len(entries))
        for tile, data in tree.partial():
            found = found or self._compare(tile, data)
        if tree.frontier().root() != head.root:
            with _step(3, CHECKPOINT_FILE):
                if found is None:
                    raise LogBrokenError("the entries and the tiles are those of another tree than the signed one")
                raise LogBrokenError(
                    "the entries do not have the signed root; this is the first that its tile does not confirm",
                    where=f"{found.bundle}, entry {found.entry}",
                )
        if found is not None:
            with _step(4, found.tile.path):
                raise LogBrokenError("the tile is not that of the entries", where=found.tile.path)

    def check_disclosures(self, head: Checkpoint) -> int:
        """Step 5; the number of disclosures. The bundles are read again as the disclosures go by."""
        digest, length, count = sha256(), 0, 0
        bundles = bundles_of(head.size)
        first, entries = 0, list[bytes]()
        with _step(5, DISCLOSED_FILE), _open(self._directory, DISCLOSED_FILE) as lines:
            for line, disclosure in _disclosures(lines):
                where = f"{DISCLOSED_FILE}, line {count + 1}"
                if disclosure.index >= head.size:
                    raise LogBrokenError(f"the log has no entry {disclosure.index}", where=where)
                while disclosure.index >= first + len(entries):
                    first, entries = first + len(entries), self._again(next(bundles))
                if not opens_entry(entries[disclosure.index - first], salt=disclosure.salt, payload=disclosure.payload):
                    raise LogBrokenError(f"this is not what entry {disclosure.index} commits to", where=where)
                digest.update(line)
                length, count = length + len(line), count + 1
        self._digests[DISCLOSED_FILE] = FileDigest(sha256=digest.digest(), length=length)
        return count

    def check_manifest(self, head: Checkpoint, manifest: Manifest, disclosed: int) -> None:
        """Step 6. What is there, what the size asks for and what the manifest lists are the same files."""
        with _step(6, MANIFEST_FILE):
            wanted = {CHECKPOINT_FILE, DISCLOSED_FILE, VKEY_FILE}
            wanted.update(tile.path for tile in tiles_of(head.size))
            wanted.update(bundle.path for bundle in bundles_of(head.size))
            if unlisted := wanted ^ manifest.files.keys():
                raise LogBrokenError("the manifest lists other files than this log has", where=_shown(min(unlisted)))
            listed = {*wanted, MANIFEST_FILE}
            folders = {str(parent) + "/" for path in wanted for parent in Path(path).parents if parent.name}
            if added := self._present - listed - folders:
                raise LogBrokenError("this was added to the export", where=_shown(min(added)))
            for path in sorted(wanted):
                if self._digests[path] != manifest.files[path]:
                    raise LogBrokenError("the file is not the one that the manifest lists", where=path)
            if disclosed != manifest.disclosed:
                raise LogBrokenError(
                    f"{disclosed} entries are disclosed, the manifest says {manifest.disclosed}", where=DISCLOSED_FILE
                )

    def _compare(self, tile: Tile, expected: bytes) -> _Difference | None:
        """Read a tile; where it first differs from ``expected``, as the index of an entry beneath."""
        with _step(4, tile.path):
            data = self._read(tile.path, _TILE_BYTES)
        if data == expected:
            return None
        same = next(
            (at for at, (left, right) in enumerate(zip(data, expected, strict=False)) if left != right),
            min(len(data), len(expected) - 1),
        )
        entry = (tile.index * TILE_WIDTH + same // HASH_BYTES) << TILE_HEIGHT * (tile.level or 0)
        return _Difference(tile=tile, entry=entry)

    def _again(self, bundle: Tile) -> list[bytes]:
        before = self._digests[bundle.path]
        data = self._read(bundle.path, MAX_BUNDLE_BYTES)
        if self._digests[bundle.path] != before:
            raise LogBrokenError("the file changed while it was being verified", where=bundle.path)
        return decode_bundle(data, width=bundle.width, where=bundle.path)

    def _read(self, path: str, limit: int) -> bytes:
        """The bytes of a file of at most ``limit`` bytes, whose digest is kept for step 6."""
        with _open(self._directory, path) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise LogBrokenError(f"the file has more than {limit} bytes", where=path)
        self._digests[path] = FileDigest(sha256=sha256(data).digest(), length=len(data))
        return data

    def _walk(self) -> None:
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            with os.scandir(self._directory / prefix) as found:
                for item in found:
                    path = prefix + item.name
                    if item.is_dir(follow_symlinks=False):
                        path += "/"
                        waiting.append(path)
                    elif not item.is_file(follow_symlinks=False):
                        raise LogBrokenError("an export has plain files and directories only", where=_shown(path))
                    self._present.add(path)
                    if len(self._present) > _MAX_FILES:
                        raise LogBrokenError(f"there are more than {_MAX_FILES} files", where=_shown(path))


def _shown(path: str) -> str:
    """A stranger's file name, safe to print: what is not plain ASCII is escaped, and an endless one is cut."""
    return ascii(path)[1:-1][:200]


def _disclosures(lines: IO[bytes]) -> Iterator[tuple[bytes, Disclosure]]:
    """The lines of the file with what they say; rising by index, and none longer than its bound."""
    last, number = -1, 0
    while line := lines.readline(MAX_DISCLOSURE_LINE + 1):
        number += 1
        where = f"{DISCLOSED_FILE}, line {number}"
        if len(line) > MAX_DISCLOSURE_LINE or not line.endswith(b"\n"):
            raise LogBrokenError(f"the line is cut off or longer than {MAX_DISCLOSURE_LINE} bytes", where=where)
        disclosure = decode_disclosure(line, where=where)
        if disclosure.index <= last:
            raise LogBrokenError(f"entry {disclosure.index} is disclosed twice or out of order", where=where)
        last = disclosure.index
        yield line, disclosure


@contextmanager
def _open(directory: Path, path: str) -> Iterator[IO[bytes]]:
    """Open a plain file for reading, and nothing else: a link is not followed, a pipe does not block."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(directory / path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise LogBrokenError("this is not a plain file", where=path)
        yield file


@contextmanager
def _step(number: int, path: str) -> Iterator[None]:
    """Give what goes wrong within the number of its step and, unless it has one, the name of the file."""
    try:
        yield
    except OSError as error:
        raise LogBrokenError(
            f"step {number} ({STEPS[number]}) failed: cannot be read: {error.strerror or error}", where=path
        ) from error
    except LogBrokenError as error:
        raise LogBrokenError(
            f"step {number} ({STEPS[number]}) failed: {error.what}", where=error.where or path, todo=error.todo
        ) from error
