"""Searches that users keep under a name: their own matter, seen by nobody else, and entered in no log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import and_, delete, func, select, update

from tocsin.errors import AuthenticationError, LimitError, NotFoundError
from tocsin.exchange import store as exchange_store
from tocsin.exchange.search.model import Saved, SearchQuery
from tocsin.exchange.search.tables import SAVED_SEARCHES
from tocsin.exchange.tables import COLLECTIONS
from tocsin.kernel.clock import format_instant
from tocsin.kernel.db.store import next_id
from tocsin.parties import store as parties
from tocsin.parties.model import check_name

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tocsin.exchange.reading import Asker
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["MAX_SAVED", "SavedSearches"]

# What one person can tell apart by name.
MAX_SAVED: Final = 100


class SavedSearches:
    """The searches that users of one environment keep. To run one is to search: it leaves a release like any."""

    def __init__(self, *, store: Store, log: Log, environment: int) -> None:
        self._store = store
        self._log = log
        self._environment = environment

    def save(self, asker: Asker, name: str, collection: str, query: SearchQuery) -> Saved:
        """Keep a search under a name, in place of what stood there; durable when it returns.

        Raises:
            InputError: the name cannot be recorded. NotFoundError: there is no such collection.
            LimitError: the user keeps too many.
        """
        check_name(name, "search")
        with self._store.write() as connection:
            own = self._own(connection, asker)
            found = exchange_store.find_collection(connection, self._environment, collection, party=asker.party)
            at = self._log.now(connection)
            values = {
                "collection_id": found.id,
                "query": msgspec.json.encode(query, order="deterministic"),
                "saved_at": at,
            }
            where = and_(own, SAVED_SEARCHES.c.name == name)
            if not connection.execute(update(SAVED_SEARCHES).where(where).values(**values)).rowcount:
                kept = connection.execute(select(func.count()).select_from(SAVED_SEARCHES).where(own)).scalar_one()
                if kept >= MAX_SAVED:
                    raise LimitError(f"a user keeps at most {MAX_SAVED} searches", todo="remove one")
                connection.execute(
                    SAVED_SEARCHES.insert().values(
                        saved_id=next_id(connection, SAVED_SEARCHES.c.saved_id),
                        environment=self._environment,
                        party_id=self._party_id(connection, asker),
                        user_name=asker.user or "",
                        name=name,
                        **values,
                    )
                )
            return Saved(name=name, collection=found.alias, query=query, saved_at=format_instant(at))

    def all(self, asker: Asker) -> list[Saved]:
        """Return the asker's own searches, by name."""
        with self._store.read() as connection:
            rows = connection.execute(
                select(SAVED_SEARCHES, COLLECTIONS.c.alias)
                .join(COLLECTIONS, COLLECTIONS.c.collection_id == SAVED_SEARCHES.c.collection_id)
                .where(self._own(connection, asker))
                .order_by(SAVED_SEARCHES.c.name)
            )
            return [
                Saved(
                    name=row.name,
                    collection=row.alias,
                    query=msgspec.json.decode(row.query, type=SearchQuery),
                    saved_at=format_instant(row.saved_at),
                )
                for row in rows
            ]

    def get(self, asker: Asker, name: str) -> Saved:
        """Return one of the asker's own searches.

        Raises:
            NotFoundError: it keeps none of this name.
        """
        for saved in self.all(asker):
            if saved.name == name:
                return saved
        raise NotFoundError("there is no search of this name")

    def remove(self, asker: Asker, name: str) -> None:
        """Forget one of the asker's own searches.

        Raises:
            NotFoundError: it keeps none of this name.
        """
        with self._store.write() as connection:
            where = and_(self._own(connection, asker), SAVED_SEARCHES.c.name == name)
            if not connection.execute(delete(SAVED_SEARCHES).where(where)).rowcount:
                raise NotFoundError("there is no search of this name")

    def _own(self, connection: Connection, asker: Asker) -> ColumnElement[bool]:
        return and_(
            SAVED_SEARCHES.c.environment == self._environment,
            SAVED_SEARCHES.c.party_id == self._party_id(connection, asker),
            SAVED_SEARCHES.c.user_name == (asker.user or ""),
        )

    def _party_id(self, connection: Connection, asker: Asker) -> int:
        row = parties.party_by_uri(connection, self._environment, asker.party)
        if row is None:
            raise AuthenticationError("there is no such reader")
        return row.party_id
