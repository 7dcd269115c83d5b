"""The life of one version of an agreement: one table of what may follow what. Pure."""

from __future__ import annotations

import enum
from typing import Final

from tocsin.errors import TransitionError

__all__ = ["AGREEMENT_TRANSITIONS", "AgreementAct", "AgreementStatus", "next_status"]


class AgreementStatus(enum.StrEnum):
    """Where one version stands at the hub; a draft is a file that nobody proposed yet.

    In force here means activated and not superseded; the document's own dates say when the gate heeds it.
    """

    PROPOSED = "proposed"
    SIGNED = "signed"  # by every party that it names, and by two at least
    IN_FORCE = "in-force"
    SUPERSEDED = "superseded"


class AgreementAct(enum.StrEnum):
    """What moves a version from one status to another."""

    SIGN = "sign"
    COMPLETE = "complete"  # the signature that was still missing
    ACTIVATE = "activate"
    SUPERSEDE = "supersede"  # a higher version came into force


AGREEMENT_TRANSITIONS: Final[dict[tuple[AgreementStatus, AgreementAct], AgreementStatus]] = {
    (AgreementStatus.PROPOSED, AgreementAct.SIGN): AgreementStatus.PROPOSED,
    (AgreementStatus.PROPOSED, AgreementAct.COMPLETE): AgreementStatus.SIGNED,
    (AgreementStatus.PROPOSED, AgreementAct.SUPERSEDE): AgreementStatus.SUPERSEDED,
    (AgreementStatus.SIGNED, AgreementAct.SIGN): AgreementStatus.SIGNED,
    (AgreementStatus.SIGNED, AgreementAct.ACTIVATE): AgreementStatus.IN_FORCE,
    (AgreementStatus.SIGNED, AgreementAct.SUPERSEDE): AgreementStatus.SUPERSEDED,
    # whoever meets the criteria later joins by their own signature
    (AgreementStatus.IN_FORCE, AgreementAct.SIGN): AgreementStatus.IN_FORCE,
    (AgreementStatus.IN_FORCE, AgreementAct.SUPERSEDE): AgreementStatus.SUPERSEDED,
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
