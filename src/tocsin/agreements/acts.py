"""What can be done to agreements, on the caller's connection: each act checks, writes, logs and counts the change.

A version is proposed under a mandate, signed by each party's own signatory, and activated under a mandate. The hub
never sees a private key: it verifies a signature against the key that is registered for the signatory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.agreements import store
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import Parsed, Signed, document_digest, names_of, parse_agreement, verify_signature
from tocsin.agreements.life import AGREEMENT_TRANSITIONS, HEEDED, AgreementAct, AgreementStatus, next_status
from tocsin.agreements.membership import going_on, require_accession
from tocsin.agreements.wire import activation_data, going_data, policies_text, proposal_data, signing_data
from tocsin.errors import ConflictError, ForbiddenError, InputError, NotFoundError, TransitionError
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus, Role, User, UserStatus
from tocsin.parties.register import require_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from tocsin.agreements.document import AgreementDocument
    from tocsin.agreements.store import AgreementRow
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.parties.model import Party

__all__ = [
    "MIN_SIGNATURES",
    "Acts",
    "Entering",
    "concerned_by",
    "may_sign",
    "missing_signatures",
    "named_parties",
    "require_version",
    "signature_completes",
    "signing_key",
]

# An agreement with oneself shares nothing.
MIN_SIGNATURES: Final = 2


class Entering:
    """What one actor does in one transaction: each act is entered into the log and counted."""

    def __init__(self, *, connection: Connection, acting: Acting, log: Log) -> None:
        self._connection = connection
        self._environment = log.environment
        self._acting = acting
        self._log = log

    def _record(
        self,
        kind: str,
        at: Micros,
        concerns: frozenset[str],
        data: dict[str, object],
        *,
        mandate: Mandate | None = None,
    ) -> None:
        record = Record(
            kind=kind, at=at, acting=self._acting, mandate=mandate, data=data, concerns=tuple(sorted(concerns))
        )
        self._log.append(self._connection, [record])
        store.raise_epoch(self._connection, self._environment, at)

    def _supersede_below(self, name: str, version: int, at: Micros) -> int | None:
        """Supersede every version that is lower, and return the one that was heeded.

        Raises:
            TransitionError: a higher one is.
        """
        superseded: int | None = None
        for other in store.agreement_rows(self._connection, self._environment, name):
            if other.version > version and other.status in HEEDED:
                raise TransitionError(f"{name} version {other.version} is {other.status}, which is higher")
            if other.version < version and other.status not in (AgreementStatus.SUPERSEDED, AgreementStatus.DROPPED):
                ended = next_status(other.status, AgreementAct.SUPERSEDE)
                store.set_status(self._connection, other.agreement_id, ended, at)
                superseded = other.version if other.status in HEEDED else superseded
        return superseded

    def _bring_graces(self, row: AgreementRow, old: AgreementRow | None, at: Micros) -> dict[str, object]:
        """Enter the graces that a version brings along from the one that it supersedes; returns what the log says."""
        if old is None or not old.graces:
            return {}
        everyone = {one.party.uri: one.party for one in parties.party_rows(self._connection, self._environment)}
        reasons = {one.grace.number: one.reason for one in old.graces}
        found = going_on(row.activated, old.activated, everyone, at)
        told = [(grace, reasons[number]) for number, grace in found.items()]
        for grace, reason in told:
            made = store.GraceRow(grace=grace, at=at, reason=reason)
            store.add_grace(self._connection, self._environment, row.agreement_id, made)
        return going_data(told)

    def _version_in_force(self, name: str) -> AgreementRow | None:
        """Return the version that is in force, suspended or terminated."""
        rows = store.agreement_rows(self._connection, self._environment, name)
        return next((row for row in rows if row.status in HEEDED), None)


class Acts(Entering):
    """From a document to a version in force."""

    def propose(self, mandate: Mandate, source: bytes, *, where: str, amends: bool = False) -> Parsed:
        """Lay a version before its parties: from now on it can be signed, and never changed.

        Args:
            mandate: the right to propose.
            source: the document.
            where: what to call it in faults.
            amends: it is to amend the version in force for all of its members, as that version allows.

        Raises:
            ForbiddenError: the mandate is not for this.
            AgreementError: the document breaks rules, or names a party that is not here.
            LimitError: it is larger, deeper or more than we take.
            ConflictError: the version exists, or is lower than the one in force.
            TransitionError: nothing is in force that it could amend, or that cannot be amended by a majority.
        """
        by_name = {row.party.name: row.party for row in parties.party_rows(self._connection, self._environment)}
        parsed = parse_agreement(source, where=where, known_parties=by_name, new=True)
        document = parsed.document
        mandate.require(self._log.environment_name, Right.AGREEMENT_PROPOSE, document.id)
        for known in store.agreement_rows(self._connection, self._environment, document.name):
            _require_free(known, document, where)
        amended = self._amended(document.name) if amends else None
        names = {name: by_name[name].uri for name in sorted(names_of(document))}
        policies = compile_agreement(document, names, amendment=amended is not None)
        at = self._log.now(self._connection)
        if document.ends is not None and document.ends <= at:
            raise InputError("its term has ended already", where=where, todo="write a later day under in_force: until")
        store.add_agreement(
            self._connection,
            self._environment,
            document,
            text=source,
            digest=document_digest(document),
            names=names,
            policies=policies_text(policies),
            at=at,
            amends=None if amended is None else amended.version,
        )
        concerned = frozenset(names[name] for name in named_parties(document))
        data = proposal_data(source, document, names, policies, amends=None if amended is None else amended.version)
        if amended is not None:
            concerned |= concerned_by(amended)
        self._record("agreement.proposed", at, concerned, data, mandate=mandate)
        return parsed

    def _amended(self, name: str) -> AgreementRow:
        row = self._version_in_force(name)
        if row is None or row.status is not AgreementStatus.IN_FORCE:
            raise TransitionError(f"no version of {name} is in force that could be amended", todo="propose it plainly")
        if row.document.amend_by is None:
            raise TransitionError(
                f"{row.document.id} says nothing of amendment by a majority (amend_by)",
                todo="propose it plainly: who signs it is bound by it",
            )
        return row

    def sign(
        self, name: str, version: int, *, signatory: str, signature: str, ml_dsa_signature: str | None = None
    ) -> AgreementStatus:
        """Enter a party's signature; with the last one that was missing, the version can be activated.

        Args:
            name: of the agreement.
            version: of the agreement.
            signatory: ``user@party``.
            signature: base64 of Ed25519 over the signing bytes, by the key registered for that user.
            ml_dsa_signature: likewise of ML-DSA-44, if such a key is registered for that user.

        Raises:
            NotFoundError: there is no such version, or no such user.
            ForbiddenError: the user may not sign for the party, the party may not join, or a signature is not theirs.
            InputError: a signature is no base64 of the right length.
            ConflictError: the party has signed it.
            TransitionError: the version is superseded, or its term has ended.
        """
        row = require_version(self._connection, self._environment, name, version)
        found, person = require_user(self._connection, self._environment, signatory)
        party, user = found.party, person.user
        at = self._log.now(self._connection)
        key = signing_key(party, user, name, at)
        next_status(row.status, AgreementAct.SIGN)
        _require_term(row.document, at)
        require_accession(row.standing, party, at)
        made = Signed(signature=signature, ml_dsa_signature=ml_dsa_signature)
        verify_signature(row.document, made=made, public_key=key, ml_dsa_key=user.ml_dsa_key)
        if party.uri in row.signed:
            raise ConflictError(
                f"{party.name} has signed {name} version {version} already",
                todo=f"nothing: tocsin agreement show {name}/{version} says who is still to sign",
            )
        entered = store.SignatureRow(
            party=party.uri,
            signatory=user.name,
            key=key,
            signature=signature,
            signed_at=at,
            ml_dsa_key=user.ml_dsa_key,
            ml_dsa_signature=ml_dsa_signature,
        )
        store.add_signature(self._connection, self._environment, row.agreement_id, entered)
        signed = row.signed | {party.uri}
        status = row.status
        if status is AgreementStatus.PROPOSED and signature_completes(row.document, row.names, signed):
            status = next_status(status, AgreementAct.COMPLETE)
            store.set_status(self._connection, row.agreement_id, status, at)
        data = signing_data(
            row.document, party=party.uri, signatory=user.name, key=key, ml_dsa_key=user.ml_dsa_key, made=made
        )
        self._record("agreement.signed", at, concerned_by(row) | {party.uri}, data)
        return status

    def activate(self, mandate: Mandate, name: str, version: int) -> int | None:
        """Bring a version into force that all its named parties signed.

        Every lower version is superseded; that which was in force is returned.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such version.
            TransitionError: signatures are missing, it is in force already, its term has ended, or a higher version is
                in force.
        """
        mandate.require(self._log.environment_name, Right.AGREEMENT_ACTIVATE, f"{name}/{version}")
        row = require_version(self._connection, self._environment, name, version)
        at = self._log.now(self._connection)
        if row.status is AgreementStatus.PROPOSED:
            everyone = [one.party for one in parties.party_rows(self._connection, self._environment)]
            able = may_sign(row, everyone, at)
            raise TransitionError(
                f"signatures are missing on {name} version {version}: {'; '.join(missing_signatures(row, able))}",
                todo=f"tocsin agreement sign {row.document.id} --as PARTY" if able else "vet a party that it admits",
            )
        status = next_status(row.status, AgreementAct.ACTIVATE)
        _require_term(row.document, at)
        if row.amends is not None:
            raise TransitionError(
                f"{row.document.id} amends version {row.amends}: it comes into force by being adopted",
                todo=f"tocsin agreement adopt {row.document.id}",
            )
        graces = self._bring_graces(row, self._version_in_force(name), at)
        superseded = self._supersede_below(name, version, at)
        store.set_status(self._connection, row.agreement_id, status, at)
        self._record(
            "agreement.activated",
            at,
            concerned_by(row),
            activation_data(row.document, supersedes=superseded) | graces,
            mandate=mandate,
        )
        return superseded


def require_version(connection: Connection, environment: int, name: str, version: int) -> AgreementRow:
    """Return one version of an agreement.

    Raises:
        NotFoundError: there is none.
    """
    rows = store.agreement_rows(connection, environment, name)
    row = next((row for row in rows if row.version == version), None)
    if row is None:
        raise NotFoundError(
            f"there is no version {version} of an agreement {name[:80]!r}",
            todo="`tocsin agreement list` shows what there is",
        )
    return row


def named_parties(document: AgreementDocument) -> tuple[str, ...]:
    """Return the short names under ``parties:``: those without whose signature a version cannot be activated."""
    return tuple(entry.name for entry in document.parties if entry.name is not None)


def signature_completes(document: AgreementDocument, names: Mapping[str, str], signed: frozenset[str]) -> bool:
    """Return whether these signatures suffice to activate."""
    return len(signed) >= MIN_SIGNATURES and all(names[name] in signed for name in named_parties(document))


def may_sign(row: AgreementRow, everyone: Iterable[Party], at: Micros) -> tuple[str, ...]:
    """Return the short names of the vetted parties that could sign a version now, and did not."""
    if (row.status, AgreementAct.SIGN) not in AGREEMENT_TRANSITIONS:
        return ()
    vetted = (one for one in everyone if one.status is PartyStatus.VETTED and one.uri not in row.signed)
    return tuple(sorted(party.name for party in vetted if _joins(row, party, at)))


def _joins(row: AgreementRow, party: Party, at: Micros) -> bool:
    try:
        require_accession(row.standing, party, at)
    except ForbiddenError:
        return False
    return True


def missing_signatures(row: AgreementRow, eligible: Iterable[str]) -> tuple[str, ...]:
    """Return in words which signatures a proposed version lacks before it can be activated; none: nothing is said.

    Args:
        row: the version.
        eligible: the short names of those who may sign it now (``may_sign``).
    """
    if row.status is not AgreementStatus.PROPOSED:
        return ()
    named = [name for name in named_parties(row.document) if row.names[name] not in row.signed]
    said = [f"still to sign: {', '.join(named)}"] if named else []
    if len(row.signed) + len(named) < MIN_SIGNATURES:
        others = [name for name in eligible if name not in named]
        whom = f"may sign: {', '.join(others)}" if others else "no other party here may sign it now"
        said.append(f"at least {MIN_SIGNATURES} parties sign; {len(row.signed)} did; {whom}")
    return tuple(said)


def concerned_by(row: AgreementRow) -> frozenset[str]:
    """Return the URIs of the parties that a version concerns: whom it names, who joined it, who may join it."""
    named = frozenset(row.names[name] for name in named_parties(row.document))
    return named | row.signed | frozenset(one.party for one in row.standings)


def _require_free(known: AgreementRow, document: AgreementDocument, where: str) -> None:
    version = known.version
    if version == document.version:
        same = document_digest(known.document) == document_digest(document)
        raise ConflictError(
            f"version {version} of {document.name} was proposed already{'' if same else ', and says something else'}",
            where=where,
            todo="sign it" if same and known.status is AgreementStatus.PROPOSED else "propose a higher version",
        )
    if known.status in HEEDED and version > document.version:
        raise ConflictError(
            f"version {version} of {document.name} is {known.status}, which is higher",
            where=where,
            todo=f"propose version {version + 1}",
        )


def _require_term(document: AgreementDocument, at: Micros) -> None:
    if document.ends is not None and document.ends <= at:
        raise TransitionError(
            f"the term of {document.name} version {document.version} has ended", todo="propose a higher version"
        )


def signing_key(party: Party, user: User, agreement: str, at: Micros, *, suspended_too: bool = False) -> str:
    """Return the Ed25519 key with which a user signs for a party.

    Raises:
        ForbiddenError: the party is not vetted, or the user is no active signatory with a key and authority for this.
    """
    reference = f"{user.name}@{party.name}"
    suspended = suspended_too and party.status is PartyStatus.SUSPENDED
    if party.status is not PartyStatus.VETTED and not suspended:
        raise ForbiddenError(f"{party.name} is {party.status}", where=reference, todo="clear the party first")
    if user.status is not UserStatus.ACTIVE or Role.SIGNATORY not in user.roles:
        raise ForbiddenError("only an active signatory signs for a party", where=reference)
    if user.signing_key is None:
        raise ForbiddenError("no public key is registered for this signatory", where=reference, todo="register one")
    if user.authority is not None and not user.authority.reaches(agreement, at):
        raise ForbiddenError(
            f"this signatory's authority does not reach {agreement}, or has ended",
            where=reference,
            todo=f"tocsin user authority {reference} --agreement {agreement}",
        )
    return user.signing_key
