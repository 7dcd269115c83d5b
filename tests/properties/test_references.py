"""What refers to a hidden object tells nothing of it: two hubs that differ in whether it is there answer alike.

In both, alfa shares one hidden object, and coast what refers to an id. In one hub that is the hidden object's own id;
in the other the hidden object is another, and what is named was never shared at all.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from sqlalchemy import event

from support.sharing import CREATED, bundle, indicator, known_marks, stamp, terms_mark
from support.treaty import Templates, templates
from tocsin.errors import RefusedError
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

MARKS: Final = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}
EXPORT: Final = terms_mark(categories=("export-controlled",))
FOR_COAST: Final = terms_mark(recipients=("coast",))
UNKNOWN: Final = msgspec.structs.replace(EXPORT, id="marking-definition--00000000-0000-4000-8000-00000000aaaa")
ALL: Final = frozenset({VersionChoice.ALL})
NAMED: Final = indicator(1)["id"]
SEEN: Final = indicator(100)

HIDDEN: Final = {
    "no clause covers its category": [EXPORT],
    "it is addressed to another": [FOR_COAST],
    "it is strict": [MARKS["amber+strict"]],
    "its marking cannot be read": [UNKNOWN],
    "it is withdrawn": [],
}


def _link(number: int, kind: str, **says: Any) -> dict[str, Any]:  # noqa: ANN401  an object's own properties
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--00000000-0000-4000-8000-{number:012d}",
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
    }
    return made | says


LINKS: Final = [
    _link(1, "relationship", relationship_type="indicates", source_ref=SEEN["id"], target_ref=NAMED),
    _link(2, "relationship", relationship_type="related-to", source_ref=NAMED, target_ref=SEEN["id"]),
    _link(3, "sighting", sighting_of_ref=NAMED, count=2),
    _link(4, "report", name="A report", published=stamp(CREATED), object_refs=[SEEN["id"], NAMED]),
    _link(5, "note", content="A note", object_refs=[NAMED]),
    _link(6, "opinion", opinion="agree", object_refs=[NAMED]),
    _link(7, "grouping", context="suspicious-activity", object_refs=[NAMED]),
]
READERS: Final = ("bravo", "outsider")


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def _world(hubs: Templates, case: str, number: int) -> World:
    world = hubs.world(seed=7)
    hidden = indicator(number, marked=HIDDEN[case])
    world.share("alfa", bundle([hidden], marked=[EXPORT, FOR_COAST]))
    if case == "it is withdrawn":
        world.hub.withdrawals.withdraw(Acting(actor="alfa"), "https://alfa.example", "exchange", hidden["id"], ALL)
    # shared by another, so that not even a sender's own notes differ
    world.share("coast", bundle([SEEN, *LINKS]))
    world.hub.indexer.turn()
    for reader in READERS:
        world.read(reader)
    return world


@contextlib.contextmanager
def _statements(world: World) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _answer(world: World, ask: Callable[[World], object]) -> tuple[bytes, list[str]]:
    """Return what one is told, as bytes, and with which statements."""
    with _statements(world) as statements:
        try:
            told = msgspec.json.encode(ask(world))
        except RefusedError as error:
            told = repr((type(error).__name__, error.what, error.where, error.todo)).encode()
    return told, statements


def _around(reader: str, object_id: str, world: World) -> object:
    return world.hub.search.relations(world.asker(reader), "exchange", object_id)


def _correlated(reader: str, object_id: str, world: World) -> object:
    return world.hub.search.correlate(world.asker(reader), "exchange", object_id)


def _questions(reader: str) -> dict[str, Callable[[World], object]]:
    asked: dict[str, Callable[[World], object]] = {
        "the page": lambda world: world.hub.reading.objects(world.asker(reader), "exchange", Query()),
        "every version": lambda world: world.hub.reading.objects(world.asker(reader), "exchange", Query(versions=ALL)),
        "the manifest": lambda world: world.hub.reading.manifest(world.asker(reader), "exchange", Query()),
    }
    for object_id in (NAMED, SEEN["id"], *(link["id"] for link in LINKS)):
        asked[f"around {object_id}"] = functools.partial(_around, reader, object_id)
    asked["correlated with it"] = functools.partial(_correlated, reader, NAMED)
    return asked


@pytest.mark.parametrize("case", HIDDEN)
def test_a_hidden_end_answers_as_one_that_was_never_shared(case: str, hubs: Templates) -> None:
    there, nowhere = _world(hubs, case, 1), _world(hubs, case, 2)
    for reader in READERS:
        for name, ask in _questions(reader).items():
            told, statements = _answer(there, ask)
            assert (told, statements) == _answer(nowhere, ask), (reader, name)
            if reader == "bravo" and name == f"around {LINKS[0]['id']}":
                assert NAMED.encode() in told
    hubs.drop(there, nowhere)


@pytest.mark.parametrize("case", HIDDEN)
def test_who_refers_to_a_hidden_object_is_told_nothing_of_it(case: str, hubs: Templates) -> None:
    there, nowhere = _world(hubs, case, 1), _world(hubs, case, 2)
    mine = [link | {"modified": stamp(CREATED + 1_000_000)} for link in LINKS]

    def submit(world: World) -> object:
        return world.share("bravo", bundle(mine))

    told, statements = _answer(there, submit)
    assert (told, statements) == _answer(nowhere, submit)
    assert b"stricter" not in told
    hubs.drop(there, nowhere)


def test_the_yardstick_measures(hubs: Templates) -> None:
    case = "it is addressed to another"
    there, nowhere = _world(hubs, case, 1), _world(hubs, case, 2)
    differing = {
        name for name, ask in _questions("coast").items() if _answer(there, ask)[0] != _answer(nowhere, ask)[0]
    }
    assert {"the page", f"around {NAMED}"} <= differing
    hubs.drop(there, nowhere)
