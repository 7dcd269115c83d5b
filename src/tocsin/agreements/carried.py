"""The terms on which a reader has an object: what may be done with it, passed on to whom, kept where. Pure.

An object's bytes never change, so its terms stand beside it: as sentences, and as STIX marking-definitions of the type
``statement`` whose ids follow from what they say. They follow from the agreements of the instant of the release, which
the log holds: whoever replays a release finds the terms that it was made on.
"""

from __future__ import annotations

import enum
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.compile import compile_clause, listed, purposes_of
from tocsin.agreements.document import Onward, Verb
from tocsin.agreements.terms import binding, covers, terms_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.model import Label, Verdict
    from tocsin.kernel.canonical import Json

__all__ = ["ONWARD_SAYS", "Term", "TermKind", "carried", "marking_of"]

# Ids of statements: the same sentence has the same id at every hub.
_STATEMENTS: Final = uuid.UUID("7b1e6a3c-2f0d-5d0e-9f55-64f0c6a3f6d1")
ONWARD_SAYS: Final = {
    Onward.NONE: "it is for nobody but the people who received it",
    Onward.OWN_ORGANISATION: "it stays within the recipient's own organisation",
    Onward.CLIENTS: "it may go to the recipient's own organisation, and to its clients who need to know it",
    Onward.COMMUNITY: "it may go to the recipient's community, and no further",
    Onward.AS_MARKED: "it may be passed on as its own marking says",
}


class TermKind(enum.StrEnum):
    """What a term is about."""

    ONWARD = "onward"
    PURPOSES = "purposes"
    PROTECT = "protect"
    RESIDENCY = "residency"
    RELEASABLE = "releasable"  # who never receives it: nationality, country, region, person


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One term as a sentence, and the clause that says it; the object's own marking where ``clause`` is None."""

    kind: TermKind
    says: str
    clause: str | None = None  # agreement/version#clause

    @property
    def marking(self) -> str:
        """Return the id of its marking-definition."""
        return f"marking-definition--{uuid.uuid5(_STATEMENTS, self.statement)}"

    @property
    def statement(self) -> str:
        """Return the sentence with what it rests on."""
        return self.says if self.clause is None else f"{self.says} ({self.clause})"


def carried(label: Label, facts: Facts, *, reader: str, verdict: Verdict) -> tuple[Term, ...]:
    """Return the terms on which a reader's party has what a verdict let out; its owner's own has none.

    Only agreements that bind the reader are named.

    Args:
        label: of the object.
        facts: what is true at that instant.
        reader: the URI of the reader's party.
        verdict: that let it out.
    """
    if label.owner == reader or not verdict.allows:
        return ()
    terms = terms_for(label, facts, reader=reader, reasons=verdict.reasons)
    protections = (
        Term(
            kind=TermKind.PROTECT,
            says=f"it must not be used for {listed(one.uses, last='or')}",
            clause=f"{one.agreement}/{one.version}#{one.clause}",
        )
        for one in terms.protect
    )
    own = (
        ()
        if label.residency is None
        else (Term(kind=TermKind.RESIDENCY, says=f"it is kept in the region {label.residency}, and nowhere else"),)
    )
    return (
        Term(kind=TermKind.ONWARD, says=ONWARD_SAYS[terms.onward]),
        *_purposes(facts, verdict),
        *protections,
        *own,
        *_releasable(label, facts, reader),
    )


def marking_of(term: Term) -> dict[str, Json]:
    """Return a term as a STIX 2.1 marking-definition (§7.2.1.3)."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": term.marking,
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": term.statement},
    }


def _purposes(facts: Facts, verdict: Verdict) -> Iterator[Term]:
    by_id = {one.id: one for one in facts.in_force}
    for reason in verdict.reasons:
        one = by_id.get(f"{reason.agreement}/{reason.version}")
        clause = None if one is None else one.document.clause(reason.clause)
        if one is not None and clause is not None:
            yield Term(
                kind=TermKind.PURPOSES,
                says=f"it is for {listed(purposes_of(one.document, clause), last='or')}",
                clause=f"{one.id}#{clause.id}",
            )


def _releasable(label: Label, facts: Facts, reader: str) -> Iterator[Term]:
    """Yield the forbids that speak of the object and bind the reader: they bind whoever it passes it on to, too."""
    for one, _ in binding(reader, facts):
        for clause in one.document.clauses:
            if clause.verb is Verb.FORBID and clause.decides and covers(clause.of, label, one.names):
                compiled = compile_clause(one.document, clause, one.names)
                spared = "; ".join(condition.says for condition in compiled.unless)
                yield Term(
                    kind=TermKind.RELEASABLE,
                    says=f"it goes to nobody unless {spared}"
                    if spared
                    else "it goes to nobody whom the clause forbids it",
                    clause=f"{one.id}#{clause.id}",
                )
