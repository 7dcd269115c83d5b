"""``tocsin map simulate`` and ``spof``: what falls when something is hit, on the map that one sees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import numpy as np
import typer

from tocsin.cli.map_common import (
    MOST_HOURS,
    FromOption,
    MappingOption,
    PlotOption,
    ReaderOption,
    SeenPurposeOption,
    left_out_lines,
    map_of,
    require_once,
)
from tocsin.cli.map_hazard import ChanceOption, IntensityOption, RepairOption, SeedOption, asked_of
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.errors import UsageError
from tocsin.map import failures
from tocsin.map.cascade import Hit, Hourly, hits_of, simulate, trace, wire
from tocsin.map.cascade.grid import FULL
from tocsin.map.criticality import MOST_REDRAWS, criticality
from tocsin.map.plots import draw_hours, draw_ranks
from tocsin.map.sampling import drawn

if TYPE_CHECKING:
    from tocsin.map.cascade import Course, Outcome, Wiring
    from tocsin.map.criticality import Criticality
    from tocsin.map.failures import Losses
    from tocsin.map.seen import Seen

__all__ = ["app"]

app = commands()

# Rows of a table for people; `--json` has all.
_ROWS: Final = 15
_MOST_SAMPLES: Final = 1_000_000
_MOST_PAIRS_TOLD: Final = 10_000

HoursOption = Annotated[float, typer.Option("--hours", min=0.001, max=MOST_HOURS, help="How far to look.")]


@app.command("simulate", epilog=example("tocsin map simulate --as national-cert --hit 'substation 3' --hours 72"))
def run(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    hit: Annotated[
        list[str] | None,
        typer.Option(
            "--hit",
            metavar="ASSET[=DAMAGE,FROM,UNTIL]",
            help="An asset is hit: wholly and to the end, or by this share, from and until these hours.",
        ),
    ] = None,
    hours: HoursOption = 168.0,
    samples: Annotated[
        int | None,
        typer.Option("--samples", min=1, max=_MOST_SAMPLES, help="Draw so many samples of a hazard instead."),
    ] = None,
    seed: SeedOption = 1,
    chance: ChanceOption = None,
    intensity: IntensityOption = None,
    repair: RepairOption = 24.0,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Simulate what follows: hits that you give, or samples of a hazard; what nothing is known of stays up."""
    out = Output(json=json)
    if (samples is None) == (not hit):
        raise UsageError("say what is hit: --hit, or --samples to draw", todo="one of the two")
    seen = map_of(reader, from_, mapping, purpose)
    wiring = wire(seen.plan)
    if samples is None:
        given = [_hit(seen, one, hours) for one in hit or ()]
        require_once("--hit", [one.asset for one in given])
        hits = hits_of(wiring, [given])
    else:
        asked = asked_of(chance, intensity, repair, hours)
        hits = drawn(seen.plan, wiring, asked, seed=seed, samples=samples, spared=frozenset(seen.unseen))
    outcome = simulate(wiring, hits, horizon_h=hours, hourly=Hourly.NONE if plot is None else Hourly.SECTOR)
    course = trace(wiring, hits, horizon_h=hours) if samples is None else None
    if plot is not None:
        draw_hours(plot, wiring.sectors, outcome.by_hour)
    out.document(_document(seen, outcome, hours, course))
    _told(out, seen, outcome, course)


