"""What one may not see answers exactly as what does not exist: status, text, and number of queries."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import event

from support.hub import OPERATOR
from support.sharing import bundle, indicator, known_marks, terms_mark
from support.treaty import Templates, templates
from tocsin.errors import RefusedError
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.clock import parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Role, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

NOWHERE: Final = "indicator--00000000-0000-4000-8000-000000000000"
MARKS: Final = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}
EXPORT: Final = terms_mark(categories=("export-controlled",))
FOR_COAST: Final = terms_mark(recipients=("coast",))
UNKNOWN: Final = msgspec.structs.replace(EXPORT, id="marking-definition--00000000-0000-4000-8000-00000000aaaa")

# what nobody but alfa, its owner, may see: by the clauses, by each floor, and after it was taken back
HIDDEN: Final = {
    "no clause covers its category": indicator(1, marked=[EXPORT]),
    "it is addressed to another": indicator(2, marked=[FOR_COAST]),
    "it is strict": indicator(3, marked=[MARKS["amber+strict"]]),
    "its marking cannot be read": indicator(4, marked=[UNKNOWN]),
    "it is withdrawn": indicator(5),
    "it has two hidden versions": indicator(6, version=1, marked=[EXPORT]),
    "two parties hide it": indicator(7, marked=[EXPORT]),
}
ALL: Final = frozenset({VersionChoice.ALL})


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture(scope="module")
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    world.hub.parties.add_user(
        OPERATOR, world.hub.mandate, User(name="lena", party="https://bravo.example", roles=frozenset({Role.LIAISON}))
    )
    world.share("alfa", bundle([*HIDDEN.values(), indicator(6, marked=[EXPORT])], marked=[EXPORT, FOR_COAST]))
    world.share("coast", bundle([indicator(7, description="mine", marked=[EXPORT])], marked=[EXPORT]))
    world.share("alfa", bundle([indicator(100), indicator(101)]))
    world.hub.withdrawals.withdraw(Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(5)["id"], ALL)
    # what is decided once is decided before anything is counted
    for reader in READERS:
        for purpose in ("detect", "respond"):
            world.read(reader, purpose=purpose)
    yield world
    hubs.drop(world)


READERS: Final = ("bravo", "lena@bravo", "outsider", "ana@outsider")


@contextlib.contextmanager
def _statements(world: World) -> Iterator[list[str]]:
    """Collect the text of every statement that reaches the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _answer(world: World, ask: Callable[[], object]) -> tuple[object, list[str]]:
    """Return what one is told, and with which statements."""
    told: object
    with _statements(world) as statements:
        try:
            told = msgspec.to_builtins(ask())
        except RefusedError as error:
            told = (type(error).__name__, error.what, error.where, error.todo)
    return told, statements


def _read(world: World, reader: str, object_id: str, query: Query, kind: str) -> object:
    reading = world.hub.reading
    ask = reading.objects if kind == "objects" else reading.manifest
    answer = ask(world.asker(reader), "exchange", msgspec.structs.replace(query, ids=frozenset({object_id})))
    assert answer.release is None
    return answer


QUERIES: Final = {
    "by id": Query(),
    "every version": Query(versions=ALL),
    "the first": Query(versions=frozenset({VersionChoice.FIRST})),
    "at an instant": Query(versions=frozenset({parse_instant("2025-11-01T00:00:00Z")})),
    "by type": Query(types=frozenset({"indicator"})),
    "by another type": Query(types=frozenset({"malware"})),
    "since": Query(added_after=1, versions=ALL),
}


@pytest.mark.parametrize("kind", ["objects", "manifest"])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("reader", READERS)
def test_reading_the_invisible_is_reading_nothing(world: World, reader: str, query: str, kind: str) -> None:
    missing = _answer(world, lambda: _read(world, reader, NOWHERE, QUERIES[query], kind))
    for why, hidden in HIDDEN.items():
        found = _answer(world, lambda: _read(world, reader, hidden["id"], QUERIES[query], kind))  # noqa: B023  called at once
        assert found == missing, why


