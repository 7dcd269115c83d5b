"""What is hit: for each sample, which assets, how hard, from when until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.grid import FULL, MOST_TICKS, level_of, ticks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.cascade.wiring import Ints, Wiring

__all__ = ["DAMAGE", "FROM", "HIT", "ONE_HIT", "UNTIL", "Hit", "Hits", "hits_of", "of_table"]

# The columns of ``Hits.table``.
HIT: Final = 0  # the asset
DAMAGE: Final = 1  # in millionths
FROM: Final = 2  # the first tick at which it is damaged
UNTIL: Final = 3  # the first at which it is whole again
ONE_HIT: Final = "join its hits into one: which of two repairs ends both, we cannot know"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One asset loses ``damage`` of its service at ``from_h`` and has it back at ``until_h`` (its repair)."""

    asset: str
    until_h: float
    damage: float = 1.0
    from_h: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Hits:
    """The hits of many samples: those of sample s are ``table[first[s] : first[s + 1]]``."""

    first: Ints
    table: Ints

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.first) - 1

    def part(self, begin: int, end: int) -> Hits:
        """Return samples from ``begin`` to before ``end``, without copying their rows."""
        first = self.first[begin : end + 1]
        return Hits(first=first - first[0], table=self.table[first[0] : first[-1]])


def hits_of(wiring: Wiring, samples: Iterable[Sequence[Hit]]) -> Hits:
    """Return what is hit in each sample.

    Raises ``NotFoundError`` for an asset that the map has not, ``InputError`` for a share or time that is none, or an
    asset that is hit twice in a sample.
    """
    number = {name: place for place, name in enumerate(wiring.ids)}
    rows: list[tuple[int, int, int, int]] = []
    first = [0]
    for sample in samples:
        struck: set[str] = set()
        for hit in sample:
            if hit.asset in struck:
                raise InputError("an asset is hit twice", where=f"sample {len(first) - 1}: {hit.asset}", todo=ONE_HIT)
            struck.add(hit.asset)
            if hit.asset not in number:
                raise NotFoundError("there is no such asset", where=hit.asset, todo="`tocsin map show` lists them")
            if not 0 <= hit.damage <= 1:
                raise InputError(f"a damage of {hit.damage}", where=hit.asset, todo="0 (none) to 1 (all of it)")
            begin, end = (ticks_of(hours, wiring.ticks_per_hour) for hours in (hit.from_h, hit.until_h))
            rows.append((number[hit.asset], level_of(hit.damage), begin, min(end, MOST_TICKS)))
        first.append(len(rows))
    return of_table(wiring, first=np.array(first, dtype=np.int64), table=np.array(rows, dtype=np.int64).reshape(-1, 4))


def of_table(wiring: Wiring, *, first: Ints, table: Ints) -> Hits:
    """Return hits whose rows are on the grid already; raises ``InputError`` where a row is not what it must be.

    That no asset is hit twice in a sample, the engine finds.
    """
    if len(table):
        wrong = (
            (table[:, HIT] < 0)
            | (table[:, HIT] >= wiring.assets)
            | (table[:, DAMAGE] < 0)
            | (table[:, DAMAGE] > FULL)
            | (table[:, FROM] < 0)
            | (table[:, UNTIL] < table[:, FROM])
            | (table[:, UNTIL] > MOST_TICKS)
        )
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                "no asset, no share of its service, or it is repaired before it is hit",
                where=f"hit {row}: {table[row].tolist()}",
                todo="asset, damage in millionths, ticks from and until",
            )
    return Hits(first=np.ascontiguousarray(first), table=np.ascontiguousarray(table))
