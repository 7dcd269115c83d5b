"""A PostgreSQL to measure with: the wheel's programs, as durable as out of the box, in a folder on the disk."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.sql import SQL, Identifier

from support.postgres import Server
from tocsin.settings import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What one gives a PostgreSQL on a machine of some size. What makes a commit durable is left as it is: on.
SETTINGS: Final = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
}
NOTE: Final = "PostgreSQL 18 with " + ", ".join(f"{name} {value}" for name, value in SETTINGS.items())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run the server whose files are in a folder, which are made if they are not there; it ends with the ``with``."""
    server = Server(folder.absolute())
    if not (server.data / "PG_VERSION").exists():
        folder.mkdir(parents=True, exist_ok=True)
        server.create()
    # one that was killed left it behind, and nobody else uses this folder
    (server.data / "postmaster.pid").unlink(missing_ok=True)
    server.start(**SETTINGS)
    try:
        yield server
    finally:
        server.stop("fast")


def database(server: Server, name: str) -> Postgres:
    """Make an empty database in place of any of this name; returns its address."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        made = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        connection.execute(made.format(Identifier(name)))
    return Postgres(url=server.url(name))


def copy(server: Server, name: str, other: str) -> Postgres:
    """Make a copy of a database that nobody is connected to; returns its address."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(other)))
        made = SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(made.format(Identifier(other), Identifier(name)))
    return Postgres(url=server.url(other))
