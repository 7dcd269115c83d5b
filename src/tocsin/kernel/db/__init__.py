"""The store: SQLAlchemy Core, one writer, snapshot readers; what one database alone says is in its module."""

from tocsin.kernel.db.metadata import METADATA
from tocsin.kernel.db.store import Store

__all__ = ["METADATA", "Store"]
