"""What came of many samples: totals on the grid, and what people ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.cascade.state import Sums
    from tocsin.map.cascade.wiring import Wiring

    Floats = NDArray[np.float64]

__all__ = ["Outcome"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was lost: by asset, by hour, by sample and sector. ``sums`` has the integers that all of it is made from.

    An hour at half service is half an hour lost. What an asset lost in one sample, or in a
    part of an hour, is rounded down to the tick.
    """

    wiring: Wiring
    samples: int
    horizon: int  # ticks
    hourly_of: str  # what the rows of ``by_hour`` are: none, sector, asset
    sums: Sums

    @property
    def outage_h(self) -> Floats:
        """By asset: hours of service lost, on average over the samples."""
        return self._hours(self.sums.outage[:, 0]) / self.samples

    @property
    def hurt(self) -> Floats:
        """By asset: the share of samples in which it lost any service."""
        return np.asarray(self.sums.outage[:, 1] / self.samples)

    @property
    def by_hour(self) -> Floats:
        """By asset or sector, and hour: the service lost in that hour, on average (of a sector: of all its assets)."""
        return self._hours(self.sums.hourly) / self.samples

    @property
    def ran_out(self) -> Floats:
        """By group: the share of samples in which its buffer ran out."""
        return np.asarray(self.sums.buffers[:, 0] / self.samples)

    @property
    def lasted_h(self) -> Floats:
        """By group: after how many hours its buffer ran out for the first time, on average where it did; else NaN."""
        count = self.sums.buffers[:, 0]
        return np.where(count > 0, self._hours(self.sums.buffers[:, 1]) / np.maximum(count, 1), np.nan)

    @property
    def earliest_h(self) -> Floats:
        """By group: the earliest hour at which its buffer ran out in any sample; NaN: in none."""
        return np.where(self.sums.buffers[:, 0] > 0, self._hours(self.sums.buffers[:, 2]), np.nan)

    @property
    def lost_h(self) -> Floats:
        """By sample and sector: hours of service lost, of all its assets."""
        return self._hours(self.sums.measures[:, :, 0])

    @property
    def people_h(self) -> Floats:
        """By sample and sector: hours that people were without, a person counted at each asset that serves them."""
        return self._hours(self.sums.measures[:, :, 1])

    @property
    def worth_lost(self) -> Floats:
        """By sample and sector: what the lost service was worth, in the unit of ``value_h``."""
        return self._hours(self.sums.measures[:, :, 2])

    def _hours(self, ticks: NDArray[np.int64]) -> Floats:
        return np.asarray(ticks / self.wiring.ticks_per_hour)
