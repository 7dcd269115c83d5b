"""Compiled: in which order changes are passed on, so that an asset is told when all that it depends on is at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tocsin.map.cascade.compiled import compiled, inlined
from tocsin.map.cascade.wiring import ASSET

if TYPE_CHECKING:
    from tocsin.map.cascade.wiring import Ints

__all__ = ["ranks"]


@compiled
def ranks(feeds_of: Ints, feeds: Ints, fixed: Ints) -> Ints:
    """Return the rank of each asset: 0 with no supplier, else one more than the highest of its suppliers.

    Assets of a ring have one rank, as if they were one asset.
    """
    ring, order = _rings(feeds_of, feeds, fixed)
    rank = np.zeros(len(ring), np.int64)  # by ring
    for place in range(len(order) - 1, -1, -1):
        asset = order[place]
        for feed in range(feeds_of[asset], feeds_of[asset + 1]):
            other = ring[fixed[feeds[feed, 0], ASSET]]
            if other != ring[asset]:
                rank[other] = max(rank[other], rank[ring[asset]] + 1)
    return rank[ring]


@inlined
def _rings(feeds_of: Ints, feeds: Ints, fixed: Ints) -> tuple[Ints, Ints]:
    """Return of which strongly connected component each asset is, and the assets, those last that others hang on.

    Tarjan (1972), with a stack in place of recursion: a chain may be as long as the map is large.
    """
    count = len(feeds_of) - 1
    found, ring = np.full(count, -1, np.int64), np.full(count, -1, np.int64)  # when it was found; which ring it is of
    low, begun, order = np.zeros(count, np.int64), feeds_of[:-1].copy(), np.zeros(count, np.int64)
    calls, held = np.zeros(count, np.int64), np.zeros(count, np.int64)
    seen = holds = done = rings = 0
    for root in range(count):
        depth, calls[0] = 0 if found[root] < 0 else -1, root
        while depth >= 0:
            asset = calls[depth]
            if found[asset] < 0:
                found[asset] = low[asset] = seen
                held[holds] = asset
                seen, holds = seen + 1, holds + 1
            if begun[asset] < feeds_of[asset + 1]:
                other = fixed[feeds[begun[asset], 0], ASSET]
                begun[asset] += 1
                if found[other] < 0:
                    depth += 1
                    calls[depth] = other
                elif ring[other] < 0:
                    low[asset] = min(low[asset], found[other])
                continue
            depth -= 1
            above = calls[max(depth, 0)]
            low[above] = min(low[above], low[asset])
            if low[asset] == found[asset]:
                while ring[asset] < 0:
                    holds -= 1
                    ring[held[holds]], order[done] = rings, held[holds]
                    done += 1
                rings += 1
    return ring, order
