"""The routes of ``/api/v1``: each method of each path, who may use it, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from tocsin.exchange.api import wire
from tocsin.exchange.reading import Asker
from tocsin.kernel.http.routes import Call, Endpoint, Reply, Route, needs
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission, Principal

if TYPE_CHECKING:
    from tocsin.exchange.reading import Reading
    from tocsin.parties.credentials import Authenticator

__all__ = ["ROOT", "Api", "Services", "routes"]

ROOT: Final = "/api/v1"

ApiCall: TypeAlias = Call[Principal]


class Services(Protocol):
    """What the routes need of a hub."""

    authenticator: Authenticator
    reading: Reading


class Api:
    """The endpoints of ``/api/v1`` in one environment."""

    def __init__(self, services: Services) -> None:
        self._reading = services.reading

    def collections(self, call: ApiCall) -> Reply:
        """Answer with the collections that the asker may know of."""
        return Reply(body=wire.write_collections(self._reading.collections(_asker(call))))


def routes(services: Services) -> list[Route[Principal]]:
    """Return the table of routes: every path, its methods, and the permissions that each takes."""
    api = Api(services)
    known = needs(Permission.COLLECTIONS_READ)
    return [
        Route(path=f"{ROOT}/collections", methods={"GET": Endpoint(access=known, run=api.collections)}),
    ]


def _asker(call: ApiCall) -> Asker:
    principal = call.principal
    return Asker(
        party=principal.party, user=principal.user, purpose=principal.purpose, acting=Acting(actor=principal.id)
    )
