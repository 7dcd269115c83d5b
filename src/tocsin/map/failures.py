"""Single points of failure, and pairs: each tried by a cascade, none left out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.errors import LimitError
from tocsin.map.cascade.engine import MOST_TOLD, simulate
from tocsin.map.cascade.grid import FULL, ticks_of
from tocsin.map.cascade.hits import DAMAGE, HIT, UNTIL, of_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.cascade.wiring import Ints, Wiring

    Floats = NDArray[np.float64]

__all__ = ["MOST_PAIRS", "Losses", "Measure", "cuts", "pairs", "singles"]

# A pair is one sample: some seconds for a million on two processors, where a pair takes little with it.
MOST_PAIRS: Final = 5_000_000
# So many are tried at once: their hits and their sums, not those of all pairs, are in memory.
_BATCH: Final = 200_000


class Measure(enum.StrEnum):
    """By what losses are compared."""

    HOURS = "hours"  # of service
    PEOPLE = "people"  # hours that people were without
    WORTH = "worth"


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What each set of assets takes with it when all of it is down from 0 to the horizon.

    ``sets``: a row of assets for each. ``hours``, ``people_h`` and ``worth``: service lost, the sets' own included.
    """

    sets: Ints
    hours: Floats
    people_h: Floats
    worth: Floats

    def by(self, measure: Measure) -> Floats:
        """Return the losses in one measure, of each set."""
        return {Measure.HOURS: self.hours, Measure.PEOPLE: self.people_h, Measure.WORTH: self.worth}[measure]

    def ranked(self) -> Ints:
        """Return the places of the sets: by the people they leave without, then by service; ties in the map's order."""
        return np.lexsort((np.arange(len(self.sets)), -self.hours, -self.people_h))


def singles(
    wiring: Wiring, among: Ints | None = None, *, horizon_h: float, jobs: int = -1, most_told: int = MOST_TOLD
) -> Losses:
    """Return what each asset, of all or of those given, takes with it.

    Buffers count: one that outlasts the horizon hides what is behind it. ``most_told`` is as in ``simulate``.
    """
    chosen = np.arange(wiring.assets, dtype=np.int64) if among is None else among
    return _tried(wiring, chosen[:, None], horizon_h, jobs, most_told)


def pairs(
    wiring: Wiring, among: Ints | None = None, *, horizon_h: float, jobs: int = -1, most_told: int = MOST_TOLD
) -> Losses:
    """Return what each two assets take with them, of all or of those given.

    Raises ``LimitError`` above ``MOST_PAIRS``: two assets for which there is a reason are asked about, not all of a
    country's.
    """
    chosen = np.arange(wiring.assets, dtype=np.int64) if among is None else among
    count = len(chosen) * (len(chosen) - 1) // 2
    if count > MOST_PAIRS:
        raise LimitError(f"{count:,} pairs", todo=f"at most {MOST_PAIRS:,}: say among which assets")
    first, second = np.triu_indices(len(chosen), 1)
    return _tried(wiring, np.column_stack([chosen[first], chosen[second]]), horizon_h, jobs, most_told)


def cuts(wiring: Wiring, target: int, *, horizon_h: float, jobs: int = -1) -> tuple[Ints, Ints]:
    """Return the minimal sets of one and of two other assets without which ``target`` loses service by the horizon.

    Of pairs those in which neither is enough alone. Larger sets are not looked for. Raises ``LimitError`` as ``pairs``.
    """
    only = np.zeros(wiring.assets, dtype=np.int64)
    only[target] = 1
    alone = replace(wiring, people=only)
    found = singles(alone, horizon_h=horizon_h, jobs=jobs)
    others = np.arange(wiring.assets) != target
    enough = (found.people_h > 0) & others
    harmless = np.flatnonzero((found.people_h == 0) & others)
    both = pairs(alone, harmless, horizon_h=horizon_h, jobs=jobs)
    return np.flatnonzero(enough), both.sets[both.people_h > 0]


def _tried(wiring: Wiring, sets: Ints, horizon_h: float, jobs: int, most_told: int) -> Losses:
    parts = [_batch(wiring, sets[at : at + _BATCH], horizon_h, jobs, most_told) for at in range(0, len(sets), _BATCH)]
    lost = np.concatenate(parts) if parts else np.zeros((0, 3))
    return Losses(sets=sets, hours=lost[:, 0], people_h=lost[:, 1], worth=lost[:, 2])


def _batch(wiring: Wiring, sets: Ints, horizon_h: float, jobs: int, most_told: int) -> Floats:
    count, size = sets.shape
    table = np.zeros((count * size, 4), dtype=np.int64)
    table[:, HIT] = sets.ravel()
    table[:, DAMAGE] = FULL
    table[:, UNTIL] = ticks_of(horizon_h, wiring.ticks_per_hour)
    hits = of_table(wiring, first=np.arange(count + 1, dtype=np.int64) * size, table=table)
    outcome = simulate(wiring, hits, horizon_h=horizon_h, jobs=jobs, most_told=most_told)
    sums = [measure.sum(axis=1) for measure in (outcome.lost_h, outcome.people_h, outcome.worth_lost)]
    return np.column_stack(sums)
