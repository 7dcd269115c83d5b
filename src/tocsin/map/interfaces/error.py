"""What an interface leaves out: the others' outages with it against those with the full map, sample by sample. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tocsin.errors import InputError
from tocsin.map.cascade.engine import courses
from tocsin.map.cascade.grid import FULL, ticks_of
from tocsin.map.cascade.hits import hits_of
from tocsin.map.cascade.wiring import wire
from tocsin.map.interfaces.model import compose
from tocsin.map.interfaces.response import others_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.cascade.hits import Hit
    from tocsin.map.cascade.reference import Course
    from tocsin.map.interfaces.model import Interface
    from tocsin.map.model import AssetMap

__all__ = ["InterfaceError", "error_of"]


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


def error_of(
    plan: AssetMap,
    inside: Iterable[str],
    interface: Interface,
    samples: Sequence[Sequence[Hit]],
    *,
    horizon_h: float,
    jobs: int = -1,
) -> InterfaceError:
    """Return how far the interface is from the full map in these samples, whose hits are on the others' assets.

    Raises ``InputError`` for a hit inside: what is hit there, an interface does not tell.
    """
    own = frozenset(inside)
    wrong = sorted({hit.asset for hits in samples for hit in hits} & own)
    if wrong:
        raise InputError("a hit inside the member's part", where=wrong[0], todo="hit the others' assets")
    short = compose(others_of(plan, own), interface)
    outputs = {one.id for one in interface.outputs}
    told = [asset.id for asset in plan.assets if asset.id not in own or asset.id in outputs]
    lost = [_lost(one, told, samples, horizon_h, jobs) for one in (plan, short)]
    full, less = lost
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


def _lost(
    plan: AssetMap, told: Sequence[str], samples: Sequence[Sequence[Hit]], horizon_h: float, jobs: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
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
    return lost / FULL / wiring.ticks_per_hour


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
