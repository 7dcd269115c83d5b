"""The life of one version of an agreement: one table of what may follow what. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from tocsin.errors import TransitionError

if TYPE_CHECKING:
    from tocsin.agreements.document import AgreementDocument
    from tocsin.kernel.clock import Micros

__all__ = [
    "AGREEMENT_TRANSITIONS",
    "EXPIRED",
    "HEEDED",
    "AgreementAct",
    "AgreementStatus",
    "next_status",
    "shown_status",
]

EXPIRED: Final = "expired"
"""How a version is shown whose term is over. Time alone brings it about, so nothing is stored that could lag."""


class AgreementStatus(enum.StrEnum):
    """Where one version stands at the hub; a draft is a file that nobody proposed yet.

    In force here means activated, and neither suspended nor ended; the document's own dates say when the gate heeds it.
    """

    PROPOSED = "proposed"
    SIGNED = "signed"  # by every party that it names, and by two at least
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"  # permits nothing; what it forbids stays forbidden
    TERMINATED = "terminated"  # likewise, until its term is over or a higher version is in force
    SUPERSEDED = "superseded"
    DROPPED = "dropped"  # it never came into force, and never will


HEEDED: Final = frozenset({AgreementStatus.IN_FORCE, AgreementStatus.SUSPENDED, AgreementStatus.TERMINATED})
"""Whose forbids the gate heeds, within the version's term; permits it heeds only of what is in force."""


class AgreementAct(enum.StrEnum):
    """What moves a version from one status to another, or is done to it where it stands."""

    SIGN = "sign"
    COMPLETE = "complete"  # the signature that was still missing
    OBJECT = "object"  # to an amendment that one is not bound by yet
    ACTIVATE = "activate"
    ADOPT = "adopt"  # an amendment that enough signed and too few objected to
    SUPERSEDE = "supersede"  # a higher version came into force
    ADMIT = "admit"  # a party that may then accede
    WITHDRAW = "withdraw"  # one party, with notice
    GRACE = "grace"  # a legal basis that lapsed counts as valid for some, until an instant
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    DROP = "drop"  # what was never in force


_S, _A = AgreementStatus, AgreementAct
_ENDED: Final = frozenset({_S.TERMINATED, _S.SUPERSEDED, _S.DROPPED})

AGREEMENT_TRANSITIONS: Final[dict[tuple[AgreementStatus, AgreementAct], AgreementStatus]] = {
    (_S.PROPOSED, _A.SIGN): _S.PROPOSED,
    (_S.PROPOSED, _A.OBJECT): _S.PROPOSED,
    (_S.PROPOSED, _A.COMPLETE): _S.SIGNED,
    (_S.PROPOSED, _A.ADOPT): _S.IN_FORCE,
    (_S.PROPOSED, _A.SUPERSEDE): _S.SUPERSEDED,
    (_S.PROPOSED, _A.DROP): _S.DROPPED,
    (_S.SIGNED, _A.SIGN): _S.SIGNED,
    (_S.SIGNED, _A.OBJECT): _S.SIGNED,
    (_S.SIGNED, _A.ACTIVATE): _S.IN_FORCE,
    (_S.SIGNED, _A.ADOPT): _S.IN_FORCE,
    (_S.SIGNED, _A.SUPERSEDE): _S.SUPERSEDED,
    (_S.SIGNED, _A.DROP): _S.DROPPED,
    # whoever meets the criteria later joins by their own signature
    (_S.IN_FORCE, _A.SIGN): _S.IN_FORCE,
    (_S.IN_FORCE, _A.ADMIT): _S.IN_FORCE,
    (_S.IN_FORCE, _A.WITHDRAW): _S.IN_FORCE,
    (_S.IN_FORCE, _A.GRACE): _S.IN_FORCE,
    (_S.IN_FORCE, _A.SUSPEND): _S.SUSPENDED,
    (_S.IN_FORCE, _A.SUPERSEDE): _S.SUPERSEDED,
    (_S.IN_FORCE, _A.TERMINATE): _S.TERMINATED,
    # nobody is kept in by a suspension, and nobody joins what is not in force
    (_S.SUSPENDED, _A.WITHDRAW): _S.SUSPENDED,
    (_S.SUSPENDED, _A.RESUME): _S.IN_FORCE,
    (_S.SUSPENDED, _A.SUPERSEDE): _S.SUPERSEDED,
    (_S.SUSPENDED, _A.TERMINATE): _S.TERMINATED,
    # what it forbade stays until all sign something else, and who leaves is bound by what survives
    (_S.TERMINATED, _A.WITHDRAW): _S.TERMINATED,
    (_S.TERMINATED, _A.SUPERSEDE): _S.SUPERSEDED,
}


def next_status(status: AgreementStatus, act: AgreementAct) -> AgreementStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a version in this status cannot do or suffer that.
    """
    try:
        return AGREEMENT_TRANSITIONS[status, act]
    except KeyError:
        allowed = sorted(str(done) for (state, done) in AGREEMENT_TRANSITIONS if state == status)
        raise TransitionError(
            f"one cannot {act} an agreement that is {status}",
            todo=f"possible from here: {', '.join(allowed) or 'nothing'}",
        ) from None


def shown_status(status: AgreementStatus, document: AgreementDocument, at: Micros) -> str:
    """Return where a version stands at an instant: its status, or ``EXPIRED`` when its term is over."""
    over = document.ends is not None and document.ends <= at
    return EXPIRED if over and status not in _ENDED else str(status)
