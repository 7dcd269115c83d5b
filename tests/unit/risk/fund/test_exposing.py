"""A fund's plan of a map: the rule by which failure modes become what may happen in a sample."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.map.cascade import simulate, wire
from tocsin.map.model import (
    Asset,
    AssetMap,
    FailureMode,
    Fragility,
    Lognormal,
    Place,
    Quantiles,
    Repair,
)
from tocsin.map.sampling import Asked, drawn
from tocsin.risk.fund.exposing import plan_of_map
from tocsin.risk.fund.projects import Harden, Project, checked
from tocsin.risk.fund.scenarios import Scenarios, Terms

WEEK = Asked(repair_h=10, within_h=168)


def flat(hours: float) -> Quantiles:
    return Quantiles(hours=(hours, hours))


def modes() -> st.SearchStrategy[tuple[FailureMode, ...]]:
    repair = st.sampled_from((None, flat(6), Quantiles(hours=(1, 4, 30)), Lognormal(median_h=9, sigma=0.7)))
    one = st.builds(
        lambda per_year, damage, repair: FailureMode(
            name="", per_year=per_year, damage_least=min(damage), damage_most=max(damage), repair=repair
        ),
        st.sampled_from((0.0, 0.5, 20.0, 400.0)),
        st.tuples(st.floats(0, 1), st.floats(0, 1)),
        repair,
    )
    return st.lists(one, max_size=4).map(
        lambda found: tuple(
            FailureMode(
                name=str(place),
                per_year=mode.per_year,
                damage_least=mode.damage_least,
                damage_most=mode.damage_most,
                repair=mode.repair,
            )
            for place, mode in enumerate(found)
        )
    )


@given(st.lists(modes(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_plan_that_is_made_is_in_order(found: list[tuple[FailureMode, ...]]) -> None:
    assets = tuple(
        Asset(id=str(place), failure_modes=each, repair=flat(3), place=Place(longitude=1, latitude=2))
        for place, each in enumerate(found)
    )
    fails = [asset.id for asset in assets if any(mode.per_year for mode in asset.failure_modes)]
    if not fails:
        with pytest.raises(InputError, match="says how it fails"):
            plan_of_map(AssetMap(assets=assets), WEEK)
        return
    plan = plan_of_map(AssetMap(assets=assets), WEEK)
    checked(plan, [])
    assert [one.asset for one in plan.exposures] == fails
    # it is handed on: what the fund does not need stays on the map
    assert all(one.place is None and one.repair is None and not one.failure_modes for one in plan.map.assets)
    for one in plan.exposures:
        rates = [mode.per_year for mode in assets[int(one.asset)].failure_modes]
        assert one.chance == pytest.approx(1 - math.exp(-sum(rates) * 168 / 8_766), abs=1e-8)


@pytest.mark.parametrize(
    "repairs",
    [
        (flat(12), flat(12)),
        (Quantiles(hours=(2, 10, 40)), flat(100)),
        (Lognormal(median_h=8, sigma=0.5), Quantiles(hours=(20, 60))),
    ],
)
def test_hours_lost_are_those_of_the_map_with_its_modes(repairs: tuple[Repair, Repair]) -> None:
    """Held to the samples that the map itself draws of the same hazard, in which damage and repair go together."""
    fragile = [Fragility(measure="depth m", median=median, beta=0.6) for median in (2.0, 6.0)]
    failing = tuple(
        FailureMode(name=name, fragility=each, damage_least=least, damage_most=1.0, repair=repair)
        for name, each, least, repair in zip("ab", fragile, (1.0, 1.0), repairs, strict=True)
    )
    town = AssetMap(assets=(Asset(id="mill", owner="https://mill.example", value_h=1, failure_modes=failing),))
    asked = Asked(repair_h=1, within_h=1, intensity=2.5, measure="depth m")
    wiring = wire(town)
    samples = 20_000
    map_own = simulate(wiring, drawn(town, wiring, asked, seed=1, samples=samples), horizon_h=1_000).worth_lost[:, 0]
    scenarios = Scenarios(plan_of_map(town, asked), [], Terms(seed=2, samples=samples, horizon_h=1_000))
    fund = scenarios.totals(frozenset()) / scenarios.ticks_per_hour
    assert np.mean(fund > 0) == pytest.approx(np.mean(map_own > 0), abs=0.02)
    # both modes in one sample: the map takes the longer, the plan either
    assert fund.mean() == pytest.approx(map_own.mean(), rel=0.15)


def test_the_longest_of_two_modes_is_as_rare_as_it_is() -> None:
    failing = (
        FailureMode(name="often", per_year=90, repair=flat(1), damage_least=0.2, damage_most=0.4),
        FailureMode(name="seldom", per_year=0.0001, repair=flat(500)),
    )
    (one,) = plan_of_map(AssetMap(assets=(Asset(id="mill", failure_modes=failing),)), WEEK).exposures
    often, seldom = (-math.expm1(-mode.per_year * 168 / 8_766) for mode in failing)
    longest = 1 + 499 * 100 * seldom / (often + seldom)  # the mean of the longest hundredth
    assert one.repair_h[:-1] == (1.0,) * 100
    assert one.repair_h[-1] == pytest.approx(2 * longest - 1, abs=0.001)
    assert one.damage == pytest.approx((0.2, 0.4), abs=1e-4)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.5, 2.0])
def test_repairs_that_may_take_very_long_cost_a_fund_what_they_cost(sigma: float) -> None:
    """Mean and worst cases of a lognormal, read to its last thousandth, from its formulas."""
    repair = Lognormal(median_h=24, sigma=sigma)
    town = AssetMap(assets=(Asset(id="mill", owner="https://mill.example", value_h=1, repair=repair),))
    plan = plan_of_map(town, Asked(repair_h=1, within_h=1, chance=1))
    levels = (np.arange(100_000) + 0.5) / 100_000
    (hours,) = (one.repair_h for one in plan.exposures)
    assert len(hours) == 101
    drawn_h = np.interp(levels, np.linspace(0, 1, 101), hours)
    normal = NormalDist()
    ends = [normal.inv_cdf(level) for level in (0.001, 0.95, 0.99, 0.999)]
    low, *_, high = (24 * math.exp(sigma * end) for end in ends)
    whole, worst, worst_of_all = (
        24 * math.exp(sigma**2 / 2) * (normal.cdf(ends[-1] - sigma) - normal.cdf(begin - sigma)) + 0.001 * high
        for begin in ends[:-1]
    )
    assert drawn_h.mean() == pytest.approx(whole + 0.001 * low, rel=0.01)
    assert drawn_h[levels > 0.95].mean() == pytest.approx(worst / 0.05, rel=0.015)
    assert drawn_h[levels > 0.99].mean() == pytest.approx(worst_of_all / 0.01, rel=0.01)


def test_what_nothing_is_known_of_and_what_cannot_happen_is_exposed_to_nothing() -> None:
    town = AssetMap(assets=(Asset(id="seen"), Asset(id="unseen")))
    asked = Asked(repair_h=24, within_h=1, chance=0.3)
    plan = plan_of_map(town, asked, spared=frozenset({"unseen"}))
    assert [(one.asset, one.chance, one.repair_h[0]) for one in plan.exposures] == [("seen", 0.3, 24)]
    with pytest.raises(InputError, match="nothing may happen"):
        checked(plan, [Project(id="p", title="", cost=1, changes=(Harden(asset="unseen", chance=0.5),))])


@pytest.mark.parametrize(
    "asked",
    [
        Asked(repair_h=-1, within_h=1),
        Asked(repair_h=1, within_h=math.inf),
        Asked(repair_h=1, within_h=1, chance=1.5),
        Asked(repair_h=1, within_h=1, intensity=math.nan, measure="depth m"),
    ],
)
def test_what_is_no_hazard(asked: Asked) -> None:
    with pytest.raises(InputError):
        plan_of_map(AssetMap(assets=(Asset(id="mill", failure_modes=(FailureMode(name="a", per_year=1),)),)), asked)
