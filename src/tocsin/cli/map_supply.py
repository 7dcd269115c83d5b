"""``tocsin map bill``, ``bills``, ``reach`` and ``vendors``: what assets are made of, and from whom it comes."""

from __future__ import annotations

import functools
import shlex
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.map_common import MARKS, SeenPurposeOption, left_out_lines, shared_document, shared_lines, sharing_of
from tocsin.cli.options import AsOption, CollectionOption, JsonOption, commands, example, words
from tocsin.cli.output import Output, listed
from tocsin.cli.session import Session, of_file, opened, read_bounded
from tocsin.errors import InputError, MapError, UsageError
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.map.supply.model import Part, label_of
from tocsin.map.supply.reading import LIMITS, read_bill
from tocsin.map.supply.told import listed_bills, reach_told, vendors_told
from tocsin.map.wire import is_asset_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.map.seen import Seen
    from tocsin.map.shelf import Changes, Sharing
    from tocsin.map.supply.draft import ReadBill
    from tocsin.map.supply.service import SeenChains
    from tocsin.map.supply.told import ReachResource, Way
    from tocsin.map.supply.vendors import Concentration, Measure

__all__ = ["app"]

app = commands()

# Rows of a table for people, and lines of a list; `--json` has all.
_ROWS: Final = 50
_LINES: Final = 20

_COUNTED: Final = ("added", "changed", "same", "retired")

SeenByOption = Annotated[
    str,
    typer.Option("--as", metavar="PARTY|USER@PARTY", help="What this reader may see; each page is a release."),
]
OfOption = Annotated[str | None, typer.Option("--collection", metavar="NAME", help="Of this collection alone.")]


@app.command("bill", epilog=example("tocsin map bill rtu-12.4.cdx.json --as fjordkraft --on 'substation 3'"))
def bill(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A bill of materials; - for standard input.")],
    as_: AsOption,
    on: Annotated[
        list[str] | None,
        typer.Option("--on", metavar="ASSET", help="An asset that has this product: its name on the map, or STIX id."),
    ] = None,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="NAME[@VERSION]", help="What it is a bill of, where it does not say."),
    ] = None,
    supplier: Annotated[
        str, typer.Option("--supplier", metavar="TEXT", help="Who supplies the product of --product.")
    ] = "",
    tlp: Annotated[Tlp, typer.Option("--tlp", help="The TLP of all of it.")] = Tlp.AMBER_STRICT,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="PARTY|USER@PARTY", help="To these recipients only.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take down that these assets have other versions of this product.")
    ] = False,
    retire: Annotated[
        bool,
        typer.Option("--retire", help="Take down that these assets have this product; without --on, the bill itself."),
    ] = False,
    collection: CollectionOption = DEFAULT_COLLECTION,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and share nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Share a bill of materials (CycloneDX or SPDX), and which assets have its product: all of it or nothing."""
    out = Output(json=json)
    if retire and replace:
        raise UsageError("--retire takes down, --replace puts in its place", todo="one of the two")
    if supplier and product is None:
        raise UsageError("--supplier is of the product that --product names", where="--supplier", todo="say --product")
    read = _read(path, _product(product, supplier))
    receipt = None
    with opened() as session:
        sharing = sharing_of(session, as_, collection, to=tuple(sorted(words(to))))
        assets = _assets(session, sharing, on or ())
        changes = _changes(session, read, assets, sharing, (MARKS[tlp], replace, retire))
        if not dry_run:
            receipt = session.hub.supplies.share(changes, sharing)
    out.document(_read_document(read) | shared_document(changes, _COUNTED, receipt))
    _read_lines(out, read)
    shared_lines(out, changes, _COUNTED, receipt, dry_run=dry_run)


@app.command("bills", epilog=example("tocsin map bills --as national-cert"))
def bills(
    reader: SeenByOption,
    purpose: SeenPurposeOption = "analyse",
    collection: OfOption = None,
    json: JsonOption = False,
) -> None:
    """List the bills of materials that a reader may see, whose word they are, and which assets have the product."""
    out = Output(json=json)
    with opened() as session:
        asker = session.asker(reader, purpose)
        seen = session.hub.supplies.seen(asker, collection)
        names = _names(session.hub.maps.seen(asker, collection)) if seen.chains.fits else {}
    found = listed_bills(seen, names)
    out.document({"bills": msgspec.to_builtins(found), "unseen": seen.chains.unseen} | _left_out(seen))
    rows = [
        (
            one.product.name,
            one.product.version,
            one.product.supplier,
            one.parts,
            one.statements,
            listed(one.assets),
            one.by,
            one.tlp,
        )
        for one in found
    ]
    columns = ("product", "version", "supplier", "parts", "vulnerabilities", "on", "whose word", "TLP")
    out.table(columns, sorted(rows)[:_ROWS], nothing="no bills that you see")
    if len(rows) > _ROWS:
        out.line(f"and {len(rows) - _ROWS} more; --json has all of them")
    _seen_lines(out, seen)


@app.command("reach", epilog=example("tocsin map reach CVE-2024-3094 --as national-cert"))
def reach(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="CVE-…, another catalogue's id, pkg:…, cpe:2.3:…, NAME or NAME@VERSION."),
    ],
    reader: SeenByOption,
    purpose: SeenPurposeOption = "analyse",
    collection: OfOption = None,
    json: JsonOption = False,
) -> None:
    """Say which assets a vulnerability, product or component reaches, by which way, and who says so."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.supplies.reach(session.asker(reader, purpose), what, collection)
    told = reach_told(found)
    out.document(told)
    answer = found.answer
    names = list(dict.fromkeys(one.name for one in told.reached))
    out.line(
        f"{what}: {told.parts} parts in {told.products} products; {len(names)} assets,"
        f" {told.people:,} people served, {told.value_h:,.0f} an hour"
    )
    _ways(out, told.reached, judged=found.vulnerability, nothing="it reaches no asset that you see")
    _sectors(out, told)
    if told.cleared:
        out.line()
        out.line("not reached, by what is said of them:")
        _ways(out, told.cleared, judged=found.vulnerability, nothing="")
    if answer.loose:
        out.line(f"note: no asset is said to have: {', '.join(answer.loose[:_LINES])}")
    if answer.near:
        why = (
            "the same version, and not counted, since it is told apart by more (architecture, edition, supplier)"
            if found.vulnerability
            else "may be meant, and not counted, since a CPE name leaves it open"
        )
        out.line(f"note: {why}: {', '.join(answer.near[:_LINES])}")
    if found.vague:
        out.line(f"note: {found.vague} products are named without a version; they are left out")
    if found.incomplete:
        out.line(
            "note: the hub's own objects say more of it than is read here, and assets may be missing: ask of one"
            f" collection, or look with `tocsin search {shlex.quote(what)}`"
        )
    _seen_lines(out, found.chains)
    hits = list(dict.fromkeys(one.name for one in told.reached if one.name != one.asset))
    if hits:
        out.line("what falls with them: tocsin map simulate " + " ".join(f"--hit {shlex.quote(one)}" for one in hits))


