"""Rows of webhooks and of their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import delete, func, select, update

from tocsin.exchange.live.webhooks.model import Content, Message, MessageState, Webhook, WebhookState
from tocsin.exchange.live.webhooks.tables import WEBHOOK_MESSAGES, WEBHOOKS
from tocsin.exchange.releases import decode_offers, encode_offers
from tocsin.exchange.tables import COLLECTIONS
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import next_id
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = [
    "KEPT_MESSAGES",
    "MessageRow",
    "WebhookRow",
    "add_message",
    "add_webhook",
    "messages_of",
    "move",
    "remove_webhook",
    "resume",
    "set_state",
    "waiting",
    "webhook_rows",
    "write_message",
]

# Of one webhook: some days of them, for who looks into what went wrong.
KEPT_MESSAGES: Final = 100


class WebhookRow(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, how far it was told, and the names of what it is about."""

    webhook_id: int
    webhook: Webhook
    party_id: int
    party_name: str
    alias: str
    head_seq: int  # of its collection
    state: WebhookState
    place: int
    created_at: Micros
    removed_at: Micros | None


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message and its numbers."""

    message_id: int
    webhook_id: int
    message: Message


def add_webhook(
    connection: Connection,
    environment: int,
    webhook: Webhook,
    *,
    party_id: int,
    collection_id: int,
    place: int,
    at: int,
) -> None:
    """Enter a webhook that begins behind a place."""
    connection.execute(
        WEBHOOKS.insert().values(
            webhook_id=next_id(connection, WEBHOOKS.c.webhook_id),
            environment=environment,
            uuid=webhook.uuid,
            party_id=party_id,
            registrar=webhook.registrar,
            collection_id=collection_id,
            url=webhook.url,
            purpose=webhook.purpose,
            content=webhook.content,
            types=None if webhook.types is None else msgspec.json.encode(sorted(webhook.types)),
            state=WebhookState.ON,
            place=place,
            created_at=at,
            removed_at=None,
        )
    )


def webhook_rows(
    connection: Connection, environment: int, *, party: str | None = None, removed: bool = False
) -> list[WebhookRow]:
    """Return webhooks, oldest first: of one party (its URI) or of all, and the removed ones if they are asked for."""
    query = (
        select(
            WEBHOOKS,
            PARTIES.c.uri,
            PARTIES.c.name.label("party_name"),
            COLLECTIONS.c.uuid.label("collection"),
            COLLECTIONS.c.alias,
            COLLECTIONS.c.head_seq,
        )
        .join(PARTIES, PARTIES.c.party_id == WEBHOOKS.c.party_id)
        .join(COLLECTIONS, COLLECTIONS.c.collection_id == WEBHOOKS.c.collection_id)
        .where(WEBHOOKS.c.environment == environment)
        .order_by(WEBHOOKS.c.webhook_id)
    )
    if party is not None:
        query = query.where(PARTIES.c.uri == party)
    if not removed:
        query = query.where(WEBHOOKS.c.removed_at.is_(None))
    return [_webhook(row) for row in connection.execute(query)]


def _webhook(row: Row[Any]) -> WebhookRow:
    return WebhookRow(
        webhook_id=row.webhook_id,
        webhook=Webhook(
            uuid=row.uuid,
            party=row.uri,
            registrar=row.registrar,
            collection=row.collection,
            url=row.url,
            purpose=row.purpose,
            content=Content(row.content),
            types=None if row.types is None else frozenset(msgspec.json.decode(row.types)),
        ),
        party_id=row.party_id,
        party_name=row.party_name,
        alias=row.alias,
        head_seq=row.head_seq,
        state=WebhookState(row.state),
        place=row.place,
        created_at=row.created_at,
        removed_at=row.removed_at,
    )


def set_state(connection: Connection, webhook_id: int, state: WebhookState) -> None:
    """Say whether messages are sent to a webhook."""
    connection.execute(update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id).values(state=state))


def resume(connection: Connection, webhook_id: int, registrar: str) -> None:
    """Have messages sent to a webhook again, for which somebody answers from now on."""
    connection.execute(
        update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id).values(state=WebhookState.ON, registrar=registrar)
    )


def move(connection: Connection, webhook_id: int, place: int) -> None:
    """Say that everything up to a place was told; never back."""
    connection.execute(
        update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id, WEBHOOKS.c.place < place).values(place=place)
    )


def remove_webhook(connection: Connection, webhook_id: int, at: Micros) -> None:
    """Remove a webhook, and give up what waits for it."""
    connection.execute(update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id).values(removed_at=at))
    connection.execute(
        update(WEBHOOK_MESSAGES)
        .where(WEBHOOK_MESSAGES.c.webhook_id == webhook_id, WEBHOOK_MESSAGES.c.state == MessageState.WAITING)
        .values(state=MessageState.DEAD, next_at=None)
    )


# --- messages --------------------------------------------------------------------------------------------------------


def add_message(connection: Connection, environment: int, webhook_id: int, message: Message) -> None:
    """Enter a message, and forget the oldest that are no longer waiting."""
    connection.execute(
        WEBHOOK_MESSAGES.insert().values(
            message_id=next_id(connection, WEBHOOK_MESSAGES.c.message_id),
            environment=environment,
            webhook_id=webhook_id,
            created_at=message.created_at,
            **_columns(message),
        )
    )
    kept = (
        select(WEBHOOK_MESSAGES.c.message_id)
        .where(WEBHOOK_MESSAGES.c.webhook_id == webhook_id)
        .order_by(WEBHOOK_MESSAGES.c.message_id.desc())
        .limit(1)
        .offset(KEPT_MESSAGES - 1)
        .scalar_subquery()
    )
    connection.execute(
        delete(WEBHOOK_MESSAGES).where(
            WEBHOOK_MESSAGES.c.webhook_id == webhook_id,
            WEBHOOK_MESSAGES.c.message_id < func.coalesce(kept, 0),
            WEBHOOK_MESSAGES.c.state != MessageState.WAITING,
        )
    )


def write_message(connection: Connection, message_id: int, message: Message, *, instead_of: Message) -> bool:
    """Put what became of a message in the place of what was known, and return whether it still was as known.

    A message that waits no more, or that somebody claimed since (its attempts or the end of its claim are others), is
    left as it is.
    """
    done = connection.execute(
        update(WEBHOOK_MESSAGES)
        .where(
            WEBHOOK_MESSAGES.c.message_id == message_id,
            WEBHOOK_MESSAGES.c.state == MessageState.WAITING,
            WEBHOOK_MESSAGES.c.attempts == instead_of.attempts,
            WEBHOOK_MESSAGES.c.next_at == instead_of.next_at,
        )
        .values(**_columns(message))
    )
    return done.rowcount > 0


def _columns(message: Message) -> dict[str, Any]:
    return {
        "uuid": message.uuid,
        "upto": message.upto,
        "offers": encode_offers(message.offers),
        "attempts": message.attempts,
        "state": message.state,
        "next_at": message.next_at,
        "last_at": message.last_at,
        "outcome": message.outcome,
    }


def waiting(connection: Connection, environment: int) -> dict[int, MessageRow]:
    """Return the message that waits, by webhook: there is one at most."""
    rows = connection.execute(
        select(WEBHOOK_MESSAGES).where(
            WEBHOOK_MESSAGES.c.environment == environment, WEBHOOK_MESSAGES.c.state == MessageState.WAITING
        )
    )
    return {row.webhook_id: _message(row) for row in rows}


def messages_of(connection: Connection, webhook_id: int, limit: int = KEPT_MESSAGES) -> list[MessageRow]:
    """Return the messages of a webhook that are kept, newest first."""
    rows = connection.execute(
        select(WEBHOOK_MESSAGES)
        .where(WEBHOOK_MESSAGES.c.webhook_id == webhook_id)
        .order_by(WEBHOOK_MESSAGES.c.message_id.desc())
        .limit(limit)
    )
    return [_message(row) for row in rows]


def _message(row: Row[Any]) -> MessageRow:
    return MessageRow(
        message_id=row.message_id,
        webhook_id=row.webhook_id,
        message=Message(
            uuid=row.uuid,
            created_at=row.created_at,
            upto=row.upto,
            offers=tuple(decode_offers(row.offers)),
            attempts=row.attempts,
            next_at=row.next_at,
            state=MessageState(row.state),
            last_at=row.last_at,
            outcome=row.outcome,
        ),
    )
