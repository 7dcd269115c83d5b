"""What a nucleolus is known by, apart from how ours is found: Kohlberg's balanced collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from tocsin.risk.fund.games import Game

__all__ = ["is_nucleolus"]


def is_nucleolus(game: Game, shares: Mapping[str, Fraction]) -> bool:
    """Return whether shares are the nucleolus (Kohlberg 1971, theorem 5, with the players who get no more than alone).

    For each complaint: no change of the shares by which nobody who complains that much (nor who has nothing to lose)
    gets less, gives any of these coalitions more.
    """
    count = len(game.players)
    excesses = game.excesses(shares)
    rows = ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1).astype(float)
    bare = [1 << place for place in range(count) if excesses[1 << place] == 0]
    for level in sorted(set(excesses[1:-1]), reverse=True):
        loud = [one for one in range(1, len(excesses) - 1) if excesses[one] >= level]
        kept = rows[sorted({*loud, *bare})]
        found = linprog(
            -rows[loud].sum(axis=0),
            A_ub=-kept,
            b_ub=np.zeros(len(kept)),
            A_eq=rows[-1:],
            b_eq=[0.0],
            bounds=[(-1.0, 1.0)] * count,
        )
        if -found.fun > 1e-7:
            return False
    return True
