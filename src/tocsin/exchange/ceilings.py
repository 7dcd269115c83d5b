"""The hub's classification ceiling: one for all its processes, set under a mandate and told by the log.

A process may hold itself to a lower one, never to a higher: the lower of the two counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select, update

from tocsin.errors import StoreBrokenError, TransitionError
from tocsin.exchange.tables import CEILINGS
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties.model import CLEARANCES, check_remark, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tocsin.exchange.case import Case
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Ceiling", "CeilingSet", "Ceilings", "check_ceiling", "effective", "read_ceiling"]

_LOWEST: Final = CLEARANCES[0]


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub may hold, and since when; ``since`` None: it was never set, and is the lowest."""

    level: str = _LOWEST
    since: Micros | None = None


class CeilingSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data of the entry that sets a ceiling."""

    ceiling: str
    before: str
    reason: str


class Ceilings:
    """The ceiling of one environment. ``lowered`` is what this process holds itself to, if it does."""

    def __init__(self, *, store: Store, log: Log, environment: int, lowered: str | None) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        self.lowered = lowered

    def current(self) -> Ceiling:
        """Return the hub's ceiling, whatever this process holds itself to."""
        with self._store.read() as connection:
            return read_ceiling(connection, self._environment)

    def set(self, acting: Acting, mandate: Mandate, level: str, reason: str = "") -> Ceiling:
        """Set the hub's ceiling, for every process from its next submission on. What is stored stays as it is.

        Raises:
            ForbiddenError: the mandate is not for this.
            InputError: there is no such classification, or the reason cannot be recorded.
            TransitionError: it is this already.
        """
        mandate.require(self._log.environment_name, Right.CEILING_SET, level)
        clearance_rank(level)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            before = read_ceiling(connection, self._environment)
            if before.level == level and before.since is not None:
                raise TransitionError(f"the ceiling of this hub is {level} already")
            at = self._log.now(connection)
            changed = connection.execute(
                update(CEILINGS).where(CEILINGS.c.environment == self._environment).values(ceiling=level, since=at)
            )
            if not changed.rowcount:
                connection.execute(CEILINGS.insert().values(environment=self._environment, ceiling=level, since=at))
            data: dict[str, object] = {"ceiling": level, "before": before.level, "reason": reason}
            self._log.append(connection, [Record(kind="ceiling.set", at=at, acting=acting, mandate=mandate, data=data)])
        return Ceiling(level=level, since=at)


def read_ceiling(connection: Connection, environment: int) -> Ceiling:
    """Return the hub's ceiling in a snapshot or transaction."""
    row = connection.execute(
        select(CEILINGS.c.ceiling, CEILINGS.c.since).where(CEILINGS.c.environment == environment)
    ).first()
    return Ceiling() if row is None else Ceiling(level=row.ceiling, since=row.since)


def effective(ceiling: str, lowered: str | None) -> str:
    """Return the lower of the hub's ceiling and of what a process holds itself to."""
    return ceiling if lowered is None else min(ceiling, lowered, key=clearance_rank)


def check_ceiling(case: Case) -> str:
    """The ceiling is the one that the log told last.

    Raises:
        StoreBrokenError: it is not.
    """
    told = Ceiling()
    for _, payload in case.entries("ceiling.set"):
        data: Mapping[str, Any] = payload.data
        told = Ceiling(level=data["ceiling"], since=parse_instant(payload.at))
    if read_ceiling(case.connection, case.environment) != told:
        raise StoreBrokenError("the stored ceiling is not the one that the log tells", where="ceilings")
    return f"{told.level}, {'never set' if told.since is None else 'as it was set'}"
