"""What objects of ours have in common, whatever they say: the frame around it, made and read. Pure."""

from __future__ import annotations

import enum
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec import structs

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.kernel.canonical import Json

__all__ = ["FRAME", "Frame", "framed", "plain", "read_framed", "require_id"]

_Said = TypeVar("_Said")

FRAME: Final = frozenset(
    {"type", "spec_version", "id", "created", "modified", "created_by_ref", "object_marking_refs", "extensions"}
)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of every object beside its type."""

    id: str
    modified: str
    revoked: bool = False
    retired: bool = False

    @property
    def gone(self) -> bool:
        """Whether this says: no more."""
        return self.retired or self.revoked


# --- made ------------------------------------------------------------------------------------------------------------


def framed(
    type_: str, id_: str, content: Mapping[str, Json], *, extension: str, at: str, tlp: str | None
) -> dict[str, Json]:
    """Return a new object of a type that this extension brings; ``tlp``: the id of its marking-definition."""
    told: dict[str, Json] = {"type": str(type_), "spec_version": "2.1", "id": id_, "created": at, "modified": at}
    if tlp is not None:
        told["object_marking_refs"] = [tlp]
    return told | dict(content) | {"extensions": {extension: {"extension_type": "new-sdo"}}}


def plain(value: msgspec.Struct, without: set[str] | frozenset[str] = frozenset()) -> dict[str, Json]:
    """Return what a value says beyond its defaults: STIX knows no null and no empty list (§2.1, §2.12)."""
    tag: dict[str, Json] = {}
    config = value.__struct_config__
    if config.tag is not None and config.tag_field is not None:
        tag[config.tag_field] = config.tag
    said = {
        field.name: _told(getattr(value, field.name))
        for field in _fields(type(value))
        if field.name not in without and getattr(value, field.name) != field.default
    }
    return tag | said


@cache
def _fields(of: type[msgspec.Struct]) -> tuple[structs.FieldInfo, ...]:
    return structs.fields(of)  # each call evaluates the annotations anew


def _told(value: object) -> Json:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return [_told(one) for one in value]
    return str(value) if isinstance(value, enum.Enum) else value  # type: ignore[return-value]


# --- read ------------------------------------------------------------------------------------------------------------


def read_framed(body: bytes, read: Callable[[bytes], _Said], *, most: int, what: str) -> _Said:
    """Return what ``read`` makes of an object's body; ``what``: what it is larger than, above ``most`` bytes.

    Raises:
        InputError: it is too large, no JSON, or of other types than it must be; and as ``read``.
    """
    if len(body) > most:
        raise InputError(f"the object is larger than {what}", todo=f"{most:,} bytes at most")
    try:
        return read(body)
    except msgspec.ValidationError as error:
        raise InputError(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("it is no JSON") from error


def require_id(read: Frame, expected: str) -> None:
    """Raise ``InputError`` for an object under another id than follows from what it is about and whose word it is."""
    if read.id != expected:
        raise InputError("its id is not that of this party's word on what it is about", where="id")
