"""Delegations: signed by the represented party's own signatory, revoked by it, looked up at intake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select, update

from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.exchange.access.delegation import (
    Delegation,
    delegation_data,
    may_delegate,
    signing_bytes,
    verify_delegation,
)
from tocsin.exchange.access.granting import require_grantor
from tocsin.exchange.access.tables import DELEGATIONS
from tocsin.exchange.stix.types import check_type
from tocsin.kernel.db.spans import EVERYTHING, stretch, within
from tocsin.kernel.db.store import next_id
from tocsin.kernel.ids import new_uuid
from tocsin.log.service import Record
from tocsin.parties.model import PartyStatus, Role, UserStatus, check_remark
from tocsin.parties.register import require_party_by_uri, require_user

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from tocsin.agreements.model import Tlp
    from tocsin.kernel.canonical import Json
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log
    from tocsin.parties.model import Party, User

__all__ = ["MAX_DELEGATIONS_OF_ONE", "Delegating", "delegations_of", "standing_delegations"]

# Those who share for one party: its providers, one by one.
MAX_DELEGATIONS_OF_ONE = 100


class Delegating:
    """The delegations of one environment."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment

    def draft(
        self,
        represented: Party,
        delegate: Party,
        *,
        types: frozenset[str] | None,
        tlp: Tlp,
        until: Micros,
        signatory: str,
    ) -> tuple[Delegation, bytes]:
        """Return a delegation that lacks its signature, and what the signatory signs.

        Raises:
            InputError: it cannot be one, or a type is none.
        """
        for name in sorted(types or ()):
            check_type(name)
        with self._store.read() as connection:
            at = self._log.now(connection)
        made = Delegation(
            uuid=new_uuid(self._entropy),
            represented=represented.uri,
            delegate=delegate.uri,
            types=types,
            tlp=tlp,
            given_at=at,
            until=until,
            signatory=signatory,
            key="",
            signature="",
        )
        return made, signing_bytes(made.uuid, delegation_data(made))

    def give(
        self, acting: Acting, delegation: Delegation, signature: str, *, ml_dsa_signature: str | None = None
    ) -> Delegation:
        """Enter a delegation that the represented party's signatory signed; durable and logged when this returns.

        ``signature`` is base64 of Ed25519 over the bytes that ``draft`` returns; ``ml_dsa_signature`` likewise of
        ML-DSA-44, of a signatory who has that key too.

        Raises:
            ConflictError: there is a delegation of this id already.
            ForbiddenError: it is not by or for that signatory, who must be active and registered with this key; or one
                of the parties is not vetted.
            NotFoundError: there is no such party or user. LimitError: too many stand.
            ConflictError: its id was given before: a signature is good once, and not again after a revocation.
        """
        with self._store.write() as connection:
            parties = [
                require_party_by_uri(connection, self._environment, uri).party
                for uri in (delegation.represented, delegation.delegate)
            ]
            if any(party.status is not PartyStatus.VETTED for party in parties):
                raise ForbiddenError("both parties are vetted, or there is nothing to delegate")
            reference = f"{delegation.signatory}@{parties[0].name}"
            user = require_user(connection, self._environment, reference)[1].user
            if (acting.on_behalf_of or acting.actor) != reference:
                raise ForbiddenError("this is done by or for the signatory", where=reference)
            if Role.SIGNATORY not in user.roles or user.status is not UserStatus.ACTIVE or user.signing_key is None:
                raise ForbiddenError("this is no active signatory with a registered key", where=reference)
            at = self._log.now(connection)
            if not may_delegate(user, at):
                raise ForbiddenError(
                    "this signatory's authority does not reach a delegation, or has ended",
                    where=reference,
                    todo=f"tocsin user authority {reference}",
                )
            standing = [
                one
                for one in delegations_of(connection, self._environment, represented=delegation.represented)
                if one.stands(at)
            ]
            if len(standing) >= MAX_DELEGATIONS_OF_ONE:
                raise LimitError(f"{MAX_DELEGATIONS_OF_ONE} delegations stand already", todo="revoke one")
            given = msgspec.structs.replace(
                delegation,
                given_at=at,
                key=user.signing_key,
                signature=signature,
                ml_dsa_key=user.ml_dsa_key,
                ml_dsa_signature=ml_dsa_signature,
            )
            verify_delegation(given)
            data = delegation_data(given)
            known = select(DELEGATIONS.c.uuid).where(
                DELEGATIONS.c.environment == self._environment, DELEGATIONS.c.uuid == given.uuid
            )
            if connection.execute(known).first() is not None:
                raise ConflictError(
                    "a delegation of this id was given before",
                    where=given.uuid,
                    todo="sign another, with an id of its own",
                )
            connection.execute(DELEGATIONS.insert().values(self._row(connection, given)))
            self._log.append(
                connection,
                [Record(kind="delegation.given", at=at, acting=acting, concerns=_concerns(given), data={**data})],
            )
        return given

    def revoke(self, acting: Acting, party: Party, user: User | None, uuid: str, reason: str = "") -> Delegation:
        """End a delegation now, for the represented party.

        Raises:
            ForbiddenError: the user does not speak for the party. NotFoundError: it gave no such delegation.
            TransitionError: it is over already.
        """
        require_grantor(acting, party, user)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            found = delegations_of(connection, self._environment, represented=party.uri)
            one = next((one for one in found if one.uuid == uuid), None)
            if one is None:
                raise NotFoundError("the party gave no such delegation", todo="`tocsin delegation list` shows them")
            at = self._log.now(connection)
            if not one.stands(at):
                raise TransitionError("this delegation is over already", where=uuid)
            connection.execute(
                update(DELEGATIONS)
                .where(DELEGATIONS.c.environment == self._environment, DELEGATIONS.c.uuid == uuid)
                .values(revoked_at=at)
            )
            data: dict[str, object] = {
                "delegation": uuid,
                "represented": one.represented,
                "delegate": one.delegate,
                "reason": reason,
            }
            record = Record(kind="delegation.revoked", at=at, acting=acting, concerns=_concerns(one), data=data)
            self._log.append(connection, [record])
        return msgspec.structs.replace(one, revoked_at=at)

    def all(self, party: Party | None = None) -> tuple[list[Delegation], Micros]:
        """Return the delegations that a party gave or was given, or all, oldest first; and hub time."""
        found, now = self.within(party, EVERYTHING)
        return [*found.items], now

    def within(self, party: Party | None, span: Span) -> tuple[Stretch[Delegation], Micros]:
        """Return a span of what ``all`` returns; and hub time."""
        with self._store.read() as connection:
            query = select(DELEGATIONS).where(DELEGATIONS.c.environment == self._environment)
            if party is not None:
                query = query.where((DELEGATIONS.c.represented == party.uri) | (DELEGATIONS.c.delegate == party.uri))
            rows = connection.execute(within(query, DELEGATIONS.c.delegation_id, span))
            found = stretch(((row.delegation_id, _delegation(row)) for row in rows), span)
            return found, self._log.now(connection)

    def standing(self, *, represented: str, delegate: str) -> list[Delegation]:
        """Return the delegations under which one party (by its URI) shares for another now, the newest first.

        Raises:
            ForbiddenError: there is none.
        """
        with self._store.read() as connection:
            at = self._log.now(connection)
            return standing_delegations(
                connection, self._environment, represented=represented, delegate=delegate, at=at
            )

    def _row(self, connection: Connection, one: Delegation) -> dict[str, Json]:
        return {
            "delegation_id": next_id(connection, DELEGATIONS.c.delegation_id),
            "environment": self._environment,
            "uuid": one.uuid,
            "represented": one.represented,
            "delegate": one.delegate,
            "types": None if one.types is None else " ".join(sorted(one.types)),
            "tlp": str(one.tlp),
            "given_at": one.given_at,
            "until": one.until,
            "signatory": one.signatory,
            "key": one.key,
            "signature": one.signature,
            "ml_dsa_key": one.ml_dsa_key,
            "ml_dsa_signature": one.ml_dsa_signature,
            "revoked_at": one.revoked_at,
        }


