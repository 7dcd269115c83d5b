"""What an attacker computes, written down as plainly as it can be: one unknown for each member's figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog

from tocsin.map.rollup.model import covers
from tocsin.risk.registry.model import Loss, Scenario
from tocsin.risk.registry.pert import Pert
from tocsin.risk.registry.scale import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.map.rollup.model import Publication, Slot

__all__ = ["Attacker", "scenario"]


class Attacker:
    """Knows every publication, who takes part, whose figure is the same as before, and his own figures."""

    def __init__(self, publications: Sequence[Publication], coalition: frozenset[str]) -> None:
        self._tables = [one.figures for one in publications]
        self._unknown = {
            key: place for place, key in enumerate(sorted({item for table in self._tables for item in table.items()}))
        }
        rows, right = [], []
        for publication in publications:
            for total, value in publication.shown.items():
                row = np.zeros(len(self._unknown))
                for slot, figure in publication.figures.items():
                    if covers(total, slot[1:]):
                        row[self._unknown[slot, figure]] = 1
                rows.append(row)
                right.append(value)
        self._rows, self._right = np.array(rows).reshape(-1, len(self._unknown)), np.array(right, dtype=float)
        self._bounds = [(figure, figure) if slot[0] in coalition else (0, None) for slot, figure in self._unknown]

    def interval(self, weights: Mapping[tuple[Slot, int], int]) -> tuple[float, float]:
        """Return the least and the most that a weighted sum of figures can be, for all that he knows."""
        aim = np.zeros(len(self._unknown))
        for key, weight in weights.items():
            aim[self._unknown[key]] += weight
        ends = []
        for sign in (1, -1):
            solved = linprog(
                sign * aim,
                A_eq=self._rows if len(self._rows) else None,
                b_eq=self._right if len(self._rows) else None,
                bounds=self._bounds,
                method="highs",
            )
            ends.append(sign * solved.fun if solved.fun is not None else -sign * np.inf)
        return ends[0], ends[1]


def scenario(
    name: str = "flood",
    *,
    rate: Pert | None = None,
    losses: Mapping[str, Pert] | None = None,
    **others: object,
) -> Scenario:
    """Return a scenario with losses in money."""
    values: dict[str, object] = {
        "id": name,
        "title": name,
        "kind": Kind.NATURAL,
        "owner": "ada@cert",
        "review": 2_000_000_000_000_000,
        "rate": Pert(low="0.05", mode="0.1", high="0.4") if rate is None else rate,
        "losses": tuple(Loss(sector=sector, money=cost) for sector, cost in (losses or {}).items()),
    }
    return Scenario(**(values | others))  # type: ignore[arg-type]
