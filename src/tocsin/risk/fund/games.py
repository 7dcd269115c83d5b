"""Cooperative games: what every coalition of parties is worth, or what it would cost. Pure.

A coalition is a number whose bit i stands for player i. Worths are whole (cents, votes): sums are exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Worths = NDArray[np.int64]

__all__ = ["MOST_PLAYERS", "MOST_WORTH", "Game", "game", "of_function"]

# 2**20 coalitions are a million worths, each of which somebody has to compute.
MOST_PLAYERS: Final = 20
# Differences of worths, times the C(19, 9) coalitions of one size, stay within 63 bits.
MOST_WORTH: Final = 10**13


class Game:
    """Players, and the worth of each coalition of them; ``costs``: worths are costs, of which less is better.

    Raises:
        LimitError: there are too many players, or a worth is too large. InputError: the empty coalition is worth
            something, or worths are not those of all coalitions.
    """

    def __init__(self, players: Sequence[str], worths: Worths, *, costs: bool = False) -> None:
        if len(players) > MOST_PLAYERS:
            raise LimitError(f"{len(players)} players", todo=f"{MOST_PLAYERS} at most; a sample estimates for more")
        if not players or len(set(players)) != len(players):
            raise InputError("a game has players, each of its own name")
        if worths.shape != (1 << len(players),):
            raise InputError(f"there are {worths.size} worths", todo=f"{1 << len(players)}: one for each coalition")
        if worths[0] != 0:
            raise InputError(f"nobody is worth {worths[0]}", todo="0: the empty coalition")
        if int(np.abs(worths).max()) > MOST_WORTH:
            raise LimitError("a coalition is worth more than we take", todo=f"{MOST_WORTH:,} at most")
        self.players = tuple(players)
        self.worths = worths
        self.costs = costs

    @property
    def everybody(self) -> int:
        """The coalition of all."""
        return (1 << len(self.players)) - 1

    @property
    def total(self) -> int:
        """What all together are worth, or cost."""
        return int(self.worths[self.everybody])

    def gains(self) -> Worths:
        """Return worths of which more is better: costs with a minus before them."""
        return -self.worths if self.costs else self.worths

    def members(self, coalition: int) -> tuple[str, ...]:
        """Return the names of a coalition."""
        return tuple(name for place, name in enumerate(self.players) if coalition >> place & 1)

    def excesses(self, shares: Mapping[str, Fraction]) -> list[Fraction]:
        """Return by how much each coalition would do better alone, in the order of coalitions."""
        sign = -1 if self.costs else 1
        sums = [Fraction(0)]
        for name in self.players:
            sums += [one + sign * shares[name] for one in sums]
        return [int(worth) - one for worth, one in zip(self.gains(), sums, strict=True)]


def game(players: Sequence[str], worths: Mapping[frozenset[str], int], *, costs: bool = False) -> Game:
    """Return the game of these worths, by the names of each coalition; those that are left out are worth 0."""
    number = {name: 1 << place for place, name in enumerate(players)}
    found = np.zeros(1 << min(len(players), MOST_PLAYERS), dtype=np.int64)
    for coalition, worth in worths.items():
        if not coalition <= number.keys():
            raise InputError("a coalition has a member who is no player", where=", ".join(sorted(coalition))[:80])
        found[sum(number[name] for name in coalition)] = worth
    return Game(players, found, costs=costs)


def of_function(players: Sequence[str], worth: Callable[[frozenset[str]], int], *, costs: bool = False) -> Game:
    """Return the game of a function, which is asked for every coalition but the empty one."""
    if len(players) > MOST_PLAYERS:
        raise LimitError(f"{len(players)} players", todo=f"{MOST_PLAYERS} at most; a sample estimates for more")
    worths = np.zeros(1 << len(players), dtype=np.int64)
    for coalition in range(1, len(worths)):
        worths[coalition] = worth(frozenset(name for place, name in enumerate(players) if coalition >> place & 1))
    return Game(players, worths, costs=costs)
