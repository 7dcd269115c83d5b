"""The map over ``/api/v1``: what a reader may see of it, what follows from hits on that, and reports of the field.

A simulation computes on the reader's own map and on nothing else, so that no answer, and no time that one takes, holds
anything of what the reader may not see.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec
from msgspec import structs

from tocsin.agreements.model import Tlp
from tocsin.errors import BusyError, InputError, LimitError
from tocsin.exchange.api import forms
from tocsin.exchange.api.parts import READ, ROOT, SUBMIT
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import ReceiptResource, instant, read_body, reply
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import parse_date
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Body, Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.model import Asset, DependencyGroup
from tocsin.map.sampling import Asked, drawn
from tocsin.map.seen import Beside, PartlySeen, Seen, Unread
from tocsin.map.shelf import Sharing
from tocsin.map.wire import State, is_asset_id
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log
    from tocsin.map.cascade import Outcome
    from tocsin.map.service import Maps

__all__ = ["MOST_OBJECTS", "MOST_WORK", "Services", "operations"]

# Objects of one answer: ten pages, ten releases, some megabytes. Who has more reads them by page and by type, from
# `/collections/{collection}/objects`, and puts them together at home.
MOST_OBJECTS: Final = 10_000
# Assets times samples of one simulation: a second of one processor at most, since the hub has others to answer.
MOST_WORK: Final = 2_000_000
_MOST_SAMPLES: Final = 10_000
_MOST_HITS: Final = 1_000
_MOST_HOURS: Final = 8_766.0
# How often assets may tell others of a change, in all samples together: it bounds rings that creep (docs/map.md).
_MOST_TOLD: Final = 10_000_000
# One simulation at a time, so that all other work has the other processors; who waits longer is told to come back.
_WAIT_S: Final = 5.0
# A thousand hits with the longest names, each character escaped.
_BODY: Final = Body(types=(JSON_TYPE,), limit=2 * 1_024 * 1_024)

_Call: TypeAlias = Call[Principal]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Hours = Annotated[float, msgspec.Meta(ge=0, le=_MOST_HOURS)]
Instant = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="A day, or a date-time with `Z`.")]


class MapQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which collection; of all that the asker knows of if none is given."""

    collection: Word | None = None


class SeenAsset(msgspec.Struct, frozen=True, kw_only=True):
    """One asset, by name and STIX id; of what is not ``seen`` nothing else is known."""

    ref: str
    seen: bool
    asset: Asset


class StandingResource(msgspec.Struct, frozen=True, kw_only=True):
    """One report of the field; the one that ``counts`` is the latest of its asset."""

    asset: str
    by: str
    service: float
    since: str
    until: str | None
    source: str
    confidence: int | None
    note: str
    counts: bool


