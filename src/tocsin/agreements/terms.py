"""What clauses other than permits and forbids say of an object: which of them cover it, which terms go with it. Pure.

Whether something may be read is Cedar's to decide and never asked here. That ``covers`` reads conditions on an object
as the policies do is a law that the tests hold against Cedar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Clause, Onward, Survives, Verb
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tocsin.agreements.document import LabelTerms
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.agreements.model import Reason

__all__ = ["ONWARD_ORDER", "SILENT_TLP", "Protection", "Terms", "binding", "clauses_for", "covers", "terms_for"]

# A clause that lets something out and says nothing of TLP: the strictest markings never leave by silence.
SILENT_TLP: Final = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)

ONWARD_ORDER: Final = (Onward.NONE, Onward.OWN_ORGANISATION, Onward.CLIENTS, Onward.COMMUNITY, Onward.AS_MARKED)
"""Narrowest first; the last leaves it to the object's own marking."""


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """A protect clause that goes with an object: which uses are ruled out, and what that outlives."""

    agreement: str
    version: int
    clause: str
    uses: tuple[str, ...]
    survives: Survives | None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with an object to one reader. ``onward`` is the narrowest that any clause says which let it out."""

    onward: Onward
    protect: tuple[Protection, ...]


def covers(terms: LabelTerms, label: Label, names: Mapping[str, str]) -> bool:
    """Return whether conditions on an object hold of a label: all that are given.

    Args:
        terms: what stands under ``of``; silent about TLP, it covers every TLP (but see ``clauses_for``).
        label: of the object.
        names: the URI of every party that the document mentions by its short name.

    Raises:
        InputError: a name is missing.
    """
    return (
        (terms.tlp is None or label.tlp in terms.tlp.values)
        and (terms.pap is None or label.pap in terms.pap.values)
        and (terms.type is None or label.type in terms.type)
        and _some(terms.category, label.categories)
        and (terms.without is None or label.categories.isdisjoint(terms.without))
        and _some(terms.sectors, label.sectors)
        and _some(terms.countries, label.countries)
        and (terms.residency is None or label.residency in terms.residency)
        and (terms.owner is None or label.owner in {_uri(name, names) for name in terms.owner})
    )


def clauses_for(verb: Verb, label: Label, facts: Facts) -> Iterator[tuple[Activated, Clause]]:
    """Yield the clauses of a verb that cover a label, of every agreement that its owner is bound by.

    In the agreements' order, then the document's. What lets something out (``permit``, ``publish``) is of agreements in
    force; everything else is of suspended and terminated ones too, and of clauses that survive an owner's withdrawal. A
    ``publish`` clause that says nothing of TLP covers CLEAR, GREEN and AMBER only. Whether a clause's legal bases hold
    is asked of ``facts.holds``, with the agreement's graces.
    """
    opens = verb in (Verb.PERMIT, Verb.PUBLISH)
    for one, surviving in binding(label.owner, facts):
        if opens and (surviving or one.status is not AgreementStatus.IN_FORCE):
            continue
        for clause in one.document.clauses:
            if surviving and clause.id not in one.survivors:
                continue
            silent = clause.of.tlp is None and clause.verb is Verb.PUBLISH and label.tlp not in SILENT_TLP
            if clause.verb is verb and not silent and covers(clause.of, label, one.names):
                yield one, clause


def binding(party: str, facts: Facts) -> Iterator[tuple[Activated, bool]]:
    """Yield the agreements in their term that bind a party, each with whether only what survives in it does."""
    for one in facts.in_term:
        if party in facts.bound[one.id]:
            yield one, False
    for one, gone in facts.departed:
        if party in gone:
            yield one, True


def terms_for(label: Label, facts: Facts, *, reader: str, reasons: Iterable[Reason]) -> Terms:
    """Return what goes with an object to a reader's party.

    A protection goes with it where both ends are bound by the agreement that has the clause. The legal bases under a
    protect clause are what it cites: their lapse takes no protection away.

    Args:
        label: of the object.
        facts: what is true at that instant.
        reader: the URI of the reader's party.
        reasons: of the verdict that let it out.
    """
    by_id = {one.id: one for one in facts.in_force}
    bound = {one.id for one, _ in binding(reader, facts)}
    onward = Onward.AS_MARKED
    for reason in reasons:
        one = by_id.get(f"{reason.agreement}/{reason.version}")
        clause = one.document.clause(reason.clause) if one is not None else None
        if clause is not None and clause.onward is not None:
            onward = min(onward, clause.onward, key=ONWARD_ORDER.index)
    protections = tuple(
        Protection(
            agreement=one.document.name,
            version=one.document.version,
            clause=clause.id,
            uses=clause.protect.uses,
            survives=clause.protect.survives,
        )
        for one, clause in clauses_for(Verb.PROTECT, label, facts)
        if clause.protect is not None and one.id in bound
    )
    return Terms(onward=onward, protect=protections)


def _some(wanted: tuple[str, ...] | None, has: frozenset[str]) -> bool:
    return wanted is None or not has.isdisjoint(wanted)


def _uri(name: str, names: Mapping[str, str]) -> str:
    try:
        return names[name]
    except KeyError:
        raise InputError(f"the agreement names {name!r}, which is no party here", todo="add the party first") from None
