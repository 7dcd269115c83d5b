"""``tocsin map totals``: how much there is by sector, of what one sees and of what one may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tocsin.cli.map_common import SeenPurposeOption
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import opened
from tocsin.kernel.clock import format_instant
from tocsin.map.totals.service import STANDS

if TYPE_CHECKING:
    from tocsin.map.totals.told import TotalsOf, TotalsTold

__all__ = ["app"]

app = commands()

_HEADS = ("sector", "assets", "people", "value/h", "unseen: owners", "assets", "people", "value/h")
_SEEN = 4  # of them are of the reader's own map


@app.command("totals", epilog=example("tocsin map totals --as national-cert"))
def totals(
    reader: Annotated[
        str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="Who asks; what it is told is a release.")
    ],
    purpose: SeenPurposeOption = "analyse",
    collection: Annotated[
        str | None, typer.Option("--collection", metavar="NAME", help="One collection; all that the reader knows of.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Count assets, people served and worth by sector: what you see, and what a clause lets totals count beyond it."""
    out = Output(json=json)
    with opened() as session:
        told = session.hub.totals.told(session.asker(reader, purpose), collection)
    out.document(_document(told))
    rows = [_row(one.sector or "no sector", one) for one in told.sectors]
    rows += [_row("all", told.whole)] if rows else []
    width = _SEEN if told.as_of is None else len(_HEADS)  # columns of what nobody tells would only ask why
    out.table(_HEADS[:width], (row[:width] for row in rows), nothing="nothing for this reader")
    if told.as_of is not None:
        again = format_instant(told.as_of + STANDS)
        out.line(
            f"unseen: by {', '.join(told.clauses)}, of {told.at_least} owners at least, as of "
            f"{format_instant(told.as_of)}; it stands until {again}"
        )


def _document(told: TotalsTold) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(told)
    return found | {"as_of": None if told.as_of is None else format_instant(told.as_of)}


def _row(name: str, one: TotalsOf) -> tuple[str, ...]:
    seen, unseen = one.seen, one.unseen
    told = () if unseen is None else (unseen.owners, unseen.assets, unseen.people, unseen.value_h)
    return (
        name,
        f"{seen.assets:,}",
        f"{seen.people:,}",
        f"{seen.value_h:,.0f}",
        *("" if value is None else f"{value:,}" for value in told or (None,) * 4),
    )
