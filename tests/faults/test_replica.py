"""Replicas that are behind, somebody else's, or away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support import stores
from support.listening import Ear, settled
from support.replicas import Copy
from support.sharing import bundle, indicator
from support.treaty import Templates, templates
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.live.streams import Streams
from tocsin.exchange.model import Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World

pytestmark = pytest.mark.skipif(stores.on_postgres(), reason="copies of a file; tests/faults/test_postgres.py has them")

NEVER = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    made = hubs.world()
    made.share("alfa", bundle([indicator(1)]))
    made.hub.integrator.integrate()
    yield made
    hubs.drop(made)


def _streams(world: World) -> Streams:
    hub = world.hub
    return Streams(
        store=hub.store,
        gate=hub.gate,
        reading=hub.reading,
        entropy=hub.entropy,
        environment=hub.environment,
        pace=NEVER,
    )


# --- behind ----------------------------------------------------------------------------------------------------------


def test_a_stream_skips_nothing_that_the_replica_has_not_replayed(world: World, tmp_path: Path) -> None:
    replica = Copy(world, tmp_path / "replica.db")
    streams = _streams(world)

    async def run() -> list[str]:
        async with asyncio.timeout(60), streams.running():
            ear = await Ear(streams, world, "bravo", Wish(collection="exchange", query=Query(), last=None)).open()
            await ear.settle()
            world.share("alfa", bundle([indicator(2)]))
            await ear.settle()
            replica.replay()
            world.share("alfa", bundle([indicator(3)]))
            await ear.settle()
            await ear.close()
        return [one["id"] for event in ear.source.events for one in event.objects]

    assert asyncio.run(run()) == [indicator(2)["id"], indicator(3)["id"]]


def test_a_listener_that_read_before_the_first_look_reads_again(world: World) -> None:
    streams = _streams(world)

    async def run() -> list[str]:
        # not `running`, which looks at once
        async with asyncio.timeout(60):
            with streams._lane.opened(), streams._looking.opened():
                ear = await Ear(streams, world, "bravo", Wish(collection="exchange", query=Query(), last=None)).open()
                await settled(ear)
                world.share("alfa", bundle([indicator(2)]))
                await ear.settle()
                await ear.close()
        return [one["id"] for event in ear.source.events for one in event.objects]

    assert asyncio.run(run()) == [indicator(2)["id"]]
