"""What emergency annexes let out, and whether what follows their end was carried out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the table, and the column."""
    op.create_table(
        "released_under",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("annex", sa.Text(), nullable=False),
        sa.Column("offers", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_released_under_environment_environments")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.release_id"], name=op.f("fk_released_under_release_id_releases")
        ),
        sa.PrimaryKeyConstraint("release_id", "annex", name=op.f("pk_released_under")),
    )
    op.add_column("annex_activations", sa.Column("settled", sa.BigInteger(), nullable=True))
