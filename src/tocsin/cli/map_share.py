"""``tocsin map``: what members share of the map, and what one of them sees of it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.map_common import (
    MARKS,
    FromOption,
    MappingOption,
    ReaderOption,
    SeenPurposeOption,
    map_of,
    read_map,
    receipt_lines,
    shared_document,
    shared_lines,
    sharing_of,
    standing_document,
    standing_line,
    write_map,
)
from tocsin.cli.options import AsOption, CollectionOption, JsonOption, commands, example, words
from tocsin.cli.output import Output, listed
from tocsin.cli.session import opened, read_bounded
from tocsin.errors import UsageError
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.kernel.clock import parse_date
from tocsin.map.field import MOST_BYTES, read_reports
from tocsin.map.formats import Format
from tocsin.map.wire import State, is_asset_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.map.formats import ReadMap
    from tocsin.map.model import Asset, DependencyGroup
    from tocsin.map.seen import Seen

__all__ = ["app"]

app = commands("The map: assets, what they depend on, and what falls when one is hit.")

_COUNTED: Final = ("added", "changed", "same", "missing", "retired")
_OUT: Final = (Format.CSV, Format.GEOJSON, Format.GRAPHML)
# Of each list of notes so many lines are for a person; `--json` has all.
_LINES: Final = 20


@app.command("validate", epilog=example("tocsin map validate region/"))
def validate(
    path: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="A map, in files.")],
    mapping: MappingOption = None,
    json: JsonOption = False,
) -> None:
    """Look for every fault in a map that is in files: which asset, which edge, why. Nothing leaves this machine."""
    out = Output(json=json)
    read = read_map(path, mapping)
    out.document(_read_document(read))
    _read_lines(out, read)
    out.line("no faults" if read.plan.assets else "no faults, and no assets: there is nothing on this map")


@app.command(
    "import", epilog=example("tocsin map import region/ --as fjordkraft --tlp amber --marking place=amber+strict")
)
def import_(
    path: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="A map, in files.")],
    as_: AsOption,
    mapping: MappingOption = None,
    collection: CollectionOption = DEFAULT_COLLECTION,
    tlp: Annotated[Tlp, typer.Option("--tlp", help="The TLP of all that --marking does not name.")] = Tlp.AMBER,
    marking: Annotated[
        list[str] | None,
        typer.Option(
            "--marking", metavar="ATTRIBUTE=TLP", help="An attribute, or `dependencies`, under a TLP of its own."
        ),
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="PARTY|USER@PARTY", help="To these recipients only.")
    ] = None,
    retire: Annotated[
        bool, typer.Option("--retire", help="Take down what you shared before and is not in these files.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and share nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Share a map from files: all of it or, with a fault in it, nothing. Again: only what has changed."""
    out = Output(json=json)
    markings = {name: MARKS[level] for name, level in _markings(marking or ())}
    read = read_map(path, mapping)
    receipt = None
    with opened() as session:
        sharing = sharing_of(session, as_, collection, to=tuple(sorted(words(to))))
        changes = session.hub.maps.changes(
            read.plan, sharing, at=session.now(), markings=markings, tlp=MARKS[tlp], retire=retire
        )
        if not dry_run:
            receipt = session.hub.maps.share(changes, sharing)
    out.document(_read_document(read) | shared_document(changes, _COUNTED, receipt))
    _read_lines(out, read)
    shared_lines(out, changes, _COUNTED, receipt, dry_run=dry_run)


