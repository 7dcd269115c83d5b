"""What may be asked, cursors, ends of pages and counts, times, ages, and what belongs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import pytest

from support.searching import ALL, MARKS, find, ids, indicator, named, thing
from support.sharing import CREATED, bundle, stamp
from tocsin.errors import InputError, LimitError, NotFoundError, TocsinError
from tocsin.exchange.model import Query
from tocsin.exchange.search import service
from tocsin.exchange.search.model import (
    MAX_HITS,
    MAX_TEXT,
    MAX_VALUES,
    Facet,
    SearchQuery,
    TimeField,
)
from tocsin.exchange.search.scan import MAX_WORDS
from tocsin.exchange.uncertainty import ADMIRALTY_EXTENSION
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from support.hub import World

Json = dict[str, Any]


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
    # page by page it is all of it, each once
    walked = [few]
    while (cursor := walked[-1].next) is not None:
        walked.append(world.hub.search.relations(world.asker("bravo"), "exchange", this, limit=1, cursor=cursor))
    everything = world.hub.search.relations(world.asker("bravo"), "exchange", this)
    assert len(walked) == 6
    assert [edge for page in walked for edge in page.edges if edge.property != "created_by_ref"] == [
        edge for edge in everything.edges if edge.property != "created_by_ref"
    ]
    assert [page.edges for page in walked[1:] if any(edge.property == "created_by_ref" for edge in page.edges)] == []
    assert [hit for page in walked for hit in page.notes] == list(everything.notes)
    for asker, subject in (("coast", this), ("bravo", that)):
        with pytest.raises(InputError, match="not given for this question"):
            world.hub.search.relations(world.asker(asker), "exchange", subject, limit=1, cursor=few.next)
