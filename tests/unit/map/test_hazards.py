"""Hits from the failure modes that assets have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec import structs

from support.cascades import needs, plain
from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.engine import simulate
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.wiring import wire
from tocsin.map.hazards import Strike, chance_of, hits_by
from tocsin.map.model import Asset, AssetMap, FailureMode, Fragility, Quantiles

SHAKEN = Fragility(measure="PGA g", median=0.3, beta=0.5)
EVENLY = Quantiles(hours=(0.0, 10.0))


def built(median: float = 0.3, per_year: float = 0.0, **more: FailureMode) -> AssetMap:
    shaken = structs.replace(SHAKEN, median=median)
    modes = (FailureMode(name="collapse", fragility=shaken, per_year=per_year, damage_least=0.5), *more.values())
    names = [f"s{number}" for number in range(40)]
    plan = plain(needs("mill", *names, k=39.0))
    assets = tuple(
        structs.replace(one, repair=EVENLY, failure_modes=modes) if one.id != "mill" else one for one in plan.assets
    )
    return structs.replace(plan, assets=assets)


PLAN = built()
WIRING = wire(PLAN)
QUAKE = Strike(measure="PGA g", intensity={asset.id: 0.3 for asset in PLAN.assets})


def test_the_fragility_is_the_lognormal_of_hazus() -> None:
    assert chance_of(SHAKEN, 0.3) == 0.5
    assert chance_of(SHAKEN, 0.3 * math.exp(0.5)) == pytest.approx(0.841345, abs=1e-6)
    assert chance_of(SHAKEN, 0.0) == 0


def test_hits_are_as_frequent_hard_and_long_as_the_modes_say() -> None:
    hits = hits_by(PLAN, WIRING, QUAKE, seed=1, samples=range(500), jobs=1)
    assert len(hits.table) / 20_000 == pytest.approx(0.5, abs=0.015)
    assert (hits.table[:, 1] / FULL).mean() == pytest.approx(0.75, abs=0.01)
    assert (hits.table[:, 3] / TICKS).mean() == pytest.approx(5, abs=0.1)
    assert set(hits.table[:, 2]) == {0}
    elsewhere = structs.replace(QUAKE, measure="depth m")
    assert len(hits_by(PLAN, WIRING, elsewhere, seed=1, samples=range(50)).table) == 0


def test_what_fails_by_itself_fails_as_often_as_a_year_has_it() -> None:
    plan = built(per_year=52.18)  # once in 168 hours
    hits = hits_by(plan, wire(plan), Strike(period_h=168.0), seed=1, samples=range(500), jobs=1)
    assert len(hits.table) / 20_000 == pytest.approx(1 - math.exp(-1), abs=0.015)
    begins = hits.table[:, 2] / TICKS
    assert begins.max() < 168
    assert begins.mean() == pytest.approx(168 * (1 - 1 / (math.e - 1)), rel=0.03)


def test_a_sample_is_the_same_in_whatever_range_and_by_however_many_workers() -> None:
    whole = hits_by(PLAN, WIRING, QUAKE, seed=5, samples=range(30), jobs=1)
    for jobs in (1, 2):
        part = hits_by(PLAN, WIRING, QUAKE, seed=5, samples=range(11, 17), jobs=jobs)
        np.testing.assert_array_equal(part.table, whole.part(11, 17).table)
    other = hits_by(PLAN, WIRING, QUAKE, seed=6, samples=range(30))
    assert not np.array_equal(other.table, whole.table)
    assert hits_by(PLAN, WIRING, QUAKE, seed=6, samples=range(0)).samples == 0


def test_a_new_asset_leaves_all_others_their_numbers() -> None:
    wider = AssetMap(assets=(Asset(id="new"), *PLAN.assets), groups=PLAN.groups)
    before = hits_by(PLAN, WIRING, QUAKE, seed=5, samples=range(30)).table
    after = hits_by(wider, wire(wider), QUAKE, seed=5, samples=range(30)).table
    np.testing.assert_array_equal(after - [1, 0, 0, 0], before)


def test_hardening_helps_in_every_single_sample() -> None:
    weak, strong = (
        simulate(WIRING, hits_by(built(median), WIRING, QUAKE, seed=3, samples=range(80)), horizon_h=24, jobs=1)
        for median in (0.3, 0.6)
    )
    assert (strong.lost_h <= weak.lost_h).all()
    assert strong.lost_h.sum() < 0.5 * weak.lost_h.sum()
    # the same nights: far less noise than there would be between two independent sets
    assert np.corrcoef(weak.lost_h[:, 0], strong.lost_h[:, 0])[0, 1] > 0.2


def test_an_asset_that_fails_in_two_ways_is_hit_once_and_as_by_both() -> None:
    second = FailureMode(name="fire", fragility=SHAKEN, damage_least=1.0, repair=Quantiles(hours=(40.0, 50.0)))
    plan = built(second=second)
    one = hits_by(PLAN, WIRING, QUAKE, seed=2, samples=range(100)).table
    both = hits_by(plan, WIRING, QUAKE, seed=2, samples=range(100))
    assert len(both.table) / 4_000 == pytest.approx(0.75, abs=0.03)
    assert len(both.table) > len(one)
    for sample in range(100):
        rows = both.part(sample, sample + 1).table
        assert len(set(rows[:, 0].tolist())) == len(rows)
        burnt = rows[rows[:, 3] >= 40 * TICKS]
        assert (burnt[:, 1] == FULL).all()


@pytest.mark.parametrize(
    ("strike", "kind", "what"),
    [
        (Strike(measure="PGA g", intensity={"mine": 1.0}), NotFoundError, "no such asset"),
        (Strike(measure="PGA g", intensity={"s1": -1.0}), InputError, "an intensity of -1"),
        (Strike(measure="PGA g", intensity={"s1": math.nan}), InputError, "an intensity of nan"),
        (Strike(period_h=-1.0), InputError, "a period of -1"),
    ],
    ids=["asset", "negative", "no number", "period"],
)
def test_a_strike_that_is_none_is_refused(strike: Strike, kind: type[InputError], what: str) -> None:
    with pytest.raises(kind, match=what):
        hits_by(PLAN, WIRING, strike, seed=1, samples=range(1))


def test_what_may_fail_and_is_never_repaired_is_refused() -> None:
    plan = structs.replace(PLAN, assets=tuple(structs.replace(one, repair=None) for one in PLAN.assets))
    with pytest.raises(InputError, match="no repair time"):
        hits_by(plan, WIRING, QUAKE, seed=1, samples=range(1))
    assert len(hits_by(plan, WIRING, Strike(), seed=1, samples=range(1)).table) == 0
