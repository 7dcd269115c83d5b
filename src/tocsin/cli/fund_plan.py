"""``tocsin fund plan``, ``portfolio`` and ``share``: what to pay for, and who; on files, decided on a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from tocsin.cli.fund_common import called, content, plan_of, projects_of
from tocsin.cli.map_common import FromOption, MappingOption, ReaderOption, SeenPurposeOption, map_of
from tocsin.cli.map_hazard import ChanceOption, IntensityOption, RepairOption, asked_of
from tocsin.cli.options import JsonOption, MotionOption, commands, example, words
from tocsin.cli.output import Output
from tocsin.cli.session import opened, write_new
from tocsin.errors import NotFoundError, UsageError
from tocsin.risk.fund.cents import apportioned, written
from tocsin.risk.fund.costs import bill
from tocsin.risk.fund.exposing import plan_of_map
from tocsin.risk.fund.measuring import plan_digest
from tocsin.risk.fund.nucleolus import MOST_NUCLEOLUS, nucleolus
from tocsin.risk.fund.portfolio import calculation_of, choose
from tocsin.risk.fund.projects import checked, plan_with
from tocsin.risk.fund.scenarios import Aim, Scenarios, Terms
from tocsin.risk.fund.seen import LEAST_OTHERS
from tocsin.risk.fund.sharing import capped, core, shapley
from tocsin.risk.fund.wire import cents_of, read_project

if TYPE_CHECKING:
    from fractions import Fraction

    from tocsin.risk.fund.costs import Bill
    from tocsin.risk.fund.portfolio import Portfolio
    from tocsin.risk.fund.projects import Project

__all__ = ["app"]

app = commands()

# Rows of a table for people; `--json` has all.
_ROWS: Final = 15

PlanArgument = Annotated[
    str, typer.Argument(metavar="PLAN", help="A map and what may happen to it, JSON; - for standard input.")
]
ProjectsArgument = Annotated[str, typer.Argument(metavar="PROJECTS", help="A list of projects, JSON.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the samples: the same seed, the same samples.")]
SamplesOption = Annotated[int, typer.Option("--samples", min=1, help="How many.")]
HorizonOption = Annotated[float, typer.Option("--horizon", metavar="HOURS", help="How long each is followed.")]
TimesOption = Annotated[
    float,
    typer.Option("--times", help="How often what a sample stands for is expected while the projects last."),
]


@app.command(
    "plan",
    epilog=example("tocsin fund plan --as national-cert --intensity 'depth m=1.2' --out town.json"),
)
def plan_(
    file: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write the plan: a new file.")],
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    chance: ChanceOption = None,
    intensity: IntensityOption = None,
    within: Annotated[
        float,
        typer.Option("--within", min=0.001, help="Else: as failure modes say, in so many hours, which are a sample."),
    ] = 168.0,
    repair: RepairOption = 24.0,
    built: Annotated[
        list[str] | None,
        typer.Option("--built", metavar="FILE", help="As if this project were built, JSON; several times."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a plan of the map that one sees: what may happen to each asset, by the failure modes that it has."""
    out = Output(json=json)
    asked = asked_of(chance, intensity, repair, within)
    seen = map_of(reader, from_, mapping, purpose)
    made = plan_of_map(seen.plan, asked, spared=frozenset(seen.unseen))
    projects = [read_project(content(one, "a project"), where=called(one)) for one in built or ()]
    checked(made, projects)
    made = plan_with(made, projects)
    write_new(file, msgspec.json.encode(made) + b"\n", mode=0o600)
    digest = plan_digest(made)
    out.document(
        {
            "plan": file,
            "assets": len(made.map.assets),
            "groups": len(made.map.groups),
            "exposed": {one.asset: one.chance for one in made.exposures},
            "unseen": list(seen.unseen),
            "digest": digest,
        }
    )
    out.line(f"{file}: {len(made.map.assets)} assets, {len(made.map.groups)} groups; {len(made.exposures)} may be hit")
    out.table(
        ("asset", "chance", "damage", "repair h, least to most"),
        (
            (
                one.asset,
                f"{one.chance:.3%}",
                f"{one.damage[0]:.0%} to {one.damage[1]:.0%}",
                f"{one.repair_h[0]:,.1f} to {one.repair_h[-1]:,.1f}",
            )
            for one in sorted(made.exposures, key=lambda one: (-one.chance, one.asset))[:_ROWS]
        ),
        nothing="",
    )
    if len(made.exposures) > _ROWS:
        out.line(f"and {len(made.exposures) - _ROWS} more; --json has all of them")
    if seen.unseen:
        out.line(f"{len(seen.unseen)} suppliers that you do not see count as up")
    out.line(f"digest {digest}")


