"""What is computed for risk, baselines and funds on the map that a reader sees: nothing is entered by any of it.

As in ``map.http.computed``, each computes on the reader's own map and on nothing else, one at a time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import InputError, LimitError, NotFoundError
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import read_body, reply
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.map.cascade import simulate, wire
from tocsin.map.http import asked as map_
from tocsin.map.http.asked import (
    MOST_HITS,
    MOST_HOURS,
    MOST_TOLD,
    MOST_WORK,
    Hours,
    Name,
    Seed,
    Share,
    Span,
    computing,
    require_work,
    seen_by,
)
from tocsin.map.sampling import Asked, drawn, struck
from tocsin.risk.baselines.model import Recovery
from tocsin.risk.fund.exposing import plan_of_map
from tocsin.risk.fund.measuring import plan_digest
from tocsin.risk.fund.projects import Plan, Project, checked, plan_with
from tocsin.risk.http.funds import ProjectAsk
from tocsin.risk.registry.estimate import estimated

if TYPE_CHECKING:
    from tocsin.kernel.http.routes import Reply
    from tocsin.kernel.http.turn import Turn
    from tocsin.map.cascade import Hits, Wiring
    from tocsin.map.seen import Seen
    from tocsin.parties.model import Principal
    from tocsin.risk.baselines.model import Target
    from tocsin.risk.baselines.recovery import Recovered
    from tocsin.risk.baselines.service import Baselines
    from tocsin.risk.http.asked import RiskCall
    from tocsin.risk.registry.estimate import Estimate

__all__ = ["Services", "operations"]

_MOST_SAMPLES: Final = 10_000
# Every change of every sample is kept and walked, as by a forecast.
_COURSE_SHARE: Final = 4
# The repair times of each are ranked, by the hundred (``fund.exposing``).
_MOST_MODES: Final = 10_000
# Each is checked on the whole map.
_MOST_BUILT: Final = 20

Within = Annotated[float, msgspec.Meta(gt=0, le=MOST_HOURS)]


class StruckAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An asset that is hit in every sample, wholly or by this share, and repaired in a time that is drawn."""

    asset: Name
    damage: Share = 1.0


class HazardAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hazard over the whole map: a ``chance`` for each asset; an ``intensity`` of ``measure``, by fragility.

    If neither is said: as failure modes say. ``repair_h`` is for assets that say nothing of their repair.
    """

    chance: Share | None = None
    intensity: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None
    measure: Annotated[str, msgspec.Meta(max_length=200)] = ""
    repair_h: Hours = 24.0
    collection: Word | None = None


class SampledAsk(HazardAsk, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens in so many ``samples``, drawn from ``seed``: the ``hits``, or a hazard; and how far to look."""

    hits: Annotated[list[StruckAsk], msgspec.Meta(max_length=MOST_HITS)] = []
    samples: Annotated[int, msgspec.Meta(ge=1, le=_MOST_SAMPLES)] = 1_000
    seed: Seed = 1
    hours: Span = 168.0


