"""``tocsin read``: what a party or user receives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tocsin.cli.alarm import banner
from tocsin.cli.options import (
    AsOption,
    CapacityOption,
    CollectionOption,
    JsonOption,
    PurposeOption,
    commands,
    example,
    words,
)
from tocsin.cli.output import Output, spoken
from tocsin.cli.session import Session, opened
from tocsin.errors import InputError
from tocsin.exchange.model import DEFAULT_COLLECTION, MAX_PAGE, PageItem, Query
from tocsin.kernel.clock import Micros, format_instant, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.exchange.reading import Asker

__all__ = ["app"]

app = commands()


class _Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One page: its objects with their bytes, and what stands behind it."""

    items: tuple[PageItem, ...]
    bodies: tuple[bytes, ...]
    more: bool


@app.command("read", epilog=example("tocsin read --as national-cert --purpose detect --type indicator --limit 100"))
def read(
    as_: AsOption,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="CURSOR", help="Only what was added later: a date-time, or a cursor of TAXII."),
    ] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Objects of these types.")] = None,
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many objects.")] = None,
    as_capacity: CapacityOption = None,
    client: Annotated[
        str | None, typer.Option("--client", metavar="PARTY", help="For this client, which the party serves.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read what the agreements open to a party's service or a user, and leave a release in the log for each page."""
    out = Output(json=json)
    after, cursor = _since(since)
    types = words(type_)
    query = Query(types=types or None, added_after=after)
    total, last, more = 0, None if after is None else format_instant(after), False
    with opened() as session:
        banner(out, session, as_)
        asker = session.asker(as_, purpose, client=client, capacity=as_capacity)
        batches = _batches(session, asker, collection, query, cursor=cursor, limit=limit)
        rows: list[tuple[str, ...]] = []
        with out.progress("reading") as advance:
            for batch in batches:
                if json:
                    # bytes leave page by page: no store is too large to be read
                    out.raw(b'{"objects":[' if not total else b",")
                    out.raw(b",\n".join(batch.bodies))
                else:
                    pairs = zip(batch.items, batch.bodies, strict=True)
                    rows += [_row(item, body, session.hub.reading.tlp) for item, body in pairs]
                total += len(batch.items)
                last, more = format_instant(batch.items[-1].date_added), batch.more
                advance(len(batch.items))
    if json:
        tail = msgspec.json.encode({"next": last, "more": more})
        out.raw((b"" if total else b'{"objects":[') + b"]," + tail[1:] + b"\n")
        return
    out.table(("added", "type", "id", "what", "TLP"), rows, nothing="nothing for this reader")
    out.line(f"{total} objects" + (", and there are more" if more else ""))
    if last is not None:
        out.line(f"continue with --since {last}")


def _since(text: str | None) -> tuple[Micros | None, str | None]:
    """Return the instant that ``--since`` names, or the cursor that it is."""
    if text is None:
        return None, None
    try:
        return parse_date(text), None
    except InputError:
        return None, text


def _batches(
    session: Session, asker: Asker, collection: str, query: Query, *, cursor: str | None, limit: int | None
) -> Iterator[_Batch]:
    left = limit
    while left is None or left > 0:
        size = MAX_PAGE if left is None else min(left, MAX_PAGE)
        answer = session.hub.reading.objects(asker, collection, query, limit=size, cursor=cursor)
        page = answer.page
        if page.items:
            yield _Batch(items=page.items, bodies=page.bodies, more=answer.next is not None)
        cursor = answer.next
        if cursor is None:
            return
        left = None if left is None else left - len(page.items)


def _row(item: PageItem, body: bytes, tlp: Callable[[PageItem], str]) -> tuple[str, ...]:
    type_ = item.object_id.partition("--")[0]
    return format_instant(item.date_added), type_, item.object_id, spoken(body), str(tlp(item))
