"""Chains, sanitised versions, pseudonyms."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["PSEUDONYMS", "SANITISED", "SANITISED_CHAINS"]

SANITISED_CHAINS: Final = Table(
    "sanitised_chains",
    METADATA,
    big_id("chain_id"),
    environment(),
    Column("owner_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("object_key", BigInteger, nullable=False),  # `store.object_key`: finds, and proves nothing
    text("object_id"),
    text("agreement"),
    text("sanitised_id"),
    optional_instant("born"),  # the slot of the first version that was published
    Index("ix_sanitised_chains_object", "object_key", "owner_id"),
    Index("ix_sanitised_chains_owner", "owner_id"),
)

SANITISED: Final = Table(
    "sanitised",
    METADATA,
    big_id("sanitised_key"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("chain_id", BigInteger, ForeignKey("sanitised_chains.chain_id"), nullable=False),
    Column("version", BigInteger, nullable=False),  # of the original
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    Column("agreement_version", Integer, nullable=False),
    text("clause"),
    text("plan"),
    text("tlp"),
    text("attribution"),
    text("approve"),
    instant("made_at"),
    instant("leaves_at"),
    text("state"),
    optional_instant("ready_at"),  # from when a slot may take it; none: not approved
    Column("alone", Boolean, nullable=False),  # its owner lets it leave though few share its slot
    optional_instant("slot"),  # in which it left
    Column("published_as", BigInteger, nullable=True),  # the version of the contribution that it became
    text("ending", nullable=True),
    blob("salt", nullable=True),  # of its commitment; none: it left, or ended
    blob("draft", nullable=True),  # what will leave, but for the instant of its slot; none: likewise
    UniqueConstraint("environment", "uuid"),
    Index("ix_sanitised_chain", "chain_id"),
    Index("ix_sanitised_state", "environment", "state"),
)

PSEUDONYMS: Final = Table(
    "pseudonyms",
    METADATA,
    big_id("pseudonym_id"),
    environment(),
    Column("owner_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("agreement", String(64), nullable=False),
    Column("tlp", String(16), nullable=False),
    text("identity"),  # the id of the identity that stands for it
    optional_instant("born"),  # the slot in which it was first published
    UniqueConstraint("environment", "owner_id", "agreement", "tlp"),
)
