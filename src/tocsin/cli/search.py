"""``tocsin search``, ``correlate``, ``show`` and ``reindex``: what is found, what belongs together, and the index."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.options import (
    AsOption,
    CollectionOption,
    JsonOption,
    PurposeOption,
    checked,
    choices,
    commands,
    example,
    until,
    words,
)
from tocsin.cli.output import Output, spoken
from tocsin.cli.session import opened
from tocsin.errors import InputError, UsageError
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.search.model import DEFAULT_HITS, Facet, SearchQuery, TimeField
from tocsin.kernel.clock import parse_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.cli.session import Session
    from tocsin.exchange.search.model import Counted, Edge, Faceted, Found, Hit

__all__ = ["CursorOption", "LimitOption", "app", "bring_up_to_date", "print_found"]

app = commands()

LimitOption: TypeAlias = Annotated[int, typer.Option("--limit", min=1, help="At most so many objects.")]
CursorOption: TypeAlias = Annotated[
    str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on where the page before ended.")
]


@app.command(
    "search", epilog=example("tocsin search grid outage --as national-cert --type report,malware --since 2026-01-01")
)
def search(
    as_: AsOption,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]...", help="Words that all stand in the object.")
    ] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Of these types.")] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value", metavar="VALUE", help="With one of these observable values: an address, a domain, a hash."
        ),
    ] = None,
    id_: Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="With one of these ids.")] = None,
    tlp: Annotated[
        list[str] | None, typer.Option("--tlp", metavar="TLP", help="With one of these TLP: clear, green, amber, …")
    ] = None,
    producer: Annotated[
        list[str] | None,
        typer.Option(
            "--producer", metavar="PARTY|IDENTITY", help="Shared by one of these parties, or made by an identity."
        ),
    ] = None,
    time: Annotated[
        str, typer.Option("--time", metavar="TIME", help="Which time: added, created, modified, valid or seen.")
    ] = TimeField.MODIFIED,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DATE", help="At this time or later, in UTC.", callback=checked("--since", parse_date)
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", help="Before this time, in UTC.", callback=checked("--until", parse_date)
        ),
    ] = None,
    min_confidence: Annotated[
        int | None, typer.Option("--min-confidence", metavar="0-100", help="Of which its producer is at least so sure.")
    ] = None,
    min_reliability: Annotated[
        str | None, typer.Option("--min-reliability", metavar="A-E", help="From a source that is at least so reliable.")
    ] = None,
    min_credibility: Annotated[
        int | None, typer.Option("--min-credibility", metavar="1-5", help="Information that is at least so credible.")
    ] = None,
    min_score: Annotated[
        int | None, typer.Option("--min-score", metavar="0-100", help="Indicators that are still worth so much.")
    ] = None,
    expired: Annotated[
        bool | None,
        typer.Option("--expired/--unexpired", help="Only what is past its valid_until, or only what is not."),
    ] = None,
    revoked: Annotated[
        bool | None,
        typer.Option("--revoked/--unrevoked", help="Only what its producer revoked, or only what it did not."),
    ] = None,
    versions: Annotated[bool, typer.Option("--versions", help="Every version, and not only the last.")] = False,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are.")] = False,
    facet: Annotated[
        str | None,
        typer.Option("--facet", metavar="FACET", help="How many there are by type, tlp, producer or month."),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help="Keep it under this name, to be run later; look for nothing now."),
    ] = None,
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    limit: LimitOption = DEFAULT_HITS,
    cursor: CursorOption = None,
    json: JsonOption = False,
) -> None:
    """Search what the agreements open to a party's service or a user, and leave a release in the log."""
    out = Output(json=json)
    with _options_named():
        query = SearchQuery(
            text=" ".join(text or ()),
            types=words(type_) or None,
            # a URL may hold a comma
            values=frozenset(value or ()) or None,
            ids=words(id_) or None,
            tlps=choices(tlp, Tlp, "--tlp") or None,
            producers=words(producer) or None,
            time=next(iter(choices([time], TimeField, "--time")), TimeField.MODIFIED),
            since=until(since),
            until=until(before),
            min_confidence=min_confidence,
            min_reliability=None if min_reliability is None else min_reliability.upper(),
            min_credibility=min_credibility,
            min_score=min_score,
            expired=expired,
            revoked=revoked,
            versions=versions,
        )
    by = None if facet is None else next(iter(choices([facet], Facet, "--facet")), None)
    asked = [option for option, given in (("--count", count), ("--facet", by), ("--save", save)) if given]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} are different questions", where=asked[0], todo="leave one out")
    with opened() as session:
        asker = session.asker(as_, purpose)
        if save is not None:
            kept = session.hub.saved_searches.save(asker, save, collection, query)
            out.document(kept)
            out.line(f"kept as {kept.name}")
            return
        bring_up_to_date(session, out)
        service = session.hub.search
        if count:
            _print_count(out, service.count(asker, collection, query))
        elif by is not None:
            _print_facet(out, service.facet(asker, collection, query, by))
        else:
            print_found(out, service.find(asker, collection, query, limit=limit, cursor=cursor))


