"""The account of one's own party over ``/api/v1``, and whom it serves and is served by.

What is told here has no places in the log and no size of it: asked for again and again, they would count what all
others do. The signed account, with which anybody shows that nobody else received anything, is the operator's to hand
out (``tocsin party account``).
"""

from __future__ import annotations

import contextlib
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import BusyError, LimitError
from tocsin.exchange.api.parts import KNOW, READ, ROOT
from tocsin.exchange.api.wire import reply
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import PartyStatus, Principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.exchange.account.model import Left, Under
    from tocsin.exchange.account.service import Accounts
    from tocsin.parties.model import Party
    from tocsin.parties.service import Parties

__all__ = ["Services", "operations"]

# Made once a day for each party: it costs a replay of the log, which is minutes of a processor where there is much.
FRESH: Final[Micros] = DAY
# Some hundred bytes for each release: what is larger is a file, which the operator hands out.
MAX_ACCOUNT: Final = 16 * 1_024 * 1_024
# Of all parties together; who is pushed out waits for a replay again.
MAX_KEPT: Final = 64 * 1_024 * 1_024
# Replays at once, each of another party: a quarter of the threads that readers share, whoever asks for how many.
MAX_MAKING: Final = 2

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


class PublishedResource(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an object of yours in whose place a sanitised one left, under which clause."""

    object: LeftObject
    published_as: LeftObject
    clause: str


class AccountResource(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that left of what your party contributed, the first first.

    ``published`` are the sanitised versions that left in place of it, and ``instead`` says who received those: the
    publisher owns them, and of what let them out you are told what stands in agreements that you have joined.
    ``as_of``: what left since is in tomorrow's.
    """

    party: str
    as_of: str
    releases: list[LeftResource]
    published: list[PublishedResource]
    instead: list[LeftResource]


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
        self._lock = threading.Lock()  # of what follows; never held while an account is made
        self._kept: dict[str, tuple[Micros, bytes]] = {}  # by party, with when it was made
        self._making: set[str] = set()  # of which parties

    def account(self, call: AccountCall) -> Reply:
        """Answer with the account of the asker's own party: one that is kept at once, whoever else waits for theirs."""
        asker = self._parties.resolve(call.principal.id)
        at = self._accounts.ask(Acting(actor=call.principal.id), asker, asker[0])
        body = self._fresh(asker[0].uri, at)
        if body is None:
            with self._turn(asker[0].uri):
                # another caller of the party may have been answered meanwhile
                body = self._fresh(asker[0].uri, at)
                if body is None:
                    body = self._made(asker[0], at)
                    self._keep(asker[0].uri, at, body)
        if not body:
            raise LimitError(f"an account has at most {MAX_ACCOUNT} bytes here", todo="ask the operator for yours")
        return Reply(body=body)

    def _fresh(self, uri: str, at: Micros) -> bytes | None:
        """Return a party's account if one is kept that is of the day; empty: it is too large."""
        with self._lock:
            made_at, body = self._kept.get(uri, (at - FRESH, b""))
        return body if at - made_at < FRESH else None

    @contextlib.contextmanager
    def _turn(self, uri: str) -> Iterator[None]:
        """Make a party's account while the ``with`` lasts.

        Raises:
            BusyError: it is being made already, or those of too many others are.
        """
        with self._lock:
            if uri in self._making:
                raise BusyError("the account of your party is being made", todo="ask again in a minute")
            if len(self._making) >= MAX_MAKING:
                raise BusyError("accounts are being made", todo="ask again in a minute")
            self._making.add(uri)
        try:
            yield
        finally:
            with self._lock:
                self._making.discard(uri)

    def _made(self, party: Party, at: Micros) -> bytes:
        """Return a party's account as it is sent; nothing if it is too large for that."""
        account = self._accounts.account(party, lambda _count: None)
        names = self._parties.names()
        told = AccountResource(
            party=party.name,
            as_of=format_instant(at),
            releases=[_left(one, names) for one in account.releases],
            published=[
                PublishedResource(object=_named(one.object), published_as=_named(one.published_as), clause=one.clause)
                for one in account.published
            ],
            instead=[_left(one, names) for one in account.instead],
        )
        body = reply(told).body
        return body if len(body) <= MAX_ACCOUNT else b""

    def _keep(self, uri: str, at: Micros, body: bytes) -> None:
        with self._lock:
            self._kept.pop(uri, None)
            self._kept[uri] = (at, body)
            while sum(len(one) for _, one in self._kept.values()) > MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))

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
            says="For a signatory, liaison or auditor of the party. Asking is an act. It is made once a day.",
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


def _left(one: Left, names: dict[str, str]) -> LeftResource:
    return LeftResource(
        release=one.release,
        at=one.at,
        reader=names[one.reader],
        user=one.user,
        client=None if one.client is None else names[one.client],
        purpose=one.purpose,
        kind=one.kind,
        under=[_terms(under) for under in one.under],
    )


def _named(one: tuple[str, int]) -> LeftObject:
    return LeftObject(id=one[0], version=format_instant(one[1]))


def _terms(under: Under) -> Terms:
    return Terms(
        objects=[_named(one) for one in under.objects],
        clauses=[RestsOn(clause=one.clause, bases=list(one.bases)) for one in under.clauses],
        protect=[ProtectedBy(clause=one.clause, uses=list(one.uses), survives=one.survives) for one in under.protect],
        onward=under.onward,
    )
