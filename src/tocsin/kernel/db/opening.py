"""From settings to a store: which adapter, and whether its driver is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import UsageError
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.kernel.db.store import Store
from tocsin.settings import Postgres

if TYPE_CHECKING:
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.settings import Settings

__all__ = ["open_store"]


def open_store(settings: Settings) -> Store:
    """Return the store of these settings; nothing is connected to yet.

    Raises:
        UsageError: the driver of PostgreSQL is not installed, or the address is none.
    """
    database, replica = settings.database, settings.replica
    if not isinstance(database, Postgres):
        return Store(SqliteAdapter(database))
    return Store(_postgres(database), None if replica is None else _postgres(replica, replica=True))


def _postgres(address: Postgres, *, replica: bool = False) -> Adapter:
    try:
        # an extra: a hub on SQLite neither needs it nor waits for its import
        from tocsin.kernel.db.postgres import PostgresAdapter  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "the driver of PostgreSQL is not installed", where="TOCSIN_DATABASE", todo="install tocsin[postgres]"
        ) from error
    return PostgresAdapter(address, replica=replica)
