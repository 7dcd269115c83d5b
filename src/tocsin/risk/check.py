"""The self-test of the rooms of risk: what is stored is what the log tells, and no roll-up tells more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import StoreBrokenError
from tocsin.exchange.replay import replay
from tocsin.risk import store
from tocsin.risk.baselines.state import Held
from tocsin.risk.registry.model import Unit
from tocsin.risk.registry.rollup.model import sums_of
from tocsin.risk.registry.service import publication_of
from tocsin.risk.registry.state import Registered
from tocsin.risk.replay import KINDS, Retelling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.exchange.case import Case
    from tocsin.log.model import EntryPayload
    from tocsin.risk.registry.figures import Seal

__all__ = ["Check"]


class Check:
    """The check, with the key to members' figures."""

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
        told = Retelling()
        # who did not use these rooms does not wait for a second replay
        if next(case.entries(*sorted(KINDS)), None) is not None:
            replay(_Entries(case), above=told)
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
        from tocsin.risk.registry.rollup.protect import audit  # noqa: PLC0415  the solver takes a second to load

        for unit in Unit:
            rollups = registered.published(unit)
            made = [publication_of(registered, one, {uuid: opened[uuid] for uuid in one.sheets}) for one in rollups]
            for rollup, publication in zip(rollups, made, strict=True):
                sums = sums_of(publication.figures)
                if any(sums.get(total) != value for total, value in publication.shown.items()):
                    raise StoreBrokenError("it shows other sums than members' figures have", where=rollup.rollup)
            if made and not audit(made, rollups[-1].rules).passed:
                raise StoreBrokenError("what was shown tells more of a member than its rules allow", where=str(unit))


class _Entries:
    """All entries of a log, as often as they are asked for."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        return self._case.entries()
