"""Parties, users, tokens."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["HUBS", "PARTIES", "TOKENS", "USERS"]

# One row an environment: which party runs it.
HUBS: Final = Table(
    "hubs",
    METADATA,
    environment(primary_key=True),
    text("party"),  # URI
    text("operator"),  # name of the user who founded it
    instant("founded_at"),
)

PARTIES: Final = Table(
    "parties",
    METADATA,
    big_id("party_id"),
    environment(),
    text("uri"),
    Column("name", String(64), nullable=False),
    text("status"),
    blob("body"),  # the Party as JSON: what is compared is above, what is carried is in here
    instant("changed_at"),
    UniqueConstraint("environment", "uri"),
    UniqueConstraint("environment", "name"),  # a name is never given again, so that no document changes its meaning
)

USERS: Final = Table(
    "users",
    METADATA,
    big_id("user_id"),
    environment(),
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("name", String(64), nullable=False),
    text("status"),
    blob("body"),  # the User as JSON
    text("password", nullable=True),  # argon2id
    instant("changed_at"),
    UniqueConstraint("party_id", "name"),
)

TOKENS: Final = Table(
    "tokens",
    METADATA,
    big_id("token_id"),
    environment(),
    blob("digest"),  # HMAC-SHA-256 of the token under the hub's key
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("user_id", BigInteger, ForeignKey("users.user_id"), nullable=True),  # none: the party's service
    text("purpose"),
    text("permissions"),  # separated by spaces
    text("note"),
    instant("created_at"),
    optional_instant("expires_at"),
    optional_instant("revoked_at"),
    text("capacity", nullable=True),  # of its party's, the one in which it acts
    UniqueConstraint("environment", "digest"),
)
