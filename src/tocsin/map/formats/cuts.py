"""What an element of a network needs: its minimal cuts of one and of two, and of capacity. Pure.

A line between neighbours is no dependency: in a ring each neighbour would hold up the other. A cut is: whatever the
network looks like, an element that every path from every source leads through is needed (a *dominator*; Lengauer and
Tarjan 1979), and of two without which no path is left, one is needed. So the needs have no rings, and outages of any
one and any two elements come out as they do by following every path.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tocsin.map.formats.network import Network

    Successors: TypeAlias = list[list[int]]

__all__ = ["Capacity", "behind", "capacities", "chain", "dominators", "lacking", "pair_cuts", "successors"]

_NONE: Final = -1
# scipy's flows are whole numbers of 32 bits: the sum of all demands is this many units, and one unit is no shortage.
_UNITS: Final = 100_000_000
_TOLERANCE: Final = 1e-6

# Who is behind, what leads there and how much, what is needed, and what tanks behind it hold.
Capacity: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, float], ...], float, float]


def successors(network: Network, sources: Iterable[str]) -> tuple[list[str], Successors]:
    """Return the ids in order and, by number from 1, what each leads into; 0 leads into the sources."""
    ids = ["", *network.elements]
    number = {name: place for place, name in enumerate(ids)}
    into: Successors = [[] for _ in ids]
    into[0] = [number[name] for name in sources]
    for name, others in network.arcs.items():
        into[number[name]] = sorted({number[other] for other in others})
    return ids, into


def dominators(into: Successors, without: int = _NONE) -> list[int]:
    """Return each vertex's immediate dominator, seen from 0, with one vertex taken out; -1 for what is not reached.

    Semi-NCA (Georgiadis, Tarjan and Werneck 2006): semidominators as Lengauer and Tarjan have them, by depth first.
    """
    order, parent, before = _depth_first(into, without)
    count = len(order)
    label = list(range(count))
    semi = list(range(count))
    ancestor = [_NONE] * count
    for vertex in range(count - 1, 0, -1):
        for other in before[vertex]:
            best = semi[_least(other, ancestor, label, semi)] if ancestor[other] != _NONE else other
            semi[vertex] = min(semi[vertex], best)
        ancestor[vertex] = parent[vertex]
    nearest = parent[:]
    found = [_NONE] * len(into)
    found[0] = 0
    for vertex in range(1, count):
        while nearest[vertex] > semi[vertex]:
            nearest[vertex] = nearest[nearest[vertex]]
        found[order[vertex]] = order[nearest[vertex]]
    return found


def _depth_first(into: Successors, without: int) -> tuple[list[int], list[int], list[list[int]]]:
    """Return the vertices in the order in which they are met; by that number the parent, and what leads there."""
    number = [_NONE] * len(into)
    number[0] = 0
    order, parent = [0], [0]
    stack = [(0, iter(into[0]))]
    while stack:
        vertex, rest = stack[-1]
        for other in rest:
            if number[other] == _NONE and other != without:
                number[other] = len(order)
                order.append(other)
                parent.append(number[vertex])
                stack.append((other, iter(into[other])))
                break
        else:
            stack.pop()
    before: list[list[int]] = [[] for _ in order]
    for place, vertex in enumerate(order):
        for other in into[vertex]:
            if other != without:
                before[number[other]].append(place)
    return order, parent, before


def _least(vertex: int, ancestor: list[int], label: list[int], semi: list[int]) -> int:
    """Return the vertex of least semidominator on the way up, and make the way shorter for the next."""
    path = []
    while ancestor[ancestor[vertex]] != _NONE:
        path.append(vertex)
        vertex = ancestor[vertex]
    top = ancestor[vertex]
    last = vertex
    for one in reversed(path):
        if semi[label[last]] < semi[label[one]]:
            label[one] = label[last]
        ancestor[one] = top
        last = one
    return label[last]


def chain(above: Sequence[int], vertex: int) -> list[int]:
    """Return all dominators of a vertex, the nearest first, without itself and 0."""
    found: list[int] = []
    while vertex > 0 and above[vertex] > 0:
        vertex = above[vertex]
        found.append(vertex)
    return found


def behind(above: Sequence[int], values: Sequence[float]) -> list[float]:
    """Return, by vertex, the sum of a value over all that it dominates, its own left out."""
    depth = _depths(above)
    sums = [0.0] * len(above)
    for vertex in sorted((one for one in range(1, len(above)) if depth[one] > 0), key=depth.__getitem__, reverse=True):
        sums[above[vertex]] += sums[vertex] + values[vertex]
    return sums


def pair_cuts(into: Successors, above: Sequence[int]) -> dict[int, set[tuple[int, int]]]:
    """Return, by vertex, pairs of which one is needed: with each other element out, the nearest that is then needed.

    Farther ones follow: the nearest needs them itself. Only where ways meet is anything to tell: a vertex with one way
    in needs that. What lies between two dominators is looked at by itself, as the ways in it and where they cross.
    """
    found: dict[int, set[tuple[int, int]]] = {}
    for root, crossing in _regions(into, above).items():
        vertices = [root]
        place = {root: 0}
        local: Successors = [[]]
        meets = {other for _, other in crossing}

        def at(
            vertex: int, *, vertices: list[int] = vertices, place: dict[int, int] = place, local: Successors = local
        ) -> int:
            if vertex not in place:
                place[vertex] = len(vertices)
                vertices.append(vertex)
                local.append([])
            return place[vertex]

        for one, other in crossing:
            local[at(one)].append(at(other))
            way = one
            while way != root and way not in meets:
                over = at(above[way])
                if at(way) in local[over]:
                    break
                local[over].append(at(way))
                way = above[way]
        _pairs_within(local, vertices, [place[vertex] for vertex in meets], found)
    return found


def _pairs_within(
    local: Successors, vertices: Sequence[int], meets: Sequence[int], found: dict[int, set[tuple[int, int]]]
) -> None:
    for without in range(1, len(local)):
        then = dominators(local, without)
        for vertex in meets:
            if then[vertex] > 0:
                pair = vertices[without], vertices[then[vertex]]
                found.setdefault(vertices[vertex], set()).add((min(pair), max(pair)))


def _regions(into: Successors, above: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """Return, by dominator, the arcs into the vertices next below it where more than one way leads there."""
    depth = _depths(above)
    arcs: dict[int, list[tuple[int, int]]] = {}
    for one, others in enumerate(into):
        if depth[one] < 0:
            continue
        for other in others:
            top = one
            while depth[top] > depth[other]:
                top = above[top]
            if top != other:  # else it leads back to where it came through
                arcs.setdefault(other, []).append((one, other))
    regions: dict[int, list[tuple[int, int]]] = {}
    for other, ways in arcs.items():
        if len(ways) > 1:
            regions.setdefault(above[other], []).extend(ways)
    # a vertex with one way in, within such a region, is met on the way from others: its way is the tree's
    return regions


def _depths(above: Sequence[int]) -> list[int]:
    depth = [_NONE] * len(above)
    depth[0] = 0
    for first in range(1, len(above)):
        path = []
        vertex = first
        while vertex != _NONE and depth[vertex] < 0 and above[vertex] >= 0:
            path.append(vertex)
            vertex = above[vertex]
        for one in reversed(path):
            depth[one] = depth[above[one]] + 1
    return depth


def lacking(network: Network, sources: Mapping[str, float]) -> float:
    """Return how much of the demand the capacities cannot carry when everything is whole, in the network's unit."""
    whole = _Flow(network, sources)
    return max(whole.short(None), 0) / _UNITS * whole.total


