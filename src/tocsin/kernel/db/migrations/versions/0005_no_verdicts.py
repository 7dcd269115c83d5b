"""Verdicts are decided when they are asked for, and not stored."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop the table of verdicts: nothing in it says more than agreements, parties and labels do."""
    op.drop_table("verdicts")
