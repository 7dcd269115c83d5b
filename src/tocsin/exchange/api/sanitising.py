"""Sanitised versions over ``/api/v1``: what waits to leave in a party's stead, seen and decided by that party alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, OBJECT, READ, ROOT, Given, Thing, by_id, id_in, listed
from tocsin.exchange.api.queries import Said
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.exchange.sanitise.model import State
from tocsin.exchange.sanitise.service import Viewer
from tocsin.exchange.taxii.filters import is_object_id
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from tocsin.exchange.sanitise.service import Sanitised, Shown
    from tocsin.parties.service import Parties

__all__ = ["Services", "operations"]

_NONE: Final = "there is no such sanitised version, or none that you may see"

SanitisedCall: TypeAlias = Call[Principal]


class ApproveAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``alone``: it may leave though fewer producers than usual share its slot."""

    alone: bool = False


class VetoAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it must not leave."""

    reason: Said = ""


class MadeOf(msgspec.Struct, frozen=True, kw_only=True):
    """What it was made of, and under which clause. Null for whoever may not know whose it is."""

    object: str
    version: str
    agreement: str
    agreement_version: int
    clause: str
    plan: str
    tlp: str
    attribution: str
    approve: str
    countdown_ends: str


class SanitisedResource(msgspec.Struct, frozen=True, kw_only=True):
    """A sanitised version; ``waits`` says for what. ``object`` is what leaves in ``slot``, or left, byte for byte."""

    id: str
    published_under: str
    state: State
    alone: bool
    slot: str | None
    waits: str | None
    ending: str | None
    made_of: MadeOf | None
    object: msgspec.Raw | None


class SanitisedList(msgspec.Struct, frozen=True, kw_only=True):
    """What waits to leave, the first made first."""

    sanitised: list[SanitisedResource]
    next: Next


class ChangeResource(msgspec.Struct, frozen=True, kw_only=True):
    """One property that is other than in the original; ``after`` null: it goes."""

    property: str
    before: Any
    after: Any


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Every property that is other than in the original."""

    id: str
    changes: list[ChangeResource]


class OriginResource(msgspec.Struct, frozen=True, kw_only=True):
    """A published version, and what it was made of."""

    party: str
    object: str
    version: str
    agreement: str
    published_version: str


class Origins(msgspec.Struct, frozen=True, kw_only=True):
    """What the published versions under an id were made of."""

    id: str
    origins: list[OriginResource]


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    parties: Parties
    sanitised: Sanitised


class Sanitising:
    """The addresses of sanitised versions in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._parties = services.parties
        self._sanitised = services.sanitised

    def waiting(self, call: SanitisedCall) -> Reply:
        """Answer with what waits to leave in the stead of the asker's party."""
        span = self._lists.span(call, "sanitised")
        found = self._sanitised.of_party_within(call.principal.party, span, waiting=True)
        told = [_shown(one) for one in found.items]
        return reply(SanitisedList(sanitised=told, next=self._lists.next(call, "sanitised", found.last)))

    def show(self, call: SanitisedCall) -> Reply:
        """Answer with one version."""
        return reply(_shown(self._sanitised.show(self._viewer(call), _id(call))))

    def changes(self, call: SanitisedCall) -> Reply:
        """Answer with what is other than in the original."""
        one, changes = self._sanitised.diff(self._viewer(call), _id(call))
        told = [ChangeResource(property=each.name, before=each.before, after=each.after) for each in changes]
        return reply(Changes(id=one.uuid, changes=told))

    def approve(self, call: SanitisedCall) -> Reply:
        """Let a version out."""
        asked = read_body(call.body, ApproveAsk)
        return reply(_shown(self._sanitised.approve(self._viewer(call), _id(call), alone=asked.alone)))

    def veto(self, call: SanitisedCall) -> Reply:
        """Keep a version in."""
        asked = read_body(call.body, VetoAsk)
        return reply(_shown(self._sanitised.veto(self._viewer(call), _id(call), asked.reason)))

    def origin(self, call: SanitisedCall) -> Reply:
        """Lead a published version back."""
        object_id = call.path["object"]
        if not is_object_id(object_id):
            raise NotFoundError(_NONE)
        found = self._sanitised.origin(self._viewer(call), object_id)
        names = self._parties.names()
        told = [
            OriginResource(
                party=names[one.chain.party],
                object=one.chain.object_id,
                version=format_instant(one.version),
                agreement=one.chain.agreement,
                published_version=format_instant(one.published_as),
            )
            for one in found
        ]
        return reply(Origins(id=object_id, origins=told))

    def _viewer(self, call: SanitisedCall) -> Viewer:
        party, user = self._parties.resolve(call.principal.id)
        return Viewer(party=party, user=user, acting=Acting(actor=call.principal.id))


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about sanitised versions."""
    does = Sanitising(services)
    one = f"{ROOT}/sanitised/{{version}}"
    part = by_id("version", "Of the sanitised version: the receipt of its original names it.")
    whole = Answer(says="The version, as it stands.", type=SanitisedResource)
    thing = Thing("sanitised", one, part, whole)
    return [
        *listed(
            "sanitised",
            f"{ROOT}/sanitised",
            READ,
            every=Given(
                "sanitised-waiting",
                does.waiting,
                "What waits to leave in place of what your party shared",
                "A page of it.",
                SanitisedList,
            ),
            one=Given(
                "sanitised",
                does.show,
                "Exactly what leaves in place of an object of your party's",
                whole.says,
                SanitisedResource,
            ),
            by=thing.parts,
            query=ListQuery,
        ),
        Operation(
            id="sanitised-changes",
            tag="sanitised",
            method="GET",
            path=f"{one}/changes",
            does=Endpoint(access=READ, run=does.changes),
            summary="What is other than in the original",
            parts=part,
            answers={HTTPStatus.OK: Answer(says="Property by property.", type=Changes)},
            problems=MISSING,
        ),
        thing.act("approval", does.approve, "Let a version out, after its countdown", ApproveAsk),
        thing.act("veto", does.veto, "Keep a version in, for good", VetoAsk),
        Operation(
            id="sanitised-origin",
            tag="sanitised",
            method="GET",
            path=f"{ROOT}/objects/{{object}}/origin",
            does=Endpoint(access=READ, run=does.origin),
            summary="What a published version was made of",
            says="For its producer, and for auditors of the hub. Asking is an act: the log names the question.",
            parts=OBJECT,
            answers={HTTPStatus.OK: Answer(says="The originals.", type=Origins)},
            problems=MISSING,
        ),
    ]


def _id(call: SanitisedCall) -> str:
    return id_in(call.path, "version", _NONE)


def _shown(one: Shown) -> SanitisedResource:
    version = one.version
    return SanitisedResource(
        id=one.uuid,
        published_under=one.sanitised_id,
        state=one.standing.state,
        alone=one.standing.alone,
        slot=instant(one.slot),
        waits=one.waits,
        ending=None if one.standing.ending is None else str(one.standing.ending),
        made_of=None
        if version is None
        else MadeOf(
            object=version.chain.object_id,
            version=format_instant(version.version),
            agreement=version.chain.agreement,
            agreement_version=version.agreement_version,
            clause=version.clause,
            plan=version.plan,
            tlp=str(version.tlp),
            attribution=str(version.attribution),
            approve=str(version.approve),
            countdown_ends=format_instant(version.leaves_at),
        ),
        object=None if one.body is None else msgspec.Raw(one.body),
    )
