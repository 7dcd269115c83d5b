"""Alembic, driven from the program: the schema's versions lie in ``migrations/``.

Every command asks which schema a database has; only making one needs Alembic, whose import takes longer than most
commands do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

__all__ = ["EARLIER", "HEAD", "config", "current", "upgrade"]

# The newest version of the schema that this program knows; a test compares it with the folder.
HEAD: Final = "0027"
EARLIER: Final = tuple(f"{number:04d}" for number in range(1, int(HEAD)))
"""The versions that ``upgrade`` starts from, oldest first."""

_FOLDER: Final = Path(__file__).parent / "migrations"


def config() -> Config:
    """Return Alembic's configuration, without a file."""
    from alembic.config import Config  # noqa: PLC0415  see above

    made = Config()
    made.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return made


def current(engine: Engine) -> str | None:
    """Return the version of a database's schema, or None when nothing was ever migrated to."""
    with engine.connect() as connection:
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return found


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest version, in the transaction that the caller opened for writing."""
    from alembic import command  # noqa: PLC0415  see above

    chosen = config()
    chosen.attributes["connection"] = connection
    command.upgrade(chosen, "head")
