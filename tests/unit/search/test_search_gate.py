"""Each way in which something invisible could show in an answer, by name: the answer is the same without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from sqlalchemy import event, select

from support.hub import OPERATOR
from support.inspection import inspect_hub, released_in, tell
from support.pact import before_turns
from support.searching import EXPORT, as_shown, named
from support.sharing import CREATED, bundle, stamp
from support.treaty import MEMBERS, TREATY, Templates
from tocsin.errors import NotFoundError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.releases import WITHDRAWN, Part
from tocsin.exchange.search.model import Facet, SearchQuery
from tocsin.exchange.tables import OFFERS, RELEASES
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World
    from tocsin.exchange.reading import Asker

Json = dict[str, Any]

IDENTITY: Final = named("identity", 1)


def thing(kind: str, number: int, *, days: int = 0, **said: object) -> Json:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": named(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED + days * DAY),
        **said,
    }


def indicator(number: int, value: str, *, days: int = 0, **said: object) -> Json:
    pattern = f"[domain-name:value = '{value}']"
    return thing(
        "indicator",
        number,
        days=days,
        name="grid wiper",
        pattern=pattern,
        pattern_type="stix",
        valid_from=stamp(CREATED),
        **said,
    )


def hidden(told: Json) -> Json:
    return told | {"object_marking_refs": [EXPORT.id]}


NARROWER: Final = TREATY.replace("version: 1", "version: 2").replace("at_most: amber", "at_most: clear")
SHOWN: Final = [
    indicator(1, "evil.example", confidence=80),
    indicator(2, "bad.example"),
    thing("malware", 1, name="wiper", is_family=False),
    thing(
        "relationship",
        1,
        relationship_type="indicates",
        source_ref=named("indicator", 1),
        target_ref=named("malware", 2),
    ),
    thing("sighting", 2, sighting_of_ref=named("indicator", 2), last_seen=stamp(CREATED + 150 * DAY)),
    thing("note", 1, content="about the grid", object_refs=[named("indicator", 1), named("campaign", 7)]),
]
# name: whose it is, before or after what is shown, and the object that bravo may not see
CASES: Final[dict[str, tuple[str, bool, Json]]] = {
    "a later version of the same owner": ("alfa", False, hidden(indicator(1, "evil.example", days=5, revoked=True))),
    "an earlier version of the same owner": ("alfa", True, hidden(indicator(2, "evil.example", days=-1))),
    "another's contribution of the same version, before": ("coast", True, hidden(indicator(1, "evil.example"))),
    "another's later version, before": ("coast", True, hidden(indicator(2, "bad.example", days=9))),
    "another's contribution after": ("coast", False, hidden(indicator(1, "evil.example", confidence=3))),
    "a value shared with it": ("alfa", False, hidden(indicator(3, "evil.example"))),
    "a host shared with it": ("coast", False, hidden(thing("malware", 3, name="evil.example grid", is_family=True))),
    "the missing end of a relationship": ("alfa", True, hidden(thing("malware", 2, name="hidden", is_family=False))),
    "the missing end of a note": ("coast", False, hidden(thing("campaign", 7, name="hidden grid"))),
    "a relationship to it": (
        "alfa",
        False,
        hidden(
            thing(
                "relationship",
                9,
                relationship_type="indicates",
                source_ref=named("indicator", 2),
                target_ref=named("malware", 1),
            )
        ),
    ),
    "a sighting of it": (
        "coast",
        False,
        hidden(thing("sighting", 1, sighting_of_ref=named("indicator", 1), last_seen=stamp(CREATED + 200 * DAY))),
    ),
    "an opinion on it": (
        "coast",
        True,
        hidden(thing("opinion", 1, opinion="strongly-disagree", object_refs=[named("indicator", 1)])),
    ),
    "its creator": ("alfa", True, hidden(thing("identity", 1, name="grid operator"))),
    "a hundred with the same words": ("coast", False, hidden(indicator(4, "evil.example", description="grid " * 100))),
}


def bravo(world: World) -> Asker:
    return world.asker("bravo")


def around(verb: str, object_id: str) -> Callable[[World], object]:
    def ask(world: World) -> object:
        return getattr(world.hub.search, verb)(bravo(world), "exchange", object_id)

    return ask


ASKED: Final[dict[str, Callable[[World], object]]] = {
    "everything": lambda world: world.hub.search.find(bravo(world), "exchange", SearchQuery()),
    "every version": lambda world: world.hub.search.find(bravo(world), "exchange", SearchQuery(versions=True)),
    "one by one": lambda world: world.hub.search.find(bravo(world), "exchange", SearchQuery(text="grid"), limit=1),
    "words": lambda world: world.hub.search.find(bravo(world), "exchange", SearchQuery(text="grid wiper")),
    "a value": lambda world: world.hub.search.find(
        bravo(world), "exchange", SearchQuery(values=frozenset({"evil.example", "bad.example"}), text="grid")
    ),
    "by score": lambda world: world.hub.search.find(bravo(world), "exchange", SearchQuery(min_score=1)),
    "by creator": lambda world: world.hub.search.count(
        bravo(world), "exchange", SearchQuery(producers=frozenset({IDENTITY}))
    ),
    "of coast": lambda world: world.hub.search.count(
        bravo(world), "exchange", SearchQuery(producers=frozenset({"coast"}))
    ),
    "how many": lambda world: world.hub.search.count(bravo(world), "exchange", SearchQuery()),
    "by type": lambda world: world.hub.search.facet(bravo(world), "exchange", SearchQuery(), Facet.TYPE),
    "by producer": lambda world: world.hub.search.facet(bravo(world), "exchange", SearchQuery(), Facet.PRODUCER),
    "what shares a value": lambda world: world.hub.search.correlate(bravo(world), "exchange", "evil.example"),
    **{
        f"{verb} {kind} {number}": around(verb, named(kind, number))
        for verb in ("correlate", "relations")
        for kind, number in (
            ("indicator", 1),
            ("indicator", 2),
            ("malware", 1),
            ("malware", 2),
            ("campaign", 7),
            ("opinion", 1),
        )
    },
}


def made(hubs: Templates, before: tuple[str, Json] | None = None, after: tuple[str, Json] | None = None) -> World:
    world = hubs.world()
    if before is not None:
        world.share(before[0], bundle([before[1]], marked=[EXPORT]))
    # one by one: in one submission chance would mix them, in each world otherwise
    for one in SHOWN:
        world.share("alfa", bundle([one]))
    if after is not None:
        world.share(after[0], bundle([after[1]], marked=[EXPORT]))
    world.hub.indexer.index()
    world.hub.search.count(bravo(world), "exchange", SearchQuery())
    return world


def told(world: World, ask: Callable[[World], object]) -> tuple[object, list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer: object = as_shown(ask(world))
    except NotFoundError as error:
        answer = str(error)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return answer, seen


@pytest.fixture(scope="module")
def plain(hubs: Templates) -> Iterator[dict[str, tuple[object, list[str]]]]:
    world = made(hubs)
    yield {name: told(world, ask) for name, ask in ASKED.items()}
    hubs.drop(world)


@pytest.mark.parametrize("case", CASES)
def test_the_invisible_shows_in_no_answer_and_no_statement(
    hubs: Templates, plain: dict[str, tuple[object, list[str]]], case: str
) -> None:
    owner, first, item = CASES[case]
    world = made(hubs, before=(owner, item) if first else None, after=None if first else (owner, item))
    for name, ask in ASKED.items():
        answer, statements = told(world, ask)
        assert answer == plain[name][0], name
        assert statements == plain[name][1], name
    hubs.drop(world)


def test_the_questions_are_answered(plain: dict[str, tuple[object, list[str]]]) -> None:
    """What is compared above is something: most questions find an object."""
    answers = {name: answer for name, (answer, _) in plain.items()}
    missing = [name for name, answer in answers.items() if isinstance(answer, str)]
    assert sorted(missing) == [
        "correlate campaign 7",
        "correlate malware 2",
        "correlate opinion 1",
        "relations opinion 1",
    ]
    assert len([answer for answer in answers.values() if isinstance(answer, dict) and answer["release"]]) > 12


def withdraw(world: World) -> None:
    every = frozenset({VersionChoice.ALL})
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", named("indicator", 1), every
    )


def test_what_is_withdrawn_is_found_no_more_and_leaves_the_index(hubs: Templates) -> None:
    world = made(hubs)
    asker = bravo(world)
    assert world.hub.search.correlate(asker, "exchange", "evil.example").shared
    withdraw(world)
    assert world.hub.search.correlate(asker, "exchange", "evil.example").shared == ()
    assert world.hub.search.count(asker, "exchange", SearchQuery()).count == len(SHOWN) - 1
    world.hub.self_test.require()
    hubs.drop(world)


def test_what_is_withdrawn_before_it_is_indexed_never_enters_the_index(hubs: Templates) -> None:
    world = hubs.world()
    world.share("alfa", bundle(SHOWN))
    withdraw(world)
    assert world.hub.search.correlate(bravo(world), "exchange", "evil.example").shared == ()
    world.hub.self_test.require()
    hubs.drop(world)


def test_what_is_withdrawn_while_it_is_indexed_never_enters_the_index(
    hubs: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content was read as that of an offer; when it is to be entered, it is one no more."""
    world = hubs.world()
    world.share("alfa", bundle(SHOWN))
    with monkeypatch.context() as patch:
        turns = before_turns(patch, world.hub.store, [lambda: withdraw(world)])
        assert world.hub.indexer.index() == len(SHOWN)
    assert len(turns) == 1
    assert world.hub.indexer.behind() == 0
    world.hub.self_test.require()
    assert world.hub.search.correlate(bravo(world), "exchange", "evil.example").shared == ()
    hubs.drop(world)


