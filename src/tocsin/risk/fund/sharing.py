"""Who pays what of a joint cost: Shapley value, the core, caps at one's own benefit. The nucleolus is in ``nucleolus``.

The Shapley value (1953) is exact, in fractions, up to ``MOST_PLAYERS``; beyond, random orders estimate it, and say how
well. Cents come last, by ``cents.apportion``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tocsin.risk.fund.games import Game

__all__ = ["MOST_ORDERS", "Blocking", "Capped", "Estimate", "capped", "core", "estimated_shapley", "shapley"]

# Each order asks for as many worths as there are players.
MOST_ORDERS: Final = 1_000_000
_LEAST_ORDERS: Final = 2
# Both sides of a normal distribution together: 95 %.
_SIDES: Final = 1.959964


class Blocking(msgspec.Struct, frozen=True, kw_only=True):
    """The coalition that would gain most by itself, and how much; nobody and 0 where the shares are in the core."""

    coalition: tuple[str, ...]
    gain: Fraction

    @property
    def in_core(self) -> bool:
        """Whether no coalition would do better by itself, and everything is shared out."""
        return self.gain <= 0


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """An estimated share, and half the width of its 95 % interval."""

    share: float
    error: float


class Capped(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of a cost, none above its owner's benefit; ``uncovered``: what then nobody pays."""

    shares: dict[str, int]
    uncovered: int


def shapley(game: Game) -> dict[str, Fraction]:
    """Return what each adds to those before it, on average over all orders in which they could come. Exact."""
    count = len(game.players)
    coalitions = np.arange(1 << count)
    sizes: NDArray[np.uint8] = np.bitwise_count(coalitions)
    orders = math.factorial(count)
    shares: dict[str, Fraction] = {}
    for place, name in enumerate(game.players):
        without = coalitions[coalitions >> place & 1 == 0]
        added = game.worths[without | 1 << place] - game.worths[without]
        total = 0
        for size in range(count):
            of_size = int(added[sizes[without] == size].sum())
            total += math.factorial(size) * math.factorial(count - size - 1) * of_size
        shares[name] = Fraction(total, orders)
    return shares


def estimated_shapley(
    players: Sequence[str], worth: Callable[[frozenset[str]], int], *, orders: int, seed: int
) -> dict[str, Estimate]:
    """Return the Shapley value of many players, from random orders of them (Castro, Gómez and Tejada 2009).

    The errors are of the normal approximation. Shares add up to the worth of all, within the rounding of floats.

    Raises:
        InputError: there are no players. LimitError: too few orders, or too many.
    """
    if not players or len(set(players)) != len(players):
        raise InputError("a game has players, each of its own name")
    if not _LEAST_ORDERS <= orders <= MOST_ORDERS:
        raise LimitError(f"{orders} orders", todo=f"{_LEAST_ORDERS} to {MOST_ORDERS:,}")
    generator = np.random.default_rng(seed)
    sums, squares = np.zeros(len(players)), np.zeros(len(players))
    for _ in range(orders):
        there: frozenset[str] = frozenset()
        before = 0
        for place in generator.permutation(len(players)).tolist():
            there |= {players[place]}
            after = worth(there)
            sums[place] += after - before
            squares[place] += float(after - before) ** 2
            before = after
    means = sums / orders
    spread = np.sqrt(np.maximum(squares / orders - means**2, 0) / (orders - 1))
    return {
        name: Estimate(share=float(mean), error=float(_SIDES * error))
        for name, mean, error in zip(players, means, spread, strict=True)
    }


def core(game: Game, shares: Mapping[str, Fraction]) -> Blocking:
    """Return who has most reason to refuse these shares; exact.

    Raises:
        InputError: they are not shares of what all are worth.
    """
    if shares.keys() != set(game.players) or sum(shares.values()) != game.total:
        raise InputError("the shares do not add up to what all are worth", where=str(game.total))
    excesses = game.excesses(shares)
    worst = max(range(len(excesses)), key=excesses.__getitem__)
    if excesses[worst] <= 0:
        return Blocking(coalition=(), gain=Fraction(0))
    return Blocking(coalition=game.members(worst), gain=excesses[worst])


def capped(shares: Mapping[str, int], benefits: Mapping[str, int]) -> Capped:
    """Return shares of a cost in cents, cut at what each gains by it: a party pays nothing for others' sake.

    What is cut is not put on anybody else, who would then pay more than their share: the fund covers it from its own
    means, or the portfolio is a smaller one.

    Raises:
        InputError: a share or benefit is missing or below 0.
    """
    if shares.keys() != benefits.keys():
        raise InputError("each share has its benefit", where=", ".join(sorted(shares.keys() ^ benefits.keys()))[:80])
    below = [name for name in shares if shares[name] < 0 or benefits[name] < 0]
    if below:
        raise InputError("a share or benefit is below 0", where=below[0])
    cut = {name: min(share, benefits[name]) for name, share in shares.items()}
    return Capped(shares=cut, uncovered=sum(shares.values()) - sum(cut.values()))
