"""Search, correlation, relations and saved searches over ``/api/v1``.

What is looked for stands in the body of a POST and not in an address: what a member hunts is a secret of its own, and
addresses end in the logs of proxies and browsers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import NotFoundError
from tocsin.exchange.api.queries import MAX_CURSOR, MAX_INSTANT, Word
from tocsin.exchange.api.wire import encode, read_body
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.reading import Asker
from tocsin.exchange.search.model import (
    DEFAULT_HITS,
    MAX_HITS,
    MAX_TEXT,
    MAX_VALUES,
    Correlated,
    Counted,
    Facet,
    Faceted,
    Found,
    SearchQuery,
    Surroundings,
    TimeField,
)
from tocsin.exchange.taxii.filters import is_object_id
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.http.operations import Answer, Operation, Part
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Body, Call, Endpoint, Reply, needs
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission, Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.exchange.search.model import Saved
    from tocsin.exchange.search.saved import SavedSearches
    from tocsin.exchange.search.service import Search
    from tocsin.kernel.clock import Micros

__all__ = ["MAX_QUESTION", "Searching", "Services", "operations"]

# A hundred values of a thousand characters, escaped: what the largest question of ours can need.
MAX_QUESTION: Final = 512 * 1_024

SearchCall: TypeAlias = Call[Principal]

Value = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Values = Annotated[list[Value], msgspec.Meta(max_length=MAX_VALUES)]
Instant = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_INSTANT, description="A day, or a date-time with `Z`.")
]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is looked for. Fields are ANDed, values within one are ORed; docs/search.md says what each finds."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    values: Values | None = None
    ids: Values | None = None
    types: Values | None = None
    tlps: Annotated[list[Tlp], msgspec.Meta(max_length=MAX_VALUES)] | None = None
    producers: Values | None = None
    time: TimeField = TimeField.MODIFIED
    since: Instant | None = None
    until: Instant | None = None
    min_confidence: Percent | None = None
    min_score: Percent | None = None
    expired: bool | None = None
    revoked: bool | None = None
    versions: bool = False


class SearchAsk(Question, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A question, and which page of its answer."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CURSOR)] | None = None


class CorrelateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value, or the id of an object whose values are meant."""

    subject: Value
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS


class SaveAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search to keep."""

    question: Question
    collection: Word = DEFAULT_COLLECTION


class RelationsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what stands around an object."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search that the asker keeps."""

    name: str
    collection: str
    question: Question
    saved_at: str


class SavedList(msgspec.Struct, frozen=True, kw_only=True):
    """The searches that the asker keeps, by name."""

    searches: list[SavedSearch]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """The name that is free again."""

    removed: str


class Services(Protocol):
    """What the addresses need of a hub."""

    search: Search
    saved_searches: SavedSearches


class Searching:
    """The addresses of search in one environment."""

    def __init__(self, services: Services) -> None:
        self._search = services.search
        self._saved = services.saved_searches

    def find(self, call: SearchCall) -> Reply:
        """Answer with a page of what is found."""
        asked = read_body(call.body, SearchAsk)
        found = self._search.find(
            _asker(call), call.path["collection"], _query(asked), limit=asked.limit, cursor=asked.cursor
        )
        return Reply(body=encode(found))

    def count(self, call: SearchCall) -> Reply:
        """Answer with how many objects are found; a count is a release too."""
        return Reply(
            body=encode(
                self._search.count(_asker(call), call.path["collection"], _query(read_body(call.body, Question)))
            )
        )

    def facet(self, call: SearchCall) -> Reply:
        """Answer with what is found, counted by a facet."""
        facet = call.path["facet"]
        if facet not in tuple(Facet):
            raise NotFoundError("there is no such facet", todo=f"use one of {', '.join(Facet)}")
        query = _query(read_body(call.body, Question))
        return Reply(body=encode(self._search.facet(_asker(call), call.path["collection"], query, Facet(facet))))

    def correlate(self, call: SearchCall) -> Reply:
        """Answer with what shares observable values."""
        asked = read_body(call.body, CorrelateAsk)
        found = self._search.correlate(_asker(call), call.path["collection"], asked.subject, limit=asked.limit)
        return Reply(body=encode(found))

    def relations(self, call: SearchCall) -> Reply:
        """Answer with what stands around an object."""
        asked = read_query(call.query, RelationsQuery)
        object_id = call.path["object"]
        if not is_object_id(object_id):
            raise NotFoundError("there is no such object, or none that you may see")
        return Reply(
            body=encode(self._search.relations(_asker(call), call.path["collection"], object_id, limit=asked.limit))
        )

    def saved(self, call: SearchCall) -> Reply:
        """Answer with the asker's own searches."""
        return Reply(body=encode(SavedList(searches=[_told(one) for one in self._saved.all(_asker(call))])))

    def get(self, call: SearchCall) -> Reply:
        """Answer with one of the asker's own searches."""
        return Reply(body=encode(_told(self._saved.get(_asker(call), call.path["search"]))))

    def save(self, call: SearchCall) -> Reply:
        """Keep a search under a name."""
        asked = read_body(call.body, SaveAsk)
        kept = self._saved.save(_asker(call), call.path["search"], asked.collection, _query(asked.question))
        return Reply(body=encode(_told(kept)))

    def remove(self, call: SearchCall) -> Reply:
        """Forget one of the asker's own searches."""
        self._saved.remove(_asker(call), call.path["search"])
        return Reply(body=encode(Removed(removed=call.path["search"])))


