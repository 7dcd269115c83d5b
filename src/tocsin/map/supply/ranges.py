"""Ranges of versions as VERS writes them (``vers:npm/>=1.0.0|<2.0.0``), and whether a version is in one. Pure.

VERS: the standard of the package-url community (clause 5, and its rules of validation). A range is a sequence of
constraints in the order of their versions, which are compared by the rules of its type (``versions``): where these
cannot be, nobody can say.
"""

from __future__ import annotations

import itertools
import re
from typing import Final
from urllib.parse import unquote

import msgspec

from tocsin.map.formats.fields import Wrong
from tocsin.map.supply.versions import compared

__all__ = ["MOST_CONSTRAINTS", "Range", "contains", "is_range", "require_range"]

# Of one range. A branch that is mended in each of its releases has some dozen.
MOST_CONSTRAINTS: Final = 500
_MOST_TEXT: Final = 20_000
_SHOWN: Final = 80
_EXPECTED: Final = "a range as vers:npm/>=1.0.0|<2.0.0"
_TYPE: Final = re.compile(r"[a-z][a-z0-9.-]*")
# Printable ASCII but for the marks that are VERS's own, which a version has percent-encoded (5.3.3.2).
_CONSTRAINT: Final = re.compile(r"(!=|<=|>=|<|>|)((?:[\x22-\x24&-)+-;?-{}~]|%[0-9A-Fa-f]{2}){1,200})")


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Constraints, each a comparator (``""``: equal) and a version, in order; none: every version.

    ``type``: by whose rules versions are compared; ``none`` holds no version.
    """

    type: str
    constraints: tuple[tuple[str, str], ...]


def is_range(text: str) -> bool:
    """Return whether a text means to be a range."""
    return text[:5].lower() == "vers:"


def require_range(text: str) -> Range:
    """Return a range, taken apart. Raises ``Wrong``: it is none, or not a valid one as far as its order is known."""
    if len(text) > _MOST_TEXT:
        raise Wrong(f"has {len(text):,} characters", f"at most {_MOST_TEXT:,}")
    scheme, _, rest = text.partition(":")
    type_, slash, told = rest.partition("/")
    type_ = type_.lower()
    if scheme.lower() != "vers" or not _TYPE.fullmatch(type_) or type_ == "invalid" or not slash:
        raise Wrong(f"is {text[:_SHOWN]!r}", _EXPECTED)
    if told == "*":
        return Range(type=type_, constraints=())
    if type_ in {"all", "none"}:
        raise Wrong(f"is {text[:_SHOWN]!r}", f"vers:{type_}/* and nothing else")
    found = [_CONSTRAINT.fullmatch(one) for one in told.split("|")]
    if len(found) > MOST_CONSTRAINTS:
        raise Wrong(f"has {len(found):,} constraints", f"at most {MOST_CONSTRAINTS:,}")
    constraints = tuple(
        (one[1], unquote(one[2], errors="strict")) for one in found if one is not None and _is_text(one[2])
    )
    if len(constraints) != len(found):
        raise Wrong(f"is {text[:_SHOWN]!r}", _EXPECTED)
    for (_, one), (_, other) in itertools.pairwise(constraints):
        if compared(type_, one, other) in {0, 1}:
            raise Wrong(f"has {other[:_SHOWN]!r} behind {one[:_SHOWN]!r}", "each version once, in their order")
    _require_sequence([comparator for comparator, _ in constraints if comparator != "!="])
    return Range(type=type_, constraints=constraints)


def _is_text(encoded: str) -> bool:
    try:
        return unquote(encoded, errors="strict").isprintable()
    except UnicodeDecodeError:
        return False


def _require_sequence(comparators: list[str]) -> None:
    """Refuse what bounds nothing (5.4): behind an equal one nothing ends; what begins, ends before it begins anew."""
    for one, other in itertools.pairwise(comparators):
        if one == "" and other.startswith("<"):
            raise Wrong(f"has a {other!r} behind a version alone", _EXPECTED)
    bounds = [one for one in comparators if one]
    for one, other in itertools.pairwise(bounds):
        if one[0] == other[0]:
            raise Wrong(f"has a {other!r} behind a {one!r}", "in turn what begins and what ends")


def contains(range_: Range, version: str) -> bool | None:
    """Return whether a version is in a range; None where its type's rules do not say, or are not read here."""
    if not range_.constraints:
        return range_.type != "none"
    places = [compared(range_.type, version, one) for _, one in range_.constraints]
    comparators = [comparator for comparator, _ in range_.constraints]
    # in the order of the constraints a version is behind some, at one, before the others: else that order is none
    if None in places or places != sorted(places, key=lambda one: -(one or 0)):
        return None
    if 0 in places:
        return comparators[places.index(0)] in {"", "<=", ">="}
    bounds = [(one, place) for one, place in zip(comparators, places, strict=True) if one[:1] in {"<", ">"}]
    if not bounds:
        return all(comparators)  # nothing but what is not in it
    below = [comparator for comparator, place in bounds if place == 1]
    return below[-1].startswith(">") if below else bounds[0][0].startswith("<")
