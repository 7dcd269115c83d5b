"""How a motion stands: who takes no part, what its ballots say so far, whether its vote is over. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tocsin.errors import TransitionError
from tocsin.governance.model.bodies import Closing
from tocsin.governance.model.motions import MotionAct, MotionStatus, next_status
from tocsin.governance.model.tally import YES, Reason, Tally, count, settled

if TYPE_CHECKING:
    from tocsin.governance.model.bodies import Body
    from tocsin.governance.model.motions import Motion
    from tocsin.kernel.clock import Micros

__all__ = ["closable", "electorate_of", "hopeless", "lapse", "pending", "recused", "tally_of"]


def recused(motion: Motion) -> frozenset[str]:
    """Return the seats that take no part.

    Those of parties to the dispute, who declared it, and of whom more than half of the seats that take part demand it:
    the one in question is among these, or half of a body could silence the other half.
    """
    if motion.electorate is None:
        return frozenset()
    out = {one.seat for one in motion.recusals if one.seat == one.by} | set(motion.barred)
    # demands are weighed in the order in which they were made: who is out by then decides no more about others
    for place, one in enumerate(motion.recusals):
        if one.seat in out:
            continue
        demanded = {
            other.by for other in motion.recusals[: place + 1] if other.seat == one.seat and other.by not in out
        }
        present = sum(seat.name not in out for seat in motion.electorate.seats)
        if 2 * len(demanded) > present:
            out.add(one.seat)
    return frozenset(out)


def tally_of(motion: Motion) -> Tally:
    """Return the result of a motion as its ballots stand.

    Raises:
        TransitionError: it was never opened.
    """
    return count(electorate_of(motion), _choices(motion), recused(motion))


def closable(motion: Motion, at: Micros) -> bool:
    """Return whether an open motion's vote is over: by its deadline, or because nothing is left to come."""
    electorate = electorate_of(motion)
    out, choices = recused(motion), _choices(motion)
    if at >= motion.deadline or all(seat.name in choices or seat.name in out for seat in electorate.seats):
        return True
    return electorate.rule.closes is Closing.SETTLED and settled(electorate, choices, out)


def hopeless(motion: Motion) -> bool:
    """Return whether an open motion can only fail for its quorum: too many seats take no part, however others vote."""
    if motion.status is not MotionStatus.OPEN or motion.electorate is None:
        return False
    out = recused(motion)
    everybody = dict.fromkeys((seat.name for seat in motion.electorate.seats), YES)
    return count(motion.electorate, everybody, out).reason is Reason.NO_QUORUM_RECUSED


def pending(motion: Motion) -> bool:
    """Return whether something can still come of a motion."""
    return motion.status in (MotionStatus.TABLED, MotionStatus.OPEN, MotionStatus.PASSED)


def lapse(motion: Motion) -> Motion:
    """Return a pending motion as it stands when its question is no longer the same."""
    return replace(motion, status=next_status(motion.status, MotionAct.LAPSE))


def electorate_of(motion: Motion) -> Body:
    """Return the body as of the opening.

    Raises:
        TransitionError: the motion was never opened.
    """
    if motion.electorate is None:
        raise TransitionError("this motion was never opened", where=motion.uuid, todo="open it first")
    return motion.electorate


def _choices(motion: Motion) -> dict[str, str]:
    return {ballot.seat: str(ballot.choice) for ballot in motion.ballots}
