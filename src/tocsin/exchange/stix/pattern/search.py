"""Choosing observations for a plan: every need its own, each observation as often as it was observed at most.

With every branch, split and beginning chosen, it is a flow from needs to observations, and augmenting paths decide it.
The choices are tried in order, and a choice whose parts could not even be satisfied each by itself is left out. All
that is done costs steps of a budget: a pattern can be made to need exponentially many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tocsin.exchange.stix.pattern.plan import ALWAYS, All, Between, Either, Need, Node, Span, Then, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tocsin.exchange.stix.pattern.observed import Budget, Observed

__all__ = ["Taken", "solve"]


class Taken(NamedTuple):
    """How many of which observations, by their numbers, a need was given."""

    need: Need
    given: dict[int, int]


class _Goal(NamedTuple):
    """What is still to satisfy, in which window; of a `Then`, its nodes from `first` on. The rest of them in `rest`."""

    node: Node
    window: Window
    first: int
    rest: _Goal | None


_Change: TypeAlias = tuple[int, int, int]  # which demand, which observation, how many


class _Flow:
    """Which demand has how many of which observations; every change can be taken back."""

    def __init__(self, observed: Sequence[Observed], budget: Budget) -> None:
        self.left = [one.count for one in observed]
        self.users: list[dict[int, None]] = [{} for _ in observed]
        self.taken: list[Taken] = []
        self.windows: list[tuple[int, int]] = []
        self.trail: list[_Change] = []
        self.budget = budget

    def mark(self) -> tuple[int, int]:
        return len(self.trail), len(self.taken)

    def undo(self, mark: tuple[int, int]) -> None:
        while len(self.trail) > mark[0]:
            demand, number, amount = self.trail.pop()
            self.budget.spend()
            self._change(demand, number, -amount)
        del self.taken[mark[1] :]
        del self.windows[mark[1] :]

    def give(self, need: Need, window: Window) -> bool:
        """Satisfy one more need, moving what others have where they can have something else."""
        if need.amount(window) < need.least:
            return False
        first, last = need.within(window)
        demand = len(self.taken)
        self.taken.append(Taken(need, {}))
        self.windows.append((first, last))
        missing = need.least
        for number in need.numbers[first:last]:
            self.budget.spend()
            amount = min(missing, self.left[number])
            if amount:
                self._move(demand, number, amount)
                missing -= amount
                if not missing:
                    return True
        while missing:
            amount = self._augment(demand, missing)
            if not amount:
                return False
            missing -= amount
        return True

    def _augment(self, demand: int, most: int) -> int:
        """Find the shortest chain of moves that frees something for a demand; make them. Returns how many it gained."""
        came: dict[int, int] = {}  # the observation, and the demand that would take it
        held: dict[int, int] = {demand: -1}  # the demand, and the observation that it would give away for another
        queue = deque([demand])
        while queue:
            taker = queue.popleft()
            first, last = self.windows[taker]
            for number in self.taken[taker].need.numbers[first:last]:
                self.budget.spend()
                if number in came:
                    continue
                came[number] = taker
                if self.left[number]:
                    return self._apply(number, came, held, most)
                for user in self.users[number]:
                    if user not in held:
                        held[user] = number
                        queue.append(user)
        return 0

    def _apply(self, free: int, came: dict[int, int], held: dict[int, int], most: int) -> int:
        amount, number = min(most, self.left[free]), free
        chain: list[tuple[int, int, int]] = []
        while True:
            taker = came[number]
            gives = held[taker]
            chain.append((taker, number, gives))
            if gives < 0:
                break
            amount = min(amount, self.taken[taker].given[gives])
            number = gives
        for taker, number, gives in chain:
            if gives >= 0:
                self._move(taker, gives, -amount)
            self._move(taker, number, amount)
        return amount

    def _move(self, demand: int, number: int, amount: int) -> None:
        self._change(demand, number, amount)
        self.trail.append((demand, number, amount))

    def _change(self, demand: int, number: int, amount: int) -> None:
        given = self.taken[demand].given
        now = given.get(number, 0) + amount
        if now:
            given[number] = now
            self.users[number][demand] = None
        else:
            del given[number]
            del self.users[number][demand]
        self.left[number] -= amount


class _Prospect:
    """Whether a node could be satisfied in a window if nothing else needed its observations: cheap, never too strict.

    What it denies is impossible. It grows with the window, so the first and last splits can be searched by halves.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.known: dict[tuple[int, Window, int], bool] = {}

    def of(self, node: Node, window: Window, first: int = 0) -> bool:
        """Tell it of a node; of a `Then`, from its node `first` on."""
        self.budget.spend()
        least = node.least_from[first] if isinstance(node, Then) else node.least
        if node.amount(window) < least:
            return False
        if isinstance(node, Need):
            return True
        key = (id(node), window, first)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._group(node, window, first)
        return found

    def _group(self, node: All | Either | Then | Span | Between, window: Window, first: int) -> bool:
        if isinstance(node, All):
            return all(self.of(one, window) for one in node.nodes)
        if isinstance(node, Either):
            return any(self.of(one, window) for one in node.nodes)
        if isinstance(node, Between):
            return self.of(node.nodes[0], _both(window, node.window))
        if isinstance(node, Span):
            return any(self.of(node.nodes[0], one) for one in self.spans(node, window))
        low = window[0]
        for one in node.nodes[first:]:
            ends = self.ends(one, (low, window[1]))
            if ends is None:
                return False
            low = one.moments[ends]
        return True

    def ends(self, node: Node, window: Window) -> int | None:
        """Give the earliest of a node's times by which it could be satisfied in a window, as its place in `moments`."""
        low, high = bisect_left(node.moments, window[0]), bisect_left(node.moments, window[1])
        if low == high or not self.of(node, (window[0], node.moments[high - 1] + 1)):
            return None
        high -= 1
        while low < high:
            middle = (low + high) // 2
            if self.of(node, (window[0], node.moments[middle] + 1)):
                high = middle
            else:
                low = middle + 1
        return low

    def spans(self, node: Span, window: Window) -> Iterator[Window]:
        """Give the windows in which all of a span may lie: each begins with an observation."""
        for place in range(bisect_left(node.moments, window[0]), bisect_left(node.moments, window[1])):
            self.budget.spend()
            begin = node.moments[place]
            yield begin, min(window[1], begin + node.length)


