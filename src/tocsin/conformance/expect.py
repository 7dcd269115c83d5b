"""What cases hold answers to. Each raises FailedError with what was asked and what came instead."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tocsin.conformance.client import TAXII, Answer
from tocsin.conformance.model import FailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "after",
    "error",
    "ids",
    "instant",
    "is_list",
    "is_timestamp",
    "is_uuid",
    "no_crash",
    "page",
    "same",
    "status",
    "taxii_type",
    "that",
    "versions",
]

_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)  # §2
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_TYPE: Final = re.compile(r'application/taxii\+json\s*;\s*version\s*=\s*"?2\.1"?(?:\s*;.*)?', re.ASCII | re.IGNORECASE)
_SERVER_ERROR: Final = 500


def that(fact: object, otherwise: str) -> None:
    """Hold that something is so."""
    if not fact:
        raise FailedError(otherwise)


def same(found: object, expected: object, what: str) -> None:
    """Hold that two values are equal."""
    if found != expected:
        raise FailedError(f"{what}: {_short(found)} instead of {_short(expected)}")


def status(answer: Answer, *codes: int) -> None:
    """Hold that an answer has one of these statuses."""
    wanted = " or ".join(str(code) for code in codes)
    that(answer.status in codes, f"{answer.asked}: {answer.status} instead of {wanted}")


def no_crash(answer: Answer) -> None:
    """Hold that an answer is no defect of the server's."""
    that(answer.status < _SERVER_ERROR, f"{answer.asked}: {answer.status}")


def taxii_type(answer: Answer) -> None:
    """Hold that an answer is of the TAXII media type, with its version (§3.1)."""
    found = answer.header("content-type")
    that(found is not None and _TYPE.fullmatch(found), f"{answer.asked}: Content-Type is {found!r}, not {TAXII}")


def page(answer: Answer) -> dict[str, Any]:
    """Hold that an answer is 200, and return its resource."""
    status(answer, 200)
    return answer.json()


def error(answer: Answer, *codes: int) -> dict[str, Any]:
    """Hold that an answer is an error of one of these statuses with an error message (§3.6.1), and return it."""
    status(answer, *codes)
    taxii_type(answer)
    found = answer.json()
    that(isinstance(found.get("title"), str) and found["title"], f"{answer.asked}: the error message has no title")
    if "http_status" in found:
        same(found["http_status"], str(answer.status), f"{answer.asked}: http_status")
    return found


def ids(resource: dict[str, Any]) -> list[str]:
    """Return the ids of an envelope's or a manifest's objects."""
    found = resource.get("objects", [])
    that(isinstance(found, list), "objects is no list")
    for one in found:
        that(isinstance(one, dict) and isinstance(one.get("id"), str), f"an object without an id: {_short(one)}")
    return [one["id"] for one in found]


def versions(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Return id and version of an envelope's objects, in their order."""
    ids(resource)
    return [(one["id"], str(one.get("modified") or one.get("created") or "")) for one in resource.get("objects", [])]


def is_timestamp(value: object, what: str) -> datetime:
    """Hold that a value is a timestamp of TAXII's (§2: microseconds, ``Z``), and return it."""
    that(isinstance(value, str) and _TIMESTAMP.fullmatch(value), f"{what}: {value!r} is no timestamp (§2)")
    return instant(str(value), what)


def instant(text: str, what: str) -> datetime:
    """Return the instant that an RFC 3339 text stands for."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error_:
        raise FailedError(f"{what}: {text!r} is no date-time") from error_
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def after(text: str, microseconds: int) -> str:
    """Return a timestamp so many microseconds later."""
    moved = instant(text, "date_added") + timedelta(microseconds=microseconds)
    return moved.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_uuid(value: object, what: str) -> None:
    """Hold that a value is an identifier of TAXII's (§2: a UUID of version 4)."""
    that(isinstance(value, str) and _UUID4.fullmatch(value.lower()), f"{what}: {value!r} is no UUID of version 4 (§2)")


def is_list(value: object, what: str) -> Sequence[Any]:
    """Hold that a value is a list with something in it: empty lists are prohibited (§2)."""
    if not isinstance(value, list) or not value:
        raise FailedError(f"{what}: {_short(value)} is no list with something in it")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:160]}…"  # noqa: PLR2004  a line or two
