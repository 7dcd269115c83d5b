"""The course of entries: what each needs by way of a mandate, and what it makes of governance. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ForbiddenError, InputError
from tocsin.governance.body_steps import BODY_STEPS
from tocsin.governance.charter_steps import CHARTER_STEPS
from tocsin.governance.crisis import require_decided
from tocsin.governance.dispute_steps import DISPUTE_STEPS
from tocsin.governance.model.bodies import holder_of
from tocsin.governance.model.motions import MotionAct, MotionStatus, next_status
from tocsin.governance.model.votes import lapse, pending
from tocsin.governance.motion_steps import MOTION_STEPS
from tocsin.governance.privileged import ACTS, TAKES_TEXT, decided, required
from tocsin.governance.state import put, require_holder
from tocsin.governance.tabling import TERMS
from tocsin.governance.texts import differing, read_terms, text_digest
from tocsin.kernel.mandate import REPEATABLE, MandateBasis, Right

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.model.motions import Motion
    from tocsin.governance.state import Governed, Scene, Told
    from tocsin.kernel.clock import Micros

__all__ = ["CHANGES_AGREEMENT", "KINDS", "enter", "require_said", "require_usable"]

FOUNDING_REFERENCE: Final = "entry:0"
# A version comes into force: what was asked about the one before it is another question now.
CHANGES_AGREEMENT: Final = frozenset({"agreement.activated", "agreement.adopted"})
_STEPS: Final[dict[str, Callable[[Governed, Mapping[str, Any], Scene], Governed]]] = {
    **BODY_STEPS,
    **MOTION_STEPS,
    **DISPUTE_STEPS,
    **CHARTER_STEPS,
}
KINDS: Final = frozenset(_STEPS)


def enter(governed: Governed, told: Told, scene: Scene, name_of: Callable[[str], str]) -> Governed:
    """Return what an entry makes of governance: it needs the mandate that its kind needs, uses it, and takes its step.

    ``name_of`` gives the short name of a party for its URI. Entries of other rooms change nothing but the motions whose
    mandates they use, and those whose agreement they change.

    Once a motion had a text, none goes without: what the log tells later is held to ``require_said`` as well.

    Raises:
        RefusedError: it cannot have happened, or may not happen; says why.
    """
    after = _entered(governed, told, scene, name_of)
    if _may_be_blank(told) and any(isinstance(one.text, str) for one in governed.motions.values()):
        require_said(after, told)
    return after


def require_said(governed: Governed, told: Told) -> None:
    """Refuse a motion that leaves open what its act would decide: to be tabled, and to be carried out.

    Logs from before motions had texts tell of such; they are not held to this.

    Args:
        governed: what there is after the entry.
        told: the entry.

    Raises:
        InputError: a motion is tabled without its text. ForbiddenError: one is used that was.
    """
    if not _may_be_blank(told):
        return
    if told.kind != "motion.tabled":
        uuid = str(told.mandate).partition(":")[2]
        if governed.motion(uuid).document is None:
            raise ForbiddenError(
                "this motion does not say what exactly was decided",
                where=uuid,
                todo="table it again, with its document",
            )
    elif told.data["right"] in TAKES_TEXT and told.data.get("text") is None:
        right = Right(told.data["right"])
        names = ", ".join(TERMS.get(right, ())) or "the document itself"
        raise InputError(
            f"a motion on {right} says what exactly is decided: its voters sign that",
            where=str(told.data["subject"]) or None,
            todo=f"give it a document (motion table --document FILE, or --term): {names}",
        )


def _may_be_blank(told: Told) -> bool:
    """Return whether an entry tables a motion, or is an act that leaves something open, under a motion."""
    act = ACTS.get(told.kind)
    by_motion = told.mandate is not None and told.mandate.startswith(f"{MandateBasis.MOTION}:")
    return told.kind == "motion.tabled" or (act is not None and act.terms is not None and by_motion)


def _entered(governed: Governed, told: Told, scene: Scene, name_of: Callable[[str], str]) -> Governed:
    needed = required(told.kind, told.data, name_of)
    motion: str | None = None
    if needed is None:
        if told.mandate is not None:
            raise ForbiddenError(f"{told.kind} takes no mandate")
    else:
        right, subject = needed
        basis, _, reference = (told.mandate or "").partition(":")
        if basis == MandateBasis.MOTION:
            motion = reference
            governed = _used(governed, motion, needed, told, scene.at)
        elif (basis, reference) != (MandateBasis.FOUNDING, FOUNDING_REFERENCE):
            raise ForbiddenError(f"{right} needs a mandate of this environment", where=subject or None)
        elif (holder := holder_of(governed.bodies, right, subject, scene.at)) is not None:
            raise ForbiddenError(
                f"{right} needs a mandate of {holder}, which holds it",
                where=subject or None,
                todo=f"table a motion: tocsin motion table {holder} --right {right} --subject {subject}"
                + (" --document FILE" if right in TAKES_TEXT else ""),
            )
    if (asked := told.data.get("decided_by")) is not None:
        require_decided(governed, motion, asked)
    if told.kind in CHANGES_AGREEMENT:
        governed = _lapsed(governed, str(told.data.get("agreement")), motion)
    step = _STEPS.get(told.kind)
    if step is None:
        return governed
    scene.require_visible()
    return step(governed, told.data, replace(scene, mandate=told.mandate))


def _used(governed: Governed, uuid: str, needed: tuple[Right, str], told: Told, at: Micros) -> Governed:
    """Return what the use of its mandate makes of a motion, unless it is for something else, used, or has ended."""
    motion = governed.motion(uuid)
    require_usable(governed, motion, needed, at)
    if motion.about is not None and told.data.get("digest", motion.about.digest) != motion.about.digest:
        raise ForbiddenError("the motion was about another text", where=uuid)
    _require_decided_text(motion, told)
    act = MotionAct.EXECUTE if motion.status is MotionStatus.PASSED else MotionAct.REPEAT
    return put(governed, replace(motion, status=next_status(motion.status, act), used=(*motion.used, told.index)))


def _require_decided_text(motion: Motion, told: Told) -> None:
    """Refuse an act that does something else than what was voted on.

    Raises:
        ForbiddenError: it does; names both digests, and what differs.
    """
    if isinstance(motion.text, msgspec.UnsetType):
        return
    made = decided(told.kind, told.data)
    if made == motion.text:
        return
    entered = "nothing of the kind" if made is None else text_digest(made)
    names = differing(read_terms(motion.text), {} if made is None else read_terms(made))
    raise ForbiddenError(
        f"the motion decided the text {motion.document}, and this is {entered}: they differ in {', '.join(names)}",
        where=motion.uuid,
        todo=f"enter what was voted on, which `tocsin motion show {motion.uuid}` prints, or table a motion on this",
    )


def require_usable(governed: Governed, motion: Motion, needed: tuple[Right, str], at: Micros) -> None:
    """Refuse a motion whose mandate is not good for a right and subject at an instant.

    Raises:
        ForbiddenError: it is for something else, did not pass, was used, has ended, or its body lost the right.
    """
    right, subject = needed
    if (motion.right, motion.subject) != needed:
        raise ForbiddenError(
            f"this motion is on {motion.right or 'no right'} of {motion.subject or 'nothing by name'}",
            where=motion.uuid,
            todo=f"name a motion on {right} of {subject or 'nothing by name'}",
        )
    repeated = motion.status is MotionStatus.EXECUTED and right in REPEATABLE
    if motion.status is not MotionStatus.PASSED and not repeated:
        raise ForbiddenError(
            f"this motion is {motion.status}", where=motion.uuid, todo="a mandate is good once, after its motion passed"
        )
    if at >= motion.until:
        raise ForbiddenError("its mandate has ended", where=motion.uuid, todo="table the motion again")
    require_holder(governed, right, subject, motion.body, at)


def _lapsed(governed: Governed, agreement: str, used: str | None) -> Governed:
    """Return what an agreement's new version makes of the motions about it: they lapse, but the one that brought it."""
    motions = {
        one.uuid: lapse(one)
        for one in governed.motions.values()
        if one.about is not None and one.about.agreement == agreement and one.uuid != used and pending(one)
    }
    return replace(governed, motions={**governed.motions, **motions})
