"""What a new version changes that no figure tells: clauses that publish, reveal, total, retain or protect; annexes.

Pure. An impact counts what the gate decides today. These clauses show nothing to a reader by themselves, or not yet,
and yet are what people sign: so they are told in words, with whom each of them reaches now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.diff import Change
from tocsin.agreements.document import Verb
from tocsin.agreements.facts import could_read
from tocsin.agreements.prose import clause_passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.agreements.document import Clause
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.agreements.prospective import Prospective

__all__ = ["Uncounted", "uncounted"]

_COUNTED: Final = (Verb.PERMIT, Verb.FORBID)


class Uncounted(msgspec.Struct, frozen=True, kw_only=True):
    """One such clause that comes, goes or says something else. ``before`` and ``after``: its sentence, if it is there.

    ``parties`` are those whom it reaches, as they are when the version comes into force (when it goes: whom it reached
    until then), by URI: of ``reveal``, ``total`` and an annex the members who would know, be told or read; of
    ``publish``, ``retain`` and ``protect`` the owners whose objects it covers.
    """

    clause: str
    verb: Verb
    annex: str | None
    change: Change
    before: str | None
    after: str | None
    parties: tuple[str, ...]


def uncounted(prospect: Prospective) -> tuple[Uncounted, ...]:
    """Return the clauses that come, change or go without a figure, in the order of the new document, then the old."""
    coming = prospect.coming
    going = next(
        (one for one in prospect.before.agreements if one.document.name == prospect.document.name),
        None,
    )
    new = _of(coming)
    old = {} if going is None else _of(going)
    return tuple(_compared(prospect, going, coming, old, new))


def _of(one: Activated) -> dict[str, tuple[Clause, str]]:
    return {
        clause.id: (clause, clause_passage(one.document, clause).text)
        for clause in one.document.clauses
        if clause.verb not in _COUNTED or clause.emergency is not None
    }


def _compared(
    prospect: Prospective,
    going: Activated | None,
    coming: Activated,
    old: dict[str, tuple[Clause, str]],
    new: dict[str, tuple[Clause, str]],
) -> Iterator[Uncounted]:
    for number, (clause, text) in new.items():
        was = old.get(number)
        if was is None or was[1] != text:
            yield Uncounted(
                clause=number,
                verb=clause.verb,
                annex=clause.emergency,
                change=Change.ADDED if was is None else Change.CHANGED,
                before=None if was is None else was[1],
                after=text,
                parties=_reached(clause, coming, prospect.after),
            )
    for number, (clause, text) in old.items():
        if number not in new and going is not None:
            yield Uncounted(
                clause=number,
                verb=clause.verb,
                annex=clause.emergency,
                change=Change.REMOVED,
                before=text,
                after=None,
                parties=_reached(clause, going, prospect.before),
            )


def _reached(clause: Clause, one: Activated, facts: Facts) -> tuple[str, ...]:
    if clause.verb in (Verb.PERMIT, Verb.REVEAL, Verb.TOTAL):
        members = facts.members.get(one.id, frozenset())
        return tuple(sorted(uri for uri in members if could_read(clause.to, one.names, facts.parties[uri], facts.at)))
    owners = None if clause.of.owner is None else {one.names[name] for name in clause.of.owner}
    among = facts.members if clause.verb is Verb.PUBLISH else facts.bound
    return tuple(sorted(uri for uri in among.get(one.id, frozenset()) if owners is None or uri in owners))
