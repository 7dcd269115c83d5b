"""The classification ceiling: what in a submission is marked above it, found before anything of it is stored. Pure.

Looks at the objects that are valid STIX and at those that are not, since a refusal is stored too. A marking that is
defined in the submission counts for whatever refers to it, even where its definition is refused, or contradicts another
of the same id: then the highest of them counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.markings import banner_of, classification_of, strictest
from tocsin.exchange.stix import ParsedBundle, ParsedObject
from tocsin.parties.model import CLEARANCES, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ABOVE_CEILING", "Screen", "above", "screen"]

MARKING_DEFINITION: Final = "marking-definition"
LOWEST: Final = CLEARANCES[0]

# Where people write, and where a banner would stand.
_TEXTS: Final = ("description", "name", "abstract", "content", "explanation")

# The same for every level and object: it is stored with the receipt, and must say nothing of what was refused.
ABOVE_CEILING: Final = InputError(
    "is marked above the classification that this hub may hold; nothing of it was kept",
    todo="handle it as a spillage: docs/spillage.md",
)


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission says of classifications: of its objects by index, and of the markings that it defines.

    The markings are by their ids in lower case.
    """

    objects: dict[int, str]
    markings: dict[str, str]


def screen(parsed: ParsedBundle, data: bytes) -> Screen:
    """Look through a submission; ``data`` is what it was parsed from."""
    levels: dict[int, str] = {}
    markings: dict[str, str] = {}
    raws = _raws(parsed, data)
    for index, item in enumerate(parsed.items):
        level = _of_object(item) if isinstance(item, ParsedObject) else _of_raw(raws.get(index))
        if level is not None:
            levels[index] = level
            if item.type == MARKING_DEFINITION and item.id is not None:
                # UUIDs are the same in either case (RFC 4122 §3): a reference may be written in the other
                own = item.id.lower()
                markings[own] = strictest((level, markings.get(own))) or level
    for index, raw in raws.items():
        referred = [markings.get(ref.lower()) for ref in _refs(raw)]
        level = strictest((levels.get(index), *referred))
        if level is not None:
            levels[index] = level
    return Screen(objects=levels, markings=markings)


def above(levels: Iterable[str | None], ceiling: str) -> bool:
    """Return whether one of these classifications is above a ceiling."""
    level = strictest(levels)
    return level is not None and clearance_rank(level) > clearance_rank(ceiling)


def _of_object(item: ParsedObject) -> str | None:
    obj: Any = item.obj
    if item.type == MARKING_DEFINITION:
        return classification_of(msgspec.json.decode(item.body))
    found = None
    for name in _TEXTS:
        text = getattr(obj, name, None)
        if text.__class__ is str:
            level = banner_of(text)
            if level is not None:
                found = strictest((found, level))
    return found


def _of_raw(raw: Mapping[str, object] | None) -> str | None:
    if raw is None:
        return None
    if raw.get("type") == MARKING_DEFINITION:
        return classification_of(raw)
    texts = (raw.get(name) for name in _TEXTS)
    return strictest(banner_of(text) for text in texts if isinstance(text, str))


def _raws(parsed: ParsedBundle, data: bytes) -> dict[int, dict[str, Any]]:
    """Return the objects that are no valid STIX, as they came: decoded once more, since the rest keeps none of them."""
    refused = [index for index, item in enumerate(parsed.items) if not isinstance(item, ParsedObject)]
    if not refused:
        return {}
    objects = msgspec.json.decode(data)["objects"]
    return {index: objects[index] for index in refused if isinstance(objects[index], dict)}


def _refs(raw: Mapping[str, Any]) -> list[str]:
    """Return the markings that an object refers to which may be malformed in any way."""
    whole, parts = raw.get("object_marking_refs"), raw.get("granular_markings")
    refs = list(whole) if isinstance(whole, list) else [whole]
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, dict):
            refs.append(part.get("marking_ref"))
    return [ref for ref in refs if isinstance(ref, str)]
