"""The port to one kind of database: what SQL leaves to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine, FromClause, Select, Table

__all__ = ["MAX_FAULTS", "Adapter"]

# Enough to see what kind of damage it is.
MAX_FAULTS: Final = 10


class Adapter(Protocol):
    """One kind of database.

    Duties: a transaction begun for writing is the only writer of the whole database until it ends, across processes;
    a commit that returned survives power loss; a transaction begun for reading sees one snapshot.
    """

    engine: Engine

    def begin_read(self, connection: Connection) -> None:
        """Open a snapshot on a connection that is in no transaction."""
        ...

    def begin_write(self, connection: Connection) -> None:
        """Open the one writing transaction; waits for the writer before it, at most ``WRITER_PATIENCE`` seconds."""
        ...

    def bulk_insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert many rows, as fast as the driver can."""
        ...

    def integers(self, values: Sequence[int], name: str) -> FromClause:
        """Return a table expression with one column ``value`` that holds these integers, any number of them."""
        ...

    def rows(self, connection: Connection, query: Select[Any]) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a query as the driver's own tuples: for hundreds of rows, whose columns need no change."""
        ...

    def faults(self, connection: Connection) -> list[str]:
        """Return what the database itself finds wrong, ``MAX_FAULTS`` of each kind: torn pages, dangling references."""
        ...

    def through(self, query: Select[Any], table: Table, index: str) -> Select[Any]:
        """Return ``query`` with the hint to read ``table`` through an index, where the database takes hints."""
        ...
