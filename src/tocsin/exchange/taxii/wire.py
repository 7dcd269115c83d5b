"""TAXII 2.1's resources as bytes. Pure. Property names are the specification's.

Every answer is ``application/taxii+json;version=2.1`` (§1.6.8), errors included, and also when a client asked for
``application/json``: JSON is what it gets, and the clients that look at the type of an answer want the exact words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.exchange.model import Collection, Outcome, PageItem, Receipt, Result
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.problems import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.exchange.model import Page
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.http.problems import HttpProblem

__all__ = [
    "DIALECT",
    "EMPTY",
    "STIX",
    "TAXII",
    "TAXII_TYPE",
    "added_headers",
    "envelope_pieces",
    "write_api_root",
    "write_collection",
    "write_collections",
    "write_discovery",
    "write_envelope",
    "write_manifest",
    "write_problem",
    "write_status",
    "write_versions",
]

TAXII: Final = "application/taxii+json;version=2.1"
STIX: Final = "application/stix+json;version=2.1"
TAXII_TYPE: Final = MediaType(type="application", subtype="taxii+json", parameters=(("version", "2.1"),))
_JSON: Final = MediaType(type="application", subtype="json")

# An empty result has no `objects` and no `collections`: lists of the specification are never empty.
EMPTY: Final = b"{}"

_encode: Final = msgspec.json.Encoder().encode


class _Error(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§3.6.1. ``http_status`` is a string there."""

    title: str
    description: str
    error_id: str | None = None
    http_status: str
    details: dict[str, str] | None = None


class _Discovery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§4.1.1."""

    title: str
    description: str
    default: str
    api_roots: tuple[str, ...]


class _ApiRoot(msgspec.Struct, frozen=True, kw_only=True):
    """§4.2.1."""

    title: str
    description: str
    versions: tuple[str, ...]
    max_content_length: int


class _StatusDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§4.3.1.1."""

    id: str
    version: str
    message: str | None = None


class _Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§4.3.1; nothing is ever pending here: what is answered is stored."""

    id: str
    status: str
    request_timestamp: str
    total_count: int
    success_count: int
    successes: tuple[_StatusDetails, ...] = ()
    failure_count: int
    failures: tuple[_StatusDetails, ...] = ()
    pending_count: int


class _Collection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§5.2.1."""

    id: str
    title: str
    description: str | None = None
    alias: str
    can_read: bool
    can_write: bool
    media_types: tuple[str, ...]


class _Collections(msgspec.Struct, frozen=True, kw_only=True):
    """§5.1.1."""

    collections: tuple[_Collection, ...]


class _Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§5.3.2."""

    id: str
    date_added: str
    version: str
    media_type: str


def write_problem(problem: HttpProblem) -> bytes:
    """Return the error message of a problem."""
    details = {name: text for name, text in (("where", problem.where), ("todo", problem.todo)) if text is not None}
    where = f"{problem.where}: " if problem.where else ""
    todo = f" ({problem.todo})" if problem.todo else ""
    return _encode(
        _Error(
            title=problem.title,
            description=f"{where}{problem.what}{todo}",
            error_id=problem.error_id,
            http_status=str(int(problem.status)),
            details=details or None,
        )
    )


DIALECT: Final = Dialect(media_type=TAXII, problem_type=TAXII, offered=(TAXII_TYPE, _JSON), problem=write_problem)


def write_discovery(*, title: str, description: str, api_root: str) -> bytes:
    """Return the discovery resource of a server with one API root."""
    return _encode(_Discovery(title=title, description=description, default=api_root, api_roots=(api_root,)))


def write_api_root(*, title: str, description: str, max_content_length: int) -> bytes:
    """Return the API root resource."""
    return _encode(
        _ApiRoot(title=title, description=description, versions=(TAXII,), max_content_length=max_content_length)
    )


def write_collection(collection: Collection, *, can_read: bool, can_write: bool) -> bytes:
    """Return one collection's resource, as the asker may use it."""
    return _encode(_collection(collection, can_read=can_read, can_write=can_write))


def write_collections(collections: Iterable[Collection], *, can_read: bool, can_write: bool) -> bytes:
    """Return the collections resource."""
    found = tuple(_collection(one, can_read=can_read, can_write=can_write) for one in collections)
    return _encode(_Collections(collections=found)) if found else EMPTY


