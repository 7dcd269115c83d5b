"""What a store costs alone: the statements that change it, recorded and run again by the driver, with nothing else.

Nothing is read, decided, signed or put together a second time: it is the least that these very rows cost.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
from sqlalchemy import event

from tocsin.kernel.db.postgres import COPY_FROM, PostgresAdapter
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.settings import Postgres

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Table

    from tocsin.kernel.db import Store
    from tocsin.settings import Settings

_CHANGES: Final = ("INSERT", "UPDATE", "DELETE")


class Write(NamedTuple):
    """One statement as the driver got it; ``columns`` where it is a COPY of ``values`` into the table ``statement``."""

    statement: str
    values: Any
    many: bool
    columns: tuple[str, ...] | None = None


class Recorded:
    """What a store was told to change: a list of statements for each of its transactions, until they are taken."""

    def __init__(self) -> None:
        self._done: list[list[Write]] = []
        self._now: list[Write] = []

    def add(self, write: Write) -> None:
        self._now.append(write)

    def committed(self) -> None:
        if self._now:
            self._done.append(self._now)
        self._now = []

    def take(self) -> list[list[Write]]:
        """Return what was recorded since, and forget it."""
        done, self._done = self._done, []
        return done


@contextlib.contextmanager
def recorded(store: Store) -> Iterator[Recorded]:
    """Record what the store is told to change while the ``with`` lasts."""
    record = Recorded()
    engine = store.adapter.engine

    def executed(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:  # noqa: ANN401, FBT001  SQLAlchemy's event
        if statement.lstrip().startswith(_CHANGES):
            record.add(Write(statement, values, many))

    def committed(_connection: Any) -> None:  # noqa: ANN401  as above
        record.committed()

    event.listen(engine, "after_cursor_execute", executed)
    event.listen(engine, "commit", committed)
    with contextlib.ExitStack() as stack:
        stack.callback(event.remove, engine, "after_cursor_execute", executed)
        stack.callback(event.remove, engine, "commit", committed)
        if isinstance(store.adapter, PostgresAdapter):
            stack.enter_context(_copies(store.adapter, record))
        yield record


@contextlib.contextmanager
def _copies(adapter: PostgresAdapter, record: Recorded) -> Iterator[None]:
    """Record COPY too, which goes past SQLAlchemy."""
    insert = adapter.bulk_insert

    def inserted(
        connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        if len(rows) >= COPY_FROM:
            record.add(Write(table.name, rows, many=True, columns=tuple(columns)))
        insert(connection, table, columns, rows)

    adapter.bulk_insert = inserted  # type: ignore[method-assign]  # one of this process's, until the end
    try:
        yield
    finally:
        adapter.bulk_insert = insert  # type: ignore[method-assign]


@contextlib.contextmanager
def bare(settings: Settings) -> Iterator[Callable[[list[list[Write]]], None]]:
    """Give what runs transactions again in a database, by the driver alone; each is durable before the next begins."""
    if isinstance(settings.database, Postgres):
        with psycopg.connect(settings.database.url) as connection:
            yield lambda transactions: _copied(connection, transactions)
    else:
        adapter = SqliteAdapter(settings.database)
        lent = adapter.engine.raw_connection()
        try:
            driver: Any = lent.driver_connection
            yield lambda transactions: _inserted(driver, transactions)
        finally:
            lent.close()
            adapter.engine.dispose()


def _inserted(connection: sqlite3.Connection, transactions: list[list[Write]]) -> None:
    for writes in transactions:
        connection.execute("BEGIN IMMEDIATE")
        for write in writes:
            (connection.executemany if write.many else connection.execute)(write.statement, write.values)
        connection.execute("COMMIT")


def _copied(connection: psycopg.Connection[Any], transactions: list[list[Write]]) -> None:
    for writes in transactions:
        with connection.cursor() as cursor:
            for write in writes:
                if write.columns is None:
                    text = write.statement.encode()
                    (cursor.executemany if write.many else cursor.execute)(text, write.values)
                    continue
                names = ", ".join(f'"{name}"' for name in write.columns)
                types = _types(connection, write.statement, write.columns)
                with cursor.copy(f'COPY "{write.statement}" ({names}) FROM STDIN (FORMAT BINARY)'.encode()) as copy:
                    copy.set_types(types)
                    for row in write.values:
                        copy.write_row(row)
        connection.commit()


_known: dict[tuple[str, tuple[str, ...]], list[str]] = {}


def _types(connection: psycopg.Connection[Any], table: str, columns: tuple[str, ...]) -> list[str]:
    """Return PostgreSQL's names of the types of some columns, asked for once."""
    if (table, columns) not in _known:
        rows = connection.execute(
            "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass", (table,)
        )
        types = dict(rows.fetchall())
        _known[table, columns] = [types[name] for name in columns]
    return _known[table, columns]
