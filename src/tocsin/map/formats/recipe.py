"""The mapping file: which file holds what, which column is what, and by which rules the rest is derived.

YAML 1.2, read as agreements are: no anchors, tags or keys twice, and every fault with its line and column.
``docs/map-files.md`` explains each key.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tocsin.agreements.document.checks import Checker
from tocsin.agreements.document.tree import Scalar, Table, read_tree
from tocsin.map.formats.fields import ASSET, GROUP, LINK, SUPPLIER, TABLES, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tocsin.agreements.document.tree import Entry, Node

__all__ = ["FileRecipe", "Format", "Nearest", "Places", "Recipe", "read_recipe"]

_VERSION: Final = 1
_MOST_KM: Final = 1_000  # what feeds an asset from farther away is no neighbour


class Format(enum.StrEnum):
    """How a map stands in files."""

    CSV = "csv"
    GEOJSON = "geojson"
    GRAPHML = "graphml"
    EPANET = "epanet"  # read only
    PANDAPOWER = "pandapower"  # read only


class Places(enum.StrEnum):
    """What the coordinates of a file are."""

    WGS84 = "wgs84"  # degrees, EPSG:4326
    WEB_MERCATOR = "web-mercator"  # metres, EPSG:3857
    NONE = "none"  # a drawing: not taken


@dataclass(frozen=True, kw_only=True)
class FileRecipe:
    """What one file holds. ``columns``: our field to its column, property or attribute; ``given``: for every row.

    ``table``: of a CSV file, what each row is; ``links`` are assets that need both their ends. ``groups``: what groups
    are that only their suppliers name. ``prefix``: before each id, where two networks use the same. ``pairs``: whether
    cuts of two are derived. ``once``: a row that repeats another in every cell is taken once.
    """

    form: Format = Format.CSV
    table: str = "assets"
    columns: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)
    groups: Mapping[str, object] | None = None
    places: Places = Places.WGS84
    delimiter: str | None = None
    prefix: str = ""
    pairs: bool = True
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """A rule: each asset of one kind is supplied by the nearest of another, within a distance."""

    name: str
    assets: Mapping[str, str]
    suppliers: Mapping[str, str]
    group: Mapping[str, object]
    supplier: Mapping[str, object]
    within_km: float


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole mapping file. ``ignore``: files that are none of the map, each with the reason."""

    files: Mapping[str, FileRecipe] = field(default_factory=dict)
    ignore: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Nearest, ...] = ()


def read_recipe(text: bytes, *, where: str) -> Recipe:
    """Return what a mapping file says. Raises ``AgreementError`` with every fault, ``LimitError`` as agreements do."""
    root = read_tree(text, where=where, document="mapping")
    checker = Checker(where=where, document="mapping")
    entries = checker.table(root, "a mapping file", required=("map",), optional=("files", "ignore", "rules"))
    if "map" in entries:
        checker.integer(entries["map"].value, "map", low=_VERSION, high=_VERSION)
    files = {name: _file(checker, name, entry.value) for name, entry in _entries(checker, entries, "files")}
    ignore = {name: checker.text(entry.value, "why") for name, entry in _entries(checker, entries, "ignore")}
    rules = checker.items(entries["rules"].value, "rules") if "rules" in entries else ()
    nearest = tuple(_nearest(checker, rule) for rule in rules)
    checker.done()
    return Recipe(files=files, ignore=ignore, rules=nearest)


def _entries(checker: Checker, entries: Mapping[str, Entry], key: str) -> Iterable[tuple[str, Entry]]:
    if key not in entries:
        return ()
    node = entries[key].value
    if not isinstance(node, Table):
        checker.wrong(node, f"{key}: a mapping of file names")
        return ()
    return node.entries.items()


