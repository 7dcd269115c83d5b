"""Bodies, motions, disputes and charters: each whole in one column, and beside it what is looked for."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["BODIES", "CHARTERS", "DISPUTES", "MOTIONS"]

BODIES: Final = Table(
    "governance_bodies",
    METADATA,
    big_id("body_id"),
    environment(),
    text("name"),
    Column("dissolved", Boolean, nullable=False),
    blob("body"),
    UniqueConstraint("environment", "name"),
)

MOTIONS: Final = Table(
    "governance_motions",
    METADATA,
    big_id("motion_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("body"),  # its name
    text("agreement", nullable=True),  # the name of the agreement that it is about
    text("status"),
    instant("tabled_at"),
    instant("deadline"),
    instant("until"),
    blob("motion"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_governance_motions_pending", "environment", "status"),
)

DISPUTES: Final = Table(
    "governance_disputes",
    METADATA,
    big_id("dispute_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("status"),
    optional_instant("due"),
    text("complainant"),  # URI
    text("respondent"),  # URI
    blob("dispute"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_governance_disputes_complainant", "environment", "complainant"),
    Index("ix_governance_disputes_respondent", "environment", "respondent"),
)

CHARTERS: Final = Table(
    "governance_charters",
    METADATA,
    big_id("charter_id"),
    environment(),
    text("name"),
    Column("version", BigInteger, nullable=False),
    blob("charter"),
    UniqueConstraint("environment", "name"),
)
