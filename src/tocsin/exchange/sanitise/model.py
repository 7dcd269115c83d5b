"""A sanitised version from its making to its end: values, and the one table of what may follow what."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.agreements.document import Approver, Attribution
from tocsin.agreements.model import Tlp
from tocsin.errors import TransitionError
from tocsin.kernel.clock import Micros

__all__ = [
    "ENDED",
    "TRANSITIONS",
    "Act",
    "Chain",
    "Ending",
    "Standing",
    "State",
    "Version",
    "after",
    "approved",
    "begun",
]


class State(enum.StrEnum):
    """Where a sanitised version stands."""

    PENDING = "pending"  # somebody has to let it out
    APPROVED = "approved"  # leaves in a slot after its countdown
    PUBLISHED = "published"
    VETOED = "vetoed"
    DROPPED = "dropped"  # it will not be published any more, and nobody decided so: ``Ending`` says why
    RECALLED = "recalled"  # was published, and is offered no more


class Act(enum.StrEnum):
    """What moves it on."""

    APPROVE = "approve"
    VETO = "veto"
    PUBLISH = "publish"
    DROP = "drop"
    RECALL = "recall"


class Ending(enum.StrEnum):
    """Why a version was dropped or recalled."""

    SUPERSEDED = "superseded"  # a later version of its original came before it left
    WITHDRAWN = "withdrawn"  # its owner took the original back
    PURGED = "purged"  # the original was destroyed
    RECALLED = "recalled"  # the original was
    INVALID = "invalid"  # it is no valid object any more, or nothing new: what it says was over, or had left already


TRANSITIONS: Final[dict[tuple[State, Act], State]] = {
    (State.PENDING, Act.APPROVE): State.APPROVED,
    (State.PENDING, Act.VETO): State.VETOED,
    (State.PENDING, Act.DROP): State.DROPPED,
    # once more: alone, though fewer producers than a slot wants share it
    (State.APPROVED, Act.APPROVE): State.APPROVED,
    (State.APPROVED, Act.VETO): State.VETOED,
    (State.APPROVED, Act.DROP): State.DROPPED,
    (State.APPROVED, Act.PUBLISH): State.PUBLISHED,
    (State.PUBLISHED, Act.RECALL): State.RECALLED,
}

ENDED: Final = frozenset({State.VETOED, State.DROPPED, State.RECALLED})


def after(state: State, act: Act, *, where: str) -> State:
    """Return the state after an act.

    Raises:
        TransitionError: it cannot happen in this state.
    """
    try:
        return TRANSITIONS[state, act]
    except KeyError:
        raise TransitionError(
            f"it is {state}: it cannot be {_PAST[act]}", where=where, todo="`tocsin sanitised list` shows what waits"
        ) from None


_PAST: Final = {
    Act.APPROVE: "approved",
    Act.VETO: "vetoed",
    Act.PUBLISH: "published",
    Act.DROP: "dropped",
    Act.RECALL: "recalled",
}


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """All sanitised versions of one object of one owner under one agreement: they share their random id."""

    party: str  # URI of the owner
    agreement: str
    object_id: str
    sanitised_id: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One sanitised version, as it was made; its later fate stands beside it. ``version`` is the original's."""

    uuid: str
    chain: Chain
    version: Micros
    collection: str  # UUID
    agreement_version: int
    clause: str
    plan: str
    tlp: Tlp
    attribution: Attribution
    approve: Approver
    made_at: Micros
    leaves_at: Micros  # the countdown's end


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a version.

    ``ready_at`` is the instant from which a slot may take it: its countdown is over and it is approved. ``alone``: its
    owner lets it leave though fewer producers than usual share its slot.
    """

    state: State
    ready_at: Micros | None = None
    alone: bool = False
    slot: Micros | None = None
    ending: Ending | None = None


def begun(version: Version) -> Standing:
    """Return how a version stands when it is made: with nobody to ask, signing the clause was the consent."""
    if version.approve is Approver.NOBODY:
        return Standing(state=State.APPROVED, ready_at=version.leaves_at)
    return Standing(state=State.PENDING)


def approved(version: Version, standing: Standing, at: Micros, *, alone: bool) -> Standing:
    """Return how it stands when somebody who may lets it out.

    Raises:
        TransitionError: it has left, or ended.
    """
    return msgspec.structs.replace(
        standing,
        state=after(standing.state, Act.APPROVE, where=version.uuid),
        ready_at=max(at, version.leaves_at),
        alone=standing.alone or alone,
    )
