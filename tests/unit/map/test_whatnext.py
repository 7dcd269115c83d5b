"""What fails next: exactly where repairs are given, with its interval where they are drawn."""

from __future__ import annotations

import random

import pytest
from msgspec import structs

from support.cascades import made_map, needs, plain
from tocsin.errors import InputError, LimitError, NotFoundError
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import AssetMap, Lognormal, Need, Quantiles
from tocsin.map.whatnext import Outage, what_next

MILL = plain(needs("mill", "grid", buffer_h=6), needs("shop", "mill", buffer_h=2))
EVENLY = Quantiles(hours=(0.0, 20.0))


def test_given_repairs_leave_nothing_to_chance() -> None:
    found = what_next(MILL, [Outage(asset="grid", since_h=2, repaired_in_h=10)], horizon_h=24)
    assert found.exact
    assert found.samples == 1
    assert [(one.asset, one.service) for one in found.already] == [("grid", 0.0)]
    assert [(one.asset, one.falls_to, one.when.median_h) for one in found.falls] == [("mill", 0, 4), ("shop", 0, 6)]
    assert [(one.asset, one.group, one.when.late_h) for one in found.buffers] == [
        ("mill", "power", 4),
        ("shop", "power", 6),
    ]
    assert {(one.when.chance, one.when.chance_least, one.when.chance_most) for one in found.falls} == {(1, 1, 1)}
    soon = what_next(MILL, [Outage(asset="grid", since_h=2, repaired_in_h=4)], horizon_h=24)
    assert soon.falls == ()
    assert what_next(MILL, [Outage(asset="grid", since_h=2, repaired_in_h=10)], horizon_h=4).falls == ()
    assert what_next(MILL, [], horizon_h=4).already == ()


def test_what_has_fallen_already_is_told_as_such() -> None:
    found = what_next(MILL, [Outage(asset="grid", since_h=7, repaired_in_h=10)], horizon_h=24)
    assert [one.asset for one in found.already] == ["grid", "mill"]
    assert [(one.asset, one.when.median_h) for one in found.falls] == [("shop", 1)]


def test_a_repair_is_drawn_knowing_how_long_it_has_taken() -> None:
    # of repairs between 0 and 20 hours one that has taken 2 takes between 2 and 20: more than 6 in 14 of 18
    outage = Outage(asset="grid", since_h=2, repair=EVENLY)
    found = what_next(MILL, [outage], horizon_h=24, samples=4_000, seed=3)
    mill, shop = found.falls
    assert (mill.asset, mill.when.median_h, mill.when.early_h, mill.when.late_h) == ("mill", 4, 4, 4)
    assert mill.when.chance_least < 14 / 18 < mill.when.chance_most
    assert shop.when.chance_least < 12 / 18 < shop.when.chance_most
    assert mill.when.chance_most - mill.when.chance_least == pytest.approx(2 * 1.96 * 0.416 / 4_000**0.5, rel=0.02)
    own = structs.replace(
        MILL, assets=tuple(structs.replace(one, repair=EVENLY if one.id == "grid" else None) for one in MILL.assets)
    )
    assert what_next(own, [Outage(asset="grid", since_h=2)], horizon_h=24, samples=4_000, seed=3) == found


def test_the_time_of_a_fall_is_spread_as_the_repairs_are() -> None:
    # the standby is fixed for good after a time between 0 and 20 hours; the mill falls when its other supplier goes
    plan = plain(
        needs("mill", "grid", "wind", k=1, need=Need.COUNT),
        needs("ring", "mill", "wind", k=2, need=Need.COUNT),
        needs("late", "gate", buffer_h=30),
        needs("gate", "grid", buffer_h=1),
    )
    found = what_next(
        plan,
        [Outage(asset="grid", repair=EVENLY), Outage(asset="wind", damage=0.5, repaired_in_h=100)],
        horizon_h=90,
        samples=2_000,
        seed=1,
    )
    assert {one.asset: one.service for one in found.already} == {"grid": 0, "wind": 0.5, "mill": 0, "ring": 0}
    gate = next(one for one in found.falls if one.asset == "gate")
    assert gate.when.chance_least < 0.95 < gate.when.chance_most
    assert all(one.asset != "late" for one in found.falls)


