"""Settings, read once and frozen.

| variable | default | what it is |
|---|---|---|
| ``TOCSIN_HOME`` | ``./tocsin-home`` | the folder of a hub: its keys, and its database unless told otherwise |
| ``TOCSIN_DATABASE`` | ``sqlite:///<home>/hub.db`` | where the store is: SQLite, or ``postgresql://USER@HOST/NAME`` |
| ``TOCSIN_DATABASE_READ`` | none | a streaming replica of that PostgreSQL, from which pages are read |
| ``TOCSIN_CEILING`` | ``unclassified`` | the highest classification that the hub stores |
| ``TOCSIN_WEBHOOK_NETWORKS`` | none | networks that webhooks may lead to beside the public one: ``10.1.0.0/16`` |
| ``TOCSIN_PUBLISH_MINUTES`` | ``60`` | how long a slot is in which sanitised versions leave together, up to a day |
| ``TOCSIN_PUBLISH_PRODUCERS`` | ``3`` | how many producers have to share one, 2 or more |
| ``TOCSIN_LOG_FORMAT`` | ``json`` | how ``tocsin serve`` writes its log: ``json`` or ``text`` |
| ``TOCSIN_LOG_LEVEL`` | ``info`` | and what: ``debug``, ``info`` (each request), ``warning``, ``error`` |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_HOME", "Postgres", "Settings", "read_settings"]

DEFAULT_HOME: Final = "tocsin-home"
LOG_FORMATS: Final = ("json", "text")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
DAY_MINUTES: Final = 24 * 60
# Fewer than two hide nobody; more than a partnership has would publish nothing.
PRODUCERS: Final = (2, 1_000)
_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql://", "postgres://")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Postgres:
    """The address of a PostgreSQL database as libpq reads it; shown without what it keeps secret."""

    url: str

    @property
    def where(self) -> str:
        """The address without user, password and parameters."""
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def __repr__(self) -> str:
        return f"Postgres({self.where!r})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which hub we are."""

    home: Path
    database: Path | Postgres
    replica: Postgres | None = None
    # a classification below the hub's ceiling, for this process: whoever opens the hub checks that it is one
    ceiling: str | None = None
    webhook_networks: str = ""  # networks, with commas between: whoever opens the hub checks that they are
    publish_minutes: int = 60
    publish_producers: int = 3
    log_format: str = LOG_FORMATS[0]
    log_level: str = "info"

    @property
    def where(self) -> str:
        """Where the store is, for people to read."""
        return self.database.where if isinstance(self.database, Postgres) else str(self.database.absolute())

    @property
    def there(self) -> bool:
        """Whether a hub can be here: without keys of its own, a server's database is somebody else's."""
        return self.keys.exists() if isinstance(self.database, Postgres) else self.database.exists()

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
        UsageError: ``TOCSIN_DATABASE`` names a kind of database that we cannot use, or another is no word of its own.
    """
    chosen = home or Path(environ.get("TOCSIN_HOME") or DEFAULT_HOME)
    url = "" if home else environ.get("TOCSIN_DATABASE", "")
    ceiling = environ.get("TOCSIN_CEILING") or None
    networks = environ.get("TOCSIN_WEBHOOK_NETWORKS") or ""
    return Settings(
        home=chosen,
        database=_database(url) if url else chosen / "hub.db",
        # a home that is named in the call has its own database, and nothing of the environment's
        replica=None if home else _replica(environ, of=url),
        ceiling=ceiling,
        webhook_networks=networks,
        publish_minutes=_number(environ, "TOCSIN_PUBLISH_MINUTES", (1, DAY_MINUTES), otherwise=60),
        publish_producers=_number(environ, "TOCSIN_PUBLISH_PRODUCERS", PRODUCERS, otherwise=3),
        log_format=_one_of(environ, "TOCSIN_LOG_FORMAT", LOG_FORMATS, otherwise="json"),
        log_level=_one_of(environ, "TOCSIN_LOG_LEVEL", LOG_LEVELS, otherwise="info"),
    )


def _database(url: str) -> Path | Postgres:
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRES):
        return Postgres(url=url)
    kind = url.split(":", 1)[0]
    raise UsageError(
        f"{kind!r} names no database that Tocsin can use",
        where="TOCSIN_DATABASE",
        todo="use sqlite:///PATH or postgresql://USER@HOST/NAME",
    )


def _one_of(environ: Mapping[str, str], name: str, words: tuple[str, ...], *, otherwise: str) -> str:
    word = environ.get(name) or otherwise
    if word not in words:
        raise UsageError(f"{word[:40]!r} is none of its words", where=name, todo=f"use one of {', '.join(words)}")
    return word


def _number(environ: Mapping[str, str], name: str, bounds: tuple[int, int], *, otherwise: int) -> int:
    text = environ.get(name) or str(otherwise)
    least, most = bounds
    if not (text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most and len(text) < 9):  # noqa: PLR2004  digits
        raise UsageError(f"{text[:40]!r} is no number from {least} to {most}", where=name, todo="write digits only")
    return int(text)


def _replica(environ: Mapping[str, str], *, of: str) -> Postgres | None:
    url = environ.get("TOCSIN_DATABASE_READ", "")
    if url and not (url.startswith(_POSTGRES) and of.startswith(_POSTGRES)):
        raise UsageError(
            "only a PostgreSQL has replicas",
            where="TOCSIN_DATABASE_READ",
            todo="use postgresql://USER@HOST/NAME in both, or unset this one",
        )
    return Postgres(url=url) if url else None