@app.command("show", epilog=example("tocsin map show --as national-cert"))
def show(
    reader: ReaderOption = None,
    from_: FromOption = None,
    mapping: MappingOption = None,
    purpose: SeenPurposeOption = "analyse",
    collection: Annotated[
        str | None, typer.Option("--collection", metavar="NAME", help="Of this collection alone.")
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Write files of this form into --out: csv, geojson or graphml.")
    ] = None,
    to_folder: Annotated[str | None, typer.Option("--out", metavar="FOLDER", help="Where --format writes.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the map that a reader may see, and what of it is whose word."""
    out = Output(json=json)
    if (format_ is None) != (to_folder is None):
        raise UsageError("--format and --out go together", todo="say the form and the folder")
    if format_ is not None and format_ not in _OUT:
        raise UsageError("this form is read, and not written", where="--format", todo=f"use {', '.join(_OUT)}")
    seen = map_of(reader, from_, mapping, purpose, collection)
    if format_ is not None and to_folder is not None:
        files = write_map(seen.plan, format_, Path(to_folder))
        out.document({"files": files})
        out.line(f"{to_folder}: {', '.join(files)}")
        return
    out.document(_seen_document(seen))
    _assets(out, seen)
    _groups(out, seen.plan.groups)
    _notes(out, seen)


@app.command("state", epilog=example("tocsin map state 'pump 7' --as fjordkraft --service 0.5 --source 'crew 4'"))
def state(
    as_: AsOption,
    asset: Annotated[
        str | None, typer.Argument(metavar="ASSET", help="Its name on the map that you see, or its STIX id.")
    ] = None,
    service: Annotated[
        float | None, typer.Option("--service", min=0, max=1, help="The share of its service that is left.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="TEXT", help="Who or what saw it: a crew, a survey, a flight.")
    ] = None,
    geojson: Annotated[
        str | None,
        typer.Option("--geojson", metavar="FILE", help="Instead: the features of a survey; - for standard input."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="INSTANT", help="Since when; else now.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="INSTANT", help="Until when this is expected.")
    ] = None,
    confidence: Annotated[
        int | None, typer.Option("--confidence", min=0, max=100, help="How sure the source is (STIX 2.1).")
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What else is to be said.")] = "",
    tlp: Annotated[Tlp, typer.Option("--tlp", help="The TLP of the report.")] = Tlp.AMBER,
    collection: CollectionOption = DEFAULT_COLLECTION,
    json: JsonOption = False,
) -> None:
    """Share how assets were found in the field; the same source's next report is the next version of it."""
    out = Output(json=json)
    if (asset is None) == (geojson is None):
        raise UsageError("say what was found: ASSET, or --geojson", todo="one of the two")
    data = None if geojson is None else read_bounded(geojson, MOST_BYTES, "a survey", todo="report it in parts")
    with opened() as session:
        sharing = sharing_of(session, as_, collection, tlp=tlp)

        @functools.cache
        def seen() -> Seen:
            return session.hub.maps.seen(session.asker(as_, "respond"))

        def named(text: str) -> str:
            return text if is_asset_id(text) else seen().refs[seen().named(text)]

        if data is not None:
            states = read_reports(data, named=named, now=session.now(), source=source)
        elif asset is None or service is None or source is None:
            raise UsageError("a report has --service and --source", todo="say both")
        else:
            one = State(
                asset=named(asset),
                service=service,
                since=session.now() if since is None else parse_date(since),
                until=None if until is None else parse_date(until),
                source=source,
                confidence=confidence,
                note=note,
            )
            states = [one]
        receipt = session.hub.maps.report(states, sharing, at=session.now())
    out.document(msgspec.to_builtins(receipt))
    receipt_lines(out, receipt)


# --- what is shared --------------------------------------------------------------------------------------------------


def _markings(given: Iterable[str]) -> Iterable[tuple[str, Tlp]]:
    for one in given:
        name, _, level = one.partition("=")
        if level not in {str(tlp) for tlp in Tlp}:
            raise UsageError(
                f"{level[:40]!r} is no TLP",
                where="--marking",
                todo=f"write ATTRIBUTE={'|'.join(str(tlp) for tlp in Tlp)}",
            )
        yield name, Tlp(level)


def _read_document(read: ReadMap) -> dict[str, Any]:
    return {
        "assets": len(read.plan.assets),
        "groups": len(read.plan.groups),
        "sources": msgspec.to_builtins(read.sources),
        "notes": list(read.notes),
    }


def _read_lines(out: Output, read: ReadMap) -> None:
    for source in read.sources:
        out.line(f"{source.name}: {source.assets} assets, {source.groups} groups; sha256 {source.sha256}")
    for note in read.notes[:_LINES]:
        out.line(f"note: {note}")
    if len(read.notes) > _LINES:
        out.line(f"and {len(read.notes) - _LINES} more notes; --json has all of them")
    out.line(f"{len(read.plan.assets)} assets, {len(read.plan.groups)} groups")


# --- what is seen ----------------------------------------------------------------------------------------------------


def _seen_document(seen: Seen) -> dict[str, Any]:
    lists = ("unseen", "lent", "beside", "partly", "unread", "parties_left_out")
    return {
        "assets": [{"id": seen.refs[asset.id], "name": asset.id} | _attributes(asset) for asset in seen.plan.assets],
        "groups": msgspec.to_builtins(seen.plan.groups),
        "states": [standing_document(one) for one in seen.states],
    } | {name: msgspec.to_builtins(getattr(seen, name)) for name in lists}


def _attributes(asset: Asset) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(asset).items() if name != "id"}


def _assets(out: Output, seen: Seen) -> None:
    unseen = set(seen.unseen)
    rows = [
        (
            asset.id,
            "not seen" if asset.id in unseen else asset.kind,
            asset.sector,
            asset.owner,
            f"{asset.place.latitude:.4f}, {asset.place.longitude:.4f}" if asset.place is not None else "",
            asset.people or "",
            f"{asset.value_h:,.0f}" if asset.value_h else "",
        )
        for asset in seen.plan.assets
    ]
    out.table(
        ("asset", "kind", "sector", "owner", "place", "people", "value/h"), rows, nothing="no assets that you see"
    )


def _groups(out: Output, groups: tuple[DependencyGroup, ...]) -> None:
    if not groups:
        return
    out.line()
    rows = [
        (
            group.asset,
            group.name,
            f"{group.k:g} of",
            listed(f"{one.asset}" if one.weight == 1 else f"{one.asset} ({one.weight:g})" for one in group.suppliers),
            f"{group.buffer_h:g}" if group.buffer_h else "",
            listed({str(one.provenance) for one in group.suppliers}),
        )
        for group in groups
    ]
    out.table(("asset", "needs", "k", "suppliers", "buffer h", "known"), rows, nothing="")


def _notes(out: Output, seen: Seen) -> None:
    lines = [
        *(
            f"{one.asset} needs {one.group}: {one.unseen} of {one.of} suppliers are not seen, and count as up"
            for one in seen.partly
        ),
        *(f"{one.asset}: {one.what} is {one.by}'s word: {one.says}" for one in seen.lent),
        *(f"{one.asset}: {one.by} says of {one.what}: {one.says}" for one in seen.beside),
        *map(standing_line, seen.states),
        *(f"left out: all of {one.party}: {one.cause}" for one in seen.parties_left_out),
        *(f"left out: {one.id} of {one.by}: {one.cause}" for one in seen.unread),
    ]
    if lines:
        out.line()
    for line in lines[:_LINES]:
        out.line(line)
    if len(lines) > _LINES:
        out.line(f"and {len(lines) - _LINES} more; --json has all of them")
