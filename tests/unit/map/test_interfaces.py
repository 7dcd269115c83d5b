"""Interfaces of parts that can be worked out by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import structs

from support.cascades import needs, plain
from support.courses import levels
from tocsin.errors import ConflictError, InputError, LimitError, NotFoundError
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.interfaces import (
    Loss,
    Stock,
    bounds_of,
    compose,
    error_of,
    interface_of,
    others_of,
    probing,
    rounded,
    trials,
    width_of,
)
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Need, Supplier

# the member: a mill that runs on a substation with a battery, behind which are two lines of others
CHAIN = plain(
    needs("substation", "line 1", "line 2", need=Need.COUNT, buffer_h=4),
    needs("mill", "substation", buffer_h=6),
    needs("shop", "mill"),
)
OWN = ("mill", "substation")


def stocks(plan: AssetMap, *own: str, **given: Any) -> tuple[Stock, ...]:  # noqa: ANN401 -- what interface_of takes
    return interface_of(plan, own, **given).outputs[0].stocks


def test_buffers_in_a_row_are_one_as_long_as_both() -> None:
    found = interface_of(CHAIN, OWN)
    assert [one.name for one in found.inputs] == ["line 1", "line 2"]
    assert [one.id for one in found.outputs] == ["mill"]
    assert found.outputs[0].stocks == (
        Stock(losses=(Loss(inputs=("line 1", "line 2"), k=1),), hours=10.0, refill=found.outputs[0].stocks[0].refill),
    )


def test_what_is_published_names_nothing_of_the_inside() -> None:
    secret = structs.replace(
        CHAIN,
        assets=tuple(
            structs.replace(one, people=77_777, value_h=55_555.0, owner="mills") if one.id in OWN else one
            for one in CHAIN.assets
        ),
    )
    text = msgspec.json.encode(interface_of(secret, OWN)).decode()
    assert "mill" in text
    for word in ("substation", "77777", "55555", "power"):
        assert word not in text


def test_series_and_two_of_three_share_their_stock() -> None:
    plan = plain(
        needs("yard", "a", "b", "c", k=2, need=Need.COUNT),
        needs("hall", "yard", "d", k=2, need=Need.COUNT),
        needs("out", "hall", buffer_h=5, refill=0.5, need=Need.COUNT),
        needs("user", "out"),
    )
    assert stocks(plan, "yard", "hall", "out") == (
        Stock(losses=(Loss(inputs=("d",), k=1), Loss(inputs=("a", "b", "c"), k=2)), hours=5.0, refill=0.5),
    )


def test_needs_apart_have_stocks_apart() -> None:
    plan = plain(
        needs("out", "a", name="power", buffer_h=5, need=Need.COUNT),
        needs("out", "b", name="water", buffer_h=5, need=Need.COUNT),
        needs("user", "out"),
    )
    assert [one.losses for one in stocks(plan, "out")] == [
        (Loss(inputs=("a",), k=1),),
        (Loss(inputs=("b",), k=1),),
    ]


def test_a_ring_inside_stays_down_and_its_interface_says_so() -> None:
    ring = (
        needs("one", "grid", "two", k=2, need=Need.COUNT, buffer_h=2),
        needs("two", "one"),
        needs("out", "two", buffer_h=3),
        needs("user", "out"),
    )
    (found,) = stocks(plain(*ring), "one", "two", "out")
    assert (found.hours, found.then_h, found.stays) == (2.0, 3.0, True)
    short = compose(others_of(plain(*ring), ("one", "two", "out")), interface_of(plain(*ring), ("one", "two", "out")))
    for hours in (1.9, 2.0, 2.1, 30.0):
        for plan in (plain(*ring), short):
            wiring = wire(plan)
            hits = hits_of(wiring, [[Hit(asset="grid", until_h=hours)]])
            fell = levels(course(wiring, hits.table, 90 * TICKS), "user", wiring)
            assert fell == ([] if hours <= 2 else [(5.0, 0.0)])


def test_half_a_supply_is_told_by_degrees() -> None:
    half = DependencyGroup(asset="out", name="power", suppliers=(Supplier(asset="grid"),), buffer_h=6)
    plan = structs.replace(plain(needs("user", "out"), needs("out", "grid")), groups=(needs("user", "out"), half))
    found = stocks(plan, "out", degrees=(0.0, 0.5))
    assert [(one.hours, one.service, one.losses[0].up_from) for one in found] == [(6, 0, 0.5), (12, 0.5, 1.0)]


def test_inputs_joined_are_told_as_one_and_look_worse() -> None:
    found = interface_of(CHAIN, OWN, joined=[("line 1", "line 2")])
    assert [one.name for one in found.inputs] == ["joined 1"]
    hits = [[Hit(asset="line 1", until_h=40)], [Hit(asset="line 2", until_h=40), Hit(asset="line 1", until_h=40)]]
    one, both = (error_of(CHAIN, OWN, found, [sample], horizon_h=60) for sample in hits)
    assert (both.differ, one.better) == (0, 0)
    assert one.lost_by_it_h - one.lost_h == pytest.approx(2 * 30)


def test_rounding_moves_less_than_a_step() -> None:
    exact = interface_of(CHAIN, OWN)
    seen = set()
    for seed in range(40):
        told = rounded(exact, 4.0, seed=seed)
        seen.add(told.outputs[0].stocks[0].hours)
        assert rounded(exact, 4.0, seed=seed) == told
    assert seen == {8.0, 12.0}
    found = bounds_of(CHAIN, OWN, step_h=4.0)
    assert [one.hours for one in found.least.outputs[0].promises if one.hours] == [8.0]
    assert [one.hours for one in found.most.outputs[0].stocks] == [12.0]


def fell_at(plan: AssetMap, name: str, *hits: Hit) -> list[tuple[float, float]]:
    wiring = wire(plan)
    found = levels(course(wiring, hits_of(wiring, [list(hits)]).table, 90 * TICKS), name, wiring)
    return [(round(at, 4), level) for at, level in found]


def test_a_hit_on_an_output_goes_on_to_the_next() -> None:
    plan = plain(
        needs("yard", "grid", need=Need.COUNT, buffer_h=4),
        needs("mill", "yard", need=Need.COUNT, buffer_h=6),
        needs("shop", "mill", need=Need.COUNT),
        needs("farm", "yard", need=Need.COUNT),
    )
    own = ("yard", "mill")
    found = bounds_of(plan, own)
    for one in (interface_of(plan, own), found.least, found.most):
        short = compose(others_of(plan, own), one)
        assert fell_at(short, "shop", Hit(asset="yard", until_h=50)) == [(6.0, 0.0), (50.0, 1.0)]
        assert fell_at(short, "shop", Hit(asset="grid", until_h=50)) == [(10.0, 0.0), (50.0, 1.0)]


def test_a_loss_that_makes_no_difference_by_itself_shortens_another() -> None:
    # a, b and c fail the mill after 5 hours together, as a and b do; with c gone long before, after 2: so one clock
    # for all that an output leans on is the least that can be promised, and a stock of a and b alone is too much
    plan = plain(
        needs("yard", "a", "b", need=Need.COUNT),
        needs("shed", "c", need=Need.COUNT, buffer_h=5),
        needs("hall", "yard", need=Need.COUNT, buffer_h=2),
        needs("mill", "yard", name="steam", need=Need.COUNT, buffer_h=5),
        needs("mill", "shed", "hall", name="power", need=Need.COUNT),
        needs("shop", "mill", need=Need.COUNT),
    )
    own = ("yard", "shed", "hall", "mill")
    hits = (Hit(asset="c", until_h=80), *(Hit(asset=one, from_h=10, until_h=80) for one in "ab"))
    found = bounds_of(plan, own)
    maps = (plan, *(compose(others_of(plan, own), one) for one in (found.least, interface_of(plan, own), found.most)))
    assert [fell_at(one, "shop", *hits)[0][0] for one in maps] == [12.0, 10.0, 15.0, 15.0]


def test_a_ring_that_stays_down_is_promised_nothing_after_a_loss() -> None:
    ring = plain(
        needs("one", "grid", "two", k=2, need=Need.COUNT, buffer_h=2),
        needs("two", "one"),
        needs("out", "two", buffer_h=3),
        needs("user", "out"),
    )
    (output,) = bounds_of(ring, ("one", "two", "out")).least.outputs
    assert [(one.ever, one.hours, one.pauses) for one in output.promises] == [(True, None, False), (True, 5.0, False)]
    least = compose(others_of(ring, ("one", "two", "out")), bounds_of(ring, ("one", "two", "out")).least)
    # one hour of loss does no harm; that it might have is all that can be said from outside
    assert fell_at(ring, "user", Hit(asset="grid", until_h=1)) == []
    assert fell_at(least, "user", Hit(asset="grid", until_h=1)) == [(5.0, 0.0)]


def test_an_output_that_leans_on_nothing_outside_is_always_whole() -> None:
    plan = plain(needs("mill", "wind", need=Need.COUNT), needs("shop", "mill"))
    found = bounds_of(plan, ("mill", "wind"))
    assert (found.least.outputs[0].stocks, found.most.outputs[0].stocks) == ((), ())
    least = compose(others_of(plan, ("mill", "wind")), found.least)
    assert [one.asset for one in least.groups] == ["shop"]


def test_bounds_are_apart_by_what_is_measured() -> None:
    found = bounds_of(CHAIN, OWN)
    once = [Hit(asset=one, until_h=15) for one in ("line 1", "line 2")]
    twice = [Hit(asset="line 1", until_h=90), Hit(asset="line 2", until_h=15)]
    width = width_of(CHAIN, OWN, found, [once, twice], horizon_h=90)
    assert (width.outside, width.apart, width.least_h) == (0, 0, width.lost_h)
    assert width.most_h == pytest.approx(width.lost_h, abs=1e-4)
    drawn = trials(CHAIN, OWN, 50, horizon_h=90, seed=1)
    assert {hit.asset for hits in drawn for hit in hits} == {"line 1", "line 2", "mill", "shop"}
    width = width_of(CHAIN, OWN, found, drawn, horizon_h=90)
    assert width.outside == 0
    assert width.least_h <= width.lost_h <= width.most_h


def test_what_takes_longer_than_the_horizon_is_not_told() -> None:
    assert stocks(CHAIN, *OWN, horizon_h=9) == ()


@pytest.mark.parametrize(
    ("own", "given", "kind", "what"),
    [
        (("mine",), {}, NotFoundError, "no such asset"),
        ((), {}, InputError, "no assets"),
        (OWN, {"together": 0}, InputError, "0 losses"),
        (OWN, {"horizon_h": 0}, InputError, "horizon"),
        (OWN, {"degrees": (0.5,)}, InputError, "degrees"),
        (OWN, {"degrees": (0.0, 1.0)}, InputError, "degrees"),
        (OWN, {"joined": [("line 1", "shop")]}, InputError, "no input"),
        (OWN, {"joined": [("line 1",), ("line 1",)]}, InputError, "joined twice"),
    ],
    ids=["unknown", "nothing", "none together", "no time", "no loss", "no degree", "no input", "joined twice"],
)
def test_what_has_no_interface_is_refused(
    own: tuple[str, ...], given: dict[str, Any], kind: type[InputError], what: str
) -> None:
    with pytest.raises(kind, match=what):
        interface_of(CHAIN, own, **given)


def test_more_than_can_be_tried_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_TRIES", 10)
    with pytest.raises(LimitError, match="would have to be tried"):
        interface_of(CHAIN, OWN)


def test_an_output_that_others_have_already_is_refused() -> None:
    with pytest.raises(ConflictError, match="mill"):
        compose(AssetMap(assets=(Asset(id="mill"),)), interface_of(CHAIN, OWN))


def test_a_hit_inside_is_nothing_that_an_interface_answers() -> None:
    with pytest.raises(InputError, match="substation"):
        error_of(CHAIN, OWN, interface_of(CHAIN, OWN), [[Hit(asset="substation", until_h=1)]], horizon_h=9)


def test_a_repair_at_the_instant_at_which_a_stock_is_empty_lifts_nothing() -> None:
    """A ring through the border: both stay down with the part, and so they do with what holds at least."""
    groups = (
        DependencyGroup(asset="tower", name="power", suppliers=(Supplier(asset="plant"),), buffer_h=2.0),
        DependencyGroup(asset="plant", name="control", suppliers=(Supplier(asset="tower"),)),
    )
    plan = AssetMap(assets=(Asset(id="tower"), Asset(id="plant")), groups=groups)
    for one in (plan, compose(others_of(plan, ["tower"]), bounds_of(plan, ["tower"]).least)):
        wiring = wire(one)
        found = course(wiring, hits_of(wiring, [[Hit(asset="tower", until_h=2.0)]]).table, 100 * TICKS)
        last = {asset: level for _, asset, level in found.changes}
        assert [last[wiring.ids.index(name)] for name in ("tower", "plant")] == [0, 0]
