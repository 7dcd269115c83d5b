"""What nothing but an emergency annex opens: told by the permits that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.gate import decide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.gate import Slice
    from tocsin.agreements.model import Label, Profile, Verdict

__all__ = ["annexes_of", "opened_by_annexes"]


def annexes_of(verdict: Verdict, annexes: Mapping[str, str]) -> frozenset[str]:
    """Return the annexes, by id, without which a verdict would deny; none where another permit allows it as well.

    ``annexes`` are those of a ground: active ones, by the ids of their permits. Where several annexes open the same,
    all of them are named: each review is to know of it.
    """
    if not annexes or not verdict.allows or not verdict.reasons:
        return frozenset()
    found = [annexes.get(reason.policy_id) for reason in verdict.reasons]
    return frozenset() if None in found else frozenset(one for one in found if one is not None)


def opened_by_annexes(slice_: Slice, profile: Profile, labels: Mapping[int, Label]) -> dict[int, frozenset[str]]:
    """Return which labels, by id, are open to a reader by annexes alone, and by which."""
    annexes = slice_.ground.annexes
    if not annexes or not labels:
        return {}
    verdicts = zip(labels, decide(slice_, profile, list(labels.values())), strict=True)
    found = ((label_id, annexes_of(verdict, annexes)) for label_id, verdict in verdicts)
    return {label_id: by for label_id, by in found if by}
