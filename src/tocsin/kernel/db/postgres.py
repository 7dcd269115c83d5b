"""PostgreSQL as the store of several processes: the only module in which PostgreSQL-only SQL may stand.

The driver is psycopg 3 (the extra ``postgres``). Connections are in autocommit mode for the driver, and transactions
are begun by hand: a reader's ``BEGIN`` takes its snapshot in the same exchange, a writer's takes the lock.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    any_,
    bindparam,
    column,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from tocsin.errors import StoreAwayError, StoreBrokenError, TocsinError, UsageError
from tocsin.kernel.db.adapter import MAX_FAULTS, WRITER_PATIENCE, took_too_long
from tocsin.kernel.db.metadata import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg.rows import RowFactory
    from sqlalchemy import ColumnElement, Connection, ForeignKeyConstraint, FromClause, Select, Table
    from sqlalchemy.types import TypeEngine

    from tocsin.settings import Postgres

__all__ = ["PostgresAdapter"]

# Advisory locks are of one database: whoever holds this one is its writer.
WRITER_LOCK: Final = 0x746F_6373_696E  # "tocsin"
# Connections that one process keeps, and may open beyond them for a while. PostgreSQL takes 100 unless told otherwise.
POOL_SIZE: Final = 16
POOL_OVERFLOW: Final = 16
# Seconds for a free one; then there are too many requests.
POOL_PATIENCE: Final = 20
# A process that was stopped in the middle of a transaction holds up all others for no longer than this.
IDLE_SECONDS: Final = 300
CONNECT_SECONDS: Final = 10
# A replica is near, and there is the database to turn to: nobody waits for it longer than this.
REPLICA_SECONDS: Final = 2
# Statements seen as often are prepared: planned once, when the plan does not hang on the values.
PREPARE_AFTER: Final = 3
# COPY takes an exchange more than INSERT does.
COPY_FROM: Final = 8

_BEGIN_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"
# READ COMMITTED: each statement after the lock sees what the writer before committed; any higher level would see the
# database as it was when we began to wait
_BEGIN_WRITE: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
_SESSION: Final = f"""
SET lock_timeout = '{WRITER_PATIENCE}s';
SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';
SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
# Text is compared by code points, as SQLite and Python do it: an index made under a language's rules is wrong after an
# upgrade of the system's C library, and would order lists otherwise.
_BY_CODE_POINTS: Final = ("C", "POSIX", "C.UTF-8", "C.utf8")

_LOST: Final = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")  # SQLSTATEs, or their class
_CANCELLED: Final = "57014"
_BUSY: Final = {
    "55P03": f"another process has kept the database to itself for {WRITER_PATIENCE} s",
    "40P01": "two transactions waited for each other",
    "40001": "the database's replica could not keep what this was reading",
    _CANCELLED: "the database gave up: it took too long",
    "53300": "the database has no connection left",
    "25006": "the database takes no changes now",
}


class _BinaryCursor(psycopg.Cursor[Any]):
    """Asks for results in binary: a page of bytes comes as bytes, and not as twice as many hexadecimal digits."""

    def __init__(self, connection: psycopg.Connection[Any], *, row_factory: RowFactory[Any] | None = None) -> None:
        super().__init__(connection, row_factory=row_factory or connection.row_factory)
        self.format = Format.BINARY


