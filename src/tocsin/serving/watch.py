"""The addresses for who watches a hub: alive, ready, and the numbers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import BusyError, ForbiddenError
from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.routes import ANYONE, Call, Endpoint, Reply, Route, needs
from tocsin.parties.model import Permission, Principal
from tocsin.serving.metrics import EXPOSITION

if TYPE_CHECKING:
    from tocsin.kernel.db import Store
    from tocsin.kernel.http.lanes import Lane
    from tocsin.parties.service import Parties
    from tocsin.serving.health import Health
    from tocsin.serving.metrics import Metrics

__all__ = ["routes"]

_TEXT: Final = (
    MediaType(type="text", subtype="plain", parameters=(("version", "0.0.4"),)),
    MediaType(type="text", subtype="plain"),
)
_ALIVE: Final = b'{"alive":true}'
_READY: Final = b'{"ready":true}'

WatchCall: TypeAlias = Call[Principal]


class _Watch:
    def __init__(self, *, health: Health, metrics: Metrics, parties: Parties, store: Store) -> None:
        self._health = health
        self._metrics = metrics
        self._parties = parties
        self._store = store

    def alive(self, _call: WatchCall) -> Reply:
        return Reply(body=_ALIVE)

    def ready(self, _call: WatchCall) -> Reply:
        if not self._health.ready:
            raise BusyError("this hub is not ready", todo="try again in a few seconds")
        return Reply(body=_READY)

    def details(self, call: WatchCall) -> Reply:
        self._require_hub(call)
        report = self._health.report()
        status = HTTPStatus.OK if report.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(body=msgspec.json.encode(report), status=status)

    def numbers(self, call: WatchCall) -> Reply:
        self._require_hub(call)
        return Reply(body=self._metrics.text(), media_type=EXPOSITION)

    def _require_hub(self, call: WatchCall) -> None:
        """Refuse everybody but the party that runs the hub: the numbers are about all the others."""
        with self._store.read() as connection:
            hub = self._parties.hub_party(connection)
        if call.principal.party != hub:
            raise ForbiddenError("this is for the party that runs the hub")


def routes(*, health: Health, metrics: Metrics, parties: Parties, store: Store, lane: Lane) -> list[Route[Principal]]:
    """Return the table of routes; what reads the store does so in ``lane``, which no other work can fill."""
    watch = _Watch(health=health, metrics=metrics, parties=parties, store=store)
    watching = needs(Permission.HUB_WATCH)
    return [
        Route(path="/healthz", methods={"GET": Endpoint(access=ANYONE, run=watch.alive, quick=True)}),
        Route(path="/readyz", methods={"GET": Endpoint(access=ANYONE, run=watch.ready, quick=True)}),
        Route(path="/readyz/details", methods={"GET": Endpoint(access=watching, run=watch.details, lane=lane)}),
        Route(
            path="/metrics",
            methods={"GET": Endpoint(access=watching, run=watch.numbers, offered=_TEXT, lane=lane)},
        ),
    ]
