"""The table of ``/api/v1``: every address, who may use it, what it does, and what its documents say of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from tocsin.exchange.api import (
    accounting,
    carrying,
    delegating,
    disputing,
    governing,
    http,
    patterns,
    recalling,
    requesting,
    sanitising,
    searching,
    vetting,
    wire,
)
from tocsin.exchange.api.http import RECEIPTS, Api
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import (
    COLLECTION,
    DELETE,
    KNOW,
    MISSING,
    NAMED,
    OBJECT,
    READ,
    ROOT,
    SUBMIT,
    Given,
    by_id,
    listed,
)
from tocsin.exchange.api.queries import ObjectQuery, ObjectsQuery, ShareQuery, StreamQuery, WhyQuery, WithdrawQuery
from tocsin.exchange.live import http as live
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.kernel.http import sse
from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.openapi import write_openapi
from tocsin.kernel.http.operations import Answer, Operation, Part
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import ANYONE, KNOWN, Body, Call, Endpoint, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.exchange.api.acts import Act
    from tocsin.parties.model import Principal

__all__ = ["DOCUMENT", "VERSION", "Services", "operations", "with_document"]

DOCUMENT: Final = f"{ROOT}/openapi.json"
# Of the interface, not of the software: what is added to `/api/v1` raises the second number, and nothing is taken away.
VERSION: Final = "1.3.0"

STIX_TYPE: Final = MediaType(type="application", subtype="stix+json", parameters=(("version", "2.1"),))

_TAGS: Final = (
    ("exchange", "Collections, objects, and what is shared into them."),
    ("search", "Search, correlation, relations, and searches that one keeps."),
    ("map", "Assets, what they depend on, and what falls when something is hit."),
    ("risk", "What may happen, what it would cost, and what members' own figures add up to."),
    ("baselines", "What is required of members, what they say that they have, and what is missing."),
    ("fund", "What the partnership pays for together."),
    ("sanitised", "What leaves in place of what was shared."),
    ("access", "One object for one party: asked for, granted, ended."),
    ("delegations", "Who shares for whom."),
    ("account", "Why something may be read, and who read it."),
    ("partnership", "Parties, and the agreements between them."),
    ("governance", "Motions, and the signed ballots on them."),
    ("disputes", "Complaints, appeals, disputes of a label or an attribution."),
    ("vetting", "How a party is vetted anew, and what it gives and gets."),
    ("hub", "The interface itself."),
)


class Services(
    http.Services,
    live.Services,
    searching.Services,
    recalling.Services,
    requesting.Services,
    sanitising.Services,
    accounting.Services,
    governing.Services,
    delegating.Services,
    disputing.Services,
    carrying.Services,
    vetting.Services,
    Protocol,
):
    """What the table needs of a hub."""


def operations(services: Services, above: Mapping[str, Act] | None = None) -> list[Operation[Principal]]:
    """Return the table, without the document that describes it; ``above``: what rooms above this carry out."""
    api = Api(services)
    return [
        *_exchange(api),
        _stream(services),
        *searching.operations(services),
        *patterns.operations(),
        *_account(api),
        *recalling.operations(services),
        *requesting.operations(services),
        *sanitising.operations(services),
        *accounting.operations(services),
        *_partnership(api),
        *delegating.operations(services),
        *governing.operations(services),
        *disputing.operations(services),
        *carrying.operations(services, above),
        *vetting.operations(services),
    ]


def with_document(table: Sequence[Operation[Principal]]) -> list[Operation[Principal]]:
    """Return a table and the operation that serves its own document, which is in it."""
    told: list[bytes] = []

    def document(_call: Call[Principal]) -> Reply:
        return Reply(body=told[0])

    own: Operation[Principal] = Operation(
        id="openapi",
        tag="hub",
        method="GET",
        path=DOCUMENT,
        does=Endpoint(access=ANYONE, run=document),
        summary="This document",
        answers={HTTPStatus.OK: Answer(says="An OpenAPI 3.1 document.", type=wire.Document)},
    )
    whole = [*table, own]
    told.append(
        write_openapi(
            whole,
            title="Tocsin",
            version=VERSION,
            description="Threat intelligence under signed agreements: what members do at the exchange of a hub.",
            tags=_TAGS,
        )
    )
    return whole


def _exchange(api: Api) -> list[Operation[Principal]]:
    collection = f"{ROOT}/collections/{{collection}}"
    objects = f"{collection}/objects"
    one = f"{objects}/{{object}}"
    bundle = Body(types=(JSON_TYPE, STIX_TYPE), limit=DEFAULT_LIMITS.max_bytes)
    return [
        *listed(
            "exchange",
            f"{ROOT}/collections",
            KNOW,
            every=Given(
                "collections", api.collections, "The collections that you may know of", "All of them.", wire.Collections
            ),
            one=Given("collection", api.collection, "One collection", "The collection.", wire.CollectionResource),
            by=COLLECTION,
        ),
        Operation(
            id="objects",
            tag="exchange",
            method="GET",
            path=objects,
            does=Endpoint(access=READ, run=api.objects),
            summary="A page of the objects that you may read",
            says="In the order of being added. The page is a release: the log names what was on it.",
            parts=COLLECTION,
            query=ObjectsQuery,
            answers={HTTPStatus.OK: Answer(says="The page; it may be empty.", type=wire.ObjectsPage)},
            problems=MISSING,
        ),
        Operation(
            id="share",
            tag="exchange",
            method="POST",
            path=objects,
            does=Endpoint(access=SUBMIT, run=api.share, body=bundle),
            summary="Share a STIX 2.1 bundle",
            says="Each object is taken or refused on its own; what is taken is durable and in the log at the answer.",
            parts=COLLECTION,
            query=ShareQuery,
            takes=wire.Bundle,
            answers={
                HTTPStatus.CREATED: Answer(
                    says="At least one object was taken, or had been before.",
                    type=wire.ReceiptResource,
                    headers={"Location": "Where the receipt may be read again."},
                ),
                HTTPStatus.OK: Answer(says="Every object was refused; nothing was stored.", type=wire.ReceiptResource),
            },
            problems=MISSING | {HTTPStatus.UNPROCESSABLE_ENTITY: "The body is no bundle, or a recipient is unknown."},
        ),
        Operation(
            id="object",
            tag="exchange",
            method="GET",
            path=one,
            does=Endpoint(access=READ, run=api.object),
            summary="The versions of one object that you may read",
            parts=COLLECTION | OBJECT,
            query=ObjectQuery,
            answers={HTTPStatus.OK: Answer(says="A page of its versions.", type=wire.ObjectsPage)},
            problems=MISSING,
        ),
        Operation(
            id="withdraw",
            tag="exchange",
            method="DELETE",
            path=one,
            does=Endpoint(access=DELETE, run=api.withdraw),
            summary="Withdraw your own versions of an object",
            says="They are no longer offered in this collection. What was released stays released.",
            parts=COLLECTION | OBJECT,
            query=WithdrawQuery,
            answers={HTTPStatus.OK: Answer(says="They are withdrawn.", type=wire.Withdrawn)},
            problems=MISSING,
        ),
        Operation(
            id="receipt",
            tag="exchange",
            method="GET",
            path=f"{RECEIPTS}/{{receipt}}",
            does=Endpoint(access=SUBMIT, run=api.receipt),
            summary="The receipt of a submission of your party's",
            parts=by_id("receipt", "Its id."),
            answers={HTTPStatus.OK: Answer(says="The receipt, as it was given.", type=wire.ReceiptResource)},
            problems=MISSING,
        ),
    ]


def _stream(services: live.Services) -> Operation[Principal]:
    (route,) = live.routes(services)
    return Operation(
        id="stream",
        tag="exchange",
        method="GET",
        path=route.path,
        does=route.methods["GET"],
        summary="What comes into a collection, as it comes",
        says="Server-sent events. `Last-Event-ID` goes on where a stream ended: docs/live.md.",
        query=StreamQuery,
        answers={HTTPStatus.OK: Answer(says="Events without an end.", media_type=sse.EVENT_STREAM)},
        problems=MISSING,
    )


def _account(api: Api) -> list[Operation[Principal]]:
    return [
        Operation(
            id="why",
            tag="account",
            method="GET",
            path=f"{ROOT}/objects/{{object}}/why",
            does=Endpoint(access=READ, run=api.why),
            summary="Why an object may or may not be read",
            says="Asking is an act: the log names the question. Reasons name only agreements that you are party to.",
            parts=OBJECT,
            query=WhyQuery,
            answers={HTTPStatus.OK: Answer(says="A verdict for each version.", type=wire.Verdicts)},
            problems=MISSING,
        ),
        Operation(
            id="who",
            tag="account",
            method="GET",
            path=f"{ROOT}/objects/{{object}}/who",
            does=Endpoint(access=READ, run=api.who),
            summary="Who received an object of yours, and who may",
            says="For its owner, auditors and operators of the hub. Asking is an act: the log names the question.",
            parts=OBJECT,
            answers={HTTPStatus.OK: Answer(says="The releases, and the parties.", type=wire.WhoReceived)},
            problems=MISSING,
        ),
    ]


def _partnership(api: Api) -> list[Operation[Principal]]:
    return [
        Operation(
            id="me",
            tag="partnership",
            method="GET",
            path=f"{ROOT}/me",
            does=Endpoint(access=KNOWN, run=api.me),
            summary="Who these credentials say you are",
            answers={HTTPStatus.OK: Answer(says="You.", type=wire.Me)},
        ),
        *listed(
            "partnership",
            f"{ROOT}/parties",
            KNOW,
            every=Given("parties", api.parties, "The vetted parties", "A page of them.", wire.Parties),
            one=Given("party", api.party, "One vetted party", "The party.", wire.PartyResource),
            query=ListQuery,
            by={"party": Part(says="Its short name.", example="fjordkraft", pattern=NAMED, longest=64)},
        ),
        *listed(
            "partnership",
            f"{ROOT}/agreements",
            KNOW,
            every=Given(
                "agreements",
                api.agreements,
                "The agreements of your party, every version",
                "A page of them.",
                wire.Agreements,
            ),
            one=Given(
                "agreement",
                api.agreement,
                "One version of an agreement of your party",
                "The version, with its document.",
                wire.AgreementResource,
            ),
            query=ListQuery,
            by={
                "agreement": Part(says="Its name.", example="nordic-grid-exchange", pattern=NAMED, longest=64),
                "version": Part(says="Its version.", example="1", pattern="^[1-9][0-9]{0,8}$", longest=9),
            },
        ),
    ]
