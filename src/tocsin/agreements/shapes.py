"""What a clause covers, as a shape that can be compared with another's without any reader or object at hand. Pure.

A clause asks of each attribute by itself, and everything that it asks must hold. So one clause covers no more than
another when it does so attribute by attribute. Each answer here is certain where it is yes, and says nothing where it
is no: two shapes can be alike in ways that are not looked for.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.compile import purposes_of
from tocsin.agreements.document import Verb
from tocsin.agreements.model import Tlp
from tocsin.agreements.terms import SILENT_TLP
from tocsin.parties.model import CLEARANCES, clearance_rank

if TYPE_CHECKING:
    from tocsin.agreements.document import AgreementDocument, Clause, LabelTerms, ReaderTerms

__all__ = ["Relation", "Shape", "apart", "clause_shape", "label_shape", "reader_shape", "relation", "within"]

_READER: Final = (
    *("parties", "capacity", "role", "sectors", "countries", "kind"),
    *("communities", "nationality", "data_region", "purpose", "persons"),
)
_LABEL: Final = ("type", "category", "sectors", "countries", "residency", "owner")
# A reader or an object has one of these at most; of the others it may have several.
_SINGLE: Final = frozenset(
    {
        *("reader parties", "reader countries", "reader kind", "reader nationality", "reader data_region"),
        *("reader purpose", "reader clearance", "reader persons"),
        *("tlp", "pap", "type", "residency", "owner"),
    }
)
# To AMBER+STRICT a clause that does not name it lets only those whom the owner addressed.
_STRICT_ADDRESSED: Final = "amber+strict, addressed"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: of each attribute one of some values; no category of some; that each of some things holds.

    An attribute that is not there may be anything.
    """

    of: Mapping[str, frozenset[str]]
    lacks: frozenset[str] = frozenset()  # categories
    holds: frozenset[str] = frozenset()  # legal bases, an active annex, that the reader is addressed


class Relation(enum.StrEnum):
    """How one shape stands to another: what the second covers, measured by the first."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    UNKNOWN = "unknown"


def within(one: Shape, other: Shape) -> bool:
    """Return whether everything that one shape covers is certainly covered by another."""
    return (
        all(key in one.of and one.of[key] <= values for key, values in other.of.items())
        and other.lacks <= one.lacks
        and other.holds <= one.holds
    )


def apart(one: Shape, other: Shape) -> bool:
    """Return whether there is certainly nothing that both cover."""
    if any(one.of[key].isdisjoint(other.of[key]) for key in _SINGLE & one.of.keys() & other.of.keys()):
        return True
    return any(
        "category" in here.of and here.of["category"] <= there.lacks for here, there in ((one, other), (other, one))
    )


def relation(old: Shape, new: Shape) -> Relation:
    """Return how what is covered changes from one shape to another."""
    grows, shrinks = within(old, new), within(new, old)
    if grows and shrinks:
        return Relation.SAME
    if grows or shrinks:
        return Relation.WIDER if grows else Relation.NARROWER
    return Relation.UNKNOWN


def clause_shape(document: AgreementDocument, clause: Clause) -> Shape:
    """Return what a clause covers of readers and objects; of a forbid before it spares anybody.

    Of what lets out (a permit, what it reveals, totals or publishes) purposes, legal bases and the annex are part.
    """
    opens = clause.verb in (Verb.PERMIT, Verb.PUBLISH, Verb.REVEAL, Verb.TOTAL)
    reader, label = reader_shape(clause.to), label_shape(clause.of, silent=opens)
    of = {**reader.of, **label.of}
    if clause.verb in (Verb.PERMIT, Verb.REVEAL, Verb.TOTAL):
        of["reader purpose"] = frozenset(purposes_of(document, clause))
    holds = reader.holds | {f"basis {name}" for name in clause.rests_on}
    if clause.emergency is not None:
        holds |= {f"annex {clause.emergency}"}
    return Shape(of=of, lacks=label.lacks, holds=holds)


def reader_shape(terms: ReaderTerms) -> Shape:
    """Return what is asked of a reader."""
    asked = {key: frozenset(getattr(terms, key)) for key in _READER if getattr(terms, key)}
    if terms.clearance is not None:
        asked["clearance"] = frozenset(CLEARANCES[clearance_rank(terms.clearance) :])
    return Shape(
        of={f"reader {key}": values for key, values in asked.items()},
        holds=frozenset({"addressed"} if terms.addressed else ()),
    )


def label_shape(terms: LabelTerms, *, silent: bool) -> Shape:
    """Return what is asked of an object; ``silent``: without a word on TLP it covers the three widest only."""
    of = {key: frozenset(map(str, getattr(terms, key))) for key in _LABEL if getattr(terms, key) is not None}
    if terms.pap is not None:
        of["pap"] = frozenset(map(str, terms.pap.values))
    if terms.tlp is not None:
        of["tlp"] = _tlp(terms.tlp.values, named=terms.tlp.names_amber_strict or not silent)
    elif silent:
        of["tlp"] = _tlp(SILENT_TLP, named=False)
    return Shape(of=of, lacks=frozenset(terms.without or ()))


def _tlp(values: tuple[Tlp, ...], *, named: bool) -> frozenset[str]:
    covered = {str(value) for value in values if named or value is not Tlp.AMBER_STRICT}
    return frozenset(covered | ({_STRICT_ADDRESSED} if Tlp.AMBER_STRICT in values else set()))
