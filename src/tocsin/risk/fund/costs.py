"""From a portfolio to a game of costs: what each group of owners would have to pay to be as well off by itself.

A coalition's cost is that of the cheapest of the chosen projects that leave every member no greater expected loss
than all of them together do. So no project is on the bill of who gains nothing by it, and the cost of all together is
that of the portfolio, or less where projects in it serve nobody: then those are told, not shared.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import LimitError
from tocsin.risk.fund.games import MOST_PLAYERS, Game

if TYPE_CHECKING:
    from tocsin.risk.fund.scenarios import Scenarios

__all__ = ["MOST_SHARED", "Bill", "bill"]

# Each part of the portfolio is judged by a full cascade: 4,096.
MOST_SHARED: Final = 12


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shared, and among whom: a game of costs, and what each player gains, in cents.

    ``unneeded``: cents of projects that nobody gains by, which are not shared.
    """

    game: Game
    benefits: dict[str, int]
    unneeded: int


def bill(scenarios: Scenarios, chosen: frozenset[int]) -> Bill:
    """Return the game of costs of a portfolio; its players are the owners who gain by it.

    Raises:
        LimitError: there are too many projects or owners, or nobody gains.
    """
    if len(chosen) > MOST_SHARED:
        raise LimitError(f"{len(chosen)} projects to share", todo=f"{MOST_SHARED} at most: join those that go together")
    none: frozenset[int] = frozenset()
    before, after = scenarios.sums(none), scenarios.sums(chosen)
    gains = [place for place in range(len(before)) if after[place] < before[place]]
    if not 0 < len(gains) <= MOST_PLAYERS:
        raise LimitError(f"{len(gains)} owners gain by these projects", todo=f"1 to {MOST_PLAYERS}")
    everything = scenarios.cost(chosen)
    costs = np.full(1 << len(gains), everything, dtype=np.int64)
    for count in range(len(chosen) + 1):
        for part in itertools.combinations(sorted(chosen), count):
            choice = frozenset(part)
            left = scenarios.sums(choice)
            content = sum(1 << bit for bit, place in enumerate(gains) if left[place] <= after[place])
            costs[content] = min(int(costs[content]), scenarios.cost(choice))
    # who is served in a larger group is served
    for bit in range(len(gains)):
        halves = costs.reshape(-1, 2, 1 << bit)
        halves[:, 0] = np.minimum(halves[:, 0], halves[:, 1])
    costs[0] = 0
    game = Game([scenarios.owners[place] or "nobody" for place in gains], costs, costs=True)
    one, other = scenarios.expected_cents(none), scenarios.expected_cents(chosen)
    benefits = {owner or "nobody": one[owner] - other[owner] for owner in (scenarios.owners[place] for place in gains)}
    return Bill(game=game, benefits=benefits, unneeded=everything - game.total)