class PostgresAdapter:
    """PostgreSQL 15 or newer.

    The writer holds a lock of the database that ends with its transaction. A commit that returned is on the disk of
    the server, and of its synchronous standbys if it has any: ``synchronous_commit`` is never ``off`` with us.
    """

    def __init__(self, address: Postgres, *, replica: bool = False) -> None:
        self.where = address.where
        self._url = address.url
        try:
            given = conninfo_to_dict(address.url)
        except psycopg.Error:
            # the driver's own words may repeat a password
            raise UsageError(
                "this is no address of a PostgreSQL database", todo="write postgresql://USER@HOST:PORT/DATABASE"
            ) from None
        self._options: dict[str, Any] = {
            "connect_timeout": REPLICA_SECONDS if replica else CONNECT_SECONDS,
            "fallback_application_name": "tocsin",
            "keepalives_idle": 30,
            "tcp_user_timeout": REPLICA_SECONDS * 1_000 if replica else 30_000,
        }
        for name in given.keys() & self._options.keys():
            del self._options[name]
        self.engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=REPLICA_SECONDS if replica else POOL_PATIENCE,
            pool_use_lifo=True,
        )

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=PREPARE_AFTER,
            cursor_factory=_BinaryCursor,
            **self._options,
        )
        _say(connection, _SESSION)
        return connection

    # --- transactions ------------------------------------------------------------------------------------------------

    def begin_read(self, connection: Connection) -> None:
        """Open a snapshot; a connection that went stale in the pool is replaced."""
        self._begin(connection, _BEGIN_READ)

    def end_read(self, connection: Connection) -> None:
        """Commit, since there is nothing to undo: after a rollback the driver forgets what it prepared."""
        if not connection.invalidated:
            with contextlib.suppress(psycopg.Error):
                _driver(connection).commit()

    @contextlib.contextmanager
    def within(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Have PostgreSQL cancel a statement that takes longer; the setting ends with the transaction."""
        limit = max(1, round(seconds * 1_000))  # 0 would be none
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        try:
            yield
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED:
                raise
            raise took_too_long(seconds) from error

    def begin_write(self, connection: Connection) -> None:
        """Open the one writing transaction."""
        self._begin(connection, _BEGIN_WRITE)

    def _begin(self, connection: Connection, words: str) -> None:
        for _ in range(POOL_SIZE + POOL_OVERFLOW):
            connection.begin()
            try:
                _say(_driver(connection), words)
            except psycopg.Error as error:
                lost = _is_lost(error, _driver(connection))
                if lost:
                    connection.invalidate()
                connection.rollback()
                if not lost:
                    raise self._wrapped(words, error) from error
                # nothing has happened yet: the server was started anew since this connection was used last. The next
                # that the pool gives us may be as old, until it makes a new one
            else:
                return
        raise StoreAwayError("the database hangs up again and again", todo="ask again in a few seconds")

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the connection into ours; the driver's text stays with the cause, for it names the server."""
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreAwayError("too many ask the database at once", todo="ask again in a few seconds") from error
        except DBAPIError as error:
            found = _ours(error)
            if found is None:
                raise
            raise found from error

    def _wrapped(self, statement: str, error: psycopg.Error) -> Exception:
        """Return an error of the driver as SQLAlchemy would raise it."""
        made = DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=self.engine.dialect
        )
        assert isinstance(made, Exception)  # noqa: S101  it is given one of the driver's own
        return made

    def prepare(self) -> None:
        """Make sure that texts are UTF-8 and compared by code points."""
        with self.translated(), self.engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datlocprovider::text AS provider"
                    " FROM pg_database WHERE datname = current_database()"
                )
            ).one()
            connection.rollback()
        if row.encoding != "UTF8" or (row.provider != "b" and row.datcollate not in _BY_CODE_POINTS):
            raise StoreBrokenError(
                f"the database compares texts by the rules of {row.datcollate} in {row.encoding}",
                where=self.where,
                todo="make it with CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'",
            )

    # --- rows --------------------------------------------------------------------------------------------------------

    def bulk_insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert many rows by binary COPY."""
        if len(rows) < COPY_FROM:
            statement = _insert_text(table.name, tuple(columns))
            for row in rows:
                connection.exec_driver_sql(statement, row)
            return
        statement = _copy_text(table.name, tuple(columns))
        types = [_type_name(table.columns[name].type) for name in columns]
        driver = _driver(connection)
        try:
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            wrapped = self._wrapped(statement, error)
            if _is_lost(error, driver):
                connection.invalidate(error)
            raise wrapped from error

    def integers(self, values: Sequence[int], name: str) -> FromClause:
        """Return the integers as a table, through one bound array."""
        listed = bindparam(None, list(values), type_=ARRAY(BigInteger), unique=True)
        return func.unnest(listed).table_valued(column("value", BigInteger), name=name).render_derived()

    def among(self, key: ColumnElement[int], name: str) -> ColumnElement[bool]:
        """Return that a column is any of the array bound under ``name``: one descent serves neighbours (since 17)."""
        return key == any_(bindparam(name, type_=ARRAY(BigInteger)))

    def list_value(self, values: Sequence[int]) -> object:
        """Return the integers as a list."""
        return list(values)

    def rows(
        self, connection: Connection, query: Select[Any], values: Mapping[str, object] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """Return all rows from the driver's cursor, which reads them from binary."""
        return connection.execute(query, values).cursor.fetchall()

    def through(self, query: Select[Any], table: Table, index: str) -> Select[Any]:  # noqa: ARG002  the port's
        """Return the query as it is: PostgreSQL takes no hints, and its statistics choose the index."""
        return query

    def erase(self, tables: Sequence[str]) -> bool:
        """Have the dead rows removed; their bytes are overwritten when the room is used again (docs/retention.md)."""
        with self.engine.connect() as connection:
            for name in tables:
                # its connections are in no transaction of their own, as VACUUM wants it
                connection.execute(text(f'VACUUM "{name}"'))
            connection.rollback()
        return True

    def faults(self, connection: Connection) -> list[str]:
        """Ask for pages with wrong checksums, indices that are not valid, and rows that refer to none."""
        found = [
            f"{count} pages of the database have a wrong checksum"
            for count in connection.execute(
                text(
                    "SELECT checksum_failures FROM pg_stat_database"
                    " WHERE datname = current_database() AND checksum_failures > 0"
                )
            ).scalars()
        ]
        found += [
            f"index {name} is not valid"
            for name in connection.execute(
                text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid LIMIT :most"),
                {"most": MAX_FAULTS},
            ).scalars()
        ]
        dangling: list[str] = []
        for table in METADATA.sorted_tables:
            for constraint in table.foreign_key_constraints:
                room = MAX_FAULTS - len(dangling)
                dangling += _dangling(connection, table, constraint, room) if room else ()
        return found + dangling


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  `_connect` made it
    return driver


