"""Stands between SQLAlchemy and a driver: tells of every step that a store takes, before it and after it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from tocsin.kernel.db.postgres import COPY_FROM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Table

    from tocsin.kernel.db import Store

__all__ = ["BEGIN", "COMMIT", "READ", "Observer", "observe"]

BEGIN = "BEGIN"  # a writing transaction
READ = "READ"  # a snapshot
COMMIT = "COMMIT"


class Observer(Protocol):
    """Hears of each step twice; may raise what a driver would, or end the process."""

    def before(self, statement: str, driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        """Hear of a step that was not taken yet."""
        ...

    def after(self, statement: str, driver: Any) -> None:  # noqa: ANN401  as above
        """Hear of a step whose taking its caller was not told of yet."""
        ...


def observe(store: Store, observer: Observer, *, put: Callable[[object, str, Any], None] = setattr) -> None:
    """Have an observer told of each statement, COPY, BEGIN and COMMIT of a store.

    ``put`` sets an attribute: what pytest's monkeypatch does where it is to be put back.
    """
    _Between(store, observer, put).install()


class _Between:
    """What is put in the place of methods of an adapter and its dialect."""

    def __init__(self, store: Store, observer: Observer, put: Callable[[object, str, Any], None]) -> None:
        self._adapter: Any = store.adapter
        self._observer = observer
        self._put = put

    def install(self) -> None:
        """Take their places."""
        adapter, dialect = self._adapter, self._adapter.engine.dialect
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            self._put(dialect, name, self._statement(getattr(dialect, name)))
        self._put(dialect, "do_commit", self._commit(dialect.do_commit))
        self._put(adapter, "begin_write", self._begin(adapter.begin_write, BEGIN))
        self._put(adapter, "begin_read", self._begin(adapter.begin_read, READ))
        self._put(adapter, "bulk_insert", self._bulk(adapter.bulk_insert))

    @contextlib.contextmanager
    def _step(self, statement: str, driver: Any) -> Iterator[None]:  # noqa: ANN401  the driver's own connection
        self._observer.before(statement, driver)
        yield
        self._observer.after(statement, driver)

    def _statement(self, real: Callable[..., None]) -> Callable[..., None]:
        def execute(cursor: Any, statement: str, *rest: Any) -> None:  # noqa: ANN401  the driver's own
            if statement.startswith("BEGIN"):  # within the adapter's, which is told of
                real(cursor, statement, *rest)
                return
            with self._step(statement, cursor.connection):
                real(cursor, statement, *rest)

        return execute

    def _commit(self, real: Callable[[Any], None]) -> Callable[[Any], None]:
        def commit(connection: Any) -> None:  # noqa: ANN401  the driver's own, as the pool hands it on
            with self._step(COMMIT, getattr(connection, "driver_connection", connection)):
                real(connection)

        return commit

    def _begin(self, real: Callable[[Connection], None], what: str) -> Callable[[Connection], None]:
        def begin(connection: Connection) -> None:
            with self._step(what, connection.connection.driver_connection):
                real(connection)

        return begin

    def _bulk(self, real: Callable[..., None]) -> Callable[..., None]:
        def insert(
            connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
        ) -> None:
            driver = connection.connection.driver_connection
            if not isinstance(driver, psycopg.Connection) or len(rows) < COPY_FROM:
                real(connection, table, columns, rows)  # statements, each of which is told of
                return
            with self._step(f"INSERT by COPY INTO {table.name}", driver):
                real(connection, table, columns, rows)

        return insert
