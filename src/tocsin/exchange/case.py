"""One run of the self-test: a snapshot of the store, and what its checks look up in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from tocsin.exchange import store
from tocsin.log.model import decode_payload
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

    from tocsin.agreements.service import Agreements
    from tocsin.kernel.db import Store
    from tocsin.log.model import EntryPayload
    from tocsin.log.service import Log

__all__ = ["Case", "Entries"]


class Case:
    """One run: the snapshot and what is looked up in it."""

    def __init__(
        self, store_: Store, log: Log, agreements: Agreements, environment: int, connection: Connection
    ) -> None:
        self.store = store_
        self.log = log
        self.agreements = agreements
        self.environment = environment
        self.connection = connection

    def entries(self, *kinds: str) -> Iterator[tuple[int, EntryPayload]]:
        """Walk over the entries of some kinds, or of all, that were not purged; some MB of them are held at a time."""
        for row in self.log.rows(self.connection, kinds=kinds):
            if row.payload is not None:
                yield row.index, decode_payload(row.payload, where=f"entry {row.index}")

    def count(self, table: Table) -> int:
        """Return how many rows of this environment a table has."""
        query = select(func.count()).select_from(table).where(table.c.environment == self.environment)
        return int(self.connection.execute(query).scalar_one())

    def collections(self) -> dict[str, int]:
        """Return the number of each collection by its UUID."""
        return {one.uuid: one.id for one in store.read_collections(self.connection, self.environment)}

    def numbers(self) -> dict[str, int]:
        """Return the number of each party by its URI."""
        return {row.party.uri: row.party_id for row in parties.party_rows(self.connection, self.environment)}


class Entries:
    """All entries of a case, as often as they are asked for: a replay walks over them twice."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        return self._case.entries()
