"""Samples of what may happen to a map's assets, from the failure modes that each of them has. Deterministic by seed.

Every number belongs to one (seed, sample, asset, failure mode, question), as in ``cascade.draws``: whatever changes on
the map or of the hazard, all other numbers stay, so that two plans are compared on the same nights.
"""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import joblib
import msgspec
import numpy as np

from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.draws import HARD, LONG, STRIKES, keys_of, shares
from tocsin.map.cascade.grid import FULL, MOST_TICKS
from tocsin.map.cascade.hits import DAMAGE, FROM, HIT, UNTIL, of_table
from tocsin.map.model import LONGEST_H, TAIL, Lognormal, Quantiles, Repair, hours_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.wiring import Ints, Wiring
    from tocsin.map.model import AssetMap, FailureMode, Fragility

    Floats = NDArray[np.float64]

__all__ = ["Strike", "chance_of", "chance_within", "hits_by", "hours_at"]

_YEAR_H: Final = 8_766.0
_STANDARD: Final = NormalDist()


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """What happens: a hazard at 0, or a while in which assets fail by themselves, or both.

    ``measure`` and ``intensity``: what is measured, as the fragilities name it ("PGA g"), and how much of it there is
    at each asset; none where it is not named. ``period_h``: for how many hours assets fail as often as ``per_year``
    says.
    """

    measure: str = ""
    intensity: dict[str, float] = {}
    period_h: float = 0.0


def chance_of(fragility: Fragility, intensity: float) -> float:
    """Return the chance of a failure at this intensity: Phi(ln(x / median) / beta), 0 where there is none (HAZUS)."""
    if intensity <= 0:
        return 0.0
    return _STANDARD.cdf(math.log(intensity / fragility.median) / fragility.beta)


def chance_within(per_year: float, hours: float) -> float:
    """Return the chance that what happens so often a year happens at least once within so many hours (Poisson)."""
    return -math.expm1(-per_year * hours / _YEAR_H)


def hours_at(repair: Repair, levels: Floats) -> Floats:
    """Return what ``hours_of`` says of each of many levels."""
    if isinstance(repair, Quantiles):
        return np.interp(levels * (len(repair.hours) - 1), np.arange(len(repair.hours)), repair.hours)
    from scipy.special import ndtri  # noqa: PLC0415 -- it takes a while to load, and most maps are read and not drawn

    away = ndtri(np.clip(levels, TAIL, 1 - TAIL))
    if isinstance(repair, Lognormal):
        return np.asarray(repair.median_h * np.exp(repair.sigma * away))
    return np.asarray(np.maximum(0.0, repair.mean_h + repair.sigma_h * away))