@pytest.mark.parametrize("seed", range(6))
def test_every_sample_is_a_course_of_the_reference(seed: int) -> None:
    draw = random.Random(seed)
    plan = made_map(draw, 15, whole=False)
    struck = draw.sample([asset.id for asset in plan.assets], 3)
    outages = [Outage(asset=name, since_h=draw.uniform(0, 5), repaired_in_h=draw.uniform(0, 30)) for name in struck]
    found = what_next(plan, outages, horizon_h=20, jobs=1)
    before = max(one.since_h for one in outages)
    wiring = wire(plan)
    table = hits_of(
        wiring,
        [
            [
                Hit(asset=one.asset, from_h=before - one.since_h, until_h=before + (one.repaired_in_h or 0))
                for one in outages
            ]
        ],
    ).table
    now, horizon = round(before * TICKS), round((before + 20) * TICKS)
    level = dict.fromkeys(range(wiring.assets), FULL)
    first: dict[str, float] = {}
    for instant, asset, new in course(wiring, table, horizon).changes:
        if instant <= now:
            level[asset] = new
        elif new < level[asset]:
            first.setdefault(wiring.ids[asset], (instant - now) / TICKS)
    assert {one.asset: one.when.median_h for one in found.falls} == first
    assert [one.when.median_h for one in found.falls] == sorted(first.values())


def test_the_same_seed_the_same_answer_and_a_new_asset_changes_none() -> None:
    outages = [Outage(asset="grid", repair=Lognormal(median_h=8, sigma=1))]
    once = what_next(MILL, outages, horizon_h=48, samples=200, seed=4, jobs=1)
    assert what_next(MILL, outages, horizon_h=48, samples=200, seed=4, jobs=2) == once
    assert what_next(MILL, outages, horizon_h=48, samples=200, seed=5) != once
    wider = AssetMap(assets=(structs.replace(MILL.assets[0], id="new"), *MILL.assets), groups=MILL.groups)
    assert what_next(wider, outages, horizon_h=48, samples=200, seed=4) == once


def test_a_longer_outage_is_never_better_in_any_sample() -> None:
    chances = [
        what_next(
            MILL, [Outage(asset="grid", repair=Lognormal(median_h=hours, sigma=1))], horizon_h=48, samples=300
        ).falls[0]
        for hours in (4, 6, 9)
    ]
    assert chances[0].when.chance < chances[1].when.chance < chances[2].when.chance


@pytest.mark.parametrize(
    ("outage", "kind", "what"),
    [
        (Outage(asset="grid"), InputError, "not known"),
        (Outage(asset="grid", since_h=20, repair=EVENLY), InputError, "longer than the longest"),
        (Outage(asset="grid", since_h=-1, repaired_in_h=1), InputError, "since -1"),
        (Outage(asset="grid", since_h=float("nan"), repaired_in_h=1), InputError, "since nan"),
        (Outage(asset="grid", repaired_in_h=float("inf")), InputError, "repaired in inf"),
        (Outage(asset="grid", damage=2, repaired_in_h=1), InputError, "a damage of 2"),
        (Outage(asset="mine", repaired_in_h=1), NotFoundError, "no such asset"),
    ],
    ids=lambda one: str(one) if isinstance(one, str) else "",
)
def test_an_outage_that_is_none_is_refused(outage: Outage, kind: type[InputError], what: str) -> None:
    with pytest.raises(kind, match=what):
        what_next(MILL, [outage], horizon_h=24)


def test_there_are_samples_and_not_without_end() -> None:
    for samples in (0, 100_001):
        with pytest.raises(LimitError, match="samples"):
            what_next(MILL, [], horizon_h=24, samples=samples)
