"""What a search finds is what looking at every visible object finds; what is not visible changes nothing at all."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as events

from support.inspection import inspect_hub
from support.searching import EXPORT, FOR_COAST, MARKS, VALUES, as_shown, fits, named, queries, things
from support.sharing import bundle
from support.treaty import Templates, templates
from tocsin.errors import RefusedError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.search.model import Facet, SearchQuery
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.hub import World
    from support.sharing import Mark
    from tocsin.exchange.search.model import Hit

# a case costs half a second and more: shrinking one would take longer than reading it
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CASES = settings(
    max_examples=4,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
PARTIES = ("alfa", "bravo", "coast")
READERS = ("bravo", "ana@coast", "alfa")
SOME = st.sampled_from([None, None, MARKS["clear"], MARKS["green"], MARKS["amber+strict"], EXPORT, FOR_COAST])

Arrival = tuple[str, dict[str, Any], "Mark | None"]


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def arrivals(marks: st.SearchStrategy[Mark | None], *, parties: Sequence[str] = PARTIES) -> st.SearchStrategy[Arrival]:
    return st.tuples(st.sampled_from(list(parties)), things(marks=marks)).map(lambda one: (one[0], *one[1]))


def share(world: World, arrived: Sequence[Arrival]) -> None:
    for party, told, mark in arrived:
        world.share(party, bundle([told], marked=[] if mark is None else [mark]))
    world.clock.advance(250 * DAY - (world.clock.at % DAY))
    world.hub.indexer.index()


def found(world: World, reader: str, query: SearchQuery, *, limit: int = 200) -> list[Hit]:
    hits: list[Hit] = []
    cursor = None
    while True:
        page = world.hub.search.find(world.asker(reader), "exchange", query, limit=limit, cursor=cursor)
        assert (page.release is None) is (not page.hits)
        hits += page.hits
        cursor = page.next
        if cursor is None:
            return hits


OPEN = given(st.lists(arrivals(SOME), min_size=6, max_size=16), st.lists(queries(), min_size=8, max_size=8), st.data())


@CASES
@OPEN
def test_a_search_finds_what_looking_at_everything_finds(
    hubs: Templates, arrived: list[Arrival], asked: list[SearchQuery], data: st.DataObject
) -> None:
    _find(hubs, arrived, asked, data)


@pytest.mark.long
@settings(CASES, max_examples=80)
@OPEN
def test_many_searches_find_what_looking_at_everything_finds(
    hubs: Templates, arrived: list[Arrival], asked: list[SearchQuery], data: st.DataObject
) -> None:
    _find(hubs, arrived, asked, data)


def _find(hubs: Templates, arrived: list[Arrival], asked: list[SearchQuery], data: st.DataObject) -> None:
    world = hubs.world()
    share(world, arrived)
    reader = data.draw(st.sampled_from(READERS))
    # what this reader receives page by page, which other tests hold to the agreements
    received = sorted(world.read(reader), key=lambda one: -one[0].seq)
    labels = world.hub.reading._labels
    now = world.clock.at
    for query in [SearchQuery(), *asked]:
        expected = [
            body for item, body in received if fits(msgspec.json.decode(body), labels[item.label_id], query, now)
        ]
        event(f"finds {min(len(expected), 3)}")
        hits = found(world, reader, query)
        assert [bytes(hit.object) for hit in hits] == expected
        assert found(world, reader, query, limit=1) == hits
        asker = world.asker(reader)
        counted = world.hub.search.count(asker, "exchange", query)
        assert (counted.count, counted.complete) == (len(expected), True)
        for facet in Facet:
            faceted = world.hub.search.facet(asker, "exchange", query, facet)
            assert sum(tally.count for tally in faceted.tallies) == len(expected)
        by_type = world.hub.search.facet(asker, "exchange", query, Facet.TYPE)
        assert {one.value: one.count for one in by_type.tallies} == Counter(hit.type for hit in hits)
    hubs.drop(world)


# --- the invisible ---------------------------------------------------------------------------------------------------

# bravo, who is asked about, may read none of these, whoever shares them
HIDDEN = st.sampled_from([EXPORT, FOR_COAST, MARKS["amber+strict"]])
SHOWN = st.sampled_from([None, None, MARKS["clear"], MARKS["green"]])


@contextlib.contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Collect the text of every statement that reaches the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.hub.store.adapter.engine
    events.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        events.remove(engine, "before_cursor_execute", note)


def answer(world: World, ask: Callable[[World], object]) -> tuple[object, list[str]]:
    with statements(world) as seen:
        try:
            told = as_shown(ask(world))
        except RefusedError as error:
            told = (type(error).__name__, error.what, error.where, error.todo)
    return told, seen


def questions(asked: Sequence[SearchQuery]) -> list[Callable[[World], object]]:
    """Return everything that can be asked, of bravo's."""

    def of(method: str, *given: object, **named_: object) -> Callable[[World], object]:
        return lambda world: getattr(world.hub.search, method)(world.asker("bravo"), "exchange", *given, **named_)

    ids = [named(kind, number) for kind in ("indicator", "malware", "note", "campaign") for number in (1, 2)]
    return [
        *(of("find", query, limit=limit) for query in asked for limit in (1, 50)),
        *(of("count", query) for query in asked),
        *(of("facet", query, facet) for query in asked[:2] for facet in Facet),
        *(of("find", SearchQuery(min_score=score)) for score in (0, 20)),
        *(of("correlate", subject) for subject in (*VALUES, *ids)),
        *(of("relations", subject) for subject in ids),
    ]


