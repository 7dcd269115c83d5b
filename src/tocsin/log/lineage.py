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
from tocsin.log.store import Mark, read_leaf, read_mark

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

    def require(self, connection: Connection, mark: Mark) -> None:
        """Refuse a snapshot or transaction of the database, whose head is ``mark``, that lacks what was seen before.

        Once it refused, it refuses all that come: nothing else but a new process forgets.

        Raises:
            StoreBrokenError: it lacks it.
        """
        if self._newest is None:
            # what a writer has not committed yet may never be there: what was before it is
            with self._store.read() as now:
                before = read_mark(now, self._environment)
                if before is not None:
                    self.see(now, before)
        self._refuse(connection, mark)

    def see(self, connection: Connection, mark: Mark) -> None:
        """Refuse as ``require`` does, and remember the head; for snapshots of the database only.

        A replica may have what its database does not show yet: remembered, it would be missed later.

        Raises:
            StoreBrokenError: the snapshot lacks what was seen before.
        """
        self._refuse(connection, mark)
        newest = self._newest
        if newest is not None and mark.size <= newest.size:
            return
        seen = _Newest(mark.size, mark.root, self._leaf(connection, mark.size))
        with self._lock:
            if self._newest is None or self._newest.size < seen.size:
                if self._newest is not None:
                    self._older.put(self._newest.size, self._newest.root)
                self._newest = seen

    def _refuse(self, connection: Connection, mark: Mark) -> None:
        if not self.holds(connection, mark):
            raise StoreBrokenError(
                "the database lost what this process had read in it",
                todo="start every process of this hub anew, and tell the members that the log went back",
            )

    def holds(self, connection: Connection, mark: Mark) -> bool:
        """Return whether a snapshot, be it a replica's, is of the history that was seen: before or after it."""
        newest = self._newest
        if newest is None or not mark.size:
            return newest is None or not newest.size or self._is_before(mark, None)
        if mark.size == newest.size:
            return mark.root == newest.root
        if mark.size > newest.size:
            return self._leaf(connection, newest.size) == newest.leaf
        if self._older.get(mark.size) == mark.root:
            return True
        if not self._is_before(mark, self._leaf(connection, mark.size)):
            return False
        self._older.put(mark.size, mark.root)
        return True

    def _is_before(self, mark: Mark, leaf: bytes | None) -> bool:
        """Return whether the database as it is now has both this head, and the newest that was seen.

        A snapshot that is older than what another thread saw meanwhile is nothing unusual.
        """
        newest = self._newest
        if newest is None:
            return True
        with self._store.read() as now:
            return (self._leaf(now, mark.size), self._leaf(now, newest.size)) == (leaf, newest.leaf)

    def _leaf(self, connection: Connection, size: int) -> bytes | None:
        return read_leaf(connection, self._environment, size - 1) if size else None
