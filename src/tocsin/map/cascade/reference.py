"""The reference: the definition, written down as plainly as it can be run. Pure Python, integers, one sample.

It looks at every asset at every event and adds every sum up anew. The other engine must give what this one gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tocsin.map.cascade.grid import FULL
from tocsin.map.cascade.wiring import ALPHA, ASSET, BETA, BLACK_START, BUFFER, COUNTED, FLAGS, REFILL, WANTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.map.cascade.wiring import Wiring

__all__ = ["Course", "course"]


@dataclass(frozen=True, kw_only=True)
class Course:
    """What happens in one sample before its horizon, in ticks and millionths.

    ``changes``: (instant, asset, its service from then on), by instant and asset. ``emptied``: (instant, group) when a
    buffer ran out, by instant and group; one that was refilled may run out again.
    """

    changes: tuple[tuple[int, int, int], ...]
    emptied: tuple[tuple[int, int], ...]


def course(wiring: Wiring, hits: Iterable[Sequence[int]], horizon: int) -> Course:
    """Return what follows from hits (asset, damage, from, until), in the instants from 0 to before ``horizon``."""
    return _Engine(wiring, hits).run(horizon)


class _Group:
    """One group: what it is, and how it stands."""

    def __init__(self, wiring: Wiring, number: int) -> None:
        row = [int(value) for value in wiring.fixed[number]]
        begin, end = wiring.from_of[number : number + 2]
        self.asset = row[ASSET]
        self.wanted = row[WANTED]
        self.buffer = row[BUFFER]
        self.refill = row[REFILL]
        self.alpha = row[ALPHA]
        self.beta = row[BETA]
        self.counted = bool(row[FLAGS] & COUNTED)
        self.black_start = bool(row[FLAGS] & BLACK_START)
        self.up_from = int(wiring.up_from[number])
        self.sources = [(int(asset), int(weight)) for asset, weight in wiring.sources[begin:end]]
        self.stock = self.buffer
        self.supply = FULL

    def supplied(self, service: list[int]) -> int:
        """Return min(1, sum w x / k), or 1[#up >= k]."""
        if self.counted:
            up = sum(service[asset] >= self.up_from for asset, _ in self.sources)
            return FULL if up >= self.wanted else 0
        return min(FULL, sum(weight * service[asset] for asset, weight in self.sources) // self.wanted)

    def allows(self, service: list[int]) -> int:
        """Return min(a s + 1 - a, s + b), of the supply that the buffer makes whole while there is any."""
        supply = FULL if self.stock > 0 else self.supplied(service)
        return min(self.alpha * supply // FULL + FULL - self.alpha, supply + self.beta, FULL)

    def pass_time(self, ticks: int) -> bool:
        """Use up, or refill; returns whether the buffer ran out at the end of these ticks."""
        if self.supply == FULL:
            self.stock = min(self.buffer, self.stock + self.refill * ticks)
            return False
        had = self.stock
        self.stock = max(0, had - (FULL - self.supply) * ticks)
        return had > 0 and self.stock == 0

    def lasts(self) -> int | None:
        """Return in how many ticks the buffer is empty, at the supply of now; None: it is, or does not get so."""
        if self.supply == FULL or self.stock == 0:
            return None
        return -(-self.stock // (FULL - self.supply))


class _Engine:
    def __init__(self, wiring: Wiring, hits: Iterable[Sequence[int]]) -> None:
        self.groups = [_Group(wiring, number) for number in range(wiring.groups)]
        self.needs: list[list[_Group]] = [[] for _ in range(wiring.assets)]
        for group in self.groups:
            self.needs[group.asset].append(group)
        self.hits = [tuple(int(value) for value in hit) for hit in hits]
        self.own = [FULL] * wiring.assets
        self.service = [FULL] * wiring.assets

    def run(self, horizon: int) -> Course:
        changes: list[tuple[int, int, int]] = []
        emptied: list[tuple[int, int]] = []
        outside = sorted({instant for _, _, begin, end in self.hits if begin < end for instant in (begin, end)} | {0})
        now = 0
        while now < horizon:
            before = list(self.service)
            self.settle(now)
            changes += [(now, asset, new) for asset, new in enumerate(self.service) if new != before[asset]]
            following = min(self.events(now, outside), default=horizon)
            emptied += [
                (following, number) for number, group in enumerate(self.groups) if group.pass_time(following - now)
            ]
            now = following
        return Course(changes=tuple(changes), emptied=tuple(one for one in emptied if one[0] < horizon))

    def events(self, now: int, outside: list[int]) -> Iterator[int]:
        """Yield when something happens next by itself: a hit, a repair, a buffer that runs out."""
        yield from (instant for instant in outside if instant > now)
        yield from (now + ticks for group in self.groups if (ticks := group.lasts()) is not None)

    def settle(self, now: int) -> None:
        """Let what can rise rise from what was, to the least fixed point; then let fall what cannot stand."""
        self.own = [FULL] * len(self.own)
        for asset, damage, begin, end in self.hits:
            if begin <= now < end:
                self.own[asset] = FULL - damage
        while any([self.rises(asset) for asset in range(len(self.own))]):  # noqa: C419 -- each has its turn in a round
            pass
        while any([self.falls(asset) for asset in range(len(self.own))]):  # noqa: C419 -- each has its turn in a round
            pass
        for group in self.groups:
            group.supply = group.supplied(self.service)

    def rises(self, asset: int) -> bool:
        """A need with black start does not keep an asset from starting; whether it can go on is seen when all fall."""
        needs = (group.allows(self.service) for group in self.needs[asset] if not group.black_start)
        level = min(self.own[asset], *needs, FULL)
        rose = level > self.service[asset]
        self.service[asset] = max(level, self.service[asset])
        return rose

    def falls(self, asset: int) -> bool:
        level = min(self.own[asset], *(group.allows(self.service) for group in self.needs[asset]), FULL)
        fell = level < self.service[asset]
        self.service[asset] = min(level, self.service[asset])
        return fell
