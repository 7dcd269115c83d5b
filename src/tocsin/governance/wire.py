"""Bytes and values: what is signed, and how bodies and motions stand in rows and in the log's payloads.

A ballot or recusal is signed by whoever cast it with their own key or keys, over a domain, a line feed and an RFC 8785
form, as agreements are. No key ever reaches the hub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tocsin.errors import InputError
from tocsin.governance.model.motions import motion_digest
from tocsin.kernel.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.governance.model.motions import Motion
    from tocsin.kernel.canonical import Json

__all__ = ["as_data", "ballot_bytes", "from_data", "recusal_bytes"]

# Nothing else that a signatory's key signs begins with one of these lines.
BALLOT: Final = b"tocsin/ballot/v1\n"
RECUSAL: Final = b"tocsin/recusal/v1\n"

_T = TypeVar("_T")


def as_data(value: msgspec.Struct) -> dict[str, Any]:
    """Return a value as plain JSON, for a row or a payload."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return data


def from_data(data: Mapping[str, Any], kind: type[_T]) -> _T:
    """Read a value back.

    Raises:
        InputError: it has not exactly the fields of its kind, or breaks a rule of it.
    """
    try:
        return msgspec.convert(dict(data), kind, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(f"its data has not the form of its kind: {error}") from error


def ballot_bytes(motion: Motion, *, seat: str, voter: str, choice: str, number: int, reasons: str) -> bytes:
    """Return what a voter signs: the open motion whole (by its digest), and the vote."""
    form: dict[str, Json] = {
        "motion": motion.uuid,
        "digest": motion_digest(motion).hex(),
        "seat": seat,
        "voter": voter,
        "choice": str(choice),
        "number": number,
        "reasons": reasons,
    }
    return BALLOT + canonical_json(form)


def recusal_bytes(motion: Motion, *, seat: str, by: str, voter: str, reasons: str) -> bytes:
    """Return what is signed by who declares or demands that a seat take no part in a motion."""
    form: dict[str, Json] = {
        "motion": motion.uuid,
        "digest": motion_digest(motion).hex(),
        "seat": seat,
        "by": by,
        "voter": voter,
        "reasons": reasons,
    }
    return RECUSAL + canonical_json(form)
