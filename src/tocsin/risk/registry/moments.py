"""Mean and variance of what a scenario costs a sector in a year: closed forms, exact. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from tocsin.risk.registry.model import Scenario, Unit

__all__ = ["expected", "variance"]


def expected(scenario: Scenario, sector: str, unit: Unit) -> Fraction | None:
    """Return the mean annual loss of a sector, exactly; None where rate or loss was not estimated (Wald's identity)."""
    loss = scenario.loss(sector, unit)
    if scenario.rate is None or loss is None:
        return None
    return scenario.rate.mean * scenario.left_rate * loss.mean * scenario.left_loss


def variance(scenario: Scenario, sector: str, unit: Unit) -> Fraction | None:
    """Return the variance of a sector's annual loss, exactly: E[λ] E[X²] + Var[λ] E[X]²; None as ``expected``."""
    loss = scenario.loss(sector, unit)
    if scenario.rate is None or loss is None:
        return None
    rate, rate_variance = scenario.rate.mean * scenario.left_rate, scenario.rate.variance * scenario.left_rate**2
    mean, square = loss.mean * scenario.left_loss, (loss.variance + loss.mean**2) * scenario.left_loss**2
    return rate * square + rate_variance * mean**2
