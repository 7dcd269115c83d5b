"""The courier: finds what webhooks are to be told, and sends it, once at least and in order.

A webhook has one message at a time. It is entered before it is sent, claimed for a while by whoever sends it, tried on
a schedule of days, and counts when the receiver said 2xx; only then does the webhook's place move on. Several processes
may each have a courier on one database.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import replace

from tocsin.errors import AuthenticationError, BusyError, NotFoundError, StoreAwayError
from tocsin.exchange.live.webhooks import store as webhooks
from tocsin.exchange.live.webhooks import wire
from tocsin.exchange.live.webhooks.model import (
    BATCH,
    Content,
    Message,
    MessageState,
    Outcome,
    WebhookState,
    next_attempt,
)
from tocsin.exchange.live.webhooks.registrar import may_register
from tocsin.exchange.live.webhooks.service import send
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import SECOND, Micros
from tocsin.kernel.http.problems import describe, surviving
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.exchange.live.webhooks.service import Secrets
    from tocsin.exchange.live.webhooks.store import MessageRow, WebhookRow
    from tocsin.exchange.reading import Reading
    from tocsin.kernel.db import Store
    from tocsin.kernel.http.outbound import Outbound
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

__all__ = ["COURIER_SECONDS", "Courier"]

# How often a process looks for what is to be told: seldom enough that a message tells no more than a page that is asked
# for each second.
COURIER_SECONDS: Final = 1.0
# Sent at once: each waits for somebody else's machine, and holds no more than a thread.
THREADS: Final = 4
# How long a message is the claim of who sends it: longer than one attempt may take, resolver included.
_LEASE: Final[Micros] = 120 * SECOND
# How long a message waits when the hub itself had no time to prepare it: what keeps it busy lasts seconds.
_PAUSE: Final[Micros] = 5 * SECOND

_log: Final = structlog.get_logger("tocsin.webhooks")


class Courier:
    """Sends the messages of one environment. ``turn`` returns at once; ``settle`` waits for what is under way."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        reading: Reading,
        secrets: Secrets,
        outbound: Outbound,
        entropy: Entropy,
        environment: int,
    ) -> None:
        self._store = store
        self._log = log
        self._reading = reading
        self._secrets = secrets
        self._outbound = outbound
        self._entropy = entropy
        self._environment = environment
        self._guard = threading.Condition()
        self._busy: Counter[int] = Counter()  # by party: one receiver that is slow takes one thread of its party's
        self._looked: dict[int, int] = {}  # up to which head nothing was found for a webhook
        self._pool: ThreadPoolExecutor | None = None

    def turn(self) -> None:
        """Enter what is to be told, and begin to send what is due."""
        with self._store.read() as connection:
            rows = webhooks.webhook_rows(connection, self._environment)
            if not rows:
                return
            waiting = webhooks.waiting(connection, self._environment)
            now = self._log.now(connection)
            standing = {
                one: may_register(connection, self._environment, one) for one in {row.webhook.registrar for row in rows}
            }
        for row in rows:
            if row.state is not WebhookState.ON:
                continue
            if not standing[row.webhook.registrar]:
                self._stop(row.webhook.uuid)
                continue
            message, due = waiting.get(row.webhook_id), now
            if message is None:
                try:
                    message = self._begin(row)
                except StoreAwayError:
                    return  # for all of them
                except BusyError as error:
                    # the next turn looks again; the others have theirs now
                    _log.warning("webhook", what=describe(error))
                # its instant is that of its own transaction, which is later than the one of this turn's look
                due = now if message is None else message.message.created_at
            if message is not None and message.message.next_at is not None and message.message.next_at <= due:
                self._dispatch(row, message)

    def settle(self) -> None:
        """Wait until nothing is under way."""
        with self._guard:
            self._guard.wait_for(lambda: not self._busy)

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        self.settle()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _stop(self, uuid: str) -> None:
        """Stop a webhook that nobody answers for any more, and say so: an operator who may resumes it."""
        with self._store.write() as connection:
            for row in webhooks.webhook_rows(connection, self._environment):
                if (row.webhook.uuid, row.state) == (uuid, WebhookState.ON) and not self._answered_for(connection, row):
                    webhooks.set_state(connection, row.webhook_id, WebhookState.STOPPED)
                    break
            else:
                return  # another process was quicker, or somebody may again
        _log.warning("webhook", webhook=uuid, what="stopped: who registered it is no operator any more")

    def _answered_for(self, connection: Connection, row: WebhookRow) -> bool:
        return may_register(connection, self._environment, row.webhook.registrar)

    # --- what is to be told ------------------------------------------------------------------------------------------

    def _begin(self, row: WebhookRow) -> MessageRow | None:
        if row.head_seq <= max(row.place, self._looked.get(row.webhook_id, 0)):
            return None
        try:
            head = self._ahead(row)
        except (AuthenticationError, NotFoundError):
            return None  # a party that may not read now hears nothing; its place waits for it
        if head is None:
            # as far as this process is concerned: another would look once more, and find as little
            self._looked[row.webhook_id] = row.head_seq
            return None
        with self._store.write() as connection:
            if row.webhook_id in webhooks.waiting(connection, self._environment):
                return None  # another process was quicker
            now = self._log.now(connection)
            message = Message(uuid=new_uuid(self._entropy), created_at=now, upto=head, next_at=now)
            webhooks.add_message(connection, self._environment, row.webhook_id, message)
            return webhooks.waiting(connection, self._environment)[row.webhook_id]

    def _ahead(self, row: WebhookRow) -> int | None:
        return self._reading.ahead(_asker(row), row.webhook.collection, row.webhook.query, place=row.place)

    # --- one attempt -------------------------------------------------------------------------------------------------

    def _dispatch(self, row: WebhookRow, message: MessageRow) -> None:
        with self._guard:
            if row.party_id in self._busy or self._busy.total() >= THREADS:
                return
            self._busy[row.party_id] += 1
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tocsin-webhook")
        self._pool.submit(self._attempt, row, message)

    def _attempt(self, row: WebhookRow, message: MessageRow) -> None:
        try:
            # whatever it was, the message is tried again when its claim ends
            with surviving(lambda what: _log.error("webhook", what=what)):
                self._send(message)
        finally:
            with self._guard:
                del self._busy[row.party_id]
                self._guard.notify_all()

    def _send(self, held: MessageRow) -> None:
        taken = self._claim(held)
        if taken is None:
            return
        row, claimed = taken
        try:
            message, body = self._body(row, claimed)
        except (AuthenticationError, NotFoundError):
            message, body = claimed, None
        except BusyError as error:
            _log.warning("webhook", what=describe(error))
            self._put_off(held, claimed)
            return
        if body is None:
            self._drop(held.message_id, claimed)
            return
        if message != claimed:
            # what is sent under this id is on record before it is sent: the same id never holds something else
            with self._store.write() as connection:
                if not webhooks.write_message(connection, held.message_id, message, instead_of=claimed):
                    return
        with self._store.read() as connection:
            at = self._log.now(connection)
        outcome = send(self._outbound, self._secrets, row.webhook, wire.message_id(message), body, at=at)
        self._record(row, held.message_id, message, outcome)

    def _claim(self, held: MessageRow) -> tuple[WebhookRow, Message] | None:
        """Take the message for ourselves for a while, and its webhook as it is now.

        None: another has it, or it waits no more, or nobody answers for the webhook: the next turn stops it.
        """
        with self._store.write() as connection:
            now = self._log.now(connection)
            if webhooks.waiting(connection, self._environment).get(held.webhook_id) != held:
                return None
            row = next(
                one for one in webhooks.webhook_rows(connection, self._environment) if one.webhook_id == held.webhook_id
            )
            if not self._answered_for(connection, row):
                return None
            claimed = replace(held.message, attempts=held.message.attempts + 1, next_at=now + _LEASE, last_at=now)
            webhooks.write_message(connection, held.message_id, claimed, instead_of=held.message)
        return row, claimed

    def _body(self, row: WebhookRow, message: Message) -> tuple[Message, bytes | None]:
        """Return the message and its bytes, decided by the rights of this moment; None: nothing is left to tell."""
        webhook, asker = row.webhook, _asker(row)
        if webhook.content is Content.HINT:
            if self._ahead(row) is None:
                return message, None
            return message, wire.write_hint(webhook, row.alias, message)
        collection = self._reading.collection(asker, webhook.collection)
        cursor = self._reading.seal(asker, collection, webhook.query, row.place)
        # what was offered since the first attempt is for the next message: this one may have arrived
        limit = len(message.offers) or BATCH
        answer = self._reading.objects(
            asker, webhook.collection, webhook.query, limit=limit, cursor=cursor, at_least=message.upto
        )
        if not answer.page.items:
            return message, None
        offers = tuple(item.seq for item in answer.page.items)
        if offers != message.offers:
            uuid = new_uuid(self._entropy) if message.offers else message.uuid
            message = replace(message, uuid=uuid, offers=offers, upto=offers[-1])
        return message, wire.write_objects(webhook, row.alias, message, answer.page.bodies)

    def _put_off(self, held: MessageRow, claimed: Message) -> None:
        """Leave a message as it was before it was claimed, for some seconds: nothing was sent, so nothing counts."""
        with self._store.write() as connection:
            later = replace(held.message, next_at=self._log.now(connection) + _PAUSE)
            webhooks.write_message(connection, held.message_id, later, instead_of=claimed)

    def _drop(self, message_id: int, claimed: Message) -> None:
        """Give up a message of which nothing is left: the next turn looks anew, from the same place."""
        with self._store.write() as connection:
            given_up = replace(claimed, state=MessageState.DEAD, next_at=None, outcome="nothing is left to tell")
            webhooks.write_message(connection, message_id, given_up, instead_of=claimed)

    def _record(self, row: WebhookRow, message_id: int, claimed: Message, outcome: Outcome) -> None:
        """Write what came of an attempt, unless its claim is no more: then what happened meanwhile stands."""
        with self._store.write() as connection:
            now = self._log.now(connection)
            message = replace(claimed, last_at=now, outcome=str(outcome))
            state: WebhookState | None = None
            if outcome.delivered:
                message = replace(message, state=MessageState.DELIVERED, next_at=None)
            else:
                draw = self._entropy.bytes(1)[0]
                again = next_attempt(message.attempts, now=now, retry_after=outcome.retry_after, draw=draw)
                if outcome.gone or again is None:
                    state = WebhookState.GONE if outcome.gone else WebhookState.DEAD
                    message = replace(message, state=MessageState.DEAD, next_at=None)
                else:
                    message = replace(message, next_at=again)
            if not webhooks.write_message(connection, message_id, message, instead_of=claimed):
                return
            if state is not None:
                webhooks.set_state(connection, row.webhook_id, state)
            if outcome.delivered:
                webhooks.move(connection, row.webhook_id, message.upto)


def _asker(row: WebhookRow) -> Asker:
    """Return the reader that a webhook is: its party's service, for its purpose, on whose behalf its registrar acts."""
    acting = Acting(actor=row.webhook.registrar).for_(row.party_name)
    return Asker(party=row.webhook.party, user=None, purpose=row.webhook.purpose, acting=acting)
