"""``tocsin hub``: what holds for the hub as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.options import JsonOption, MotionOption, ReasonOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.session import opened
from tocsin.exchange.ceilings import effective

__all__ = ["app"]

app = commands("What holds for the hub as a whole.")


@app.callback()
def group() -> None:
    """Keep this a group, although it has one command."""


@app.command("ceiling", epilog=example("tocsin hub ceiling restricted --reason 'accredited on 2026-06-01'"))
def ceiling(
    level: Annotated[
        str | None,
        typer.Argument(metavar="[LEVEL]", help="The highest classification that it may hold; none: only show it."),
    ] = None,
    reason: ReasonOption = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Show or set the classification ceiling. It counts in every process, from the next submission on."""
    out = Output(json=json)
    with opened() as session:
        ceilings = session.hub.ceilings
        if level is None:
            found = ceilings.current()
        else:
            found = ceilings.set(session.acting(), session.mandate(motion), level, reason)
    counts = effective(found.level, ceilings.lowered)
    since = instant(found.since)
    out.document({"ceiling": found.level, "since": since, "setting": ceilings.lowered, "counts_here": counts})
    out.line(f"the ceiling of this hub is {found.level}" + (f", since {since}" if since else ", and was never set"))
    if ceilings.lowered is not None:
        out.line(f"TOCSIN_CEILING is {ceilings.lowered} here: what is above {counts} is refused")
