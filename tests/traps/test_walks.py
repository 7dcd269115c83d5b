"""A download is under way when a right ends: what comes after that instant must not leave.

In the field a client walks for hours through pages, listens to a stream for days, and gets webhooks without asking.
Whoever judges at the beginning alone goes on giving out what nobody may give any more; whoever judges the cursor
instead of the reader lets it carry rights across their end; whoever breaks off the walk loses what the reader still
may read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx
import pytest

from support.field import BASIS_ENDS, CLEARANCE_ENDS, FORBIDS, HOUR, KINDS, annex, call, ids, lay
from support.hub import OPERATOR
from support.keeping import call_back
from support.listening import Ear, streams_of
from support.posting import Post
from support.receiver import receiving
from support.searching import ALL, find
from support.searching import ids as ids_of
from tocsin.errors import NotFoundError
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.live.webhooks import courier
from tocsin.exchange.live.webhooks.model import Content
from tocsin.exchange.model import Query
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.taxii.wire import TAXII
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World
    from tocsin.exchange.live.streams import Listener
    from tocsin.exchange.reading import Answer

pytestmark = pytest.mark.time_passes

Act: TypeAlias = "Callable[[World, int], object]"
CALLED_BACK: Final = "all tools but the first are called back"
# of a page, an event and a message
SIZE: Final = 5
NEVER: Final = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)


def _until(instant: int) -> Act:
    def arrive(world: World, _first: int) -> None:
        world.clock.at = instant

    return arrive


def _suspended(name: str) -> Act:
    return lambda world, _first: world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, name, "a test")


def _stopped(world: World, _first: int) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "field", 1, "a test")


def _cleared_to_nothing(world: World, _first: int) -> None:
    world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "bravo", clearance="unclassified", until=None)


def _forbidden(world: World, _first: int) -> None:
    world.agreement(FORBIDS, signed_by=("alfa", "bravo"))


def _called_back(world: World, first: int) -> None:
    for one in ids("tool", first=first)[1:]:
        call_back(world, "alfa", one, Demand.DESTROY)


# what happens to bravo after its first page, and of which types it gets the rest; None: it is shut out; the annex runs
# out first, then the basis, then the clearance
ENDS: Final[dict[str, tuple[Act, tuple[str, ...] | None]]] = {
    "nothing": (lambda _world, _first: None, KINDS),
    "the legal basis expires": (_until(BASIS_ENDS), ("malware", "tool")),
    "the clearance ends": (_until(CLEARANCE_ENDS), ("tool",)),
    "the clearance is taken": (_cleared_to_nothing, ("indicator", "tool", "campaign")),
    "the annex runs out": (lambda world, _: world.clock.advance(12 * HOUR), ("indicator", "malware", "tool")),
    "the annex is ended": (lambda world, _: annex(world, "end"), ("indicator", "malware", "tool")),
    "the agreement is suspended": (_stopped, ()),
    "another agreement forbids": (_forbidden, ("indicator", "malware", "campaign")),
    CALLED_BACK: (_called_back, KINDS),
    "the owner is suspended": (_suspended("alfa"), ()),
    "the reader is suspended": (_suspended("bravo"), None),
}
# what is tried at the other doors, too: they judge by the same gate, and each forgets for itself
EVERYWHERE: Final = (
    "the legal basis expires",
    "the annex runs out",
    CALLED_BACK,
    "the reader is suspended",
)


def theirs(case: str, kinds: tuple[str, ...] | None, *before: str, first: int = 0) -> list[str]:
    """Return what bravo may still get after it, of what it did not get before."""
    gone = {*before, *(ids("tool", first=first)[1:] if case == CALLED_BACK else ())}
    return [one for one in ids(*kinds or (), first=first) if one not in gone]


def _emergency(world: World) -> None:
    assert call(world, "alfa") == ()
    assert len(call(world, "bravo")) == 1


def _end(world: World, act: Act, first: int = 0) -> None:
    """Let it happen; what was released is in the log by then, as in a hub where hours pass."""
    world.hub.integrator.integrate()
    act(world, first)


@pytest.mark.parametrize("case", ENDS)
def test_a_walk_through_pages(world: World, case: str) -> None:
    act, kinds = ENDS[case]
    _emergency(world)
    token = world.token("bravo")
    path = f"/live/collections/{world.hub.reading.collection(world.asker('bravo'), 'exchange').uuid}/objects/"
    with (
        running(create_app(world.hub)) as url,
        httpx.Client(base_url=url, auth=("bravo", token), headers={"accept": TAXII}) as client,
    ):
        page = client.get(path, params={"limit": SIZE}).json()
        first = [one["id"] for one in page["objects"]]
        assert (first, page["more"]) == (ids(*KINDS)[:SIZE], True)
        _end(world, act)
        rest: list[str] = []
        while page.get("more"):
            answer = client.get(path, params={"limit": SIZE, "next": page["next"]})
            if kinds is None:
                assert answer.status_code == 401
                break
            assert answer.status_code == 200
            page = answer.json()
            rest += [one["id"] for one in page.get("objects", ())]
    assert rest == theirs(case, kinds, *first)


@pytest.mark.parametrize("case", EVERYWHERE)
def test_a_stream(world: World, case: str) -> None:
    act, kinds = ENDS[case]
    _emergency(world)
    hub, pages = world.hub, 0
    streams = streams_of(hub, pace=NEVER, batch=SIZE)
    page = streams._page

    def between(listener: Listener, head: int) -> Answer:
        nonlocal pages
        pages += 1
        if pages == 2:
            _end(world, act)
        return page(listener, head)

    streams._page = between  # type: ignore[method-assign]  # between two events

    async def listen() -> Ear:
        async with asyncio.timeout(60), streams.running():
            ear = await Ear(streams, world, "bravo", Wish(collection="exchange", query=Query(added_after=0))).open()
            await ear.settle()
            await ear.close()
            return ear

    ear = asyncio.run(listen())
    got = [one["id"] for event in ear.source.events for one in event.objects]
    assert got[:SIZE] == ids(*KINDS)[:SIZE]
    assert got[SIZE:] == theirs(case, kinds, *got[:SIZE])


@pytest.mark.parametrize("case", EVERYWHERE)
def test_webhooks(world: World, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    act, kinds = ENDS[case]
    monkeypatch.setattr(courier, "BATCH", SIZE)
    _emergency(world)
    with receiving() as receiver:
        post = Post(world, receiver, Content.OBJECTS)
        lay(world, 10)
        post.turns(1)
        (message,) = receiver.got
        first = message.objects
        assert first == ids(*KINDS, first=10)[:SIZE]
        _end(world, act, 10)
        post.turns(4)
        post.courier.close()
    rest = [one for message in receiver.got[1:] for one in message.objects]
    assert rest == theirs(case, kinds, *first, first=10)


@pytest.mark.parametrize("case", EVERYWHERE)
def test_a_search(world: World, case: str) -> None:
    act, kinds = ENDS[case]
    _emergency(world)
    first = find(world, ALL, limit=SIZE)
    assert sorted(ids_of(first)) == sorted([*reversed(ids(*KINDS))][:SIZE]), "the newest first"
    _end(world, act)
    found, page = ids_of(first), first
    while page.next is not None:
        if kinds is None:
            with pytest.raises(NotFoundError):
                find(world, ALL, limit=SIZE, cursor=page.next)
            break
        page = find(world, ALL, limit=SIZE, cursor=page.next)
        found += ids_of(page)
    assert sorted(found[SIZE:]) == sorted(theirs(case, kinds, *found[:SIZE]))
    if kinds is not None:
        assert world.hub.search.count(world.asker("bravo"), "exchange", ALL).count == len(theirs(case, kinds))


def test_what_ends_between_the_snapshot_and_the_first_byte(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The annex of people on duty is over just as a page of it is staged: the page is made again without it."""
    from support.pact import before_turns

    _emergency(world)
    before_turns(monkeypatch, world.hub.store, [lambda: world.clock.advance(12 * HOUR)])
    answer = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=SIZE)
    assert [item.object_id for item in answer.page.items] == ids("indicator", "malware", "tool")[:SIZE]
