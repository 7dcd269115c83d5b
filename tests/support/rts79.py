"""IEEE Reliability Test System 1979: its units and its load through a year (IEEE Committee 1979, tables 1-7)."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["PEAK_MW", "UNITS", "hourly_loads", "outage_table"]

PEAK_MW: Final = 2_850
# how many, MW, forced outage rate (table 6)
UNITS: Final = (
    (5, 12, 0.02),
    (4, 20, 0.10),
    (6, 50, 0.01),
    (4, 76, 0.02),
    (3, 100, 0.04),
    (4, 155, 0.04),
    (3, 197, 0.05),
    (1, 350, 0.08),
    (2, 400, 0.12),
)
# weekly peak in per cent of the annual peak (table 1)
_WEEKS: Final = (
    86.2, 90.0, 87.8, 83.4, 88.0, 84.1, 83.2, 80.6, 74.0, 73.7, 71.5, 72.7, 70.4, 75.0, 72.1, 80.0, 75.4, 83.7, 87.0,
    88.0, 85.6, 81.1, 90.0, 88.7, 89.6, 86.1, 75.5, 81.6, 80.1, 88.0, 72.2, 77.6, 80.0, 72.9, 72.6, 70.5, 78.0, 69.5,
    72.4, 72.4, 74.3, 74.4, 80.0, 88.1, 88.5, 90.9, 94.0, 89.0, 94.2, 97.0, 100.0, 95.2,
)  # fmt: skip
# daily peak in per cent of the weekly peak, Monday to Sunday (table 2)
_DAYS: Final = (93, 100, 98, 96, 94, 77, 75)
# hourly peak in per cent of the daily peak, weekday and weekend (table 3): weeks 1-8 and 44-52, 18-30, 9-17 and 31-43
_HOURS: Final = {
    ("winter", False): (
        67,
        63,
        60,
        59,
        59,
        60,
        74,
        86,
        95,
        96,
        96,
        95,
        95,
        95,
        93,
        94,
        99,
        100,
        100,
        96,
        91,
        83,
        73,
        63,
    ),
    ("winter", True): (78, 72, 68, 66, 64, 65, 66, 70, 80, 88, 90, 91, 90, 88, 87, 87, 91, 100, 99, 97, 94, 92, 87, 81),
    ("summer", False): (
        64,
        60,
        58,
        56,
        56,
        58,
        64,
        76,
        87,
        95,
        99,
        100,
        99,
        100,
        100,
        97,
        96,
        96,
        93,
        92,
        92,
        93,
        87,
        72,
    ),
    ("summer", True): (74, 70, 66, 65, 64, 62, 62, 66, 81, 86, 91, 93, 93, 92, 91, 91, 92, 94, 95, 95, 100, 93, 88, 80),
    ("between", False): (
        63,
        62,
        60,
        58,
        59,
        65,
        72,
        85,
        95,
        99,
        100,
        99,
        93,
        92,
        90,
        88,
        90,
        92,
        96,
        98,
        96,
        90,
        80,
        70,
    ),
    ("between", True): (
        75,
        73,
        69,
        66,
        65,
        65,
        68,
        74,
        83,
        89,
        92,
        94,
        91,
        90,
        90,
        86,
        85,
        88,
        92,
        100,
        97,
        95,
        90,
        85,
    ),
}


def hourly_loads() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the load of each of 8,736 hours in MW."""
    loads = []
    for week, of_year in enumerate(_WEEKS, 1):
        season = "winter" if week <= 8 or week >= 44 else "summer" if 18 <= week <= 30 else "between"
        for day, of_week in enumerate(_DAYS):
            hours = _HOURS[season, day >= 5]
            loads += [PEAK_MW * of_year / 100 * of_week / 100 * of_day / 100 for of_day in hours]
    return np.array(loads)


def outage_table() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the chance that exactly so many MW are out, by MW: exact convolution."""
    table = np.array([1.0])
    for count, size, rate in UNITS:
        for _ in range(count):
            longer = np.zeros(len(table) + size)
            longer[: len(table)] += (1 - rate) * table
            longer[size:] += rate * table
            table = longer
    return table
