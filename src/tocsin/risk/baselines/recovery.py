"""Recovery-time targets against simulated recovery: how long, in each sample, until service is back. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scipy import stats

from tocsin.errors import InputError
from tocsin.map.cascade.engine import trace
from tocsin.map.cascade.grid import FULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Wiring
    from tocsin.risk.baselines.model import Recovery

__all__ = ["Recovered", "recovered", "time_back"]

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """How a target does: of the samples in which an asset fell below the level, in how many it was back in time.

    ``low`` and ``high`` bound the share in time (Clopper and Pearson, 95 %). ``met``: the bound is above the target's
    share; ``missed``: it is below; neither: there are too few samples to say, or none that hit the asset.
    """

    samples: int
    fell: int
    in_time: int
    low: float
    high: float
    longest_h: float  # infinite: not back within the horizon
    met: bool
    missed: bool


def time_back(course: Course, asset: int, level: int, wiring: Wiring) -> float | None:
    """Return how many hours pass from an asset's first fall below ``level`` percent until it is back for good.

    None: it never fell; infinite: it was below at the end.
    """
    least = -(-FULL * level // 100)
    fell = back = None
    for at, changed, service in course.changes:
        if changed != asset:
            continue
        if service < least:
            fell, back = at if fell is None else fell, None
        elif fell is not None and back is None:
            back = at
    if fell is None:
        return None
    return math.inf if back is None else (back - fell) / wiring.ticks_per_hour


def recovered(wiring: Wiring, hits: Hits, asset: str, target: Recovery, *, horizon_h: float) -> Recovered:
    """Return how an asset does against a target over these samples.

    Raises:
        InputError: the map has no such asset, or the horizon ends before the target.
        LimitError: as ``map.cascade.trace``.
    """
    if asset not in wiring.ids:
        raise InputError("the map has no such asset", where=asset[:200])
    if horizon_h <= target.hours:
        raise InputError(f"a horizon of {horizon_h:g} hours", todo=f"more than the target's {target.hours}")
    place = wiring.ids.index(asset)
    times = [
        time_back(trace(wiring, hits.part(number, number + 1), horizon_h=horizon_h), place, target.level, wiring)
        for number in range(hits.samples)
    ]
    return judged([one for one in times if one is not None], len(times), target)


def judged(times: Sequence[float], samples: int, target: Recovery) -> Recovered:
    """Return how recovery times, of those samples in which there was something to recover, do against a target."""
    fell, in_time = len(times), sum(one <= target.hours for one in times)
    tail, share = (1 - _CONFIDENCE) / 2, target.share / 100
    low = float(stats.beta.ppf(tail, in_time, fell - in_time + 1)) if in_time else 0.0
    high = float(stats.beta.ppf(1 - tail, in_time + 1, fell - in_time)) if in_time < fell else 1.0
    return Recovered(
        samples=samples,
        fell=fell,
        in_time=in_time,
        low=low,
        high=high,
        longest_h=max(times, default=0.0),
        met=fell > 0 and low >= share,
        missed=fell > 0 and high < share,
    )
