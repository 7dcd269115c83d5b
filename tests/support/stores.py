"""The store of a test: SQLite, or PostgreSQL where ``TOCSIN_TEST_STORE`` says so.

A home has its database, whatever its kind: on SQLite a file in it, on PostgreSQL one whose name follows from the home.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy import event, select, text

from support import postgres
from tocsin.kernel.db import METADATA
from tocsin.kernel.db.opening import open_store
from tocsin.settings import Postgres, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.kernel.db import Store

__all__ = [
    "KIND",
    "as_postgres",
    "copy_home",
    "drop",
    "everything",
    "executed",
    "forget",
    "fresh",
    "made",
    "on_postgres",
    "plain",
    "restored",
    "settings_of",
    "store_in",
    "url_of",
    "without_references",
]

STORE: Final = "TOCSIN_TEST_STORE"
KINDS: Final = ("sqlite", "postgres")
KIND: Final = os.environ.get(STORE) or KINDS[0]
assert KIND in KINDS, f"{STORE} is one of {KINDS}"

# homes whose database this process made, oldest first
_made: dict[Path, None] = {}


def on_postgres() -> bool:
    """Return whether this session's hubs are on PostgreSQL."""
    return KIND == "postgres"


def settings_of(home: Path, *, kind: str | None = None) -> Settings:
    """Return the settings of the hub in a home."""
    return Settings(home=home, database=home / "hub.db" if (kind or KIND) == "sqlite" else postgres.database_of(home))


def fresh(home: Path, *, kind: str | None = None) -> Settings:
    """Return the settings of a home in which there is no hub yet, with a database to put it in."""
    if (kind or KIND) == "postgres":
        postgres.make_database(home)
        _made[home] = None
    return settings_of(home, kind=kind)


def copy_home(source: Path, home: Path, *, kind: str | None = None) -> Settings:
    """Copy a closed hub with its database."""
    shutil.copytree(source, home, dirs_exist_ok=True)
    if (kind or KIND) == "postgres":
        postgres.make_database(home, template=source)
        _made[home] = None
    return settings_of(home, kind=kind)


def store_in(folder: Path, *, kind: str | None = None) -> Store:
    """Return an empty store that belongs to a folder."""
    return open_store(fresh(folder, kind=kind))


def url_of(home: Path) -> str:
    """Return what ``TOCSIN_DATABASE`` is for the hub in a home; its database is made if need be."""
    if not on_postgres():
        return ""
    if home not in _made and not postgres.there(home):
        postgres.make_database(home)
        _made[home] = None
    settings = settings_of(home)
    assert isinstance(settings.database, Postgres)
    return settings.database.url


def executed(home: Path, *statements: str, kind: str | None = None) -> int:
    """Change a home's database past everything of ours, with no references kept; returns how many rows were changed.

    The statements are written for SQLite.
    """
    if (kind or KIND) == "postgres":
        return postgres.executed(home, *map(as_postgres, statements))
    with closing(sqlite3.connect(home / "hub.db")) as database:
        changed = sum(database.execute(statement).rowcount for statement in statements)
        database.commit()
    return changed


def as_postgres(statement: str) -> str:
    """Return a statement that was written for SQLite as PostgreSQL takes it: bytes are written otherwise."""
    for pattern, replacement in _WORDS:
        statement = re.sub(pattern, replacement, statement)
    return statement


_WORDS: Final = (
    (r"zeroblob\((\w+(?:\(\w+\))?)\)", r"decode(repeat('00', \1), 'hex')"),
    (r"\bx'([0-9a-f]*)'", r"decode('\1', 'hex')"),
    (r"'x' AS digest", r"'x'::bytea AS digest"),
    (r"\b(contested|sealed|versioned) = ([01])", r"\1 = '\2'"),
    # bytes that are text within: SQLite does not mind
    (r"CAST\((\w+) AS TEXT\)", r"\1"),
    (r"CAST\((replace\(.*\)) AS BLOB\)", r"\1"),
    (
        r"\b(payload|result|bytes|body|document) = replace\(\w+, ('[^']*'), ('[^']*')\)",
        r"\1 = convert_to(replace(convert_from(\1, 'UTF8'), \2, \3), 'UTF8')",
    ),
    (r" AS BLOB\)", r" AS bytea)"),
)


def plain(settings: Settings) -> Callable[[], Any]:
    """Return what connects to a database past our adapter, as tools do."""
    database = settings.database
    if isinstance(database, Postgres):
        return functools.partial(psycopg.connect, database.url)
    return functools.partial(sqlite3.connect, database, check_same_thread=False)


def without_references(store: Store) -> None:
    """Let a store that nothing was read from yet keep rows that refer to none, and be in no hurry to keep any."""
    words = "SET session_replication_role = replica" if on_postgres() else "PRAGMA foreign_keys=OFF"

    def alone(connection: Any, _record: object) -> None:  # noqa: ANN401  either driver's
        connection.execute(words)
        if not on_postgres():
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(store.adapter.engine, "connect", alone)


def everything(store: Store) -> bytes:
    """Return the bytes of every value in a database, and on SQLite of its files, where deleted ones may be still."""
    with store.read() as connection:
        rows = [row for table in METADATA.sorted_tables for row in connection.execute(select(table))]
        values = [value for row in rows for value in row]
        files = connection.execute(text("PRAGMA database_list")).all() if not on_postgres() else ()
    found = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    found += [path.read_bytes() for row in files for path in Path(row[2]).parent.iterdir()]
    return b"\n".join(found)


@contextlib.contextmanager
def restored(store: Store, home: Path) -> Iterator[None]:
    """Keep a home's database as it is now, and put it back after; ``store`` is the one that is open on it."""
    store.close()
    if on_postgres():
        kept = home / "kept"
        postgres.make_database(kept, template=home)
        try:
            yield
        finally:
            store.close()
            postgres.drop_database(home)
            postgres.make_database(home, template=kept)
            postgres.drop_database(kept)
        return
    file = home / "hub.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept_bytes = file.read_bytes()
    try:
        yield
    finally:
        store.close()
        for side in ("-wal", "-shm"):
            file.with_name(file.name + side).unlink(missing_ok=True)
        file.write_bytes(kept_bytes)


def made() -> Iterator[Path]:
    """Return the homes whose database on PostgreSQL this process made and did not drop."""
    return iter(list(_made))


def forget(home: Path) -> None:
    """Leave a home's database where it is: its server goes away."""
    _made.pop(home, None)


def drop(home: Path) -> None:
    """Drop the database of a home, if it has one on PostgreSQL; its files are the caller's."""
    if home in _made:
        del _made[home]
        postgres.drop_database(home)
