"""Contributions hold their bytes, and are found by a number: keys that rise instead of keys that fall anywhere.

Releases that wait to be entered into the log know whose their offers are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

revision = "0002"
down_revision = "0001"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Rows that are moved at a time: their bytes are in memory meanwhile.
_STEP: Final = 1_000

_OLD: Final = (
    *("contribution_id", "environment", "owner_id", "object_id", "version", "type", "label_id", "salt"),
    *("submission_id", "versioned", "sealed", "origin_hub", "origin_entry"),
)


def upgrade() -> None:
    """Move what there is into the new tables."""
    connection = op.get_bind()
    for table, indices in _INDICES.items():
        _put_aside(connection, table, indices)
    contributions, offers, releases = _contributions(), _offers(), _releases()
    if connection.dialect.name == "postgresql":
        # it would be tried for everything above 2 kB, at the cost of intake, and JSON is compressed on the wire
        op.execute("ALTER TABLE contributions ALTER COLUMN bytes SET STORAGE EXTERNAL")
    for rows in _walk(connection):
        connection.execute(contributions.insert(), rows)
    for new in (offers, releases):
        columns = [column.name for column in new.columns if column.name != "parts"]
        kept: sa.Select[*tuple[Any, ...]] = sa.select(*(sa.column(name) for name in columns))
        op.execute(new.insert().from_select(columns, kept.select_from(sa.table(f"old_{new.name}"))))
    for name in ("old_offers", "old_contributions", "old_releases", "bodies"):
        op.drop_table(name)
    op.create_index("ix_contributions_object", "contributions", ["object_key", "owner_id"])
    op.create_index("ix_offers_label", "offers", ["collection_id", "label_id", "offer_seq"])
    op.create_index("ix_offers_contribution", "offers", ["contribution_id"])
    op.create_index("ix_offers_added", "offers", ["collection_id", "date_added"], unique=True)
    op.create_index("ix_releases_span", "releases", ["collection_id", "first_seq", "last_seq"])
    op.create_index("ix_releases_staged", "releases", ["environment", "log_idx"])


_INDICES: Final = {
    "contributions": (),
    "offers": ("ix_offers_added", "ix_offers_label", "ix_offers_object"),
    "releases": ("ix_releases_span", "ix_releases_staged"),
}


def _put_aside(connection: sa.Connection, table: str, indices: Iterable[str]) -> None:
    for index in indices:
        op.drop_index(index, table)
    if connection.dialect.name == "postgresql":
        # names of constraints are those of tables here, and are wanted again
        for key in sa.inspect(connection).get_foreign_keys(table):
            op.drop_constraint(str(key["name"]), table, type_="foreignkey")
    op.rename_table(table, f"old_{table}")
    if connection.dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_old_{table}")


def _contributions() -> sa.Table:
    return op.create_table(
        "contributions",
        sa.Column("contribution_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("submission_id", sa.BigInteger(), nullable=False),
        sa.Column("versioned", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("origin_hub", sa.Text(), nullable=True),
        sa.Column("origin_entry", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_contributions_environment_environments")
        ),
        sa.ForeignKeyConstraint(["label_id"], ["labels.label_id"], name=op.f("fk_contributions_label_id_labels")),
        sa.ForeignKeyConstraint(["owner_id"], ["parties.party_id"], name=op.f("fk_contributions_owner_id_parties")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.submission_id"], name=op.f("fk_contributions_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_contributions")),
    )


def _offers() -> sa.Table:
    return op.create_table(
        "offers",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_seq", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("date_added", sa.BigInteger(), nullable=False),
        sa.Column("contested", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_offers_collection_id_collections")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.contribution_id"], name=op.f("fk_offers_contribution_id_contributions")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_offers_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", "offer_seq", name=op.f("pk_offers")),
        sqlite_with_rowid=False,
    )


def _releases() -> sa.Table:
    return op.create_table(
        "releases",
        sa.Column("release_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("slice_digest", sa.LargeBinary(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("filter", sa.LargeBinary(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("offers", sa.LargeBinary(), nullable=False),
        sa.Column("log_idx", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_releases_collection_id_collections")
        ),
        sa.ForeignKeyConstraint(
            ["environment", "log_idx"],
            ["log_entries.environment", "log_entries.idx"],
            name=op.f("fk_releases_environment_log_idx_log_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_releases_environment_environments")
        ),
        sa.ForeignKeyConstraint(["profile_id"], ["profiles.profile_id"], name=op.f("fk_releases_profile_id_profiles")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_releases")),
    )


def _walk(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """Yield the contributions as they are to be, some at a time, in the order of their arrival."""
    old = sa.table("old_contributions", *(sa.column(name) for name in (*_OLD, "body_id")))
    bodies = sa.table("bodies", *(sa.column(name) for name in ("body_id", "digest", "bytes")))
    query = (
        sa.select(*(old.c[name] for name in _OLD), bodies.c.digest, bodies.c.bytes)
        .join(bodies, bodies.c.body_id == old.c.body_id)
        .order_by(old.c.contribution_id)
        .limit(_STEP)
    )
    last = 0
    while rows := connection.execute(query.where(old.c.contribution_id > last)).mappings().all():
        yield [dict(row) | {"object_key": _key(row["environment"], row["object_id"])} for row in rows]
        last = rows[-1]["contribution_id"]


def _key(environment: int, object_id: str) -> int:
    # as the program computed it when this version was made
    text = b"%d/%b" % (environment, object_id.encode())
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)