class RecoveriesAsk(SampledAsk, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens, and to which of your party's ``assets`` its targets are held: to all, if none is named.

    Without hits and hazard: what fails by itself within the first ``within_h`` hours.
    """

    assets: Annotated[list[Name], msgspec.Meta(max_length=MOST_HITS)] = []
    within_h: Within = 168.0
    hours: Span = 720.0


class PlanAsk(HazardAsk, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hazard that one sample stands for; what fails by itself, within ``within_h`` hours; as if it were built."""

    within_h: Within = 168.0
    built: Annotated[list[ProjectAsk], msgspec.Meta(max_length=_MOST_BUILT)] = []


class PointsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Least, likeliest and most, as a scenario takes them, and the mean of the samples."""

    low: str
    mode: str
    high: str
    mean: float


class SectorEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What one event costs a sector; null: nothing in any sample."""

    sector: str
    money: PointsResource | None
    people_hours: PointsResource | None


class EstimateResource(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion, from the map that you see: everybody reads what a scenario says.

    ``unseen`` suppliers count as up; of ``nameless`` sectors no scenario can say anything.
    """

    samples: int
    hours: float
    unseen: int
    losses: list[SectorEstimate]
    nameless: list[str]


class RecoveryResource(msgspec.Struct, frozen=True, kw_only=True):
    """How an asset does against a target: of the samples in which it fell, in how many it was back in time.

    ``low`` and ``high`` bound the share in time (Clopper and Pearson, 95 %). ``longest_h`` is null where it was not
    back. ``unknown`` ended before it could be known.
    """

    asset: str
    catalogue: str
    control: str
    due: str
    target: Recovery
    fell: int
    in_time: int
    unknown: int
    low: float
    high: float
    longest_h: float | None
    met: bool
    missed: bool


class RecoveriesResource(msgspec.Struct, frozen=True, kw_only=True):
    """Your party's targets held to its assets, on the map that you see: ``unseen`` suppliers count as up."""

    samples: int
    hours: float
    unseen: int
    recoveries: list[RecoveryResource]


class PlanResource(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of the map that you see, and its digest, by which the terms of an award name it."""

    digest: str
    unseen: int
    plan: Plan


class Services(map_.Services, Protocol):
    """What the addresses need of a hub."""

    @property
    def baselines(self) -> Baselines:
        """What is required, and who has it."""
        ...


class Computing:
    """The addresses that compute on a reader's map, in one environment; ``turn``: one of them at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._baselines = services.baselines
        self._turn = turn

    def estimate(self, call: RiskCall) -> Reply:
        """Answer with what an event would cost each sector."""
        asked = read_body(call.body, SampledAsk)
        if not asked.hits and asked.chance is None and asked.intensity is None:
            raise InputError("say what the event is", where="hits", todo="give hits, an intensity or a chance")
        seen = seen_by(self._services, call, asked.collection)
        _require(seen, asked.samples, "risk scenario estimate")
        with self._turn.taken(call.principal.party):
            wiring = wire(seen.plan)
            hits = _hits(seen, wiring, asked, within_h=asked.hours)
            outcome = simulate(wiring, hits, horizon_h=asked.hours, jobs=1, most_told=MOST_TOLD // asked.samples)
            losses, nameless = estimated(outcome)
        told = EstimateResource(
            samples=asked.samples,
            hours=asked.hours,
            unseen=len(seen.unseen),
            losses=[
                SectorEstimate(sector=one.sector, money=_points(one.money), people_hours=_points(one.people_hours))
                for one in losses
            ],
            nameless=nameless,
        )
        return reply(told)

    def recover(self, call: RiskCall) -> Reply:
        """Answer with how the asker's party does against its recovery-time targets."""
        from tocsin.risk.baselines.recovery import recoveries  # noqa: PLC0415  scipy takes a second to load

        asked = read_body(call.body, RecoveriesAsk)
        targets = self._baselines.recovery_targets(call.principal.party_name)
        if not targets:
            raise NotFoundError("no target asks a recovery time of your party")
        seen = seen_by(self._services, call, asked.collection)
        wanted = _own(seen, call.principal.party, asked.assets)
        pairs = [(one, target, back) for target in targets for one in wanted if (back := target.recovery) is not None]
        _require(seen, asked.samples * _COURSE_SHARE, "baseline recovery")
        if len(pairs) * asked.samples > MOST_WORK:
            raise LimitError(
                f"assets times targets times samples are more than {MOST_WORK:,}", where="assets", todo="name fewer"
            )
        with self._turn.taken(call.principal.party):
            wiring = wire(seen.plan)
            found = recoveries(
                wiring,
                _hits(seen, wiring, asked, within_h=asked.within_h),
                [(one, back) for one, _, back in pairs],
                horizon_h=asked.hours,
                jobs=1,
                most_told=MOST_TOLD // _COURSE_SHARE // asked.samples,
            )
        told = RecoveriesResource(
            samples=asked.samples,
            hours=asked.hours,
            unseen=len(seen.unseen),
            recoveries=[
                _recovered(one, target, back, each) for (one, target, back), each in zip(pairs, found, strict=True)
            ],
        )
        return reply(told)

    def plan(self, call: RiskCall) -> Reply:
        """Answer with a fund's plan of the asker's map."""
        asked = read_body(call.body, PlanAsk)
        seen = seen_by(self._services, call, asked.collection)
        if sum(len(one.failure_modes) for one in seen.plan.assets) > _MOST_MODES:
            raise LimitError(
                f"the map has more than {_MOST_MODES:,} failure modes", todo="do it at home: `tocsin fund plan`"
            )
        built = [
            Project(id=one.project, title=one.title, cost=one.cost, changes=tuple(one.changes)) for one in asked.built
        ]
        with self._turn.taken(call.principal.party):
            made = plan_of_map(seen.plan, _hazard(asked, within_h=asked.within_h), spared=frozenset(seen.unseen))
            checked(made, built)
            made = plan_with(made, built)
            digest = plan_digest(made)
        return reply(PlanResource(digest=digest, unseen=len(seen.unseen), plan=made))


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that computes on a reader's map; ``turn``: one of them at a time."""
    does = Computing(services, turn)
    return [
        computing(
            "risk-estimate",
            "risk/estimate",
            does.estimate,
            "What an event would cost each sector, as a scenario takes it",
            SampledAsk,
            Answer(says="By sector.", type=EstimateResource),
            "risk",
        ),
        computing(
            "recovery",
            "baselines/recovery",
            does.recover,
            "Your party's recovery-time targets, held to its assets",
            RecoveriesAsk,
            Answer(says="By target and asset.", type=RecoveriesResource),
            "baselines",
        ),
        computing(
            "fund-plan",
            "risk/plan",
            does.plan,
            "A fund's plan of the map that you see, under one hazard",
            PlanAsk,
            Answer(says="The plan, and its digest.", type=PlanResource),
            "fund",
        ),
    ]


def _require(seen: Seen, samples: int, command: str) -> None:
    at_home = f"do it at home: `tocsin {command}`"
    require_work(len(seen.plan.assets), samples, most=MOST_WORK, where="samples", at_home=at_home)


def _hazard(asked: HazardAsk, *, within_h: float) -> Asked:
    if asked.chance is not None and asked.intensity is not None:
        raise InputError("a chance and an intensity are two hazards", where="chance", todo="give one of the two")
    return Asked(
        repair_h=asked.repair_h,
        within_h=within_h,
        chance=asked.chance,
        intensity=asked.intensity,
        measure=asked.measure,
    )


def _hits(seen: Seen, wiring: Wiring, asked: SampledAsk, *, within_h: float) -> Hits:
    hazard = _hazard(asked, within_h=within_h)
    if not asked.hits:
        spared = frozenset(seen.unseen)
        return drawn(seen.plan, wiring, hazard, seed=asked.seed, samples=asked.samples, spared=spared, jobs=1)
    if asked.chance is not None or asked.intensity is not None:
        raise InputError("hits are given, and a hazard is drawn", where="hits", todo="give one of the two")
    damages = {seen.named(one.asset): one.damage for one in asked.hits}
    return struck(seen.plan, wiring, damages, repair_h=asked.repair_h, seed=asked.seed, samples=asked.samples)


def _own(seen: Seen, uri: str, named: list[str]) -> list[str]:
    """Return the assets of a party that are asked about; what is another's answers as what is not there."""
    own = {one.id for one in seen.plan.assets if one.owner == uri}
    wanted = list(dict.fromkeys(seen.named(one) for one in named)) if named else sorted(own)
    if not wanted or not own.issuperset(wanted):
        raise NotFoundError("there is no such asset of your party on the map that you see")
    return wanted


def _points(one: Estimate | None) -> PointsResource | None:
    if one is None:
        return None
    return PointsResource(low=one.points.low, mode=one.points.mode, high=one.points.high, mean=one.mean)


def _recovered(asset: str, target: Target, back: Recovery, each: Recovered) -> RecoveryResource:
    return RecoveryResource(
        asset=asset,
        catalogue=target.catalogue,
        control=target.control,
        due=format_instant(target.due),
        target=back,
        fell=each.fell,
        in_time=each.in_time,
        unknown=each.unknown,
        low=each.low,
        high=each.high,
        longest_h=None if math.isinf(each.longest_h) else each.longest_h,
        met=each.met,
        missed=each.missed,
    )
