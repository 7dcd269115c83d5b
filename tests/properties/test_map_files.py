"""A map that is written is read as the same map; needs by cuts say what following every path says."""

from __future__ import annotations

import contextlib
import itertools
import random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import made_map
from tocsin.errors import InputError
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.formats import Format, read_files, write
from tocsin.map.formats.build import built
from tocsin.map.formats.cuts import dominators, pair_cuts
from tocsin.map.formats.derive import put
from tocsin.map.formats.draft import Draft
from tocsin.map.formats.network import Element, Network
from tocsin.map.formats.recipe import FileRecipe
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
    faults,
)

# what a line of text may hold: anything that is seen, and spaces within it
TEXTS: Final = st.text(
    st.characters(
        exclude_categories=("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"), exclude_characters="\u034f\u115f\u1160\u3164\uffa0"
    ),
    max_size=12,
).filter(lambda text: text == text.strip())
NAMES: Final = TEXTS.filter(bool)
FEW: Final = st.floats(0, 1)
HOURS: Final = st.floats(0, 80_000)
REPAIRS: Final = st.one_of(
    st.none(),
    st.lists(HOURS, min_size=2, max_size=5).map(lambda hours: Quantiles(hours=tuple(sorted(hours)))),
    st.builds(Lognormal, median_h=HOURS, sigma=st.floats(0, 9)),
    st.builds(Normal, mean_h=HOURS, sigma_h=HOURS),
)
MODES: Final = st.builds(
    FailureMode,
    name=NAMES,
    per_year=st.floats(0, 8_000),
    fragility=st.none() | st.builds(Fragility, measure=NAMES, median=st.floats(0.01, 99), beta=st.floats(0.01, 9)),
    damage_least=st.floats(0, 0.5),
    damage_most=st.floats(0.5, 1),
    repair=REPAIRS,
)
PLACES: Final = st.none() | st.builds(Place, longitude=st.floats(-180, 180), latitude=st.floats(-90, 90))


@st.composite
def maps(draw: st.DrawFn) -> AssetMap:
    ids = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    assets = tuple(
        Asset(
            id=name,
            kind=draw(TEXTS),
            sector=draw(TEXTS),
            owner=draw(TEXTS),
            place=draw(PLACES),
            value_h=draw(st.floats(0, 1e10)),
            people=draw(st.integers(0, 10_000_000_000)),
            repair=draw(REPAIRS),
            failure_modes=tuple(draw(st.lists(MODES, max_size=2, unique_by=lambda mode: mode.name))),
        )
        for name in ids
    )
    groups = []
    for name in ids:
        others = [one for one in ids if one != name]
        needs = draw(st.lists(NAMES, max_size=2, unique=True)) if others else []
        chosen = [draw(st.lists(st.sampled_from(others), min_size=1, unique=True)) for _ in needs]
        groups += [_group(draw, name, need, those) for need, those in zip(needs, chosen, strict=True)]
    return AssetMap(assets=assets, groups=tuple(groups))


def _group(draw: st.DrawFn, asset: str, name: str, others: list[str]) -> DependencyGroup:
    buffer_h = draw(HOURS)
    ranged = draw(st.booleans())
    suppliers = []
    for one in others:
        weight = draw(st.floats(0.001, 1_000))
        provenance = draw(st.sampled_from(Provenance))
        known = provenance is not Provenance.ASSUMED
        suppliers.append(
            Supplier(
                asset=one,
                weight=weight,
                provenance=provenance,
                basis=draw(TEXTS) or ("the nearest" if provenance is Provenance.DERIVED else ""),
                least=None if known else weight / 2,
                most=None if known else weight * 2,
            )
        )
    counted = draw(st.booleans())
    return DependencyGroup(
        asset=asset,
        name=name,
        suppliers=tuple(suppliers),
        k=1.0 if counted else suppliers[0].weight,
        need=Need.COUNT if counted else Need.SUM,
        buffer_h=buffer_h,
        refill=draw(HOURS),
        black_start=draw(st.booleans()),
        alpha=draw(FEW),
        beta=draw(FEW),
        up_from=draw(st.floats(0.001, 1)),
        buffer_least_h=buffer_h / 2 if ranged else None,
        buffer_most_h=buffer_h if ranged else None,
    )


@settings(max_examples=150)
@given(plan=maps(), form=st.sampled_from((Format.CSV, Format.GEOJSON, Format.GRAPHML)))
def test_what_is_written_is_read_as_the_same_map(plan: AssetMap, form: Format) -> None:
    assert not list(faults(plan))
    assert read_files(write(plan, form)).plan == plan


@pytest.mark.parametrize("form", [Format.CSV, Format.GEOJSON, Format.GRAPHML])
def test_groups_come_back_in_the_order_of_their_assets(form: Format) -> None:
    plan = made_map(random.Random(3), 40, whole=False)
    mixed = structs.replace(plan, groups=tuple(reversed(plan.groups)))
    order = {asset.id: place for place, asset in enumerate(plan.assets)}
    assert read_files(write(mixed, form)).plan.groups == tuple(sorted(mixed.groups, key=lambda one: order[one.asset]))


