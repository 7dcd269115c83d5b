"""Access requests: asked where an agreement lets one know, answered by the owner.

Who asks for what it may not know of gets the answer that it would get if there were none, entry, words and work alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select, update

from tocsin.agreements import store as agreements
from tocsin.agreements.acts import may_sign
from tocsin.agreements.gate import profile_of
from tocsin.agreements.grant_store import granted_to
from tocsin.agreements.life import AGREEMENT_TRANSITIONS, AgreementAct, AgreementStatus
from tocsin.agreements.model import Label, Tlp
from tocsin.agreements.reveal import revealed
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    LimitError,
    NotFoundError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.exchange import store
from tocsin.exchange.access.granting import require_grantor
from tocsin.exchange.access.request import Outcome, Request, answered_data, asked_data, with_answer
from tocsin.exchange.access.tables import ACCESS_REQUESTS
from tocsin.exchange.tables import CONTRIBUTIONS, MADE_COLLECTIONS, OFFERS
from tocsin.kernel.db.spans import EVERYTHING, stretch, within
from tocsin.kernel.db.store import next_id
from tocsin.kernel.ids import new_uuid
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus, check_remark

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row

    from tocsin.agreements.gatekeeper import Gate
    from tocsin.exchange.access.granting import Given, Granting, Terms
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log
    from tocsin.parties.model import Party, User

__all__ = ["MAX_OPEN", "Requesting", "add_request", "requests_in", "requests_within"]

# Of one party: who waits for a hundred answers needs an agreement.
MAX_OPEN: Final = 100
_NOTHING: Final = "there is no such object, or none that you may ask for"


class Requesting:
    """The access requests of one environment."""

    def __init__(
        self, *, store: Store, log: Log, gate: Gate, granting: Granting, entropy: Entropy, environment: int
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._granting = granting
        self._entropy = entropy
        self._environment = environment

    def ask(self, acting: Acting, party: Party, user: User | None, object_id: str, *, reason: str) -> list[Request]:
        """Ask each owner of an object that the party may know of; returns the requests, by owner.

        Raises:
            NotFoundError: there is none, or none that an agreement lets the party know of: the same words.
            ConflictError: the party has asked already. LimitError: too many of its requests are open.
            InputError: the reason cannot be recorded.
        """
        check_remark(reason, "reason")
        if party.status is not PartyStatus.VETTED:
            raise ForbiddenError("this party may not ask: it is not vetted", where=party.name)
        asker = f"{user.name}@{party.name}" if user else party.name
        if (acting.on_behalf_of or acting.actor) != asker:
            raise ForbiddenError("this is done by or for who asks", where=asker)
        with self._store.write() as connection:
            # asking is an act, whatever comes of it (ADR 17)
            at = self._log.now(connection)
            data: dict[str, object] = {
                "verb": "request",
                "object": object_id[:256],
                "asker": asker,
                "reader": None,
                "purpose": _purpose(user),
            }
            record = Record(kind="inquiry", at=at, acting=acting, concerns=(party.uri,), data=data)
            self._log.append(connection, [record])
        with self._store.write() as connection:
            known = self._known(connection, party, user, object_id)
            if not known:
                raise NotFoundError(_NOTHING)
            asked = requests_in(connection, self._environment, ACCESS_REQUESTS.c.party == party.uri)
            own = [one for one in asked if one.outcome is None]
            fresh = {
                owner: clause
                for owner, clause in known.items()
                if not any((one.owner, one.object_id) == (owner, object_id) for one in own)
            }
            if not fresh:
                raise ConflictError(
                    "your party has asked for it already", todo="`tocsin request list` shows how it stands"
                )
            if len(own) + len(fresh) > MAX_OPEN:
                raise LimitError(f"at most {MAX_OPEN} requests of a party are open at a time", todo="withdraw some")
            at = self._log.now(connection)
            made = [
                Request(
                    uuid=new_uuid(self._entropy),
                    party=party.uri,
                    user=user.name if user else None,
                    owner=owner,
                    object_id=object_id,
                    clause=clause,
                    reason=reason,
                    asked_at=at,
                )
                for owner, clause in sorted(fresh.items())
            ]
            for one in made:
                add_request(connection, self._environment, one)
                record = Record(
                    kind="request.asked", at=at, acting=acting, concerns=_concerns(one), data=asked_data(one)
                )
                self._log.append(connection, [record])
        return made

    def grant(
        self, acting: Acting, owner: Party, user: User | None, uuid: str, *, terms: Terms, reason: str = ""
    ) -> tuple[Request, Given]:
        """Answer a request with a grant, in one transaction; ``terms`` name the asker and the object of the request.

        Raises:
            ForbiddenError: the user does not speak for the owner. NotFoundError: the owner was asked no such thing.
            TransitionError: it is answered; and as ``Granting.give``.
        """
        require_grantor(acting, owner, user)
        with self._store.write() as connection:
            request = self._asked(connection, owner, uuid)
            chosen = msgspec.structs.replace(terms, object_id=request.object_id, to=request.party)
            given = self._granting.give_in(connection, acting, owner.uri, chosen)
            answered = self._answer(connection, acting, request, Outcome.GRANTED, reason=reason, grant=given.grant.uuid)
        return answered, given

    def refuse(self, acting: Acting, owner: Party, user: User | None, uuid: str, *, reason: str) -> Request:
        """Answer a request with a refusal and its reason; errors as ``grant``."""
        require_grantor(acting, owner, user)
        with self._store.write() as connection:
            request = self._asked(connection, owner, uuid)
            return self._answer(connection, acting, request, Outcome.REFUSED, reason=reason)

    def amend(
        self, acting: Acting, owner: Party, user: User | None, uuid: str, *, amendment: str, reason: str = ""
    ) -> Request:
        """Answer a request with the version of an agreement that would open it, ``name/version``.

        Raises:
            As ``grant``; NotFoundError: no such version lies before both, that each of them signed or may sign.
            TransitionError: both are bound by it already.
        """
        require_grantor(acting, owner, user)
        with self._store.write() as connection:
            request = self._asked(connection, owner, uuid)
            self._require_proposal(connection, amendment, frozenset({owner.uri, request.party}))
            return self._answer(connection, acting, request, Outcome.AMENDMENT, reason=reason, amendment=amendment)

    def withdraw(self, acting: Acting, party: Party, uuid: str) -> Request:
        """Withdraw a request, for who asked."""
        with self._store.write() as connection:
            found = self._find(connection, uuid)
            if found is None or found.party != party.uri:
                raise NotFoundError("the party asked for no such thing")
            if (acting.on_behalf_of or acting.actor).rpartition("@")[2] != party.name:
                raise ForbiddenError("this is done by or for who asked", where=party.name)
            return self._answer(connection, acting, found, Outcome.WITHDRAWN, reason="")

    def all(self, party: Party | None = None) -> tuple[list[Request], Micros]:
        """Return the requests that a party made or was asked, or all, oldest first; and hub time."""
        with self._store.read() as connection:
            found = requests_in(connection, self._environment, *(() if party is None else (_of(party),)))
            return found, self._log.now(connection)

    def of(self, party: Party, span: Span) -> tuple[Stretch[Request], Micros]:
        """Return a span of the requests that a party made or was asked, oldest first; and hub time."""
        with self._store.read() as connection:
            found = requests_within(connection, self._environment, span, _of(party))
            return found, self._log.now(connection)

    def one_of(self, party: Party, uuid: str) -> tuple[Request | None, Micros]:
        """Return a request that a party made or was asked, if there is such a one; and hub time."""
        with self._store.read() as connection:
            found = requests_in(connection, self._environment, ACCESS_REQUESTS.c.uuid == uuid, _of(party))
            return next(iter(found), None), self._log.now(connection)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _find(self, connection: Connection, uuid: str) -> Request | None:
        return next(iter(requests_in(connection, self._environment, ACCESS_REQUESTS.c.uuid == uuid)), None)

    def _asked(self, connection: Connection, owner: Party, uuid: str) -> Request:
        found = self._find(connection, uuid)
        if found is None or found.owner != owner.uri:
            raise NotFoundError("the party was asked no such thing", todo="`tocsin request list` shows what it was")
        return found

    def _require_proposal(self, connection: Connection, amendment: str, both: frozenset[str]) -> None:
        """Refuse what is no version that owner and asker could both be bound by, and are not yet.

        Here and not where entries are held to their rules: in logs of earlier versions this was any text.
        """
        refused = NotFoundError(
            "no such version of an agreement lies before both of you",
            where=amendment[:160],
            todo="name one that each of you signed or may sign, as NAME/VERSION; propose it first",
        )
        name, _, number = check_remark(amendment, "amendment").partition("/")
        rows = agreements.agreement_rows(connection, self._environment, name)
        row = next((one for one in rows if str(one.version) == number), None)
        if row is None or (row.status, AgreementAct.SIGN) not in AGREEMENT_TRANSITIONS:
            raise refused
        everyone = [one.party for one in parties.party_rows(connection, self._environment)]
        at, ends = self._log.now(connection), row.document.ends
        able = set(may_sign(row, everyone, at))
        bound = {uri for uri in both if row.activated.binds(uri, at)}
        over = ends is not None and ends <= at
        if over or not both <= bound | {one.uri for one in everyone if one.name in able}:
            raise refused
        if row.status is AgreementStatus.IN_FORCE and both == bound:
            raise TransitionError(
                "both of you are bound by that version already, and it does not open it",
                where=amendment[:160],
                todo="propose a version that does, or grant it",
            )

    def _answer(
        self,
        connection: Connection,
        acting: Acting,
        request: Request,
        outcome: Outcome,
        *,
        reason: str,
        grant: str | None = None,
        amendment: str | None = None,
    ) -> Request:
        at = self._log.now(connection)
        answered = with_answer(request, outcome, at=at, answer=reason, grant=grant, amendment=amendment)
        connection.execute(
            update(ACCESS_REQUESTS)
            .where(ACCESS_REQUESTS.c.environment == self._environment, ACCESS_REQUESTS.c.uuid == request.uuid)
            .values(body=msgspec.json.encode(answered, order="deterministic"))
        )
        record = Record(
            kind="request.answered", at=at, acting=acting, concerns=_concerns(answered), data=answered_data(answered)
        )
        self._log.append(connection, [record])
        return answered

    def _known(self, connection: Connection, party: Party, user: User | None, object_id: str) -> dict[str, str]:
        """Return the owners of whose versions an agreement lets the party know, and which clause does."""
        facts = self._gate.facts(connection, self._log.now(connection))
        profile = profile_of(party, user, _purpose(user), facts.at)
        rows = connection.execute(
            select(CONTRIBUTIONS.c.label_id, CONTRIBUTIONS.c.object_id)
            .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
            .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
            .where(
                CONTRIBUTIONS.c.object_key == store.object_key(self._environment, object_id),
                CONTRIBUTIONS.c.salt.is_not(None),
                OFFERS.c.withdrawn_at.is_(None),
                MADE_COLLECTIONS.c.made_for.is_(None),
            )
        ).all()
        ids = sorted({row.label_id for row in rows if row.object_id == object_id})
        labels = list(self._gate.labels(connection, ids).values())
        # where there is none, one is judged that is nobody's: the same work, whatever there is
        judged = labels or [Label(owner=party.uri, type="identity", tlp=Tlp.RED)]
        grants = granted_to(connection, self._environment, party.uri, facts.at)
        known: dict[str, str] = {}
        for label, found in zip(judged, revealed(profile, judged, facts, grants=grants), strict=True):
            has = any((one.owner, one.object_id) == (label.owner, object_id) for one in grants)
            if labels and found is not None and not has:
                known.setdefault(label.owner, f"{found.agreement}/{found.version}/{found.clause}")
        return known


def add_request(connection: Connection, environment: int, request: Request) -> None:
    """Enter a request that was asked."""
    connection.execute(
        ACCESS_REQUESTS.insert().values(
            request_id=next_id(connection, ACCESS_REQUESTS.c.request_id),
            environment=environment,
            uuid=request.uuid,
            party=request.party,
            owner=request.owner,
            body=msgspec.json.encode(request, order="deterministic"),
        )
    )


def requests_in(connection: Connection, environment: int, *conditions: ColumnElement[bool]) -> list[Request]:
    """Return every request, or those that meet the conditions, oldest first.

    Raises:
        StoreBrokenError: a row is not what it must be.
    """
    return [*requests_within(connection, environment, EVERYTHING, *conditions).items]


def requests_within(
    connection: Connection, environment: int, span: Span, *conditions: ColumnElement[bool]
) -> Stretch[Request]:
    """Return a span of what ``requests_in`` returns."""
    query = select(ACCESS_REQUESTS).where(ACCESS_REQUESTS.c.environment == environment, *conditions)
    rows = connection.execute(within(query, ACCESS_REQUESTS.c.request_id, span))
    return stretch(((row.request_id, _request(row)) for row in rows), span)


def _request(row: Row[*tuple[Any, ...]]) -> Request:
    try:
        request = msgspec.json.decode(row.body, type=Request)
    except msgspec.DecodeError as error:
        raise StoreBrokenError(f"it is none: {error}", where=f"access request {row.uuid}") from error
    if (request.uuid, request.party, request.owner) != (row.uuid, row.party, row.owner):
        raise StoreBrokenError("it is kept as another than it is", where=f"access request {row.uuid}")
    return request


def _of(party: Party) -> ColumnElement[bool]:
    return (ACCESS_REQUESTS.c.party == party.uri) | (ACCESS_REQUESTS.c.owner == party.uri)


def _concerns(request: Request) -> tuple[str, ...]:
    return tuple(sorted({request.party, request.owner}))


def _purpose(user: User | None) -> str:
    return user.purpose if user else "detect"
