"""A network to rows: its elements as assets, and what each needs, derived by rules that every edge names. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.cuts import behind, capacities, chain, dominators, lacking, pair_cuts, successors
from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.limits import MOST_ELEMENTS
from tocsin.map.model import LEAST, LONGEST_H

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.map.formats.network import Network
    from tocsin.map.formats.recipe import FileRecipe

__all__ = ["MOST_PAIRED", "put"]

# Pairs are found by taking each element out once: the work grows with the square, ten seconds at this many.
MOST_PAIRED: Final = 2_000
# Groups of pairs: a large mesh has more than a map of it needs.
_MOST_PAIRS: Final = 500_000
_SOLE: Final = "cut of one: every path from a source leads through it"
_EITHER: Final = "cut of two: without both no path from a source is left"
_SOURCES: Final = "any source: without all of those that reach it nothing is left"
_FILL: Final = "cut of one from sources other than tanks: every path that fills it leads through it"
_FILL_EITHER: Final = "cut of two from sources other than tanks: without both no path that fills it is left"
_ENOUGH: Final = "cut of capacity: what leads there carries the demand behind it ({unit})"


def put(draft: Draft, network: Network, recipe: FileRecipe) -> None:
    """Put the elements of a network and their needs into the draft."""
    if len(network.elements) > MOST_ELEMENTS:
        draft.wrong(network.name, f"{len(network.elements):,} elements", f"at most {MOST_ELEMENTS:,} in one network")
        return
    for element in network.elements.values():
        values: dict[str, object] = {"kind": element.kind, **recipe.given, "id": recipe.prefix + element.id}
        if element.place is not None:
            values["longitude"], values["latitude"] = element.place
        draft.assets.append(Row(at=element.at, values=values))
    if network.lost:
        draft.lose("assets", {recipe.prefix + name for name in network.lost})
    if network.unread:
        return  # what is missing may be what feeds it, and there will be no map
    sources = [one.id for one in network.elements.values() if one.source or one.store is not None]
    if not sources:
        draft.wrong(network.name, "nothing feeds it", "a source in service: an external grid, a generator, a reservoir")
        return
    _paths(draft, network, recipe, sources)
    _any_source(draft, network, recipe, sources)
    endless = _endless(draft, network)
    if len(endless) < len(sources):
        _tanks(draft, network, recipe, endless)
    _capacity(draft, network, recipe, endless)


def _need(
    draft: Draft,
    network: Network,
    recipe: FileRecipe,
    *,
    asset: str,
    group: Mapping[str, object],
    suppliers: Sequence[tuple[str, float]],
    rule: str,
) -> None:
    at = network.elements[asset].at
    whose = recipe.prefix + asset
    if group["need"] == "count" and any(network.elements[name].demand > 0 for name, _ in suppliers):
        # a junction that gets half of its demand still leads on: how much does, the cuts of capacity say
        group = {**group, "up_from": LEAST}
    draft.groups.append(Row(at=at, values={**group, "asset": whose}))
    draft.suppliers.extend(
        Row(
            at=at,
            values={
                "asset": whose,
                "group": group["name"],
                "supplier": recipe.prefix + name,
                "weight": weight,
                "provenance": "derived",
                "basis": rule,
            },
        )
        for name, weight in suppliers
    )


def _paths(draft: Draft, network: Network, recipe: FileRecipe, sources: list[str]) -> None:
    """Each element needs the nearest that all its paths lead through, and one of each two that are a cut together."""
    ids, into = successors(network, sources)
    above = dominators(into)
    dead = [ids[vertex] for vertex in range(1, len(ids)) if above[vertex] < 0]
    if dead:
        draft.notes.append(f"{network.name}: not fed by anything, as it stands: {_some(dead)}")
    for vertex in range(1, len(ids)):
        if above[vertex] > 0:
            group = {"name": "path", "need": "count", "k": 1}
            _need(
                draft,
                network,
                recipe,
                asset=ids[vertex],
                group=group,
                suppliers=[(ids[above[vertex]], 1.0)],
                rule=_SOLE,
            )
    if not recipe.pairs:
        return
    if len(ids) > MOST_PAIRED:
        draft.notes.append(f"{network.name}: cuts of two not derived: more than {MOST_PAIRED:,} elements")
        return
    found = pair_cuts(into, above)
    if sum(map(len, found.values())) > _MOST_PAIRS:
        draft.notes.append(f"{network.name}: cuts of two not derived: more than {_MOST_PAIRS:,}")
        return
    for vertex, pairs in found.items():
        for number, (one, other) in enumerate(sorted(pairs), 1):
            group = {"name": f"either {number}", "need": "count", "k": 1}
            _need(
                draft,
                network,
                recipe,
                asset=ids[vertex],
                group=group,
                suppliers=[(ids[one], 1.0), (ids[other], 1.0)],
                rule=_EITHER,
            )


def _any_source(draft: Draft, network: Network, recipe: FileRecipe, sources: list[str]) -> None:
    """Each demand needs one of the sources that reach it: what cuts of one and two cannot say when many are hit."""
    reaching: dict[str, list[str]] = {}
    for source in sources:
        ids, into = successors(network, [source])
        above = dominators(into)
        for vertex in range(1, len(ids)):
            if above[vertex] >= 0 and network.elements[ids[vertex]].demand > 0:
                reaching.setdefault(ids[vertex], []).append(source)
    for load, found in reaching.items():
        others = [(source, 1.0) for source in found if source != load]
        if len(others) > 2 and len(others) == len(found):  # noqa: PLR2004 -- one or two are cuts already
            group = {"name": "sources", "need": "count", "k": 1}
            _need(draft, network, recipe, asset=load, group=group, suppliers=others, rule=_SOURCES)


def _endless(draft: Draft, network: Network) -> list[str]:
    """Return the sources that do not run out: all but tanks that something fills."""
    feeds = [one.id for one in network.elements.values() if one.source]
    ids, into = successors(network, feeds)
    above = dominators(into)
    alone = [name for name, up in zip(ids, above, strict=True) if up < 0 and network.elements[name].store is not None]
    if alone:
        draft.notes.append(f"{network.name}: tanks that nothing fills count as sources without end: {_some(alone)}")
    return feeds + alone


def _tanks(draft: Draft, network: Network, recipe: FileRecipe, endless: list[str]) -> None:
    """What tanks stand behind needs what fills it, but not at once: their water meets the demand behind it first.

    Each demand and each tank, and all that every path from a source other than a tank leads through; and, of two
    elements without which no such path is left, one.
    """
    ids, into = successors(network, endless)
    stock = _Stock(network, ids, dominators(into))
    lasting = [vertex for vertex in range(1, len(ids)) if stock.water[vertex] > 0 or stock.demand[vertex] > 0]
    for vertex in lasting:
        lasts: dict[float, list[str]] = {}
        for gate in chain(stock.above, vertex):
            if stock.water_behind[gate] > 0:
                lasts.setdefault(_hours(stock.water_behind[gate], stock.demand_behind[gate]), []).append(ids[gate])
        for number, (hours, gates) in enumerate(lasts.items(), 1):
            group = {"name": f"filling {number}", "need": "count", "k": len(gates), **_buffer(hours)}
            suppliers = [(one, 1.0) for one in gates]
            _need(draft, network, recipe, asset=ids[vertex], group=group, suppliers=suppliers, rule=_FILL)
    if not recipe.pairs or len(ids) > MOST_PAIRED:
        return
    found = _fill_together(network, ids, into, lasting)
    if sum(map(len, found.values())) > _MOST_PAIRS:
        draft.notes.append(f"{network.name}: two that fill a tank not derived: more than {_MOST_PAIRS:,}")
        return
    for vertex, pairs in found.items():
        for number, (one, other, hours) in enumerate(pairs, 1):
            group = {"name": f"filling either {number}", "need": "count", "k": 1, **_buffer(hours)}
            suppliers = [(ids[one], 1.0), (ids[other], 1.0)]
            _need(draft, network, recipe, asset=ids[vertex], group=group, suppliers=suppliers, rule=_FILL_EITHER)


def _fill_together(
    network: Network, ids: list[str], into: list[list[int]], lasting: list[int]
) -> dict[int, list[tuple[int, int, float]]]:
    """Return, by vertex, each two without which nothing fills it, neither alone, and the hours that the water lasts."""
    found: dict[int, list[tuple[int, int, float]]] = {}
    stock = _Stock(network, ids, dominators(into))
    already = {vertex: set(chain(stock.above, vertex)) for vertex in lasting}
    for without in range(1, len(ids)):
        then = _Stock(network, ids, dominators(into, without))
        for vertex in lasting:
            if vertex == without or then.above[vertex] < 0:
                continue
            for gate in chain(then.above, vertex):
                water = stock.water_behind[without] + then.water_behind[gate]
                # each pair is met twice: with the one out, and with the other
                if gate > without and water > 0 and gate not in already[vertex]:
                    hours = _hours(water, stock.demand_behind[without] + then.demand_behind[gate])
                    found.setdefault(vertex, []).append((without, gate, hours))
    return found


class _Stock:
    """Water and demand behind each vertex, as its dominators have it."""

    def __init__(self, network: Network, ids: list[str], above: list[int]) -> None:
        self.above = above
        self.water = [0.0] + [network.elements[name].store or 0.0 for name in ids[1:]]
        self.demand = [0.0] + [network.elements[name].demand for name in ids[1:]]
        self.water_behind = behind(above, self.water)
        self.demand_behind = behind(above, self.demand)


def _hours(water: float, demand: float) -> float:
    return round(min(water / demand, LONGEST_H), 3) if demand > 0 else LONGEST_H


def _buffer(hours: float) -> dict[str, object]:
    """Return a buffer and its range: levels are not those of the file, demands not their mean."""
    return {"buffer_h": hours, "buffer_least_h": hours / 2, "buffer_most_h": min(2 * hours, LONGEST_H)}


def _capacity(draft: Draft, network: Network, recipe: FileRecipe, endless: list[str]) -> None:
    """Loads behind a cut that one outage makes too narrow share what still leads there, once tanks there are empty."""
    network = _rated(draft, network, endless)
    if all(math.isinf(one.capacity) for one in network.elements.values()):
        return
    counts: dict[str, int] = {}
    for loads, weights, k, water in capacities(network, _feeds(network, endless)):
        for load in loads:
            counts[load] = counts.get(load, 0) + 1
            group: dict[str, object] = {"name": f"capacity {counts[load]}", "need": "sum", "k": k}
            if water > 0:
                group |= _buffer(_hours(water, k))
            others = [(name, weight) for name, weight in weights if name != load]
            if len(others) == len(weights):
                _need(
                    draft,
                    network,
                    recipe,
                    asset=load,
                    group=group,
                    suppliers=weights,
                    rule=_ENOUGH.format(unit=network.unit),
                )


def _rated(draft: Draft, network: Network, endless: list[str]) -> Network:
    """Return the network with the ratings that are meant.

    A kind of element whose ratings, all others without any, do not carry the demand with everything whole has none:
    a file gives all its lines one value where nobody knows them, and its transformers their own.
    """
    rated = {one.kind for one in network.elements.values() if not math.isinf(one.capacity)}
    demand = sum(one.demand for one in network.elements.values())
    meant: set[str] = set()
    for kind in sorted(rated):
        alone = _only(network, {kind})
        lacks = lacking(alone, _feeds(alone, endless))
        if lacks > 0:
            draft.notes.append(
                f"{network.name}: the ratings of kind {kind!r} carry {demand - lacks:,.0f} of {demand:,.0f} "
                f"{network.unit} when all is whole: not taken"
            )
        else:
            meant.add(kind)
    kept = _only(network, meant)
    if len(meant) > 1 and lacking(kept, _feeds(kept, endless)) > 0:
        told = " and ".join(map(repr, sorted(meant)))
        draft.notes.append(
            f"{network.name}: the ratings of {told} together do not carry its demand when all is whole: not taken"
        )
        return _only(network, set())
    return kept


def _only(network: Network, kinds: set[str]) -> Network:
    """Return the network with the capacities of these kinds alone."""
    elements = {
        name: one if one.kind in kinds else replace(one, capacity=math.inf) for name, one in network.elements.items()
    }
    return replace(network, elements=elements)


def _feeds(network: Network, endless: list[str]) -> dict[str, float]:
    return {name: network.elements[name].capacity for name in endless}


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"  # noqa: PLR2004
