"""Rules of a mapping file that join what stands in different files: the nearest of one kind supplies another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.fields import Wrong, number_of
from tocsin.map.formats.places import kilometres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.formats.recipe import FileRecipe, Nearest

__all__ = ["apply_nearest", "put_links"]

_BOTH_ENDS = "a link needs both its ends"


def put_links(draft: Draft, rows: list[Row], recipe: FileRecipe) -> None:
    """Put links into the draft: assets that need both their ends, in the middle between them."""
    places = {str(row.values.get("id")): row.values for row in draft.assets}
    for row in rows:
        values = {name: value for name, value in row.values.items() if name not in {"from", "to"}}
        ends = [str(row.values.get(end, "")) for end in ("from", "to")]
        found = [_place(places[end]) for end in ends if end in places]
        known = [one for one in found if one is not None]
        if len(known) == len(ends) and "longitude" not in values:
            values["longitude"], values["latitude"] = ((a + b) / 2 for a, b in zip(*known, strict=True))
        draft.assets.append(Row(at=row.at, values=values))
        whose = values.get("id")
        if str(whose) in places:
            continue  # told as an asset that stands twice; what it needs stands with the first
        places[str(whose)] = values
        group = {"name": "ends", "need": "count", "k": len(set(ends)), **(recipe.groups or {}), "asset": whose}
        draft.groups.append(Row(at=row.at, values=group))
        for end in dict.fromkeys(ends):
            edge = {"asset": whose, "group": group["name"], "supplier": end}
            draft.suppliers.append(Row(at=row.at, values={**edge, "provenance": "derived", "basis": _BOTH_ENDS}))


def _place(values: Mapping[str, object]) -> tuple[float, float] | None:
    try:
        return number_of(values["longitude"]), number_of(values["latitude"])
    except (KeyError, Wrong):
        return None  # none, or none that can be read: told where the asset is built


def apply_nearest(draft: Draft, rule: Nearest, where: str) -> None:
    """Give each asset that the rule is about the nearest supplier within its distance; none in reach is a note."""
    able = [
        (place, str(row.values["id"]))
        for row in draft.assets
        if _is(row, rule.suppliers) and (place := _place(row.values)) is not None and "id" in row.values
    ]
    alone: list[str] = []
    name = str(rule.group.get("name", rule.name))
    for row in [row for row in draft.assets if _is(row, rule.assets)]:
        place, own = _place(row.values), str(row.values.get("id", ""))
        reach = [] if place is None else [(kilometres(place, at), id_) for at, id_ in able if id_ != own]
        if not reach or min(reach)[0] > rule.within_km:
            alone.append(own)
            continue
        away, nearest = min(reach)
        at = f"{where}: rule {rule.name}"
        draft.groups.append(Row(at=at, values={"need": "count", "k": 1, **rule.group, "name": name, "asset": own}))
        basis = f"{rule.name}: the nearest of its kind, {away:.1f} km away"
        edge = {"asset": own, "group": name, "supplier": nearest}
        draft.suppliers.append(Row(at=at, values={"provenance": "derived", "basis": basis, **rule.supplier, **edge}))
    if alone:
        shown = ", ".join(alone[:5]) + (f" and {len(alone) - 5:,} more" if len(alone) > 5 else "")  # noqa: PLR2004
        draft.notes.append(f"rule {rule.name}: nothing within {rule.within_km:g} km of {shown}")


def _is(row: Row, wanted: Mapping[str, str]) -> bool:
    return bool(wanted) and all(row.values.get(name) == value for name, value in wanted.items())
