"""The risk registry and baselines, and members' figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "risk_records",
        sa.Column("record_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_risk_records_environment_environments")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_risk_records")),
        sa.UniqueConstraint("environment", "noun", "key", name=op.f("uq_risk_records_environment_noun_key")),
    )
    op.create_table(
        "risk_figures",
        sa.Column("figures_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_risk_figures_environment_environments")
        ),
        sa.PrimaryKeyConstraint("figures_id", name=op.f("pk_risk_figures")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_risk_figures_environment_uuid")),
    )
