"""Replicas that are behind, somebody else's, or away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import stores
from support.hub import OPERATOR
from support.listening import Ear, settled, streams_of
from support.replicas import Copy, copy_database
from support.sharing import bundle, indicator, terms_mark
from support.treaty import Templates, templates
from tocsin.bootstrap import open_hub
from tocsin.errors import BusyError, InputError, StoreBrokenError
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query
from tocsin.exchange.replica import FIRST_REST, NotCurrentError, Replica
from tocsin.exchange.search.model import SearchQuery
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.kernel.ids import SeededEntropy
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from support.hub import World
    from tocsin.exchange.live.streams import Streams

pytestmark = pytest.mark.skipif(stores.on_postgres(), reason="copies of a file; tests/faults/test_postgres.py has them")

EXPORT = terms_mark(categories=("export-controlled",))
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
    return streams_of(hub, pace=NEVER)


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


# --- somebody else's, or away ----------------------------------------------------------------------------------------


def _objects(world: World) -> list[str]:
    return [item.object_id for item, _ in world.read("bravo")]


def test_another_hubs_database_is_no_replica(hubs: Templates, world: World, tmp_path: Path) -> None:
    # both were founded alike, and the other has more of everything
    other = hubs.world(seed=2)
    for number in (97, 98, 99):
        other.share("alfa", bundle([indicator(number)]))
    replica = Copy(other, tmp_path / "other.db")
    world.hub.store.replica, other.hub.store.replica = replica.adapter, None
    assert _objects(world) == [indicator(1)["id"]]
    assert not world.hub.reading.replica.may_serve()
    hubs.drop(other)


def test_what_is_no_hub_is_no_replica(world: World, tmp_path: Path) -> None:
    world.hub.store.replica = SqliteAdapter(tmp_path / "empty.db")
    assert _objects(world) == [indicator(1)["id"]]
    assert not world.hub.reading.replica.may_serve()


class Away:
    """A replica that can be away, on a clock that is told the time."""

    def __init__(self, world: World, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.away = True
        self.now = 0.0
        self.replica = Replica(
            store=world.hub.store, log=world.hub.log, environment=world.hub.environment, ticks=lambda: self.now
        )
        adapter = Copy(world, path).adapter
        real = adapter.begin_read

        def begin_read(connection: Connection) -> None:
            self.asked += 1
            if self.away:
                raise BusyError("away")
            real(connection)

        monkeypatch.setattr(adapter, "begin_read", begin_read)

    def read(self) -> bool:
        try:
            with self.replica.read():
                return True
        except NotCurrentError:
            return False


def test_a_replica_that_is_away_rests_twice_as_long_each_time(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Away(world, tmp_path / "replica.db", monkeypatch)
    rests = []
    for _ in range(6):
        asked, start = one.asked, one.now
        assert not one.read()
        assert one.asked == asked + 1
        while not one.replica.may_serve():
            assert not one.read()
            assert one.asked == asked + 1
            one.now += 1
        rests.append(one.now - start)
    assert rests == [5, 10, 20, 40, 60, 60]
    one.away = False
    assert one.read()
    one.away = True
    assert not one.read()
    one.now += FIRST_REST
    assert one.replica.may_serve()


def test_one_reader_finds_out_whether_it_is_back(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Away(world, tmp_path / "replica.db", monkeypatch)
    assert not one.read()
    one.now += FIRST_REST
    adapter = world.hub.store.replica
    assert adapter is not None
    met: list[bool] = []
    real = adapter.begin_read

    def begin_read(connection: Connection) -> None:
        met.append(one.replica.may_serve())
        met.append(one.read())
        real(connection)

    monkeypatch.setattr(adapter, "begin_read", begin_read)
    assert not one.read()
    assert (met, one.asked) == ([False, False], 2)


# --- a database that lost commits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [0, 1, 2, 5], ids=lambda count: f"{count} commits later")
def test_a_process_that_saw_lost_commits_gives_out_nothing_more(world: World, tmp_path: Path, more: int) -> None:
    assert isinstance(world.settings.database, Path)
    hub, standby = world.hub, tmp_path / "standby.db"
    copy_database(world.settings.database, standby)
    # what the standby never got, and this process remembers: a label that bravo may read
    harmless = terms_mark(categories=("harmless",))
    world.share("alfa", bundle([indicator(2, marked=[harmless])], marked=[harmless]))
    assert indicator(2)["id"] in _objects(world)
    # the standby takes over, and another process gives the same numbers to what bravo may not read
    hub.store.adapter.engine.dispose()
    copy_database(standby, world.settings.database)
    world.hub = open_hub(world.settings, clock=world.clock, entropy=SeededEntropy(99))
    for number in range(10, 10 + more):
        world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))
    asker = world.asker("bravo")
    assert indicator(1)["id"] in _objects(world)
    assert indicator(10)["id"] not in _objects(world)
    for ask in (
        lambda: hub.reading.objects(asker, "exchange", Query()),
        lambda: hub.reading.manifest(asker, "exchange", Query()),
        lambda: hub.reading.collections(asker),
        lambda: hub.search.find(asker, "exchange", SearchQuery()),
        lambda: hub.reading.objects(asker, "exchange", Query()),
    ):
        with pytest.raises(StoreBrokenError):
            ask()
    with hub.store.write() as connection, pytest.raises(StoreBrokenError):
        hub.gate.facts(connection, hub.log.now(connection))
    hub.store.close()


def test_an_older_snapshot_of_the_same_history_is_good(world: World) -> None:
    hub = world.hub
    with hub.store.read() as older:
        hub.log.now(older)
        world.share("alfa", bundle([indicator(2)]))
        assert len(_objects(world)) == 2
        assert hub.gate.admit(older, "https://bravo.example", None, "detect").profile.active


def test_what_a_writer_did_not_commit_is_not_missed(world: World) -> None:
    hub = world.hub

    def give_up() -> None:
        with hub.store.write() as connection:
            at = hub.log.now(connection)
            hub.log.append(connection, [Record(kind="inquiry", at=at, acting=OPERATOR, data={})])
            hub.gate.facts(connection, at)
            raise InputError("never mind")

    with pytest.raises(InputError):
        give_up()
    assert len(_objects(world)) == 1


def test_a_process_that_began_with_a_question_remembers_what_was_before_it(world: World, tmp_path: Path) -> None:
    assert isinstance(world.settings.database, Path)
    standby = tmp_path / "standby.db"
    copy_database(world.settings.database, standby)
    world.share("alfa", bundle([indicator(2)]))
    world.reopen()
    hub = world.hub
    with hub.store.write() as connection:
        hub.gate.facts(connection, hub.log.now(connection))
    hub.store.adapter.engine.dispose()
    copy_database(standby, world.settings.database)
    with pytest.raises(StoreBrokenError):
        _objects(world)
    # for the end of the test
    world.hub = open_hub(world.settings, clock=world.clock, entropy=SeededEntropy(99))
