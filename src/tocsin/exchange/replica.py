"""Pages from a streaming replica: never behind in policy, and never far behind in anything else.

A replica is asked when its log is the database's own, it has replayed the last change of policy that the database
itself knows of at this moment, and what was logged until ``MAX_LAG`` ago. The release is staged in the database itself,
which compares the reader's slice and the count of withdrawn offers once more: what was changed since is found there. A
page that the replica cannot give is made from the database, and a replica that does not answer is left alone for a
while.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from sqlalchemy.exc import DatabaseError

from tocsin.agreements.store import policy_epoch
from tocsin.errors import BrokenError, BusyError
from tocsin.kernel.clock import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["MAX_LAG", "NotCurrentError", "Replica", "ReplicaState"]

# How much of what was logged a replica may lack: new objects come this much later at most.
MAX_LAG: Final[Micros] = 10 * SECOND
# Seconds for which a replica that failed is not asked again: twice as many each time, up to the longest. An attempt to
# reach it may take as long as a time-out.
FIRST_REST: Final = 5.0
LONGEST_REST: Final = 60.0

_operators: Final = structlog.get_logger("tocsin.replica")


class ReplicaState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a replica: whether pages come from it, or why not; how many did, and how many might have.

    ``lag`` are the seconds by which what it has logged is older than what the database has; None: it never answered.
    """

    says: str
    lag: float | None
    pages: int
    passed_over: int


class NotCurrentError(Exception):
    """The replica cannot give this page; the database itself can. Never leaves the room."""


class Replica:
    """The replica of a store, if it has one, as readers of one environment may use it.

    ``ticks`` are seconds that never go back.
    """

    def __init__(
        self, *, store: Store, log: Log, environment: int, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        self._ticks = ticks
        self._lock = threading.Lock()
        self._failures = 0  # in a row
        self._probing = False
        self._rests_until = 0.0
        self._lag: float | None = None
        self._pages = {True: 0, False: 0}

    def count(self, *, near: bool) -> None:
        """Count a page, made from the replica or from the database although there is one."""
        with self._lock:
            self._pages[near] += 1

    def look(self) -> ReplicaState | None:
        """Find out how the replica does, for who runs the hub; None: there is none. Takes seconds when it is away."""
        if self._store.replica is None:
            return None
        try:
            with self.read():
                says = "used"
        except NotCurrentError as error:
            says = f"not used: {error}"
        with self._lock:
            return ReplicaState(says=says, lag=self._lag, pages=self._pages[True], passed_over=self._pages[False])

    def may_serve(self) -> bool:
        """Return whether there is one, it does not rest, and nobody is finding out whether it is back."""
        return self._store.replica is not None and not self._probing and self._ticks() >= self._rests_until

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot of the replica that is of this very database, and not behind in policy.

        Raises:
            NotCurrentError: it is behind, or another's, or rests, or fails before the snapshot is let go.
            StoreBrokenError: the database lost what this process had read in it.
        """
        with self._turn():
            with self._store.read() as connection:
                at = self._log.look(connection).at
                epoch = policy_epoch(connection, self._environment)
            try:
                with self._store.read_replica() as connection:
                    self._require_current(connection, epoch, at)
                    yield connection
            except BusyError as error:
                self._failed("it does not answer")
                raise NotCurrentError("the replica does not answer") from error
            except (BrokenError, DatabaseError) as error:
                # of another hub, of another version, or empty; or left behind by a failover
                self._failed("it is no replica of this database")
                raise NotCurrentError("this is another database") from error

    def _require_current(self, connection: Connection, epoch: int, at: Micros) -> None:
        """Refuse a snapshot of the replica that is another's, or behind a count of policy changes and an instant."""
        mark = self._log.require_same(connection)
        self._lag = max(0.0, (at - mark.at) / SECOND)
        if self._failures:
            with self._lock:
                self._failures, self._probing = 0, False
            _operators.info("replica", what="it answers again")
        if policy_epoch(connection, self._environment) != epoch or mark.at < at - MAX_LAG:
            raise NotCurrentError("the replica is behind")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one reader at a time find out whether a replica that failed is back; all others need not wait for it."""
        with self._lock:
            if not self.may_serve():
                raise NotCurrentError("the replica rests")
            probing = self._probing = self._failures > 0
        try:
            yield
        finally:
            if probing:
                with self._lock:
                    self._probing = False

    def _failed(self, what: str) -> None:
        with self._lock:
            rest = min(FIRST_REST * 2 ** min(self._failures, 10), LONGEST_REST)
            self._failures += 1
            self._rests_until = self._ticks() + rest
        _operators.warning("replica", what=what, rests=rest)
