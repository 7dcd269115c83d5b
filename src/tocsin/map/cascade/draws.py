"""Samples of hazards: which assets are hit, how hard, and how long repairs take. Deterministic by seed.

Every number belongs to one (seed, sample, asset, question) and is drawn from these four alone. So a change of the map
or of a hazard leaves every other number as it was: two plans are compared on the same thousand nights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import joblib
import numpy as np

from tocsin.errors import InputError
from tocsin.map.cascade.grid import FULL, MOST_TICKS
from tocsin.map.cascade.hits import DAMAGE, HIT, UNTIL, of_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.wiring import Ints, Wiring

    Floats = NDArray[np.float64]
    Words = NDArray[np.uint64]

__all__ = ["HARD", "LONG", "STRIKES", "Hazard", "draw_hits", "keys_of", "shares"]

# Which number of an asset in a sample: whether it is hit, how hard, how long its repair takes.
STRIKES: Final = 1
HARD: Final = 2
LONG: Final = 3
# The steps of SplitMix64 (Steele, Lea and Flood 2014): each is a bijection of 64 bits.
_GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST: Final = 31
_WORD: Final = (1 << 64) - 1
# Rows that a worker draws at once: some 150 MB while it does.
_ROWS: Final = 1_000_000
# Below so many numbers, starting workers takes longer than drawing.
_WORTH_WORKERS: Final = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """What may happen to each asset at 0. Arrays by asset.

    ``chance``: of being hit, 0 to 1. ``damage``: two columns, lowest and highest share of service lost, uniform in
    between. ``repairs``: rows of quantiles of a repair time in hours, rising, evenly spaced from the shortest to the
    longest, and linear in between; ``repair_of``: which of these rows an asset has.
    """

    chance: Floats
    damage: Floats
    repairs: Floats
    repair_of: Ints


def keys_of(ids: Sequence[str]) -> Words:
    """Return what stands for each asset in the drawing of numbers: from its id, whatever its place in the map."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in ids)
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def draw_hits(wiring: Wiring, hazard: Hazard, keys: Words, *, seed: int, samples: range, jobs: int = -1) -> Hits:
    """Return the hits of these samples; sample 17 is the same in whatever range it is asked for.

    ``jobs``: workers, as joblib counts them. Raises ``InputError`` for a hazard that is none. A higher chance adds hits
    and takes none away; a higher quantile makes no repair shorter: what holds of the engine for more damage so holds of
    every single sample.
    """
    _check(wiring, hazard, keys)
    if len(samples) * len(keys) < _WORTH_WORKERS:
        jobs = 1
    most = max(1, int(_ROWS / max(1.0, float(hazard.chance.sum()))))
    size = max(1, min(most, -(-len(samples) // joblib.effective_n_jobs(jobs))))
    parts = joblib.Parallel(n_jobs=jobs, prefer="threads")(
        joblib.delayed(_block)(wiring, hazard, keys, samples[at : at + size], seed)
        for at in range(0, len(samples), size)
    )
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(part[0] for part in parts)])
    table = np.concatenate([np.zeros((0, 4), dtype=np.int64), *(part[1] for part in parts)])
    return of_table(wiring, first=np.cumsum(counts), table=table)


def shares(keys: Words, question: int, *, seed: int, sample: int) -> Floats:
    """Return the number in [0, 1) that answers one question of each key in one sample."""
    return _uniform(keys, _word(_night(seed, sample), question))


def _block(wiring: Wiring, hazard: Hazard, keys: Words, samples: range, seed: int) -> tuple[Ints, Ints]:
    """Return how many hits each sample has, and the rows of all of them."""
    found = [np.flatnonzero(shares(keys, STRIKES, seed=seed, sample=sample) < hazard.chance) for sample in samples]
    counts = np.array([len(one) for one in found], dtype=np.int64)
    assets = np.concatenate(found)
    nights = [_night(seed, sample) for sample in samples]
    hard, long = (
        _uniform(keys[assets], np.repeat(np.array([_word(night, which) for night in nights]), counts))
        for which in (HARD, LONG)
    )
    return counts, _rows(wiring, hazard, assets, hard, long)


def _rows(wiring: Wiring, hazard: Hazard, assets: Ints, hard: Floats, long: Floats) -> Ints:
    low, high = hazard.damage[assets].T
    width = hazard.repairs.shape[1]
    place = long * (width - 1)
    below = np.minimum(place.astype(np.int64), width - 2)
    repair = hazard.repair_of[assets]
    shorter, longer = hazard.repairs[repair, below], hazard.repairs[repair, below + 1]
    hours = shorter + (longer - shorter) * (place - below)
    table = np.zeros((len(assets), 4), dtype=np.int64)
    table[:, HIT] = assets
    table[:, DAMAGE] = np.rint((low + (high - low) * hard) * FULL)
    table[:, UNTIL] = np.minimum(np.rint(hours * wiring.ticks_per_hour), MOST_TICKS)
    return table


def _uniform(keys: Words, word: Words | np.uint64) -> Floats:
    """Return a number in [0, 1) for each key: 53 bits of it mixed with the sample's and the question's word."""
    words = keys ^ word
    for shift, factor in (*_MIX, *_MIX):
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(((words ^ (words >> np.uint64(_LAST))) >> np.uint64(11)) * 2.0**-53)


def _night(seed: int, sample: int) -> int:
    return _mixed((seed * _GOLDEN + sample) & _WORD)


def _word(night: int, which: int) -> np.uint64:
    return np.uint64(_mixed(night + which))


def _mixed(word: int) -> int:
    word = (word + _GOLDEN) & _WORD
    for shift, factor in _MIX:
        word = ((word ^ (word >> shift)) * factor) & _WORD
    return word ^ (word >> _LAST)


def _check(wiring: Wiring, hazard: Hazard, keys: Words) -> None:
    count = wiring.assets
    if not len(keys) == len(hazard.chance) == len(hazard.damage) == len(hazard.repair_of) == count:
        raise InputError("a hazard is for each asset of its map", todo=f"{count:,} of each")
    low, high = hazard.damage.reshape(count, 2).T
    if not ((hazard.chance >= 0) & (hazard.chance <= 1) & (low >= 0) & (low <= high) & (high <= 1)).all():
        raise InputError("chance and damage are shares, the lower first", todo="0 to 1")
    repairs = hazard.repairs
    if repairs.ndim != 2 or repairs.shape[1] < 2:  # noqa: PLR2004 -- the shortest and the longest
        raise InputError("a repair time has a shortest and a longest", todo="two quantiles or more")
    if not (np.isfinite(repairs).all() and (repairs >= 0).all() and (np.diff(repairs, axis=1) >= 0).all()):
        raise InputError("quantiles of a repair time are hours, rising", todo="0 or more, none below the one before")
    if count and (hazard.repair_of.min() < 0 or hazard.repair_of.max() >= len(repairs)):
        raise InputError("an asset has a repair time that is not there", todo=f"0 to {len(repairs) - 1}")
