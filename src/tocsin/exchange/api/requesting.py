"""Grants and access requests over ``/api/v1``: one object for one party, asked for and given by its owner.

What an owner is told of a grant is that something stands against it, and not what: that may be an agreement or an
attribute of the other party that is none of the owner's business. ``why`` says as much as the owner may know.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, TypeAlias

import msgspec

from tocsin.agreements.grants import DEFAULT_PURPOSES
from tocsin.errors import InputError, NotFoundError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import (
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
from tocsin.exchange.api.queries import Day, Reference, Said, Text, Version
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.kernel.clock import Micros, format_instant, parse_date, parse_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply, needs
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import PURPOSES, Permission, Principal, check_purpose

if TYPE_CHECKING:
    from tocsin.agreements.grants import Grant
    from tocsin.exchange.access.granting import Granting
    from tocsin.exchange.access.request import Request
    from tocsin.exchange.access.requesting import Requesting
    from tocsin.parties.service import Parties

__all__ = ["Granted", "Services", "operations"]

# Asking writes into another party's list, in the name of one's own: as sharing does.
ASK: Final = needs(Permission.OBJECTS_READ, Permission.OBJECTS_SUBMIT)
_NO_REQUEST: Final = "there is no such request of your party, or to it"
_NO_GRANT: Final = "the party gave no such grant"

GrantCall: TypeAlias = Call[Principal]

ObjectId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
Purposes = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=len(max(PURPOSES, key=len)))]],
    msgspec.Meta(min_length=1, max_length=len(PURPOSES), description="All but `enforce` if nothing is given."),
]


class RequestAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for, and why: its owner reads the reason."""

    object: ObjectId
    reason: Text


class AnswerAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An owner's answer. ``until`` and ``purposes`` go with a grant, ``amendment`` (``name/version``) with its own."""

    outcome: Literal["granted", "amendment", "refused"]
    until: Day | None = None
    purposes: Purposes | None = None
    amendment: Text | None = None
    reason: Said = ""


class GrantAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is granted, to whom, until when. Every version, those that come later included, if none is named."""

    object: ObjectId
    to: Reference
    until: Day
    version: Version | None = None
    purposes: Purposes | None = None
    reason: Said = ""


class RevokeAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a grant ends before its time."""

    reason: Said = ""


class RequestResource(msgspec.Struct, frozen=True, kw_only=True):
    """A request: who asked whom for what, under which clause they know of it, and what was answered."""

    request: str
    party: str
    user: str | None
    owner: str
    object: str
    clause: str
    reason: str
    asked: str
    due: str
    status: str
    answered: str | None
    answer: str
    grant: str | None
    amendment: str | None


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """What your party asked and was asked, the first first."""

    requests: list[RequestResource]
    next: Next = None


