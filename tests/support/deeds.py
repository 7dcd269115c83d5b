"""What people and machines do to a hub, each of which may fail in the middle and is then done again.

A deed returns what came of it, so that one that was done twice can be compared with one that was done once.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from support.listening import Ear, streams_of
from support.receiver import Receiver, receiving
from support.sharing import bundle, indicator, terms_mark
from tocsin.errors import NotFoundError
from tocsin.exchange.asking import Question
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.live.webhooks.courier import Courier
from tocsin.exchange.live.webhooks.model import Content
from tocsin.exchange.live.webhooks.service import Secrets, Webhooks
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.exchange.search.model import Facet, SearchQuery
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import SECOND
from tocsin.kernel.http.outbound import Outbound, parse_networks
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

__all__ = ["DEEDS", "QUIET", "Desk", "prepare"]

ALL: Final = frozenset({VersionChoice.ALL})
# A listener whose page could not be made is woken by the next look.
SOON: Final = Pace(look=0.02, beat=1e6, prove=1e6, patience=1e6, age=1e6)
ALFA: Final = "https://alfa.example"


def prepare(world: World) -> None:
    """Have something to read, releases that wait for the log, offers that wait for the index."""
    world.share("alfa", bundle([indicator(1)]))
    world.share("coast", bundle([indicator(1), indicator(9)]))
    world.read("coast")
    world.read("ana@bravo")
    world.hub.saved_searches.save(world.asker("ana@bravo"), "old", "exchange", SearchQuery())


class Desk:
    """A hub, and what those who do something over and over have in their hands."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hub = world.hub
        self.last: str | None = None  # of the stream
        self.heard: list[str] = []
        self.receiver: Receiver | None = None
        self.courier: Courier | None = None
        self._open = contextlib.ExitStack()

    def close(self) -> None:
        """End what runs beside, and close the hub."""
        self._open.close()
        self.world.hub.store.close()

    def with_courier(self) -> tuple[Courier, Receiver]:
        """Return a courier, with a webhook of bravo's, and who receives from it."""
        if self.receiver is None or self.courier is None:
            self.receiver = self._open.enter_context(receiving())
            secrets = Secrets(key=b"k" * 32, environment=self.hub.environment)
            outbound = Outbound(networks=parse_networks("127.0.0.0/8"))
            store, log, entropy, environment = self.hub.store, self.hub.log, self.hub.entropy, self.hub.environment
            self.courier = Courier(
                store=store,
                log=log,
                reading=self.hub.reading,
                secrets=secrets,
                outbound=outbound,
                entropy=entropy,
                environment=environment,
            )
            self._open.callback(self.courier.close)
            webhooks = Webhooks(
                store=store, log=log, secrets=secrets, outbound=outbound, entropy=entropy, environment=environment
            )
            webhooks.add(
                Acting(actor="operator@hub"),
                self.hub.mandate,
                "bravo",
                url=self.receiver.url,
                purpose="detect",
                collection="exchange",
                content=Content.OBJECTS,
            )
            self.world.share("alfa", bundle([indicator(30)]))
        return self.courier, self.receiver


# --- what comes in ----------------------------------------------------------------------------------------------------


def _share(desk: Desk) -> object:
    mark = terms_mark(sectors=("energy",))
    old, new = indicator(1), [indicator(2), indicator(3, marked=[mark]), indicator(1, version=1)]
    receipt = desk.world.share("alfa", bundle([old, *new, indicator(1, description="other")], marked=[mark]))
    return [(result.id, result.version, result.outcome is Outcome.REFUSED) for result in receipt.results]


def _share_many(desk: Desk) -> object:
    """Share more than is inserted one by one."""
    receipt = desk.world.share("bravo", bundle([indicator(number) for number in range(40, 55)]))
    return [(result.id, result.version) for result in receipt.results], _offered(desk)


def _withdraw(desk: Desk) -> object:
    with contextlib.suppress(NotFoundError):  # once is enough
        desk.hub.withdrawals.withdraw(Acting(actor="alfa"), ALFA, "exchange", indicator(1)["id"], ALL)
    return _offered(desk)


def _offered(desk: Desk) -> object:
    with desk.hub.store.read() as connection:
        rows = connection.execute(
            select(CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.owner_id, OFFERS.c.withdrawn_at.is_(None)).join(
                OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id
            )
        )
        return sorted(map(tuple, rows.all()))


