"""One writer, many snapshot readers."""

from __future__ import annotations

import contextlib
import functools
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, inspect, select
from sqlalchemy.exc import DatabaseError

from tocsin.errors import BusyError, StoreBrokenError
from tocsin.kernel.db import migrate
from tocsin.kernel.db.metadata import ENVIRONMENTS
from tocsin.kernel.db.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Select

    from tocsin.kernel.db.adapter import Adapter

__all__ = ["LIVE", "LIVE_NAME", "Store"]

# What one statement takes of bound values; PostgreSQL's and SQLite's own limits are far above.
CHUNK: Final = 500

LIVE: Final = 1
LIVE_NAME: Final = "live"


class Store:
    """The database of a hub.

    ``write`` commits on leaving and rolls back on any exception; everything that belongs together happens inside one
    ``with``. Writers of this process queue for a lock before they ask the database, so that they are served in turn.
    """

    def __init__(self, adapter: Adapter, replica: Adapter | None = None) -> None:
        self.adapter = adapter
        # told how many seconds each writer waited for its turn; any thread may call it
        self.waited: Callable[[float], None] = lambda _seconds: None
        self.replica = replica
        self._turn = threading.Lock()
        self._outage = Outage()

    @contextlib.contextmanager
    def read(self, *, seconds: float | None = None) -> Iterator[Connection]:
        """Open one snapshot; nothing written in it is kept. No statement in it takes longer than ``seconds``, if given.

        Raises:
            BusyError: one took longer.
        """
        with (
            self._outage.noticed(),
            _snapshot(self.adapter) as connection,
            contextlib.nullcontext() if seconds is None else self.adapter.within(connection, seconds),
        ):
            self._outage.answered()
            yield connection

    @contextlib.contextmanager
    def read_replica(self) -> Iterator[Connection]:
        """Open one snapshot of the replica, which may be behind: whoever asks it compares what must not be.

        Raises:
            BusyError: there is none, or it does not answer, or it had to break off what was read.
        """
        if self.replica is None:
            raise BusyError("there is no replica", todo="read from the database itself")
        with _snapshot(self.replica) as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction; durable when the ``with`` is left without an exception."""
        start = perf_counter()
        with (
            self._turn,
            self._outage.noticed(),
            self.adapter.translated(),
            self.adapter.engine.connect() as connection,
        ):
            self.adapter.begin_write(connection)
            self._outage.answered()
            self.waited(perf_counter() - start)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            try:
                connection.commit()
            except BaseException:
                # a commit that failed may leave its transaction open, and a connection in one must not be used again
                connection.invalidate()
                raise

    def create(self) -> None:
        """Bring an empty database to the present schema.

        Raises:
            StoreBrokenError: the database would not compare texts as we do.
        """
        self.adapter.prepare()
        with self.write() as connection:
            migrate.upgrade(connection)

    def require_current(self) -> None:
        """Refuse to work on a database of another schema than ours.

        Raises:
            StoreBrokenError: it is empty, older, newer, or no database at all.
        """
        revision = self._revision()
        if revision != migrate.HEAD:
            older = revision in migrate.EARLIER
            raise StoreBrokenError(
                f"the database has schema {revision}, this program needs {migrate.HEAD}",
                todo="keep a copy and run `tocsin upgrade`" if older else "run the matching version of Tocsin",
            )

    def upgrade(self) -> tuple[str, str]:
        """Bring a database of an earlier version to the present schema, wholly or not at all; returns both versions.

        Raises:
            StoreBrokenError: it is empty, newer than this program, or no database at all.
        """
        before = self._revision()
        if before not in (*migrate.EARLIER, migrate.HEAD):
            self.require_current()
        if before != migrate.HEAD:
            with self.write() as connection:
                migrate.upgrade(connection)
        return before, migrate.HEAD

    def _revision(self) -> str:
        try:
            with self.adapter.translated():
                present = "alembic_version" in inspect(self.adapter.engine).get_table_names()
                revision = migrate.current(self.adapter.engine) if present else None
        except DatabaseError as error:
            raise StoreBrokenError(
                f"this is no readable database: {error.orig}", todo="restore it from a copy"
            ) from error
        if revision is None:
            raise StoreBrokenError("there is no hub here yet", todo="run `tocsin init`, or set TOCSIN_HOME")
        return revision

    def erase(self, tables: Sequence[str]) -> bool:
        """Have the database overwrite what was deleted from tables; returns whether it could (see the adapter)."""
        with self.adapter.translated():
            return self.adapter.erase(tables)

    def close(self) -> None:
        """Give every connection back."""
        self.adapter.engine.dispose()
        if self.replica is not None:
            self.replica.engine.dispose()


@contextlib.contextmanager
def _snapshot(adapter: Adapter) -> Iterator[Connection]:
    with adapter.translated(), adapter.engine.connect() as connection:
        # SQLAlchemy's own transaction brackets ours: it sends no BEGIN, and its rollback ends the snapshot
        adapter.begin_read(connection)
        try:
            yield connection
        finally:
            adapter.end_read(connection)
            connection.rollback()


def next_id(connection: Connection, key: Column[int]) -> int:
    """Return the next free value of a primary key; only the one writer may ask."""
    return int(connection.execute(_highest(key)).scalar_one()) + 1


@functools.cache
def _highest(key: Column[int]) -> Select[int]:
    return select(func.coalesce(func.max(key), 0))


def chunks(values: Sequence[object]) -> Iterator[list[object]]:
    """Cut a sequence into pieces that one statement takes."""
    for start in range(0, len(values), CHUNK):
        yield list(values[start : start + CHUNK])


def ensure_environment(connection: Connection, environment: int, name: str, at: int) -> None:
    """Enter an environment that is not there yet."""
    known = connection.execute(select(ENVIRONMENTS.c.name).where(ENVIRONMENTS.c.environment == environment)).first()
    if known is None:
        connection.execute(ENVIRONMENTS.insert().values(environment=environment, name=name, created_at=at))
