"""Whether a snapshot is of the history that this process has seen.

What a process keeps in memory is good for counters and ids of the database: of policy changes, labels, offers. A
database that lost commits counts on from before them, with other facts under the same numbers: a standby took over
that had not received them, or a copy was restored below a running server. The log tells: its entries are salted, so
that the hash of one leaf stands for that very commit, and for all before it (docs/adr/0073).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from tocsin.errors import StoreBrokenError
from tocsin.kernel.kept import Kept
from tocsin.log.store import Mark, read_mark

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.db import Store

__all__ = ["Lineage"]

# Heads behind the newest one that were found to be of our history: what threads and replicas hold at one time.
KEPT: Final = 256


class _Newest(NamedTuple):
    size: int
    root: bytes
    leaf: bytes | None  # of entry size - 1; None: the log is empty


class Lineage:
    """The newest head of one log that this process saw committed in the database, and what follows from it."""

    def __init__(self, *, store: Store, environment: int) -> None:
        self._store = store
        self._environment = environment
        self._newest: _Newest | None = None
        self._older: Kept[int, bytes] = Kept(KEPT)  # size -> root
        self._lock = threading.Lock()

    def require(self, connection: Connection) -> None:
        """Refuse a snapshot or transaction of the database that lacks what was seen before.

        Once it refused, it refuses all that come: nothing else but a new process forgets.

        Raises:
            StoreBrokenError: it lacks it.
        """
        if self._newest is None:
            # what a writer has not committed yet may never be there: what was before it is
            with self._store.read() as now:
                self.see(now)
        self._held(connection)

    def see(self, connection: Connection) -> Mark | None:
        """Refuse as ``require`` does; return and remember the head. For snapshots of the database only.

        A replica may have what its database does not show yet: remembered, it would be missed later.

        Raises:
            StoreBrokenError: the snapshot lacks what was seen before.
        """
        mark = self._held(connection)
        if mark is not None and (self._newest is None or mark.size > self._newest.size):
            with self._lock:
                newest = self._newest
                if newest is None or mark.size > newest.size:
                    if newest is not None:
                        self._older.put(newest.size, newest.root)
                    self._newest = _Newest(mark.size, mark.root, mark.leaf)
        return mark

    def same(self, connection: Connection) -> tuple[Mark | None, bool]:
        """Return the head, and whether a snapshot, be it a replica's, is of the history seen: before or after it."""
        newest = self._newest
        mark = read_mark(connection, self._environment, -1 if newest is None else newest.size - 1)
        return mark, newest is None or (mark is not None and self._follows(mark, newest))

    def _held(self, connection: Connection) -> Mark | None:
        mark, same = self.same(connection)
        if not same:
            raise StoreBrokenError(
                "the database lost what this process had read in it",
                todo="start every process of this hub anew, and tell the members that the log went back",
            )
        return mark

    def _follows(self, mark: Mark, newest: _Newest) -> bool:
        if mark.size == newest.size:
            return mark.root == newest.root
        if mark.size > newest.size:
            return mark.known == newest.leaf
        if self._older.get(mark.size) == mark.root:
            return True
        # older than what another thread saw meanwhile, which is nothing unusual: the database as it is now has both
        with self._store.read() as connection:
            now = read_mark(connection, self._environment, newest.size - 1)
            then = read_mark(connection, self._environment, mark.size - 1)
        if now is None or then is None or (now.known, then.known) != (newest.leaf, mark.leaf):
            return False
        self._older.put(mark.size, mark.root)
        return True
