"""Whether an agreement lets a reader know of something that it may not read: that it exists, or in a total.

By default nobody knows of anything that they may not read. A ``reveal: existence`` clause says otherwise, for whom and
of what it says, between members. It opens nothing: it lets a party ask. A ``total: map`` clause lets a reader be told
totals that count it. What is forbidden, by a floor or a clause, is neither revealed nor in any total.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cedarpy
import msgspec

from tocsin.agreements.compile import compile_clause
from tocsin.agreements.document import Verb
from tocsin.agreements.gate import acting, decide, entities_for, request_for, slice_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.grants import Grant
    from tocsin.agreements.model import Label, Profile

__all__ = ["Revealed", "revealed", "totalled"]


class Revealed(NamedTuple):
    """The clause that lets somebody know; ``at_least``: in a total, of so many owners."""

    agreement: str
    version: int
    clause: str
    at_least: int = 0

    @property
    def id(self) -> str:
        """Return ``agreement/version/clause``."""
        return f"{self.agreement}/{self.version}/{self.clause}"


def revealed(
    profile: Profile, labels: Sequence[Label], facts: Facts, *, grants: Iterable[Grant] = ()
) -> list[Revealed | None]:
    """Return for each label the first clause that lets the reader know of it; None: none does, or it may read it."""
    return _let(Verb.REVEAL, profile, labels, facts, grants)


def totalled(
    profile: Profile, labels: Sequence[Label], facts: Facts, *, grants: Iterable[Grant] = ()
) -> list[Revealed | None]:
    """Return for each label the clause by which the reader may be told totals that count it; None: as ``revealed``.

    Of several clauses it is the one that asks for the fewest owners, and of these the first.
    """
    return _let(Verb.TOTAL, profile, labels, facts, grants)


def _let(
    verb: Verb, profile: Profile, labels: Sequence[Label], facts: Facts, grants: Iterable[Grant]
) -> list[Revealed | None]:
    # what ended is for its owner alone, so that a request for it could not be granted
    labels = [label.as_of(facts.at) for label in labels]
    slice_ = slice_for(profile, facts, grants=grants)
    verdicts = decide(slice_, profile, labels)
    policies, clauses = [], {}
    for one in facts.in_force:
        if profile.party not in facts.members[one.id]:
            continue
        for clause in one.document.clauses:
            if clause.verb is verb:
                # who may know is written as who may read is
                permit = msgspec.structs.replace(clause, verb=Verb.PERMIT)
                policy = compile_clause(one.document, permit, one.names).policy
                policies.append(policy.text)
                clauses[policy.id] = Revealed(one.document.name, one.document.version, clause.id, clause.at_least or 0)
    try:
        answers = cedarpy.is_authorized_batch(
            [request_for(index) for index in range(len(labels))],
            cedarpy.PolicySet.from_str("\n".join(policies)),
            entities_for(slice_, acting(profile), labels),  # as permits see the reader
        )
    except (ValueError, UnicodeEncodeError):
        return [None] * len(labels)  # what Cedar cannot hold nobody is told of
    found: list[Revealed | None] = []
    for verdict, answer in zip(verdicts, answers, strict=True):
        closed = verdict.allows or verdict.reasons or verdict.errors or answer.diagnostics.errors
        reasons = sorted(
            answer.diagnostics.id_annotations_by_reason.values(), key=lambda one: (clauses[one].at_least, one)
        )
        allowed = answer.decision is cedarpy.Decision.Allow and bool(reasons)
        found.append(None if closed or not allowed else clauses[reasons[0]])
    return found
