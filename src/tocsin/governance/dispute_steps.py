"""What the entries about disputes need and make. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, ForbiddenError, InputError, TransitionError
from tocsin.governance.model.disputes import (
    Appeal,
    Decision,
    Dispute,
    DisputeAct,
    DisputeKind,
    DisputeStatus,
    Outcome,
    clock_of,
    next_dispute_status,
)
from tocsin.governance.wire import from_data
from tocsin.kernel.mandate import MandateBasis
from tocsin.parties.model import PartyStatus, UserStatus, check_remark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.state import Governed, Scene

__all__ = ["DISPUTE_STEPS"]


class _Filed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute: str
    kind: DisputeKind
    complainant: str
    respondent: str
    subject: str
    statement: str


class _Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute: str
    party: str
    text: str


class _Mediated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute: str
    mediator: str


class _Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute: str
    outcome: Outcome
    reasons: str
    remedy: str


class _Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute: str


def _file(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Filed)
    if told.dispute in governed.disputes:
        raise ConflictError("there is a dispute of this id already", where=told.dispute)
    for uri in (told.complainant, told.respondent):
        party = scene.register.party_of(uri)
        if party is None or party.status is PartyStatus.LEFT:
            raise InputError("a party to it is not here", where=uri[:80])
    complainant = scene.register.party_of(told.complainant)
    if told.kind is DisputeKind.SUSPENSION and (complainant is None or complainant.status is not PartyStatus.SUSPENDED):
        raise TransitionError("this party is not suspended", where=told.complainant, todo="file a complaint")
    _require_speaks(scene, told.complainant)
    dispute = Dispute(
        uuid=told.dispute,
        kind=told.kind,
        complainant=told.complainant,
        respondent=told.respondent,
        subject=told.subject,
        statement=told.statement,
        filed_by=scene.who,
        filed_at=scene.at,
    )
    return _put(governed, dispute, scene, DisputeStatus.FILED)


def _mediate(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Mediated)
    dispute = governed.dispute(told.dispute)
    status = next_dispute_status(dispute.status, DisputeAct.MEDIATE)
    user = scene.register.user(told.mediator) if "@" in told.mediator else None
    if user is None or user.status is not UserStatus.ACTIVE:
        raise InputError("a mediator is an active user", where=told.mediator[:80], todo="write user@party")
    if user.party in dispute.parties:
        raise ForbiddenError("a mediator is of neither party", where=told.mediator)
    if not scene.is_operator(scene.who):
        raise ForbiddenError("the secretary names the mediator", where=scene.who)
    return _put(governed, replace(dispute, mediator=told.mediator), scene, status)


def _offer(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Said)
    dispute = governed.dispute(told.dispute)
    next_dispute_status(dispute.status, DisputeAct.OFFER)
    if told.party not in dispute.parties:
        raise ForbiddenError("only its parties settle a dispute", where=told.party[:80])
    _require_speaks(scene, told.party)
    if not check_remark(told.text, "settlement").strip():
        raise InputError("a settlement has terms", where=told.dispute, todo="write them in a sentence")
    offers = {**dispute.offers, told.party: told.text}
    # the same words from both: neither can be held to what it did not say
    agreed = {offers.get(party) for party in dispute.parties} == {told.text}
    if agreed:
        status = next_dispute_status(dispute.status, DisputeAct.SETTLE)
        return _put(governed, replace(dispute, offers=offers), scene, status)
    return _keep(governed, replace(dispute, offers=offers))


def _withdraw(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Said)
    dispute = governed.dispute(told.dispute)
    status = next_dispute_status(dispute.status, DisputeAct.WITHDRAW)
    check_remark(told.text, "reason")
    whose = dispute.appeal.party if dispute.appeal is not None else dispute.complainant
    if told.party != whose:
        raise ForbiddenError("who filed it withdraws it", where=told.dispute)
    _require_speaks(scene, told.party)
    return _put(governed, dispute, scene, status)


def _decide(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Decided)
    dispute = governed.dispute(told.dispute)
    status = next_dispute_status(dispute.status, DisputeAct.DECIDE)
    mandate = scene.mandate or ""
    hub = scene.register.hub()
    home = None if hub is None else scene.register.party(hub)
    if mandate.startswith(MandateBasis.FOUNDING) and home is not None and home.uri in dispute.parties:
        raise ForbiddenError(
            "the party that runs the hub does not decide its own dispute",
            where=dispute.uuid,
            todo="give a body the right governance:dispute:decide",
        )
    basis, _, reference = mandate.partition(":")
    if (
        basis == MandateBasis.MOTION
        and dispute.appeal is not None
        and governed.motion(reference).tabled_at < dispute.appeal.at
    ):
        raise ForbiddenError(
            "this motion was tabled before the appeal, which it would decide unheard",
            where=reference,
            todo="table a motion on the appeal",
        )
    decision = Decision(outcome=told.outcome, reasons=told.reasons, remedy=told.remedy, mandate=mandate, at=scene.at)
    return _put(governed, replace(dispute, decisions=(*dispute.decisions, decision)), scene, status)


def _appeal(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Said)
    dispute = governed.dispute(told.dispute)
    status = next_dispute_status(dispute.status, DisputeAct.APPEAL)
    if told.party not in dispute.parties:
        raise ForbiddenError("only its parties appeal", where=told.party[:80])
    _require_speaks(scene, told.party)
    if dispute.overdue(scene.at):
        raise TransitionError("the time in which it could be appealed has passed", where=dispute.uuid)
    appeal = Appeal(party=told.party, reasons=told.text, at=scene.at)
    return _put(governed, replace(dispute, appeal=appeal), scene, status)


def _conclude(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    dispute = governed.dispute(from_data(data, _Named).dispute)
    status = next_dispute_status(dispute.status, DisputeAct.CONCLUDE)
    if not dispute.overdue(scene.at):
        raise TransitionError("it can be appealed still", where=dispute.uuid)
    return _put(governed, dispute, scene, status)


def _put(governed: Governed, dispute: Dispute, scene: Scene, status: DisputeStatus) -> Governed:
    """Return what there is with a dispute in its next stage, whose clock begins now."""
    lasts = clock_of(dispute.kind, status)
    due, closed = (None, scene.at) if lasts is None else (scene.at + lasts, None)
    return _keep(governed, replace(dispute, status=status, due=due, closed_at=closed))


def _keep(governed: Governed, dispute: Dispute) -> Governed:
    return replace(governed, disputes={**governed.disputes, dispute.uuid: dispute})


def _require_speaks(scene: Scene, uri: str) -> None:
    """Refuse somebody who is not of a party; that a suspended party's people cannot sign in keeps no appeal away."""
    party = scene.register.party_of(uri)
    of_it = party is not None and party.name == scene.who.rpartition("@")[2]
    user = scene.register.user(scene.who) if "@" in scene.who else None
    if not of_it or ("@" in scene.who and (user is None or user.status is not UserStatus.ACTIVE)):
        raise ForbiddenError("this is not of that party", where=scene.who, todo="act as somebody of the party")


DISPUTE_STEPS: Final[dict[str, Callable[[Governed, Mapping[str, Any], Scene], Governed]]] = {
    "dispute.filed": _file,
    "dispute.mediated": _mediate,
    "dispute.offered": _offer,
    "dispute.withdrawn": _withdraw,
    "dispute.decided": _decide,
    "dispute.appealed": _appeal,
    "dispute.concluded": _conclude,
}
