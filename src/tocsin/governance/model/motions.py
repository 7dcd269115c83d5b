"""Motions: their life as one table, ballots, recusals, and what they are about. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.governance.model.bodies import Body
from tocsin.governance.model.tally import Tally
from tocsin.governance.texts import text_digest
from tocsin.kernel.canonical import digest
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.mandate import Right
from tocsin.parties.model import check_remark

if TYPE_CHECKING:
    from tocsin.kernel.canonical import Json

__all__ = [
    "MAX_OPEN",
    "MAX_UNUSED",
    "MOTION_TRANSITIONS",
    "About",
    "Ballot",
    "Choice",
    "Motion",
    "MotionAct",
    "MotionStatus",
    "Recusal",
    "motion_digest",
    "next_status",
]

# A question that is open for longer than a quarter is another question by then.
MAX_OPEN: Final[Micros] = 92 * DAY
# What was decided and not done within a year is decided again.
MAX_UNUSED: Final[Micros] = 366 * DAY


class MotionStatus(enum.StrEnum):
    """Where a motion stands."""

    TABLED = "tabled"
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # never opened in its time, or passed and not carried out in its time
    LAPSED = "lapsed"  # the agreement that it is about changed, or its body was dissolved
    EXECUTED = "executed"


class MotionAct(enum.StrEnum):
    """What moves a motion from one status to another."""

    OPEN = "open"
    VOTE = "vote on"
    RECUSE = "recuse a seat from"
    PASS = "pass"  # noqa: S105  an act of a body
    FAIL = "fail"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    LAPSE = "lapse"
    EXECUTE = "execute"
    REPEAT = "execute again"


MOTION_TRANSITIONS: Final[dict[tuple[MotionStatus, MotionAct], MotionStatus]] = {
    (MotionStatus.TABLED, MotionAct.OPEN): MotionStatus.OPEN,
    (MotionStatus.TABLED, MotionAct.WITHDRAW): MotionStatus.WITHDRAWN,
    (MotionStatus.TABLED, MotionAct.EXPIRE): MotionStatus.EXPIRED,
    (MotionStatus.TABLED, MotionAct.LAPSE): MotionStatus.LAPSED,
    (MotionStatus.OPEN, MotionAct.VOTE): MotionStatus.OPEN,
    (MotionStatus.OPEN, MotionAct.RECUSE): MotionStatus.OPEN,
    (MotionStatus.OPEN, MotionAct.PASS): MotionStatus.PASSED,
    (MotionStatus.OPEN, MotionAct.FAIL): MotionStatus.FAILED,
    (MotionStatus.OPEN, MotionAct.WITHDRAW): MotionStatus.WITHDRAWN,
    (MotionStatus.OPEN, MotionAct.LAPSE): MotionStatus.LAPSED,
    (MotionStatus.PASSED, MotionAct.EXECUTE): MotionStatus.EXECUTED,
    (MotionStatus.PASSED, MotionAct.EXPIRE): MotionStatus.EXPIRED,
    (MotionStatus.PASSED, MotionAct.LAPSE): MotionStatus.LAPSED,
    # of the few rights whose mandate may be used more than once
    (MotionStatus.EXECUTED, MotionAct.REPEAT): MotionStatus.EXECUTED,
}


class Choice(enum.StrEnum):
    """What a ballot says."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version of an agreement that a motion is about: its digest, and that of the version then in force.

    ``in_force`` is None while none was. When another version comes into force, the question is another: it lapses.
    """

    agreement: str
    version: int
    digest: str
    in_force: str | None = None


class Ballot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One seat's vote: signed by ``voter`` with ``key`` over ``wire.ballot_bytes``; with ``ml_dsa_key`` too, if any.

    ``number`` counts the voter's ballots on this motion from 1, so that an old one is never taken for a new one.
    """

    seat: str
    voter: str
    choice: Choice
    number: int
    key: str
    signature: str
    cast_at: Micros
    reasons: str = ""
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None

    def __post_init__(self) -> None:
        check_remark(self.reasons, "reason")


class Recusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One seat's statement that ``seat`` has a conflict of interest: its own (``by`` is the same), or another's."""

    seat: str
    by: str
    voter: str
    reasons: str
    key: str
    signature: str
    made_at: Micros
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None

    def __post_init__(self) -> None:
        if not check_remark(self.reasons, "reason").strip():
            raise InputError("a recusal says why", where=self.seat, todo="write the conflict of interest in a sentence")


class Motion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A motion, whole: what it asks, who voted how, and what became of it.

    With a ``right`` and ``subject`` it mints a mandate when it passes, good until ``until``; without, it is a
    resolution. ``electorate`` is the body as of the opening. ``ballots`` are those that stand, one a seat; ``counted``
    says how many each voter cast. ``barred`` are seats whose holder or deputy is of a party to the dispute that is to
    be decided: they are recused from the beginning. ``used`` are the entries of the log made under its mandate.
    ``text`` is what exactly is decided (``texts.text_of``), where the act leaves something open; unset, it is left out
    of what is signed and kept, which is the form of motions from before there was any.
    """

    uuid: str
    body: str
    title: str
    reasons: str
    mover: str
    tabled_at: Micros
    deadline: Micros
    until: Micros
    right: Right | None = None
    subject: str = ""
    about: About | None = None
    status: MotionStatus = MotionStatus.TABLED
    opened_at: Micros | None = None
    electorate: Body | None = None
    ballots: tuple[Ballot, ...] = ()
    counted: dict[str, int] = msgspec.field(default_factory=dict)
    barred: tuple[str, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    closed_at: Micros | None = None
    result: Tally | None = None
    used: tuple[int, ...] = ()
    text: str | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        for text, what in ((self.title, "title"), (self.reasons, "reason")):
            if not check_remark(text, what).strip():
                raise InputError(f"a motion has a {what}", where=what, todo="write it in a sentence")
        if not self.tabled_at < self.deadline <= self.tabled_at + MAX_OPEN:
            raise InputError(f"the deadline lies after the tabling, at most {MAX_OPEN // DAY} days", where="deadline")
        if not self.deadline < self.until <= self.deadline + MAX_UNUSED:
            raise InputError(
                f"what was decided is carried out after the deadline, within {MAX_UNUSED // DAY} days", where="until"
            )
        if self.right is None and (self.subject or self.about is not None or self.text is not msgspec.UNSET):
            raise InputError("without a right there is nothing to carry out", where="right", todo="name the right")

    @property
    def document(self) -> str | None:
        """Return the SHA-256 of what exactly is decided, in hexadecimal; None where right and subject say it all."""
        return None if isinstance(self.text, msgspec.UnsetType) else text_digest(self.text)

    def ballot(self, seat: str) -> Ballot | None:
        """Return the ballot of a seat that stands."""
        return next((ballot for ballot in self.ballots if ballot.seat == seat), None)


def motion_digest(motion: Motion) -> bytes:
    """Return what a ballot is signed over: everything that was known when the motion was opened.

    The text that is decided stands in it as ``document``, its digest.
    """
    asked = msgspec.structs.replace(
        motion,
        status=MotionStatus.OPEN,
        ballots=(),
        counted={},
        recusals=(),
        closed_at=None,
        result=None,
        used=(),
        text=msgspec.UNSET,
    )
    form: dict[str, Any] = msgspec.to_builtins(asked)
    document = {} if motion.document is None else {"document": motion.document}
    return digest("tocsin/motion/v1", _form(form | document))


def _form(value: Any) -> Json:  # noqa: ANN401  whatever `to_builtins` makes of the fields above
    """Return a value with its numbers written out: RFC 8785 holds no instant after the year 2255."""
    if isinstance(value, dict):
        return {str(key): _form(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_form(inner) for inner in value]
    return value if value is None or isinstance(value, bool | str) else str(value)


def next_status(status: MotionStatus, act: MotionAct) -> MotionStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a motion in this status cannot do or suffer that.
    """
    try:
        return MOTION_TRANSITIONS[status, act]
    except KeyError:
        # to use a mandate again is a matter of few rights, and of no command: nobody is sent there
        steps = (done for (state, done) in MOTION_TRANSITIONS if state == status and done is not MotionAct.REPEAT)
        allowed = sorted(map(str, steps))
        raise TransitionError(
            f"one cannot {act} a motion that is {status}", todo=f"possible from here: {', '.join(allowed) or 'nothing'}"
        ) from None
