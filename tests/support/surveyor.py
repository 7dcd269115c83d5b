"""Somebody who wants to draw a member's inside from outside: from its interface, and from hits on everybody else.

It sees what happens to the others' assets and the outputs in the *full* map, which is more than a hub could show it:
a hub has the interface only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.map.interfaces import Interface, Output, Stock
    from tocsin.map.model import AssetMap

__all__ = ["Drawing", "Score", "Surveyor", "drawn", "scored", "truth_of"]

_LONG_H = 3_000.0
_STEPS = 12


@dataclass(frozen=True)
class Drawing:
    """Edges from supplier to dependent. Outputs and inputs have their names; what is hidden has names of its own."""

    hidden: set[str] = field(default_factory=set)
    inner: set[tuple[str, str]] = field(default_factory=set)
    entering: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Score:
    hidden: int
    guessed: int
    between: int  # how many edges there are from output to output
    between_drawn: int
    between_right: int
    inner: int  # how many edges there are that begin or end at something hidden
    drawn: int
    right: int
    by_chance: float  # of as many such edges drawn blindly, how many would be right
    entering: int
    entering_drawn: int
    entering_right: int


class Surveyor:
    """Asks for courses of the full map; counts its questions."""

    def __init__(self, plan: AssetMap, own: frozenset[str], interface: Interface) -> None:
        self._wiring = wire(plan)
        self._own = own
        self.interface = interface
        self.asked = 0

    def fell_at(self, output: str, lost: Iterable[str], spells: list[tuple[float, float]]) -> float | None:
        """Return when an output first lost service as inputs went away for these spells."""
        self.asked += 1
        rows = []
        for name in lost:
            asset = self._wiring.ids.index(name)
            rows += [(asset, 1_000_000, round(begin * 1e6), round(end * 1e6)) for begin, end in spells]
        target = self._wiring.ids.index(output)
        for instant, asset, level in course(self._wiring, rows, round(_LONG_H * 1e6)).changes:
            if asset == target and level < 1_000_000:
                return instant / 1e6
        return None

    def buffers(self, output: Output, stock: Stock) -> list[float]:
        """Return the buffers in a row that a stock seems to be made of: the order in which they run out.

        Buffers in a row fill again each at its own pace, at once: what is regained in a short pause jumps where a
        further one had begun to run out.
        """
        lost = stock.losses[0].inputs
        if stock.stays or stock.hours <= 0 or not 0 < stock.refill < 1_000:
            return [stock.hours] if stock.hours > 0 else []

        def regained(after: float, pause: float = 0.05) -> float:
            fell = self.fell_at(output.id, lost, [(0.0, after), (after + pause, _LONG_H)])
            return 0.0 if fell is None else (fell - pause - stock.hours) / pause

        pace = regained(min(stock.hours * 0.25, 0.3))
        low, high = 0.0, stock.hours * 0.999
        if pace <= 0 or regained(high) < 1.5 * pace:
            return [stock.hours]
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if regained(middle) < 1.5 * pace else (low, middle)
        return [high, stock.hours - high]


def drawn(surveyor: Surveyor, *, ask: bool) -> Drawing:
    """Return the simplest inside that fits: from the interface, and from questions too."""
    drawing = Drawing()
    seen: dict[tuple[object, ...], str] = {}
    outputs = {one.id for one in surveyor.interface.outputs}
    for output in surveyor.interface.outputs:
        for stock in output.stocks:
            # what several outputs live on alike is drawn once; so is what several losses meet in
            key = (stock.losses, stock.hours, stock.refill, stock.stays)
            parts = surveyor.buffers(output, stock) if ask else [stock.hours]
            at = seen.get(key)
            if at is None and (len(stock.losses) > 1 or len(parts) > 1 or _elsewhere(surveyor.interface, output, key)):
                at = f"?{len(drawing.hidden)}"
                drawing.hidden.add(at)
                seen[key] = at
            into = output.id if at is None else at
            told = {name for loss in stock.losses for name in loss.inputs}
            drawing.entering.update((name, into) for name in told - outputs)
            drawing.inner.update((name, into) for name in told & outputs - {into})
            if at is not None:
                drawing.inner.add((at, output.id))
    return drawing


def _elsewhere(interface: Interface, output: Output, key: tuple[object, ...]) -> bool:
    return any(
        (stock.losses, stock.hours, stock.refill, stock.stays) == key
        for other in interface.outputs
        if other.id != output.id
        for stock in other.stocks
    )


def truth_of(plan: AssetMap, own: frozenset[str], outputs: set[str]) -> Drawing:
    drawing = Drawing(hidden=set(own - outputs))
    for group in plan.groups:
        for one in group.suppliers if group.asset in own else ():
            (drawing.inner if one.asset in own else drawing.entering).add((one.asset, group.asset))
    return drawing


def scored(truth: Drawing, guess: Drawing, outputs: set[str]) -> Score:
    """Return how much of the truth was drawn, hidden assets taken for those that they resemble most."""
    alias = _matched(truth, guess, outputs)
    inner = {(alias.get(a, a), alias.get(b, b)) for a, b in guess.inner}
    entering = {(a, alias.get(b, b)) for a, b in guess.entering}
    own = len(truth.hidden) + len(outputs)
    pairs = own * (own - 1) - len(outputs) * (len(outputs) - 1)
    between, told = ({edge for edge in edges if outputs.issuperset(edge)} for edges in (truth.inner, inner))
    inside, tried = truth.inner - between, inner - told
    return Score(
        hidden=len(truth.hidden),
        guessed=len(guess.hidden),
        between=len(between),
        between_drawn=len(told),
        between_right=len(told & between),
        inner=len(inside),
        drawn=len(tried),
        right=len(tried & inside),
        by_chance=len(tried) * len(inside) / max(1, pairs),
        entering=len(truth.entering),
        entering_drawn=len(entering),
        entering_right=len(entering & truth.entering),
    )


def _matched(truth: Drawing, guess: Drawing, outputs: set[str]) -> dict[str, str]:
    hidden, guessed = sorted(truth.hidden), sorted(guess.hidden)
    if not hidden or not guessed:
        return {}
    signs = [{one: _around(drawing, one, outputs) for one in drawing.hidden} for drawing in (truth, guess)]
    cost = np.array([[_apart(signs[1][one], signs[0][other]) for other in hidden] for one in guessed])
    rows, columns = linear_sum_assignment(cost)
    return {guessed[row]: hidden[column] for row, column in zip(rows, columns, strict=True)}


def _around(drawing: Drawing, one: str, outputs: set[str]) -> tuple[set[str], set[str]]:
    edges = drawing.inner | drawing.entering
    behind, ahead = {one}, {one}
    while more := {a for a, b in edges if b in behind} - behind:
        behind |= more
    while more := {b for a, b in drawing.inner if a in ahead} - ahead:
        ahead |= more
    return {a for a, b in drawing.entering if b in behind}, ahead & outputs


def _apart(one: tuple[set[str], set[str]], other: tuple[set[str], set[str]]) -> float:
    return sum(1 - len(a & b) / max(1, len(a | b)) for a, b in zip(one, other, strict=True))
