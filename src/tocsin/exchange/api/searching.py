"""Search, correlation, relations and saved searches over ``/api/v1``.

What is looked for stands in the body of a POST and not in an address: what a member hunts is a secret of its own, and
addresses end in the logs of proxies and browsers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, TypeAlias

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, NotFoundError
from tocsin.exchange.api.parts import COLLECTION, MISSING, NAMED, OBJECT, READ, ROOT, Given, listed
from tocsin.exchange.api.queries import MAX_CURSOR, MAX_INSTANT, Word
from tocsin.exchange.api.wire import read_body, reply
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.reading import Asker
from tocsin.exchange.search.model import (
    DEFAULT_HITS,
    JUDGED_CREDIBILITY,
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
from tocsin.kernel.http.routes import Body, Call, Endpoint, Reply
from tocsin.parties.model import Principal

if TYPE_CHECKING:
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
Reliability = Literal["A", "B", "C", "D", "E"]
Credibility = Annotated[int, msgspec.Meta(ge=JUDGED_CREDIBILITY.start, le=JUDGED_CREDIBILITY.stop - 1)]
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
    min_reliability: Reliability | None = None
    min_credibility: Credibility | None = None
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
    """How much of what stands around an object, and which page of it."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CURSOR)] | None = None


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
            Asker.of(call.principal), call.path["collection"], _query(asked), limit=asked.limit, cursor=asked.cursor
        )
        return reply(found)

    def count(self, call: SearchCall) -> Reply:
        """Answer with how many objects are found; a count is a release too."""
        query = _query(read_body(call.body, Question))
        return reply(self._search.count(Asker.of(call.principal), call.path["collection"], query))

    def facet(self, call: SearchCall) -> Reply:
        """Answer with what is found, counted by a facet."""
        facet = call.path["facet"]
        if facet not in tuple(Facet):
            raise NotFoundError("there is no such facet", todo=f"use one of {', '.join(Facet)}")
        query = _query(read_body(call.body, Question))
        return reply(self._search.facet(Asker.of(call.principal), call.path["collection"], query, Facet(facet)))

    def correlate(self, call: SearchCall) -> Reply:
        """Answer with what shares observable values."""
        asked = read_body(call.body, CorrelateAsk)
        found = self._search.correlate(
            Asker.of(call.principal), call.path["collection"], asked.subject, limit=asked.limit
        )
        return reply(found)

    def relations(self, call: SearchCall) -> Reply:
        """Answer with what stands around an object."""
        asked = read_query(call.query, RelationsQuery)
        object_id = call.path["object"]
        if not is_object_id(object_id):
            raise NotFoundError("there is no such object, or none that you may see")
        return reply(
            self._search.relations(
                Asker.of(call.principal), call.path["collection"], object_id, limit=asked.limit, cursor=asked.cursor
            )
        )

    def saved(self, call: SearchCall) -> Reply:
        """Answer with the asker's own searches."""
        return reply(SavedList(searches=[_told(one) for one in self._saved.all(Asker.of(call.principal))]))

    def get(self, call: SearchCall) -> Reply:
        """Answer with one of the asker's own searches."""
        return reply(_told(self._saved.get(Asker.of(call.principal), call.path["search"])))

    def save(self, call: SearchCall) -> Reply:
        """Keep a search under a name."""
        asked = read_body(call.body, SaveAsk)
        kept = self._saved.save(Asker.of(call.principal), call.path["search"], asked.collection, _query(asked.question))
        return reply(_told(kept))

    def remove(self, call: SearchCall) -> Reply:
        """Forget one of the asker's own searches."""
        self._saved.remove(Asker.of(call.principal), call.path["search"])
        return reply(Removed(removed=call.path["search"]))


