"""What the entries about motions need and make. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.agreements.document import Signed, verify_bytes
from tocsin.errors import ConflictError, ForbiddenError, InputError, NotFoundError, TransitionError
from tocsin.governance.model.bodies import Body, rank_of
from tocsin.governance.model.motions import About, Ballot, Motion, MotionAct, MotionStatus, Recusal, next_status
from tocsin.governance.model.tally import Tally
from tocsin.governance.model.votes import closable, electorate_of, recused, tally_of
from tocsin.governance.privileged import TAKES_TEXT
from tocsin.governance.state import put, require_holder
from tocsin.governance.texts import read_terms
from tocsin.governance.wire import ballot_bytes, from_data, recusal_bytes
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Right
from tocsin.parties.model import PartyStatus, Role, UserStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.state import Governed, Register, Scene

__all__ = ["MOTION_STEPS", "about_of", "as_if_open", "require_may_table"]

_VERSION: Final = re.compile(r"([1-9][0-9]{0,8})(?:[:#].*)?", re.ASCII | re.DOTALL)
# Of the rights on agreements, those that are not about a text that lies before its parties already.
_BEFORE_A_TEXT: Final = frozenset({Right.AGREEMENT_PROPOSE, Right.DUTY_SET})


class _Tabled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    motion: str
    body: str
    title: str
    reasons: str
    deadline: Micros
    until: Micros
    right: Right | None
    subject: str
    about: About | None
    text: str | None = None


class _Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    motion: str
    reason: str = ""


class _Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    motion: str
    result: Tally


class _Voted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    motion: str
    seat: str
    voter: str
    choice: str
    number: int
    reasons: str
    key: str
    signature: str
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None


class _Recused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    motion: str
    seat: str
    by: str
    voter: str
    reasons: str
    key: str
    signature: str
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None


def _table(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Tabled)
    body = governed.body(told.body)
    if told.motion in governed.motions:
        raise ConflictError("there is a motion of this id already", where=told.motion)
    require_may_table(governed, body, told.right, told.subject, scene)
    _require_about(told, scene.register)
    if told.text is not None:
        _require_text(told.right, told.text)
    motion = Motion(
        uuid=told.motion,
        body=body.name,
        title=told.title,
        reasons=told.reasons,
        mover=scene.who,
        tabled_at=scene.at,
        deadline=told.deadline,
        until=told.until,
        right=told.right,
        subject=told.subject,
        about=told.about,
        text=msgspec.UNSET if told.text is None else told.text,
    )
    return put(governed, motion)


def require_may_table(governed: Governed, body: Body, right: Right | None, subject: str, scene: Scene) -> None:
    """Refuse somebody who may not ask a body this.

    Raises:
        ForbiddenError: they are not of it, or it does not hold the right. NotFoundError: there is no such dispute.
    """
    _require_of_body(body, scene)
    if right is Right.DISPUTE_DECIDE:
        governed.dispute(subject)
    if right is not None:
        require_holder(governed, right, subject, body.name, scene.at)


def _require_text(right: Right | None, text: str) -> None:
    """Refuse a text that no act under a right could be held to."""
    read_terms(text)
    if right not in TAKES_TEXT:
        raise InputError(f"a motion on {right or 'no right'} takes no document", todo="leave it out")


def _require_about(told: _Tabled, register: Register) -> None:
    """Hold what a motion says of an agreement to what there is: voters rely on it.

    Nothing is asked about a text that nobody has seen yet: whoever wrote it afterwards would have decided.
    """
    on_a_text = told.right is not None and told.right.startswith("agreements:") and told.right not in _BEFORE_A_TEXT
    if told.about is None and on_a_text:
        raise NotFoundError(
            "this version was never proposed",
            where=told.subject or told.motion,
            todo="propose it first: a motion is on a text that its voters can read",
        )
    if told.about != about_of(told.right, told.subject, register):
        raise InputError("the agreement that it is about is another than it says", where=told.subject or told.motion)


def about_of(right: Right | None, subject: str, register: Register) -> About | None:
    """Return the version of an agreement that a motion is about: of rights whose subject begins with ``name/version``.

    More may follow, as in ``name/version:party`` and ``name/version#annex``. None for other rights, and for a version
    that nobody proposed yet.
    """
    name, _, rest = subject.partition("/")
    found = _VERSION.fullmatch(rest)
    if right is None or not right.startswith("agreements:") or found is None:
        return None
    version = int(found.group(1))
    digest = register.digest(name, version)
    if digest is None:
        return None
    return About(agreement=name, version=version, digest=digest, in_force=register.in_force(name))


def _open(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    motion = governed.motion(from_data(data, _Named).motion)
    status = next_status(motion.status, MotionAct.OPEN)
    body = governed.body(motion.body)
    _require_of_body(body, scene)
    _require_time(motion, scene.at)
    if not body.stands(scene.at):
        raise TransitionError("the body's time, or that of all its seats, has run out", where=body.name)
    try:
        opened = _opened(governed, motion, body, scene.at, scene.register)
    except InputError as error:
        raise TransitionError(f"the body cannot decide now: {error.what}", where=body.name) from error
    return put(governed, replace(opened, status=status))


def as_if_open(governed: Governed, motion: Motion, at: Micros, register: Register) -> Motion:
    """Return a motion that is tabled as it would stand if it were opened now; any other, or if it cannot be, as it is.

    Who votes is known when it is opened: this says beforehand what would come of that.
    """
    body = governed.bodies.get(motion.body)
    if motion.status is not MotionStatus.TABLED or body is None or not body.stands(at):
        return motion
    try:
        return replace(_opened(governed, motion, body, at, register), status=MotionStatus.OPEN)
    except InputError:
        return motion


def _opened(governed: Governed, motion: Motion, body: Body, at: Micros, register: Register) -> Motion:
    electorate = body.as_of(at)
    barred = _barred(governed, motion, electorate, register)
    return replace(motion, opened_at=at, electorate=electorate, barred=barred)


def _barred(governed: Governed, motion: Motion, electorate: Body, register: Register) -> tuple[str, ...]:
    """Return the seats that would decide their own dispute."""
    dispute = governed.disputes.get(motion.subject) if motion.right is Right.DISPUTE_DECIDE else None
    if dispute is None:
        return ()
    names = {party.name for uri in dispute.parties if (party := register.party_of(uri)) is not None}
    return tuple(
        seat.name
        for seat in electorate.seats
        if any(person.rpartition("@")[2] in names for person in (seat.holder, *seat.deputies))
    )


def _vote(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Voted)
    motion = governed.motion(told.motion)
    status = next_status(motion.status, MotionAct.VOTE)
    _require_time(motion, scene.at)
    rank = _require_voter(motion, told.seat, told, scene)
    if told.seat in recused(motion):
        raise ForbiddenError("this seat is recused: it takes no part", where=told.seat)
    standing = motion.ballot(told.seat)
    if standing is not None and told.voter != standing.voter:
        seat = electorate_of(motion).seat(told.seat)
        before = None if seat is None else rank_of(seat, standing.voter)
        if before is not None and rank > before:
            raise ConflictError(
                f"{standing.voter} has voted for this seat already, and comes before {told.voter}",
                where=told.seat,
                todo="a deputy votes where the seat-holder did not",
            )
    number = motion.counted.get(told.voter, 0) + 1
    if told.number != number:
        raise ConflictError(
            f"this is not ballot {number} of {told.voter}", where=told.motion, todo="sign it with the next number"
        )
    ballot = from_data({key: value for key, value in data.items() if key != "motion"} | {"cast_at": scene.at}, Ballot)
    message = ballot_bytes(
        motion, seat=told.seat, voter=told.voter, choice=told.choice, number=number, reasons=told.reasons
    )
    _require_signed(message, told, "ballot")
    ballots = (*(one for one in motion.ballots if one.seat != told.seat), ballot)
    return put(
        governed,
        replace(
            motion,
            status=status,
            ballots=tuple(sorted(ballots, key=lambda one: one.seat)),
            counted={**motion.counted, told.voter: number},
        ),
    )


def _recuse(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Recused)
    motion = governed.motion(told.motion)
    status = next_status(motion.status, MotionAct.RECUSE)
    _require_time(motion, scene.at)
    _require_voter(motion, told.by, told, scene)
    if electorate_of(motion).seat(told.seat) is None:
        raise NotFoundError("the body has no such seat", where=told.seat[:80])
    if told.by in recused(motion):
        raise ForbiddenError("a recused seat demands nothing", where=told.by)
    if told.seat in recused(motion) or any((one.seat, one.by) == (told.seat, told.by) for one in motion.recusals):
        raise ConflictError("this was said already", where=told.seat)
    recusal = from_data({key: value for key, value in data.items() if key != "motion"} | {"made_at": scene.at}, Recusal)
    message = recusal_bytes(motion, seat=told.seat, by=told.by, voter=told.voter, reasons=told.reasons)
    _require_signed(message, told, "recusal")
    return put(governed, replace(motion, status=status, recusals=(*motion.recusals, recusal)))


def _withdraw(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    motion = governed.motion(from_data(data, _Named).motion)
    status = next_status(motion.status, MotionAct.WITHDRAW)
    if scene.who != motion.mover:
        raise ForbiddenError(f"{motion.mover} moved it, and withdraws it", where=motion.uuid)
    _require_time(motion, scene.at)
    return put(governed, replace(motion, status=status, closed_at=scene.at))


def _close(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Closed)
    motion = governed.motion(told.motion)
    result = tally_of(motion)
    status = next_status(motion.status, MotionAct.PASS if result.passed else MotionAct.FAIL)
    if not closable(motion, scene.at):
        raise TransitionError(
            "seats have not voted, and its deadline has not come", where=motion.uuid, todo="wait for either"
        )
    if told.result != result:
        raise InputError("the ballots say another result", where=motion.uuid)
    return put(governed, replace(motion, status=status, closed_at=scene.at, result=result))


def _expire(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    motion = governed.motion(from_data(data, _Named).motion)
    status = next_status(motion.status, MotionAct.EXPIRE)
    if scene.at < (motion.deadline if motion.status is MotionStatus.TABLED else motion.until):
        raise TransitionError("its time has not run out", where=motion.uuid)
    return put(governed, replace(motion, status=status))


def _require_time(motion: Motion, at: Micros) -> None:
    if at >= motion.deadline:
        raise TransitionError("its deadline has passed", where=motion.uuid, todo="close it")


def _require_of_body(body: Body, scene: Scene) -> None:
    """Refuse somebody who is neither of the body nor the hub's operator, who is its secretary."""
    if any(rank_of(seat, scene.who) is not None for seat in body.seats if seat.in_term(scene.at)):
        return
    if not scene.is_operator(scene.who):
        raise ForbiddenError(f"{scene.who} has no seat in {body.name}", todo="`tocsin body show` names who has")


