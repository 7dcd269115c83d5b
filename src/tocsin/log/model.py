"""What the log records: the payload of an entry and its disclosure. Values and their bytes; nothing else."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import msgspec

from tocsin.errors import InputError, LimitError
from tocsin.log.commitment import SALT_BYTES

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "PAYLOAD_VERSION",
    "Disclosure",
    "EntryPayload",
    "decode_payload",
    "encode_payload",
]

PAYLOAD_VERSION = 1

# The largest act is a bundle whose every object is named in one payload: some hundred bytes for each of 10⁵ objects.
MAX_PAYLOAD_BYTES = 32 * 1024 * 1024

_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_KIND = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


class EntryPayload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act, told so fully that what it changed can be rebuilt from it.

    ``at`` is hub time, RFC 3339 with microseconds and ``Z``. ``actor`` did it; ``on_behalf_of`` is whom the actor stood
    in for. ``mandate`` proves that a privileged act was authorised. ``data`` belongs to ``kind`` and holds plain JSON
    values only: dict, list, str, int, finite float, bool, None.

    Raises:
        InputError: a value has not its form.

    """

    v: int = PAYLOAD_VERSION
    kind: str
    at: str
    environment: str
    actor: str
    on_behalf_of: str | None
    mandate: str | None
    data: dict[str, Any]

    def __post_init__(self) -> None:
        where = "log payload"
        if self.v != PAYLOAD_VERSION:
            raise InputError(f"a payload of version {self.v} cannot be made here", where=where)
        if not _KIND.fullmatch(self.kind):
            raise InputError(f"the kind {self.kind[:80]!r} is not a lower-case word with dots or hyphens", where=where)
        if not _is_instant(self.at):
            raise InputError(f"the time {self.at[:80]!r} is not like 2026-01-31T12:00:00.000000Z", where=where)
        if not self.environment or not self.actor:
            raise InputError("environment and actor are not empty", where=where)


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """What opens one entry: its index, its salt and the exact bytes of its payload.

    Raises:
        InputError: the index is negative or the salt has another length than 32 bytes.

    """

    index: int
    salt: bytes
    payload: bytes

    def __post_init__(self) -> None:
        if self.index < 0 or len(self.salt) != SALT_BYTES:
            raise InputError(f"an index is not negative, and a salt has {SALT_BYTES} bytes", where="disclosure")


class _Version(msgspec.Struct):
    """The one field that each version of a payload has."""

    v: int


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(EntryPayload)
_VERSION_DECODER = msgspec.json.Decoder(_Version)


def encode_payload(payload: EntryPayload) -> bytes:
    """The bytes of a payload: JSON without spaces, fields in their order, the names in ``data`` sorted.

    Raises:
        InputError: ``data`` holds what JSON does not keep (a tuple, a NaN, bytes, a date).
        LimitError: it is larger than a payload may be.

    """
    where = f"log payload {payload.kind}"
    try:
        data = _ENCODER.encode(payload)
        same = _DECODER.decode(data) == payload
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InputError(f"the data cannot be written as JSON: {error}", where=where) from error
    if not same:
        raise InputError("the data holds a value that JSON does not keep as it is", where=where)
    if len(data) > MAX_PAYLOAD_BYTES:
        raise LimitError(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {len(data)}", where=where)
    return data


def decode_payload(data: bytes, *, where: str = "log payload") -> EntryPayload:
    """Read a payload's bytes.

    Raises:
        InputError: it is not a payload, or of a version that is not known here, or names something twice.
        LimitError: it is larger than a payload may be.

    """
    if len(data) > MAX_PAYLOAD_BYTES:
        raise LimitError(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {len(data)}", where=where)
    try:
        _check_version(_VERSION_DECODER.decode(data).v)
        payload = _DECODER.decode(data)
        # What we wrote reads back to the same bytes. Anything else must still have one reading only (RFC 7493 §2.3).
        if _ENCODER.encode(payload) != data:
            json.loads(data, object_pairs_hook=_without_duplicates)
    except InputError as error:
        raise InputError(error.what, where=where, todo=error.todo) from error
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise InputError(f"this is not a log payload: {error}", where=where) from error
    return payload


def _check_version(version: int) -> None:
    if version != PAYLOAD_VERSION:
        raise InputError(
            f"payloads of version {version} are not known here, only version {PAYLOAD_VERSION}",
            todo="use a later release of tocsin",
        )


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names


def _is_instant(text: str) -> bool:
    if not _AT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
