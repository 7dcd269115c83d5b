"""Annexes rebuilt from the payloads of the log: every step is taken again by the rules that the hub itself keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.agreements.acts import signing_key
from tocsin.agreements.annexes import model
from tocsin.agreements.annexes.callers import still_calls
from tocsin.agreements.annexes.model import (
    ActivatedBy,
    Activation,
    Asked,
    Call,
    History,
    Shift,
    annex_terms,
    check_shift,
    may_call,
)
from tocsin.agreements.annexes.wire import AnnexAct, Calling, Duty, call_bytes, decided_by
from tocsin.agreements.document import AnnexTerms, verify_bytes
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.wire import from_data
from tocsin.errors import ForbiddenError, InputError, TransitionError
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from tocsin.parties.replay import People

__all__ = ["ANNEX_KINDS", "Emergencies", "require_version_of", "step", "tells_who_reviewed"]


class Emergencies(msgspec.Struct, frozen=True, kw_only=True):
    """The history of annexes of each agreement, by its name, and who is on duty, by party's URI and user's name.

    ``motions_answer``: what is opened without a motion is answered for by one alone. A log says with its founding that
    it is (``renewed_by``); one of an earlier version is held to it from the first entry on that tells ``reviewed_by``.
    """

    motions_answer: bool = False
    histories: Mapping[str, History] = msgspec.field(default_factory=dict)
    shifts: Mapping[tuple[str, str], Shift] = msgspec.field(default_factory=dict)


class _Act(msgspec.Struct, frozen=True, kw_only=True):
    """An entry about an annex, with what it is judged by."""

    said: AnnexAct
    version: Activated
    terms: AnnexTerms
    history: History
    at: Micros
    by_motion: bool
    strict: bool  # only a motion answers for what was opened without one


_Step: TypeAlias = "Callable[[_Act], tuple[Activation, ...]]"


def step(
    told: Emergencies,
    kind: str,
    data: Mapping[str, object],
    version: Activated | None,
    *,
    people: People,
    at: Micros,
    mandate: str | None,
) -> Emergencies:
    """Return what an entry makes of annexes and rosters; ``version`` is the one that it is about, as it stands.

    Whether the ``mandate`` that it names is good for it is asked elsewhere.

    Raises:
        InputError: the payload is not one of its kind, or says otherwise than the rules.
        ForbiddenError: it was not allowed.
        ConflictError: likewise.
        TransitionError: it could not happen then.
    """
    if kind == "duty.set":
        return _duty(told, data, people)
    if version is None:
        raise InputError("it is about a version that was never proposed")
    said = from_data(data, Calling if kind == "annex.called" else AnnexAct)
    if tells_who_reviewed(data):
        told = msgspec.structs.replace(told, motions_answer=True)
    act = _Act(
        said=said,
        version=version,
        terms=annex_terms(version.document, said.annex),
        history=told.histories.get(said.agreement, History()),
        at=at,
        by_motion=(mandate or "").startswith(f"{MandateBasis.MOTION}:"),
        strict=told.motions_answer,
    )
    if isinstance(said, Calling):
        history, changed = _called(act, said, told, people)
    else:
        changed = _STEPS[kind](act)
        history = act.history.with_(*changed)
    if list(changed) != said.activations:
        raise InputError("it tells of other activations than the rules make", where=said.annex)
    asked = decided_by(act.terms) if kind in ("annex.activated", "annex.ratified") else None
    if asked != said.decided_by:
        raise InputError("it tells of another motion than the agreement asks for", where=said.annex)
    return msgspec.structs.replace(told, histories={**told.histories, said.agreement: history})


def tells_who_reviewed(data: Mapping[str, object]) -> bool:
    """Return whether an entry is of a hub that says of each review on what mandate it was closed."""
    activations = data.get("activations")
    return isinstance(activations, list) and any("reviewed_by" in one for one in activations)


def require_version_of(version: Activated, at: Micros, asked: Asked = Asked.ACTIVATE) -> None:
    """Refuse what takes a version in force; to ask for an end, one that is suspended will do.

    Raises:
        TransitionError: it is not.
    """
    if not may_call(version.status, asked) or not version.document.in_term(at):
        raise TransitionError(f"{version.id} is not in force")


def _duty(told: Emergencies, data: Mapping[str, object], people: People) -> Emergencies:
    duty = from_data(data, Duty)
    if (duty.party, duty.user) not in people.users:
        raise InputError("somebody is on duty who was never added", where=duty.user)
    shift = check_shift(Shift(party=duty.party, user=duty.user, starts=duty.starts, until=duty.until))
    return msgspec.structs.replace(told, shifts={**told.shifts, (duty.party, duty.user): shift})


def _called(act: _Act, said: Calling, told: Emergencies, people: People) -> tuple[History, tuple[Activation, ...]]:
    party, user = people.parties.get(said.party), people.users.get((said.party, said.user))
    if party is None or user is None:
        raise InputError("party or user were never added", where=said.party)
    require_version_of(act.version, act.at, Asked(said.asked))
    document = act.version.document
    if str(party.kind) != said.kind:
        raise InputError("it is of a party of another kind", where=said.party)
    if signing_key(party, user, document.name, act.at) != said.key or user.ml_dsa_key != said.ml_dsa_key:
        raise InputError("it is not by the keys that were registered", where=said.party)
    open_ = msgspec.structs.replace(act.version, status=AgreementStatus.IN_FORCE)
    facts = Facts(at=act.at, parties=dict(people.parties), agreements=(open_,))
    shift = told.shifts.get((said.party, said.user))
    if said.party not in facts.members[act.version.id] or shift is None or not shift.runs(act.at):
        raise ForbiddenError("it is by somebody who was not on duty for a member", where=said.party)
    call = Call(
        annex=said.annex,
        party=said.party,
        kind=str(party.kind),
        user=said.user,
        at=act.at,
        asked=said.asked,
        said_at=said.said_at,
        key=said.key,
    )
    model.require_fresh(act.history, call)
    verify_bytes(
        call_bytes(
            document,
            annex=said.annex,
            asked=Asked(said.asked),
            hub=people.hub or "",
            party=said.party,
            user=said.user,
            said_at=said.said_at,
            reason=said.reason,
        ),
        said.made,
        public_key=said.key,
        ml_dsa_key=user.ml_dsa_key,
        what="call",
    )

    def still(one: Call) -> bool:
        return still_calls(
            one,
            people.parties.get(one.party),
            people.users.get((one.party, one.user)),
            told.shifts.get((one.party, one.user)),
            members=facts.members[act.version.id],
            agreement=document.name,
            at=act.at,
        )

    return model.called(act.terms, act.history, call, version=document.version, still=still)


def _activated(act: _Act) -> tuple[Activation, ...]:
    require_version_of(act.version, act.at)
    version, number = act.version.document.version, len(act.history.activations) + 1
    # logs of before say of the founding mandate what they say of a motion
    if any(one.by is ActivatedBy.FOUNDING for one in act.said.activations):
        known = act.history.activations
        if act.strict:
            model.require_unused(known, act.said.annex)
        return (model.by_founding(act.terms, known, annex=act.said.annex, version=version, at=act.at, number=number),)
    if act.strict and not act.by_motion:
        raise ForbiddenError("it tells of the founding mandate what only a motion does")
    return (model.by_motion(act.terms, annex=act.said.annex, version=version, at=act.at, number=number),)


def _ratified(act: _Act) -> tuple[Activation, ...]:
    require_version_of(act.version, act.at)
    active = act.history.active(act.said.annex, act.version.document.version, act.at)
    waiting = [one for one in active if not one.answered]
    if not waiting:
        raise TransitionError("nothing was to be ratified")
    if act.strict:
        model.require_motion(act.said.annex, by_motion=act.by_motion)
    elif waiting[-1].by is ActivatedBy.FOUNDING and not act.by_motion:
        raise ForbiddenError("the founding mandate ratified what it had opened itself")
    return (model.ratify(waiting[-1], act.terms, at=act.at),)


def _ended(act: _Act) -> tuple[Activation, ...]:
    active = act.history.active(act.said.annex, act.version.document.version, act.at)
    return tuple(model.end(one, at=act.at) for one in active)


def _reviewed(act: _Act) -> tuple[Activation, ...]:
    by = (MandateBasis.MOTION if act.by_motion else MandateBasis.FOUNDING) if act.strict else None
    open_ = model.reviewable(act.history, act.said.annex, act.version.document.version, by=by)
    return tuple(model.review(one, at=act.at, by=by) for one in open_)


def _ceased(act: _Act) -> tuple[Activation, ...]:
    version = act.version
    return model.cease(
        act.history,
        version.document.version,
        act.said.annex,
        status=version.status,
        document=version.document,
        at=act.at,
    )


def _settled(act: _Act) -> tuple[Activation, ...]:
    return model.settle(act.history, annex=act.said.annex, version=act.version.document.version, at=act.at)


_STEPS: Final[dict[str, _Step]] = {
    "annex.activated": _activated,
    "annex.ratified": _ratified,
    "annex.ended": _ended,
    "annex.reviewed": _reviewed,
    "annex.ceased": _ceased,
    "annex.settled": _settled,
}
ANNEX_KINDS: Final = frozenset(_STEPS) | {"annex.called", "duty.set"}
