"""Disputes over ``/api/v1``: filed, answered, settled and appealed by their parties, and there for nobody else.

Whose people sit in the body that decides disputes sees them too, and so do operators and auditors of the hub: what
the log tells them. Whoever sees none is told in the same words that there is none, whatever there is. To decide one
takes a mandate (``carrying``).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import (
    CARRY,
    MISSING,
    READ,
    REFUSED,
    ROOT,
    SMALL,
    SPEAK,
    TAKEN,
    Given,
    Thing,
    by_id,
    id_in,
    listed,
)
from tocsin.exchange.api.queries import Name, Reference, Said, Text
from tocsin.exchange.api.viewers import Register, known_party, sees_all
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.exchange.stix.types import check_object_id
from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.governance.model.disputes import DisputeKind, DisputeStatus, Outcome
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission, Principal

if TYPE_CHECKING:
    from tocsin.governance.disputes import Disputes
    from tocsin.governance.model.disputes import Dispute
    from tocsin.kernel.clock import Micros

__all__ = ["DisputeResource", "Services", "dispute_told", "operations"]

_NONE: Final = "there is no such dispute, or none that you may see"

DisputeCall: TypeAlias = Call[Principal]


class FileAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With whom, about what, and what is asked.

    ``object`` goes with a dispute of a label or an attribution; whether it is there nobody looks.
    """

    kind: DisputeKind
    against: Name
    statement: Text
    object: Annotated[str, msgspec.Meta(max_length=MAX_ID)] = ""


class TermsAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both agree on: the same words from the other party settle the dispute."""

    terms: Text


class AppealAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the first decision is wrong."""

    reasons: Text


class WithdrawAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a dispute, or its appeal, is taken back."""

    reason: Said = ""


class MediateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who mediates: ``user@party`` of neither party."""

    mediator: Reference


class OfferResource(msgspec.Struct, frozen=True, kw_only=True):
    """The terms that a party offers."""

    party: str
    terms: str


class DecisionResource(msgspec.Struct, frozen=True, kw_only=True):
    """One instance's decision, and the mandate under which it was made."""

    outcome: Outcome
    reasons: str
    remedy: str
    mandate: str
    at: str


class AppealResource(msgspec.Struct, frozen=True, kw_only=True):
    """Who appealed, and why."""

    party: str
    reasons: str
    at: str


