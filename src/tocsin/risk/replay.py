"""The rooms of risk rebuilt from the log, by the steps that they took when they acted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import ForbiddenError
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import Acting
from tocsin.risk.baselines.state import BASELINE_STEPS, Held
from tocsin.risk.fund import steps as fund
from tocsin.risk.fund.model import Funded
from tocsin.risk.fund.stage import stage_of
from tocsin.risk.registry.state import REGISTRY_STEPS, Registered

if TYPE_CHECKING:
    from tocsin.exchange.replay.rebuilt import Rebuilt
    from tocsin.governance.replay import ToldRegister
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["KINDS", "Retelling"]

KINDS: Final = frozenset({*REGISTRY_STEPS, *BASELINE_STEPS, *fund.KINDS})


class Retelling:
    """What the entries so far make of each room: for ``exchange.replay.replay`` as its ``above``.

    ``kinds``: of which entries; who asks after one room is not stopped by a fault in another. That the root a
    measurement of a fund rests on is the log's is checked where the tree is at hand: ``tocsin fund verify``.
    """

    def __init__(self, kinds: frozenset[str] = KINDS) -> None:
        self.registered = Registered()
        self.held = Held()
        self.funded = Funded()
        self._kinds = kinds

    def __call__(
        self, index: int, payload: EntryPayload, *, register: ToldRegister, rebuilt: Rebuilt, at: Micros
    ) -> None:
        """Take one entry's step.

        Raises:
            RefusedError: it cannot have happened.
        """
        kind = payload.kind
        if kind in KINDS - self._kinds:
            return
        acting = Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of)
        scene = Scene(at=at, acting=acting, register=register, mandate=payload.mandate, retold=True)
        if kind in REGISTRY_STEPS:
            self.registered = REGISTRY_STEPS[kind](self.registered, payload.data, scene)
        elif kind in BASELINE_STEPS:
            self.held = BASELINE_STEPS[kind](self.held, payload.data, scene)
        elif kind in fund.KINDS:
            hub, environment = rebuilt.hub or "", payload.environment
            stage = stage_of(scene, kind, rebuilt.governed, index=index, environment=environment, hub=hub)
            self.funded = fund.enter(self.funded, kind, payload.data, stage)
        else:
            raise ForbiddenError(f"no room here has entries of {kind}")
