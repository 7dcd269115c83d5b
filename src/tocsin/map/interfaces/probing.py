"""Trying a member's part of the map alone: what its inputs' losses do to it, many at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import LimitError
from tocsin.map.cascade.engine import courses
from tocsin.map.cascade.grid import FULL, MOST_TICKS, level_of
from tocsin.map.cascade.hits import DAMAGE, FROM, HIT, UNTIL, of_table
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Supplier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.cascade.reference import Course
    from tocsin.map.cascade.wiring import Ints

__all__ = ["AT_ONCE", "END", "MOST_TRIES", "Answer", "Away", "Probe", "falls_of", "level_at"]

# A try is one sample of a small map, and what happens in it is in memory.
MOST_TRIES: Final = 50_000
# A loss without end: as long as the engine looks.
END: Final = MOST_TICKS
# A stock that is full again after a millionth of what it lasts is full at once.
AT_ONCE: Final = 1e6
# So often an input may go away in one try: an asset is hit once in a sample, so each time is a switch of its own.
_TIMES: Final = 3


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """An input that gives ``service`` only, in ticks from 0."""

    terminal: int
    service: float = 0.0
    begin: int = 0
    end: int = END


class Probe:
    """A member's assets with stand-ins for its inputs (terminals: assets of others that are lost together).

    An asset of the member's own may be a terminal too: it is hit.
    """

    def __init__(self, plan: AssetMap, inside: frozenset[str], terminals: Sequence[tuple[str, ...]]) -> None:
        own = tuple(asset for asset in plan.assets if asset.id in inside)
        groups = [group for group in plan.groups if group.asset in inside]
        assets = list(own)
        self.switches: dict[tuple[int, int], int] = {}
        for terminal, together in enumerate(terminals):
            for time in range(_TIMES):
                self.switches[terminal, time] = len(assets)
                assets.append(Asset(id=f"\0{terminal}\0{time}"))
            for name in together:
                if name not in inside:
                    assets.append(Asset(id=name))
                groups += [
                    DependencyGroup(asset=name, name=f"\0{time}", suppliers=(Supplier(asset=f"\0{terminal}\0{time}"),))
                    for time in range(_TIMES)
                ]
        self.wiring = wire(AssetMap(assets=tuple(assets), groups=tuple(groups)))
        self.number = {asset.id: at for at, asset in enumerate(own)}
        self.tries = 0

    def run(self, tries: Sequence[Sequence[Away]]) -> list[Course]:
        """Return what happens in each try. Raises ``LimitError`` above ``MOST_TRIES`` in all."""
        self.tries += len(tries)
        if self.tries > MOST_TRIES:
            raise LimitError(
                f"{self.tries:,} losses of inputs would have to be tried",
                todo=f"at most {MOST_TRIES:,}: fewer together, fewer degrees, or inputs joined",
            )
        if not tries:
            return []
        rows: list[tuple[int, int, int, int]] = []
        first = [0]
        for one in tries:
            rows += self._rows(one)
            first.append(len(rows))
        table: Ints = np.zeros((len(rows), 4), dtype=np.int64)
        table[:, [HIT, DAMAGE, FROM, UNTIL]] = np.array(rows, dtype=np.int64).reshape(-1, 4)
        hits = of_table(self.wiring, first=np.array(first, dtype=np.int64), table=table)
        return courses(self.wiring, hits, horizon_h=MOST_TICKS // self.wiring.ticks_per_hour, jobs=1)

    def _rows(self, aways: Iterable[Away]) -> list[tuple[int, int, int, int]]:
        used: dict[int, int] = {}
        rows = []
        for away in aways:
            time = used.get(away.terminal, 0)
            used[away.terminal] = time + 1
            rows.append((self.switches[away.terminal, time], FULL - level_of(away.service), away.begin, away.end))
        return rows


@dataclass(frozen=True, kw_only=True)
class Answer:
    """When all of ``cut`` give less than ``up_from``, for ``ticks``, the output has ``level`` at most.

    ``service``: what they gave in the try. ``course``: of that try, in which they were lost for good.
    """

    cut: frozenset[int]
    ticks: int
    level: int
    up_from: float
    service: float
    course: Course = field(repr=False, compare=False)

    def aways(self, begin: int = 0, end: int = END) -> list[Away]:
        """Return the loss of the cut between two instants."""
        return [Away(terminal=one, service=self.service, begin=begin, end=end) for one in sorted(self.cut)]

    def covers(self, other: Answer) -> bool:
        """Return whether the other one follows from this."""
        return (
            self.cut <= other.cut
            and self.ticks <= other.ticks
            and self.level <= other.level
            and self.up_from >= other.up_from
        )


def falls_of(course: Course, asset: int) -> list[tuple[int, int]]:
    """Return the instants at which an asset's service is less than ever before, and what it is then."""
    least, found = FULL, []
    for instant, changed, level in course.changes:
        if changed == asset and level < least:
            least = level
            found.append((instant, level))
    return found


def level_at(course: Course, asset: int, when: int) -> int:
    """Return an asset's service at an instant."""
    level = FULL
    for instant, changed, now in course.changes:
        if instant > when:
            break
        if changed == asset:
            level = now
    return level
