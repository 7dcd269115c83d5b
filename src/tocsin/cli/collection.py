"""``tocsin collection``: where objects are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.alarm import banner
from tocsin.cli.options import JsonOption, MotionOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.session import opened

if TYPE_CHECKING:
    from tocsin.exchange.model import Collection

__all__ = ["app"]

app = commands("Collections: where objects are offered.")


@app.command("add", epilog=example("tocsin collection add incidents --title 'Incidents of this week'"))
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its short name.")],
    title: Annotated[str, typer.Option("--title", help="What is offered in it.")],
    description: Annotated[str, typer.Option("--description", help="More about it.")] = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Open a collection. Who reads what in it, the agreements decide, as everywhere."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.collections.add(
            session.acting(), session.mandate(motion), name, title=title, description=description
        )
    out.document(_document(made))
    out.line(f"collection {made.alias} is open: {made.uuid}")


@app.command("list", epilog=example("tocsin collection list"))
def show_all(json: JsonOption = False) -> None:
    """List the collections."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session)
        collections = session.hub.collections.all()
    out.document([_document(one) for one in collections])
    out.table(
        ("collection", "uuid", "offers", "newest", "title"),
        ((one.alias, one.uuid, one.head_seq, _newest(one) or "-", one.title) for one in collections),
        nothing="there are no collections",
    )


def _newest(one: Collection) -> str | None:
    return instant(one.head_added or None)


def _document(one: Collection) -> dict[str, object]:
    return {
        "collection": one.alias,
        "uuid": one.uuid,
        "title": one.title,
        "description": one.description,
        "offers": one.head_seq,
        "newest": _newest(one),
    }
