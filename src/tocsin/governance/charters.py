"""Charters: adopted under a mandate, reported on by who answers for a goal, evaluated; what upper floors call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tocsin.errors import InputError
from tocsin.governance import store
from tocsin.governance.charter_steps import charter_digest
from tocsin.governance.documents import read_charter
from tocsin.governance.model.charter import Charter, Figure, Measure
from tocsin.governance.model.disputes import CLOCKS
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.wire import as_data
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tocsin.governance.model.charter import Goal
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Charters", "Measured", "Measuring"]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A value written out, or None when there was nothing to measure; of how many; and how it came about."""

    value: str | None
    count: int
    how: str


class Measuring(Protocol):
    """Computes one measure in a snapshot; changes nothing. Rooms above hand theirs in."""

    def __call__(self, connection: Connection, *, since: Micros, at: Micros) -> Measured:
        """Return the measure of what happened from ``since`` to ``at``."""
        ...


class Charters:
    """The charters of one environment: that of the log. ``measuring`` are the measures that upper rooms compute."""

    def __init__(self, *, store: Store, log: Log, measuring: Mapping[Measure, Measuring]) -> None:
        self._store = store
        self._log = log
        self._environment = log.environment
        self._measuring: dict[Measure, Measuring] = {
            Measure.ACTIONS_CLOSED: self._actions_closed,
            Measure.DISPUTES_IN_TIME: self._disputes_in_time,
            **measuring,
        }

    def adopt(self, acting: Acting, mandate: Mandate, source: bytes, *, where: str) -> Charter:
        """Adopt a charter, in the place of a lower version.

        Raises:
            AgreementError, InputError, LimitError: the document breaks rules, or names somebody who is not here.
            ForbiddenError: the mandate is not for this. TransitionError: this version, or a higher one, is adopted.
        """
        charter = read_charter(source, where=where)
        mandate.require(self._log.environment_name, Right.CHARTER_ADOPT, f"{charter.name}/{charter.version}")
        data: dict[str, object] = {
            "charter": charter.name,
            "version": charter.version,
            "digest": charter_digest(charter.document),
            "document": charter.document,
        }
        return self._enter(acting, "charter.adopted", data, mandate)

    def report(self, acting: Acting, name: str, goal: str, value: str, note: str = "") -> Charter:
        """Say where a goal stands that is measured by what is reported; who answers for it does.

        Raises:
            NotFoundError: there is no such charter.
            InputError: there is no such goal, it is measured by something else, or this is no number.
            ForbiddenError: somebody else answers for it.
        """
        data: dict[str, object] = {"charter": name, "goal": goal, "value": value, "note": note}
        with self._store.write() as connection:
            found = store.load(connection, self._environment, charters=True).charter(name).goal(goal)
            # not in the entry's step: logs from before may tell of such a report
            if found is not None and found.measure is not Measure.REPORTED:
                raise InputError(
                    f"this goal is measured by {found.measure}: what is reported would count nowhere",
                    where=f"{name}: {goal}",
                    todo="`tocsin charter evaluate` measures it",
                )
            return self._append(connection, acting, "charter.reported", data, at=self._log.now(connection))

    def evaluate(self, acting: Acting, name: str) -> Charter:
        """Measure every goal now, and enter the figures.

        Raises:
            NotFoundError: there is no such charter.
        """
        return self._enter(acting, "charter.evaluated", self._evaluated(name))

    def due(self) -> list[str]:
        """Return the charters, by name, of which a goal is to be looked at again."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            charters = store.load(connection, self._environment, charters=True).charters
            return [name for name, one in charters.items() if one.due(at)]

    def evaluate_if_due(self, acting: Acting, name: str) -> Charter | None:
        """Evaluate a charter of which a goal is to be looked at again; None: somebody did so meanwhile.

        Raises:
            NotFoundError: there is no such charter.
        """
        data = self._evaluated(name)
        with self._store.write() as connection:
            at = self._log.now(connection)
            charter = store.load(connection, self._environment, charters=True).charter(name)
            # measured beside other writers: what was adopted meanwhile has other goals
            if not charter.due(at) or charter.version != data["version"]:
                return None
            return self._append(connection, acting, "charter.evaluated", data, at=at)

    def evaluate_due(self, acting: Acting) -> list[Charter]:
        """Evaluate every charter of which a goal is to be looked at again; returns them."""
        made = [self.evaluate_if_due(acting, name) for name in self.due()]
        return [charter for charter in made if charter is not None]

    def all(self) -> list[Charter]:
        """Return the charters in force."""
        with self._store.read() as connection:
            return list(store.load(connection, self._environment, charters=True).charters.values())

    def get(self, name: str) -> Charter:
        """Return a charter.

        Raises:
            NotFoundError: there is none of this name.
        """
        with self._store.read() as connection:
            return store.load(connection, self._environment, charters=True).charter(name)

    # --- measures ----------------------------------------------------------------------------------------------------

    def _evaluated(self, name: str) -> dict[str, object]:
        with self._store.read() as connection:
            charter = store.load(connection, self._environment, charters=True).charter(name)
            at = self._log.now(connection)
            figures = [self._figure(connection, charter, goal, at) for goal in charter.goals]
        return {"charter": name, "version": charter.version, "figures": [as_data(figure) for figure in figures]}

    def _figure(self, connection: Connection, charter: Charter, goal: Goal, at: Micros) -> Figure:
        if goal.measure is Measure.REPORTED:
            report = charter.reports.get(goal.id)
            stale = report is None or report.at <= at - goal.over
            made = Measured(
                value=None if report is None or stale else report.value,
                count=0 if stale else 1,
                how="nobody reported it in this time"
                if report is None or stale
                else f"reported by {report.by} on {format_instant(report.at)}: {report.note}",
            )
        else:
            made = self._measuring[goal.measure](connection, since=at - goal.over, at=at)
        return Figure(goal=goal.id, value=made.value, count=made.count, met=goal.met(made.value), how=made.how)

    def _actions_closed(self, connection: Connection, *, since: Micros, at: Micros) -> Measured:
        del at
        passed = [
            motion
            for motion in store.motions(connection, self._environment)
            if motion.right is not None
            and motion.closed_at is not None
            and motion.closed_at >= since
            and motion.status in (MotionStatus.PASSED, MotionStatus.EXECUTED, MotionStatus.EXPIRED)
        ]
        done = sum(motion.status is MotionStatus.EXECUTED for motion in passed)
        how = f"{done} of {len(passed)} motions that passed in this time and grant a right were carried out"
        return Measured(value=share(done, len(passed)), count=len(passed), how=how)

    def _disputes_in_time(self, connection: Connection, *, since: Micros, at: Micros) -> Measured:
        filed = [one for one in store.disputes(connection, self._environment) if one.filed_at >= since]
        late = sum(one.overdue(at) and one.status in CLOCKS for one in filed)
        how = f"{len(filed) - late} of {len(filed)} disputes filed in this time are closed, or within their clock"
        return Measured(value=share(len(filed) - late, len(filed)), count=len(filed), how=how)

    def _enter(self, acting: Acting, kind: str, data: dict[str, object], mandate: Mandate | None = None) -> Charter:
        with self._store.write() as connection:
            return self._append(connection, acting, kind, data, at=self._log.now(connection), mandate=mandate)

    def _append(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        data: dict[str, object],
        *,
        at: Micros,
        mandate: Mandate | None = None,
    ) -> Charter:
        self._log.append(connection, [Record(kind=kind, at=at, acting=acting, mandate=mandate, data=data)])
        return store.load(connection, self._environment, charters=True).charter(str(data["charter"]))


def share(part: int, whole: int) -> str | None:
    """Return a share with four decimals; None of nothing."""
    return None if whole == 0 else f"{part / whole:.4f}"
