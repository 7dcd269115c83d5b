"""Webhooks, and the messages that are or were on their way to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["WEBHOOKS", "WEBHOOK_MESSAGES"]

WEBHOOKS: Final = Table(
    "webhooks",
    METADATA,
    big_id("webhook_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    text("registrar"),  # name@party
    text("url"),
    text("purpose"),
    text("content"),
    blob("types", nullable=True),  # JSON; none: all
    text("state"),
    Column("place", BigInteger, nullable=False),  # everything up to this offer that it may see was told
    instant("created_at"),
    optional_instant("removed_at"),
    UniqueConstraint("environment", "uuid"),
)

WEBHOOK_MESSAGES: Final = Table(
    "webhook_messages",
    METADATA,
    big_id("message_id"),
    environment(),
    Column("webhook_id", BigInteger, ForeignKey("webhooks.webhook_id"), nullable=False),
    Column("uuid", String(36), nullable=False),
    Column("upto", BigInteger, nullable=False),
    blob("offers"),  # the sequences, delta-coded; empty for a hint
    Column("attempts", Integer, nullable=False),
    text("state"),
    optional_instant("next_at"),  # none: not tried any more
    optional_instant("last_at"),
    text("outcome"),
    instant("created_at"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_webhook_messages_webhook", "webhook_id", "message_id"),
)
