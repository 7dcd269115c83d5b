"""The life of an emergency annex: values and pure rules.

An annex has no effect until it is activated. A motion activates it for as long as the agreement says, and may do so
again. Two duty-holders or more, of public and of private parties, activate it for half a day at most: unless a motion
ratifies that in time it ends by itself, and until a motion has answered for it neither duty-holders nor the founding
mandate activate anything of the agreement again. Where no body holds the right, the founding mandate does, once, for no
longer than duty-holders; it ratifies nothing, and closes a review without answering for what was reviewed.
Time alone ends an activation: nothing has to be written for it, and nothing that fails can prolong it.
"""

from __future__ import annotations

import enum
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document.terms import MAX_DUTY
from tocsin.agreements.life import AgreementStatus
from tocsin.errors import ConflictError, ForbiddenError, InputError, NotFoundError, TransitionError
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tocsin.agreements.document import AgreementDocument, AnnexTerms

__all__ = [
    "CALL_STANDS",
    "MAX_AHEAD",
    "MAX_SAID",
    "MAX_SHIFT",
    "ActivatedBy",
    "Activation",
    "Asked",
    "Call",
    "History",
    "Run",
    "Shift",
    "annex_id",
    "annex_terms",
    "by_duty",
    "by_founding",
    "by_motion",
    "called",
    "cease",
    "check_shift",
    "end",
    "is_spent",
    "may_call",
    "ratify",
    "require_fresh",
    "require_motion",
    "require_unused",
    "review",
    "reviewable",
    "runs_of",
    "settle",
    "standing_calls",
]

# Who is on duty for longer than this is on a list, not on duty.
MAX_SHIFT: Final[Micros] = 31 * DAY
# A signed word travels for minutes; one that is older may have been kept for the day on which it serves somebody.
MAX_SAID: Final[Micros] = 900 * 1_000_000
# Clocks differ by this much where people look after them.
MAX_AHEAD: Final[Micros] = 120 * 1_000_000
# Whoever is called out of bed is at a machine within the hour; what somebody said yesterday is no word for today.
CALL_STANDS: Final[Micros] = 3_600 * 1_000_000
# What to do about an annex that was opened without a motion.
_TO_ANSWER: Final = (
    "the body that the agreement names decides (tocsin motion table), by ratifying it while it is active or by "
    "activating it itself; or a motion closes its review. Where there is no such body, constitute it: tocsin body "
    "constitute"
)


class Asked(enum.StrEnum):
    """What a duty-holder asks for."""

    ACTIVATE = "activate"
    END = "end"


