"""One writer, snapshot readers, and a schema that is the one that the program knows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select, text

from tocsin.bootstrap import Hub
from tocsin.errors import StoreBrokenError
from tocsin.kernel.db import METADATA, Store, migrate
from tocsin.kernel.db.metadata import ENVIRONMENTS
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.kernel.db.store import ensure_environment, next_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

# every room's tables are in the metadata once all rooms are loaded
HUB = Hub


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(SqliteAdapter(tmp_path / "hub.db"))
    store.create()
    yield store
    store.close()


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(ENVIRONMENTS.c.name).order_by(ENVIRONMENTS.c.environment)).scalars())


def test_migrations_make_the_schema_that_the_program_knows(store: Store) -> None:
    with store.adapter.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_migrations_make_it_down_to_the_letter(store: Store, tmp_path: Path) -> None:
    """What the comparison does not look at is the same too: checks, and the order of columns in keys."""
    other = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    METADATA.create_all(other)
    listed = text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")

    def schema(connection: Connection) -> dict[tuple[str, str], list[str]]:
        # constraints may stand in any order
        rows = connection.execute(listed).all()
        return {(row.type, row.name): sorted(line.strip(" \t,") for line in row.sql.splitlines()) for row in rows}

    with store.read() as ours, other.connect() as direct:
        assert schema(ours) == schema(direct)
    other.dispose()


def test_every_table_with_a_state_has_its_environment() -> None:
    without = {name for name, table in METADATA.tables.items() if "environment" not in table.columns}
    # of one agreement, party or user, which has an environment itself
    assert without <= {"agreement_signatures"}


# what a commit, a reference and a reader beside a writer rest on; SQLite forgets the last two with each connection
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL


def test_every_connection_of_the_pool_is_durable_and_keeps_references(store: Store) -> None:
    def found(connection: Connection) -> dict[str, object]:
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in PRAGMAS}

    for _ in range(2):  # connections made for this, and then the same ones, given back before
        with store.write() as writer, store.read() as one, store.read() as two:
            assert [found(connection) for connection in (writer, one, two)] == [PRAGMAS] * 3


def test_a_reader_sees_one_snapshot(store: Store) -> None:
    with store.read() as reader:
        assert _names(reader) == []
        with store.write() as writer:
            ensure_environment(writer, 1, "live", 0)
        assert _names(reader) == []
    with store.read() as later:
        assert _names(later) == ["live"]


def test_a_snapshot_is_taken_when_it_is_opened_not_at_its_first_question(store: Store) -> None:
    with store.read() as reader:
        with store.write() as writer:
            ensure_environment(writer, 1, "live", 0)
        assert _names(reader) == []


def test_nothing_that_a_reader_writes_is_kept(store: Store) -> None:
    with store.read() as reader:
        ensure_environment(reader, 1, "live", 0)
        assert _names(reader) == ["live"]
    with store.read() as later:
        assert _names(later) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_write_that_fails_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    def write() -> None:
        with store.write() as writer:
            ensure_environment(writer, 1, "live", 0)
            raise error

    with pytest.raises(error):
        write()
    with store.read() as later:
        assert _names(later) == []
    with store.write() as again:  # the writer's turn was given back
        ensure_environment(again, 1, "live", 0)


def test_writers_take_turns(store: Store) -> None:
    count, each = 4, 15
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(each):
                with store.write() as writer:
                    number = next_id(writer, ENVIRONMENTS.c.environment)
                    ensure_environment(writer, number, f"exercise {number}", 0)
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.read() as reader:
        assert _names(reader) == [f"exercise {number}" for number in range(1, count * each + 1)]


def test_an_environment_is_entered_once(store: Store) -> None:
    with store.write() as writer:
        ensure_environment(writer, 1, "live", 0)
        ensure_environment(writer, 1, "live", 0)
        assert _names(writer) == ["live"]


def test_a_current_database_is_accepted(store: Store) -> None:
    store.require_current()


DAMAGED = {
    "there is none": (None, "no hub here yet"),
    "it is another program's": ("CREATE TABLE other (one INTEGER)", "no hub here yet"),
    "it is newer": ("UPDATE alembic_version SET version_num = '9999'", "has schema 9999"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_database_of_another_schema_is_refused(tmp_path: Path, case: str) -> None:
    statement, says = DAMAGED[case]
    store = Store(SqliteAdapter(tmp_path / "hub.db"))
    if case == "it is newer":
        store.create()
    if statement is not None:
        with store.adapter.engine.begin() as connection:
            connection.execute(text(statement))
    with pytest.raises(StoreBrokenError, match=says):
        store.require_current()
    store.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    store = Store(SqliteAdapter(tmp_path / "hub.db"))
    with pytest.raises(StoreBrokenError, match="no readable database"):
        store.require_current()
    store.close()


def test_the_schema_that_the_program_needs_is_the_newest_there_is() -> None:
    assert ScriptDirectory.from_config(migrate.config()).get_current_head() == migrate.HEAD
