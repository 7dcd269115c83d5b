"""A map as flat arrays: what both engines read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from tocsin.map.cascade.grid import FULL, TICKS, level_of, need_of, ticks_of, weight_of
from tocsin.map.model import Need, checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.model import AssetMap, DependencyGroup

    Ints: TypeAlias = NDArray[np.int64]

__all__ = [
    "ALPHA",
    "ASSET",
    "BETA",
    "BLACK_START",
    "BUFFER",
    "COUNTED",
    "FLAGS",
    "REFILL",
    "WANTED",
    "WHOLE",
    "Wiring",
    "assemble",
    "wire",
]

# The columns of ``Wiring.fixed``: a row for each group, as long as a line of the processor's cache.
WANTED: Final = 0  # k; by SUM in millionths of weight, by COUNT how many
BUFFER: Final = 1  # ticks x millionths
REFILL: Final = 2  # the same, gained in a tick of full supply
ALPHA: Final = 3
BETA: Final = 4
ASSET: Final = 5  # whose need it is
FLAGS: Final = 6
WHOLE: Final = 7  # what its suppliers add up to when all are whole
_COLUMNS: Final = 8

COUNTED: Final = 1  # Need.COUNT
BLACK_START: Final = 2


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """A checked map on the grid. Assets and groups are numbers from 0; an asset's groups follow each other.

    ``groups_of[a] : groups_of[a + 1]`` are the groups of asset a. ``feeds_of[a] : feeds_of[a + 1]`` are the rows of
    ``feeds`` that it supplies: group and weight; where suppliers are counted, the threshold with a minus before it.
    ``from_of[g] : from_of[g + 1]`` are the rows of ``sources`` that supply group g: asset and weight. ``up_from`` is a
    group's threshold of COUNT. ``ids`` and ``names`` are empty where nobody needs them. Nobody writes into the arrays.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    sectors: tuple[str, ...]
    sector_of: Ints
    people: Ints
    value_h: Ints
    groups_of: Ints
    fixed: Ints
    up_from: Ints
    feeds_of: Ints
    feeds: Ints
    from_of: Ints
    sources: Ints
    ticks_per_hour: int

    @property
    def assets(self) -> int:
        """How many assets there are."""
        return len(self.groups_of) - 1

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.fixed)

    @cached_property
    def rank_of(self) -> Ints:
        """In which order assets hear of changes (``ranks``). Only the compiled engine asks for it."""
        from tocsin.map.cascade.ranks import ranks  # noqa: PLC0415 -- numba takes a second to import

        return ranks(self.feeds_of, self.feeds, self.fixed)


def wire(plan: AssetMap, *, ticks_per_hour: int = TICKS) -> Wiring:
    """Return a map's arrays. Raises ``MapError`` with every fault in it.

    Assets keep the map's order; groups come by asset, those of one asset in the map's order.
    """
    checked(plan)
    number = {asset.id: place for place, asset in enumerate(plan.assets)}
    groups = sorted(plan.groups, key=lambda group: number[group.asset])
    sectors = tuple(sorted({asset.sector for asset in plan.assets}))
    of_sector = {name: place for place, name in enumerate(sectors)}
    fixed = np.array([_row(group, number, ticks_per_hour) for group in groups], dtype=np.int64).reshape(-1, _COLUMNS)
    edges = [
        (number[supplier.asset], place, weight_of(supplier.weight))
        for place, group in enumerate(groups)
        for supplier in group.suppliers
    ]
    return assemble(
        fixed=fixed,
        up_from=_ints(level_of(group.up_from) for group in groups),
        edges=np.array(edges, dtype=np.int64).reshape(-1, 3),
        sector_of=_ints(of_sector[asset.sector] for asset in plan.assets),
        people=_ints(asset.people for asset in plan.assets),
        value_h=_ints(round(asset.value_h) for asset in plan.assets),
        ticks_per_hour=ticks_per_hour,
        ids=tuple(number),
        names=tuple(group.name for group in groups),
        sectors=sectors,
    )


def assemble(
    *,
    fixed: Ints,
    up_from: Ints,
    edges: Ints,
    sector_of: Ints,
    people: Ints,
    value_h: Ints,
    ticks_per_hour: int = TICKS,
    ids: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    sectors: tuple[str, ...] = ("",),
) -> Wiring:
    """Return the arrays of groups (rows as ``fixed`` has them, by asset) and edges (supplier, group, weight).

    ``WHOLE`` is filled in here, and a ``WANTED`` that the grid's rounding put above it comes down to it.
    """
    assets = len(sector_of)
    fixed = fixed.copy()
    counted = (fixed[:, FLAGS] & COUNTED) != 0
    weights = np.where(counted[edges[:, 1]], 1, edges[:, 2])
    told = np.where(counted[edges[:, 1]], -up_from[edges[:, 1]], edges[:, 2])
    whole = np.bincount(edges[:, 1], minlength=len(fixed)).astype(np.int64)
    together = np.zeros(len(fixed), dtype=np.int64)
    np.add.at(together, edges[:, 1], edges[:, 2])
    fixed[:, WHOLE] = np.where(counted, whole, together * FULL)
    fixed[:, WANTED] = np.minimum(fixed[:, WANTED], np.where(counted, whole, together))
    out = np.argsort(edges[:, 0], kind="stable")
    into = np.argsort(edges[:, 1], kind="stable")
    return Wiring(
        ids=ids,
        names=names,
        sectors=sectors,
        sector_of=sector_of,
        people=people,
        value_h=value_h,
        groups_of=_starts(fixed[:, ASSET], assets),
        fixed=fixed,
        up_from=up_from,
        feeds_of=_starts(edges[:, 0], assets),
        feeds=np.ascontiguousarray(np.column_stack([edges[out, 1], told[out]])),
        from_of=_starts(edges[:, 1], len(fixed)),
        sources=np.ascontiguousarray(np.column_stack([edges[into, 0], weights[into]])),
        ticks_per_hour=ticks_per_hour,
    )


def _row(group: DependencyGroup, number: dict[str, int], ticks_per_hour: int) -> list[int]:
    counted = group.need is Need.COUNT
    return [
        int(group.k) if counted else need_of(group.k),
        ticks_of(group.buffer_h, ticks_per_hour) * FULL,
        level_of(group.refill),
        level_of(group.alpha),
        level_of(group.beta),
        number[group.asset],
        (COUNTED if counted else 0) | (BLACK_START if group.black_start else 0),
        0,
    ]


def _ints(values: object) -> Ints:
    return np.array(list(values), dtype=np.int64)  # type: ignore[call-overload]


def _starts(keys: Ints, count: int) -> Ints:
    """Return where each key's rows begin once they are in the order of their keys, and where the last one's end."""
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count))]).astype(np.int64)
