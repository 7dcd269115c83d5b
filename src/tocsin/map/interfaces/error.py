"""What an interface leaves out: the others' outages with it against those with the full map, sample by sample. Pure.

``error_of`` asks how far one interface is off, ``width_of`` how far two bounds are apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import InputError
from tocsin.map.cascade.draws import keys_of, shares
from tocsin.map.cascade.engine import courses
from tocsin.map.cascade.grid import FULL, ticks_of
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.wiring import wire
from tocsin.map.interfaces.composing import compose
from tocsin.map.interfaces.response import others_of, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from tocsin.map.cascade.reference import Course
    from tocsin.map.interfaces.model import Bounds, Interface
    from tocsin.map.model import AssetMap

    Floats = NDArray[np.float64]

__all__ = ["InterfaceError", "Width", "error_of", "trials", "width_of"]

# Which numbers of an asset and a sample are drawn for a trial.
_MANY: Final = 31
_WHICH: Final = 32
_BEGIN: Final = 33
_LONG: Final = 34
_HARD: Final = 35
_MOST_HIT: Final = 3
_HALF: Final = 0.25  # one hit in four leaves half of the service


# A promise is kept for a tick less than it says: what is apart by less than this is the same.
_SAME_H: Final = 1e-4


class InterfaceError(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of service that the others' assets and the outputs lose: by the interface less by the full map.

    Of all pairs of a sample and an asset, ``told`` is how many there are, ``hurt`` how many of them lose service by
    either, ``differ`` how many do not lose the same. ``mean_h``: of the differences' sizes, over those hurt;
    ``worst_h`` the largest. ``better`` of those that differ lose less by the interface: there it promises too much.
    ``lost_h``: what is lost in all by the full map, and ``lost_by_it_h`` by the interface.
    """

    told: int
    hurt: int
    differ: int
    better: int
    mean_h: float
    worst_h: float
    lost_h: float
    lost_by_it_h: float


