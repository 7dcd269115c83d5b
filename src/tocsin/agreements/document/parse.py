"""The bytes of an agreement as an ``AgreementDocument``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document.checks import Checker, Note, meant
from tocsin.agreements.document.clauses import CRITERIA, read_clause, read_reader_terms
from tocsin.agreements.document.model import Accession, AgreementDocument, BasisEntry, Clause, LegalBasis, PartyEntry
from tocsin.agreements.document.read_terms import (
    read_accession,
    read_amend_by,
    read_instrument,
    read_on_lapse,
    read_withdrawal,
)
from tocsin.agreements.document.terms import AmendBy, Instrument, OnLapse, Withdrawal
from tocsin.agreements.document.tree import Scalar, Table, read_tree
from tocsin.kernel.canonical import canonical_json
from tocsin.parties.model import COUNTRIES, COUNTRY, PURPOSES, Kind, country_meant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tocsin.agreements.document.tree import Entry, Node
    from tocsin.kernel.clock import Micros

__all__ = ["MAX_CLAUSES", "MAX_VERSION", "Parsed", "parse_agreement"]

# Each clause is a policy that every verdict of its members weighs; the longest real agreement has some thirty.
MAX_CLAUSES: Final = 200
# A version a day for 2,700 years; and small enough for every database's integers.
MAX_VERSION: Final = 1_000_000

_REQUIRED: Final = ("agreement", "version", "title", "in_force", "parties", "purposes", "clauses")
_OPTIONAL: Final = (
    "instrument",
    "accession",
    "amend_by",
    "withdrawal",
    "legal_bases",
    "on_lapse",
    "signatures",
)


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that is in order, and what its reader should know about it all the same."""

    document: AgreementDocument
    notes: tuple[Note, ...]


def parse_agreement(
    text: bytes, *, where: str, known_parties: Collection[str] | None = None, new: bool = False
) -> Parsed:
    """Read an agreement document.

    Args:
        text: YAML 1.2 in UTF-8 (JSON is a part of it, so the canonical form reads back as the same document).
        where: what to call the document in faults.
        known_parties: the short names of the hub's parties; None: any name is taken.
        new: it is to be proposed: what earlier documents may say, though it does nothing, is refused.

    Raises:
        AgreementError: it breaks rules; all faults that one reading finds, each with its place.
        LimitError: it is larger, deeper or more than we take.
    """
    tree = read_tree(text, where=where)
    check = Checker(where=where, known_parties=None if known_parties is None else frozenset(known_parties), new=new)
    top = check.table(tree, "an agreement", required=_REQUIRED, optional=_OPTIONAL)
    starts, ends = _read_term(check, top)
    bases = _read_bases(check, top)
    purposes = _read_purposes(check, top)
    clauses = _read_clauses(check, top, bases=bases, purposes=purposes)
    parties = _read_parties(check, top)
    terms = _read_terms(check, top, clauses)
    name = check.name(top["agreement"].value, "the name of an agreement") if "agreement" in top else ""
    version = 0
    if "version" in top:
        version = check.integer(top["version"].value, "the version of an agreement", low=1, high=MAX_VERSION)
    title = check.text(top["title"].value, "the title of an agreement") if "title" in top else ""
    check.done()
    content = tree.json
    if not isinstance(content, dict):  # `check.table` saw a mapping, or `done` refused
        raise TypeError
    content.pop("signatures", None)
    document = AgreementDocument(
        name=name,
        version=version,
        title=title,
        starts=starts,
        ends=ends,
        parties=parties,
        legal_bases=bases,
        purposes=purposes,
        clauses=clauses,
        instrument=terms.instrument,
        accession=terms.accession,
        amend_by=terms.amend_by,
        withdrawal=terms.withdrawal,
        on_lapse=terms.on_lapse,
        canonical=canonical_json(content),
    )
    return Parsed(document=document, notes=tuple(check.notes))


