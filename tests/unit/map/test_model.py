"""Everything that is wrong with a map is told at once, each with its asset, its edge and its cause."""

from __future__ import annotations

import random
from typing import Final

import pytest
from msgspec import structs

from support.cascades import made_map, needs, plain
from tocsin.errors import MapError
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.model import (
    Asset,
    AssetMap,
    DependencyGroup,
    FailureMode,
    Fragility,
    Lognormal,
    Need,
    Normal,
    Place,
    Provenance,
    Quantiles,
    Supplier,
    checked,
    faults,
    hours_of,
)

GOOD: Final = plain(needs("mill", "grid"))


def group(**given: object) -> AssetMap:
    return structs.replace(GOOD, groups=(structs.replace(GOOD.groups[0], **given),))


def supplier(**given: object) -> AssetMap:
    return group(suppliers=(structs.replace(GOOD.groups[0].suppliers[0], **given),))


def asset(**given: object) -> AssetMap:
    return structs.replace(GOOD, assets=(structs.replace(GOOD.assets[0], **given), *GOOD.assets[1:]))


def mode(**given: object) -> AssetMap:
    return asset(failure_modes=(FailureMode(name="fire", **given),))  # type: ignore[arg-type]


FAULTS: Final = {
    "an asset without an id": (structs.replace(GOOD, assets=(*GOOD.assets, Asset(id=""))), "''", "its id is empty"),
    "an asset twice": (structs.replace(GOOD, assets=(*GOOD.assets, Asset(id="mill"))), "'mill'", "stands 2 times"),
    "worth less than nothing": (asset(value_h=-1.0), "'grid'", "value_h is -1.0"),
    "worth no number": (asset(value_h=float("nan")), "'grid'", "value_h is nan"),
    "fewer people than none": (asset(people=-1), "'grid'", "people is -1"),
    "off the globe": (asset(place=Place(longitude=181.0, latitude=0.0)), "'grid'", "its place is 181.0, 0.0"),
    "needed by nobody": (group(asset="mine"), "'mine' needs 'power'", "no such asset"),
    "a buffer that owes": (group(buffer_h=-0.5), "'mill' needs 'power'", "buffer_h is -0.5"),
    "a buffer for ever": (group(buffer_h=float("inf")), "'mill' needs 'power'", "buffer_h is inf"),
    "a refill that drains": (group(refill=-1.0), "'mill' needs 'power'", "refill is -1.0"),
    "alpha above 1": (group(alpha=1.5), "'mill' needs 'power'", "alpha is 1.5"),
    "beta below 0": (group(beta=-0.1), "'mill' needs 'power'", "beta is -0.1"),
    "up from nothing": (group(up_from=0.0), "'mill' needs 'power'", "up_from is 0.0"),
    "nobody supplies": (group(suppliers=()), "'mill' needs 'power'", "nobody supplies it"),
    "supplied by nobody known": (supplier(asset="wind"), "'mill' needs 'power' from 'wind'", "no such asset"),
    "supplied by itself": (supplier(asset="mill"), "'mill' needs 'power' from 'mill'", "cannot supply itself"),
    "a weight of nothing": (supplier(weight=0.0), "'mill' needs 'power' from 'grid'", "weight is 0.0"),
    "a weight that is no number": (supplier(weight=float("nan")), "'mill' needs 'power' from 'grid'", "weight is nan"),
    "a supplier twice": (
        group(suppliers=(Supplier(asset="grid"), Supplier(asset="grid"))),
        "'mill' needs 'power' from 'grid'",
        "supplies the group twice",
    ),
    "a group twice": (structs.replace(GOOD, groups=GOOD.groups * 2), "'mill' needs 'power'", "stands 2 times"),
    "k of nothing": (group(k=0.0), "'mill' needs 'power'", "k is 0.0"),
    "half a supplier": (group(k=0.5, need=Need.COUNT), "'mill' needs 'power'", "k is 0.5"),
    "more than all": (group(k=1.1), "'mill' needs 'power'", "k is 1.1 and all suppliers together give 1"),
    "two of one": (group(k=2.0, need=Need.COUNT), "'mill' needs 'power'", "k is 2 and all suppliers together give 1"),
    "a buffer outside its range": (
        group(buffer_h=5.0, buffer_least_h=6.0, buffer_most_h=8.0),
        "'mill' needs 'power'",
        "buffer_h is 5.0 within 6.0 to 8.0",
    ),
    "half a range of a buffer": (group(buffer_least_h=0.0), "'mill' needs 'power'", "within 0.0 to None"),
    "assumed without a range": (
        supplier(provenance=Provenance.ASSUMED),
        "'mill' needs 'power' from 'grid'",
        "assumed with weight 1.0 within None to None",
    ),
    "a range of what is published": (
        supplier(provenance=Provenance.PUBLISHED, least=0.5, most=2.0),
        "'mill' needs 'power' from 'grid'",
        "published with weight 1.0 within 0.5 to 2.0",
    ),
    "a weight outside its range": (
        supplier(provenance=Provenance.ASSUMED, least=1.5, most=2.0),
        "'mill' needs 'power' from 'grid'",
        "assumed with weight 1.0 within 1.5 to 2.0",
    ),
    "one quantile": (asset(repair=Quantiles(hours=(1.0,))), "'grid'", "its repair has 1 quantiles"),
    "quantiles that fall": (asset(repair=Quantiles(hours=(2.0, 1.0))), "'grid'", "or fall"),
    "a median that is no number": (asset(repair=Lognormal(median_h=float("nan"), sigma=1.0)), "'grid'", "median_h nan"),
    "repairs that give time": (asset(repair=Normal(mean_h=-1.0, sigma_h=1.0)), "'grid'", "mean_h -1.0"),
    "fails all the time": (mode(per_year=1e5), "'grid'", "its failure mode 'fire' has per_year 100000.0"),
    "damage the wrong way round": (mode(damage_least=1.0, damage_most=0.5), "'grid'", "damage from 1.0 to 0.5"),
    "a fragility of nothing": (
        mode(fragility=Fragility(measure="PGA g", median=0.0, beta=0.4)),
        "'grid'",
        "a fragility in 'PGA g' of 0.0, 0.4",
    ),
    "a mode's repair": (
        mode(repair=Lognormal(median_h=5.0, sigma=-1.0)),
        "'grid'",
        "the repair of its failure mode 'fire' has sigma -1.0",
    ),
    "a mode twice": (
        asset(failure_modes=(FailureMode(name="fire"), FailureMode(name="fire"))),
        "'grid'",
        "its failure mode 'fire' stands 2 times",
    ),
    "heavier than a sum holds": (
        structs.replace(
            plain(needs("mill", "grid", "wind")),
            groups=(
                DependencyGroup(
                    asset="mill", name="power", suppliers=tuple(Supplier(asset=a, weight=9e5) for a in ("grid", "wind"))
                ),
            ),
        ),
        "'mill' needs 'power'",
        "the weights add up to 1.8e+06",
    ),
}


