"""Delegations may be signed with two keys, as agreements and ballots are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the columns; delegations that are here were signed with one key."""
    op.add_column("delegations", sa.Column("ml_dsa_key", sa.Text(), nullable=True))
    op.add_column("delegations", sa.Column("ml_dsa_signature", sa.Text(), nullable=True))
