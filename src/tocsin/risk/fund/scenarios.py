"""What a choice of projects leaves to be lost: the same samples for every choice, each by a full cascade.

Losses are integers, ``value_h`` times ticks. A choice with more projects has no greater loss in any sample: draws
follow from seed, sample and asset alone, and each change of a project is one that never hurts (``docs/map.md``).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec.structs import replace

from tocsin.errors import InputError, LimitError
from tocsin.map.cascade import simulate, wire
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.cascade.engine import MOST_TOLD
from tocsin.map.cascade.hits import Hits
from tocsin.risk.fund.projects import checked, plan_with, quantiles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.map.cascade.wiring import Ints, Wiring
    from tocsin.risk.fund.projects import Plan, Project

__all__ = ["MOST_SAMPLES", "Aim", "Scenarios", "Terms"]

# A choice is judged by all of them, and a portfolio judges thousands of choices.
MOST_SAMPLES: Final = 100_000
_CENTS: Final = 100
# Samples with a hit, times assets, from which workers are worth their start.
_WORTH_WORKERS: Final = 1_000_000


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How losses are drawn. ``times``: how often what a sample stands for is expected while the projects last."""

    seed: int
    samples: int = 1_000
    horizon_h: float = 168.0
    times: float = 1.0


class Aim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be small: (1 - weight) of the expected loss, and ``weight`` of its CVaR at ``alpha``.

    CVaR: the mean of the worst share 1 - alpha of samples (Rockafellar and Uryasev 2000). Written as decimals, so that
    what they mean is exact.
    """

    weight: str = "0.5"
    alpha: str = "0.95"

    def shares(self) -> tuple[Fraction, Fraction]:
        """Return weight and alpha.

        Raises:
            InputError: one is no share.
        """
        try:
            weight, alpha = Fraction(self.weight), Fraction(self.alpha)
        except (ValueError, ZeroDivisionError) as error:
            raise InputError("this is no decimal number", where=f"{self.weight}, {self.alpha}"[:80]) from error
        if not (0 <= weight <= 1 and 0 <= alpha < 1):
            raise InputError("weight is 0 to 1, alpha 0 to below 1", where=f"{weight}, {alpha}")
        return weight, alpha


class Scenarios:
    """The losses of each choice among projects (by their places), each computed once.

    ``jobs`` and ``most_told`` are those of ``map.cascade.simulate``, for a plan of somebody else's.

    Raises:
        ProjectError: the plan or projects have faults. InputError, LimitError: the terms make no sense.
    """

    def __init__(
        self,
        plan: Plan,
        projects: Sequence[Project],
        terms: Terms,
        *,
        jobs: int = -1,
        most_told: int = MOST_TOLD,
    ) -> None:
        if not 1 <= terms.samples <= MOST_SAMPLES:
            raise LimitError(f"{terms.samples} samples", todo=f"1 to {MOST_SAMPLES:,}")
        if not (math.isfinite(terms.times) and terms.times > 0):
            raise InputError(f"times is {terms.times}", todo="how often it is expected: above 0")
        checked(plan, projects)
        self.projects = tuple(projects)
        self.terms = terms
        self._jobs = jobs
        self._most_told = most_told
        self._plan = plan
        self._quantiles = quantiles_of(plan, projects)  # the same for every choice, so that all have the same draws
        self._seen: dict[frozenset[int], Ints] = {}
        first = self._wiring(frozenset())[0]
        self.owners = first.sectors
        self.ticks_per_hour = first.ticks_per_hour

    @property
    def evaluated(self) -> int:
        """How many choices were judged by a full cascade."""
        return len(self._seen)

    def cost(self, choice: frozenset[int]) -> int:
        """Return what a choice costs, in cents."""
        return sum(self.projects[place].cost for place in choice)

    def losses(self, choice: frozenset[int]) -> Ints:
        """Return what is lost, by sample and owner: an hour's worth times ticks."""
        found = self._seen.get(choice)
        if found is None:
            found = self._seen[choice] = self._simulated(choice)
        return found

    def totals(self, choice: frozenset[int]) -> Ints:
        """Return what is lost by sample."""
        total: Ints = self.losses(choice).sum(axis=1)
        return total

    def aimed(self, choice: frozenset[int], aim: Aim) -> Fraction:
        """Return what is to be small, exactly, in the unit of ``value_h``."""
        weight, _ = aim.shares()
        return (1 - weight) * self.expected(choice) + weight * self.cvar(choice, aim)

    def expected(self, choice: frozenset[int]) -> Fraction:
        """Return the expected loss, in the unit of ``value_h``, over all ``times``."""
        return self._worth(Fraction(sum(self.totals(choice).tolist()), self.terms.samples))

    def cvar(self, choice: frozenset[int], aim: Aim) -> Fraction:
        """Return the mean of the worst share of samples, in the unit of ``value_h``, over all ``times``."""
        tail = (1 - aim.shares()[1]) * self.terms.samples
        worst = np.sort(self.totals(choice))[::-1].tolist()
        whole = min(int(tail), len(worst))
        total = Fraction(sum(worst[:whole]))
        if whole < len(worst):
            total += (tail - whole) * worst[whole]
        return self._worth(total / tail)

    def sums(self, choice: frozenset[int]) -> list[int]:
        """Return what each owner loses in all samples together, in two halves, since it may be more than 63 bits."""
        losses = self.losses(choice)
        high, low = (losses >> 32).sum(axis=0).tolist(), (losses & 0xFFFFFFFF).sum(axis=0).tolist()
        return [(one << 32) + other for one, other in zip(high, low, strict=True)]

    def expected_cents(self, choice: frozenset[int]) -> dict[str, int]:
        """Return the expected loss of each owner in cents, rounded to the nearest."""
        sums = self.sums(choice)
        return {
            owner: round(self._worth(Fraction(total, self.terms.samples)) * _CENTS)
            for owner, total in zip(self.owners, sums, strict=True)
        }

    def _worth(self, ticks: Fraction) -> Fraction:
        return ticks * Fraction(self.terms.times) / self.ticks_per_hour

    def _wiring(self, choice: frozenset[int]) -> tuple[Wiring, Hazard]:
        plan = plan_with(self._plan, [self.projects[place] for place in sorted(choice)])
        # sums are kept by sector: whose loss it is, is what a fund asks
        assets = tuple(replace(asset, sector=asset.owner) for asset in plan.map.assets)
        wiring = wire(replace(plan.map, assets=assets))
        return wiring, _hazard(wiring, plan, self._quantiles)

    def _simulated(self, choice: frozenset[int]) -> Ints:
        wiring, hazard = self._wiring(choice)
        terms = self.terms
        hits = draw_hits(wiring, hazard, keys_of(wiring.ids), seed=terms.seed, samples=range(terms.samples))
        # in most samples of a rare hazard nothing happens, and nothing is lost
        struck = np.flatnonzero(np.diff(hits.first))
        found = np.zeros((terms.samples, len(self.owners)), dtype=np.int64)
        if not len(struck):
            return found
        first = np.concatenate([[0], np.cumsum(np.diff(hits.first)[struck])]).astype(np.int64)
        jobs = self._jobs if len(struck) * wiring.assets >= _WORTH_WORKERS else 1
        struck_only = Hits(first=first, table=hits.table)
        outcome = simulate(wiring, struck_only, horizon_h=terms.horizon_h, jobs=jobs, most_told=self._most_told)
        # what a project builds is of an owner, too, who may own nothing else; it loses nothing
        columns = [wiring.sectors.index(owner) for owner in self.owners]
        found[struck] = outcome.sums.measures[:, columns, 2]
        return found


def _hazard(wiring: Wiring, plan: Plan, quantiles: int) -> Hazard:
    place = {name: number for number, name in enumerate(wiring.ids)}
    chance, damage = np.zeros(wiring.assets), np.zeros((wiring.assets, 2))
    repair_of = np.zeros(wiring.assets, dtype=np.int64)
    levels = np.arange(quantiles)
    repairs = np.zeros((len(plan.exposures) + 1, quantiles))
    for row, one in enumerate(plan.exposures, 1):
        at = place[one.asset]
        chance[at], damage[at], repair_of[at] = one.chance, one.damage, row
        told = np.linspace(0, quantiles - 1, len(one.repair_h))
        # rounding must not make a longer one shorter
        repairs[row] = np.maximum.accumulate(np.interp(levels, told, one.repair_h))
    return Hazard(chance=chance, damage=damage, repairs=repairs, repair_of=repair_of)
