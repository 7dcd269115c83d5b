"""The application that serves TAXII, and what runs beside its requests."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

import structlog

from tocsin.exchange.taxii.http import Services, routes
from tocsin.exchange.taxii.wire import DIALECT
from tocsin.kernel.http import server
from tocsin.kernel.http.edge import Edge
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.problems import describe
from tocsin.kernel.ids import new_uuid
from tocsin.parties.credentials import CHALLENGES
from tocsin.parties.passwords import ARGON2_AT_ONCE, ARGON2_WAITING

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    from litestar import Litestar

    from tocsin.exchange.releases import Integrator

__all__ = ["INTEGRATE_SECONDS", "create_app", "listen", "running", "serve"]

# A release is in the log within a second of leaving: half of it is for waiting, half for the writer's turn.
INTEGRATE_SECONDS: Final = 0.5

_log: Final = structlog.get_logger("tocsin.taxii")

listen = server.listen


def create_app(services: Services, *, address: str | None = None) -> Litestar:
    """Return the application; ``address`` is the base URL under which the world finds it, where that is known.

    Starting it starts the thread that enters releases into the log; stopping it enters the last of them.
    """
    edge = Edge(
        dialect=DIALECT,
        recognise=services.authenticator.recognise,
        authenticate=services.authenticator.authenticate,
        proving=Lane("password", threads=ARGON2_AT_ONCE, waiting=ARGON2_WAITING),
        challenges=CHALLENGES,
        new_id=lambda: new_uuid(services.entropy),
    )

    @contextlib.asynccontextmanager
    async def integrating(_app: Litestar) -> AsyncIterator[None]:
        with _integrating(services.integrator):
            yield

    return edge.app(routes(services, address=address), lifespan=(integrating,))


def serve(app: Litestar, listening: socket.socket) -> None:
    """Serve on a socket of ``listen`` until SIGINT or SIGTERM; returns when the last request has ended.

    Raises:
        UsageError: the application did not start.
    """
    server.serve(app, DIALECT, listening)


def running(app: Litestar, *, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[str]:
    """Serve from a thread while the ``with`` lasts; gives the base URL. Port 0 takes a free one."""
    return server.running(app, DIALECT, host=host, port=port)


@contextlib.contextmanager
def _integrating(integrator: Integrator) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(INTEGRATE_SECONDS):
            _integrate(integrator)
        _integrate(integrator)

    thread = threading.Thread(target=run, name="tocsin-integrator")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _integrate(integrator: Integrator) -> None:
    try:
        integrator.integrate()
    except Exception as error:  # noqa: BLE001  releases stay staged, and the next turn tries again; nothing is lost
        _log.error("integrate", what=describe(error))