def solve(root: Node, observed: Sequence[Observed], budget: Budget) -> list[Taken] | None:
    """Give each need of a plan what it demands; None, if that cannot be done.

    Raises:
        LimitError: the budget is spent before it is decided.
    """
    flow, prospect = _Flow(observed, budget), _Prospect(budget)
    choices: list[tuple[Iterator[_Goal], tuple[int, int]]] = []
    goal: _Goal | None = _Goal(root, ALWAYS, 0, None)
    while goal is not None:
        budget.spend()
        node, window, _first, rest = goal
        following: _Goal | None = None
        possible = True
        if isinstance(node, Need):
            possible, following = flow.give(node, window), rest
        elif isinstance(node, All):
            following = rest
            budget.spend(len(node.nodes))
            for one in reversed(node.nodes):
                following = _Goal(one, window, 0, following)
        elif isinstance(node, Between):
            following = _Goal(node.nodes[0], _both(window, node.window), 0, rest)
        else:
            choices.append((_alternatives(goal, prospect), flow.mark()))
            possible = False
        if not possible:
            while choices:
                alternatives, mark = choices[-1]
                flow.undo(mark)
                following = next(alternatives, None)
                if following is not None:
                    break
                choices.pop()
            else:
                return None
        goal = following
    return flow.taken


def _alternatives(goal: _Goal, prospect: _Prospect) -> Iterator[_Goal]:
    """Give the ways to go on from a choice that could succeed, the earliest first."""
    node, window, _first, rest = goal
    if isinstance(node, Either):
        for one in node.nodes:
            if prospect.of(one, window):
                yield _Goal(one, window, 0, rest)
    elif isinstance(node, Span):
        for span in prospect.spans(node, window):
            if prospect.of(node.nodes[0], span):
                yield _Goal(node.nodes[0], span, 0, rest)
    elif isinstance(node, Then):
        yield from _splits(goal, node, prospect)


def _splits(goal: _Goal, node: Then, prospect: _Prospect) -> Iterator[_Goal]:
    """Give the ways to split the time between the first node and those that follow it."""
    _node, window, first, rest = goal
    head = node.nodes[first]
    if first == len(node.nodes) - 1:
        yield _Goal(head, window, 0, rest)
        return
    place = prospect.ends(head, window)
    while place is not None and place < len(head.moments) and head.moments[place] < window[1]:
        split = head.moments[place]
        if not prospect.of(node, (split, window[1]), first + 1):
            return  # and later splits leave the following ones even less time
        yield _Goal(head, (window[0], split + 1), 0, _Goal(node, (split, window[1]), first + 1, rest))
        place += 1


def _both(one: Window, other: Window) -> Window:
    return max(one[0], other[0]), min(one[1], other[1])
