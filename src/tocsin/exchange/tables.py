"""Collections, submissions, contributions, offers, releases."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, instant, optional_instant, text

__all__ = [
    "AUDIENCES",
    "CEILINGS",
    "COLLECTIONS",
    "CONTRIBUTIONS",
    "LABEL_COUNTS",
    "MADE_COLLECTIONS",
    "OFFERS",
    "OFFER_COLUMNS",
    "RELEASED_UNDER",
    "RELEASES",
    "SUBMISSIONS",
]

# One row an environment: the classification that it may hold; none: the lowest, and never set.
CEILINGS: Final = Table(
    "ceilings",
    METADATA,
    environment(primary_key=True),
    text("ceiling"),
    instant("since"),
)

COLLECTIONS: Final = Table(
    "collections",
    METADATA,
    big_id("collection_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("alias", String(64), nullable=False),
    text("title"),
    text("description"),
    Column("head_seq", BigInteger, nullable=False),  # the newest offer's
    instant("head_added"),  # and its date_added
    instant("created_at"),
    UniqueConstraint("environment", "uuid"),
    UniqueConstraint("environment", "alias"),
)

# Collections that the hub made for something: it offers in them what is there already, and nobody submits into them.
MADE_COLLECTIONS: Final = Table(
    "made_collections",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), primary_key=True, autoincrement=False),
    environment(),
    text("made_for"),
    text("audience"),  # who knows of it: `model.Audience`
    UniqueConstraint("environment", "made_for"),
)

# The parties that know of a collection of the audience `given`: from what they were first given in it, for ever.
AUDIENCES: Final = Table(
    "collection_audiences",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    text("party"),  # URI
    environment(),
    instant("since"),
    PrimaryKeyConstraint("collection_id", "party"),
)

SUBMISSIONS: Final = Table(
    "submissions",
    METADATA,
    big_id("submission_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    Column("party_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    text("actor"),
    text("on_behalf_of", nullable=True),
    instant("received_at"),
    blob("result"),  # the Receipt as JSON
    UniqueConstraint("environment", "uuid"),
)

# One for each environment, owner, object id and version: the one writer sees to it, and the self-test. Keys rise in the
# order of arrival, so that what arrives together stands together; only ``object_key`` falls anywhere (docs/adr/0045).
CONTRIBUTIONS: Final = Table(
    "contributions",
    METADATA,
    big_id("contribution_id"),
    environment(),
    Column("owner_id", BigInteger, ForeignKey("parties.party_id"), nullable=False),
    Column("object_key", BigInteger, nullable=False),  # `store.object_key`: finds, and proves nothing
    text("object_id"),
    Column("version", BigInteger, nullable=False),  # `modified`, else `created`, else the instant of arrival
    text("type"),
    Column("label_id", BigInteger, ForeignKey("labels.label_id"), nullable=False),
    blob("salt", nullable=True),  # none: purged, and its commitment opens no more
    Column("submission_id", BigInteger, ForeignKey("submissions.submission_id"), nullable=False),
    Column("versioned", Boolean, nullable=False),  # the object says `modified` itself
    Column("sealed", Boolean, nullable=False),
    text("origin_hub", nullable=True),  # of a contribution that came from another hub: its URI
    Column("origin_entry", BigInteger, nullable=True),  # and the entry in that hub's log
    blob("digest"),  # SHA-256 of the bytes: stays when they are purged
    blob("bytes", nullable=True),  # none: purged; last, so that SQLite reads the columns above without it
    Index("ix_contributions_object", "object_key", "owner_id"),
)

OFFERS: Final = Table(
    "offers",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    Column("offer_seq", BigInteger, nullable=False),  # dense, in commit order
    environment(),
    Column("label_id", BigInteger, nullable=False),  # 0: withdrawn by its owner, for nobody
    Column("contribution_id", BigInteger, ForeignKey("contributions.contribution_id"), nullable=False),
    Column("version", BigInteger, nullable=False),
    instant("date_added"),  # rises strictly; what lies between tells nothing (docs/adr/0072)
    Column("contested", Boolean, nullable=False),  # the collection holds another offer of this object id
    optional_instant("withdrawn_at"),
    PrimaryKeyConstraint("collection_id", "offer_seq"),
    Index("ix_offers_label", "collection_id", "label_id", "offer_seq"),
    Index("ix_offers_contribution", "contribution_id"),
    Index("ix_offers_added", "collection_id", "date_added", unique=True),
    # readers walk it in the order of its key: SQLite keeps the rows there instead of a second look away
    sqlite_with_rowid=False,
)
# The order of the rows that offering inserts.
OFFER_COLUMNS: Final = (
    "collection_id",
    "offer_seq",
    "environment",
    "label_id",
    "contribution_id",
    "version",
    "date_added",
    "contested",
    "withdrawn_at",
)

# How many offers a collection holds of each label: a reader's density, without counting.
LABEL_COUNTS: Final = Table(
    "label_counts",
    METADATA,
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    Column("label_id", BigInteger, nullable=False),
    environment(),
    Column("offers", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection_id", "label_id"),
)

_OF_TOTALS: Final = sql_text("kind = 'total'")

# Staged (log_idx is null) before the first byte leaves; integrated into the log within a second.
RELEASES: Final = Table(
    "releases",
    METADATA,
    big_id("release_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    instant("at"),
    text("kind"),  # objects, manifest, search, count, facet, total, total-again
    text("actor"),
    text("on_behalf_of", nullable=True),
    Column("profile_id", BigInteger, ForeignKey("profiles.profile_id"), nullable=False),
    text("party"),  # URI of the reader
    text("purpose"),
    Column("as_of", BigInteger, nullable=False),  # the log's size when it was decided: what was known then
    blob("slice_digest"),
    Column("collection_id", BigInteger, ForeignKey("collections.collection_id"), nullable=False),
    blob("filter"),  # JSON
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    blob("offers"),  # the sequences, delta-coded
    Column("log_idx", BigInteger, nullable=True),
    # what each owner's entry will tell, as `releases.Part`s in JSON; none: entered already, or to be looked up then
    blob("parts", nullable=True),
    ForeignKeyConstraint(["environment", "log_idx"], ["log_entries.environment", "log_entries.idx"]),
    Index("ix_releases_span", "collection_id", "first_seq", "last_seq"),
    Index("ix_releases_staged", "environment", "log_idx"),
    # what a party was told in totals is looked up for the next ones, and is little beside its pages
    Index("ix_releases_totals", "environment", "party", sqlite_where=_OF_TOTALS, postgresql_where=_OF_TOTALS),
)

# Of releases that hold what nothing but an emergency annex let out: which offers these are, and which annex it was.
RELEASED_UNDER: Final = Table(
    "released_under",
    METADATA,
    environment(),
    Column("release_id", BigInteger, ForeignKey("releases.release_id"), nullable=False),
    text("annex"),  # name/version#annex
    blob("offers"),  # the sequences, delta-coded
    PrimaryKeyConstraint("release_id", "annex"),
)
