"""Rows to a map, or every fault with its place. Pure.

A value that cannot be read is a fault; in its place stands one that breaks no other rule, so that each fault is told
once and what follows from it is not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import MapFault
from tocsin.map.formats.fields import REQUIRED, TABLES, Wrong
from tocsin.map.model import (
    LEAST,
    Asset,
    AssetMap,
    DependencyGroup,
    FailureMode,
    Fragility,
    Place,
    Provenance,
    Supplier,
    faults,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.formats.draft import Draft, Row

    _Key: TypeAlias = tuple[str | None, str | None, str | None]

__all__ = ["built"]

# how the model says that there are two of something; which of them is one too many, only the rows tell
_TWICE: Final = re.compile(r"stands \d+ times|supplies the group twice")
# how the model's faults name a failure mode; they carry no field for it
_MODE: Final = re.compile(r"its failure mode ('.*?'|\".*?\") ")


def built(draft: Draft) -> AssetMap:
    """Return the map of these rows, its groups in the order of its assets. Raises ``MapError`` with every fault."""
    places: dict[_Key, list[str]] = defaultdict(list)
    modes = _modes(draft)
    assets = [_asset(draft, row, modes, places) for row in draft.assets]
    known = {asset.id for asset in assets}
    for name, rows in modes.items():
        if name not in known:
            for row, mode in rows:
                draft.wrong(
                    row.at, f"its failure mode {mode.name!r}: there is no such asset", "the id of an asset", asset=name
                )
    suppliers = _suppliers(draft, places)
    read = [(row, _group(draft, row, suppliers, places)) for row in draft.groups]
    groups = [group for _, group in read if group is not None]
    # whose suppliers belong to a group that could not be read: that is told once, with the group
    unread = {str(row.values.get("asset")) for row, group in read if group is None}
    groups += _implied(draft, suppliers, {(group.asset, group.name) for group in groups}, unread)
    order = {asset.id: place for place, asset in enumerate(assets)}
    groups.sort(key=lambda group: order.get(group.asset, len(order)))
    plan = AssetMap(assets=tuple(assets), groups=tuple(groups))
    draft.faults.extend(_placed(fault, places) for fault in faults(plan))
    draft.done()
    return plan


def _read(draft: Draft, table: str, row: Row) -> tuple[dict[str, object], set[str]]:
    """Return the values of a row's fields and the names of those that are wrong; empty text is no value."""
    fields = TABLES[table]
    values: dict[str, object] = {}
    wrong: set[str] = set()
    whose = _whose(table, row)
    for name, raw in row.values.items():
        if raw is None or (raw == "" and name not in REQUIRED[table]):
            continue
        try:
            values[name] = fields[name](raw)
        except Wrong as error:
            wrong.add(name)
            draft.wrong(row.at, f"{name} {error.cause}", error.expected, **whose)
    for name in REQUIRED[table]:
        if name not in values and name not in wrong:
            wrong.add(name)
            draft.wrong(row.at, f"there is no {name}", f"each of these has {' and '.join(REQUIRED[table])}", **whose)
        elif values.get(name) == "" and table != "assets":
            wrong.add(name)
            draft.wrong(row.at, f"{name} is empty", "a name", **whose)
    return values, wrong


def _whose(table: str, row: Row) -> dict[str, str]:
    """Return what a fault of this row is about, as far as the row says it."""
    named = {
        "assets": {"id": "asset"},
        "failure_modes": {"asset": "asset"},
        "groups": {"asset": "asset", "name": "group"},
        "suppliers": {"asset": "asset", "group": "group", "supplier": "supplier"},
    }[table]
    return {ours: str(row.values[name])[:200] for name, ours in named.items() if row.values.get(name)}


def _asset(
    draft: Draft, row: Row, modes: Mapping[str, list[tuple[Row, FailureMode]]], places: dict[_Key, list[str]]
) -> Asset:
    values, wrong = _read(draft, "assets", row)
    name = str(values.get("id", ""))
    if "id" in wrong:
        name = f"\0{row.at}"  # no text that is read has this character: nobody's id
    places[name, None, None].append(row.at)
    longitude, latitude = values.pop("longitude", None), values.pop("latitude", None)
    if not wrong & {"longitude", "latitude"} and (longitude is None) != (latitude is None):
        draft.wrong(row.at, "half a place", "longitude and latitude, or neither", asset=name)
    if longitude is not None and latitude is not None:
        values["place"] = Place(longitude=longitude, latitude=latitude)  # type: ignore[arg-type]
    values["id"] = name
    mine = tuple(mode for _, mode in modes.get(name, ()))
    for mode_row, mode in modes.get(name, ()):
        places[name, None, f"\0{mode.name!r}"].append(mode_row.at)
    return msgspec.convert({**values, "failure_modes": mine}, Asset, from_attributes=True)


