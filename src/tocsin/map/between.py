"""Sectors of a map: their inoperability in a cascade, and the matrix between them that IIM and DIIM ask for. Pure.

No dependency is counted twice. An asset that needs another sector in three groups, or from ten suppliers, is lost once
when that sector is; and a need that goes through a third sector is in the matrix as its two steps, not as a third one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.errors import InputError, LimitError
from tocsin.map.cascade.grid import FULL
from tocsin.map.cascade.wiring import ALPHA, ASSET, BETA, COUNTED, FLAGS, WANTED, WHOLE
from tocsin.map.failures import Measure

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tocsin.map.cascade.outcome import Outcome
    from tocsin.map.cascade.wiring import Ints, Wiring

    Floats = NDArray[np.float64]

__all__ = ["MOST_SECTORS", "dependence_of", "inoperability_of", "resilience_of"]

# Registers have 7 to 30. Each is lost in turn, which takes a pass over all groups.
MOST_SECTORS: Final = 1_000


def dependence_of(wiring: Wiring, *, measure: Measure = Measure.HOURS) -> Floats:
    """Return A*, sectors by sectors in the order of ``wiring.sectors``: what i loses of its service by losing all of j.

    Directly: with every other sector whole, without buffers, and before i's own assets tell each other. Of a sector is
    the mean over its assets, each counted alike (``HOURS``) or by its people or worth. Raises ``InputError`` for a
    sector without any people, or worth, to count by; ``LimitError`` above ``MOST_SECTORS``.
    """
    count = len(wiring.sectors)
    if count > MOST_SECTORS:
        raise LimitError(f"{count:,} sectors", todo=f"at most {MOST_SECTORS:,}")
    weights = _weights(wiring, measure)
    together = np.bincount(wiring.sector_of, weights=weights, minlength=count)
    if not (together > 0).all():
        raise InputError(
            f"a sector without any {measure}",
            where=wiring.sectors[int(np.argmin(together))] or "the sector without a name",
            todo="count assets alike (hours)",
        )
    matrix = np.empty((count, count))
    for sector in range(count):
        lost = 1 - _left_by(wiring, sector) / FULL
        matrix[:, sector] = np.bincount(wiring.sector_of, weights=weights * lost, minlength=count) / together
    return matrix


def inoperability_of(outcome: Outcome) -> Floats:
    """Return each sector's inoperability by the hour, 0 to 1: the share of its assets' service that was not there.

    ``outcome``: of ``simulate`` with ``hourly=Hourly.SECTOR``; the mean over its samples. It is the cascade's own, with
    buffers and redundancy, every asset counted once.
    """
    wiring = outcome.wiring
    if outcome.hourly_of != "sector":
        raise InputError("the outcome has no hours by sector", todo="simulate with Hourly.SECTOR")
    assets = np.bincount(wiring.sector_of, minlength=len(wiring.sectors))
    # the last hour may be a part of one
    lengths = np.minimum(1.0, outcome.horizon / wiring.ticks_per_hour - np.arange(outcome.by_hour.shape[1]))
    return np.asarray(outcome.by_hour / np.maximum(assets, 1)[:, None] / lengths)


def resilience_of(dependence: ArrayLike, recovery_h: ArrayLike, *, step_h: float = 1.0, left: float = 0.01) -> Floats:
    """Return the diagonal of K for ``sectors.diim``: the share of the way to its rest that a sector goes in one step.

    From the hours T after which a sector that is hurt alone is back but for a share ``left`` (Lian and Haimes 2006, in
    steps and not in continuous time): K (1 - a*) = 1 - left^(step / T). Raises ``InputError`` for times that are none,
    and for a sector that loses all of itself by losing itself.
    """
    own = np.diagonal(np.asarray(dependence, dtype=np.float64))
    hours = np.asarray(recovery_h, dtype=np.float64)
    if hours.shape != own.shape or not ((hours > 0) & np.isfinite(hours)).all():
        raise InputError("recovery takes hours, more than 0", todo="one time for each sector")
    if not (0 < left < 1 and step_h > 0):
        raise InputError("a share left between 0 and 1, a step longer than 0", todo="for example 0.01 and 1")
    if not (own < 1).all():
        raise InputError("a sector that depends on all of itself does not recover", todo="look at its ring")
    return np.asarray(np.minimum(1.0, (1 - left ** (step_h / hours)) / (1 - own)))


def _weights(wiring: Wiring, measure: Measure) -> Floats:
    by = {Measure.HOURS: np.ones(wiring.assets), Measure.PEOPLE: wiring.people, Measure.WORTH: wiring.value_h}
    return np.asarray(by[measure], dtype=np.float64)


def _left_by(wiring: Wiring, sector: int) -> Ints:
    """Return what every asset is left with when one sector's assets give nothing and all others everything."""
    fixed = wiring.fixed
    group_of = np.repeat(np.arange(wiring.groups), np.diff(wiring.from_of))
    gone = np.where(wiring.sector_of[wiring.sources[:, 0]] == sector, wiring.sources[:, 1], 0)
    missing = np.zeros(wiring.groups, dtype=np.int64)
    np.add.at(missing, group_of, gone)
    counted = (fixed[:, FLAGS] & COUNTED) != 0
    wanted = fixed[:, WANTED]
    whole = fixed[:, WHOLE]
    by_count = np.where(whole - missing >= wanted, FULL, 0)
    by_sum = np.minimum(FULL, (whole - missing * FULL) // np.maximum(wanted, 1))
    supply = np.where(counted, by_count, by_sum)
    alpha = fixed[:, ALPHA]
    allowed = np.minimum(np.minimum(alpha * supply // FULL + FULL - alpha, supply + fixed[:, BETA]), FULL)
    left = np.full(wiring.assets, FULL, dtype=np.int64)
    np.minimum.at(left, fixed[:, ASSET], allowed)
    return left