def _integrate(desk: Desk) -> object:
    desk.hub.integrator.integrate()
    return desk.hub.integrator.pending()


def _index(desk: Desk) -> object:
    desk.hub.indexer.index()
    return desk.hub.indexer.behind()


# --- what goes out ----------------------------------------------------------------------------------------------------


def _read(desk: Desk) -> object:
    return [(item.object_id, item.version, body) for item, body in desk.world.read("bravo")]


def _manifest(desk: Desk) -> object:
    answer = desk.hub.reading.manifest(desk.world.asker("ana@coast"), "exchange", Query(versions=ALL), limit=1)
    return [item.object_id for item in answer.page.items], answer.next is not None


def _why(desk: Desk) -> object:
    party, user = desk.hub.parties.resolve("bravo")
    question = Question(object_id=indicator(1)["id"], party=party, user=user, acting=Acting(actor="bravo"))
    return [msgspec.to_builtins(why.explanation.reasons) for why in desk.hub.asking.why(question)]


def _stream(desk: Desk) -> object:
    """Listen as a client does that is cut off now and then, and comes back with the id of its last event."""

    async def granted() -> None:
        """Prove somebody whose credentials are good."""

    async def listen() -> None:
        hub = desk.hub
        streams = streams_of(hub, pace=SOON)
        wish = Wish(collection="exchange", query=Query(versions=ALL, added_after=0), last=desk.last)
        async with asyncio.timeout(60), streams.running():
            ear = await Ear(streams, desk.world, "bravo", wish, again=granted).open()
            try:
                await ear.settle()
            finally:
                desk.heard += [one["id"] for event in ear.source.events for one in event.objects]
                desk.last = ear.source.last
                await ear.close()

    asyncio.run(listen())
    return list(desk.heard)


def _deliver(desk: Desk) -> object:
    """Send to a webhook until there is nothing to send; what comes twice comes under one id."""
    courier, receiver = desk.with_courier()
    for _ in range(3):
        courier.turn()
        courier.settle()
        desk.hub.integrator.integrate()
        desk.world.clock.advance(130 * SECOND)  # what somebody else was at is nobody's by then
    told: dict[str, list[str]] = {}
    for one in receiver.got:
        assert told.setdefault(one.id, one.objects) == one.objects
    return [object_id for objects in told.values() for object_id in objects]


# --- search -----------------------------------------------------------------------------------------------------------


def _search(desk: Desk) -> object:
    found = desk.hub.search.find(desk.world.asker("bravo"), "exchange", SearchQuery())
    return [hit.id for hit in found.hits]


def _count(desk: Desk) -> object:
    return desk.hub.search.count(desk.world.asker("ana@bravo"), "exchange", SearchQuery()).count


def _facet(desk: Desk) -> object:
    faceted = desk.hub.search.facet(desk.world.asker("bravo"), "exchange", SearchQuery(), Facet.TYPE)
    return [(tally.value, tally.count) for tally in faceted.tallies]


def _save(desk: Desk) -> object:
    asker = desk.world.asker("ana@bravo")
    desk.hub.saved_searches.save(asker, "new", "exchange", SearchQuery(text="grid"))
    desk.hub.saved_searches.save(asker, "old", "exchange", SearchQuery(text="outage"))
    return [(one.name, one.query) for one in desk.hub.saved_searches.all(asker)]


def _forget(desk: Desk) -> object:
    asker = desk.world.asker("ana@bravo")
    with contextlib.suppress(NotFoundError):
        desk.hub.saved_searches.remove(asker, "old")
    return desk.hub.saved_searches.all(asker)


DEEDS: Final[dict[str, Callable[[Desk], Any]]] = {
    "share": _share,
    "share many": _share_many,
    "withdraw": _withdraw,
    "integrate": _integrate,
    "index": _index,
    "read": _read,
    "manifest": _manifest,
    "why": _why,
    "stream": _stream,
    "deliver": _deliver,
    "search": _search,
    "count": _count,
    "facet": _facet,
    "save a search": _save,
    "forget a search": _forget,
}
# They hear of a failure, and come back by themselves.
QUIET: Final = frozenset({"stream", "deliver"})
