"""Search and correlation through the gate: what is found, and how much of it, is a release like any page."""

from __future__ import annotations

import re
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from sqlalchemy import Connection

from tocsin.errors import BusyError, InputError, NotFoundError
from tocsin.exchange import releases
from tocsin.exchange import store as exchange_store
from tocsin.exchange.model import Collection
from tocsin.exchange.reading import Asker
from tocsin.exchange.search import store
from tocsin.exchange.search.around import Around
from tocsin.exchange.search.model import (
    DEFAULT_HITS,
    MAX_COUNTED,
    MAX_HITS,
    MAX_VALUES,
    Correlated,
    Counted,
    Facet,
    Faceted,
    Found,
    SearchQuery,
    Shared,
    Surroundings,
    Tally,
)
from tocsin.exchange.search.scan import LOOKED_AT, Fit, Sight, by_terms, plan, scan, standing
from tocsin.exchange.search.show import Shelf
from tocsin.exchange.search.values import canonical, covering
from tocsin.exchange.search.wire import extract
from tocsin.exchange.stix.model import META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES
from tocsin.kernel.canonical import Json
from tocsin.kernel.clock import format_instant
from tocsin.kernel.db.adapter import took_too_long
from tocsin.kernel.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tocsin.agreements.gatekeeper import Gate, Pass
    from tocsin.agreements.model import Label
    from tocsin.exchange.cursor import Cursors
    from tocsin.exchange.search.indexer import Indexer
    from tocsin.exchange.search.scan import Plan
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

__all__ = ["Search"]

T = TypeVar("T")

