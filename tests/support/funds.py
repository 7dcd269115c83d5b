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

__all__ = [
    "BUILT",
    "CALCULATION",
    "CHAIN",
    "NONCE",
    "TANK",
    "WALL",
    "agreed",
    "awarded",
    "chosen",
    "filled",
    "fund_world",
    "joint_claim",
    "joint_document",
    "joint_terms",
    "standing",
    "uri",
    "work",
]

WALL: Final[Project] = TOWN_PROJECTS[0]
TANK: Final[Project] = TOWN_PROJECTS[2]
BUILT: Final[Plan] = plan_with(TOWN, [WALL])
CALCULATION: Final = "ab" * 32
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
        tranches=(Tranche(amount=10_000_00), Tranche(amount=30_000_00, threshold=10_000)),
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


def standing(world: World) -> None:
    """Open a fund among alfa (who builds), bravo (who gives) and coast (who measures), with projects in each state."""
    funds, alfa, bravo = world.hub.funds, OPERATOR.for_("sig@alfa"), OPERATOR.for_("sig@bravo")
    funds.open(OPERATOR, world.hub.mandate, "joint", title="The joint fund", currency="EUR")
    funds.pledge(bravo, "joint", uri("bravo"), 1_000_00)
    funds.paid(OPERATOR, "joint", uri("bravo"), 1_000_00)
    for name in ("proposed", "chosen", "awarded", "paid"):
        funds.propose(alfa, "joint", uri("alfa"), work(name))
    for name in ("chosen", "awarded", "paid"):
        funds.decide(OPERATOR, world.hub.mandate, "joint", projects=[name], budget=100_00, calculation=CALCULATION)
    for name in ("awarded", "paid"):
        # each award has numbers of its own
        terms = replace(joint_terms(), commitment=chain_of(name.encode().ljust(32), 8)[0])
        funds.award(OPERATOR, world.hub.mandate, "joint", name, terms)
    funds.release(OPERATOR, world.hub.mandate, "joint", "paid", 1)
    funds.claim(bravo, "joint", uri("bravo"), amount=5_00, reason="fuel", evidence="cd" * 32)


def work(name: str) -> Project:
    """Return a small project."""
    return replace(WALL, id=name, cost=100_00)


def joint_terms() -> Terms:
    """Return terms for a small project of alfa's: a part at once, a part for what is measured."""
    return agreed(
        payee=uri("alfa"), assessor=uri("coast"), tranches=(Tranche(amount=40_00), Tranche(amount=60_00, threshold=5))
    )


def joint_claim(world: World) -> str:
    """Return the claim that was filed in ``standing``."""
    return next(iter(world.hub.funds.get("joint").claims))


def joint_document() -> str:
    """Return the same terms as somebody writes them for those who vote, with the names of parties."""
    terms = joint_terms()
    tranches = "[{amount: 4000, threshold: null}, {amount: 6000, threshold: 5}]"
    return (
        f"{{kind: grant, payee: alfa, assessor: coast, tranches: {tranches}, baseline: '{terms.baseline}', "
        f"commitment: '{terms.commitment}', samples: 1000}}"
    )
