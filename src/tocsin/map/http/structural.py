"""What follows from a map's structure alone: minimal cut sets of an asset, and how its sectors depend on each other.

As in ``computed``, each is of the reader's own map and of nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import numpy as np

from tocsin.errors import InputError, LimitError, NotFoundError
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import read_body, reply
from tocsin.kernel.http.operations import Answer
from tocsin.map.between import dependence_of, resilience_of
from tocsin.map.cascade import wire
from tocsin.map.diagrams import Diagrams
from tocsin.map.failures import Measure
from tocsin.map.http.asked import (
    MOST_HITS,
    MOST_HOURS,
    MOST_WORK,
    MapCall,
    Name,
    Services,
    Share,
    computing,
    seen_by,
)
from tocsin.map.sectors import course_of, iim
from tocsin.map.structure import MOST_PARTS, structure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tocsin.kernel.http.operations import Operation
    from tocsin.kernel.http.routes import Reply
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal

    Floats = NDArray[np.float64]

__all__ = ["operations"]

# A second of a processor, and some megabytes: others wait for an answer, too.
_MOST_NODES: Final = 50_000
_MOST_STEPS: Final = 1_000_000
_MOST_CUTS: Final = 1_000
_UP_TO: Final = 3
# Registers have 7 to 30; an answer has a number for each two.
_MOST_SECTORS: Final = 100
_MOST_CELLS: Final = 100_000
_MOST_ROUNDS: Final = 50_000
_WEEK_H: Final = 168
_AT_HOME: Final = "do it at home: `tocsin map sectors`"
# What a double, and so every reader of JSON, has exactly.
_LARGEST: Final = 2**53 - 1

# A sector may have no name.
SectorName = Annotated[str, msgspec.Meta(max_length=200)]
WholeHours = Annotated[int, msgspec.Meta(ge=0, le=int(MOST_HOURS))]


class ChanceAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How likely it is that an asset has failed, whatever others do."""

    asset: Name
    chance: Share


class CutsAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to fail, for good, so that ``asset`` is left with less than ``service``.

    Sets of up to ``up_to`` assets are listed. ``among``: only these can fail by themselves; all if none is named.
    ``chance`` is that of all whom ``chances`` does not name; with neither no probability is told.
    """

    asset: Name
    up_to: Annotated[int, msgspec.Meta(ge=1, le=MOST_PARTS)] = _UP_TO
    service: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    among: Annotated[list[Name], msgspec.Meta(max_length=MOST_HITS)] = []
    chance: Share | None = None
    chances: Annotated[list[ChanceAsk], msgspec.Meta(max_length=MOST_HITS)] = []
    collection: Word | None = None


class CutsOfSize(msgspec.Struct, frozen=True, kw_only=True):
    """How many minimal cut sets of this size there are; 2^53 - 1 where there are more."""

    size: int
    sets: int


class CutsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Minimal cut sets of an asset on the map that the asker sees, the smaller first; ``sizes`` counts them all."""

    asset: str
    service: float
    up_to: int
    unseen: int
    cuts: list[list[str]]
    sizes: list[CutsOfSize]
    probability: float | None


class SectorHit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sector loses this share of its service by itself."""

    sector: SectorName
    share: Share


class SectorRecovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours in which a sector that is hurt alone has 99 of 100 of its loss back."""

    sector: SectorName
    hours: Annotated[float, msgspec.Meta(gt=0, le=MOST_HOURS)]


class SectorsAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to count the assets of a sector; what is hit; and how fast sectors recover, for what follows by the hour.

    ``recovery_h`` is for the sectors that ``recoveries`` does not name. ``until_h``: when the hit is over; it lasts if
    not said.
    """

    measure: Measure = Measure.HOURS
    hits: Annotated[list[SectorHit], msgspec.Meta(max_length=_MOST_SECTORS)] = []
    recovery_h: Annotated[float, msgspec.Meta(gt=0, le=MOST_HOURS)] | None = None
    recoveries: Annotated[list[SectorRecovery], msgspec.Meta(max_length=_MOST_SECTORS)] = []
    hours: Annotated[int, msgspec.Meta(ge=1, le=int(MOST_HOURS))] = _WEEK_H
    until_h: WholeHours | None = None
    collection: Word | None = None


class SectorsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Sectors of the map that the asker sees; ``dependence``: what each (a row) loses by losing all of each.

    ``inoperability``: while the hits last, once all have come to rest (IIM). ``by_hour``: a row for each hour from 0
    on, with each sector's (DIIM). Null where it was not asked for.
    """

    sectors: list[str]
    unseen: int
    dependence: list[list[float]]
    inoperability: list[float] | None
    by_hour: list[list[float]] | None


