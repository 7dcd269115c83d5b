"""Tokens that act in one capacity of their party's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column; tokens that are here were bound to none."""
    op.add_column("tokens", sa.Column("capacity", sa.Text(), nullable=True))