def _file(checker: Checker, name: str, node: Node) -> FileRecipe:
    entries = checker.table(
        node,
        f"the file {name!r}",
        optional=("format", "holds", "columns", "given", "groups", "places", "delimiter", "prefix", "pairs", "repeats"),
    )

    def said(key: str, read: Callable[[Node], object], default: object) -> object:
        return read(entries[key].value) if key in entries else default

    form = Format(str(said("format", lambda one: checker.one_of(one, "format", Format), _form_of(name))))
    holds = (*TABLES, "links")
    table = str(said("holds", lambda one: checker.one_of(one, "holds", holds), _table_of(name)))
    fields = _fields(form, table)
    columns = said("columns", lambda one: _columns(checker, one, fields), {})
    given = said("given", lambda one: _values(checker, one, "given", fields), {})
    groups = said("groups", lambda one: _values(checker, one, "groups", GROUP), None)
    delimiter = said("delimiter", lambda one: checker.one_of(one, "delimiter", (",", ";", "\t", "|")), None)
    prefix = said("prefix", lambda one: checker.text(one, "prefix", limit=20), "")
    pairs = said("pairs", lambda one: checker.one_of(one, "pairs", ("derive", "leave")), "derive")
    repeats = said("repeats", lambda one: checker.one_of(one, "repeats", ("refuse", "once")), "refuse")
    return FileRecipe(
        form=form,
        table=table,
        columns=columns,  # type: ignore[arg-type]
        given=given,  # type: ignore[arg-type]
        groups=groups,  # type: ignore[arg-type]
        places=Places(str(said("places", lambda one: checker.one_of(one, "places", Places), Places.WGS84))),
        delimiter=delimiter,  # type: ignore[arg-type]
        prefix=str(prefix),
        pairs=pairs == "derive",
        once=repeats == "once",
    )


def _fields(form: Format, table: str) -> tuple[str, ...]:
    if table == "links":
        return tuple(LINK)
    if form in {Format.GEOJSON, Format.GRAPHML}:
        return tuple(dict.fromkeys((*ASSET, *SUPPLIER)))
    return tuple(TABLES[table])


def _form_of(name: str) -> Format:
    """Return the format that a file's name tells."""
    endings = {
        ".geojson": Format.GEOJSON,
        ".graphml": Format.GRAPHML,
        ".inp": Format.EPANET,
        ".json": Format.PANDAPOWER,
    }
    return next((form for ending, form in endings.items() if name.lower().endswith(ending)), Format.CSV)


def _table_of(name: str) -> str:
    stem = name.lower().removesuffix(".csv")
    return stem if stem in TABLES else "assets"


def by_name(name: str) -> FileRecipe:
    """Return what a file holds of which no mapping says anything."""
    return FileRecipe(form=_form_of(name), table=_table_of(name))


def _columns(checker: Checker, node: Node, fields: Iterable[str]) -> dict[str, str]:
    entries = checker.table(node, "columns", optional=tuple(fields))
    return {name: checker.text(entry.value, name) for name, entry in entries.items()}


def _values(checker: Checker, node: Node, what: str, fields: Iterable[str]) -> dict[str, object]:
    """Return values that stand for every row, each checked as the row's own would be."""
    entries = checker.table(node, what, optional=tuple(fields))
    readers = {
        **SUPPLIER,
        **GROUP,
        **ASSET,
        **{name: reader for table in TABLES.values() for name, reader in table.items()},
    }
    values: dict[str, object] = {}
    for name, entry in entries.items():
        if not isinstance(entry.value, Scalar):
            checker.wrong(entry.value, f"{name}: one value")
            continue
        try:
            readers[name](entry.value.value)
        except Wrong as error:
            checker.wrong(entry.value, f"{name}: {error.expected}")
        values[name] = entry.value.value
    return values


def _nearest(checker: Checker, node: Node) -> Nearest:
    keys = ("rule", "name", "assets", "suppliers", "group", "within_km")
    entries = checker.table(node, "a rule", required=keys, optional=("supplier",))

    def chosen(key: str) -> dict[str, str]:
        if key not in entries:
            return {}
        picks = checker.table(entries[key].value, key, optional=("kind", "sector", "owner"))
        return {name: checker.text(entry.value, name) for name, entry in picks.items()}

    if "rule" in entries:
        checker.one_of(entries["rule"].value, "rule", ("nearest",))
    return Nearest(
        name=checker.text(entries["name"].value, "name") if "name" in entries else "",
        assets=chosen("assets"),
        suppliers=chosen("suppliers"),
        group=_values(checker, entries["group"].value, "group", GROUP) if "group" in entries else {},
        supplier=_values(checker, entries["supplier"].value, "supplier", SUPPLIER) if "supplier" in entries else {},
        within_km=float(checker.integer(entries["within_km"].value, "within_km", low=1, high=_MOST_KM))
        if "within_km" in entries
        else 1.0,
    )
