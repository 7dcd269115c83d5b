"""Scenarios and scores over ``/api/v1``: read by members, entered and looked after by who answers for them."""

from __future__ import annotations

from fractions import Fraction
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import InputError, NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, NAMED, READ, REFUSED, ROOT, SMALL, TAKEN, WRITE, Given, Thing, listed
from tocsin.exchange.api.queries import Day, Name, Reference, Text
from tocsin.exchange.api.viewers import Register
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.http.operations import Answer, Operation, Part
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.risk.http.asked import LARGE_BODY, RiskCall, Sha256, part_of, require_known
from tocsin.risk.registry.model import (
    MAX_EVIDENCE,
    MAX_SECTORS,
    MAX_TREATMENTS,
    Evidence,
    EvidenceKind,
    Loss,
    Scenario,
    ScenarioStatus,
    Treatment,
    TreatmentStatus,
    Unit,
)
from tocsin.risk.registry.pert import Pert
from tocsin.risk.registry.scale import Dimension, Kind
from tocsin.risk.registry.scores import Change, moves, scores

if TYPE_CHECKING:
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal
    from tocsin.risk.registry.loss import Losses
    from tocsin.risk.registry.service import Registry

__all__ = ["PieceAsk", "Services", "evidence_of", "operations"]

# A body says so many at most; how many are drawn is for the scenarios to say.
MOST_YEARS: Final = 1 << 21
# One simulation, in the unit of ``registry.loss``: some two seconds of a processor. The command line does 16 times it.
MOST_WORK: Final = 1 << 27
_SHARES: Final = (0.5, 0.9, 0.99)
_NONE: Final = "there is no such scenario"

Level = Annotated[int, msgspec.Meta(ge=1, le=5)]
Number = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?$", max_length=40, description="A decimal, kept as it is written.")
]


class ScenariosQuery(ListQuery, frozen=True, kw_only=True):
    """Which scenarios."""

    status: Annotated[ScenarioStatus | None, msgspec.Meta(description="That stand so; all if nothing is given.")] = None


class ScoreQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What losses are counted in, and since when it is told what moved each score."""

    unit: Unit = Unit.MONEY
    since: Day | None = None


class EstimateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Least, likeliest and most (PERT); three times the same for what is known."""

    low: Number
    mode: Number
    high: Number


class LossAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one event costs a sector: in money, in people-hours, or both."""

    sector: Name
    money: EstimateAsk | None = None
    people_hours: EstimateAsk | None = None


class PieceAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of evidence: a document with its SHA-256, or the id of an asset or of an object of the exchange."""

    kind: EvidenceKind
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    sha256: Sha256 | None = None


class TreatmentAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about it, by whom and by when, and which shares of the rate and of losses are left when it is."""

    id: Name
    title: Text
    owner: Reference
    due: Day
    status: TreatmentStatus = TreatmentStatus.PROPOSED
    leaves_rate: Number = "1"
    leaves_loss: Number = "1"


class ScenarioBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scenario says; ``owner`` (``party`` or ``user@party``) answers for it. A level, a rate, or both."""

    title: Text
    kind: Kind
    owner: Reference
    review: Day
    level: Level | None = None
    rate: EstimateAsk | None = None
    impacts: dict[Dimension, Level] = {}
    losses: Annotated[list[LossAsk], msgspec.Meta(max_length=MAX_SECTORS)] = []
    evidence: Annotated[list[PieceAsk], msgspec.Meta(max_length=MAX_EVIDENCE)] = []
    treatments: Annotated[list[TreatmentAsk], msgspec.Meta(max_length=MAX_TREATMENTS)] = []


