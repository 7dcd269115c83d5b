"""The matrix between sectors, against cascades where both can be exact."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec import structs

from support.cascades import needs, plain
from tocsin.errors import InputError
from tocsin.map.between import dependence_of, inoperability_of, resilience_of
from tocsin.map.cascade.engine import Hourly, simulate
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.failures import Measure
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Need, Supplier
from tocsin.map.sectors import diim, iim

if TYPE_CHECKING:
    from tocsin.map.cascade.wiring import Wiring


def sectored(plan: AssetMap, **sectors: str) -> AssetMap:
    """Return the map with its assets in sectors: each letter of a word is an asset."""
    of = {name: sector for sector, names in sectors.items() for name in names}
    return structs.replace(plan, assets=tuple(structs.replace(one, sector=of[one.id]) for one in plan.assets))


def matrix(wiring: Wiring) -> dict[str, dict[str, float]]:
    found = dependence_of(wiring).tolist()
    return {one: dict(zip(wiring.sectors, row, strict=True)) for one, row in zip(wiring.sectors, found, strict=True)}


def test_an_asset_depends_once_in_however_many_ways() -> None:
    # w needs power twice over, and of four suppliers; v does not need it at all
    plan = plain(
        needs("w", "a", "b", name="pumps", k=2.0),
        needs("w", "c", "d", name="control", k=2.0),
        needs("w", "a", name="light", alpha=0.1),
        needs("v", "w", name="raw"),
    )
    found = matrix(wire(sectored(plan, energy="abcd", water="wv")))
    assert found["water"]["energy"] == 0.5
    assert found["energy"] == {"energy": 0, "water": 0}
    assert found["water"]["water"] == 0.5  # v needs w


def test_what_goes_through_a_third_sector_is_two_steps() -> None:
    plan = sectored(plain(needs("t", "e"), needs("w", "t")), energy="e", telecom="t", water="w")
    wiring = wire(plan)
    assert matrix(wiring)["water"] == {"energy": 0, "telecom": 1, "water": 0}
    # and comes to all of it when it goes round
    assert iim(dependence_of(wiring), [1, 0, 0]).tolist() == [1, 1, 1]
    assert iim(dependence_of(wiring), [0.5, 0, 0]).tolist() == [0.5, 0.5, 0.5]


def test_sectors_of_unlike_assets_are_counted_as_asked() -> None:
    plan = sectored(plain(needs("w", "e"), people=10), energy="e", water="w")
    plan = structs.replace(plan, assets=(*plan.assets, Asset(id="v", sector="water", people=30)))
    assert dependence_of(wire(plan), measure=Measure.HOURS).tolist() == [[0, 0], [0.5, 0]]
    assert dependence_of(wire(plan), measure=Measure.PEOPLE).tolist() == [[0, 0], [0.25, 0]]
    with pytest.raises(InputError, match="without any worth"):
        dependence_of(wire(plan), measure=Measure.WORTH)


def linear(draw: random.Random, count: int, *, rings: bool) -> AssetMap:
    """Return a map on which both are exact: a sector is one asset, whose one need has no margin and no buffer."""
    names = [f"s{number:02}" for number in range(count)]
    groups = []
    for place, name in enumerate(names[2:], start=2):
        among = [one for one in (names if rings else names[:place]) if one != name]
        chosen = draw.sample(among, draw.randint(1, min(3, len(among))))
        weights = [round(draw.uniform(0.1, 2), 2) for _ in chosen]
        suppliers = tuple(Supplier(asset=one, weight=weight) for one, weight in zip(chosen, weights, strict=True))
        groups.append(
            DependencyGroup(
                asset=name,
                name="need",
                suppliers=suppliers,
                k=sum(weights),
                alpha=round(draw.uniform(0.2, 0.8), 2),
                beta=1.0,
            )
        )
    return AssetMap(assets=tuple(Asset(id=name, sector=name) for name in names), groups=tuple(groups))


@pytest.mark.parametrize("rings", [False, True], ids=["in order", "in rings"])
@pytest.mark.parametrize("seed", range(20))
def test_where_needs_are_linear_the_cascade_says_what_iim_says(seed: int, *, rings: bool) -> None:
    draw = random.Random(seed)
    wiring = wire(linear(draw, draw.randint(3, 12), rings=rings))
    shock = np.zeros(wiring.assets)
    shock[:2] = [round(draw.random(), 3), round(draw.random(), 3)]
    hits = [Hit(asset=wiring.ids[at], damage=shock[at], until_h=9) for at in range(2)]
    level = np.full(wiring.assets, FULL)
    for _, asset, now in course(wiring, hits_of(wiring, [hits]).table, TICKS).changes:
        level[asset] = now
    np.testing.assert_allclose(1 - level / FULL, iim(dependence_of(wiring), shock), atol=3e-5)


def test_where_suppliers_stand_in_for_each_other_the_matrix_does_not_see_it() -> None:
    # said in docs/map.md: either sector alone does no harm, both together take all; a matrix adds
    plan = sectored(plain(needs("w", "e", "t", need=Need.COUNT)), energy="e", telecom="t", water="w")
    wiring = wire(plan)
    assert iim(dependence_of(wiring), [1, 1, 0]).tolist() == [1, 1, 0]
    hits = hits_of(wiring, [[Hit(asset="e", until_h=9), Hit(asset="t", until_h=9)]])
    outcome = simulate(wiring, hits, horizon_h=1, hourly=Hourly.SECTOR, jobs=1)
    assert inoperability_of(outcome).tolist() == [[1], [1], [1]]


def test_inoperability_by_the_hour_is_the_share_of_service_that_is_gone() -> None:
    plan = sectored(plain(needs("w", "e", buffer_h=2), needs("v", "e", buffer_h=3.5)), energy="e", water="wv")
    wiring = wire(plan)
    hits = hits_of(wiring, [[Hit(asset="e", until_h=5)], []])
    outcome = simulate(wiring, hits, horizon_h=6, hourly=Hourly.SECTOR, jobs=1)
    np.testing.assert_allclose(inoperability_of(outcome), [[0.5, 0.5, 0.5, 0.5, 0.5, 0], [0, 0, 0.25, 0.375, 0.5, 0]])
    with pytest.raises(InputError, match="no hours by sector"):
        inoperability_of(simulate(wiring, hits, horizon_h=6, jobs=1))


def test_a_sector_alone_is_back_after_its_recovery_time() -> None:
    plan = sectored(plain(needs("w", "e"), needs("v", "w")), energy="e", water="wv")
    dependence = dependence_of(wire(plan))
    pace = resilience_of(dependence, [10.0, 40.0], step_h=0.5)
    states = diim(dependence, [0, 0], pace, start=[0, 1], steps=80)
    assert states[80, 1] == pytest.approx(0.01)
    assert diim(dependence, [0, 0], pace, start=[1, 0], steps=20)[20, 0] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("matrix", "hours", "step"),
    [([[0.0]], [0.0], 1.0), ([[0.0]], [1.0, 2.0], 1.0), ([[1.0]], [1.0], 1.0), ([[0.0]], [1.0], 0.0)],
    ids=["no time", "two times", "all of itself", "no step"],
)
def test_a_recovery_that_is_none_is_refused(matrix: list[list[float]], hours: list[float], step: float) -> None:
    with pytest.raises(InputError):
        resilience_of(matrix, hours, step_h=step)


def test_the_last_part_of_an_hour_is_whole() -> None:
    wiring = wire(AssetMap(assets=(Asset(id="mill", sector="food"),), groups=()))
    hits = hits_of(wiring, [[Hit(asset="mill", until_h=9.0)]])
    outcome = simulate(wiring, hits, horizon_h=1.5, hourly=Hourly.SECTOR)
    assert inoperability_of(outcome).tolist() == [[1.0, 1.0]]