def test_a_sound_map_has_no_fault() -> None:
    assert checked(GOOD) is GOOD
    assert not list(faults(made_map(random.Random(1), 60, whole=False)))


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_once_with_its_place(case: str) -> None:
    plan, where, cause = FAULTS[case]
    with pytest.raises(MapError) as caught:
        wire(plan)
    (fault,) = caught.value.faults
    assert fault.where == where
    assert cause in fault.cause
    assert fault.expected


def test_fifty_faults_in_a_thousand_assets_are_fifty() -> None:
    draw = random.Random(4)
    plan = made_map(draw, 1_000, whole=False)
    assert not list(faults(plan))
    groups = list(plan.groups)
    planted = draw.sample(range(len(groups)), 50)
    for number, place in enumerate(planted):
        one = groups[place]
        first, *others = one.suppliers
        wrong: tuple[dict[str, object], ...] = (
            {"buffer_h": -1.0},
            {"alpha": 2.0},
            {"suppliers": (structs.replace(first, asset=f"nowhere{number}"), *others)},
            {"suppliers": (structs.replace(first, weight=-1.0), *others)},
            {"asset": f"nobody{number}"},
        )
        groups[place] = structs.replace(one, **wrong[number % len(wrong)])
    with pytest.raises(MapError) as caught:
        checked(structs.replace(plan, groups=tuple(groups)))
    found = caught.value.faults
    assert len(found) == len(set(found)) == 50
    assert {(fault.asset, fault.group) for fault in found} == {(groups[at].asset, groups[at].name) for at in planted}
    assert "and 49 more" in str(caught.value)


def test_thirds_add_up_to_a_whole() -> None:
    plan = plain(needs("mill", "a", "b", "c"))
    thirds = tuple(Supplier(asset=name, weight=1 / 3) for name in "abc")
    wiring = wire(structs.replace(plan, groups=(structs.replace(plan.groups[0], suppliers=thirds),)))
    assert int(wiring.fixed[0, 0]) == 1_000_000
    assert sum(weight for _, weight in wiring.sources.tolist()) >= 1_000_000


def test_three_thirds_of_four_carry_what_counts_who_is_whole() -> None:
    quarter = tuple(Supplier(asset=name, weight=1 / 3) for name in "abcd")
    town = AssetMap(
        assets=tuple(Asset(id=name) for name in ("hospital", "station", *"abcd")),
        groups=(
            DependencyGroup(asset="hospital", name="water", suppliers=(Supplier(asset="station"),), need=Need.COUNT),
            DependencyGroup(asset="station", name="pumps", suppliers=quarter),
        ),
    )
    wiring = wire(town)
    for lost, falls in (("a", False), ("ab", True)):
        hits = hits_of(wiring, [[Hit(asset=name, until_h=5) for name in lost]])
        assert (simulate(wiring, hits, horizon_h=5).outage_h[0] > 0) == falls


def test_a_buffer_that_is_assumed_has_its_own_range() -> None:
    one = structs.replace(GOOD.groups[0].suppliers[0], provenance=Provenance.ASSUMED)
    assert not list(faults(group(suppliers=(one,), buffer_h=8.0, buffer_least_h=4.0, buffer_most_h=24.0)))


def test_hours_of_a_repair() -> None:
    assert [hours_of(Quantiles(hours=(1.0, 2.0, 10.0)), at) for at in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1, 1.5, 2, 6, 10]
    assert hours_of(Lognormal(median_h=24.0, sigma=0.5), 0.5) == pytest.approx(24.0)
    assert hours_of(Lognormal(median_h=24.0, sigma=0.5), 0.841344746) == pytest.approx(24.0 * 1.6487212707)
    assert hours_of(Normal(mean_h=72.0, sigma_h=48.0), 0.841344746) == pytest.approx(120.0)
    assert hours_of(Normal(mean_h=1.0, sigma_h=48.0), 0.1) == 0.0
    assert hours_of(Lognormal(median_h=1.0, sigma=1.0), 1.0) == hours_of(Lognormal(median_h=1.0, sigma=1.0), 0.999)