def test_what_the_entries_tell_is_the_same_when_it_is_looked_up(hubs: Templates) -> None:
    """An answer knows whose its objects are when it is staged; the store knows, too."""
    world = made(hubs)
    world.share("coast", bundle([indicator(5, "evil.example")]))
    world.hub.integrator.integrate()
    for ask in ASKED.values():
        told(world, ask)
    with world.hub.store.read() as connection:
        staged = connection.execute(select(RELEASES).where(RELEASES.c.log_idx.is_(None))).all()
        for row in staged:
            looked_up = world.hub.integrator._looked_up(connection, row, msgspec.json.decode(row.filter))
            assert msgspec.json.decode(row.parts, type=list[Part]) == looked_up
    assert len(staged) > 12
    inspect_hub(world.hub)
    hubs.drop(world)


# the question, and how many turns of the writer it takes: what is thrown away takes one, and an empty answer none
WITHDRAWN_BETWEEN: Final[dict[str, int]] = {
    "everything": 2,
    "how many": 2,
    "by type": 2,
    "what shares a value": 1,
    "correlate indicator 1": 1,
    "relations indicator 1": 2,
}


@pytest.mark.parametrize("question", WITHDRAWN_BETWEEN)
def test_what_is_withdrawn_after_the_snapshot_is_in_no_answer(
    hubs: Templates, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    world = made(hubs)
    with monkeypatch.context() as patch:
        turns = before_turns(patch, world.hub.store, [lambda: withdraw(world)])
        answer, _ = told(world, ASKED[question])
    assert len(turns) == WITHDRAWN_BETWEEN[question], "the first answer was thrown away"
    assert answer == told(world, ASKED[question])[0]
    with world.hub.store.read() as connection:
        gone = set(connection.execute(select(OFFERS.c.offer_seq).where(OFFERS.c.label_id == WITHDRAWN)).scalars())
    assert len(gone) == 1
    world.hub.integrator.integrate()
    released = list(released_in(tell(world.hub)).values())
    assert gone <= released[0], "what left before it was withdrawn"
    assert all(gone.isdisjoint(offers) for offers in released[1:])
    inspect_hub(world.hub)
    hubs.drop(world)


def test_rights_that_end_take_what_is_found_with_them(hubs: Templates) -> None:
    world = made(hubs)
    first = world.hub.search.find(bravo(world), "exchange", SearchQuery(), limit=2)
    assert first.next is not None
    world.agreement(NARROWER, signed_by=MEMBERS)
    then = world.hub.search.find(bravo(world), "exchange", SearchQuery(), limit=2, cursor=first.next)
    assert (then.hits, then.next, then.release) == ((), None, None)
    assert world.hub.search.count(bravo(world), "exchange", SearchQuery()).count == 0
    hubs.drop(world)


def test_an_answer_made_while_rights_ended_is_made_again(hubs: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policy moves after the snapshot and before the release: what was found then never leaves."""
    world = made(hubs)
    with monkeypatch.context() as patch:
        turns = before_turns(patch, world.hub.store, [lambda: world.agreement(NARROWER, signed_by=MEMBERS)])
        told_ = world.hub.search.find(bravo(world), "exchange", SearchQuery())
    assert len(turns) == 1, "the answer was thrown away; one of nothing is not staged"
    assert told_.hits == ()
    hubs.drop(world)


def test_nobody_finds_who_is_not_vetted(hubs: Templates) -> None:
    world = made(hubs)
    asker = bravo(world)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "a test")
    with pytest.raises(NotFoundError, match="no such collection"):
        world.hub.search.find(asker, "exchange", SearchQuery())
    hubs.drop(world)
