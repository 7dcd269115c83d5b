"""What has to fail together so that one asset does: its structure function, minimal cut sets, probability. Pure.

Where ``failures.cuts`` tries sets of one and two, this finds those of every size, on maps that are small enough. It
asks what is left *for good*: what has failed stays so, and every buffer has run out. Then services only fall, and end
at the greatest fixed point of the map's equations without buffers; rings too (``docs/map.md``).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tocsin.errors import InputError, LimitError
from tocsin.map.cascade.grid import FULL, level_of
from tocsin.map.cascade.wiring import ALPHA, BETA, COUNTED, FLAGS, WANTED
from tocsin.map.diagrams import NEVER, SURELY, Diagrams

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from tocsin.map.cascade.wiring import Wiring

__all__ = ["MOST_LEVELS", "MOST_PARTS", "MOST_TOLD", "Structure", "structure"]

# A diagram is as deep as there are variables, and Python goes a thousand calls deep: two of ours to a variable.
MOST_PARTS: Final = 300
# How many different services one asset may have when others are up or down; each is a function of its own.
MOST_LEVELS: Final = 32
# Sums that the suppliers of one group may come to.
_MOST_SUMS: Final = 4_096
# Nobody reads more sets; how many there are is told whatever their number.
MOST_TOLD: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Structure:
    """When ``target`` has less service than asked for, by which of ``parts`` (assets, as variables) have failed."""

    target: int
    parts: tuple[int, ...]
    diagrams: Diagrams
    function: int

    def sizes(self) -> dict[int, int]:
        """Return how many minimal cut sets there are of each size."""
        return dict(sorted(self.diagrams.count(self.diagrams.minimal(self.function)).items()))

    def cuts(self, *, largest: int) -> list[tuple[int, ...]]:
        """Return the minimal cut sets of up to ``largest`` assets: smaller first, then by the assets' numbers.

        Raises ``LimitError`` where there are more than ``MOST_TOLD``; ``sizes`` says how many of which size.
        """
        sets = self.diagrams.minimal(self.function)
        count = sum(times for size, times in self.diagrams.count(sets).items() if size <= largest)
        if count > MOST_TOLD:
            raise LimitError(f"{count:,} cut sets", todo=f"at most {MOST_TOLD:,} are listed: ask for smaller ones")
        found = [
            tuple(sorted(self.parts[variable] for variable in one))
            for size in range(largest + 1)
            for one in self.diagrams.each(sets, size)
        ]
        return sorted(found, key=lambda one: (len(one), one))

    def probability(self, chance: Mapping[int, float]) -> float:
        """Return how probable the loss is, each part failed independently with its chance (0 where none is given)."""
        wrong = [asset for asset, value in chance.items() if not 0 <= value <= 1]
        if wrong:
            raise InputError(f"a chance of {chance[wrong[0]]}", where=f"asset {wrong[0]}", todo="0 to 1")
        return self.diagrams.probability(self.function, [chance.get(asset, 0.0) for asset in self.parts])


def structure(
    wiring: Wiring,
    target: int,
    *,
    service: float = 1.0,
    among: Container[int] | None = None,
    diagrams: Diagrams | None = None,
) -> Structure:
    """Return when ``target`` is left with less than ``service`` because other assets have failed entirely.

    ``among``: those that can fail by themselves; all if not given. Raises ``LimitError`` for a target with more than
    ``MOST_PARTS`` of them behind it, an asset with more than ``MOST_LEVELS`` services, or a diagram that grows too
    large. The result is exact: on the grid, degraded service and weights included.
    """
    if not 0 < service <= 1:
        raise InputError(f"a service of {service}", todo="more than 0, up to 1")
    order = _behind(wiring, target)
    parts = tuple(asset for asset in order if asset != target and (among is None or asset in among))
    if len(parts) > MOST_PARTS:
        raise LimitError(
            f"{len(parts):,} assets are behind it", todo=f"up to {MOST_PARTS}: say among which, or which hours"
        )
    builder = _Builder(wiring, diagrams or Diagrams(), {asset: at for at, asset in enumerate(parts)})
    builder.settle(order[::-1])  # suppliers before those that they supply, where there are no rings
    return Structure(
        target=target,
        parts=parts,
        diagrams=builder.diagrams,
        function=builder.below(target, level_of(service)),
    )


def _behind(wiring: Wiring, target: int) -> list[int]:
    """Return the target and all that it depends on, in the order in which they are come upon, depth first."""
    order: list[int] = []
    seen: set[int] = set()
    stack = [target]
    while stack:
        asset = stack.pop()
        if asset in seen:
            continue
        seen.add(asset)
        order.append(asset)
        begin, end = wiring.groups_of[asset : asset + 2]
        sources = wiring.sources[wiring.from_of[begin] : wiring.from_of[end], 0]
        stack += [int(one) for one in sources[::-1] if int(one) not in seen]
    return order


@dataclass(frozen=True, kw_only=True)
class _Need:
    """One group, as numbers."""

    wanted: int
    counted: bool
    alpha: int
    beta: int
    up_from: int
    sources: tuple[tuple[int, int], ...]

    def allows(self, supply: int) -> int:
        return min(self.alpha * supply // FULL + FULL - self.alpha, supply + self.beta, FULL)

    def least(self, level: int) -> int:
        """Return the least supply that allows so much."""
        low, high = 0, FULL
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.allows(middle) >= level else (middle + 1, high)
        return low


class _Builder:
    """Functions *asset a has less than v*, for each service v that it may have, up to their least fixed point."""

    def __init__(self, wiring: Wiring, diagrams: Diagrams, variables: Mapping[int, int]) -> None:
        self.wiring = wiring
        self.diagrams = diagrams
        self.variables = variables
        self.levels: dict[int, list[int]] = {}
        self.short: dict[tuple[int, int], int] = {}

    def settle(self, order: Sequence[int]) -> None:
        needs = {asset: list(self._needs(asset)) for asset in order}
        self.levels = {asset: [0, FULL] for asset in order}
        while any([self._more_levels(asset, needs[asset]) for asset in order]):  # noqa: C419 -- each has its turn
            pass
        self.short = {(asset, level): NEVER for asset in order for level in self.levels[asset]}
        while any([self._falls(asset, needs[asset]) for asset in order]):  # noqa: C419 -- each has its turn
            pass

    def below(self, asset: int, level: int) -> int:
        """Return the function that the asset has less than this: than the least service it may have from there up."""
        return self.short[asset, next(one for one in self.levels[asset] if one >= level)]

    def _needs(self, asset: int) -> Iterator[_Need]:
        wiring = self.wiring
        for group in range(*wiring.groups_of[asset : asset + 2].tolist()):
            row = wiring.fixed[group].tolist()
            begin, end = wiring.from_of[group : group + 2]
            yield _Need(
                wanted=row[WANTED],
                counted=bool(row[FLAGS] & COUNTED),
                alpha=row[ALPHA],
                beta=row[BETA],
                up_from=int(wiring.up_from[group]),
                sources=tuple((source, weight) for source, weight in wiring.sources[begin:end].tolist()),
            )

    def _more_levels(self, asset: int, needs: Sequence[_Need]) -> bool:
        """Add the services that it may have; returns whether there were new ones."""
        found = {0, FULL}
        for need in needs:
            found |= {need.allows(supply) for supply in self._supplies(need)}
        if len(found) > MOST_LEVELS:
            raise LimitError(
                f"it may have {len(found)} different services", where=self._name(asset), todo=f"up to {MOST_LEVELS}"
            )
        if found <= set(self.levels[asset]):
            return False
        self.levels[asset] = sorted(found.union(self.levels[asset]))
        return True

    def _supplies(self, need: _Need) -> set[int]:
        if need.counted:
            self.diagrams.spend(1)
            return {0, FULL}
        sums = {0}
        for source, weight in need.sources:
            self.diagrams.spend(len(sums) * len(self.levels[source]))
            sums = {min(one + weight * level, need.wanted * FULL) for one in sums for level in self.levels[source]}
            if len(sums) > _MOST_SUMS:
                raise LimitError(f"its suppliers add up to {len(sums):,} different sums", todo=f"up to {_MOST_SUMS:,}")
        return {one // need.wanted for one in sums}

    def _falls(self, asset: int, needs: Sequence[_Need]) -> bool:
        """Put what is known of its suppliers into its functions; returns whether they changed."""
        changed = False
        for level in self.levels[asset][1:]:
            function = self.diagrams.variable(self.variables[asset]) if asset in self.variables else NEVER
            for need in needs:
                function = self.diagrams.either(function, self._fails(need, level))
            changed |= function != self.short[asset, level]
            self.short[asset, level] = function
        return changed

    def _fails(self, need: _Need, level: int) -> int:
        """Return the function that a need allows less than this."""
        self.diagrams.spend(1)
        least = need.least(level)
        if least == 0:
            return NEVER
        if need.counted:
            return self._too_few(need)
        return self._too_little(need, least * need.wanted)

    def _too_few(self, need: _Need) -> int:
        """Return the function that fewer than ``wanted`` suppliers are up: so many of them are down."""
        functions = [self.below(source, need.up_from) for source, _ in need.sources]
        enough = len(functions) - need.wanted + 1
        # ways[d]: at least d of those so far are down
        ways = [SURELY] + [NEVER] * enough
        for down in functions:
            for many in range(enough, 0, -1):
                ways[many] = self.diagrams.either(ways[many], self.diagrams.both(down, ways[many - 1]))
        return ways[enough]

    def _too_little(self, need: _Need, wanted: int) -> int:
        """Return the function that the weighted services add up to less than this."""
        if len(need.sources) > MOST_PARTS:
            raise LimitError(f"a need has {len(need.sources):,} suppliers that add up", todo=f"up to {MOST_PARTS}")
        rest = [0]
        for _, weight in need.sources[::-1]:
            rest.append(rest[-1] + weight * FULL)
        known: dict[tuple[int, int], int] = {}

        def short(place: int, left: int) -> int:
            self.diagrams.spend(1)
            if left <= 0:
                return NEVER
            if left > rest[len(need.sources) - place]:
                return SURELY
            if (place, left) not in known:
                source, weight = need.sources[place]
                levels = self.levels[source][::-1]
                function = short(place + 1, left - weight * levels[0])
                for above, level in itertools.pairwise(levels):
                    less = self.diagrams.both(self.short[source, above], short(place + 1, left - weight * level))
                    function = self.diagrams.either(function, less)
                known[place, left] = function
            return known[place, left]

        return short(0, wanted)

    def _name(self, asset: int) -> str:
        return self.wiring.ids[asset] if self.wiring.ids else f"asset {asset}"
