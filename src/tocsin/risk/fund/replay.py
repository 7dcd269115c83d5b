"""Funds retold from a log alone: each entry by the step that the hub took, with who was there at that entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import StoreBrokenError
from tocsin.exchange.replay import replay
from tocsin.governance.privileged import ACTS
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import Acting
from tocsin.risk.fund.books import posted
from tocsin.risk.fund.model import Funded
from tocsin.risk.fund.steps import KINDS, Stage, enter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.exchange.case import Case
    from tocsin.exchange.replay.rebuilt import Rebuilt
    from tocsin.governance.replay import ToldRegister
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["Telling", "check_funds"]


class Telling:
    """What a replay hands the entries about funds up to; ``funded`` is what they make.

    That a measurement's root is the log's is checked where the tree is at hand: ``tocsin fund verify``.
    """

    def __init__(self) -> None:
        self.funded = Funded()

    def __call__(
        self, index: int, payload: EntryPayload, *, register: ToldRegister, rebuilt: Rebuilt, at: Micros
    ) -> None:
        """Note what an entry tells.

        Raises:
            TocsinError: it cannot have happened.
        """
        if payload.kind not in KINDS:
            return
        basis, _, reference = (payload.mandate or "").partition(":")
        stage = Stage(
            scene=Scene(
                at=at,
                acting=Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of),
                register=register,
                mandate=payload.mandate,
            ),
            index=index,
            environment=payload.environment,
            hub=rebuilt.hub or "",
            privileged=payload.kind in ACTS,
            decider=rebuilt.governed.motion(reference).body if basis == "motion" else None,
            bodies=frozenset(rebuilt.governed.bodies),
        )
        self.funded = enter(self.funded, payload.kind, payload.data, stage)


class _Entries:
    """All entries of a log, as often as they are asked for."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        return self._case.entries()


def check_funds(case: Case) -> str:
    """Return what was counted, once every step of every fund follows from the log, and the books balance.

    Raises:
        LogBrokenError: a step does not follow. StoreBrokenError: books do not balance.
    """
    if next(case.entries(*KINDS), None) is None:
        return "no funds"
    if purged := case.log.purged(case.connection):
        return f"not possible: {purged} payloads are purged"
    telling = Telling()
    replay(_Entries(case), above=telling)
    funds = telling.funded.funds
    for name, fund in funds.items():
        if posted(fund.books) != fund.books.balances or sum(fund.books.balances.values()) != 0:
            raise StoreBrokenError("its books do not balance", where=f"fund {name}")
    return f"{len(funds)} funds, {sum(len(fund.books.entries) for fund in funds.values())} movements; books balance"
