"""Postings refer to nothing: PostgreSQL looked up the environment of each, which was half of what indexing cost it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Drop the reference; SQLite makes the table anew for that, its rows in the order of their key."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_search_postings_environment_environments", "search_postings", type_="foreignkey")
        return
    postings = op.create_table(
        "new_search_postings",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_seq", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "term", "label_id", "offer_seq", name=op.f("pk_search_postings")),
        sqlite_with_rowid=False,
    )
    columns = [column.name for column in postings.columns]
    rows: sa.Select[*tuple[Any, ...]] = sa.select(*(sa.column(name) for name in columns))
    in_order = rows.select_from(sa.table("search_postings")).order_by(*(sa.column(name) for name in columns[:4]))
    op.execute(postings.insert().from_select(columns, in_order))
    op.drop_table("search_postings")
    op.rename_table("new_search_postings", "search_postings")
