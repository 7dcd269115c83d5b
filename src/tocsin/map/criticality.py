"""Which assets matter most, and how sure that is where edges are assumed. Pure.

Each asset is tried by itself (``failures.singles``). What is assumed on the map has a range; it is drawn anew from
there, uniformly, and everything is tried again. What stays where it was, is known; what moves, hangs on an assumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec import structs
from scipy.stats import kendalltau

from tocsin.errors import LimitError
from tocsin.map.cascade.draws import keys_of, shares
from tocsin.map.cascade.engine import MOST_TOLD
from tocsin.map.cascade.wiring import wire
from tocsin.map.failures import Measure, singles
from tocsin.map.model import Need, Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.cascade.wiring import Ints
    from tocsin.map.model import AssetMap, DependencyGroup, Supplier

    Floats = NDArray[np.float64]

__all__ = ["MOST_REDRAWS", "Criticality", "Rank", "criticality", "redrawn"]

# A redraw tries every asset: a thousand place a share to three hundredths.
MOST_REDRAWS: Final = 10_000
# A place that is held in so many of the redraws is called stable.
_STABLE: Final = 0.95
# What is asked of an edge or a group in a redraw: one number each.
_WEIGHT: Final = 11
_BUFFER: Final = 12


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """One asset: what it takes with it on the map as it stands, its rank there, and its ranks in the redraws.

    ``loss``: in the measure asked for, until the horizon. ``rank``: 1 is the most critical; assets that take the same
    have the same rank, the best of theirs. ``often``: the share of redraws in which it was among the first 1, 2, … of
    ``Criticality.first``. ``best`` and ``worst``: its ranks in 5 and 95 of 100 redraws. ``least`` to ``most``: its loss
    over all redraws.
    """

    asset: str
    loss: float
    rank: int
    often: tuple[float, ...]
    best: int
    worst: int
    least: float
    most: float


class Criticality(msgspec.Struct, frozen=True, kw_only=True):
    """Assets by what they take with them, the most critical first; ``stably_first`` those that are so whatever holds.

    ``assumed``: how many weights and buffers were drawn. ``taus``: Kendall's tau-b (Kendall 1945) between each redraw's
    losses and those of the map as it stands, 1 for the same order; none where either has all assets equal.
    ``stably_first``: those with rank 1 in 95 of 100 redraws.
    """

    measure: Measure
    horizon_h: float
    redraws: int
    assumed: int
    first: int
    ranks: tuple[Rank, ...]
    taus: tuple[float, ...]
    stably_first: tuple[str, ...]


def criticality(
    plan: AssetMap,
    *,
    horizon_h: float,
    measure: Measure = Measure.PEOPLE,
    redraws: int = 100,
    first: int = 10,
    seed: int = 0,
    jobs: int = -1,
    most_told: int = MOST_TOLD,
) -> Criticality:
    """Return the ranking of a map's assets with what assumed weights and buffers leave open.

    Deterministic by ``seed``; a number belongs to one edge or group and one redraw, so that another map's edges are
    drawn alike. Where nothing is assumed nothing is drawn, and every share is 1 or 0. ``most_told`` is as in
    ``simulate``. Raises ``LimitError`` above ``MOST_REDRAWS``, and as ``singles``.
    """
    if not 0 < redraws <= MOST_REDRAWS:
        raise LimitError(f"{redraws:,} redraws", todo=f"1 to {MOST_REDRAWS:,}")
    assumed = sum(map(_assumed, plan.groups))
    first = max(1, min(first, len(plan.assets)))

    def tried(one: AssetMap) -> Floats:
        return singles(wire(one), horizon_h=horizon_h, jobs=jobs, most_told=most_told).by(measure)

    base = tried(plan)
    count = redraws if assumed else 1
    losses = np.empty((count, len(base)))
    for number in range(count):
        losses[number] = tried(redrawn(plan, seed=seed, number=number)) if assumed else base
    ranks = np.array([_ranks(one) for one in losses])
    names = [asset.id for asset in plan.assets]
    told = [
        _rank(names[at], base[at], rank, ranks=ranks[:, at], losses=losses[:, at], first=first)
        for at, rank in enumerate(_ranks(base).tolist())
    ]
    return Criticality(
        measure=measure,
        horizon_h=horizon_h,
        redraws=count if assumed else 0,
        assumed=assumed,
        first=first,
        ranks=tuple(sorted(told, key=lambda one: (one.rank, one.asset))),
        taus=_taus(base, losses),
        stably_first=tuple(sorted(one.asset for one in told if one.often[0] >= _STABLE)),
    )


def redrawn(plan: AssetMap, *, seed: int, number: int) -> AssetMap:
    """Return the map with every assumed weight and buffer drawn from its range; the rest as it was.

    Where drawn weights no longer add up to k, k comes down to them: an asset is whole until something is hit.
    """
    names = [f"{group.asset}\0{group.name}" for group in plan.groups]
    wide = [
        (place, edge)
        for place, group in enumerate(plan.groups)
        for edge, one in enumerate(group.suppliers)
        if _is_ranged(one)
    ]
    edges = [f"{names[place]}\0{plan.groups[place].suppliers[edge].asset}" for place, edge in wide]
    weights = dict(zip(wide, shares(keys_of(edges), _WEIGHT, seed=seed, sample=number).tolist(), strict=True))
    buffers = shares(keys_of(names), _BUFFER, seed=seed, sample=number).tolist()
    groups = tuple(
        _redrawn(group, [weights.get((place, edge)) for edge in range(len(group.suppliers))], buffers[place])
        for place, group in enumerate(plan.groups)
    )
    return structs.replace(plan, groups=groups)


def _redrawn(group: DependencyGroup, weights: list[float | None], buffer: float) -> DependencyGroup:
    if not _assumed(group):
        return group
    suppliers = tuple(
        one if share is None or one.least is None or one.most is None else _weighing(one, one.least, one.most, share)
        for one, share in zip(group.suppliers, weights, strict=True)
    )
    held = group.buffer_h
    if group.buffer_least_h is not None and group.buffer_most_h is not None:
        held = group.buffer_least_h + (group.buffer_most_h - group.buffer_least_h) * buffer
    k = group.k
    if group.need is Need.SUM:
        k = min(k, sum(one.weight for one in suppliers))
    return structs.replace(group, suppliers=suppliers, buffer_h=held, k=k)


def _weighing(one: Supplier, least: float, most: float, share: float) -> Supplier:
    return structs.replace(one, weight=least + (most - least) * share)


def _is_ranged(one: Supplier) -> bool:
    return one.provenance is Provenance.ASSUMED and one.least is not None


def _assumed(group: DependencyGroup) -> int:
    """Return how many numbers of a group are assumed."""
    return sum(map(_is_ranged, group.suppliers)) + (group.buffer_least_h is not None)


def _taus(base: Floats, losses: Floats) -> tuple[float, ...]:
    """Return tau-b of each redraw; none of a map of one asset, which has no order, nor where all are equal."""
    if len(base) < 2:  # noqa: PLR2004  a pair
        return ()
    return tuple(tau for one in losses if not np.isnan(tau := float(kendalltau(base, one).statistic)))


def _ranks(losses: Floats) -> Ints:
    """Return the rank of each: 1 and how many take more with them."""
    falling = np.sort(-losses)
    return np.searchsorted(falling, -losses, side="left").astype(np.int64) + 1


def _rank(asset: str, loss: float, rank: int, *, ranks: Ints, losses: Floats, first: int) -> Rank:
    best, worst = np.quantile(ranks, (0.05, 0.95), method="inverted_cdf").tolist()
    return Rank(
        asset=asset,
        loss=float(loss),
        rank=rank,
        often=tuple(float((ranks <= place).mean()) for place in range(1, first + 1)),
        best=int(best),
        worst=int(worst),
        least=float(losses.min()),
        most=float(losses.max()),
    )
