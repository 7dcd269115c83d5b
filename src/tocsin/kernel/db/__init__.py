"""The store: SQLAlchemy Core over SQLite, one writer, snapshot readers; what only SQLite says is in ``sqlite``."""

from tocsin.kernel.db.metadata import METADATA
from tocsin.kernel.db.store import Store

__all__ = ["METADATA", "Store"]
