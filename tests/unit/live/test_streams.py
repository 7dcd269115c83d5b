"""Streams: what a listener gets, when, and what ends it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import pytest

from support.hub import OPERATOR, World
from support.listening import Ear, streams_of
from support.replicas import copy_database
from support.sharing import bundle, indicator, terms_mark
from tocsin.errors import AuthenticationError, BusyError, InputError, NotFoundError, StoreBrokenError
from tocsin.exchange.live.model import BATCH, STREAMS_OF_ONE, Pace, Wish
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from support.treaty import Templates
    from tocsin.exchange.live.streams import Listener, Streams
    from tocsin.exchange.reading import Answer

pytestmark = pytest.mark.time_passes

ALL: Final = frozenset({VersionChoice.ALL})
EVERYTHING: Final = Query(versions=ALL, added_after=0)
NEVER: Final = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)
EXPORT: Final = terms_mark(categories=("export-controlled",))


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    hubs.drop(world)


def listening(world: World, act: Callable[[Streams], Awaitable[None]], pace: Pace = NEVER) -> None:
    """Run one test on streams that look when they are told to, and no more than a minute."""

    async def run() -> None:
        streams = streams_of(world.hub, pace=pace)
        async with asyncio.timeout(60), streams.running():
            await act(streams)
        assert streams.count == 0

    asyncio.run(run())


def wish(query: Query = Query(), *, last: str | None = None) -> Wish:  # noqa: B008  a frozen value
    return Wish(collection="exchange", query=query, last=last)


def ids(*numbers: int) -> list[str]:
    return [indicator(number)["id"] for number in numbers]


def got(ear: Ear) -> list[str]:
    return [one["id"] for event in ear.source.events for one in event.objects]


def test_a_listener_gets_what_is_offered_from_now_on(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.settle()
        assert ear.source.events == []
        assert ear.source.last
        world.share("alfa", bundle([indicator(2), indicator(3)]))
        await ear.settle()
        assert got(ear) == ids(2, 3)
        assert [event.type for event in ear.source.events] == ["objects"]
        world.share("alfa", bundle([indicator(4)]))
        await ear.settle()
        assert got(ear) == ids(2, 3, 4)
        await ear.close()

    listening(world, act)


def test_what_was_there_comes_first_for_those_who_ask_for_it(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, BATCH + 30)]))

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish(Query(added_after=0))).open()
        await ear.settle()
        assert [len(event.objects) for event in ear.source.events] == [BATCH, 29]
        assert got(ear) == ids(*range(1, BATCH + 30))
        await ear.close()

    listening(world, act)


def test_an_event_is_a_release(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.settle()
        world.share("alfa", bundle([indicator(1), indicator(2)]))
        await ear.settle()
        await ear.close()

    listening(world, act)
    assert world.hub.integrator.pending()
    world.hub.self_test.require()
    with world.hub.store.read() as connection:
        kinds = [row.kind for row in world.hub.log.rows(connection)]
    assert kinds.count("release") == 1


def test_a_stream_goes_on_where_it_was_cut_off(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.settle()
        world.share("alfa", bundle([indicator(1)]))
        await ear.settle()
        await ear.close()
        world.share("alfa", bundle([indicator(2)]))
        again = await Ear(streams, world, "bravo", wish(last=ear.source.last)).open()
        await again.settle()
        assert got(again) == ids(2)
        await again.close()

    listening(world, act)


def test_one_that_was_cut_off_before_its_first_event_misses_nothing(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.close()
        assert ear.source.last
        world.share("alfa", bundle([indicator(1)]))
        again = await Ear(streams, world, "bravo", wish(last=ear.source.last)).open()
        await again.settle()
        assert got(again) == ids(1)
        await again.close()

    listening(world, act)


FOREIGN: Final[dict[str, tuple[str, Query]]] = {
    "another party": ("coast", Query()),
    "another person": ("ana@outsider", Query()),
    "another query": ("bravo", Query(types=frozenset({"indicator"}))),
    "other versions": ("bravo", Query(versions=ALL)),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_id_counts_where_it_was_given_only(world: World, case: str) -> None:
    who, query = FOREIGN[case]

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.close()
        with pytest.raises(InputError):
            await Ear(streams, world, who, wish(query, last=ear.source.last)).open()
        for text in ("", "A", ear.source.last[:-2] + "AA", "x" * 10_000, "é"):
            with pytest.raises(InputError):
                await Ear(streams, world, "bravo", wish(last=text)).open()

    listening(world, act)


def test_there_is_no_stream_of_no_collection(world: World) -> None:
    async def act(streams: Streams) -> None:
        with pytest.raises(NotFoundError):
            await Ear(streams, world, "bravo", Wish(collection="nowhere", query=Query())).open()

    listening(world, act)


# --- the end ----------------------------------------------------------------------------------------------------------


def _suspend(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "test")


def _leave(world: World) -> None:
    world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "bravo")


@pytest.mark.parametrize("end", [_suspend, _leave])
def test_who_may_no_longer_sign_in_is_cut_off_by_the_next_look(world: World, end: Callable[[World], None]) -> None:
    proved: list[bool] = []

    async def again() -> None:
        proved.append(True)
        if world.hub.parties.get("bravo").status != "vetted":
            raise AuthenticationError("we do not know who is asking")

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish(), again=again).open()
        await ear.settle()
        before = len(proved)
        end(world)
        world.share("alfa", bundle([indicator(1)]))
        await ear.settle()
        assert ear.ended
        assert ear.source.events == []
        assert len(proved) == before + 1

    listening(world, act)


def test_the_gate_itself_ends_a_stream_whose_credentials_nobody_asked(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.settle()
        _suspend(world)
        world.share("alfa", bundle([indicator(1)]))
        await ear.settle()
        assert ear.ended
        assert ear.source.events == []

    listening(world, act)


def test_an_entry_that_ends_no_credentials_asks_for_no_proof(world: World) -> None:
    proved: list[bool] = []

    async def again() -> None:
        proved.append(True)

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish(), again=again).open()
        share_hidden(world, 1)
        await ear.settle()  # decides about the label
        before = len(proved)
        share_hidden(world, 2)
        world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(1)["id"], ALL
        )
        await ear.settle()
        assert len(proved) == before
        world.hub.parties.add_user(OPERATOR, world.hub.mandate, _user())
        await ear.settle()
        assert len(proved) == before + 1
        await ear.close()

    listening(world, act)


def _user() -> Any:  # noqa: ANN401  a User; imported late like the rest of the rooms
    from tocsin.parties.model import User

    return User(name="late", party="https://bravo.example")


def test_idle_credentials_are_proved_every_so_often(world: World) -> None:
    proved: list[bool] = []

    async def again() -> None:
        proved.append(True)

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish(), again=again).open()
        for _ in range(4):
            await ear.settle()
        assert len(proved) >= 4
        await ear.close()

    listening(world, act, Pace(look=1e6, beat=1e6, prove=0.0, patience=1e6, age=1e6))


def test_credentials_that_cannot_be_proved_are_believed_for_a_while_only(world: World) -> None:
    busy = [False]

    async def again() -> None:
        if busy[0]:
            raise BusyError("too much is waiting already")

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish(), again=again).open()
        await ear.settle()
        busy[0] = True
        world.share("alfa", bundle([indicator(1)]))
        await streams.look()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not ear.ended
        assert ear.source.events == []  # nothing is sent to whom we could not prove
        streams.pace = Pace(look=1e6, beat=1e6, prove=1e6, patience=0.0, age=1e6)
        await ear.settle()
        assert ear.ended
        assert ear.source.events == []

    listening(world, act)


def test_a_stream_has_an_end(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear._task  # type: ignore[misc]  # it was opened
        assert ear.ended

    listening(world, act, Pace(look=1e6, beat=1e6, prove=1e6, age=0.05))


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_party_has_so_many_streams_and_gets_their_room_back(world: World) -> None:
    async def act(streams: Streams) -> None:
        ears = [await Ear(streams, world, "bravo", wish()).open() for _ in range(STREAMS_OF_ONE)]
        with pytest.raises(BusyError, match="of yours"):
            await Ear(streams, world, "bravo", wish()).open()
        other = await Ear(streams, world, "coast", wish()).open()
        await ears[0].close()
        ears[0] = await Ear(streams, world, "bravo", wish()).open()
        for ear in [*ears, other]:
            await ear.close()

    listening(world, act)


def test_streams_that_were_asked_for_together_share_the_same_room(world: World) -> None:
    async def act(streams: Streams) -> None:
        asker = world.asker("bravo")

        async def again() -> None: ...

        made = await asyncio.gather(*(streams.open(asker, wish(), again) for _ in range(STREAMS_OF_ONE + 5)))
        begun = [await anext(chunks, None) for chunks in made]
        assert sum(one is not None for one in begun) == STREAMS_OF_ONE
        assert streams.count == STREAMS_OF_ONE
        for chunks in made:
            await chunks.aclose()

    listening(world, act)


def test_who_does_not_read_is_not_read_for(world: World) -> None:
    """Back-pressure: one event waits for the client, and nothing more is fetched."""
    world.share("alfa", bundle([indicator(number) for number in range(1, 5 * BATCH)]))

    async def act(streams: Streams) -> None:
        async def again() -> None: ...

        chunks = await streams.open(world.asker("bravo"), wish(Query(added_after=0)), again)
        await anext(chunks)
        first = await anext(chunks)
        assert first.startswith(b"event: objects\n")
        for _ in range(3):
            await streams.look()
        assert _releases(world) == 1
        await anext(chunks)
        assert _releases(world) == 2
        await chunks.aclose()

    listening(world, act)


def _releases(world: World) -> int:
    world.hub.integrator.integrate()
    with world.hub.store.read() as connection:
        return sum(row.kind == "release" for row in world.hub.log.rows(connection))


# --- the invisible ---------------------------------------------------------------------------------------------------


def test_the_beat_goes_on_whatever_is_sent(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        while ear.source.comments < 5:
            await ear.moved()
        assert ear.raw.endswith(b":\n\n" * 5)
        await ear.close()

    listening(world, act, Pace(look=1e6, beat=0.02, prove=1e6, age=1e6))


def test_what_is_hidden_wakes_nobody_who_was_decided_about(world: World) -> None:
    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        share_hidden(world, 1)
        await ear.settle()  # decides about the label
        pages: list[object] = []
        page = streams._page

        def counted(listener: Listener, head: int) -> Answer:
            pages.append(listener)
            return page(listener, head)

        streams._page = counted  # type: ignore[method-assign]
        for number in range(2, 6):
            share_hidden(world, number)
            await ear.settle()
        assert pages == []
        assert ear.listener is not None
        head = world.hub.reading.collection(world.asker("bravo"), "exchange").head_seq
        assert ear.listener.place == head  # what was hidden is not looked through again
        world.share("alfa", bundle([indicator(6)]))
        await ear.settle()
        assert got(ear) == ids(6)
        await ear.close()

    listening(world, act)


def share_hidden(world: World, number: int) -> None:
    world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))


def _heard(hubs: Templates, hidden: int) -> tuple[list[bytes], int]:
    """Return what a listener is sent, its ids aside, while so much is shared that it may not see."""
    world = hubs.world()
    sent: list[bytes] = []

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        for number in range(1, 4):
            for extra in range(hidden):
                share_hidden(world, 100 * number + extra)
                await ear.settle()
            world.share("alfa", bundle([indicator(number)]))
            await ear.settle()
        sent.extend(line for line in ear.raw.split(b"\n") if not line.startswith((b"id: ", b"retry: ")))
        assert {len(line) for line in ear.raw.split(b"\n") if line.startswith(b"id: ")} == {len("id: ") + 48}
        await ear.close()

    listening(world, act)
    hubs.drop(world)
    return sent, len(sent)


def test_streams_of_worlds_that_differ_in_the_invisible_are_the_same(hubs: Templates) -> None:
    """But for ids, which are sealed and of one length, and the instants, which are of the shared objects."""
    without, with_ = _heard(hubs, 0), _heard(hubs, 3)
    assert without[1] == with_[1]
    assert [_undated(line) for line in without[0]] == [_undated(line) for line in with_[0]]
    assert [len(line) for line in without[0]] == [len(line) for line in with_[0]]


def _undated(line: bytes) -> bytes:
    return re.sub(rb'"date_added_(first|last)":"[^"]*"', b"", line)


# --- a database that went back ---------------------------------------------------------------------------------------

Went = Literal["to a head that was seen", "and on, another way"]


@pytest.mark.parametrize("went", get_args(Went))
def test_after_a_lossy_failover_idle_streams_end_with_an_error(world: World, tmp_path: Path, went: Went) -> None:
    database = world.settings.database
    if not isinstance(database, Path):
        pytest.skip("a copy of a file is put back")

    async def act(streams: Streams) -> None:
        ear = await Ear(streams, world, "bravo", wish()).open()
        await ear.settle()
        copy_database(database, tmp_path / "standby.db")
        world.share("alfa", bundle([indicator(1)]))
        await ear.settle()
        last = ear.source.last
        copy_database(tmp_path / "standby.db", database)
        if went == "and on, another way":
            other = World.again(world.settings.home, seed=77, start=world.clock.now(), settings=world.settings)
            for number in (2, 3, 4):
                other.share("alfa", bundle([indicator(number)]))
            other.hub.store.close()
        await streams.look()
        assert ear._task is not None
        await ear._task
        assert [event.type for event in ear.source.events] == ["objects", "error"]
        assert "lost" in ear.source.events[-1].data
        # the client stands where it stood, and is told when that is no place any more
        assert ear.source.last == last
        if went == "to a head that was seen":
            with pytest.raises(InputError, match="the hub lost what this id stands for"):
                await streams.open(world.asker("bravo"), wish(last=last), _proved)
        else:
            with pytest.raises(StoreBrokenError):
                await streams.open(world.asker("bravo"), wish(last=last), _proved)

    listening(world, act)


async def _proved() -> None:
    return None
