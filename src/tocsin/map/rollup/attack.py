"""What an attacker can find out from all that was ever published: bounds by linear programming. Pure.

The attacker has every publication, knows who takes part in which cell and when anybody's figure changed, and is a
*coalition* of members who know their own figures (nobody, for an outsider). What he does not know are the *parts*: of
each cell, what those members put in together whose figures went into the same publications. Each sum that was shown is
one linear equation over the parts. A part is at least what the coalition put into it itself.

A figure is safe from him if there are other sets of parts that fit everything he knows, in one of which the figure is
larger by what the rules demand and in another smaller. Such a set is a *witness*. HiGHS finds it in floating point; it
counts only once it was checked in exact integers, and a set of parts that cannot be checked protects nobody.

Sources: Fischetti and Salazar-González, "Solving the cell suppression problem on tabular data with linear constraints"
(2001), §2, for the attacker's problem; Hundepool et al., "Statistical Disclosure Control" (2012), §4.3, for coalitions
and singletons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from tocsin.map.rollup.model import ALL, covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tocsin.map.rollup.model import Rules, Slot, Sum

    Ints = NDArray[np.int64]

__all__ = [
    "Coalition",
    "Equation",
    "Part",
    "Secret",
    "Target",
    "Witness",
    "coalitions",
    "equation",
    "limits",
    "parts_of",
    "search",
    "secrets_of",
    "targets",
]

Coalition = frozenset[str]

# Steps of the corners of programmes whose numbers are whole; where publications overlap, halves and thirds occur.
_DENOMINATOR: Final = 60
# With the largest total of a part, 2·10¹⁴, times this, it stays within 63 bits.
_MOST_DENOMINATOR: Final = 20_000
# Sums over all parts have to, too.
_MOST_SUM: Final = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Part:
    """What some members put into one cell in exactly these publications (by number): their figures."""

    cell: Sum
    publications: frozenset[int]
    figures: Mapping[str, int]

    @property
    def total(self) -> int:
        """What it is, and what the attacker does not know."""
        return sum(self.figures.values())

    def own(self, coalition: Coalition) -> int:
        """Return what a coalition put into it."""
        return sum(figure for party, figure in self.figures.items() if party in coalition)


@dataclass(frozen=True, kw_only=True)
class Equation:
    """One sum that was shown: of a publication (by number), over the parts (by place)."""

    publication: int
    sum: Sum
    parts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """What is one party's: its part in a sum; or by how much that changed, where there are parts to take off."""

    party: str
    cell: Sum  # the sum
    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """A witness has to move the parts ``plus`` up and the parts ``minus`` down, by ``reach`` in all."""

    secret: Secret
    plus: tuple[int, ...]
    minus: tuple[int, ...]
    reach: int


@dataclass(frozen=True, kw_only=True)
class Witness:
    """By part, how much it is other than it is: ``steps`` of 1 / ``denominator``."""

    steps: Ints
    denominator: int

    def keeps(self, equation: Equation) -> bool:
        """Return whether it leaves a sum as it is."""
        return not self.steps[list(equation.parts)].sum()

    def fits(self, low: Ints, high: Ints) -> bool:
        """Return whether it stays within what ``limits`` gave."""
        return bool((self.steps >= low * self.denominator).all() and ((self.steps <= 0) | (high > 0)).all())

    def moves(self, target: Target) -> bool:
        """Return whether it moves a target as far as it has to."""
        moved = int(self.steps[list(target.plus)].sum()) - int(self.steps[list(target.minus)].sum())
        return moved >= target.reach * self.denominator


def parts_of(tables: Sequence[Mapping[Slot, int]]) -> list[Part]:
    """Return the parts that several publications' figures fall into, in a fixed order.

    A figure that stays the same from one publication to another is one unknown, not two: who knows that it did is held
    to know it.
    """
    seen: dict[tuple[Slot, int], set[int]] = {}
    for number, figures in enumerate(tables):
        for slot, figure in figures.items():
            seen.setdefault((slot, figure), set()).add(number)
    grouped: dict[tuple[Sum, frozenset[int]], dict[str, int]] = {}
    for ((party, sector, scenario, *_), figure), numbers in sorted(seen.items(), key=lambda one: one[0]):
        held = grouped.setdefault(((sector, scenario), frozenset(numbers)), {})
        held[party] = held.get(party, 0) + figure
    ordered = sorted(grouped.items(), key=lambda one: (one[0][0], sorted(one[0][1])))
    return [Part(cell=cell, publications=numbers, figures=figures) for (cell, numbers), figures in ordered]


def equation(parts: Sequence[Part], publication: int, total: Sum) -> Equation:
    """Return what a sum of a publication says of the parts."""
    places = tuple(
        place for place, part in enumerate(parts) if publication in part.publications and covers(total, part.cell)
    )
    return Equation(publication=publication, sum=total, parts=places)


def coalitions(parts: Iterable[Part], most: int) -> Iterator[Coalition]:
    """Yield nobody, and every coalition of up to ``most`` of the parties that have figures."""
    parties = sorted({party for part in parts for party in part.figures})
    for size in range(most + 1):
        yield from map(frozenset, combinations(parties, size))


