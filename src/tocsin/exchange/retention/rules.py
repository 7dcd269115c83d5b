"""Which retain clauses bind a contribution, and when what they ask is due. Pure.

A contribution is bound by the retain clauses of every agreement that its owner joined, in the last of its versions that
the owner joined and that came into force, whose ``of`` covers its label. They bind it from its submission, whenever the
agreement was signed, and go on to do so when the agreement is suspended or over, when the owner left it, and when a new
version came into force that the owner is no party to: a lapse may take permits away, and never a duty. What is
submitted after the owner left, or after the term, they do not bind. Each clause speaks for itself: of several that
purge the first that is due does it, and a review neither delays nor replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import heeded, left_behind
from tocsin.agreements.terms import covers
from tocsin.exchange.retention.model import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.membership import Standing
    from tocsin.agreements.model import Label
    from tocsin.kernel.clock import Micros

__all__ = ["binding", "bound_by", "due_at", "rules_for"]


def binding(versions: Iterable[Standing]) -> tuple[Activated, ...]:
    """Return the versions whose retain clauses bind somebody, of all that there are."""
    known = tuple(versions)
    return (*heeded(known)[0], *left_behind(known))


def bound_by(one: Activated) -> Collection[str]:
    """Return whose contributions a version's retain clauses bind: of a superseded one, of whom it left behind."""
    return one.left.keys() if one.status is AgreementStatus.SUPERSEDED else one.joined


def rules_for(label: Label, bound: Sequence[Activated]) -> tuple[Rule, ...]:
    """Return the retain clauses that bind what carries a label, the first due first."""
    found = [
        Rule(
            agreement=one.document.name,
            version=one.document.version,
            clause=clause.id,
            lasts=clause.retain.lasts,
            then=clause.retain.then,
            until=_until(one, label.owner),
        )
        for one in bound
        if label.owner in bound_by(one)
        for clause in one.document.clauses
        if clause.retain is not None and covers(clause.of, label, one.names)
    ]
    return tuple(sorted(found, key=lambda rule: (rule.lasts, rule.reference)))


def _until(agreement: Activated, owner: str) -> Micros | None:
    """Return when an owner leaves an agreement, or its term ends: what is submitted later is not shared under it."""
    ends = [one for one in (agreement.left.get(owner), agreement.document.ends) if one is not None]
    return min(ends, default=None)


def due_at(submitted: Micros, rule: Rule) -> Micros:
    """Return when what a clause asks of a contribution is due."""
    return submitted + rule.lasts
