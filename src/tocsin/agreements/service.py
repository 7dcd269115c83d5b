"""Agreements: what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns. ``acts`` does the same
on the caller's connection, for what belongs together.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.agreements import store
from tocsin.agreements.acts import (
    Acts,
    may_sign,
    missing_signatures,
    named_parties,
    require_version,
    signature_completes,
)
from tocsin.agreements.annexes.acts import AnnexActs
from tocsin.agreements.annexes.store import read_calls, read_shifts
from tocsin.agreements.annexes.views import AnnexView, OnDuty, views, words
from tocsin.agreements.cedar import Policy
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import (
    AgreementDocument,
    Note,
    Parsed,
    Said,
    act_bytes,
    document_digest,
    names_of,
    parse_agreement,
    verify_bytes,
    verify_signature,
)
from tocsin.agreements.document import Signed as Signatures
from tocsin.agreements.facts import Activated, Facts, eligible
from tocsin.agreements.lapses import Lapse, lapses
from tocsin.agreements.life import HEEDED, AgreementStatus, shown_status
from tocsin.agreements.life_acts import LifeActs, kinds_of_members
from tocsin.agreements.membership import StandingAct, Tally, tally
from tocsin.agreements.wire import policies_text
from tocsin.errors import ForbiddenError, InputError, NotFoundError, StoreBrokenError
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.spans import stretch
from tocsin.log.model import decode_payload
from tocsin.parties import store as parties
from tocsin.parties.model import Party, PartyStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from tocsin.agreements.store import AgreementRow
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Agreements", "Checked", "Graced", "Noted", "Signed", "Version"]


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature on a version; key and signature are base64."""

    party: str  # short name
    signatory: str
    key: str
    signature: str
    signed_at: Micros
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A party that gave notice, or was carried or admitted, or objected; the instants that belong to it."""

    party: str  # short name
    act: StandingAct
    at: Micros
    until: Micros | None
    reason: str
    taken_back: bool = False  # an objection of who has signed since


class Graced(msgspec.Struct, frozen=True, kw_only=True):
    """A grace for a legal basis, for people to read."""

    basis: str
    parties: tuple[str, ...]  # short names
    at: Micros
    until: Micros
    reason: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an agreement, for people to read."""

    name: str
    version: int
    title: str
    status: AgreementStatus
    shown: str  # the status, or that the term is over
    reason: str | None  # of the last suspension, resumption or end
    amends: int | None
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
    lacks: tuple[str, ...]  # in words: the signatures that are missing before it can be activated
    document: AgreementDocument
    source: bytes
    policies: tuple[Policy, ...]
    notes: tuple[Note, ...]
    standings: tuple[Noted, ...]
    graces: tuple[Graced, ...]

    def concerns(self, party: str) -> bool:
        """Return whether a party (by its short name) is named in it, has signed it or is a member of it."""
        return party in {*self.members, *self.missing, *(one.party for one in self.signatures)}


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

    def life(self, connection: Connection, acting: Acting) -> LifeActs:
        """Return what can be done to a version later, in the caller's transaction."""
        return LifeActs(connection=connection, acting=acting, log=self._log)

    @contextlib.contextmanager
    def emergency(self, acting: Acting) -> Iterator[AnnexActs]:
        """Open a transaction for acts on annexes: it is durable and logged when the block ends without an error."""
        with self._store.write() as connection:
            yield AnnexActs(connection=connection, acting=acting, log=self._log)

    @contextlib.contextmanager
    def living(self, acting: Acting) -> Iterator[LifeActs]:
        """Open a transaction for such acts: it is durable and logged when the block ends without an error."""
        with self._store.write() as connection:
            yield self.life(connection, acting)

    def propose(self, acting: Acting, mandate: Mandate, source: bytes, *, where: str, amends: bool = False) -> Parsed:
        """Lay a document before its parties."""
        with self._store.write() as connection:
            return self.acts(connection, acting).propose(mandate, source, where=where, amends=amends)

    def sign(
        self,
        acting: Acting,
        name: str,
        version: int,
        *,
        signatory: str,
        signature: str,
        ml_dsa_signature: str | None = None,
    ) -> AgreementStatus:
        """Enter a party's signature, made by its signatory; returns the version's status after it."""
        with self._store.write() as connection:
            return self.acts(connection, acting).sign(
                name, version, signatory=signatory, signature=signature, ml_dsa_signature=ml_dsa_signature
            )

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
        parsed = parse_agreement(source, where=where, known_parties=by_name, new=True)
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

    def versions_of(self, party: str, span: Span) -> Stretch[Version]:
        """Return a span of the versions that concern a party (by its short name), in the order of being proposed."""
        with self._store.read() as connection:
            rows = sorted(store.agreement_rows(connection, self._environment), key=lambda row: row.agreement_id)
            views = self._views(connection, rows)
        numbered = zip((row.agreement_id for row in rows), views, strict=True)
        return stretch(((number, one) for number, one in numbered if one.concerns(party)), span)

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
                row = next((row for row in rows if row.status in HEEDED), rows[-1])
            return self._views(connection, [row])[0]

    def facts(self, connection: Connection, at: Micros) -> Facts:
        """Return what the snapshot says of all parties and agreements, as of an instant."""
        agreements, former = store.read_heeded(connection, self._environment)
        return Facts(
            at=at,
            parties={party.uri: party for party in self._everyone(connection)},
            agreements=agreements,
            former=former,
        )

    def tally(self, name: str, version: int) -> Tally:
        """Return how an amendment stands.

        Raises:
            NotFoundError: there is no such version.
            TransitionError: it amends nothing that is in force.
        """
        with self._store.read() as connection:
            row = require_version(connection, self._environment, name, version)
            at = self._log.now(connection)
            everyone = {party.uri: party for party in self._everyone(connection)}
            rows = store.agreement_rows(connection, self._environment, name)
            old = next((each for each in rows if each.status in HEEDED), None)
            kinds = {} if old is None else kinds_of_members(old, everyone, at)
            return tally(row.standing, None if old is None else old.standing, kinds, at)

    def lapses(self, *, after: Micros, until: Micros) -> list[Lapse]:
        """Return the lapses of legal bases after one instant and no later than another, the first first."""
        with self._store.read() as connection:
            return list(lapses(self.facts(connection, self._log.now(connection)), after=after, until=until))

    def annexes(self) -> list[AnnexView]:
        """Return the annexes of the versions in force, and of other versions those that last or have a review open."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            rows = store.agreement_rows(connection, self._environment)
            calls = read_calls(connection, self._environment)
            begun = words(self._told(connection, "annex.activated", "annex.called"))
            ratified = words(self._told(connection, "annex.ratified"))
        found: list[AnnexView] = []
        for row in rows:
            in_force = row.status is AgreementStatus.IN_FORCE and row.document.in_term(at)
            heard = [one.call for one in calls if one.agreement == row.name and one.version == row.version]
            found += views([(row.activated, in_force)], heard, at, begun=begun, ratified=ratified)
        return found

    def _told(self, connection: Connection, *kinds: str) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
        """Yield who acted (for whom it was done, if for another), mandate and data; what was purged tells nothing."""
        for one in self._log.rows(connection, kinds=kinds):
            if one.payload is not None:
                told = decode_payload(one.payload)
                yield told.on_behalf_of or told.actor, told.mandate, told.data

    def on_duty(self) -> list[OnDuty]:
        """Return the last shift of everybody who ever had one."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            everyone = {party.uri: party for party in self._everyone(connection)}
            shifts = read_shifts(connection, self._environment)
        return [
            OnDuty(
                user=f"{one.user}@{everyone[one.party].name}",
                kind=str(everyone[one.party].kind),
                starts=one.starts,
                until=one.until,
                now=one.runs(at),
            )
            for one in shifts
        ]

    def attachments(self, name: str, version: int) -> list[store.Attachment]:
        """Return the files beside a version, oldest first.

        Raises:
            NotFoundError: there is no such version.
        """
        with self._store.read() as connection:
            row = require_version(connection, self._environment, name, version)
            return store.attachments(connection, row.agreement_id)

    def verify(self) -> int:
        """Derive every invariant of the stored agreements anew; returns how many versions there are.

        Raises:
            StoreBrokenError: a document, policy, status or signature is not what it must be; says which.
        """
        with self._store.read() as connection:
            rows = store.agreement_rows(connection, self._environment)
        for row in rows:
            _verify(row)
        names = [row.name for row in rows if row.status in HEEDED]
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
    heeded = row.status in HEEDED
    facts = Facts(at=at, parties={party.uri: party for party in everyone}, agreements=(activated,) if heeded else ())
    could_sign = may_sign(row, everyone, at)
    return Version(
        name=row.document.name,
        version=row.document.version,
        title=row.document.title,
        status=row.status,
        shown=shown_status(row.status, row.document, at),
        reason=row.reason,
        amends=row.amends,
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
                ml_dsa_key=signature.ml_dsa_key,
                ml_dsa_signature=signature.ml_dsa_signature,
            )
            for signature in row.signatures
        ),
        missing=tuple(name for name in named_parties(row.document) if row.names[name] not in row.signed),
        members=tuple(sorted(called[uri] for uri in facts.members.get(row.document.id, ()))),
        eligible=could_sign,
        lacks=missing_signatures(row, could_sign),
        document=row.document,
        source=row.text,
        policies=activated.policies,
        notes=parse_agreement(row.text, where=row.document.id).notes,
        standings=tuple(
            Noted(
                party=called.get(one.party, one.party),
                act=one.act,
                at=one.at,
                until=one.until,
                reason=one.reason,
                taken_back=one.act is StandingAct.OBJECT and one.party in row.signed,
            )
            for one in row.standings
        ),
        graces=tuple(
            Graced(
                basis=one.grace.basis,
                parties=tuple(sorted(called.get(uri, uri) for uri in one.grace.parties)),
                at=one.at,
                until=one.grace.until,
                reason=one.reason,
            )
            for one in row.graces
        ),
    )


