"""``tocsin map whatnext`` and ``interface``: what fails next, and what a member publishes in place of its part."""

from __future__ import annotations

import enum
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from tocsin.cli.map_common import (
    MOST_HOURS,
    FromOption,
    MappingOption,
    ReaderOption,
    SeenPurposeOption,
    left_out_lines,
    map_of,
    read_map,
    require_once,
    standing_document,
    standing_line,
    write_map,
)
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.errors import InputError, UsageError
from tocsin.map.formats import Format
from tocsin.map.interfaces import bounds_of, compose, interface_of, rounded, trials, width_of
from tocsin.map.model import LONGEST_H, Asset, AssetMap
from tocsin.map.reported import differing, none_out, reported, with_repairs
from tocsin.map.whatnext import MOST_SAMPLES, Outage, what_next

if TYPE_CHECKING:
    from tocsin.map.interfaces import Interface, Width
    from tocsin.map.seen import Seen
    from tocsin.map.whatnext import Forecast, Spread

__all__ = ["app"]

app = commands()

_ROWS: Final = 30
_WEEK_H: Final = 168.0


class Bound(enum.StrEnum):
    """Which interface is written."""

    NEAR = "near"
    LEAST = "least"
    MOST = "most"


@app.command("whatnext", epilog=example("tocsin map whatnext --as national-cert --out 'substation 3' --hours 72"))
def whatnext(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "respond",
    out_: Annotated[
        list[str] | None,
        typer.Option(
            "--out",
            metavar="ASSET[=DAMAGE,SINCE,LEFT]",
            help="An outage of now: the share lost, since how many hours, and repaired in how many, if that is known.",
        ),
    ] = None,
    hours: Annotated[
        float, typer.Option("--hours", min=0.001, max=MOST_HOURS, help="How far to look, from now.")
    ] = 72.0,
    samples: Annotated[int, typer.Option("--samples", min=1, max=MOST_SAMPLES, help="Repairs drawn.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The samples follow from it alone.")] = 1,
    repair: Annotated[
        float | None,
        typer.Option("--repair", min=0, max=LONGEST_H, help="Hours that a repair takes where nothing is said of it."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what fails next and when, of outages that are there now: those reported to the hub, and those of --out."""
    out = Output(json=json)
    seen = map_of(reader, from_, mapping, purpose)
    given = [_outage(seen, one) for one in out_ or ()]
    plan = seen.plan if repair is None else with_repairs(seen.plan, repair)
    require_once("--out", [one.asset for one in given])
    named = {one.asset for one in given}
    told, left = reported(seen, plan, named)
    beside = differing(seen, named)
    outages = [*told, *given]
    if not outages:
        raise none_out(left, beside, where="--out")
    found = what_next(plan, outages, horizon_h=hours, samples=samples, seed=seed)
    document: dict[str, Any] = msgspec.to_builtins(found)
    out.document(
        document
        | {"outages": msgspec.to_builtins(outages), "unseen": list(seen.unseen)}
        | {"parties_left_out": msgspec.to_builtins(seen.parties_left_out)}
        | {"left_out": msgspec.to_builtins(left), "differing": [standing_document(one) for one in beside]}
    )
    _forecast(out, seen, found)
    for standing in beside[:_ROWS]:
        out.line(standing_line(standing))
    if len(beside) > _ROWS:
        out.line(f"and {len(beside) - _ROWS} more that say otherwise; --json has all of them")
    for one in left[:_ROWS]:
        out.line(f"left out: {one.asset}: {one.cause}; give its end with --out, or --repair")
    if len(left) > _ROWS:
        out.line(f"and {len(left) - _ROWS} more; --json has all of them")


@app.command("interface", epilog=example("tocsin map interface home/ --owner https://fjordkraft.example --round 2"))
def interface(
    path: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="The full map, which stays on this machine.")],
    mapping: MappingOption = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="URI", help="Yours are the assets of this owner.")
    ] = None,
    inside: Annotated[list[str] | None, typer.Option("--inside", metavar="ASSET", help="Yours is this asset.")] = None,
    together: Annotated[
        int, typer.Option("--together", min=1, max=6, help="Losses of up to so many inputs at once are looked at.")
    ] = 3,
    hours: Annotated[float, typer.Option("--hours", min=1, help="What takes longer is not told.")] = 720.0,
    round_: Annotated[
        float, typer.Option("--round", min=0, help="Round hours to multiples of this, up or down at random.")
    ] = 0.0,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="For --round: a number that stays with you.")
    ] = None,
    bound: Annotated[
        Bound, typer.Option("--bound", help="What is written: the nearest, or what holds at least or at most.")
    ] = Bound.NEAR,
    samples: Annotated[
        int, typer.Option("--samples", min=1, max=MOST_SAMPLES, help="Hits drawn, to say how far the bounds are apart.")
    ] = 200,
    to_folder: Annotated[
        str | None, typer.Option("--out", metavar="FOLDER", help="Write it as a map of files, to be imported.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compute what you publish in place of your part of the map: how your outputs answer when your inputs fail."""
    out = Output(json=json)
    if (owner is None) == (not inside):
        raise UsageError("say which assets are yours: --owner, or --inside each", todo="one of the two")
    if (round_ > 0 and bound is Bound.NEAR) != (seed is not None):
        raise UsageError(
            "--round wants a --seed, and nothing else does",
            todo="a seed of your own, which you tell nobody; bounds need none",
        )
    plan = read_map(path, mapping).plan
    own = {one.id for one in plan.assets if one.owner == owner} if owner is not None else set(inside or ())
    if not own:
        raise InputError("no asset is of this owner", where="--owner", todo="`tocsin map show --from` lists owners")
    bounds = bounds_of(plan, own, together=together, horizon_h=hours, step_h=round_)
    if bound is Bound.NEAR:
        found = interface_of(plan, own, together=together, horizon_h=hours)
        found = found if seed is None else rounded(found, round_, seed=seed)
    else:
        found = bounds.least if bound is Bound.LEAST else bounds.most
    width = width_of(plan, own, bounds, trials(plan, own, samples, horizon_h=_WEEK_H, seed=1), horizon_h=_WEEK_H)
    published = _published(plan, found)
    files = [] if to_folder is None else write_map(published, Format.CSV, Path(to_folder))
    document: dict[str, Any] = msgspec.to_builtins(found)
    out.document(
        document
        | {"assets": len(published.assets), "groups": len(published.groups), "files": files}
        | {"bound": bound.value, "samples": samples, "width": msgspec.to_builtins(width)}
    )
    rows = [(one.id, one.kind, one.sector, len(one.stocks) or len(one.promises)) for one in found.outputs]
    out.line(
        f"{len(own)} assets stay at home; {len(found.inputs)} inputs: {', '.join(one.name for one in found.inputs)}"
    )
    what = "promises" if bound is Bound.LEAST else "stocks"
    out.table(("output", "kind", "sector", what), rows, nothing="nobody else needs anything of these assets")
    out.line(f"as a map: {len(published.assets)} assets, {len(published.groups)} groups")
    _widths(out, width, samples)
    if files:
        out.line(f"{to_folder}: {', '.join(files)}")


# --- what is out -----------------------------------------------------------------------------------------------------


def _outage(seen: Seen, text: str) -> Outage:
    if text in seen.refs or "=" not in text:
        return Outage(asset=seen.named(text))
    name, _, numbers = text.rpartition("=")
    try:
        values = [float(one) for one in numbers.split(",")]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or not all(map(math.isfinite, values)):  # noqa: PLR2004 -- damage, since, left
        raise UsageError(f"{text[:80]!r} is no outage", where="--out", todo="write ASSET, or ASSET=DAMAGE,SINCE,LEFT")
    unsaid: list[float | None] = [1.0, 0.0, None]
    damage, since, left = values + unsaid[len(values) :]
    if not (0 <= (damage or 0.0) <= 1 and all(0 <= value <= LONGEST_H for value in values)):
        raise UsageError(
            f"{text[:80]!r} is no outage",
            where="--out",
            todo=f"a share of 0 to 1, then hours, up to {LONGEST_H:,.0f}: since when, and until it is repaired",
        )
    return Outage(asset=seen.named(name), damage=damage or 0.0, since_h=since or 0.0, repaired_in_h=left)


def _forecast(out: Output, seen: Seen, found: Forecast) -> None:
    now = ", ".join(f"{one.asset} at {one.service:.0%}" for one in found.already)
    out.line(f"now: {now}")
    rows = [
        *((one.asset, f"falls to {one.falls_to:.0%}", *_when(one.when)) for one in found.falls),
        *((one.asset, f"its buffer for {one.group} is empty", *_when(one.when)) for one in found.buffers),
    ]
    rows.sort(key=lambda row: float(row[2]))
    out.table(("asset", "what", "hours", "5 to 95 of 100", "chance"), rows[:_ROWS], nothing="nothing else falls")
    if len(rows) > _ROWS:
        out.line(f"and {len(rows) - _ROWS} more; --json has all of them")
    how = "every repair is given" if found.exact else f"{found.samples:,} samples of the repairs"
    out.line(f"within {found.horizon_h:g} h; {how}")
    left_out_lines(out, seen)
    if seen.unseen:
        out.line(f"{len(seen.unseen)} suppliers that you do not see count as up")


def _when(when: Spread) -> tuple[str, str, str]:
    between = f"{when.early_h:.1f} to {when.late_h:.1f}"
    chance = f"{when.chance:.0%} ({when.chance_least:.0%} to {when.chance_most:.0%})"
    return f"{when.median_h:.1f}", between, chance


# --- how far it is off -----------------------------------------------------------------------------------------------


def _widths(out: Output, width: Width, samples: int) -> None:
    each = max(1, width.hurt)
    least, lost, most = (hours / each for hours in (width.least_h, width.lost_h, width.most_h))
    out.line(f"{samples} samples of {_WEEK_H:g} h: {width.hurt} times an asset of others or an output loses service;")
    out.line(
        f"  on average {lost:.1f} h by the full map, {least:.1f} h at least and {most:.1f} h at most by the bounds,"
    )
    out.line(f"  which are the same {width.hurt - width.apart} times")
    if width.outside:  # the law does not hold: nobody should rely on it
        out.line(f"{width.outside} times the full map is NOT between the bounds: please report this")


# --- what is published -----------------------------------------------------------------------------------------------


def _published(plan: AssetMap, found: Interface) -> AssetMap:
    """Return an interface as a map: its outputs and what stands for its stocks; of its inputs, whose they are."""
    owners = {asset.id: asset.owner for asset in plan.assets}
    inputs = dict.fromkeys(name for one in found.inputs for name in one.assets)
    return compose(AssetMap(assets=tuple(Asset(id=name, owner=owners[name]) for name in inputs)), found)
