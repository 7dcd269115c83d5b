"""The sums of many samples by the reference: what stands in where numba is not, and what the kernel is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.map.cascade.grid import FULL
from tocsin.map.cascade.reference import course

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.state import Sums
    from tocsin.map.cascade.wiring import Wiring

__all__ = ["add_plainly"]


def add_plainly(wiring: Wiring, hits: Hits, sums: Sums, *, horizon: int) -> None:
    """Simulate each sample up to ``horizon`` and add it to the sums; some thousand times slower than the kernel."""
    for sample in range(hits.samples):
        found = course(wiring, hits.part(sample, sample + 1).table, horizon)
        lost = [0] * wiring.assets
        for asset, begin, end, level in _spells(found, wiring.assets, horizon):
            lost[asset] += (FULL - level) * (end - begin)
            if sums.row_of[asset] >= 0:
                _add_hours(sums, int(sums.row_of[asset]), (begin, end), FULL - level, wiring.ticks_per_hour)
        for asset, units in enumerate(lost):
            if units:
                _add_asset(sums, sample, asset, units // FULL)
        first = {group: instant for instant, group in reversed(found.emptied)}
        for group, instant in first.items():
            count, _, earliest = sums.buffers[group]
            sums.buffers[group] += (1, instant, 0)
            sums.buffers[group, 2] = instant if count == 0 else min(int(earliest), instant)


def _spells(found: Course, assets: int, horizon: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield each asset's times of less than the whole: from when until when at what."""
    since, level = [0] * assets, [FULL] * assets
    for instant, asset, following in (*found.changes, *((horizon, asset, FULL) for asset in range(assets))):
        if level[asset] < FULL and since[asset] < instant:
            yield asset, since[asset], instant, level[asset]
        since[asset], level[asset] = instant, following


def _add_hours(sums: Sums, row: int, spell: tuple[int, int], lost: int, per_hour: int) -> None:
    """Add a spell to the differences from hour to hour."""
    for instant, sign in zip(spell, (1, -1), strict=True):
        hour = instant // per_hour
        part = lost * ((hour + 1) * per_hour - instant) // FULL
        sums.hourly[row, hour] += sign * part
        sums.hourly[row, hour + 1] += sign * (lost * per_hour // FULL - part)


def _add_asset(sums: Sums, sample: int, asset: int, lost: int) -> None:
    sums.outage[asset] += (lost, 1)
    sums.measures[sample, sums.sector_of[asset]] += (lost, lost * sums.people[asset], lost * sums.value_h[asset])
