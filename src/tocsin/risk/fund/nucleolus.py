"""The nucleolus: the shares under which the coalition that has most reason to complain has the least (Schmeidler 1969).

Linear programs, one after the other (Kopelowitz 1967), find *which* coalitions bind at each level of complaint. What
the shares are then follows from these equations in fractions, and in fractions it is checked that no coalition
complains more than its level says: no rounding of the solver reaches a cent, or the answer is refused.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.optimize import linprog

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tocsin.risk.fund.games import Game

    Floats = NDArray[np.float64]

__all__ = ["MOST_NUCLEOLUS", "nucleolus"]

# A program has a row for each coalition, and there are as many programs as players.
MOST_NUCLEOLUS: Final = 12
# Of multipliers, with worths scaled to 1: what is above this binds. HiGHS keeps its rows to 1e-7.
_BINDS: Final = 1e-6


class _Binding(NamedTuple):
    """A coalition that gets exactly its worth, less the complaint of ``level`` (None: exactly)."""

    coalition: int
    level: int | None


def nucleolus(game: Game) -> dict[str, Fraction]:
    """Return the nucleolus of a game, over shares that give nobody less than it has alone.

    Raises:
        LimitError: there are more than ``MOST_NUCLEOLUS`` players, or worths so nearly equal that HiGHS mistook them.
        InputError: all together are worth less than each alone, so that there are no such shares.
    """
    count = len(game.players)
    if count > MOST_NUCLEOLUS:
        raise LimitError(
            f"a nucleolus of {count} players", todo=f"{MOST_NUCLEOLUS} at most: the Shapley value, or groups of players"
        )
    gains = [int(worth) for worth in game.gains()]
    alone = [gains[1 << place] for place in range(count)]
    if sum(alone) > gains[-1]:
        raise InputError("all together are worth less than each alone", todo="then there is nothing to share out")
    # worths above what each has alone: what is left is small where it matters
    sums = [0]
    for own in alone:
        sums += [one + own for one in sums]
    found = _Levels([worth - base for worth, base in zip(gains, sums, strict=True)], count).solve()
    sign = -1 if game.costs else 1
    return {name: sign * (own + more) for name, own, more in zip(game.players, alone, found, strict=True)}


class _Levels:
    """Levels of complaint, each with the coalitions that bind at it. ``gains``: above what each has alone."""

    def __init__(self, gains: Sequence[int], count: int) -> None:
        self._gains, self._count = gains, count
        self._scaled = np.array(gains) / max(1, *map(abs, gains))
        self._rows = ((np.arange(len(gains))[:, None] >> np.arange(count)) & 1).astype(np.float64)
        self._binding = [_Binding(len(gains) - 1, None)]
        self._levels: list[float] = []
        self._free_at: list[list[int]] = []

    def solve(self) -> list[Fraction]:
        while free := self._free():
            self._next(free)
        shares, levels = self._exactly()
        self._check(shares, levels)
        return shares

    def _free(self) -> list[int]:
        """Return the coalitions whose share is not settled by those that bind."""
        base, sizes, _ = np.linalg.svd(self._rows[[one.coalition for one in self._binding]].T, full_matrices=False)
        base = base[:, sizes > _BINDS]
        left = self._rows - self._rows @ base @ base.T
        free: list[int] = np.flatnonzero(np.abs(left).max(axis=1) > _BINDS).tolist()
        return free

    def _next(self, free: list[int]) -> None:
        """Find the least complaint at this level, and who makes it whatever is done."""
        # variables: the shares, then the complaint
        worth = [
            self._scaled[one.coalition] - (0.0 if one.level is None else self._levels[one.level])
            for one in self._binding
        ]
        found = linprog(
            [0.0] * self._count + [1.0],
            A_ub=np.column_stack([-self._rows[free], -np.ones(len(free))]),
            b_ub=-self._scaled[free],
            A_eq=np.column_stack([self._rows[[one.coalition for one in self._binding]], np.zeros(len(self._binding))]),
            b_eq=worth,
            bounds=[(0.0, None)] * self._count + [(None, None)],
            method="highs",
        )
        if found.x is None:
            raise _mistaken()
        level = len(self._levels)
        self._levels.append(float(found.x[-1]))
        self._free_at.append(free)
        # complementary slackness: who has a multiplier binds in every solution
        bind = [free[one] for one in np.flatnonzero(-found.ineqlin.marginals > _BINDS).tolist()]
        bare = np.flatnonzero(found.lower.marginals[: self._count] > _BINDS).tolist()
        self._binding += [_Binding(one, level) for one in bind] + [_Binding(1 << one, None) for one in bare]
        if not bind:
            raise _mistaken()

    def _exactly(self) -> tuple[list[Fraction], list[Fraction]]:
        """Solve the equations of those that bind, for the shares and the complaint of each level."""
        width = self._count + len(self._levels)
        equations: list[list[Fraction]] = []
        for one in self._binding:
            row = [Fraction(one.coalition >> place & 1) for place in range(self._count)]
            row += [Fraction(level == one.level) for level in range(len(self._levels))]
            # of a player who gets what it has alone, which is 0 here
            equations.append([*row, Fraction(self._gains[one.coalition])])
        solved = _solved(equations, width)
        return solved[: self._count], solved[self._count :]

    def _check(self, shares: Sequence[Fraction], levels: Sequence[Fraction]) -> None:
        """See, in fractions, that nobody gets less than alone or complains more than its level says."""
        sums = [Fraction(0)]
        for share in shares:
            sums += [one + share for one in sums]
        excesses = [worth - one for worth, one in zip(self._gains, sums, strict=True)]
        if min(shares) < 0 or any(
            excesses[one] > level for level, free in zip(levels, self._free_at, strict=True) for one in free
        ):
            raise _mistaken()


def _solved(rows: list[list[Fraction]], width: int) -> list[Fraction]:
    """Return the one solution of linear equations, each a row of ``width`` factors and a constant."""
    for column in range(width):
        pivot = next((row for row in range(column, len(rows)) if rows[row][column]), None)
        if pivot is None:
            raise _mistaken()
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        rows[column] = [one / head for one in rows[column]]
        for row, old in enumerate(rows):
            if row != column and old[column]:
                factor = old[column]
                rows[row] = [one - factor * base for one, base in zip(old, rows[column], strict=True)]
    if any(row[width] for row in rows[width:]):
        raise _mistaken()
    return [row[width] for row in rows[:width]]


def _mistaken() -> LimitError:
    return LimitError(
        "some coalitions are worth so nearly the same that the solver took one for the other",
        todo="share in larger units, or by the Shapley value, which is exact",
    )
