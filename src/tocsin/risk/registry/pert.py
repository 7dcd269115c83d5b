"""The PERT distribution: an estimate as people can give it, the least, the likeliest and the most. Pure.

A beta distribution between least and most, with alpha = 1 + 4 (mode - low) / (high - low) and, likewise, beta = 1 + 4
(high - mode) / (high - low) (Malcolm, Roseboom, Clark and Fazar 1959; Vose, Risk Analysis, 2008). Its mean is that of
its three points, the likeliest counted four times.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import msgspec

from tocsin.errors import InputError

__all__ = ["MOST", "Pert", "written"]

# More than a country is worth in any currency, and still exact as a float.
MOST: Final = 10**15
# No figure of an estimate has more digits, and reading a longer one takes time.
_DIGITS: Final = 40


def written(text: str, what: str) -> Fraction:
    """Return a number of 0 or more as it is written, exactly.

    Raises:
        InputError: it is none, negative, above ``MOST``, or too long.
    """
    try:
        # a fraction would be as exact, and nobody estimates in sevenths
        value = Fraction(text) if len(text) <= _DIGITS and "/" not in text else None
    except ValueError:
        value = None
    if value is None or not 0 <= value <= MOST:
        raise InputError(f"{text[:_DIGITS]!r} is no number from 0 to {MOST:,}", where=what, todo="write it like 0.25")
    return value


class Pert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Least, likeliest and most, as written: decimals, 0 or more. Three times the same is a value that is known."""

    low: str
    mode: str
    high: str

    def __post_init__(self) -> None:
        low, mode, high = (written(text, "estimate") for text in (self.low, self.mode, self.high))
        if not low <= mode <= high:
            raise InputError(
                f"{self.low}, {self.mode}, {self.high} do not rise",
                todo="write least, likeliest and most in this order",
            )

    @classmethod
    def known(cls, value: str) -> Pert:
        """Return an estimate that is certain."""
        return cls(low=value, mode=value, high=value)

    @property
    def points(self) -> tuple[Fraction, Fraction, Fraction]:
        """Least, likeliest and most, exactly."""
        return Fraction(self.low), Fraction(self.mode), Fraction(self.high)

    @property
    def mean(self) -> Fraction:
        """The mean, exactly."""
        low, mode, high = self.points
        return (low + 4 * mode + high) / 6

    @property
    def variance(self) -> Fraction:
        """The variance, exactly: (mean - low)(high - mean) / 7."""
        low, _, high = self.points
        return (self.mean - low) * (high - self.mean) / 7

    def __str__(self) -> str:
        return self.mode if self.low == self.high else f"{self.low} … {self.mode} … {self.high}"
