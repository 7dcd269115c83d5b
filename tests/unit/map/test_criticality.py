"""Ranks, and what assumed edges leave open of them."""

from __future__ import annotations

import random

import pytest
from msgspec import structs

from support.cascades import made_map, needs, plain
from tocsin.errors import LimitError
from tocsin.map.criticality import criticality, redrawn
from tocsin.map.failures import Measure
from tocsin.map.model import AssetMap, DependencyGroup, Provenance, Supplier


def assumed(asset: str, weight: float, least: float, most: float) -> Supplier:
    return Supplier(asset=asset, weight=weight, least=least, most=most, provenance=Provenance.ASSUMED)


# the mill takes of a and b together what it needs; who gives how much of it is assumed
SHARED = structs.replace(
    plain(needs("mill", "a", "b"), needs("shop", "c"), people=100),
    groups=(
        DependencyGroup(
            asset="mill",
            name="power",
            suppliers=(assumed("a", 0.6, 0.2, 0.8), assumed("b", 0.4, 0.2, 0.8)),
            k=1.0,
        ),
        needs("shop", "c", buffer_h=5),
    ),
)


def test_where_nothing_is_assumed_nothing_is_drawn() -> None:
    plan = plain(needs("mill", "grid"), needs("shop", "mill"), people=10)
    found = criticality(plan, horizon_h=10, redraws=50, first=2, jobs=1)
    assert [(one.asset, one.loss, one.rank, one.often) for one in found.ranks] == [
        ("grid", 300, 1, (1, 1)),
        ("mill", 200, 2, (0, 1)),
        ("shop", 100, 3, (0, 0)),
    ]
    assert (found.redraws, found.assumed, found.taus, found.stably_first) == (0, 0, (1.0,), ("grid",))


def test_an_assumed_edge_leaves_a_rank_open_by_as_much_as_its_range() -> None:
    found = criticality(SHARED, horizon_h=10, redraws=400, first=3, seed=2, jobs=1)
    assert found.assumed == 2
    by = {one.asset: one for one in found.ranks}
    # as it stands: a takes 60 % of the mill with it, b 40 %, c the shop after 5 of 10 hours
    assert [(one.asset, one.loss) for one in found.ranks[:3]] == [("a", 1600), ("c", 1500), ("b", 1400)]
    # drawn alike, a and b are first alike
    assert by["a"].often[0] == pytest.approx(by["b"].often[0], abs=0.1)
    assert by["a"].often[0] + by["b"].often[0] + by["c"].often[0] >= 1
    assert by["a"].least < 1300
    assert 1700 < by["a"].most <= 1800.01
    assert by["c"].least == by["c"].most == 1500
    assert found.stably_first == ()
    assert all(low <= high for one in found.ranks for low, high in zip(one.often, one.often[1:], strict=False))
    assert -1 <= min(found.taus) < max(found.taus) == 1
    assert criticality(SHARED, horizon_h=10, redraws=400, first=3, seed=2, jobs=2) == found
    assert criticality(SHARED, horizon_h=10, redraws=400, first=3, seed=3, jobs=1) != found


def test_what_is_first_whatever_is_assumed_is_stably_so() -> None:
    wide = structs.replace(SHARED, groups=(*SHARED.groups, needs("x", "c", name="x"), needs("y", "c", name="y")))
    plan = structs.replace(wide, assets=(*wide.assets, *(structs.replace(wide.assets[0], id=name) for name in "xy")))
    found = criticality(plan, horizon_h=10, redraws=60, seed=2, jobs=1)
    assert found.stably_first == ("c",)
    assert found.ranks[0].often[0] == 1
    assert (found.ranks[0].best, found.ranks[0].worst) == (1, 1)


def test_a_redraw_stays_in_its_ranges_and_touches_nothing_else() -> None:
    draw = random.Random(4)
    plan = made_map(draw, 40, whole=False)
    groups = tuple(
        structs.replace(
            group,
            buffer_least_h=group.buffer_h / 2,
            buffer_most_h=group.buffer_h * 2,
            suppliers=tuple(
                structs.replace(
                    one, provenance=Provenance.ASSUMED, least=max(1e-6, one.weight / 3), most=one.weight * 3
                )
                for one in group.suppliers
            ),
        )
        if draw.random() < 0.5
        else group
        for group in plan.groups
    )
    plan = structs.replace(plan, groups=groups)
    once = redrawn(plan, seed=1, number=7)
    assert once.assets == plan.assets
    moved = 0
    for before, after in zip(plan.groups, once.groups, strict=True):
        if before.buffer_least_h is None or before.buffer_most_h is None:
            assert after == before
            continue
        moved += after != before
        assert before.buffer_least_h <= after.buffer_h <= before.buffer_most_h
        assert after.k <= before.k
        for one, two in zip(before.suppliers, after.suppliers, strict=True):
            assert (one.least or 0) <= two.weight <= (one.most or 0)
            assert structs.replace(two, weight=one.weight) == one
    assert moved > 10
    assert redrawn(plan, seed=1, number=7) == once
    # a number belongs to its edge: another map, the same draw
    fewer = AssetMap(assets=plan.assets, groups=plan.groups[5:])
    assert redrawn(fewer, seed=1, number=7).groups == once.groups[5:]


def test_the_measure_says_what_first_means() -> None:
    plan = plain(needs("mill", "grid"), needs("shop", "wind"))
    worth = {"mill": (0, 1000.0), "shop": (500, 0.0)}
    plan = structs.replace(
        plan,
        assets=tuple(
            structs.replace(one, people=worth.get(one.id, (0, 0))[0], value_h=worth.get(one.id, (0, 0.0))[1])
            for one in plan.assets
        ),
    )
    first = {measure: criticality(plan, horizon_h=2, measure=measure, jobs=1).ranks[0].asset for measure in Measure}
    assert first == {Measure.HOURS: "grid", Measure.PEOPLE: "shop", Measure.WORTH: "grid"}


@pytest.mark.parametrize("redraws", [0, 10_001])
def test_there_are_redraws_and_not_without_end(redraws: int) -> None:
    with pytest.raises(LimitError, match="redraws"):
        criticality(SHARED, horizon_h=10, redraws=redraws)
