"""SQLite as the embedded store: the only module in which SQLite-only SQL may stand."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Integer, bindparam, column, create_engine, event, func, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from tocsin.errors import StoreAwayError
from tocsin.kernel.db.adapter import MAX_FAULTS, WRITER_PATIENCE, took_too_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import BindParameter, ColumnElement, Connection, FromClause, Select, Table
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["SqliteAdapter"]

# One connection for each thread of the server, and some for the background.
POOL_SIZE: Final = 48
# 64 MiB of pages for each connection: an index of 10**6 objects stays in memory.
CACHE_KIB: Final = 65_536
# 64 MiB of WAL before it is copied into the database: pages that one submission after another changes (the indices of
# objects, the heads) are copied once for many of them. SQLite's own 4 MiB copies them each time.
CHECKPOINT_PAGES: Final = 16_384
# Steps of SQLite's machine between two questions whether to go on: a fraction of a millisecond.
PROGRESS_STEPS: Final = 10_000
# Milliseconds in which readers of older snapshots may end before what was deleted is erased.
ERASE_PATIENCE: Final = 500


_AWAY: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN})

_VALUE: Final = column("value", Integer)


class _Compiler(SQLiteCompiler):
    """SQLAlchemy's, which drops hints on tables without a word, with the hints put where SQLite reads them."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:  # noqa: ARG002  its signature
        return text


class SqliteAdapter:
    """SQLite in WAL mode with ``synchronous=FULL``: a commit is on the disk when it returns.

    ``BEGIN IMMEDIATE`` makes the one writer; a plain ``BEGIN`` takes its snapshot at the first read.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.engine = create_engine(
            f"sqlite:///{path}",
            poolclass=QueuePool,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            # the connection given back last has the warmest cache
            pool_use_lifo=True,
            # the pool hands a connection to one thread at a time
            connect_args={"check_same_thread": False, "timeout": WRITER_PATIENCE, "isolation_level": None},
        )
        self.engine.dialect.statement_compiler = _Compiler
        event.listen(self.engine, "connect", _prepare)

    def begin_read(self, connection: Connection) -> None:
        """Open a snapshot; SQLite takes it at the first statement, so we make one."""
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT environment FROM environments LIMIT 1")

    def end_read(self, connection: Connection) -> None:
        """Do nothing: a rollback is as good as a commit."""

    @contextlib.contextmanager
    def within(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Have SQLite ask us every so often whether to go on; all that is read in the snapshot shares the time."""
        until = monotonic() + seconds
        driver = _driver(connection)
        driver.set_progress_handler(lambda: monotonic() > until, PROGRESS_STEPS)
        try:
            yield
        except OperationalError as error:
            if "interrupted" not in str(error):
                raise
            raise took_too_long(seconds) from error
        finally:
            driver.set_progress_handler(None, 0)

    def begin_write(self, connection: Connection) -> None:
        """Open the one writing transaction.

        Raises:
            StoreAwayError: another process held the database for longer than ``WRITER_PATIENCE``.
        """
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error):
                raise
            raise StoreAwayError(
                f"another process has kept the database to itself for {WRITER_PATIENCE} s",
                todo="look for a stuck `tocsin` process",
            ) from error

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the file into ours: its disk is full, gone or fails. A wait is ``begin_write``'s own."""
        try:
            yield
        except OperationalError as error:
            # the lowest byte is the error, the rest its variety
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF not in _AWAY:
                raise
            raise StoreAwayError(
                f"the database file cannot be read or written: {error.orig}", where=self.where, todo="look at its disk"
            ) from error

    def prepare(self) -> None:
        """Do nothing: SQLite compares texts byte for byte."""

    def bulk_insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert many rows by the driver's own executemany."""
        if rows:
            connection.exec_driver_sql(_insert_text(table.name, tuple(columns)), list(rows))

    def integers(self, values: Sequence[int], name: str) -> FromClause:
        """Return the integers as a table, through one bound JSON array."""
        listed: BindParameter[str] = bindparam(None, msgspec.json.encode(list(values)).decode(), unique=True)
        return func.json_each(listed).table_valued(_VALUE, name=name)

    def among(self, key: ColumnElement[int], name: str) -> ColumnElement[bool]:
        """Return that a column is in the JSON array that is bound under ``name``."""
        listed = func.json_each(bindparam(name)).table_valued(_VALUE, name=f"{name}_listed")
        return key.in_(select(listed.c.value))

    def list_value(self, values: Sequence[int]) -> object:
        """Return the integers as a JSON array."""
        return msgspec.json.encode(values).decode()

    def rows(
        self, connection: Connection, query: Select[Any], values: Mapping[str, object] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """Return all rows from the driver's cursor: half of what SQLAlchemy's rows cost."""
        return connection.execute(query, values).cursor.fetchall()

    def faults(self, connection: Connection) -> list[str]:
        """Ask SQLite to check its pages, indices and foreign keys."""
        pages = connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_FAULTS})").scalars().all()
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MAX_FAULTS)
        found = [str(line) for line in pages if line != "ok"]
        return found + [f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there" for row in dangling]

    def erase(self, tables: Sequence[str]) -> bool:  # noqa: ARG002  the file is one
        """Copy the write-ahead log into the database, whose freed bytes are zero (``secure_delete``), and empty it."""
        with self.engine.connect() as connection:
            # it keeps writers out while it waits for readers of older snapshots: not for long, the next turn tries too
            connection.exec_driver_sql(f"PRAGMA busy_timeout={ERASE_PATIENCE}")
            try:
                busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={WRITER_PATIENCE * 1_000}")
                connection.rollback()
        return not busy

    def through(self, query: Select[Any], table: Table, index: str) -> Select[Any]:
        """Return the query with ``INDEXED BY``: without statistics SQLite may prefer the key and read far too much."""
        return query.with_hint(table, f"INDEXED BY {index}", "sqlite")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  SQLAlchemy made it
    return driver


@functools.lru_cache(maxsize=64)
def _insert_text(table: str, columns: tuple[str, ...]) -> str:
    # names are our own tables' and columns'; sqlite3 takes positional `?`
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})'


def _prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # what is purged is overwritten, and not only forgotten (docs/retention.md)
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()
