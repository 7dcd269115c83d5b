"""What patterns are matched against: observations, each at an instant, with the objects that were observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from tocsin.errors import LimitError
from tocsin.exchange.stix import times

__all__ = ["MAX_STEPS", "UNITS", "Budget", "Instant", "Observed", "ScoValue", "instant"]

MAX_STEPS: Final = 500_000
"""Comparisons, values visited and ways tried of one match: some seconds of a core. Honest patterns need thousands."""

_FRACTION: Final = 18
_PER_MICRO: Final = 10**12
UNITS: Final = 10**_FRACTION
"""An instant counts attoseconds, so that any timestamp is exact to its 18th digit of a second, and sums are exact."""

Instant: TypeAlias = int
"""Attoseconds since 1970-01-01T00:00:00Z."""

ScoValue: TypeAlias = Mapping[str, Any]
"""An object as JSON: paths go to any property, also to those that no type of ours declares."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One Observed Data object (STIX 2.1 §4.14): `count` observations, all of them at `at`, of these objects.

    §9.1 defines the observation's time by `first_observed`. `known` finds an object by what a reference holds: all
    objects of the document by their ids, or the embedded `objects` by their keys.
    """

    id: str
    at: Instant
    count: int
    objects: tuple[ScoValue, ...]
    known: Mapping[str, ScoValue]


class Budget:
    """How much more may be done for one match."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.steps = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps.

        Raises:
            LimitError: there are no more.
        """
        self.left -= steps
        if self.left < 0:
            raise LimitError(
                f"the pattern is not decided after {self.steps:,} steps",
                todo="match against fewer observations, or write the pattern with fewer alternatives in time",
            )


def instant(text: str) -> Instant:
    """Give the instant of a timestamp; digits beyond the 18th of a second are cut off.

    Raises:
        ValueError: it is no timestamp in the sense of STIX 2.1 §2.16, or the day does not exist.
    """
    finer = text[26:-1][: _FRACTION - 6]
    micros = times.micros(text) * _PER_MICRO
    return micros + int(finer.ljust(_FRACTION - 6, "0")) if finer else micros
