"""Counting: the result of a vote as a pure function of the body as of the opening, the ballots and the recusals.

A recused seat counts as absent: not to the quorum that is there, not to the majority. The quorum that is needed is of
all seats as of the opening, recused ones too, so that nobody wins by having the others recused (see docs/adr).
"""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.governance.model.bodies import Abstentions, Side, Ties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.governance.model.bodies import Body

__all__ = ["YES", "Count", "Reason", "Tally", "count", "settled"]

YES: Final = "yes"
NO: Final = "no"
ABSTAIN: Final = "abstain"


class Reason(enum.StrEnum):
    """Why a motion passed or failed."""

    MAJORITY = "majority"
    CHAIR = "the chair decided the tie"
    NO_QUORUM = "no quorum"
    NO_QUORUM_RECUSED = "no quorum: too many seats are recused"
    NO_MAJORITY = "no majority"


class Count(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side, or all: seats, how many of them are recused and voted, and the weights of what they said."""

    seats: int = 0
    recused: int = 0
    voted: int = 0
    yes: int = 0
    no: int = 0
    abstained: int = 0


class Tally(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result: both sides counted apart, whatever the rule, and what came of it."""

    public: Count
    private: Count
    passed: bool
    reason: Reason


def count(electorate: Body, choices: Mapping[str, str], recused: frozenset[str]) -> Tally:
    """Return the result.

    Args:
        electorate: the body as of the opening, of seats whose term ran then.
        choices: by seat, ``yes``, ``no`` or ``abstain``; whoever did not vote is not in it.
        recused: the seats that take no part; what they said before counts no more.
    """
    public, private = (_counted(electorate, side, choices, recused) for side in Side)
    rule = electorate.rule
    if rule.dual:
        parts = [(public, Fraction(rule.public or 0)), (private, Fraction(rule.private or 0))]
    else:
        parts = [(_both(public, private), Fraction(rule.more_than or 0))]
    quorum = Fraction(rule.quorum)
    if not all(part.voted >= quorum * part.seats for part, _ in parts):
        lost = any(part.seats - part.recused < quorum * part.seats for part, _ in parts)
        reason, passed = Reason.NO_QUORUM_RECUSED if lost else Reason.NO_QUORUM, False
    elif all(_carries(part, share, rule.abstentions) for part, share in parts):
        reason, passed = Reason.MAJORITY, True
    elif _tied(parts[0][0], rule.abstentions) and _chair_says_yes(electorate, choices, recused):
        reason, passed = Reason.CHAIR, True
    else:
        reason, passed = Reason.NO_MAJORITY, False
    return Tally(public=public, private=private, passed=passed, reason=reason)


def settled(electorate: Body, choices: Mapping[str, str], recused: frozenset[str]) -> bool:
    """Return whether the seats that did not vote can no longer change the result, while those that did stand by it.

    By monotony two cases suffice: with yes from all of them it still fails; or it passes now and would with no from
    all of them. (One more no can make a quorum, so that it must pass without them, too.)
    """
    missing = [seat.name for seat in electorate.seats if seat.name not in choices and seat.name not in recused]
    best = count(electorate, {**choices, **dict.fromkeys(missing, YES)}, recused)
    worst = count(electorate, {**choices, **dict.fromkeys(missing, NO)}, recused)
    return not best.passed or (worst.passed and count(electorate, choices, recused).passed)


def _counted(electorate: Body, side: Side, choices: Mapping[str, str], recused: frozenset[str]) -> Count:
    seats = [seat for seat in electorate.seats if seat.side is side]
    there = [seat for seat in seats if seat.name not in recused and seat.name in choices]

    def weight(choice: str) -> int:
        return sum(seat.weight for seat in there if choices[seat.name] == choice)

    return Count(
        seats=len(seats),
        recused=sum(seat.name in recused for seat in seats),
        voted=len(there),
        yes=weight(YES),
        no=weight(NO),
        abstained=weight(ABSTAIN),
    )


def _both(one: Count, other: Count) -> Count:
    return Count(
        seats=one.seats + other.seats,
        recused=one.recused + other.recused,
        voted=one.voted + other.voted,
        yes=one.yes + other.yes,
        no=one.no + other.no,
        abstained=one.abstained + other.abstained,
    )


def _base(part: Count, abstentions: Abstentions) -> int:
    return part.yes + part.no + (part.abstained if abstentions is Abstentions.AGAINST else 0)


def _carries(part: Count, share: Fraction, abstentions: Abstentions) -> bool:
    return part.yes > share * _base(part, abstentions)


def _tied(part: Count, abstentions: Abstentions) -> bool:
    return part.yes > 0 and 2 * part.yes == _base(part, abstentions)


def _chair_says_yes(electorate: Body, choices: Mapping[str, str], recused: frozenset[str]) -> bool:
    chair = electorate.chair
    return (
        electorate.rule.ties is Ties.CHAIR and chair is not None and chair not in recused and choices.get(chair) == YES
    )
