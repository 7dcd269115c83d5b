"""What asking gives away: by the work it takes, by the order of its steps, and about whom one asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cedarpy
import pytest

from support.sharing import CREATED, object_id, stamp
from tocsin.errors import InputError, NotFoundError
from tocsin.exchange.asking import Question
from tocsin.kernel.clock import SECOND
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Kind, Party

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates

HIDDEN, SHARED, MISSING = (object_id("malware", number) for number in (1, 2, 9_999))
# whoever they are: of one's own party, another's, none, unvetted, not there at all
READERS = ("ana@alfa", "alfa", "nobody@alfa", "nosuch", "newcomer", "ana@coast", "nobody@coast")


def bundle(name: str, *, versions: int = 1) -> bytes:
    objects = [
        {
            "type": "malware",
            "spec_version": "2.1",
            "id": name,
            "name": "x",
            "is_family": False,
            "created": stamp(CREATED),
            "modified": stamp(CREATED + number * SECOND),
        }
        for number in range(versions)
    ]
    return json.dumps(
        {"type": "bundle", "id": "bundle--9f1e6c3e-2f8d-4a5b-9a52-0c9f7a7f1c11", "objects": objects}
    ).encode()


@pytest.fixture(scope="module")
def world(hubs: Templates) -> Iterator[World]:
    made = hubs.world()
    made.share("alfa", bundle(HIDDEN, versions=20), to=("alfa",))
    made.share("alfa", bundle(SHARED))
    newcomer = Party(uri="https://newcomer.example", name="newcomer", title="N", kind=Kind.PRIVATE, country="NO")
    made.hub.parties.add_party(Acting(actor="operator@hub"), made.hub.mandate, newcomer)
    yield made
    hubs.drop(made)


def question(world: World, object_id: str, asker: str = "coast", reader: str | None = None) -> Question:
    party, user = world.hub.parties.resolve(asker)
    return Question(object_id=object_id, party=party, user=user, acting=Acting(actor=asker), reader=reader)


def size(world: World) -> int:
    with world.hub.store.read() as connection:
        return world.hub.log.head(connection).frontier.size


def refused(world: World, asked: Question) -> tuple[str, str | None, str | None]:
    """Return the words of a refusal, which is in the log."""
    before = size(world)
    with pytest.raises(NotFoundError) as caught:
        world.hub.asking.why(asked)
    assert size(world) == before + 1
    return caught.value.what, caught.value.where, caught.value.todo


def test_a_hidden_object_is_decided_no_more_often_than_a_missing_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    decide = cedarpy.is_authorized_batch

    def counted(requests: list[dict[Any, Any]], *rest: Any) -> object:  # noqa: ANN401  cedarpy's own
        asked.append(len(requests))
        return decide(requests, *rest)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", counted)
    said = refused(world, question(world, HIDDEN))
    assert sum(asked) <= 1  # the first time it is decided once, for all versions
    asked.clear()
    assert refused(world, question(world, HIDDEN)) == refused(world, question(world, MISSING)) == said
    assert asked == []
    world.hub.asking.why(question(world, SHARED))
    assert asked  # what is told is explained, so that this counts


@pytest.mark.parametrize("reader", READERS)
def test_who_may_not_ask_about_a_reader_learns_nothing_of_it(world: World, reader: str) -> None:
    nothing = refused(world, question(world, MISSING))
    for name in (HIDDEN, SHARED, MISSING):
        assert refused(world, question(world, name, reader=reader)) == nothing


def test_an_owner_asks_about_those_whom_members_know(world: World) -> None:
    for reader in ("bravo", "ana@bravo"):
        (why,) = world.hub.asking.why(question(world, SHARED, "alfa", reader))
        assert why.reader == reader
    unknown = [refused(world, question(world, SHARED, "alfa", name))[0] for name in ("nosuch", "newcomer")]
    assert unknown == ["there is no party 'nosuch'", "there is no party 'newcomer'"]


def test_a_reference_of_no_form_is_said_to_be_none(world: World) -> None:
    with pytest.raises(InputError):
        world.hub.asking.why(question(world, SHARED, reader="\ud800"))


@pytest.mark.parametrize("reader", ["nosuch", "newcomer"])
def test_nothing_is_shared_to_who_was_never_vetted(world: World, reader: str) -> None:
    with pytest.raises(InputError) as caught:
        world.share("alfa", bundle(MISSING), to=(reader,))
    assert caught.value.what == f"there is no recipient {reader!r} here"