@app.command("correlate", epilog=example("tocsin correlate 'hxxp://evil[.]example/a' --as national-cert"))
def correlate(
    subject: Annotated[str, typer.Argument(metavar="VALUE|ID", help="An observable value, or the id of an object.")],
    as_: AsOption,
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    limit: LimitOption = DEFAULT_HITS,
    json: JsonOption = False,
) -> None:
    """Say what carries an observable value, or shares one with an object; only of what the reader may see."""
    out = Output(json=json)
    with opened() as session:
        asker = session.asker(as_, purpose)
        bring_up_to_date(session, out)
        found = session.hub.search.correlate(asker, collection, subject, limit=limit)
    out.document(found)
    out.table(
        ("shares", "type", "id", "what", "TLP"),
        (
            (", ".join(one.values), one.hit.type, one.hit.id, spoken(bytes(one.hit.object)), one.hit.tlp)
            for one in found.shared
        ),
        nothing="nothing shares a value with it",
    )
    if found.more:
        out.line("there is more: raise --limit")


@app.command("show", epilog=example("tocsin show indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --as national-cert"))
def show(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="The id of an object.")],
    as_: AsOption,
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    limit: LimitOption = DEFAULT_HITS,
    json: JsonOption = False,
) -> None:
    """Show an object with what refers to it and what it refers to, sightings, notes and opinions.

    An end that the reader may not see looks like one that was never shared.
    """
    out = Output(json=json)
    with opened() as session:
        asker = session.asker(as_, purpose)
        bring_up_to_date(session, out)
        found = session.hub.search.relations(asker, collection, object_id, limit=limit)
    out.document(found)
    if found.hit is not None:
        _headline(out, found.hit)
    out.table(
        ("reference", "from", "to", "what is there"),
        ((one.relationship or one.property, one.source, one.target, _end(one)) for one in found.edges),
        nothing="nothing refers to it, and it refers to nothing",
    )
    for title, hits in (("sightings", found.sightings), ("notes", found.notes), ("opinions", found.opinions)):
        if hits:
            out.line()
            out.line(title, style="bold")
            _print_hits(out, hits)
    if found.more:
        out.line("there is more: raise --limit")


@app.command("reindex", epilog=example("tocsin reindex"))
def reindex(json: JsonOption = False) -> None:
    """Empty the search index and make it anew from what is offered. Searches are told to wait meanwhile."""
    out = Output(json=json)
    with opened() as session:
        total = sum(one.head_seq for one in session.hub.collections.all())
        with out.progress("indexing", total) as advance:
            done = session.hub.indexer.rebuild(progress=advance)
    out.document({"indexed": done})
    out.line(f"{done} offers indexed")


@contextlib.contextmanager
def _options_named() -> Iterator[None]:
    """What a search finds wrong with its fields is said of the options that they came from."""
    try:
        yield
    except InputError as error:
        where = None if error.where is None else f"--{error.where.replace('_', '-')}"
        raise UsageError(error.what, where=where, todo=error.todo) from error


def bring_up_to_date(session: Session, out: Output) -> None:
    """Index what waits: a hub that is not served has nobody else to do it."""
    indexer = session.hub.indexer
    with out.progress("indexing", indexer.behind()) as advance:
        indexer.index(progress=advance)


def print_found(out: Output, found: Found) -> None:
    """Print a page of what was found."""
    out.document(found)
    _print_hits(out, found.hits)
    if found.next is not None:
        out.line(f"there is more: --cursor {found.next}")


def _print_count(out: Output, counted: Counted) -> None:
    out.document(counted)
    out.line(f"{'' if counted.complete else 'at least '}{counted.count} objects")


def _print_facet(out: Output, faceted: Faceted) -> None:
    out.document(faceted)
    rows = [(one.value, one.count) for one in faceted.tallies]
    out.table((str(faceted.facet), "objects"), rows, nothing="nothing for this reader")
    if not faceted.complete:
        out.line("there are more than were counted")


def _print_hits(out: Output, hits: Iterable[Hit]) -> None:
    out.table(
        ("modified", "type", "id", "what", "TLP", "score", ""),
        (
            (
                one.version[:10],
                one.type,
                one.id,
                spoken(bytes(one.object)),
                one.tlp,
                "" if one.score is None else one.score,
                _state(one),
            )
            for one in hits
        ),
        nothing="nothing for this reader",
    )


def _headline(out: Output, hit: Hit) -> None:
    out.line(f"{hit.id}, version {hit.version}, of {hit.producer}; TLP:{hit.tlp.upper()}", style="bold")
    out.line(f"  {spoken(bytes(hit.object))}")
    told = [
        *([f"score {hit.score}"] if hit.score is not None else []),
        *([f"confidence {hit.confidence}"] if hit.confidence is not None else []),
        *([f"last sighted {hit.sighted}"] if hit.sighted is not None else []),
        *([_state(hit)] if _state(hit) else []),
    ]
    if told:
        out.line(f"  {'; '.join(told)}")


def _state(hit: Hit) -> str:
    return "revoked" if hit.revoked else "expired" if hit.expired else ""


def _end(edge: Edge) -> str:
    return "-" if edge.other is None else spoken(bytes(edge.other.object)) or edge.other.type
