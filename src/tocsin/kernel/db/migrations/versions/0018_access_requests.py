"""Who asked for what, and what was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "access_requests",
        sa.Column("request_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_access_requests_environment_environments")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_access_requests")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_access_requests_environment_uuid")),
    )
