"""Random histories of sharing, reading, time, holds and recalls, held against a slow oracle that walks over the log.

What is laid down: who is told of a recall is exactly who stands in the releases; what a hold covers is never destroyed,
whatever orders it and in whatever order things happen; what is due and not held is gone; nobody reads any of it; and
after every history the log replays and the self-test finds nothing.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.hub import OPERATOR
from support.keeping import call_back, hold, keeping, later
from support.sharing import bundle, indicator
from support.treaty import MEMBERS
from tocsin.agreements.model import Tlp
from tocsin.errors import NotFoundError, TransitionError
from tocsin.exchange.model import Query
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.retention.model import Scope
from tocsin.exchange.tables import CONTRIBUTIONS, SUBMISSIONS
from tocsin.kernel.clock import DAY
from tocsin.log.model import decode_payload
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.keeping import Keeping

OBJECTS: Final = 4
KEPT_DAYS: Final = 90

STEP: Final = st.one_of(
    st.tuples(st.just("share"), st.sampled_from(MEMBERS), st.integers(1, OBJECTS), st.integers(0, 1)),
    st.tuples(st.just("read"), st.sampled_from((*MEMBERS, "outsider")), st.sampled_from(("objects", "manifest"))),
    st.tuples(st.just("wait"), st.sampled_from((1, 40, 89, 95))),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("hold"), st.sampled_from(MEMBERS), st.sampled_from((5, 100))),
    st.tuples(st.just("lift")),
    st.tuples(st.just("recall"), st.sampled_from(MEMBERS), st.integers(1, OBJECTS), st.sampled_from(tuple(Demand))),
)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Keeping]:
    yield from keeping()


def entries(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.hub.store.read() as connection:
        rows = list(world.hub.log.rows(connection))
    return [(row.kind, decode_payload(row.payload or b"").data) for row in rows]


def received(world: World, owner: str, object_id: str) -> set[str]:
    """Return who received an owner's object, by the log alone, from its first entry on."""
    offers: dict[tuple[str, int], tuple[str, str]] = {}
    found: set[str] = set()
    for kind, data in entries(world):
        if kind == "submission":
            offers |= {(data["collection"], one["seq"]): (data["party"], one["object"]) for one in data["offers"]}
        if kind == "release":
            for sequence in accumulate(data["offers"]):
                if offers[data["collection"], sequence] == (owner, object_id):
                    found.add(data["profile"]["party"])
    return found - {owner}


def do(world: World, step: tuple[Any, ...]) -> None:
    """Do one step of a history; what cannot be done is refused, and changes nothing."""
    match step:
        case ("share", str() as name, int() as number, int() as version):
            world.share(name, bundle([indicator(number, version=version)]), tlp=Tlp.GREEN)
        case ("read", str() as name, kind):
            read_once(world, name, kind)
        case ("wait", int() as days):
            later(world, days)
        case ("sweep",):
            world.hub.retention.sweep()
        case ("hold", str() as name, int() as days):
            hold(world, days=days, scope=Scope(owner=f"https://{name}.example"))
        case ("lift",):
            lift_all(world)
        case ("recall", str() as name, int() as number, Demand() as demand):
            recall_one(world, name, str(indicator(number)["id"]), demand)
        case _:
            raise AssertionError(step)


def read_once(world: World, name: str, kind: str) -> None:
    if kind == "objects":
        world.read(name)
    else:
        world.hub.reading.manifest(world.asker(name), "exchange", Query())


def lift_all(world: World) -> None:
    for one, stands in world.hub.holds.all():
        if stands:
            world.hub.holds.lift(OPERATOR, world.hub.mandate, one.uuid, reason="a step")


def recall_one(world: World, name: str, object_id: str, demand: Demand) -> None:
    """Order an object back, if its owner has one, and hold it to the oracle."""
    try:
        (recall,) = call_back(world, name, object_id, demand)
    except NotFoundError:
        return
    owner = f"https://{name}.example"
    told = {one.party for one in world.hub.recalls.report(recall.uuid, owner).recipients}
    assert told == received(world, owner, object_id)
    left = {item.object_id for item, _ in world.read(name) if _owner(world, item.contribution_id) == owner}
    assert object_id not in left