def _say(driver: psycopg.Connection[Any], words: str) -> None:
    """Send several statements in one exchange: only results in text can be had so."""
    with driver.cursor() as cursor:
        cursor.format = Format.TEXT
        cursor.execute(words.encode())


def _is_lost(error: BaseException | None, driver: psycopg.Connection[Any] | None = None) -> bool:
    if driver is not None and (driver.closed or driver.broken):
        return True
    state = getattr(error, "sqlstate", None)
    return state is not None and state.startswith(_LOST)


def _ours(error: DBAPIError) -> TocsinError | None:
    """Return what a caller is told of an error of the driver, or None for one that is nobody's weather."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _BUSY:
        return StoreAwayError(_BUSY[state], todo="ask again in a few seconds")
    if error.connection_invalidated or _is_lost(error.orig):
        return StoreAwayError(
            "the connection to the database was lost: what was under way is undone, unless it was all but done",
            todo="ask again in a few seconds",
        )
    if state is None and isinstance(error.orig, psycopg.OperationalError):
        return StoreAwayError(
            "the database does not answer", todo="look whether it runs and lets us in: its log says why not"
        )
    return None


def _dangling(connection: Connection, table: Table, constraint: ForeignKeyConstraint, most: int) -> Iterator[str]:
    """Yield a line for rows that refer to none; PostgreSQL prevents it unless somebody told it not to."""
    parent = constraint.referred_table.alias("parent")
    pairs = [(key.parent, parent.columns[key.column.name]) for key in constraint.elements]
    there = select(1).where(*(theirs == ours for ours, theirs in pairs)).select_from(parent).exists()
    query = select(*table.primary_key.columns).where(*(ours.is_not(None) for ours, _ in pairs), ~there).limit(most)
    for row in connection.execute(query):
        yield f"row {tuple(row)} of {table.name} refers to a row of {constraint.referred_table.name} that is not there"


_TYPES: Final[tuple[tuple[type[TypeEngine[Any]], str], ...]] = (
    (Boolean, "bool"),
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (LargeBinary, "bytea"),
    (String, "text"),
)


def _type_name(kind: TypeEngine[Any]) -> str:
    """Return PostgreSQL's name of a column's type: binary COPY converts nothing."""
    return next(name for known, name in _TYPES if isinstance(kind, known))


def _names(table: str, columns: tuple[str, ...]) -> str:
    # our own tables' and columns'
    quoted = ", ".join(f'"{name}"' for name in columns)
    return f'"{table}" ({quoted})'


@functools.lru_cache(maxsize=64)
def _insert_text(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {_names(table, columns)} VALUES ({', '.join(['%s'] * len(columns))})"


@functools.lru_cache(maxsize=64)
def _copy_text(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {_names(table, columns)} FROM STDIN (FORMAT BINARY)"
