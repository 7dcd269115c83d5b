"""pandapower's JSON to a network, as plain data: nothing in the file is imported, made or called. Pure.

pandapower's own reader imports the modules and makes the objects that a file names. Here only the tables of elements
are read, from the text that they are stored as; whatever else the file holds stays text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.geojson import read_json
from tocsin.map.formats.network import Element, Network, add
from tocsin.map.formats.places import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.map.formats.draft import Draft
    from tocsin.map.formats.recipe import Places

__all__ = ["read_power"]

_SQRT3: Final = math.sqrt(3)
_TABLES: Final = ("bus", "ext_grid", "gen", "sgen", "load", "motor", "line", "trafo", "switch", "bus_geodata")
# Elements of pandapower that would change what is fed by what: a file with them is not read by half.
_NOT_YET: Final = ("trafo3w", "dcline", "impedance", "xward", "vsc", "tcsc", "line_dc", "bus_dc", "b2b_vsc")
_AT_BUS: Final = ("ext_grid", "gen", "sgen", "load", "motor")
_MOST_RATING: Final = 9_000.0  # MVA: what the library puts where nobody knows (9,900 and more)


def _false(value: object) -> bool:
    return isinstance(value, bool | int) and not value


@dataclass(frozen=True, slots=True)
class _Record:
    """One row of one table; ``key`` is its index there, by which others name it."""

    table: str
    key: int
    values: Mapping[str, object]
    at: str

    def number(self, name: str, default: float = 0.0) -> float:
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return default
        return float(value)

    def key_of(self, name: str) -> int | None:
        value = self.values.get(name)
        return int(value) if isinstance(value, int | float) and math.isfinite(value) else None

    @property
    def on(self) -> bool:
        return not _false(self.values.get("in_service"))


def read_power(draft: Draft, name: str, data: bytes, places: Places) -> Network | None:
    """Return the network of a file; None where it is none. Faults go into the draft."""
    root = read_json(draft, name, data)
    inner = root.get("_object") if isinstance(root, dict) else None
    if not isinstance(root, dict) or root.get("_class") != "pandapowerNet" or not isinstance(inner, dict):
        if root is not None:
            draft.wrong(name, "no network of pandapower", "the JSON that pandapower.to_json writes, not encrypted")
        return None
    tables: dict[str, dict[int, _Record]] = {}
    for table in (*_TABLES, *_NOT_YET):
        tables[table] = {one.key: one for one in _records(draft, name, table, inner.get(table))}
    for table in _NOT_YET:
        if any(one.on for one in tables[table].values()):
            first = next(iter(tables[table].values()))
            draft.wrong(first.at, f"{len(tables[table])} of {table}", "none: these are not yet read")
    network = Network(name=name, unit="MW")
    names = _names(tables)
    _buses(draft, network, tables, names, places)
    _at_buses(draft, network, tables, names)
    _branches(draft, network, tables, names)
    return network


def _records(draft: Draft, name: str, table: str, stored: object) -> Iterator[_Record]:
    """Yield the rows of a table, which is stored as JSON within a string (pandas, orient 'split')."""
    if stored is None:
        return
    text = stored.get("_object") if isinstance(stored, dict) else None
    if not isinstance(stored, dict) or stored.get("_class") != "DataFrame" or not isinstance(text, str | dict):
        draft.wrong(f"{name}: {table}", "no table", "a DataFrame as pandapower.to_json stores it")
        return
    split = read_json(draft, f"{name}: {table}", text.encode(errors="replace")) if isinstance(text, str) else text
    if split is None:
        return
    parts = [split.get(part) if isinstance(split, dict) else None for part in ("columns", "index", "data")]
    columns, index, data = parts
    if not (
        isinstance(columns, list) and isinstance(index, list) and isinstance(data, list) and len(index) == len(data)
    ):
        draft.wrong(f"{name}: {table}", "no table", "columns, index and data (orient 'split')")
        return
    for key, row in zip(index, data, strict=True):
        at = f"{name}: {table} {str(key)[:20]}"
        if isinstance(key, bool) or not isinstance(key, int) or not isinstance(row, list) or len(row) != len(columns):
            draft.wrong(at, "a row that its columns do not fit", f"a whole number, and {len(columns)} values")
            continue
        yield _Record(table, key, dict(zip(map(str, columns), row, strict=True)), at)


def _names(tables: Mapping[str, Mapping[int, _Record]]) -> dict[tuple[str, int], str]:
    """Return the id of each element: its name where no other has it, else its table and index."""
    told: dict[str, int] = {}
    every = [one for table in (*_AT_BUS, "bus", "line", "trafo", "switch") for one in tables[table].values()]
    for one in every:
        name = one.values.get("name")
        if isinstance(name, str):
            told[name] = told.get(name, 0) + 1
    found = {}
    for one in every:
        name = one.values.get("name")
        own = isinstance(name, str) and told[name] == 1 and name
        found[one.table, one.key] = str(name) if own else f"{one.table} {one.key}"
    return found


def _buses(
    draft: Draft,
    network: Network,
    tables: Mapping[str, Mapping[int, _Record]],
    names: Mapping[tuple[str, int], str],
    places: Places,
) -> None:
    for key, one in tables["bus"].items():
        if not one.on:
            continue
        point = _point(draft, one)
        drawn = tables["bus_geodata"].get(key)
        if point is None and drawn is not None:
            point = (drawn.number("x", math.nan), drawn.number("y", math.nan))
        where = None if point is None or not all(map(math.isfinite, point)) else place_of(*point, places)
        add(draft, network, Element(id=names["bus", key], kind="bus", at=one.at, place=where))


def _point(draft: Draft, one: _Record) -> tuple[float, float] | None:
    """Return the coordinates of a bus where they are GeoJSON within the table, as newer files have them."""
    text = one.values.get("geo")
    if not isinstance(text, str):
        return None
    geometry = read_json(draft, f"{one.at}: geo", text.encode(errors="replace"))
    pair = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(pair, list) and len(pair) > 1 and all(isinstance(part, int | float) for part in pair[:2]):
        return float(pair[0]), float(pair[1])
    return None


def _at_buses(
    draft: Draft,
    network: Network,
    tables: Mapping[str, Mapping[int, _Record]],
    names: Mapping[tuple[str, int], str],
) -> None:
    for table in _AT_BUS:
        for one in tables[table].values():
            bus = _bus(draft, tables, one, "bus")
            if bus is None or not one.on:
                continue
            own = names[table, one.key]
            scale = one.number("scaling", 1.0)
            at_bus = network.elements.get(names["bus", bus])
            if at_bus is None:
                continue
            power = one.number("p_mw") * scale
            if table == "motor":
                power = one.number("pn_mech_mw") * one.number("loading_percent", 100.0) * scale
                power /= max(one.number("efficiency_percent", 100.0), 1.0)
            if table == "sgen" and power <= 0:
                continue
            feeds = table in {"ext_grid", "gen", "sgen"}
            most = math.inf
            if table == "gen":
                most = max(one.number("max_p_mw", power), power)
            elif table == "sgen":
                most = power
            element = Element(
                id=own,
                kind=table.replace("_", " "),
                at=one.at,
                place=at_bus.place,
                demand=0.0 if feeds else max(power, 0.0),
                capacity=most,
                source=feeds,
            )
            add(draft, network, element)
            if feeds:
                network.join(own, at_bus.id, back=False)
            else:
                network.join(at_bus.id, own, back=False)


def _bus(draft: Draft, tables: Mapping[str, Mapping[int, _Record]], one: _Record, column: str) -> int | None:
    key = one.key_of(column)
    if key is None or key not in tables["bus"]:
        draft.wrong(one.at, f"{column} is {one.values.get(column)!r:.40}: there is no such bus", "the index of a bus")
        return None
    return key


def _branches(
    draft: Draft,
    network: Network,
    tables: Mapping[str, Mapping[int, _Record]],
    names: Mapping[tuple[str, int], str],
) -> None:
    """Lines and transformers between their buses, through their switches where these are closed."""
    at_end: dict[tuple[str, int, int], list[_Record]] = {}
    for one in tables["switch"].values():
        bus, other = _bus(draft, tables, one, "bus"), one.key_of("element")
        if bus is None:
            continue
        if one.values.get("et") == "b":
            far = _bus(draft, tables, one, "element")
            if far is not None and not _false(one.values.get("closed")):
                _between(draft, network, names, one, at=(bus, far), joined=True)
        elif other is not None:
            at_end.setdefault((str(one.values.get("et")), other, bus), []).append(one)
    kinds = (("line", "l", "from_bus", "to_bus"), ("trafo", "t", "hv_bus", "lv_bus"))
    for table, letter, first, second in kinds:
        for one in tables[table].values():
            ends = _bus(draft, tables, one, first), _bus(draft, tables, one, second)
            if ends[0] is None or ends[1] is None or not one.on:
                continue
            _between(draft, network, names, one, at=(ends[0], ends[1]), rating=_rating(tables, one, ends[0]))
            for bus in (ends[0], ends[1]):
                _end(draft, network, names, one, bus=bus, switches=at_end.get((letter, one.key, bus), []))


def _between(
    draft: Draft,
    network: Network,
    names: Mapping[tuple[str, int], str],
    one: _Record,
    *,
    at: tuple[int, ...],
    joined: bool = False,
    rating: float = math.inf,
) -> None:
    """Add a branch or a switch in the middle of its buses, and join it to them where nothing stands in between."""
    buses = [network.elements[names["bus", bus]] for bus in at if names["bus", bus] in network.elements]
    places = [bus.place for bus in buses if bus.place is not None]
    middle = (sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)) if places else None
    own = names[one.table, one.key]
    kind = {"trafo": "transformer"}.get(one.table, one.table)
    add(draft, network, Element(id=own, kind=kind, at=one.at, place=middle, capacity=rating))
    for bus in buses if joined else ():
        network.join(own, bus.id)


def _end(
    draft: Draft,
    network: Network,
    names: Mapping[tuple[str, int], str],
    branch: _Record,
    *,
    bus: int,
    switches: list[_Record],
) -> None:
    """Join one end of a branch to its bus, through its switches one after the other; an open one joins nothing."""
    own, at = names[branch.table, branch.key], names["bus", bus]
    if at not in network.elements:
        return
    open_ = any(_false(one.values.get("closed")) for one in switches)
    last = own
    for one in switches:
        _between(draft, network, names, one, at=(bus,))
        network.join(last, names["switch", one.key])
        last = names["switch", one.key]
    if not open_:
        network.join(last, at)


def _rating(tables: Mapping[str, Mapping[int, _Record]], one: _Record, bus: int) -> float:
    """Return what a branch carries in MW, taken as its MVA: infinity where the file says nothing that is meant."""
    parallel = max(one.number("parallel", 1.0), 1.0)
    if one.table == "line":
        amps = one.number("max_i_ka", math.inf) * one.number("df", 1.0)
        rating = _SQRT3 * amps * tables["bus"][bus].number("vn_kv") * parallel
    else:
        rating = one.number("sn_mva", math.inf) * one.number("df", 1.0) * parallel
    rating *= one.number("max_loading_percent", 100.0) / 100
    return rating if 0 < rating < _MOST_RATING else math.inf
