"""Disputes: their life as one table, each stage with a clock. Pure."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.kernel.clock import DAY, Micros
from tocsin.parties.model import check_remark

__all__ = [
    "CLOCKS",
    "DISPUTE_TRANSITIONS",
    "URGENT_CLOCKS",
    "Appeal",
    "Decision",
    "Dispute",
    "DisputeAct",
    "DisputeKind",
    "DisputeStatus",
    "Outcome",
    "clock_of",
    "next_dispute_status",
]


class DisputeKind(enum.StrEnum):
    """What is disputed."""

    COMPLAINT = "complaint"
    SUSPENSION = "suspension"  # an appeal against one's own
    LABEL = "label"
    ATTRIBUTION = "attribution"


class DisputeStatus(enum.StrEnum):
    """Where a dispute stands."""

    FILED = "filed"
    MEDIATION = "mediation"
    DECIDED = "decided"  # by the first instance; it can be appealed
    APPEALED = "appealed"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    FINAL = "final"


class DisputeAct(enum.StrEnum):
    """What moves a dispute from one status to another."""

    MEDIATE = "mediate"
    OFFER = "offer to settle"
    SETTLE = "settle"
    WITHDRAW = "withdraw"
    DECIDE = "decide"
    APPEAL = "appeal"
    CONCLUDE = "conclude"


DISPUTE_TRANSITIONS: Final[dict[tuple[DisputeStatus, DisputeAct], DisputeStatus]] = {
    (DisputeStatus.FILED, DisputeAct.MEDIATE): DisputeStatus.MEDIATION,
    (DisputeStatus.FILED, DisputeAct.OFFER): DisputeStatus.FILED,
    (DisputeStatus.FILED, DisputeAct.SETTLE): DisputeStatus.SETTLED,
    (DisputeStatus.FILED, DisputeAct.WITHDRAW): DisputeStatus.WITHDRAWN,
    (DisputeStatus.FILED, DisputeAct.DECIDE): DisputeStatus.DECIDED,
    (DisputeStatus.MEDIATION, DisputeAct.OFFER): DisputeStatus.MEDIATION,
    (DisputeStatus.MEDIATION, DisputeAct.SETTLE): DisputeStatus.SETTLED,
    (DisputeStatus.MEDIATION, DisputeAct.WITHDRAW): DisputeStatus.WITHDRAWN,
    (DisputeStatus.MEDIATION, DisputeAct.DECIDE): DisputeStatus.DECIDED,
    (DisputeStatus.DECIDED, DisputeAct.APPEAL): DisputeStatus.APPEALED,
    (DisputeStatus.DECIDED, DisputeAct.CONCLUDE): DisputeStatus.FINAL,
    (DisputeStatus.APPEALED, DisputeAct.OFFER): DisputeStatus.APPEALED,
    (DisputeStatus.APPEALED, DisputeAct.SETTLE): DisputeStatus.SETTLED,
    (DisputeStatus.APPEALED, DisputeAct.WITHDRAW): DisputeStatus.FINAL,  # the first decision stands
    (DisputeStatus.APPEALED, DisputeAct.DECIDE): DisputeStatus.FINAL,
}

# How long each stage may take. A week to take it up; a month to talk, and to decide on appeal; two weeks in which a
# decision can be appealed.
CLOCKS: Final[dict[DisputeStatus, Micros]] = {
    DisputeStatus.FILED: 7 * DAY,
    DisputeStatus.MEDIATION: 30 * DAY,
    DisputeStatus.DECIDED: 14 * DAY,
    DisputeStatus.APPEALED: 30 * DAY,
}
# Who is suspended receives nothing meanwhile, perhaps in the middle of an incident.
URGENT_CLOCKS: Final[dict[DisputeStatus, Micros]] = {
    DisputeStatus.FILED: 2 * DAY,
    DisputeStatus.MEDIATION: 7 * DAY,
    DisputeStatus.DECIDED: 14 * DAY,
    DisputeStatus.APPEALED: 7 * DAY,
}


class Outcome(enum.StrEnum):
    """What was decided about what the complainant asks."""

    UPHELD = "upheld"
    PARTLY = "partly-upheld"
    REJECTED = "rejected"


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instance's decision; ``mandate`` is that under which it was made, ``remedy`` what is to be done."""

    outcome: Outcome
    reasons: str
    remedy: str
    mandate: str
    at: Micros

    def __post_init__(self) -> None:
        if not check_remark(self.reasons, "reason").strip():
            raise InputError("a decision says why", todo="write the reasons in a sentence")
        if not check_remark(self.remedy, "remedy").strip() and self.outcome is not Outcome.REJECTED:
            raise InputError("what is upheld has a remedy", todo="say what is to be done")


class Appeal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who appealed (the URI of a party), why and when."""

    party: str
    reasons: str
    at: Micros

    def __post_init__(self) -> None:
        if not check_remark(self.reasons, "reason").strip():
            raise InputError("an appeal says why", todo="write the reasons in a sentence")


class Dispute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dispute, whole. Parties are URIs; ``subject`` is the object that a label or attribution is of, or some words.

    Nothing says that the object is there: the complainant names it, and learns nothing by naming it. ``due`` is the
    instant by which the present stage should have ended; None when it is over. ``offers`` are terms of settlement by
    who offered them.
    """

    uuid: str
    kind: DisputeKind
    complainant: str
    respondent: str
    subject: str
    statement: str
    filed_by: str
    filed_at: Micros
    status: DisputeStatus = DisputeStatus.FILED
    due: Micros | None = None
    mediator: str | None = None
    offers: dict[str, str] = msgspec.field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    appeal: Appeal | None = None
    closed_at: Micros | None = None

    def __post_init__(self) -> None:
        if not check_remark(self.statement, "statement").strip():
            raise InputError("a dispute says what is wrong", where="statement", todo="write it in a sentence")
        check_remark(self.subject, "subject")
        if self.kind in (DisputeKind.LABEL, DisputeKind.ATTRIBUTION) and not self.subject.strip():
            raise InputError(f"a dispute of a {self.kind} names the object", where="subject", todo="name its id")
        if self.complainant == self.respondent:
            raise InputError("nobody has a dispute with themselves", where="against", todo="name another party")

    @property
    def parties(self) -> tuple[str, str]:
        """Return the URIs of both, sorted."""
        one, other = sorted((self.complainant, self.respondent))
        return one, other

    def overdue(self, at: Micros) -> bool:
        """Return whether the present stage has taken longer than it should."""
        return self.due is not None and at >= self.due


def clock_of(kind: DisputeKind, status: DisputeStatus) -> Micros | None:
    """Return how long a stage may take, or None for one that is an end."""
    return (URGENT_CLOCKS if kind is DisputeKind.SUSPENSION else CLOCKS).get(status)


def next_dispute_status(status: DisputeStatus, act: DisputeAct) -> DisputeStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a dispute in this status cannot do or suffer that.
    """
    try:
        return DISPUTE_TRANSITIONS[status, act]
    except KeyError:
        allowed = sorted(str(done) for (state, done) in DISPUTE_TRANSITIONS if state == status)
        raise TransitionError(
            f"one cannot {act} a dispute that is {status}",
            todo=f"possible from here: {', '.join(allowed) or 'nothing'}",
        ) from None