def _require_signed(message: bytes, told: _Voted | _Recused, what: str) -> None:
    made = Signed(signature=told.signature, ml_dsa_signature=told.ml_dsa_signature)
    verify_bytes(message, made, public_key=told.key, ml_dsa_key=told.ml_dsa_key, what=what)


def _require_voter(motion: Motion, seat: str, told: _Voted | _Recused, scene: Scene) -> int:
    """Return how a person stands to a seat: 0 holds it; and refuse whoever may not speak for it now."""
    voter = told.voter
    found = electorate_of(motion).seat(seat)
    rank = None if found is None else rank_of(found, voter)
    if rank is None:
        raise ForbiddenError(f"{voter} does not speak for the seat {seat[:80]!r}", where=motion.uuid)
    if scene.who != voter:
        raise ForbiddenError("nobody votes for another", where=voter, todo="act as the voter")
    user, party = scene.register.user(voter), scene.register.party(voter.rpartition("@")[2])
    if user is None or user.status is not UserStatus.ACTIVE or party is None or party.status is not PartyStatus.VETTED:
        raise ForbiddenError("only an active user of a vetted party votes", where=voter)
    if Role.SIGNATORY not in user.roles or user.signing_key is None:
        raise ForbiddenError("only a signatory with a registered key votes", where=voter, todo="`tocsin user key`")
    if user.authority is not None and not user.authority.stands(scene.at):
        raise ForbiddenError("their authority to sign has ended", where=voter, todo=f"tocsin user authority {voter}")
    if (user.signing_key, user.ml_dsa_key) != (told.key, told.ml_dsa_key):
        raise ForbiddenError("this is not the key that is registered for them", where=voter)
    return rank


MOTION_STEPS: Final[dict[str, Callable[[Governed, Mapping[str, Any], Scene], Governed]]] = {
    "motion.tabled": _table,
    "motion.opened": _open,
    "motion.voted": _vote,
    "motion.recused": _recuse,
    "motion.withdrawn": _withdraw,
    "motion.closed": _close,
    "motion.expired": _expire,
}
