"""What SQLAlchemy compiled, shared by the engines of one process: each test opens a hub, and so an engine, of its own.

Compiled anew for every engine, as a process does that opens one, statements took a third of the time of the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.util import LRUCache

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["create_engine"]

# More than all the statements of the house: what one test needs must not push out what the next one does.
STATEMENTS: Final = 10_000

# by the driver: its dialect, as it is once it has seen a database, since statements are compiled for a dialect
_dialects: Final[dict[str, Any]] = {}
_compiled: Final[LRUCache[Any, Any]] = LRUCache(STATEMENTS)


def create_engine(url: str, **options: Any) -> Engine:  # noqa: ANN401  SQLAlchemy's own
    """Return an engine as SQLAlchemy's function of this name does, that finds what others compiled."""
    engine = sqlalchemy.create_engine(url, **options)
    engine._compiled_cache = _compiled
    driver = engine.url.drivername
    if driver in _dialects:
        engine.dialect = _dialects[driver]
        return engine

    def seen(*_: object) -> None:
        _dialects.setdefault(driver, engine.dialect)

    event.listen(engine, "first_connect", seen)
    return engine
