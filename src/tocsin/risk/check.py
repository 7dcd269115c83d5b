"""Self-tests of the rooms of risk: the store is what the log tells, no roll-up tells too much, the books balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import StoreBrokenError
from tocsin.exchange.case import Entries
from tocsin.exchange.replay import replay
from tocsin.map.rollup.model import sums_of
from tocsin.risk import store
from tocsin.risk.baselines.state import Held
from tocsin.risk.fund import steps as fund
from tocsin.risk.fund.books import posted
from tocsin.risk.registry.model import Unit
from tocsin.risk.registry.service import publication_of
from tocsin.risk.registry.state import Registered
from tocsin.risk.replay import KINDS, Retelling

if TYPE_CHECKING:
    from tocsin.exchange.case import Case
    from tocsin.risk.registry.figures import Seal

__all__ = ["Check", "check_funds"]

_STORED: Final = KINDS - fund.KINDS


class Check:
    """The check of the registry and of baselines, with the key to members' figures."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def __call__(self, case: Case) -> str:
        """Return what was counted.

        Raises:
            StoreBrokenError: the store holds something else than the log tells, or a roll-up is wrong or unsafe.
            LogBrokenError: an entry cannot have happened.
        """
        registered = store.load(case.connection, case.environment, Registered)
        held = store.load(case.connection, case.environment, Held)
        if case.log.purged(case.connection):
            return "not possible: payloads are purged"
        told = _retold(case, _STORED)
        for what, one, other in (("registry", told.registered, registered), ("baselines", told.held, held)):
            if one != other:
                raise StoreBrokenError("what is stored is not what the log tells", where=what)
        self._figures(case, registered)
        return (
            f"{len(registered.scenarios)} scenarios, {len(registered.rollups)} roll-ups attacked in vain, "
            f"{len(held.assessments)} assessments"
        )

    def _figures(self, case: Case, registered: Registered) -> None:
        opened = {
            uuid: self._seal.open(uuid, store.read_figures(case.connection, case.environment, uuid), sheet.commitment)
            for uuid, sheet in registered.sheets.items()
        }
        if store.count_figures(case.connection, case.environment) != len(opened):
            raise StoreBrokenError("there are figures that no entry tells of", where="risk_figures")
        if not registered.rollups:
            return
        from tocsin.map.rollup.protect import audit  # noqa: PLC0415  the solver takes a second to load

        for unit in Unit:
            rollups = registered.published(unit)
            made = [publication_of(registered, one, {uuid: opened[uuid] for uuid in one.sheets}) for one in rollups]
            for rollup, publication in zip(rollups, made, strict=True):
                sums = sums_of(publication.figures)
                if any(sums.get(total) != value for total, value in publication.shown.items()):
                    raise StoreBrokenError("it shows other sums than members' figures have", where=rollup.rollup)
            if made and not audit(made, rollups[-1].rules).passed:
                raise StoreBrokenError("what was shown tells more of a member than its rules allow", where=str(unit))


def check_funds(case: Case) -> str:
    """Return what was counted, once every step of every fund follows from the log, and the books balance.

    Raises:
        LogBrokenError: a step does not follow. StoreBrokenError: books do not balance.
    """
    if case.log.purged(case.connection):
        return "not possible: payloads are purged"
    funds = _retold(case, fund.KINDS).funded.funds
    for name, one in funds.items():
        if posted(one.books) != one.books.balances or sum(one.books.balances.values()) != 0:
            raise StoreBrokenError("its books do not balance", where=f"fund {name}")
    return f"{len(funds)} funds, {sum(len(one.books.entries) for one in funds.values())} movements; books balance"


def _retold(case: Case, kinds: frozenset[str]) -> Retelling:
    """Return what the log tells of these entries' rooms; who did not use them does not wait for another replay."""
    told = Retelling(kinds)
    if next(case.entries(*sorted(kinds)), None) is not None:
        replay(Entries(case), above=told)
    return told
