"""Bodies: who sits in them, what they may decide, and how they decide it. Pure."""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import ANY_SUBJECT, Right
from tocsin.parties.model import check_name, check_remark, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MAX_BODIES",
    "MAX_DEPUTIES",
    "MAX_SEATS",
    "MAX_WEIGHT",
    "Abstentions",
    "Body",
    "BodyKind",
    "Closing",
    "Rule",
    "Seat",
    "Side",
    "Ties",
    "check_bodies",
    "holder_of",
    "parties_of",
    "rank_of",
    "withheld",
]

# All of them are read for every privileged act; the largest partnership has a council, its advisers and task forces.
MAX_BODIES: Final = 100
# The largest council that still decides anything has some dozens.
MAX_SEATS: Final = 200
MAX_DEPUTIES: Final = 10
# Enough to weigh seats by some share of a budget; small enough that sums stay exact everywhere.
MAX_WEIGHT: Final = 10_000
# Rights whose subject is a body.
_OVER_BODIES: Final = (Right.BODY_CHANGE, Right.BODY_DISSOLVE)


class BodyKind(enum.StrEnum):
    """What a body is called in the partnership; its rights say what it may do."""

    COORDINATING = "coordinating-body"
    ADVISORY = "advisory-council"
    TASK_FORCE = "task-force"
    CRISIS = "crisis-council"
    LIAISON = "liaison-office"


class Side(enum.StrEnum):
    """For whom a seat speaks: a dual majority counts the two apart."""

    PUBLIC = "public"
    PRIVATE = "private"


class Abstentions(enum.StrEnum):
    """What an abstention counts as, beside being present."""

    IGNORED = "ignored"  # the majority is of those who said yes or no
    AGAINST = "against"  # the majority is of all who voted


class Ties(enum.StrEnum):
    """What half yes and half no is."""

    FAIL = "fail"
    CHAIR = "chair"  # passed if the chair said yes


class Closing(enum.StrEnum):
    """When a motion is closed before its deadline."""

    ALL_VOTED = "all-voted"
    SETTLED = "settled"  # as soon as those who have not voted cannot change the result


class Seat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One seat. ``holder`` is a party's name (each of its signatories speaks for it) or one user, ``user@party``.

    ``deputies`` are users in their order. The term runs from ``starts`` to ``ends`` (exclusive).
    """

    name: str
    side: Side
    holder: str
    deputies: tuple[str, ...] = ()
    weight: int = 1
    starts: Micros = 0
    ends: Micros | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "seat")
        parse_reference(self.holder)
        for deputy in self.deputies:
            if parse_reference(deputy)[1] is None:
                raise InputError("a deputy is a person", where=deputy, todo="write user@party")
        people = (self.holder, *self.deputies)
        if len(set(people)) < len(people) or len(self.deputies) > MAX_DEPUTIES:
            raise InputError(f"a seat has at most {MAX_DEPUTIES} deputies, nobody twice", where=self.name)
        if not 1 <= self.weight <= MAX_WEIGHT:
            raise InputError(f"the weight of a seat is from 1 to {MAX_WEIGHT}", where=self.name)
        if self.ends is not None and self.ends <= self.starts:
            raise InputError("its term ends before it begins", where=self.name)

    def in_term(self, at: Micros) -> bool:
        """Return whether the seat's term runs at an instant."""
        return self.starts <= at and (self.ends is None or at < self.ends)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a body decides. Shares are exact, written as fractions: ``1/2``.

    ``quorum``: at least this share of all seats votes. ``more_than``: yes has more than this share of the weights that
    count. With ``public`` and ``private`` instead, quorum and majority must be reached on each side by itself.
    """

    quorum: str
    more_than: str | None = None
    public: str | None = None
    private: str | None = None
    abstentions: Abstentions = Abstentions.IGNORED
    ties: Ties = Ties.FAIL
    closes: Closing = Closing.ALL_VOTED

    def __post_init__(self) -> None:
        if not 0 < _share(self.quorum) <= 1:
            raise InputError("a quorum is more than 0 and at most 1", todo="half of all seats is 0.5")
        both = (self.public, self.private)
        if (self.more_than is None) is (both == (None, None)) or both.count(None) == 1:
            raise InputError("a majority is one share, or one for each of public and private")
        for share in (self.more_than, *both):
            if share is not None and not Fraction(1, 2) <= _share(share) < 1:
                raise InputError(
                    "a majority is more than a share from 0.5 to below 1", todo="two thirds is more than 0.666666"
                )
        if self.ties is Ties.CHAIR and self.more_than != "1/2":
            raise InputError("the chair decides ties of one majority of half only")

    @property
    def dual(self) -> bool:
        """Return whether public and private are counted apart."""
        return self.more_than is None


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body: its seats, the rights that it alone holds, and its rule. ``ends``: a task force's last instant."""

    name: str
    kind: BodyKind
    title: str
    seats: tuple[Seat, ...]
    rule: Rule
    rights: tuple[Right, ...] = ()
    chair: str | None = None
    ends: Micros | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "body")
        if not check_remark(self.title, "title").strip():
            raise InputError("a body has a title", where=self.name)
        if not 1 <= len(self.seats) <= MAX_SEATS or len({seat.name for seat in self.seats}) < len(self.seats):
            raise InputError(f"a body has 1 to {MAX_SEATS} seats, each of a name of its own", where=self.name)
        _check_speakers(self.name, self.seats)
        if list(self.rights) != sorted(set(self.rights)):
            raise InputError("rights stand once and in their order", where=self.name)
        if self.chair is not None and self.seat(self.chair) is None:
            raise InputError("its chair is none of its seats", where=self.name)
        if self.rule.ties is Ties.CHAIR and self.chair is None:
            raise InputError("ties are the chair's, and there is none", where=self.name)
        if self.rule.dual and {seat.side for seat in self.seats} != set(Side):
            raise InputError("a dual majority needs seats of both sides", where=self.name)

    def seat(self, name: str) -> Seat | None:
        """Return a seat by its name."""
        return next((seat for seat in self.seats if seat.name == name), None)

    def stands(self, at: Micros) -> bool:
        """Return whether the body can decide at an instant: its own time runs, and that of a seat."""
        return (self.ends is None or at < self.ends) and any(seat.in_term(at) for seat in self.seats)

    def as_of(self, at: Micros) -> Body:
        """Return the body with the seats whose term runs; the chair too may be gone.

        Raises:
            InputError: nobody is left who could decide by its rule.
        """
        seats = tuple(seat for seat in self.seats if seat.in_term(at))
        chair = self.chair if any(seat.name == self.chair for seat in seats) else None
        # without a chair a tie fails
        rule = self.rule if chair is not None else msgspec.structs.replace(self.rule, ties=Ties.FAIL)
        return msgspec.structs.replace(self, seats=seats, chair=chair, rule=rule)


