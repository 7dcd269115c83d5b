"""``tocsin risk scenario estimate``: what an event would cost, from cascades over the map that one sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.map_common import FromOption, MappingOption, ReaderOption, SeenPurposeOption, map_of
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
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.errors import UsageError
from tocsin.map.cascade import simulate, wire
from tocsin.risk.registry.estimate import document_of, estimated

if TYPE_CHECKING:
    from tocsin.risk.registry.estimate import Estimate

__all__ = ["app"]

app = commands()


@app.command(
    "estimate", epilog=example("tocsin risk scenario estimate --as national-cert --hit 'substation 3' --hours 168")
)
def estimate(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    hit: DamageOption = None,
    chance: ChanceOption = None,
    intensity: IntensityOption = None,
    repair: RepairOption = 24.0,
    samples: DrawsOption = 1_000,
    seed: SeedOption = 1,
    hours: Annotated[float, typer.Option("--hours", min=0.001, help="How long what follows is counted.")] = 168.0,
    json: JsonOption = False,
) -> None:
    """Print the losses of an event as a scenario's document takes them, from cascades. Nothing is entered."""
    out = Output(json=json)
    if not hit and chance is None and intensity is None:
        raise UsageError("say what the event is: --hit, --intensity or --chance", todo="one of the three")
    asked = asked_of(chance, intensity, repair, hours)
    seen = map_of(reader, from_, mapping, purpose)
    wiring = wire(seen.plan)
    hits = samples_of(seen, wiring, hit, asked, seed=seed, samples=samples)
    losses, nameless = estimated(simulate(wiring, hits, horizon_h=hours))
    out.document(
        {
            "samples": samples,
            "hours": hours,
            "unseen": list(seen.unseen),
            "nameless": nameless,
            "losses": [
                {"sector": one.sector, "money": _told(one.money), "people_hours": _told(one.people_hours)}
                for one in losses
            ],
        }
    )
    # all of it stands in a document: what is said beside the losses is a comment there
    out.line(f"# {samples:,} samples, {hours:g} hours; a suggestion: nothing is entered")
    if reader is not None:
        out.line(f"# of the map that {reader} sees: everybody reads what a scenario says")
    if seen.unseen:
        out.line(f"# {len(seen.unseen)} suppliers that {reader} does not see count as up")
    for name in nameless:
        out.line(f"# left out: a scenario cannot name the sector {name!r}")
    if losses:
        for line in document_of(losses).splitlines():
            out.line(line)
    else:
        out.line("# nothing is lost")


def _told(one: Estimate | None) -> dict[str, float] | None:
    if one is None:
        return None
    low, mode, high = (int(value) for value in one.points.points)
    return {"low": low, "mode": mode, "high": high, "mean": one.mean}
