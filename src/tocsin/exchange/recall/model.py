"""What a recall orders, of whom, and what may be answered. Pure."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LimitError, TransitionError
from tocsin.exchange.stix.model.common import OBJECT_ID
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.parties.model import check_remark

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "ANSWERS",
    "CARRIED",
    "MAX_BACKUPS",
    "MAX_DUE",
    "MAX_OBJECTS",
    "RECALLS",
    "Answer",
    "Attestation",
    "Authority",
    "Demand",
    "Named",
    "Notice",
    "Order",
    "OurCopy",
    "Recall",
    "Recipient",
    "State",
    "asks_as_much",
    "check_attestation",
    "check_order",
    "reaches",
    "state_of",
]

# The collection in which recipients find their notices; nobody but the hub offers anything in it.
RECALLS: Final = "recalls"

# The releases that tell a reader which objects there are: counts name none, so there is nothing to give back.
CARRIED: Final = frozenset({"objects", "manifest", "search"})

# A recall that waits longer than a year for its first answer asks for nothing.
MAX_DUE: Final[Micros] = 366 * DAY
# Backups are kept for months; who keeps them for longer has an archive, and says so as what it is.
MAX_BACKUPS: Final[Micros] = 400 * DAY
# Objects of one recall: its entry names each of them. More are ordered back in several.
MAX_OBJECTS: Final = 5_000


_OBJECT_ID: Final = re.compile(OBJECT_ID, re.ASCII)


class Demand(enum.StrEnum):
    """What recipients are to do."""

    STOP_USING = "stop-using"
    DESTROY = "destroy"


class Authority(enum.StrEnum):
    """By what right something is recalled."""

    OWNER = "owner"  # it is the owner's
    AGREEMENT = "agreement"  # an agreement says so: the end of an annex, a lapse, a withdrawal
    MANDATE = "mandate"  # a body decided it


class OurCopy(enum.StrEnum):
    """What becomes of the hub's own copy."""

    KEEP = "keep"  # it stays on offer: others may go on reading it
    WITHDRAW = "withdraw"  # nobody receives it any more
    PURGE = "purge"  # and its content is destroyed, unless a legal hold keeps it

    def covers(self, other: OurCopy) -> bool:
        """Return whether this does all that another does."""
        return _STRENGTH.index(self) >= _STRENGTH.index(other)


_STRENGTH: Final = (OurCopy.KEEP, OurCopy.WITHDRAW, OurCopy.PURGE)


class Answer(enum.StrEnum):
    """What a recipient attests."""

    STOPPED = "stopped"  # it is used no more; enough where no more is asked
    DESTROYED = "destroyed"
    EXCEPT_BACKUPS = "destroyed-except-backups"  # until a date
    HELD = "held"  # kept under a legal hold, whose basis it names
    CANNOT = "cannot"  # because


class State(enum.StrEnum):
    """Where one recipient of a recall stands."""

    OPEN = "open"
    OVERDUE = "overdue"  # nothing was attested in time, or backups outlive the date that was given
    DONE = "done"
    BACKUPS = "backups"
    HELD = "held"
    CANNOT = "cannot"


