"""What scenarios cost in a year: drawn, as a compound Poisson sum. Pure, and deterministic by seed.

In a year a scenario happens N times, N from Poisson(λ) and λ from its own estimate; each time it costs a sector what
that sector's estimate gives. Scenarios come independently of each other, and so do events; the sectors hit by one event
have costs drawn independently.

Every number belongs to one (seed, scenario, question, year), so that two registries are compared in the same years:
what did not change draws what it drew before, and a higher rate adds events and takes none away.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special, stats

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tocsin.risk.registry.model import Scenario, Unit
    from tocsin.risk.registry.pert import Pert

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["MOST_DRAWN", "Losses", "Quantile", "drawn_by", "quantiles", "simulate"]

# Numbers of 8 bytes: half a gigabyte, and less than a minute's work.
MOST_DRAWN: Final = 1 << 26
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """What is not exceeded in a share of years; ``low`` and ``high`` hold the true value in 95 of 100 simulations."""

    share: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Annual losses by sector (rows, in the order of ``sectors``) and year drawn (columns)."""

    unit: Unit
    sectors: tuple[str, ...]
    drawn: Floats

    def of(self, sector: str | None = None) -> Floats:
        """Return the years of one sector; of all together where none is named.

        Raises:
            InputError: nobody estimated a loss of this sector.
        """
        if sector is None:
            return np.asarray(self.drawn.sum(axis=0))
        if sector not in self.sectors:
            raise InputError("no scenario has a loss of this sector", where=sector)
        return np.asarray(self.drawn[self.sectors.index(sector)])

    def mean(self, sector: str | None = None) -> tuple[float, float]:
        """Return the mean and its standard error; of a single year the error is not known (NaN)."""
        years = self.of(sector)
        error = float(years.std(ddof=1)) / math.sqrt(years.size) if years.size > 1 else math.nan
        return float(years.mean()), error

    def quantile(self, share: float, sector: str | None = None) -> Quantile:
        """Return a quantile with its interval from order statistics, which presumes nothing of the distribution.

        Where too few years were drawn to bound it from above, ``high`` is infinite.

        Raises:
            InputError: the share is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise InputError(f"a share of {share}", todo="between 0 and 1")
        years = np.sort(self.of(sector))
        count = years.size
        tail = (1 - _CONFIDENCE) / 2
        below = int(stats.binom.ppf(tail, count, share)) - 1
        above = int(stats.binom.ppf(1 - tail, count, share))
        return Quantile(
            share=share,
            value=float(years[math.ceil(share * count) - 1]),
            low=float(years[below]) if below >= 0 else 0.0,
            high=float(years[above]) if above < count else math.inf,
        )


def simulate(scenarios: Sequence[Scenario], unit: Unit, *, seed: int, years: int) -> Losses:
    """Draw so many years of all scenarios that have a rate and a loss in this unit.

    Raises:
        InputError: a seed or a number of years that is none.
        LimitError: it would draw more than ``MOST_DRAWN`` numbers.
    """
    if seed < 0 or years < 1:
        raise InputError(f"seed {seed}, {years} years", todo="a seed from 0, and one year at least")
    counted, sectors = _counted(scenarios, unit)
    if drawn_by(scenarios, unit, years=years) > MOST_DRAWN:
        raise LimitError(f"{years:,} years of {len(counted)} scenarios", todo="fewer years, or fewer scenarios at once")
    drawn = np.zeros((len(sectors), years))
    for scenario in counted:
        counts = _counts(scenario, seed, years)
        for loss in scenario.losses:
            estimate = loss.in_(unit)
            if estimate is None:
                continue
            row, left = drawn[sectors.index(loss.sector)], float(scenario.left_loss)
            for event in range(int(counts.max(initial=0))):
                hit = counts > event
                shares = _uniform(seed, scenario.id, f"{unit} {loss.sector} {event}", years)[hit]
                row[hit] += left * quantiles(estimate, shares)
    return Losses(unit=unit, sectors=sectors, drawn=drawn)


def drawn_by(scenarios: Sequence[Scenario], unit: Unit, *, years: int) -> float:
    """Return how many numbers so many years take: what the work of ``simulate`` grows with."""
    counted, sectors = _counted(scenarios, unit)
    events = sum(float(one.rate.points[2]) * len(one.losses) for one in counted if one.rate is not None)
    return years * (len(sectors) + events + 1)


def _counted(scenarios: Sequence[Scenario], unit: Unit) -> tuple[list[Scenario], tuple[str, ...]]:
    """Return the scenarios that have a rate and a loss in a unit, and the sectors of these losses."""
    counted = [one for one in scenarios if one.rate is not None and any(loss.in_(unit) for loss in one.losses)]
    return counted, tuple(sorted({loss.sector for one in counted for loss in one.losses if loss.in_(unit)}))


def _counts(scenario: Scenario, seed: int, years: int) -> Ints:
    """Return how often a scenario happens in each year: the inverse of Poisson's distribution, so that more is more."""
    if scenario.rate is None:
        return np.zeros(years, dtype=np.int64)
    rates = quantiles(scenario.rate, _uniform(seed, scenario.id, "rate", years)) * float(scenario.left_rate)
    shares = _uniform(seed, scenario.id, "count", years)
    counts = np.zeros(years, dtype=np.int64)
    while (more := special.pdtr(counts, rates) < shares).any():
        counts[more] += 1
    return counts


def quantiles(estimate: Pert, shares: Floats) -> Floats:
    """Return the values below which these shares of an estimate lie, each from 0 to 1."""
    low, mode, high = estimate.points
    if low == high:
        return np.full(shares.shape, float(low))
    alpha, beta = 1 + 4 * (mode - low) / (high - low), 1 + 4 * (high - mode) / (high - low)
    return np.asarray(float(low) + float(high - low) * special.betaincinv(float(alpha), float(beta), shares))


def _uniform(seed: int, scenario: str, question: str, years: int) -> Floats:
    digest = hashlib.sha256(f"{seed}\n{scenario}\n{question}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big"))).random(years)
