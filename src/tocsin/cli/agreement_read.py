"""``tocsin agreement diff`` and ``impact``: what a version would change, before anybody signs it."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.agreements.diff import Change, Difference, diff
from tocsin.cli.agreement_common import any_document
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output

__all__ = ["app"]

app = commands()


@app.command("diff", epilog=example("tocsin agreement diff nordic-grid-exchange nordic-grid-exchange-4.yaml"))
def show_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A document, or NAME[/VERSION] of the hub's.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="A document, or NAME[/VERSION] of the hub's.")],
    json: JsonOption = False,
) -> None:
    """Show what changes from one document to another, as sentences, and which changes widen what may be read."""
    out = Output(json=json)
    before, after = any_document(old), any_document(new)
    found = diff(before, after)
    out.document(
        {
            "old": before.id,
            "new": after.id,
            "changes": [
                {
                    "about": one.about,
                    "change": one.change,
                    "bearing": one.bearing,
                    "before": one.before,
                    "after": one.after,
                    "gone": list(one.gone),
                    "new": list(one.new),
                }
                for one in found
            ],
        }
    )
    out.line(f"{before.id} -> {after.id}: {len(found) or 'no'} change{'' if len(found) == 1 else 's'}")
    for one in found:
        _print(out, one)


def _print(out: Output, one: Difference) -> None:
    out.line()
    out.line(f"{one.about} is {one.change}: {_BEARINGS[one.bearing]}", style="bold")
    if one.change is not Change.CHANGED:
        out.line(f"  {'+' if one.change is Change.ADDED else '-'} {one.after or one.before}")
        return
    for text in one.gone:
        out.line(f"  - {text}")
    for text in one.new:
        out.line(f"  + {text}")
    out.line(f"  now: {one.after}")


_BEARINGS = {
    "widens": "it widens what may be read",
    "narrows": "it narrows what may be read",
    "neither": "it neither widens nor narrows what may be read",
    "cannot say": "whether it widens or narrows cannot be said from the words; ask `agreement impact`",
}