def capacities(network: Network, sources: Mapping[str, float]) -> list[Capacity]:
    """Return the cuts of capacity that bind when one element is out.

    For each element that carries anything: the least set that it leaves short of its demand (maximum flow, minimum
    cut; Ford and Fulkerson 1956), in its connected parts. Cuts of one element alone are left to ``dominators``.
    """
    flow = _Flow(network, sources)
    found: dict[Capacity, None] = {}
    into = successors(network, sources)[1]
    above = dominators(into)
    for name in flow.carrying():
        if flow.short(name) > flow.cut_off(name, above) + _UNITS * _TOLERANCE:
            for cut in flow.cuts(name):
                if len(cut[1]) > 1:
                    found[cut] = None
    return list(found)


class _Flow:
    """Maximum flow from sources to demands: each element is two vertices with its capacity in between."""

    def __init__(self, network: Network, sources: Mapping[str, float]) -> None:
        self.ids = list(network.elements)
        self.number = number = {name: place for place, name in enumerate(self.ids)}
        count = len(self.ids)
        self.source, self.sink = 2 * count, 2 * count + 1
        self.demand = np.array([network.elements[name].demand for name in self.ids])
        self.total = float(self.demand.sum()) or 1.0
        self.held = np.array([network.elements[name].store or 0.0 for name in self.ids])
        self.known = np.array([network.elements[name].capacity for name in self.ids])
        self.feeds = {number[name]: most for name, most in sources.items()}
        rows = list(range(0, 2 * count, 2))
        into = list(range(1, 2 * count, 2))
        most = [self._units(value) for value in self.known]
        for name, others in network.arcs.items():
            for other in sorted(set(others)):
                rows.append(2 * number[name] + 1)
                into.append(2 * number[other])
                most.append(_UNITS)
        for place, value in self.feeds.items():
            rows.append(self.source)
            into.append(2 * place)
            most.append(self._units(value))
        for load in np.flatnonzero(self.demand):
            rows.append(2 * int(load) + 1)
            into.append(self.sink)
            most.append(self._units(float(self.demand[load]), up=True))
        self.graph = csr_array(
            (np.array(most, dtype=np.int32), (rows, into)), shape=(2 * count + 2, 2 * count + 2), dtype=np.int32
        )
        self.wanted = sum(self._units(value, up=True) for value in self.demand if value)

    def _units(self, value: float, *, up: bool = False) -> int:
        exact = min(value / self.total, 1.0) * _UNITS
        return int(np.floor(exact)) if up else int(np.ceil(exact))

    @contextmanager
    def _without(self, name: str | None) -> Iterator[csr_array]:
        """Give the graph with an element out."""
        place = None if name is None else 2 * self.number[name]
        arcs = slice(0, 0) if place is None else slice(self.graph.indptr[place], self.graph.indptr[place + 1])
        kept = self.graph.data[arcs].copy()
        self.graph.data[arcs] = 0
        try:
            yield self.graph
        finally:
            self.graph.data[arcs] = kept

    def short(self, name: str | None) -> int:
        """Return how many units of demand are not met with an element out."""
        with self._without(name) as graph:
            return int(self.wanted - maximum_flow(graph, self.source, self.sink).flow_value)

    def cut_off(self, name: str, above: Sequence[int]) -> int:
        """Return how many units of demand have no way left with an element out."""
        gate = self.number[name] + 1
        units = 0
        for place in np.flatnonzero(self.demand):
            vertex = int(place) + 1
            while vertex > 0 and vertex != gate:
                vertex = above[vertex]
            units += self._units(self.demand[place], up=True) if vertex == gate else 0
        return units

    def carrying(self) -> list[str]:
        """Return the elements through which a flow that meets everything leads: others are not missed."""
        flow = maximum_flow(self.graph, self.source, self.sink).flow
        through = np.asarray(flow[np.arange(0, self.source, 2), np.arange(1, self.source, 2)]).ravel()
        return [name for name, units in zip(self.ids, through, strict=True) if units > 0]

    def cuts(self, name: str) -> list[Capacity]:
        """Return the parts that an element leaves short, each with what leads into it."""
        with self._without(name) as graph:
            left = csr_array(graph - maximum_flow(graph, self.source, self.sink).flow)
        left.data = np.maximum(left.data, 0)
        left.eliminate_zeros()
        behind = _reaching(left, self.sink)
        inside = {place for place in range(len(self.ids)) if behind[2 * place + 1]}
        adjacent = self.graph[: self.source, : self.source].tocoo()
        kept = [
            (int(a) // 2, int(b) // 2)
            for a, b in zip(adjacent.row, adjacent.col, strict=True)
            if behind[a] and behind[b] and a != b
        ]
        size = len(self.ids)
        rows, cols = [a for a, _ in kept], [b for _, b in kept]
        links = csr_array((np.ones(len(kept), dtype=np.int8), (rows, cols)), shape=(size, size))
        _, part = connected_components(links, directed=False)
        found: list[Capacity] = []
        for label in sorted({int(part[place]) for place in inside}):
            members = [place for place in inside if part[place] == label]
            needed = float(self.demand[members].sum())
            if needed <= 0:
                continue
            gates = [(place, self.known[place]) for place in members if not behind[2 * place]]
            gates += [(place, self.feeds[place]) for place in members if behind[2 * place] and place in self.feeds]
            weights = tuple((self.ids[place], float(min(most, needed))) for place, most in sorted(gates) if most > 0)
            loads = tuple(self.ids[place] for place in members if self.demand[place] > 0)
            held = float(self.held[members].sum())
            found.append((loads, weights, min(needed, sum(weight for _, weight in weights)), held))
        return found


def _reaching(left: csr_array, goal: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which vertices still have a way to the goal in what is left."""
    back = csr_array(left.T)
    seen = np.zeros(left.shape[0], dtype=np.bool_)
    seen[goal] = True
    waiting = [goal]
    while waiting:
        vertex = waiting.pop()
        for other in back.indices[back.indptr[vertex] : back.indptr[vertex + 1]]:
            if not seen[other]:
                seen[other] = True
                waiting.append(int(other))
    return seen
