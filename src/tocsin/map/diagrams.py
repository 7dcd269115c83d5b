"""Binary decision diagrams of monotone functions: what holds once enough has failed. Pure.

Reduced and ordered (Bryant 1986); only *and*, *or* and thresholds, so that whatever is built is monotone. Its minimal
sets after Rauzy (1993, *New algorithms for fault trees analysis*): with f = (x and f1) or f0 and f0 below f1, the
minimal sets of f are those of f0, and x with those of f1 that hold none of f0's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MOST_NODES", "MOST_STEPS", "NEVER", "SURELY", "Diagrams"]

NEVER: Final = 0
SURELY: Final = 1
# A node is some 200 bytes with its place in the tables: a quarter of a gigabyte.
MOST_NODES: Final = 1_000_000
# A function may stay small, and the way to it be long: some minutes on a machine of one's own.
MOST_STEPS: Final = 300_000_000
# Functions of two others that are remembered, to a node: a gigabyte in all.
_REMEMBERED: Final = 8
_SMALLER: Final = "ask for the sets of one and two, by cascades over some hours, or of a part of the map"
_LAST: Final = 1 << 60  # the rank of the two ends: below every variable


class Diagrams:
    """Functions of the same variables, 0 upwards in the order in which they are asked. A function is a number.

    ``most``: nodes in all; ``steps``: of work. ``LimitError`` above. Two functions are equal if and only if their
    numbers are.
    """

    def __init__(self, *, most: int = MOST_NODES, steps: int = MOST_STEPS) -> None:
        self.most = most
        self.steps = steps
        self._left = steps
        # by node: its variable, the function if that has failed, the function if it has not
        self._variable = [_LAST, _LAST]
        self._failed = [NEVER, SURELY]
        self._whole = [NEVER, SURELY]
        self._known: dict[tuple[int, int, int], int] = {}
        self._either: dict[tuple[int, int], int] = {}
        self._both: dict[tuple[int, int], int] = {}
        self._lacking: dict[tuple[int, int], int] = {}
        self._least: dict[int, int] = {}

    def spend(self, steps: int) -> None:
        """Count work that was done, or is about to be. Raises ``LimitError`` where it is more than ``steps`` in all."""
        self._left -= steps
        if self._left < 0:
            raise LimitError(f"it takes more than {self.steps:,} steps", todo=_SMALLER)

    def variable(self, number: int) -> int:
        """Return the function that holds once this variable has failed."""
        return self._node(number, SURELY, NEVER)

    def either(self, one: int, other: int) -> int:
        """Return the function that holds when one of these does."""
        self.spend(1)
        if one > other:
            one, other = other, one
        if one in (other, NEVER):
            return other
        if one == SURELY:
            return SURELY
        found = self._either.get((one, other))
        if found is None:
            top, (f1, f0), (g1, g0) = self._split(one, other)
            found = self._node(top, self.either(f1, g1), self.either(f0, g0))
            self._remember(self._either, (one, other), found)
        return found

    def both(self, one: int, other: int) -> int:
        """Return the function that holds when both of these do."""
        self.spend(1)
        if one > other:
            one, other = other, one
        if one in (other, SURELY):
            return other
        if one == NEVER:
            return NEVER
        found = self._both.get((one, other))
        if found is None:
            top, (f1, f0), (g1, g0) = self._split(one, other)
            found = self._node(top, self.both(f1, g1), self.both(f0, g0))
            self._remember(self._both, (one, other), found)
        return found

    def probability(self, function: int, chances: Sequence[float]) -> float:
        """Return how probable it is that a function holds, variables failing independently with these chances."""
        known: dict[int, float] = {NEVER: 0.0, SURELY: 1.0}
        for node in self._below(function):
            chance = chances[self._variable[node]]
            known[node] = chance * known[self._failed[node]] + (1 - chance) * known[self._whole[node]]
        return known[function]

    def minimal(self, function: int) -> int:
        """Return the minimal sets of a function, as a diagram in which a variable left out has not failed."""
        if function <= SURELY:
            return function
        found = self._least.get(function)
        if found is None:
            failed, whole = self._failed[function], self._whole[function]
            without = self.minimal(whole)
            found = self._set_node(self._variable[function], self._without(self.minimal(failed), whole), without)
            self._least[function] = found
        return found

    def count(self, sets: int) -> dict[int, int]:
        """Return how many sets of each size there are in what ``minimal`` returned."""
        return self._sizes(sets)[sets]

    def each(self, sets: int, size: int) -> Iterator[tuple[int, ...]]:
        """Yield the sets of this size in what ``minimal`` returned, each in the order of its variables."""
        sizes = self._sizes(sets)

        def down(node: int, left: int) -> Iterator[tuple[int, ...]]:
            if left not in sizes[node]:
                return  # else ways to sets of other sizes are gone, and there may be more of these than of anything
            if node == SURELY:
                yield ()
                return
            for rest in down(self._failed[node], left - 1):
                yield (self._variable[node], *rest)
            yield from down(self._whole[node], left)

        return down(sets, size)

    def _sizes(self, sets: int) -> dict[int, dict[int, int]]:
        """Return for each node below how many sets there are of which size."""
        known: dict[int, dict[int, int]] = {NEVER: {}, SURELY: {0: 1}}
        for node in self._below(sets):
            sizes = dict(known[self._whole[node]])
            for size, times in known[self._failed[node]].items():
                sizes[size + 1] = sizes.get(size + 1, 0) + times
            self.spend(len(sizes))
            known[node] = sizes
        return known

    def _without(self, sets: int, function: int) -> int:
        """Return those of some sets of which a function does not hold."""
        self.spend(1)
        if sets == NEVER or function == SURELY:
            return NEVER
        if function == NEVER or sets == SURELY:
            return sets
        found = self._lacking.get((sets, function))
        if found is None:
            top = self._variable[sets]
            while self._variable[function] < top:  # the sets have not that variable: it has not failed
                function = self._whole[function]
            if function == NEVER:
                return sets
            if function == SURELY:
                return NEVER
            failed, whole = function, function
            if self._variable[function] == top:
                failed, whole = self._failed[function], self._whole[function]
            found = self._set_node(
                top, self._without(self._failed[sets], failed), self._without(self._whole[sets], whole)
            )
            self._remember(self._lacking, (sets, function), found)
        return found

    def _split(self, one: int, other: int) -> tuple[int, tuple[int, int], tuple[int, int]]:
        top = min(self._variable[one], self._variable[other])
        return top, self._cofactors(one, top), self._cofactors(other, top)

    def _cofactors(self, function: int, top: int) -> tuple[int, int]:
        if self._variable[function] == top:
            return self._failed[function], self._whole[function]
        return function, function

    def _node(self, variable: int, failed: int, whole: int) -> int:
        return whole if failed == whole else self._made(variable, failed, whole)

    def _set_node(self, variable: int, failed: int, whole: int) -> int:
        """As ``_node``, of sets: a variable that is in none of them is left out (Minato 1993)."""
        return whole if failed == NEVER else self._made(variable, failed, whole)

    def _made(self, variable: int, failed: int, whole: int) -> int:
        found = self._known.get((variable, failed, whole))
        if found is None:
            found = len(self._variable)
            if found >= self.most:
                raise LimitError(f"the diagram has more than {self.most:,} nodes", todo=_SMALLER)
            self._variable.append(variable)
            self._failed.append(failed)
            self._whole.append(whole)
            self._known[variable, failed, whole] = found
        return found

    def _remember(self, table: dict[tuple[int, int], int], key: tuple[int, int], found: int) -> None:
        if len(self._either) + len(self._both) + len(self._lacking) >= _REMEMBERED * self.most:
            raise LimitError(f"the diagram has more than {self.most:,} nodes to remember", todo=_SMALLER)
        table[key] = found

    def _below(self, function: int) -> list[int]:
        """Return the nodes of a function, each after those that it leads to."""
        seen = {NEVER, SURELY}
        stack, order = [function], []
        while stack:
            node = stack[-1]
            if node in seen:
                stack.pop()
                continue
            following = [one for one in (self._failed[node], self._whole[node]) if one not in seen]
            if following:
                stack += following
            else:
                seen.add(node)
                order.append(node)
                stack.pop()
        return order
