"""A first portfolio from what projects save one by one and two by two: a mixed-integer program for HiGHS.

Savings of more than two are not the sum of these, so what comes out is a start for ``portfolio``, which judges by full
cascades, and never an answer.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tocsin.risk.fund.scenarios import Aim, Scenarios

    Floats = NDArray[np.float64]

__all__ = ["MOST_PAIRED", "MOST_ROWS", "first_choice"]

# Up to so many projects, every two are tried together: 780 cascades.
MOST_PAIRED: Final = 40
# Samples in the program; of more that lose anything, the first so many stand for all.
MOST_ROWS: Final = 1_000
# Not seconds: the same program gives the same start on any machine.
_MOST_NODES: Final = 2_000
_CHOSEN: Final = 0.5


def first_choice(scenarios: Scenarios, aim: Aim, budget: int) -> frozenset[int]:
    """Return a choice within the budget that is best by single and pairwise savings; empty if HiGHS finds none.

    With r_si what project i saves in sample s, and q_sij what i and j save together beyond their sum:
    minimise (1 - w) mean(l) + w (h + mean(z) / (1 - alpha)) with l_s >= L_s - r_s x - q_s y, l >= 0, z_s >= l_s - h,
    z >= 0 (Rockafellar and Uryasev 2000, eq. 17), y_ij = x_i x_j by its three inequalities (McCormick 1976).
    """
    none: frozenset[int] = frozenset()
    count = len(scenarios.projects)
    places = range(count)
    before = scenarios.totals(none)
    rows = np.flatnonzero(before)[:MOST_ROWS]
    if not len(rows):
        return none
    scale = float(before.max())
    shown = (before[rows] / scale).astype(np.float64)
    single = np.stack([shown - scenarios.totals(frozenset({one}))[rows] / scale for one in places], axis=1)
    pairs = [*itertools.combinations(places, 2)] if count <= MOST_PAIRED else []
    beyond = {
        (one, two): extra
        for one, two in pairs
        if np.any(
            extra := shown - scenarios.totals(frozenset({one, two}))[rows] / scale - single[:, one] - single[:, two]
        )
    }
    return _solved(scenarios, aim, budget, shown=shown, single=single, beyond=beyond)


class _Rows:
    """Rows of inequalities ``low <= a v``, collected as triples."""

    def __init__(self) -> None:
        self._at: list[tuple[int, int, float]] = []
        self._low: list[float] = []

    def add(self, terms: Iterable[tuple[int, float]], low: float) -> None:
        row = len(self._low)
        self._at.extend((row, column, factor) for column, factor in terms if factor)
        self._low.append(low)

    def constraint(self, columns: int) -> LinearConstraint:
        row, column, factor = zip(*self._at, strict=True)
        matrix = coo_array((factor, (row, column)), shape=(len(self._low), columns)).tocsr()
        return LinearConstraint(matrix, lb=np.array(self._low), ub=np.inf)


def _solved(
    scenarios: Scenarios,
    aim: Aim,
    budget: int,
    *,
    shown: Floats,
    single: Floats,
    beyond: dict[tuple[int, int], Floats],
) -> frozenset[int]:
    weight, alpha = (float(share) for share in aim.shares())
    count, rows, samples = len(scenarios.projects), len(shown), scenarios.terms.samples
    # columns: x, y, l, z, h
    first_y = count
    first_l = first_y + len(beyond)
    first_z = first_l + rows
    level = first_z + rows
    lines = _Rows()
    cheap = max(budget, 1)
    lines.add(((place, -project.cost / cheap) for place, project in enumerate(scenarios.projects)), -budget / cheap)
    for place, (one, two) in enumerate(beyond):
        lines.add([(first_y + place, -1.0), (one, 1.0)], 0.0)
        lines.add([(first_y + place, -1.0), (two, 1.0)], 0.0)
        lines.add([(first_y + place, 1.0), (one, -1.0), (two, -1.0)], -1.0)
    extras = [*beyond.values()]
    for row in range(rows):
        saved = [(place, float(single[row, place])) for place in range(count)]
        saved += [(first_y + place, float(extra[row])) for place, extra in enumerate(extras)]
        lines.add([(first_l + row, 1.0), *saved], float(shown[row]))
        lines.add([(first_z + row, 1.0), (first_l + row, -1.0), (level, 1.0)], 0.0)
    # samples in which nothing is lost are in neither sum; of those left out, these stand for all
    standing = int(np.count_nonzero(scenarios.totals(frozenset()))) / rows / samples
    goal = np.zeros(level + 1)
    goal[first_l:first_z] = (1 - weight) * standing
    goal[first_z:level] = weight * standing / (1 - alpha)
    goal[level] = weight
    upper = np.full(level + 1, np.inf)
    upper[:first_l] = 1.0
    # nobody needs a project that costs more than there is
    upper[:count] = [float(project.cost <= budget) for project in scenarios.projects]
    whole = np.zeros(level + 1)
    whole[:count] = 1
    found = milp(
        goal,
        integrality=whole,
        bounds=Bounds(0.0, upper),
        constraints=lines.constraint(level + 1),
        options={"node_limit": _MOST_NODES},
    )
    if found.x is None:
        return frozenset()
    choice = frozenset(np.flatnonzero(found.x[:count] > _CHOSEN).tolist())
    return choice if scenarios.cost(choice) <= budget else frozenset()
