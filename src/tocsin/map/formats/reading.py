"""Files to a map. Pure: bytes in, a map without a fault out."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import LimitError
from tocsin.map.formats.build import built
from tocsin.map.formats.derive import put
from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.epanet import read_water
from tocsin.map.formats.fields import Wrong, number_of
from tocsin.map.formats.geojson import read_features
from tocsin.map.formats.graphml import read_graph
from tocsin.map.formats.limits import MOST_BYTES, MOST_FILES
from tocsin.map.formats.places import place_of
from tocsin.map.formats.power_json import read_power
from tocsin.map.formats.recipe import Format, Places, Recipe, by_name, read_recipe
from tocsin.map.formats.rules import apply_nearest, put_links
from tocsin.map.formats.tables import read_table
from tocsin.map.model import AssetMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.formats.recipe import FileRecipe

__all__ = ["MAPPING", "Format", "ReadMap", "Source", "read_files"]

MAPPING: Final = "mapping.yaml"
# A folder with these files and without a mapping is one of these.
_LAYOUTS: Final = {
    "shelby.yaml": {"power.json", "water.inp", "dependencies.csv", "road_nodes.csv", "road_links.csv"},
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was read, by its digest, and how much of the map came from it."""

    name: str
    sha256: str
    assets: int = 0
    groups: int = 0


class ReadMap(msgspec.Struct, frozen=True, kw_only=True):
    """A map, the files it came from, and what of them was not taken."""

    plan: AssetMap
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()


def read_files(files: Mapping[str, bytes], mapping: bytes | None = None) -> ReadMap:
    """Return the map that these files make together, by their names; ``mapping`` says what is what in them.

    Without it, a file called ``mapping.yaml`` among them does.

    Raises:
        MapError: with every fault, each with its place in its file; there is then no map at all.
        AgreementError: the mapping file is none; every fault with its line and column.
        LimitError: it is larger, deeper or more than we take.
    """
    if len(files) > MOST_FILES:
        raise LimitError(f"{len(files)} files", todo=f"at most {MOST_FILES}")
    together = sum(map(len, files.values()))
    if together > MOST_BYTES:
        raise LimitError(f"the files have {together:,} bytes", todo=f"at most {MOST_BYTES:,}")
    where, text = _mapping(files, mapping)
    recipe = Recipe() if text is None else read_recipe(text, where=where)
    draft = Draft()
    # what leads from one asset to another is read when all assets are
    order = sorted(files, key=lambda name: (_links(recipe, name), list(files).index(name)))
    sources = [_taken(draft, name, files[name], recipe) for name in order if name != MAPPING]
    for name in recipe.files:
        if name not in files:
            draft.wrong(where, f"there is no file {name[:200]!r}", "it, as the mapping says")
    for rule in recipe.rules:
        apply_nearest(draft, rule, where)
    plan = built(draft)
    return ReadMap(plan=plan, sources=tuple(sources), notes=tuple(draft.notes))


def _mapping(files: Mapping[str, bytes], mapping: bytes | None) -> tuple[str, bytes | None]:
    """Return the mapping and its name: the one given, the folder's own, or that of a layout that is known."""
    if mapping is not None:
        return MAPPING, mapping
    if MAPPING in files:
        return MAPPING, files[MAPPING]
    for layout, names in _LAYOUTS.items():
        if names <= files.keys():
            return f"layouts/{layout}", resources.files("tocsin.map.formats").joinpath("layouts", layout).read_bytes()
    return MAPPING, None


def _links(recipe: Recipe, name: str) -> bool:
    return name in recipe.files and recipe.files[name].table == "links"


def _taken(draft: Draft, name: str, data: bytes, recipe: Recipe) -> Source:
    """Put one file's rows into the draft."""
    before = len(draft.assets), len(draft.groups)
    rows, faults = _rows(draft), len(draft.faults)
    if name in recipe.ignore:
        draft.notes.append(f"{name}: not taken: {recipe.ignore[name]}")
    elif recipe.files and name not in recipe.files:
        draft.notes.append(f"{name}: not taken: the mapping does not name it")
    else:
        _read(draft, name, data, recipe.files.get(name) or by_name(name))
        if (_rows(draft), len(draft.faults)) == (rows, faults):
            draft.notes.append(f"{name}: nothing of it came onto the map")
    return Source(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        assets=len(draft.assets) - before[0],
        groups=len(draft.groups) - before[1],
    )


def _rows(draft: Draft) -> int:
    return len(draft.assets) + len(draft.modes) + len(draft.groups) + len(draft.suppliers)


def _read(draft: Draft, name: str, data: bytes, recipe: FileRecipe) -> None:
    if recipe.groups is not None:
        draft.implied[name] = Row(at=name, values=recipe.groups)
    if recipe.form is Format.GEOJSON:
        read_features(draft, name, data, recipe)
    elif recipe.form is Format.GRAPHML:
        read_graph(draft, name, data, recipe)
    elif recipe.form is Format.EPANET:
        put(draft, read_water(draft, name, data, recipe.places), recipe)
    elif recipe.form is Format.PANDAPOWER:
        network = read_power(draft, name, data, recipe.places)
        if network is not None:
            put(draft, network, recipe)
    else:
        _table(draft, name, data, recipe)


def _table(draft: Draft, name: str, data: bytes, recipe: FileRecipe) -> None:
    if recipe.table == "links":
        put_links(draft, list(read_table(draft, name, data, recipe)), recipe)
        return
    tables = {"assets": draft.assets, "failure_modes": draft.modes, "groups": draft.groups}
    rows = [_on_the_globe(row, recipe.places) for row in read_table(draft, name, data, recipe)]
    tables.get(recipe.table, draft.suppliers).extend(rows)


def _on_the_globe(row: Row, places: Places) -> Row:
    """Return the row with its coordinates in degrees; what is no number stays, and is told where the asset is built."""
    if places is Places.WGS84 or not {"longitude", "latitude"} <= row.values.keys():
        return row
    try:
        place = place_of(number_of(row.values["longitude"]), number_of(row.values["latitude"]), places)
    except Wrong:
        return row
    rest = {name: value for name, value in row.values.items() if name not in {"longitude", "latitude"}}
    return Row(at=row.at, values=rest if place is None else {**rest, "longitude": place[0], "latitude": place[1]})
