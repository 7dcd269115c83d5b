"""The rooms of risk rebuilt from the log, by the steps that they took when they acted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import ForbiddenError
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import Acting
from tocsin.risk.baselines.state import BASELINE_STEPS, Held
from tocsin.risk.registry.state import REGISTRY_STEPS, Registered

if TYPE_CHECKING:
    from tocsin.governance.replay import ToldRegister
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["KINDS", "Retelling"]

KINDS: Final = frozenset({*REGISTRY_STEPS, *BASELINE_STEPS})


class Retelling:
    """What the entries so far make: for ``exchange.replay.replay`` as its ``above``."""

    def __init__(self) -> None:
        self.registered = Registered()
        self.held = Held()

    def __call__(self, payload: EntryPayload, register: ToldRegister, at: Micros) -> None:
        """Take one entry's step.

        Raises:
            RefusedError: it cannot have happened.
        """
        acting = Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of)
        scene = Scene(at=at, acting=acting, register=register, mandate=payload.mandate)
        if payload.kind in REGISTRY_STEPS:
            self.registered = REGISTRY_STEPS[payload.kind](self.registered, payload.data, scene)
        elif payload.kind in BASELINE_STEPS:
            self.held = BASELINE_STEPS[payload.kind](self.held, payload.data, scene)
        else:
            raise ForbiddenError(f"no room here has entries of {payload.kind}")
