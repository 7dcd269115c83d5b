"""What is SQLite's alone, and the schema that the program knows; what every store promises is in ``contracts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from support.schemas import migrated, schema_of, set_down
from tocsin.bootstrap import Hub
from tocsin.errors import StoreBrokenError
from tocsin.kernel.db import METADATA, Store, migrate
from tocsin.kernel.db.sqlite import SqliteAdapter

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


def test_migrations_make_it_down_to_the_letter(store: Store, tmp_path: Path) -> None:
    """What the comparison does not look at is the same too: checks, and the order of columns in keys."""
    other = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    METADATA.create_all(other)
    listed = text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")

    def schema(connection: Connection) -> dict[tuple[str, str], list[str]]:
        # constraints may stand in any order, and so may columns that were added; what was renamed has quotes
        rows = connection.execute(listed).all()
        return {(row.type, row.name): sorted(_parts(row.sql.replace('"', ""))) for row in rows}

    with store.read() as ours, other.connect() as direct:
        assert schema(ours) == schema(direct)
    other.dispose()


def test_what_the_other_tests_begin_with_is_what_the_migrations_make(tmp_path: Path) -> None:
    found = []
    for make in (migrated, set_down):
        store = Store(SqliteAdapter(tmp_path / f"{make.__name__}.db"))
        with store.write() as connection:
            make(connection)
        with store.read() as connection:
            tables = [row.name for row in connection.execute(text("PRAGMA table_list")) if row.type == "table"]
            rows = {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in tables}
            del rows["sqlite_schema"]
            found.append((schema_of(connection), rows))
        store.close()
    assert found[0] == found[1]
    assert {name for name, held in found[0][1].items() if held} == {"alembic_version"}


def _parts(statement: str) -> list[str]:
    """Return what stands before, between and behind the commas and parentheses of the outermost list."""
    parts, depth = [""], 0
    for letter in statement:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if (letter, depth) in {("(", 1), (",", 1), (")", 0)}:
            parts.append("")
        else:
            parts[-1] += letter
    return [" ".join(part.split()) for part in parts]


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


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    store = Store(SqliteAdapter(tmp_path / "hub.db"))
    with pytest.raises(StoreBrokenError, match="no readable database"):
        store.require_current()
    store.close()


def test_the_schema_that_the_program_needs_is_the_newest_there_is() -> None:
    assert ScriptDirectory.from_config(migrate.config()).get_current_head() == migrate.HEAD
