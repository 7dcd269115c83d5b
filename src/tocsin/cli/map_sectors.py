"""``tocsin map sectors``: how sectors depend on each other, and what the loss of a part of one does to all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import numpy as np
import typer

from tocsin.cli.map_common import (
    FromOption,
    MappingOption,
    PlotOption,
    ReaderOption,
    SeenPurposeOption,
    map_of,
    numbered,
)
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import read_bounded
from tocsin.errors import InputError, UsageError
from tocsin.map.between import dependence_of, resilience_of
from tocsin.map.cascade import wire
from tocsin.map.failures import Measure
from tocsin.map.formats.matrix import MOST_MATRIX, read_matrix
from tocsin.map.plots import draw_inoperability
from tocsin.map.sectors import course_of, iim

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["app"]

app = commands()

_WEEK_H: Final = 168
# Each hour is a row: a year of the sectors of a register, or a week of as many as we take.
_MOST_HOURS: Final = 8_766
_MOST_CELLS: Final = 1_000_000
# Columns of the matrix that a person can read beside each other.
_COLUMNS: Final = 20
_NAMELESS: Final = "(none)"


class _Between(msgspec.Struct, frozen=True, kw_only=True):
    """Sectors, what each loses by losing each other, and how many assets of the map are not seen."""

    names: tuple[str, ...]
    matrix: Any  # an array, which msgspec has no type for
    unseen: int = 0


@app.command("sectors", epilog=example("tocsin map sectors --as national-cert --hit energy=0.3 --recovery 72"))
def sectors(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    matrix: Annotated[
        str | None,
        typer.Option("--matrix", metavar="FILE", help="In place of a map: A as CSV, rows lose by losing columns."),
    ] = None,
    measure: Annotated[
        Measure | None, typer.Option("--measure", help="Count a sector's assets alike (hours), by people or by worth.")
    ] = None,
    hit: Annotated[
        list[str] | None, typer.Option("--hit", metavar="SECTOR=SHARE", help="This sector loses so much by itself.")
    ] = None,
    recovery: Annotated[
        list[str] | None,
        typer.Option(
            "--recovery", metavar="[SECTOR=]HOURS", help="By the hour: alone, it has 99 of 100 back in so many hours."
        ),
    ] = None,
    resilience: Annotated[
        list[str] | None,
        typer.Option("--resilience", metavar="[SECTOR=]K", help="The same as K of DIIM: the share of the way in 1 h."),
    ] = None,
    hours: Annotated[
        int | None, typer.Option("--hours", min=1, max=_MOST_HOURS, help="How far to look by the hour (168).")
    ] = None,
    until: Annotated[
        int | None, typer.Option("--until", min=0, help="The hour at which the hit is over; else it lasts.")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Show what each sector loses by losing each other, and what a hit on some does to all (IIM, DIIM)."""
    out = Output(json=json)
    _require_one_question(hit, recovery, resilience, {"--hours": hours, "--until": until, "--plot": plot})
    between = _between(reader, from_, mapping, purpose, matrix, measure)
    document: dict[str, Any] = {"sectors": list(between.names), "dependence": between.matrix.tolist()}
    document["unseen"] = between.unseen
    if not hit:
        out.document(document)
        _matrix(out, between)
        return
    given = numbered("--hit", hit, "SECTOR=SHARE", most=1, alone=False)
    shock = _by_sector(between, "--hit", given, unsaid=0.0)
    rest = iim(between.matrix, shock)
    document |= {"hit": shock.tolist(), "inoperability": rest.tolist()}
    by_hour = None
    if recovery or resilience:
        by_hour = _by_hour(between, shock, recovery, resilience, hours or _WEEK_H, until)
        document["by_hour"] = by_hour.tolist()
    if plot is not None and by_hour is not None:
        draw_inoperability(plot, between.names, by_hour.T)
    out.document(document)
    _told(out, between, shock, rest, by_hour)


# --- what is asked ---------------------------------------------------------------------------------------------------


def _require_one_question(
    hit: list[str] | None, recovery: list[str] | None, resilience: list[str] | None, by_hour: dict[str, Any]
) -> None:
    if recovery and resilience:
        raise UsageError("--recovery and --resilience say the same in two ways", todo="one of the two")
    if (recovery or resilience) and not hit:
        raise UsageError("there is nothing to recover from", where="--hit", todo="say what is hit: --hit SECTOR=SHARE")
    given = [option for option, value in by_hour.items() if value is not None]
    if given and not (recovery or resilience):
        raise UsageError(
            "it is of what follows by the hour", where=given[0], todo="say how fast sectors recover: --recovery HOURS"
        )


