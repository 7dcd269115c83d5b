"""Hubs on a store of one kind that may be treated badly: on PostgreSQL they have a server that is nobody else's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from support import postgres
from support.hub import World
from support.treaty import found_treaty
from tocsin.settings import Postgres, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Site", "Sites", "sites"]

# As it is set up by default, but for what only takes time here.
QUIET: Final = {"autovacuum": "off", "jit": "off", "max_connections": "200", "shared_buffers": "32MB"}


class Sites:
    """Copies of a hub with the treaty and what was prepared in it, each with a home and a database."""

    def __init__(self, kind: str, prepare: Callable[[World], None] = lambda _world: None) -> None:
        self.kind = kind
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-sites-"))
        self._server: postgres.Server | None = None
        self._made = 0
        if kind == "postgres":
            self._server = postgres.new_server()
            self._server.create()
            self._server.start(**QUIET)
        template = Site(self._folder / "template", self._server)
        template.make()
        world = found_treaty(template.settings.home, settings=template.settings)
        prepare(world)
        world.hub.store.close()
        self._template = template

    def site(self) -> Site:
        """Return a new copy."""
        self._made += 1
        site = Site(self._folder / f"hub{self._made}", self._server)
        # beside a store that was not closed cleanly there may be more than its file
        shutil.copytree(self._template.settings.home, site.settings.home)
        site.make(self._template)
        return site

    def remove(self) -> None:
        """Remove all there is."""
        if self._server is not None:
            self._server.remove()
        shutil.rmtree(self._folder)


class Site:
    """One home with its database, and what may happen to the database."""

    def __init__(self, home: Path, server: postgres.Server | None) -> None:
        self._server = server
        self._name = home.name
        database = home / "hub.db" if server is None else Postgres(url=server.url(home.name))
        self.settings = Settings(home=home, database=database)

    @property
    def served(self) -> bool:
        """Whether the database is a server's, which can stop while others go on."""
        return self._server is not None

    def world(self) -> World:
        """Open the hub."""
        return World.again(self.settings.home, seed=7, settings=self.settings)

    def make(self, template: Site | None = None) -> None:
        """Make the database, empty or as a copy of one that nobody is connected to."""
        if self._server is not None:
            source = "template0" if template is None else template._name
            words = SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' LOCALE 'C' STRATEGY file_copy")
            self._say(words.format(Identifier(self._name), Identifier(source)))

    def drop(self) -> None:
        """Remove home and database."""
        if self._server is not None:
            self._say(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self._name)))
        shutil.rmtree(self.settings.home)

    def backends(self) -> list[int]:
        """Return the processes of the server that work for this database; on SQLite there are none."""
        if self._server is None:
            return []
        with psycopg.connect(self._server.url("postgres")) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY pid", (self._name,)
            ).fetchall()
        return [row[0] for row in rows]

    def terminate(self, backend: int) -> None:
        """End one of these processes, as an administrator does."""
        assert self._server is not None
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (backend,))

    def crash(self) -> None:
        """Stop the server at once, as a machine does that loses its power, and start it again; SQLite has none."""
        if self._server is not None:
            self._server.stop("immediate")
            self._server.start(**QUIET)

    def _say(self, words: Composed) -> None:
        assert self._server is not None
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(words)


def sites(kind: str, prepare: Callable[[World], None] = lambda _world: None) -> Iterator[Sites]:
    """Yield sites and remove them after: the body of a fixture."""
    made = Sites(kind, prepare)
    yield made
    made.remove()