def _check_speakers(name: str, seats: Sequence[Seat]) -> None:
    """Refuse somebody who would speak for two seats of a body.

    Raises:
        InputError: somebody would; says who.
    """
    speakers = [person for seat in seats for person in (seat.holder, *seat.deputies)]
    if len(set(speakers)) < len(speakers):
        raise InputError("nobody sits, or stands in, on two seats of a body", where=name)
    # a party's signatories speak for its seat, each of them: none of them sits on another one as well
    holders = {seat.holder: seat.name for seat in seats if "@" not in seat.holder}
    for seat in seats:
        for person in (seat.holder, *seat.deputies):
            if "@" in person and holders.get(person.rpartition("@")[2], seat.name) != seat.name:
                raise InputError(
                    f"{person} speaks for the seat that their party holds",
                    where=name,
                    todo="seat persons by name where a party has more than one seat",
                )


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        share = None
    if share is None or str(share) != text:
        raise InputError(f"{text[:40]!r} is no share", todo="write it as a fraction in lowest terms, like 1/2")
    return share


def rank_of(seat: Seat, person: str) -> int | None:
    """Return how a person (``user@party``) stands to a seat: 0 holds it, 1 is the first deputy; None: neither."""
    if person == seat.holder or ("@" not in seat.holder and person.rpartition("@")[2] == seat.holder):
        # whom the seat names as a deputy stays one, though they are of the party that holds it
        return 0 if person not in seat.deputies else seat.deputies.index(person) + 1
    return seat.deputies.index(person) + 1 if person in seat.deputies else None


def holder_of(bodies: Mapping[str, Body], right: Right, subject: str, at: Micros) -> str | None:
    """Return the name of the body that holds a right over a subject, or None: it is the founding body's.

    A body that holds rights is changed and dissolved by its own motion, unless another body was given that right.
    When the time of all its seats has run out nobody could move that, and it falls back: that of a body that holds the
    very right to change bodies, too, over itself.
    """
    own = bodies.get(subject) if right in _OVER_BODIES else None
    for body in bodies.values():
        if right in body.rights and (body is not own or own.stands(at)):
            return body.name
    if own is not None and own.rights and own.stands(at):
        return own.name
    return None


def withheld(bodies: Mapping[str, Body], at: Micros) -> frozenset[tuple[Right, str]]:
    """Return what the founding mandate lacks: each right and subject that a body holds."""
    given = {(right, ANY_SUBJECT) for body in bodies.values() for right in body.rights if right not in _OVER_BODIES}
    return frozenset(given) | {
        (right, body.name)
        for body in bodies.values()
        for right in _OVER_BODIES
        if holder_of(bodies, right, body.name, at) is not None
    }


def check_bodies(bodies: Iterable[Body]) -> None:
    """Refuse bodies that cannot stand beside each other.

    Raises:
        InputError: there are too many, or two hold the same right.
    """
    present = list(bodies)
    if len(present) > MAX_BODIES:
        raise InputError(f"a hub has at most {MAX_BODIES} bodies", todo="dissolve those whose work is done")
    holder: dict[Right, str] = {}
    for body in present:
        for right in body.rights:
            if right in holder:
                raise InputError(
                    f"{right} is held by {holder[right]} already", where=body.name, todo="take it from that body first"
                )
            holder[right] = body.name


def parties_of(body: Body, at: Micros | None = None) -> tuple[str, ...]:
    """Return the short names of the parties whose people sit in a body or stand in, sorted; ``at``: at an instant."""
    seats = [seat for seat in body.seats if at is None or seat.in_term(at)]
    people = {person for seat in seats for person in (seat.holder, *seat.deputies)}
    return tuple(sorted({person.rpartition("@")[2] for person in people}))
