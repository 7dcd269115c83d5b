"""An object of many versions: each is looked at once in a question, however many pages judge the object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import pytest

from support.searching import named
from support.sharing import CREATED, bundle, stamp
from tocsin.exchange.search import around, store
from tocsin.exchange.search.model import SearchQuery
from tocsin.kernel.clock import SECOND, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World
    from support.treaty import Templates

VERSIONS: Final = 240
ITSELF: Final = named("malware", 1)
NAMING: Final = named("malware", 2)

# name: what is asked, of a party whose search finds every version
ASKED: Final[dict[str, Callable[[World], object]]] = {
    "by id": lambda world: world.hub.search.find(
        world.asker("coast"), "exchange", SearchQuery(ids=frozenset({ITSELF})), limit=1
    ),
    "everything": lambda world: world.hub.search.find(world.asker("coast"), "exchange", SearchQuery(), limit=1),
    "a count": lambda world: world.hub.search.count(world.asker("coast"), "exchange", SearchQuery()),
    "what stands around": lambda world: world.hub.search.relations(world.asker("coast"), "exchange", ITSELF, limit=1),
    "what shares a value": lambda world: world.hub.search.correlate(world.asker("coast"), "exchange", ITSELF, limit=1),
}


@pytest.fixture(scope="module")
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    old = {"type": "malware", "spec_version": "2.1", "name": "x", "is_family": False, "created": stamp(CREATED)}
    listed: list[dict[str, Any]] = []
    for number in range(VERSIONS):
        version = old | {"modified": stamp(CREATED + number * SECOND)}
        listed += [version | {"id": ITSELF}, version | {"id": NAMING, "x_about_ref": ITSELF}]
    # the newest first: what stands was offered first, and every other version is met before it
    world.share("alfa", bundle(listed[::-1]))
    world.hub.indexer.index()
    yield world
    hubs.drop(world)


@pytest.mark.parametrize("case", ASKED)
def test_versions_cost_no_cube(world: World, case: str) -> None:
    read: list[int] = []
    reads = store.versions_of

    def counted(*args: Any, **named: Any) -> dict[str, list[store.Version]]:  # noqa: ANN401  handed through
        found = reads(*args, **named)
        read.extend(len(versions) for versions in found.values())
        return found

    with mock.patch.object(store, "versions_of", counted):
        ASKED[case](world)
    assert VERSIONS <= sum(read) <= 4 * VERSIONS


def test_what_refers_to_an_object_is_looked_at_within_bounds(world: World) -> None:
    with mock.patch.object(around, "LOOKED_AT", 5), mock.patch.object(around, "DEFAULT_HITS", 4):
        told = world.hub.search.relations(world.asker("coast"), "exchange", ITSELF, limit=1)
    assert told.hit is not None
    assert told.hit.version == format_instant(CREATED + (VERSIONS - 1) * SECOND)
    assert (told.edges, told.more) == ((), True)
