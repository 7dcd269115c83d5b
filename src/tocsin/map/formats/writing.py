"""A map to files that are read as the same map. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tocsin.errors import MapError, MapFault, UsageError
from tocsin.map.formats.fields import TABLES, Wrong, plain_text
from tocsin.map.formats.geojson import write_features
from tocsin.map.formats.graphml import write_graph
from tocsin.map.formats.recipe import Format
from tocsin.map.formats.tables import write_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.map.model import AssetMap

    Rows: TypeAlias = dict[str, list[dict[str, object]]]

__all__ = ["rows_of", "write"]

_WRITERS = {Format.CSV: write_tables, Format.GEOJSON: write_features, Format.GRAPHML: write_graph}


def write(plan: AssetMap, form: Format) -> dict[str, bytes]:
    """Return the files, by name, that ``read_files`` reads as the same map, its groups in the order of its assets.

    Raises ``UsageError`` for a format that is only read; ``MapError`` for text that files do not hold: with control
    characters, or with a space before or after it.
    """
    if form not in _WRITERS:
        raise UsageError(f"maps are not written as {form}", todo=f"one of {', '.join(_WRITERS)}")
    rows = rows_of(plan)
    found = tuple(_unwritable(rows))
    if found:
        raise MapError(found)
    return _WRITERS[form](rows)


def rows_of(plan: AssetMap) -> Rows:
    """Return the rows of each table; what is by default is left out, and what is required is not."""
    order = {asset.id: place for place, asset in enumerate(plan.assets)}
    rows: Rows = {table: [] for table in TABLES}
    for asset in plan.assets:
        row = _changed(asset)
        for skipped in ("place", "failure_modes"):
            row.pop(skipped, None)
        if asset.place is not None:
            row.update(longitude=asset.place.longitude, latitude=asset.place.latitude)
        rows["assets"].append(row)
        for mode in asset.failure_modes:
            own = _changed(mode)
            own.pop("fragility", None)
            if mode.fragility is not None:
                own.update(msgspec.structs.asdict(mode.fragility))
            rows["failure_modes"].append({"asset": asset.id, **own})
    for group in sorted(plan.groups, key=lambda group: order.get(group.asset, len(order))):
        own = _changed(group)
        own.pop("suppliers", None)
        rows["groups"].append(own)
        for supplier in group.suppliers:
            edge = _changed(supplier)
            edge["supplier"] = edge.pop("asset")
            rows["suppliers"].append({"asset": group.asset, "group": group.name, **edge})
    return rows


def _changed(struct: msgspec.Struct) -> dict[str, object]:
    """Return the fields that are not what they are by default."""
    fields = msgspec.structs.fields(type(struct))
    values = ((field, getattr(struct, field.name)) for field in fields)
    return {field.name: value for field, value in values if field.required or value != field.default}


def _unwritable(rows: Mapping[str, list[dict[str, object]]]) -> Iterator[MapFault]:
    for table, those in rows.items():
        for row in those:
            for name, value in row.items():
                if type(value) is not str:
                    continue
                try:
                    plain_text(value)
                except Wrong as error:
                    whose = row["id"] if table == "assets" else row["asset"]
                    yield MapFault(asset=str(whose), cause=f"{name} {error.cause}", expected=error.expected)
