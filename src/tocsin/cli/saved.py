"""``tocsin saved``: searches that a party's service or a user keeps under a name."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.options import AsOption, JsonOption, PurposeOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.search import CursorOption, LimitOption, bring_up_to_date, print_found
from tocsin.cli.session import opened
from tocsin.exchange.search.model import DEFAULT_HITS, SearchQuery

__all__ = ["app"]

app = commands("Searches that `search --save` keeps under a name, each for whom it belongs to.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the search.")]


@app.command("list", epilog=example("tocsin saved list --as anna@national-cert"))
def list_(as_: AsOption, json: JsonOption = False) -> None:
    """List the searches that a party's service or a user keeps."""
    out = Output(json=json)
    with opened() as session:
        kept = session.hub.saved_searches.all(session.asker(as_, "detect"))
    out.document(kept)
    out.table(
        ("name", "collection", "saved", "looks for"),
        ((one.name, one.collection, one.saved_at[:10], _told(one.query)) for one in kept),
        nothing="no search is kept",
    )


@app.command("run", epilog=example("tocsin saved run grid-malware --as anna@national-cert"))
def run(
    name: NameArgument,
    as_: AsOption,
    purpose: PurposeOption = "detect",
    limit: LimitOption = DEFAULT_HITS,
    cursor: CursorOption = None,
    json: JsonOption = False,
) -> None:
    """Search for what was kept under a name, as ``search`` does."""
    out = Output(json=json)
    with opened() as session:
        asker = session.asker(as_, purpose)
        saved = session.hub.saved_searches.get(asker, name)
        bring_up_to_date(session, out)
        found = session.hub.search.find(asker, saved.collection, saved.query, limit=limit, cursor=cursor)
        print_found(out, found)


@app.command("remove", epilog=example("tocsin saved remove grid-malware --as anna@national-cert"))
def remove(name: NameArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Forget a search."""
    out = Output(json=json)
    with opened() as session:
        session.hub.saved_searches.remove(session.asker(as_, "detect"), name)
    out.document({"removed": name})
    out.line(f"{name} is forgotten")


def _told(query: SearchQuery) -> str:
    """Return a search in words, as its options name them."""
    told = query.as_json() | {"since": instant(query.since), "until": instant(query.until)}
    said = []
    for name, value in told.items():
        if value is None or value == "" or (name, value) == ("versions", False):
            continue
        if name == "time" and query.since is None and query.until is None:
            continue
        if isinstance(value, bool):
            said.append(name if value else f"not {name}")
        else:
            said.append(f"{name} {' '.join(map(str, value)) if isinstance(value, list) else value}")
    return ", ".join(said) or "everything"
