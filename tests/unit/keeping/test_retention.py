"""What is due is purged everywhere, or laid before its owner; a hold beats it, and ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from support.hub import OPERATOR, key_of
from support.keeping import ALFA, KEEPING, call_back, hold, keeping, later
from support.sharing import bundle, indicator
from tocsin.agreements.document import parse_agreement, sign_document
from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, LimitError, NotFoundError, StoreBrokenError, TransitionError
from tocsin.exchange.model import Outcome
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.retention.model import MAX_HOLD, REVIEW_TIME, Decision, Ground, Scope
from tocsin.exchange.retention.store import items_of
from tocsin.exchange.retention.tables import LEGAL_HOLDS, PURGES, RETENTION_PLACES, RETENTION_REVIEWS
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from support.hub import World
    from support.keeping import Keeping

MARKER = "Wanderfalke-7391"
TOOL = {
    "type": "tool",
    "spec_version": "2.1",
    "id": "tool--4b0b8a3e-7d55-4b0f-8d6d-0c7f4c8e9a01",
    "created": "2026-05-01T00:00:00.000Z",
    "modified": "2026-05-01T00:00:00.000Z",
    "name": "a tool",
}


@pytest.fixture(scope="module")
def world_of() -> Iterator[Callable[[], World]]:
    for hubs in keeping():
        made: list[World] = []

        def make(hubs: Keeping = hubs, made: list[World] = made) -> World:
            made.append(hubs.world())
            return made[-1]

        yield make
        hubs.drop(*made)


@pytest.fixture
def world(world_of: Callable[[], World]) -> World:
    return world_of()


def test_what_is_due_is_gone_for_everybody_and_the_log_still_tells_of_it(world: World) -> None:
    world.share("alfa", bundle([indicator(1, description=MARKER), indicator(2)]), tlp=Tlp.GREEN)
    assert len(world.read("bravo")) == 2
    (first, *_) = world.hub.retention.due()
    assert first.rule.reference == "treaty/2#6.1"
    later(world, 89.9)
    assert world.hub.retention.sweep().purged == 0
    later(world, 0.2)
    assert world.hub.retention.sweep().purged == 2
    assert world.read("bravo") == world.read("alfa") == []
    assert world.hub.retention.due() == []
    assert world.hub.retention.sweep().purged == 0
    assert world.hub.self_test.require() > 0


@pytest.mark.skipif(os.environ.get("TOCSIN_TEST_STORE") == "postgres", reason="looks into a file of SQLite")
def test_nothing_of_it_is_in_any_file_of_the_database(world: World) -> None:
    world.share("alfa", bundle([indicator(1, description=MARKER * 400), indicator(2)]), tlp=Tlp.GREEN)
    world.hub.indexer.index()
    assert any(MARKER.encode() in path.read_bytes() for path in _files(world))
    later(world, 91)
    world.hub.retention.sweep()
    assert world.hub.retention.erase()
    assert not any(MARKER.encode() in path.read_bytes() for path in _files(world))
    assert world.hub.self_test.require() > 0


def _files(world: World) -> list[Path]:
    return [path for path in world.settings.home.rglob("*") if path.is_file()]


def test_what_was_purged_is_not_taken_again_and_a_later_version_is(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    later(world, 91)
    world.hub.retention.sweep()
    receipt = world.share("alfa", bundle([indicator(1)]))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED]
    assert "purged" in (receipt.results[0].reason or "")
    receipt = world.share("alfa", bundle([indicator(1, version=1)]))
    assert [result.outcome for result in receipt.results] == [Outcome.ACCEPTED]
    assert world.hub.self_test.require() > 0


def test_what_an_observable_said_may_be_said_again_after_its_purge(world: World) -> None:
    address = {"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"}
    world.share("alfa", bundle([address | {"value": "198.51.100.3"}]))
    with world.hub.store.write() as connection:
        world.hub.purger.purge(connection, OPERATOR, [1], ground=Ground.REVIEW, reference="treaty/2#6.3")
    receipt = world.share("alfa", bundle([address | {"value": "198.51.100.3"}]))
    assert [result.outcome for result in receipt.results] == [Outcome.ACCEPTED]


@pytest.mark.still
def test_an_owner_decides_what_is_reviewed(world: World) -> None:
    world.share("alfa", bundle([TOOL]))
    later(world, 31)
    assert world.hub.retention.sweep().reviews == 1
    assert world.hub.retention.sweep().reviews == 0
    (review,) = world.hub.retention.reviews(ALFA)
    assert review.answer_by == world.clock.now() + REVIEW_TIME
    with pytest.raises(NotFoundError):
        world.hub.retention.decide(Acting(actor="bravo"), "https://bravo.example", TOOL["id"], Decision.PURGE)
    assert world.hub.retention.decide(Acting(actor="lia@alfa"), ALFA, TOOL["id"], Decision.KEEP) == 1
    assert world.hub.retention.reviews() == []
    later(world, 29)
    assert world.hub.retention.sweep().reviews == 0
    later(world, 2)
    assert world.hub.retention.sweep().reviews == 1
    assert len(world.read("alfa")) == 1
    assert world.hub.retention.decide(Acting(actor="lia@alfa"), ALFA, TOOL["id"], Decision.PURGE) == 1
    assert world.read("alfa") == []
    assert world.hub.self_test.require() > 0


def test_two_sweeps_at_once_ask_an_owner_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    retention, store = world.hub.retention, world.hub.store
    world.share("alfa", bundle([TOOL]))
    later(world, 31)
    write, others = store.write, [retention.sweep]

    def second() -> AbstractContextManager[Connection]:
        # what is due was found; before it is done, another process does it
        while others:
            others.pop()()
        return write()

    monkeypatch.setattr(store, "write", second)
    retention.sweep()
    assert len(retention.reviews(ALFA)) == 1
    assert world.hub.self_test.require() > 0


def test_who_was_asked_is_not_asked_anew_when_a_party_joins(world: World) -> None:
    retention = world.hub.retention
    text = KEEPING.replace("version: 2", "version: 3").replace(
        "  - {name: coast}\n", "  - {all: {capacity: operator}}\n"
    )
    world.agreement(text, signed_by=("alfa", "bravo"))
    for owner, at in (("alfa", "2026-05-01T00:00:00.000Z"), ("bravo", "2026-05-02T00:00:00.000Z")):
        world.share(owner, bundle([TOOL | {"modified": at}]))
    later(world, 31)
    retention.sweep()
    asked = [(one.item.owner, one.reference) for one in retention.reviews()]
    assert (ALFA, "treaty/3#6.3") in asked
    retention.decide(Acting(actor="lia@alfa"), ALFA, TOOL["id"], Decision.KEEP)
    document = parse_agreement(text.encode(), where="test").document
    world.hub.agreements.sign(
        Acting(actor="sig@coast"),
        "treaty",
        3,
        signatory="sig@coast",
        signature=sign_document(document, key_of("coast")),
    )
    assert retention.sweep().reviews == 0
    assert [one.item.owner for one in retention.reviews()] == [owner for owner, _ in asked if owner != ALFA]
    assert world.hub.self_test.require() > 0


def test_what_waits_for_a_hold_is_not_asked_about_again(world: World) -> None:
    retention = world.hub.retention
    world.share("alfa", bundle([TOOL]))
    later(world, 31)
    retention.sweep()
    retention.decide(Acting(actor="lia@alfa"), ALFA, TOOL["id"], Decision.KEEP)
    hold(world, days=100)
    call_back(world, "alfa", TOOL["id"], Demand.DESTROY)
    later(world, 31)
    rounds: list[int] = []

    def counted(done: int) -> None:
        rounds.append(done)
        assert len(rounds) < 9, "it goes on for ever"

    assert retention.sweep(progress=counted).reviews == 0
    assert world.hub.self_test.require() > 0


def test_a_hold_keeps_the_bytes_and_gives_nothing_to_readers(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    placed = hold(world)
    assert [due.held for due in world.hub.retention.due()] == [True]
    later(world, 91)
    swept = world.hub.retention.sweep()
    assert (swept.purged, swept.held) == (0, 1)
    assert world.hub.retention.sweep().held == 0
    assert world.read("alfa") == world.read("bravo") == []
    assert _stored(world) == 1
    assert world.share("alfa", bundle([indicator(1)])).count(Outcome.REFUSED) == 1
    assert world.hub.self_test.require() > 0
    later(world, 10)  # the hold ends by itself
    assert world.hub.holds.all()[0][1] is False
    assert world.hub.retention.sweep().purged == 1
    assert _stored(world) == 0
    with pytest.raises(TransitionError):
        world.hub.holds.lift(OPERATOR, world.hub.mandate, placed.uuid, reason="late")
    assert world.hub.self_test.require() > 0


def test_a_hold_is_renewed_and_lifted(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    placed = hold(world, days=100)
    later(world, 95)
    world.hub.retention.sweep()
    world.hub.holds.renew(
        OPERATOR, world.hub.mandate, placed.uuid, reason="appeal", until=world.clock.now() + 100 * DAY
    )
    later(world, 50)
    assert world.hub.retention.sweep().purged == 0
    world.hub.holds.lift(OPERATOR, world.hub.mandate, placed.uuid, reason="case closed")
    assert world.hub.retention.sweep().purged == 1
    assert world.hub.self_test.require() > 0


def test_holds_are_limited(world: World) -> None:
    with pytest.raises(LimitError):
        hold(world, days=MAX_HOLD // DAY + 1)
    with pytest.raises(InputError):
        hold(world, days=-1)
    with pytest.raises(InputError):
        Scope()


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        (Scope(objects=("notanid",)), "its UUID"),
        (Scope(objects=("bundle--00000000-0000-4000-8000-000000000001",)), "its UUID"),
        (Scope(types=("indikator",)), "did you mean indicator"),
    ],
)
def test_a_hold_names_what_can_be(world: World, scope: Scope, meant: str) -> None:
    with pytest.raises(InputError) as refused:
        hold(world, scope=scope)
    assert meant in (refused.value.todo or "")
    assert world.hub.holds.all() == []


def test_a_hold_says_how_much_it_covers(world: World) -> None:
    world.share("alfa", bundle([indicator(1), indicator(2)]), tlp=Tlp.GREEN)
    world.share("bravo", bundle([indicator(3)]), tlp=Tlp.GREEN)
    everything = world.hub.holds.covered(Scope(owner=ALFA))
    with world.hub.store.read() as connection:
        rows = connection.execute(select(CONTRIBUTIONS.c.contribution_id)).scalars()
        items = items_of(connection, world.hub.store.adapter, list(rows))
    assert everything == sum(Scope(owner=ALFA).covers(item) for item in items) > 0
    one = items[0]
    for scope in (
        Scope(objects=(one.object_id,)),
        Scope(types=(one.type,)),
        Scope(since=one.submitted),
        Scope(until=one.submitted + 1),
        Scope(until=one.submitted),
        Scope(since=one.submitted + 1),
        Scope(types=("x-none",)),
        Scope(owner=ALFA, types=(one.type,), objects=("tool--00000000-0000-4000-8000-00000000ffff",)),
    ):
        assert world.hub.holds.covered(scope) == sum(scope.covers(item) for item in items)


def _unpurged(connection: Connection) -> None:
    connection.execute(update(CONTRIBUTIONS).where(CONTRIBUTIONS.c.salt.is_(None)).values(salt=b"s" * 32))


def _resurrected(connection: Connection) -> None:
    connection.execute(update(CONTRIBUTIONS).where(CONTRIBUTIONS.c.salt.is_(None)).values(bytes=b"{}"))


def _testable(connection: Connection) -> None:
    connection.execute(update(CONTRIBUTIONS).where(CONTRIBUTIONS.c.salt.is_(None)).values(digest=b"d" * 32))


def _forgotten(connection: Connection) -> None:
    connection.execute(delete(PURGES))


def _other_ground(connection: Connection) -> None:
    connection.execute(update(PURGES).values(reference="treaty/2#9"))


def _longer_hold(connection: Connection) -> None:
    connection.execute(update(LEGAL_HOLDS).values(until=LEGAL_HOLDS.c.until + 1))


def _no_hold(connection: Connection) -> None:
    connection.execute(delete(LEGAL_HOLDS))


def _later_review(connection: Connection) -> None:
    connection.execute(update(RETENTION_REVIEWS).values(answer_by=RETENTION_REVIEWS.c.answer_by + 1))


def _passed_by(connection: Connection) -> None:
    connection.execute(update(RETENTION_PLACES).values(upto=99))


@pytest.fixture(scope="module")
def damaged(world_of: Callable[[], World]) -> World:
    world = world_of()
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    world.share("bravo", bundle([TOOL]))
    hold(world, days=10)
    later(world, 95)
    world.hub.retention.sweep()
    world.share("alfa", bundle([indicator(5)]))
    assert world.hub.self_test.require() > 0
    return world


class _UndoError(Exception):
    pass


@pytest.mark.parametrize(
    "damage",
    [
        _unpurged,
        _resurrected,
        _testable,
        _forgotten,
        _other_ground,
        _longer_hold,
        _no_hold,
        _later_review,
        _passed_by,
    ],
)
def test_damage_is_found(damaged: World, damage: Callable[[Connection], None]) -> None:
    from tocsin.exchange.case import Case
    from tocsin.exchange.retention.replay import check_retention

    hub = damaged.hub
    with pytest.raises(_UndoError), hub.store.write() as connection:  # noqa: PT012  nothing of the damage is kept
        damage(connection)
        with pytest.raises(StoreBrokenError):
            check_retention(Case(hub.store, hub.log, hub.agreements, hub.environment, connection))
        raise _UndoError


def _stored(world: World) -> int:
    with world.hub.store.read() as connection:
        rows = connection.execute(CONTRIBUTIONS.select().where(CONTRIBUTIONS.c.bytes.is_not(None))).all()
    return sum(row.type == "indicator" for row in rows)
