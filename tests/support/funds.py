"""A hub with a fund, and the short way from an idea to an award."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from support.hub import OPERATOR, World
from support.works import TOWN, TOWN_PROJECTS
from tocsin.risk.fund.measuring import chain_of, plan_digest
from tocsin.risk.fund.model import AwardKind, Fund, Terms, Tranche
from tocsin.risk.fund.projects import plan_with

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.risk.fund.projects import Plan, Project

__all__ = ["BUILT", "CHAIN", "NONCE", "TANK", "WALL", "agreed", "awarded", "chosen", "filled", "fund_world", "uri"]

WALL: Final[Project] = TOWN_PROJECTS[0]
TANK: Final[Project] = TOWN_PROJECTS[2]
BUILT: Final[Plan] = plan_with(TOWN, [WALL])
CHAIN: Final = chain_of(bytes(range(32)), 8)
NONCE: Final = bytes.fromhex(CHAIN[1])


def uri(name: str) -> str:
    return f"https://{name}.example"


def fund_world(home: Path) -> World:
    """Return a hub of a payee, an assessor and two who give, with an open fund."""
    world = World(home)
    for name in ("power", "water", "lab", "other"):
        world.party(name)
    world.hub.funds.open(OPERATOR, world.hub.mandate, "region", title="The region's fund", currency="EUR")
    return world


def filled(world: World, amount: int = 100_000_00) -> Fund:
    """Let water promise an amount, and pay it."""
    world.hub.funds.pledge(OPERATOR.for_("sig@water"), "region", uri("water"), amount)
    return world.hub.funds.paid(OPERATOR, "region", uri("water"), amount)


def chosen(world: World, project: Project = WALL) -> Fund:
    """Propose a project for power, and decide on it."""
    world.hub.funds.propose(OPERATOR.for_("sig@power"), "region", uri("power"), project)
    return world.hub.funds.decide(
        OPERATOR, world.hub.mandate, "region", projects=[project.id], budget=project.cost, calculation="ab" * 32
    )


def agreed(**changes: object) -> Terms:
    """Return terms for the wall: a quarter at once, the rest when it saves 20,000 a sample."""
    terms = Terms(
        kind=AwardKind.GRANT,
        payee=uri("power"),
        assessor=uri("lab"),
        tranches=(Tranche(amount=10_000_00), Tranche(amount=30_000_00, threshold=20_000)),
        baseline=plan_digest(TOWN),
        commitment=CHAIN[0],
        samples=1_000,
    )
    return replace(terms, **changes)


def awarded(world: World, **changes: object) -> None:
    """Fill the fund, and award the wall."""
    filled(world)
    chosen(world)
    world.hub.funds.award(OPERATOR, world.hub.mandate, "region", WALL.id, agreed(**changes))
