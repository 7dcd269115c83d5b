"""Where what a client sent parts from the type that it should have: told by field, with what to send. Pure.

msgspec says it in words of Python's types and of regular expressions, and quotes what was sent; an answer of ours names
the field, and says what may stand there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import inspect

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bare", "broken_json", "fault_of", "shown"]

# Of a name that a client made up: enough to find it again in what was sent.
SHOWN: Final = 80

_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_ELEMENT: Final = re.compile(r"\[(?:\d+|\.\.\.)\]")


def fault_of(error: msgspec.ValidationError, shape: type[msgspec.Struct]) -> InputError:
    """Return what is wrong with what should be of ``shape``: ``where`` is the field, as ``question.tlps[0]``."""
    said, _, rest = str(error).rpartition(" - at `$")
    if not said:
        said, rest = rest, ""
    place = shown(rest.removesuffix("`").removeprefix("."))
    kind = _found(inspect.type_info(shape), rest.removesuffix("`"))
    if (unknown := _UNKNOWN.fullmatch(said)) is not None:
        names = (field.encode_name for field in kind.fields) if isinstance(kind, inspect.StructType) else ()
        return InputError("there is no such field", where=_within(place, unknown[1]), todo=_use(names))
    if (missing := _MISSING.fullmatch(said)) is not None:
        field = _found(kind, f".{missing[1]}")
        return InputError("this field is missing", where=_within(place, missing[1]), todo=f"give {_words(field)}")
    what = "this is not of its form" if place else "the body is not of its form"
    return InputError(what, where=place or None, todo=f"give {_words(kind)}")


def broken_json(error: Exception) -> InputError:
    """Return what is wrong with a body that is no JSON at all."""
    byte = _BYTE.search(str(error))
    return InputError(
        "the body is no JSON" if byte else "the body is no JSON: it ends before it is complete",
        where=None if byte is None else f"byte {byte[1]}",
        todo="send one JSON document in UTF-8",
    )


def bare(kind: inspect.Type) -> inspect.Type:
    """Return a type without what the documents say of it, and without null."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        others = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(others) == 1:
            return bare(others[0])
    return kind


def shown(name: str) -> str:
    """Return a name that a client made up, short and in ASCII."""
    return ascii(name[:SHOWN])[1:-1]


def _found(kind: inspect.Type, path: str) -> inspect.Type:
    """Return the type at a path, as ``.question.tlps[0]``; as far as it can be followed."""
    kind = bare(kind)
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            rest = path.removeprefix(f".{field.encode_name}")
            if rest != path and rest[:1] in {"", ".", "["}:
                return _found(field.type, rest)
    if isinstance(kind, inspect.ListType) and (element := _ELEMENT.match(path)) is not None:
        return _found(kind.item_type, path[element.end() :])
    return kind


def _words(kind: inspect.Type) -> str:
    """Return what may stand in a place, in words."""
    match bare(kind):
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() as number:
            return f"a whole number{_span(number.ge, number.le)}"
        case inspect.StrType() as text:
            length = _counted(text.min_length, text.max_length, "characters")
            return f"text{length}{f', that fits {text.pattern}' if text.pattern else ''}"
        case inspect.EnumType() as choice:
            return f"one of {', '.join(str(one.value) for one in choice.cls)}"
        case inspect.LiteralType() as choice:
            return f"one of {', '.join(str(one) for one in choice.values)}"
        case inspect.ListType() as several:
            length = _counted(several.min_length, several.max_length, "values")
            return f"a list{length}, each {_words(several.item_type)}"
        case inspect.StructType() as fields:
            return f"an object with {', '.join(field.encode_name for field in fields.fields)}"
        case inspect.DictType():
            return "an object"
        case _:
            return "what the documents of this address say"


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    if high is not None:
        return f" of at most {high:,}"
    return "" if low is None else f" of at least {low:,}"


def _counted(low: int | None, high: int | None, things: str) -> str:
    if low is not None and high is not None:
        return f" of {low:,} to {high:,} {things}"
    span = _span(low, high)
    return f"{span} {things}" if span else ""


def _within(place: str, name: str) -> str:
    return f"{place}.{shown(name)}" if place else shown(name)


def _use(names: Iterable[str]) -> str:
    known = ", ".join(sorted(names))
    return f"use {known}" if known else "leave it out"
