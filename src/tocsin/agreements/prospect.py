"""What agreements in force would mean for an applicant: what it would get, give and be held to.

Read from the same clauses as the policies, each as `tocsin agreement show --prose` prints it; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.compile import listed
from tocsin.agreements.document import ReaderTerms, Verb
from tocsin.agreements.facts import could_read, eligible, meets
from tocsin.agreements.prose import clause_passage
from tocsin.parties.model import PartyStatus, effective_clearance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tocsin.agreements.document import Clause
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.parties.model import Party

__all__ = ["Near", "Prospect", "near", "prospects"]

_OPENS: Final = (Verb.PERMIT, Verb.REVEAL, Verb.TOTAL)


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement that an applicant could join; each text is one clause."""

    agreement: str
    version: int
    title: str
    purposes: tuple[str, ...]
    gets: tuple[
        str, ...
    ]  # what it may read, know of or be told totals of, where it meets what the clause asks of the reader's party
    gives: tuple[str, ...]  # under which others read, know of or total what it contributes, or it is published
    held: tuple[str, ...]  # forbids, retention, protection


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement that would admit an applicant, but for what an application asks for: what that is, in words."""

    agreement: str
    version: int
    title: str
    lacks: tuple[str, ...]


def near(applicant: Party, facts: Facts) -> tuple[Near, ...]:
    """Return the agreements in force that lack a clearance or a capacity to admit a party, and nothing else.

    Those two are what an application asks for, and whoever applied with them is shown these agreements' terms. One
    that also asks what a party is (kind, country, sector, community), or that names its parties, is told to nobody
    whom it is not for.
    """
    vetted = msgspec.structs.replace(applicant, status=PartyStatus.VETTED)
    found = []
    for one in facts.in_force:
        if not eligible(one, vetted, facts.at):
            lacking = [lacks for terms in one.criteria if (lacks := tuple(_lacks(terms, vetted, facts)))]
            if lacking:
                document = one.document
                lacks = min(lacking, key=len)  # of several ways in, the one with the least to do
                found.append(Near(agreement=document.name, version=document.version, title=document.title, lacks=lacks))
    return tuple(found)


def _lacks(terms: ReaderTerms, party: Party, facts: Facts) -> Iterator[str]:
    """Yield what an applicant would have to apply with to meet criteria; nothing where that would not be enough."""
    if not meets(msgspec.structs.replace(terms, clearance=None, capacity=None), party, facts.at):
        return
    if terms.capacity is not None and party.capacities.isdisjoint(terms.capacity):
        has = listed(sorted(party.capacities), last="and")
        yield f"the capacity {listed(terms.capacity, last='or')} (it has {has})"
    if terms.clearance is not None and not meets(ReaderTerms(clearance=terms.clearance), party, facts.at):
        yield f"the clearance {terms.clearance} (it has {effective_clearance(party, None, facts.at)})"


def prospects(applicant: Party, facts: Facts) -> tuple[Prospect, ...]:
    """Return what each agreement in force that would admit a party means for it, as if it were vetted and had signed.

    What agreements name of other parties is told: an applicant reads what it would sign.
    """
    vetted = msgspec.structs.replace(applicant, status=PartyStatus.VETTED)
    return tuple(
        Prospect(
            agreement=one.document.name,
            version=one.document.version,
            title=one.document.title,
            purposes=one.document.purposes,
            gets=tuple(_told(one, _reads(one, vetted, facts), _OPENS)),
            gives=tuple(_told(one, _owns(one, vetted), (*_OPENS, Verb.PUBLISH))),
            held=tuple(_told(one, lambda _: True, (Verb.FORBID, Verb.RETAIN, Verb.PROTECT))),
        )
        for one in facts.in_force
        if eligible(one, vetted, facts.at)
    )


def _told(one: Activated, concerns: Callable[[Clause], bool], verbs: Collection[Verb]) -> Iterator[str]:
    return (
        f"clause {clause.id}: {clause_passage(one.document, clause).text}"
        for clause in one.document.clauses
        if clause.verb in verbs and concerns(clause)
    )


def _reads(one: Activated, party: Party, facts: Facts) -> Callable[[Clause], bool]:
    return lambda clause: could_read(clause.to, one.names, party, facts.at)


def _owns(one: Activated, party: Party) -> Callable[[Clause], bool]:
    def owns(clause: Clause) -> bool:
        return clause.of.owner is None or party.uri in {one.names.get(name) for name in clause.of.owner}

    return owns
