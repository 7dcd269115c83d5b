"""What a hub does for a member, where the member could time it: the statements that reach the database.

Times are noise, and statements are not. Where they differ after all, the test says by which, and that there are no
more: this is the residue of docs/traffic-analysis.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from support.adversary import counted
from support.hiding import HIDING, OWN, SHOWN, prepared
from support.listening import Ear, streams_of
from support.sharing import bundle, indicator, terms_mark
from support.treaty import Templates, templates
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.search.model import Facet, SearchQuery
from tocsin.kernel.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

    Ask = Callable[[World], object]

NEVER: Final = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)
EXPORT: Final = terms_mark(categories=("export-controlled",))
ALL: Final = frozenset({VersionChoice.ALL})


def _page(query: Query, limit: int) -> Ask:
    return lambda world: world.hub.reading.objects(world.asker("bravo"), "exchange", query, limit=limit)


ASKED: Final[dict[str, Ask]] = {
    "a page": _page(Query(), 1000),
    "a short page": _page(Query(), 2),
    "every version": _page(Query(versions=ALL), 1000),
    "one by id": _page(Query(ids=frozenset({indicator(SHOWN[-1])["id"]})), 1000),
    "what is missing": _page(Query(ids=frozenset({indicator(999)["id"]})), 1000),
    "of another type": _page(Query(types=frozenset({"malware"})), 1000),
    "the manifest": lambda world: world.hub.reading.manifest(world.asker("bravo"), "exchange", Query()),
    "collections": lambda world: world.hub.reading.collections(world.asker("bravo")),
    "a search": lambda world: world.hub.search.find(world.asker("bravo"), "exchange", SearchQuery()),
    "a count": lambda world: world.hub.search.count(world.asker("bravo"), "exchange", SearchQuery()),
    "a facet": lambda world: world.hub.search.facet(world.asker("bravo"), "exchange", SearchQuery(), Facet.TYPE),
    "what shares a value": lambda world: world.hub.search.correlate(
        world.asker("bravo"), "exchange", indicator(SHOWN[-1])["id"]
    ),
    "sharing one": lambda world: world.share("bravo", bundle([indicator(OWN[0])])),
    "sharing it again": lambda world: world.share("bravo", bundle([indicator(OWN[0])])),
    "sharing some": lambda world: world.share("bravo", bundle([indicator(number) for number in OWN])),
}
# what is not equal where another party hides an object under an id that the reader sees: one statement, which judges
CONTESTED: Final = {"a page", "a short page", "every version", "the manifest"}


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def _worked(world: World, act: Callable[[], object]) -> list[str]:
    """Return the statements of an act, with a look into a window as one thing.

    Which of its two plans a look takes hangs on the share that the reader sees, and so does what it costs.
    """
    return ["a window" if "offers.offer_seq <= " in text else text for text in counted(world, act)]


def _work(hubs: Templates, hide: Callable[[World], None]) -> dict[str, list[str]]:
    world = hubs.world()
    prepared(world, hide)
    world.read("bravo")  # what is decided once is decided before anything is counted
    world.hub.search.count(world.asker("bravo"), "exchange", SearchQuery())
    done = {name: _worked(world, lambda: ask(world)) for name, ask in ASKED.items()}  # noqa: B023  called at once
    hubs.drop(world)
    return done


@pytest.fixture(scope="module")
def alone(hubs: Templates) -> dict[str, list[str]]:
    return _work(hubs, HIDING["nothing"])


@pytest.mark.parametrize("hiding", [name for name in HIDING if name != "nothing"])
def test_no_statement_differs_from_where_nothing_is_hidden(
    hubs: Templates, alone: dict[str, list[str]], hiding: str
) -> None:
    among = _work(hubs, HIDING[hiding])
    differing = {name for name in alone if among[name] != alone[name]}
    if hiding != "under the same ids":
        assert differing == set()
        return
    assert differing == CONTESTED
    assert all(len(among[name]) == len(alone[name]) + 1 for name in CONTESTED)


def test_who_has_everything_costs_the_same_whatever_came_since(hubs: Templates) -> None:
    """A client that polls asks behind its last object; what others hide behind it adds no look into the collection."""
    looks = []
    for hide in (HIDING["nothing"], HIDING["one"], HIDING["many at once"]):
        world = hubs.world()
        prepared(world, HIDING["nothing"])
        last = world.read("bravo")[-1][0].date_added
        hide(world)
        poll = _page(Query(added_after=last), 1000)
        poll(world)  # what is decided once is decided before anything is counted
        looks.append(_worked(world, lambda: poll(world)))  # noqa: B023  called at once
        hubs.drop(world)
    assert looks[0] == looks[1] == looks[2]
    assert len(looks[0]) > 3


def test_what_is_decided_for_the_first_time_is_work(hubs: Templates) -> None:
    """The residue: when something came, the next poll counts labels anew, and decides the ones that are new."""
    world = hubs.world()
    prepared(world, HIDING["nothing"])
    poll = _page(Query(), 1000)
    poll(world)
    usual = _worked(world, lambda: poll(world))
    HIDING["one"](world)
    new_label = _worked(world, lambda: poll(world))
    HIDING["many at once"](world)
    HIDING["one by one"](world)
    poll(world)
    world.share("alfa", bundle([indicator(700, marked=[EXPORT])], marked=[EXPORT]))
    known_label = _worked(world, lambda: poll(world))
    hubs.drop(world)
    assert len(known_label) - len(usual) == 1
    assert 1 < len(new_label) - len(usual) <= 10


def test_few_that_stand_before_many_hidden_take_more_looks(hubs: Templates) -> None:
    """The residue: windows double, so that the looks at an end grow with the logarithm of what is hidden there."""
    world = hubs.world()
    world.share("alfa", bundle([indicator(number) for number in range(60)]))
    page = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=58)
    cursor = page.next

    def rest() -> object:
        return world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=2, cursor=cursor)

    rest()
    usual = _worked(world, rest)
    HIDING["many at once"](world)
    rest()
    among = _worked(world, rest)
    hubs.drop(world)
    assert 0 <= len(among) - len(usual) <= 5


def test_a_stream_is_silent_while_there_is_nothing_for_its_listener(hubs: Templates) -> None:
    world = hubs.world()
    prepared(world, HIDING["nothing"])
    hub = world.hub

    async def listen() -> None:
        streams = streams_of(hub, pace=NEVER)
        async with asyncio.timeout(60), streams.running():
            ear = await Ear(streams, world, "bravo", Wish(collection="exchange", query=Query(), last=None)).open()
            begun = ear.raw
            for hide in HIDING.values():
                hide(world)
                world.clock.advance(SECOND)
                await ear.settle()
                assert ear.raw == begun
            world.share("alfa", bundle([indicator(900)]))
            await ear.settle()
            assert len(ear.raw) > len(begun)
            await ear.close()

    asyncio.run(listen())
    hubs.drop(world)
