"""Webhooks: registered and removed under a mandate, each act in the log; looked at by operators."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from tocsin.errors import ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.exchange.live.webhooks import store as webhooks
from tocsin.exchange.live.webhooks import wire
from tocsin.exchange.live.webhooks.model import (
    MAX_WEBHOOKS,
    WEBHOOKS_OF_ONE,
    Content,
    Outcome,
    Webhook,
    WebhookState,
)
from tocsin.exchange.live.webhooks.registrar import may_register
from tocsin.exchange.store import find_collection
from tocsin.kernel.http.outbound import UnreachableError, parse_target
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties.model import PartyStatus, check_remark
from tocsin.parties.register import require_party

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.exchange.live.webhooks.store import MessageRow, WebhookRow
    from tocsin.kernel.db import Store
    from tocsin.kernel.http.outbound import Outbound
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Secrets", "Webhooks", "webhook_data"]


class Secrets:
    """The secrets that messages are signed with: each is made of the hub's key and the webhook's id, and never stored.

    A copy of the database tells none of them; who has the hub's key has them all.
    """

    def __init__(self, *, key: bytes, environment: int) -> None:
        self._key = key
        # another text than that of tokens under the same key, which no token can be mistaken for
        self._domain = f"tocsin/webhook/v1\n{environment}\n".encode()

    def of(self, webhook: Webhook) -> bytes:
        """Return the 32 bytes of a webhook."""
        return hmac.digest(self._key, self._domain + webhook.uuid.encode(), hashlib.sha256)


class Webhooks:
    """The webhooks of one environment."""

    def __init__(
        self, *, store: Store, log: Log, secrets: Secrets, outbound: Outbound, entropy: Entropy, environment: int
    ) -> None:
        self._store = store
        self._log = log
        self._secrets = secrets
        self._outbound = outbound
        self._entropy = entropy
        self._environment = environment

    def add(
        self,
        acting: Acting,
        mandate: Mandate,
        party: str,
        *,
        url: str,
        purpose: str,
        collection: str,
        content: Content = Content.HINT,
        types: frozenset[str] | None = None,
    ) -> tuple[Webhook, str]:
        """Register where a party (by name) hears of what is offered from now on; returns the secret, this once.

        Who acts answers for what it is sent, for as long as they are an operator.

        Raises:
            ForbiddenError: the mandate is not for this, or who acts is no operator.
            NotFoundError: there is no such party or collection.
            InputError: the URL cannot be sent to, or the purpose is none.
            TransitionError: the party is not vetted.
            LimitError: it, or the hub, has too many.
        """
        mandate.require(self._log.environment_name, Right.WEBHOOK_ADD, party)
        self._require_allowed(url)  # asks the resolver, so not in the writer's turn
        with self._store.write() as connection:
            self._require_operator(connection, acting)
            row = require_party(connection, self._environment, party)
            if row.party.status is not PartyStatus.VETTED:
                raise TransitionError("this party is not vetted", where=party, todo="clear it first")
            present = webhooks.webhook_rows(connection, self._environment)
            own = sum(one.party_id == row.party_id for one in present)
            if own >= WEBHOOKS_OF_ONE or len(present) >= MAX_WEBHOOKS:
                raise LimitError(
                    f"a party has at most {WEBHOOKS_OF_ONE} webhooks, and a hub {MAX_WEBHOOKS}",
                    where=party,
                    todo="remove one",
                )
            found = find_collection(connection, self._environment, collection, party=row.party.uri)
            webhook = Webhook(
                uuid=new_uuid(self._entropy),
                party=row.party.uri,
                registrar=acting.actor,
                collection=found.uuid,
                url=url,
                purpose=purpose,
                content=content,
                types=types,
            )
            at = self._log.now(connection)
            webhooks.add_webhook(
                connection,
                self._environment,
                webhook,
                party_id=row.party_id,
                collection_id=found.id,
                place=found.head_seq,
                at=at,
            )
            self._log.append(
                connection,
                [
                    Record(
                        kind="webhook.added",
                        at=at,
                        acting=acting,
                        mandate=mandate,
                        concerns=(webhook.party,),
                        data=webhook_data(webhook),
                    )
                ],
            )
        return webhook, wire.secret_text(self._secrets.of(webhook))

    def _require_operator(self, connection: Connection, acting: Acting) -> None:
        if not may_register(connection, self._environment, acting.actor):
            raise ForbiddenError("only operators of the hub register webhooks", where=acting.actor)

    def _require_allowed(self, url: str) -> None:
        target = parse_target(url)
        try:
            self._outbound.require_allowed(target)
        except UnreachableError as error:
            raise InputError(
                f"we do not send there: {error}",
                where="url",
                todo="name a host of the public network, with https; TOCSIN_WEBHOOK_NETWORKS opens others",
            ) from error

    def remove(self, acting: Acting, mandate: Mandate, uuid: str, reason: str = "") -> Webhook:
        """Remove a webhook for good; what waits for it is not sent.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is none of this id.
        """
        mandate.require(self._log.environment_name, Right.WEBHOOK_REMOVE, uuid)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            row = self._require(webhooks.webhook_rows(connection, self._environment), uuid)
            at = self._log.now(connection)
            webhooks.remove_webhook(connection, row.webhook_id, at)
            data: dict[str, object] = {"webhook": uuid, "party": row.webhook.party, "reason": reason}
            concerns = (row.webhook.party,)
            self._log.append(
                connection,
                [Record(kind="webhook.removed", at=at, acting=acting, mandate=mandate, concerns=concerns, data=data)],
            )
        return row.webhook

    def resume(self, acting: Acting, mandate: Mandate, uuid: str) -> Webhook:
        """Send again to a webhook that was given up or stopped, beginning with what it was not told.

        Who resumes it answers for it from now on.

        Raises:
            ForbiddenError: the mandate is not for this, or who acts is no operator. NotFoundError: there is none of
            this id.
            TransitionError: it was not given up.
        """
        mandate.require(self._log.environment_name, Right.WEBHOOK_RESUME, uuid)
        with self._store.write() as connection:
            row = self._require(webhooks.webhook_rows(connection, self._environment), uuid)
            if row.state is WebhookState.ON:
                raise TransitionError("this webhook is sent to already", where=uuid)
            self._require_operator(connection, acting)
            webhooks.resume(connection, row.webhook_id, acting.actor)
            at = self._log.now(connection)
            data: dict[str, object] = {"webhook": uuid, "party": row.webhook.party}
            concerns = (row.webhook.party,)
            self._log.append(
                connection,
                [Record(kind="webhook.resumed", at=at, acting=acting, mandate=mandate, concerns=concerns, data=data)],
            )
        return row.webhook

    def all(self, party: str | None = None) -> list[WebhookRow]:
        """Return the webhooks of a party (by name), or of all, oldest first; removed ones are not among them.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            uri = None if party is None else require_party(connection, self._environment, party).party.uri
            return webhooks.webhook_rows(connection, self._environment, party=uri)

    def messages(self, uuid: str) -> list[MessageRow]:
        """Return the last messages to a webhook, newest first.

        Raises:
            NotFoundError: there is none of this id.
        """
        with self._store.read() as connection:
            row = self._require(webhooks.webhook_rows(connection, self._environment, removed=True), uuid)
            return webhooks.messages_of(connection, row.webhook_id)

    def test(self, uuid: str) -> Outcome:
        """Send a message that is about nothing, now and once; returns what came of it.

        Raises:
            NotFoundError: there is none of this id.
        """
        with self._store.read() as connection:
            row = self._require(webhooks.webhook_rows(connection, self._environment), uuid)
            at = self._log.now(connection)
        body = wire.write_test(row.webhook, row.alias, at)
        return send(self._outbound, self._secrets, row.webhook, f"msg_{new_uuid(self._entropy)}", body, at=at)

    def _require(self, rows: list[WebhookRow], uuid: str) -> WebhookRow:
        for row in rows:
            if row.webhook.uuid == uuid:
                return row
        raise NotFoundError("there is no such webhook", where=uuid[:80], todo="`tocsin webhook list` shows them")


def send(outbound: Outbound, secrets: Secrets, webhook: Webhook, id_: str, body: bytes, *, at: int) -> Outcome:
    """Send one message once, signed; whatever happens is an outcome."""
    headers = wire.signed_headers(secrets.of(webhook), id_, body, at=at)
    try:
        answer = outbound.post(parse_target(webhook.url), body, headers)
    except UnreachableError as error:
        return Outcome(word=str(error))
    return Outcome(status=answer.status, retry_after=answer.retry_after)


def webhook_data(webhook: Webhook) -> dict[str, object]:
    """Return what the log says of a webhook: all of it. Its secret is in no entry."""
    return {
        "webhook": webhook.uuid,
        "party": webhook.party,
        "collection": webhook.collection,
        "url": webhook.url,
        "purpose": webhook.purpose,
        "content": str(webhook.content),
        "types": None if webhook.types is None else sorted(webhook.types),
    }
