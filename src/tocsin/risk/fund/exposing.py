"""What may happen to each asset of a plan, from the failure modes of a map's assets, by one rule. Pure.

A sample of a fund is one instant of harm: what is hit is hit at 0, once, so that a project never makes a sample worse
(``projects``). Failure modes happen in their own time and several to one asset. So they are joined: an asset is hit
with the chance that any of its modes happens, as hard and as long as these do on average, each weighed by its chance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from msgspec import structs

from tocsin.errors import InputError
from tocsin.map.hazards import chance_of, chance_within, hours_at
from tocsin.map.model import LONGEST_H, Quantiles, hours_of
from tocsin.risk.fund.projects import Exposure, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.map.model import Asset, AssetMap, FailureMode, Repair
    from tocsin.map.sampling import Asked

__all__ = ["plan_of_map"]

# A plan has the quantiles of repair times at each hundredth, and a draw between two of them is on a line. The last line
# ends where it keeps the mean of the longest hundredth: the worst cases of a fund are made of these.
_PARTS: Final = 100
# So many times of each repair are ranked, forty in each hundredth.
_RANKED: Final = 4_000
# Digits of an hour and of a chance: a third of a second, and one in a thousand million.
_HOURS_DIGITS: Final = 4
_CHANCE_DIGITS: Final = 9


class _Way(NamedTuple):
    """One way in which an asset is hit: how likely, how hard, and how long its repair takes."""

    chance: float
    least: float
    most: float
    repair: Repair


def plan_of_map(plan: AssetMap, asked: Asked, *, spared: frozenset[str] = frozenset()) -> Plan:
    """Return a fund's plan of a map: what it needs of the assets, and what may happen to them by one hazard.

    ``asked`` is the hazard as ``map.sampling`` has it: an intensity, one chance for all, or how often failure modes say
    within so many hours; these are then one sample. What is ``spared`` is not hit. Places, failure modes and repair
    times of assets stay on the map: a plan is handed on to payees and assessors.

    Raises:
        InputError: a share or time that is none, or no asset says how it fails by this.
    """
    _check(asked)
    exposures = tuple(
        _exposure(asset.id, ways) for asset in plan.assets if asset.id not in spared and (ways := _ways(asset, asked))
    )
    if not exposures:
        raise InputError(
            "no asset of this map says how it fails by this", todo="give failure modes, or one chance for all"
        )
    assets = tuple(structs.replace(one, place=None, repair=None, failure_modes=()) for one in plan.assets)
    return Plan(map=structs.replace(plan, assets=assets), exposures=exposures)


def _check(asked: Asked) -> None:
    if asked.chance is not None and not 0 <= asked.chance <= 1:
        raise InputError(f"a chance of {asked.chance}", where="chance", todo="0 to 1")
    if asked.intensity is not None and not 0 <= asked.intensity < math.inf:
        raise InputError(f"an intensity of {asked.intensity}", todo=f"{asked.measure}, 0 or more")
    for name, hours in (("repair", asked.repair_h), ("period", asked.within_h)):
        if not 0 <= hours <= LONGEST_H:
            raise InputError(f"a {name} of {hours} hours", where=name, todo=f"0 to {LONGEST_H:,.0f}")


def _ways(asset: Asset, asked: Asked) -> list[_Way]:
    """Return the ways in which a hazard may hit an asset; none that cannot happen."""
    fallback = asset.repair if asset.repair is not None else Quantiles(hours=(asked.repair_h, asked.repair_h))
    if asked.chance is not None:
        return [_Way(asked.chance, 1.0, 1.0, fallback)] if asked.chance else []
    ways = [
        _Way(
            _chance(mode, asked),
            mode.damage_least,
            mode.damage_most,
            fallback if mode.repair is None else mode.repair,
        )
        for mode in asset.failure_modes
    ]
    return [way for way in ways if way.chance > 0]


def _chance(mode: FailureMode, asked: Asked) -> float:
    if asked.intensity is None:
        return chance_within(mode.per_year, asked.within_h)
    fragile = mode.fragility
    return 0.0 if fragile is None or fragile.measure != asked.measure else chance_of(fragile, asked.intensity)


def _exposure(asset: str, ways: Sequence[_Way]) -> Exposure:
    total = math.fsum(way.chance for way in ways)
    weights = [way.chance / total for way in ways]
    least, most = (
        min(1.0, math.fsum(weight * share for weight, share in zip(weights, shares, strict=True)))
        for shares in ([way.least for way in ways], [way.most for way in ways])
    )
    return Exposure(
        asset=asset,
        chance=round(1 - math.prod(1 - way.chance for way in ways), _CHANCE_DIGITS),
        damage=(least, max(least, most)),
        repair_h=tuple(round(hours, _HOURS_DIGITS) for hours in _mixed([way.repair for way in ways], weights)),
    )


def _mixed(repairs: Sequence[Repair], weights: Sequence[float]) -> list[float]:
    """Return the quantiles of a mixture of repair times; of one alone its own."""
    ranked = (np.arange(_RANKED) + 0.5) / _RANKED
    hours = np.concatenate([hours_at(repair, ranked) for repair in repairs])
    order = np.argsort(hours, kind="stable")
    hours, mass = hours[order], np.repeat(weights, _RANKED)[order] / _RANKED
    upto = np.cumsum(mass)
    inner = np.arange(1, _PARTS) / _PARTS
    if len(set(repairs)) == 1:
        found = hours_at(repairs[0], inner)
    else:
        found = hours[np.minimum(np.searchsorted(upto, inner), len(hours) - 1)]
    beyond = np.clip(upto - inner[-1], 0.0, mass)  # how much of each ranked time is in the longest hundredth
    longest = float((hours * beyond).sum() / beyond.sum())
    last = float(found[-1])
    return [min(hours_of(one, 0.0) for one in repairs), *found.tolist(), max(last, 2 * longest - last)]