def _read_term(check: Checker, top: Mapping[str, Entry]) -> tuple[Micros, Micros | None]:
    if "in_force" not in top:
        return 0, None
    what = "when it is in force"
    parts = check.table(top["in_force"].value, what, required=("from", "until"))
    start = parts["from"].value if "from" in parts else None
    end = parts["until"].value if "until" in parts else None
    return check.term(start, end, what)


def _read_parties(check: Checker, top: Mapping[str, Entry]) -> tuple[PartyEntry, ...]:
    if "parties" not in top:
        return ()
    entries: list[PartyEntry] = []
    named: set[str] = set()
    for node in check.items(top["parties"].value, "the parties"):
        if isinstance(node, Table) and "all" in node.entries:
            parts = check.table(node, "parties by criteria", required=("all",))
            criteria = read_reader_terms(
                check,
                parts["all"].value,
                "the criteria of parties",
                CRITERIA,
                refused=dict.fromkeys(
                    ("role", "nationality", "persons"), "only of users; these are criteria of parties"
                ),
            )
            entries.append(PartyEntry(criteria=criteria))
            continue
        parts = check.table(node, "a party", required=("name",), optional=("as",))
        if "name" not in parts:
            continue
        name = check.party(parts["name"].value, "the name of a party")
        if name in named:
            check.wrong(parts["name"].value, "every party once")
        named.add(name)
        part = check.name(parts["as"].value, "its part in the agreement") if "as" in parts else None
        entries.append(PartyEntry(name=name, part=part))
    return tuple(entries)


def _read_bases(check: Checker, top: Mapping[str, Entry]) -> tuple[LegalBasis, ...]:
    if "legal_bases" not in top:
        return ()
    node = top["legal_bases"].value
    if not isinstance(node, Table):
        check.wrong(node, "legal bases: a mapping from names to countries or kinds of party")
        return ()
    # a mapping's order means nothing: equal content is an equal document
    return tuple(_read_basis(check, name, entry) for name, entry in sorted(node.entries.items(), key=_by_key))


def _by_key(item: tuple[str, Entry]) -> str:
    return item[0]


def _read_basis(check: Checker, name: str, entry: Entry) -> LegalBasis:
    check.name(Scalar(place=entry.place, value=name, text=name), "the name of a legal basis")
    if not isinstance(entry.value, Table) or not entry.value.entries:
        check.wrong(entry.value, "a mapping from countries, or from kinds of party, to 'cite' and 'valid'")
        return LegalBasis(name=name, entries=(), by_kind=False)
    kinds = {str(kind) for kind in Kind}
    by_kind = {key in kinds for key in entry.value.entries if key in kinds or COUNTRY.fullmatch(key)}
    if len(by_kind) > 1:
        check.wrong(entry.value, "keys that are all countries or all kinds of party", "make two legal bases of it")
    found: list[BasisEntry] = []
    for key, item in sorted(entry.value.entries.items(), key=_by_key):
        if key not in kinds and key not in COUNTRIES:
            check.problem(
                item.place,
                repr(key[:60]),
                f"a country (two capital letters, ISO 3166-1) or one of {', '.join(sorted(kinds))}",
                meant(country_meant(key)),
            )
        parts = check.table(item.value, "a legal basis", required=("cite", "valid"))
        cite = check.text(parts["cite"].value, "the citation") if "cite" in parts else ""
        start, end = 0, None
        if "valid" in parts:
            what = "the validity: [first day, day after the last or null]"
            days = check.items(parts["valid"].value, what)
            if len(days) == 2:  # noqa: PLR2004  a beginning and an end
                start, end = check.term(days[0], days[1], what)
            elif days:
                check.wrong(parts["valid"].value, what)
        found.append(BasisEntry(key=key, cite=cite, valid_from=start, valid_until=end))
    return LegalBasis(name=name, entries=tuple(found), by_kind=by_kind == {True})


def _read_purposes(check: Checker, top: Mapping[str, Entry]) -> tuple[str, ...]:
    if "purposes" not in top:
        return ()
    purposes = check.list_of(top["purposes"].value, "a purpose", check.name)
    for purpose in purposes:
        if purpose not in PURPOSES:
            check.note(f"purpose {purpose!r}: no credential can be bound to it here, so it lets nobody read")
    return purposes


