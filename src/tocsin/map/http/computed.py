"""What follows on the map that a reader sees: cascades, what fails next, what takes most with it.

Each computes on the reader's own map and on nothing else, so that no answer, and no time that one takes, holds
anything of what the reader may not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import numpy as np

from tocsin.errors import InputError
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import read_body, reply
from tocsin.kernel.http.operations import Answer
from tocsin.map import failures
from tocsin.map.allowance import PartyLeftOut
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.criticality import Rank, criticality
from tocsin.map.failures import Measure
from tocsin.map.http import asked as limits
from tocsin.map.http.asked import (
    MOST_HITS,
    MOST_TOLD,
    Hours,
    MapCall,
    Name,
    Seed,
    Services,
    Share,
    Span,
    computing,
    require_work,
    seen_by,
)
from tocsin.map.http.shown import ReportResource, report_of
from tocsin.map.reported import LeftOut, differing, none_out, reported, with_repairs
from tocsin.map.sampling import Asked, drawn
from tocsin.map.whatnext import Already, Fall, Outage, RunsOut, what_next

if TYPE_CHECKING:
    from tocsin.kernel.http.operations import Operation
    from tocsin.kernel.http.routes import Reply
    from tocsin.kernel.http.turn import Turn
    from tocsin.map.cascade import Outcome, Wiring
    from tocsin.map.failures import Losses
    from tocsin.map.seen import Seen
    from tocsin.parties.model import Principal

__all__ = ["operations"]

_MOST_SAMPLES: Final = 10_000
# A forecast keeps every change of every sample, and sorts them.
_FORECAST_SHARE: Final = 4
# Each redraw wires the map anew: some milliseconds beside its cascades.
_MOST_REDRAWS: Final = 1_000
_MOST_FIRST: Final = 100
_MOST_ROWS: Final = 1_000


class HitAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One asset, by its name on the map or its STIX id, loses a share of its service; to the end if not said."""

    asset: Name
    damage: Share = 1.0
    from_h: Hours = 0.0
    until_h: Hours | None = None


class SimulateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hits that are given; or so many ``samples`` of a hazard, drawn from ``seed``.

    Drawn: each asset is hit with ``chance``; or by ``intensity`` of ``measure``, as its fragility says; or as often as
    its failure modes say. ``repair_h`` is for assets that say nothing of their repair.
    """

    hours: Span = 168.0
    hits: Annotated[list[HitAsk], msgspec.Meta(max_length=MOST_HITS)] = []
    samples: Annotated[int, msgspec.Meta(ge=1, le=_MOST_SAMPLES)] | None = None
    seed: Seed = 1
    chance: Share | None = None
    intensity: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None
    measure: Annotated[str, msgspec.Meta(max_length=200)] = ""
    repair_h: Hours = 24.0
    collection: Word | None = None


class SectorOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a sector loses, on average over the samples."""

    sector: str
    lost_h: float
    people_h: float
    worth_lost: float


class AssetOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of service that an asset loses on average, and the share of samples in which it loses any."""

    asset: str
    outage_h: float
    hurt: float


class SimulationResource(msgspec.Struct, frozen=True, kw_only=True):
    """What follows, on the map that the asker sees: ``unseen`` of its assets are not, and count as up."""

    hours: float
    samples: int
    unseen: int
    parties_left_out: list[PartyLeftOut]
    sectors: list[SectorOutcome]
    assets: list[AssetOutcome]


class OutageAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An asset that is out now: by how much, since how many hours, and in how many it is back, if that is known."""

    asset: Name
    damage: Share = 1.0
    since_h: Hours = 0.0
    repaired_in_h: Hours | None = None


class WhatNextAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Outages of now: those given, and those that the reports that count tell of, unless ``reported`` is false.

    An outage that is given takes the place of a reported one. Repairs that are not known are drawn, ``samples`` times
    from ``seed``; ``repair_h`` is how long one takes where nothing is said of it.
    """

    hours: Span = 72.0
    outages: Annotated[list[OutageAsk], msgspec.Meta(max_length=MOST_HITS)] = []
    reported: bool = True
    samples: Annotated[int, msgspec.Meta(ge=1, le=_MOST_SAMPLES)] = 1_000
    seed: Seed = 1
    repair_h: Hours | None = None
    collection: Word | None = None


class ForecastResource(msgspec.Struct, frozen=True, kw_only=True):
    """What is down now, and what may follow, soonest first; ``exact``: every repair was known, and nothing is drawn.

    ``left_out``: reported outages that the answer does not begin with, since nobody knows when they end.
    ``differing``: reports that say otherwise than those that it begins with, of other assets than were given.
    """

    hours: float
    samples: int
    exact: bool
    unseen: int
    parties_left_out: list[PartyLeftOut]
    outages: list[Outage]
    left_out: list[LeftOut]
    differing: list[ReportResource]
    already: list[Already]
    falls: list[Fall]
    buffers: list[RunsOut]


class SpofAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which assets are tried, one by one, and with ``pairs`` each two of them; all if none is named."""

    hours: Span = 168.0
    among: Annotated[list[Name], msgspec.Meta(max_length=MOST_HITS)] = []
    pairs: bool = False
    most: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ROWS, description="So many of the worst are told.")] = 100
    collection: Word | None = None


