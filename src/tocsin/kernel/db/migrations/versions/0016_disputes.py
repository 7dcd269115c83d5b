"""Disputes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "governance_disputes",
        sa.Column("dispute_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("dispute", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_governance_disputes_environment_environments")
        ),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_governance_disputes")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_governance_disputes_environment_uuid")),
    )
