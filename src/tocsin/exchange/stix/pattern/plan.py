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


class _Chosen:
    """What a node may choose from: `numbers` of observations in the order of `times`, and what they amount to.

    `moments` are the different times. `least` is how many observations it takes at least.
    """

    def __init__(self, numbers: frozenset[int], observed: Sequence[Observed], *, least: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            what = f"more than {MAX_DEPTH} groups and qualifiers within each other are more than is matched"
            raise LimitError(what, todo="join fewer levels of observation expressions")
        self.chosen = numbers
        self.observed = observed
        self.least = least
        self.depth = depth
        self.numbers = sorted(numbers, key=lambda one: (observed[one].at, one))
        self.times: list[Instant] = [observed[one].at for one in self.numbers]
        self.moments = sorted(set(self.times))
        self._totals = [0, *accumulate(observed[one].count for one in self.numbers)]

    def within(self, window: Window) -> tuple[int, int]:
        """Give the slice of `numbers` in a window."""
        return bisect_left(self.times, window[0]), bisect_left(self.times, window[1])

    def amount(self, window: Window) -> int:
        """Give how often they were observed in a window, all together."""
        first, last = self.within(window)
        return self._totals[last] - self._totals[first]


class Need(_Chosen):
    """`least` of the observations that satisfy any of the parts."""

    def __init__(self, parts: tuple[Part, ...], demand: int, observed: Sequence[Observed]) -> None:
        super().__init__(frozenset().union(*(part[1] for part in parts)), observed, least=demand, depth=0)
        self.parts = parts


class _Group(_Chosen):
    """Several nodes."""

    def __init__(self, nodes: tuple[Node, ...], least: int) -> None:
        distinct = {id(node): node for node in nodes}.values()  # a repetition is the same node many times
        numbers: frozenset[int] = frozenset().union(*(node.chosen for node in distinct))
        depth = 1 + max(node.depth for node in distinct)
        super().__init__(numbers, nodes[0].observed, least=least, depth=depth)
        self.nodes = nodes


class All(_Group):
    """Each of the nodes, by different observations (AND)."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        super().__init__(nodes, sum(node.least for node in nodes))


class Either(_Group):
    """One of the nodes (OR)."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        super().__init__(nodes, min(node.least for node in nodes))


class Then(_Group):
    """Each of the nodes, none with an observation before the last of the one before it (FOLLOWEDBY).

    `least_from` is what the nodes from each place on take at least.
    """

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        super().__init__(nodes, sum(node.least for node in nodes))
        self.least_from = [*accumulate(node.least for node in reversed(nodes))][::-1]


class Span(_Group):
    """The one node, with all of its observations less than `length` apart (WITHIN)."""

    def __init__(self, node: Node, length: Instant) -> None:
        super().__init__((node,), node.least)
        self.length = length


class Between(_Group):
    """The one node, with all of its observations in a window (START, STOP)."""

    def __init__(self, node: Node, window: Window) -> None:
        super().__init__((node,), node.least)
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
    plain = [node for node in nodes if isinstance(node, Need) and node.least == 1]
    others = [node for node in nodes if not (isinstance(node, Need) and node.least == 1)]
    joined = [Need(tuple(part for node in plain for part in node.parts), 1, observed)] if plain else []
    return joined[0] if joined and not others else Either((*joined, *others))


def _qualified(node: Node, qualifier: Qualifier, observed: Sequence[Observed]) -> Node:
    if isinstance(qualifier, Repeats):
        return _repeated(node, qualifier, observed)
    if isinstance(qualifier, Within):
        # §9.5.1: the latest is before the earliest plus the length; instants are whole units, so rounding up is exact
        length = ceil(Fraction(qualifier.seconds) * UNITS)
        return node if isinstance(node, Need) and node.least == 1 else Span(node, length)
    return Between(node, (instant(qualifier.begin), instant(qualifier.stop)))


def _repeated(node: Node, qualifier: Repeats, observed: Sequence[Observed]) -> Node:
    if isinstance(node, Need):
        return Need(node.parts, node.least * qualifier.times, observed)
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