def _between(
    reader: str | None,
    files: str | None,
    mapping: str | None,
    purpose: str,
    matrix: str | None,
    measure: Measure | None,
) -> _Between:
    if matrix is None:
        seen = map_of(reader, files, mapping, purpose)
        wiring = wire(seen.plan)
        found = dependence_of(wiring, measure=measure or Measure.HOURS)
        return _Between(names=tuple(wiring.sectors), matrix=found, unseen=len(seen.unseen))
    if reader is not None or files is not None or mapping is not None:
        raise UsageError("--matrix is in place of a map", todo="--matrix, --as or --from: one of the three")
    if measure is not None:
        raise UsageError("--measure is of a map, and --matrix has its numbers", where="--measure", todo="leave it out")
    names, numbers = read_matrix(matrix, read_bounded(matrix, MOST_MATRIX, "a matrix"))
    return _Between(names=names, matrix=numbers)


def _by_sector(
    between: _Between, option: str, given: Iterable[tuple[str | None, float]], *, unsaid: float | None = None
) -> Floats:
    """Return a number for each sector: its own, that of all, or ``unsaid``; None: each must have one."""
    places = {name or _NAMELESS: at for at, name in enumerate(between.names)}
    values: list[float | None] = [unsaid] * len(places)
    for name, value in sorted(given, key=lambda one: one[0] is not None):
        if name is None:
            values = [value] * len(places)
        elif name not in places:
            raise UsageError(
                f"there is no sector {name[:80]!r}", where=option, todo=f"one of {', '.join([*places][:_COLUMNS])}"
            )
        else:
            values[places[name]] = value
    missing = [name for name, at in places.items() if values[at] is None]
    if missing:
        raise UsageError(
            f"nothing is said of {missing[0]}",
            where=option,
            todo="say it of each sector, or once for all that have none",
        )
    return np.array(values, dtype=np.float64)


def _by_hour(
    between: _Between,
    shock: Floats,
    recovery: list[str] | None,
    resilience: list[str] | None,
    hours: int,
    until: int | None,
) -> Floats:
    if hours * len(between.names) > _MOST_CELLS:
        raise UsageError(f"hours times sectors are more than {_MOST_CELLS:,}", where="--hours", todo="look less far")
    if resilience:
        pace = _by_sector(between, "--resilience", numbered("--resilience", resilience, "K or SECTOR=K", most=1))
    else:
        takes = _by_sector(between, "--recovery", numbered("--recovery", recovery or (), "HOURS or SECTOR=HOURS"))
        try:
            pace = resilience_of(between.matrix, takes)
        except InputError as error:
            raise UsageError(error.what, where="--recovery", todo=error.todo) from error
    return course_of(between.matrix, shock, pace, until=hours if until is None else until, steps=hours)


# --- what is told ----------------------------------------------------------------------------------------------------


def _matrix(out: Output, between: _Between) -> None:
    names = [name or _NAMELESS for name in between.names]
    rows = [
        (name, *(f"{value:.3f}" if value else "0" for value in row[:_COLUMNS]))
        for name, row in zip(names, between.matrix.tolist(), strict=True)
    ]
    out.table(("lost by losing", *names[:_COLUMNS]), rows, nothing="no sectors")
    if len(names) > _COLUMNS:
        out.line(f"and {len(names) - _COLUMNS} more columns; --json has all of them")
    _unseen(out, between)


def _told(out: Output, between: _Between, shock: Floats, rest: Floats, by_hour: Floats | None) -> None:
    names = [name or _NAMELESS for name in between.names]
    columns = ["sector", "hit by", "inoperability"]
    cells: list[Sequence[str]] = [names, _shares(shock), _shares(rest)]
    if by_hour is not None:
        columns += ["most", f"after {len(by_hour) - 1} h", "hours lost"]
        # of an hour is what it begins with: the last row is where the hours end
        cells += [_shares(by_hour.max(axis=0)), _shares(by_hour[-1])]
        cells.append([f"{value:,.2f}" for value in by_hour[:-1].sum(axis=0)])
    out.table(columns, zip(*cells, strict=True), nothing="no sectors")
    out.line("inoperability: while the hit lasts, once all have come to rest")
    _unseen(out, between)


def _shares(values: Floats) -> list[str]:
    return [f"{value:.3f}" if value else "0" for value in values.tolist()]


def _unseen(out: Output, between: _Between) -> None:
    if between.unseen:
        out.line(f"note: {between.unseen} assets are not seen; they are of no sector, and what they need does not show")