# A page is discarded when policy moved between its snapshot and its release, or the index was behind.
TRIES: Final = 5
# A search that finds the index behind brings it up by so many offers: about a second. `serve` keeps it from being more.
CATCH_UP: Final = 5_000
# Each statement of one question, and all of them until another batch is begun: who asks for more keeps one of few
# threads, and on SQLite a processor, from everybody else; and a person who waited so long asks again.
SEARCH_SECONDS: Final = 10.0
# Offers that one count looks at before it says "at least".
COUNT_LOOKED_AT: Final = 50_000
_COUNT_BATCH: Final = 2_000
_STIX_ID: Final = re.compile(r"[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}")
# What somebody copied a part of: taken for a value it would be found nowhere, and that would read as an answer.
_CUT_ID: Final = re.compile(
    rf"(?:{'|'.join(sorted({*META_TYPES, *SCO_TYPES, *SDO_TYPES, *SRO_TYPES}))})--[0-9a-fA-F-]*…?"
)


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    """One question in one snapshot."""

    connection: Connection
    asker: Asker
    collection: Collection
    sight: Sight
    until: float  # in ticks: no batch is looked for after this


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a question's answer rests on, and what the log tells of the question.

    ``owned`` are its offers, in any order: number, object id, label.
    """

    kind: str  # search, count, facet
    owned: list[tuple[int, str, int]]
    filter: dict[str, Json]


class Search:
    """Searches one environment."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        gate: Gate,
        cursors: Cursors,
        entropy: Entropy,
        indexer: Indexer,
        environment: int,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._cursors = cursors
        self._entropy = entropy
        self._indexer = indexer
        self._environment = environment
        self._ticks = ticks
        self._labels: dict[int, Label] = {}

    def find(
        self, asker: Asker, collection: str, query: SearchQuery, *, limit: int = DEFAULT_HITS, cursor: str | None = None
    ) -> Found:
        """Return a page of what a search finds, the newest offered first, and leave a release behind.

        Raises:
            NotFoundError: there is no such collection.
            InputError: the query or limit makes no sense, or the cursor was not given for this query.
            BusyError: the index is far behind, or policy kept changing, or it took longer than ``SEARCH_SECONDS``.
        """
        limit = _limited(limit)

        def answer(context: _Context) -> tuple[Found, _Told]:
            bound: Json = [
                "search",
                self._environment,
                asker.party,
                asker.user,
                context.collection.uuid,
                query.as_json(),
            ]
            before = context.sight.upto + 1 if cursor is None else self._cursors.open(cursor, bound)
            asked = plan(context.connection, context.sight, query)
            fits, place = self._page(context, asked, before=before, limit=limit)
            shelf = Shelf(context.connection, self._store.adapter, context.sight)
            found = Found(
                hits=tuple(shelf.hits(fits)),
                next=None if place is None else self._cursors.seal(place, bound),
                release=None,
            )
            return found, _Told(kind="search", owned=_owned(fits), filter=query.for_owners(asked.words))

        found, release = self._answer(asker, collection, answer)
        return msgspec.structs.replace(found, release=release)

    def count(self, asker: Asker, collection: str, query: SearchQuery) -> Counted:
        """Return how many objects a search finds, ``MAX_COUNTED`` at most; the release names each that was counted.

        Raises: as ``find``.
        """

        def answer(context: _Context) -> tuple[Counted, _Told]:
            asked = plan(context.connection, context.sight, query)
            fits, complete = self._every(context, asked)
            told = _Told(kind="count", owned=_owned(fits), filter=query.for_owners(asked.words))
            return Counted(count=len(fits), complete=complete, release=None), told

        counted, release = self._answer(asker, collection, answer)
        return msgspec.structs.replace(counted, release=release)

    def facet(self, asker: Asker, collection: str, query: SearchQuery, facet: Facet) -> Faceted:
        """Return what a search finds, counted by a facet; the release names each object that was counted.

        Raises: as ``find``.
        """

        def answer(context: _Context) -> tuple[Faceted, _Told]:
            asked = plan(context.connection, context.sight, query)
            fits, complete = self._every(context, asked)
            tallies = Counter(_value(facet, one, context.sight) for one in fits)
            listed = sorted(tallies.items(), key=lambda one: (-one[1], one[0]))
            faceted = Faceted(
                facet=facet,
                tallies=tuple(Tally(value=value, count=count) for value, count in listed),
                complete=complete,
                release=None,
            )
            filter_ = query.for_owners(asked.words) | {"facet": str(facet)}
            return faceted, _Told(kind="facet", owned=_owned(fits), filter=filter_)

        faceted, release = self._answer(asker, collection, answer)
        return msgspec.structs.replace(faceted, release=release)

    def correlate(self, asker: Asker, collection: str, subject: str, *, limit: int = DEFAULT_HITS) -> Correlated:
        """Return what carries an observable value, or shares one with an object, and which.

        ``subject`` is the id of an object, or a value in any usual spelling; an address is found in networks, too.

        Raises:
            NotFoundError: there is no such collection or object, or none that the asker may see.
            InputError: the limit makes no sense, or the subject is part of an id. BusyError: as ``find``.
        """
        limit = _limited(limit)
        by_id = _STIX_ID.fullmatch(subject) is not None
        if not by_id and _CUT_ID.fullmatch(subject) is not None:
            raise InputError(
                "this begins as the id of an object does, and is none",
                where="subject",
                todo="give the whole id, as indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f, or a value",
            )

        def answer(context: _Context) -> tuple[Correlated, _Told]:
            shelf = Shelf(context.connection, self._store.adapter, context.sight)
            own: list[Fit] = []
            if by_id:
                own = list(standing(context.connection, self._store.adapter, context.sight, [subject]).values())
                if not own:
                    raise NotFoundError("there is no such object, or none that you may see")
                asked = extract(shelf.body(own[0])).values[:MAX_VALUES]
                wanted = asked
            else:
                asked = (canonical(subject),)
                wanted = tuple(covering(asked[0]))
            fits: list[Fit] = []
            place: int | None = None
            if wanted:
                among = by_terms(context.sight, "value", wanted)
                fits, place = self._page(context, among, before=_FAR, limit=limit + len(own))
                fits = [one for one in fits if one.match.object_id != subject]
            more, fits = place is not None or len(fits) > limit, fits[:limit]
            shared = []
            for one in fits:
                values = set(extract(shelf.body(one)).values)
                common = tuple(value for value in wanted if value in values)
                shared.append(Shared(hit=shelf.hit(one), values=common))
            correlated = Correlated(values=asked, shared=tuple(shared), more=more, release=None)
            filter_: dict[str, Json] = {"ids": [subject]} if by_id else {"values": 1}
            owned = _owned([*own, *fits])
            return correlated, _Told(kind="search", owned=owned, filter={"correlate": True, **filter_})

        correlated, release = self._answer(asker, collection, answer)
        return msgspec.structs.replace(correlated, release=release)

    def relations(
        self,
        asker: Asker,
        collection: str,
        object_id: str,
        *,
        limit: int = DEFAULT_HITS,
        cursor: str | None = None,
    ) -> Surroundings:
        """Return what stands around an object: references both ways, sightings, notes and opinions about it.

        Nothing is asked of the id but what visible objects say of it: an object that the asker may not see answers as
        one that was never shared.

        Raises:
            NotFoundError: there is no such collection, or nothing visible has or names this id.
            InputError: the limit makes no sense, or the cursor was not given for this object. BusyError: as ``find``.
        """
        limit = _limited(limit)

        def answer(context: _Context) -> tuple[Surroundings, _Told]:
            bound: Json = [
                "relations",
                self._environment,
                asker.party,
                asker.user,
                context.collection.uuid,
                object_id,
            ]
            before = None if cursor is None else self._cursors.open(cursor, bound)
            around = Around(context.connection, self._store.adapter, context.sight)
            surroundings, shown, place = around.of(object_id, limit=limit, before=before)
            if place is not None:
                surroundings = msgspec.structs.replace(surroundings, next=self._cursors.seal(place, bound))
            filter_: dict[str, Json] = {"relations": True, "ids": [object_id]}
            return surroundings, _Told(kind="search", owned=_owned(shown), filter=filter_)

        surroundings, release = self._answer(asker, collection, answer)
        return msgspec.structs.replace(surroundings, release=release)

    # --- one question ------------------------------------------------------------------------------------------------

    def _page(self, context: _Context, asked: Plan, *, before: int, limit: int) -> tuple[list[Fit], int | None]:
        """Return what fits below a number, and below which number to go on; None: nothing is left."""
        fits: list[Fit] = []
        looked_at = 0
        batch = max(2 * limit, DEFAULT_HITS)
        for one in scan(context.connection, self._store.adapter, context.sight, asked, before=before, batch=batch):
            fits += one.fits
            looked_at += one.looked_at
            if len(fits) > limit:
                return fits[:limit], fits[limit - 1].match.seq
            if one.last:
                break
            self._require_time(context)
            if looked_at >= LOOKED_AT:
                return fits, one.place
        return fits, None

    def _every(self, context: _Context, asked: Plan) -> tuple[list[Fit], bool]:
        """Return what fits, ``MAX_COUNTED`` at most, and whether that is all."""
        fits: list[Fit] = []
        looked_at = 0
        for one in scan(context.connection, self._store.adapter, context.sight, asked, before=_FAR, batch=_COUNT_BATCH):
            fits += one.fits
            looked_at += one.looked_at
            if len(fits) > MAX_COUNTED:
                return fits[:MAX_COUNTED], False
            if one.last:
                break
            self._require_time(context)
            if looked_at >= COUNT_LOOKED_AT:
                return fits, False
        return fits, True

    def _require_time(self, context: _Context) -> None:
        """Refuse to look for another batch after so long: the database limits each statement, and not their number."""
        if self._ticks() > context.until:
            raise took_too_long(SEARCH_SECONDS)

    def _answer(
        self, asker: Asker, reference: str, answer: Callable[[_Context], tuple[T, _Told]]
    ) -> tuple[T, str | None]:
        """Answer in one snapshot and stage the release; again when policy moved, or once the index is up to date."""
        target: int | None = None
        for _ in range(TRIES):
            until = self._ticks() + SEARCH_SECONDS
            with self._store.read(seconds=SEARCH_SECONDS) as connection:
                passed = self._gate.admit(
                    connection, asker.party, asker.user, asker.purpose, client=asker.client, capacity=asker.capacity
                )
                collection = self._find(connection, passed, reference)
                state = next(
                    one
                    for one in store.read_states(connection, self._environment)
                    if one.collection_id == collection.id
                )
                target = state.head_seq if target is None else target
                done = self._indexer.reached(state)
                if done >= target:
                    context = _Context(
                        connection=connection,
                        asker=asker,
                        collection=collection,
                        sight=self._sight(connection, passed, collection, done),
                        until=until,
                    )
                    result, told = answer(context)
                    withdrawn = exchange_store.offers_of_label(connection, collection.id, releases.WITHDRAWN)
            if done < target:
                self._indexer.index(collection_id=collection.id, limit=CATCH_UP)
                continue
            if not told.owned:
                return result, None  # nothing left the hub (ADR 0011)
            release = self._stage(context, passed, told=told, withdrawn=withdrawn)
            if release is not None:
                return result, release
        raise BusyError("the index is being brought up to date, or agreements keep changing", todo="ask again")

    def _find(self, connection: Connection, passed: Pass, reference: str) -> Collection:
        if passed.profile.active:
            known = exchange_store.known_collections(connection, self._environment, passed.profile.party)
            for collection in known:
                if reference in (collection.alias, collection.uuid):
                    return collection
        raise NotFoundError("there is no such collection")

    def _sight(self, connection: Connection, passed: Pass, collection: Collection, upto: int) -> Sight:
        counts = exchange_store.read_label_counts(connection, collection.id)
        counts.pop(releases.WITHDRAWN, None)
        unknown = [label_id for label_id in counts if label_id not in self._labels]
        if unknown:
            self._labels.update(self._gate.labels(connection, unknown))
        labels = {label_id: self._labels[label_id] for label_id in counts}
        now = self._log.now(connection)
        opened = self._gate.opened(passed, labels, now)
        return Sight(
            environment=self._environment,
            collection_id=collection.id,
            labels={label_id: labels[label_id] for label_id in sorted(opened)},
            upto=upto,
            now=now,
        )

    def _stage(self, context: _Context, passed: Pass, *, told: _Told, withdrawn: int) -> str | None:
        """Stage the release durably, or return None when policy moved or an offer was withdrawn since the snapshot."""
        asker, labels = context.asker, context.sight.labels
        # an object may be shown in more than one place of an answer: it left once
        owned = {seq: (seq, object_id, label_id) for seq, object_id, label_id in told.owned}
        left = [owned[seq] for seq in sorted(owned)]
        shown = {label_id: labels[label_id] for _, _, label_id in left}
        leaving = releases.Leaving(
            environment=self._environment,
            uuid=new_uuid(self._entropy),
            kind=told.kind,
            acting=asker.acting,
            purpose=asker.purpose,
            collection_id=context.collection.id,
            filter=told.filter,
            owned=tuple((seq, object_id, labels[label_id].owner) for seq, object_id, label_id in left),
            withdrawn=withdrawn,
            until=self._gate.until(passed, labels.values()),
            under=releases.under_annexes(
                ((seq, label_id) for seq, _, label_id in left), self._gate.annexes(passed, shown)
            ),
        )
        with self._store.write() as connection:
            return releases.stage_if_still(connection, leaving, gate=self._gate, log=self._log, passed=passed)


# Beyond every number of an offer.
_FAR: Final = 2**62


def _limited(limit: int) -> int:
    if limit < 1:
        raise InputError("a page has at least one object", where="limit", todo="ask for 1 or more")
    return min(limit, MAX_HITS)


def _owned(fits: Iterable[Fit]) -> list[tuple[int, str, int]]:
    return [(one.match.seq, one.match.object_id, one.match.label_id) for one in fits]


def _value(facet: Facet, fit: Fit, sight: Sight) -> str:
    label = sight.labels[fit.match.label_id]
    match facet:
        case Facet.TYPE:
            return label.type
        case Facet.TLP:
            return str(label.tlp)
        case Facet.PRODUCER:
            return label.owner
        case Facet.MONTH:
            return format_instant(fit.match.modified)[:7]
