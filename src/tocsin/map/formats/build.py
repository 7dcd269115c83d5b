"""Rows to a map, or every fault with its place. Pure.

A value that cannot be read is a fault; in its place stands one that breaks no other rule, so that each fault is told
once and what follows from it is not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import MapFault
from tocsin.map.formats.fields import REQUIRED, TABLES, Wrong
from tocsin.map.formats.follows import eased, missing_names, stand_ins, without_groups
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
    from collections.abc import Collection, Mapping

    from tocsin.map.formats.draft import Draft, Row

    _Key: TypeAlias = tuple[str | None, str | None, str | None]
    _Lost: TypeAlias = tuple[frozenset[str], Collection[tuple[str, str]]]

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
    there = {asset.id for asset in assets}
    shaken: set[tuple[str, str]] = set()
    lost: list[_Lost] = []
    suppliers = _suppliers(draft, places, shaken, lost)
    groups = [group for row in draft.groups if (group := _group(draft, row, suppliers, places, shaken)) is not None]
    groups += _implied(draft, suppliers, groups, there, lost)
    named = Counter({group.asset: 0 for group in groups})
    for group in groups:
        named[group.asset] += 1 + len(group.suppliers)
    named.update(one.asset for group in groups for one in group.suppliers)
    named.update({name: len(rows) for name, rows in modes.items()})
    unread = missing_names(draft, Counter({name: many for name, many in named.items() if name not in there}))
    for name, rows in modes.items():
        if name not in there | unread:
            for row, mode in rows:
                draft.wrong(
                    row.at, f"its failure mode {mode.name!r}: there is no such asset", "the id of an asset", asset=name
                )
    if draft.faults or not there.issuperset(named):  # then there will be no map, and what follows from them is not told
        groups = eased(groups, shaken, lost, there)
        assets += stand_ins(unread)
    order = {asset.id: place for place, asset in enumerate(assets)}
    groups.sort(key=lambda group: order.get(group.asset, len(order)))
    plan = AssetMap(assets=tuple(assets), groups=tuple(groups))
    # of what stands twice each fault is found twice
    draft.faults.extend(dict.fromkeys(_placed(fault, places) for fault in faults(plan)))
    draft.done()
    return plan


def _read(draft: Draft, table: str, row: Row) -> tuple[dict[str, object], set[str]]:
    """Return the values of a row's fields and the names of those that are wrong; empty text is no value."""
    fields = TABLES[table]
    values: dict[str, object] = {}
    wrong: set[str] = set()
    whose = _whose(table, row)
    for name, raw in row.values.items():
        if raw is None or raw == "":
            continue
        try:
            values[name] = fields[name](raw)
        except Wrong as error:
            wrong.add(name)
            if name not in row.held:
                draft.wrong(row.at, f"{name} {error.cause}", error.expected, **whose)
    for name in REQUIRED[table]:
        if name not in values and name not in wrong:
            wrong.add(name)
            if row.loose or name in row.held:
                continue
            draft.wrong(row.at, f"there is no {name}", f"each of these has {' and '.join(REQUIRED[table])}", **whose)
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
        raw = row.values.get("id")
        if isinstance(raw, str) and raw.strip():
            draft.lose("assets", {raw.strip(), "".join(one for one in raw.strip() if one.isprintable())})
        else:
            draft.nameless += 1
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
        if 0 < len(fragile) < 3 and not row.loose and not wrong & {"measure", "median", "beta"}:  # noqa: PLR2004 -- all, or none
            draft.wrong(row.at, "half a fragility", "measure, median and beta, or none of them", asset=asset)
        elif fragile and not wrong & {"measure", "median", "beta"}:
            values["fragility"] = msgspec.convert(fragile, Fragility)
        if wrong & {"damage_least", "damage_most"}:
            values.pop("damage_least", None)
            values.pop("damage_most", None)
        found[asset].append((row, msgspec.convert(values, FailureMode, from_attributes=True)))
    return found


