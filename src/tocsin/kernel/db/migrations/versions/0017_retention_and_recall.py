"""Purges, reviews, legal holds; recalls, their notices and attestations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "purges",
        sa.Column("contribution_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("purged_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.contribution_id"], name=op.f("fk_purges_contribution_id_contributions")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_purges_environment_environments")
        ),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_purges")),
    )
    op.create_index("ix_purges_waiting", "purges", ["environment", "purged_at"])
    op.create_table(
        "retention_reviews",
        sa.Column("review_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("kept_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contribution_id"],
            ["contributions.contribution_id"],
            name=op.f("fk_retention_reviews_contribution_id_contributions"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_retention_reviews_environment_environments")
        ),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_retention_reviews")),
    )
    op.create_index("ix_retention_reviews_contribution", "retention_reviews", ["contribution_id"])
    op.create_index("ix_retention_reviews_open", "retention_reviews", ["environment", "decided_at"])
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_legal_holds_environment_environments")
        ),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_legal_holds")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_legal_holds_environment_uuid")),
    )
    op.create_table(
        "retention_places",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_retention_places_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", "rule", name=op.f("pk_retention_places")),
    )
    op.create_table(
        "recalls",
        sa.Column("recall_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_recalls_environment_environments")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["parties.party_id"], name=op.f("fk_recalls_owner_id_parties")),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_recalls")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_recalls_environment_uuid")),
    )
    op.create_index("ix_recalls_owner", "recalls", ["owner_id"])
    op.create_table(
        "recall_objects",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"],
            ["contributions.contribution_id"],
            name=op.f("fk_recall_objects_contribution_id_contributions"),
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_recall_objects_environment_environments")
        ),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.recall_id"], name=op.f("fk_recall_objects_recall_id_recalls")),
        sa.PrimaryKeyConstraint("contribution_id", "recall_id", name=op.f("pk_recall_objects")),
    )
    op.create_index("ix_recall_objects_recall", "recall_objects", ["recall_id"])
    op.create_table(
        "recall_notices",
        sa.Column("notice_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("contributions", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_recall_notices_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_recall_notices_party_id_parties")),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.recall_id"], name=op.f("fk_recall_notices_recall_id_recalls")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_recall_notices")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_recall_notices_environment_uuid")),
    )
    op.create_index("ix_recall_notices_party", "recall_notices", ["party_id"])
    op.create_index("ix_recall_notices_recall", "recall_notices", ["recall_id"])
    op.create_table(
        "recall_attestations",
        sa.Column("attestation_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("attested_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_recall_attestations_environment_environments")
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["recall_notices.notice_id"], name=op.f("fk_recall_attestations_notice_id_recall_notices")
        ),
        sa.PrimaryKeyConstraint("attestation_id", name=op.f("pk_recall_attestations")),
    )
    op.create_index("ix_recall_attestations_notice", "recall_attestations", ["notice_id"])
