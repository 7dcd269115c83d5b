"""The tree as files: tiles of hashes and bundles of entries, named and encoded as C2SP tlog-tiles says.

A *tile* holds up to 256 hashes of consecutive complete subtrees of one height (tile level ``l`` = tree level ``8 l``);
a *bundle* holds the entries beneath one tile of level 0. The rightmost ones are partial, and say their width.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from tocsin.errors import InputError, LimitError, LogBrokenError
from tocsin.log.merkle import HASH_BYTES, MAX_TREE_SIZE, Frontier, HashAt, root_of

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_ENTRY_BYTES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "ReadTile",
    "Tile",
    "TreeBuilder",
    "bundles_of",
    "decode_bundle",
    "decode_tile",
    "encode_bundle",
    "encode_tile",
    "hash_reader",
    "tiles_of",
]

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

# A bundle gives the length of an entry in two bytes (tlog-tiles, "Log entries").
MAX_ENTRY_BYTES = 0xFFFF
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)

# tlog-tiles, "Merkle Tree": levels are 0 to 63.
_MAX_TILE_LEVEL = 63

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """The name of one tile of hashes or, when ``level`` is None, of one bundle of entries.

    Raises:
        InputError: no tree has such a tile.

    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= _MAX_TILE_LEVEL:
            raise InputError(f"a tile's level is 0 to {_MAX_TILE_LEVEL}, not {self.level}", where="tile")
        if not 0 <= self.index <= MAX_TREE_SIZE or not 1 <= self.width <= TILE_WIDTH:
            raise InputError(f"no tile has index {self.index} and width {self.width}", where="tile")

    @property
    def path(self) -> str:
        """Its path below the log's prefix: ``tile/0/x001/067``, a partial one ``tile/0/x001/067.p/8``."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        kind = "entries" if self.level is None else str(self.level)
        return f"tile/{kind}/{name}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile that a path names.

        Raises:
            InputError: the path is not one that ``path`` would give.

        """
        match = _PATH.fullmatch(path)
        if match:
            kind, name, width = match.groups()
            index = int(name.replace("/", "").replace("x", ""))
            level = None if kind == "entries" else int(kind)
            if (level or 0) <= _MAX_TILE_LEVEL and index <= MAX_TREE_SIZE and int(width or 1) < TILE_WIDTH:
                tile = cls(level=level, index=index, width=int(width or TILE_WIDTH))
                if tile.path == path:
                    return tile
        raise InputError(
            "this is not the path of a tile",
            where=path[:100],
            todo="a path looks like tile/0/x001/067, tile/entries/000 or tile/1/000.p/17",
        )


def bundles_of(size: int) -> Iterator[Tile]:
    """The bundles that hold the entries of a tree of ``size``, from left to right."""
    return _row_of(size, None)


def tiles_of(size: int) -> Iterator[Tile]:
    """The tiles of a tree of ``size``, level by level from the leaves up, each level from left to right."""
    level, hashes = 0, size
    while hashes:
        yield from _row_of(hashes, level)
        level, hashes = level + 1, hashes >> TILE_HEIGHT


