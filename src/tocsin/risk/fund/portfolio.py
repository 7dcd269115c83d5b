"""Which projects to pay for within a budget: the least loss left, judged by full cascades.

Up to ``MOST_ENUMERATED`` projects every choice that nothing can be added to is judged: what is returned is the best,
and that is proven. Beyond, ``surrogate`` gives a start, swaps improve it, and a branch and bound says how much better
any other choice could be: more projects never lose more (``scenarios``), so what is left with *everything* that may
still be chosen bounds what is left with any part of it.
"""

from __future__ import annotations

import enum
import hashlib
import heapq
import itertools
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.risk.fund.measuring import plan_digest
from tocsin.risk.fund.projects import MOST_CENTS
from tocsin.risk.fund.surrogate import first_choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from tocsin.risk.fund.projects import Plan, Project
    from tocsin.risk.fund.scenarios import Aim, Scenarios, Terms

__all__ = [
    "MOST_CASCADES",
    "MOST_ENUMERATED",
    "Method",
    "Portfolio",
    "calculation_of",
    "choose",
    "enumerated",
    "searched",
]

# 2**15 choices at most, of which the affordable ones that nothing fits beside are judged.
MOST_ENUMERATED: Final = 15
# Choices that a search judges: some minutes of a map of a thousand assets.
MOST_CASCADES: Final = 3_000


class Method(enum.StrEnum):
    """How a portfolio was found."""

    ENUMERATION = "enumeration"
    SEARCH = "milp, then search"


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """What to pay for, what it leaves, and how far that is proven.

    Money is in the unit of ``value_h``, but ``cost`` and ``budget``, and the expected losses by owner: cents. ``gap``:
    no choice within the budget leaves less than (1 - gap) of what this one leaves, by ``aimed``.
    """

    projects: tuple[str, ...]
    cost: int
    budget: int
    method: Method
    gap: float
    evaluated: int
    aimed_before: float
    aimed: float
    expected_before: float
    expected: float
    cvar_before: float
    cvar: float
    losses_before: dict[str, int]
    losses: dict[str, int]


def choose(scenarios: Scenarios, aim: Aim, *, budget: int, most_cascades: int = MOST_CASCADES) -> Portfolio:
    """Return the portfolio that leaves the least within a budget in cents.

    Of those that leave as little, one from which nothing can be left out.

    Raises:
        InputError: the budget is none, or the aim.
    """
    if not 0 <= budget <= MOST_CENTS:
        raise InputError(f"a budget of {budget}", todo=f"cents, 0 to {MOST_CENTS:,}")
    if len(scenarios.projects) <= MOST_ENUMERATED:
        choice, bound, method = enumerated(scenarios, aim, budget), None, Method.ENUMERATION
    else:
        choice, bound = searched(scenarios, aim, budget, most_cascades)
        method = Method.SEARCH
    return _told(scenarios, aim, _lean(scenarios, aim, choice), budget=budget, bound=bound, method=method)


def calculation_of(plan: Plan, projects: Sequence[Project], terms: Terms, aim: Aim, found: Portfolio) -> str:
    """Return the digest of everything that a choice rests on, and of the choice: who has the files makes it again."""
    form = [plan_digest(plan), msgspec.to_builtins(projects), msgspec.to_builtins((terms, aim)), list(found.projects)]
    encoded = msgspec.json.encode([*form, found.budget], order="deterministic")
    return hashlib.sha256(b"tocsin/fund/calculation/v1\n" + encoded).hexdigest()


def enumerated(scenarios: Scenarios, aim: Aim, budget: int) -> frozenset[int]:
    """Return the best choice of all within the budget: of those that leave as little, the first."""
    return min(_full(scenarios, budget), key=lambda choice: scenarios.aimed(choice, aim))


def searched(scenarios: Scenarios, aim: Aim, budget: int, most: int) -> tuple[frozenset[int], Fraction]:
    """Return a good choice, and what no choice within the budget leaves less than; some ``most`` choices are judged.

    Those that the mixed-integer program is made from come on top.
    """
    start = _filled(scenarios, budget, first_choice(scenarios, aim, budget))
    most += scenarios.evaluated
    half = (most + scenarios.evaluated) // 2
    return _bounded(scenarios, aim, budget, _improved(scenarios, aim, budget, start, half), most)


