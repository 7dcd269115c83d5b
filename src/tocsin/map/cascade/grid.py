"""The grid on which cascades are computed: services in millionths, time in millionths of an hour. Pure.

On integers a sum is the same in whatever order it is made, and two instants are the same or not: so two engines that
work differently agree in every bit, and "more damage never helps" holds exactly (``docs/map.md``).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from tocsin.errors import InputError

__all__ = ["FULL", "MOST_TICKS", "TICKS", "level_of", "need_of", "ticks_of", "weight_of"]

FULL: Final = 1_000_000  # the whole of a service
TICKS: Final = 1_000_000  # to the hour: 3.6 ms each
MOST_TICKS: Final = 1 << 36  # 68,719 hours: an event's instant has 37 bits, and a last instant lies beyond the horizon


def level_of(share: float) -> int:
    """Return a share of one in millionths, the nearest."""
    return round(share * FULL)


def weight_of(weight: float) -> int:
    """Return what a supplier counts for, in millionths, rounded up; with ``need_of``, what is met on paper is met.

    Three of four that give a third each are all that is needed, and to the nearest millionth they would not be.
    """
    return level_of(weight) if _is_whole(weight) else math.ceil(Fraction(repr(weight)) * FULL)


def need_of(k: float) -> int:
    """Return what suppliers have to give together, in millionths, rounded down; one at least."""
    return level_of(k) if _is_whole(k) else max(1, math.floor(Fraction(repr(k)) * FULL))


def _is_whole(value: float) -> bool:
    return value * FULL == level_of(value)  # most are; and a fraction takes some microseconds


def ticks_of(hours: float, ticks_per_hour: int = TICKS) -> int:
    """Return hours as ticks, the nearest; exactly so for halves, whatever the double nearest to the product is."""
    if not 0 <= hours <= MOST_TICKS:
        raise InputError(f"a time of {hours} hours", todo="hours from now, 0 or more")
    if hours == int(hours):  # most are; and a fraction takes some microseconds
        return int(hours) * ticks_per_hour
    return round(Fraction(hours) * ticks_per_hour)
