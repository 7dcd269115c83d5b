"""Notices of recalls as STIX 2.1: a Note about the objects, with an extension that programs act upon. Pure.

A Note, because every client keeps it with the objects that it is about and shows its text to a person; a type of our
own would be dropped by most. ``revoked`` would say that an object is no longer valid, which is another statement.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.exchange.recall.model import RECALLS, Demand
from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.exchange.recall.model import Named
    from tocsin.kernel.clock import Micros

__all__ = ["NOTE_OBJECTS", "NOTICE_EXTENSION", "notes"]

# The extension-definition is in docs/recall.md.
NOTICE_EXTENSION: Final = "extension-definition--a9571b9e-0580-4f30-8e1e-a1bf6f6a8c65"
# Objects of one note: some of them for one notice where it is about more.
NOTE_OBJECTS: Final = 500

_NAMESPACE: Final = uuid.UUID("43210223-013c-418a-8cb6-a5ba1a1a3527")
# TLP 2.0 in STIX 2.1: AMBER+STRICT, and RED for what went to individuals.
_STRICT: Final = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
_RED: Final = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
_ASKS: Final = {
    Demand.STOP_USING: "Stop using what this note is about",
    Demand.DESTROY: "Destroy what this note is about",
}


def notes(
    *, notice: str, demand: Demand, due: Micros, reason: str, at: Micros, objects: Sequence[Named], red: bool
) -> list[bytes]:
    """Return the notes of one notice: the same for the same arguments, and none that another notice could have.

    They name the objects that this recipient received, what it is to do, by when and why; nobody else, and no number
    that counts anything but these objects.
    """
    parts = [objects[start : start + NOTE_OBJECTS] for start in range(0, len(objects), NOTE_OBJECTS)]
    return [
        _note(
            notice=notice,
            part=number,
            parts=len(parts),
            demand=demand,
            due=due,
            reason=reason,
            at=at,
            named=part,
            red=red,
        )
        for number, part in enumerate(parts, start=1)
    ]


def _note(
    *,
    notice: str,
    part: int,
    parts: int,
    demand: Demand,
    due: Micros,
    reason: str,
    at: Micros,
    named: Sequence[Named],
    red: bool,
) -> bytes:
    by = format_instant(due)
    document = {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{uuid.uuid5(_NAMESPACE, f'{notice}/{part}')}",
        "created": format_instant(at),
        "modified": format_instant(at),
        "abstract": f"Recall: {demand} by {by}",
        "content": f"{_ASKS[demand]} by {by}, and attest it under notice {notice}. Reason: {reason}",
        "labels": [RECALLS],
        "object_refs": sorted({one.id for one in named}),
        "object_marking_refs": [_RED if red else _STRICT],
        "extensions": {
            NOTICE_EXTENSION: {
                "extension_type": "property-extension",
                "notice": notice,
                "part": part,
                "parts": parts,
                "demand": str(demand),
                "due": by,
                "reason": reason,
                "objects": [{"id": one.id, "version": format_instant(one.version)} for one in named],
            }
        },
    }
    return msgspec.json.encode(document)
