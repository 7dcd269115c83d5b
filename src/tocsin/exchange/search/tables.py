"""What the index keeps: how far it has come, a row of facts for each offer, and where each term stands."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["SAVED_SEARCHES", "SEARCH_FACTS", "SEARCH_POSTINGS", "SEARCH_STATES"]

SEARCH_STATES: Final = Table(
    "search_states",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), primary_key=True, autoincrement=False),
    environment(),
    Column("indexed_seq", BigInteger, nullable=False),  # every offer up to here is in the index
    Column("version", Integer, nullable=False),  # of the extraction that made it
)

SEARCH_FACTS: Final = Table(
    "search_facts",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    Column("offer_seq", BigInteger, nullable=False),
    environment(),
    Column("terms", Integer, nullable=False),  # so many postings
    optional_instant("created"),
    instant("modified"),
    optional_instant("valid_from"),
    optional_instant("valid_until"),
    optional_instant("seen_from"),
    optional_instant("seen_until"),
    Column("confidence", SmallInteger, nullable=True),
    Column("reliability", String(1), nullable=True),
    Column("credibility", SmallInteger, nullable=True),
    Column("revoked", Boolean, nullable=False),
    PrimaryKeyConstraint("collection_id", "offer_seq"),
)

# The label comes before the number: a reader's search walks over nothing but what is open to it. Without references: an
# object has some fifty postings, and PostgreSQL looks each reference up (docs/adr/0055).
SEARCH_POSTINGS: Final = Table(
    "search_postings",
    METADATA,
    Column("collection_id", BigInteger, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("label_id", BigInteger, nullable=False),
    Column("offer_seq", BigInteger, nullable=False),
    Column("environment", SmallInteger, nullable=False),
    PrimaryKeyConstraint("collection_id", "term", "label_id", "offer_seq"),
    sqlite_with_rowid=False,
)

SAVED_SEARCHES: Final = Table(
    "saved_searches",
    METADATA,
    big_id("saved_id"),
    environment(),
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    text("user_name"),  # name within the party; empty: the party's service
    Column("name", String(64), nullable=False),
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    blob("query"),  # the SearchQuery as JSON
    instant("saved_at"),
    UniqueConstraint("environment", "party_id", "user_name", "name"),
)
