"""What readers get: a page decided and fetched in one snapshot, staged durably before its first byte leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import BusyError, InputError, NotFoundError
from tocsin.exchange import releases, store
from tocsin.exchange.emergency.alarm import shown
from tocsin.exchange.model import MAX_PAGE, Collection, Page, PageItem, Query
from tocsin.exchange.paging import Place, View, places_after
from tocsin.exchange.replica import NotCurrentError, Replica
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.kept import Kept, Lately
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.gatekeeper import Gate, Pass
    from tocsin.agreements.model import Label, Profile, Tlp
    from tocsin.exchange.cursor import Cursors
    from tocsin.kernel.canonical import Json
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log
    from tocsin.parties.model import Principal

__all__ = ["Answer", "Asker", "Reading"]

# A page is discarded when policy moved between its snapshot and its release. Policy moves by people's hands: after so
# many tries something else is wrong.
TRIES: Final = 5

# Views that stay in memory: a client asks for page after page of the same one, and as many readers as the gate keeps
# may take turns. Each holds the numbers of its labels, at some 100 bytes: all of them together no more than 100 MB.
KEPT_VIEWS: Final = 2_048
KEPT_NUMBERS: Final = 1_000_000

# Bytes stay in memory while somebody asks for them, since members poll for the same newest objects: reading a thousand
# out of the database takes half of what a page takes. So many bytes in each of two generations, of so many seconds, so
# that what was purged has left after twice as long. Nothing that others do ends them sooner: that would show in how
# long a page takes (docs/traffic-analysis.md).
KEPT_BYTES: Final = 32 * 1024 * 1024
KEPT_SECONDS: Final = 300


# What a view is made from: the reader and its slice, the collection, and what narrows the labels.
_ViewKey: TypeAlias = "tuple[Profile, bytes, int, frozenset[str] | None, frozenset[str] | None, frozenset[str]]"


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads: a user or a party's service, for one purpose, and who is seen to act."""

    party: str  # URI
    user: str | None  # name within the party
    purpose: str
    acting: Acting
    client: str | None = None  # URI of whom the party reads for, if for one that it serves
    capacity: str | None = None  # of the party's, that the credential chose to act in

    @classmethod
    def of(cls, principal: Principal) -> Asker:
        """Return who reads with these credentials, and acts for itself."""
        return cls(
            party=principal.party,
            user=principal.user,
            purpose=principal.purpose,
            acting=Acting(actor=principal.id),
            capacity=principal.capacity,
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What left through the gate: the page, and the text with which to ask for the next one."""

    page: Page
    next: str | None
    release: str | None  # id of the release; None when nothing left


class Reading:
    """Answers readers of one environment."""

    def __init__(
        self, *, store: Store, log: Log, gate: Gate, cursors: Cursors, entropy: Entropy, environment: int
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._cursors = cursors
        self._entropy = entropy
        self._environment = environment
        self.replica = Replica(store=store, log=log, environment=environment)
        self._labels: dict[int, Label] = {}
        self._views: dict[tuple[int, int], dict[int, int]] = {}
        self._opened: Kept[_ViewKey, View] = Kept(
            KEPT_VIEWS, weigh=lambda view: len(view.labels), heaviest=KEPT_NUMBERS
        )
        self._contents: Lately[int, tuple[str, bytes]] = Lately(
            KEPT_SECONDS, weigh=lambda content: len(content[1]), heaviest=KEPT_BYTES
        )

    def collections(self, asker: Asker) -> list[Collection]:
        """Return the collections that a reader may know of: all that everybody knows, and what its party was given."""
        with self._store.read() as connection:
            passed = self._gate.admit(
                connection, asker.party, asker.user, asker.purpose, client=asker.client, capacity=asker.capacity
            )
            if not passed.profile.active:
                return []
            return shown(passed, store.known_collections(connection, self._environment, asker.party))

    def collection(self, asker: Asker, reference: str) -> Collection:
        """Return one collection by alias or UUID.

        Raises:
            NotFoundError: there is none, or none that the asker may know of.
        """
        for collection in self.collections(asker):
            if reference in (collection.alias, collection.uuid):
                return collection
        raise NotFoundError("there is no such collection")

    def objects(
        self,
        asker: Asker,
        collection: str,
        query: Query,
        *,
        limit: int = MAX_PAGE,
        cursor: str | None = None,
        at_least: int = 0,
    ) -> Answer:
        """Return a page of objects, and leave a release behind.

        ``at_least`` is the number of an offer that the page must not be older than: for whoever will not come back for
        what was offered up to it.

        Raises:
            NotFoundError: there is no such collection.
            InputError: the limit is below 1, or the cursor was not given for this query.
        """
        return self._answer(asker, collection, query, limit=limit, cursor=cursor, kind="objects", at_least=at_least)

    def manifest(
        self, asker: Asker, collection: str, query: Query, *, limit: int = MAX_PAGE, cursor: str | None = None
    ) -> Answer:
        """Return a page of what there is without its content; this too is a release."""
        return self._answer(asker, collection, query, limit=limit, cursor=cursor, kind="manifest")

    def seal(self, asker: Asker, collection: Collection, query: Query, place: int) -> str:
        """Return the cursor of a place in a collection: a page that is asked for with it begins behind that place."""
        return self._cursors.seal(place, self._bound(asker, collection, query))

    def place(self, asker: Asker, collection: Collection, query: Query, cursor: str) -> int:
        """Return the place that a cursor stands for.

        Raises:
            InputError: it was not given to this asker for this query.
        """
        return self._cursors.open(cursor, self._bound(asker, collection, query))

    def ahead(self, asker: Asker, reference: str, query: Query, *, place: int) -> int | None:
        """Return the number of the last offer so far if a page behind a place would hold anything, else None.

        Nothing leaves. What is made of the answer is for nobody but the asker: it tells that there is something.

        Raises:
            NotFoundError: there is no such collection, or none that the asker may know of.
        """
        with self._store.read() as connection:
            passed = self._gate.admit(
                connection, asker.party, asker.user, asker.purpose, client=asker.client, capacity=asker.capacity
            )
            collection = self._find(connection, passed, reference)
            view = self._view(connection, passed, collection, query)
            found = places_after(connection, self._store.adapter, view, query, after=place, limit=1)
        return collection.head_seq if found else None

    def tlp(self, item: PageItem) -> Tlp:
        """Return the TLP under which an object of a page of ours was released."""
        return self._labels[item.label_id].tlp

    def owner(self, item: PageItem) -> str:
        """Return whose contribution an object of a page of ours is: the URI that `why` names to who may read it."""
        return self._labels[item.label_id].owner

    def _answer(
        self,
        asker: Asker,
        reference: str,
        query: Query,
        *,
        limit: int,
        cursor: str | None,
        kind: str,
        at_least: int = 0,
    ) -> Answer:
        if limit < 1:
            raise InputError("a page has at least one object", where="limit", todo="ask for 1 or more")
        limit = min(limit, MAX_PAGE)
        for near in (*([True] if self.replica.may_serve() else []), *[False] * TRIES):
            try:
                answer = self._attempt(
                    asker, reference, query, limit=limit, cursor=cursor, kind=kind, at_least=at_least, near=near
                )
            except (NotCurrentError, NotFoundError):
                if not near:
                    raise
                continue  # the database itself knows better, of a new collection too
            if answer is not None:
                if self._store.replica is not None:
                    self.replica.count(near=near)
                return answer
        raise BusyError("the agreements kept changing while this page was made", todo="ask again")

    def _attempt(
        self,
        asker: Asker,
        reference: str,
        query: Query,
        *,
        limit: int,
        cursor: str | None,
        kind: str,
        at_least: int,
        near: bool,
    ) -> Answer | None:
        """Return the answer that one snapshot gives, or None when it holds no more by the time of its release.

        Raises:
            NotCurrentError: the snapshot is to be the replica's (``near``), which cannot give this page.
        """
        with self.replica.read() if near else self._store.read() as connection:
            passed = self._gate.admit(
                connection, asker.party, asker.user, asker.purpose, client=asker.client, capacity=asker.capacity
            )
            collection = self._find(connection, passed, reference)
            bound = self._bound(asker, collection, query)
            after = 0 if cursor is None else self._cursors.open(cursor, bound)
            if near and max(after, at_least) > collection.head_seq:
                raise NotCurrentError("the replica is behind what this reader knows of")
            view = self._view(connection, passed, collection, query)
            places = places_after(connection, self._store.adapter, view, query, after=after, limit=limit + 1)
            more = len(places) > limit
            items, bodies = self._filled(connection, places[:limit], bodies=kind == "objects")
            withdrawn = store.offers_of_label(connection, collection.id, releases.WITHDRAWN)
        page = Page(items=items, bodies=bodies, next_seq=items[-1].seq if more else None)
        sealed = None if page.next_seq is None else self._cursors.seal(page.next_seq, bound)
        if not items:
            # nothing left the hub, so that there is nothing to account for (docs/adr)
            return Answer(page=page, next=None, release=None)
        release = self._stage(
            asker, passed, collection=collection, query=query, items=items, kind=kind, withdrawn=withdrawn
        )
        return None if release is None else Answer(page=page, next=sealed, release=release)

    def _find(self, connection: Connection, passed: Pass, reference: str) -> Collection:
        if passed.profile.active:
            for collection in store.known_collections(connection, self._environment, passed.profile.party):
                if reference in (collection.alias, collection.uuid):
                    return collection
        raise NotFoundError("there is no such collection")

    def _bound(self, asker: Asker, collection: Collection, query: Query) -> Json:
        # a cursor opens for this reader, this collection and these filters only; the limit may change (TAXII 2.1 §3.5)
        reader: list[Json] = [asker.party, asker.user, *(() if asker.client is None else (asker.client,))]
        return [self._environment, *reader, collection.uuid, query.as_json(), *query.parties]

    def _view(self, connection: Connection, passed: Pass, collection: Collection, query: Query) -> View:
        key = (passed.profile, passed.slice_digest, collection.id, query.types, query.owners, query.without)
        kept = self._opened.get(key)
        at = self._log.now(connection)
        if kept is not None and kept.head_seq == collection.head_seq and (kept.until is None or at < kept.until):
            return kept
        counts = self._counts(connection, collection)
        self._learn(connection, counts)
        labels = {
            label_id: self._labels[label_id]
            for label_id in counts
            if query.types is None or self._labels[label_id].type in query.types
            if query.owners is None or self._labels[label_id].owner in query.owners
            if self._labels[label_id].owner not in query.without
        }
        opened = self._gate.opened(passed, labels, at)
        view = View(
            environment=self._environment,
            collection_id=collection.id,
            head_seq=collection.head_seq,
            labels=opened,
            offers=sum(counts[label_id] for label_id in opened),
            until=self._gate.until(passed, (labels[label_id] for label_id in opened)),
        )
        self._opened.put(key, view)
        return view

    def _counts(self, connection: Connection, collection: Collection) -> dict[int, int]:
        key = (collection.id, collection.head_seq)
        counts = self._views.get(key)
        if counts is None:
            counts = store.read_label_counts(connection, collection.id)
            counts.pop(releases.WITHDRAWN, None)
            self._views = {old: kept for old, kept in self._views.items() if old[0] != collection.id} | {key: counts}
        return counts

    def _learn(self, connection: Connection, counts: dict[int, int]) -> None:
        unknown = [label_id for label_id in counts if label_id not in self._labels]
        if unknown:
            self._labels.update(self._gate.labels(connection, unknown))

    def _filled(
        self, connection: Connection, places: Sequence[Place], *, bodies: bool
    ) -> tuple[tuple[PageItem, ...], tuple[bytes, ...]]:
        """Return what stands at these places, and its bytes where they are wanted and not purged."""
        ids = [place[2] for place in places]
        found: Mapping[int, tuple[str, bytes | None]] = (
            self._read(connection, ids)
            if bodies
            else {key: (one, None) for key, one in store.object_ids_of(connection, self._store.adapter, ids).items()}
        )
        items = tuple(
            PageItem(
                seq=seq,
                object_id=found[key][0],
                version=version,
                date_added=added,
                contribution_id=key,
                label_id=label_id,
            )
            for seq, label_id, key, version, added, _ in places
        )
        return items, tuple(body for key in ids if (body := found[key][1]) is not None)

    def _read(self, connection: Connection, ids: Sequence[int]) -> Mapping[int, tuple[str, bytes | None]]:
        """Return object id and bytes of contributions that places of this snapshot lead to.

        A contribution never changes but by being purged, which withdraws its offers: no place leads to it from then on.
        """
        found: dict[int, tuple[str, bytes | None]] = {**self._contents.get_all(ids)}
        missing = [key for key in ids if key not in found]
        if missing:
            read = store.contents_of(connection, self._store.adapter, missing)
            found.update(read)
            self._contents.put_all({key: (one, body) for key, (one, body) in read.items() if body is not None})
        return found

    def _stage(
        self,
        asker: Asker,
        passed: Pass,
        *,
        collection: Collection,
        query: Query,
        items: Sequence[PageItem],
        kind: str,
        withdrawn: int,
    ) -> str | None:
        """Stage the release durably, or return None when policy moved or an offer was withdrawn since the snapshot."""
        labels = {label_id: self._labels[label_id] for label_id in {item.label_id for item in items}}
        leaving = releases.Leaving(
            environment=self._environment,
            uuid=new_uuid(self._entropy),
            kind=kind,
            acting=asker.acting,
            purpose=asker.purpose,
            collection_id=collection.id,
            filter=query.as_json(),
            owned=tuple([(item.seq, item.object_id, self._labels[item.label_id].owner) for item in items]),
            withdrawn=withdrawn,
            until=self._gate.until(passed, labels.values()),
            under=releases.under_annexes(
                ((item.seq, item.label_id) for item in items), self._gate.annexes(passed, labels)
            ),
        )
        with self._store.write() as connection:
            return releases.stage_if_still(connection, leaving, gate=self._gate, log=self._log, passed=passed)