class ActivatedBy(enum.StrEnum):
    """What brought an annex into force."""

    MOTION = "motion"  # logs of before say this of the founding mandate too
    DUTY = "duty"
    FOUNDING = "founding"


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is on duty for their party, from one instant until before another."""

    party: str  # URI
    user: str  # name within the party
    starts: Micros
    until: Micros

    def runs(self, at: Micros) -> bool:
        """Return whether it is their shift."""
        return self.starts <= at < self.until


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One duty-holder's signed word that an annex is needed now."""

    annex: str
    party: str  # URI
    kind: str  # of the party, when it called
    user: str  # name within the party
    at: Micros
    asked: Asked = Asked.ACTIVATE
    said_at: Micros = 0  # by the clock of whoever signed
    key: str = ""  # base64 of the Ed25519 key that it was signed with

    def stands(self, at: Micros) -> bool:
        """Return whether it still counts."""
        return self.at <= at < self.at + CALL_STANDS


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """One time that an annex was brought into force. It is active from ``starts`` until before ``ends``.

    ``number`` counts all that the agreement knew, from 1. ``ratify_by`` is when one by no body ends unless it is
    ratified; ``reviewed`` when its review was closed under a mandate, and ``reviewed_by`` what that rested on, of which
    logs of before say nothing; ``settled`` when what follows its end was carried out.
    """

    annex: str
    version: int  # of the agreement
    by: ActivatedBy
    number: int
    starts: Micros
    ends: Micros
    ratify_by: Micros | None = None
    ratified: Micros | None = None
    ended: Micros | None = None  # before its time, under a mandate or by duty-holders
    reviewed: Micros | None = None
    settled: Micros | None = None
    reviewed_by: MandateBasis | None = None

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
        """Return whether a motion has answered for it: activated or ratified it, or closed its review.

        Where a log of before does not say who closed the review of what duty-holders opened, it counts as it did then.
        """
        if self.by is ActivatedBy.MOTION or self.ratified is not None or self.reviewed_by is MandateBasis.MOTION:
            return True
        return self.by is ActivatedBy.DUTY and self.reviewed is not None and self.reviewed_by is None

    @property
    def unanswered(self) -> bool:
        """Return whether its review was closed under the founding mandate, which does not answer for it."""
        return self.reviewed_by is MandateBasis.FOUNDING and not self.answered


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A time without a break during which an annex was in force: an activation, and those that prolonged it."""

    activations: tuple[Activation, ...]  # at least one, by number

    @property
    def annex(self) -> str:
        """Return the annex."""
        return self.activations[0].annex

    @property
    def version(self) -> int:
        """Return the version of the agreement."""
        return self.activations[0].version

    @property
    def number(self) -> int:
        """Return the number of the activation that it began with."""
        return self.activations[0].number

    @property
    def starts(self) -> Micros:
        """Return when it began."""
        return self.activations[0].starts

    @property
    def last(self) -> Micros:
        """Return the instant from which it is over, by all that is known."""
        return max(one.last for one in self.activations)

    @property
    def answered(self) -> bool:
        """Return whether a body wanted it, then or while it lasted; to close its review is to look back only."""
        return any(one.by is ActivatedBy.MOTION or one.ratified is not None for one in self.activations)

    @property
    def settled(self) -> bool:
        """Return whether what follows its end was carried out."""
        return all(one.settled is not None for one in self.activations)

    def active(self, at: Micros) -> bool:
        """Return whether it lasts."""
        return self.starts <= at < self.last


def runs_of(activations: Iterable[Activation]) -> list[Run]:
    """Return the runs that activations of one agreement make, in the order of their beginnings."""
    found: list[Run] = []
    open_: dict[tuple[str, int], int] = {}
    for one in sorted(activations, key=lambda each: each.number):
        key = (one.annex, one.version)
        place = open_.get(key)
        if place is not None and one.starts < found[place].last:
            found[place] = Run(activations=(*found[place].activations, one))
        else:
            open_[key] = len(found)
            found.append(Run(activations=(one,)))
    return found


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All activations of the annexes of one agreement, of whatever version, by their numbers; and all calls."""

    activations: tuple[Activation, ...] = ()
    calls: tuple[Call, ...] = ()

    def of(self, version: int) -> tuple[Activation, ...]:
        """Return those of one version."""
        return tuple(one for one in self.activations if one.version == version)

    def runs(self, annex: str, version: int) -> list[Run]:
        """Return the times that an annex of a version was in force, the first first."""
        return [one for one in runs_of(self.of(version)) if one.annex == annex]

    def active(self, annex: str, version: int, at: Micros) -> tuple[Activation, ...]:
        """Return what keeps an annex of a version active at an instant.

        Raises:
            TransitionError: nothing does.
        """
        found = tuple(one for one in self.of(version) if one.annex == annex and one.active(at))
        if not found:
            raise TransitionError(f"the annex {annex} is not active")
        return found

    def with_(self, *changed: Activation) -> History:
        """Return it with activations as they are now, new ones among them."""
        now = {one.number: one for one in (*self.activations, *changed)}
        return msgspec.structs.replace(self, activations=tuple(now[number] for number in sorted(now)))


def check_shift(shift: Shift) -> Shift:
    """Return a shift if it is one.

    Raises:
        InputError: it ends before it begins, or is longer than ``MAX_SHIFT``.
    """
    if not 0 < shift.until - shift.starts <= MAX_SHIFT:
        raise InputError(
            f"a shift begins before it ends, and has at most {MAX_SHIFT // DAY} days", todo="enter shift after shift"
        )
    return shift


def require_fresh(history: History, call: Call) -> None:
    """Refuse a call that was signed too long ago, or ahead of time, or was heard before.

    Raises:
        ForbiddenError: it is none that was made now.
    """
    if not call.at - MAX_SAID <= call.said_at <= call.at + MAX_AHEAD:
        raise ForbiddenError(
            f"this call was signed for {format_instant(call.said_at)}, and it is {format_instant(call.at)} here",
            todo="sign it now, and look at both clocks",
        )
    same = (one.said_at for one in history.calls if (one.party, one.user) == (call.party, call.user))
    if call.said_at <= max(same, default=-1):
        raise ForbiddenError("this call was heard before", todo="sign a new one")


def annex_id(document: AgreementDocument, annex: str) -> str:
    """Return ``name/version#annex``: an annex is what one version of one agreement says it is."""
    return f"{document.id}#{annex}"


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


def by_motion(terms: AnnexTerms, *, annex: str, version: int, at: Micros, number: int) -> Activation:
    """Return what a mandate of the body that holds the right activates; one that is active is renewed by it."""
    return Activation(
        annex=annex,
        version=version,
        by=ActivatedBy.MOTION,
        number=number,
        starts=at,
        ends=at + terms.lasts,
    )


