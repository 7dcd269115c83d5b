"""The compiled engine against the reference, and both against sets of assets stepped by the hour."""

from __future__ import annotations

import random
from typing import NamedTuple

import networkx as nx
import numpy as np
import pytest

from support.cascades import HORIZON_H, made_hits, made_map, needs, plain
from support.courses import lost_hours, stepped
from tocsin.map.cascade import engine
from tocsin.map.cascade.engine import Hourly, courses, simulate, trace
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Need

HORIZON = round(HORIZON_H * TICKS)


class Tried(NamedTuple):
    """What one random map was like."""

    size: int
    whole: bool  # every time is whole hours
    ring: bool  # some assets depend on themselves
    spread: bool  # more happened than the hits themselves


def same(seed: int, most: int) -> Tried:
    """Run both engines on one random map."""
    draw = random.Random(seed)
    whole = seed % 2 == 0
    plan = made_map(draw, draw.randint(2, most), whole=whole)
    wiring = wire(plan)
    hits = hits_of(wiring, [made_hits(draw, list(wiring.ids), whole=whole)])
    expected = course(wiring, hits.table, HORIZON)
    assert trace(wiring, hits, horizon_h=HORIZON_H) == expected, seed
    needs_of = nx.DiGraph((one.asset, group.asset) for group in plan.groups for one in group.suppliers)
    return Tried(
        size=wiring.assets,
        whole=whole,
        ring=not nx.is_directed_acyclic_graph(needs_of),
        spread=len({asset for _, asset, _ in expected.changes}) > len(hits.table),
    )


def of_every_kind(tried: list[Tried]) -> bool:
    """Return whether rings with whole and with real hours were a fifth each, and hits spread on half of the maps."""
    fifth = len(tried) / 5
    return (
        all(fifth < sum(one.ring and one.whole is whole for one in tried) for whole in (True, False))
        and any(not one.ring for one in tried)
        and sum(one.spread for one in tried) > len(tried) / 2
    )


def test_both_engines_give_the_same() -> None:
    assert of_every_kind([same(seed, 60) for seed in range(150)])


@pytest.mark.long
def test_both_engines_give_the_same_on_a_thousand_maps() -> None:
    tried = [same(seed, 200) for seed in range(1_000, 2_000)]
    assert of_every_kind(tried)
    assert max(one.size for one in tried) == 200


def test_many_samples_traced_at_once_are_those_traced_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(11)
    wiring = wire(made_map(draw, 40, whole=True))
    samples = [made_hits(draw, list(wiring.ids), whole=draw.random() < 0.5) for _ in range(30)]
    hits = hits_of(wiring, [[], *samples])
    expected = [course(wiring, hits.part(at, at + 1).table, HORIZON) for at in range(31)]
    assert expected[0].changes == ()
    for jobs in (1, 2):
        assert courses(wiring, hits, horizon_h=HORIZON_H, jobs=jobs) == expected
    monkeypatch.setattr(engine, "compiled_kernel", lambda: None)
    assert courses(wiring, hits, horizon_h=HORIZON_H) == expected
    assert courses(wiring, hits_of(wiring, []), horizon_h=HORIZON_H) == []


def test_batches_add_up_what_single_samples_give(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(3)
    wiring = wire(made_map(draw, 40, whole=False))
    samples = [made_hits(draw, list(wiring.ids), whole=False) for _ in range(40)]
    hits = hits_of(wiring, samples)
    courses = [course(wiring, hits.part(at, at + 1).table, HORIZON) for at in range(len(samples))]
    lost = np.array([lost_hours(one, wiring, HORIZON) for one in courses])
    outcomes = [simulate(wiring, hits, horizon_h=HORIZON_H, hourly=Hourly.ASSET, jobs=jobs) for jobs in (1, 2)]
    for outcome in outcomes:
        np.testing.assert_allclose(outcome.outage_h, lost.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(outcome.by_hour.sum(axis=1), lost.mean(axis=0), atol=1e-4)
        assert outcome.by_hour.min() >= 0
        np.testing.assert_array_equal(outcome.hurt, (lost > 0).mean(axis=0))
        for sector in range(len(wiring.sectors)):
            inside = wiring.sector_of == sector
            np.testing.assert_allclose(outcome.lost_h[:, sector], lost[:, inside].sum(axis=1), atol=1e-4)
            people = (lost * wiring.people)[:, inside].sum(axis=1)
            np.testing.assert_allclose(outcome.people_h[:, sector], people, rtol=1e-6, atol=1)
        first = [{group: t for t, group in reversed(one.emptied)} for one in courses]
        for group in range(wiring.groups):
            times = [one[group] / TICKS for one in first if group in one]
            assert outcome.ran_out[group] == len(times) / len(samples)
            if times:
                assert outcome.lasted_h[group] == pytest.approx(np.mean(times))
                assert outcome.earliest_h[group] == min(times)
    monkeypatch.setattr(engine, "compiled_kernel", lambda: None)
    outcomes.append(simulate(wiring, hits, horizon_h=HORIZON_H, hourly=Hourly.ASSET, jobs=2))
    for other in outcomes[1:]:  # bit for bit, however many workers, and by whichever engine
        for one, two in zip(outcomes[0].sums, other.sums, strict=True):
            np.testing.assert_array_equal(one, two)
    assert trace(wiring, hits.part(0, 1), horizon_h=HORIZON_H) == courses[0]
    sectors = simulate(wiring, hits, horizon_h=HORIZON_H, hourly=Hourly.SECTOR, jobs=1)
    np.testing.assert_allclose(sectors.by_hour.sum(axis=1), sectors.lost_h.mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("seed", range(40))
def test_sets_stepped_by_the_hour_say_the_same(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"a{number}" for number in range(draw.randint(2, 14))]
    wanted: dict[str, list[tuple[list[str], int, int]]] = {name: [] for name in names}
    for name in names:
        for _ in range(draw.choice((0, 1, 1, 2))):
            others = draw.sample([one for one in names if one != name], min(len(names) - 1, draw.choice((1, 2, 3))))
            wanted[name].append((others, draw.randint(1, len(others)), draw.choice((0, 0, 1, 3, 7))))
    struck = {
        name: (begin, begin + draw.randint(1, 12))
        for name in draw.sample(names, max(1, len(names) // 4))
        for begin in (draw.choice((0, 0, draw.randint(0, 12))),)
    }
    groups = [
        needs(name, *suppliers, name=f"g{at}", k=float(least), need=Need.COUNT, buffer_h=float(buffer), refill=1e6)
        for name, all_of in wanted.items()
        for at, (suppliers, least, buffer) in enumerate(all_of)
    ]
    wiring = wire(plain(*groups, *(needs(f"x{name}", name) for name in names)))  # x…: so that each stands in the map
    hits = hits_of(wiring, [[Hit(asset=name, from_h=a, until_h=b) for name, (a, b) in struck.items()]])
    found = course(wiring, hits.table, 30 * TICKS)
    down = stepped(wanted, struck, 30)
    level = dict.fromkeys(range(wiring.assets), FULL)
    changes = list(found.changes)
    for hour in range(30):
        while changes and changes[0][0] <= hour * TICKS:
            _, asset, now = changes.pop(0)
            level[asset] = now
        for name in names:
            assert (level[wiring.ids.index(name)] == 0) == (hour in down[name]), (hour, name)
