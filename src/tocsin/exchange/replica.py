"""Pages from a streaming replica: never behind in policy, and never far behind in anything else.

A replica is asked when it has replayed the last change of policy that the database itself knows of at this moment, and
what was logged until ``MAX_LAG`` ago. The release is staged in the database itself, which compares the reader's slice
and the count of withdrawn offers once more: what was changed since is found there. A page that the replica cannot give
is made from the database, and a replica that does not answer is left alone for a while.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from tocsin.agreements.store import policy_epoch
from tocsin.errors import BusyError
from tocsin.kernel.clock import SECOND, Micros
from tocsin.log.store import read_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store

__all__ = ["MAX_LAG", "NotCurrentError", "Replica"]

# How much of what was logged a replica may lack: new objects come this much later at most.
MAX_LAG: Final[Micros] = 10 * SECOND
# Seconds for which a replica that failed is not asked again: an attempt to reach it may take as long as a time-out.
REST_SECONDS: Final = 5.0


class NotCurrentError(Exception):
    """The replica cannot give this page; the database itself can. Never leaves the room."""


class Replica:
    """The replica of a store, if it has one, as readers of one environment may use it."""

    def __init__(self, *, store: Store, environment: int) -> None:
        self._store = store
        self._environment = environment
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def may_serve(self) -> bool:
        """Return whether there is one, and it did not fail a moment ago."""
        return self._store.replica is not None and time.monotonic() >= self._rests_until

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot of the replica that is not behind in policy.

        Raises:
            NotCurrentError: it is behind, or fails before the snapshot is let go.
        """
        with self._store.read() as connection:
            epoch, at = self._mark(connection)
        try:
            with self._store.read_replica() as connection:
                seen, seen_at = self._mark(connection)
                if seen != epoch or seen_at < at - MAX_LAG:
                    raise NotCurrentError("the replica is behind")
                yield connection
        except BusyError as error:
            with self._lock:
                self._rests_until = time.monotonic() + REST_SECONDS
            raise NotCurrentError("the replica does not answer") from error

    def _mark(self, connection: Connection) -> tuple[int, Micros]:
        return policy_epoch(connection, self._environment), read_at(connection, self._environment) or 0
