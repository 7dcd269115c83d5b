"""Sanitised versions, their chains, and the pseudonyms of producers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables."""
    _chains()
    _versions()
    _pseudonyms()


def _chains() -> None:
    op.create_table(
        "sanitised_chains",
        sa.Column("chain_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("sanitised_id", sa.Text(), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_sanitised_chains_environment_environments")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["parties.party_id"], name=op.f("fk_sanitised_chains_owner_id_parties")),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_sanitised_chains")),
    )
    op.create_index("ix_sanitised_chains_object", "sanitised_chains", ["object_key", "owner_id"])
    op.create_index("ix_sanitised_chains_owner", "sanitised_chains", ["owner_id"])


def _versions() -> None:
    op.create_table(
        "sanitised",
        sa.Column("sanitised_key", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("tlp", sa.Text(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("approve", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("leaves_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("published_as", sa.BigInteger(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("draft", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_sanitised_environment_environments")
        ),
        sa.ForeignKeyConstraint(
            ["chain_id"], ["sanitised_chains.chain_id"], name=op.f("fk_sanitised_chain_id_sanitised_chains")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_sanitised_collection_id_collections")
        ),
        sa.PrimaryKeyConstraint("sanitised_key", name=op.f("pk_sanitised")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_sanitised_environment_uuid")),
    )
    op.create_index("ix_sanitised_chain", "sanitised", ["chain_id"])
    op.create_index("ix_sanitised_state", "sanitised", ["environment", "state"])


def _pseudonyms() -> None:
    op.create_table(
        "pseudonyms",
        sa.Column("pseudonym_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement", sa.String(length=64), nullable=False),
        sa.Column("tlp", sa.String(length=16), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_pseudonyms_environment_environments")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["parties.party_id"], name=op.f("fk_pseudonyms_owner_id_parties")),
        sa.PrimaryKeyConstraint("pseudonym_id", name=op.f("pk_pseudonyms")),
        sa.UniqueConstraint(
            "environment", "owner_id", "agreement", "tlp", name=op.f("uq_pseudonyms_environment_owner_id_agreement_tlp")
        ),
    )