class MapResource(msgspec.Struct, frozen=True, kw_only=True):
    """The map that the asker may see.

    ``lent`` is what others than its owner say of an asset, where the owner says nothing; ``beside``, what they say
    otherwise; ``partly``, groups of whose suppliers not all are seen; ``unread``, objects that are left out.
    """

    assets: list[SeenAsset]
    groups: list[DependencyGroup]
    states: list[StandingResource]
    lent: list[Beside]
    beside: list[Beside]
    partly: list[PartlySeen]
    unread: list[Unread]


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

    hours: Annotated[float, msgspec.Meta(gt=0, le=_MOST_HOURS)] = 168.0
    hits: Annotated[list[HitAsk], msgspec.Meta(max_length=_MOST_HITS)] = []
    samples: Annotated[int, msgspec.Meta(ge=1, le=_MOST_SAMPLES)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 1
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
    sectors: list[SectorOutcome]
    assets: list[AssetOutcome]


class StateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an asset was found, by its name on the asker's map or its STIX id; ``since`` is now if nothing is said."""

    asset: Name
    service: Share
    source: Name
    since: Instant | None = None
    until: Instant | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    tlp: Tlp = Tlp.AMBER
    collection: Word = DEFAULT_COLLECTION


class Services(Protocol):
    """What the addresses need of a hub."""

    store: Store
    log: Log

    @property
    def maps(self) -> Maps:
        """The map that members share."""
        ...


class Mapping:
    """The addresses of the map in one environment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turn = threading.BoundedSemaphore(1)

    def show(self, call: _Call) -> Reply:
        """Answer with the map that the asker may see."""
        asked = read_query(call.query, MapQuery)
        return reply(_resource(self._seen(call, asked.collection)))

    def simulate(self, call: _Call) -> Reply:
        """Answer with what follows from hits on the asker's map."""
        asked = read_body(call.body, SimulateAsk)
        if (asked.samples is None) == (not asked.hits):
            raise InputError("say what is hit: `hits`, or `samples` to draw", where="hits", todo="one of the two")
        seen = self._seen(call, asked.collection)
        samples = asked.samples or 1
        if len(seen.plan.assets) * samples > MOST_WORK:
            raise LimitError(
                f"assets times samples are more than {MOST_WORK:,}",
                where="samples",
                todo="fewer samples, or simulate at home: `tocsin map simulate`",
            )
        if not self._turn.acquire(timeout=_WAIT_S):
            raise BusyError("another simulation is running", todo="try again in a few seconds")
        try:
            outcome = _ran(seen, asked, samples)
        finally:
            self._turn.release()
        return reply(_simulated(seen, asked, outcome))

    def report(self, call: _Call) -> Reply:
        """Take a report of the field; what the answer says is stored when it is given."""
        asked = read_body(call.body, StateAsk)
        ref = asked.asset
        if not is_asset_id(ref):
            seen = self._seen(call, None)
            ref = seen.refs[seen.named(ref)]
        with self._services.store.read() as connection:
            now = self._services.log.now(connection)
        state = State(
            asset=ref,
            service=asked.service,
            since=now if asked.since is None else parse_date(asked.since),
            until=None if asked.until is None else parse_date(asked.until),
            source=asked.source,
            confidence=asked.confidence,
            note=asked.note,
        )
        asker = Asker.of(call.principal)
        sharing = Sharing(
            asker=asker, acting=Acting(actor=call.principal.id), collection=asked.collection, tlp=asked.tlp
        )
        receipt = self._services.maps.report([state], sharing, at=now)
        return reply(forms.receipt(receipt), status=HTTPStatus.CREATED)

    def _seen(self, call: _Call, collection: str | None) -> Seen:
        return self._services.maps.seen(Asker.of(call.principal), collection, most=MOST_OBJECTS)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about the map."""
    does = Mapping(services)
    missing = {HTTPStatus.NOT_FOUND: "There is no such collection or asset, or none that you may see."}
    large = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "It is more than one answer holds, or one simulation takes."}
    return [
        Operation(
            id="map",
            tag="map",
            method="GET",
            path=f"{ROOT}/map",
            does=Endpoint(access=READ, run=does.show),
            summary="The map that you may see",
            says="Each page that it is made from is a release: the log names what was on it.",
            query=MapQuery,
            answers={HTTPStatus.OK: Answer(says="The map.", type=MapResource)},
            problems=missing | large,
        ),
        Operation(
            id="simulateMap",
            tag="map",
            method="POST",
            path=f"{ROOT}/map/simulate",
            does=Endpoint(access=READ, run=does.simulate, body=_BODY, safe=True),
            summary="What follows when something on the map that you see is hit",
            says="Suppliers that you do not see count as up.",
            takes=SimulateAsk,
            answers={HTTPStatus.OK: Answer(says="What is lost, by sector and asset.", type=SimulationResource)},
            problems=missing | large,
        ),
        Operation(
            id="reportState",
            tag="map",
            method="POST",
            path=f"{ROOT}/map/states",
            does=Endpoint(access=SUBMIT, run=does.report, body=_BODY),
            summary="Share how an asset was found in the field",
            says="The next report of the same source is the next version of this one.",
            takes=StateAsk,
            answers={HTTPStatus.CREATED: Answer(says="The receipt.", type=ReceiptResource)},
            problems=missing | large,
        ),
    ]


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
    return simulate(wiring, hits, horizon_h=asked.hours, jobs=1, most_told=_MOST_TOLD // samples)


def _simulated(seen: Seen, asked: SimulateAsk, outcome: Outcome) -> SimulationResource:
    wiring = outcome.wiring
    lost, people, worth = (one.mean(axis=0) for one in (outcome.lost_h, outcome.people_h, outcome.worth_lost))
    return SimulationResource(
        hours=asked.hours,
        samples=outcome.samples,
        unseen=len(seen.unseen),
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


def _resource(seen: Seen) -> MapResource:
    unseen = frozenset(seen.unseen)
    return MapResource(
        assets=[
            SeenAsset(ref=seen.refs[asset.id], seen=asset.id not in unseen, asset=asset) for asset in seen.plan.assets
        ],
        groups=list(seen.plan.groups),
        states=[
            StandingResource(
                asset=one.asset,
                by=one.by,
                counts=one.counts,
                since=instant(one.state.since) or "",
                until=instant(one.state.until),
                **{name: value for name, value in structs.asdict(one.state).items() if name in _AS_IT_IS},
            )
            for one in seen.states
        ],
        lent=list(seen.lent),
        beside=list(seen.beside),
        partly=list(seen.partly),
        unread=list(seen.unread),
    )


_AS_IT_IS: Final = frozenset({"service", "source", "confidence", "note"})
