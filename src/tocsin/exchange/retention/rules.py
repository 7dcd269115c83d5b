"""Which retain clauses bind a contribution, and when what they ask is due. Pure.

A contribution is bound by the retain clauses of every agreement that its owner joined, in the last version that came
into force, whose ``of`` covers its label. They bind it from its submission, whenever the agreement was signed, and go
on to do so when the agreement is suspended or over: a lapse may take permits away, and never a duty. Each clause
speaks for itself: of several that purge the first that is due does it, and a review neither delays nor replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.document.terms import Then
from tocsin.agreements.life import HEEDED
from tocsin.agreements.terms import covers
from tocsin.exchange.retention.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.life import AgreementStatus
    from tocsin.agreements.model import Label
    from tocsin.kernel.clock import Micros

__all__ = ["binding", "due_at", "first_purge", "rules_for"]


def binding(versions: Iterable[tuple[Activated, AgreementStatus]]) -> tuple[Activated, ...]:
    """Return the versions whose retain clauses bind, of all that there are."""
    return tuple(one for one, status in versions if status in HEEDED)


def rules_for(label: Label, bound: Sequence[Activated]) -> tuple[Rule, ...]:
    """Return the retain clauses that bind what carries a label, the first due first."""
    found = [
        Rule(
            agreement=one.document.name,
            version=one.document.version,
            clause=clause.id,
            lasts=clause.retain.lasts,
            then=clause.retain.then,
        )
        for one in bound
        if label.owner in one.joined
        for clause in one.document.clauses
        if clause.retain is not None and covers(clause.of, label, one.names)
    ]
    return tuple(sorted(found, key=lambda rule: (rule.lasts, rule.reference)))


def first_purge(rules: Iterable[Rule]) -> Rule | None:
    """Return the clause that purges first, if any does."""
    return min((rule for rule in rules if rule.then is Then.PURGE), key=lambda rule: rule.lasts, default=None)


def due_at(submitted: Micros, rule: Rule) -> Micros:
    """Return when what a clause asks of a contribution is due."""
    return submitted + rule.lasts
