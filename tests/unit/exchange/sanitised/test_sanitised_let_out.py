"""Who lets a sanitised version out, when it leaves, what its owner sees of it, who is led back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.hub import OPERATOR
from support.publishing import CREATED, HOUR, PRODUCERS, Press, filled, finding, own, states
from support.sharing import object_id, stamp
from tocsin.errors import ForbiddenError, NotFoundError, TransitionError
from tocsin.exchange.sanitise.model import TRANSITIONS, Act, State, after
from tocsin.kernel.clock import SECOND, ManualClock, format_instant, parse_instant
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable


OWNER = "approve: nobody"


def test_it_leaves_after_its_countdown_in_a_slot_that_three_producers_share(press: Callable[..., Press]) -> None:
    world = press()
    world.clock.advance(20 * 60 * SECOND)
    world.give("alfa", finding(1))
    world.give("bravo", finding(2))
    # ready at 10:20, which is within the slot that began at 10:00
    assert [world.wait(HOUR) for _ in range(4)] == [0, 0, 0, 0]
    assert (
        own(world, "alfa")[0].waits
        == "for a slot that 3 producers share, or for its owner's word that it may leave alone"
    )
    world.give("coast", finding(3))
    assert [world.wait(HOUR) for _ in range(3)] == [0, 0, 3]
    slot = parse_instant("2026-06-01T15:00:00Z")
    (one,) = own(world, "alfa")
    assert (one.standing.state, one.slot, one.waits) == (State.PUBLISHED, slot, None)
    assert {item["created"] for item in world.seen()} == {format_instant(slot)}
    assert world.wait(HOUR) == 0


@pytest.mark.still
def test_what_becomes_ready_within_a_slot_waits_for_the_next(press: Callable[..., Press]) -> None:
    world = press(", delay: PT2H", "")
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
    # at 8:00 sharp they are ready as the slot begins; the fourth is a microsecond late
    world.clock.advance(1)
    world.give("delta", finding(9))
    assert world.hub.slots.turn() == 3
    assert states(world, "delta") == ["approved"]


def test_the_owner_sees_the_bytes_that_leave(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: owner")
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
        (one,) = own(world, name)
        assert (one.standing.state, one.waits) == (State.PENDING, "for approval by the owner")
    assert world.wait(5 * HOUR) == 0
    before: dict[str, bytes | None] = {}
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        shown = world.hub.sanitised.approve(world.viewer(name), one.uuid)
        before[one.sanitised_id] = shown.body
    world.clock.advance(1)
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        before[one.sanitised_id] = world.hub.sanitised.show(world.viewer(name), one.uuid).body
    assert world.wait(HOUR - 1) == 3
    left = {json.loads(body)["id"]: body for _, body in world.read("echo")}
    assert left == before
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        assert world.hub.sanitised.show(world.viewer(name), one.uuid).body == left[one.sanitised_id]


def test_who_may_decide(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: owner")
    world.give("alfa", finding(1))
    (one,) = own(world, "alfa")
    world.user("ana@alfa", roles=frozenset({Role.ANALYST}))
    world.user("lina@alfa", roles=frozenset({Role.LIAISON}))
    for reference in ("bravo", "hub", "operator@hub"):
        with pytest.raises(NotFoundError, match="or none that you may see"):
            world.hub.sanitised.approve(world.viewer(reference), one.uuid)
        with pytest.raises(NotFoundError, match="or none that you may see"):
            world.hub.sanitised.show(world.viewer(reference), one.uuid)
    with pytest.raises(ForbiddenError, match="liaison or signatory"):
        world.hub.sanitised.approve(world.viewer("ana@alfa"), one.uuid)
    assert world.hub.sanitised.show(world.viewer("ana@alfa"), one.uuid).uuid == one.uuid
    with pytest.raises(NotFoundError):
        world.hub.sanitised.clear(OPERATOR, world.hub.mandate, one.uuid)
    assert world.hub.sanitised.approve(world.viewer("lina@alfa"), one.uuid).standing.state is State.APPROVED


def test_alone(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1), finding(2))
    world.give("bravo", finding(3))
    first = own(world, "alfa")[0]
    assert world.wait(4 * HOUR) == 0
    world.hub.sanitised.approve(world.viewer("alfa"), first.uuid, alone=True)
    assert world.wait(HOUR) == 1
    assert states(world, "alfa") == ["published", "approved"]
    assert states(world, "bravo") == ["approved"]


def test_the_coordinator_decides_blind(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: coordinator")
    world.give("alfa", finding(1))
    (mine,) = own(world, "alfa")
    with pytest.raises(ForbiddenError, match="to the coordinator"):
        world.hub.sanitised.approve(world.viewer("alfa"), mine.uuid)
    (one,) = world.hub.sanitised.for_coordinator()
    assert one.version is None
    told = repr(one) + repr(world.hub.sanitised.show(world.viewer("operator@hub"), one.uuid))
    assert "alfa" not in told
    assert mine.version is not None
    assert mine.version.chain.object_id not in told
    with pytest.raises(NotFoundError):
        world.hub.sanitised.diff(world.viewer("operator@hub"), one.uuid)
    assert world.hub.sanitised.clear(OPERATOR, world.hub.mandate, one.uuid).standing.state is State.APPROVED
    assert world.hub.sanitised.for_coordinator() == []
    assert world.hub.sanitised.veto(world.viewer("alfa"), one.uuid, "no").standing.state is State.VETOED


def test_a_veto_is_for_good(press: Callable[..., Press]) -> None:
    world = press()
    for number, name in enumerate(PRODUCERS):
        world.give(name, finding(number))
    (one,) = own(world, "alfa")
    vetoed = world.hub.sanitised.veto(world.viewer("alfa"), one.uuid, "names a site")
    assert (vetoed.standing.state, vetoed.body) == (State.VETOED, None)
    assert world.wait(3 * HOUR) == 3
    for act in (world.hub.sanitised.approve, world.hub.sanitised.veto):
        with pytest.raises(TransitionError, match="it is vetoed"):
            act(world.viewer("alfa"), one.uuid)


def test_every_cell_of_the_table() -> None:
    for state in State:
        for act in Act:
            if (state, act) in TRANSITIONS:
                assert after(state, act, where="x") is TRANSITIONS[state, act]
            else:
                with pytest.raises(TransitionError, match=f"it is {state}"):
                    after(state, act, where="x")


def test_diff_tells_each_property(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1))
    (one,) = own(world, "alfa")
    _, changes = world.hub.sanitised.diff(world.viewer("alfa"), one.uuid)
    gone = {item.name for item in changes if item.after is None}
    assert gone == {"created_by_ref", "description", "external_references", "labels", "lang", "name", "x_ours"}
    assert {item.name for item in changes} - gone == {
        "confidence",
        "created",
        "id",
        "indicator_types",
        "modified",
        "object_marking_refs",
        "pattern",
        "valid_from",
        "valid_until",
    }


class Ticking(ManualClock):
    """A clock that is never twice the same, as machines' clocks are."""

    def now(self) -> int:
        self.at += 1
        return self.at


