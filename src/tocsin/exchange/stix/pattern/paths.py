"""Which observations satisfy the comparisons of one observation expression (STIX 2.1 §9.5 to §9.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.exchange.stix.pattern.model import Comparison, Joiner, ObjectPath, Operator, Test
from tocsin.exchange.stix.pattern.values import native, predicate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.exchange.stix.pattern.observed import Budget, Observed, ScoValue
    from tocsin.exchange.stix.pattern.values import Predicate

__all__ = ["satisfier"]

_SEARCHED_PER_STEP = 256
"""Characters that count as one step: what RE2 reads in the time of one comparison."""


def satisfier(comparison: Comparison, budget: Budget) -> Callable[[Observed], bool]:
    """Make the test of one observation: whether one of its objects satisfies all of the comparison by itself.

    One object, because AND joins comparisons of one object and of what that refers to (§9.5).

    Raises:
        InputError: a regular expression that is not supported.
        LimitError: a regular expression that is too large.
    """
    predicates = {id(test): predicate(test) for test in _tests(comparison)}

    def satisfied(observed: Observed) -> bool:
        return any(_holds(comparison, root, observed.known, predicates, budget) for root in observed.objects)

    return satisfied


def _tests(comparison: Comparison) -> list[Test]:
    if isinstance(comparison, Test):
        return [comparison]
    return [test for operand in comparison.operands for test in _tests(operand)]


def _holds(
    comparison: Comparison,
    root: ScoValue,
    known: Mapping[str, ScoValue],
    predicates: Mapping[int, Predicate],
    budget: Budget,
) -> bool:
    if not isinstance(comparison, Test):
        found = (_holds(operand, root, known, predicates, budget) for operand in comparison.operands)
        return all(found) if comparison.joiner is Joiner.AND else any(found)
    budget.spend()
    if root.get("type") != comparison.path.object_type:
        return False
    values = _values(comparison.path, root, known, budget)
    if comparison.operator is Operator.EXISTS:
        return bool(values) != comparison.negated
    holds = predicates[id(comparison)]
    for value in values:
        if isinstance(value, str | bytes):
            budget.spend(len(value) // _SEARCHED_PER_STEP)
        if holds(value):
            return True
    return False


def _values(path: ObjectPath, root: ScoValue, known: Mapping[str, ScoValue], budget: Budget) -> list[object]:
    """Follow a path to all values that it leads to; none, where it leads nowhere (§9.7)."""
    found: list[object] = [root]
    name = ""
    for step in path.steps:
        reached: list[object] = []
        if isinstance(step, str):
            refers = name.endswith(("_ref", "_refs"))
            for value in found:
                # §9.7.4: a reference that the path goes beyond stands for the object that it names
                holder = known.get(value) if refers and isinstance(value, str) else value
                if isinstance(holder, dict) and holder.get(step) is not None:
                    reached.append(holder[step])
            name = step
        elif step is None:
            for value in found:
                if isinstance(value, list):
                    reached.extend(value)
        else:
            reached = [value[step] for value in found if isinstance(value, list) and step < len(value)]
        budget.spend(len(reached))
        found = _distinct(reached)
        if not found:
            break
    return [native(name, value) for value in found]


def _distinct(values: list[object]) -> list[object]:
    """Leave out what was reached twice: else references that lead to each other double the values with each step."""
    if len(values) < 2:  # noqa: PLR2004  one is distinct
        return values
    return list({value if isinstance(value, str) else id(value): value for value in values}.values())
