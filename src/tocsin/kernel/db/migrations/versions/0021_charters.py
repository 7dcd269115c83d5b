"""Charters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "governance_charters",
        sa.Column("charter_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("charter", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_governance_charters_environment_environments")
        ),
        sa.PrimaryKeyConstraint("charter_id", name=op.f("pk_governance_charters")),
        sa.UniqueConstraint("environment", "name", name=op.f("uq_governance_charters_environment_name")),
    )
