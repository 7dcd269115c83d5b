"""Delegations."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, environment, instant, optional_instant, text

__all__ = ["DELEGATIONS"]

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
    optional_instant("revoked_at"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_delegations_delegate", "environment", "delegate", "represented"),
)