def by_founding(
    terms: AnnexTerms, history: Sequence[Activation], *, annex: str, version: int, at: Micros, number: int
) -> Activation:
    """Return what the founding mandate activates where no body holds the right: no more than duty-holders would.

    Args:
        terms: of the annex.
        history: every activation of any annex of the agreement, in any of its versions.
        annex: its name.
        version: of the agreement, which is in force.
        at: the present.
        number: that it has.

    Raises:
        ConflictError: the annex is active: nobody prolongs it alone.
    """
    if any((one.annex, one.version) == (annex, version) and one.active(at) for one in history):
        raise ConflictError(f"the annex {annex} is active", todo="what prolongs it is a motion")
    return Activation(
        annex=annex,
        version=version,
        by=ActivatedBy.FOUNDING,
        number=number,
        starts=at,
        ends=at + min(terms.lasts, MAX_DUTY if terms.duty is None else terms.duty.lasts),
        ratify_by=None if terms.duty is None else at + terms.duty.ratify_within,
    )


def require_unused(history: Sequence[Activation], annex: str) -> None:
    """Refuse to let the founding mandate activate what was opened before without a motion, and answered for by none.

    Itself it opens an annex once, in whatever version; what duty-holders opened of the agreement it does not renew.
    Logs of earlier versions have such activations: whether an entry is held to this, its log says.

    Raises:
        ConflictError: it was, and no motion answered for that.
    """
    _require_answered(history)
    if any(one.annex == annex and one.by is ActivatedBy.FOUNDING and not one.answered for one in history):
        raise ConflictError(
            f"the founding mandate activated {annex} before, and no motion has answered for that",
            todo="it does so once: people on duty call for it (tocsin crisis call) where the agreement lets them, or "
            "the body that it names decides, once it is constituted (tocsin body constitute, tocsin motion table)",
        )


def require_motion(annex: str, *, by_motion: bool) -> None:
    """Refuse to have an annex ratified by anything but a motion: who opened it for half a day would prolong it alone.

    Raises:
        ForbiddenError: no motion decided it.
    """
    if not by_motion:
        raise ForbiddenError(
            f"a motion ratifies the activation of {annex}, and the founding mandate does not", todo=_TO_ANSWER
        )


def _require_answered(history: Sequence[Activation]) -> None:
    for one in history:
        if one.by is ActivatedBy.DUTY and not one.answered:
            closed = "" if one.reviewed is None else "; its review was closed, but under the founding mandate"
            raise ConflictError(
                f"duty-holders activated {one.annex} before, and no motion has answered for that{closed}",
                todo=_TO_ANSWER,
            )


