"""What agreements in force would mean for an applicant: what it would get, give and be held to.

Read from the same clauses as the policies, each in the sentence that `tocsin why` uses; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.compile import compile_clause, listed
from tocsin.agreements.document import Verb
from tocsin.agreements.explain import clause_sentence
from tocsin.agreements.facts import eligible, meets
from tocsin.kernel.clock import DAY
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.agreements.document import Clause
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.parties.model import Party

__all__ = ["Prospect", "prospects"]


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement that an applicant could join; each text is one clause."""

    agreement: str
    version: int
    title: str
    purposes: tuple[str, ...]
    gets: tuple[str, ...]  # permits whose conditions on the reader's party it meets
    gives: tuple[str, ...]  # permits under which others read what it contributes
    held: tuple[str, ...]  # forbids, retention, protection, publishing


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
            gets=tuple(_sentence(one, clause) for clause in _permits(one) if _reads(one, clause, vetted, facts)),
            gives=tuple(_sentence(one, clause) for clause in _permits(one) if _owns(one, clause, vetted)),
            held=tuple(_held(one)),
        )
        for one in facts.in_force
        if eligible(one, vetted, facts.at)
    )


def _permits(one: Activated) -> Iterator[Clause]:
    return (clause for clause in one.document.clauses if clause.verb is Verb.PERMIT)


def _reads(one: Activated, clause: Clause, party: Party, facts: Facts) -> bool:
    """Return whether a party meets what a permit asks of the reader's party; role and person are another question."""
    named = clause.to.parties
    return (not named or party.uri in {one.names.get(name) for name in named}) and meets(clause.to, party, facts.at)


def _owns(one: Activated, clause: Clause, party: Party) -> bool:
    return clause.of.owner is None or party.uri in {one.names.get(name) for name in clause.of.owner}


def _sentence(one: Activated, clause: Clause) -> str:
    said = clause_sentence(compile_clause(one.document, clause, one.names))
    return said if clause.emergency is None else f"only while the annex {clause.emergency} is active: {said}"


def _held(one: Activated) -> Iterator[str]:
    for clause in one.document.clauses:
        head = f"clause {clause.id} of {one.id.replace('/', ' version ')}"
        types = f" of the type {listed(clause.of.type, last='or')}" if clause.of.type else ""
        match clause.verb:
            case Verb.FORBID:
                yield _sentence(one, clause)
            case Verb.RETAIN if clause.retain is not None:
                days = clause.retain.lasts // DAY
                yield f"{head} keeps what is shared{types} for {days} days, then: {clause.retain.then}"
            case Verb.PROTECT if clause.protect is not None:
                yield f"{head} rules out uses of what is shared{types}: {listed(clause.protect.uses, last='and')}"
            case Verb.PUBLISH if clause.publish is not None:
                terms = clause.publish
                yield (
                    f"{head} makes a sanitised version ({terms.sanitised}) of what is shared{types}, as TLP:"
                    f"{terms.tlp.upper()}, attribution {terms.attribution}, approved by: {terms.approve}"
                )
            case _:
                pass
