"""Agreements: what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns. ``acts`` does the same
on the caller's connection, for what belongs together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements import store
from tocsin.agreements.acts import Acts, named_parties, require_version, signature_completes
from tocsin.agreements.cedar import Policy
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import (
    AgreementDocument,
    Note,
    Parsed,
    document_digest,
    names_of,
    parse_agreement,
    verify_signature,
)
from tocsin.agreements.facts import Activated, Facts, eligible
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.wire import policies_text
from tocsin.errors import ForbiddenError, InputError, NotFoundError, StoreBrokenError
from tocsin.kernel.clock import Micros
from tocsin.parties import store as parties
from tocsin.parties.model import Party, PartyStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from tocsin.agreements.store import AgreementRow
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Agreements", "Checked", "Signed", "Version"]


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature on a version; key and signature are base64."""

    party: str  # short name
    signatory: str
    key: str
    signature: str
    signed_at: Micros


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an agreement, for people to read."""

    name: str
    version: int
    title: str
    status: AgreementStatus
    in_term: bool  # the present lies within the document's own dates
    starts: Micros
    ends: Micros | None
    digest: bytes
    proposed_at: Micros
    activated_at: Micros | None
    ended_at: Micros | None
    signatures: tuple[Signed, ...]
    missing: tuple[str, ...]  # named parties that have not signed
    members: tuple[str, ...]  # now, by short name
    eligible: tuple[str, ...]  # vetted parties that could sign, and did not
    document: AgreementDocument
    source: bytes
    policies: tuple[Policy, ...]
    notes: tuple[Note, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A document that could be proposed: what it would become, and for whom."""

    parsed: Parsed
    policies: tuple[Policy, ...]
    named: tuple[str, ...]
    by_criteria: tuple[str, ...]  # vetted parties that meet its criteria now


class Agreements:
    """The agreements of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._environment = log.environment

    # --- the epoch ---------------------------------------------------------------------------------------------------

    def found(self, connection: Connection, at: Micros) -> None:
        """Begin to count the changes that verdicts can depend on."""
        store.start_epochs(connection, self._environment, at)

    def policy_changed(self, connection: Connection, at: Micros) -> None:
        """Count a change of a party or user, in the transaction of that change."""
        store.raise_epoch(connection, self._environment, at)

    # --- acts --------------------------------------------------------------------------------------------------------

    def acts(self, connection: Connection, acting: Acting) -> Acts:
        """Return the acts in the caller's transaction; their errors are described there."""
        return Acts(connection=connection, acting=acting, log=self._log)

    def propose(self, acting: Acting, mandate: Mandate, source: bytes, *, where: str) -> Parsed:
        """Lay a document before its parties."""
        with self._store.write() as connection:
            return self.acts(connection, acting).propose(mandate, source, where=where)

    def sign(self, acting: Acting, name: str, version: int, *, signatory: str, signature: str) -> AgreementStatus:
        """Enter a party's signature, made by its signatory; returns the version's status after it."""
        with self._store.write() as connection:
            return self.acts(connection, acting).sign(name, version, signatory=signatory, signature=signature)

    def activate(self, acting: Acting, mandate: Mandate, name: str, version: int) -> int | None:
        """Bring a version into force; returns the version that it supersedes."""
        with self._store.write() as connection:
            return self.acts(connection, acting).activate(mandate, name, version)

    # --- reading -----------------------------------------------------------------------------------------------------

    def check(self, source: bytes, *, where: str) -> Checked:
        """Read a document as it would be proposed; changes nothing.

        Raises:
            AgreementError: it breaks rules, or names a party that is not here.
            LimitError: it is larger, deeper or more than we take.
        """
        with self._store.read() as connection:
            everyone = self._everyone(connection)
            at = self._log.now(connection)
        by_name = {party.name: party for party in everyone}
        parsed = parse_agreement(source, where=where, known_parties=by_name)
        document = parsed.document
        names = {name: by_name[name].uri for name in names_of(document)}
        policies = compile_agreement(document, names)
        would_be = Activated(document=document, names=names, signed=frozenset(), policies=policies)
        named = named_parties(document)
        admitted = [
            party.name
            for party in everyone
            if party.name not in named and party.status is PartyStatus.VETTED and eligible(would_be, party, at)
        ]
        return Checked(parsed=parsed, policies=policies, named=named, by_criteria=tuple(sorted(admitted)))

    def all_versions(self) -> list[Version]:
        """Return every version, by name and version."""
        with self._store.read() as connection:
            return self._views(connection, store.agreement_rows(connection, self._environment))

    def get(self, name: str, version: int | None = None) -> Version:
        """Return one version; without a number the one in force, else the highest.

        Raises:
            NotFoundError: there is none.
        """
        with self._store.read() as connection:
            if version is not None:
                row = require_version(connection, self._environment, name, version)
            else:
                rows = store.agreement_rows(connection, self._environment, name)
                if not rows:
                    raise NotFoundError(
                        f"there is no agreement {name[:80]!r}", todo="`tocsin agreement list` shows what there is"
                    )
                row = next((row for row in rows if row.status is AgreementStatus.IN_FORCE), rows[-1])
            return self._views(connection, [row])[0]

    def facts(self, connection: Connection, at: Micros) -> Facts:
        """Return what the snapshot says of all parties and agreements, as of an instant."""
        return Facts(
            at=at,
            parties={party.uri: party for party in self._everyone(connection)},
            agreements=store.read_in_force(connection, self._environment),
        )

    def verify(self) -> int:
        """Derive every invariant of the stored agreements anew; returns how many versions there are.

        Raises:
            StoreBrokenError: a document, policy, status or signature is not what it must be; says which.
        """
        with self._store.read() as connection:
            rows = store.agreement_rows(connection, self._environment)
        for row in rows:
            _verify(row)
        names = [row.name for row in rows if row.status is AgreementStatus.IN_FORCE]
        for name in names:
            if names.count(name) > 1:
                raise StoreBrokenError("two of its versions are in force", where=f"agreement {name}")
        return len(rows)

    def _everyone(self, connection: Connection) -> list[Party]:
        return [row.party for row in parties.party_rows(connection, self._environment)]

    def _views(self, connection: Connection, rows: Iterable[AgreementRow]) -> list[Version]:
        everyone = self._everyone(connection)
        return [_view(row, everyone, self._log.now(connection)) for row in rows]