@app.command("spof", epilog=example("tocsin map spof --as national-cert --hours 168 --pairs"))
def spof(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    hours: HoursOption = 168.0,
    pairs: Annotated[bool, typer.Option("--pairs", help="Try each two assets as well.")] = False,
    redraws: Annotated[
        int | None,
        typer.Option("--redraws", min=1, max=MOST_REDRAWS, help="Draw what is assumed anew so often, and rank again."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The redraws follow from it alone.")] = 1,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Find single points of failure: what each asset takes with it when it is down for so many hours."""
    out = Output(json=json)
    seen = map_of(reader, from_, mapping, purpose)
    wiring = wire(seen.plan)
    _warn(out, seen, wiring, hours)
    alone = failures.singles(wiring, horizon_h=hours)
    both = failures.pairs(wiring, horizon_h=hours) if pairs else None
    if plot is not None:
        order = alone.ranked()[:_ROWS]
        draw_ranks(plot, [wiring.ids[int(alone.sets[at][0])] for at in order], alone.people_h[order])
    document: dict[str, Any] = {"hours": hours, "singles": _losses(wiring, alone)}
    if both is not None:
        document["pairs"] = _losses(wiring, both, most=_MOST_PAIRS_TOLD)
    again = None if redraws is None else criticality(seen.plan, horizon_h=hours, redraws=redraws, seed=seed)
    if again is not None:
        document["redrawn"] = msgspec.to_builtins(again)
    out.document(document)
    _ranking(out, wiring, alone, "asset")
    if both is not None:
        out.line()
        _ranking(out, wiring, both, "two assets")
    if again is not None:
        _redrawn(out, again)


# --- what is hit -----------------------------------------------------------------------------------------------------


def _hit(seen: Seen, text: str, hours: float) -> Hit:
    if text in seen.refs or "=" not in text:
        return Hit(asset=seen.named(text), until_h=hours)
    name, _, numbers = text.rpartition("=")
    try:
        values = [float(one) for one in numbers.split(",")]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or not all(map(math.isfinite, values)):  # noqa: PLR2004 -- damage, from, until
        raise UsageError(f"{text[:80]!r} is no hit", where="--hit", todo="write ASSET, or ASSET=DAMAGE,FROM,UNTIL")
    damage, begin, end = (*values, *(1.0, 0.0, hours)[len(values) :])
    if not (0 <= damage <= 1 and 0 <= begin < end):
        raise UsageError(
            f"{text[:80]!r} loses {damage:g} of its service from {begin:g} h until {end:g} h",
            where="--hit",
            todo="a share of 0 to 1, from hour 0 on, until a later hour (if none is said, --hours)",
        )
    return Hit(asset=seen.named(name), damage=damage, from_h=begin, until_h=end)


# --- what is told ----------------------------------------------------------------------------------------------------


def _document(seen: Seen, outcome: Outcome, hours: float, course: Course | None) -> dict[str, Any]:
    wiring = outcome.wiring
    people, lost, worth = (value.mean(axis=0) for value in (outcome.people_h, outcome.lost_h, outcome.worth_lost))
    document: dict[str, Any] = {
        "hours": hours,
        "samples": outcome.samples,
        "unseen": list(seen.unseen),
        "parties_left_out": msgspec.to_builtins(seen.parties_left_out),
        "sectors": [
            {"sector": name, "lost_h": float(lost[at]), "people_h": float(people[at]), "worth_lost": float(worth[at])}
            for at, name in enumerate(wiring.sectors)
        ],
        "assets": [
            {"asset": name, "outage_h": float(outcome.outage_h[at]), "hurt": float(outcome.hurt[at])}
            for at, name in enumerate(wiring.ids)
            if outcome.hurt[at] > 0
        ],
        "buffers": [
            {
                "asset": asset,
                "needs": name,
                "ran_out": float(outcome.ran_out[at]),
                "earliest_h": float(outcome.earliest_h[at]),
            }
            for at, (asset, name) in enumerate(_needs(wiring))
            if outcome.ran_out[at] > 0
        ],
    }
    if course is not None:
        document["course"] = [
            {"hour": at / wiring.ticks_per_hour, "asset": wiring.ids[asset], "service": level / FULL}
            for at, asset, level in course.changes
        ]
    return document


def _needs(wiring: Wiring) -> list[tuple[str, str]]:
    asset_of = np.repeat(np.arange(wiring.assets), np.diff(wiring.groups_of))
    return [(wiring.ids[int(asset)], name) for asset, name in zip(asset_of, wiring.names, strict=True)]


def _told(out: Output, seen: Seen, outcome: Outcome, course: Course | None) -> None:
    wiring = outcome.wiring
    if course is not None:
        rows = [
            (f"{at / wiring.ticks_per_hour:.2f}", wiring.ids[asset], f"{level / FULL:.0%}")
            for at, asset, level in course.changes
        ]
        out.table(("hour", "asset", "service"), rows[: 4 * _ROWS], nothing="nothing falls")
        if len(rows) > 4 * _ROWS:
            out.line(f"and {len(rows) - 4 * _ROWS} more; --json has all of them")
        out.line()
    else:
        order = np.argsort(-outcome.outage_h, kind="stable")[:_ROWS]
        hurt = [at for at in order if outcome.hurt[at] > 0]
        rows = [(wiring.ids[at], f"{outcome.outage_h[at]:.2f}", f"{outcome.hurt[at]:.1%}") for at in hurt]
        out.table(("asset", "hours lost", "hurt in"), rows, nothing="nothing falls in any sample")
        out.line()
    people, lost, worth = (value.mean(axis=0) for value in (outcome.people_h, outcome.lost_h, outcome.worth_lost))
    sectors = [
        (name or "(none)", f"{lost[at]:,.1f}", f"{people[at]:,.0f}", f"{worth[at]:,.0f}")
        for at, name in enumerate(wiring.sectors)
    ]
    out.table(("sector", "asset-hours lost", "people-hours", "worth lost"), sectors, nothing="no sectors")
    for at, (asset, name) in enumerate(_needs(wiring)):
        if outcome.ran_out[at] > 0 and course is not None:
            out.line(f"{asset}: its buffer for {name} runs out after {outcome.earliest_h[at]:.2f} h")
    left_out_lines(out, seen)
    if seen.unseen:
        out.line(f"{len(seen.unseen)} suppliers that you do not see count as up")


def _warn(out: Output, seen: Seen, wiring: Wiring, hours: float) -> None:
    longest = max((group.buffer_h for group in seen.plan.groups), default=0.0)
    if longest >= hours:
        out.line(f"note: a buffer holds {longest:g} h: what is behind it does not show within {hours:g} h")
    left_out_lines(out, seen)
    if seen.unseen:
        out.line(f"note: {len(seen.unseen)} of {wiring.assets} assets are not seen; what they need does not show")


def _losses(wiring: Wiring, losses: Losses, *, most: int | None = None) -> list[dict[str, Any]]:
    return [
        {
            "assets": [wiring.ids[int(one)] for one in losses.sets[at]],
            "lost_h": float(losses.hours[at]),
            "people_h": float(losses.people_h[at]),
            "worth_lost": float(losses.worth[at]),
        }
        for at in losses.ranked()[:most]
    ]


def _ranking(out: Output, wiring: Wiring, losses: Losses, head: str) -> None:
    rows = [
        (
            " + ".join(wiring.ids[int(one)] for one in losses.sets[at]),
            f"{losses.people_h[at]:,.0f}",
            f"{losses.hours[at]:,.1f}",
            f"{losses.worth[at]:,.0f}",
        )
        for at in losses.ranked()[:_ROWS]
    ]
    out.table((head, "people-hours", "asset-hours lost", "worth lost"), rows, nothing="no assets")


def _redrawn(out: Output, again: Criticality) -> None:
    out.line()
    if not again.assumed:
        out.line("nothing on this map is assumed: the ranking stands as it is")
        return
    rows = [
        (one.rank, one.asset, f"{one.loss:,.0f}", f"{one.best} to {one.worst}", f"{one.often[0]:.0%}")
        for one in again.ranks[:_ROWS]
    ]
    out.table(("rank", "asset", "people-hours", "rank in 90 of 100", "first in"), rows, nothing="no assets")
    taus = sorted(again.taus)
    if taus:
        out.line(
            f"{again.assumed} assumed numbers drawn {again.redraws} times; Kendall's tau to this ranking:"
            f" {taus[len(taus) // 2]:.2f} in the middle, {taus[0]:.2f} at the least"
        )
