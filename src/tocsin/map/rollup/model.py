"""Members' figures, the table that they add up to, and what is shown of it. Pure.

A *figure* is what one party says that one scenario would cost it in one sector: a whole number, 0 or more. Of the map
it is what one asset of a party has of one measure, which takes a scenario's place. A *sum* is a place of the table: one
sector and one scenario, or a margin, where ``ALL`` stands for every sector or every scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ALL",
    "MAX_FIGURE",
    "MAX_PARTIES",
    "MAX_PUBLICATIONS",
    "MAX_SUMS",
    "Figures",
    "Publication",
    "Rules",
    "Slot",
    "Sum",
    "check_figures",
    "covers",
    "sums_of",
]

ALL: Final = "*"
# Sums of all parties stay exact in a float, which is what the solver computes with.
MAX_FIGURE: Final = 10**12
# One linear programme has a column for each cell and each time that its members changed, and there are some for each
# member: this many are minutes of work.
MAX_SUMS: Final = 2_000
MAX_PARTIES: Final = 200
# Each publication is for ever part of what an attacker knows: monthly ones for ten years.
MAX_PUBLICATIONS: Final = 120
_MOST_COLLUDING: Final = 2

# Party, sector, scenario; and what tells figures of one party in one cell apart, where there are several.
Slot = tuple[str, str, str, *tuple[str, ...]]
Sum = tuple[str, str]  # sector, scenario; each may be ALL
Figures = dict[Slot, int]


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is guaranteed about each figure, of a party in a sector and scenario.

    Whoever sees all that was ever published, and knows who takes part, and is up to ``colluding`` of these parties who
    put their own figures together, can narrow another party's figure down no further than to an interval that reaches
    ``margin`` percent of it to both sides; of outsiders the interval reaches to the figure's part in a sum of which it
    is ``dominance`` percent. It always reaches one unit of ``least`` at least, and down to no less than 0.
    ``group``: of fewer parties no sum is shown.
    """

    group: int = 3
    colluding: int = 1
    margin: int = 10
    dominance: int = 75
    least: int = 1

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("colluding", self.colluding, 0, _MOST_COLLUDING),
            ("group", self.group, self.colluding + 2, MAX_PARTIES),
            ("margin", self.margin, 1, 100),
            ("dominance", self.dominance, 1, 99),
            ("least", self.least, 1, MAX_FIGURE),
        ):
            if not low <= value <= high:
                raise InputError(f"{name} is {value}", where="rules", todo=f"{low} to {high}")

    def reach(self, figure: int, colluders: int) -> int:
        """Return how far from a figure an attacker's interval has to reach, rounded up."""
        share = -(-figure * self.margin // 100)
        if colluders == 0:
            share = max(share, -(-figure * (100 - self.dominance) // self.dominance))
        return max(share, self.least)


class Publication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was published once: the sums shown. ``figures`` are those it was made of, which stay where they are."""

    rules: Rules
    figures: Figures
    shown: dict[Sum, int]


def covers(total: Sum, cell: Sequence[str]) -> bool:
    """Return whether a sum counts a cell, which may be followed by more."""
    return total[0] in (ALL, cell[0]) and total[1] in (ALL, cell[1])


def sums_of(figures: Mapping[Slot, int]) -> dict[Sum, int]:
    """Return every sum of a table: cells, both margins and the whole, in a fixed order.

    With one scenario alone its margin would be the cell once more; so with one sector. What says the same is left out.
    """
    cells: dict[Sum, int] = {}
    for (_, sector, scenario, *_), figure in sorted(figures.items()):
        cells[sector, scenario] = cells.get((sector, scenario), 0) + figure
    sectors, scenarios = sorted({cell[0] for cell in cells}), sorted({cell[1] for cell in cells})
    totals: list[Sum] = [
        *((sector, ALL) for sector in sectors if len(scenarios) > 1),
        *((ALL, scenario) for scenario in scenarios if len(sectors) > 1),
        *([(ALL, ALL)] if len(sectors) > 1 and len(scenarios) > 1 else []),
    ]
    return dict(sorted(cells.items())) | {
        total: sum(value for cell, value in cells.items() if covers(total, cell)) for total in totals
    }


def check_figures(figures: Mapping[Slot, int]) -> None:
    """Refuse figures that are none, or more than can be protected.

    Raises:
        InputError: one is negative or too large. LimitError: there are too many sums or parties.
    """
    for (_, sector, scenario, *_), figure in figures.items():
        if not 0 <= figure <= MAX_FIGURE:
            raise InputError(f"a figure of {figure}", where=f"{sector}, {scenario}", todo=f"0 to {MAX_FIGURE:,}")
    sums, parties = len(sums_of(figures)), len({slot[0] for slot in figures})
    if sums > MAX_SUMS or parties > MAX_PARTIES:
        raise LimitError(
            f"{sums:,} sums of {parties} parties",
            where="roll-up",
            todo=f"at most {MAX_SUMS:,} sums and {MAX_PARTIES} parties: roll fewer scenarios up at once",
        )
