"""An agreement as values: what its document says, with nothing left open."""

from __future__ import annotations

import enum

import msgspec

from tocsin.agreements.document.terms import (
    Accede,
    AmendBy,
    AnnexTerms,
    Instrument,
    OnLapse,
    Onward,
    ProtectTerms,
    PublishTerms,
    RetainTerms,
    Withdrawal,
)
from tocsin.agreements.model import Pap, Tlp
from tocsin.kernel.clock import Micros

__all__ = [
    "Accession",
    "AgreementDocument",
    "BasisEntry",
    "Clause",
    "LabelTerms",
    "LegalBasis",
    "PapTerm",
    "PartyEntry",
    "ReaderTerms",
    "TlpTerm",
    "Verb",
    "names_of",
]


class Verb(enum.StrEnum):
    """What a clause does. The gate knows the first two."""

    PERMIT = "permit"
    FORBID = "forbid"
    PUBLISH = "publish"
    RETAIN = "retain"
    PROTECT = "protect"
    REVEAL = "reveal"
    TOTAL = "total"


class ReaderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions on a reader, or on a party that would be a member: all that are given must hold.

    None: not a condition. Within one list, any value will do. ``parties`` empty means all of them.
    """

    parties: tuple[str, ...] | None = None  # short names
    capacity: tuple[str, ...] | None = None
    role: tuple[str, ...] | None = None
    sectors: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    clearance: str | None = None  # at least
    kind: tuple[str, ...] | None = None
    communities: tuple[str, ...] | None = None
    nationality: tuple[str, ...] | None = None
    data_region: tuple[str, ...] | None = None
    purpose: tuple[str, ...] | None = None
    addressed: bool = False
    persons: tuple[str, ...] | None = None  # user@party, by the party's short name


class TlpTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Which TLP values a clause covers, widest first, and whether its author wrote ``amber+strict`` out."""

    values: tuple[Tlp, ...]
    names_amber_strict: bool


class PapTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Which PAP values a clause covers, widest first. An object without PAP is covered by none."""

    values: tuple[Pap, ...]


class LabelTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions on what is read: all that are given must hold. None: not a condition."""

    tlp: TlpTerm | None = None
    pap: PapTerm | None = None
    type: tuple[str, ...] | None = None
    category: tuple[str, ...] | None = None  # carries at least one of these
    without: tuple[str, ...] | None = None  # carries none of these
    sectors: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    residency: tuple[str, ...] | None = None
    owner: tuple[str, ...] | None = None  # short names


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause. ``purposes`` None: those that the agreement authorises, ``enforce`` excepted.

    Of ``publish``, ``retain`` and ``protect`` the one of its verb is given; ``annex`` with ``emergency``, its name.
    ``at_least`` with ``total``: of fewer owners no figure is told.
    """

    id: str
    verb: Verb
    to: ReaderTerms = ReaderTerms()
    of: LabelTerms = LabelTerms()
    purposes: tuple[str, ...] | None = None
    rests_on: tuple[str, ...] = ()
    unless: ReaderTerms | None = None
    onward: Onward | None = None
    emergency: str | None = None
    publish: PublishTerms | None = None
    retain: RetainTerms | None = None
    protect: ProtectTerms | None = None
    annex: AnnexTerms | None = None
    at_least: int | None = None

    @property
    def decides(self) -> bool:
        """Return whether the gate decides by this clause: permits and forbids; of an annex, while that is active."""
        return self.verb in (Verb.PERMIT, Verb.FORBID)


class PartyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who may become a member: one party by its short name, or every vetted party that meets criteria."""

    name: str | None = None
    part: str | None = None  # what it is in this agreement (`as`), for people to read
    criteria: ReaderTerms | None = None


class BasisEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A legal basis in one country, or for one kind of party: valid from the first instant until before the second."""

    key: str  # ISO 3166-1 alpha-2, or a party's kind
    cite: str
    valid_from: Micros
    valid_until: Micros | None

    def holds(self, at: Micros) -> bool:
        """Return whether the basis is valid at an instant."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


class LegalBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What a clause rests on. Its keys are all countries or all kinds of party, never both."""

    name: str
    entries: tuple[BasisEntry, ...]
    by_kind: bool

    def entry_for(self, *, country: str, kind: str) -> BasisEntry | None:
        """Return what the document says of a party of this country and kind; None: nothing, so it does not hold."""
        wanted = kind if self.by_kind else country
        return next((entry for entry in self.entries if entry.key == wanted), None)


class Accession(msgspec.Struct, frozen=True, kw_only=True):
    """Who may still join a version in force, of those who may be a party at all, and how."""

    who: ReaderTerms
    by: Accede


class AgreementDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What people sign. ``canonical`` is the RFC 8785 form of all but its signatures: it identifies the document."""

    name: str
    version: int
    title: str
    starts: Micros
    ends: Micros | None  # exclusive; None: until it is superseded
    parties: tuple[PartyEntry, ...]
    legal_bases: tuple[LegalBasis, ...]
    purposes: tuple[str, ...]
    clauses: tuple[Clause, ...]
    instrument: Instrument | None = None
    accession: Accession | None = None
    amend_by: AmendBy | None = None
    withdrawal: Withdrawal | None = None
    on_lapse: OnLapse | None = None
    canonical: bytes

    @property
    def id(self) -> str:
        """Return ``name/version``: unique, since neither holds a slash."""
        return f"{self.name}/{self.version}"

    def clause(self, clause_id: str) -> Clause | None:
        """Return the clause of that id, if there is one."""
        return next((clause for clause in self.clauses if clause.id == clause_id), None)

    def basis(self, name: str) -> LegalBasis | None:
        """Return the legal basis of that name, if there is one."""
        return next((basis for basis in self.legal_bases if basis.name == name), None)

    def in_term(self, at: Micros) -> bool:
        """Return whether an instant lies within the document's own dates."""
        return self.starts <= at and (self.ends is None or at < self.ends)


def names_of(document: AgreementDocument) -> frozenset[str]:
    """Return the short names of all parties that a document mentions, in any place."""
    found = {entry.name for entry in document.parties if entry.name is not None}
    for clause in document.clauses:
        found.update(clause.of.owner or ())
        for terms in (clause.to, clause.unless):
            if terms is not None:
                found.update(terms.parties or (), (person.partition("@")[2] for person in terms.persons or ()))
    return frozenset(found)
