"""What may happen to the assets of a map, from what is said of how they fail and how long a repair takes. Pure."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import InputError
from tocsin.map.cascade.draws import Hazard
from tocsin.map.model import Quantiles, hours_of

if TYPE_CHECKING:
    from tocsin.map.model import Asset, AssetMap, FailureMode, Repair

__all__ = ["YEAR_H", "Asked", "hazard_of"]

YEAR_H: Final = 8_766.0
# A repair's distribution as so many quantiles: a twentieth each.
_LEVELS: Final = tuple(level / 20 for level in range(21))
_STANDARD: Final = NormalDist()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of which hazard samples are drawn: one of three.

    ``chance``: every asset is hit with it, wholly. ``intensity`` of ``measure`` ("PGA g"): each fails as its fragility
    says. Neither: as often as its failure modes say, within ``within_h`` hours. ``repair_h`` is where an asset has no
    repair time of its own.
    """

    repair_h: float
    chance: float | None = None
    intensity: float | None = None
    measure: str = ""
    within_h: float = YEAR_H


def hazard_of(plan: AssetMap, asked: Asked, *, spared: frozenset[str] = frozenset()) -> Hazard:
    """Return the hazard of every asset in the map's order; ``spared`` are assets that nothing happens to.

    Modes of one asset are joined: the chance that any of them happens, the damage between the least and the most of
    them, the longest of their repairs. A mode's own repair counts before the asset's.

    Raises:
        InputError: a share or time that is none, or no asset says anything of this hazard.
    """
    if asked.chance is not None and not 0 <= asked.chance <= 1:
        raise InputError(f"a chance of {asked.chance}", where="chance", todo="0 to 1")
    if not (math.isfinite(asked.repair_h) and asked.repair_h >= 0):
        raise InputError(f"a repair of {asked.repair_h} hours", where="repair", todo="0 or more")
    if asked.intensity is not None and not (math.isfinite(asked.intensity) and asked.intensity >= 0):
        raise InputError(f"an intensity of {asked.intensity}", where="intensity", todo="0 or more")
    rows = [_row(asset, asked) if asset.id not in spared else _NOTHING for asset in plan.assets]
    if asked.chance is None and plan.assets and not any(chance for chance, *_ in rows):
        raise InputError(
            "no asset of this map says how it fails by this hazard", todo="give its failure modes, or a chance for all"
        )
    fallback = Quantiles(hours=(asked.repair_h, asked.repair_h))
    return Hazard(
        chance=np.array([chance for chance, *_ in rows], dtype=np.float64),
        damage=np.array([(least, most) for _, least, most, _ in rows], dtype=np.float64).reshape(-1, 2),
        repairs=np.array([_quantiles(repair or (fallback,)) for *_, repair in rows], dtype=np.float64).reshape(
            -1, len(_LEVELS)
        ),
        repair_of=np.arange(len(rows), dtype=np.int64),
    )


_NOTHING: Final[tuple[float, float, float, tuple[Repair, ...]]] = (0.0, 0.0, 0.0, ())


def _row(asset: Asset, asked: Asked) -> tuple[float, float, float, tuple[Repair, ...]]:
    own = () if asset.repair is None else (asset.repair,)
    if asked.chance is not None:
        return asked.chance, 1.0, 1.0, own
    chances = [(mode, _chance(mode, asked)) for mode in asset.failure_modes]
    happen = [(mode, chance) for mode, chance in chances if chance > 0]
    if not happen:
        return _NOTHING
    none = math.prod(1 - chance for _, chance in happen)
    repairs = tuple(repair for mode, _ in happen if (repair := mode.repair or asset.repair) is not None)
    least, most = min(mode.damage_least for mode, _ in happen), max(mode.damage_most for mode, _ in happen)
    return 1 - none, least, most, repairs


def _chance(mode: FailureMode, asked: Asked) -> float:
    if asked.intensity is None:
        return -math.expm1(-mode.per_year * asked.within_h / YEAR_H)
    fragile = mode.fragility
    if fragile is None or fragile.measure != asked.measure or asked.intensity == 0:
        return 0.0
    return _STANDARD.cdf(math.log(asked.intensity / fragile.median) / fragile.beta)


def _quantiles(repairs: tuple[Repair, ...]) -> list[float]:
    return [max(hours_of(repair, level) for repair in repairs) for level in _LEVELS]