def _collection(collection: Collection, *, can_read: bool, can_write: bool) -> _Collection:
    return _Collection(
        id=collection.uuid,
        title=collection.title,
        description=collection.description or None,
        alias=collection.alias,
        can_read=can_read,
        can_write=can_write and not collection.made_for,
        media_types=(STIX,),
    )


def write_envelope(bodies: Sequence[bytes], following: str | None) -> bytes:
    """Return the envelope (§3.7) around objects that are JSON already: they are joined, not read."""
    if not bodies and following is None:
        return EMPTY
    objects = b',"objects":[' + b",".join(bodies) + b"]}" if bodies else b"}"
    return _more(following) + objects


def envelope_pieces(bodies: Sequence[bytes], following: str | None) -> Iterator[bytes]:
    """Give the same envelope in pieces: ours, and each object's own, which may be another author's."""
    yield _more(following) + b',"objects":['
    for number, body in enumerate(bodies):
        yield body if number == 0 else b"," + body
    yield b"]}"


def write_manifest(items: Sequence[PageItem], following: str | None) -> bytes:
    """Return the manifest resource (§5.3.1), with ``next`` where there is more, as the envelope has it."""
    if not items:
        return EMPTY
    records = [
        _Record(
            id=item.object_id,
            date_added=format_instant(item.date_added),
            version=_version(item.version),
            media_type=STIX,
        )
        for item in items
    ]
    return _more(following) + b',"objects":' + _encode(records) + b"}"


def write_versions(items: Sequence[PageItem], following: str | None) -> bytes:
    """Return the versions resource (§5.8.1), in the order of being added."""
    versions = list(dict.fromkeys(_version(item.version) for item in items))
    return _more(following) + b',"versions":' + _encode(versions) + b"}" if versions else EMPTY


def _version(at: Micros) -> str:
    """Return a version as STIX writes ``modified`` (STIX 2.1 §3.2): clients compare the two as texts."""
    return _shortened(format_instant(at))


def _shortened(text: str) -> str:
    return f"{text[:-4]}Z" if text.endswith("000Z") else text


def _more(following: str | None) -> bytes:
    return b'{"more":false' if following is None else b'{"more":true,"next":' + _encode(following)


def added_headers(page: Page) -> tuple[tuple[str, str], ...]:
    """Return when the first and the last object of a page were added (§3.2); a page is in that order."""
    if not page.items:
        return ()
    return (
        ("x-taxii-date-added-first", format_instant(page.items[0].date_added)),
        ("x-taxii-date-added-last", format_instant(page.items[-1].date_added)),
    )


def write_status(receipt: Receipt) -> bytes:
    """Return the status resource of a submission.

    What the submitter had shared before counts as a success (§5.5). An object without an id that could be read stands
    under its place; one without a version, under the instant at which it came.
    """
    good = [result for result in receipt.results if result.outcome is not Outcome.REFUSED]
    bad = [result for result in receipt.results if result.outcome is Outcome.REFUSED]
    return _encode(
        _Status(
            id=receipt.id or "",  # one that was stored has an id, and only those have a status
            status="complete",
            request_timestamp=receipt.received_at,
            total_count=len(receipt.results),
            success_count=len(good),
            successes=tuple(_details(result, receipt) for result in good),
            failure_count=len(bad),
            failures=tuple(_details(result, receipt) for result in bad),
            pending_count=0,
        )
    )


def _details(result: Result, receipt: Receipt) -> _StatusDetails:
    if result.outcome is Outcome.REFUSED:
        place = f"{result.where}: " if result.where else ""
        section = f" ({result.section})" if result.section else ""
        todo = f"; {result.todo}" if result.todo else ""
        message: str | None = f"{place}{result.reason}{section}{todo}"
    else:
        again = ("you had shared this before",) if result.outcome is Outcome.REPEATED else ()
        message = "; ".join((*again, *result.notes)) or None
    return _StatusDetails(
        id=result.id or f"objects[{result.index}]",
        version=_shortened(result.version or receipt.received_at),
        message=message,
    )
