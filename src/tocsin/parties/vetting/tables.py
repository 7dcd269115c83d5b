"""Applications, until when parties are vetted, access reviews."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, text

__all__ = ["ACCESS_REVIEWS", "APPLICATIONS"]

APPLICATIONS: Final = Table(
    "applications",
    METADATA,
    big_id("application_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("party"),  # URI
    text("status"),
    blob("body"),  # the Application as JSON
    UniqueConstraint("environment", "uuid"),
    Index("ix_applications_party", "environment", "party"),
)

# The last one of each party.
ACCESS_REVIEWS: Final = Table(
    "access_reviews",
    METADATA,
    environment(),
    text("party"),  # URI
    text("by"),
    instant("at"),
    text("digest"),
    Column("users", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    PrimaryKeyConstraint("environment", "party"),
)
