"""Emergency annexes: activations, calls of duty-holders, who is on duty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def _made(table: str, *columns: sa.Column[object], key: tuple[str, ...], of_version: bool = True) -> None:
    version: tuple[sa.Column[object] | sa.ForeignKeyConstraint, ...] = (
        (
            sa.Column("agreement_id", sa.BigInteger(), nullable=False),
            sa.Column("number", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(
                ["agreement_id"], ["agreements.agreement_id"], name=op.f(f"fk_{table}_agreement_id_agreements")
            ),
        )
        if of_version
        else ()
    )
    op.create_table(
        table,
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        *version,
        *columns,
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f(f"fk_{table}_environment_environments")
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    """Make the tables."""
    _made(
        "annex_activations",
        sa.Column("annex", sa.Text(), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("ratify_by", sa.BigInteger(), nullable=True),
        sa.Column("ratified", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("reviewed", sa.BigInteger(), nullable=True),
        key=("agreement_id", "number"),
    )
    _made(
        "annex_calls",
        sa.Column("annex", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("ml_dsa_key", sa.Text(), nullable=True),
        sa.Column("ml_dsa_signature", sa.Text(), nullable=True),
        key=("agreement_id", "number"),
    )
    _made(
        "duty",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        key=("environment", "party", "user"),
        of_version=False,
    )