class ScenarioAsk(ScenarioBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario, under the id that it keeps."""

    scenario: Name


class ScenarioReviewAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is looked at again, and what was found."""

    again: Day
    note: Text


class ScenarioRetireAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it counts no more."""

    reason: Text


class LossesAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many years are drawn, in which unit; the same seed draws the same years."""

    unit: Unit = Unit.MONEY
    years: Annotated[int, msgspec.Meta(ge=1, le=MOST_YEARS)] = 10_000
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 1


class TreatmentResource(msgspec.Struct, frozen=True, kw_only=True):
    """A treatment; it counts when it is done."""

    id: str
    title: str
    owner: str
    due: str
    status: TreatmentStatus
    leaves_rate: str
    leaves_loss: str


class ScenarioResource(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario; ``likelihood`` and ``impact`` are levels, 1 to 5.

    ``evidence`` is what of it the asker may see, and null where it was not asked for: on lists, and after a review.
    """

    scenario: str
    title: str
    kind: Kind
    status: ScenarioStatus
    owner: str
    review: str
    likelihood: int
    level: int | None
    rate: Pert | None
    impact: int | None
    impacts: dict[Dimension, int]
    losses: list[Loss]
    treatments: list[TreatmentResource]
    evidence: list[Evidence] | None


class ScenarioList(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios, the first first."""

    scenarios: list[ScenarioResource]
    next: Next


class SectorScore(msgspec.Struct, frozen=True, kw_only=True):
    """A sector's mean annual loss, exactly, as ``numerator/denominator`` or a whole number; ``before``: at `since`."""

    sector: str
    score: str
    before: str | None


class MoveResource(msgspec.Struct, frozen=True, kw_only=True):
    """What one change did to one sector's score, exactly."""

    sector: str
    scenario: str
    change: Change
    treatment: str | None
    amount: str


class ScoresResource(msgspec.Struct, frozen=True, kw_only=True):
    """Scores by sector, and what moved them: the parts of a sector add up to its difference.

    ``without_rate`` of the current scenarios have a level alone, and are in no sum.
    """

    unit: Unit
    sectors: list[SectorScore]
    moved: list[MoveResource]
    scenarios: int
    without_rate: int


class QuantileResource(msgspec.Struct, frozen=True, kw_only=True):
    """What is not exceeded in a share of years; 95 of 100 simulations hold it between ``low`` and ``high``.

    ``high`` is null where too few years were drawn to bound it.
    """

    share: float
    value: float
    low: float
    high: float | None


class SectorLosses(msgspec.Struct, frozen=True, kw_only=True):
    """A sector's losses in a year; ``*`` is all of them together. Of one year the error of the mean is null."""

    sector: str
    mean: float
    standard_error: float | None
    quantiles: list[QuantileResource]


class LossesResource(msgspec.Struct, frozen=True, kw_only=True):
    """What scenarios cost in the years that were drawn."""

    unit: Unit
    years: int
    sectors: list[SectorLosses]


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    @property
    def registry(self) -> Registry:
        """What may happen, and members' figures of what it would cost."""
        ...


class Registering:
    """The addresses of scenarios in one environment; ``turn``: of what simulates, one at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._registry = services.registry
        self._lists = lists.Lists(services)
        self._turn = turn

    def scenarios(self, call: RiskCall) -> Reply:
        """Answer with a page of scenarios."""
        asked, span = self._lists.asked(call, "scenarios", ScenariosQuery)
        kept = self._registry.state().scenarios.values()
        found = part_of(kept, span, lambda one: asked.status in (None, one.status))
        told = [_told(one) for one in found.items]
        return reply(ScenarioList(scenarios=told, next=self._lists.next(call, "scenarios", found.last, asked)))

    def scenario(self, call: RiskCall) -> Reply:
        """Answer with one scenario, and what of its evidence the asker may see."""
        found = self._named(call)
        return reply(_told(found, self._registry.evidence(Asker.of(call.principal), found)))

    def add(self, call: RiskCall) -> Reply:
        """Enter a scenario."""
        asked = read_body(call.body, ScenarioAsk)
        made = self._made(asked.scenario, asked)
        return reply(_told(self._registry.put(_acting(call), made), made.evidence), status=HTTPStatus.CREATED)

    def amend(self, call: RiskCall) -> Reply:
        """Put a scenario in the place of what it was."""
        asked = read_body(call.body, ScenarioBody)
        made = self._made(self._named(call).id, asked)
        return reply(_told(self._registry.amend(_acting(call), made), made.evidence))

    def review(self, call: RiskCall) -> Reply:
        """Say that a scenario was looked at and holds."""
        asked = read_body(call.body, ScenarioReviewAsk)
        name = self._named(call).id
        return reply(_told(self._registry.review(_acting(call), name, again=parse_date(asked.again), note=asked.note)))

    def retire(self, call: RiskCall) -> Reply:
        """Take a scenario out of every sum from now on."""
        asked = read_body(call.body, ScenarioRetireAsk)
        return reply(_told(self._registry.retire(_acting(call), self._named(call).id, asked.reason)))

    def scores(self, call: RiskCall) -> Reply:
        """Answer with each sector's score, and what moved it."""
        asked = read_query(call.query, ScoreQuery)
        now = self._registry.state().current()
        before = None if asked.since is None else self._registry.as_of(_since(asked.since))
        found = scores(now, asked.unit)
        was = {} if before is None else scores(before, asked.unit)
        moved = [] if before is None else moves(before, now, asked.unit)
        return reply(
            ScoresResource(
                unit=asked.unit,
                sectors=[
                    SectorScore(
                        sector=one,
                        score=str(found.get(one, Fraction(0))),
                        before=None if before is None else str(was.get(one, Fraction(0))),
                    )
                    for one in sorted(found.keys() | was.keys())
                ],
                moved=[
                    MoveResource(
                        sector=one.sector,
                        scenario=one.scenario,
                        change=one.change,
                        treatment=one.treatment or None,
                        amount=str(one.amount),
                    )
                    for one in moved
                ],
                scenarios=len(now),
                without_rate=sum(one.rate is None for one in now.values()),
            )
        )

    def simulate(self, call: RiskCall) -> Reply:
        """Answer with each sector's annual losses over years that are drawn."""
        from tocsin.risk.registry.loss import require_work, simulate  # noqa: PLC0415  scipy takes a second to load

        asked = read_body(call.body, LossesAsk)
        current = list(self._registry.state().current().values())
        todo = "fewer years, or at the hub: `tocsin risk simulate`"
        require_work(current, asked.unit, years=asked.years, most=MOST_WORK, todo=todo)
        with self._turn.taken(call.principal.party):
            made = simulate(current, asked.unit, seed=asked.seed, years=asked.years)
            told = [_drawn(made, sector) for sector in (*made.sectors, None)]
        return reply(LossesResource(unit=asked.unit, years=asked.years, sectors=told))

    def _named(self, call: RiskCall) -> Scenario:
        try:
            return self._registry.state().scenario(call.path["scenario"])
        except NotFoundError as error:
            raise NotFoundError(_NONE, todo="`GET /api/v1/risk/scenarios` lists them") from error

    def _made(self, name: str, asked: ScenarioBody) -> Scenario:
        require_known(self._services, [asked.owner, *(one.owner for one in asked.treatments)])
        return Scenario(
            id=name,
            title=asked.title,
            kind=asked.kind,
            owner=asked.owner,
            review=parse_date(asked.review),
            level=asked.level,
            rate=_pert(asked.rate),
            impacts=asked.impacts,
            losses=tuple(
                Loss(sector=one.sector, money=_pert(one.money), people_hours=_pert(one.people_hours))
                for one in asked.losses
            ),
            evidence=evidence_of(asked.evidence),
            treatments=tuple(
                Treatment(
                    id=one.id,
                    title=one.title,
                    owner=one.owner,
                    due=parse_date(one.due),
                    status=one.status,
                    leaves_rate=one.leaves_rate,
                    leaves_loss=one.leaves_loss,
                )
                for one in asked.treatments
            ),
        )


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about scenarios and scores."""
    does = Registering(services, turn)
    path = f"{ROOT}/risk/scenarios"
    by = {"scenario": Part(says="A scenario's id.", example="flood", pattern=NAMED, longest=64)}
    whole = Answer(says="The scenario, as it stands.", type=ScenarioResource)
    thing = Thing("risk", f"{path}/{{scenario}}", by, whole)
    return [
        *listed(
            "risk",
            path,
            READ,
            every=Given("scenarios", does.scenarios, "What may happen", "A page of scenarios.", ScenarioList),
            one=Given(
                "scenario",
                does.scenario,
                "One scenario, with what of its evidence you may see",
                whole.says,
                ScenarioResource,
            ),
            by=by,
            query=ScenariosQuery,
        ),
        Operation(
            id="risk-add",
            tag="risk",
            method="POST",
            path=path,
            does=Endpoint(access=WRITE, run=does.add, body=LARGE_BODY),
            summary="Enter a scenario, for which your party answers",
            says="Everybody reads its title and figures: leave out of them what the evidence alone may say.",
            takes=ScenarioAsk,
            answers={HTTPStatus.CREATED: Answer(says="The scenario.", type=ScenarioResource)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        Operation(
            id="risk-amend",
            tag="risk",
            method="POST",
            path=f"{path}/{{scenario}}/amendment",
            does=Endpoint(access=WRITE, run=does.amend, body=LARGE_BODY),
            summary="Put a scenario in the place of what it was; the log keeps both",
            parts=by,
            takes=ScenarioBody,
            answers={HTTPStatus.OK: whole},
            problems=MISSING | REFUSED | TAKEN,
        ),
        thing.act("review", does.review, "Say that it was looked at and holds", ScenarioReviewAsk, access=WRITE),
        thing.act("retirement", does.retire, "Take it out of every sum", ScenarioRetireAsk, access=WRITE),
        Operation(
            id="scores",
            tag="risk",
            method="GET",
            path=f"{ROOT}/risk/scores",
            does=Endpoint(access=READ, run=does.scores),
            summary="Each sector's mean annual loss, and what moved it",
            query=ScoreQuery,
            answers={HTTPStatus.OK: Answer(says="The scores, exactly.", type=ScoresResource)},
        ),
        Operation(
            id="risk-simulate",
            tag="risk",
            method="POST",
            path=f"{ROOT}/risk/simulate",
            does=Endpoint(access=READ, run=does.simulate, body=SMALL, safe=True),
            summary="What scenarios cost in a year, drawn",
            takes=LossesAsk,
            answers={HTTPStatus.OK: Answer(says="By sector, and of all.", type=LossesResource)},
        ),
    ]


def evidence_of(asked: list[PieceAsk]) -> tuple[Evidence, ...]:
    """Return evidence as it was given."""
    return tuple(Evidence(kind=one.kind, reference=one.reference, sha256=one.sha256) for one in asked)


def _acting(call: RiskCall) -> Acting:
    return Acting(actor=call.principal.id)


def _since(text: str) -> int:
    try:
        return parse_date(text)
    except InputError as error:
        raise InputError("this is no day", where="since", todo="write it like 2026-01-31") from error


def _pert(asked: EstimateAsk | None) -> Pert | None:
    return None if asked is None else Pert(low=asked.low, mode=asked.mode, high=asked.high)


def _drawn(made: Losses, sector: str | None) -> SectorLosses:
    mean, error = made.mean(sector)
    return SectorLosses(
        sector=sector or "*",
        mean=mean,
        standard_error=_finite(error),
        quantiles=[
            QuantileResource(share=one.share, value=one.value, low=one.low, high=_finite(one.high))
            for one in (made.quantile(share, sector) for share in _SHARES)
        ],
    )


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None  # NaN is in no order


def _told(scenario: Scenario, evidence: tuple[Evidence, ...] | None = None) -> ScenarioResource:
    return ScenarioResource(
        scenario=scenario.id,
        title=scenario.title,
        kind=scenario.kind,
        status=scenario.status,
        owner=scenario.owner,
        review=format_instant(scenario.review),
        likelihood=scenario.likelihood,
        level=scenario.level,
        rate=scenario.rate,
        impact=scenario.impact,
        impacts=scenario.impacts,
        losses=list(scenario.losses),
        treatments=[
            TreatmentResource(
                id=one.id,
                title=one.title,
                owner=one.owner,
                due=format_instant(one.due),
                status=one.status,
                leaves_rate=one.leaves_rate,
                leaves_loss=one.leaves_loss,
            )
            for one in scenario.treatments
        ],
        evidence=None if evidence is None else list(evidence),
    )
