"""What fails next, and when: of outages that are there now, by cascades over the repairs that they may have. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec import structs

from tocsin.errors import InputError, LimitError
from tocsin.map.cascade.draws import LONG, keys_of, shares
from tocsin.map.cascade.engine import MOST_TOLD, courses
from tocsin.map.cascade.grid import FULL, TICKS, ticks_of
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.wiring import ASSET, wire
from tocsin.map.model import LONGEST_H, Repair, hours_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Wiring
    from tocsin.map.model import AssetMap

__all__ = [
    "MOST_SAMPLES",
    "Already",
    "Fall",
    "Forecast",
    "Outage",
    "RunsOut",
    "Spread",
    "unknown_end",
    "what_next",
]

# Every change of every sample is in memory: a hundred thousand samples place a median to a hundredth of its spread.
MOST_SAMPLES: Final = 100_000
# The interval of a time: 5 and 95 of 100.
_EARLY, _MIDDLE, _LATE = 0.05, 0.5, 0.95
# The interval of a chance: 95 of 100 (two-sided normal quantile, for Wilson's score).
_Z: Final = 1.959963984540054
_HALVINGS: Final = 60  # a level to the last bits of a double
# So much of the past is simulated: a year. One outage of long ago must not take the whole span of the grid.
_PAST_H: Final = 8_766.0


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that has lost ``damage`` of its service for ``since_h`` hours by now.

    ``repaired_in_h``: hours from now, where it is known. Else ``repair``: how long one takes from the beginning of the
    outage on; else the asset's own.
    """

    asset: str
    since_h: float = 0.0
    damage: float = 1.0
    repaired_in_h: float | None = None
    repair: Repair | None = None


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How likely something is within the horizon, and when, in hours from now.

    ``chance``: the share of samples in which it happens; ``chance_least`` to ``chance_most``: Wilson's 95 % interval of
    it (Wilson 1927), which is what the number of samples leaves open. ``median_h``, ``early_h``, ``late_h``: of the
    samples in which it happens, when it has in 50, 5 and 95 of 100 (the smallest instant by which it has).
    """

    chance: float
    chance_least: float
    chance_most: float
    median_h: float
    early_h: float
    late_h: float


class Already(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that is not whole now: the outages themselves, and what they have taken with them."""

    asset: str
    service: float


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that may have less service than now: the first time that it does. ``falls_to``: the least it may get."""

    asset: str
    falls_to: float
    when: Spread


class RunsOut(msgspec.Struct, frozen=True, kw_only=True):
    """A buffer that may run out: the first time from now that it does."""

    asset: str
    group: str
    when: Spread


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What is, and what may follow by the horizon, soonest first (by median, then the likelier, then by name).

    ``exact``: every repair was given, so that there is one course of things and no sampling.
    """

    horizon_h: float
    samples: int
    exact: bool
    already: tuple[Already, ...]
    falls: tuple[Fall, ...]
    buffers: tuple[RunsOut, ...]


def what_next(
    plan: AssetMap,
    outages: Sequence[Outage],
    *,
    horizon_h: float,
    samples: int = 1_000,
    seed: int = 0,
    jobs: int = -1,
    most_told: int = MOST_TOLD,
) -> Forecast:
    """Return what loses service within ``horizon_h`` hours from now, how likely and when.

    The past is simulated too, a year of it at most: buffers have been used up since each outage began. A repair is
    drawn on the condition that it has taken longer than it has; its number follows from the seed, the sample and the
    asset alone (``cascade.draws``), so that two plans are compared on the same repairs. ``most_told`` is as in
    ``simulate``. Raises ``InputError`` for an outage that is none, or whose repair nobody knows; ``NotFoundError`` for
    an asset that the map has not; ``LimitError`` above ``MOST_SAMPLES``.
    """
    if not 0 < samples <= MOST_SAMPLES:
        raise LimitError(f"{samples:,} samples", todo=f"1 to {MOST_SAMPLES:,}")
    _check(outages)
    wiring = wire(plan)
    before = min(max((outage.since_h for outage in outages), default=0.0), _PAST_H)
    known = {asset.id: asset.repair for asset in plan.assets}
    exact = all(outage.repaired_in_h is not None for outage in outages)
    count = 1 if exact else samples
    left = [_left(outage, known.get(outage.asset), count, seed) for outage in outages]
    hits = hits_of(
        wiring,
        [
            [
                Hit(
                    asset=outage.asset,
                    damage=outage.damage,
                    from_h=max(0.0, before - outage.since_h),
                    until_h=before + hours[sample],
                )
                for outage, hours in zip(outages, left, strict=True)
            ]
            for sample in range(count)
        ],
    )
    found = courses(wiring, hits, horizon_h=before + horizon_h, jobs=jobs, most_told=most_told)
    now = ticks_of(before, wiring.ticks_per_hour)
    levels = _levels(found[0], now)
    falls, buffers = _falls(wiring, found, now, levels), _runs_out(wiring, found, now)
    if exact:
        falls = [structs.replace(one, when=_sure(one.when)) for one in falls]
        buffers = [structs.replace(one, when=_sure(one.when)) for one in buffers]
    return Forecast(
        horizon_h=horizon_h,
        samples=count,
        exact=exact,
        already=tuple(Already(asset=wiring.ids[asset], service=levels[asset] / FULL) for asset in sorted(levels)),
        falls=tuple(sorted(falls, key=lambda one: (one.when.median_h, -one.when.chance, one.asset))),
        buffers=tuple(sorted(buffers, key=lambda one: (one.when.median_h, -one.when.chance, one.asset, one.group))),
    )


