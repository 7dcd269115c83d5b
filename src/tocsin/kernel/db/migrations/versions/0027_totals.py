"""Totals that a party was told: found without a look at every release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make the index of releases of that kind."""
    op.create_index(
        "ix_releases_totals",
        "releases",
        ["environment", "party"],
        sqlite_where=sa.text("kind = 'total'"),
        postgresql_where=sa.text("kind = 'total'"),
    )
