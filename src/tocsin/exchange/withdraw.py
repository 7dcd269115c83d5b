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
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
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

        ``versions`` choose among the asker's own versions. What was released stays released: a withdrawal is no recall.

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
                    self._enter(
                        connection, found, acting=acting, party=party, object_id=object_id, rows=rows, terms=terms
                    )
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
        found = store.find_collection(connection, self._environment, collection)
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

    def _enter(
        self,
        connection: Connection,
        found: Within,
        *,
        acting: Acting,
        party: str,
        object_id: str,
        rows: list[Row[Any]],
        terms: Mapping[int, Sequence[int]],
    ) -> None:
        at = self._log.now(connection)
        sequences = sorted(row.offer_seq for row in rows)
        connection.execute(
            update(OFFERS)
            .where(OFFERS.c.collection_id == found.id, OFFERS.c.offer_seq.in_(sequences))
            .values(label_id=WITHDRAWN, withdrawn_at=at)
        )
        withdrawn(connection, found.id, [(row.offer_seq, row.label_id, terms[row.contribution_id]) for row in rows])
        gone = Counter(row.label_id for row in rows)
        counts = [(label_id, -offers) for label_id, offers in gone.items()]
        store.count_labels(connection, self._environment, found.id, [*counts, (WITHDRAWN, len(rows))])
        self._log.append(
            connection,
            [
                Record(
                    kind="withdrawal",
                    at=at,
                    acting=acting,
                    concerns=(party,),
                    data={"party": party, "collection": found.uuid, "object": object_id, "offers": sequences},
                )
            ],
        )
