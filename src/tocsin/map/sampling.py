"""Samples of what may happen to a whole map: one chance or intensity for all, or as assets fail by themselves. Pure.

What an asset does not say of its repair, is asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec import structs

from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.hazards import Strike, hits_by
from tocsin.map.model import LONGEST_H, Quantiles, hours_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.cascade import Hits, Wiring
    from tocsin.map.model import Asset, AssetMap

__all__ = ["LEVELS", "Asked", "drawn", "struck"]

# A repair's distribution as so many quantiles: a twentieth each.
LEVELS: Final = tuple(level / 20 for level in range(21))


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
        hazard = _at_once(known, {one.id: (asked.chance, 1.0) for one in known if one.id not in spared})
        return draw_hits(wiring, hazard, keys_of(wiring.ids), seed=seed, samples=range(samples))
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
    hazard = _at_once(known, {asset: (1.0, damage) for asset, damage in damages.items()})
    return draw_hits(wiring, hazard, keys_of(wiring.ids), seed=seed, samples=range(samples))


def _repaired(assets: tuple[Asset, ...], repair_h: float) -> tuple[Asset, ...]:
    if not 0 <= repair_h <= LONGEST_H:
        raise InputError(f"a repair of {repair_h} hours", where="repair", todo=f"0 to {LONGEST_H:,.0f}")
    fallback = Quantiles(hours=(repair_h, repair_h))
    return tuple(one if one.repair is not None else structs.replace(one, repair=fallback) for one in assets)


def _at_once(assets: tuple[Asset, ...], by_asset: Mapping[str, tuple[float, float]]) -> Hazard:
    """Return the hazard that hits assets at 0, each with its chance and damage."""
    count = len(assets)
    told = np.array([by_asset.get(one.id, (0.0, 1.0)) for one in assets]).reshape(count, 2)
    return Hazard(
        chance=told[:, 0],
        damage=np.repeat(told[:, 1:], 2, axis=1),
        repairs=np.array(
            [[0.0 if one.repair is None else hours_of(one.repair, level) for level in LEVELS] for one in assets]
        ).reshape(count, len(LEVELS)),
        repair_of=np.arange(count, dtype=np.int64),
    )