class DisputeResource(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute, whole. ``due``: by when its present stage should end; that stops nothing, and shows as ``overdue``."""

    dispute: str
    kind: DisputeKind
    status: DisputeStatus
    complainant: str
    respondent: str
    object: str
    statement: str
    filed_by: str
    filed: str
    due: str | None
    overdue: bool
    mediator: str | None
    offers: list[OfferResource]
    decisions: list[DecisionResource]
    appeal: AppealResource | None
    closed: str | None


class DisputeList(msgspec.Struct, frozen=True, kw_only=True):
    """The disputes that you may see, the first first."""

    disputes: list[DisputeResource]
    next: Next


_WHOLE: Final = Answer(says="The dispute, as it stands.", type=DisputeResource)


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    disputes: Disputes


class Disputing:
    """The addresses of disputes in one environment."""

    def __init__(self, services: Services) -> None:
        self._disputes = services.disputes
        self._lists = lists.Lists(services)
        self._parties = services.parties
        self._register: Register = services

    def disputes(self, call: DisputeCall) -> Reply:
        """Answer with the disputes that the asker may see."""
        found = self._disputes.within(self._viewer(call), self._lists.span(call, "disputes"))
        names, now = self._parties.names(), self._disputes.now()
        told = [dispute_told(one, names, now) for one in found.items]
        return reply(DisputeList(disputes=told, next=self._lists.next(call, "disputes", found.last)))

    def dispute(self, call: DisputeCall) -> Reply:
        """Answer with one of them."""
        return self._told(self._seen(call))

    def file(self, call: DisputeCall) -> Reply:
        """File a dispute of the asker's party with another."""
        asked = read_body(call.body, FileAsk)
        if asked.object:
            check_object_id(asked.object)
        made = self._disputes.file(
            Acting(actor=call.principal.id),
            asked.kind,
            complainant=call.principal.party_name,
            respondent=known_party(self._register, asked.against).name,
            statement=asked.statement,
            subject=asked.object,
        )
        return self._told(made, status=HTTPStatus.CREATED)

    def mediate(self, call: DisputeCall) -> Reply:
        """Name a mediator."""
        asked = read_body(call.body, MediateAsk)
        seen = self._seen(call)
        return self._told(self._disputes.mediate(Acting(actor=call.principal.id), seen.uuid, asked.mediator))

    def settle(self, call: DisputeCall) -> Reply:
        """Offer terms for the asker's party."""
        asked = read_body(call.body, TermsAsk)
        return self._told(
            self._disputes.offer(
                Acting(actor=call.principal.id), self._seen(call).uuid, call.principal.party_name, asked.terms
            )
        )

    def appeal(self, call: DisputeCall) -> Reply:
        """Appeal for the asker's party against the first decision."""
        asked = read_body(call.body, AppealAsk)
        return self._told(
            self._disputes.appeal(
                Acting(actor=call.principal.id), self._seen(call).uuid, call.principal.party_name, asked.reasons
            )
        )

    def withdraw(self, call: DisputeCall) -> Reply:
        """Take back what the asker's party filed."""
        asked = read_body(call.body, WithdrawAsk)
        return self._told(
            self._disputes.withdraw(
                Acting(actor=call.principal.id), self._seen(call).uuid, call.principal.party_name, asked.reason
            )
        )

    def _viewer(self, call: DisputeCall) -> str | None:
        """Return the party for which disputes are looked at; None: the asker sees all.

        Raises:
            ForbiddenError: the asker neither sees all nor speaks for a party.
        """
        if sees_all(self._register, call.principal):
            return None
        if Permission.PARTY_SPEAK not in call.principal.permissions:
            raise ForbiddenError(f"this takes a permission that these credentials lack: {Permission.PARTY_SPEAK}")
        return call.principal.party_name

    def _seen(self, call: DisputeCall) -> Dispute:
        """Return the dispute that a path names, if the asker may see it.

        Raises:
            NotFoundError: there is none, or none that they may: the same words for both.
        """
        uuid = id_in(call.path, "dispute", _NONE)
        try:
            return self._disputes.get(uuid, self._viewer(call))
        except NotFoundError as error:
            raise NotFoundError(_NONE) from error

    def _told(self, one: Dispute, *, status: HTTPStatus = HTTPStatus.OK) -> Reply:
        return reply(dispute_told(one, self._parties.names(), self._disputes.now()), status=status)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about disputes."""
    does = Disputing(services)
    path = f"{ROOT}/disputes"
    thing = Thing("disputes", f"{path}/{{dispute}}", by_id("dispute", "A dispute's id."), _WHOLE)
    return [
        *listed(
            "disputes",
            path,
            READ,
            every=Given("disputes", does.disputes, "The disputes that you may see", "A page of them.", DisputeList),
            one=Given("dispute", does.dispute, "One of them", _WHOLE.says, DisputeResource),
            by=thing.parts,
            query=ListQuery,
        ),
        Operation(
            id="dispute-file",
            tag="disputes",
            method="POST",
            path=path,
            does=Endpoint(access=SPEAK, run=does.file, body=SMALL),
            summary="File a dispute of your party's with another",
            says="An object that it is about is named and not looked up: filing tells nobody whether it is there.",
            takes=FileAsk,
            answers={HTTPStatus.CREATED: Answer(says="The dispute; its first clock runs.", type=DisputeResource)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        thing.act("mediation", does.mediate, "Name a mediator, as an operator of the hub", MediateAsk, access=CARRY),
        thing.act(
            "settlement",
            does.settle,
            "Offer terms; the same words from the other party settle it",
            TermsAsk,
        ),
        thing.act("appeal", does.appeal, "Appeal against the first decision, while its time runs", AppealAsk),
        thing.act("withdrawal", does.withdraw, "Take back a dispute, or its appeal", WithdrawAsk),
    ]


def dispute_told(dispute: Dispute, names: dict[str, str], now: Micros) -> DisputeResource:
    """Return a dispute's resource."""
    appeal = dispute.appeal
    return DisputeResource(
        dispute=dispute.uuid,
        kind=dispute.kind,
        status=dispute.status,
        complainant=names[dispute.complainant],
        respondent=names[dispute.respondent],
        object=dispute.subject,
        statement=dispute.statement,
        filed_by=dispute.filed_by,
        filed=format_instant(dispute.filed_at),
        due=instant(dispute.due),
        overdue=dispute.overdue(now),
        mediator=dispute.mediator,
        offers=[OfferResource(party=names[party], terms=terms) for party, terms in sorted(dispute.offers.items())],
        decisions=[
            DecisionResource(
                outcome=one.outcome,
                reasons=one.reasons,
                remedy=one.remedy,
                mandate=one.mandate,
                at=format_instant(one.at),
            )
            for one in dispute.decisions
        ],
        appeal=None
        if appeal is None
        else AppealResource(party=names[appeal.party], reasons=appeal.reasons, at=format_instant(appeal.at)),
        closed=instant(dispute.closed_at),
    )
