"""A network to rows: its elements as assets, and what each needs, derived by rules that every edge names. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.cuts import capacities, chain, dominators, fits, pair_cuts, successors
from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.limits import MOST_ELEMENTS
from tocsin.map.model import LONGEST_H

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    sources = [one.id for one in network.elements.values() if one.source or one.store is not None]
    if not sources:
        draft.wrong(network.name, "nothing feeds it", "a source in service: an external grid, a generator, a reservoir")
        return
    _paths(draft, network, recipe, sources)
    _any_source(draft, network, recipe, sources)
    _tanks(draft, network, recipe)
    _capacity(draft, network, recipe, sources)


def _need(
    draft: Draft,
    network: Network,
    recipe: FileRecipe,
    *,
    asset: str,
    group: Mapping[str, object],
    suppliers: Iterable[tuple[str, float]],
    rule: str,
) -> None:
    at = network.elements[asset].at
    whose = recipe.prefix + asset
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


def _tanks(draft: Draft, network: Network, recipe: FileRecipe) -> None:
    """A tank needs all that every path that fills it leads through; then it lasts as long as what is cut off with it.

    With one of these out, the water of all tanks behind it meets the demand behind it.
    """
    stores = {one.id: one.store for one in network.elements.values() if one.store is not None}
    if not stores:
        return
    ids, into = successors(network, [one.id for one in network.elements.values() if one.source])
    above = dominators(into)
    water = [0.0] * len(ids)
    demand = [0.0] * len(ids)
    for vertex in range(1, len(ids)):
        one = network.elements[ids[vertex]]
        for gate in chain(above, vertex):
            water[gate] += one.store or 0.0
            demand[gate] += one.demand
    for vertex, name in enumerate(ids):
        if name not in stores:
            continue
        lasts: dict[float, list[str]] = {}
        for gate in chain(above, vertex):
            hours = water[gate] / demand[gate] if demand[gate] > 0 else LONGEST_H
            lasts.setdefault(round(min(hours, LONGEST_H), 3), []).append(ids[gate])
        for number, (hours, gates) in enumerate(lasts.items(), 1):
            group = {
                "name": f"filling {number}",
                "need": "count",
                "k": len(gates),
                "buffer_h": hours,
                "buffer_least_h": hours / 2,
                "buffer_most_h": min(2 * hours, LONGEST_H),
            }
            suppliers = [(one, 1.0) for one in gates]
            _need(draft, network, recipe, asset=name, group=group, suppliers=suppliers, rule=_FILL)


def _capacity(draft: Draft, network: Network, recipe: FileRecipe, sources: list[str]) -> None:
    """Loads behind a cut that one outage makes too narrow share what still leads there."""
    if all(math.isinf(one.capacity) for one in network.elements.values()):
        return
    feeds = {name: network.elements[name].capacity for name in sources}
    if not fits(network, feeds):
        draft.notes.append(f"{network.name}: its ratings do not carry its demand when all is whole: ratings not taken")
        return
    counts: dict[str, int] = {}
    for loads, weights, k in capacities(network, feeds):
        for load in loads:
            counts[load] = counts.get(load, 0) + 1
            group = {"name": f"capacity {counts[load]}", "need": "sum", "k": k}
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


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"  # noqa: PLR2004