class Structural:
    """The addresses that ask for a map's structure, in one environment; ``turn``: one of them at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._turn = turn

    def cuts(self, call: MapCall) -> Reply:
        """Answer with the minimal cut sets of an asset of the asker's map."""
        asked = read_body(call.body, CutsAsk)
        seen = seen_by(self._services, call, asked.collection)
        name = seen.named(asked.asset)
        among = {seen.named(one) for one in asked.among}
        chances = {seen.named(one.asset): one.chance for one in asked.chances}
        with self._turn.taken(call.principal.party):
            wiring = wire(seen.plan)
            chosen = {at for at, id_ in enumerate(wiring.ids) if id_ in among}
            found = structure(
                wiring,
                wiring.ids.index(name),
                service=asked.service,
                among=chosen or None,
                diagrams=Diagrams(most=_MOST_NODES, steps=_MOST_STEPS),
            )
            sizes = found.sizes()
            count = sum(sets for size, sets in sizes.items() if size <= asked.up_to)
            if count > _MOST_CUTS:
                raise LimitError(
                    f"more than {_MOST_CUTS:,} cut sets",
                    where="up_to",
                    todo="ask for smaller ones, or do it at home: `tocsin map cuts`",
                )
            sets = found.cuts(largest=asked.up_to)
            likely = None
            if asked.chance is not None or chances:
                fails = {part: chances.get(wiring.ids[part], asked.chance or 0.0) for part in found.parts}
                likely = found.probability(fails)
        return reply(
            CutsResource(
                asset=name,
                service=asked.service,
                up_to=asked.up_to,
                unseen=len(seen.unseen),
                cuts=[[wiring.ids[one] for one in each] for each in sets],
                sizes=[CutsOfSize(size=size, sets=min(many, _LARGEST)) for size, many in sizes.items()],
                probability=likely,
            )
        )

    def sectors(self, call: MapCall) -> Reply:
        """Answer with the matrix between the sectors of the asker's map, and with what follows of hits on some."""
        asked = read_body(call.body, SectorsAsk)
        recovers = asked.recovery_h is not None or bool(asked.recoveries)
        if recovers and not asked.hits:
            raise InputError("there is nothing to recover from", where="hits", todo="say what is hit")
        seen = seen_by(self._services, call, asked.collection)
        names = sorted({asset.sector for asset in seen.plan.assets})
        _require(names, recovers=recovers, hours=asked.hours)
        edges = sum(len(group.suppliers) for group in seen.plan.groups)
        if len(names) * (len(seen.plan.assets) + edges) > MOST_WORK:
            raise LimitError(
                f"sectors times assets and edges are more than {MOST_WORK:,}",
                todo="do it at home: `tocsin map sectors`",
            )
        with self._turn.taken(call.principal.party):
            wiring = wire(seen.plan)
            matrix = dependence_of(wiring, measure=asked.measure)
            order = list(wiring.sectors)
            shock = _numbers(order, [(one.sector, one.share) for one in asked.hits], 0.0, where="hits")
            rest = iim(matrix, shock, rounds=_MOST_ROUNDS) if asked.hits else None
            by_hour = _by_hour(asked, order, matrix, shock) if recovers else None
        return reply(
            SectorsResource(
                sectors=order,
                unseen=len(seen.unseen),
                dependence=matrix.tolist(),
                inoperability=None if rest is None else rest.tolist(),
                by_hour=None if by_hour is None else by_hour.tolist(),
            )
        )


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that asks for a map's structure."""
    does = Structural(services, turn)
    return [
        computing(
            "cutSets",
            "map/cuts",
            does.cuts,
            "What has to fail together, for good, so that an asset loses service",
            CutsAsk,
            Answer(says="The minimal cut sets, the smaller first.", type=CutsResource),
        ),
        computing(
            "sectors",
            "map/sectors",
            does.sectors,
            "What each sector loses by losing each other, and what a hit on some does to all",
            SectorsAsk,
            Answer(says="The matrix, and what follows of the hits.", type=SectorsResource),
        ),
    ]


def _require(names: Sequence[str], *, recovers: bool, hours: int) -> None:
    if len(names) > _MOST_SECTORS:
        raise LimitError(f"{len(names):,} sectors", todo=f"at most {_MOST_SECTORS}; {_AT_HOME}")
    if recovers and len(names) * hours > _MOST_CELLS:
        raise LimitError(
            f"sectors times hours are more than {_MOST_CELLS:,}", where="hours", todo=f"ask less, or {_AT_HOME}"
        )


def _numbers(names: Sequence[str], given: Sequence[tuple[str, float]], unsaid: float | None, *, where: str) -> Floats:
    """Return a number for each sector: its own, or that of all of which nothing is said."""
    values: list[float | None] = [unsaid] * len(names)
    for name, value in given:
        if name not in names:
            raise NotFoundError("there is no such sector on the map that you see", where=where)
        values[names.index(name)] = value
    if None in values:
        missing = names[values.index(None)]
        raise InputError(
            f"nothing is said of {missing[:80]!r}", where=where, todo="say it of each sector, or once for all others"
        )
    return np.array(values, dtype=np.float64)


def _by_hour(asked: SectorsAsk, names: Sequence[str], matrix: Floats, shock: Floats) -> Floats:
    takes = _numbers(names, [(one.sector, one.hours) for one in asked.recoveries], asked.recovery_h, where="recoveries")
    until = asked.hours if asked.until_h is None else asked.until_h
    return course_of(matrix, shock, resilience_of(matrix, takes), until=until, steps=asked.hours)
