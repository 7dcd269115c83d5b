"""The index of what is offered, and the searches that users keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the four tables; the index itself is made by whoever searches first."""
    op.create_table(
        "search_states",
        sa.Column("collection_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("indexed_seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_search_states_collection_id_collections"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_search_states_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_search_states")),
    )
    op.create_table(
        "search_facts",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_seq", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=True),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("seen_from", sa.BigInteger(), nullable=True),
        sa.Column("seen_until", sa.BigInteger(), nullable=True),
        sa.Column("confidence", sa.SmallInteger(), nullable=True),
        sa.Column("reliability", sa.String(length=1), nullable=True),
        sa.Column("credibility", sa.SmallInteger(), nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_search_facts_collection_id_collections"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_search_facts_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", "offer_seq", name=op.f("pk_search_facts")),
    )
    op.create_table(
        "search_postings",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_seq", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_search_postings_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", "term", "label_id", "offer_seq", name=op.f("pk_search_postings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "saved_searches",
        sa.Column("saved_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("query", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_saved_searches_collection_id_collections"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_saved_searches_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_saved_searches_party_id_parties")),
        sa.PrimaryKeyConstraint("saved_id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint(
            "environment",
            "party_id",
            "user_name",
            "name",
            name=op.f("uq_saved_searches_environment_party_id_user_name_name"),
        ),
    )
