"""What a serving hub does by itself when its time has come: in its own name, once, and one thing beside another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.council import DEPUTIES, constitute, council, motion_on, signatory, vote
from support.hub import OPERATOR, World
from support.told import entries_of
from tocsin.bootstrap import open_hub
from tocsin.errors import NotFoundError
from tocsin.governance.model.disputes import DisputeKind, DisputeStatus, Outcome
from tocsin.governance.model.motions import MotionStatus
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.governance.model.motions import Motion
    from tocsin.kernel.mandate import Acting

CHARTER = """\
charter: grid
version: 1
title: What the exchange is for
goals:
  - {id: done, goal: What is decided is done, measure: actions-closed, owner: hub,
     over: P1Y, every: P30D, target: {at_least: 1}}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chores") / "hub"
    world = World(folder)
    for name in ("alfa", "bravo", "coast"):
        world.party(name)
    for reference in DEPUTIES:
        signatory(world, reference)
    constitute(world, council())
    world.hub.close()
    return folder


def actors(world: World, kind: str) -> list[str]:
    return [one.actor for one in entries_of(world) if one.kind == kind]


def test_a_motion_is_closed_when_its_time_is_over_by_one_server_of_two(world: World) -> None:
    motion = vote(world, motion_on(world, None), "sig@alfa")
    other = open_hub(world.settings, clock=world.clock, entropy=world.entropy)
    assert (world.hub.secretary.motions(), other.secretary.motions()) == (0, 0)
    world.clock.advance(15 * DAY)
    assert (world.hub.secretary.motions(), other.secretary.motions()) == (1, 0)
    assert other.governance.close_if_due(OPERATOR, motion.uuid) is None, "it looks again where it acts"
    other.close()
    assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.FAILED
    assert actors(world, "motion.closed") == ["hub"]


def test_a_dispute_that_nobody_appealed_is_final(world: World) -> None:
    disputes = world.hub.disputes
    filed = disputes.file(
        OPERATOR.for_("sig@alfa"), DisputeKind.COMPLAINT, complainant="alfa", respondent="bravo", statement="Late"
    )
    disputes.decide(OPERATOR, world.hub.mandate, filed.uuid, outcome=Outcome.REJECTED, reasons="It is not")
    assert world.hub.secretary.disputes() == 0
    world.clock.advance(14 * DAY)
    assert (world.hub.secretary.disputes(), world.hub.secretary.disputes()) == (1, 0)
    assert disputes.get(filed.uuid).status is DisputeStatus.FINAL
    assert actors(world, "dispute.concluded") == ["hub"]


def test_a_charter_is_evaluated_when_a_goal_is_to_be_looked_at_again(world: World) -> None:
    world.hub.charters.adopt(OPERATOR, world.hub.mandate, CHARTER.encode(), where="test")
    assert (world.hub.secretary.charters(), world.hub.secretary.charters()) == (1, 0)
    assert world.hub.charters.evaluate_if_due(OPERATOR, "grid") is None
    world.clock.advance(30 * DAY)
    assert world.hub.secretary.charters() == 1
    assert actors(world, "charter.evaluated") == ["hub", "hub"]


def test_what_goes_wrong_with_one_keeps_no_other_from_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = motion_on(world, None), motion_on(world, None)
    world.clock.advance(15 * DAY)
    governance = world.hub.governance
    close = governance.close_if_due

    def broken(acting: Acting, uuid: str) -> Motion | None:
        if uuid == first.uuid:
            raise NotFoundError("a test")
        return close(acting, uuid)

    monkeypatch.setattr(governance, "close_if_due", broken)
    with pytest.raises(NotFoundError, match="a test"):
        world.hub.secretary.motions()
    assert governance.motion(second.uuid).motion.status is MotionStatus.FAILED
    assert governance.motion(first.uuid).motion.status is MotionStatus.OPEN
