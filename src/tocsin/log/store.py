"""Rows of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from sqlalchemy import bindparam, func, select, update

from tocsin.errors import LogBrokenError
from tocsin.kernel.clock import Micros
from tocsin.log.merkle import HASH_BYTES, Frontier, Node
from tocsin.log.tables import LOG_ENTRIES, LOG_HEADS, LOG_NODES
from tocsin.log.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, encode_tile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy import Row as SqlRow

    from tocsin.kernel.db.adapter import Adapter

__all__ = ["Head", "Mark", "Row"]

# Asked by every request: built once.
_HEAD = select(LOG_HEADS).where(LOG_HEADS.c.environment == bindparam("environment"))
_AT = select(LOG_HEADS.c.at).where(LOG_HEADS.c.environment == bindparam("environment"))
_NEW_HEAD = (
    update(LOG_HEADS)
    .where(LOG_HEADS.c.environment == bindparam("of"))
    .values({name: bindparam(name) for name in ("origin", "size", "root", "peaks", "checkpoint", "at")})
)
# One statement, however far the log has grown: that a log grew is not to be told by the work it makes.
_MARK = select(
    LOG_HEADS.c.size,
    LOG_HEADS.c.root,
    LOG_HEADS.c.at,
    select(LOG_ENTRIES.c.leaf)
    .where(LOG_ENTRIES.c.environment == LOG_HEADS.c.environment, LOG_ENTRIES.c.idx == LOG_HEADS.c.size - 1)
    .scalar_subquery()
    .label("leaf"),
    select(LOG_ENTRIES.c.leaf)
    .where(LOG_ENTRIES.c.environment == LOG_HEADS.c.environment, LOG_ENTRIES.c.idx == bindparam("known"))
    .scalar_subquery()
    .label("known"),
).where(LOG_HEADS.c.environment == bindparam("environment"))

# How many rows a walk over the whole log holds at once, and how many bytes of payloads unless one alone has more: a
# release of a thousand objects has 10 kB, a submission of 10⁵ some MB.
_STEP = 2_000
_STEP_BYTES = 4 * 1024 * 1024


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest state of a log."""

    origin: str
    frontier: Frontier
    checkpoint: bytes
    at: Micros


