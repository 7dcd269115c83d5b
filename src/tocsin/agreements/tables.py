"""Agreements and their signatures; labels and profiles, interned."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = [
    "AGREEMENTS",
    "ANNEX_ACTIVATIONS",
    "ANNEX_CALLS",
    "ATTACHMENTS",
    "DUTY",
    "GRACES",
    "GRANTS",
    "LABELS",
    "POLICY_EPOCHS",
    "PROFILES",
    "SIGNATURES",
    "STANDINGS",
]

# Counts every change to what verdicts are made from; equal epochs mean equal facts.
POLICY_EPOCHS: Final = Table(
    "policy_epochs",
    METADATA,
    environment(primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    instant("changed_at"),
)

AGREEMENTS: Final = Table(
    "agreements",
    METADATA,
    big_id("agreement_id"),
    environment(),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    text("status"),
    blob("document"),  # the file as proposed, byte for byte
    blob("digest"),  # of its canonical form without signatures
    blob("names"),  # JSON: name in the document -> URI, as resolved when it was proposed
    text("policies"),  # the Cedar text, annotated
    instant("proposed_at"),
    optional_instant("activated_at"),
    optional_instant("ended_at"),
    Column("amends", Integer, nullable=True),  # the version in force that it was proposed to amend
    text("reason", nullable=True),  # why it was suspended, resumed, terminated or dropped last
    UniqueConstraint("environment", "name", "version"),
)

SIGNATURES: Final = Table(
    "agreement_signatures",
    METADATA,
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    environment(),
    text("party"),  # URI
    text("signatory"),  # user name
    text("key"),
    blob("signature"),
    instant("signed_at"),
    text("ml_dsa_key", nullable=True),
    text("ml_dsa_signature", nullable=True),
    PrimaryKeyConstraint("agreement_id", "party"),
)

# What a party did to a version besides signing it, or what was done to it there.
STANDINGS: Final = Table(
    "agreement_standings",
    METADATA,
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    environment(),
    text("party"),  # URI
    text("act"),  # withdraw, object, admit, adopt
    instant("at"),
    optional_instant("until"),  # when a withdrawal takes effect
    text("reason"),
    text("signatory", nullable=True),
    text("key", nullable=True),
    text("signature", nullable=True),
    text("ml_dsa_key", nullable=True),
    text("ml_dsa_signature", nullable=True),
    PrimaryKeyConstraint("agreement_id", "party", "act"),
)

# A legal basis that lapsed counts as valid, for some.
GRACES: Final = Table(
    "agreement_graces",
    METADATA,
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    Column("number", Integer, nullable=False),  # the first of a version is 1
    environment(),
    text("basis"),
    blob("parties"),  # JSON: URIs
    instant("at"),
    instant("until"),
    text("reason"),
    PrimaryKeyConstraint("agreement_id", "number"),
)

# Files beside a version: detached signatures and seals.
ATTACHMENTS: Final = Table(
    "agreement_attachments",
    METADATA,
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    environment(),
    text("party"),  # URI of whose it is
    text("title"),
    text("over"),  # SHA-256 of what it is said to sign
    blob("content"),
    instant("at"),
    text("outcome"),  # of checking it, when it was attached
    PrimaryKeyConstraint("agreement_id", "sha256"),
)

# Each time that an emergency annex was activated, by a motion or by duty-holders.
ANNEX_ACTIVATIONS: Final = Table(
    "annex_activations",
    METADATA,
    environment(),
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    Column("number", Integer, nullable=False),  # of all that the agreement knew, in any version; the first is 1
    text("annex"),
    text("activated_by"),
    instant("starts"),
    instant("ends"),
    optional_instant("ratify_by"),
    optional_instant("ratified"),
    optional_instant("ended"),
    optional_instant("reviewed"),
    text("reviewed_by", nullable=True),  # what the mandate rested on; rows of before do not say
    optional_instant("settled"),
    PrimaryKeyConstraint("agreement_id", "number"),
)

# What duty-holders signed: that an annex is needed, or no longer.
ANNEX_CALLS: Final = Table(
    "annex_calls",
    METADATA,
    environment(),
    Column("agreement_id", BigInteger, ForeignKey("agreements.agreement_id"), nullable=False),
    Column("number", Integer, nullable=False),  # of all calls of the agreement, in any version; the first is 1
    text("annex"),
    text("asked"),
    text("party"),  # URI
    text("kind"),  # of the party, then
    text("user"),  # name within the party
    instant("said_at"),  # by the clock of whoever signed
    instant("at"),
    text("reason"),
    text("key"),
    text("signature"),
    text("ml_dsa_key", nullable=True),
    text("ml_dsa_signature", nullable=True),
    PrimaryKeyConstraint("agreement_id", "number"),
)

# Who is on duty for their party, until when: one shift each, the last that was entered.
DUTY: Final = Table(
    "duty",
    METADATA,
    environment(),
    text("party"),  # URI
    text("user"),  # name within the party
    instant("starts"),
    instant("until"),
    PrimaryKeyConstraint("environment", "party", "user"),
)

LABELS: Final = Table(
    "labels",
    METADATA,
    big_id("label_id"),
    environment(),
    blob("digest"),
    text("owner"),  # URI: new labels a day are limited for each
    text("type"),
    blob("body"),
    instant("first_at"),
    UniqueConstraint("environment", "digest"),
    Index(None, "environment", "owner", "first_at"),
)

PROFILES: Final = Table(
    "profiles",
    METADATA,
    big_id("profile_id"),
    environment(),
    blob("digest"),
    blob("body"),
    instant("first_at"),
    UniqueConstraint("environment", "digest"),
)

# One-off releases. Every page asks for those of its reader's party.
GRANTS: Final = Table(
    "grants",
    METADATA,
    big_id("grant_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    text("owner"),  # URI
    text("party"),  # URI of whom it is for
    text("object_id"),
    Column("version", BigInteger, nullable=True),  # none: every version, those that come later included
    text("purposes"),  # separated by spaces
    instant("given_at"),
    instant("until"),
    text("reason"),
    optional_instant("revoked_at"),
    UniqueConstraint("environment", "uuid"),
    Index("ix_grants_party", "environment", "party", "until"),
    Index("ix_grants_owner", "environment", "owner", "object_id"),
)
