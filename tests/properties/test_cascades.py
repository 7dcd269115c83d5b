"""Whatever the map: more damage never helps, more buffer never hurts, and what nobody could see changes nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import HORIZON_H, made_hits, made_map
from support.courses import below
from tocsin.map.cascade.engine import trace
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.map.cascade.reference import Course
    from tocsin.map.model import Asset, AssetMap, DependencyGroup

HORIZON = round(HORIZON_H * TICKS)
SEEDS = st.integers(0, 2**32)


def ran(plan: AssetMap, hits: Sequence[Hit]) -> Course:
    wiring = wire(plan)
    return course(wiring, hits_of(wiring, [hits]).table, HORIZON)


def made(draw: random.Random) -> tuple[AssetMap, list[Hit]]:
    whole = draw.random() < 0.5
    plan = made_map(draw, draw.randint(2, 25), whole=whole)
    return plan, made_hits(draw, [asset.id for asset in plan.assets], whole=whole)


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


@pytest.mark.parametrize("better", [fuller, faster, easier, steadier, startable, humbler])
@given(seed=SEEDS)
@settings(max_examples=40)
def test_more_buffer_never_hurts(better: Callable[[DependencyGroup], DependencyGroup], seed: int) -> None:
    draw = random.Random(seed)
    plan, hits = made(draw)
    groups = tuple(better(group) if draw.random() < 0.5 else group for group in plan.groups)
    assert below(ran(plan, hits), ran(structs.replace(plan, groups=groups), hits), len(plan.assets))


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