def _row_of(count: int, level: int | None) -> Iterator[Tile]:
    for index in range(count >> TILE_HEIGHT):
        yield Tile(level=level, index=index)
    if count % TILE_WIDTH:
        yield Tile(level=level, index=count >> TILE_HEIGHT, width=count % TILE_WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle: each entry after its length, two bytes, big end first.

    Raises:
        LimitError: an entry or the bundle is too large.

    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise LimitError(f"a bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}", where="entry bundle")
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise LimitError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(entry)}", where="entry bundle")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, *, width: int, where: str) -> list[bytes]:
    """The entries of a bundle that must hold exactly ``width`` of them.

    Raises:
        LogBrokenError: it is cut off, or holds more or fewer.

    """
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > end or at > end:
            raise LogBrokenError(f"the bundle is cut off within its entry {len(entries)}", where=where)
        entries.append(data[start:at])
    if len(entries) != width:
        raise LogBrokenError(f"the bundle holds {len(entries)} entries, not {width}", where=where)
    return entries


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile: its hashes, one after the other.

    Raises:
        LimitError: there are none or more than a tile holds.

    """
    if not 1 <= len(hashes) <= TILE_WIDTH:
        raise LimitError(f"a tile holds 1 to {TILE_WIDTH} hashes, not {len(hashes)}", where="tile")
    return b"".join(hashes)


def decode_tile(data: bytes, *, width: int, where: str) -> list[bytes]:
    """The hashes of a tile that must hold exactly ``width`` of them.

    Raises:
        LogBrokenError: its length is another.

    """
    if len(data) != width * HASH_BYTES:
        raise LogBrokenError(f"the tile has {len(data)} bytes, not {width * HASH_BYTES}", where=where)
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


ReadTile: TypeAlias = Callable[[Tile], bytes]
"""Reads the bytes of one tile of hashes."""


def hash_reader(read: ReadTile, *, size: int) -> HashAt:
    """What the makers of proofs read from, given the tiles of a tree of ``size``.

    Each tile is read once and kept as long as the reader lives, which is meant to be one proof.
    """
    rows: dict[Tile, list[bytes]] = {}

    def hash_at(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        start = first - first % TILE_WIDTH
        width = min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - start)
        offset, count = first - start, 1 << height
        if index < 0 or offset + count > width:
            raise InputError(f"a tree of {size} entries has no subtree {index} at level {level}", where="tile")
        tile = Tile(level=tile_level, index=start >> TILE_HEIGHT, width=width)
        if tile not in rows:
            rows[tile] = decode_tile(read(tile), width=width, where=tile.path)
        return root_of(rows[tile][offset : offset + count])

    return hash_at


class TreeBuilder:
    """Makes the tiles of a tree from its leaf hashes, in one pass, holding one open row a level.

    Full tiles leave it as they fill; the partial ones and the frontier can be asked for at any time.
    """

    def __init__(self) -> None:
        self.size = 0
        self._open: list[list[bytes]] = []
        self._full: list[int] = []

    def add(self, leaves: Iterable[bytes]) -> list[tuple[Tile, bytes]]:
        """Append leaf hashes; the tiles that became full, each after those that it is made of."""
        done: list[tuple[Tile, bytes]] = []
        before = len(self._open[0]) + self._full[0] * TILE_WIDTH if self._open else 0
        self._add(0, leaves, done)
        self.size += len(self._open[0]) + self._full[0] * TILE_WIDTH - before
        return done

    def partial(self) -> list[tuple[Tile, bytes]]:
        """The tiles that are not full, from the leaves up."""
        return [
            (Tile(level=level, index=self._full[level], width=len(row)), encode_tile(row))
            for level, row in enumerate(self._open)
            if row
        ]

    def frontier(self) -> Frontier:
        """The frontier of the tree so far, whose ``root()`` is its root."""
        peaks = []
        for row in reversed(self._open):
            at = 0
            for height in reversed(range(TILE_HEIGHT)):
                if len(row) >> height & 1:
                    peaks.append(root_of(row[at : at + (1 << height)]))
                    at += 1 << height
        return Frontier(size=self.size, peaks=tuple(peaks))

    def _add(self, level: int, hashes: Iterable[bytes], done: list[tuple[Tile, bytes]]) -> None:
        if level == len(self._open):
            self._open.append([])
            self._full.append(0)
        row = self._open[level]
        row.extend(hashes)
        while len(row) >= TILE_WIDTH:
            full = row[:TILE_WIDTH]
            del row[:TILE_WIDTH]
            done.append((Tile(level=level, index=self._full[level]), encode_tile(full)))
            self._full[level] += 1
            self._add(level + 1, [root_of(full)], done)
