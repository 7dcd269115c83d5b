"""A party that reads for a client is another reader than itself: it is told, and woken, for that client alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from support.cli import bundle, indicator
from support.hub import OPERATOR
from support.listening import Ear, streams_of
from tocsin.agreements.model import Tlp
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query

if TYPE_CHECKING:
    from support.hub import World

NEVER: Final = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)
CLIENT: Final = "https://outsider.example"
EVERYTHING: Final = Wish(collection="exchange", query=Query(), last=None)


def serve(world: World, *clients: str) -> None:
    bravo = world.hub.parties.get("bravo")
    changed = msgspec.structs.replace(bravo, clients=frozenset(clients))
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, changed)


def got(ear: Ear) -> list[str]:
    return [one["id"] for event in ear.source.events for one in event.objects]


def test_a_client_s_reader_is_woken_for_what_the_client_may_have(world: World) -> None:
    serve(world, CLIENT)

    async def act() -> None:
        streams = streams_of(world.hub, pace=NEVER)
        async with asyncio.timeout(60), streams.running():
            own = await Ear(streams, world, "ana@bravo", EVERYTHING, purpose="respond").open()
            client = await Ear(streams, world, "ana@bravo", EVERYTHING, client=CLIENT, purpose="respond").open()
            for number in (1, 2):
                # to its recipient alone: it passes it on to nobody
                world.share("alfa", bundle(indicator(number)), tlp=Tlp.AMBER_STRICT, to=("bravo",))
                await own.settle()
                await client.settle()
            assert own.listener is not None
            assert client.listener is not None
            world.share("alfa", bundle(indicator(3)), tlp=Tlp.AMBER_STRICT, to=("bravo",))
            await streams.look()
            # decided before: the one has a page to fetch, the other's is known to be empty
            assert not client.listener.due
            await own.settle()
            world.share("alfa", bundle(indicator(4)), tlp=Tlp.AMBER)
            await own.settle()
            await client.settle()
            assert got(own) == [indicator(number)["id"] for number in (1, 2, 3, 4)]
            assert got(client) == [indicator(4)["id"]]
            # whom it serves no more it reads for no more: that stream ends, its own goes on
            serve(world)
            world.share("alfa", bundle(indicator(5)), tlp=Tlp.AMBER)
            await own.settle()
            await client.settle()
            assert client.ended
            assert got(client) == [indicator(4)["id"]]
            assert got(own)[-1] == indicator(5)["id"]
            await own.close()
            await client.close()

    asyncio.run(act())
