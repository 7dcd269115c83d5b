"""Whether an agreement lets a reader know that something exists which it may not read.

By default nobody knows of anything that they may not read. A ``reveal: existence`` clause says otherwise, for whom and
of what it says, between members. It opens nothing: it lets a party ask. What is forbidden, by a floor or a clause, is
not revealed: a request for it could not be granted.
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

__all__ = ["Revealed", "revealed"]


class Revealed(NamedTuple):
    """The clause that lets somebody know."""

    agreement: str
    version: int
    clause: str


def revealed(
    profile: Profile, labels: Sequence[Label], facts: Facts, *, grants: Iterable[Grant] = ()
) -> list[Revealed | None]:
    """Return for each label the first clause that lets the reader know of it; None: none does, or it may read it."""
    # what ended is for its owner alone, so that a request for it could not be granted
    labels = [label.as_of(facts.at) for label in labels]
    slice_ = slice_for(profile, facts, grants=grants)
    verdicts = decide(slice_, profile, labels)
    policies, clauses = [], {}
    for one in facts.in_force:
        if profile.party not in facts.members[one.id]:
            continue
        for clause in one.document.clauses:
            if clause.verb is Verb.REVEAL:
                # who may know is written as who may read is
                permit = msgspec.structs.replace(clause, verb=Verb.PERMIT)
                policy = compile_clause(one.document, permit, one.names).policy
                policies.append(policy.text)
                clauses[policy.id] = Revealed(one.document.name, one.document.version, clause.id)
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
        reasons = sorted(answer.diagnostics.id_annotations_by_reason.values())
        allowed = answer.decision is cedarpy.Decision.Allow and bool(reasons)
        found.append(None if closed or not allowed else clauses[reasons[0]])
    return found
