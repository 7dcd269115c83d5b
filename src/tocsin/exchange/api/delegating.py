"""Delegations over ``/api/v1``: given and ended by the party that is represented, known to both, and to nobody else.

A delegation is signed where the signatory's key is: the hub is sent the terms with the signature, and checks it when it
comes and whenever the log is replayed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, TypeAlias

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import ForbiddenError
from tocsin.exchange.access.delegation import DELEGABLE, MAX_TYPES
from tocsin.exchange.api import lists
from tocsin.exchange.api.governing import Signature
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, READ, REFUSED, ROOT, SMALL, SPEAK, TAKEN, UUID, Thing, by_id, id_in
from tocsin.exchange.api.queries import Day, Name, Said
from tocsin.exchange.api.viewers import Register, known_party
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from tocsin.exchange.access.delegating import Delegating
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.kernel.clock import Micros

__all__ = ["Services", "operations"]

_NONE: Final = "the party gave no such delegation"

DelegationCall: TypeAlias = Call[Principal]


class DelegateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may share for your party, what and until when.

    ``delegation`` is an id that you draw, a UUID: the signature is good for that one alone. Objects of every type, if
    none is named.
    """

    delegation: Annotated[str, msgspec.Meta(pattern=f"^{UUID}$")]
    to: Name
    until: Day
    signature: Signature
    ml_dsa_signature: Signature | None = None
    types: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MAX_TYPES)] | None = None
    tlp: Annotated[Literal["clear", "green", "amber"], msgspec.Meta(description="Up to this TLP.")] = "amber"


class EndAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a delegation ends before its time."""

    reason: Said = ""


class DelegationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation: who shares for whom, what, until when; and with what its signature is verified."""

    delegation: str
    represented: str
    delegate: str
    types: list[str] | None
    tlp: Tlp
    given: str
    until: str
    signatory: str
    key: str
    signature: str
    ml_dsa_key: str | None
    ml_dsa_signature: str | None
    revoked: str | None
    stands: bool


class Delegations(msgspec.Struct, frozen=True, kw_only=True):
    """What your party gave and was given, the first first; those that are over, too."""

    delegations: list[DelegationResource]
    next: Next


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    delegating: Delegating


class Representing:
    """The addresses of delegations in one environment."""

    def __init__(self, services: Services) -> None:
        self._delegating = services.delegating
        self._lists = lists.Lists(services)
        self._parties = services.parties
        self._register: Register = services

    def delegations(self, call: DelegationCall) -> Reply:
        """Answer with what the asker's party gave and was given."""
        party, _ = self._parties.resolve(call.principal.id)
        found, now = self._delegating.within(party, self._lists.span(call, "delegations"))
        names = self._parties.names()
        told = [_told(one, names, now) for one in found.items]
        return reply(Delegations(delegations=told, next=self._lists.next(call, "delegations", found.last)))

    def give(self, call: DelegationCall) -> Reply:
        """Enter a delegation that the asker signed."""
        asked = read_body(call.body, DelegateAsk)
        party, user = self._parties.resolve(call.principal.id)
        if user is None:
            raise ForbiddenError("a delegation is signed by a person", todo="use the credentials of a signatory")
        draft, _ = self._delegating.draft(
            party,
            known_party(self._register, asked.to),
            types=None if asked.types is None else frozenset(asked.types),
            tlp=DELEGABLE[[str(one) for one in DELEGABLE].index(asked.tlp)],
            until=parse_date(asked.until),
            signatory=user.name,
        )
        signed = msgspec.structs.replace(draft, uuid=asked.delegation)
        given = self._delegating.give(
            Acting(actor=call.principal.id), signed, asked.signature, ml_dsa_signature=asked.ml_dsa_signature
        )
        return reply(_told(given, self._parties.names(), given.given_at), status=HTTPStatus.CREATED)

    def revoke(self, call: DelegationCall) -> Reply:
        """End a delegation that the asker's party gave."""
        asked = read_body(call.body, EndAsk)
        party, user = self._parties.resolve(call.principal.id)
        uuid = id_in(call.path, "delegation", _NONE)
        done = self._delegating.revoke(Acting(actor=call.principal.id), party, user, uuid, asked.reason)
        return reply(_told(done, self._parties.names(), done.revoked_at or 0))


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about delegations."""
    does = Representing(services)
    path = f"{ROOT}/delegations"
    return [
        Operation(
            id="delegations",
            tag="delegations",
            method="GET",
            path=path,
            does=Endpoint(access=READ, run=does.delegations),
            summary="Who shares for your party, and for whom it shares",
            query=ListQuery,
            answers={HTTPStatus.OK: Answer(says="A page of both.", type=Delegations)},
        ),
        Operation(
            id="delegation-give",
            tag="delegations",
            method="POST",
            path=path,
            does=Endpoint(access=SPEAK, run=does.give, body=SMALL),
            summary="Let another party share for yours",
            says="Signed on your side by a signatory: docs/access.md says over what. Your key stays where it is.",
            takes=DelegateAsk,
            answers={HTTPStatus.CREATED: Answer(says="The delegation; it stands.", type=DelegationResource)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        Thing(
            "delegations",
            f"{path}/{{delegation}}",
            by_id("delegation", "A delegation's id."),
            Answer(says="The delegation, which is over.", type=DelegationResource),
        ).act(
            "revocation",
            does.revoke,
            "End a delegation of your party's now",
            EndAsk,
            says="What was shared under it stays what it is.",
        ),
    ]


def _told(one: Delegation, names: dict[str, str], now: Micros) -> DelegationResource:
    return DelegationResource(
        delegation=one.uuid,
        represented=names[one.represented],
        delegate=names[one.delegate],
        types=None if one.types is None else sorted(one.types),
        tlp=one.tlp,
        given=format_instant(one.given_at),
        until=format_instant(one.until),
        signatory=one.signatory,
        key=one.key,
        signature=one.signature,
        ml_dsa_key=one.ml_dsa_key,
        ml_dsa_signature=one.ml_dsa_signature,
        revoked=instant(one.revoked_at),
        stands=one.stands(now),
    )
