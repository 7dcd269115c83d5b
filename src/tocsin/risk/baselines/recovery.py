"""Recovery-time targets against simulated recovery: how long, in each sample, until service is back. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from scipy import stats

from tocsin.errors import InputError
from tocsin.map.cascade.engine import MOST_TOLD, courses
from tocsin.map.cascade.grid import FULL

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Wiring
    from tocsin.risk.baselines.model import Recovery

__all__ = ["Recovered", "Spell", "judged", "recoveries", "spells"]

_CONFIDENCE: Final = 0.95
# Samples whose every change is in memory at once.
_AT_ONCE: Final = 500


class Spell(NamedTuple):
    """From an asset's first fall in a sample: after how many hours it is back for good, and for how many it was seen.

    ``back_h`` is infinite where it was still below at the end, ``seen_h`` hours after its fall.
    """

    back_h: float
    seen_h: float


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """How a target does: of the samples in which an asset fell below the level, in how many it was back in time.

    ``unknown``: of them those that ended before it was back and before the target's hours had passed. ``low`` and
    ``high`` bound the share in time (Clopper and Pearson, 95 %), whatever became of these. ``met``: the bound is above
    the target's share; ``missed``: it is below; neither: there are too few samples to say, or none that hit the asset.
    """

    samples: int
    fell: int
    in_time: int
    unknown: int
    low: float
    high: float
    longest_h: float  # infinite: not back within the horizon
    met: bool
    missed: bool


def spells(
    course: Course, assets: Collection[int], level: int, *, wiring: Wiring, horizon_h: float
) -> dict[int, Spell]:
    """Return, of each of these assets that fell below ``level`` percent, its time from the first fall on."""
    least = -(-FULL * level // 100)
    fell: dict[int, int] = {}
    back: dict[int, int] = {}
    for at, asset, service in course.changes:
        if asset not in assets:
            continue
        if service < least:
            fell.setdefault(asset, at)
            back.pop(asset, None)
        elif asset in fell:
            back.setdefault(asset, at)
    return {
        asset: Spell(
            back_h=(back[asset] - at) / wiring.ticks_per_hour if asset in back else math.inf,
            seen_h=horizon_h - at / wiring.ticks_per_hour,
        )
        for asset, at in fell.items()
    }


def recoveries(
    wiring: Wiring,
    hits: Hits,
    asked: Sequence[tuple[str, Recovery]],
    *,
    horizon_h: float,
    jobs: int = -1,
    most_told: int = MOST_TOLD,
) -> list[Recovered]:
    """Return how assets do against targets over these samples, for each asset and target that is asked for.

    ``jobs`` and ``most_told`` are those of ``map.cascade.courses``.

    Raises:
        InputError: the map has no such asset, or the horizon ends before a target does.
        LimitError: as ``map.cascade.courses``.
    """
    for asset, target in asked:
        if asset not in wiring.ids:
            raise InputError("the map has no such asset", where=asset[:200])
        if horizon_h <= target.hours:
            raise InputError(
                f"a horizon of {horizon_h:g} hours is not longer than the target's",
                where="hours",
                todo=f"look further than {target.hours} hours: --hours",
            )
    place = {name: number for number, name in enumerate(wiring.ids)}
    by_level: dict[int, set[int]] = {}
    for asset, target in asked:
        by_level.setdefault(target.level, set()).add(place[asset])
    found: list[list[Spell]] = [[] for _ in asked]
    for begin in range(0, hits.samples, _AT_ONCE):
        part = hits.part(begin, min(begin + _AT_ONCE, hits.samples))
        for course in courses(wiring, part, horizon_h=horizon_h, jobs=jobs, most_told=most_told):
            told = {
                level: spells(course, assets, level, wiring=wiring, horizon_h=horizon_h)
                for level, assets in by_level.items()
            }
            for each, (asset, target) in zip(found, asked, strict=True):
                spell = told[target.level].get(place[asset])
                if spell is not None:
                    each.append(spell)
    return [judged(each, hits.samples, target) for each, (_, target) in zip(found, asked, strict=True)]


def judged(told: Sequence[Spell], samples: int, target: Recovery) -> Recovered:
    """Return how spells, of those samples in which there was something to recover, do against a target."""
    fell, in_time = len(told), sum(one.back_h <= target.hours for one in told)
    unknown = sum(math.isinf(one.back_h) and one.seen_h < target.hours for one in told)
    tail, share = (1 - _CONFIDENCE) / 2, target.share / 100
    most = in_time + unknown
    low = float(stats.beta.ppf(tail, in_time, fell - in_time + 1)) if in_time else 0.0
    high = float(stats.beta.ppf(1 - tail, most + 1, fell - most)) if most < fell else 1.0
    return Recovered(
        samples=samples,
        fell=fell,
        in_time=in_time,
        unknown=unknown,
        low=low,
        high=high,
        longest_h=max((one.back_h for one in told), default=0.0),
        met=fell > 0 and low >= share,
        missed=fell > 0 and high < share,
    )
