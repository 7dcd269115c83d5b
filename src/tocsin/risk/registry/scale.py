"""The scales of the United Kingdom's National Risk Register, and how a level and an annual rate go together. Pure.

Likelihood is the chance that a scenario happens at least once within five years, of a malicious one within two: below
0.2 %, to 1 %, to 5 %, to 25 %, above (Cabinet Office, National Risk Register 2023, risk assessment methodology).

Impact goes from 1 (minor) to 5 (catastrophic). The register judges it on several dimensions; the seven names here are
ours after its methodology, and not its wording, and what counts as which level on which of them is for whoever keeps a
registry to say: the register's own figures are for a country of its size, and are not in here.

A rate of λ a year and that chance are two ways to say one thing, if events come independently of each other (Poisson):
p = 1 - e^(-λT). A level is a band of rates, and never one rate.
"""

from __future__ import annotations

import enum
import math
from typing import Final

from tocsin.errors import InputError

__all__ = [
    "BORDERS",
    "IMPACTS",
    "LEVELS",
    "Dimension",
    "Kind",
    "band",
    "chance_of",
    "level_of_chance",
    "level_of_rate",
    "rate_of",
    "window",
]


class Kind(enum.StrEnum):
    """What brings a scenario about."""

    MALICIOUS = "malicious"
    ACCIDENTAL = "accidental"
    NATURAL = "natural"


class Dimension(enum.StrEnum):
    """What an impact is on: our names, after the National Risk Register's methodology."""

    HUMAN_WELFARE = "human-welfare"  # dead, injured, ill, driven from home
    BEHAVIOUR = "behaviour"  # what people do otherwise, whom they trust no more
    ECONOMY = "economy"  # what it costs, wherever that stands
    ESSENTIAL_SERVICES = "essential-services"  # power, water, transport, health care, communications, food, finance
    ENVIRONMENT = "environment"  # land, water, air, what lives there
    SECURITY = "security"  # police, justice, borders, defence, intelligence
    INTERNATIONAL = "international"  # relations and obligations abroad, citizens there


LEVELS: Final = range(1, 6)
IMPACTS: Final = ("minor", "limited", "moderate", "significant", "catastrophic")
# Between level n and n + 1. The register leaves open whose a border is: it is the worse level's, but for the last,
# which it writes "above 25 %".
BORDERS: Final = (0.002, 0.01, 0.05, 0.25)
_LAST: Final = len(BORDERS) - 1
_YEARS: Final = {Kind.MALICIOUS: 2, Kind.ACCIDENTAL: 5, Kind.NATURAL: 5}


def window(kind: Kind) -> int:
    """Return over how many years the likelihood of such a scenario is said."""
    return _YEARS[kind]


def rate_of(chance: float, kind: Kind) -> float:
    """Return the annual rate at which the chance of at least one event in the scenario's window is ``chance``.

    Raises:
        InputError: the chance is not from 0 to below 1; no rate makes a thing certain.
    """
    if not 0 <= chance < 1:
        raise InputError(f"a chance of {chance}", todo="from 0 to below 1")
    return -math.log1p(-chance) / _YEARS[kind] if chance else 0.0


def chance_of(rate: float, kind: Kind) -> float:
    """Return the chance of at least one event in the scenario's window, at so many a year.

    Raises:
        InputError: the rate is negative or no number.
    """
    if not (math.isfinite(rate) and rate >= 0):
        raise InputError(f"a rate of {rate} a year", todo="0 or more")
    return -math.expm1(-rate * _YEARS[kind])


def level_of_chance(chance: float) -> int:
    """Return the level, 1 to 5, of a chance within the scenario's window.

    Raises:
        InputError: it is not from 0 to 1.
    """
    if not 0 <= chance <= 1:
        raise InputError(f"a chance of {chance}", todo="from 0 to 1")
    return _level(chance, BORDERS)


def level_of_rate(rate: float, kind: Kind) -> int:
    """Return the level, 1 to 5, of an annual rate: exactly that of its chance, at the borders too.

    Raises:
        InputError: the rate is negative or no number.
    """
    if not (math.isfinite(rate) and rate >= 0):
        raise InputError(f"a rate of {rate} a year", todo="0 or more")
    # compared as rates: taking a rate to a chance and back may lose a last bit, which at a border is a level
    return _level(rate, tuple(rate_of(border, kind) for border in BORDERS))


def band(level: int, kind: Kind) -> tuple[float, float]:
    """Return the annual rates between which a level lies; the highest has no end.

    Raises:
        InputError: there is no such level.
    """
    if level not in LEVELS:
        raise InputError(f"there is no level {level}", todo="1 to 5")
    low = 0.0 if level == LEVELS[0] else rate_of(BORDERS[level - 2], kind)
    return low, math.inf if level == LEVELS[-1] else rate_of(BORDERS[level - 1], kind)


def _level(value: float, borders: tuple[float, ...]) -> int:
    above = sum(value >= border for border in borders[:_LAST])
    return 1 + above + (value > borders[_LAST])
