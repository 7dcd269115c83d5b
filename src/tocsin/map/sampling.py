"""Samples of what may happen to a whole map: one chance or intensity for all, or as assets fail by themselves. Pure.

What an asset does not say of its repair, is asked for.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec import structs

from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.draws import LONG, Hazard, draw_hits, keys_of, shares
from tocsin.map.cascade.grid import MOST_TICKS
from tocsin.map.cascade.hits import HIT, UNTIL, Hits, of_table
from tocsin.map.hazards import Strike, hits_by, hours_at
from tocsin.map.model import LONGEST_H, Quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tocsin.map.cascade import Wiring
    from tocsin.map.cascade.wiring import Ints
    from tocsin.map.model import Asset, AssetMap, Repair

    Floats = NDArray[np.float64]

__all__ = ["Asked", "drawn", "struck"]

_NO_REPAIR: Final = np.zeros((1, 2))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of which hazard samples are drawn: one of three.

    ``chance``: every asset is hit with it, wholly, at 0. ``intensity`` of ``measure`` ("PGA g"), the same everywhere:
    each fails as its fragility says. Neither: as often as failure modes say, within ``within_h`` hours. ``repair_h`` is
    where an asset has no repair time of its own.
    """

    repair_h: float
    within_h: float
    chance: float | None = None
    intensity: float | None = None
    measure: str = ""


def drawn(
    plan: AssetMap,
    wiring: Wiring,
    asked: Asked,
    *,
    seed: int,
    samples: int,
    spared: frozenset[str] = frozenset(),
    jobs: int = -1,
) -> Hits:
    """Return the hits of so many samples; ``wiring`` is the plan's, and nothing happens to what is ``spared``.

    Deterministic by ``seed``, by sample and asset, as ``cascade.draws``.

    Raises:
        InputError: a share or time that is none, or no asset says how it fails by this.
    """
    known = _repaired(plan.assets, asked.repair_h)
    plan = structs.replace(plan, assets=known)
    if asked.chance is not None:
        if not (math.isfinite(asked.chance) and 0 <= asked.chance <= 1):
            raise InputError(f"a chance of {asked.chance}", where="chance", todo="0 to 1")
        told_of = {one.id: (asked.chance, 1.0) for one in known if one.id not in spared}
        return _at_once(known, wiring, told_of, seed=seed, samples=samples)
    if asked.intensity is None:
        strike = Strike(period_h=asked.within_h)
        told = any(mode.per_year > 0 for one in known for mode in one.failure_modes)
    else:
        at = {one.id: asked.intensity for one in known if one.id not in spared}
        strike = Strike(measure=asked.measure, intensity=at)
        fragile = (mode.fragility for one in known for mode in one.failure_modes)
        told = any(one is not None and one.measure == asked.measure for one in fragile)
    if not told:
        raise InputError(
            "no asset of this map says how it fails by this", todo="give failure modes, or one chance for all"
        )
    return hits_by(plan, wiring, strike, seed=seed, samples=range(samples), jobs=jobs)


def struck(
    plan: AssetMap, wiring: Wiring, damages: Mapping[str, float], *, repair_h: float, seed: int, samples: int
) -> Hits:
    """Return samples in each of which these assets are hit at 0 by these shares, and repaired as each says.

    ``repair_h`` is where an asset has no repair time of its own; otherwise as ``drawn``.

    Raises:
        InputError: a share or time that is none. NotFoundError: the map has no such asset.
    """
    known = _repaired(plan.assets, repair_h)
    there = {one.id for one in known}
    for asset, damage in damages.items():
        if asset not in there:
            raise NotFoundError("there is no such asset", where=asset, todo="`tocsin map show` lists them")
        if not 0 <= damage <= 1:
            raise InputError(f"a damage of {damage}", where=asset, todo="a share, 0 to 1")
    told_of = {asset: (1.0, damage) for asset, damage in damages.items()}
    return _at_once(known, wiring, told_of, seed=seed, samples=samples)


def _repaired(assets: tuple[Asset, ...], repair_h: float) -> tuple[Asset, ...]:
    if not 0 <= repair_h <= LONGEST_H:
        raise InputError(f"a repair of {repair_h} hours", where="repair", todo=f"0 to {LONGEST_H:,.0f}")
    fallback = Quantiles(hours=(repair_h, repair_h))
    return tuple(one if one.repair is not None else structs.replace(one, repair=fallback) for one in assets)


def _at_once(
    assets: tuple[Asset, ...],
    wiring: Wiring,
    by_asset: Mapping[str, tuple[float, float]],
    *,
    seed: int,
    samples: int,
) -> Hits:
    """Return hits at 0, each asset's by its chance and damage, until its repair is done; every asset has a repair."""
    told = np.array([by_asset.get(one.id, (0.0, 1.0)) for one in assets]).reshape(len(assets), 2)
    hazard = Hazard(
        chance=told[:, 0],
        damage=np.repeat(told[:, 1:], 2, axis=1),
        repairs=_NO_REPAIR,
        repair_of=np.zeros(len(assets), dtype=np.int64),
    )
    keys = keys_of(wiring.ids)
    hits = draw_hits(wiring, hazard, keys, seed=seed, samples=range(samples))
    table = hits.table.copy()
    levels = np.concatenate(
        [
            np.zeros(0),
            *(
                shares(keys[table[begin:end, HIT]], LONG, seed=seed, sample=sample)
                for sample, (begin, end) in enumerate(itertools.pairwise(hits.first.tolist()))
            ),
        ]
    )
    hours = _hours([one.repair for one in assets if one.repair is not None], table[:, HIT], levels)
    table[:, UNTIL] = np.minimum(np.rint(hours * wiring.ticks_per_hour), MOST_TICKS)
    return of_table(wiring, first=hits.first, table=table)


def _hours(repairs: Sequence[Repair], hit: Ints, levels: Floats) -> Floats:
    """Return how long the repair of each hit takes, at its level."""
    numbers: dict[Repair, int] = {}
    repair_of = np.array([numbers.setdefault(one, len(numbers)) for one in repairs], dtype=np.int64)
    which = repair_of[hit]
    order = np.argsort(which, kind="stable")
    ends = np.searchsorted(which[order], np.arange(len(numbers)), side="right")
    found = np.zeros(len(levels))
    for repair, (begin, end) in zip(numbers, itertools.pairwise([0, *ends.tolist()]), strict=True):
        rows = order[begin:end]
        found[rows] = hours_at(repair, levels[rows])
    return found
