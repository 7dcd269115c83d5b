"""The schema that the migrations make: made by them once in each process, and set down again wherever a hub is founded.

Twenty-six migrations take thirty times as long as what they come to. Only an empty database of SQLite is spared them.
"""

from __future__ import annotations

import functools
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.kernel.db import migrate
from tocsin.kernel.db.opening import open_store
from tocsin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["migrated", "schema_of", "set_down"]

migrated = migrate.upgrade
"""The migrations themselves."""


def set_down(connection: Connection) -> None:
    """Bring a database to the newest version, as ``migrate.upgrade`` does: in the caller's transaction."""
    empty = connection.dialect.name == "sqlite" and not schema_of(connection)
    if not empty:
        migrated(connection)
        return
    for statement in _statements():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (migrate.HEAD,))


def schema_of(connection: Connection) -> list[str]:
    """Return the statements that make a database of SQLite as it is, without its rows, in the order of their making."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY rowid"
    return [str(sql) for (sql,) in connection.exec_driver_sql(query)]


@functools.cache
def _statements() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="tocsin-schema-") as folder:
        home = Path(folder)
        with closing(open_store(Settings(home=home, database=home / "hub.db"))) as store:
            with store.write() as connection:
                migrated(connection)
            with store.read() as connection:
                return tuple(schema_of(connection))
