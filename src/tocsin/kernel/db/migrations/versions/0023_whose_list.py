"""Access requests and disputes say beside their bodies whose they are: a party's own are found without the others."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables anew: the columns are in every row."""
    requests = _kept("access_requests")
    made = _requests()
    for row in requests:
        body = json.loads(row["body"])
        op.get_bind().execute(made.insert().values(party=body["party"], owner=body["owner"], **row))
    disputes = _kept("governance_disputes")
    filed = _disputes()
    for row in disputes:
        body = json.loads(row["dispute"])
        whose = {"complainant": body["complainant"], "respondent": body["respondent"]}
        op.get_bind().execute(filed.insert().values(**whose, **row))
    op.create_index("ix_delegations_represented", "delegations", ["environment", "represented"])


def _kept(name: str) -> list[dict[str, Any]]:
    """Return the rows of a table, which is dropped."""
    rows = [dict(row) for row in op.get_bind().execute(sa.text(f'SELECT * FROM "{name}"')).mappings()]
    op.drop_table(name)
    return rows


def _requests() -> sa.Table:
    table = op.create_table(
        "access_requests",
        sa.Column("request_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        *_common("access_requests", "request_id"),
    )
    for name in ("party", "owner"):
        op.create_index(f"ix_access_requests_{name}", "access_requests", ["environment", name])
    return table


def _disputes() -> sa.Table:
    table = op.create_table(
        "governance_disputes",
        sa.Column("dispute_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("complainant", sa.Text(), nullable=False),
        sa.Column("respondent", sa.Text(), nullable=False),
        sa.Column("dispute", sa.LargeBinary(), nullable=False),
        *_common("governance_disputes", "dispute_id"),
    )
    for name in ("complainant", "respondent"):
        op.create_index(f"ix_governance_disputes_{name}", "governance_disputes", ["environment", name])
    return table


def _common(table: str, key: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f(f"fk_{table}_environment_environments")
        ),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("environment", "uuid", name=op.f(f"uq_{table}_environment_uuid")),
    )
