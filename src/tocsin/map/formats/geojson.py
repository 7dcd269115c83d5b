"""GeoJSON (RFC 7946) in and out: an asset is a feature, its place a point, its needs among its properties. Pure.

``properties.needs`` is a list of groups, each with ``suppliers``; ``properties.failure_modes`` a list of modes. Both
have the names of fields that the tables have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.fields import ASSET, GROUP, MODE, SUPPLIER, text_of
from tocsin.map.formats.limits import MOST_ROWS
from tocsin.map.formats.plain_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tocsin.map.formats.recipe import FileRecipe

__all__ = ["read_features", "write_features"]

_SHAPES: Final = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
# RFC 7946, section 4: WGS 84 is the only system; some tools say so all the same.
_WGS84: Final = (
    "urn:ogc:def:crs:OGC:1.3:CRS84",
    "urn:ogc:def:crs:OGC::CRS84",
    "EPSG:4326",
    "urn:ogc:def:crs:EPSG::4326",
)
_NESTED: Final = ("needs", "failure_modes")
_SHOWN: Final = 60


def read_features(draft: Draft, name: str, data: bytes, recipe: FileRecipe) -> None:
    """Put the features of a collection into the draft, each an asset."""
    root = read_json(
        draft, name, data, lambda path: f"{name}: feature {path[1]}" if path[:1] == ("features",) else name
    )
    if root is None:
        return
    if (
        not isinstance(root, dict)
        or root.get("type") != "FeatureCollection"
        or not isinstance(root.get("features"), list)
    ):
        draft.wrong(name, "no FeatureCollection", "an object with type 'FeatureCollection' and a list of features")
        return
    crs = root.get("crs")
    if crs is not None and msgspec.json.encode(crs).decode() not in {
        msgspec.json.encode({"type": "name", "properties": {"name": known}}).decode() for known in _WGS84
    }:
        draft.wrong(name, "another system of coordinates", "WGS 84 (RFC 7946, section 4), and no crs")
    features = root["features"]
    if len(features) > MOST_ROWS:
        draft.wrong(name, f"{len(features):,} features", f"at most {MOST_ROWS:,}")
        return
    unknown: dict[str, list[int]] = {}
    for number, feature in enumerate(features, 1):
        at = f"{name}: feature {number}"
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            draft.wrong(at, "no feature", "an object with type 'Feature'")
            _lose(draft, feature)
            continue
        _feature(draft, at, feature, recipe, unknown=unknown, number=number)
    for prop, numbers in unknown.items():
        at = f"{name}: feature {numbers[0]}"
        often = f" in {len(numbers):,} features" if len(numbers) > 1 else ""
        if recipe.columns:
            draft.notes.append(f"{at}: not taken: the property {prop[:_SHOWN]!r}{often}")
        else:
            draft.wrong(at, f"the unknown property {prop[:_SHOWN]!r}{often}", ", ".join((*ASSET, *_NESTED)))


def _lose(draft: Draft, feature: object) -> None:
    named = feature.get("id") if isinstance(feature, dict) else None
    if named is None:
        draft.nameless += 1
    else:
        draft.lose("assets", {str(named)})


def _feature(
    draft: Draft, at: str, feature: dict[str, object], recipe: FileRecipe, *, unknown: dict[str, list[int]], number: int
) -> None:
    properties = feature.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        draft.wrong(at, "its properties are no object", "an object, or null")
        _lose(draft, feature)
        return
    values: dict[str, object] = dict(recipe.given)
    if "id" in feature:
        values["id"] = feature["id"]
    theirs = {column: field for field, column in recipe.columns.items()} or {field: field for field in ASSET}
    for prop, value in properties.items():
        if prop in theirs:
            values[theirs[prop]] = value
        elif prop not in _NESTED:
            unknown.setdefault(prop, []).append(number)
    asset = values.get("id")
    values.update(_place(draft, at, feature.get("geometry")))
    draft.assets.append(Row(at=at, values=values))
    for mode, loose in _listed(draft, at, properties, "failure_modes", MODE):
        draft.modes.append(Row(at=at, values={**mode, "asset": asset}, loose=loose, held=("asset",)))
    for need, loose in _listed(draft, at, properties, "needs", {**GROUP, "suppliers": None}):
        before = len(draft.faults)
        for one, less in _listed(draft, at, need, "suppliers", SUPPLIER):
            values = {**one, "asset": asset, "group": need.get("name")}
            draft.suppliers.append(Row(at=at, values=values, loose=less, held=("asset", "group")))
        group = {key: value for key, value in need.items() if key != "suppliers"}
        less = loose or len(draft.faults) > before
        draft.groups.append(Row(at=at, values={**group, "asset": asset}, loose=less, held=("asset",)))


def _listed(
    draft: Draft, at: str, holder: Mapping[str, object], key: str, fields: Mapping[str, object]
) -> Iterator[tuple[dict[str, object], bool]]:
    """Yield the objects of a list within a feature, and whether keys of them mean nothing: these are faults."""
    found = holder.get(key)
    if found is None:
        return
    if not isinstance(found, list):
        draft.wrong(at, f"{key} is no list", "a list of objects")
        return
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            draft.wrong(at, f"{key} {number} is no object", "a list of objects")
            continue
        unknown = [name for name in one if name not in fields or name == "asset"]
        for name in unknown:
            draft.wrong(at, f"the unknown key {name[:_SHOWN]!r} in {key} {number}", ", ".join(fields))
        yield {name: value for name, value in one.items() if name not in unknown}, bool(unknown)


def _place(draft: Draft, at: str, geometry: object) -> dict[str, object]:
    """Return the longitude and latitude of a geometry: a point's own, else the mean of its corners."""
    if geometry is None:
        return {}
    shape = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or shape not in _SHAPES:
        draft.wrong(at, f"the geometry {str(shape)[:_SHOWN]!r}", ", ".join((*_SHAPES, "or null")))
        return {}
    level: list[object] = [geometry.get("coordinates")]
    for inside in reversed(range(_SHAPES[shape])):
        if inside == 0 and (short := _short(shape, level)):
            draft.wrong(at, f"the coordinates of its {shape}", short)
            return {}
        level = [one for many in level if isinstance(many, list) for one in many]
    corners = [
        (one[0], one[1])
        for one in level
        if isinstance(one, list)
        and len(one) >= 2  # noqa: PLR2004 -- longitude and latitude; a height may follow
        and all(isinstance(part, int | float) and not isinstance(part, bool) for part in one)
    ]
    if not corners or len(corners) != len(level):
        draft.wrong(at, f"the coordinates of its {shape}", "positions: longitude, latitude")
        return {}
    if len(corners) == 1:
        return {"longitude": corners[0][0], "latitude": corners[0][1]}
    return {
        "longitude": sum(corner[0] for corner in corners) / len(corners),
        "latitude": sum(corner[1] for corner in corners) / len(corners),
    }


