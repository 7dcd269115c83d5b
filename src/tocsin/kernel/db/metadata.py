"""The one MetaData of the hub, and the column kinds that every room's ``tables.py`` uses.

Every table that has a state carries ``environment``: ``live``, or one exercise. What identifies a thing to people
(names, URIs, UUIDs, digests) is unique within its environment; numbers that rows refer to each other by are unique in
the whole database, so that a row of one environment never means one of another.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

__all__ = ["BIG", "ENVIRONMENTS", "METADATA", "big_id", "blob", "environment", "instant", "optional_instant", "text"]

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid table its cheap key only to INTEGER; everybody else needs 64 bits spelt out
BIG: Final = BigInteger().with_variant(Integer(), "sqlite")

ENVIRONMENTS: Final = Table(
    "environments",
    METADATA,
    Column("environment", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)


def big_id(name: str) -> Column[int]:
    """Return a 64-bit primary key, given by the writer and never by the database."""
    return Column(name, BIG, primary_key=True, autoincrement=False)


def environment(*, primary_key: bool = False) -> Column[int]:
    """Return the column that says in which environment a row lives."""
    return Column(
        "environment", SmallInteger, ForeignKey("environments.environment"), nullable=False, primary_key=primary_key
    )


def instant(name: str) -> Column[int]:
    """Return a column of microseconds since the epoch, UTC."""
    return Column(name, BigInteger, nullable=False)


def optional_instant(name: str) -> Column[int]:
    """Return a column of microseconds since the epoch, UTC, or nothing."""
    return Column(name, BigInteger, nullable=True)


def blob(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Return a column of bytes."""
    return Column(name, LargeBinary, nullable=nullable)


def text(name: str, *, nullable: bool = False) -> Column[str]:
    """Return a column of text of any length; limits are intake's, not the store's."""
    return Column(name, Text, nullable=nullable)
