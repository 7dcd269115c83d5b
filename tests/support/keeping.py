"""A partnership whose agreement says how long things are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.hub import OPERATOR
from support.treaty import MEMBERS, TREATY, Templates
from tocsin.exchange.retention.model import Scope
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from tocsin.exchange.recall.model import Demand, Notice, Recall
    from tocsin.exchange.retention.model import Hold

__all__ = ["ALFA", "BRAVO", "COAST", "KEEPING", "Keeping", "call_back", "hold", "keeping", "later", "notices"]

ALFA: Final = "https://alfa.example"
BRAVO: Final = "https://bravo.example"
COAST: Final = "https://coast.example"

# Indicators go after 90 days, and at the owner's word after 30 more than that: of two that purge, the first counts.
KEEPING: Final = (
    TREATY.replace("version: 1", "version: 2")
    + """  - id: "6.1"
    retain: {for: P90D, then: purge}
    of: {type: [indicator]}
  - id: "6.2"
    retain: {for: P120D, then: purge}
    of: {type: [indicator]}
  - id: "6.3"
    retain: {for: P30D, then: review}
    of: {type: [tool]}
"""
)


class Keeping(Templates):
    """Closed hubs under ``KEEPING``, with a liaison in each party: ``lia@``."""

    def __init__(self) -> None:
        super().__init__()
        first = self.world()
        first.agreement(KEEPING, signed_by=MEMBERS)
        for name in (*MEMBERS, "outsider"):
            first.user(f"lia@{name}", roles=frozenset({Role.LIAISON}))
        first.hub.close()
        self._template = first.settings.home


def keeping() -> Iterator[Keeping]:
    """Yield templates and remove them after: the body of a fixture."""
    made = Keeping()
    yield made
    made.remove()


def later(world: World, days: float) -> None:
    """Let time pass; what was released by then is in the log, as in a hub that runs."""
    world.hub.integrator.integrate()
    world.clock.advance(round(days * DAY))


def call_back(world: World, owner: str, object_id: str, demand: Demand, *, days: int = 10) -> list[Recall]:
    """Order an object back in its owner's name."""
    return world.hub.recalls.recall(
        Acting(actor=owner),
        f"https://{owner}.example",
        object_id,
        demand=demand,
        due=world.clock.now() + days * DAY,
        reason="names a customer",
    )


def notices(world: World, reference: str) -> list[Notice]:
    """Return what somebody is told to give back."""
    party, user = world.hub.parties.resolve(reference)
    return world.hub.recalls.notices(party, user)


def hold(world: World, *, days: int = 100, scope: Scope | None = None) -> Hold:
    """Place a legal hold on what alfa contributed, or on something else."""
    return world.hub.holds.place(
        OPERATOR,
        world.hub.mandate,
        authority="Oslo tingrett, 26-0815",
        reason="evidence",
        scope=scope or Scope(owner=ALFA),
        until=world.clock.now() + days * DAY,
    )