PAIRS = given(
    st.lists(arrivals(SHOWN), min_size=4, max_size=10),
    st.lists(arrivals(HIDDEN, parties=("alfa", "coast")), min_size=3, max_size=8),
    st.lists(queries(), min_size=3, max_size=3),
    st.data(),
)


@CASES
@PAIRS
def test_what_is_invisible_changes_no_answer_and_no_statement(
    hubs: Templates, shown: list[Arrival], hidden: list[Arrival], asked: list[SearchQuery], data: st.DataObject
) -> None:
    _compare(hubs, shown, hidden, asked, data)


@pytest.mark.long
@settings(CASES, max_examples=80)
@PAIRS
def test_much_that_is_invisible_changes_no_answer_and_no_statement(
    hubs: Templates, shown: list[Arrival], hidden: list[Arrival], asked: list[SearchQuery], data: st.DataObject
) -> None:
    _compare(hubs, shown, hidden, asked, data)


def _compare(
    hubs: Templates, shown: list[Arrival], hidden: list[Arrival], asked: list[SearchQuery], data: st.DataObject
) -> None:
    mixed = [(True, one) for one in shown]
    for one in hidden:
        mixed.insert(data.draw(st.integers(0, len(mixed))), (False, one))
    # what one party shared before under an id and version is refused or repeated: only what comes of it in both counts
    kept = _undisturbed(mixed)
    without, with_hidden = hubs.world(), hubs.world()
    share(without, [one for visible, one in kept if visible])
    share(with_hidden, [one for _, one in kept])
    asks = questions([SearchQuery(), *asked])
    for world in (without, with_hidden):
        # what is decided once is decided before anything is compared
        world.hub.search.count(world.asker("bravo"), "exchange", SearchQuery())
    for number, ask in enumerate(asks):
        assert answer(without, ask) == answer(with_hidden, ask), number
    hubs.drop(without, with_hidden)


def _undisturbed(mixed: list[tuple[bool, Arrival]]) -> list[tuple[bool, Arrival]]:
    """Leave out what a party's own earlier object would change the fate of: that is no matter of another's eyes.

    One version has one content, and what its owner revoked has no later one.
    """
    taken: set[tuple[str, str, str]] = set()
    revoked = {(party, told["id"]) for _, (party, told, _mark) in mixed if "revoked" in told}
    kept = []
    for visible, (party, told, mark) in mixed:
        version = "" if (party, told["id"]) in revoked else told["modified"]
        if (party, told["id"], version) not in taken:
            taken.add((party, told["id"], version))
            kept.append((visible, (party, told, mark)))
    return kept


# --- the log ---------------------------------------------------------------------------------------------------------


@settings(CASES, max_examples=2)
@given(st.lists(arrivals(SOME), min_size=6, max_size=12), st.lists(queries(), min_size=4, max_size=4))
def test_searches_are_in_the_log_and_the_log_tells_them_again(
    hubs: Templates, arrived: list[Arrival], asked: list[SearchQuery]
) -> None:
    world = hubs.world()
    share(world, arrived)
    releases = set()
    for reader in READERS:
        asker = world.asker(reader)
        for query in asked:
            for one in (
                world.hub.search.find(asker, "exchange", query),
                world.hub.search.count(asker, "exchange", query),
                world.hub.search.facet(asker, "exchange", query, Facet.TLP),
            ):
                releases |= {one.release} - {None}
        with contextlib.suppress(RefusedError):
            releases.add(world.hub.search.relations(asker, "exchange", named("indicator", 1)).release)
        releases |= {world.hub.search.correlate(asker, "exchange", VALUES[0]).release} - {None}
    for party, told, _ in arrived[:3]:
        with contextlib.suppress(RefusedError):
            uri, every = f"https://{party}.example", frozenset({VersionChoice.ALL})
            world.hub.withdrawals.withdraw(Acting(actor=party), uri, "exchange", told["id"], every)
    world.hub.integrator.integrate()
    inspect_hub(world.hub)
    with world.hub.store.read() as connection:
        rows = [row for row in world.hub.log.rows(connection) if row.kind == "release"]
    told_of = {decode_payload(row.payload, where="").data["release"] for row in rows if row.payload is not None}
    assert releases <= told_of
    hubs.drop(world)
