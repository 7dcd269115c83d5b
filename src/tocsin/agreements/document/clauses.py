"""Clauses and their conditions, from nodes to values."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tocsin.agreements.document.checks import listed
from tocsin.agreements.document.model import Clause, LabelTerms, PapTerm, ReaderTerms, TlpTerm, Verb
from tocsin.agreements.document.object_types import TOTALLED_TYPES, read_types
from tocsin.agreements.document.read_terms import (
    read_annex,
    read_protect_terms,
    read_publish_terms,
    read_retain_terms,
)
from tocsin.agreements.document.terms import NewReleases, Onward
from tocsin.agreements.document.tree import Scalar, Sequence, Table
from tocsin.agreements.model import Pap, Tlp
from tocsin.parties.model import CLEARANCES, Kind, Role
from tocsin.scrub.plans import PLANS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.document.checks import Checker
    from tocsin.agreements.document.tree import Entry, Node

__all__ = ["CRITERIA", "FEWEST_OWNERS", "MOST_OWNERS", "read_clause", "read_reader_terms"]

_ACTIONS: Final = ("read",)
_REVEALED: Final = ("existence",)
_TOTALLED: Final = ("map",)
# Of two owners each would know the other's figure, of one everybody would.
FEWEST_OWNERS: Final = 3
# As many as the parties that one table holds: who asks for more asks for no figure at all.
MOST_OWNERS: Final = 200

# What a party can be asked before it has any user: no role, no nationality, no purpose.
CRITERIA: Final = ("capacity", "sectors", "countries", "clearance", "kind", "communities", "data_region")
_READER: Final = ("parties", *CRITERIA, "role", "nationality", "persons", "addressed")
_LABEL: Final = ("tlp", "pap", "type", "category", "without", "sectors", "countries", "residency", "owner")

_CLEARANCE_LAPSES: Final = {
    "clearance": "a clearance can lapse, and a lapse must never lift a forbid: name it under 'unless' instead"
}
_FOR_IS_THE_KEY: Final = {"purpose": "purposes of a permit stand in the clause's own 'for'"}
_UNLESS_IS_THE_KEY: Final = {
    "for": "a forbid holds for every purpose: name the purposes that it spares as 'purpose' under 'unless'",
    "rests_on": "a legal basis can lapse, and a lapse must never lift a forbid",
    "onward": "a forbid lets nothing out that could be passed on",
}
_FORBIDS_HAVE_UNLESS: Final = {
    "unless": "a permit names its conditions under 'to' and 'of'; 'unless' belongs to a forbid"
}

_Level = TypeVar("_Level", bound=enum.StrEnum)


def read_clause(check: Checker, node: Node) -> Clause | None:
    """Read one clause; None where it cannot be told what it is.

    Faults are noted with ``check``; so is every part that has no effect yet.
    """
    every = ", ".join(f"'{verb}'" for verb in Verb)
    if not isinstance(node, Table):
        check.wrong(node, f"a clause: a mapping with 'id' and one of {every}")
        return None
    verbs = [verb for verb in Verb if verb.value in node.entries]
    if len(verbs) != 1:
        said = " and ".join(f"'{verb}'" for verb in verbs) or "a clause that does nothing"
        check.problem(node.place, said, f"exactly one of {every}")
        return None
    readers = {
        Verb.PERMIT: _read_permit,
        Verb.FORBID: _read_forbid,
        Verb.PUBLISH: _read_publish,
        Verb.RETAIN: _read_retain,
        Verb.PROTECT: _read_protect,
        Verb.REVEAL: _read_reveal,
        Verb.TOTAL: _read_total,
    }
    return readers[verbs[0]](check, node)


def _id(check: Checker, entries: Mapping[str, Entry]) -> str:
    return check.clause_id(entries["id"].value, "the id of a clause") if "id" in entries else ""


def _bases(check: Checker, entries: Mapping[str, Entry]) -> tuple[str, ...]:
    return check.many(entries["rests_on"].value, "a legal basis", check.name) if "rests_on" in entries else ()


def _label(check: Checker, entries: Mapping[str, Entry]) -> LabelTerms:
    return _read_label_terms(check, entries["of"].value) if "of" in entries else LabelTerms()


def _read_permit(check: Checker, node: Table) -> Clause:
    emergency = "emergency" in node.entries
    entries = check.table(
        node,
        "a permit",
        required=("id", "permit", "to", *(("emergency", "lasts", "activated_by") if emergency else ())),
        optional=("of", "for", "rests_on", "onward", *(("afterwards",) if emergency else ("emergency",))),
        refused=_FORBIDS_HAVE_UNLESS,
    )
    clause_id = _id(check, entries)
    if "permit" in entries:
        check.one_of(entries["permit"].value, "what is permitted", _ACTIONS)
    to = ReaderTerms()
    if "to" in entries:
        to = read_reader_terms(check, entries["to"].value, "the readers of a permit", _READER, refused=_FOR_IS_THE_KEY)
    onward = None
    if "onward" in entries:
        onward = Onward(check.one_of(entries["onward"].value, "what a reader may pass on", Onward))
    name, annex = None, None
    if emergency:
        name = check.name(entries["emergency"].value, "the name of an emergency annex")
        annex = read_annex(check, entries)
        if annex is not None and annex.afterwards.new_releases is NewReleases.CONTINUE:
            check.note(f"clause {clause_id} new_releases: continue: they stop all the same when the annex is over")
    return Clause(
        id=clause_id,
        verb=Verb.PERMIT,
        to=to,
        of=_label(check, entries),
        purposes=check.many(entries["for"].value, "a purpose", check.name) if "for" in entries else None,
        rests_on=_bases(check, entries),
        onward=onward,
        emergency=name,
        annex=annex,
    )


def _read_forbid(check: Checker, node: Table) -> Clause:
    entries = check.table(
        node,
        "a forbid",
        required=("id", "forbid"),
        optional=("to", "of", "unless"),
        refused=_UNLESS_IS_THE_KEY,
    )
    if "forbid" in entries:
        check.one_of(entries["forbid"].value, "what is forbidden", _ACTIONS)
    to = ReaderTerms()
    if "to" in entries:
        keys = tuple(key for key in _READER if key not in _CLEARANCE_LAPSES)
        refused = _CLEARANCE_LAPSES | {"purpose": _UNLESS_IS_THE_KEY["for"]}
        to = read_reader_terms(check, entries["to"].value, "the readers of a forbid", keys, refused=refused)
    unless = None
    if "unless" in entries:
        what = "the readers whom a forbid spares"
        unless = read_reader_terms(check, entries["unless"].value, what, (*_READER, "purpose"))
        if unless.parties == ():
            check.wrong(entries["unless"].value, "'parties' by name", "a forbid that spares all forbids nothing")
    return Clause(id=_id(check, entries), verb=Verb.FORBID, to=to, of=_label(check, entries), unless=unless)


def _read_publish(check: Checker, node: Table) -> Clause:
    entries = check.table(node, "a publish clause", required=("id", "publish", "of"), optional=("rests_on",))
    clause_id = _id(check, entries)
    terms = read_publish_terms(check, entries["publish"].value) if "publish" in entries else None
    if terms is not None and terms.sanitised not in PLANS:
        check.note(f"clause {clause_id} publish: there is no plan {terms.sanitised!r}, so that it publishes nothing")
    elif terms is not None and terms.tlp is Tlp.RED:
        check.note(f"clause {clause_id} publish: RED is for individuals, so that it publishes nothing")
    return Clause(
        id=clause_id, verb=Verb.PUBLISH, of=_label(check, entries), rests_on=_bases(check, entries), publish=terms
    )


def _read_retain(check: Checker, node: Table) -> Clause:
    entries = check.table(node, "a retain clause", required=("id", "retain", "of"))
    clause_id = _id(check, entries)
    terms = read_retain_terms(check, entries["retain"].value) if "retain" in entries else None
    return Clause(id=clause_id, verb=Verb.RETAIN, of=_label(check, entries), retain=terms)


def _read_protect(check: Checker, node: Table) -> Clause:
    entries = check.table(node, "a protect clause", required=("id", "protect"), optional=("of", "rests_on"))
    clause_id = _id(check, entries)
    terms = read_protect_terms(check, entries["protect"].value) if "protect" in entries else None
    return Clause(
        id=clause_id, verb=Verb.PROTECT, of=_label(check, entries), rests_on=_bases(check, entries), protect=terms
    )


def _read_reveal(check: Checker, node: Table) -> Clause:
    entries = check.table(
        node, "a reveal clause", required=("id", "reveal", "to"), optional=("of",), refused=_FORBIDS_HAVE_UNLESS
    )
    if "reveal" in entries:
        check.one_of(entries["reveal"].value, "what is revealed", _REVEALED)
    to = ReaderTerms()
    if "to" in entries:
        to = read_reader_terms(check, entries["to"].value, "whom it is revealed to", _READER, refused=_FOR_IS_THE_KEY)
    return Clause(id=_id(check, entries), verb=Verb.REVEAL, to=to, of=_label(check, entries))


def _read_total(check: Checker, node: Table) -> Clause:
    entries = check.table(
        node,
        "a total clause",
        required=("id", "total", "to"),
        optional=("of", "at_least"),
        refused=_FORBIDS_HAVE_UNLESS,
    )
    if "total" in entries:
        check.one_of(entries["total"].value, "what is totalled", _TOTALLED)
    to = ReaderTerms()
    if "to" in entries:
        to = read_reader_terms(check, entries["to"].value, "whom totals are told", _READER, refused=_FOR_IS_THE_KEY)
    of = _label(check, entries)
    if of.type is None:
        of = msgspec.structs.replace(of, type=TOTALLED_TYPES)
    elif not set(of.type) <= set(TOTALLED_TYPES):
        said = listed((f"'{one}'" for one in TOTALLED_TYPES), last="and")
        check.wrong(entries["of"].value, f"under 'type' {said} at most", "totals of the map count assets, and no more")
    if of.tlp is not None and Tlp.RED in of.tlp.values:
        check.note(f"clause {_id(check, entries)} total: what is RED is for individuals, and in no total")
    at_least = FEWEST_OWNERS
    if "at_least" in entries:
        what = "how many owners there are behind a figure at least"
        at_least = check.integer(entries["at_least"].value, what, low=FEWEST_OWNERS, high=MOST_OWNERS)
    return Clause(id=_id(check, entries), verb=Verb.TOTAL, to=to, of=of, at_least=at_least)


def read_reader_terms(
    check: Checker,
    node: Node,
    what: str,
    keys: tuple[str, ...],
    *,
    refused: Mapping[str, str] | None = None,
) -> ReaderTerms:
    """Read conditions on readers or parties: only ``keys``, and at least one of them."""
    entries = check.table(node, what, optional=keys, refused=refused)
    if isinstance(node, Table) and not node.entries:
        check.wrong(node, f"{what}: at least one condition", "for every member write {parties: all}")

    def names(key: str) -> tuple[str, ...] | None:
        return check.many(entries[key].value, f"'{key}'", check.name) if key in entries else None

    def countries(key: str) -> tuple[str, ...] | None:
        return check.many(entries[key].value, f"'{key}'", check.country) if key in entries else None

    def words(key: str, vocabulary: type[enum.StrEnum]) -> tuple[str, ...] | None:
        if key not in entries:
            return None
        return check.many(entries[key].value, f"'{key}'", lambda item, said: check.one_of(item, said, vocabulary))

    clearance = None
    if "clearance" in entries:
        clearance = check.one_of(entries["clearance"].value, "the clearance that is needed at least", CLEARANCES)
    if "addressed" in entries:
        value = entries["addressed"].value
        if not (isinstance(value, Scalar) and value.value is True):
            check.wrong(value, "'addressed: true'", "leave the key out if it is no condition")
    return ReaderTerms(
        parties=_read_parties(check, entries["parties"].value) if "parties" in entries else None,
        capacity=names("capacity"),
        role=words("role", Role),
        sectors=names("sectors"),
        countries=countries("countries"),
        clearance=clearance,
        kind=words("kind", Kind),
        communities=names("communities"),
        nationality=countries("nationality"),
        data_region=names("data_region"),
        purpose=names("purpose"),
        addressed="addressed" in entries,
        persons=check.many(entries["persons"].value, "'persons'", check.person) if "persons" in entries else None,
    )


def _read_parties(check: Checker, node: Node) -> tuple[str, ...]:
    if isinstance(node, Scalar) and node.value == "all":
        return ()
    if not isinstance(node, Sequence):
        check.wrong(node, "'parties: all', or a list of names")
        return ()
    return check.list_of(node, "the name of a party", check.party)


def _read_label_terms(check: Checker, node: Node) -> LabelTerms:
    entries = check.table(node, "what is read", optional=_LABEL)

    def names(key: str) -> tuple[str, ...] | None:
        return check.many(entries[key].value, f"'{key}'", check.name) if key in entries else None

    tlp = None
    if "tlp" in entries:
        values, written = _read_levels(check, entries["tlp"].value, "a TLP value", Tlp)
        tlp = TlpTerm(values=values, names_amber_strict=Tlp.AMBER_STRICT in written)
    pap = None
    if "pap" in entries:
        pap = PapTerm(values=_read_levels(check, entries["pap"].value, "a PAP value", Pap)[0])
    terms = LabelTerms(
        tlp=tlp,
        pap=pap,
        type=read_types(check, entries["type"].value) if "type" in entries else None,
        category=names("category"),
        without=names("without"),
        sectors=names("sectors"),
        countries=(
            check.many(entries["countries"].value, "'countries'", check.country) if "countries" in entries else None
        ),
        residency=names("residency"),
        owner=check.many(entries["owner"].value, "the name of a party", check.party) if "owner" in entries else None,
    )
    both = set(terms.category or ()) & set(terms.without or ())
    if both:
        check.wrong(entries["without"].value, "other categories than under 'category'", "nothing can meet both")
    return terms


def _read_levels(
    check: Checker, node: Node, what: str, levels: type[_Level]
) -> tuple[tuple[_Level, ...], tuple[_Level, ...]]:
    """Return the values that are covered, widest first, and those that were written out."""
    ladder = tuple(levels)

    def level(item: Node, said: str) -> _Level:
        return levels(check.one_of(item, said, levels))

    if not isinstance(node, Table):
        written = check.many(node, what, level)
        return tuple(value for value in ladder if value in written), written
    bounds = check.table(node, f"the bounds of {what}", optional=("at_most", "at_least"))
    if not node.entries:
        check.wrong(node, "'at_most', 'at_least' or both")
    low = level(bounds["at_least"].value, what) if "at_least" in bounds else ladder[0]
    high = level(bounds["at_most"].value, what) if "at_most" in bounds else ladder[-1]
    covered = ladder[ladder.index(low) : ladder.index(high) + 1]
    if not covered:
        check.wrong(node, f"'at_least' no stricter than 'at_most' ({' < '.join(ladder)})")
    named = tuple(level_ for key, level_ in (("at_least", low), ("at_most", high)) if key in bounds)
    return covered, named
