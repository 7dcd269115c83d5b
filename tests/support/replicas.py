"""A replica of a hub on SQLite: a copy that replays when it is told to."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.kernel.db.sqlite import SqliteAdapter

if TYPE_CHECKING:
    from support.hub import World

__all__ = ["Copy", "copy_database"]


def copy_database(source: Path, target: Path) -> None:
    """Make one SQLite database the content of another, which may be open."""
    with (
        contextlib.closing(sqlite3.connect(source)) as read,
        contextlib.closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)


class Copy:
    """The replica of a world's hub, in use from the beginning, and as old as its last ``replay``."""

    def __init__(self, world: World, path: Path) -> None:
        assert isinstance(world.settings.database, Path)
        self._source = world.settings.database
        self._path = path
        self.adapter = SqliteAdapter(path)
        self.replay()
        world.hub.store.replica = self.adapter

    def replay(self) -> None:
        """Bring it up to what is committed."""
        self.adapter.engine.dispose()
        copy_database(self._source, self._path)