def _suppliers(
    draft: Draft, places: dict[_Key, list[str]], shaken: set[tuple[str, str]], lost: list[_Lost]
) -> dict[tuple[str, str], list[tuple[Row, Supplier]]]:
    """Return suppliers by asset and group; into ``shaken`` go groups, into ``lost`` rows, that could not be read."""
    found: dict[tuple[str, str], list[tuple[Row, Supplier]]] = defaultdict(list)
    lost += [(texts, ()) for texts in draft.lost.get("suppliers", [])]
    for place, row in enumerate(draft.suppliers):
        values, wrong = _read(draft, "suppliers", row)
        if wrong & {"asset", "group"}:
            lost.append((_texts(row) - {row.values.get("supplier")}, _beside(draft, place)))
            continue
        if wrong or row.loose:
            shaken.add((str(values["asset"]), str(values["group"])))
            wrong |= {"provenance"}
        if "supplier" in wrong:
            continue
        asset, group = str(values.pop("asset")), str(values.pop("group"))
        values["asset"] = values.pop("supplier")
        if wrong & {"weight", "least", "most", "provenance"}:
            for name in ("weight", "least", "most"):
                values.pop(name, None)
            values["provenance"] = Provenance.REPORTED
        one = msgspec.convert(values, Supplier, from_attributes=True)
        if one.provenance is Provenance.DERIVED and not one.basis and not wrong:
            draft.wrong(
                row.at, "it is derived, and no basis is told", "the rule by which it was derived",
                asset=asset, group=group, supplier=one.asset,
            )  # fmt: skip
        places[asset, group, one.asset].append(row.at)
        found[asset, group].append((row, one))
    return found


def _texts(row: Row) -> frozenset[str]:
    return frozenset(value for value in row.values.values() if isinstance(value, str))


def _beside(draft: Draft, place: int) -> list[tuple[str, str]]:
    """Return the groups of the rows before and after: those of one group mostly stand together."""
    rows = [draft.suppliers[each].values for each in (place - 1, place + 1) if 0 <= each < len(draft.suppliers)]
    return [(str(values.get("asset")), str(values.get("group"))) for values in rows]


def _group(
    draft: Draft,
    row: Row,
    suppliers: dict[tuple[str, str], list[tuple[Row, Supplier]]],
    places: dict[_Key, list[str]],
    shaken: set[tuple[str, str]],
) -> DependencyGroup | None:
    values, wrong = _read(draft, "groups", row)
    if wrong & {"asset", "name"}:
        draft.lose("groups", _texts(row))
        return None
    if row.loose or wrong & {"need", "k"}:
        shaken.add((str(values["asset"]), str(values["name"])))
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
    groups: list[DependencyGroup],
    there: set[str],
    lost: list[_Lost],
) -> list[DependencyGroup]:
    """Return the groups that only their suppliers name, where the mapping says what such groups are."""
    made: list[DependencyGroup] = []
    known = {(group.asset, group.name) for group in groups}
    alone: dict[tuple[str, str], list[tuple[Row, Supplier]]] = {}
    for key, rows in suppliers.items():
        pattern = draft.implied.get(rows[0][0].at.partition(":")[0])
        if key in known:
            continue
        if pattern is None:
            alone[key] = rows
            continue
        values, _ = _read(draft, "groups", _named(pattern, *key))
        values["suppliers"] = tuple(one for _, one in rows)
        made.append(msgspec.convert(values, DependencyGroup, from_attributes=True))
    place_of = {id(row): place for place, row in enumerate(draft.suppliers)} if alone else {}
    explained = without_groups(draft.lost.get("groups", []), groups, alone, there)
    for key, rows in alone.items():
        if key in explained:
            continue
        for row, one in rows:
            lost.append((_texts(row) - {one.asset}, _beside(draft, place_of[id(row)])))
            draft.wrong(
                row.at, "there is no such group", "a group that stands among the groups",
                asset=key[0], group=key[1], supplier=one.asset,
            )  # fmt: skip
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
