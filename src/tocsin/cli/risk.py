"""``tocsin risk``: what may happen, what it would cost, and what members' own figures add up to."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import typer

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli import scenario
from tocsin.cli.map_common import PlotOption
from tocsin.cli.options import AsOption, JsonOption, MotionOption, checked, commands, example
from tocsin.cli.output import Output, day, instant
from tocsin.cli.session import opened, read_bounded
from tocsin.errors import NotFoundError
from tocsin.kernel.clock import DAY, parse_date
from tocsin.map.rollup.model import ALL, Rules
from tocsin.risk.registry.documents import read_figures
from tocsin.risk.registry.model import Unit
from tocsin.risk.registry.plots import draw_exceedance
from tocsin.risk.registry.scores import moves, scores
from tocsin.risk.registry.state import RollUp, standing

__all__ = ["app"]

app = commands("The risk registry: scenarios, members' own figures rolled up, scores by sector and what moved them.")
app.add_typer(scenario.app, name="scenario")

_RULES = Rules()
UnitOption = Annotated[Unit, typer.Option("--unit", help="What losses are counted in.")]
SheetArgument = Annotated[str, typer.Argument(metavar="SHEET", help="Its UUID, as `tocsin risk sheets` shows it.")]


@app.command("assess", epilog=example("tocsin risk assess figures.yaml --as fjordkraft"))
def assess(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The figures of one sector, YAML 1.2; - for stdin.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Give a member's own figures of one sector, in the place of those before. The log tells none of them."""
    out = Output(json=json)
    figures = read_figures(read_bounded(file, MAX_BYTES, "a sheet of figures"), where=file)
    with opened() as session:
        sheet = session.hub.registry.submit(session.acting(as_), as_.rpartition("@")[2], figures)
    out.document({"sheet": sheet.sheet, "sector": sheet.sector, "commitment": sheet.commitment})
    out.line(
        f"sheet {sheet.sheet}: {len(figures.figures)} figures of {sheet.sector}; the log holds a commitment to them"
    )


@app.command("sheets", epilog=example("tocsin risk sheets --as fjordkraft"))
def sheets(as_: AsOption, json: JsonOption = False) -> None:
    """List a member's own sheets of figures, without the figures."""
    out = Output(json=json)
    with opened() as session:
        held = session.hub.registry.sheets(as_.rpartition("@")[2])
        stand = {one.sheet for one in standing(session.hub.registry.state())}
    out.document(
        [
            {"sheet": one.sheet, "sector": one.sector, "at": instant(one.at), "counts": one.sheet in stand}
            for one in held
        ]
    )
    out.table(
        ("sheet", "sector", "given", "counts"),
        ((one.sheet, one.sector, instant(one.at), "yes" if one.sheet in stand else "no") for one in held),
        nothing="this party gave no figures",
    )