def _owner(world: World, contribution_id: int) -> str:
    with world.hub.store.read() as connection:
        row = connection.execute(
            PARTIES.select()
            .with_only_columns(PARTIES.c.uri)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.owner_id == PARTIES.c.party_id)
            .where(CONTRIBUTIONS.c.contribution_id == contribution_id)
        ).one()
    return str(row.uri)


def contents(world: World) -> dict[int, tuple[str, int, bool]]:
    """Return owner, submission and whether its content is there, of every indicator."""
    with world.hub.store.read() as connection:
        rows = connection.execute(
            CONTRIBUTIONS.select()
            .add_columns(PARTIES.c.uri, SUBMISSIONS.c.received_at)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .join(SUBMISSIONS, SUBMISSIONS.c.submission_id == CONTRIBUTIONS.c.submission_id)
            .where(CONTRIBUTIONS.c.type == "indicator")
        ).all()
    return {row.contribution_id: (row.uri, row.received_at, row.bytes is not None) for row in rows}


def held_owners(world: World) -> set[str | None]:
    return {one.scope.owner for one, stands in world.hub.holds.all() if stands}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=3, max_size=14))
def test_histories(hubs: Keeping, steps: list[tuple[Any, ...]]) -> None:
    live(hubs, steps)


@pytest.mark.long
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=8, max_size=40))
def test_long_histories(hubs: Keeping, steps: list[tuple[Any, ...]]) -> None:
    live(hubs, steps)


def live(hubs: Keeping, steps: list[tuple[Any, ...]]) -> None:
    """Live through a history, and hold what is left to what was laid down."""
    world = hubs.world()
    try:
        for step in steps:
            before, held = contents(world), held_owners(world)
            do(world, step)
            after, holding = contents(world), held_owners(world)
            for number, (owner, _, there) in before.items():
                if there and not after[number][2]:
                    # whatever destroyed it, no hold covered it before and after
                    assert owner not in held & holding, step
        world.hub.retention.sweep()
        now, held = world.clock.now(), held_owners(world)
        with_labels = {item.contribution_id for name in MEMBERS for item, _ in world.read(name)}
        for number, (owner, submitted, there) in contents(world).items():
            due = submitted + KEPT_DAYS * DAY <= now
            if due:
                assert not there or owner in held
                assert number not in with_labels
        assert world.hub.self_test.require() > 0
    finally:
        hubs.drop(world)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("order", ["sweep", "recall"])
def test_a_hold_wins_wherever_it_comes(hubs: Keeping, order: str, place: int) -> None:
    """The hold is placed before each of the steps in turn: what is not destroyed by then stays until it ends."""
    world = hubs.world()
    object_id = str(indicator(1)["id"])

    def destroy() -> None:
        if order == "recall":
            call_back(world, "alfa", object_id, Demand.DESTROY)
        world.hub.retention.sweep()

    steps = [
        lambda: world.share("alfa", bundle([indicator(1)])),
        lambda: later(world, KEPT_DAYS + 1 if order != "recall" else 1),
        destroy,
    ]
    try:
        placed = None
        for number, step in enumerate(steps):
            if number == place:
                placed = hold(world)
            step()
        if place == len(steps):
            placed = hold(world)
        ((_, _, there),) = contents(world).values()
        assert there is (place < len(steps))
        assert world.read("bravo") == []
        if placed is not None:
            world.hub.holds.lift(OPERATOR, world.hub.mandate, placed.uuid, reason="over")
            with pytest.raises(TransitionError):
                world.hub.holds.lift(OPERATOR, world.hub.mandate, placed.uuid, reason="over")
        world.hub.retention.sweep()
        ((_, _, there),) = contents(world).values()
        assert not there
        assert world.hub.self_test.require() > 0
    finally:
        hubs.drop(world)
