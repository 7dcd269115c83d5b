"""What an event costs each sector, from samples of a cascade: as estimates that a scenario's document takes. Pure.

An estimate has three points, and a score is a mean. So least and most are what 1 in 100 samples falls short of and
exceeds, and the likeliest is such that the mean of the estimate (PERT: least, four times the likeliest, most, by six)
is the mean of the samples. Where no likeliest between the two does that, it is one of them, and the other is moved
towards it until the mean is right: of samples that lie so far to one side three points cannot tell mean and end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import InputError
from tocsin.parties.model import check_name
from tocsin.risk.registry.pert import Pert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tocsin.map.cascade import Outcome

    Floats = NDArray[np.float64]

__all__ = ["Estimate", "SectorLoss", "document_of", "estimated"]

_TAIL: Final = 0.01


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Three points in whole units, the mean of the samples, and what 1 in 100 falls short of and exceeds."""

    points: Pert
    mean: float
    low: int
    high: int


class SectorLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What an event costs one sector; None: nothing in any sample."""

    sector: str
    money: Estimate | None = None
    people_hours: Estimate | None = None


def estimated(outcome: Outcome) -> tuple[list[SectorLoss], list[str]]:
    """Return what each sector loses in these samples, and the sectors that no scenario can name, which are left out."""
    found: list[SectorLoss] = []
    nameless: list[str] = []
    worth, people = outcome.worth_lost, outcome.people_h
    for place, sector in enumerate(outcome.wiring.sectors):
        money, hours = _fitted(worth[:, place]), _fitted(people[:, place])
        if money is None and hours is None:
            continue
        try:
            check_name(sector, "sector")
        except InputError:
            nameless.append(sector)
            continue
        found.append(SectorLoss(sector=sector, money=money, people_hours=hours))
    return found, nameless


def _fitted(samples: Floats) -> Estimate | None:
    mean = float(samples.mean())
    if mean == 0:
        return None
    low = math.floor(float(np.quantile(samples, _TAIL, method="lower")))
    high = math.ceil(float(np.quantile(samples, 1 - _TAIL, method="higher")))
    if samples.min() == samples.max():
        low = high = round(mean)
    least, mode, most = low, round((6 * mean - low - high) / 4), high
    if mode < low:
        mode, most = low, max(low, round(6 * mean) - 5 * low)
    elif mode > high:
        mode, least = high, max(0, min(high, round(6 * mean) - 5 * high))
    return Estimate(points=Pert(low=str(least), mode=str(mode), high=str(most)), mean=mean, low=low, high=high)


def document_of(losses: list[SectorLoss]) -> str:
    """Return losses as the ``losses`` of a scenario's document, YAML 1.2; ends that were moved stand beside them."""
    lines = ["losses:"]
    for one in losses:
        parts = [f"sector: {one.sector}"]
        beside: list[str] = []
        for name, told in (("money", one.money), ("people_hours", one.people_hours)):
            if told is None:
                continue
            points = told.points
            known = points.low == points.high
            parts.append(f"{name}: {points.low if known else f'[{points.low}, {points.mode}, {points.high}]'}")
            if (points.low, points.high) != (str(told.low), str(told.high)):
                beside.append(f"{name} {told.low:,} to {told.high:,}")
        note = f"  # 98 of 100 samples: {', '.join(beside)}" if beside else ""
        lines.append(f"  - {{{', '.join(parts)}}}{note}")
    return "\n".join(lines) + "\n"