def delegations_of(connection: Connection, environment: int, *, represented: str | None = None) -> list[Delegation]:
    """Return the delegations of one represented party (its URI), or all, oldest first; those that are over, too."""
    query = select(DELEGATIONS).where(DELEGATIONS.c.environment == environment)
    if represented is not None:
        query = query.where(DELEGATIONS.c.represented == represented)
    return [_delegation(row) for row in connection.execute(query.order_by(DELEGATIONS.c.delegation_id))]


def standing_delegations(
    connection: Connection, environment: int, *, represented: str, delegate: str, at: Micros
) -> list[Delegation]:
    """Return the delegations under which one party shares for another now, one at least, the newest first.

    Raises:
        ForbiddenError: there is none.
    """
    query = select(DELEGATIONS).where(
        DELEGATIONS.c.environment == environment,
        DELEGATIONS.c.delegate == delegate,
        DELEGATIONS.c.represented == represented,
    )
    found = [_delegation(row) for row in connection.execute(query.order_by(DELEGATIONS.c.delegation_id.desc()))]
    standing = [one for one in found if one.stands(at)]
    if not standing:
        raise ForbiddenError(
            "that party did not let this one share for it", todo="its signatory signs a delegation first"
        )
    return standing


def _concerns(one: Delegation) -> tuple[str, ...]:
    return tuple(sorted({one.represented, one.delegate}))


def _delegation(row: Row[*tuple[Any, ...]]) -> Delegation:
    try:
        return msgspec.convert(
            {
                str(name): value
                for name, value in row._mapping.items()  # noqa: SLF001  SQLAlchemy's public name
                if name not in {"delegation_id", "environment", "types"}
            }
            | {"types": None if row.types is None else row.types.split()},
            Delegation,
        )
    except (InputError, msgspec.ValidationError) as error:
        raise StoreBrokenError(f"it is none: {error}", where=f"delegation {row.uuid}") from error
