"""Delegations, and access requests."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["ACCESS_REQUESTS", "DELEGATIONS"]

DELEGATIONS: Final = Table(
    "delegations",
    METADATA,
    big_id("delegation_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("represented"),  # URI
    text("delegate"),  # URI
    text("types", nullable=True),  # separated by spaces; none: all
    text("tlp"),  # the strictest
    instant("given_at"),
    instant("until"),
    text("signatory"),
    text("key"),
    text("signature"),
    text("ml_dsa_key", nullable=True),
    text("ml_dsa_signature", nullable=True),
    optional_instant("revoked_at"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_delegations_delegate", "environment", "delegate", "represented"),
    Index("ix_delegations_represented", "environment", "represented"),
)

ACCESS_REQUESTS: Final = Table(
    "access_requests",
    METADATA,
    big_id("request_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("party"),  # URI of who asked
    text("owner"),  # URI
    blob("body"),  # the Request as JSON
    UniqueConstraint("environment", "uuid"),
    Index("ix_access_requests_party", "environment", "party"),
    Index("ix_access_requests_owner", "environment", "owner"),
)
