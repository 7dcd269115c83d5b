"""Matching: does a pattern hold for observations, and by which of them (STIX 2.1 §9.3, §9.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.exchange.stix.pattern.observed import MAX_STEPS, Budget
from tocsin.exchange.stix.pattern.paths import satisfier
from tocsin.exchange.stix.pattern.plan import plan
from tocsin.exchange.stix.pattern.search import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.exchange.stix.pattern.model import Expression, ObservationExpression
    from tocsin.exchange.stix.pattern.observed import Observed
    from tocsin.exchange.stix.pattern.search import Taken

__all__ = ["Bound", "Match", "match"]


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """One observation that satisfies an observation expression, given by its place in the text: how many `times`."""

    start: int
    end: int
    observed: str
    times: int


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the pattern holds, and one way in which it does: for each expression in use the observations bound to it.

    There may be other ways. `steps` is what deciding it cost.
    """

    matched: bool
    bound: tuple[Bound, ...]
    steps: int

    @property
    def observed(self) -> tuple[str, ...]:
        """The observations that are bound to anything, each once."""
        return tuple(dict.fromkeys(one.observed for one in self.bound))


def match(pattern: Expression, observed: Sequence[Observed], *, max_steps: int = MAX_STEPS) -> Match:
    """Match a pattern against observations, which may come in any order.

    Raises:
        InputError: the pattern uses a regular expression that is not supported.
        LimitError: it would take more than `max_steps`, or a regular expression or value is too large.
    """
    budget = Budget(max_steps)

    def candidates(expression: ObservationExpression) -> frozenset[int]:
        satisfied = satisfier(expression.comparison, budget)
        return frozenset(number for number, one in enumerate(observed) if satisfied(one))

    found = solve(plan(pattern, candidates, observed), observed, budget)
    bound = () if found is None else _bound(found, observed)
    return Match(matched=found is not None, bound=bound, steps=budget.steps - budget.left)


def _bound(found: list[Taken], observed: Sequence[Observed]) -> tuple[Bound, ...]:
    """Tell what was given to which expression; of several in one need, to the first that the observation satisfies."""
    times: dict[tuple[int, int, int], int] = {}
    for need, given in found:
        for number, amount in given.items():
            expression = next(part for part, satisfying in need.parts if number in satisfying)
            key = (expression.start, expression.end, number)
            times[key] = times.get(key, 0) + amount
    return tuple(
        Bound(start=start, end=end, observed=observed[number].id, times=amount)
        for (start, end, number), amount in sorted(times.items())
    )
