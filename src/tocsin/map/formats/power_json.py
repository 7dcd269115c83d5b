"""pandapower's JSON to a network, as plain data: nothing in the file is imported, made or called. Pure.

pandapower's own reader imports the modules and makes the objects that a file names. Here only the tables of elements
are read, from the text that they are stored as; whatever else the file holds stays text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.network import Element, Network, add
from tocsin.map.formats.places import place_of
from tocsin.map.formats.plain_json import read_json

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


# What each table says of each row; without it nothing of the table is known.
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "ext_grid": ("bus",),
    "gen": ("bus", "p_mw"),
    "sgen": ("bus", "p_mw"),
    "load": ("bus", "p_mw"),
    "motor": ("bus", "pn_mech_mw"),
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "switch": ("bus", "element", "et", "closed"),
}
# What a switch stands at, by the letter that says so; at a transformer of three windings it is refused with that.
_AT: Final = {"b": "bus", "l": "line", "t": "trafo", "t3": "trafo3w"}
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class _Record:
    """One row of one table; ``key`` is its index there, by which others name it.

    A value that is none is a fault, told once however often it is asked for.
    """

    draft: Draft
    table: str
    key: int
    values: Mapping[str, object]
    at: str
    told: set[str] = field(default_factory=set)

    def wrong(self, name: str, expected: str, why: str = "") -> None:
        if name not in self.told:
            self.told.add(name)
            value = self.values.get(name)
            shown = "nothing" if value is None else repr(value)[:_SHOWN]
            self.draft.wrong(self.at, f"{name} is {shown}{why}", expected)

    def number(self, name: str, default: float = 0.0, *, known: bool = False) -> float:
        """Return a number; the default where there is no such column or, unless it must be known, no value."""
        value = self.values.get(name)
        if value is None and not (known and name in self.values):
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.wrong(name, "a number, as in 12.5")
            return default
        return float(value)

    def key_of(self, name: str, what: str) -> int | None:
        value = self.values.get(name)
        # pandas writes whole numbers with a point where others of the column are missing
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            self.wrong(name, f"the index of a {what}: a whole number")
            return None
        return int(value)

    def truth(self, name: str) -> bool:
        value = self.values.get(name, True)
        if value not in {True, False} if isinstance(value, bool | int | float) else True:
            self.wrong(name, "true or false")
            return True
        return bool(value)

    @property
    def on(self) -> bool:
        return self.truth("in_service")


class _Tables(dict[str, dict[int, _Record]]):
    """The rows of each table by their index.

    ``refused``: tables that could not be read; ``broken``: rows that could not, by table and index; ``lost``: what such
    rows may be called. What refers to them is no fault of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()
        self.broken: set[tuple[str, int]] = set()
        self.lost: set[str] = set()

    def row(self, one: _Record, column: str, table: str) -> _Record | None:
        """Return the row of a table that another refers to."""
        key = one.key_of(column, table)
        found = None if key is None else self[table].get(key)
        if found is None and key is not None and table not in self.refused and (table, key) not in self.broken:
            one.wrong(column, f"the index of a {table}", f": there is no such {table}")
        return found


def read_power(draft: Draft, name: str, data: bytes, places: Places) -> Network | None:
    """Return the network of a file; None where it is none. Faults go into the draft."""
    root = read_json(draft, name, data)
    inner = root.get("_object") if isinstance(root, dict) else None
    if not isinstance(root, dict) or root.get("_class") != "pandapowerNet" or not isinstance(inner, dict):
        if root is not None:
            draft.wrong(name, "no network of pandapower", "the JSON that pandapower.to_json writes, not encrypted")
        return None
    before = len(draft.faults)
    tables = _Tables()
    for table in (*_TABLES, *_NOT_YET):
        tables[table] = {}
        for one in _records(draft, name, table, inner.get(table), tables):
            if tables[table].setdefault(one.key, one) is not one:
                draft.wrong(one.at, f"the index {one.key} stands twice", "each index of a table once")
                tables.refused.add(table)  # one of the two has another, which nobody knows
    for table in _NOT_YET:
        if any(one.on for one in tables[table].values()):
            first = next(iter(tables[table].values()))
            draft.wrong(first.at, f"{len(tables[table])} of {table}", "none: these are not yet read")
    network = Network(name=name, unit="MW")
    names = _names(tables)
    _buses(draft, network, tables, names, places)
    _at_buses(draft, network, tables, names)
    _branches(draft, network, tables, names)
    network.lost = tables.lost
    network.unread = len(draft.faults) > before
    return network


def _records(draft: Draft, name: str, table: str, stored: object, tables: _Tables) -> Iterator[_Record]:
    """Yield the rows of a table, which is stored as JSON within a string (pandas, orient 'split')."""
    if stored is None and table != "bus":
        return
    split = _split(draft, f"{name}: {table}", table, stored)
    if split is None:
        tables.refused.add(table)
        draft.blind = True  # nobody knows which assets it had
        return
    columns, index, data = split
    for key, row in zip(index, data, strict=True):
        at = f"{name}: {table} {str(key)[:20]}"
        whole = key if isinstance(key, int) and not isinstance(key, bool) else None
        if whole is None or not isinstance(row, list) or len(row) != len(columns):
            draft.wrong(at, "a row that its columns do not fit", f"a whole number, and {len(columns)} values")
            cells = row if isinstance(row, list) else []
            tables.lost |= {f"{table} {key}", *(cell for cell in cells if isinstance(cell, str))}
            tables.broken |= set() if whole is None else {(table, whole)}
            tables.refused |= {table} if whole is None else set()
            continue
        yield _Record(draft, table, whole, dict(zip(columns, row, strict=True)), at)


