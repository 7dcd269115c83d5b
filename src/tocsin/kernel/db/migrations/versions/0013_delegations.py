"""Who shares on behalf of whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "delegations",
        sa.Column("delegation_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("represented", sa.Text(), nullable=False),
        sa.Column("delegate", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=True),
        sa.Column("tlp", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("signatory", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_delegations_environment_environments")
        ),
        sa.PrimaryKeyConstraint("delegation_id", name=op.f("pk_delegations")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_delegations_environment_uuid")),
    )
    op.create_index("ix_delegations_delegate", "delegations", ["environment", "delegate", "represented"])
