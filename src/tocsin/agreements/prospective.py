"""What would be so if a version came into force now: the facts before and after, and what is assumed of who signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements import store
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import AgreementDocument, document_digest
from tocsin.agreements.facts import Activated, Facts, eligible
from tocsin.agreements.life import HEEDED, AgreementStatus
from tocsin.agreements.membership import Standing, carried_over, going_on, heeded
from tocsin.errors import ConflictError, InputError, TransitionError
from tocsin.kernel.clock import Micros
from tocsin.parties import store as parties
from tocsin.parties.model import Party, PartyStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from tocsin.agreements.store import AgreementRow

__all__ = ["Prospective", "prospective"]


class Prospective(msgspec.Struct, frozen=True, kw_only=True):
    """A version as if it came into force at ``at``: now, or when its term begins.

    ``lacking`` are named parties that are not among those who sign; it could not be activated without them.
    """

    document: AgreementDocument
    at: Micros
    before: Facts
    after: Facts
    supersedes: int | None
    amends: int | None
    proposed: bool  # it lies before its parties already
    signed: frozenset[str]  # URIs of those who signed, or are taken to sign
    carried: frozenset[str]  # URIs of those whom an amendment would carry without that
    objected: frozenset[str]  # URIs of those who objected to an amendment, and are not taken to sign it all the same
    lacking: frozenset[str]

    @property
    def coming(self) -> Activated:
        """Return the version as it would stand."""
        return next(one for one in self.after.agreements if one.id == self.document.id)


def prospective(
    connection: Connection,
    environment: int,
    document: AgreementDocument,
    names: Mapping[str, str],
    *,
    now: Micros,
    signed_by: Collection[str] | None = None,
    amends: bool = False,
) -> Prospective:
    """Return what a version would change.

    Whoever signed it already has, and whoever objected to it is not carried. Besides, ``signed_by`` (URIs) sign, which
    takes an objection back; None: every party that it names, and of those who are bound by the version in force whoever
    may be a member of this one, but who objected; where there is none in force, every vetted party that may be a
    member.

    Raises:
        ConflictError: another text was proposed as this version.
        TransitionError: it is in force, or a higher version is; or it amends nothing that can be amended.
        InputError: its term is over, or somebody would sign who may not be a member.
    """
    everyone = {row.party.uri: row.party for row in parties.party_rows(connection, environment)}
    rows = store.agreement_rows(connection, environment)
    own = [row for row in rows if row.name == document.name]
    old = next((row for row in own if row.status in HEEDED), None)
    known = next((row for row in own if row.version == document.version), None)
    _require_coming(document, old, known)
    at = max(now, document.starts)
    if document.ends is not None and document.ends <= at:
        raise InputError("its term has ended already", where=document.id, todo="write a later day as its end")
    new = _coming(document, names, old, known, amends=amends, at=at)
    signed = new.activated.signed | _signers(new, old, everyone, signed_by, at)
    new = msgspec.structs.replace(new, activated=msgspec.structs.replace(new.activated, signed=signed))
    if new.activated.amends is not None and old is not None:
        carried, leaving = carried_over(new, old.standing, at)
        new = msgspec.structs.replace(
            new, activated=msgspec.structs.replace(new.activated, carried=carried, left=leaving)
        )
    graces = going_on(new.activated, None if old is None else old.activated, everyone, at)
    new = msgspec.structs.replace(
        new, activated=msgspec.structs.replace(new.activated, graces=(*new.activated.graces, *graces.values()))
    )
    now_standing = [row.standing for row in rows if row.activated_at is not None]
    then_standing = [*(_ended(one, document, at) for one in now_standing), new]
    before, after = (
        Facts(at=at, parties=everyone, agreements=in_force, former=former)
        for in_force, former in map(heeded, (now_standing, then_standing))
    )
    return Prospective(
        document=document,
        at=at,
        before=before,
        after=after,
        supersedes=None if old is None else old.version,
        amends=new.activated.amends,
        proposed=known is not None,
        signed=signed,
        carried=new.activated.carried,
        objected=new.objected,
        lacking=frozenset() if new.activated.amends is not None else new.activated.named - signed,
    )


def _require_coming(document: AgreementDocument, old: AgreementRow | None, known: AgreementRow | None) -> None:
    if old is not None and old.version >= document.version:
        raise TransitionError(
            f"{document.name} version {old.version} is {old.status}: version {document.version} cannot come after it",
            todo=f"write version {old.version + 1}",
        )
    if known is not None and document_digest(known.document) != document_digest(document):
        raise ConflictError(
            f"version {document.version} of {document.name} was proposed already, and says something else",
            where=document.id,
            todo="write a higher version",
        )
    if known is not None and known.status not in (AgreementStatus.PROPOSED, AgreementStatus.SIGNED):
        raise TransitionError(f"{document.id} is {known.status}", todo="write a higher version")


def _coming(
    document: AgreementDocument,
    names: Mapping[str, str],
    old: AgreementRow | None,
    known: AgreementRow | None,
    *,
    amends: bool,
    at: Micros,
) -> Standing:
    """Return the version as it would be activated, with those who signed it already."""
    if known is not None:
        standing = known.standing
        activated = msgspec.structs.replace(standing.activated, status=AgreementStatus.IN_FORCE)
        return msgspec.structs.replace(standing, activated=activated, activated_at=at)
    if amends and (old is None or old.status is not AgreementStatus.IN_FORCE or old.document.amend_by is None):
        raise TransitionError(
            f"no version of {document.name} is in force that a majority could amend", todo="leave out --amends"
        )
    activated = Activated(
        document=document,
        names=dict(names),
        signed=frozenset(),
        policies=compile_agreement(document, names, amendment=amends),
        amends=old.version if amends and old is not None else None,
    )
    return Standing(activated=activated, proposed_at=at, activated_at=at)


def _signers(
    new: Standing,
    old: AgreementRow | None,
    everyone: Mapping[str, Party],
    signed_by: Collection[str] | None,
    at: Micros,
) -> frozenset[str]:
    one = new.activated
    may = frozenset(
        uri for uri, party in everyone.items() if party.status is PartyStatus.VETTED and eligible(one, party, at)
    )
    if signed_by is not None:
        if strangers := sorted(set(signed_by) - may - one.named):
            raise InputError(
                "it may not be a member of this version, or is not vetted",
                where=everyone[strangers[0]].name,
                todo="name parties that may sign",
            )
        return frozenset(signed_by)
    if old is None:
        return may | one.named
    bound = frozenset(uri for uri in old.activated.joined if old.activated.binds(uri, at))
    return ((bound & may) | one.named) - new.objected


def _ended(one: Standing, document: AgreementDocument, at: Micros) -> Standing:
    """Return a version as it stands when a higher one of its name has come into force."""
    if one.activated.document.name != document.name or one.status not in HEEDED:
        return one
    ended = msgspec.structs.replace(one.activated, status=AgreementStatus.SUPERSEDED)
    return msgspec.structs.replace(one, activated=ended, ended_at=at)
