"""The account of one's own party over ``/api/v1``, and whom it serves and is served by.

What is told here has no places in the log and no size of it: asked for again and again, they would count what all
others do. The signed account, with which anybody shows that nobody else received anything, is the operator's to hand
out (``tocsin party account``).
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from tocsin.errors import BusyError
from tocsin.exchange.api.parts import KNOW, READ, ROOT
from tocsin.exchange.api.wire import reply
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import PartyStatus, Principal

if TYPE_CHECKING:
    from tocsin.exchange.account.model import Under
    from tocsin.exchange.account.service import Accounts
    from tocsin.parties.service import Parties

__all__ = ["Services", "operations"]

AccountCall: TypeAlias = Call[Principal]


class RestsOn(msgspec.Struct, frozen=True, kw_only=True):
    """A clause, ``agreement/version#clause``, or a rule of the hub, that let it out, and the legal bases of it."""

    clause: str
    bases: list[str]


class ProtectedBy(msgspec.Struct, frozen=True, kw_only=True):
    """A protect clause that went with it: the uses that it rules out, and what it outlives."""

    clause: str
    uses: list[str]
    survives: str | None


class LeftObject(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object of yours."""

    id: str
    version: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Objects that left on the same terms."""

    objects: list[LeftObject]
    clauses: list[RestsOn]
    protect: list[ProtectedBy]
    onward: str


class LeftResource(msgspec.Struct, frozen=True, kw_only=True):
    """One release, as far as it held objects of yours: to whom, for whom, when, what for."""

    release: str
    at: str
    reader: str
    user: str | None
    client: str | None
    purpose: str
    kind: str
    under: list[Terms]


class AccountResource(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that left of what your party contributed, the first first."""

    party: str
    releases: list[LeftResource]


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """The parties that yours serves and may read for, and those that serve it, by their short names."""

    serves: list[str]
    served_by: list[str]


class Services(Protocol):
    """What the addresses need of a hub."""

    accounts: Accounts
    parties: Parties


class Accounting:
    """The addresses of accounts in one environment."""

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._parties = services.parties
        # an account reads the whole log: one at a time, so that readers keep their threads
        self._turn = threading.Lock()

    def account(self, call: AccountCall) -> Reply:
        """Answer with the account of the asker's own party."""
        asker = self._parties.resolve(call.principal.id)
        if not self._turn.acquire(blocking=False):
            raise BusyError("an account is being made", todo="ask again in a minute")
        try:
            acting = Acting(actor=call.principal.id)
            account, _ = self._accounts.make(acting, asker, asker[0], lambda _count: None)
        finally:
            self._turn.release()
        names = {one.uri: one.name for one in self._parties.all_parties()}
        told = [
            LeftResource(
                release=one.release,
                at=one.at,
                reader=names[one.reader],
                user=one.user,
                client=None if one.client is None else names[one.client],
                purpose=one.purpose,
                kind=one.kind,
                under=[_terms(under) for under in one.under],
            )
            for one in account.releases
        ]
        return reply(AccountResource(party=asker[0].name, releases=told))

    def clients(self, call: AccountCall) -> Reply:
        """Answer with whom the asker's party serves, and who serves it."""
        own = call.principal.party
        vetted = [one for one in self._parties.all_parties() if one.status is PartyStatus.VETTED]
        served = next((one.clients for one in vetted if one.uri == own), frozenset[str]())
        return reply(
            Clients(
                serves=[one.name for one in vetted if one.uri in served],
                served_by=[one.name for one in vetted if own in one.clients],
            )
        )


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about accounts."""
    does = Accounting(services)
    return [
        Operation(
            id="account",
            tag="account",
            method="GET",
            path=f"{ROOT}/account",
            does=Endpoint(access=READ, run=does.account),
            summary="Who received what your party shared, by which clause, under which protection",
            says="For a signatory, liaison or auditor of the party. Asking is an act. It reads the whole log: rarely.",
            answers={HTTPStatus.OK: Answer(says="Every release.", type=AccountResource)},
        ),
        Operation(
            id="clients",
            tag="partnership",
            method="GET",
            path=f"{ROOT}/clients",
            does=Endpoint(access=KNOW, run=does.clients),
            summary="Whom your party serves, and who serves it",
            answers={HTTPStatus.OK: Answer(says="Both.", type=Clients)},
        ),
    ]


def _terms(under: Under) -> Terms:
    return Terms(
        objects=[LeftObject(id=name, version=format_instant(version)) for name, version in under.objects],
        clauses=[RestsOn(clause=one.clause, bases=list(one.bases)) for one in under.clauses],
        protect=[ProtectedBy(clause=one.clause, uses=list(one.uses), survives=one.survives) for one in under.protect],
        onward=under.onward,
    )
