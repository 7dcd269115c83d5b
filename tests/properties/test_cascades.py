"""Whatever the map: more damage never helps, more buffer never hurts, and what nobody could see changes nothing."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import HORIZON_H, made_hits, made_map
from support.courses import below
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.cascade.engine import Hourly, courses, simulate, trace
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.map.cascade.outcome import Outcome
    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Wiring

HORIZON = round(HORIZON_H * TICKS)
SEEDS = st.integers(0, 2**32)


def ran(plan: AssetMap, hits: Sequence[Hit]) -> Course:
    """Return what both engines say: a law that holds of one holds of the other."""
    wiring = wire(plan)
    struck = hits_of(wiring, [hits])
    found = course(wiring, struck.table, HORIZON)
    assert trace(wiring, struck, horizon_h=HORIZON_H) == found
    return found


def made(draw: random.Random) -> tuple[AssetMap, list[Hit]]:
    whole = draw.random() < 0.5
    plan = made_map(draw, draw.randint(2, 25), whole=whole)
    if draw.random() < 0.5:
        return plan, made_hits(draw, [asset.id for asset in plan.assets], whole=whole)
    return restless(draw, plan)


def restless(draw: random.Random, plan: AssetMap) -> tuple[AssetMap, list[Hit]]:
    """Everything is out for a short while at some time, and buffers are short: they drain, fill and drain again."""
    groups = tuple(structs.replace(group, buffer_h=draw.uniform(0, 2)) for group in plan.groups)
    begins = [draw.uniform(0, 20) for _ in plan.assets]
    hits = [
        Hit(
            asset=asset.id,
            from_h=begin,
            until_h=begin + draw.uniform(0.2, 3),
            damage=draw.choice((1.0, round(draw.random(), 6))),
        )
        for asset, begin in zip(plan.assets, begins, strict=True)
    ]
    return structs.replace(plan, groups=groups), hits


def harder(draw: random.Random, hit: Hit) -> Hit:
    return structs.replace(hit, damage=draw.uniform(hit.damage, 1))


def longer(draw: random.Random, hit: Hit) -> Hit:
    return structs.replace(hit, until_h=hit.until_h + draw.choice((0.5, 3.0, 50.0)))


def earlier(draw: random.Random, hit: Hit) -> Hit:
    return structs.replace(hit, from_h=draw.uniform(0, hit.from_h))


@pytest.mark.parametrize("worse", [harder, longer, earlier])
@given(seed=SEEDS)
@settings(max_examples=60)
def test_more_damage_never_helps(worse: Callable[[random.Random, Hit], Hit], seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)
    more = [worse(draw, hit) if draw.random() < 0.5 else hit for hit in hits]
    spare = [asset.id for asset in plan.assets if asset.id not in {hit.asset for hit in hits}]
    if spare and draw.random() < 0.5:
        more += made_hits(draw, spare, whole=False)
    assert below(ran(plan, more), ran(plan, hits), len(plan.assets))


def fuller(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, buffer_h=group.buffer_h + 2.5)


def faster(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, refill=min(1e6, group.refill * 2 + 0.25))


def easier(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, alpha=group.alpha / 2)


def steadier(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, beta=min(1.0, group.beta + 0.2))


def startable(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, black_start=True)


def humbler(group: DependencyGroup) -> DependencyGroup:
    return structs.replace(group, k=max(1.0, group.k - 1) if group.k == int(group.k) else group.k * 0.7)


def heavier(group: DependencyGroup) -> DependencyGroup:
    first, *rest = group.suppliers
    return structs.replace(group, suppliers=(structs.replace(first, weight=first.weight + 1 / 3), *rest))


@pytest.mark.parametrize("better", [fuller, faster, easier, steadier, startable, humbler, heavier])
@given(seed=SEEDS)
@settings(max_examples=40)
def test_more_buffer_never_hurts(better: Callable[[DependencyGroup], DependencyGroup], seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)
    groups = tuple(better(group) if draw.random() < 0.5 else group for group in plan.groups)
    assert below(ran(plan, hits), ran(structs.replace(plan, groups=groups), hits), len(plan.assets))


@pytest.mark.parametrize("better", [fuller, faster, easier, steadier, startable, humbler, heavier])
def test_each_of_these_helps_somewhere(better: Callable[[DependencyGroup], DependencyGroup]) -> None:
    """A law about what changes nothing would hold of any engine."""
    helped = 0
    for seed in range(60):
        plan, hits = made(random.Random(seed))
        helped += ran(structs.replace(plan, groups=tuple(map(better, plan.groups))), hits) != ran(plan, hits)
    assert helped >= 3


@given(seed=SEEDS)
@settings(max_examples=40)
def test_one_supplier_more_never_hurts(seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)

    def joined(group: DependencyGroup) -> DependencyGroup:
        others = {asset.id for asset in plan.assets} - {group.asset, *(one.asset for one in group.suppliers)}
        if not others or draw.random() < 0.5:
            return group
        one = Supplier(asset=draw.choice(sorted(others)), weight=draw.choice((1 / 3, 1.0, draw.uniform(0.001, 4))))
        return structs.replace(group, suppliers=(*group.suppliers, one))

    groups = tuple(joined(group) for group in plan.groups)
    assert below(ran(plan, hits), ran(structs.replace(plan, groups=groups), hits), len(plan.assets))


@given(
    st.lists(
        st.tuples(st.sampled_from((1 / 3, 1 / 7, 0.1, 2 / 3, 1.0, 0.3, 0.142857)), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from((1.0, 2 / 3, 0.3, 4 / 7, 0.6000000000000001, 3.0)),
)
def test_a_need_that_is_met_on_paper_is_met(suppliers: list[tuple[float, bool]], k: float) -> None:
    """By sums of the numbers as they are written, to the billionth that a map may fall short."""
    assume(k <= sum(weight for weight, _ in suppliers))
    named = [(f"s{place}", *one) for place, one in enumerate(suppliers)]
    group = DependencyGroup(
        asset="mill", name="power", k=k, suppliers=tuple(Supplier(asset=name, weight=one) for name, one, _ in named)
    )
    plan = AssetMap(assets=(Asset(id="mill"), *(Asset(id=name) for name, *_ in named)), groups=(group,))
    down = [Hit(asset=name, until_h=5) for name, _, up in named if not up]
    falls = any(plan.assets[asset].id == "mill" for _, asset, _ in ran(plan, down).changes)
    given_now = sum(Fraction(repr(weight)) for _, weight, up in named if up)
    if given_now >= Fraction(repr(k)) * (1 - Fraction(1, 10**9)):
        assert not falls
    elif given_now < Fraction(repr(k)) - Fraction(len(named) + 1, 10**6):
        assert falls


@given(seed=SEEDS)
@settings(max_examples=40)
def test_the_order_in_which_a_map_is_written_changes_nothing(seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)
    assets: list[Asset] = draw.sample(plan.assets, len(plan.assets))
    groups = draw.sample(plan.groups, len(plan.groups))
    shuffled = structs.replace(
        plan,
        assets=tuple(assets),
        groups=tuple(
            structs.replace(group, suppliers=tuple(draw.sample(group.suppliers, len(group.suppliers))))
            for group in groups
        ),
    )
    number = {asset.id: place for place, asset in enumerate(plan.assets)}
    found = sorted((t, number[assets[at].id], level) for t, at, level in ran(shuffled, hits).changes)
    assert tuple(found) == ran(plan, hits).changes


@given(seed=SEEDS, cut=st.floats(1, HORIZON_H))
@settings(max_examples=40)
def test_a_nearer_horizon_is_the_beginning_of_a_farther_one(seed: int, cut: float) -> None:
    plan, hits = made(random.Random(seed))
    wiring = wire(plan)
    table = hits_of(wiring, [hits])
    near, far = trace(wiring, table, horizon_h=cut), trace(wiring, table, horizon_h=HORIZON_H)
    before = round(cut * TICKS)
    assert near.changes == tuple(change for change in far.changes if change[0] < before)
    assert near.emptied == tuple(one for one in far.emptied if one[0] < before)


@given(seed=SEEDS)
@settings(max_examples=40)
def test_what_is_hit_at_nothing_or_for_no_time_is_not_hit(seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)
    nothing = [structs.replace(hit, **draw.choice(({"damage": 0.0}, {"until_h": hit.from_h}))) for hit in hits]
    assert ran(plan, nothing).changes == ()


def drawn(draw: random.Random) -> tuple[Wiring, Hazard]:
    """Return a map, and a hazard of which everything is drawn."""
    plan, _ = made(draw)
    # no service is kept by need alone: people are of every number, and worth too
    assets = tuple(structs.replace(one, value_h=float(draw.randrange(1_000))) for one in plan.assets)
    wiring = wire(structs.replace(plan, assets=assets))
    count = wiring.assets
    shares = [sorted((draw.random(), draw.choice((1.0, draw.random())))) for _ in range(count)]
    hazard = Hazard(
        chance=np.array([draw.choice((0.0, 0.1, 0.5)) for _ in range(count)]),
        damage=np.array(shares),
        repairs=np.array([sorted(draw.uniform(0, 60) for _ in range(4)) for _ in range(3)]),
        repair_of=np.array([draw.randrange(3) for _ in range(count)]),
    )
    return wiring, hazard


@given(seed=SEEDS, number=st.integers(0, 2**63), cut=st.integers(0, 12), jobs=st.sampled_from((1, 2, 3)))
@settings(max_examples=40)
def test_the_seed_decides_alone_and_neither_workers_nor_ranges(seed: int, number: int, cut: int, jobs: int) -> None:
    wiring, hazard = drawn(random.Random(seed))
    keys = keys_of(wiring.ids)

    def outcome(samples: range, jobs: int) -> Outcome:
        hits = draw_hits(wiring, hazard, keys, seed=number, samples=samples, jobs=jobs)
        return simulate(wiring, hits, horizon_h=HORIZON_H, hourly=Hourly.ASSET, jobs=jobs)

    whole = outcome(range(12), 1)
    for one, other in zip(whole.sums, outcome(range(12), jobs).sums, strict=True):
        np.testing.assert_array_equal(one, other)
    parts = [outcome(one, jobs).sums for one in (range(cut), range(cut, 12)) if one]
    np.testing.assert_array_equal(whole.sums.measures, np.concatenate([one.measures for one in parts]))
    for name in ("outage", "hourly"):
        np.testing.assert_array_equal(getattr(whole.sums, name), sum(getattr(one, name) for one in parts))
    np.testing.assert_array_equal(whole.sums.buffers[:, :2], sum(one.buffers[:, :2] for one in parts))


@given(seed=SEEDS)
@settings(max_examples=40)
def test_what_people_and_owners_lose_is_the_sum_over_assets_and_over_hours(seed: int) -> None:
    """By sample and sector, by asset, and by asset and hour: three ways to the same people-hours."""
    wiring, hazard = drawn(random.Random(seed))
    hits = draw_hits(wiring, hazard, keys_of(wiring.ids), seed=seed, samples=range(12))
    outcome = simulate(wiring, hits, horizon_h=HORIZON_H, hourly=Hourly.ASSET)
    sums = outcome.sums
    assert (sums.hourly >= 0).all()
    by_hour = sums.hourly.sum(axis=1)
    # each time that an asset's service changes, an hour's part is rounded to the tick
    changes = sum(len(one.changes) for one in courses(wiring, hits, horizon_h=HORIZON_H))
    assert np.abs(by_hour - sums.outage[:, 0]).max() <= changes + hits.samples
    for column, weight in enumerate((np.ones_like(wiring.people), wiring.people, wiring.value_h)):
        lost = sums.outage[:, 0] * weight
        of_sector = np.zeros(len(wiring.sectors), dtype=np.int64)
        np.add.at(of_sector, wiring.sector_of, lost)
        np.testing.assert_array_equal(sums.measures[:, :, column].sum(axis=0), of_sector)
    people_h = outcome.people_h.sum()
    within = (changes + hits.samples) * float(wiring.people.sum()) / TICKS
    assert people_h == pytest.approx((outcome.by_hour * 12).sum(axis=1) @ wiring.people, rel=1e-9, abs=within)
