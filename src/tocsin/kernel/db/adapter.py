"""The port to one kind of database: what SQL leaves to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from tocsin.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select, Table

__all__ = ["MAX_FAULTS", "WRITER_PATIENCE", "Adapter", "took_too_long"]

# Enough to see what kind of damage it is.
MAX_FAULTS: Final = 10
# Seconds. A submission of the largest size takes some: a writer that waits longer than this has a stuck neighbour.
WRITER_PATIENCE: Final = 60


def took_too_long(seconds: float) -> BusyError:
    """Return the error that says that what was read took longer than it may."""
    return BusyError(
        f"this took longer than {seconds:g} s, and was broken off",
        todo="ask for less: rarer words, fewer values, one type, a shorter time",
    )


class Adapter(Protocol):
    """One kind of database.

    Duties: a transaction begun for writing is the only writer of the whole database until it ends, across processes;
    a commit that returned survives power loss; a transaction begun for reading sees one snapshot.
    """

    engine: Engine
    # where the database is, for people to read: without credentials
    where: str

    def __hash__(self) -> int:
        """Return what tells one adapter from another: statements are built once for each."""
        ...

    def begin_read(self, connection: Connection) -> None:
        """Open a snapshot on a connection that is in no transaction."""
        ...

    def end_read(self, connection: Connection) -> None:
        """Let go of the snapshot as the driver likes it best; never raises, the caller rolls back after it."""
        ...

    def within(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """Return a context for reading in a snapshot that was begun: no statement in it takes longer than this.

        One that does is broken off, the snapshot with it, and the connection is as good as before.

        Raises:
            BusyError: one took longer.
        """
        ...

    def begin_write(self, connection: Connection) -> None:
        """Open the one writing transaction; waits for the writer before it, at most ``WRITER_PATIENCE`` seconds.

        Raises:
            StoreAwayError: it waited for so long.
        """
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Return a context in which errors of the driver that a caller can do something about are ours.

        A database that went away or is too busy is a ``StoreAwayError``: what was not committed is undone, and of a
        commit that failed nobody knows. What is not recognised stays what it is.
        """
        ...

    def prepare(self) -> None:
        """Make sure that a schema can be made here.

        Raises:
            StoreBrokenError: the database would not compare texts as we do.
        """
        ...

    def bulk_insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert many rows, as fast as the driver can."""
        ...

    def integers(self, values: Sequence[int], name: str) -> FromClause:
        """Return a table expression with one column ``value`` that holds these integers, any number of them."""
        ...

    def among(self, key: ColumnElement[int], name: str) -> ColumnElement[bool]:
        """Return the condition that a column is among integers: those bound under ``name``, for a statement built once.

        As ``column IN (SELECT value FROM integers)``, in the form that the database seeks by best.
        """
        ...

    def list_value(self, values: Sequence[int]) -> object:
        """Return what is bound under the name of ``among`` for these integers."""
        ...

    def rows(
        self, connection: Connection, query: Select[Any], values: Mapping[str, object] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a query as the driver's own tuples: for hundreds of rows, whose columns need no change."""
        ...

    def faults(self, connection: Connection) -> list[str]:
        """Return what the database itself finds wrong, ``MAX_FAULTS`` of each kind: torn pages, dangling references."""
        ...

    def erase(self, tables: Sequence[str]) -> bool:
        """Let nothing of what was deleted from these tables be left in the database's own files.

        As far as the database can, and outside of any transaction. Returns whether it was done: somebody who still
        looks at what was there may hold it up for now.
        """
        ...

    def through(self, query: Select[Any], table: Table, index: str) -> Select[Any]:
        """Return ``query`` with the hint to read ``table`` through an index, where the database takes hints."""
        ...
