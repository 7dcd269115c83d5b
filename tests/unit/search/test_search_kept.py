"""What a search leaves in the log, what it may cost, and searches that are kept."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import msgspec
import pytest
from sqlalchemy import func, select, text

from support.inspection import tell
from support.searching import ALL, find, indicator, named
from support.sharing import CREATED, bundle
from tocsin.errors import BusyError, InputError, LimitError, NotFoundError
from tocsin.exchange.search import service
from tocsin.exchange.search import store as search_store
from tocsin.exchange.search.model import (
    Facet,
    SearchQuery,
)
from tocsin.exchange.search.saved import MAX_SAVED
from tocsin.exchange.search.tables import SEARCH_FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from support.hub import World

Json = dict[str, Any]


def entries(world: World) -> list[Json]:
    world.hub.integrator.integrate()
    return [payload.data for _, payload in tell(world.hub) if payload.kind == "release"]


def test_a_count_is_in_the_log_with_what_was_counted(world: World) -> None:
    world.share("alfa", bundle([indicator(1, name="grid"), indicator(2, name="grid")]))
    world.share("coast", bundle([indicator(3, name="grid"), indicator(4, name="other")]))
    query = SearchQuery(
        text="Grid!",
        values=frozenset({"198.51.100.1", "198.51.100.2", "198.51.100.3"}),
        producers=frozenset({"alfa", "coast"}),
    )
    counted = world.hub.search.count(world.asker("bravo"), "exchange", query)
    assert counted.count == 3
    told = {one["owner"]: one for one in entries(world)}
    assert {owner: len(one["offers"]) for owner, one in told.items()} == {
        "https://alfa.example": 2,
        "https://coast.example": 1,
    }
    for one in told.values():
        assert (one["release"], one["kind"]) == (counted.release, "count")
        assert (one["filter"]["text"], one["filter"]["values"], one["filter"]["producers"]) == ("grid", 3, 2)


def test_an_owner_is_not_told_what_else_was_looked_for(world: World) -> None:
    world.share("alfa", bundle([indicator(1, "[ipv4-addr:value ISSUBSET '198.51.100.0/24']")]))
    other = named("indicator", 77)
    assert find(world, SearchQuery(values=frozenset({"198.51.100.66"}))).hits
    assert find(world, SearchQuery(ids=frozenset({named("indicator", 1), other}))).hits
    world.hub.search.correlate(world.asker("bravo"), "exchange", "198.51.100.66")
    told = msgspec.json.encode(entries(world)).decode()
    assert "198.51.100.66" not in told
    assert other not in told


def test_a_question_that_finds_nothing_leaves_nothing(world: World) -> None:
    asker = world.asker("bravo")
    assert find(world, ALL).release is None
    assert world.hub.search.count(asker, "exchange", ALL).release is None
    assert world.hub.search.facet(asker, "exchange", ALL, Facet.TLP).release is None
    assert entries(world) == []


# --- time ------------------------------------------------------------------------------------------------------------

_ENDLESS: Final = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT i FROM n WHERE i < 0"
)
ASKED: Final[dict[str, Callable[[World], object]]] = {
    "find": lambda world: find(world, ALL),
    "count": lambda world: world.hub.search.count(world.asker("bravo"), "exchange", ALL),
    "facet": lambda world: world.hub.search.facet(world.asker("bravo"), "exchange", ALL, Facet.TLP),
    "correlate": lambda world: world.hub.search.correlate(world.asker("bravo"), "exchange", "198.51.100.66"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_an_expensive_search_is_broken_off_and_leaves_nothing(
    world: World, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.share("alfa", bundle([indicator(1, "[ipv4-addr:value = '198.51.100.66']")]))

    def endless(connection: Connection, *_: object, **__: object) -> list[int]:
        return list(connection.execute(text(_ENDLESS)).scalars())

    monkeypatch.setattr(service, "SEARCH_SECONDS", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr(search_store, "sequences", endless)
        with pytest.raises(BusyError, match=r"took longer than 0\.2 s") as refused:
            ASKED[asked](world)
        assert refused.value.todo is not None
        assert "ask for less" in refused.value.todo
    assert entries(world) == []
    monkeypatch.undo()
    assert ASKED[asked](world)
    assert len(entries(world)) == 1


def test_many_statements_share_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them takes long: there are too many."""
    monkeypatch.setattr(service, "_COUNT_BATCH", 1)
    world.share("alfa", bundle([indicator(number, "[ipv4-addr:value = '198.51.100.66']") for number in range(9)]))
    assert world.hub.search.count(world.asker("bravo"), "exchange", ALL).count == 9
    ticks = itertools.count(0.0, service.SEARCH_SECONDS / 4)
    monkeypatch.setattr(world.hub.search, "_ticks", lambda: next(ticks))
    with pytest.raises(BusyError, match="took longer than 10 s"):
        world.hub.search.count(world.asker("bravo"), "exchange", ALL)


# --- saved -----------------------------------------------------------------------------------------------------------


def test_a_search_is_kept_for_its_user_alone(world: World) -> None:
    kept, query = world.hub.saved_searches, SearchQuery(text="grid", types=frozenset({"malware"}), since=CREATED)
    kept.save(world.asker("ana@bravo"), "grid", "exchange", query)
    assert [one.query for one in kept.all(world.asker("ana@bravo"))] == [query]
    for other in ("bravo", "ana@coast", "coast"):
        assert kept.all(world.asker(other)) == []
        with pytest.raises(NotFoundError, match="no search of this name"):
            kept.get(world.asker(other), "grid")
        with pytest.raises(NotFoundError, match="no search of this name"):
            kept.remove(world.asker(other), "grid")
    kept.save(world.asker("ana@bravo"), "grid", "exchange", SearchQuery())
    assert kept.get(world.asker("ana@bravo"), "grid").query == SearchQuery()
    kept.remove(world.asker("ana@bravo"), "grid")
    assert kept.all(world.asker("ana@bravo")) == []


def test_what_is_kept_has_limits(world: World) -> None:
    kept, asker = world.hub.saved_searches, world.asker("bravo")
    for name in ("", "Grid!", "x" * 65):
        with pytest.raises(InputError):
            kept.save(asker, name, "exchange", ALL)
    with pytest.raises(NotFoundError, match="no such collection"):
        kept.save(asker, "grid", "nowhere", ALL)
    with mock.patch("tocsin.exchange.search.saved.MAX_SAVED", 2):
        for name in ("a", "b", "b"):
            kept.save(asker, name, "exchange", ALL)
        with pytest.raises(LimitError, match="at most"):
            kept.save(asker, "c", "exchange", ALL)
    assert MAX_SAVED == 100
    with world.hub.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(SEARCH_FACTS)).scalar_one() == 0
