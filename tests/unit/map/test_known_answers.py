"""Cascades whose course can be worked out by hand, by the reference and by the compiled engine."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest

from support.cascades import needs, plain
from support.courses import levels, lost_hours
from tocsin.map.cascade.engine import simulate, trace
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import Course, course
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.map.cascade.wiring import Wiring
    from tocsin.map.model import AssetMap

HOURS: Final = 100


def ran(plan: AssetMap, *hits: Hit, hours: int = HOURS) -> tuple[Wiring, Course]:
    """Return what both engines say."""
    wiring = wire(plan)
    table = hits_of(wiring, [hits])
    found = course(wiring, table.table, hours * TICKS)
    assert trace(wiring, table, horizon_h=hours) == found
    return wiring, found


def down_hours(plan: AssetMap, *hits: Hit) -> tuple[float, ...]:
    wiring, found = ran(plan, *hits)
    assert simulate(wiring, hits_of(wiring, [hits]), horizon_h=HOURS).outage_h.tolist() == pytest.approx(
        lost_hours(found, wiring, HOURS * TICKS)
    )
    return tuple(lost_hours(found, wiring, HOURS * TICKS))


PAIR: Final = {0.0: (100.0, 100.0), 3.0: (5.0, 2.0), 5.0: (5.0, 0.0), 8.0: (5.0, 0.0)}


@pytest.mark.parametrize("buffer_h", PAIR)
def test_a_mutual_pair_stays_down_unless_a_buffer_outlasts_the_repair(buffer_h: float) -> None:
    pair = plain(needs("a", "b", buffer_h=buffer_h), needs("b", "a", buffer_h=buffer_h))
    assert down_hours(pair, Hit(asset="a", until_h=5)) == PAIR[buffer_h]


def test_black_start_breaks_the_deadlock_and_nothing_else() -> None:
    pair = plain(needs("a", "b", black_start=True), needs("b", "a"))
    assert down_hours(pair, Hit(asset="a", until_h=5)) == (5.0, 5.0)
    # b is away for longer: a could start, and has nobody to go on with
    assert down_hours(pair, Hit(asset="a", until_h=5), Hit(asset="b", until_h=9)) == (9.0, 9.0)
    # it is no supply
    assert down_hours(plain(needs("a", "b", black_start=True)), Hit(asset="b", until_h=7)) == (7.0, 7.0)


def test_half_a_supply_makes_a_buffer_last_twice_as_long() -> None:
    wiring, found = ran(plain(needs("mill", "grid", buffer_h=6)), Hit(asset="grid", damage=0.5, until_h=40))
    assert levels(found, "mill", wiring) == [(12.0, 0.5), (40.0, 1.0)]
    assert found.emptied == ((12 * TICKS, 0),)


@pytest.mark.parametrize(
    ("refill", "second"),
    [(0.0, 20.0), (0.5, 22.0), (1.0, 24.0), (1e6, 26.0)],
    ids=["never", "by halves", "as it drains", "at once"],
)
def test_what_was_refilled_lasts_again(refill: float, second: float) -> None:
    plan = plain(needs("mill", "grid", "wind", buffer_h=6, refill=refill, k=2, need=Need.COUNT))
    wiring, found = ran(plan, Hit(asset="grid", until_h=16), Hit(asset="wind", from_h=20, until_h=60))
    assert levels(found, "mill", wiring) == [(6.0, 0.0), (16.0, 1.0), (second, 0.0), (60.0, 1.0)]


def test_a_stock_that_is_almost_full_again_is_not_taken_for_full() -> None:
    # 10 ticks out, 2 ticks of refill at 3.7: what 2.6 ticks are worth is wanting, and it is empty 2 whole ticks sooner
    plan = plain(needs("mill", "grid", "wind", buffer_h=6, refill=3.7, k=2, need=Need.COUNT))
    _, found = ran(plan, Hit(asset="grid", until_h=10 / TICKS), Hit(asset="wind", from_h=12 / TICKS, until_h=60))
    assert found.emptied == ((12 + 6 * TICKS - 2, 0),)


def test_alpha_and_beta_bound_what_a_short_supply_does() -> None:
    for alpha, beta, level in ((1.0, 0.0, 0.25), (0.4, 1.0, 0.7), (0.4, 0.0, 0.25), (0.4, 0.3, 0.55), (0.0, 1.0, None)):
        wiring, found = ran(
            plain(needs("mill", "grid", alpha=alpha, beta=beta)), Hit(asset="grid", damage=0.75, until_h=1)
        )
        assert levels(found, "mill", wiring) == ([] if level is None else [(0.0, level), (1.0, 1.0)])


def test_dependence_on_two_feeders_is_the_weakest_of_their_bounds() -> None:
    # FDNA by hand: feeders at 40 and 80, alpha .9 and .5, beta 5 and 30: 45
    plan = plain(
        needs("c", "a", name="first", alpha=0.9, beta=0.05), needs("c", "b", name="second", alpha=0.5, beta=0.3)
    )
    wiring, found = ran(plan, Hit(asset="a", damage=0.6, until_h=9), Hit(asset="b", damage=0.2, until_h=9))
    assert levels(found, "c", wiring) == [(0.0, 0.45), (9.0, 1.0)]


def probability(plan: AssetMap, parts: str, of: str, up: float) -> float:
    """Return how probable it is that an asset is up: every state of its parts is one sample."""
    states = list(itertools.product((True, False), repeat=len(parts)))
    wiring = wire(plan)
    samples: list[Sequence[Hit]] = [
        [Hit(asset=part, until_h=2) for part, works in zip(parts, state, strict=True) if not works] for state in states
    ]
    lost = simulate(wiring, hits_of(wiring, samples), horizon_h=1, jobs=1)
    assert lost.samples == len(states)
    total = 0.0
    for number, state in enumerate(states):
        found = course(wiring, hits_of(wiring, [samples[number]]).table, TICKS)
        if not levels(found, of, wiring):
            total += up ** sum(state) * (1 - up) ** (len(parts) - sum(state))
    return total


def test_two_of_three() -> None:
    plan = plain(needs("t", "a", "b", "c", k=2, need=Need.COUNT))
    assert probability(plan, "abc", "t", 0.9) == pytest.approx(0.972)


def test_the_bridge() -> None:
    # its four paths, each of which needs all of its parts; t needs any one path
    paths = {"p14": "14", "p25": "25", "p135": "135", "p234": "234"}
    ways = [needs(path, *parts, k=len(parts), need=Need.COUNT) for path, parts in paths.items()]
    plan = plain(*ways, needs("t", *paths, need=Need.COUNT))
    assert probability(plan, "12345", "t", 0.9) == pytest.approx(0.97848)


def test_a_ring_without_a_source_holds_itself_up_until_it_falls() -> None:
    # the greatest fixed point: said in docs/map.md, so that nobody takes a ring for a source
    ring = plain(needs("a", "b", "c", need=Need.COUNT), needs("b", "a", "d", need=Need.COUNT))
    assert down_hours(ring, Hit(asset="c", until_h=5), Hit(asset="d", until_h=5)) == (0.0, 0.0, 5.0, 5.0)
    assert down_hours(ring, *(Hit(asset=one, until_h=5) for one in "acd")) == (5.0, 5.0, 5.0, 5.0)


def test_who_is_hit_when_another_comes_back_hands_over_without_a_gap() -> None:
    plan = plain(needs("mill", "grid", "wind", need=Need.COUNT))
    wiring, found = ran(plan, Hit(asset="grid", until_h=5), Hit(asset="wind", from_h=5, until_h=9))
    assert levels(found, "mill", wiring) == []
