"""Recalls over ``/api/v1``: ordered by owners, received and answered by those who have what is called back."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import DELETE, MISSING, OBJECT, READ, REFUSED, ROOT, SMALL, Given, by_id, id_in, listed
from tocsin.exchange.api.queries import Day, Said, Text, Version
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.exchange.recall.model import Answer as Attested
from tocsin.exchange.recall.model import Attestation, Demand, Named, State
from tocsin.exchange.taxii.filters import is_object_id
from tocsin.kernel.clock import format_instant, parse_date, parse_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.exchange.recall.model import Notice
    from tocsin.exchange.recall.service import Recalls, Report
    from tocsin.parties.service import Parties

__all__ = ["Recalling", "Services", "operations"]

MAX_VERSIONS: Final = 100

RecallCall: TypeAlias = Call[Principal]


class OrderAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done with the object, by when, and why: its recipients read the reason."""

    by: Day
    reason: Text
    demand: Demand = Demand.DESTROY
    versions: (
        Annotated[
            list[Version],
            msgspec.Meta(min_length=1, max_length=MAX_VERSIONS, description="Only these; all if nothing is given."),
        ]
        | None
    ) = None


class AttestAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of it. ``until`` goes with backups; ``remark`` is a hold's basis, or why it cannot be done."""

    answer: Attested
    until: Day | None = None
    remark: Said = ""


class ObjectVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object."""

    id: str
    version: str


class AttestationResource(msgspec.Struct, frozen=True, kw_only=True):
    """The last thing that was attested."""

    answer: Attested
    until: str | None
    remark: str
    by: str
    at: str


class NoticeResource(msgspec.Struct, frozen=True, kw_only=True):
    """What your party is told to give back. ``withheld`` counts objects that went to individuals other than you."""

    notice: str
    state: State
    demand: Demand
    due: str
    reason: str
    ordered: str
    objects: list[ObjectVersion]
    withheld: int
    attested: AttestationResource | None


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """Notices to a party, the first first."""

    notices: list[NoticeResource]
    next: Next


class RecipientResource(msgspec.Struct, frozen=True, kw_only=True):
    """A party that received what you call back."""

    notice: str
    party: str
    objects: int
    state: State
    attested: AttestationResource | None


class RecallResource(msgspec.Struct, frozen=True, kw_only=True):
    """A recall of your party's objects; ``hub`` counts what became of the hub's own copies."""

    recall: str
    authority: str
    basis: str | None
    demand: Demand
    due: str
    reason: str
    ordered: str
    objects: list[ObjectVersion]
    hub: dict[str, int]
    recipients: list[RecipientResource]


class RecallList(msgspec.Struct, frozen=True, kw_only=True):
    """Recalls, the first first."""

    recalls: list[RecallResource]
    next: Next = None


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    parties: Parties
    recalls: Recalls


class Recalling:
    """The addresses of recalls in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._recalls = services.recalls
        self._parties = services.parties

    def order(self, call: RecallCall) -> Reply:
        """Call an object of the asker's party back."""
        asked = read_body(call.body, OrderAsk)
        object_id = call.path["object"]
        if not is_object_id(object_id):
            raise NotFoundError("there is no such object of yours")
        made = self._recalls.recall(
            Acting(actor=call.principal.id),
            call.principal.party,
            object_id,
            demand=asked.demand,
            due=parse_date(asked.by),
            reason=asked.reason,
            versions=None if asked.versions is None else [parse_instant(one) for one in asked.versions],
        )
        reports = [self._recalls.report(one.uuid, call.principal.party) for one in made]
        return reply(self._listed(reports), status=HTTPStatus.CREATED)

    def ordered(self, call: RecallCall) -> Reply:
        """Answer with the recalls of the asker's party's objects."""
        found = self._recalls.ordered_within(call.principal.party, self._lists.span(call, "recalls"))
        return reply(self._listed(found.items, self._lists.next(call, "recalls", found.last)))

    def report(self, call: RecallCall) -> Reply:
        """Answer with one of them."""
        recall = id_in(call.path, "recall", "there is no such recall, or none of yours")
        return reply(self._listed([self._recalls.report(recall, call.principal.party)]).recalls[0])

    def received(self, call: RecallCall) -> Reply:
        """Answer with what the asker's party is told to give back."""
        party, user = self._parties.resolve(call.principal.id)
        found = self._recalls.notices_within(party, user, self._lists.span(call, "notices"))
        told = [_notice(one) for one in found.items]
        return reply(Notices(notices=told, next=self._lists.next(call, "notices", found.last)))

    def attest(self, call: RecallCall) -> Reply:
        """Enter what became of it."""
        asked = read_body(call.body, AttestAsk)
        party, user = self._parties.resolve(call.principal.id)
        told = self._recalls.attest(
            Acting(actor=call.principal.id),
            party,
            user,
            id_in(call.path, "notice", "there is no such notice to this party"),
            answer=asked.answer,
            until=None if asked.until is None else parse_date(asked.until),
            remark=asked.remark,
        )
        return reply(_notice(told))

    def _listed(self, reports: Sequence[Report], behind: str | None = None) -> RecallList:
        called = self._parties.names()
        return RecallList(recalls=[_recall(one, called) for one in reports], next=behind)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about recalls."""
    does = Recalling(services)
    return [
        Operation(
            id="recall-order",
            tag="account",
            method="POST",
            path=f"{ROOT}/objects/{{object}}/recall",
            does=Endpoint(access=DELETE, run=does.order, body=SMALL),
            summary="Call an object of yours back",
            says="From everybody who received it. Nobody reads it from then on, and it is not taken again.",
            parts=OBJECT,
            takes=OrderAsk,
            answers={HTTPStatus.CREATED: Answer(says="The recalls.", type=RecallList)},
            problems=MISSING | REFUSED,
        ),
        *listed(
            "account",
            f"{ROOT}/recalls",
            READ,
            every=Given("recalls", does.ordered, "The recalls of your party's objects", "A page of them.", RecallList),
            one=Given(
                "recall", does.report, "Where one of them stands", "The recall, with each recipient.", RecallResource
            ),
            by=by_id("recall", "A recall's id."),
            query=ListQuery,
        ),
        Operation(
            id="notices",
            tag="account",
            method="GET",
            path=f"{ROOT}/notices",
            does=Endpoint(access=READ, run=does.received),
            summary="What your party is told to give back",
            query=ListQuery,
            answers={HTTPStatus.OK: Answer(says="A page of the notices.", type=Notices)},
        ),
        Operation(
            id="attest",
            tag="account",
            method="POST",
            path=f"{ROOT}/notices/{{notice}}/attestation",
            does=Endpoint(access=READ, run=does.attest, body=SMALL),
            summary="Attest what became of what a notice is about",
            says="For a liaison or signatory of the party that the notice is to. It is entered into the log.",
            parts=by_id("notice", "A notice's id."),
            takes=AttestAsk,
            answers={HTTPStatus.OK: Answer(says="The notice, as it stands now.", type=NoticeResource)},
            problems=MISSING | REFUSED | {HTTPStatus.CONFLICT: "Nothing can follow what was attested before."},
        ),
    ]


def _recall(one: Report, called: dict[str, str]) -> RecallResource:
    of = one.recall
    return RecallResource(
        recall=of.uuid,
        authority=str(of.authority),
        basis=of.basis,
        demand=of.demand,
        due=format_instant(of.due),
        reason=of.reason,
        ordered=format_instant(of.ordered_at),
        objects=[_named(named) for named in one.objects],
        hub=one.ours,
        recipients=[
            RecipientResource(
                notice=recipient.notice,
                party=called[recipient.party],
                objects=recipient.objects,
                state=recipient.state,
                attested=_attested(recipient.attested),
            )
            for recipient in one.recipients
        ],
    )


def _notice(one: Notice) -> NoticeResource:
    return NoticeResource(
        notice=one.uuid,
        state=one.state,
        demand=one.demand,
        due=format_instant(one.due),
        reason=one.reason,
        ordered=format_instant(one.ordered_at),
        objects=[_named(named) for named in one.objects],
        withheld=one.withheld,
        attested=_attested(one.attested),
    )


def _attested(one: Attestation | None) -> AttestationResource | None:
    if one is None:
        return None
    return AttestationResource(
        answer=one.answer,
        until=instant(one.until),
        remark=one.remark,
        by=one.on_behalf_of or one.actor,
        at=format_instant(one.at),
    )


def _named(named: Named) -> ObjectVersion:
    return ObjectVersion(id=named.id, version=format_instant(named.version))
