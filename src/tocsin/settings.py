"""Settings, read once and frozen.

| variable | default | what it is |
|---|---|---|
| ``TOCSIN_HOME`` | ``./tocsin-home`` | the folder of a hub: its keys, and its database unless told otherwise |
| ``TOCSIN_DATABASE`` | ``sqlite:///<home>/hub.db`` | where the store is |
| ``TOCSIN_CEILING`` | ``unclassified`` | the highest classification that the hub stores |
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_HOME", "Settings", "read_settings"]

DEFAULT_HOME: Final = "tocsin-home"
LOWEST_CEILING: Final = "unclassified"
_SQLITE: Final = "sqlite:///"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which hub we are."""

    home: Path
    database: Path
    ceiling: str = LOWEST_CEILING  # a classification: whoever opens the hub checks that it is one

    @property
    def keys(self) -> Path:
        """The folder of the hub's own keys."""
        return self.home / "keys"

    @property
    def keyring(self) -> Path:
        """The folder of signatories' keys on this machine, when the operator keeps them for a trial."""
        return self.home / "keyring"


def read_settings(environ: Mapping[str, str], *, home: Path | None = None) -> Settings:
    """Read the settings from environment variables; ``home`` overrides ``TOCSIN_HOME``, and then its database too.

    Raises:
        UsageError: ``TOCSIN_DATABASE`` names a kind of database that we cannot use.
    """
    chosen = home or Path(environ.get("TOCSIN_HOME") or DEFAULT_HOME)
    url = "" if home else environ.get("TOCSIN_DATABASE", "")
    ceiling = environ.get("TOCSIN_CEILING") or LOWEST_CEILING
    if not url:
        return Settings(home=chosen, database=chosen / "hub.db", ceiling=ceiling)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Settings(home=chosen, database=Path(url.removeprefix(_SQLITE)), ceiling=ceiling)
    kind = url.split(":", 1)[0]
    if kind.startswith("postgres"):
        raise UsageError("PostgreSQL is not supported yet", where="TOCSIN_DATABASE", todo="use sqlite:///PATH")
    raise UsageError(
        f"{kind!r} names no database that Tocsin can use", where="TOCSIN_DATABASE", todo="use sqlite:///PATH"
    )
