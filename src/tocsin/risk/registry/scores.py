"""Risk scores by sector, and what moved them between two states of the registry. Pure, and exact.

A sector's score is its mean annual loss: the sum over scenarios of rate, share left by treatments, and loss. What
several changes did together is divided among them by the Shapley value: the mean, over every order in which the changes
could have been made, of what each adds. So the parts add up to the difference to the last digit, and the order in which
changes were entered makes none (Shapley 1953; for decompositions, Shorrocks 2013). Scenarios only ever add, so that
only changes of the same scenario have to be put into orders.
"""

from __future__ import annotations

import enum
import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tocsin.risk.registry.moments import expected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.risk.registry.model import Scenario, Unit

__all__ = ["Change", "Move", "moves", "scores"]


class Change(enum.StrEnum):
    """What was changed."""

    ADDED = "added"
    RETIRED = "retired"
    RATE = "rate"
    LOSS = "loss"
    TREATMENT = "treatment"  # it was finished, taken back, or leaves something else


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What one change did to one sector's score. ``treatment`` names the treatment, of such a change."""

    sector: str
    scenario: str
    change: Change
    amount: Fraction
    treatment: str = ""


class _Factor(NamedTuple):
    """One of the numbers whose product is a scenario's score, before and after."""

    change: Change
    treatment: str
    before: Fraction
    after: Fraction


def scores(registry: Mapping[str, Scenario], unit: Unit) -> dict[str, Fraction]:
    """Return the mean annual loss of each sector, over all scenarios that have a rate and a loss of it."""
    found: dict[str, Fraction] = {}
    for scenario in registry.values():
        for loss in scenario.losses:
            amount = expected(scenario, loss.sector, unit)
            if amount is not None:
                found[loss.sector] = found.get(loss.sector, Fraction(0)) + amount
    return dict(sorted(found.items()))


def moves(before: Mapping[str, Scenario], after: Mapping[str, Scenario], unit: Unit) -> list[Move]:
    """Return what moved each sector's score, the largest first; the parts of a sector add up to its difference.

    Both are the scenarios that count, by id: those that are current.
    """
    found: list[Move] = []
    for scenario in sorted(before.keys() | after.keys()):
        old, new = before.get(scenario), after.get(scenario)
        sectors = {loss.sector for one in (old, new) if one is not None for loss in one.losses}
        for sector in sorted(sectors):
            found.extend(_moved(scenario, sector, unit, old, new))
    return sorted((one for one in found if one.amount), key=lambda one: (one.sector, -abs(one.amount), one.scenario))


def _moved(name: str, sector: str, unit: Unit, old: Scenario | None, new: Scenario | None) -> list[Move]:
    worth = [None if one is None else expected(one, sector, unit) for one in (old, new)]
    if old is None or new is None or worth[0] is None or worth[1] is None:
        # it is counted in one state alone: nothing to take apart
        change = Change.ADDED if worth[0] is None else Change.RETIRED
        return [Move(sector=sector, scenario=name, change=change, amount=(worth[1] or Fraction(0)) - (worth[0] or 0))]
    factors = _factors(old, new, sector, unit)
    changed = [one for one in factors if one.before != one.after]
    fixed = math.prod((one.before for one in factors if one.before == one.after), start=Fraction(1))
    return [
        Move(sector=sector, scenario=name, change=one.change, treatment=one.treatment, amount=fixed * part)
        for one, part in zip(changed, _shapley(changed), strict=True)
    ]


def _factors(old: Scenario, new: Scenario, sector: str, unit: Unit) -> list[_Factor]:
    """Return the factors of a scenario that counts in both states."""
    means: list[Fraction] = []
    for one in (old, new):
        loss = one.loss(sector, unit)
        means += [Fraction(0) if part is None else part.mean for part in (one.rate, loss)]
    left = [
        {one.id: Fraction(one.leaves_rate) * Fraction(one.leaves_loss) for one in scenario.treatments if one.done}
        for scenario in (old, new)
    ]
    return [
        _Factor(Change.RATE, "", means[0], means[2]),
        _Factor(Change.LOSS, "", means[1], means[3]),
        *(
            _Factor(Change.TREATMENT, name, left[0].get(name, Fraction(1)), left[1].get(name, Fraction(1)))
            for name in sorted(left[0].keys() | left[1].keys())
        ),
    ]


def _shapley(factors: Sequence[_Factor]) -> list[Fraction]:
    """Return what each change adds to the product, averaged over all orders: exactly, over every set of the others.

    The sum over the sets of one size is a coefficient of the product of ``before + after x`` over the others.
    """
    count, nothing = len(factors), Fraction(0)
    parts: list[Fraction] = []
    for place, factor in enumerate(factors):
        by_size = [Fraction(1)]
        for one in (*factors[:place], *factors[place + 1 :]):
            by_size = [
                one.before * left + one.after * made
                for left, made in zip((*by_size, nothing), (nothing, *by_size), strict=True)
            ]
        total = sum((sets / math.comb(count - 1, size) for size, sets in enumerate(by_size)), start=nothing)
        parts.append((factor.after - factor.before) * total / count)
    return parts
