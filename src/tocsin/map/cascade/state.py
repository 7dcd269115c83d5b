"""The working state of one worker: rows as long as a cache line, and lists of what was touched.

A sample touches what its hits reach and nothing else; what it touched is put back afterwards. So a sample costs what
happens in it, however large the map is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tocsin.map.cascade.grid import FULL
from tocsin.map.cascade.wiring import BUFFER, WHOLE

if TYPE_CHECKING:
    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.wiring import Ints, Wiring

__all__ = ["Lines", "Sums", "Work", "lines_of", "new_work"]


class Lines(NamedTuple):
    """The arrays of a ``Wiring`` that the kernel reads."""

    groups_of: Ints
    fixed: Ints
    feeds_of: Ints
    feeds: Ints
    rank_of: Ints


class Work(NamedTuple):
    """What one sample changes. ``used`` has how much of each list is."""

    assets: Ints
    groups: Ints
    touched: Ints  # assets whose rows are to be put back
    touched_groups: Ints
    lines: Ints  # by rank: the first and the last asset whose service changed and whose dependents do not know it
    after: Ints  # by asset: who stands behind it in the line of its rank
    ranks: Ints  # in whose lines anybody stands, the lowest first: a heap
    changed: Ints  # assets that changed in this instant
    dirty: Ints  # groups that were fed in this instant
    seeds: Ints  # assets that are hit, repaired, or out of a buffer in this instant
    waiting: Ints  # assets that a need with black start holds down
    heap: Ints  # when buffers run out: instant and group in one number
    events: Ints  # when hits begin and end: instant, hit and which, in one number
    used: Ints


# The columns of ``Work.assets``.
NOW: Final = 0  # its service
TOLD: Final = 1  # its service as its dependents know it
OWN: Final = 2  # what it could do by itself
OLD: Final = 3  # its service before this instant
SINCE: Final = 4  # since when it has been at that
LOST: Final = 5  # service lost in this sample, ticks x millionths
MARK: Final = 6
# The columns of ``Work.groups``.
SUM: Final = 0  # what its suppliers add up to
STOCK: Final = 1  # the buffer, as of AT
AT: Final = 2
SUPPLY: Final = 3  # since AT
DUE: Final = 4  # when the buffer runs out; NEVER
ALLOWS: Final = 5  # the service that it allows its asset
# The columns of ``Work.lines``.
FIRST: Final = 0
LAST: Final = 1  # NOBODY: the line is empty
# The marks, of assets and of groups.
TOUCHED: Final = 1
CHANGED: Final = 2
QUEUED: Final = 4
WAITING: Final = 8
STRUCK: Final = 16
EMPTIED: Final = 32
# The entries of ``Work.used``.
N_TOUCHED: Final = 0
N_TOUCHED_GROUPS: Final = 1
N_CHANGED: Final = 2
N_DIRTY: Final = 3
N_SEEDS: Final = 4
N_WAITING: Final = 5
N_HEAP: Final = 6
N_RANKS: Final = 7
N_TOLD: Final = 8  # how often an asset told its dependents, in this sample
N_TRACE: Final = 9
N_TRACE_EMPTIED: Final = 10
N_SAMPLE: Final = 11  # which sample of this worker's it is
_COUNTS: Final = 16  # two cache lines, so that no two workers write into one

NEVER: Final = -1
NOBODY: Final = -1


class Sums(NamedTuple):
    """What is summed up over a worker's samples: integers, so that no order of adding them up gives another sum."""

    outage: Ints  # by asset: service lost in ticks x millionths, samples in which any was
    hourly: Ints  # by row and hour: service lost, in ticks; its rows are those that ``row_of`` gives assets (-1: none)
    row_of: Ints
    buffers: Ints  # by group: samples in which it ran out, the sum of the first times, the earliest
    measures: Ints  # by sample and sector: service lost, people without, worth lost; each in ticks
    sector_of: Ints
    people: Ints
    value_h: Ints
    trace: Ints  # rows of instant, asset, service, sample; a length of 0: not kept
    trace_emptied: Ints  # rows of instant, group, sample


def lines_of(wiring: Wiring) -> Lines:
    """Return what the kernel reads."""
    return Lines(wiring.groups_of, wiring.fixed, wiring.feeds_of, wiring.feeds, wiring.rank_of)


def new_work(wiring: Wiring, hits: Hits) -> Work:
    """Return a state in which everything is whole, with room for the largest of these samples."""
    assets = np.zeros((wiring.assets, 8), dtype=np.int64)
    assets[:, [NOW, TOLD, OWN, OLD]] = FULL
    groups = np.zeros((wiring.groups, 8), dtype=np.int64)
    groups[:, SUM] = wiring.fixed[:, WHOLE]
    groups[:, STOCK] = wiring.fixed[:, BUFFER]
    groups[:, [SUPPLY, ALLOWS]] = FULL
    groups[:, DUE] = NEVER
    most = int(np.diff(hits.first).max(initial=0))
    by_asset, by_group, by_rank = wiring.assets, wiring.groups, int(wiring.rank_of.max(initial=0)) + 1
    return Work(
        assets=assets,
        groups=groups,
        touched=_room(by_asset),
        touched_groups=_room(by_group),
        lines=np.full((by_rank, 2), NOBODY, dtype=np.int64),
        after=_room(by_asset),
        ranks=_room(by_rank),
        changed=_room(by_asset),
        dirty=_room(by_group),
        seeds=_room(by_asset + by_group),
        waiting=_room(by_asset),
        # at most one entry of each group is not out of date: those that are go when it is full
        heap=_room(2 * by_group + 64),
        events=_room(2 * most),
        used=_room(_COUNTS),
    )


def _room(count: int) -> Ints:
    return np.zeros(count, dtype=np.int64)
