"""Shelby County: power, water and roads in one map, the published couplings as published, the rest by stated rules."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from support.surveyor import Surveyor, drawn, scored, truth_of
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.formats import Format, ReadMap, read_files, read_folder, write
from tocsin.map.interfaces import bounds_of, interface_of, trials, width_of
from tocsin.map.model import AssetMap, Provenance, faults

REALDATA: Final = Path(os.environ.get("TOCSIN_REALDATA") or Path(__file__).parents[2] / "../shared/data")
SHELBY: Final = REALDATA / "map" / "shelby"

pytestmark = pytest.mark.skipif(not SHELBY.exists(), reason="the real data is not here")


@pytest.fixture(scope="module")
def shelby() -> ReadMap:
    return read_folder(SHELBY)


def test_three_networks_are_one_map(shelby: ReadMap) -> None:
    assert Counter(asset.sector for asset in shelby.plan.assets) == {"energy": 663, "water": 167, "transport": 780}
    assert not list(faults(shelby.plan))
    # all of it lies around Memphis: the metres of the files became degrees
    for asset in shelby.plan.assets:
        assert asset.place is not None
        assert -90.2 < asset.place.longitude < -89.6
        assert 34.9 < asset.place.latitude < 35.5


def test_the_published_couplings_are_fourteen_and_nothing_else_is_published(shelby: ReadMap) -> None:
    with (SHELBY / "dependencies.csv").open(newline="") as file:
        listed = {(row["water_id"], row["power_id"]) for row in csv.DictReader(file)}
    found = {
        (group.asset, one.asset)
        for group in shelby.plan.groups
        for one in group.suppliers
        if one.provenance is Provenance.PUBLISHED
    }
    assert found == listed
    assert len(found) == 14


def test_each_derived_edge_has_its_rule_and_each_assumed_one_its_range(shelby: ReadMap) -> None:
    times: Counter[Provenance] = Counter()
    for group in shelby.plan.groups:
        for one in group.suppliers:
            times[one.provenance] += 1
            assert one.basis
            if one.provenance is Provenance.ASSUMED:
                assert group.buffer_least_h is not None
                assert group.buffer_most_h is not None
    assert times[Provenance.ASSUMED] == 191
    assert times[Provenance.REPORTED] == 0


def test_what_is_not_taken_is_said(shelby: ReadMap) -> None:
    notes = "\n".join(shelby.notes)
    assert "power.json: the ratings of kind 'line' carry 175 of 1,006 MW when all is whole: not taken" in notes
    assert "road_links.csv:325: not taken: it repeats road_links.csv:324" in notes
    assert "implan_economic_costs.csv: not taken" in notes


def test_a_motor_takes_its_pump_and_the_grid_all_that_it_feeds(shelby: ReadMap) -> None:
    wiring = wire(shelby.plan)
    names = [asset.id for asset in shelby.plan.assets]

    def lost(*out: str) -> set[str]:
        hits = hits_of(wiring, [[Hit(asset=one, until_h=24.0) for one in out]])
        hours = simulate(wiring, hits, horizon_h=24.0, jobs=1).outage_h
        return {name for name, each in zip(names, hours, strict=True) if each > 0}

    assert lost("P_MP81") == {"P_MP81", "W_WP81"}
    grids = [asset.id for asset in shelby.plan.assets if asset.kind == "ext grid"]
    dark = lost(*grids)
    assert {asset.id for asset in shelby.plan.assets if asset.kind in {"load", "motor", "pump"}} <= dark


@pytest.mark.parametrize("form", [Format.CSV, Format.GEOJSON, Format.GRAPHML])
def test_it_goes_through_every_format_unchanged(shelby: ReadMap, form: Format) -> None:
    assert read_files(write(shelby.plan, form)).plan == shelby.plan


def test_of_a_city_s_grid_its_waterworks_learn_almost_nothing(shelby: ReadMap) -> None:
    read = shelby.plan
    city = {one.id: one for one in read.assets if one.sector != "transport"}
    plan = AssetMap(assets=tuple(city.values()), groups=tuple(one for one in read.groups if one.asset in city))
    own = frozenset(one.id for one in city.values() if one.sector == "energy" and one.kind != "ext grid")
    found = interface_of(plan, own, together=1, degrees=(0.0,))
    outputs = {one.id for one in found.outputs}
    told = {(loss.inputs, loss.k) for one in found.outputs for stock in one.stocks for loss in stock.losses}
    assert (len(own), len(outputs), len(found.inputs)) == (655, 14, 8)
    # each motor goes when all eight sources are gone, and that is all there is to say
    assert told == {(tuple(one.name for one in found.inputs), 1)}
    score = scored(truth_of(plan, own, outputs), drawn(Surveyor(plan, own, found), ask=False), outputs)
    assert (score.hidden, score.inner, score.guessed, score.right) == (641, 5001, 1, 0)
    width = width_of(
        plan,
        own,
        bounds_of(plan, own, together=1, degrees=(0.0,)),
        trials(plan, own, 20, horizon_h=168, seed=1),
        horizon_h=168,
    )
    assert width.hurt > 0
    assert (width.outside, width.apart) == (0, 0)