def _short(shape: str, lines: list[object]) -> str:
    """Return what is expected of lines or rings that are none (RFC 7946, 3.1.4 and 3.1.6); nothing where they are."""
    listed = [one for one in lines if isinstance(one, list)]
    if shape.endswith("LineString") and any(len(one) < 2 for one in listed):  # noqa: PLR2004
        return "two positions or more on each line"
    if shape.endswith("Polygon") and any(len(one) < 4 or one[0] != one[-1] for one in listed):  # noqa: PLR2004
        return "rings of four positions or more, the last as the first"
    return ""


def write_features(rows: Mapping[str, Iterable[Mapping[str, object]]]) -> dict[str, bytes]:
    """Return one collection of the tables' rows."""
    needs: dict[object, list[dict[str, object]]] = {}
    by_name: dict[tuple[object, object], list[dict[str, object]]] = {}
    modes: dict[object, list[dict[str, object]]] = {}
    for row in rows["suppliers"]:
        inner = {key: _json(value) for key, value in row.items() if key not in {"asset", "group"}}
        by_name.setdefault((row["asset"], row["group"]), []).append(inner)
    for row in rows["groups"]:
        inner = {key: _json(value) for key, value in row.items() if key != "asset"}
        inner["suppliers"] = by_name.get((row["asset"], row["name"]), [])
        needs.setdefault(row["asset"], []).append(inner)
    for row in rows["failure_modes"]:
        modes.setdefault(row["asset"], []).append({key: _json(value) for key, value in row.items() if key != "asset"})
    features = []
    for row in rows["assets"]:
        outer = ("id", "longitude", "latitude")
        properties = {key: _json(value) for key, value in row.items() if key not in outer}
        for key, found in (("failure_modes", modes), ("needs", needs)):
            if row["id"] in found:
                properties[key] = found[row["id"]]
        point = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]} if "longitude" in row else None
        features.append({"type": "Feature", "id": row["id"], "geometry": point, "properties": properties})
    lines = b",\n".join(msgspec.json.encode(feature) for feature in features)
    return {"map.geojson": b'{"type":"FeatureCollection","features":[\n' + lines + b"\n]}\n"}


def _json(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else text_of(value)
