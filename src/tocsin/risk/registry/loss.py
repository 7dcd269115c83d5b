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

__all__ = ["MOST_WORK", "Losses", "Quantile", "quantiles", "require_work", "simulate", "work_of"]

# Numbers drawn, some ten nanoseconds each: less than a minute.
MOST_WORK: Final = 1 << 31
# Numbers of 8 bytes that are kept, one for each sector and year: half a gigabyte.
_MOST_KEPT: Final = 1 << 26
# What else is done takes as long as drawing so many numbers: to read an estimate at a share, to begin with a scenario
# or an event of it, and to sort a number that is kept.
_READ: Final = 400
_BEGUN: Final = 6_000
_SORTED: Final = 20
# Of one scenario in a year: more than ``MAX_RATE`` brings about in as many years as there is room for.
_MOST_EVENTS: Final = 150
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
        LimitError: it would be more work than ``MOST_WORK``.
    """
    if seed < 0 or years < 1:
        raise InputError(f"seed {seed}, {years} years", todo="a seed from 0, and one year at least")
    require_work(scenarios, unit, years=years, most=MOST_WORK, todo="fewer years, or fewer scenarios at once")
    counted, sectors = _counted(scenarios, unit)
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


def require_work(scenarios: Sequence[Scenario], unit: Unit, *, years: int, most: float, todo: str) -> None:
    """Refuse so many years where they are more than ``most`` work, or more than is kept.

    Raises:
        LimitError: they are; ``todo`` says what helps.
    """
    share = work_of(scenarios, unit, years=years) / most
    if share > 1 or years * len(_counted(scenarios, unit)[1]) > _MOST_KEPT:
        raise LimitError(
            f"{years:,} years of these scenarios are more than is done at once",
            where="years",
            todo=todo,
        )


def work_of(scenarios: Sequence[Scenario], unit: Unit, *, years: int) -> float:
    """Return what the time of ``simulate``, and of telling what it drew, grows with: numbers drawn, or as dear."""
    counted, sectors = _counted(scenarios, unit)
    work = float(_SORTED * years * (1 + len(sectors)))
    for scenario in counted:
        rate = scenario.rate
        if rate is None:
            continue
        most = float(rate.points[2] * scenario.left_rate)
        mean = float(rate.mean * scenario.left_rate)
        losses = sum(loss.in_(unit) is not None for loss in scenario.losses)
        # the mean of how often it happens in the worst of these years, or a little more
        events = float(np.minimum(1, years * special.pdtrc(np.arange(_MOST_EVENTS), most)).sum())
        work += (_BEGUN + years) * (2 + losses * events)
        work += _READ * years * (-math.expm1(-most) + losses * mean)
    return work


def _counted(scenarios: Sequence[Scenario], unit: Unit) -> tuple[list[Scenario], tuple[str, ...]]:
    """Return the scenarios that have a rate and a loss in a unit, and the sectors of these losses."""
    counted = [one for one in scenarios if one.rate is not None and any(loss.in_(unit) for loss in one.losses)]
    return counted, tuple(sorted({loss.sector for one in counted for loss in one.losses if loss.in_(unit)}))


def _counts(scenario: Scenario, seed: int, years: int) -> Ints:
    """Return how often a scenario happens in each year: the inverse of Poisson's distribution, so that more is more."""
    counts = np.zeros(years, dtype=np.int64)
    if scenario.rate is None:
        return counts
    left = float(scenario.left_rate)
    shares = _uniform(seed, scenario.id, "count", years)
    # in a year whose share is below, nothing happens at any rate: the rate is not asked for
    asked = np.flatnonzero(shares > special.pdtr(0, float(scenario.rate.points[2]) * left))
    rates = quantiles(scenario.rate, _uniform(seed, scenario.id, "rate", years)[asked]) * left
    while asked.size:
        more = special.pdtr(counts[asked], rates) < shares[asked]
        asked, rates = asked[more], rates[more]
        counts[asked] += 1
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