def operations(services: Services, collection: Mapping[str, Part], object_: Mapping[str, Part]) -> list[_Operation]:
    """Return the part of the table that is about search."""
    does = Searching(services)
    missing = {HTTPStatus.NOT_FOUND: "There is none, or none that you may see: the answers are the same."}
    root = "/api/v1/collections/{collection}"
    body = Body(types=(JSON_TYPE,), limit=MAX_QUESTION)
    read = needs(Permission.OBJECTS_READ)
    name = {"search": Part(says="A name of yours.", example="wipers", pattern=_NAME, longest=64)}
    facet = {"facet": Part(says=f"One of {', '.join(Facet)}.", example="type", longest=16)}
    return [
        Operation(
            id="search",
            tag="search",
            method="POST",
            path=f"{root}/search",
            does=Endpoint(access=read, run=does.find, body=body, safe=True),
            summary="Search what you may read",
            says="The newest first. The page is a release: the log names what was on it.",
            parts=collection,
            takes=SearchAsk,
            answers={HTTPStatus.OK: Answer(says="A page; it may be empty and have a `next`.", type=Found)},
            problems=missing,
        ),
        Operation(
            id="count",
            tag="search",
            method="POST",
            path=f"{root}/search/count",
            does=Endpoint(access=read, run=does.count, body=body, safe=True),
            summary="How many objects a search finds",
            says="A count is a release too: the log names what was counted.",
            parts=collection,
            takes=Question,
            answers={HTTPStatus.OK: Answer(says="The count.", type=Counted)},
            problems=missing,
        ),
        Operation(
            id="facet",
            tag="search",
            method="POST",
            path=f"{root}/search/facets/{{facet}}",
            does=Endpoint(access=read, run=does.facet, body=body, safe=True),
            summary="What a search finds, counted by a facet",
            parts={**collection, **facet},
            takes=Question,
            answers={HTTPStatus.OK: Answer(says="The counts, the highest first.", type=Faceted)},
            problems=missing,
        ),
        Operation(
            id="correlate",
            tag="search",
            method="POST",
            path=f"{root}/correlate",
            does=Endpoint(access=read, run=does.correlate, body=body, safe=True),
            summary="What shares observable values with an object, or carries a value",
            parts=collection,
            takes=CorrelateAsk,
            answers={HTTPStatus.OK: Answer(says="What shares them, and which.", type=Correlated)},
            problems=missing,
        ),
        Operation(
            id="relations",
            tag="search",
            method="GET",
            path=f"{root}/objects/{{object}}/relations",
            does=Endpoint(access=read, run=does.relations),
            summary="What stands around an object: relationships, sightings, notes, opinions",
            parts={**collection, **object_},
            query=RelationsQuery,
            answers={HTTPStatus.OK: Answer(says="As much of it as you may read.", type=Surroundings)},
            problems=missing,
        ),
        Operation(
            id="savedSearches",
            tag="search",
            method="GET",
            path="/api/v1/searches",
            does=Endpoint(access=read, run=does.saved),
            summary="The searches that you keep",
            answers={HTTPStatus.OK: Answer(says="All of them.", type=SavedList)},
        ),
        Operation(
            id="savedSearch",
            tag="search",
            method="GET",
            path="/api/v1/searches/{search}",
            does=Endpoint(access=read, run=does.get),
            summary="One search that you keep",
            parts=name,
            answers={HTTPStatus.OK: Answer(says="The search.", type=SavedSearch)},
            problems=missing,
        ),
        Operation(
            id="saveSearch",
            tag="search",
            method="PUT",
            path="/api/v1/searches/{search}",
            does=Endpoint(access=read, run=does.save, body=body),
            summary="Keep a search under a name, in place of what stood there",
            parts=name,
            takes=SaveAsk,
            answers={HTTPStatus.OK: Answer(says="It is kept.", type=SavedSearch)},
            problems=missing,
        ),
        Operation(
            id="removeSearch",
            tag="search",
            method="DELETE",
            path="/api/v1/searches/{search}",
            does=Endpoint(access=read, run=does.remove),
            summary="Forget a search",
            parts=name,
            answers={HTTPStatus.OK: Answer(says="It is gone.", type=Removed)},
            problems=missing,
        ),
    ]


_Operation: TypeAlias = Operation[Principal]
_NAME: Final = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"


def _asker(call: SearchCall) -> Asker:
    principal = call.principal
    return Asker(
        party=principal.party, user=principal.user, purpose=principal.purpose, acting=Acting(actor=principal.id)
    )


def _query(asked: Question) -> SearchQuery:
    return SearchQuery(
        text=asked.text,
        values=_set(asked.values),
        ids=_set(asked.ids),
        types=_set(asked.types),
        tlps=None if asked.tlps is None else frozenset(asked.tlps),
        producers=_set(asked.producers),
        time=asked.time,
        since=_instant(asked.since),
        until=_instant(asked.until),
        min_confidence=asked.min_confidence,
        min_score=asked.min_score,
        expired=asked.expired,
        revoked=asked.revoked,
        versions=asked.versions,
    )


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _instant(text: str | None) -> Micros | None:
    return None if text is None else parse_date(text)


def _told(saved: Saved) -> SavedSearch:
    query = saved.query
    return SavedSearch(
        name=saved.name,
        collection=saved.collection,
        question=Question(
            text=query.text,
            values=_list(query.values),
            ids=_list(query.ids),
            types=_list(query.types),
            tlps=None if query.tlps is None else sorted(query.tlps),
            producers=_list(query.producers),
            time=query.time,
            since=None if query.since is None else format_instant(query.since),
            until=None if query.until is None else format_instant(query.until),
            min_confidence=query.min_confidence,
            min_score=query.min_score,
            expired=query.expired,
            revoked=query.revoked,
            versions=query.versions,
        ),
        saved_at=saved.saved_at,
    )


def _list(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)
