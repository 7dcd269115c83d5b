"""``tocsin marking``: which markings are known, how one is read, and what one kind is in another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from tocsin.cli.options import CollectionOption, JsonOption, PurposeOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import opened, read_bounded
from tocsin.errors import InputError, NotFoundError, UsageError
from tocsin.exchange.markings import KNOWN_MARKINGS, read_marking
from tocsin.exchange.markings.convert import Kind, convert
from tocsin.exchange.model import DEFAULT_COLLECTION, Query

if TYPE_CHECKING:
    from tocsin.exchange.markings import Marking

__all__ = ["app"]

_ID: Final = re.compile(r"marking-definition--[0-9a-fA-F-]{36}")
# A definition is a page of text; what is larger is another file.
_LARGEST: Final = 1024 * 1024

app = commands("Markings: which are known, how one is read, what one kind is in another.")


@app.command("list", epilog=example("tocsin marking list"))
def show_all(json: JsonOption = False) -> None:
    """List the markings that need no definition: TLP 1, TLP 2.0 and PAP, by their published ids."""
    out = Output(json=json)
    rows = [
        (object_id, "PAP" if read.tlp is None else "TLP", str(read.tlp or read.pap))
        for object_id, read in KNOWN_MARKINGS.items()
    ]
    out.document([{"id": object_id, "kind": kind, "level": level} for object_id, kind, level in rows])
    out.table(("id", "kind", "level"), rows, nothing="none is known")


@app.command("show", epilog=example("tocsin marking show definition.json"))
def show(
    definition: Annotated[
        str,
        typer.Argument(metavar="FILE|ID", help="A marking-definition: a file, - for standard input, or its id."),
    ],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="PARTY|USER@PARTY", help="Who reads it, by id, from the hub.")
    ] = None,
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    json: JsonOption = False,
) -> None:
    """Say how the hub reads a marking-definition: what it enforces, what it passes on, what it cannot read.

    One of the published ones needs no hub; another is read, by its id, as `read` does, and leaves a release in the log.
    """
    out = Output(json=json)
    read = KNOWN_MARKINGS.get(definition)
    if read is None:
        by_id = _ID.fullmatch(definition) is not None
        read = read_marking(_stored(definition, as_, purpose, collection) if by_id else _definition(definition))
    out.document(_document(read))
    for name, value in _document(read).items():
        if value:
            out.line(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    if read.unknown:
        out.line("the hub cannot read all of it: what carries it is open to its owner alone")


@app.command("convert", epilog=example("tocsin marking convert TLP:AMBER+STRICT --from tlp2 --to tlp1 --widen"))
def change(
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="What it is now, such as TLP:AMBER.")],
    source: Annotated[Kind, typer.Option("--from", help="Of which kind that is.")],
    target: Annotated[Kind, typer.Option("--to", help="In which kind it is wanted.")],
    widen: Annotated[bool, typer.Option("--widen", help="Take a wider level where there is none as narrow.")] = False,
    json: JsonOption = False,
) -> None:
    """Say what a level of one kind of marking is in another, and what is lost. Nothing widens unless told to."""
    out = Output(json=json)
    converted = convert(level, source, target, widen=widen)
    out.document(msgspec.to_builtins(converted))
    out.line(converted.level)
    if converted.loss is not None:
        out.line(f"  {converted.change}: {converted.loss}")


def _stored(object_id: str, reference: str | None, purpose: str, collection: str) -> dict[str, object]:
    if reference is None:
        raise UsageError(
            "it is none of the published ones, so that somebody has to read it", where="--as", todo="say who reads it"
        )
    with opened() as session:
        asker = session.asker(reference, purpose)
        found = session.hub.reading.objects(asker, collection, Query(ids=frozenset({object_id})), limit=1).page.bodies
    if not found:
        raise NotFoundError("there is no such object, or none that you may see", where=object_id)
    content: dict[str, object] = msgspec.json.decode(found[0])
    return content


def _definition(file: str) -> dict[str, object]:
    data = read_bounded(file, _LARGEST, "a marking-definition")
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("this is no JSON", where=file, todo="write one marking-definition") from error
    if not isinstance(content, dict) or content.get("type") != "marking-definition":
        raise InputError("this is no marking-definition", where=file, todo="write one alone, and no bundle")
    return content


def _document(read: Marking) -> dict[str, str | list[str] | bool | None]:
    return {
        "tlp": read.tlp,
        "pap": read.pap,
        "classification": read.classification,
        "recipients": None if read.recipients is None else sorted(read.recipients),
        "categories": sorted(read.categories),
        "residency": read.residency,
        "sectors": sorted(read.sectors),
        "countries": sorted(read.countries),
        "terms": sorted(read.terms),
        "unknown": read.unknown,
    }
