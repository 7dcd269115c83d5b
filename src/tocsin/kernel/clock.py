"""Time as an argument.

An instant is an ``int`` of microseconds since the Unix epoch, UTC (``Micros``): it sorts, stores and compares the
same in every database. On the wire it is RFC 3339 with six digits and ``Z``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, TypeAlias

from tocsin.errors import InputError

__all__ = [
    "DAY",
    "SECOND",
    "Clock",
    "ManualClock",
    "Micros",
    "SystemClock",
    "day_start",
    "format_instant",
    "parse_date",
    "parse_instant",
]

Micros: TypeAlias = int

SECOND: Micros = 1_000_000
DAY: Micros = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
# the first and the last instant that RFC 3339 can write in UTC: an offset could lead beyond
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
# RFC 3339 §5.6; the offset may be any, fractions beyond microseconds are cut
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)


class Clock(Protocol):
    """A source of the present."""

    def now(self) -> Micros:
        """Return the present instant; may step back, as machines' clocks do."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        """Return the machine's idea of the present."""
        return (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)  # noqa: TID251  the one place that asks


class ManualClock:
    """A clock that moves when told to: for tests, and for exercises later."""

    def __init__(self, at: Micros) -> None:
        self.at = at

    def now(self) -> Micros:
        """Return the instant last set."""
        return self.at

    def advance(self, by: Micros) -> None:
        """Move by so many microseconds; a negative step sets the clock back."""
        self.at += by


def format_instant(at: Micros) -> str:
    """Write an instant as RFC 3339 with microseconds and ``Z``."""
    # `strftime` writes the year 999 in three digits
    return (_NAIVE_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> Micros:
    """Read an RFC 3339 date-time; digits beyond the microsecond are cut.

    Raises:
        InputError: it is not RFC 3339, or names a day or hour that does not exist.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InputError(f"{text[:40]!r} is not a date-time", todo="write it like 2026-01-31T12:00:00.000000Z")
    year, month, day, hour, minute, second, fraction, sign, off_hour, off_minute = match.groups()
    try:
        # RFC 3339 allows a leap second; no clock of ours has one, so it is the last instant of its minute
        leap = second == "60"
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second), tzinfo=UTC
        )
    except ValueError as error:
        raise InputError(
            f"{text[:40]!r} is not a date-time: there is no such day or hour",
            todo="write it like 2026-01-31T12:00:00.000000Z",
        ) from error
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    micros += 999_999 if leap else int((fraction or "0").ljust(6, "0")[:6])
    if sign:
        offset = (int(off_hour) * 60 + int(off_minute)) * 60 * SECOND
        micros += -offset if sign == "+" else offset
    if not _FIRST <= micros <= _LAST:
        raise InputError(
            f"{text[:40]!r} is not a date-time: in UTC it is beyond the years 1 to 9999",
            todo="write it like 2026-01-31T12:00:00.000000Z",
        )
    return micros


def day_start(day: date) -> Micros:
    """Return the UTC midnight at which a day begins."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def parse_date(text: str) -> Micros:
    """Read ``YYYY-MM-DD`` (its UTC midnight) or an RFC 3339 date-time.

    Raises:
        InputError: it is neither.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            return day_start(date.fromisoformat(text))
        except ValueError as error:
            raise InputError(f"{text!r} is not a day of the calendar", todo="write it like 2026-01-31") from error
    return parse_instant(text)