class GrantResource(msgspec.Struct, frozen=True, kw_only=True):
    """A grant. ``version`` is null where it is of every version."""

    grant: str
    owner: str
    to: str
    object: str
    version: str | None
    purposes: list[str]
    given: str
    until: str
    revoked: str | None
    stands: bool
    reason: str


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that was made. ``hindered``: something above it keeps it shut; ``why`` says of it what you may know."""

    grant: GrantResource
    offered: list[str]
    hindered: bool


class Grants(msgspec.Struct, frozen=True, kw_only=True):
    """What your party granted and was granted, the first first; those that are over, too."""

    grants: list[GrantResource]
    next: Next


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    granting: Granting
    parties: Parties
    requesting: Requesting


class Doors:
    """The addresses of grants and requests in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._granting = services.granting
        self._parties = services.parties
        self._requesting = services.requesting

    # --- requests ----------------------------------------------------------------------------------------------------

    def ask(self, call: GrantCall) -> Reply:
        """Ask the owners of an object for it."""
        asked = read_body(call.body, RequestAsk)
        party, user = self._parties.resolve(call.principal.id)
        acting = Acting(actor=call.principal.id)
        made = self._requesting.ask(acting, party, user, asked.object, reason=asked.reason)
        names = self._parties.names()
        told = Requests(requests=[_request(one, names, one.asked_at) for one in made])
        return reply(told, status=HTTPStatus.CREATED)

    def requests(self, call: GrantCall) -> Reply:
        """Answer with what the asker's party asked and was asked."""
        party, _ = self._parties.resolve(call.principal.id)
        found, now = self._requesting.of(party, self._lists.span(call, "requests"))
        names = self._parties.names()
        told = [_request(one, names, now) for one in found.items]
        return reply(Requests(requests=told, next=self._lists.next(call, "requests", found.last)))

    def request(self, call: GrantCall) -> Reply:
        """Answer with one of them."""
        uuid = id_in(call.path, "asked", _NO_REQUEST)
        party, _ = self._parties.resolve(call.principal.id)
        found, now = self._requesting.one_of(party, uuid)
        if found is None:
            raise NotFoundError(_NO_REQUEST)
        return reply(_request(found, self._parties.names(), now))

    def answer(self, call: GrantCall) -> Reply:
        """Answer a request that the asker's party was asked."""
        asked = read_body(call.body, AnswerAsk)
        party, user = self._parties.resolve(call.principal.id)
        acting, uuid = Acting(actor=call.principal.id), call.path["asked"]
        if asked.outcome == "granted":
            terms = Terms(
                object_id="", to="", until=_until(asked.until), purposes=_purposes(asked.purposes), reason=asked.reason
            )
            answered, _ = self._requesting.grant(acting, party, user, uuid, terms=terms, reason=asked.reason)
        elif asked.outcome == "amendment":
            if asked.amendment is None:
                raise InputError("an answer by amendment names it", where="amendment", todo="give name/version")
            answered = self._requesting.amend(acting, party, user, uuid, amendment=asked.amendment, reason=asked.reason)
        else:
            answered = self._requesting.refuse(acting, party, user, uuid, reason=asked.reason)
        return reply(_request(answered, self._parties.names(), answered.answered_at or 0))

    def withdraw(self, call: GrantCall) -> Reply:
        """Take back a request of the asker's party's own."""
        party, _ = self._parties.resolve(call.principal.id)
        done = self._requesting.withdraw(Acting(actor=call.principal.id), party, call.path["asked"])
        return reply(_request(done, self._parties.names(), done.answered_at or 0))

    # --- grants ------------------------------------------------------------------------------------------------------

    def give(self, call: GrantCall) -> Reply:
        """Grant an object of the asker's party to another."""
        asked = read_body(call.body, GrantAsk)
        party, user = self._parties.resolve(call.principal.id)
        terms = Terms(
            object_id=asked.object,
            to=asked.to,
            until=_until(asked.until),
            version=None if asked.version is None else parse_instant(asked.version),
            purposes=_purposes(asked.purposes),
            reason=asked.reason,
        )
        given = self._granting.give(Acting(actor=call.principal.id), party, user, terms)
        told = Granted(
            grant=_grant(given.grant, self._parties.names(), given.grant.given_at),
            offered=[format_instant(one) for one in given.offered],
            hindered=bool(given.closed),
        )
        return reply(told, status=HTTPStatus.CREATED)

    def grants(self, call: GrantCall) -> Reply:
        """Answer with what the asker's party granted and was granted."""
        party, _ = self._parties.resolve(call.principal.id)
        found, now = self._granting.of(party, self._lists.span(call, "grants"))
        names = self._parties.names()
        told = [_grant(one, names, now) for one in found.items]
        return reply(Grants(grants=told, next=self._lists.next(call, "grants", found.last)))

    def revoke(self, call: GrantCall) -> Reply:
        """End a grant that the asker's party gave."""
        asked = read_body(call.body, RevokeAsk)
        party, user = self._parties.resolve(call.principal.id)
        uuid = id_in(call.path, "grant", _NO_GRANT)
        done = self._granting.revoke(Acting(actor=call.principal.id), party, user, uuid, asked.reason)
        return reply(_grant(done, self._parties.names(), done.revoked_at or 0))


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about requests and grants."""
    does = Doors(services)
    return [*_requests(does), *_grants(does)]


def _requests(does: Doors) -> list[Operation[Principal]]:
    path, one = f"{ROOT}/requests", f"{ROOT}/requests/{{asked}}"
    part = by_id("asked", "A request's id.")
    return [
        Operation(
            id="request-ask",
            tag="access",
            method="POST",
            path=path,
            does=Endpoint(access=ASK, run=does.ask, body=SMALL),
            summary="Ask the owner of an object for it",
            says="Where a clause lets your party know that there is one. Asking is an act: the log names the question.",
            takes=RequestAsk,
            answers={HTTPStatus.CREATED: Answer(says="The requests, one for each owner.", type=Requests)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        *listed(
            "access",
            path,
            READ,
            every=Given("requests", does.requests, "What your party asked and was asked", "A page of it.", Requests),
            one=Given(
                "request", does.request, "One request of your party's, or to it", "The request.", RequestResource
            ),
            by=part,
            query=ListQuery,
        ),
        Operation(
            id="request-withdraw",
            tag="access",
            method="DELETE",
            path=one,
            does=Endpoint(access=ASK, run=does.withdraw),
            summary="Take back a request of your party's",
            parts=part,
            answers={HTTPStatus.OK: Answer(says="The request, withdrawn.", type=RequestResource)},
            problems=MISSING | TAKEN,
        ),
        Thing("access", one, part, Answer(says="The request, answered.", type=RequestResource)).act(
            "answer",
            does.answer,
            "Answer a request to your party",
            AnswerAsk,
            says="With a grant, made in the same transaction; with a version of an agreement; or with a reason.",
        ),
    ]


def _grants(does: Doors) -> list[Operation[Principal]]:
    path = f"{ROOT}/grants"
    return [
        Operation(
            id="grant-give",
            tag="access",
            method="POST",
            path=path,
            does=Endpoint(access=SPEAK, run=does.give, body=SMALL),
            summary="Grant an object of your party's to another, until a day",
            takes=GrantAsk,
            answers={HTTPStatus.CREATED: Answer(says="The grant; it stands at the answer.", type=Granted)},
            problems=MISSING | REFUSED,
        ),
        Operation(
            id="grants",
            tag="access",
            method="GET",
            path=path,
            does=Endpoint(access=READ, run=does.grants),
            summary="What your party granted and was granted",
            query=ListQuery,
            answers={HTTPStatus.OK: Answer(says="A page of it.", type=Grants)},
        ),
        Thing(
            "access",
            f"{path}/{{grant}}",
            by_id("grant", "A grant's id."),
            Answer(says="The grant, which is over.", type=GrantResource),
        ).act(
            "revocation",
            does.revoke,
            "End a grant of your party's now",
            RevokeAsk,
            says="What was released under it stays released: an order to destroy it is a recall.",
        ),
    ]


def _request(one: Request, names: dict[str, str], now: Micros) -> RequestResource:
    waits = "overdue" if now >= one.due_at else "open"
    return RequestResource(
        request=one.uuid,
        party=names[one.party],
        user=one.user,
        owner=names[one.owner],
        object=one.object_id,
        clause=one.clause,
        reason=one.reason,
        asked=format_instant(one.asked_at),
        due=format_instant(one.due_at),
        status=waits if one.outcome is None else str(one.outcome),
        answered=instant(one.answered_at),
        answer=one.answer,
        grant=one.grant,
        amendment=one.amendment,
    )


def _grant(one: Grant, names: dict[str, str], now: Micros) -> GrantResource:
    return GrantResource(
        grant=one.uuid,
        owner=names[one.owner],
        to=names[one.party],
        object=one.object_id,
        version=instant(one.version),
        purposes=sorted(one.purposes),
        given=format_instant(one.given_at),
        until=format_instant(one.until),
        revoked=instant(one.revoked_at),
        stands=one.stands(now),
        reason=one.reason,
    )


def _until(day: str | None) -> Micros:
    if day is None:
        raise InputError("a grant ends", where="until", todo="name the day")
    return parse_date(day)


def _purposes(words: list[str] | None) -> frozenset[str]:
    return DEFAULT_PURPOSES if words is None else frozenset(check_purpose(one) for one in words)