class LossResource(msgspec.Struct, frozen=True, kw_only=True):
    """What is lost in all when these assets are down from 0 to the end, they themselves included."""

    assets: list[str]
    lost_h: float
    people_h: float
    worth_lost: float


class SpofResource(msgspec.Struct, frozen=True, kw_only=True):
    """What each takes with it: by people-hours, then by hours of service, the worst first.

    What is behind a buffer of ``longest_buffer_h`` does not show in fewer hours than that; nor does what an unseen
    asset needs. ``pairs`` is null where none was asked for.
    """

    hours: float
    unseen: int
    parties_left_out: list[PartyLeftOut]
    longest_buffer_h: float
    singles: list[LossResource]
    pairs: list[LossResource] | None


class CriticalityAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far to look, by what to rank, and how often what is assumed is drawn anew from its range."""

    hours: Span = 168.0
    measure: Measure = Measure.PEOPLE
    redraws: Annotated[int, msgspec.Meta(ge=1, le=_MOST_REDRAWS)] = 100
    first: Annotated[
        int, msgspec.Meta(ge=1, le=_MOST_FIRST, description="`often` counts the first so many places.")
    ] = 10
    seed: Seed = 1
    collection: Word | None = None


class CriticalityResource(msgspec.Struct, frozen=True, kw_only=True):
    """Assets by what each takes with it, and what hangs on the ``assumed`` numbers of the map that was drawn anew.

    ``taus``: Kendall's tau-b between each redraw and the map as it stands. ``stably_first``: first in 95 of 100.
    """

    hours: float
    measure: Measure
    unseen: int
    parties_left_out: list[PartyLeftOut]
    redraws: int
    assumed: int
    ranks: list[Rank]
    taus: list[float]
    stably_first: list[str]


class Computing:
    """The addresses that compute on a reader's map, in one environment; ``turn``: one of them at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._turn = turn

    def simulate(self, call: MapCall) -> Reply:
        """Answer with what follows from hits on the asker's map."""
        asked = read_body(call.body, SimulateAsk)
        if (asked.samples is None) == (not asked.hits):
            raise InputError("say what is hit: `hits`, or `samples` to draw", where="hits", todo="one of the two")
        seen = seen_by(self._services, call, asked.collection)
        samples = asked.samples or 1
        _require(seen, samples, where="samples", command="simulate")
        with self._turn.taken(call.principal.party):
            outcome = _ran(seen, asked, samples)
        return reply(_simulated(seen, asked, outcome))

    def ahead(self, call: MapCall) -> Reply:
        """Answer with what fails next, of what is out on the asker's map now."""
        asked = read_body(call.body, WhatNextAsk)
        seen = seen_by(self._services, call, asked.collection)
        given = [
            Outage(
                asset=seen.named(one.asset),
                damage=one.damage,
                since_h=one.since_h,
                repaired_in_h=one.repaired_in_h,
            )
            for one in asked.outages
        ]
        plan = seen.plan if asked.repair_h is None else with_repairs(seen.plan, asked.repair_h)
        named = {one.asset for one in given}
        told, left = reported(seen, plan, named) if asked.reported else ([], ())
        beside = differing(seen, named) if asked.reported else ()
        outages = [*told, *given]
        if not outages:
            raise none_out(left, beside, where="outages")
        exact = all(one.repaired_in_h is not None for one in outages)
        samples = 1 if exact else asked.samples
        _require(seen, samples * _FORECAST_SHARE, where="samples", command="whatnext")
        with self._turn.taken(call.principal.party):
            found = what_next(
                plan,
                outages,
                horizon_h=asked.hours,
                samples=samples,
                seed=asked.seed,
                jobs=1,
                most_told=MOST_TOLD // samples,
            )
        return reply(
            ForecastResource(
                hours=found.horizon_h,
                samples=found.samples,
                exact=found.exact,
                unseen=len(seen.unseen),
                parties_left_out=list(seen.parties_left_out),
                outages=outages,
                left_out=list(left),
                differing=[report_of(one) for one in beside],
                already=list(found.already),
                falls=list(found.falls),
                buffers=list(found.buffers),
            )
        )

    def fail(self, call: MapCall) -> Reply:
        """Answer with what each asset of the asker's map, and each two, take with them."""
        asked = read_body(call.body, SpofAsk)
        seen = seen_by(self._services, call, asked.collection)
        names = {seen.named(one) for one in asked.among} or {asset.id for asset in seen.plan.assets}
        count = len(names)
        tried = count + (count * (count - 1) // 2 if asked.pairs else 0)
        _require(seen, tried, where="among", command="spof")
        with self._turn.taken(call.principal.party):
            wiring = wire(seen.plan)
            among = np.array([at for at, name in enumerate(wiring.ids) if name in names], dtype=np.int64)
            most_told = MOST_TOLD // max(1, tried)
            alone = failures.singles(wiring, among, horizon_h=asked.hours, jobs=1, most_told=most_told)
            both = (
                failures.pairs(wiring, among, horizon_h=asked.hours, jobs=1, most_told=most_told)
                if asked.pairs
                else None
            )
        return reply(
            SpofResource(
                hours=asked.hours,
                unseen=len(seen.unseen),
                parties_left_out=list(seen.parties_left_out),
                longest_buffer_h=max((group.buffer_h for group in seen.plan.groups), default=0.0),
                singles=_losses(wiring, alone, asked.most),
                pairs=None if both is None else _losses(wiring, both, asked.most),
            )
        )

    def rank(self, call: MapCall) -> Reply:
        """Answer with the assets of the asker's map by what they take with them, and how sure that is."""
        asked = read_body(call.body, CriticalityAsk)
        seen = seen_by(self._services, call, asked.collection)
        tried = len(seen.plan.assets) * asked.redraws
        _require(seen, tried, where="redraws", command="spof --redraws")
        with self._turn.taken(call.principal.party):
            found = criticality(
                seen.plan,
                horizon_h=asked.hours,
                measure=asked.measure,
                redraws=asked.redraws,
                first=asked.first,
                seed=asked.seed,
                jobs=1,
                most_told=MOST_TOLD // max(1, tried),
            )
        return reply(
            CriticalityResource(
                hours=found.horizon_h,
                measure=found.measure,
                unseen=len(seen.unseen),
                parties_left_out=list(seen.parties_left_out),
                redraws=found.redraws,
                assumed=found.assumed,
                ranks=list(found.ranks),
                taus=list(found.taus),
                stably_first=list(found.stably_first),
            )
        )


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that computes on a reader's map."""
    does = Computing(services, turn)
    return [
        computing(
            "simulateMap",
            "map/simulate",
            does.simulate,
            "What follows when something on the map that you see is hit",
            SimulateAsk,
            Answer(says="What is lost, by sector and asset.", type=SimulationResource),
        ),
        computing(
            "whatNext",
            "map/whatnext",
            does.ahead,
            "What fails next and when, of the outages that are there now",
            WhatNextAsk,
            Answer(says="What may follow, soonest first.", type=ForecastResource),
        ),
        computing(
            "singlePointsOfFailure",
            "map/spof",
            does.fail,
            "What each asset, and each two, take with them",
            SpofAsk,
            Answer(says="The worst first.", type=SpofResource),
        ),
        computing(
            "criticality",
            "map/criticality",
            does.rank,
            "Which assets matter most, and how sure that is where something is assumed",
            CriticalityAsk,
            Answer(says="All of them, the most critical first.", type=CriticalityResource),
        ),
    ]


def _require(seen: Seen, samples: int, *, where: str, command: str) -> None:
    at_home = f"do it at home: `tocsin map {command}`"
    require_work(len(seen.plan.assets), samples, most=limits.MOST_WORK, where=where, at_home=at_home)


def _ran(seen: Seen, asked: SimulateAsk, samples: int) -> Outcome:
    wiring = wire(seen.plan)
    if asked.samples is None:
        given = [
            Hit(
                asset=seen.named(one.asset),
                damage=one.damage,
                from_h=one.from_h,
                until_h=asked.hours if one.until_h is None else one.until_h,
            )
            for one in asked.hits
        ]
        hits = hits_of(wiring, [given])
    else:
        hazard = Asked(
            repair_h=asked.repair_h,
            chance=asked.chance,
            intensity=asked.intensity,
            measure=asked.measure,
            within_h=asked.hours,
        )
        spared = frozenset(seen.unseen)
        hits = drawn(seen.plan, wiring, hazard, seed=asked.seed, samples=samples, spared=spared, jobs=1)
    return simulate(wiring, hits, horizon_h=asked.hours, jobs=1, most_told=MOST_TOLD // samples)


def _simulated(seen: Seen, asked: SimulateAsk, outcome: Outcome) -> SimulationResource:
    wiring = outcome.wiring
    lost, people, worth = (one.mean(axis=0) for one in (outcome.lost_h, outcome.people_h, outcome.worth_lost))
    return SimulationResource(
        hours=asked.hours,
        samples=outcome.samples,
        unseen=len(seen.unseen),
        parties_left_out=list(seen.parties_left_out),
        sectors=[
            SectorOutcome(sector=name, lost_h=float(lost[at]), people_h=float(people[at]), worth_lost=float(worth[at]))
            for at, name in enumerate(wiring.sectors)
        ],
        assets=[
            AssetOutcome(asset=name, outage_h=float(outcome.outage_h[at]), hurt=float(outcome.hurt[at]))
            for at, name in enumerate(wiring.ids)
            if outcome.hurt[at] > 0
        ],
    )


def _losses(wiring: Wiring, losses: Losses, most: int) -> list[LossResource]:
    return [
        LossResource(
            assets=[wiring.ids[int(one)] for one in losses.sets[at]],
            lost_h=float(losses.hours[at]),
            people_h=float(losses.people_h[at]),
            worth_lost=float(losses.worth[at]),
        )
        for at in losses.ranked()[:most]
    ]
