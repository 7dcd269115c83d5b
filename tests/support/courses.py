"""How courses of cascades are read and compared."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tocsin.map.cascade.grid import FULL

if TYPE_CHECKING:
    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Wiring

__all__ = ["below", "levels", "lost_hours", "stepped"]


def levels(course: Course, name: str, wiring: Wiring) -> list[tuple[float, float]]:
    """Return from which hour on an asset's service is what."""
    asset = wiring.ids.index(name)
    return [(t / wiring.ticks_per_hour, level / FULL) for t, changed, level in course.changes if changed == asset]


def lost_hours(course: Course, wiring: Wiring, horizon: int) -> list[float]:
    """Return the hours of service that each asset lost."""
    lost, level, since = ([0] * wiring.assets for _ in range(3))
    level = [FULL] * wiring.assets
    for instant, asset, now in (*course.changes, *((horizon, asset, 0) for asset in range(wiring.assets))):
        lost[asset] += (FULL - level[asset]) * (instant - since[asset])
        level[asset], since[asset] = now, instant
    return [one / FULL / wiring.ticks_per_hour for one in lost]


def below(worse: Course, better: Course, assets: int) -> bool:
    """Return whether no asset ever has more service in the first than in the second."""
    states = {id(course): [FULL] * assets for course in (worse, better)}
    changes: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for course in (worse, better):
        for instant, asset, level in course.changes:
            changes[instant].append((id(course), asset, level))
    for instant in sorted(changes):
        for which, asset, level in changes[instant]:
            states[which][asset] = level
        if any(low > high for low, high in zip(states[id(worse)], states[id(better)], strict=True)):
            return False
    return True


def stepped(
    needs: dict[str, list[tuple[list[str], int, int]]], hits: dict[str, tuple[int, int]], hours: int
) -> dict[str, set[int]]:
    """Return in which hours each asset is down: up or down only, hour by hour, with sets; nothing of ours in it.

    ``needs``: of each asset (suppliers, how many, hours of buffer, which is full again after one hour of supply);
    ``hits``: of each asset that is hit, from which hour to before which.
    """
    up, stock = set(needs), {(asset, at): need[2] for asset, all_of in needs.items() for at, need in enumerate(all_of)}
    down: dict[str, set[int]] = {asset: set() for asset in needs}
    for hour in range(hours):
        able = {asset for asset in needs if not (asset in hits and hits[asset][0] <= hour < hits[asset][1])}

        def stands(asset: str) -> bool:
            return asset in able and all(  # noqa: B023 -- called within this hour
                stock[asset, at] > 0 or len(up.intersection(suppliers)) >= least  # noqa: B023 -- the same
                for at, (suppliers, least, _) in enumerate(needs[asset])
            )

        while rising := {asset for asset in needs if asset not in up and stands(asset)}:
            up |= rising
        while falling := {asset for asset in up if not stands(asset)}:
            up -= falling
        for asset, all_of in needs.items():
            if asset not in up:
                down[asset].add(hour)
            for at, (suppliers, least, buffer) in enumerate(all_of):
                short = len(up.intersection(suppliers)) < least
                stock[asset, at] = max(0, stock[asset, at] - 1) if short else buffer
    return down
