"""What becomes of a version after it was signed: suspension, amendment, withdrawal, grace, attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def _of_version(table: str, *columns: sa.Column[object], key: tuple[str, ...]) -> None:
    """Make a table whose rows belong to a version of an agreement."""
    op.create_table(
        table,
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.agreement_id"], name=op.f(f"fk_{table}_agreement_id_agreements")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f(f"fk_{table}_environment_environments")
        ),
        sa.PrimaryKeyConstraint("agreement_id", *key, name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    """Add columns and tables; versions that are here were proposed as no amendment and signed with one key."""
    op.add_column("agreements", sa.Column("amends", sa.Integer(), nullable=True))
    op.add_column("agreements", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("agreement_signatures", sa.Column("ml_dsa_key", sa.Text(), nullable=True))
    op.add_column("agreement_signatures", sa.Column("ml_dsa_signature", sa.Text(), nullable=True))
    _of_version(
        "agreement_standings",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signatory", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("ml_dsa_key", sa.Text(), nullable=True),
        sa.Column("ml_dsa_signature", sa.Text(), nullable=True),
        key=("party", "act"),
    )
    _of_version(
        "agreement_graces",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("parties", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        key=("number",),
    )
    _of_version(
        "agreement_attachments",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("over", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        key=("sha256",),
    )