@pytest.mark.parametrize("verb", ["why", "who"])
@pytest.mark.parametrize("reader", READERS)
def test_asking_about_the_invisible_is_asking_about_nothing(world: World, reader: str, verb: str) -> None:
    def ask(object_id: str) -> object:
        party, user = world.hub.parties.resolve(reader)
        question = Question(object_id=object_id, party=party, user=user, acting=Acting(actor=reader))
        return getattr(world.hub.asking, verb)(question)

    missing = _answer(world, lambda: ask(NOWHERE))
    assert missing[0] == ("NotFoundError", "there is no such object, or none that you may see", None, None)
    for why, hidden in HIDDEN.items():
        assert _answer(world, lambda: ask(hidden["id"])) == missing, why  # noqa: B023  called at once


@pytest.mark.parametrize("versions", [ALL, frozenset({VersionChoice.LAST})])
@pytest.mark.parametrize("party", ["bravo", "outsider"])
def test_taking_back_anothers_object_is_taking_back_nothing(
    world: World, party: str, versions: frozenset[VersionChoice]
) -> None:
    def withdraw(object_id: str) -> object:
        uri = f"https://{party}.example"
        return world.hub.withdrawals.withdraw(Acting(actor=party), uri, "exchange", object_id, versions)

    missing = _answer(world, lambda: withdraw(NOWHERE))
    for why, item in (HIDDEN | {"it is visible": indicator(100)}).items():
        assert _answer(world, lambda: withdraw(item["id"])) == missing, why  # noqa: B023  called at once


@pytest.mark.parametrize("reader", READERS)
def test_beside_the_visible_the_invisible_is_not_there(world: World, reader: str) -> None:
    """The same for several ids at once: hidden ones add nothing, not even work."""

    def read(*others: str) -> object:
        ids = frozenset({indicator(100)["id"], *others})
        answer = world.hub.reading.objects(world.asker(reader), "exchange", Query(ids=ids, versions=ALL))
        return msgspec.structs.replace(answer, release=None)

    hidden, missing = (
        [item["id"] for item in HIDDEN.values()],
        [NOWHERE[:-1] + str(last) for last in range(len(HIDDEN))],
    )
    read()  # a log that grew since the last look costs a look more, whoever made it grow
    assert _answer(world, lambda: read(*hidden)) == _answer(world, lambda: read(*missing))


def test_what_is_counted_differs_for_what_one_may_see(world: World) -> None:
    """The yardstick measures: its owner's answers differ in text and in statements."""
    for why, hidden in HIDDEN.items():
        if why != "it is withdrawn":
            ids = frozenset({hidden["id"]})
            answer = world.hub.reading.objects(world.asker("alfa"), "exchange", Query(ids=ids))
            assert len(answer.page.items) == 1, why
    told, statements = _answer(world, lambda: _read(world, "bravo", NOWHERE, Query(), "objects"))
    visible, more = _answer(world, lambda: world.read("bravo", query=Query(ids=frozenset({indicator(100)["id"]}))))
    assert told != visible
    assert len(more) > len(statements) > 3


def test_an_environment_of_ones_own_is_as_empty(hubs: Templates) -> None:
    """A collection that holds only what one may not see costs as many statements as an empty one, once decided."""
    empty, full = hubs.world(), hubs.world()
    full.share("alfa", bundle([indicator(number, marked=[EXPORT]) for number in range(1, 30)], marked=[EXPORT]))
    full.share("alfa", bundle([indicator(number, version=1, marked=[EXPORT]) for number in range(1, 30)]))
    answers = []
    for world in (empty, full):
        world.read("bravo")
        answers.append(_answer(world, lambda: world.read("bravo", query=Query(versions=ALL))))  # noqa: B023  called at once
    (nothing, statements), (invisible, more) = answers
    assert nothing == invisible == []
    assert len(more) == len(statements)
    hubs.drop(empty, full)


def test_its_owner_learns_that_what_was_taken_back_reaches_nobody(world: World) -> None:
    party, user = world.hub.parties.resolve("ana@alfa")
    taken = indicator(5)["id"]
    question = Question(object_id=taken, party=party, user=user, acting=Acting(actor="ana@alfa"), reader="bravo")
    (why,) = world.hub.asking.why(question)
    assert why.explanation.verdict.allows
    assert "its owner took it back" in why.explanation.remarks[-1].text
    account = world.hub.asking.who(question)
    assert account.standings == ()
    assert account.owners == ("alfa",)