@settings(max_examples=300)
@given(data=st.binary(max_size=200), name=st.sampled_from(("a.csv", "a.geojson", "a.graphml", "a.inp", "a.json")))
def test_any_bytes_are_a_map_or_a_refusal(data: bytes, name: str) -> None:
    with contextlib.suppress(InputError):
        assert not list(faults(read_files({name: data}).plan))


def _reached(into: list[list[int]], out: tuple[int, ...]) -> set[int]:
    seen, waiting = {0}, [0]
    while waiting:
        for other in into[waiting.pop()]:
            if other not in seen and other not in out:
                seen.add(other)
                waiting.append(other)
    return seen - {0}


@settings(max_examples=200)
@given(seed=st.integers(0, 10**9))
def test_cuts_of_one_and_two_say_what_every_path_says(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.randint(3, 11)
    into: list[list[int]] = [[] for _ in range(count)]
    both_ways = draw.random() < 0.6
    for _ in range(draw.randint(count - 1, 2 * count)):
        one, other = draw.randrange(1, count), draw.randrange(1, count)
        if one != other:
            into[one].append(other)
            if both_ways:
                into[other].append(one)
    into[0] = draw.sample(range(1, count), draw.randint(1, min(3, count - 1)))
    above = dominators(into)
    either = pair_cuts(into, above)
    groups = []
    whole = _reached(into, ())
    for vertex in whole:
        sets = [(above[vertex],)] if above[vertex] > 0 else []
        for number, cut in enumerate([*sets, *sorted(either.get(vertex, ()))]):
            suppliers = tuple(Supplier(asset=str(one)) for one in cut)
            groups.append(DependencyGroup(asset=str(vertex), name=str(number), need=Need.COUNT, suppliers=suppliers))
    plan = AssetMap(assets=tuple(Asset(id=str(vertex)) for vertex in sorted(whole)), groups=tuple(groups))
    outages = [out for size in (1, 2) for out in itertools.combinations(sorted(whole), size)]
    wiring = wire(plan)
    for out in outages:
        hits = hits_of(wiring, [[Hit(asset=str(one), until_h=1.0) for one in out]])
        lost = simulate(wiring, hits, horizon_h=1.0, jobs=1).outage_h
        up = {int(asset.id) for asset, hours in zip(plan.assets, lost, strict=True) if hours == 0}
        assert up == _reached(into, out), (into, out)


def _pipes(draw: random.Random) -> Network:
    """Return a network with reservoirs, tanks of some hours, and demands."""
    count = draw.randint(4, 11)
    network = Network(name="net", unit="m3/h")
    kinds = ["reservoir", *draw.choices(["reservoir", "tank", "junction", "junction", "junction"], k=count - 1)]
    for number, kind in enumerate(kinds, 1):
        demand = float(draw.randint(0, 2)) if kind == "junction" else 0.0
        store = draw.choice([0.5, 3.0]) if kind == "tank" else None
        network.elements[str(number)] = Element(
            id=str(number), kind=kind, at="net:1", demand=demand, source=kind == "reservoir", store=store
        )
    for _ in range(draw.randint(count - 1, 2 * count)):
        one, other = draw.sample(list(network.elements), 2)
        network.join(one, other, back=draw.random() < 0.8)
    return network


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9))
def test_tanks_bridge_a_while_and_nothing_stays_without_a_way_from_a_reservoir(seed: int) -> None:
    """With any one and any two out: who is still reached loses nothing, all others fall, none before its tanks."""
    network = _pipes(random.Random(seed))
    draft = Draft()
    put(draft, network, FileRecipe())
    plan = built(draft)
    ids = ["", *network.elements]
    into = [[ids.index(other) for other in network.arcs.get(name, ())] for name in ids]
    sources = {number for number, name in enumerate(ids) if name and network.elements[name].source}
    tanks = {number for number, name in enumerate(ids) if name and network.elements[name].store is not None}
    into[0] = sorted(sources)
    # a tank that nothing fills is a source: it would be empty with nothing out
    able = {"all": sources | tanks, "filled": sources | tanks - _reached(into, ())}

    def reached(word: str, out: tuple[int, ...]) -> set[int]:
        into[0] = sorted(able[word])
        return _reached(into, out)

    whole = reached("filled", ())
    loads = {number for number in whole if network.elements[ids[number]].demand > 0}
    wiring = wire(plan)
    for out in (out for size in (1, 2) for out in itertools.combinations(range(1, len(ids)), size)):
        hits = hits_of(wiring, [[Hit(asset=ids[one], until_h=99.0) for one in out]])
        lost = simulate(wiring, hits, horizon_h=99.0, jobs=1).outage_h
        hours = {int(asset.id): float(each) for asset, each in zip(plan.assets, lost, strict=True)}
        for load in loads - set(out):
            assert (hours[load] == 0) == (load in reached("filled", out)), (seed, out, load)
            assert (hours[load] == 99) == (load not in reached("all", out)), (seed, out, load)
