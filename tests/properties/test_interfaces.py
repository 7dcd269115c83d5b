"""An interface in place of a member's part: exact where it says so, bounded where it is rounded, measured elsewhere."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from support.courses import below
from support.members import any_member, hits_on, one_stock_each
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import Course, course
from tocsin.map.cascade.wiring import wire
from tocsin.map.interfaces import bounds, compose, error_of, interface_of, others_of, rounded

if TYPE_CHECKING:
    from tocsin.map.model import AssetMap

SEEDS = st.integers(0, 2**32)
HORIZON = 96


def seen(plan: AssetMap, names: list[str], hits: list[Hit]) -> Course:
    """Return what happens to these assets, by their places in the list."""
    wiring = wire(plan)
    place = {wiring.ids.index(name): at for at, name in enumerate(names)}
    found = course(wiring, hits_of(wiring, [hits]).table, HORIZON * TICKS)
    changes = sorted((t, place[asset], level) for t, asset, level in found.changes if asset in place)
    return Course(changes=tuple(changes), emptied=())


def around(plan: AssetMap, own: frozenset[str], outputs: list[str]) -> list[str]:
    return [asset.id for asset in plan.assets if asset.id not in own or asset.id in outputs]


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_of_trees_with_a_buffer_behind_them_it_tells_all(seed: int) -> None:
    draw = random.Random(seed)
    plan, own = one_stock_each(draw)
    found = interface_of(plan, own, together=6)
    short = compose(others_of(plan, own), found)
    names = around(plan, own, [one.id for one in found.outputs])
    for _ in range(4):
        hits = hits_on(draw, [asset.id for asset in plan.assets if asset.id not in own])
        assert seen(short, names, hits) == seen(plan, names, hits)


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_rounded_hours_still_hold_the_truth_between_their_bounds(seed: int) -> None:
    draw = random.Random(seed)
    plan, own = one_stock_each(draw)
    told = rounded(interface_of(plan, own, together=6), draw.choice((0.5, 2.0, 6.0)), seed=seed)
    names = around(plan, own, [one.id for one in told.outputs])
    worst, best = (compose(others_of(plan, own), one) for one in bounds(told))
    for _ in range(3):
        hits = hits_on(draw, [asset.id for asset in plan.assets if asset.id not in own])
        truth = seen(plan, names, hits)
        assert below(seen(worst, names, hits), truth, len(names))
        assert below(truth, seen(best, names, hits), len(names))


@given(seed=SEEDS, rings=st.booleans())
@settings(max_examples=40, deadline=None)
def test_whatever_the_inside_a_lasting_loss_is_told_exactly(seed: int, *, rings: bool) -> None:
    # up or down, from 0 on, with nothing repaired: that is what was tried, and no stock is used twice
    draw = random.Random(seed)
    plan, own = any_member(draw, rings=rings, degraded=False)
    found = interface_of(plan, own, together=6)
    names = around(plan, own, [one.id for one in found.outputs])
    short = compose(others_of(plan, own), found)
    outside = [asset.id for asset in plan.assets if asset.id.startswith("o")]
    hits = [Hit(asset=one, until_h=200) for one in draw.sample(outside, draw.randint(1, len(outside)))]
    assert seen(short, names, hits) == seen(plan, names, hits)


def test_what_it_leaves_out_of_any_inside_stays_within_what_is_published() -> None:
    # docs/map.md has these numbers: whoever changes what an interface is measures anew
    for degraded, differing, mean_h in ((False, 0.01, 0.1), (True, 0.05, 1.0)):
        hurt = differ = 0
        apart = 0.0
        for seed in range(40):
            draw = random.Random(seed)
            plan, own = any_member(draw, rings=seed % 2 == 0, degraded=degraded)
            outside = [asset.id for asset in plan.assets if asset.id not in own]
            samples = [hits_on(draw, outside) for _ in range(20)]
            found = error_of(plan, own, interface_of(plan, own), samples, horizon_h=HORIZON, jobs=1)
            hurt += found.hurt
            differ += found.differ
            apart += found.mean_h * found.hurt
        assert hurt > 2_500
        assert differ / hurt <= differing
        assert apart / hurt <= mean_h
