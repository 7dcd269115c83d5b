"""The index and what is asked of it: following, limits, cursors, ages, correlation, saved searches, and the log."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import msgspec
import pytest
from sqlalchemy import func, select, text, update

from support.hub import OPERATOR
from support.inspection import tell
from support.searching import MARKS, named
from support.sharing import CREATED, bundle, stamp
from support.treaty import Templates, templates
from tocsin.errors import BusyError, InputError, LimitError, NotFoundError, TocsinError
from tocsin.exchange.model import Query
from tocsin.exchange.search import indexer, service
from tocsin.exchange.search import store as search_store
from tocsin.exchange.search.model import (
    MAX_HITS,
    MAX_TEXT,
    MAX_VALUES,
    Facet,
    SearchQuery,
    TimeField,
)
from tocsin.exchange.search.saved import MAX_SAVED
from tocsin.exchange.search.scan import MAX_WORDS
from tocsin.exchange.search.tables import SEARCH_FACTS, SEARCH_POSTINGS, SEARCH_STATES
from tocsin.exchange.search.wire import VERSION
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.exchange.uncertainty import ADMIRALTY_EXTENSION
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from support.hub import World
    from tocsin.exchange.search.model import Found

Json = dict[str, Any]
ALL: Final = SearchQuery()


def thing(kind: str, number: int, **said: object) -> Json:
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": named(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
    }
    return made | said


def indicator(number: int, pattern: str | None = None, **said: object) -> Json:
    pattern = pattern or f"[ipv4-addr:value = '198.51.100.{number}']"
    made = thing("indicator", number, pattern=pattern, pattern_type="stix", valid_from=stamp(CREATED))
    return made | said


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    hubs.drop(world)


def find(
    world: World, query: SearchQuery, *, reader: str = "bravo", limit: int = 50, cursor: str | None = None
) -> Found:
    return world.hub.search.find(world.asker(reader), "exchange", query, limit=limit, cursor=cursor)


def ids(found: Found) -> list[str]:
    return [hit.id for hit in found.hits]


# --- following -------------------------------------------------------------------------------------------------------


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


# --- asking ----------------------------------------------------------------------------------------------------------

NONSENSE: Final[dict[str, tuple[dict[str, Any], type[TocsinError], str]]] = {
    "too many words": ({"text": " ".join(f"w{n}" for n in range(MAX_WORDS + 1))}, LimitError, "at most 32 words"),
    "too long a text": ({"text": "x" * (MAX_TEXT + 1)}, LimitError, "characters of words"),
    "no word": ({"text": " !? "}, InputError, "no word"),
    "too many values": ({"values": frozenset(map(str, range(MAX_VALUES + 1)))}, LimitError, "at most 100"),
    "too long a value": ({"values": frozenset({"x" * (MAX_TEXT + 1)})}, LimitError, "a value has at most"),
    "both kinds of producers": (
        {"producers": frozenset({"alfa", named("identity", 1)})},
        InputError,
        "parties and identities",
    ),
    "a confidence beyond its scale": ({"min_confidence": 101}, InputError, "between 0 and 100"),
    "a score below its scale": ({"min_score": -1}, InputError, "between 0 and 100"),
    "a reliability that cannot be judged": ({"min_reliability": "F"}, InputError, "A to E"),
    "a credibility that cannot be judged": ({"min_credibility": 6}, InputError, "1 to 5"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_a_question_that_makes_no_sense_is_refused(world: World, case: str) -> None:
    said, error, what = NONSENSE[case]
    with pytest.raises(error, match=what):
        find(world, SearchQuery(**said))


def test_pages_go_on_where_the_one_before_ended_whatever_comes_between(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 8)]))
    first = find(world, ALL, limit=3)
    world.share("alfa", bundle([indicator(number) for number in range(8, 12)]))
    second = find(world, ALL, limit=3, cursor=first.next)
    third = find(world, ALL, limit=3, cursor=second.next)
    assert third.next is None
    assert sorted(ids(first) + ids(second) + ids(third)) == sorted(named("indicator", number) for number in range(1, 8))


def test_a_cursor_opens_for_its_reader_and_question_only(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 8)]))
    cursor = find(world, ALL, limit=3).next
    assert cursor is not None
    for query, reader in ((SearchQuery(text="x"), "bravo"), (ALL, "coast"), (ALL, "ana@bravo")):
        with pytest.raises(InputError, match="cursor"):
            find(world, query, reader=reader, cursor=cursor)
    page = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=3)
    with pytest.raises(InputError, match="cursor"):
        find(world, ALL, cursor=page.next)


def test_pages_are_no_larger_than_they_may_be(world: World) -> None:
    world.share(
        "alfa",
        bundle(
            [
                indicator(1, description=str(number)) | {"id": named("indicator", number)}
                for number in range(MAX_HITS + 5)
            ]
        ),
    )
    assert len(find(world, ALL, limit=10_000).hits) == MAX_HITS
    with pytest.raises(InputError, match="at least one"):
        find(world, ALL, limit=0)


def test_a_page_that_looked_at_enough_says_ask_on(world: World) -> None:
    """What is searched has many versions of few objects: looking at them has an end, and the cursor goes on."""
    old = [indicator(1) | {"modified": stamp(CREATED + hour * DAY)} for hour in range(30)]
    world.share("alfa", bundle([indicator(2)]))
    world.share("alfa", bundle(old[::-1]))
    with mock.patch.object(service, "LOOKED_AT", 5), mock.patch.object(service, "DEFAULT_HITS", 4):
        page, seen, pages = find(world, ALL, limit=2), list[str](), 1
        seen += ids(page)
        while page.next is not None:
            page, pages = find(world, ALL, limit=2, cursor=page.next), pages + 1
            seen += ids(page)
    assert pages > 3
    assert sorted(seen) == sorted([named("indicator", 1), named("indicator", 2)])


def test_a_count_has_an_end(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(1, 10)]))
    asker = world.asker("bravo")
    with mock.patch.object(service, "MAX_COUNTED", 5):
        counted = world.hub.search.count(asker, "exchange", ALL)
        assert (counted.count, counted.complete) == (5, False)
        assert not world.hub.search.facet(asker, "exchange", ALL, Facet.TYPE).complete
    with mock.patch.object(service, "COUNT_LOOKED_AT", 1), mock.patch.object(service, "_COUNT_BATCH", 4):
        assert not world.hub.search.count(asker, "exchange", ALL).complete


# name: a query, and which of the objects below it finds
TIMES: Final = {
    "made since": (SearchQuery(time=TimeField.CREATED, since=CREATED + DAY), {"malware"}),
    "changed before": (SearchQuery(time=TimeField.MODIFIED, until=CREATED + DAY), {"indicator", "observed-data"}),
    "valid on a day": (
        SearchQuery(time=TimeField.VALID, since=CREATED + 5 * DAY, until=CREATED + 6 * DAY),
        {"indicator"},
    ),
    "valid at its last moment": (SearchQuery(time=TimeField.VALID, since=CREATED + 10 * DAY), set()),
    "valid before it was": (SearchQuery(time=TimeField.VALID, until=CREATED), set()),
    "seen in a week": (
        SearchQuery(time=TimeField.SEEN, since=CREATED + 3 * DAY, until=CREATED + 8 * DAY),
        {"observed-data"},
    ),
    "seen later": (SearchQuery(time=TimeField.SEEN, since=CREATED + 9 * DAY), set()),
    "added before there was a hub": (SearchQuery(time=TimeField.ADDED, until=CREATED), set()),
    "added since then": (SearchQuery(time=TimeField.ADDED, since=CREATED), {"indicator", "malware", "observed-data"}),
}


@pytest.mark.parametrize("case", TIMES)
def test_a_time_is_an_instant_or_any_part_of_a_span(world: World, case: str) -> None:
    query, expected = TIMES[case]
    later = stamp(CREATED + 2 * DAY)
    world.share(
        "alfa",
        bundle(
            [
                indicator(1, valid_until=stamp(CREATED + 10 * DAY)),
                thing("malware", 1, name="x", is_family=False) | {"created": later, "modified": later},
                thing(
                    "observed-data",
                    1,
                    first_observed=stamp(CREATED + 2 * DAY),
                    last_observed=stamp(CREATED + 8 * DAY),
                    number_observed=1,
                    object_refs=[named("ipv4-addr", 1)],
                ),
            ]
        ),
    )
    assert {one.partition("--")[0] for one in ids(find(world, query))} == expected


def test_how_sure_its_source_is_can_be_asked(world: World) -> None:
    def graded(number: int, code: str) -> Json:
        said = {
            "extension_type": "property-extension",
            "source_reliability": code[0],
            "information_credibility": int(code[1]),
        }
        return indicator(number, extensions={ADMIRALTY_EXTENSION: said})

    world.share("alfa", bundle([graded(1, "A1"), graded(2, "C3"), graded(3, "F6"), indicator(4, confidence=55)]))
    asked = {
        "B and better": (SearchQuery(min_reliability="B"), {1}),
        "E and better": (SearchQuery(min_reliability="E"), {1, 2}),
        "3 and better": (SearchQuery(min_credibility=3), {1, 2}),
        "as sure as 3 says, or 55": (SearchQuery(min_confidence=50), {1, 2, 4}),
        "surer": (SearchQuery(min_confidence=56), {1}),
    }
    for name, (query, expected) in asked.items():
        assert set(ids(find(world, query))) == {named("indicator", number) for number in expected}, name


# --- ages ------------------------------------------------------------------------------------------------------------


def score(world: World, reader: str = "bravo") -> tuple[float | None, str | None]:
    (hit,) = find(world, SearchQuery(types=frozenset({"indicator"})), reader=reader).hits
    return hit.score, hit.sighted


def test_an_indicator_ages_and_a_sighting_that_one_may_see_renews_it(world: World) -> None:
    world.clock.at = CREATED + 300 * DAY
    world.share("alfa", bundle([indicator(1, confidence=80, valid_from=stamp(world.clock.at))]))
    assert score(world) == (80.0, None)
    world.clock.advance(30 * DAY)
    assert score(world) == (40.0, None)
    world.clock.advance(90 * DAY)
    assert score(world) == (0.0, None)
    sighting = thing("sighting", 1, sighting_of_ref=named("indicator", 1), last_seen=stamp(world.clock.at - 30 * DAY))
    strict = sighting | {"object_marking_refs": [MARKS["amber+strict"].id]}
    world.share("coast", bundle([strict | {"last_seen": stamp(world.clock.at), "id": named("sighting", 2)}]))
    assert score(world) == (0.0, None)
    assert score(world, "coast")[0] == 80.0
    world.share("coast", bundle([sighting]))
    assert score(world)[0] == 40.0
    # it was looked for and not seen
    world.share(
        "coast", bundle([sighting | {"id": named("sighting", 3), "last_seen": stamp(world.clock.at), "count": 0}])
    )
    assert score(world)[0] == 40.0


def test_what_is_expired_or_revoked_is_flagged_and_can_be_left_out(world: World) -> None:
    world.share(
        "alfa",
        bundle(
            [
                indicator(1, valid_until=stamp(CREATED + DAY)),
                indicator(2, revoked=True),
                indicator(3, valid_from=stamp(world.clock.at)),
            ]
        ),
    )
    flags = {hit.id: (hit.expired, hit.revoked, hit.score) for hit in find(world, ALL).hits}
    assert flags == {
        named("indicator", 1): (True, False, 0.0),
        named("indicator", 2): (False, True, 0.0),
        named("indicator", 3): (False, False, 50.0),
    }
    assert ids(find(world, SearchQuery(expired=True))) == [named("indicator", 1)]
    assert ids(find(world, SearchQuery(expired=False, revoked=False))) == [named("indicator", 3)]
    assert ids(find(world, SearchQuery(min_score=50))) == [named("indicator", 3)]
    assert len(ids(find(world, SearchQuery(min_score=0)))) == 3


# --- what belongs together -------------------------------------------------------------------------------------------


def test_objects_that_share_a_value_are_found_with_what_they_share(world: World) -> None:
    world.share(
        "alfa",
        bundle(
            [
                indicator(1, "[domain-name:value = 'evil.example' AND url:value = 'http://bad.example/x']"),
                thing("url", 2, value="hxxp://never.example") | {"value": "http://evil.example/other"},
                indicator(3, "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"),
                indicator(4, "[domain-name:value = 'fine.example']"),
            ]
        ),
    )
    asker, search = world.asker("bravo"), world.hub.search
    told = search.correlate(asker, "exchange", named("indicator", 1))
    assert set(told.values) == {"evil.example", "http://bad.example/x", "bad.example"}
    assert [(one.hit.type, one.values) for one in told.shared] == [("url", ("evil.example",))]
    by_value = search.correlate(asker, "exchange", "198[.]51[.]100[.]77")
    assert [(one.hit.id, one.values) for one in by_value.shared] == [(named("indicator", 3), ("198.51.100.0/24",))]
    nothing = search.correlate(asker, "exchange", "203.0.113.1")
    assert (nothing.values, nothing.shared, nothing.release) == (("203.0.113.1",), (), None)
    with pytest.raises(NotFoundError, match="none that you may see"):
        search.correlate(asker, "exchange", named("campaign", 1))


def test_what_stands_around_an_object_is_told_from_both_ends(world: World) -> None:
    this, that = named("indicator", 1), named("malware", 1)
    world.share(
        "alfa",
        bundle(
            [
                indicator(1, created_by_ref=named("identity", 9)),
                thing("malware", 1, name="wiper", is_family=False),
                thing("relationship", 1, relationship_type="indicates", source_ref=this, target_ref=that),
                thing(
                    "relationship",
                    2,
                    relationship_type="derived-from",
                    source_ref=this,
                    target_ref=named("indicator", 9),
                ),
                thing("sighting", 1, sighting_of_ref=this),
                thing("note", 1, content="n", object_refs=[this]),
                thing("opinion", 1, opinion="agree", object_refs=[this]),
                thing("report", 1, name="r", published=stamp(CREATED), object_refs=[this, that]),
            ]
        ),
    )
    told = world.hub.search.relations(world.asker("bravo"), "exchange", this)
    edges = {(one.property, one.source, one.target, one.relationship, one.other and one.other.id) for one in told.edges}
    assert edges == {
        ("source_ref", this, that, "indicates", that),
        ("source_ref", this, named("indicator", 9), "derived-from", None),
        ("object_refs", named("report", 1), this, None, named("report", 1)),
        ("created_by_ref", this, named("identity", 9), None, None),
    }
    assert [[hit.type for hit in hits] for hits in (told.sightings, told.notes, told.opinions)] == [
        ["sighting"],
        ["note"],
        ["opinion"],
    ]
    assert told.hit is not None
    assert told.hit.id == this
    # an id that nobody shared is known by what names it
    missing = world.hub.search.relations(world.asker("bravo"), "exchange", named("indicator", 9))
    assert missing.hit is None
    assert [(one.other and one.other.id) for one in missing.edges] == [this]
    few = world.hub.search.relations(world.asker("bravo"), "exchange", this, limit=1)
    assert few.more


# --- the log ---------------------------------------------------------------------------------------------------------


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
