"""What is offered anew: at the end, by its label, told in the log; and nobody else's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from support.agreement_texts import storm
from support.cli import bundle, indicator
from support.hub import OPERATOR
from support.treaty import templates
from tocsin.errors import ConflictError, LimitError, NotFoundError, StoreBrokenError
from tocsin.exchange import again, store
from tocsin.exchange.again import Again
from tocsin.exchange.model import Audience, Query, VersionChoice
from tocsin.exchange.tables import AUDIENCES, CONTRIBUTIONS, MADE_COLLECTIONS, OFFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.model import Collection

# an annex that is active and opens nothing of what is shared here
ANNEX = "annex:storm/1#gale/1"
STORM = storm(purpose="respond", type_="campaign")

made_templates = pytest.fixture(scope="module")(templates)


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub where alfa and bravo have shared something."""
    world = made_templates.world()
    world.share("alfa", bundle(indicator(1), indicator(2)))
    world.share("bravo", bundle(indicator(2), indicator(3)))
    world.agreement(STORM, signed_by=("alfa", "bravo"))
    with world.hub.agreements.emergency(OPERATOR) as acts:
        acts.activate(world.hub.mandate, "storm", 1, "gale", "a test")
    yield world
    made_templates.drop(world)


def made(world: World, connection: Connection, audience: Audience = Audience.ALL) -> Collection:
    """Return the collection of an annex, opened when it is first asked for."""
    return world.hub.offering.collection(
        connection, OPERATOR, ANNEX, alias="widened", title="Widened", description="", audience=audience
    )


def everything(connection: Connection) -> list[Again]:
    """Return every contribution."""
    ids = connection.execute(select(CONTRIBUTIONS.c.contribution_id)).scalars()
    return [Again(contribution_id=one) for one in ids]


def widen(world: World, *, audience: Audience = Audience.ALL, most: int | None = None) -> list[int]:
    """Offer what there is anew."""
    with world.hub.store.write() as connection:
        collection = made(world, connection, audience)
        return world.hub.offering.offer_again(
            connection, OPERATOR, collection, everything(connection)[:most], because=ANNEX
        )


def read(world: World, reference: str, collection: str = "widened") -> list[tuple[str, bytes]]:
    """Return what a reader gets from a collection."""
    answer = world.hub.reading.objects(
        world.asker(reference), collection, Query(versions=frozenset({VersionChoice.ALL}))
    )
    return sorted((item.object_id, body) for item, body in zip(answer.page.items, answer.page.bodies, strict=True))


def test_the_same_bytes_come_at_the_end_for_whoever_polls(world: World) -> None:
    before = read(world, "coast", "exchange")
    assert widen(world) == [1, 2, 3, 4]
    assert read(world, "coast") == before
    assert len(before) == 3  # alfa's and bravo's version of one indicator are one version of it
    assert widen(world) == []  # offered already
    newest = world.hub.reading.objects(world.asker("coast"), "widened", Query()).page.items[-1].date_added
    world.share("alfa", bundle(indicator(4)))
    assert widen(world) == [5]
    fresh = world.hub.reading.objects(world.asker("coast"), "widened", Query(added_after=newest))
    assert [item.object_id for item in fresh.page.items] == [indicator(4)["id"]]
    assert world.hub.self_test.require() > 0


def test_who_may_not_read_it_reads_it_here_neither(world: World) -> None:
    widen(world)
    assert read(world, "outsider") == []


def test_a_closed_collection_is_not_there_for_others(world: World) -> None:
    asker = world.asker("bravo")
    alone = world.hub.reading.collections(asker)
    widen(world, audience=Audience.GIVEN)
    assert world.hub.reading.collections(asker) == alone
    with pytest.raises(NotFoundError) as missing:
        read(world, "bravo", "nowhere")
    with pytest.raises(NotFoundError) as closed:
        read(world, "bravo", "widened")
    assert str(closed.value) == str(missing.value)
    with world.hub.store.write() as connection:
        collection = made(world, connection)
        store.make_known(connection, 1, collection.id, "https://bravo.example", world.clock.now())
        store.make_known(connection, 1, collection.id, "https://bravo.example", world.clock.now())
    assert [one.alias for one in world.hub.reading.collections(asker)] == ["exchange", "recalls", "widened"]
    assert len(read(world, "bravo")) == 3
    assert world.hub.self_test.require() > 0


def test_nobody_submits_into_it_or_withdraws_from_it(world: World) -> None:
    widen(world)
    with pytest.raises(NotFoundError):
        world.share("alfa", bundle(indicator(9)), collection="widened")
    everything_of = frozenset({VersionChoice.ALL})
    with pytest.raises(NotFoundError):
        world.hub.withdrawals.withdraw(
            OPERATOR, "https://alfa.example", "widened", str(indicator(1)["id"]), everything_of
        )
    with world.hub.store.write() as connection:
        exchange = store.find_collection(connection, 1, "exchange", party=None)
        with pytest.raises(ConflictError):
            world.hub.offering.offer_again(connection, OPERATOR, exchange, everything(connection), because=ANNEX)


def test_what_its_owner_takes_back_is_gone_here_too_and_never_offered_anew(world: World) -> None:
    widen(world)
    object_id = str(indicator(1)["id"])
    world.hub.withdrawals.withdraw(
        OPERATOR, "https://alfa.example", "exchange", object_id, frozenset({VersionChoice.ALL})
    )
    assert object_id not in {one for one, _ in read(world, "coast")}
    assert widen(world) == []
    assert world.hub.self_test.require() > 0


def test_bounds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.hub.store.write() as connection, pytest.raises(NotFoundError):
        world.hub.offering.offer_again(
            connection, OPERATOR, made(world, connection), [Again(contribution_id=99)], because=ANNEX
        )
    monkeypatch.setattr(again, "MAX_AGAIN", 3)
    with pytest.raises(LimitError):
        widen(world)


def test_a_taken_alias_is_told_apart(world: World) -> None:
    world.hub.collections.add(OPERATOR, world.hub.mandate, "widened", title="Somebody's own")
    with world.hub.store.write() as connection:
        first = made(world, connection)
        assert first.alias.startswith("widened-")
        assert made(world, connection) == first
    assert world.hub.self_test.require() > 0


def _moved(connection: Connection) -> None:
    connection.execute(update(OFFERS).where(OFFERS.c.collection_id == 3, OFFERS.c.offer_seq == 2).values(version=7))


def _relabelled(connection: Connection) -> None:
    connection.execute(update(OFFERS).where(OFFERS.c.collection_id == 3, OFFERS.c.offer_seq == 2).values(label_id=99))


def _opened(connection: Connection) -> None:
    connection.execute(update(MADE_COLLECTIONS).values(audience="given"))


def _claimed(connection: Connection) -> None:
    connection.execute(
        MADE_COLLECTIONS.insert().values(collection_id=1, environment=1, made_for="grants", audience="all")
    )


def _told(connection: Connection) -> None:
    row = {"collection_id": 1, "party": "https://bravo.example", "environment": 1, "since": 1}
    connection.execute(AUDIENCES.insert().values(**row))


def _gone(connection: Connection) -> None:
    connection.execute(delete(OFFERS).where(OFFERS.c.collection_id == 3, OFFERS.c.offer_seq == 2))


@pytest.mark.parametrize("damage", [_moved, _relabelled, _opened, _claimed, _told, _gone])
def test_damage_is_found(world: World, damage: Callable[[Connection], None]) -> None:
    widen(world)
    with world.hub.store.write() as connection:
        damage(connection)
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
