"""The life of an emergency annex: values and pure rules.

An annex has no effect until it is activated. A motion activates it for as long as the agreement says, and may do so
again. Two duty-holders or more, of public and of private parties, activate it for half a day at most: unless a motion
ratifies that in time it ends by itself, and until a body has answered for it no duty-holder activates anything of the
agreement again. Time alone ends an activation: nothing has to be written for it, and nothing that fails can prolong it.
"""

from __future__ import annotations

import enum
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ConflictError, ForbiddenError, NotFoundError, TransitionError
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.agreements.document import AgreementDocument, AnnexTerms

__all__ = [
    "CALL_STANDS",
    "ActivatedBy",
    "Activation",
    "Call",
    "annex_terms",
    "by_duty",
    "by_motion",
    "end",
    "ratify",
    "review",
    "standing_calls",
]

# Whoever is called out of bed is at a machine within the hour; what somebody said yesterday is no word for today.
CALL_STANDS: Final[Micros] = 3_600 * 1_000_000


class ActivatedBy(enum.StrEnum):
    """What brought an annex into force."""

    MOTION = "motion"
    DUTY = "duty"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One duty-holder's signed word that an annex is needed now."""

    annex: str
    party: str  # URI
    kind: str  # of the party, when it called
    user: str  # name within the party
    at: Micros

    def stands(self, at: Micros) -> bool:
        """Return whether it still counts."""
        return self.at <= at < self.at + CALL_STANDS


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """One time that an annex was brought into force. It is active from ``starts`` until before ``ends``.

    ``entry`` of the log activated it. ``ratify_by`` is when one by duty-holders ends unless it is ratified;
    ``reviewed`` when its review was closed under a mandate.
    """

    annex: str
    version: int  # of the agreement
    by: ActivatedBy
    entry: int
    starts: Micros
    ends: Micros
    ratify_by: Micros | None = None
    ratified: Micros | None = None
    ended: Micros | None = None  # before its time, under a mandate or by duty-holders
    reviewed: Micros | None = None

    def active(self, at: Micros) -> bool:
        """Return whether it has effect at an instant."""
        return self.starts <= at < self.last

    @property
    def last(self) -> Micros:
        """Return the instant from which it has no effect, by all that is known."""
        ends = [self.ends]
        if self.ratify_by is not None and self.ratified is None:
            ends.append(self.ratify_by)
        if self.ended is not None:
            ends.append(self.ended)
        return min(ends)

    @property
    def answered(self) -> bool:
        """Return whether a body has answered for it."""
        return self.by is ActivatedBy.MOTION or self.ratified is not None or self.reviewed is not None


def annex_terms(document: AgreementDocument, annex: str) -> AnnexTerms:
    """Return the terms of an annex: the strictest of each, where several clauses make it up.

    Raises:
        NotFoundError: the agreement has no such annex.
    """
    terms = [clause.annex for clause in document.clauses if clause.emergency == annex and clause.annex is not None]
    if not terms:
        raise NotFoundError(
            f"{document.name} version {document.version} has no emergency annex {annex[:80]!r}",
            todo="`tocsin agreement show` prints those that it has",
        )
    if any(one != terms[0] for one in terms):
        raise ConflictError(
            f"the clauses of the annex {annex} say different things of its activation",
            todo="amend the agreement: one annex has one way in and one way out",
        )
    return terms[0]


def by_motion(terms: AnnexTerms, *, annex: str, version: int, at: Micros, entry: int) -> Activation:
    """Return what a mandate of the body that holds the right activates; one that is active is renewed by it."""
    return Activation(
        annex=annex,
        version=version,
        by=ActivatedBy.MOTION,
        entry=entry,
        starts=at,
        ends=at + terms.lasts,
    )


def by_duty(
    terms: AnnexTerms,
    history: Sequence[Activation],
    calls: Sequence[Call],
    *,
    annex: str,
    version: int,
    at: Micros,
    entry: int,
) -> Activation | None:
    """Return what the calls that stand activate, or None while some are missing.

    Args:
        terms: of the annex.
        history: every activation of any annex of the agreement, in any of its versions: under another name or number
            duty-holders prolong nothing either.
        calls: every call so far.
        annex: its name.
        version: of the agreement, which is in force.
        at: the present.
        entry: of the log, that would activate it.

    Raises:
        ForbiddenError: the agreement knows no activation by duty-holders.
        ConflictError: an annex of the agreement is active, or one that duty-holders activated was never dealt with.
    """
    if terms.duty is None:
        raise ForbiddenError(f"the annex {annex} is activated by a motion only", todo="table a motion")
    for one in history:
        if one.active(at):
            raise ConflictError(f"the annex {one.annex} is active", todo="what prolongs it is a motion")
        if not one.answered:
            raise ConflictError(
                f"duty-holders activated {one.annex} before, and no body has answered for that",
                todo="they do so once: table a motion, or close the review of the last time",
            )
    # a word that activated an annex once is spent
    spent = max((one.starts for one in history), default=-1)
    fresh = [call for call in calls if call.at > spent]
    present = Counter(call.kind for call in standing_calls(fresh, annex=annex, at=at))
    if any(present[kind] < wanted for kind, wanted in terms.duty.officers):
        return None
    return Activation(
        annex=annex,
        version=version,
        by=ActivatedBy.DUTY,
        entry=entry,
        starts=at,
        ends=at + min(terms.duty.lasts, terms.lasts),
        ratify_by=at + terms.duty.ratify_within,
    )


def standing_calls(calls: Sequence[Call], *, annex: str, at: Micros) -> list[Call]:
    """Return the calls for an annex that count now: one of each party, its latest."""
    latest: dict[str, Call] = {}
    for call in calls:
        if call.annex == annex and call.stands(at):
            latest[call.party] = call
    return list(latest.values())


def ratify(activation: Activation, terms: AnnexTerms, *, at: Micros) -> Activation:
    """Return an activation by duty-holders as a motion makes it: it lasts as if the motion had begun it.

    Raises:
        TransitionError: it was ratified, was a motion's, or has ended, so that only a new motion activates the annex.
    """
    if activation.by is not ActivatedBy.DUTY or activation.ratified is not None:
        raise TransitionError(f"the activation of {activation.annex} needs no ratification")
    if not activation.active(at):
        raise TransitionError(
            f"the activation of {activation.annex} has ended", todo="a motion can activate the annex anew"
        )
    return msgspec.structs.replace(activation, ratified=at, ends=activation.starts + terms.lasts)


def end(activation: Activation, *, at: Micros) -> Activation:
    """Return an activation ended before its time.

    Raises:
        TransitionError: it has ended already.
    """
    if not activation.active(at):
        raise TransitionError(f"the annex {activation.annex} is not active")
    return msgspec.structs.replace(activation, ended=at)


def review(activation: Activation, *, at: Micros) -> Activation:
    """Return an activation whose review is closed.

    Raises:
        TransitionError: it is still active, or its review was closed before.
    """
    if activation.active(at):
        raise TransitionError(f"the annex {activation.annex} is still active", todo="end it first")
    if activation.reviewed is not None:
        raise TransitionError("its review was closed before")
    return msgspec.structs.replace(activation, reviewed=at)