def by_duty(
    terms: AnnexTerms,
    history: Sequence[Activation],
    calls: Sequence[Call],
    *,
    annex: str,
    version: int,
    at: Micros,
    number: int,
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
        number: that it would have.

    Raises:
        ForbiddenError: the agreement knows no activation by duty-holders.
        ConflictError: an annex of the agreement is active, or no motion answered for one that duty-holders activated.
    """
    if terms.duty is None:
        raise ForbiddenError(f"the annex {annex} is activated by a motion only", todo="table a motion")
    for one in history:
        if one.active(at):
            raise ConflictError(f"the annex {one.annex} is active", todo="what prolongs it is a motion")
    _require_answered(history)
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
        number=number,
        starts=at,
        ends=at + min(terms.duty.lasts, terms.lasts),
        ratify_by=at + terms.duty.ratify_within,
    )


def called(
    terms: AnnexTerms, history: History, call: Call, *, version: int, still: Callable[[Call], bool]
) -> tuple[History, tuple[Activation, ...]]:
    """Return what a duty-holder's call makes of a history, and which activations it made or ended.

    What duty-holders or the founding mandate opened and no body has ratified, duty-holders can end, as many as it takes
    to open it. Of the calls that stand only those count whose caller could make them ``still``, now that one more
    completes them: within the hour a party may be suspended, or a key found to be stolen.

    Raises:
        ForbiddenError: the agreement knows no activation by duty-holders, or a body answers for this one.
        ConflictError: an annex is active that the call would activate, or nobody has answered for the last time.
        TransitionError: the annex to be ended is not active.
    """
    heard = msgspec.structs.replace(history, calls=(*history.calls, call))
    calls = [one for one in heard.calls if one.stands(call.at) and still(one)]
    if call.asked is Asked.ACTIVATE:
        made = by_duty(
            terms,
            history.activations,
            calls,
            annex=call.annex,
            version=version,
            at=call.at,
            number=len(history.activations) + 1,
        )
        return (heard, ()) if made is None else (heard.with_(made), (made,))
    active = history.active(call.annex, version, call.at)
    if terms.duty is None:
        raise ForbiddenError(
            f"the agreement names no people on duty for {call.annex}",
            todo="it is ended under a mandate: tocsin crisis end",
        )
    if any(one.answered for one in active):
        raise ForbiddenError(
            f"a body answers for the activation of {call.annex}", todo="a motion ends what a motion made or ratified"
        )
    fresh = [one for one in calls if one.at > max(each.starts for each in active)]
    present = Counter(one.kind for one in standing_calls(fresh, annex=call.annex, at=call.at, asked=Asked.END))
    if any(present[kind] < wanted for kind, wanted in terms.duty.officers):
        return heard, ()
    ended = tuple(end(one, at=call.at) for one in active)
    return heard.with_(*ended), ended


def standing_calls(calls: Sequence[Call], *, annex: str, at: Micros, asked: Asked = Asked.ACTIVATE) -> list[Call]:
    """Return the calls for an annex that count now: one of each party, its latest."""
    latest: dict[str, Call] = {}
    for call in calls:
        if (call.annex, call.asked) == (annex, asked) and call.stands(at):
            latest[call.party] = call
    return list(latest.values())


def ratify(activation: Activation, terms: AnnexTerms, *, at: Micros) -> Activation:
    """Return what duty-holders or the founding mandate activated as a motion makes it, as if that had begun it.

    Raises:
        TransitionError: it was ratified, was a motion's, or has ended, so that only a new motion activates the annex.
    """
    if activation.by is ActivatedBy.MOTION or activation.ratified is not None:
        raise TransitionError(f"the activation of {activation.annex} needs no ratification")
    if not activation.active(at):
        raise TransitionError(
            f"the activation of {activation.annex} has ended", todo="a motion can activate the annex anew"
        )
    return msgspec.structs.replace(activation, ratified=at, ends=activation.starts + terms.lasts)


def may_call(status: AgreementStatus, asked: Asked) -> bool:
    """Return whether duty-holders may call under a version of this status: for an end while it is suspended, too."""
    return status is AgreementStatus.IN_FORCE or (status is AgreementStatus.SUSPENDED and asked is Asked.END)


def end(activation: Activation, *, at: Micros) -> Activation:
    """Return an activation ended before its time.

    Raises:
        TransitionError: it has ended already.
    """
    if not activation.active(at):
        raise TransitionError(f"the annex {activation.annex} is not active")
    return msgspec.structs.replace(activation, ended=at)


def cease(
    history: History, version: int, annex: str, *, status: AgreementStatus, document: AgreementDocument, at: Micros
) -> tuple[Activation, ...]:
    """Return what is ended since its version opens nothing any more, and never will.

    A suspended version may be resumed: what was activated under it goes on to count.

    Raises:
        TransitionError: the version may still open something, or nothing is active.
    """
    if not is_spent(status, document, at):
        raise TransitionError(f"{document.id} may still open the annex {annex}")
    return tuple(end(one, at=at) for one in history.active(annex, version, at))


def is_spent(status: AgreementStatus, document: AgreementDocument, at: Micros) -> bool:
    """Return whether a version that was in force opens nothing any more, for good."""
    over = document.ends is not None and document.ends <= at
    return over or status in (AgreementStatus.SUPERSEDED, AgreementStatus.TERMINATED)


def review(activation: Activation, *, at: Micros, by: MandateBasis | None) -> Activation:
    """Return an activation whose review is closed, ``by`` a motion or under the founding mandate.

    None is what logs of before say.

    Raises:
        TransitionError: it is still active, or its review was closed before.
    """
    if activation.active(at):
        raise TransitionError(f"the annex {activation.annex} is still active", todo="end it first")
    if activation.reviewed is not None and not (by is MandateBasis.MOTION and activation.unanswered):
        raise TransitionError("its review was closed before")
    return msgspec.structs.replace(activation, reviewed=at, reviewed_by=by)


def reviewable(history: History, annex: str, version: int, *, by: MandateBasis | None) -> list[Activation]:
    """Return the activations whose review is closed now, by a motion or not; there may be some that are active.

    A motion closes anew what was closed without one, since only that answers for it.

    Raises:
        TransitionError: there is none.
    """
    found = [
        one
        for one in history.of(version)
        if one.annex == annex and (one.reviewed is None or (by is MandateBasis.MOTION and one.unanswered))
    ]
    if not found:
        raise TransitionError(f"no review of {annex} is open")
    return found


def settle(history: History, *, annex: str, version: int, at: Micros) -> tuple[Activation, ...]:
    """Return the activations of the first run that is over and was not settled, settled.

    Raises:
        TransitionError: there is none.
    """
    for run in history.runs(annex, version):
        if not run.settled and not run.active(at):
            return tuple(msgspec.structs.replace(one, settled=at) for one in run.activations)
    raise TransitionError(f"nothing follows an end of the annex {annex} that was not carried out")
