"""``tocsin map cuts``: the smallest sets of assets that have to fail together so that one asset loses service."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tocsin.cli.map_common import (
    MOST_HOURS,
    FromOption,
    MappingOption,
    ReaderOption,
    SeenPurposeOption,
    map_of,
    numbered,
)
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.errors import UsageError
from tocsin.map import failures
from tocsin.map.cascade import wire
from tocsin.map.structure import MOST_PARTS, structure

if TYPE_CHECKING:
    from tocsin.map.cascade import Wiring
    from tocsin.map.seen import Seen

__all__ = ["app"]

app = commands()

# Rows of a table for people; `--json` has all.
_ROWS: Final = 30
_UP_TO: Final = 3


@app.command("cuts", epilog=example("tocsin map cuts 'Lund pumps' --as national-cert --up-to 4"))
def cuts(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Which asset loses service: its name, or STIX id.")],
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    up_to: Annotated[
        int | None,
        typer.Option("--up-to", min=1, max=MOST_PARTS, help="List sets of up to so many assets (3); all are counted."),
    ] = None,
    service: Annotated[
        float | None, typer.Option("--service", max=1, help="Left with less than this share of its service (1).")
    ] = None,
    among: Annotated[
        list[str] | None, typer.Option("--among", metavar="ASSET", help="Only these can fail by themselves; else all.")
    ] = None,
    chance: Annotated[
        list[str] | None,
        typer.Option("--chance", metavar="[ASSET=]CHANCE", help="Each fails with this chance: how likely is the loss?"),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            "--hours",
            min=0.001,
            max=MOST_HOURS,
            help="Instead: by cascades over so many hours, buffers counted; one and two only.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the minimal cut sets of an asset: what has to fail together, for good, so that it loses service."""
    out = Output(json=json)
    if hours is not None and (up_to is not None or service is not None or among or chance):
        raise UsageError(
            "--hours looks for sets of one and two, with buffers; --up-to, --service, --among and --chance are of what"
            " is lost for good",
            where="--hours",
            todo="one of the two",
        )
    if service is not None and not 0 < service <= 1:
        raise UsageError(f"a service of {service:g}", where="--service", todo="more than 0, up to 1")
    chances = list(numbered("--chance", chance or (), "CHANCE or ASSET=CHANCE", most=1))
    seen = map_of(reader, from_, mapping, purpose)
    name = seen.named(asset)
    wiring = wire(seen.plan)
    if hours is not None:
        _within(out, seen, wiring, name, hours)
        return
    number = {id_: at for at, id_ in enumerate(wiring.ids)}
    chosen = {number[seen.named(one)] for one in among or ()}
    found = structure(wiring, number[name], service=1.0 if service is None else service, among=chosen or None)
    most = up_to or _UP_TO
    sizes = found.sizes()
    sets = [[wiring.ids[one] for one in each] for each in found.cuts(largest=most)]
    likely = None
    if chances:
        base = next((value for text, value in reversed(chances) if text is None), 0.0)
        fails = dict.fromkeys(found.parts, base)
        fails |= {number[seen.named(text)]: value for text, value in chances if text is not None}
        likely = found.probability(fails)
    out.document(
        {
            "asset": name,
            "service": 1.0 if service is None else service,
            "up_to": most,
            "cuts": sets,
            "probability": likely,
        }
        | {"sizes": [{"size": size, "sets": _whole(count)} for size, count in sizes.items()]}
        | {"unseen": list(seen.unseen)}
    )
    _table(out, name, sets, f"nothing makes {name} lose service" if not sizes else f"none of up to {most}")
    more = {size: count for size, count in sizes.items() if size > most}
    if more:
        told = ", ".join(f"{count:,} of {size}" for size, count in more.items())
        out.line(f"larger ones: {told}; --up-to lists them")
    if likely is not None:
        out.line(f"{name} loses service with a chance of {likely:.6g}, each failing independently")
    _unseen(out, seen)


def _within(out: Output, seen: Seen, wiring: Wiring, name: str, hours: float) -> None:
    one, two = failures.cuts(wiring, wiring.ids.index(name), horizon_h=hours)
    sets = [[wiring.ids[int(at)]] for at in one] + [[wiring.ids[int(at)] for at in row] for row in two]
    longest = max((group.buffer_h for group in seen.plan.groups), default=0.0)
    sizes = sorted(Counter(map(len, sets)).items())
    out.document(
        {"asset": name, "hours": hours, "up_to": 2, "cuts": sets}
        | {"sizes": [{"size": size, "sets": count} for size, count in sizes]}
        | {"unseen": list(seen.unseen), "longest_buffer_h": longest}
    )
    _table(out, name, sets, f"{name} stands any two failures for {hours:g} h")
    if longest >= hours:
        out.line(f"note: a buffer holds {longest:g} h: what is behind it does not show within {hours:g} h")
    _unseen(out, seen)


def _table(out: Output, name: str, sets: list[list[str]], nothing: str) -> None:
    rows = [(" + ".join(each), len(each)) for each in sets[:_ROWS]]
    out.table((f"{name} cannot do without", "of"), rows, nothing=nothing)
    if len(sets) > _ROWS:
        out.line(f"and {len(sets) - _ROWS:,} more; --json has all of them")


def _unseen(out: Output, seen: Seen) -> None:
    if seen.unseen:
        out.line(f"note: {len(seen.unseen)} assets are not seen; what they need does not show")


def _whole(count: int) -> int:
    """Return a count as JSON holds it: no larger than a double has exactly."""
    return min(count, 2**53 - 1)
