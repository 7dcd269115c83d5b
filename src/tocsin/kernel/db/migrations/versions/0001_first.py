"""The first schema: every room's tables, each with its environment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "environments",
        sa.Column("environment", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_environments")),
        sa.UniqueConstraint("name", name=op.f("uq_environments_name")),
    )
    op.create_table(
        "agreements",
        sa.Column("agreement_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_agreements_environment_environments")
        ),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("environment", "name", "version", name=op.f("uq_agreements_environment_name_version")),
    )
    op.create_table(
        "bodies",
        sa.Column("body_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_bodies_environment_environments")
        ),
        sa.PrimaryKeyConstraint("body_id", name=op.f("pk_bodies")),
        sa.UniqueConstraint("environment", "digest", name=op.f("uq_bodies_environment_digest")),
    )
    op.create_table(
        "collections",
        sa.Column("collection_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_added", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_collections_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_collections")),
        sa.UniqueConstraint("environment", "alias", name=op.f("uq_collections_environment_alias")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_collections_environment_uuid")),
    )
    op.create_table(
        "hubs",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("founded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_hubs_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_hubs")),
    )
    op.create_table(
        "labels",
        sa.Column("label_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_labels_environment_environments")
        ),
        sa.PrimaryKeyConstraint("label_id", name=op.f("pk_labels")),
        sa.UniqueConstraint("environment", "digest", name=op.f("uq_labels_environment_digest")),
    )
    op.create_index(
        op.f("ix_labels_environment_owner_first_at"), "labels", ["environment", "owner", "first_at"], unique=False
    )
    op.create_table(
        "log_entries",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("concerns", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_log_entries_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", "idx", name=op.f("pk_log_entries")),
    )
    op.create_table(
        "log_heads",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_log_heads_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_log_heads")),
    )
    op.create_table(
        "parties",
        sa.Column("party_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_parties_environment_environments")
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_parties")),
        sa.UniqueConstraint("environment", "name", name=op.f("uq_parties_environment_name")),
        sa.UniqueConstraint("environment", "uri", name=op.f("uq_parties_environment_uri")),
    )
    op.create_table(
        "policy_epochs",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_policy_epochs_environment_environments")
        ),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_policy_epochs")),
    )
    op.create_table(
        "profiles",
        sa.Column("profile_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_profiles_environment_environments")
        ),
        sa.PrimaryKeyConstraint("profile_id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("environment", "digest", name=op.f("uq_profiles_environment_digest")),
    )
    op.create_table(
        "agreement_signatures",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("signatory", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.agreement_id"], name=op.f("fk_agreement_signatures_agreement_id_agreements")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_agreement_signatures_environment_environments")
        ),
        sa.PrimaryKeyConstraint("agreement_id", "party", name=op.f("pk_agreement_signatures")),
    )
    op.create_table(
        "label_counts",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("offers", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_label_counts_collection_id_collections")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_label_counts_environment_environments")
        ),
        sa.PrimaryKeyConstraint("collection_id", "label_id", name=op.f("pk_label_counts")),
    )
    op.create_table(
        "log_nodes",
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_log_nodes_environment_environments")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["log_heads.environment"], name=op.f("fk_log_nodes_environment_log_heads")
        ),
        sa.PrimaryKeyConstraint("environment", "level", "idx", name=op.f("pk_log_nodes")),
    )
    op.create_table(
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
    op.create_index("ix_releases_span", "releases", ["collection_id", "first_seq", "last_seq"], unique=False)
    op.create_index("ix_releases_staged", "releases", ["environment", "log_idx"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("submission_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_submissions_collection_id_collections")
        ),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_submissions_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_submissions_party_id_parties")),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_submissions_environment_uuid")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_users_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_users_party_id_parties")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("party_id", "name", name=op.f("uq_users_party_id_name")),
    )
    op.create_table(
        "verdicts",
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("slice_digest", sa.LargeBinary(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_verdicts_environment_environments")
        ),
        sa.ForeignKeyConstraint(["label_id"], ["labels.label_id"], name=op.f("fk_verdicts_label_id_labels")),
        sa.ForeignKeyConstraint(["profile_id"], ["profiles.profile_id"], name=op.f("fk_verdicts_profile_id_profiles")),
        sa.PrimaryKeyConstraint("profile_id", "slice_digest", "label_id", "action", name=op.f("pk_verdicts")),
    )
    op.create_table(
        "contributions",
        sa.Column("contribution_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body_id", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("submission_id", sa.BigInteger(), nullable=False),
        sa.Column("versioned", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("origin_hub", sa.Text(), nullable=True),
        sa.Column("origin_entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["body_id"], ["bodies.body_id"], name=op.f("fk_contributions_body_id_bodies")),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_contributions_environment_environments")
        ),
        sa.ForeignKeyConstraint(["label_id"], ["labels.label_id"], name=op.f("fk_contributions_label_id_labels")),
        sa.ForeignKeyConstraint(["owner_id"], ["parties.party_id"], name=op.f("fk_contributions_owner_id_parties")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.submission_id"], name=op.f("fk_contributions_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_contributions")),
        sa.UniqueConstraint(
            "environment",
            "owner_id",
            "object_id",
            "version",
            name=op.f("uq_contributions_environment_owner_id_object_id_version"),
        ),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_tokens_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_tokens_party_id_parties")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("environment", "digest", name=op.f("uq_tokens_environment_digest")),
    )
    op.create_table(
        "offers",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_seq", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("body_id", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
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
    )
    op.create_index("ix_offers_added", "offers", ["collection_id", "date_added"], unique=True)
    op.create_index("ix_offers_label", "offers", ["collection_id", "label_id", "offer_seq"], unique=False)
    op.create_index("ix_offers_object", "offers", ["collection_id", "object_id"], unique=False)
