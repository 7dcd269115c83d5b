"""STIX timestamps (STIX 2.1 §2.16): checked, and as microseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["later", "micros"]

_SHAPE = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WHOLE = len("2020-01-01T00:00:00.000000Z")
_CACHED_LENGTH = 40
"""Longer ones are legal but not worth remembering: the cache holds its keys, so their size has to be bounded."""


def micros(text: str) -> int:
    """Give the microseconds since 1970-01-01T00:00:00Z of an RFC 3339 timestamp that ends in `Z`.

    More than six digits of a second are cut off. A leap second counts as the second after it.

    Raises:
        ValueError: it is no timestamp in the sense of STIX 2.1 §2.16, or the day does not exist.
    """
    return _cached(text) if len(text) <= _CACHED_LENGTH else _micros(text)


def _micros(text: str) -> int:
    if _SHAPE.fullmatch(text) is None:
        raise ValueError(text)
    if text[17:19] == "60":
        # RFC 3339 §5.7: a leap second ends a UTC month; datetime knows none.
        if text[11:16] != "23:59":
            raise ValueError(text)
        if text[:10] == "9999-12-31":
            raise ValueError(text)  # the second after it has no name
        return _micros(f"{text[:17]}59{text[19:]}") + 1_000_000
    exact = text if len(text) <= _WHOLE else text[: _WHOLE - 1] + "Z"
    return (datetime.fromisoformat(exact) - _EPOCH) // _MICROSECOND


_cached = lru_cache(maxsize=4096)(_micros)


def later(first: str, second: str) -> bool:
    """Whether `first` is after `second`, to the last digit that they carry. Both are valid timestamps."""
    if len(first) == len(second):
        # Of one length, they are written alike, and texts sort as instants do; so does a leap second's 60.
        return first > second
    a, b = micros(first), micros(second)
    if a != b or (len(first) <= _WHOLE and len(second) <= _WHOLE):
        return a > b
    return _digits(first) > _digits(second)


def _digits(text: str) -> str:
    return text[20:-1].rstrip("0")