def _modes(draft: Draft) -> dict[str, list[tuple[Row, FailureMode]]]:
    found: dict[str, list[tuple[Row, FailureMode]]] = defaultdict(list)
    for row in draft.modes:
        values, wrong = _read(draft, "failure_modes", row)
        if wrong & {"asset", "name"}:
            continue
        asset = str(values.pop("asset"))
        fragile = {name: values.pop(name) for name in ("measure", "median", "beta") if name in values}
        if 0 < len(fragile) < 3 and not wrong & {"measure", "median", "beta"}:  # noqa: PLR2004 -- all, or none
            draft.wrong(row.at, "half a fragility", "measure, median and beta, or none of them", asset=asset)
        elif fragile and not wrong & {"measure", "median", "beta"}:
            values["fragility"] = msgspec.convert(fragile, Fragility)
        if wrong & {"damage_least", "damage_most"}:
            values.pop("damage_least", None)
            values.pop("damage_most", None)
        found[asset].append((row, msgspec.convert(values, FailureMode, from_attributes=True)))
    return found


def _suppliers(draft: Draft, places: dict[_Key, list[str]]) -> dict[tuple[str, str], list[tuple[Row, Supplier]]]:
    found: dict[tuple[str, str], list[tuple[Row, Supplier]]] = defaultdict(list)
    for row in draft.suppliers:
        values, wrong = _read(draft, "suppliers", row)
        if wrong & {"asset", "group", "supplier"}:
            continue
        asset, group = str(values.pop("asset")), str(values.pop("group"))
        values["asset"] = values.pop("supplier")
        if wrong & {"weight", "least", "most", "provenance"}:
            for name in ("weight", "least", "most"):
                values.pop(name, None)
            values["provenance"] = Provenance.REPORTED
        one = msgspec.convert(values, Supplier, from_attributes=True)
        places[asset, group, one.asset].append(row.at)
        found[asset, group].append((row, one))
    return found


def _group(
    draft: Draft,
    row: Row,
    suppliers: dict[tuple[str, str], list[tuple[Row, Supplier]]],
    places: dict[_Key, list[str]],
) -> DependencyGroup | None:
    values, wrong = _read(draft, "groups", row)
    if wrong & {"asset", "name"}:
        return None
    if "need" in wrong or "k" in wrong:
        values["k"] = 1.0 if values.get("need") == "count" else LEAST
    if wrong & {"buffer_h", "buffer_least_h", "buffer_most_h"}:
        for name in ("buffer_h", "buffer_least_h", "buffer_most_h"):
            values.pop(name, None)
    key = (str(values["asset"]), str(values["name"]))
    places[(*key, None)].append(row.at)
    values["suppliers"] = tuple(one for _, one in suppliers.get(key, ()))
    return msgspec.convert(values, DependencyGroup, from_attributes=True)


def _implied(
    draft: Draft,
    suppliers: dict[tuple[str, str], list[tuple[Row, Supplier]]],
    known: set[tuple[str, str]],
    unread: set[str],
) -> list[DependencyGroup]:
    """Return the groups that only their suppliers name, where the mapping says what such groups are."""
    made: list[DependencyGroup] = []
    for (asset, name), rows in suppliers.items():
        if (asset, name) in known or asset in unread:
            continue
        file = rows[0][0].at.partition(":")[0]
        pattern = draft.implied.get(file)
        if pattern is None:
            for row, one in rows:
                draft.wrong(
                    row.at, "there is no such group", "a group that stands among the groups",
                    asset=asset, group=name, supplier=one.asset,
                )  # fmt: skip
            continue
        values, _ = _read(draft, "groups", _named(pattern, asset, name))
        values["suppliers"] = tuple(one for _, one in rows)
        made.append(msgspec.convert(values, DependencyGroup, from_attributes=True))
    return made


def _named(pattern: Row, asset: str, name: str) -> Row:
    return type(pattern)(at=pattern.at, values={**pattern.values, "asset": asset, "name": name})


def _placed(fault: MapFault, places: Mapping[_Key, list[str]]) -> MapFault:
    """Return the fault with where it stands: the supplier's row, else the group's, else the asset's."""
    asset = fault.asset
    hidden = asset is not None and asset.startswith("\0")
    keys: list[_Key] = [(asset, fault.group, fault.supplier), (asset, fault.group, None), (asset, None, None)]
    mode = _MODE.search(fault.cause)
    if mode is not None and fault.group is None:
        keys.insert(0, (asset, None, f"\0{mode[1]}"))
    for key in keys:
        if key in places:
            rows, cause = places[key], fault.cause
            if len(rows) > 1 and _TWICE.search(cause):
                cause, rows = f"{cause}, first at {rows[0]}", rows[1:]
            return MapFault(
                at=", ".join(rows[:10]),
                asset=None if hidden else asset,
                group=fault.group,
                supplier=fault.supplier,
                cause=cause,
                expected=fault.expected,
            )
    return fault