def hits_by(plan: AssetMap, wiring: Wiring, strike: Strike, *, seed: int, samples: range, jobs: int = -1) -> Hits:
    """Return the hits of these samples; ``wiring`` is the plan's.

    Modes fail independently, given the intensity. By itself a mode fails once at most in the period, the first time.
    An asset that fails in several ways in one sample is hit once: from the first on, as hard as the hardest, until the
    last repair is done. A higher intensity or rate adds hits, makes them earlier, and takes none away. ``jobs``:
    workers, as joblib counts them. Raises ``InputError`` for a strike that is none, and for an asset that may fail and
    has no repair time; ``NotFoundError`` for an intensity at an asset that the map has not.
    """
    modes = _Modes(plan, wiring, strike)
    workers = max(1, min(joblib.effective_n_jobs(jobs), len(samples)))
    bounds = [len(samples) * worker // workers for worker in range(workers + 1)]
    parts = joblib.Parallel(n_jobs=jobs, prefer="threads")(
        joblib.delayed(modes.tables)(samples[begin:end], seed) for begin, end in itertools.pairwise(bounds)
    )
    tables = [table for part in parts for table in part]
    first = np.concatenate([[0], np.cumsum([len(table) for table in tables])]).astype(np.int64)
    table = np.concatenate(tables) if tables else np.zeros((0, 4), dtype=np.int64)
    return of_table(wiring, first=first, table=table)


class _Modes:
    """Every failure mode that a strike may bring about, as arrays: a row for each."""

    def __init__(self, plan: AssetMap, wiring: Wiring, strike: Strike) -> None:
        _check(plan, strike)
        self.per_hour = wiring.ticks_per_hour
        self.period = strike.period_h
        asset, chance, rate = [], [], []
        names: list[str] = []
        self.modes: list[FailureMode] = []
        self.repairs: list[Repair] = []
        for number, one in enumerate(plan.assets):
            for mode in one.failure_modes:
                fragile = mode.fragility
                struck = fragile is not None and fragile.measure == strike.measure
                at = strike.intensity.get(one.id, 0.0) if struck else 0.0
                share = chance_of(fragile, at) if fragile is not None and struck else 0.0
                often = mode.per_year / _YEAR_H if strike.period_h > 0 else 0.0
                if share == 0 and often == 0:
                    continue
                repair = mode.repair if mode.repair is not None else one.repair
                if repair is None:
                    raise InputError(
                        f"it may fail by {mode.name!r} and has no repair time", where=one.id, todo="give it one"
                    )
                asset.append(number)
                chance.append(share)
                rate.append(often)
                names.append(f"{one.id}\0{mode.name}")
                self.modes.append(mode)
                self.repairs.append(repair)
        self.asset = np.array(asset, dtype=np.int64)
        self.chance, self.rate = (np.array(values, dtype=np.float64) for values in (chance, rate))
        # what a hazard does and what happens by itself are two questions, with numbers of their own
        self.keys = {word: keys_of([f"{name}\0{word}" for name in names]) for word in ("hazard", "itself")}

    def tables(self, samples: range, seed: int) -> list[Ints]:
        """Return the rows of hits of each sample."""
        return [self._table(sample, seed) for sample in samples]

    def _table(self, sample: int, seed: int) -> Ints:
        rows: dict[int, tuple[float, float, float]] = {}
        by_hazard = shares(self.keys["hazard"], STRIKES, seed=seed, sample=sample) < self.chance
        self._add(rows, "hazard", np.flatnonzero(by_hazard), np.zeros(len(self.asset)), (seed, sample))
        if self.period > 0:
            soon = -np.log1p(-shares(self.keys["itself"], STRIKES, seed=seed, sample=sample))
            when = np.divide(soon, self.rate, out=np.full(len(soon), np.inf), where=self.rate > 0)
            self._add(rows, "itself", np.flatnonzero(when < self.period), when, (seed, sample))
        table = np.zeros((len(rows), 4), dtype=np.int64)
        for place, asset in enumerate(sorted(rows)):
            begin, end, damage = rows[asset]
            table[place, HIT] = asset
            table[place, DAMAGE] = round(damage * FULL)
            table[place, FROM] = round(begin * self.per_hour)
            table[place, UNTIL] = min(max(round(end * self.per_hour), table[place, FROM]), MOST_TICKS)
        return table

    def _add(
        self,
        rows: dict[int, tuple[float, float, float]],
        word: str,
        struck: Ints,
        when: Floats,
        sample: tuple[int, int],
    ) -> None:
        """Join what struck into the rows: from the first, to the last repair, as hard as the hardest."""
        if not len(struck):
            return
        keys = self.keys[word][struck]
        hard, long = (shares(keys, which, seed=sample[0], sample=sample[1]).tolist() for which in (HARD, LONG))
        for place, number in enumerate(struck.tolist()):
            mode, asset = self.modes[number], int(self.asset[number])
            begin = float(when[number])
            end = begin + hours_of(self.repairs[number], long[place])
            damage = mode.damage_least + (mode.damage_most - mode.damage_least) * hard[place]
            had = rows.get(asset, (begin, end, damage))
            rows[asset] = (min(begin, had[0]), max(end, had[1]), max(damage, had[2]))


def _check(plan: AssetMap, strike: Strike) -> None:
    unknown = strike.intensity.keys() - {asset.id for asset in plan.assets}
    if unknown:
        raise NotFoundError("there is no such asset", where=min(unknown), todo="`tocsin map show` lists them")
    for asset, intensity in strike.intensity.items():
        if not 0 <= intensity < math.inf:
            raise InputError(f"an intensity of {intensity}", where=asset, todo=f"{strike.measure}, 0 or more")
    if not 0 <= strike.period_h <= LONGEST_H:
        raise InputError(f"a period of {strike.period_h} hours", todo=f"0 to {LONGEST_H:,.0f}")
