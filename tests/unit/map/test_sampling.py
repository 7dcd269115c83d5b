"""Samples of what may happen to a whole map: each repair as long as its own distribution says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.map.cascade import wire
from tocsin.map.cascade.hits import FROM, HIT, UNTIL
from tocsin.map.hazards import hours_at
from tocsin.map.model import Asset, AssetMap, FailureMode, Fragility, Lognormal, Normal, Quantiles, Repair, hours_of
from tocsin.map.sampling import Asked, drawn, struck

REPAIRS: tuple[Repair, ...] = (
    Lognormal(median_h=24, sigma=1.5),
    Lognormal(median_h=24, sigma=0.3),
    Normal(mean_h=10, sigma_h=8),
    Quantiles(hours=(2, 8, 8, 100)),
)


@given(st.sampled_from(REPAIRS), st.lists(st.floats(0, 1), max_size=30))
@settings(deadline=None)
def test_many_levels_at_once_are_each_of_them(repair: Repair, levels: list[float]) -> None:
    each = [hours_of(repair, level) for level in levels]
    assert hours_at(repair, np.array(levels)).tolist() == pytest.approx(each, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_certain_hit_lasts_as_long_whatever_it_is_called(repair: Repair) -> None:
    """By a chance of 1, by a fragility that is certain, and by name: one distribution."""
    mode = FailureMode(name="shaking", fragility=Fragility(measure="PGA g", median=0.1, beta=0.1))
    plan = AssetMap(assets=(Asset(id="plant", repair=repair, failure_modes=(mode,)),))
    wiring = wire(plan)
    samples = 4_000
    ways = (
        drawn(plan, wiring, Asked(repair_h=1, within_h=1, chance=1), seed=1, samples=samples),
        drawn(plan, wiring, Asked(repair_h=1, within_h=1, intensity=1e5, measure="PGA g"), seed=2, samples=samples),
        struck(plan, wiring, {"plant": 0.5}, repair_h=1, seed=3, samples=samples),
    )
    levels = (np.arange(samples) + 0.5) / samples
    wanted = np.array([hours_of(repair, level) for level in levels])
    for hits in ways:
        assert len(hits.table) == samples
        assert (hits.table[:, FROM] == 0).all()
        lasted = np.sort(hits.table[:, UNTIL] / wiring.ticks_per_hour)
        assert lasted.mean() == pytest.approx(wanted.mean(), rel=0.1)
        assert lasted.max() <= wanted.max() * math.exp(0.5)
        # Kolmogorov and Smirnov's distance; beyond it lies one distribution in a million
        place = np.searchsorted(lasted, wanted, side="right") / samples
        upper = np.searchsorted(wanted, wanted, side="right") / samples
        assert np.abs(place - upper).max() < math.sqrt(math.log(2e6) / 2 / samples) + 1 / samples


def test_each_asset_has_its_own_repair() -> None:
    hours = {"a": 3.0, "b": 70.0, "c": 9.0, "d": 3.0}
    assets = [Asset(id=name, repair=Quantiles(hours=(each, each))) for name, each in hours.items() if name != "c"]
    plan = AssetMap(assets=(*assets, Asset(id="c")))
    wiring = wire(plan)
    hits = drawn(plan, wiring, Asked(repair_h=9, within_h=1, chance=0.5), seed=1, samples=50)
    named = [wiring.ids[asset] for asset in hits.table[:, HIT]]
    assert set(named) == set(hours)
    assert [hours[name] * wiring.ticks_per_hour for name in named] == hits.table[:, UNTIL].tolist()


def test_nothing_is_hit_where_nothing_can_be() -> None:
    plan = AssetMap(assets=(Asset(id="a"),))
    wiring = wire(plan)
    assert not len(drawn(plan, wiring, Asked(repair_h=9, within_h=1, chance=0), seed=1, samples=3).table)
    assert not len(struck(plan, wiring, {}, repair_h=9, seed=1, samples=3).table)