class Width(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of service that the others' assets and the outputs lose: by the full map, and by two bounds of it.

    Of all pairs of a sample and an asset, ``told`` is how many there are, ``hurt`` how many of them lose service by any
    of the three, ``apart`` of how many the bounds are not the same. ``least_h`` is what is lost at least (by ``most``
    of the bounds), ``lost_h`` by the full map, ``most_h`` at most. ``mean_h``: how far the bounds are apart on average,
    over those hurt; ``worst_h`` the furthest. ``outside``: pairs in which the full map is not between them: none.
    """

    told: int
    hurt: int
    apart: int
    outside: int
    mean_h: float
    worst_h: float
    least_h: float
    lost_h: float
    most_h: float


def trials(plan: AssetMap, inside: Iterable[str], samples: int, *, horizon_h: float, seed: int) -> list[list[Hit]]:
    """Return samples of one to three hits on the others' assets and on the outputs.

    Each begins within half of the horizon, at 0 in half of the samples, and lasts up to as long. Deterministic by seed.
    """
    own = frozenset(inside)
    outputs = frozenset(outputs_of(plan, own))
    names = [one.id for one in plan.assets if one.id not in own or one.id in outputs]
    keys, half = keys_of(names), horizon_h / 2
    found = []
    for sample in range(samples):
        which, begin, long, hard, many = (
            shares(keys, question, seed=seed, sample=sample) for question in (_WHICH, _BEGIN, _LONG, _HARD, _MANY)
        )
        count = 1 + int(many[0] * _MOST_HIT) if names else 0
        found.append(
            [
                Hit(
                    asset=names[at],
                    damage=0.5 if hard[at] < _HALF else 1.0,
                    from_h=(since := max(0.0, 2 * float(begin[at]) - 1) * half),
                    until_h=since + float(long[at]) * half,
                )
                for at in np.argsort(which)[:count].tolist()
            ]
        )
    return found


def error_of(
    plan: AssetMap,
    inside: Iterable[str],
    interface: Interface,
    samples: Sequence[Sequence[Hit]],
    *,
    horizon_h: float,
    jobs: int = -1,
) -> InterfaceError:
    """Return how far the interface is from the full map in these samples, of hits on the others' assets and outputs.

    Raises ``InputError`` for a hit on what is behind the outputs: what is hit there, an interface does not tell.
    """
    full, less = _each(plan, inside, (interface,), samples, horizon_h=horizon_h, jobs=jobs)
    hurt = (full > 0) | (less > 0)
    apart = np.abs(less - full)
    return InterfaceError(
        told=full.size,
        hurt=int(hurt.sum()),
        differ=int((apart > 0).sum()),
        better=int((less < full).sum()),
        mean_h=float(apart[hurt].mean()) if hurt.any() else 0.0,
        worst_h=float(apart.max(initial=0.0)),
        lost_h=float(full.sum()),
        lost_by_it_h=float(less.sum()),
    )


def width_of(
    plan: AssetMap,
    inside: Iterable[str],
    bounds: Bounds,
    samples: Sequence[Sequence[Hit]],
    *,
    horizon_h: float,
    jobs: int = -1,
) -> Width:
    """Return how far two bounds are apart in these samples. Errors as ``error_of`` has them."""
    full, worse, better = _each(plan, inside, (bounds.least, bounds.most), samples, horizon_h=horizon_h, jobs=jobs)
    hurt = (full > 0) | (worse > 0)
    apart = worse - better
    return Width(
        told=full.size,
        hurt=int(hurt.sum()),
        apart=int((apart > _SAME_H).sum()),
        outside=int(((full > worse) | (full < better)).sum()),
        mean_h=float(apart[hurt].mean()) if hurt.any() else 0.0,
        worst_h=float(apart.max(initial=0.0)),
        least_h=float(better.sum()),
        lost_h=float(full.sum()),
        most_h=float(worse.sum()),
    )


def _each(
    plan: AssetMap,
    inside: Iterable[str],
    interfaces: Sequence[Interface],
    samples: Sequence[Sequence[Hit]],
    *,
    horizon_h: float,
    jobs: int,
) -> list[Floats]:
    """Return what is lost by the full map, and by each interface: a row for each sample, a column for each told."""
    own = frozenset(inside)
    outputs = frozenset(outputs_of(plan, own))
    wrong = sorted({hit.asset for hits in samples for hit in hits} & (own - outputs))
    if wrong:
        raise InputError("a hit inside the member's part", where=wrong[0], todo="hit the others' assets, or outputs")
    others = others_of(plan, own)
    told = [asset.id for asset in plan.assets if asset.id not in own or asset.id in outputs]
    maps = (plan, *(compose(others, one) for one in interfaces))
    return [_lost(one, told, samples, horizon_h, jobs) for one in maps]


def _lost(plan: AssetMap, told: Sequence[str], samples: Sequence[Sequence[Hit]], horizon_h: float, jobs: int) -> Floats:
    """Return hours of service lost: a row for each sample, a column for each asset told."""
    wiring = wire(plan)
    column = {name: at for at, name in enumerate(told)}
    place = [column.get(name, -1) for name in wiring.ids]
    horizon = ticks_of(horizon_h)
    found = courses(wiring, hits_of(wiring, samples), horizon_h=horizon_h, jobs=jobs)
    lost = np.zeros((len(found), len(told)), dtype=np.int64)
    for row, course in zip(lost, found, strict=True):
        for asset, units in _units(course, horizon).items():
            if place[asset] >= 0:
                row[place[asset]] = units
    return np.asarray(lost / FULL / wiring.ticks_per_hour)


def _units(course: Course, horizon: int) -> dict[int, int]:
    """Return what each asset lost, in ticks times millionths."""
    since: dict[int, tuple[int, int]] = {}
    lost: dict[int, int] = {}
    for instant, asset, level in course.changes:
        begun, before = since.get(asset, (0, FULL))
        lost[asset] = lost.get(asset, 0) + (FULL - before) * (instant - begun)
        since[asset] = (instant, level)
    for asset, (begun, level) in since.items():
        lost[asset] += (FULL - level) * (horizon - begun)
    return lost
