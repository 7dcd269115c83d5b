"""The log's tables: entries, the nodes above them that proofs need, and the head."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table

from tocsin.kernel.db.metadata import METADATA, blob, environment, instant, text

__all__ = ["LOG_ENTRIES", "LOG_HEADS", "LOG_NODES"]

# One row an environment: rewritten in the transaction of every act.
LOG_HEADS: Final = Table(
    "log_heads",
    METADATA,
    environment(primary_key=True),
    text("origin"),
    Column("size", BigInteger, nullable=False),
    blob("root"),
    blob("peaks"),  # the compact frontier, 33 bytes each: level, hash
    text("checkpoint"),  # the signed note
    instant("at"),  # hub time never goes behind this
)

# `entry` and `leaf` stay for ever; `salt` and `payload` go together when retention says so.
LOG_ENTRIES: Final = Table(
    "log_entries",
    METADATA,
    environment(),
    Column("idx", BigInteger, nullable=False),
    text("kind"),
    instant("at"),
    text("concerns"),  # URIs of the parties that it is about, one a line: who may ask to have it disclosed
    blob("entry"),
    blob("leaf"),
    blob("salt", nullable=True),
    blob("payload", nullable=True),
    PrimaryKeyConstraint("environment", "idx"),
)

# Hashes of whole tiles only (level 8, 16, …): one row for 256 entries, so that a proof reads few rows.
LOG_NODES: Final = Table(
    "log_nodes",
    METADATA,
    environment(),
    Column("level", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    blob("hash"),
    PrimaryKeyConstraint("environment", "level", "idx"),
    ForeignKeyConstraint(["environment"], ["log_heads.environment"]),
)