# What may be attested after what: done is done, everything else may still get better, or turn out worse.
ANSWERS: Final[dict[Answer | None, frozenset[Answer]]] = {
    None: frozenset(Answer),
    Answer.STOPPED: frozenset(Answer),
    Answer.EXCEPT_BACKUPS: frozenset(Answer) - {Answer.STOPPED},
    Answer.HELD: frozenset(Answer),
    Answer.CANNOT: frozenset(Answer),
    Answer.DESTROYED: frozenset(),
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is recalled, from whom, why, and by when.

    ``contributions`` are numbers of contributions, of any owners. ``recipients``: only these parties (URIs), of those
    who received it; None: all. ``since`` and ``until``: only who received it in that time, the second exclusive.
    ``under``: only what an emergency annex (``name/version#annex``) alone let out to them, and they have no other way.
    """

    contributions: tuple[int, ...]
    demand: Demand
    due: Micros
    reason: str
    authority: Authority
    basis: str | None = (
        None  # ``agreement/version#clause``, or what else decides; nobody but owner and auditor reads it
    )
    ours: OurCopy
    recipients: frozenset[str] | None = None
    since: Micros | None = None
    until: Micros | None = None
    under: str | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of an object."""

    id: str
    version: Micros


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipient attested: ``until`` goes with backups, ``remark`` is the basis of a hold, or why it cannot."""

    answer: Answer
    until: Micros | None
    remark: str
    actor: str
    on_behalf_of: str | None
    at: Micros


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """One owner's objects, ordered back."""

    uuid: str
    owner: str  # URI
    authority: Authority
    basis: str | None
    reason: str
    demand: Demand
    due: Micros
    ours: OurCopy
    ordered_at: Micros
    actor: str
    on_behalf_of: str | None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A party that received what a recall is about, as owner and auditor see it."""

    notice: str
    party: str  # URI
    objects: int
    attested: Attestation | None
    state: State


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What one recipient is told: nothing of who else is, and not whose order it is.

    ``objects`` are those that the asker may be told of: what went to individuals only is named to those alone, and
    ``withheld`` counts the rest.
    """

    uuid: str
    demand: Demand
    due: Micros
    reason: str
    ordered_at: Micros
    objects: tuple[Named, ...]
    withheld: int
    attested: Attestation | None
    state: State


def check_order(order: Order, at: Micros) -> None:
    """Refuse an order that cannot be followed.

    Raises:
        InputError: it names nothing, gives no reason, or is due before it is made; LimitError: or too late.
    """
    if not order.contributions:
        raise InputError("a recall names what it calls back")
    if not check_remark(order.reason, "reason").strip():
        raise InputError("a recall has a reason", where="reason", todo="tell its recipients why, in a sentence")
    if order.basis is not None:
        check_remark(order.basis, "basis")
    if order.authority is not Authority.OWNER and order.basis is None:
        raise InputError("a recall that is not its owner's names what decides it", where="basis")
    if order.authority is Authority.OWNER and order.recipients is not None and order.ours is not OurCopy.KEEP:
        raise InputError(
            "what is called back from some of its recipients stays on offer for the others",
            where="ours",
            todo="call it back from everybody, or keep the hub's copy",
        )
    if order.due <= at:
        raise InputError("a recall leaves some time to follow it", where="by", todo="name a later day")
    if order.due - at > MAX_DUE:
        raise LimitError(
            f"a recall is due within {MAX_DUE // DAY} days",
            where="by",
            todo=f"name a day before {format_instant(at + MAX_DUE)[:10]}",
        )
    if order.demand is Demand.DESTROY and order.ours is OurCopy.WITHDRAW:
        raise InputError(
            "what is to be destroyed the hub destroys too, or goes on offering",
            where="ours",
            todo="let it purge its copy, or keep it for those whom the recall does not reach",
        )


def asks_as_much(earlier: Recall, later: Order | Recall) -> bool:
    """Return whether who was told of an earlier recall need not be told of a later one: nothing else is asked of it.

    A body's word beside the owner's is another, and is told as such. What an agreement calls back is never compared:
    each of its ends calls back what is left by itself.
    """
    if later.authority is Authority.AGREEMENT:
        return False
    asked, asks = ((one.authority, one.basis, one.due) for one in (earlier, later))
    return asked == asks and (earlier.demand is Demand.DESTROY or later.demand is Demand.STOP_USING)


def reaches(basis: str, objects: Collection[str]) -> bool:
    """Return whether a decision of this basis is about these objects: one that is an object's id is about it alone."""
    return _OBJECT_ID.fullmatch(basis) is None or set(objects) == {basis}


def check_attestation(
    answer: Answer, *, until: Micros | None, remark: str, at: Micros, demand: Demand, before: Answer | None
) -> None:
    """Refuse an attestation that says too little, or cannot follow the last one.

    Raises:
        InputError: a date, basis or reason is missing, or stands where none belongs. LimitError: the date is too far.
        TransitionError: something else was attested that this cannot follow.
    """
    check_remark(remark, "remark")
    if answer not in ANSWERS[before]:
        raise TransitionError(f"after {before} this cannot be attested", todo="nothing more is to be done")
    if answer is Answer.STOPPED and demand is Demand.DESTROY:
        raise InputError("it is to be destroyed, not only unused", where="answer", todo="attest what became of it")
    if answer is Answer.EXCEPT_BACKUPS and until is None:
        raise InputError(
            "the day on which the backups are gone is missing", where="until", todo="name it: --until 2027-03-01"
        )
    if answer is not Answer.EXCEPT_BACKUPS and until is not None:
        raise InputError(
            "only 'destroyed-except-backups' names the day on which the backups are gone",
            where="until",
            todo="leave it away",
        )
    if until is not None and until <= at:
        raise InputError("that day is over: attest that it is destroyed", where="until")
    if until is not None and until - at > MAX_BACKUPS:
        raise LimitError(
            f"backups are gone within {MAX_BACKUPS // DAY} days", where="until", todo="name an earlier day"
        )
    if answer in {Answer.HELD, Answer.CANNOT} and not remark.strip():
        what = "the basis of the hold" if answer is Answer.HELD else "why it cannot"
        raise InputError(f"this says {what}", where="remark", todo="say it in a sentence")


def state_of(attested: Attestation | None, *, due: Micros, at: Micros) -> State:
    """Return where a recipient stands at an instant."""
    if attested is None:
        return State.OPEN if at < due else State.OVERDUE
    if attested.answer is Answer.EXCEPT_BACKUPS:
        return State.BACKUPS if attested.until is None or at < attested.until else State.OVERDUE
    return _STATES[attested.answer]


_STATES: Final = {
    Answer.STOPPED: State.DONE,
    Answer.DESTROYED: State.DONE,
    Answer.HELD: State.HELD,
    Answer.CANNOT: State.CANNOT,
}
