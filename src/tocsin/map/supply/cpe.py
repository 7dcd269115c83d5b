"""CPE 2.3 names as formatted strings, and whether one covers another. Pure.

Naming: NISTIR 7695 (§6.2 the formatted string, §5.3.2 wildcards: ``*`` for any run of characters, ``?`` for one or
none, at the ends of a value only). Matching: NISTIR 7696, table 6-2 of relations between attributes.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import msgspec

from tocsin.map.formats.fields import Wrong

__all__ = ["ANY", "EXPECTED", "Cpe", "covers", "has_wildcard", "is_cpe", "may_be", "require_cpe"]

ANY: Final = "*"
EXPECTED: Final = "a CPE 2.3 formatted string, as cpe:2.3:o:siemens:sm-1120_firmware:4.5:*:*:*:*:*:*:*"
_NOT_APPLICABLE: Final = "-"
_MOST_TEXT: Final = 2_000
_SHOWN: Final = 80
_COUNT: Final = 11
# A colon or any other mark within a value has a backslash before it.
_PARTS: Final = re.compile(r"(?:[^:\\]|\\.)*(?::|$)")
_MARK: Final = r"(?:[A-Za-z0-9._\-~]|[^\x00-\x7f]|\\[!-/:-@\[-`{-~])"
_VALUE: Final = re.compile(rf"(\*|\?*)({_MARK}*)(\*|\?*)")
_PART: Final = re.compile(r"[aho*\-]")
# These need no backslash, and mean the same with one.
_NEEDLESS: Final = re.compile(r"\\([._-])")


class Cpe(msgspec.Struct, frozen=True, kw_only=True):
    """The eleven attributes of a CPE 2.3 name, in small letters."""

    attributes: tuple[str, ...]


@functools.lru_cache(maxsize=65_536)
def require_cpe(text: str) -> Cpe:
    """Return the attributes of a CPE name. Raises ``Wrong``: it is none."""
    if len(text) > _MOST_TEXT:
        raise Wrong(f"has {len(text):,} characters", f"at most {_MOST_TEXT:,}")
    prefix, _, rest = text.partition("cpe:2.3:")
    values = [found.removesuffix(":") for found in _PARTS.findall(rest)]
    # the pattern finds an empty text at the end as well
    values = values[:-1] if len(values) == _COUNT + 1 and not values[-1] else values
    if prefix or len(values) != _COUNT or not _PART.fullmatch(values[0].lower()):
        raise Wrong(f"is {text[:_SHOWN]!r}", EXPECTED)
    for value in values:
        found = _VALUE.fullmatch(value)
        if value not in {ANY, _NOT_APPLICABLE} and (found is None or not found[2]):
            raise Wrong(f"has {value[:_SHOWN]!r}", f"{EXPECTED}; * and ? at the ends of a value only")
    return Cpe(attributes=tuple(_plain(value.lower()) for value in values))


def _plain(value: str) -> str:
    """Return a value without needless backslashes; a quoted hyphen alone is a name, and not what is not applicable."""
    return value if value == "\\-" else _NEEDLESS.sub(r"\1", value)


def is_cpe(text: str) -> bool:
    """Return whether a text means to be a CPE name, of whatever version of that specification."""
    return text.lower().startswith("cpe:")


def has_wildcard(value: str) -> bool:
    """Return whether an attribute may be several values."""
    found = _VALUE.fullmatch(value)
    return value == ANY or (found is not None and bool(found[1] or found[3]))


def covers(one: Cpe, other: Cpe) -> bool:
    """Return whether every product that the other name is of, the first is of, too: its superset, or equal."""
    return all(_covers(*pair) for pair in zip(one.attributes, other.attributes, strict=True))


def may_be(one: Cpe, other: Cpe) -> bool:
    """Return whether a product may be of both names: in each attribute one of them covers the other."""
    return all(
        _covers(left, right) or _covers(right, left)
        for left, right in zip(one.attributes, other.attributes, strict=True)
    )


def _covers(one: str, other: str) -> bool:
    if one in {ANY, other}:
        return True
    if _NOT_APPLICABLE in {one, other} or has_wildcard(other) or not has_wildcard(one):
        return False  # of two patterns that are not equal, the table says nothing
    return _pattern(one).fullmatch(other) is not None


@functools.lru_cache(maxsize=4_096)
def _pattern(value: str) -> re.Pattern[str]:
    """Return what a value with wildcards matches; a character with its backslash is one."""
    found = _VALUE.fullmatch(value)
    assert found is not None  # noqa: S101 -- it was taken apart so before

    def side(text: str) -> str:
        return rf"{_MARK}*" if text == ANY else rf"{_MARK}{{0,{len(text)}}}"

    return re.compile(side(found[1]) + re.escape(found[2]) + side(found[3]))
