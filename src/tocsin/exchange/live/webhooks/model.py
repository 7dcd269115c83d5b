"""Webhooks, what is sent to them, and when it is tried again: values and pure functions."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.model import MAX_QUERY_VALUES, Query
from tocsin.kernel.clock import DAY, SECOND, Micros
from tocsin.parties.model import check_purpose

__all__ = [
    "ATTEMPTS",
    "BATCH",
    "MAX_WEBHOOKS",
    "WEBHOOKS_OF_ONE",
    "Content",
    "Message",
    "MessageState",
    "Outcome",
    "Webhook",
    "WebhookState",
    "next_attempt",
]

# Each is looked for after every commit. A large partnership has some hundred members with one or two each.
MAX_WEBHOOKS: Final = 500
# Of one party: one for each system that acts on what it hears.
WEBHOOKS_OF_ONE: Final = 10
# Objects in one message, when they are sent: a message is kept small (Standard Webhooks, "Payload size").
BATCH: Final = 50
# The waits between attempts, of the specification's example schedule: three days in all.
_WAITS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS: Final = len(_WAITS) + 1
# A wait is longer by up to this share of it: what failed together is not tried again together.
_JITTER: Final = 0.25
# The longest wait that a receiver may ask for with `Retry-After`.
_MAX_RETRY_AFTER: Final[Micros] = DAY


class Content(enum.StrEnum):
    """What a message holds."""

    HINT = "hint"  # that there is something to fetch
    OBJECTS = "objects"  # the objects themselves


class WebhookState(enum.StrEnum):
    """Whether messages are sent."""

    ON = "on"
    DEAD = "dead"  # every attempt failed: an operator looks
    GONE = "gone"  # the receiver said that it wants no more (410)
    STOPPED = "stopped"  # who registered it may not do so any more: an operator who may takes it over


class MessageState(enum.StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a party wants to hear of what it may read, and as which reader.

    ``registrar`` is who answers for it, ``name@party``: who registered it, or resumed it last. What it is sent is
    released by them, on behalf of the party, and they must still be somebody who may register one.

    Raises:
        InputError: there is no such purpose, or too many types are named.
    """

    uuid: str
    party: str  # URI
    registrar: str
    collection: str  # UUID
    url: str
    purpose: str
    content: Content = Content.HINT
    types: frozenset[str] | None = None

    def __post_init__(self) -> None:
        check_purpose(self.purpose)
        if self.types is not None and not 0 < len(self.types) <= MAX_QUERY_VALUES:
            raise InputError(f"a webhook is for 1 to {MAX_QUERY_VALUES} types, or for all", where="types")

    @property
    def query(self) -> Query:
        """Return what it asks of its collection."""
        return Query(types=self.types)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message: the same id whenever it is tried, as long as it holds the same.

    ``offers`` are the numbers of what it holds; empty for a hint. ``upto`` is the place that counts as told when it was
    delivered.
    """

    uuid: str
    created_at: Micros
    upto: int
    offers: tuple[int, ...] = ()
    attempts: int = 0
    next_at: Micros | None = None  # None: it is not tried any more
    state: MessageState = MessageState.WAITING
    last_at: Micros | None = None
    outcome: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt: a status, or the word for why there is none."""

    status: int | None = None
    word: str = ""
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """Return whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  RFC 9110 §15.3

    @property
    def gone(self) -> bool:
        """Return whether the receiver wants no more."""
        return self.status == 410  # noqa: PLR2004  RFC 9110 §15.5.11

    def __str__(self) -> str:
        return self.word or str(self.status)


def next_attempt(attempts: int, *, now: Micros, retry_after: int | None, draw: int) -> Micros | None:
    """Return when to try again after so many attempts failed; None: not any more. ``draw`` is a random byte."""
    if attempts >= ATTEMPTS:
        return None
    wait: float = _WAITS[attempts - 1] * SECOND
    wait += wait * _JITTER * draw / 255
    asked = min((retry_after or 0) * SECOND, _MAX_RETRY_AFTER)
    return now + max(round(wait), asked)