@app.command("portfolio", epilog=example("tocsin fund portfolio town.json projects.json --budget 80000"))
def portfolio(
    plan: PlanArgument,
    projects: ProjectsArgument,
    budget: Annotated[str, typer.Option("--budget", metavar="AMOUNT", help="What there is, like 80000.")],
    weight: Annotated[
        str, typer.Option("--weight", metavar="SHARE", help="Of the worst cases (CVaR); the rest is the expected loss.")
    ] = "0.5",
    alpha: Annotated[
        str, typer.Option("--alpha", metavar="SHARE", help="The worst cases are the share beyond this one.")
    ] = "0.95",
    seed: SeedOption = 1,
    samples: SamplesOption = 1_000,
    horizon: HorizonOption = 168.0,
    times: TimesOption = 1.0,
    decide: Annotated[
        str | None, typer.Option("--decide", metavar="FUND", help="Enter the choice as the decision of this fund.")
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Choose the projects within a budget that leave the least loss. Needs no hub, but to decide."""
    out = Output(json=json)
    if motion is not None and decide is None:
        raise UsageError("a motion decides about a fund", where="--motion", todo="name it with --decide")
    aim, terms = Aim(weight=weight, alpha=alpha), Terms(seed=seed, samples=samples, horizon_h=horizon, times=times)
    town, listed = plan_of(plan), projects_of(projects)
    with out.progress("cascades"):
        found = choose(Scenarios(town, listed, terms), aim, budget=cents_of(budget))
    digest = calculation_of(town, listed, terms, aim, found)
    if decide is not None:
        _decide(decide, listed, found, digest, motion)
    out.document({**msgspec.to_builtins(found), "calculation": digest, "decided": decide})
    _tell(out, found, digest, decide)


def _decide(name: str, projects: tuple[Project, ...], found: Portfolio, digest: str, motion: str | None) -> None:
    with opened() as session:
        session.hub.funds.decide(
            session.acting(),
            session.mandate(motion),
            name,
            projects=list(found.projects),
            budget=found.budget,
            calculation=digest,
            judged=[one for one in projects if one.id in found.projects],
        )


def _tell(out: Output, found: Portfolio, digest: str, decided: str | None) -> None:
    out.line(f"projects: {len(found.projects)}, for {written(found.cost)} of {written(found.budget)}", style="bold")
    for project in found.projects:
        out.line(f"  {project}")
    out.table(
        ("what is lost", "now", "then"),
        (
            ("expected", f"{found.expected_before:,.0f}", f"{found.expected:,.0f}"),
            ("worst cases", f"{found.cvar_before:,.0f}", f"{found.cvar:,.0f}"),
            ("aimed at", f"{found.aimed_before:,.0f}", f"{found.aimed:,.0f}"),
        ),
        nothing="",
    )
    out.line(
        f"by {found.method}: {found.evaluated} choices judged by full cascades; "
        + (
            "no choice within the budget leaves less"
            if not found.gap
            else f"none leaves {found.gap:.2%} less than this"
        )
    )
    out.line(f"calculation {digest}")
    if decided is not None:
        out.line(f"decided for {decided}")


@app.command("share", epilog=example("tocsin fund share town.json projects.json --chosen flood-wall,tank"))
def share(
    plan: PlanArgument,
    projects: ProjectsArgument,
    chosen: Annotated[
        list[str] | None, typer.Option("--chosen", metavar="ID,…", help="Which of them are built; all if not given.")
    ] = None,
    seed: SeedOption = 1,
    samples: SamplesOption = 1_000,
    horizon: HorizonOption = 168.0,
    times: TimesOption = 1.0,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="OWNER", help="Only the totals, and this owner's part.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Share the cost of projects among the owners who gain by them. Needs no hub."""
    out = Output(json=json)
    town, listed, asked = plan_of(plan), projects_of(projects), words(chosen)
    places = {project.id: place for place, project in enumerate(listed)}
    if unknown := sorted(asked - places.keys()):
        raise NotFoundError("there is no such project", where=unknown[0][:80], todo=f"one of {', '.join(places)}")
    terms = Terms(seed=seed, samples=samples, horizon_h=horizon, times=times)
    with out.progress("cascades"):
        made = bill(Scenarios(town, listed, terms), frozenset(places[one] for one in asked or places))
    _shared(out, made, as_)


def _shared(out: Output, made: Bill, owner: str | None) -> None:
    game = made.game
    if owner is not None and owner not in game.players:
        raise NotFoundError("this owner gains nothing by these projects, or owns nothing", where=owner[:80])
    ways = {"shapley": shapley(game)}
    if len(game.players) <= MOST_NUCLEOLUS:
        ways["nucleolus"] = nucleolus(game)
    cents = {way: apportioned(game.total, shares) for way, shares in ways.items()}
    cut = {
        way: capped({name: max(0, one) for name, one in shares.items()}, made.benefits) for way, shares in cents.items()
    }
    seen = [name for name in game.players if owner in (None, name)]
    # a sum over too few others is, less one's own, somebody else's
    summed = owner is None or len(game.players) - 1 >= LEAST_OTHERS
    out.document(
        {
            "cost": game.total,
            "unneeded": made.unneeded,
            "benefit": sum(made.benefits.values()) if summed else None,
            "uncovered": {way: one.uncovered for way, one in cut.items()} if summed else None,
            "in_core": {way: core(game, shares).in_core for way, shares in ways.items()},
            "owners": {
                name: {
                    "benefit": made.benefits[name],
                    "alone": int(game.worths[1 << game.players.index(name)]),
                    **{way: cents[way][name] for way in ways},
                    **{f"{way}_capped": cut[way].shares[name] for way in ways},
                }
                for name in seen
            },
        }
    )
    gains = f"; all together gain {written(sum(made.benefits.values()))}" if summed else ""
    out.line(f"{written(game.total)} to share{gains}", style="bold")
    out.table(
        ("owner", "gains", "alone", *(word for way in ways for word in (way, "capped"))),
        (
            (
                name,
                written(made.benefits[name]),
                written(int(game.worths[1 << game.players.index(name)])),
                *(written(one) for way in ways for one in (cents[way][name], cut[way].shares[name])),
            )
            for name in seen
        ),
        nothing="nobody gains",
    )
    for way, shares in ways.items():
        _core(out, made, way, shares, cut[way].uncovered if summed else 0, shown=owner is None)
    if made.unneeded:
        out.line(f"{written(made.unneeded)} are of projects that nobody gains by: they are not shared")


def _core(out: Output, made: Bill, way: str, shares: dict[str, Fraction], uncovered: int, *, shown: bool) -> None:
    blocking = core(made.game, shares)
    stands = "no group would pay less by itself"
    if not blocking.in_core:
        who = " and ".join(blocking.coalition) if shown else "some group"
        stands = f"{who} would pay {written(round(blocking.gain))} less alone"
    rest = f"; capped, {written(uncovered)} are not covered" if uncovered else ""
    out.line(f"{way}: {stands}{rest}")