def _check(outages: Sequence[Outage]) -> None:
    for outage in outages:
        if not 0 <= outage.since_h <= LONGEST_H:
            raise InputError(f"since {outage.since_h} hours", where=outage.asset, todo="hours ago, 0 or more")
        if outage.repaired_in_h is not None and not 0 <= outage.repaired_in_h <= LONGEST_H:
            raise InputError(
                f"repaired in {outage.repaired_in_h} hours", where=outage.asset, todo="hours from now, 0 or more"
            )


def unknown_end(outage: Outage, own: Repair | None) -> str | None:
    """Return why nobody knows when an outage ends, of an asset whose repair is ``own``; None: it is known, or drawn."""
    repair = outage.repair if outage.repair is not None else own
    if outage.repaired_in_h is not None:
        return None
    if repair is None:
        return "how long its repair takes is not known"
    if _done(repair, outage.since_h) >= 1:
        return f"it has lasted {outage.since_h:g} hours, longer than the longest repair that is known"
    return None


def _left(outage: Outage, own: Repair | None, count: int, seed: int) -> list[float]:
    """Return for each sample in how many hours from now the outage ends."""
    if outage.repaired_in_h is not None:
        return [outage.repaired_in_h] * count
    repair = outage.repair if outage.repair is not None else own
    cause = unknown_end(outage, own)
    if repair is None or cause is not None:
        raise InputError(
            cause or "", where=outage.asset, todo="say in how many hours it is repaired, or give other repair times"
        )
    done = _done(repair, outage.since_h)
    key = keys_of([outage.asset])
    drawn = (float(shares(key, LONG, seed=seed, sample=sample)[0]) for sample in range(count))
    # it is still there now: a tick from now at the soonest
    return [max(1 / TICKS, hours_of(repair, done + (1 - done) * share) - outage.since_h) for share in drawn]


def _done(repair: Repair, hours: float) -> float:
    """Return what share of all repairs take at most so long: the other way round of ``hours_of``."""
    if hours_of(repair, 1.0) <= hours:
        return 1.0
    if hours_of(repair, 0.0) > hours:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if hours_of(repair, middle) <= hours else (low, middle)
    return low


def _levels(found: Course, now: int) -> dict[int, int]:
    """Return which assets are not whole now, and what they give. It is the same in every sample: no repair is past."""
    levels = {asset: level for instant, asset, level in found.changes if instant <= now}  # the last one stays
    return {asset: level for asset, level in levels.items() if level < FULL}


def _falls(wiring: Wiring, found: Sequence[Course], now: int, levels: dict[int, int]) -> list[Fall]:
    when: dict[int, list[int]] = {}
    least: dict[int, int] = {}
    for one in found:
        seen: set[int] = set()
        for instant, asset, level in one.changes:
            if instant <= now or level >= levels.get(asset, FULL):
                continue
            least[asset] = min(level, least.get(asset, FULL))
            if asset not in seen:
                seen.add(asset)
                when.setdefault(asset, []).append(instant - now)
    return [
        Fall(asset=wiring.ids[asset], falls_to=least[asset] / FULL, when=_spread(wiring, ticks, len(found)))
        for asset, ticks in when.items()
    ]


def _runs_out(wiring: Wiring, found: Sequence[Course], now: int) -> list[RunsOut]:
    when: dict[int, list[int]] = {}
    for one in found:
        first = {group: instant - now for instant, group in reversed(one.emptied) if instant > now}
        for group, ticks in first.items():
            when.setdefault(group, []).append(ticks)
    owner = wiring.fixed[:, ASSET].tolist()
    return [
        RunsOut(asset=wiring.ids[owner[group]], group=wiring.names[group], when=_spread(wiring, ticks, len(found)))
        for group, ticks in when.items()
    ]


def _spread(wiring: Wiring, ticks: Iterable[int], samples: int) -> Spread:
    hours = np.sort(np.fromiter(ticks, dtype=np.int64)) / wiring.ticks_per_hour
    least, most = _wilson(len(hours), samples)
    early, middle, late = (float(hours[math.ceil(share * len(hours)) - 1]) for share in (_EARLY, _MIDDLE, _LATE))
    return Spread(
        chance=len(hours) / samples,
        chance_least=least,
        chance_most=most,
        median_h=middle,
        early_h=early,
        late_h=late,
    )


def _sure(when: Spread) -> Spread:
    """Nothing was drawn: it happens, and then."""
    return structs.replace(when, chance_least=1.0, chance_most=1.0)


def _wilson(times: int, samples: int) -> tuple[float, float]:
    share, z2 = times / samples, _Z * _Z
    middle = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    half = _Z / (1 + z2 / samples) * math.sqrt(share * (1 - share) / samples + z2 / (4 * samples * samples))
    return max(0.0, middle - half), min(1.0, middle + half)
