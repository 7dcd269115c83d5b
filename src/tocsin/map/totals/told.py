"""What a reader is told of the map in totals: of what it sees, and of what it does not. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from tocsin.kernel.clock import Micros
from tocsin.map.rollup.model import ALL, covers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.seen import Seen
    from tocsin.map.totals.model import Answer, Earlier

__all__ = ["SeenPart", "TotalsOf", "TotalsTold", "UnseenPart", "composed"]


class SeenPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader's own map has; ``value_h`` is what an hour is worth."""

    owners: int
    assets: int
    people: int
    value_h: float


class UnseenPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a clause lets the reader be told of what its party may not read. None: not told, or there is nothing.

    ``owners``: of what is told here.
    """

    owners: int
    assets: int | None = None
    people: int | None = None
    value_h: int | None = None


class TotalsOf(msgspec.Struct, frozen=True, kw_only=True):
    """The totals of one sector; of the whole map where it is None, and of assets of no sector where it is empty."""

    sector: str | None
    seen: SeenPart
    unseen: UnseenPart | None


class TotalsTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is told: sectors by name, the whole last. What is of the unseen is as it was ``as_of``."""

    sectors: tuple[TotalsOf, ...]
    whole: TotalsOf
    as_of: Micros | None
    clauses: tuple[str, ...]
    at_least: int | None


def composed(seen: Seen, answer: Answer | None) -> TotalsTold:
    """Return the totals of a reader's map beside what it is told of the rest."""
    unseen = frozenset(seen.unseen)
    assets = [one for one in seen.plan.assets if one.id not in unseen]
    told = {} if answer is None else _unseen(answer.told)
    names = sorted({one.sector for one in assets} | (told.keys() - {ALL}))

    def of(sector: str | None) -> TotalsOf:
        mine = [one for one in assets if sector is None or one.sector == sector]
        return TotalsOf(
            sector=sector,
            seen=SeenPart(
                owners=len({one.owner for one in mine}),
                assets=len(mine),
                people=sum(one.people for one in mine),
                value_h=sum(one.value_h for one in mine),
            ),
            unseen=told.get(ALL if sector is None else sector),
        )

    return TotalsTold(
        sectors=tuple(of(one) for one in names),
        whole=of(None),
        as_of=None if answer is None else answer.at,
        clauses=() if answer is None else tuple(sorted(set(answer.clauses.values()))),
        at_least=None if answer is None else answer.at_least,
    )


def _unseen(told: Earlier) -> Mapping[str, UnseenPart]:
    """Return what is told by sector, and of the whole under ``ALL``."""
    figures: dict[str, dict[str, int]] = defaultdict(dict)
    owners: dict[str, set[str]] = defaultdict(set)
    for measure, sums in told.shown.items():
        mine = [one for one in told.items if one.measure == measure]
        alone = len({one.sector for one in mine}) == 1  # the whole is that sector, and is not written twice
        for total in sums:
            within = [one for one in mine if covers(total, (one.sector, measure))]
            for name in {total[0], *([ALL] if alone else [])}:
                figures[name][measure] = sum(one.value for one in within)
                owners[name] |= {one.owner for one in within}
    return {name: UnseenPart(owners=len(owners[name]), **said) for name, said in figures.items()}
