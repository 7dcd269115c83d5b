"""What a URL asks for: ``limit``, ``next``, ``added_after`` and ``match[…]`` (§3.4), read into a query. Pure.

A field may stand in a request once (§3.4), and each endpoint names the fields that it knows. A ``match`` that we do not
know is refused: ignoring it would answer another question, with more objects than were asked for. Any other parameter
is none of ours, and is passed over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.model import MAX_PAGE, Query, VersionChoice
from tocsin.kernel.clock import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tocsin.kernel.clock import Micros

__all__ = ["DELETE", "MANIFEST", "MAX_ID", "OBJECT", "OBJECTS", "VERSIONS", "Ask", "is_object_id", "read_filters"]

# No more parameters than this are looked at: ours are seven.
MAX_PARAMETERS: Final = 64
# STIX 2.1 §2.9, §3.3: a type has at most 250 characters, and an id adds `--` and a UUID of 36.
MAX_ID: Final = 288
# The largest instant whose number of microseconds every JSON reader holds (RFC 7493 §2.2); it is in the year 2255, and
# nothing was added after it, nor before 1970.
LAST_INSTANT: Final = 2**53 - 1

_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
_SPEC_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}", re.ASCII)

_PAGING: Final = frozenset({"added_after", "limit", "next"})
_NARROWING: Final = frozenset({"added_after", "next", "match[type]", "match[version]", "match[spec_version]"})
OBJECTS: Final = _PAGING | {"match[id]", "match[type]", "match[version]", "match[spec_version]"}  # §5.4
MANIFEST: Final = OBJECTS  # §5.3
# §5.6 names two; §3.1 shows a type on one object as its example, and it narrows as everywhere
OBJECT: Final = _PAGING | {"match[type]", "match[version]", "match[spec_version]"}
VERSIONS: Final = _PAGING | {"match[spec_version]"}  # §5.8
DELETE: Final = frozenset({"match[version]", "match[spec_version]"})  # §5.7


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for. ``narrows``: it asks for less than everything under its address."""

    query: Query
    limit: int = MAX_PAGE
    cursor: str | None = None
    narrows: bool = False


def read_filters(
    raw: bytes, known: Collection[str], *, object_id: str | None = None, versions: VersionChoice = VersionChoice.LAST
) -> Ask:
    """Read the query of a URL.

    ``known`` are the parameters of the endpoint; ``object_id`` is the object that its path names; ``versions`` is what
    it gives when no version is asked for.

    Raises:
        InputError: a parameter is there twice, has no value, or one that is not of its form.
    """
    given = _parameters(raw, known)
    added_after = _instant(given["added_after"], "added_after") if "added_after" in given else None
    chosen = _versions(given) or frozenset({versions})
    query = Query(
        ids=frozenset({object_id}) if object_id is not None else _set(given, "match[id]", _word),
        types=_set(given, "match[type]", _word),
        versions=chosen,
        spec_versions=_set(given, "match[spec_version]", _spec_version),
        added_after=None if added_after is None else min(max(added_after, 0), LAST_INSTANT),
    )
    return Ask(
        query=query,
        limit=_limit(given["limit"]) if "limit" in given else MAX_PAGE,
        cursor=given.get("next"),
        narrows=not given.keys().isdisjoint(_NARROWING),
    )


def is_object_id(text: str) -> bool:
    """Return whether a text could be an object's id at all."""
    return len(text) <= MAX_ID and _VISIBLE.fullmatch(text) is not None


def _parameters(raw: bytes, known: Collection[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise InputError(
            "the query is not readable", where="query", todo="percent-encode UTF-8, and send fewer parameters"
        ) from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            if name.startswith("match"):
                raise InputError(
                    f"this address takes no filter {_shown(name)}",
                    where=_shown(name),
                    todo=f"use {', '.join(sorted(one for one in known if one.startswith('match')))}",
                )
            continue
        if name in given:
            raise InputError("this parameter is there twice", where=name, todo="put a comma between several values")
        if not value:
            raise InputError("this parameter has no value", where=name, todo="give it one, or leave it out")
        given[name] = value
    return given


def _values(given: dict[str, str], name: str) -> list[str]:
    # spaces around a comma are no part of any value of ours, and clients write them
    values = [value.strip(" ") for value in given[name].split(",")] if name in given else []
    if not all(values):
        raise InputError("a value of this filter is empty", where=name, todo="put one comma between two values")
    return values


def _set(given: dict[str, str], name: str, read: Callable[[str, str], str]) -> frozenset[str] | None:
    return frozenset(read(value, name) for value in _values(given, name)) or None


def _word(value: str, where: str) -> str:
    if not is_object_id(value):
        raise InputError(f"{_shown(value)} is no value of this filter", where=where, todo="write it as STIX does")
    return value


def _spec_version(value: str, where: str) -> str:
    if _SPEC_VERSION.fullmatch(value) is None:
        raise InputError(f"{_shown(value)} is no version of STIX", where=where, todo="write it like 2.1")
    return value


def _versions(given: dict[str, str]) -> frozenset[VersionChoice | Micros]:
    """Read the versions asked for: each once, and ``all`` alone (§3.4.1)."""
    values = _values(given, "match[version]")
    chosen = frozenset(_version(value) for value in values)
    if len(chosen) < len(values):
        raise InputError("a version is there twice", where="match[version]", todo="name each once")
    if VersionChoice.ALL in chosen and len(chosen) > 1:
        raise InputError("all versions, and another", where="match[version]", todo="write all alone")
    return chosen


def _version(value: str) -> VersionChoice | Micros:
    if value in tuple(VersionChoice):
        return VersionChoice(value)
    try:
        return parse_instant(value)
    except InputError as error:
        raise InputError(
            f"{_shown(value)} is no version",
            where="match[version]",
            todo="write first, last, all, or a date-time like 2026-01-31T12:00:00.000Z",
        ) from error


def _instant(value: str, where: str) -> Micros:
    try:
        return parse_instant(value)
    except InputError as error:
        raise InputError(
            f"{_shown(value)} is no date-time", where=where, todo="write it like 2026-01-31T12:00:00.000000Z"
        ) from error


def _limit(value: str) -> int:
    if _NUMBER.fullmatch(value) is None or not value.strip("0"):
        raise InputError(f"{_shown(value)} is no number of objects", where="limit", todo="ask for 1 or more")
    # §3.4: a server may give less than was asked for; a number of many digits need not be read to be capped
    return MAX_PAGE if len(value.lstrip("0")) > len(str(MAX_PAGE)) else min(int(value), MAX_PAGE)


def _shown(text: str) -> str:
    return repr(text[:80])
