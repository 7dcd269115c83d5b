"""Each webhook names who answers for it: whoever registered it, or resumed it last, as the log tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Mapping

revision = "0006"
down_revision = "0005"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables anew: messages refer to webhooks, and are few."""
    connection = op.get_bind()
    kept = {name: _rows(connection, name) for name in ("webhooks", "webhook_messages")}
    registrars = _registrars(connection)
    for name in ("webhook_messages", "webhooks"):
        op.drop_table(name)
    webhooks, messages = _webhooks(), _messages()
    for row in kept["webhooks"]:
        # where the log was purged nobody answers: it stops until somebody resumes it
        registrar = registrars.get((row["environment"], row["uuid"]), "")
        connection.execute(webhooks.insert().values(registrar=registrar, **row))
    for row in kept["webhook_messages"]:
        connection.execute(messages.insert().values(**row))


def _rows(connection: sa.Connection, name: str) -> list[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(sa.text(f'SELECT * FROM "{name}"')).mappings()]


def _registrars(connection: sa.Connection) -> dict[tuple[int, str], str]:
    entries = sa.table("log_entries", *(sa.column(name) for name in ("environment", "idx", "kind", "payload")))
    told = connection.execute(
        sa.select(entries.c.environment, entries.c.payload)
        .where(entries.c.kind.in_(["webhook.added", "webhook.resumed"]), entries.c.payload.is_not(None))
        .order_by(entries.c.environment, entries.c.idx)
    )
    found: dict[tuple[int, str], str] = {}
    for environment, data in told:
        payload = json.loads(bytes(data))
        found[environment, payload["data"]["webhook"]] = payload["actor"]
    return found


def _webhooks() -> sa.Table:
    return op.create_table(
        "webhooks",
        sa.Column("webhook_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("registrar", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("types", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_webhooks_environment_environments")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name=op.f("fk_webhooks_party_id_parties")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name=op.f("fk_webhooks_collection_id_collections")
        ),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_webhooks_environment_uuid")),
    )


def _messages() -> sa.Table:
    table = op.create_table(
        "webhook_messages",
        sa.Column("message_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("environment", sa.SmallInteger(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("offers", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environments.environment"], name=op.f("fk_webhook_messages_environment_environments")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.webhook_id"], name=op.f("fk_webhook_messages_webhook_id_webhooks")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_webhook_messages")),
        sa.UniqueConstraint("environment", "uuid", name=op.f("uq_webhook_messages_environment_uuid")),
    )
    op.create_index("ix_webhook_messages_webhook", "webhook_messages", ["webhook_id", "message_id"])
    return table