def _view(row: AgreementRow, everyone: list[Party], at: Micros) -> Version:
    called = {party.uri: party.name for party in everyone}
    activated = row.activated
    in_force = row.status is AgreementStatus.IN_FORCE
    facts = Facts(at=at, parties={party.uri: party for party in everyone}, agreements=(activated,) if in_force else ())
    could_sign = [
        party.name
        for party in everyone
        if party.status is PartyStatus.VETTED and party.uri not in row.signed and eligible(activated, party, at)
    ]
    return Version(
        name=row.document.name,
        version=row.document.version,
        title=row.document.title,
        status=row.status,
        in_term=row.document.in_term(at),
        starts=row.document.starts,
        ends=row.document.ends,
        digest=document_digest(row.document),
        proposed_at=row.proposed_at,
        activated_at=row.activated_at,
        ended_at=row.ended_at,
        signatures=tuple(
            Signed(
                party=called.get(signature.party, signature.party),
                signatory=signature.signatory,
                key=signature.key,
                signature=signature.signature,
                signed_at=signature.signed_at,
            )
            for signature in row.signatures
        ),
        missing=tuple(name for name in named_parties(row.document) if row.names[name] not in row.signed),
        members=tuple(sorted(called[uri] for uri in facts.members.get(row.document.id, ()))),
        eligible=tuple(sorted(could_sign)) if row.status is not AgreementStatus.SUPERSEDED else (),
        document=row.document,
        source=row.text,
        policies=activated.policies,
        notes=parse_agreement(row.text, where=row.document.id).notes,
    )


def _verify(row: AgreementRow) -> None:
    where = f"agreement {row.name} version {row.version}"
    if document_digest(row.document) != row.digest:
        raise StoreBrokenError("its document is not the one that was proposed", where=where)
    if policies_text(compile_agreement(row.document, row.names)) != row.policies:
        raise StoreBrokenError("its policies are not those that its document compiles to", where=where)
    complete = signature_completes(row.document, row.names, row.signed)
    # a draft may be superseded with signatures missing
    draft = row.status is AgreementStatus.SUPERSEDED and row.activated_at is None
    if complete is (row.status is AgreementStatus.PROPOSED) and not draft:
        raise StoreBrokenError(f"it is {row.status}, which its signatures contradict", where=where)
    for signature in row.signatures:
        try:
            verify_signature(row.document, public_key=signature.key, signature=signature.signature)
        except (ForbiddenError, InputError) as error:
            raise StoreBrokenError(f"the signature of {signature.party} does not verify", where=where) from error
