"""The one application: TAXII at its paths, ``/api/v1`` and whatever else in JSON, on one guard and one set of lanes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from tocsin.exchange.api import operations as api
from tocsin.exchange.emergency.alarm import LOOK_SECONDS as ALARM_SECONDS
from tocsin.exchange.emergency.service import CRISIS_SECONDS
from tocsin.exchange.live.webhooks.courier import COURIER_SECONDS
from tocsin.exchange.retention.service import SWEEP_SECONDS
from tocsin.exchange.sanitise.slots import PUBLISH_SECONDS
from tocsin.exchange.taxii import http as taxii
from tocsin.exchange.taxii.wire import DIALECT as TAXII_DIALECT
from tocsin.governance.chores import CHORE_SECONDS
from tocsin.kernel.http import server
from tocsin.kernel.http.application import application
from tocsin.kernel.http.edge import Answered, Edge, nothing_here
from tocsin.kernel.http.guard import Guard
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.operations import routes_of
from tocsin.kernel.http.problem_details import JSON_DIALECT
from tocsin.kernel.http.turn import Turn
from tocsin.kernel.ids import new_uuid
from tocsin.map import http as map_
from tocsin.parties.credentials import CHALLENGES
from tocsin.parties.passwords import ARGON2_AT_ONCE, ARGON2_WAITING
from tocsin.risk import http as risk
from tocsin.serving import background, watch
from tocsin.serving.health import LOOK_SECONDS, Health
from tocsin.serving.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from litestar import Litestar

    from tocsin.exchange.emergency.alarm import Alarm
    from tocsin.exchange.emergency.service import Emergencies
    from tocsin.exchange.lapsing import Lapsing
    from tocsin.exchange.live.webhooks.courier import Courier
    from tocsin.exchange.releases import Integrator
    from tocsin.exchange.retention.service import Retention
    from tocsin.exchange.sanitise.slots import Slots
    from tocsin.exchange.search.indexer import Indexer
    from tocsin.governance.chores import Secretary
    from tocsin.kernel.db import Store
    from tocsin.kernel.http.application import Application
    from tocsin.parties.model import Principal

__all__ = ["Services", "create_app", "listen", "running", "serve"]

listen = server.listen
serve = server.serve
running = server.running


class Services(taxii.Services, api.Services, risk.Services, map_.Services, Protocol):
    """What the application needs of a hub."""

    environment: int
    store: Store
    integrator: Integrator
    indexer: Indexer
    courier: Courier
    slots: Slots
    emergencies: Emergencies
    alarm: Alarm
    secretary: Secretary
    retention: Retention

    @property
    def lapsing(self) -> Lapsing:
        """What follows the lapse of a legal basis."""
        ...


def create_app(
    services: Services, *, address: str | None = None, observe: Callable[[Answered], None] = nothing_here
) -> Application:
    """Return the application; ``address`` is the base URL under which the world finds it, where that is known.

    ``observe`` is told of every answer, on the event loop, and must return at once.

    Starting it starts the thread that enters releases into the log; stopping it enters the last of them.
    """
    guard = Guard(
        recognise=services.authenticator.recognise,
        authenticate=services.authenticator.authenticate,
        proving=Lane("password", threads=ARGON2_AT_ONCE, waiting=ARGON2_WAITING),
        challenges=CHALLENGES,
    )

    def new_id() -> str:
        return new_uuid(services.entropy)

    environment = services.environment
    health = Health(
        store=services.store,
        log=services.log,
        replica=services.reading.replica,
        environment=environment,
        crises=lambda: services.alarm.of(None),
    )
    metrics = Metrics(
        store=services.store,
        log=services.log,
        indexer=services.indexer,
        streams=services.streams,
        environment=environment,
    )
    metrics.watch((*guard.lanes, *services.streams.lanes))
    services.store.waited = metrics.waited
    watching = watch.routes(
        health=health, metrics=metrics, parties=services.parties, store=services.store, lane=guard.watchers
    )

    def answered(answer: Answered) -> None:
        metrics.answered(answer)
        observe(answer)

    # one for all rooms: two members who simulate take one processor, whatever they simulate
    simulating = Turn("simulation")
    # the same of roll-ups, which may take minutes
    rolling = Turn("roll-up")
    table = api.with_document(
        [
            *api.operations(services, risk.acts(services, rolling)),
            *map_.operations(services, simulating),
            *risk.operations(services, simulating, rolling),
        ]
    )
    edges: list[Edge[Principal]] = [
        Edge(
            dialect=TAXII_DIALECT,
            guard=guard,
            routes=taxii.routes(services, address=address),
            prefixes=("/taxii2", f"/{services.environment_name}"),
            new_id=new_id,
            observe=answered,
        ),
        # the last: what is at no other's place is answered in JSON
        Edge(
            dialect=JSON_DIALECT,
            guard=guard,
            routes=[*routes_of(table), *watching],
            new_id=new_id,
            beside=lambda known: services.alarm.headers(known.party) + services.secretary.reminding.headers(known),
            observe=answered,
        ),
    ]

    @contextlib.asynccontextmanager
    async def streaming(_app: Litestar) -> AsyncIterator[None]:
        async with services.streams.running():
            yield

    @contextlib.asynccontextmanager
    async def sending(_app: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.to_thread(services.courier.close)

    beside = [
        background.beside("health", health.look, seconds=LOOK_SECONDS, first=True),
        streaming,
        sending,
        background.beside("integrator", services.integrator.integrate, seconds=background.INTEGRATE_SECONDS),
        background.beside("courier", services.courier.turn, seconds=COURIER_SECONDS),
        background.beside("retention", services.retention.turn, seconds=SWEEP_SECONDS),
        background.beside("lapses", services.lapsing.turn, seconds=SWEEP_SECONDS, last=False),
        background.beside("indexer", services.indexer.turn, seconds=background.INDEX_SECONDS),
        background.beside("alarm", services.alarm.look, seconds=ALARM_SECONDS, first=True, last=False),
        background.beside("crises", services.emergencies.turn, seconds=CRISIS_SECONDS, last=False),
        *(
            background.beside(f"chore-{name}", job, seconds=CHORE_SECONDS, last=False)
            for name, job in services.secretary.jobs.items()
        ),
        background.beside("slots", services.slots.turn, seconds=PUBLISH_SECONDS),
    ]
    return application(edges, lifespan=beside)