def _read_clauses(
    check: Checker, top: Mapping[str, Entry], *, bases: tuple[LegalBasis, ...], purposes: tuple[str, ...]
) -> tuple[Clause, ...]:
    if "clauses" not in top:
        return ()
    nodes = check.items(top["clauses"].value, "the clauses")
    if len(nodes) > MAX_CLAUSES:
        check.wrong(top["clauses"].value, f"at most {MAX_CLAUSES} clauses", "split it into two agreements")
        return ()
    clauses: list[Clause] = []
    seen: set[str] = set()
    for node in nodes:
        clause = read_clause(check, node)
        if clause is None or not isinstance(node, Table):  # told already
            continue
        _check_references(check, node, clause, bases=bases, purposes=purposes)
        if clause.id in seen:
            check.problem(node.place, f"clause {clause.id!r} a second time", "an id of its own for every clause")
        seen.add(clause.id)
        clauses.append(clause)
    return tuple(clauses)


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says besides parties, bases, purposes and clauses."""

    instrument: Instrument | None
    accession: Accession | None
    amend_by: AmendBy | None
    withdrawal: Withdrawal | None
    on_lapse: OnLapse | None


def _read_terms(check: Checker, top: Mapping[str, Entry], clauses: tuple[Clause, ...]) -> _Terms:
    if "instrument" in top:
        instrument = read_instrument(check, top["instrument"].value)
    else:
        instrument = None
        check.note("no instrument: nothing says which signed paper this document is the machine-enforced form of")
    accession, amend_by, withdrawal, on_lapse = None, None, None, None
    if "accession" in top:
        accession = _read_accession(check, top["accession"].value)
    if "amend_by" in top:
        amend_by = read_amend_by(check, top["amend_by"].value)
    if "withdrawal" in top:
        clause_ids = frozenset(clause.id for clause in clauses)
        withdrawal = read_withdrawal(check, top["withdrawal"].value, clause_ids)
    if "on_lapse" in top:
        on_lapse = read_on_lapse(check, top["on_lapse"].value)
    if "signatures" in top:
        _read_signatures(check, top["signatures"].value)
    return _Terms(
        instrument=instrument, accession=accession, amend_by=amend_by, withdrawal=withdrawal, on_lapse=on_lapse
    )


def _read_accession(check: Checker, node: Node) -> Accession | None:
    parts = check.table(node, "accession", required=("who", "by"))
    who = read_reader_terms(check, parts["who"].value, "who may accede", CRITERIA) if "who" in parts else None
    return read_accession(check, parts, who)


def _read_signatures(check: Checker, node: Node) -> None:
    items = check.items(node, "the signatures", empty=True)
    for item in items:
        parts = check.table(item, "a signature", required=("party", "signature"), optional=("user", "key"))
        for key, part in parts.items():
            check.text(part.value, f"'{key}' of a signature")
    if items:
        check.note("signatures: those in the file have no effect; each signatory signs at the hub")


def _check_references(
    check: Checker, node: Table, clause: Clause, *, bases: tuple[LegalBasis, ...], purposes: tuple[str, ...]
) -> None:
    """Check that what a clause mentions is there."""
    known_bases = sorted(basis.name for basis in bases)
    for name in clause.rests_on:
        if name and name not in known_bases:
            expected = f"one of the document's 'legal_bases' ({', '.join(known_bases) or 'it has none'})"
            check.problem(node.entries["rests_on"].place, f"the legal basis {name!r}", expected)
    # `enforce` is never implied, so a clause may name it though the agreement does not pre-authorise it
    known_purposes = sorted({*purposes, "enforce"})
    for purpose in clause.purposes or ():
        if purpose and purpose not in known_purposes:
            expected = f"one of the agreement's purposes ({', '.join(known_purposes)})"
            check.problem(node.entries["for"].place, f"the purpose {purpose!r}", expected)
