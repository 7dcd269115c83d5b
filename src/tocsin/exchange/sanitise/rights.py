"""Which clauses publish what, and what stands against it. Pure: facts, labels and clauses are arguments.

A sanitised version is the publisher's contribution: of the party that runs the hub, which must be a member of the
agreement as its owner is, and for which the legal bases must hold as well. See ``docs/sanitised.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.document import Clause, PublishTerms, Verb
from tocsin.agreements.facts import Activated
from tocsin.agreements.model import Label, Tlp
from tocsin.agreements.terms import SILENT_TLP, binding, covers
from tocsin.scrub.plans import PLANS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.agreements.facts import Facts
    from tocsin.exchange.sanitise.model import Version

__all__ = ["Publishing", "label_of", "obstacle", "publishing", "still"]


class Publishing(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that makes sanitised versions of a party's objects now."""

    agreement: Activated
    clause: Clause
    terms: PublishTerms

    def covers(self, label: Label) -> bool:
        """Return whether it is about an object; what it does not name in TLP stays out."""
        terms = self.clause.of
        if terms.tlp is None:
            named = label.tlp in SILENT_TLP
        else:
            named = label.tlp is not Tlp.AMBER_STRICT or terms.tlp.names_amber_strict
        return named and covers(terms, label, self.agreement.names)


def publishing(facts: Facts, party: str, publisher: str) -> list[Publishing]:
    """Return the clauses that publish a party's objects now, in the order of agreements and of their documents."""
    found: list[Publishing] = []
    for one in facts.in_force:
        if not {party, publisher} <= facts.members[one.id]:
            continue
        for clause in one.document.clauses:
            terms = clause.publish
            if terms is None or clause.emergency is not None or not _possible(terms):
                continue
            bases = [one.document.basis(name) for name in clause.rests_on]
            if all(
                basis is not None and facts.holds(basis, party) and facts.holds(basis, publisher) for basis in bases
            ):
                found.append(Publishing(agreement=one, clause=clause, terms=terms))
    return found


def _possible(terms: PublishTerms) -> bool:
    """Return whether a clause can publish at all: RED is for individuals, whom no clause names."""
    return terms.sanitised in PLANS and terms.tlp is not Tlp.RED


def label_of(label: Label, terms: PublishTerms, publisher: str, audience: frozenset[str] = frozenset()) -> Label:
    """Return the label of the sanitised version of an object.

    What restricts stays: categories, residency, PAP. What tells of the producer's sector and country goes.
    """
    return Label(
        owner=publisher,
        type=label.type,
        tlp=terms.tlp,
        pap=label.pap,
        categories=label.categories,
        residency=label.residency,
        recipients=audience,
    )


def obstacle(label: Label, terms: PublishTerms, facts: Facts, publisher: str, *, bound: bool) -> str | None:
    """Return why no sanitised version of an object may be made, as the end of a sentence; None: nothing is against it.

    ``bound``: it carries terms for whoever receives it, or a policy that ends, which no other object would carry.
    """
    if label.recipients:
        return "it is addressed to somebody"
    if label.unknown_marking or label.sealed:
        return "it carries a marking that this hub cannot read"
    if label.classification is not None:
        return "it is classified"
    if bound:
        return "it is marked with terms for its recipients, which a sanitised version would not carry"
    lost = _lost_forbid(label, terms, facts, publisher)
    if lost is not None:
        return f"clause {lost[1]} of {lost[0]} forbids what it could no longer be held to"
    return None


def _lost_forbid(label: Label, terms: PublishTerms, facts: Facts, publisher: str) -> tuple[str, str] | None:
    """Return a forbid that covers the object as its owner's, and would not bind it as the publisher's."""
    same = msgspec.structs.replace(label, tlp=terms.tlp)
    new = label_of(label, terms, publisher)
    theirs = {(one.id, surviving) for one, surviving in binding(publisher, facts)}
    for one, surviving in binding(label.owner, facts):
        for clause in one.document.clauses:
            if clause.verb is not Verb.FORBID or not clause.decides or not covers(clause.of, same, one.names):
                continue
            if surviving and clause.id not in one.survivors:
                continue
            both = (one.id, False) in theirs or ((one.id, True) in theirs and clause.id in one.survivors)
            if not both or not covers(clause.of, new, one.names):
                return one.id, clause.id
    return None


def still(found: Sequence[Publishing], version: Version, label: Label) -> Publishing | None:
    """Return the clause that publishes now as it did when a version was made, in whatever version of its agreement."""
    then = (version.plan, version.tlp, version.attribution, version.approve)
    for one in found:
        now = (one.terms.sanitised, one.terms.tlp, one.terms.attribution, one.terms.approve)
        of_then = (one.agreement.document.name, one.clause.id) == (version.chain.agreement, version.clause)
        if of_then and now == then and one.covers(label):
            return one
    return None