class Mark(NamedTuple):
    """What tells one head from another, and its instant."""

    size: int
    root: bytes
    at: Micros
    leaf: bytes | None  # of the newest entry; None: there is none
    known: bytes | None  # of the entry that was asked for


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is stored; ``salt`` and ``payload`` are None once purged."""

    index: int
    kind: str
    at: Micros
    concerns: tuple[str, ...]
    entry: bytes
    leaf: bytes
    salt: bytes | None
    payload: bytes | None


def read_head(connection: Connection, environment: int) -> Head | None:
    """Return the head, or None for an environment that was never founded."""
    row = connection.execute(_HEAD, {"environment": environment}).first()
    if row is None:
        return None
    peaks = tuple(row.peaks[start : start + HASH_BYTES] for start in range(0, len(row.peaks), HASH_BYTES))
    frontier = Frontier(size=row.size, peaks=peaks)
    if frontier.root() != row.root:
        raise LogBrokenError("the stored root is not that of the stored peaks", where="log_heads")
    return Head(origin=row.origin, frontier=frontier, checkpoint=row.checkpoint.encode(), at=row.at)


def read_at(connection: Connection, environment: int) -> Micros | None:
    """Return the instant of the newest entry, without reading the tree."""
    return connection.execute(_AT, {"environment": environment}).scalar_one_or_none()


def read_mark(connection: Connection, environment: int, known: int = -1) -> Mark | None:
    """Return what tells the head from others, without reading the tree, and the leaf of the entry ``known``."""
    row = connection.execute(_MARK, {"environment": environment, "known": known}).first()
    return None if row is None else Mark(*row)


def raise_at(connection: Connection, environment: int, at: Micros) -> None:
    """Move the instant of the head on; the tree stays."""
    connection.execute(
        update(LOG_HEADS).where(LOG_HEADS.c.environment == environment, LOG_HEADS.c.at < at).values(at=at)
    )


def write_head(connection: Connection, environment: int, head: Head, *, new: bool = False) -> None:
    """Replace the head, or enter the first one."""
    values = {
        "origin": head.origin,
        "size": head.frontier.size,
        "root": head.frontier.root(),
        "peaks": b"".join(head.frontier.peaks),
        "checkpoint": head.checkpoint.decode(),
        "at": head.at,
    }
    if new:
        connection.execute(LOG_HEADS.insert().values(environment=environment, **values))
    else:
        connection.execute(_NEW_HEAD, {"of": environment, **values})


def add_entries(connection: Connection, adapter: Adapter, environment: int, rows: Sequence[Row]) -> None:
    """Enter new entries."""
    columns = ("environment", "idx", "kind", "at", "concerns", "entry", "leaf", "salt", "payload")
    adapter.bulk_insert(
        connection,
        LOG_ENTRIES,
        columns,
        [
            (
                environment,
                row.index,
                row.kind,
                row.at,
                "\n".join(row.concerns),
                row.entry,
                row.leaf,
                row.salt,
                row.payload,
            )
            for row in rows
        ],
    )


def add_nodes(connection: Connection, adapter: Adapter, environment: int, nodes: Sequence[Node]) -> None:
    """Enter the hashes of tiles that became whole."""
    adapter.bulk_insert(
        connection,
        LOG_NODES,
        ("environment", "level", "idx", "hash"),
        [(environment, node.level, node.index, node.hash) for node in whole(nodes)],
    )


def whole(nodes: Sequence[Node]) -> list[Node]:
    """Return those nodes that are the hash of a whole tile: the ones that are stored."""
    return [node for node in nodes if node.level and node.level % TILE_HEIGHT == 0]


def count_nodes(connection: Connection, environment: int) -> int:
    """Return how many hashes of whole tiles are stored."""
    query = select(func.count()).select_from(LOG_NODES).where(LOG_NODES.c.environment == environment)
    return int(connection.execute(query).scalar_one())


def count_purged(connection: Connection, environment: int) -> int:
    """Return how many entries were purged."""
    query = select(func.count()).select_from(LOG_ENTRIES)
    purged = query.where(LOG_ENTRIES.c.environment == environment, LOG_ENTRIES.c.payload.is_(None))
    return int(connection.execute(purged).scalar_one())


def read_rows(
    connection: Connection, environment: int, start: int = 0, stop: int | None = None, *, kinds: Collection[str] = ()
) -> Iterator[Row]:
    """Walk over entries ``start`` to ``stop`` (exclusive), in order: those of some kinds, or all.

    No more than some thousand of them, and some MB, are held at a time.
    """
    chosen = [LOG_ENTRIES.c.environment == environment]
    if kinds:
        chosen.append(LOG_ENTRIES.c.kind.in_(sorted(kinds)))
    if stop is not None:
        chosen.append(LOG_ENTRIES.c.idx < stop)
    while True:
        following = (
            select(LOG_ENTRIES.c.idx, func.length(LOG_ENTRIES.c.payload))
            .where(*chosen, LOG_ENTRIES.c.idx >= start)
            .order_by(LOG_ENTRIES.c.idx)
            .limit(_STEP)
        )
        last = _last_that_fits(connection.execute(following).all())
        if last is None:
            return
        step = select(LOG_ENTRIES).where(*chosen, LOG_ENTRIES.c.idx >= start, LOG_ENTRIES.c.idx <= last)
        for row in connection.execute(step.order_by(LOG_ENTRIES.c.idx)).all():
            yield Row(
                index=row.idx,
                kind=row.kind,
                at=row.at,
                concerns=tuple(row.concerns.split("\n")) if row.concerns else (),
                entry=row.entry,
                leaf=row.leaf,
                salt=row.salt,
                payload=row.payload,
            )
        start = last + 1


def _last_that_fits(sizes: Sequence[SqlRow[int, int | None]]) -> int | None:
    """Return the index up to which entries are read together, given indices and sizes; None: there are none."""
    last, total = None, 0
    for index, size in sizes:
        total += size or 0
        if last is not None and total > _STEP_BYTES:
            break
        last = index
    return last


def read_tile(connection: Connection, environment: int, tile: Tile) -> bytes:
    """Return the bytes of a hash tile (C2SP tlog-tiles).

    Raises:
        LogBrokenError: hashes that it needs are not stored.
    """
    first = tile.index * TILE_WIDTH
    if tile.level:
        query = select(LOG_NODES.c.hash).where(
            LOG_NODES.c.environment == environment,
            LOG_NODES.c.level == tile.level * TILE_HEIGHT,
            LOG_NODES.c.idx >= first,
            LOG_NODES.c.idx < first + tile.width,
        )
        hashes = connection.execute(query.order_by(LOG_NODES.c.idx)).scalars().all()
    else:
        query = select(LOG_ENTRIES.c.leaf).where(
            LOG_ENTRIES.c.environment == environment,
            LOG_ENTRIES.c.idx >= first,
            LOG_ENTRIES.c.idx < first + tile.width,
        )
        hashes = connection.execute(query.order_by(LOG_ENTRIES.c.idx)).scalars().all()
    if len(hashes) != tile.width:
        raise LogBrokenError(f"{tile.width - len(hashes)} hashes are missing", where=tile.path)
    return encode_tile(hashes)