def operations(services: Services) -> list[_Operation]:
    """Return the part of the table that is about search."""
    does = Searching(services)
    root = f"{ROOT}/collections/{{collection}}"
    body = Body(types=(JSON_TYPE,), limit=MAX_QUESTION)
    name = {"search": Part(says="A name of yours.", example="wipers", pattern=NAMED, longest=64)}
    facet = {"facet": Part(says=f"One of {', '.join(Facet)}.", example="type", longest=16)}
    return [
        Operation(
            id="search",
            tag="search",
            method="POST",
            path=f"{root}/search",
            does=Endpoint(access=READ, run=does.find, body=body, safe=True),
            summary="Search what you may read",
            says="The newest first. The page is a release: the log names what was on it.",
            parts=COLLECTION,
            takes=SearchAsk,
            answers={HTTPStatus.OK: Answer(says="A page; it may be empty and have a `next`.", type=Found)},
            problems=MISSING,
        ),
        Operation(
            id="count",
            tag="search",
            method="POST",
            path=f"{root}/search/count",
            does=Endpoint(access=READ, run=does.count, body=body, safe=True),
            summary="How many objects a search finds",
            says="A count is a release too: the log names what was counted.",
            parts=COLLECTION,
            takes=Question,
            answers={HTTPStatus.OK: Answer(says="The count.", type=Counted)},
            problems=MISSING,
        ),
        Operation(
            id="facet",
            tag="search",
            method="POST",
            path=f"{root}/search/facets/{{facet}}",
            does=Endpoint(access=READ, run=does.facet, body=body, safe=True),
            summary="What a search finds, counted by a facet",
            parts=COLLECTION | facet,
            takes=Question,
            answers={HTTPStatus.OK: Answer(says="The counts, the highest first.", type=Faceted)},
            problems=MISSING,
        ),
        Operation(
            id="correlate",
            tag="search",
            method="POST",
            path=f"{root}/correlate",
            does=Endpoint(access=READ, run=does.correlate, body=body, safe=True),
            summary="What shares observable values with an object, or carries a value",
            parts=COLLECTION,
            takes=CorrelateAsk,
            answers={HTTPStatus.OK: Answer(says="What shares them, and which.", type=Correlated)},
            problems=MISSING,
        ),
        Operation(
            id="relations",
            tag="search",
            method="GET",
            path=f"{root}/objects/{{object}}/relations",
            does=Endpoint(access=READ, run=does.relations),
            summary="What stands around an object: relationships, sightings, notes, opinions",
            parts=COLLECTION | OBJECT,
            query=RelationsQuery,
            answers={HTTPStatus.OK: Answer(says="As much of it as you may read.", type=Surroundings)},
            problems=MISSING,
        ),
        *listed(
            "search",
            f"{ROOT}/searches",
            READ,
            every=Given("savedSearches", does.saved, "The searches that you keep", "All of them.", SavedList),
            one=Given("savedSearch", does.get, "One search that you keep", "The search.", SavedSearch),
            by=name,
        ),
        Operation(
            id="saveSearch",
            tag="search",
            method="PUT",
            path=f"{ROOT}/searches/{{search}}",
            does=Endpoint(access=READ, run=does.save, body=body),
            summary="Keep a search under a name, in place of what stood there",
            parts=name,
            takes=SaveAsk,
            answers={HTTPStatus.OK: Answer(says="It is kept.", type=SavedSearch)},
            problems=MISSING,
        ),
        Operation(
            id="removeSearch",
            tag="search",
            method="DELETE",
            path=f"{ROOT}/searches/{{search}}",
            does=Endpoint(access=READ, run=does.remove),
            summary="Forget a search",
            parts=name,
            answers={HTTPStatus.OK: Answer(says="It is gone.", type=Removed)},
            problems=MISSING,
        ),
    ]


_Operation: TypeAlias = Operation[Principal]


def _query(asked: Question) -> SearchQuery:
    given = {name: getattr(asked, name) for name in Question.__struct_fields__}
    times = {"since": _instant(asked.since, "since"), "until": _instant(asked.until, "until")}
    return msgspec.convert(given | times, SearchQuery)


def _instant(text: str | None, where: str) -> Micros | None:
    try:
        return None if text is None else parse_date(text)
    except InputError as error:
        raise InputError(error.what, where=where, todo=error.todo) from error


def _told(saved: Saved) -> SavedSearch:
    query = saved.query
    times = {
        "since": None if query.since is None else format_instant(query.since),
        "until": None if query.until is None else format_instant(query.until),
    }
    return SavedSearch(
        name=saved.name,
        collection=saved.collection,
        question=msgspec.convert(query.as_json() | times, Question),
        saved_at=saved.saved_at,
    )
