"""Recalls, the notices of each recipient, and what was attested."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = ["RECALLS", "RECALL_ATTESTATIONS", "RECALL_NOTICES", "RECALL_OBJECTS"]

RECALLS: Final = Table(
    "recalls",
    METADATA,
    big_id("recall_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("owner_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    text("authority"),
    text("basis", nullable=True),
    text("reason"),
    text("demand"),
    instant("due"),
    text("ours"),  # what becomes of the hub's own copy
    text("actor"),
    text("on_behalf_of", nullable=True),
    instant("ordered_at"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_recalls_owner", "owner_id"),
)

RECALL_OBJECTS: Final = Table(
    "recall_objects",
    METADATA,
    environment(),
    Column("contribution_id", BigInteger, ForeignKey("contributions.contribution_id"), nullable=False),
    Column("recall_id", BigInteger, ForeignKey("recalls.recall_id"), nullable=False),
    PrimaryKeyConstraint("contribution_id", "recall_id"),
    Index("ix_recall_objects_recall", "recall_id"),
)

# One for each recipient; what went to individuals only has one of its own, addressed to them.
RECALL_NOTICES: Final = Table(
    "recall_notices",
    METADATA,
    big_id("notice_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("recall_id", BigInteger, ForeignKey("recalls.recall_id"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    text("addresses"),  # who is told which objects: the party's URI, or its users' addresses, one a line
    blob("contributions"),  # their numbers, delta-coded
    UniqueConstraint("environment", "uuid"),
    Index("ix_recall_notices_recall", "recall_id"),
    Index("ix_recall_notices_party", "party_id"),
)

# The last one of a notice counts; those before it stay.
RECALL_ATTESTATIONS: Final = Table(
    "recall_attestations",
    METADATA,
    big_id("attestation_id"),
    environment(),
    Column("notice_id", BigInteger, ForeignKey("recall_notices.notice_id"), nullable=False),
    text("answer"),
    optional_instant("until"),
    text("remark"),
    text("actor"),
    text("on_behalf_of", nullable=True),
    instant("attested_at"),
    Index("ix_recall_attestations_notice", "notice_id"),
)