def test_time_that_moves_on_within_an_act(press: Callable[..., Press]) -> None:
    world = press("approve: nobody, delay: PT2H", "approve: owner, delay: PT2H")
    world.clock.__class__ = Ticking
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
        world.hub.sanitised.approve(world.viewer(name), own(world, name)[0].uuid)
    world.give("alfa", finding(0, modified=stamp(CREATED + HOUR)))
    world.hub.sanitised.approve(world.viewer("alfa"), own(world, "alfa")[1].uuid)
    assert world.wait(4 * HOUR) == 3
    assert len(world.seen()) == 3


def test_only_its_producer_and_an_auditor_lead_it_back(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1))
    filled(world)
    assert world.wait(3 * HOUR) == 3
    (one,) = own(world, "alfa")
    for reference in ("alfa", "operator@hub"):  # the operator of a new hub is its auditor as well
        (origin,) = world.hub.sanitised.origin(world.viewer(reference), one.sanitised_id)
        assert (origin.chain.party, origin.chain.object_id) == ("https://alfa.example", finding(1)["id"])
    world.user("ola@hub", roles=frozenset({Role.OPERATOR}))
    world.user("ana@bravo", roles=frozenset({Role.AUDITOR}))
    said = set()
    for reference in ("bravo", "echo", "hub", "ola@hub", "ana@bravo"):
        for asked in (one.sanitised_id, object_id("indicator", "nothing")):
            with pytest.raises(NotFoundError) as caught:
                world.hub.sanitised.origin(world.viewer(reference), asked)
            said.add(str(caught.value))
    assert len(said) == 1
    with world.hub.store.read() as connection:
        (found,) = world.hub.sanitised.published_of(connection, "https://alfa.example", finding(1)["id"])
        assert found.sanitised_id == one.sanitised_id
        assert world.hub.sanitised.published_of(connection, "https://bravo.example", finding(1)["id"]) == []
