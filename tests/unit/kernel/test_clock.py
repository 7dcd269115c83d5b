"""Instants: from text and back, and hub clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.kernel.clock import (
    DAY,
    SECOND,
    ManualClock,
    SystemClock,
    day_start,
    format_instant,
    parse_date,
    parse_instant,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.datetimes(timezones=st.just(UTC))


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


@given(instants)
def test_what_is_written_reads_back(at: datetime) -> None:
    text = format_instant(_micros(at))
    assert parse_instant(text) == _micros(at)
    assert text == at.strftime("%Y").zfill(4) + at.strftime("-%m-%dT%H:%M:%S.%fZ")
    assert len(text) == 27


@given(instants, instants)
def test_texts_sort_as_their_instants_do(one: datetime, other: datetime) -> None:
    assert (format_instant(_micros(one)) < format_instant(_micros(other))) == (one < other)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001  the zone comes next
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_offset_is_one_instant(local: datetime, minutes: int) -> None:
    at = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{local.isoformat(timespec='microseconds')}{sign}{size // 60:02}:{size % 60:02}"
    assert parse_instant(text) == _micros(at)


GOOD: Final = {
    "1970-01-01T00:00:00Z": 0,
    "1970-01-01t00:00:00z": 0,
    "1970-01-01T00:00:01.5Z": 1_500_000,
    "1970-01-01T00:00:00.123456789Z": 123_456,
    "1969-12-31T23:59:59.999999Z": -1,
    "2016-12-31T23:59:60Z": _micros(datetime(2017, 1, 1, tzinfo=UTC)) - 1,
    "2024-02-29T00:00:00Z": _micros(datetime(2024, 2, 29, tzinfo=UTC)),
}
BAD: Final = (
    "",
    "now",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-1-1T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:00-00:01",
    "٢٠٢٦-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00." + "1" * 19 + "Z",
    "x" * 100_000,
)


@pytest.mark.parametrize("text", GOOD)
def test_good_date_times(text: str) -> None:
    assert parse_instant(text) == GOOD[text]
    assert parse_date(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_bad_date_times(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_instant(text)
    assert len(str(refused.value)) < 300


@given(st.text(max_size=40))
def test_whatever_the_text_it_is_an_instant_or_refused(text: str) -> None:
    try:
        at = parse_date(text)
    except InputError:
        return
    assert isinstance(at, int)


@given(st.dates())
def test_a_day_begins_at_its_midnight(day: date) -> None:
    at = parse_date(day.isoformat())
    assert at == day_start(day) == _micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert at % DAY == 0


@pytest.mark.parametrize("text", ["2026-02-29", "2026-00-01", "20260101", "2026-01-1", "2026-01-01\n"])
def test_days_that_there_are_not(text: str) -> None:
    with pytest.raises(InputError):
        parse_date(text)


def test_clocks() -> None:
    clock = ManualClock(5 * SECOND)
    clock.advance(-2 * SECOND)
    assert clock.now() == 3 * SECOND
    # the machine's: whatever it shows, it is later than this program and in microseconds
    assert parse_instant("2025-01-01T00:00:00Z") < SystemClock().now() < parse_instant("9999-01-01T00:00:00Z")
