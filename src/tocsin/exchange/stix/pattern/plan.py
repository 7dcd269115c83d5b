"""A pattern with its candidates: what has to be chosen, and within which time (STIX 2.1 §9.5).

Each observation expression becomes a *need*: so many of these observations. `REPEATS` multiplies needs, since it is
short for that many AND (§9.5.1); `OR` of plain expressions joins their candidates. What remains to choose is one branch
of an `OR`, the instant that splits a `FOLLOWEDBY`, and the instant at which a `WITHIN` begins.
"""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Final, TypeAlias

from tocsin.errors import LimitError
from tocsin.exchange.stix.pattern.model import (
    Expression,
    ExpressionGroup,
    Joiner,
    ObservationExpression,
    Qualifier,
    Repeats,
    Within,
)
from tocsin.exchange.stix.pattern.observed import UNITS, Instant, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.exchange.stix.pattern.observed import Observed

__all__ = [
    "ALWAYS",
    "MAX_COPIES",
    "MAX_DEPTH",
    "All",
    "Between",
    "Either",
    "Need",
    "Node",
    "Part",
    "Span",
    "Then",
    "Window",
    "plan",
]

MAX_COPIES: Final = 1_000
"""REPEATS of an expression in which something is to choose: each repetition chooses anew, and is a copy of it."""

MAX_DEPTH: Final = 64
"""Groups and qualifiers within each other, when a pattern is matched: the search descends, and the stack has an end."""

Window: TypeAlias = tuple[Instant, Instant]
"""From the first instant to before the second."""

ALWAYS: Final[Window] = (-(10**40), 10**40)  # beyond the years 0 and 9999, in attoseconds

Part: TypeAlias = tuple[ObservationExpression, frozenset[int]]
"""An observation expression, and which observations satisfy it, by their numbers."""


class Need:
    """`demand` of the observations `numbers`, which are ordered by `times`; their counts add up to `totals`."""

    def __init__(self, parts: tuple[Part, ...], demand: int, observed: Sequence[Observed]) -> None:
        self.parts = parts
        self.depth: int = 0
        self.demand = demand
        self.observed = observed
        numbers = sorted(frozenset().union(*(part[1] for part in parts)), key=lambda one: (observed[one].at, one))
        self.numbers = numbers
        self.times: list[Instant] = [observed[one].at for one in numbers]
        self.totals = [0, *accumulate(observed[one].count for one in numbers)]

    def within(self, window: Window) -> tuple[int, int]:
        """Give the slice of `numbers` in a window."""
        return bisect_left(self.times, window[0]), bisect_left(self.times, window[1])


class _Group:
    """Several nodes, with the instants at which something can be observed for any of them."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.depth: int = 1 + max(node.depth for node in nodes)
        if self.depth > MAX_DEPTH:
            what = f"more than {MAX_DEPTH} groups and qualifiers within each other are more than is matched"
            raise LimitError(what, todo="join fewer levels of observation expressions")
        self._times: list[Instant] | None = None

    @property
    def times(self) -> list[Instant]:
        if self._times is None:
            self._times = sorted({time for node in self.nodes for time in node.times})
        return self._times


class All(_Group):
    """Each of the nodes, by different observations (AND)."""


class Either(_Group):
    """One of the nodes (OR)."""


class Then(_Group):
    """Each of the nodes, none with an observation before the last of the one before it (FOLLOWEDBY)."""


class Span(_Group):
    """The one node, with all of its observations less than `length` apart (WITHIN)."""

    def __init__(self, node: Node, length: Instant) -> None:
        super().__init__((node,))
        self.length = length


class Between(_Group):
    """The one node, with all of its observations in a window (START, STOP)."""

    def __init__(self, node: Node, window: Window) -> None:
        super().__init__((node,))
        self.window = window


Node: TypeAlias = Need | All | Either | Then | Span | Between


def plan(
    pattern: Expression, candidates: Callable[[ObservationExpression], frozenset[int]], observed: Sequence[Observed]
) -> Node:
    """Make the plan of a pattern. `candidates` tells the observations that satisfy one observation expression.

    Raises:
        LimitError: too many repetitions of what has to be chosen anew each time.
    """
    if isinstance(pattern, ObservationExpression):
        return Need(((pattern, candidates(pattern)),), 1, observed)
    if isinstance(pattern, ExpressionGroup):
        nodes = tuple(plan(operand, candidates, observed) for operand in pattern.operands)
        if pattern.joiner is Joiner.AND:
            return All(nodes)
        if pattern.joiner is Joiner.FOLLOWED_BY:
            return Then(nodes)
        return _either(nodes, observed)
    found = plan(pattern.expression, candidates, observed)
    for qualifier in pattern.qualifiers:
        found = _qualified(found, qualifier, observed)
    return found


def _either(nodes: tuple[Node, ...], observed: Sequence[Observed]) -> Node:
    plain = [node for node in nodes if isinstance(node, Need) and node.demand == 1]
    others = [node for node in nodes if not (isinstance(node, Need) and node.demand == 1)]
    joined = [Need(tuple(part for node in plain for part in node.parts), 1, observed)] if plain else []
    return joined[0] if joined and not others else Either((*joined, *others))


def _qualified(node: Node, qualifier: Qualifier, observed: Sequence[Observed]) -> Node:
    if isinstance(qualifier, Repeats):
        return _repeated(node, qualifier, observed)
    if isinstance(qualifier, Within):
        # §9.5.1: the latest is before the earliest plus the length; instants are whole units, so rounding up is exact
        length = ceil(Fraction(qualifier.seconds) * UNITS)
        return node if isinstance(node, Need) and node.demand == 1 else Span(node, length)
    return Between(node, (instant(qualifier.begin), instant(qualifier.stop)))


def _repeated(node: Node, qualifier: Repeats, observed: Sequence[Observed]) -> Node:
    if isinstance(node, Need):
        return Need(node.parts, node.demand * qualifier.times, observed)
    if isinstance(node, All):
        return All(tuple(_repeated(one, qualifier, observed) for one in node.nodes))
    if isinstance(node, Between):
        return Between(_repeated(node.nodes[0], qualifier, observed), node.window)
    if qualifier.times > MAX_COPIES:
        raise LimitError(
            f"more than {MAX_COPIES:,} repetitions of an expression with OR, FOLLOWEDBY or WITHIN",
            where=f"character {qualifier.start + 1}",
            todo="repeat the observation expressions inside of it",
        )
    return All((node,) * qualifier.times)
