"""The index follows what was shared, however often it is broken off."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from sqlalchemy import select, update

from support.hub import OPERATOR
from support.searching import ALL, find, ids, indicator, named, thing
from support.sharing import bundle
from tocsin.errors import BusyError, NotFoundError
from tocsin.exchange.search import indexer, service
from tocsin.exchange.search.tables import SEARCH_FACTS, SEARCH_POSTINGS, SEARCH_STATES
from tocsin.exchange.search.wire import VERSION
from tocsin.exchange.tables import CONTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from support.hub import World


def rows(world: World) -> list[set[tuple[Any, ...]]]:
    with world.hub.store.read() as connection:
        return [{tuple(row) for row in connection.execute(select(table))} for table in (SEARCH_POSTINGS, SEARCH_FACTS)]


def test_the_index_is_the_same_however_it_was_made(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 8)]))
    world.share("bravo", bundle([thing("malware", 1, name="grid wiper", is_family=False), indicator(3)]))
    assert world.hub.indexer.behind() == 9
    with mock.patch.object(indexer, "BATCH", 2):
        assert world.hub.indexer.index() == 9
    at_once = rows(world)
    assert world.hub.indexer.index() == 0
    assert world.hub.indexer.rebuild() == 9
    assert rows(world) == at_once
    world.hub.self_test.require()


def test_an_index_of_another_program_is_made_anew(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 6)]))
    world.hub.indexer.index()
    right = rows(world)
    with world.hub.store.write() as connection:
        connection.execute(update(SEARCH_STATES).values(version=VERSION + 1))
        connection.execute(update(SEARCH_POSTINGS).values(term=SEARCH_POSTINGS.c.term / 2))
    assert world.hub.indexer.behind() == 5
    with mock.patch.object(indexer, "BATCH", 2):
        assert world.hub.indexer.index() == 5
    assert rows(world) == right


def test_several_follow_at_once(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 40)]))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            world.hub.indexer.index()
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failures.append(error)

    with mock.patch.object(indexer, "BATCH", 4):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert world.hub.indexer.behind() == 0
    world.hub.self_test.require()


class TornError(Exception):
    """What a write that fails raises here."""


@pytest.mark.parametrize("persisted", [False, True])
def test_a_write_that_fails_is_made_up_for(world: World, persisted: bool) -> None:  # noqa: FBT001  a column of cases
    world.share("alfa", bundle([indicator(number) for number in range(1, 10)]))
    original, numbers = world.hub.store.write, itertools.count()

    @contextlib.contextmanager
    def write() -> Iterator[Connection]:
        number = next(numbers)
        with original() as connection:
            yield connection
            if number == 1 and not persisted:
                raise TornError
        if number == 1:
            raise TornError

    with (
        mock.patch.object(indexer, "BATCH", 3),
        mock.patch.object(world.hub.store, "write", write),
        pytest.raises(TornError),
    ):
        world.hub.indexer.index()
    assert world.hub.indexer.behind() == (3 if persisted else 6)
    world.hub.indexer.index()
    world.hub.self_test.require()
    assert len(ids(find(world, ALL))) == 9


def test_a_search_finds_what_was_shared_just_before(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    assert ids(find(world, ALL)) == [named("indicator", 1)]
    world.share("alfa", bundle([indicator(2)]))
    assert ids(find(world, ALL)) == [named("indicator", 2), named("indicator", 1)]


def test_a_search_says_that_it_is_busy_rather_than_miss_anything(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 30)]))
    with (
        mock.patch.object(indexer, "BATCH", 2),
        mock.patch.object(service, "CATCH_UP", 2),
        pytest.raises(BusyError, match="brought up to date"),
    ):
        find(world, ALL)
    # what was done meanwhile is done
    assert 0 < world.hub.indexer.behind() < 29
    assert len(ids(find(world, ALL))) == 29


def test_what_is_purged_is_found_no_more(world: World) -> None:
    world.share("alfa", bundle([indicator(1), indicator(2)]))
    with world.hub.store.write() as connection:
        connection.execute(
            update(CONTRIBUTIONS).where(CONTRIBUTIONS.c.object_id == named("indicator", 1)).values(bytes=None)
        )
    assert ids(find(world, ALL)) == [named("indicator", 2)]


def test_collections_have_indices_of_their_own(world: World) -> None:
    world.hub.collections.add(OPERATOR, world.hub.mandate, "other", title="Other")
    world.share("alfa", bundle([indicator(1)]))
    world.share("alfa", bundle([indicator(1), indicator(2)]), collection="other")
    asker = world.asker("bravo")
    assert world.hub.search.count(asker, "exchange", ALL).count == 1
    assert world.hub.search.count(asker, "other", ALL).count == 2
    with pytest.raises(NotFoundError, match="no such collection"):
        world.hub.search.count(asker, "third", ALL)
