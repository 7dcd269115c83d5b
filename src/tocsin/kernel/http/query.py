"""The query of a URL as a value: each parameter is a field of a struct, whose type is also what the documents say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.http.shapes import bare, fault_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MAX_PARAMETERS", "read_query"]

# Ours are below twenty; a filter of 200 values repeats its name for each.
MAX_PARAMETERS: Final = 256

Q = TypeVar("Q", bound=msgspec.Struct)


def read_query(raw: bytes, shape: type[Q]) -> Q:
    """Read a query: a parameter of a list's type may be there several times, any other once.

    One that we do not know is refused: a misspelt filter that is passed over answers another question than was asked.

    Raises:
        InputError: it is not readable, or a parameter is unknown, repeated or not of its type.
    """
    fields = msgspec.inspect.type_info(shape).fields  # type: ignore[attr-defined]  # a struct's
    kinds = {field.encode_name: field.type for field in fields}
    lists = {name for name, kind in kinds.items() if isinstance(bare(kind), msgspec.inspect.ListType)}
    given: dict[str, str | list[str]] = {}
    for name, value in _pairs(raw):
        if name not in kinds:
            raise InputError("this address takes no such parameter", where=shown(name), todo=_known(kinds))
        if name in lists:
            several = given.setdefault(name, [])
            if isinstance(several, list):
                several.append(value)
        elif name in given:
            raise InputError("this parameter is there twice", where=name, todo="give it once")
        else:
            given[name] = value
    try:
        read = msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise fault_of(error, shape) from error
    for field in fields:
        # converted so, the word `null` is none of a type that may be missing: it would pass over what was asked for
        if field.encode_name in given and getattr(read, field.name) is None:
            raise InputError("this is not of its form", where=field.encode_name, todo="give a value, or leave it out")
    return read


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise InputError(
            "the query is not readable", where="query", todo="percent-encode UTF-8, and send fewer parameters"
        ) from error


def _known(names: Collection[str]) -> str:
    return f"use {', '.join(sorted(names))}" if names else "leave the query out"
