"""``tocsin baseline recovery``: recovery-time targets against what the map says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.map_common import MappingOption, map_of
from tocsin.cli.map_hazard import (
    ChanceOption,
    DamageOption,
    DrawsOption,
    IntensityOption,
    RepairOption,
    SeedOption,
    asked_of,
    samples_of,
)
from tocsin.cli.options import AsOption, JsonOption, PurposeOption, commands, example
from tocsin.cli.output import Output, day
from tocsin.cli.session import opened
from tocsin.errors import NotFoundError
from tocsin.map.cascade import wire

if TYPE_CHECKING:
    from tocsin.map.seen import Seen
    from tocsin.risk.baselines.model import Recovery, Target
    from tocsin.risk.baselines.recovery import Recovered

__all__ = ["app"]

app = commands()


@app.command("recovery", epilog=example("tocsin baseline recovery --as fjordkraft --hit 'substation 3' --hours 720"))
def recovery(
    as_: AsOption,
    asset: Annotated[
        list[str] | None,
        typer.Option("--asset", metavar="ASSET", help="Of this asset of the party; else of all of them."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="FOLDER|FILE", help="On the map in these files, in place of the hub's."),
    ] = None,
    mapping: MappingOption = None,
    purpose: PurposeOption = "analyse",
    hit: DamageOption = None,
    chance: ChanceOption = None,
    intensity: IntensityOption = None,
    within: Annotated[
        float, typer.Option("--within", min=0.001, help="Else: as failure modes say, in so many hours from the start.")
    ] = 168.0,
    repair: RepairOption = 24.0,
    samples: DrawsOption = 1_000,
    seed: SeedOption = 1,
    hours: Annotated[float, typer.Option("--hours", min=0.001, help="How far to look.")] = 720.0,
    json: JsonOption = False,
) -> None:
    """Hold a party's recovery-time targets to its assets on the map that it sees: in how many samples were they met."""
    # scipy takes a second to load
    from tocsin.risk.baselines.recovery import recoveries  # noqa: PLC0415

    out = Output(json=json)
    asked = asked_of(chance, intensity, repair, within)
    name = as_.rpartition("@")[2]
    with opened() as session:
        uri = session.hub.parties.get(name).uri
        targets = session.hub.baselines.recovery_targets(name)
    if not targets:
        raise NotFoundError("no target asks a recovery time of this party", where=name, todo="tocsin baseline target")
    seen = map_of(None if from_ else as_, from_, mapping, purpose)
    wanted = _wanted(seen, uri, asset)
    pairs = [(one, target, back) for target in targets for one in wanted if (back := target.recovery) is not None]
    wiring = wire(seen.plan)
    hits = samples_of(seen, wiring, hit, asked, seed=seed, samples=samples)
    with out.progress("cascades"):
        found = recoveries(wiring, hits, [(one, back) for one, _, back in pairs], horizon_h=hours)
    _tell(out, seen, [(one, target, back, each) for (one, target, back), each in zip(pairs, found, strict=True)])


def _wanted(seen: Seen, uri: str, named: list[str] | None) -> list[str]:
    own = {one.id for one in seen.plan.assets if one.owner == uri}
    if not named:
        if not own:
            raise NotFoundError("this party has no asset on the map that it sees", where=uri, todo="tocsin map import")
        return sorted(own)
    wanted = list(dict.fromkeys(seen.named(one) for one in named))
    if others := [one for one in wanted if one not in own]:
        raise NotFoundError("this asset is not of the party", where=others[0][:80], todo="a target is for one's own")
    return wanted


def _tell(out: Output, seen: Seen, rows: list[tuple[str, Target, Recovery, Recovered]]) -> None:
    out.document([_document(seen, *row) for row in rows])
    out.table(
        ("control", "asset", "back in", "fell", "in time", "of 100, at least", "at most", "longest h", ""),
        (
            (
                f"{target.catalogue} {target.control}",
                asset,
                f"{back.hours} h, {back.share} of 100",
                f"{each.fell:,} of {each.samples:,}",
                f"{each.in_time:,}",
                f"{each.low:.1%}",
                f"{each.high:.1%}",
                "not back" if math.isinf(each.longest_h) else f"{each.longest_h:,.1f}",
                _verdict(each),
            )
            for asset, target, back, each in rows
        ),
        nothing="nothing is asked",
    )
    if unknown := sum(each.unknown for *_, each in rows):
        out.line(f"{unknown} times the samples ended before it could be known: look further with --hours")
    if seen.unseen:
        out.line(f"{len(seen.unseen)} suppliers that you do not see count as up")


def _verdict(each: Recovered) -> str:
    if not each.fell:
        return "it never fell"
    return "met" if each.met else "missed" if each.missed else "too few samples to say"


def _document(seen: Seen, asset: str, target: Target, back: Recovery, each: Recovered) -> dict[str, Any]:
    return {
        "asset": asset,
        "catalogue": target.catalogue,
        "control": target.control,
        "due": day(target.due),
        "target": back,
        "samples": each.samples,
        "fell": each.fell,
        "in_time": each.in_time,
        "unknown": each.unknown,
        "low": each.low,
        "high": each.high,
        "longest_h": None if math.isinf(each.longest_h) else each.longest_h,
        "met": each.met,
        "missed": each.missed,
        "unseen": list(seen.unseen),
    }
