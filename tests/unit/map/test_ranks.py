"""In which order assets hear of changes: what it is, and what it saves."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest

from support.cascades import made_map, needs, plain
from tocsin.errors import LimitError
from tocsin.map.cascade.engine import simulate
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Asset, AssetMap

if TYPE_CHECKING:
    from tocsin.map.cascade.wiring import Wiring

LONG_CHAIN = 50_000


def by_networkx(plan: AssetMap) -> dict[str, int]:
    """Return the longest way to each strongly connected component, by a library that knows nothing of ours."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(asset.id for asset in plan.assets)
    graph.add_edges_from((one.asset, group.asset) for group in plan.groups for one in group.suppliers)
    rings = nx.condensation(graph)
    return {
        name: rank
        for rank, generation in enumerate(nx.topological_generations(rings))
        for ring in generation
        for name in rings.nodes[ring]["members"]
    }


@pytest.mark.parametrize("seed", range(30))
def test_ranks_are_the_generations_of_rings(seed: int) -> None:
    draw = random.Random(seed)
    plan = made_map(draw, draw.randint(1, 120), whole=True)
    wiring = wire(plan)
    assert dict(zip(wiring.ids, wiring.rank_of.tolist(), strict=True)) == by_networkx(plan)


def test_a_map_without_assets_or_needs_has_no_ranks() -> None:
    assert wire(AssetMap(assets=())).rank_of.tolist() == []
    assert wire(AssetMap(assets=(Asset(id="a"), Asset(id="b")))).rank_of.tolist() == [0, 0]


def test_a_chain_may_be_as_long_as_the_map() -> None:
    names = [f"{number:06}" for number in range(LONG_CHAIN)]
    chain = [needs(one, other) for other, one in itertools.pairwise(names)]
    assert wire(plain(*chain)).rank_of.tolist() == list(range(LONG_CHAIN))
    ring = wire(plain(*chain, needs(names[0], names[-1])))
    assert not ring.rank_of.any()


def told(wiring: Wiring, hit: Hit, most: int) -> int:
    """Return how often assets told their dependents: the least that the engine goes on with."""
    hits = hits_of(wiring, [[hit]])
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        try:
            simulate(wiring, hits, horizon_h=2, jobs=1, most_told=middle)
        except LimitError:
            low = middle + 1
        else:
            high = middle
    return low


def test_whoever_is_in_no_ring_tells_its_dependents_once() -> None:
    """A ladder: more ways to the last than anybody counts, of many lengths."""
    size = 60
    names = [f"{number:02}" for number in range(size)]
    steps = [needs(names[at], *names[max(0, at - 2) : at], k=float(min(2, at))) for at in range(1, size)]
    wiring = wire(plain(*steps))
    hit = Hit(asset="00", damage=0.5, until_h=9)
    assert np.count_nonzero(simulate(wiring, hits_of(wiring, [[hit]]), horizon_h=2, jobs=1).hurt) == size
    assert told(wiring, hit, 10_000) == size + 1  # it stops before the one that would be too many


def test_a_ring_comes_to_rest_before_what_hangs_on_it_hears_of_it() -> None:
    ring = [needs("a", "b", "c", k=2.0), needs("b", "a", "d", k=2.0)]
    hanging = [needs(f"x{number}", "a") for number in range(1_000)]
    wiring = wire(plain(*ring, *hanging))
    hit = Hit(asset="c", damage=0.5, until_h=9)
    rounds = told(wire(plain(*ring)), hit, 1_000)
    assert rounds > 20  # to the millionth, by halves
    assert told(wiring, hit, 100_000) == rounds + 1_000
