"""Purges, reviews, legal holds, and how far the sweep has come."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["LEGAL_HOLDS", "PURGES", "RETENTION_PLACES", "RETENTION_REVIEWS"]

# One for each contribution that is to be gone: without ``purged_at`` a legal hold keeps it, and it waits.
PURGES: Final = Table(
    "purges",
    METADATA,
    Column(
        "contribution_id",
        BigInteger,
        ForeignKey("contributions.contribution_id"),
        primary_key=True,
        autoincrement=False,
    ),
    environment(),
    text("ground"),
    text("reference"),  # the clause or the recall that orders it
    instant("ordered_at"),
    optional_instant("purged_at"),
    Index("ix_purges_waiting", "environment", "purged_at"),
)

# Contributions whose time is over under a clause that lets their owner decide.
RETENTION_REVIEWS: Final = Table(
    "retention_reviews",
    METADATA,
    big_id("review_id"),
    environment(),
    Column("contribution_id", BigInteger, ForeignKey("contributions.contribution_id"), nullable=False),
    text("reference"),  # the clause
    instant("opened_at"),
    instant("answer_by"),
    optional_instant("decided_at"),
    text("decision", nullable=True),
    optional_instant("kept_until"),
    Index("ix_retention_reviews_contribution", "contribution_id"),
    Index("ix_retention_reviews_open", "environment", "decided_at"),
)

LEGAL_HOLDS: Final = Table(
    "legal_holds",
    METADATA,
    big_id("hold_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("authority"),
    text("reason"),
    blob("scope"),  # the Scope as JSON
    instant("placed_at"),
    instant("until"),
    optional_instant("lifted_at"),
    UniqueConstraint("environment", "uuid"),
)

# Up to which contribution the sweep has done what a rule asks: made anew from nothing when it is lost.
RETENTION_PLACES: Final = Table(
    "retention_places",
    METADATA,
    environment(),
    Column("rule", String(64), nullable=False),
    Column("upto", BigInteger, nullable=False),
    PrimaryKeyConstraint("environment", "rule"),
)