def secrets_of(parts: Sequence[Part], publications: int) -> list[Secret]:
    """Return what is each party's: its part in every cell and margin of every publication, and each change of these."""
    found: dict[tuple[str, tuple[int, ...], tuple[int, ...]], Secret] = {}
    for party, mine in _by_party(parts).items():
        cells = {parts[place].cell for place in mine}
        sums = {one for cell in cells for one in (cell, (cell[0], ALL), (ALL, cell[1]), (ALL, ALL))}
        for total in sorted(sums):
            places = [place for place in mine if covers(total, parts[place].cell)]
            held = [tuple(place for place in places if n in parts[place].publications) for n in range(publications)]
            for plus in held:
                if plus:
                    found.setdefault((party, plus, ()), Secret(party=party, cell=total, plus=plus))
            for before, after in combinations(dict.fromkeys(one for one in held if one), 2):
                plus, minus = _without(after, before), _without(before, after)
                if plus and minus:
                    secret = Secret(party=party, cell=total, plus=plus, minus=minus)
                    found.setdefault((party, plus, minus), secret)
                elif plus or minus:  # some came or went: those are figures themselves
                    found.setdefault((party, plus or minus, ()), Secret(party=party, cell=total, plus=plus or minus))
    return list(found.values())


def _by_party(parts: Sequence[Part]) -> dict[str, list[int]]:
    mine: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        for party in part.figures:
            mine.setdefault(party, []).append(place)
    return dict(sorted(mine.items()))


def _without(places: tuple[int, ...], others: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(place for place in places if place not in others)


def targets(parts: Sequence[Part], secrets: Iterable[Secret], coalition: Coalition, rules: Rules) -> Iterator[Target]:
    """Yield what must be movable, so that a coalition does not find these secrets out.

    Where others beside the party and the coalition are in a part, any of it may be theirs: the party's figure in it may
    be 0 whatever the part is, and as much more as theirs. Only beyond that the parts themselves have to be uncertain.
    """
    own = [part.own(coalition) for part in parts]
    for secret in secrets:
        if secret.party in coalition:
            continue
        up, down = (_side(parts, own, coalition, secret.party, places) for places in (secret.plus, secret.minus))
        reach = rules.reach(max(up.held, down.held), len(coalition))
        if reach > (room := up.others + down.shared):
            yield Target(secret=secret, plus=secret.plus, minus=down.alone, reach=reach - room)
        least = reach if secret.minus else min(reach, up.held)
        if least > (room := down.others + up.shared):
            yield Target(secret=secret, plus=secret.minus, minus=up.alone, reach=least - room)


@dataclass(frozen=True, kw_only=True)
class _Side:
    """Of some parts: what a party holds of them, what of that in parts with others, what those hold; and the rest."""

    held: int
    shared: int
    others: int
    alone: tuple[int, ...]


def _side(parts: Sequence[Part], own: Sequence[int], coalition: Coalition, party: str, places: Sequence[int]) -> _Side:
    held = shared = others = 0
    alone: list[int] = []
    for place in places:
        part = parts[place]
        mine = part.figures[party]
        held += mine
        if part.figures.keys() <= coalition | {party}:
            alone.append(place)
        else:
            shared += mine
            others += part.total - own[place] - mine
    return _Side(held=held, shared=shared, others=others, alone=tuple(alone))


def limits(parts: Sequence[Part], coalition: Coalition) -> tuple[Ints, Ints]:
    """Return by part how far down it can go for a coalition, and how far up: nowhere where it is all its own."""
    own = [part.figures.keys() <= coalition for part in parts]
    low = [0 if known else part.own(coalition) - part.total for part, known in zip(parts, own, strict=True)]
    high = [0 if known else _MOST_SUM for known in own]
    return np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)


def search(
    parts: Sequence[Part],
    known: Sequence[Equation],
    coalition: Coalition,
    target: Target,
    *,
    costs: Mapping[int, float] | None = None,
) -> Witness | None:
    """Return parts that fit what a coalition knows and move a target as far as it has to; None: there are none.

    ``costs`` says of some equations, by their places in ``known``, that they may be broken, and what a unit of that
    costs: the cheapest way is found. The others hold.
    """
    price = costs or {}
    free, size = sorted(price), len(parts)
    entries = [(row, place, 1.0) for row, one in enumerate(known) for place in one.parts]
    for place, row in enumerate(free):
        entries += [(row, size + 2 * place, 1.0), (row, size + 2 * place + 1, -1.0)]
    entries += [(len(known), place, 1.0) for place in target.plus]
    entries += [(len(known), place, -1.0) for place in target.minus]
    rows, columns, values = zip(*entries, strict=True)
    width = size + 2 * len(free)
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(known) + 1, width))
    right = np.zeros(len(known) + 1)
    right[-1] = target.reach
    low, high = limits(parts, coalition)
    bounds = np.zeros((width, 2))
    bounds[:size, 0], bounds[:, 1] = low, np.inf
    bounds[:size, 1][high == 0] = 0
    worth = np.concatenate([np.zeros(size), np.repeat([price[row] for row in free], 2)])
    solved = linprog(worth, A_eq=matrix, b_eq=right, bounds=bounds, method="highs-ds")
    if solved.x is None:
        return None
    held = [one for row, one in enumerate(known) if row not in price]
    witness = _exact(solved.x[:size])
    if witness is None or not (witness.moves(target) and witness.fits(low, high) and all(map(witness.keeps, held))):
        return None
    return witness


def _exact(solution: NDArray[np.float64]) -> Witness | None:
    """Return what a solution in floating point must mean; None where it is too large to be added up exactly."""
    exact = [Fraction(value).limit_denominator(_DENOMINATOR) for value in solution.tolist()]
    denominator = math.lcm(*(one.denominator for one in exact))
    steps = [int(one * denominator) for one in exact]
    if denominator > _MOST_DENOMINATOR or max(map(abs, steps), default=0) * (len(steps) + 1) > _MOST_SUM:
        return None
    return Witness(steps=np.array(steps, dtype=np.int64), denominator=denominator)