def _split(draft: Draft, at: str, table: str, stored: object) -> tuple[list[str], list[object], list[object]] | None:
    """Return the columns, the index and the rows of a table; None, with a fault, where it is none."""
    text = stored.get("_object") if isinstance(stored, dict) else None
    if not isinstance(stored, dict) or stored.get("_class") != "DataFrame" or not isinstance(text, str | dict):
        draft.wrong(at, "no table", "a DataFrame as pandapower.to_json stores it")
        return None
    split = read_json(draft, at, text.encode(errors="replace")) if isinstance(text, str) else text
    if split is None:
        return None
    columns, index, data = (split.get(part) if isinstance(split, dict) else None for part in _SPLIT)
    if not (
        isinstance(columns, list) and isinstance(index, list) and isinstance(data, list) and len(index) == len(data)
    ):
        draft.wrong(at, "no table", "columns, index and data (orient 'split')")
        return None
    named = list(map(str, columns))
    repeated = sorted({column for column in named if named.count(column) > 1})
    missing = [column for column in _COLUMNS.get(table, ()) if data and column not in named]
    if repeated:
        draft.wrong(at, f"the column {repeated[0][:_SHOWN]!r} stands twice", "each column once")
    for column in missing:
        draft.wrong(at, f"there is no column {column!r}", "it, as pandapower.to_json writes it")
    return None if repeated or missing else (named, index, data)


_SPLIT: Final = ("columns", "index", "data")


def _names(tables: _Tables) -> dict[tuple[str, int], str]:
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
    tables: _Tables,
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
    if text is None:
        return None
    geometry = read_json(draft, f"{one.at}: geo", text.encode(errors="replace")) if isinstance(text, str) else text
    if geometry is None:
        return None
    pair = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(pair, list) and len(pair) > 1 and all(isinstance(part, int | float) for part in pair[:2]):
        return float(pair[0]), float(pair[1])
    one.wrong("geo", "a point as GeoJSON")
    return None


def _at_buses(
    draft: Draft,
    network: Network,
    tables: _Tables,
    names: Mapping[tuple[str, int], str],
) -> None:
    for table in _AT_BUS:
        for one in tables[table].values():
            bus, on = tables.row(one, "bus", "bus"), one.on
            power = _power(one) if on else 0.0
            at_bus = None if bus is None else network.elements.get(names["bus", bus.key])
            if at_bus is None or not on:
                continue
            own = names[table, one.key]
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


def _power(one: _Record) -> float:
    """Return what is drawn or fed in at a bus, in MW."""
    scale = one.number("scaling", 1.0, known=True)
    if one.table != "motor":
        return one.number("p_mw", known=True) * scale
    power = one.number("pn_mech_mw", known=True) * one.number("loading_percent", 100.0, known=True) * scale
    return power / max(one.number("efficiency_percent", 100.0, known=True), 1.0)


def _switches(
    draft: Draft, network: Network, tables: _Tables, names: Mapping[tuple[str, int], str]
) -> dict[tuple[str, int, int], list[_Record]]:
    """Join buses by their closed switches; return the others by the branch and the bus between which they are."""
    at_end: dict[tuple[str, int, int], list[_Record]] = {}
    for one in tables["switch"].values():
        table = _AT.get(str(one.values.get("et")))
        if table is None:
            one.wrong("et", ", ".join(_AT))
            continue
        bus, other, closed = tables.row(one, "bus", "bus"), tables.row(one, "element", table), one.truth("closed")
        if bus is None or other is None:
            continue
        if table == "bus":
            if closed:
                _between(draft, network, names, one, at=(bus.key, other.key), joined=True)
        elif table == "trafo3w" or bus.key in {other.values.get(end) for end in _COLUMNS[table]}:
            at_end.setdefault((table, other.key, bus.key), []).append(one)
        else:
            one.wrong("bus", f"a bus at an end of {table} {other.key}")
    return at_end


def _branches(
    draft: Draft,
    network: Network,
    tables: _Tables,
    names: Mapping[tuple[str, int], str],
) -> None:
    """Lines and transformers between their buses, through their switches where these are closed."""
    at_end = _switches(draft, network, tables, names)
    for table in ("line", "trafo"):
        first, second = _COLUMNS[table]
        for one in tables[table].values():
            one_end, other_end = tables.row(one, first, "bus"), tables.row(one, second, "bus")
            rating = _rating(one, one_end) if one.on and one_end is not None else math.inf
            if one_end is None or other_end is None or not one.on:
                continue
            ends = (one_end.key, other_end.key)
            if ends[0] == ends[1]:
                one.wrong(second, "another bus than the first", ": it leads to where it begins")
                continue
            _between(draft, network, names, one, at=ends, rating=rating)
            for bus_key in ends:
                switches = at_end.get((table, one.key, bus_key), [])
                _end(draft, network, names, one, bus=bus_key, switches=switches)


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
    open_ = not all(one.truth("closed") for one in switches)
    last = own
    for one in switches:
        _between(draft, network, names, one, at=(bus,))
        network.join(last, names["switch", one.key])
        last = names["switch", one.key]
    if not open_:
        network.join(last, at)


def _rating(one: _Record, bus: _Record) -> float:
    """Return what a branch carries in MW, taken as its MVA: infinity where the file says nothing that is meant."""
    parallel = max(one.number("parallel", 1.0, known=True), 1.0)
    if one.table == "line":
        amps = one.number("max_i_ka", math.inf) * one.number("df", 1.0)
        rating = _SQRT3 * amps * bus.number("vn_kv", known=True) * parallel
    else:
        rating = one.number("sn_mva", math.inf) * one.number("df", 1.0) * parallel
    rating *= one.number("max_loading_percent", 100.0) / 100
    return rating if 0 < rating < _MOST_RATING else math.inf
