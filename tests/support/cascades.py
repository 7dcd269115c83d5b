"""Made-up maps: random ones of every shape, and the hits on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from tocsin.map.cascade.hits import Hit
from tocsin.map.model import (
    Asset,
    AssetMap,
    DependencyGroup,
    FailureMode,
    Fragility,
    Lognormal,
    Need,
    Normal,
    Place,
    Provenance,
    Quantiles,
    Supplier,
)

if TYPE_CHECKING:
    import random

__all__ = ["HORIZON_H", "made_hits", "made_map", "needs", "plain", "told_map"]

HORIZON_H: Final = 48.0


def needs(asset: str, *suppliers: str, name: str = "power", **given: object) -> DependencyGroup:
    """Return a group of suppliers of weight 1."""
    return DependencyGroup(
        asset=asset,
        name=name,
        suppliers=tuple(Supplier(asset=one) for one in suppliers),
        **given,  # type: ignore[arg-type]
    )


def plain(*groups: DependencyGroup, people: int = 0) -> AssetMap:
    """Return the map of the assets that these groups name, in the order of their names."""
    names = {group.asset for group in groups} | {one.asset for group in groups for one in group.suppliers}
    return AssetMap(assets=tuple(Asset(id=name, people=people) for name in sorted(names)), groups=groups)


def made_map(draw: random.Random, size: int, *, whole: bool) -> AssetMap:
    """Return a map: suppliers are anybody, so that there are rings; ``whole``: every time is whole hours."""
    names = [f"a{number}" for number in range(size)]
    groups = [
        group
        for asset in names
        for number in range(draw.choice((0, 1, 1, 1, 2, 3)))
        if (group := _made_group(draw, asset, f"g{number}", names, whole=whole)) is not None
    ]
    assets = tuple(
        Asset(id=name, sector=draw.choice(("energy", "water", "health")), people=draw.randrange(10_000))
        for name in names
    )
    return AssetMap(assets=assets, groups=tuple(groups))


def _made_group(draw: random.Random, asset: str, name: str, names: list[str], *, whole: bool) -> DependencyGroup | None:
    place = names.index(asset)
    # mostly from those before it; at times from anybody
    among = names[:place] if draw.random() < 0.7 else names
    others = [one for one in among if one != asset]
    if not others:
        return None
    chosen = draw.sample(others, min(len(others), draw.choice((1, 1, 2, 2, 3, 5))))
    counted = draw.random() < 0.3
    weights = [1.0 if draw.random() < 0.5 else round(draw.uniform(0.1, 4), draw.choice((1, 6))) for _ in chosen]
    most = len(chosen) if counted else sum(weights)
    return DependencyGroup(
        asset=asset,
        name=name,
        suppliers=tuple(Supplier(asset=one, weight=weight) for one, weight in zip(chosen, weights, strict=True)),
        need=Need.COUNT if counted else Need.SUM,
        k=float(draw.randint(1, len(chosen))) if counted else round(most * draw.choice((0.3, 0.5, 0.8, 1.0)), 6),
        buffer_h=_time(draw, 12, whole=whole) if draw.random() < 0.6 else 0.0,
        refill=draw.choice((0.0, 0.5, 1.0, 3.7, 1e6)),
        black_start=draw.random() < 0.15,
        alpha=draw.choice((1.0, 1.0, 0.5, 0.123456)),
        beta=draw.choice((0.0, 0.0, 0.1, 0.3)),
        up_from=draw.choice((1.0, 0.5, 1e-6)),
    )


def told_map(draw: random.Random, plan: AssetMap, *, owner: str) -> AssetMap:
    """Return the map with everything that can be said of its assets and edges, of some of them."""
    assets = tuple(_told_asset(draw, asset, owner) for asset in plan.assets)
    return AssetMap(assets=assets, groups=tuple(_told_group(draw, group) for group in plan.groups))


def _told_asset(draw: random.Random, asset: Asset, owner: str) -> Asset:
    repairs = (
        None,
        Quantiles(hours=(0.0, round(draw.uniform(0, 10), 3), 12.5)),
        Lognormal(median_h=draw.uniform(1, 100), sigma=0.5),
        Normal(mean_h=0.0, sigma_h=draw.uniform(0, 9)),
    )
    modes = (
        FailureMode(name="fire", per_year=draw.uniform(0, 2), repair=draw.choice(repairs)),
        FailureMode(name="quake", fragility=Fragility(measure="PGA g", median=0.3, beta=0.4), damage_least=0.2),
        FailureMode(name="\u00e5ska \U0001f329"),
    )
    return structs.replace(
        asset,
        owner=owner,
        kind=draw.choice(("", "pump", "\u00dcbergabestation")),
        place=draw.choice((None, Place(longitude=draw.uniform(-180, 180), latitude=draw.uniform(-90, 90)))),
        value_h=draw.choice((0.0, 1.0, draw.uniform(0, 1e6))),
        repair=draw.choice(repairs),
        failure_modes=tuple(draw.sample(modes, draw.choice((0, 0, 1, 2, 3)))),
    )


def _told_group(draw: random.Random, group: DependencyGroup) -> DependencyGroup:
    suppliers = tuple(_told_edge(draw, one) for one in group.suppliers)
    assumed = draw.random() < 0.2
    return structs.replace(
        group,
        suppliers=suppliers,
        buffer_least_h=group.buffer_h / 2 if assumed else None,
        buffer_most_h=group.buffer_h * 1.5 if assumed else None,
    )


def _told_edge(draw: random.Random, one: Supplier) -> Supplier:
    provenance = draw.choice(tuple(Provenance))
    assumed, derived = provenance is Provenance.ASSUMED, provenance is Provenance.DERIVED
    return structs.replace(
        one,
        provenance=provenance,
        basis=draw.choice(("table 3", "nearest substation within 5 km", *([] if derived else [""]))),
        least=one.weight / 2 if assumed else None,
        most=one.weight * 2 if assumed else None,
    )


def made_hits(draw: random.Random, names: list[str], *, whole: bool) -> list[Hit]:
    """Return some hits, the first ones at 0."""
    hit = draw.sample(names, max(1, round(len(names) * draw.choice((0.02, 0.1, 0.3)))))
    begins = [0.0 if draw.random() < 0.7 else _time(draw, 24, whole=whole) for _ in hit]
    return [
        Hit(
            asset=asset,
            damage=draw.choice((1.0, 1.0, 0.5, round(draw.random(), 6))),
            from_h=begin,
            until_h=begin + _time(draw, 40, whole=whole),
        )
        for asset, begin in zip(hit, begins, strict=True)
    ]


def _time(draw: random.Random, most: int, *, whole: bool) -> float:
    return float(draw.randint(0, most)) if whole else draw.uniform(0, most)
