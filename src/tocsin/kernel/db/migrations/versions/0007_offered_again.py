"""Collections that are made for something, and who knows of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "made_collections",
        sa.Column("collection_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_made_collections_collection_id_collections"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_made_collections_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_made_collections")),
        sa.UniqueConstraint("environment", "made_for", name=op.f("uq_made_collections_environment_made_for")),
    )
    op.create_table(
        "collection_audiences",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_collection_audiences_collection_id_collections"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_collection_audiences_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", "party", name=op.f("pk_collection_audiences")),
    )
