"""From one kind of marking to another, with what is lost on the way. Pure.

No conversion widens by itself: where the other kind has no level that allows as little, the caller has to say that it
accepts a wider one.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.errors import InputError

__all__ = ["LEVELS", "Change", "Converted", "Kind", "convert"]


class Kind(enum.StrEnum):
    """Kinds of markings with levels. IEP has two: what may be passed on, and what may be done."""

    TLP1 = "tlp1"
    TLP2 = "tlp2"
    IEP_TLP = "iep-tlp"
    PAP = "pap"
    IEP_ACTIONS = "iep-actions"


class Change(enum.StrEnum):
    """What a conversion does to how much is allowed."""

    SAME = "same"
    NARROWER = "narrower"
    WIDER = "wider"


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """A level in another kind, and in what it differs; ``loss`` is None where nothing is lost."""

    kind: Kind
    level: str
    change: Change
    loss: str | None = None


LEVELS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.TLP1: ("white", "green", "amber", "red"),
    Kind.TLP2: ("clear", "green", "amber", "amber+strict", "red"),
    Kind.IEP_TLP: ("white", "green", "amber", "red"),
    Kind.PAP: ("clear", "green", "amber", "red"),
    Kind.IEP_ACTIONS: (
        "externally-visible-direct-actions",
        "externally-visible-indirect-actions",
        "internally-visible-actions",
        "contact-for-instruction",
        "none",
    ),
}
"""The levels of each kind, widest first."""

_Row = tuple[str, Change, str | None]
_ONE_TO_TWO: Final[dict[str, _Row]] = {
    "white": ("clear", Change.SAME, None),
    "green": ("green", Change.SAME, None),
    "amber": ("amber", Change.SAME, None),
    "red": ("red", Change.SAME, None),
}
_TWO_TO_ONE: Final[dict[str, _Row]] = {
    "clear": ("white", Change.SAME, None),
    "green": ("green", Change.SAME, None),
    "amber": ("amber", Change.SAME, None),
    "amber+strict": ("amber", Change.WIDER, "a recipient may pass AMBER on to its clients, AMBER+STRICT not"),
    "red": ("red", Change.SAME, None),
}
_SAME_TLP: Final[dict[str, _Row]] = {level: (level, Change.SAME, None) for level in LEVELS[Kind.TLP1]}
_PAP_TO_IEP: Final[dict[str, _Row]] = {
    "clear": ("externally-visible-direct-actions", Change.SAME, None),
    "green": (
        "externally-visible-indirect-actions",
        Change.NARROWER,
        "PAP:GREEN allows active use; indirect actions do not touch what is pointed at",
    ),
    "amber": ("externally-visible-indirect-actions", Change.SAME, None),
    "red": ("none", Change.NARROWER, "PAP:RED allows a look into one's own logs; 'none' allows no action at all"),
}
_IEP_TO_PAP: Final[dict[str, _Row]] = {
    "externally-visible-direct-actions": ("clear", Change.SAME, None),
    "externally-visible-indirect-actions": ("amber", Change.SAME, None),
    "internally-visible-actions": (
        "red",
        Change.NARROWER,
        "internally visible actions may change one's own systems; PAP:RED only looks into logs",
    ),
    "contact-for-instruction": ("red", Change.WIDER, "PAP has no 'ask first': PAP:RED allows a look into logs at once"),
    "none": ("red", Change.WIDER, "PAP has no 'no action': PAP:RED allows a look into logs"),
}
_TABLES: Final[dict[tuple[Kind, Kind], dict[str, _Row]]] = {
    (Kind.TLP1, Kind.TLP2): _ONE_TO_TWO,
    (Kind.IEP_TLP, Kind.TLP2): _ONE_TO_TWO,
    (Kind.TLP2, Kind.TLP1): _TWO_TO_ONE,
    (Kind.TLP2, Kind.IEP_TLP): _TWO_TO_ONE,
    (Kind.TLP1, Kind.IEP_TLP): _SAME_TLP,
    (Kind.IEP_TLP, Kind.TLP1): _SAME_TLP,
    (Kind.PAP, Kind.IEP_ACTIONS): _PAP_TO_IEP,
    (Kind.IEP_ACTIONS, Kind.PAP): _IEP_TO_PAP,
}


def convert(level: str, source: Kind, target: Kind, *, widen: bool = False) -> Converted:
    """Return a level of one kind as one of another.

    Args:
        level: as the kind writes it, in any case; a leading ``TLP:`` or ``PAP:`` may stand there.
        source: the kind it is of.
        target: the kind that is wanted.
        widen: whether a level that allows more will do, where there is no other.

    Raises:
        InputError: there is no such level; the kinds say different things; or it would widen.
    """
    asked = level.strip().lower()
    for prefix in ("tlp:", "pap:"):
        asked = asked.removeprefix(prefix)
    if asked not in LEVELS[source]:
        raise InputError(f"{level[:40]!r} is no level of {source}", todo=f"use one of {', '.join(LEVELS[source])}")
    if source is target:
        return Converted(kind=target, level=asked, change=Change.SAME)
    table = _TABLES.get((source, target))
    if table is None:
        raise InputError(
            f"{source} and {target} say different things: who may have it, and what they may do with it",
            todo="mark with both",
        )
    found, change, loss = table[asked]
    if change is Change.WIDER and not widen:
        raise InputError(f"{target} has no level as narrow: {loss}", todo="ask its source, or say that wider will do")
    return Converted(kind=target, level=found, change=change, loss=loss)