@app.command("vendors", epilog=example("tocsin map vendors --as national-cert"))
def vendors(
    reader: SeenByOption,
    parts: Annotated[
        bool, typer.Option("--parts", help="Of everything that is in the products, and not of these alone.")
    ] = False,
    purpose: SeenPurposeOption = "analyse",
    collection: OfOption = None,
    json: JsonOption = False,
) -> None:
    """Say how much of the assets that a reader sees hangs on whose products: shares, and their concentration."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.supplies.vendors(session.asker(reader, purpose), collection, of_parts=parts)
    out.document(vendors_told(found))
    rows = [
        (
            one.sector or "all",
            one.known,
            one.unknown,
            *(f"{value:,.0f}" if value is not None else "" for value in _values(one.hhi)),
        )
        for one in found.sectors
    ]
    out.table(("sector", "assets", "unknown", "HHI", "by value/h", "by people"), rows, nothing="no assets that you see")
    _vendors(out, found.sectors)
    _seen_lines(out, found.chains)


# --- what is shared --------------------------------------------------------------------------------------------------


def _product(text: str | None, supplier: str) -> Part | None:
    if text is None:
        return None
    name, at, version = text.rpartition("@")
    return Part(name=name, version=version, supplier=supplier) if at and name else Part(name=text, supplier=supplier)


def _read(path: str, product: Part | None) -> ReadBill:
    data = read_bounded(path, LIMITS.max_bytes, "a bill of materials")
    name = "standard input" if path == "-" else path
    try:
        return read_bill(data, name=name, product=product)
    except MapError:
        raise
    except InputError as error:
        raise of_file(path, error) from error


def _assets(session: Session, sharing: Sharing, named: Iterable[str]) -> list[str]:
    @functools.cache
    def seen() -> Seen:
        return session.hub.maps.seen(sharing.asker)

    return [text if is_asset_id(text) else seen().refs[seen().named(text)] for text in named]


def _changes(
    session: Session, read: ReadBill, assets: list[str], sharing: Sharing, how: tuple[str, bool, bool]
) -> Changes:
    mark, replace, retire = how
    supplies, at = session.hub.supplies, session.now()
    if retire:
        return supplies.taken_down(read.bill, assets, sharing, at=at)
    return supplies.changes(read.bill, assets, sharing, at=at, tlp=mark, replace=replace)


def _read_document(read: ReadBill) -> dict[str, Any]:
    return {
        "form": read.form,
        "sha256": read.sha256,
        "product": msgspec.to_builtins(read.bill.product),
        "parts": len(read.bill.parts),
        "edges": _edges(read),
        "statements": len(read.bill.statements),
        "left": dict(read.left),
        "notes": list(read.notes),
    }


def _edges(read: ReadBill) -> int:
    return sum(len(part.contains) + len(part.depends_on) for part in read.bill.parts)


def _read_lines(out: Output, read: ReadBill) -> None:
    bill = read.bill
    by = f" by {bill.product.supplier}" if bill.product.supplier else ""
    out.line(f"{label_of(bill.product)}{by}: {read.form}; sha256 {read.sha256}")
    out.line(f"{len(bill.parts)} parts, {_edges(read)} edges, {len(bill.statements)} statements on vulnerabilities")
    if read.left:
        out.line("not taken: " + ", ".join(f"{count} {what}" for what, count in read.left[:_LINES]))
    for note in read.notes[:_LINES]:
        out.line(f"note: {note}")


# --- what is seen ----------------------------------------------------------------------------------------------------


def _names(seen: Seen) -> dict[str, str]:
    return {ref: name for name, ref in seen.refs.items()}


def _left_out(seen: SeenChains) -> dict[str, Any]:
    return {name: msgspec.to_builtins(getattr(seen, name)) for name in ("unread", "parties_left_out")}


def _ways(out: Output, ways: tuple[Way, ...], *, judged: bool, nothing: str) -> None:
    rows = [
        (
            one.name,
            "" if one.verdict is None else f"{one.verdict}, says {listed(one.judged_by)}",
            " > ".join(one.path),
            listed(one.fitted_by),
            listed(one.bills_by),
        )
        for one in ways
    ]
    columns = ("asset", "verdict", "way", "on it, says", "bill of")
    keep = [at for at in range(len(columns)) if judged or at != 1]
    out.table([columns[at] for at in keep], [[row[at] for at in keep] for row in rows[:_ROWS]], nothing=nothing)
    if len(rows) > _ROWS:
        out.line(f"and {len(rows) - _ROWS} more; --json has all of them")


def _sectors(out: Output, told: ReachResource) -> None:
    if len(told.sectors) > 1:
        out.line()
        out.table(
            ("sector", "people", "value/h"),
            [(one.sector, f"{one.people:,}", f"{one.value_h:,.0f}") for one in told.sectors],
            nothing="",
        )


def _values(measure: Measure) -> tuple[float | None, float | None, float | None]:
    return measure.assets, measure.value_h, measure.people


def _vendors(out: Output, sectors: tuple[Concentration, ...]) -> None:
    rows = [
        (
            one.sector or "all",
            vendor.name,
            *(f"{value:.1%}" if value is not None else "" for value in _values(vendor.share)),
            f"{vendor.holds.assets:,.0f}",
        )
        for one in sectors
        for vendor in one.vendors[:_LINES]
    ]
    if rows:
        out.line()
        out.table(("sector", "vendor", "share", "of value/h", "of people", "in assets"), rows[:_ROWS], nothing="")
        if len(rows) > _ROWS or any(len(one.vendors) > _LINES for one in sectors):
            out.line("and more; --json has all of them")


def _seen_lines(out: Output, seen: SeenChains) -> None:
    if seen.chains.unseen:
        out.line(f"note: {seen.chains.unseen} products are on assets, and their bills are not seen")
    left_out_lines(out, seen)
    for one in seen.unread[:_LINES]:
        out.line(f"left out: {one.id} of {one.by}: {one.cause}")
    if len(seen.unread) > _LINES:
        out.line(f"and {len(seen.unread) - _LINES} more; --json has all of them")
