"""What an owner takes back from a collection: the offer stays on record, and is open to nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from tocsin.errors import BusyError, NotFoundError
from tocsin.exchange import store
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.releases import WITHDRAWN
from tocsin.exchange.search.indexer import terms_in, withdrawn
from tocsin.exchange.tables import COLLECTIONS, CONTRIBUTIONS, MADE_COLLECTIONS, OFFERS
from tocsin.log.service import Record
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from tocsin.exchange.model import Collection as Within
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

__all__ = ["Withdrawals"]

# Between reading and writing only the owner itself can add a version: three in a row mean that its other program does
# nothing else.
TRIES: Final = 3


class Withdrawals:
    """Withdraws offers, each for its owner only."""

    def __init__(self, *, store: Store, log: Log, environment: int) -> None:
        self._store = store
        self._log = log
        self._environment = environment

    def withdraw(
        self, acting: Acting, party: str, collection: str, object_id: str, versions: Collection[VersionChoice | Micros]
    ) -> int:
        """Withdraw the asker's own offers of an object; returns how many there were.

        ``versions`` choose among the asker's own versions. What no collection offers any more that parties submit into,
        the hub does not offer either in those that it made. What was released stays released: this is no recall.

        Raises:
            NotFoundError: there is no such collection, or the asker offers no such object in it.
            BusyError: new versions of it keep coming.
        """
        terms: dict[int, list[int]] = {}
        for _ in range(TRIES):
            with self._store.read() as connection:
                rows = self._own_offers(connection, party, collection, object_id, versions)[1]
                unread = sorted({row.contribution_id for row in rows} - terms.keys())
                bodies = store.bodies_of(connection, self._store.adapter, unread)
            # outside of every transaction: terms of thousands of versions take a while
            terms |= {number: terms_in(bodies.get(number)) for number in unread}
            with self._store.write() as connection:
                found, rows = self._own_offers(connection, party, collection, object_id, versions)
                # a version that came meanwhile is read first
                if terms.keys() >= {row.contribution_id for row in rows}:
                    told: dict[str, object] = {"party": party, "collection": found.uuid, "object": object_id}
                    self._enter(connection, found.id, acting=acting, told=told, rows=rows, terms=terms)
                    for (made, uuid), offers in self._made(connection, terms).items():
                        in_it = told | {"collection": uuid}
                        self._enter(connection, made, acting=acting, told=in_it, rows=offers, terms=terms)
                    return len(rows)
        raise BusyError("versions of this object keep coming while it is withdrawn", todo="ask again in a few seconds")

    def _own_offers(
        self,
        connection: Connection,
        party: str,
        collection: str,
        object_id: str,
        versions: Collection[VersionChoice | Micros],
    ) -> tuple[Within, list[Row[Any]]]:
        """Return the collection, and the party's own offers of an object in it that are chosen and not withdrawn.

        Raises:
            NotFoundError: there is no such collection, or no such offer.
        """
        found = store.find_collection(connection, self._environment, collection, party=None)
        owner = parties.party_by_uri(connection, self._environment, party)
        query = (
            select(OFFERS.c.offer_seq, OFFERS.c.label_id, OFFERS.c.version, OFFERS.c.contribution_id)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .where(
                OFFERS.c.collection_id == found.id,
                CONTRIBUTIONS.c.owner_id == (owner.party_id if owner else 0),
                CONTRIBUTIONS.c.object_id == object_id,
                OFFERS.c.withdrawn_at.is_(None),
            )
        )
        rows = connection.execute(store.by_objects(self._store.adapter, query, self._environment, [object_id])).all()
        own = {row.version for row in rows}
        chosen = {version for version in own if VersionChoice.ALL in versions or version in versions}
        chosen |= {min(own)} if own and VersionChoice.FIRST in versions else set()
        chosen |= {max(own)} if own and VersionChoice.LAST in versions else set()
        of_these = [row for row in rows if row.version in chosen]
        if not of_these:
            raise NotFoundError("there is no such object of yours in this collection")
        return found, of_these

    def _made(self, connection: Connection, contributions: Collection[int]) -> dict[tuple[int, str], list[Row[Any]]]:
        """Return what the hub's own collections offer of contributions that no other collection offers any more."""
        wanted = self._store.adapter.integers(sorted(contributions), "wanted")
        query = (
            select(
                OFFERS.c.collection_id,
                OFFERS.c.offer_seq,
                OFFERS.c.label_id,
                OFFERS.c.contribution_id,
                COLLECTIONS.c.uuid,
                MADE_COLLECTIONS.c.made_for,
            )
            .join(COLLECTIONS, COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
            .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
            .where(OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.withdrawn_at.is_(None))
        )
        rows = connection.execute(self._store.adapter.through(query, OFFERS, "ix_offers_contribution")).all()
        left = {row.contribution_id for row in rows if not row.made_for}
        offers: dict[tuple[int, str], list[Row[Any]]] = {}
        for row in rows:
            if row.made_for and row.contribution_id not in left:
                offers.setdefault((row.collection_id, row.uuid), []).append(row)
        return offers

    def _enter(
        self,
        connection: Connection,
        collection_id: int,
        *,
        acting: Acting,
        told: dict[str, object],
        rows: list[Row[Any]],
        terms: Mapping[int, Sequence[int]],
    ) -> None:
        """Withdraw offers of one collection; ``told`` is what their entry says besides their numbers."""
        at = self._log.now(connection)
        sequences = sorted(row.offer_seq for row in rows)
        connection.execute(
            update(OFFERS)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(sequences))
            .values(label_id=WITHDRAWN, withdrawn_at=at)
        )
        withdrawn(
            connection, collection_id, [(row.offer_seq, row.label_id, terms[row.contribution_id]) for row in rows]
        )
        gone = Counter(row.label_id for row in rows)
        counts = [(label_id, -offers) for label_id, offers in gone.items()]
        store.count_labels(connection, self._environment, collection_id, [*counts, (WITHDRAWN, len(rows))])
        concerns = (str(told["party"]),)
        data = told | {"offers": sequences}
        self._log.append(connection, [Record(kind="withdrawal", at=at, acting=acting, concerns=concerns, data=data)])
