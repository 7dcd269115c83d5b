"""A review of an annex says on what mandate it was closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column; of reviews that are here nobody said."""
    op.add_column("annex_activations", sa.Column("reviewed_by", sa.Text(), nullable=True))
