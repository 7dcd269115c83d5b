"""What governance asks for when its time has come, and nobody needs to decide: the secretary's work.

Each piece of it looks again in the transaction in which it acts, so that of several servers one does it, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from tocsin.errors import ForbiddenError, StoreAwayError, StoreBrokenError, TocsinError
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.mandate import Acting
from tocsin.parties import store as parties
from tocsin.parties.vetting.reminders import Reminders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tocsin.governance.charters import Charters
    from tocsin.governance.disputes import Disputes
    from tocsin.governance.service import Governance
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log
    from tocsin.parties.vetting.service import Vetting

__all__ = ["CHORE_SECONDS", "Secretary"]

# Deadlines are days; who waits for one does not wait longer than a minute for what follows it.
CHORE_SECONDS: Final = 60.0

_T = TypeVar("_T")
_log: Final = structlog.get_logger("tocsin.secretary")


class Secretary:
    """Closes what is over, makes final what nobody appealed, measures what is to be measured, ends what has ended."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        governance: Governance,
        disputes: Disputes,
        charters: Charters,
        vetting: Vetting,
    ) -> None:
        self._store = store
        self._log = log
        self._environment = log.environment
        self._governance = governance
        self._disputes = disputes
        self._charters = charters
        self._vetting = vetting
        self.reminding = Reminders(vetting=vetting)
        self._reminded: Micros | None = None
        self._left: frozenset[str] = frozenset()

    @property
    def jobs(self) -> Mapping[str, Callable[[], int]]:
        """Return each kind of work by its name; each returns how much it did, and none keeps another from its turn."""
        return {
            "motions": self.motions,
            "disputes": self.disputes,
            "charters": self.charters,
            "vettings": self.vettings,
            "reminders": self.reminders,
        }

    def motions(self) -> int:
        """Close motions whose vote is over, and end those whose time has run out."""
        acting = self._itself()
        return _each(self._governance.due(), lambda uuid: self._governance.close_if_due(acting, uuid))

    def disputes(self) -> int:
        """Make final what was decided and not appealed in its time."""
        acting = self._itself()
        return _each(self._disputes.due(), lambda uuid: self._disputes.conclude_if_due(acting, uuid))

    def charters(self) -> int:
        """Evaluate charters of which a goal is to be looked at again."""
        acting = self._itself()
        return _each(self._charters.due(), lambda name: self._charters.evaluate_if_due(acting, name))

    def vettings(self) -> int:
        """Suspend parties whose vetting has ended, where that is nobody's right but the founding mandate's.

        A body that holds the right decides itself: its secretary finds them with `vetting due`.
        """
        acting, mandate = self._itself(), self._governance.founding()
        left: set[str] = set()

        def suspend(name: str) -> bool:
            try:
                return self._vetting.suspend_ended(acting, mandate, name)
            except ForbiddenError:
                left.add(name)
                return False

        done = _each(self._vetting.ended(), suspend)
        if left != self._left:
            _log.warning("vettings-ended", waiting_for_a_body=len(left))
            self._left = frozenset(left)
        return done

    def reminders(self) -> int:
        """Note what ends soon or has ended, for who speaks for its party; once a day whoever runs the hub is told, too.

        That is only how much it is: whose, `vetting due` says.
        """
        found = self.reminding.look()
        with self._store.read() as connection:
            at = self._log.now(connection)
        if self._reminded is not None and at < self._reminded + DAY:
            return 0
        self._reminded = at
        if found:
            _log.warning("vetting-due", overdue=sum(one.overdue for one in found), soon=len(found))
        return len(found)

    def _itself(self) -> Acting:
        with self._store.read() as connection:
            uri = parties.read_hub(connection, self._environment)
            row = None if uri is None else parties.party_by_uri(connection, self._environment, uri)
        if row is None:
            raise StoreBrokenError("nobody runs this hub", where="hubs")
        return Acting(actor=row.party.name)


def _each(items: Iterable[_T], do: Callable[[_T], object]) -> int:
    """Do something with each of several; what goes wrong with one is raised after the others had their turn."""
    done, failed = 0, None
    for item in items:
        try:
            done += bool(do(item))
        except StoreAwayError:
            raise
        except TocsinError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return done
