"""Models that know sectors and feeders, and no assets: IIM, DIIM, FDNA. Pure, on arrays.

They are what a reader of the literature asks for, and a check on the cascade engine where both can say something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["MOST_ROUNDS", "course_of", "diim", "fdna", "iim"]

# Inoperability of rings comes round a little weaker each time: below this it is as good as still.
_STILL: Final = 1e-15
# A ring that passes on 99.99 % is still after 350,000 rounds: a second for tens of sectors.
MOST_ROUNDS: Final = 1_000_000


def iim(dependence: ArrayLike, shock: ArrayLike, *, rounds: int | None = None) -> Floats:
    """Return the inoperability of each sector, 0 to 1: the least q with q = min(1, A q + c).

    ``dependence``: A, with A[i][j] the inoperability that i has of j's (Haimes and Jiang 2001); ``shock``: c. What
    comes round more strongly than it went is bounded by 1, not refused. Raises ``InputError`` for what is no such
    matrix, ``LimitError`` for a ring that weakens so slowly that it does not come to rest in so many ``rounds``
    (``MOST_ROUNDS``).
    """
    matrix, outside = _checked(dependence, shock)
    state = np.minimum(1.0, outside)
    most = MOST_ROUNDS if rounds is None else rounds
    for _ in range(most):
        following = np.minimum(1.0, matrix @ state + outside)
        if np.abs(following - state).max(initial=0.0) <= _STILL:
            return following
        state = following
    raise LimitError(f"not at rest after {most:,} rounds", todo="look for a ring that passes on nearly all")


def diim(dependence: ArrayLike, shock: ArrayLike, resilience: ArrayLike, *, start: ArrayLike, steps: int) -> Floats:
    """Return the inoperability of each sector at steps 0 to ``steps``, one row for each.

    q(t + 1) = q(t) + K (A q(t) + c - q(t)), bounded by 0 and 1 (Lian and Haimes 2006); ``resilience``: the diagonal of
    K, the share of the way to its equilibrium that a sector goes in one step.
    """
    matrix, outside = _checked(dependence, shock)
    pace = np.asarray(resilience, dtype=np.float64)
    if pace.shape != outside.shape or not ((pace >= 0) & (pace <= 1)).all():
        raise InputError("resilience is the share of the way gone in one step", todo="0 to 1, one for each sector")
    states = np.empty((steps + 1, len(outside)))
    states[0] = np.asarray(start, dtype=np.float64)
    for step in range(steps):
        now = states[step]
        states[step + 1] = np.clip(now + pace * (matrix @ now + outside - now), 0.0, 1.0)
    return states


def course_of(dependence: ArrayLike, shock: ArrayLike, resilience: ArrayLike, *, until: int, steps: int) -> Floats:
    """Return the inoperability of each sector at steps 0 to ``steps``, of a shock that begins at once and ends.

    By ``diim``: from the shock itself, which lasts to step ``until`` and no longer (0: only what it did at once is left
    to recover from). One row for each step. Raises as ``diim``.
    """
    lasts = min(until, steps)
    hit = diim(dependence, shock, resilience, start=shock, steps=lasts)
    none = np.zeros_like(np.asarray(shock, dtype=np.float64))
    return np.vstack([hit, diim(dependence, none, resilience, start=hit[-1], steps=steps - lasts)[1:]])


def fdna(feeders: Sequence[float], strength: Sequence[float], criticality: Sequence[float]) -> float:
    """Return the operability of a receiver, 0 to 100, from that of its feeders (Garvey and Pinto 2009).

    The lower of two bounds: by ``strength`` (alpha, 0 to 1) the mean of alpha P + 100 (1 - alpha); by ``criticality``
    (beta, 0 to 100) the lowest of P + beta. A group of the cascade engine takes the lowest of both: a receiver of
    several feeders never has more there than here.
    """
    if not len(feeders) == len(strength) == len(criticality) > 0:
        raise InputError("each feeder has a strength and a criticality", todo="three lists of one length")
    by_strength = sum(a * p + 100 * (1 - a) for p, a in zip(feeders, strength, strict=True)) / len(feeders)
    by_criticality = min(p + b for p, b in zip(feeders, criticality, strict=True))
    return min(by_strength, by_criticality, 100.0)


def _checked(dependence: ArrayLike, shock: ArrayLike) -> tuple[Floats, Floats]:
    matrix = np.asarray(dependence, dtype=np.float64)
    outside = np.asarray(shock, dtype=np.float64)
    if outside.ndim != 1 or matrix.shape != (len(outside), len(outside)):
        raise InputError(f"a matrix of {matrix.shape} and a shock of {outside.shape}", todo="n by n, and n")
    if not ((matrix >= 0).all() and np.isfinite(matrix).all() and ((outside >= 0) & (outside <= 1)).all()):
        raise InputError("dependence is 0 or more, a shock 0 to 1", todo="look for negative numbers, and for none")
    return matrix, outside