def _full(scenarios: Scenarios, budget: int) -> Iterator[frozenset[int]]:
    """Yield every choice within the budget to which no project can be added."""
    places = range(len(scenarios.projects))
    for count in range(len(places) + 1):
        for chosen in itertools.combinations(places, count):
            choice = frozenset(chosen)
            left = budget - scenarios.cost(choice)
            if left >= 0 and all(scenarios.projects[one].cost > left for one in places if one not in choice):
                yield choice


def _filled(scenarios: Scenarios, budget: int, choice: frozenset[int]) -> frozenset[int]:
    """Return a choice with what still fits, cheapest first: it cannot leave more."""
    for place, project in sorted(enumerate(scenarios.projects), key=lambda one: one[1].cost):
        if place not in choice and scenarios.cost(choice) + project.cost <= budget:
            choice |= {place}
    return choice


def _improved(scenarios: Scenarios, aim: Aim, budget: int, choice: frozenset[int], most: int) -> frozenset[int]:
    """Return a choice that no exchange of one project, or of one for two, betters; or the best that was seen so far."""
    best = scenarios.aimed(choice, aim)
    better = True
    while better:
        better = False
        for tried in _exchanges(scenarios, budget, choice):
            if scenarios.evaluated >= most:
                return choice
            left = scenarios.aimed(tried, aim)
            if left < best:
                choice, best, better = tried, left, True
                break
    return choice


def _exchanges(scenarios: Scenarios, budget: int, choice: frozenset[int]) -> Iterator[frozenset[int]]:
    others = [place for place in range(len(scenarios.projects)) if place not in choice]
    for new in itertools.chain(itertools.combinations(others, 1), itertools.combinations(others, 2)):
        added = choice.union(new)
        if scenarios.cost(added) <= budget:
            yield added
        for old in sorted(choice):
            if scenarios.cost(tried := added - {old}) <= budget:
                yield _filled(scenarios, budget, tried)


def _bounded(
    scenarios: Scenarios, aim: Aim, budget: int, choice: frozenset[int], most: int
) -> tuple[frozenset[int], Fraction]:
    """Return the best choice, and a bound below all: best first over what is chosen and what may still be."""
    best = scenarios.aimed(choice, aim)
    turn = itertools.count()

    def node(chosen: frozenset[int], free: frozenset[int]) -> tuple[Fraction, int, frozenset[int], frozenset[int]]:
        left = budget - scenarios.cost(chosen)
        free = frozenset(one for one in free if scenarios.projects[one].cost <= left)
        return scenarios.aimed(chosen | free, aim), next(turn), chosen, free

    open_ = [node(frozenset(), frozenset(range(len(scenarios.projects))))]
    while open_:
        bound, _, chosen, free = open_[0]
        if bound >= best or scenarios.evaluated >= most:
            return choice, min(bound, best)
        heapq.heappop(open_)
        if scenarios.cost(chosen | free) <= budget:
            choice, best = chosen | free, bound
            continue
        largest = max(free, key=lambda one: (scenarios.projects[one].cost, one))
        heapq.heappush(open_, node(chosen | {largest}, free - {largest}))
        heapq.heappush(open_, node(chosen, free - {largest}))
    return choice, best


def _lean(scenarios: Scenarios, aim: Aim, choice: frozenset[int]) -> frozenset[int]:
    """Return a choice without what changes nothing, the dearest first."""
    left = scenarios.aimed(choice, aim)
    for place in sorted(choice, key=lambda one: (-scenarios.projects[one].cost, one)):
        if scenarios.aimed(choice - {place}, aim) == left:
            choice -= {place}
    return choice


def _told(
    scenarios: Scenarios, aim: Aim, choice: frozenset[int], *, budget: int, bound: Fraction | None, method: Method
) -> Portfolio:
    none: frozenset[int] = frozenset()
    aimed = scenarios.aimed(choice, aim)
    return Portfolio(
        projects=tuple(sorted(scenarios.projects[place].id for place in choice)),
        cost=scenarios.cost(choice),
        budget=budget,
        method=method,
        gap=0.0 if bound is None or not aimed else float((aimed - bound) / aimed),
        evaluated=scenarios.evaluated,
        aimed_before=float(scenarios.aimed(none, aim)),
        aimed=float(aimed),
        expected_before=float(scenarios.expected(none)),
        expected=float(scenarios.expected(choice)),
        cvar_before=float(scenarios.cvar(none, aim)),
        cvar=float(scenarios.cvar(choice, aim)),
        losses_before=scenarios.expected_cents(none),
        losses=scenarios.expected_cents(choice),
    )
