"""The classification ceiling is the hub's: one for all its processes. It begins as the lowest, with no row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "ceilings",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("ceiling", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_ceilings_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_ceilings")),
    )
