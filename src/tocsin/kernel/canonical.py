"""One form of a value as bytes: RFC 8785, and digests of it that no other kind of thing can share."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import rfc8785

from tocsin.errors import InputError

__all__ = ["Json", "canonical_json", "digest"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def canonical_json(value: Json) -> bytes:
    """Return the RFC 8785 form of a JSON value.

    Raises:
        InputError: the value has no such form (NaN, an integer beyond 2**53 - 1, a lone surrogate).
    """
    try:
        return bytes(rfc8785.dumps(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise InputError(f"this value has no canonical JSON form: {error}") from error


def digest(domain: str, value: Json) -> bytes:
    """Return the SHA-256 of a value's RFC 8785 form, separated by ``domain`` from every other kind of thing."""
    return hashlib.sha256(domain.encode() + b"\n" + canonical_json(value)).digest()