def _verify(row: AgreementRow) -> None:
    where = f"agreement {row.name} version {row.version}"
    if document_digest(row.document) != row.digest:
        raise StoreBrokenError("its document is not the one that was proposed", where=where)
    amendment = row.amends is not None
    compiled = (
        policies_text(compile_agreement(row.document, row.names, amendment=amendment, annexes=annexes))
        for annexes in (True, False)
    )
    if row.policies not in compiled:
        raise StoreBrokenError("its policies are not those that its document compiles to", where=where)
    complete = signature_completes(row.document, row.names, row.signed)
    # a draft may have ended with signatures missing, and an amendment comes into force with those of a majority
    draft = row.status in (AgreementStatus.SUPERSEDED, AgreementStatus.DROPPED) and row.activated_at is None
    adopted = amendment and row.activated_at is not None
    if complete is (row.status is AgreementStatus.PROPOSED) and not draft and not adopted:
        raise StoreBrokenError(f"it is {row.status}, which its signatures contradict", where=where)
    for signature in row.signatures:
        try:
            verify_signature(
                row.document, made=signature.made, public_key=signature.key, ml_dsa_key=signature.ml_dsa_key
            )
        except (ForbiddenError, InputError) as error:
            raise StoreBrokenError(f"the signature of {signature.party} does not verify", where=where) from error
    for word in row.standings:
        _verify_word(row, word, where)


def _verify_word(row: AgreementRow, word: store.StandingRow, where: str) -> None:
    if word.key is None or word.signature is None:
        if word.act is StandingAct.OBJECT:
            raise StoreBrokenError(f"the objection of {word.party} is not signed", where=where)
        return
    said = Said.OBJECT if word.act is StandingAct.OBJECT else Said.WITHDRAW
    try:
        verify_bytes(
            act_bytes(row.document, said, party=word.party, reason=word.reason),
            Signatures(signature=word.signature, ml_dsa_signature=word.ml_dsa_signature),
            public_key=word.key,
            ml_dsa_key=word.ml_dsa_key,
            what=str(said),
        )
    except (ForbiddenError, InputError) as error:
        raise StoreBrokenError(f"the word of {word.party} to {said} does not verify", where=where) from error
