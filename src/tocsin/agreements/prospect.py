"""What agreements in force would mean for an applicant: what it would get, give and be held to.

Read from the same clauses as the policies, each as `tocsin agreement show --prose` prints it; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Verb
from tocsin.agreements.facts import could_read, eligible
from tocsin.agreements.prose import clause_passage
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tocsin.agreements.document import Clause
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.parties.model import Party

__all__ = ["Prospect", "prospects"]

_OPENS: Final = (Verb.PERMIT, Verb.REVEAL)


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement that an applicant could join; each text is one clause."""

    agreement: str
    version: int
    title: str
    purposes: tuple[str, ...]
    gets: tuple[str, ...]  # what it may read or know of, where it meets what the clause asks of the reader's party
    gives: tuple[str, ...]  # under which others read or know of what it contributes, or it is published
    held: tuple[str, ...]  # forbids, retention, protection


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