@app.command("figures", epilog=example("tocsin risk figures 0b2e6f3a-… --as fjordkraft"))
def figures(sheet: SheetArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Show a member its own figures; that they were shown, and who acted, is in the log."""
    out = Output(json=json)
    with opened() as session:
        held = session.hub.registry.figures(session.acting(as_), as_.rpartition("@")[2], sheet)
    out.document(held)
    out.table(
        ("scenario", "money", "people-hours"),
        ((one.scenario, _number(one.money), _number(one.people_hours)) for one in held.figures),
        nothing="no figure",
    )


@app.command("withdraw", epilog=example("tocsin risk withdraw 0b2e6f3a-… --as fjordkraft"))
def withdraw(sheet: SheetArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Take a member's figures out of every later roll-up."""
    out = Output(json=json)
    with opened() as session:
        session.hub.registry.withdraw(session.acting(as_), as_.rpartition("@")[2], sheet)
    out.document({"sheet": sheet, "withdrawn": True})
    out.line(f"sheet {sheet} counts in no later roll-up")


@app.command("rollup", epilog=example("tocsin risk rollup --unit money --group 5"))
def rollup(
    unit: UnitOption = Unit.MONEY,
    motion: MotionOption = None,
    group: Annotated[int, typer.Option("--group", help="Of fewer parties no sum is shown.")] = _RULES.group,
    colluding: Annotated[
        int, typer.Option("--colluding", help="How many members may put their own figures together: 0, 1 or 2.")
    ] = _RULES.colluding,
    margin: Annotated[
        int, typer.Option("--margin", help="Percent of a figure that stay uncertain to both sides.")
    ] = _RULES.margin,
    dominance: Annotated[
        int, typer.Option("--dominance", help="Percent of a sum that one party may hold.")
    ] = _RULES.dominance,
    least: Annotated[int, typer.Option("--least", help="Units that stay uncertain in any case.")] = _RULES.least,
    json: JsonOption = False,
) -> None:
    """Roll members' figures up, and publish the sums from which no member's figure can be had back."""
    out = Output(json=json)
    rules = Rules(group=group, colluding=colluding, margin=margin, dominance=dominance, least=least)
    with opened() as session:
        made = session.hub.registry.publish(session.acting(), session.mandate(motion), unit, rules)
    _tell(out, made)


@app.command("show", epilog=example("tocsin risk show --unit money"))
def show(unit: UnitOption = Unit.MONEY, json: JsonOption = False) -> None:
    """Show the last roll-up."""
    out = Output(json=json)
    with opened() as session:
        published = session.hub.registry.state().published(unit)
    if not published:
        raise NotFoundError("nothing was rolled up yet", where=str(unit), todo="tocsin risk rollup")
    _tell(out, published[-1])


@app.command("attack", epilog=example("tocsin risk attack --unit money"))
def attack(unit: UnitOption = Unit.MONEY, json: JsonOption = False) -> None:
    """Attack everything that was ever rolled up, as outsiders and as members who collude. For who runs the hub."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.registry.attack(unit)
    if found is None:
        raise NotFoundError("nothing was rolled up yet", where=str(unit), todo="tocsin risk rollup")
    out.document({"passed": found.passed, "coalitions": found.coalitions, "targets": found.targets})
    said = "nobody learned more than the rules allow" if found.passed else f"{len(found.breaches)} figures are NOT safe"
    out.line(f"{found.coalitions} coalitions went for {found.targets} targets: {said}")


@app.command("score", epilog=example("tocsin risk score --since 2026-01-01"))
def score(
    unit: UnitOption = Unit.MONEY,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help="Tell what moved each score since this UTC day.",
            callback=checked("--since", parse_date),
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show each sector's score, its mean annual loss, and what moved it: the parts add up exactly."""
    out = Output(json=json)
    with opened() as session:
        registry = session.hub.registry
        now = registry.state().current()
        before = None if since is None else registry.as_of(parse_date(since))
    found = scores(now, unit)
    moved = [] if before is None else moves(before, now, unit)
    was = {} if before is None else scores(before, unit)
    sectors = sorted(found.keys() | was.keys())
    out.document(
        {
            "unit": unit,
            "sectors": [
                {"sector": one, "score": str(found.get(one, 0))}
                | ({} if before is None else {"before": str(was.get(one, 0))})
                for one in sectors
            ],
            "moved": [
                {
                    "sector": one.sector,
                    "scenario": one.scenario,
                    "change": one.change,
                    "treatment": one.treatment or None,
                    "amount": str(one.amount),
                }
                for one in moved
            ],
        }
    )
    out.table(
        ("sector", f"{unit} a year", "before"),
        ((one, _amount(found.get(one, 0)), "" if before is None else _amount(was.get(one, 0))) for one in sectors),
        nothing="no current scenario has a rate and a loss in this unit",
    )
    for one in moved:
        named = f" {one.treatment}" if one.treatment else ""
        out.line(f"  {one.sector}: {one.scenario}, {one.change}{named}: {float(one.amount):+,.1f}")
    without = sum(one.rate is None for one in now.values())
    if without:
        out.line(f"{without} of {len(now)} scenarios have no rate, and are in no sum")


@app.command("simulate", epilog=example("tocsin risk simulate --years 20000 --seed 1"))
def simulate(
    unit: UnitOption = Unit.MONEY,
    years: Annotated[int, typer.Option("--years", help="How many years are drawn.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same years.")] = 1,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Draw years: mean and quantiles of each sector's annual loss, with their intervals."""
    from tocsin.risk.registry.loss import simulate as draw  # noqa: PLC0415  scipy takes a second to load

    out = Output(json=json)
    with opened() as session:
        scenarios = list(session.hub.registry.state().current().values())
    drawn = draw(scenarios, unit, seed=seed, years=years)
    if plot is not None:
        draw_exceedance(plot, drawn)
    rows = []
    for sector in (*drawn.sectors, None):
        (mean, error), quantiles = drawn.mean(sector), [drawn.quantile(share, sector) for share in (0.5, 0.9, 0.99)]
        rows.append((sector or ALL, mean, error, quantiles))
    out.document(
        [
            {
                "sector": sector,
                "mean": mean,
                "standard_error": error,
                "quantiles": [{"share": q.share, "value": q.value, "low": q.low, "high": q.high} for q in quantiles],
            }
            for sector, mean, error, quantiles in rows
        ]
    )
    out.table(
        ("sector", "mean", "±", "1 year in 2", "1 in 10", "1 in 100", "between"),
        (
            (
                sector,
                f"{mean:,.0f}",
                f"{1.96 * error:,.0f}",
                *(f"{q.value:,.0f}" for q in quantiles),
                f"{quantiles[-1].low:,.0f} and {quantiles[-1].high:,.0f}",
            )
            for sector, mean, error, quantiles in rows
        ),
        nothing="no current scenario has a rate and a loss in this unit",
    )


@app.command("due", epilog=example("tocsin risk due --days 30"))
def due(
    days: Annotated[int, typer.Option("--days", help="Within so many days.", min=0, max=3_660)] = 30,
    json: JsonOption = False,
) -> None:
    """List scenarios to be reviewed and treatments to be done, and whose they are; to be run daily."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.registry.due(within=days * DAY)
    out.document(
        [
            {"scenario": one.scenario, "what": one.what, "owner": one.owner, "at": day(one.at), "overdue": one.overdue}
            for one in found
        ]
    )
    out.table(
        ("due", "scenario", "what", "owner", ""),
        ((day(one.at), one.scenario, one.what, one.owner, "overdue" if one.overdue else "") for one in found),
        nothing="nothing is due",
    )


def _tell(out: Output, made: RollUp) -> None:
    rules = made.rules
    out.document(
        {
            "rollup": made.rollup,
            "unit": made.unit,
            "at": instant(made.at),
            "mandate": made.mandate,
            "rules": rules,
            "shown": [{"sector": sector, "scenario": name, "sum": value} for sector, name, value in made.shown],
        }
    )
    out.line(f"{made.unit}, rolled up at {instant(made.at)}", style="bold")
    out.table(
        ("sector", "scenario", "sum"),
        ((_all(sector), _all(name), f"{value:,}") for sector, name, value in made.shown),
        nothing="nothing can be shown under these rules",
    )
    out.line(
        f"each of {rules.group} parties or more; coalitions of up to {rules.colluding} cannot narrow a figure down to "
        f"less than {rules.margin} % to both sides. Of other sums nothing is said, not whether there are any."
    )


def _all(name: str) -> str:
    return "all" if name == ALL else name


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _amount(value: Fraction | int) -> str:
    return f"{float(value):,.1f}"
