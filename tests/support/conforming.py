"""Our own server as the conformance suite judges it: every role has credentials, and it can be restarted."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from support.hub import World
from support.taxii import AGREEMENT
from tocsin.conformance.client import Credentials
from tocsin.conformance.model import Role
from tocsin.conformance.target import Target
from tocsin.exchange import store as exchange_store
from tocsin.kernel.db.store import LIVE
from tocsin.kernel.ids import SystemEntropy, new_uuid
from tocsin.parties.model import Permission
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from litestar import Litestar

    Wrap = Callable[[Any], Any]  # from one ASGI application to another

__all__ = ["judged"]

_KNOWS = frozenset({Permission.COLLECTIONS_READ})
_READS = frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_READ})
_WRITES = frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_SUBMIT})


class _Served:
    """A hub that is being served at one address, whatever is restarted."""

    def __init__(self, world: World, wrap: Wrap) -> None:
        self.world = world
        self._wrap = wrap
        self._running = contextlib.ExitStack()
        self._port = 0
        self.url = ""

    def start(self) -> None:
        app = create_app(self.world.hub)
        app = replace(app, asgi=cast("Litestar", self._wrap(app.asgi)))
        self.url = self._running.enter_context(running(app, port=self._port))
        self._port = int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        self._running.close()

    def restart(self) -> None:
        self.stop()
        self.world.reopen()
        self.start()


@contextlib.contextmanager
def judged(home: Path, *, wrap: Wrap = lambda app: app) -> Iterator[Target]:
    """Serve a hub and give the target; ``wrap`` may put something between the suite and the application."""
    world = World(home)
    world.party("alfa")
    world.party("bravo")
    world.agreement(AGREEMENT, signed_by=("alfa", "bravo"))
    with world.hub.store.write() as connection:
        exchange_store.add_collection(
            connection,
            LIVE,
            uuid=new_uuid(world.entropy),
            alias="conformance",
            title="Conformance",
            description="",
            at=world.clock.now(),
        )
    credentials = {
        Role.MAIN: Credentials(user="alfa", password=world.token("alfa")),
        Role.SECOND: Credentials(user="bravo", password=world.token("bravo")),
        Role.READER: Credentials(token=world.token("alfa", permissions=_READS)),
        Role.WRITER: Credentials(token=world.token("alfa", permissions=_WRITES)),
        Role.LISTER: Credentials(token=world.token("alfa", permissions=_KNOWS)),
    }
    served = _Served(world, wrap)
    served.start()
    # nothing here rests on what the suite's ids are: they differ in every run and process
    target = Target(
        served.url,
        credentials=credentials,
        entropy=SystemEntropy(),
        collection="conformance",
        restart=served.restart,
    )
    try:
        yield target
    finally:
        target.client.close()
        served.stop()
        world.hub.close()
