"""What the region's map is good for: a risk that an incident moves, a recovery time held to it, a joint fund."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.demo.partnership import PARTIES, story
from tocsin.demo.region import asker_of
from tocsin.kernel.clock import DAY
from tocsin.map.cascade import simulate, wire
from tocsin.map.sampling import Asked, drawn, struck
from tocsin.risk.baselines.model import Recovery, Standing, Target
from tocsin.risk.baselines.recovery import recoveries
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.exposing import plan_of_map
from tocsin.risk.fund.portfolio import calculation_of, choose
from tocsin.risk.fund.scenarios import Aim, Scenarios, Terms
from tocsin.risk.fund.wire import read_projects
from tocsin.risk.registry.documents import read_scenario
from tocsin.risk.registry.estimate import document_of, estimated
from tocsin.risk.registry.model import Unit
from tocsin.risk.registry.scores import moves, scores

if TYPE_CHECKING:
    from tocsin.bootstrap import Hub
    from tocsin.kernel.mandate import Acting
    from tocsin.map.seen import Seen

__all__ = ["baseline", "fund", "risk"]

# A storm that the region expects twice in the twenty years that the projects last.
STORM: Final = Asked(repair_h=24, within_h=1, intensity=38, measure="gust m/s")
_STORMS: Final = 2.0
_SAMPLES: Final = 1_000
_HOURS: Final = 168.0
_BUDGET: Final = 320_000_00
_TARGET: Final = Recovery(hours=24)


def risk(hub: Hub, acting: Acting, seen: Seen, incident: str) -> str:
    """Let the CERT enter what a wiper would cost by the map, and then how likely it is now; returns what that moved.

    The map tells what it costs; how likely it is, people say.
    """
    wiring = wire(seen.plan)
    hits = struck(seen.plan, wiring, {"Vika": 1.0, "Bekk": 1.0}, repair_h=24, seed=1, samples=_SAMPLES)
    losses, _ = estimated(simulate(wiring, hits, horizon_h=_HOURS))
    text = story("wiper.yaml").decode().replace("INCIDENT", incident) + document_of(losses)
    analyst = acting.for_("ingrid@national-cert")
    before = hub.registry.put(analyst, read_scenario(text.encode(), where="wiper.yaml"))
    likelier = text.replace("[0.01, 0.05, 0.2]", "[0.1, 0.4, 1]")
    after = hub.registry.amend(analyst, read_scenario(likelier.encode(), where="wiper.yaml"))
    found = scores({after.id: after}, Unit.MONEY)
    sector = max(found, key=lambda one: found[one])
    moved = next(one for one in moves({before.id: before}, {after.id: after}, Unit.MONEY) if one.sector == sector)
    named: list[str] = []
    kept: list[str] = []
    for name in ("fjordkraft", "havnlogistikk"):
        (named if hub.registry.evidence(asker_of(hub, acting, name), after) else kept).append(name)
    return (
        f"{sector} {float(found[sector]):,.0f} a year, {float(moved.amount):+,.0f} by the {moved.change} of"
        f" {moved.scenario}; its evidence is named to {', '.join(named)}, not to {', '.join(kept)}"
    )


def baseline(hub: Hub, acting: Acting) -> str:
    """Ask of the sector that service is back in a day, and hold that to an operator's own map; returns what came of it.

    The map is the one that the operator sees, and the storm the one that the fund reckons with.
    """
    with hub.store.read() as connection:
        due = hub.log.now(connection) + 365 * DAY
    target = Target(
        catalogue="nato-seven",
        control="energy",
        standing=Standing.MET,
        due=due,
        sectors=frozenset({"energy"}),
        recovery=_TARGET,
    )
    hub.baselines.set_target(acting, hub.mandate, target)
    own = hub.maps.seen(asker_of(hub, acting, "fjordkraft"), "map")
    wiring = wire(own.plan)
    hits = drawn(own.plan, wiring, STORM, seed=1, samples=_SAMPLES, spared=frozenset(own.unseen))
    (found,) = recoveries(wiring, hits, [("Vika", _TARGET)], horizon_h=720.0)
    word = "met" if found.met else "missed" if found.missed else "too few samples to say"
    return (
        f"service back in {_TARGET.hours} h is asked in {_TARGET.share} of 100 cases; in {_SAMPLES:,} storms of"
        f" {STORM.intensity:g} m/s Vika fell {found.fell:,} times, and was back in time {found.in_time:,} times: {word}"
    )


def fund(hub: Hub, acting: Acting, seen: Seen) -> str:
    """Open a fund, let operators propose, choose within a budget by full cascades and decide; returns what it saves."""
    hub.funds.open(acting, hub.mandate, "region", title="Joint fund of the region", currency="EUR")
    projects = read_projects(story("projects.json"), where="projects.json")
    for project in projects:
        party = next(one for one in PARTIES if one.uri == project.payee)
        hub.funds.propose(acting.for_(f"signatory@{party.name}"), "region", party.uri, project)
    plan = plan_of_map(seen.plan, STORM, spared=frozenset(seen.unseen))
    terms, aim = Terms(seed=1, samples=_SAMPLES, horizon_h=_HOURS, times=_STORMS), Aim()
    found = choose(Scenarios(plan, projects, terms), aim, budget=_BUDGET)
    hub.funds.decide(
        acting,
        hub.mandate,
        "region",
        projects=list(found.projects),
        budget=found.budget,
        calculation=calculation_of(plan, projects, terms, aim, found),
    )
    return (
        f"{' and '.join(found.projects)} by mandate, {written(found.cost)} of {written(found.budget, 'EUR')};"
        f" two storms then cost {found.expected:,.0f}, not {found.expected_before:,.0f}; no choice leaves less"
    )
