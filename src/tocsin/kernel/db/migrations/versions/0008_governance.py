"""Bodies and motions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "governance_bodies",
        sa.Column("body_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dissolved", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_governance_bodies_environment_environments")
        ),
        sa.PrimaryKeyConstraint("body_id", name=op.f("pk_governance_bodies")),
        sa.UniqueConstraint("environment", "name", name=op.f("uq_governance_bodies_environment_name")),
    )
    op.create_table(
        "governance_motions",
        sa.Column("motion_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tabled_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("motion", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_governance_motions_environment_environments")
        ),
        sa.PrimaryKeyConstraint("motion_id", name=op.f("pk_governance_motions")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_governance_motions_environment_uuid")),
    )
    op.create_index("ix_governance_motions_pending", "governance_motions", ["environment", "status"])
