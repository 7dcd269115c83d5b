"""Which sums of a table are shown: those of enough parties, less those by which another could be had back. Pure.

First what is withheld for its own sake: sums of too few parties, or of which one party holds too much. Then, for each
target that an attacker could still reach, a cheap set of further sums is withheld that puts it out of reach (the linear
heuristic of Kelly, Golden and Assad 1992, with coalitions and all earlier publications as constraints). Last, what
turned out to be withheld without need is shown again. What an audit passes is protected, however it was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tocsin.errors import LimitError
from tocsin.map.rollup.attack import (
    coalitions,
    equation,
    limits,
    parts_of,
    search,
    secrets_of,
    targets,
)
from tocsin.map.rollup.model import ALL, MAX_PUBLICATIONS, Publication, check_figures, covers, sums_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tocsin.map.rollup.attack import Coalition, Equation, Part, Target, Witness
    from tocsin.map.rollup.model import Figures, Rules, Sum

__all__ = ["Audit", "Breach", "audit", "publish"]

# What withholding a sum costs, by how much it sums up: a margin tells more than a cell.
_COSTS: Final = (1.0, 5.0, 25.0)
# Showing one more is tried so often: each time costs an audit.
_TRIES: Final = 64


@dataclass(frozen=True, kw_only=True)
class Breach:
    """What a coalition could narrow down further than the rules allow. For who runs the hub, and no reader."""

    coalition: Coalition
    party: str
    sum: Sum
    changed: bool  # not the figure, but by how much it changed


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an attack on all that was published found: how many coalitions tried, on how many targets; what they got."""

    coalitions: int
    targets: int
    breaches: tuple[Breach, ...]

    @property
    def passed(self) -> bool:
        """Whether nobody learned more than the rules allow."""
        return not self.breaches


def publish(figures: Figures, earlier: Sequence[Publication], rules: Rules) -> Publication:
    """Return what may be shown of these figures after all that was shown earlier; it passes ``audit``.

    Raises:
        InputError: a figure is none.
        LimitError: they are too many; or what was shown earlier is not safe under these rules, whatever is shown now.
    """
    check_figures(figures)
    sums, world = sums_of(figures), _World([*earlier, Publication(rules=rules, figures=figures, shown={})], rules)
    fit = {total for total in sums if _large_enough(figures, total, rules)}
    shown = set(fit)
    for coalition in coalitions(world.parts, rules.colluding):
        shown = world.protected(coalition, shown)
    again = sorted(fit - shown, key=lambda one: (-_margins(one), -sums[one], one))
    for total in again[:_TRIES]:
        if world.holds({*shown, total}):
            shown.add(total)
    return Publication(rules=rules, figures=figures, shown={total: sums[total] for total in sums if total in shown})


def audit(publications: Sequence[Publication], rules: Rules) -> Audit:
    """Attack all publications together, as every coalition and for every target."""
    world = _World(publications, rules)
    shown = publications[-1].shown.keys() if publications else set[tuple[str, str]]()
    tried = count = 0
    breaches: list[Breach] = []
    for coalition in coalitions(world.parts, rules.colluding):
        tried += 1
        count += sum(1 for _ in targets(world.parts, world.secrets, coalition, rules))
        breaches += [
            Breach(coalition=coalition, party=one.secret.party, sum=one.secret.cell, changed=bool(one.secret.minus))
            for one in world.breached(coalition, shown)
        ]
    return Audit(coalitions=tried, targets=count, breaches=tuple(breaches))


class _World:
    """All publications, of the last of which may be shown more or less, and the witnesses found so far."""

    def __init__(self, publications: Sequence[Publication], rules: Rules) -> None:
        if len(publications) > MAX_PUBLICATIONS:
            raise LimitError(f"{len(publications)} publications", todo=f"at most {MAX_PUBLICATIONS}")
        self.parts: list[Part] = parts_of([one.figures for one in publications])
        self.secrets = secrets_of(self.parts, len(publications))
        self._rules = rules
        self._last = len(publications) - 1
        self._earlier = [
            equation(self.parts, number, total)
            for number, one in enumerate(publications[:-1])
            for total in sorted(one.shown)
        ]
        self._equation: dict[Sum, Equation] = {}
        self._witnesses: list[Witness] = []

    def protected(self, coalition: Coalition, shown: set[Sum]) -> set[Sum]:
        """Return what can still be shown when everything is out of a coalition's reach.

        Raises:
            LimitError: whatever is withheld now, the earlier publications give something away.
        """
        known, left = self._known(shown), set(shown)
        sound = self._sound(coalition, known)
        for target in targets(self.parts, self.secrets, coalition, self._rules):
            if any(one.moves(target) for one in reversed(sound)):
                continue
            witness = search(self.parts, known, coalition, target) or self._cheapest(coalition, target, known)
            broken = {one.sum for one in known if one.publication == self._last and not witness.keeps(one)}
            if broken:
                left -= broken
                known = self._known(left)
            sound.append(witness)
            self._witnesses.append(witness)
        return left

    def _cheapest(self, coalition: Coalition, target: Target, known: Sequence[Equation]) -> Witness:
        costs = {row: _COSTS[_margins(one.sum)] for row, one in enumerate(known) if one.publication == self._last}
        witness = search(self.parts, known, coalition, target, costs=costs)
        if witness is None:
            raise LimitError(
                "what was shown before, or the figures alone, do not protect every figure under these rules",
                where="roll-up",
                todo="publish under the rules of before, or when more parties have given figures",
            )
        return witness

    def breached(self, coalition: Coalition, shown: Collection[Sum]) -> Iterator[Target]:
        """Yield the targets that a coalition can reach."""
        known = self._known(shown)
        sound = self._sound(coalition, known)
        for target in targets(self.parts, self.secrets, coalition, self._rules):
            if any(one.moves(target) for one in reversed(sound)):
                continue
            witness = search(self.parts, known, coalition, target)
            if witness is None:
                yield target
            else:
                sound.append(witness)
                self._witnesses.append(witness)

    def holds(self, shown: Collection[Sum]) -> bool:
        """Return whether no coalition can reach anything."""
        return not any(True for one in coalitions(self.parts, self._rules.colluding) for _ in self.breached(one, shown))

    def _known(self, shown: Collection[Sum]) -> list[Equation]:
        for total in shown:
            if total not in self._equation:
                self._equation[total] = equation(self.parts, self._last, total)
        return [*self._earlier, *(self._equation[total] for total in sorted(shown))]

    def _sound(self, coalition: Coalition, known: Sequence[Equation]) -> list[Witness]:
        """Return the witnesses, found for whatever target, that nothing rules out which a coalition knows."""
        low, high = limits(self.parts, coalition)
        return [one for one in self._witnesses if one.fits(low, high) and all(map(one.keeps, known))]


def _large_enough(figures: Figures, total: Sum, rules: Rules) -> bool:
    """Return whether a sum is of enough parties, none of which holds too much of it."""
    held: dict[str, int] = {}
    for (party, sector, scenario, *_), figure in figures.items():
        if covers(total, (sector, scenario)):
            held[party] = held.get(party, 0) + figure
    if len(held) < rules.group:
        return False
    # the largest is in most danger, and from the next largest together
    largest, *others = sorted(held.values(), reverse=True)
    return all(sum(others[count:]) >= rules.reach(largest, count) for count in range(rules.colluding + 1))


def _margins(total: Sum) -> int:
    return sum(name == ALL for name in total)
