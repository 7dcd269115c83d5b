"""Stands between SQLAlchemy and a driver: tells of every step that a store takes, and has one of them fail."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final, Protocol

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store

__all__ = ["BEGIN", "COMMIT", "HUNG_UP", "READ", "REFUSED", "Observer", "Saboteur", "observe"]

BEGIN = "BEGIN"  # a writing transaction
READ = "READ"  # a snapshot
COMMIT = "COMMIT"
WRITES: Final = ("INSERT", "UPDATE", "DELETE", "COPY", COMMIT)

# How a step fails: the database says that it cannot, or is not there any more.
REFUSED: Final = "refused"
HUNG_UP: Final = "hung up"


class Observer(Protocol):
    """Hears of each step twice; may raise what a driver would, or end the process."""

    def before(self, statement: str, driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        """Hear of a step that was not taken yet."""
        ...

    def after(self, statement: str, driver: Any) -> None:  # noqa: ANN401  as above
        """Hear of a step whose taking its caller was not told of yet."""
        ...


class Saboteur:
    """Counts writes and commits, and fails one of them, before it persisted or after."""

    def __init__(self, *, fail_at: int = 0, after: bool = False, how: str = REFUSED) -> None:
        self.writes: list[str] = []  # each by its first words
        self.failed: str | None = None
        self._fail_at = fail_at  # counted from 1
        self._after = after
        self._how = how

    def before(self, statement: str, driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        """Count a write, and fail it if it is the one."""
        if statement.startswith(WRITES):
            self.writes.append(" ".join(statement.split()[:3]))
            if not self._after:
                self._fail(driver)

    def after(self, statement: str, driver: Any) -> None:  # noqa: ANN401  as above
        """Fail a write that persisted, if it is the one."""
        if self._after and statement.startswith(WRITES):
            self._fail(driver)

    @property
    def commits(self) -> list[int]:
        """Which of the writes are commits, counted from 1."""
        return [place for place, what in enumerate(self.writes, 1) if what == COMMIT]

    def _fail(self, driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        if len(self.writes) != self._fail_at or self.failed is not None:
            return
        self.failed = self.writes[-1]
        if isinstance(driver, sqlite3.Connection):
            raise sqlite3.OperationalError("disk I/O error")
        if self._how == REFUSED:
            raise psycopg.errors.DiskFull("could not extend a file: disk I/O error")
        driver.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


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
        # rows that are copied in go past the dialect
        self._put(psycopg.Cursor, "copy", self._copy(psycopg.Cursor.copy))

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

    def _copy(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @contextlib.contextmanager
        def copy(cursor: Any, statement: str, *rest: Any) -> Iterator[Any]:  # noqa: ANN401  the driver's own
            with self._step(statement, cursor.connection), real(cursor, statement, *rest) as rows:
                yield rows

        return copy
