"""Funds retold from a log alone: each entry by the step that the hub took, with who was there at that entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import LogBrokenError, TocsinError
from tocsin.governance.privileged import ACTS
from tocsin.governance.replay import ToldRegister
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import Acting
from tocsin.risk.fund.model import Funded
from tocsin.risk.fund.steps import KINDS, Stage, enter

if TYPE_CHECKING:
    from tocsin.exchange.replay.state import State
    from tocsin.log.model import EntryPayload

__all__ = ["Telling"]


class Telling:
    """The room above that a replay hands the entries about funds to; ``funded`` is what they make.

    That a measurement's root is the log's is checked where the tree is at hand: ``tocsin fund verify``.
    """

    def __init__(self) -> None:
        self.funded = Funded()

    def tell(self, state: State, index: int, payload: EntryPayload) -> None:
        """Note what an entry tells.

        Raises:
            LogBrokenError: it cannot have happened.
        """
        where = f"entry {index}"
        if payload.kind not in KINDS:
            raise LogBrokenError(f"it is of a kind that this program does not know: {payload.kind}", where=where)
        rebuilt = state.rebuilt
        basis, _, reference = (payload.mandate or "").partition(":")
        stage = Stage(
            scene=Scene(
                at=state.at,
                acting=Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of),
                register=ToldRegister(rebuilt.people, rebuilt.agreed, state.names),
                mandate=payload.mandate,
            ),
            index=index,
            environment=state.environment,
            hub=rebuilt.hub or "",
            privileged=payload.kind in ACTS,
            decider=rebuilt.governed.motion(reference).body if basis == "motion" else None,
            bodies=frozenset(rebuilt.governed.bodies),
        )
        try:
            self.funded = enter(self.funded, payload.kind, payload.data, stage)
        except TocsinError as error:
            raise LogBrokenError(str(error), where=where) from error
