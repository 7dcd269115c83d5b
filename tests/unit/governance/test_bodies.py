"""Bodies: who sits in them, what becomes of their motions when they change, and that no right is taken back alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import update

from support.council import SEATS, constitute, council, decide, motion_on, seated, suspend, vote
from support.hub import OPERATOR, START, World
from tocsin.errors import ConflictError, ForbiddenError, InputError, NotFoundError, StoreBrokenError, TransitionError
from tocsin.governance.model.bodies import Rule, Seat, Side
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.tables import BODIES
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from pathlib import Path

SUSPEND: Final = Right.PARTY_SUSPEND


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seated(tmp_path_factory.mktemp("bodies") / "hub")


def test_a_body_that_changes_while_a_motion_is_open_changes_the_next_one(world: World) -> None:
    constitute(world, council(name="advisers"))
    motion = motion_on(world, None, body="advisers")
    after = council(name="advisers", seats=SEATS[:2])
    world.hub.governance.change(OPERATOR, world.hub.mandate, after, "fewer")
    vote(world, motion, "sig@coast")
    assert motion_on(world, None, body="advisers").electorate == after


def test_a_term_that_ends_while_a_motion_is_open_votes_still(world: World) -> None:
    seats = (*SEATS[:2], msgspec.structs.replace(SEATS[2], ends=START + DAY))
    constitute(world, council(name="terms", seats=seats))
    motion = motion_on(world, None, body="terms")
    world.clock.advance(2 * DAY)
    vote(world, motion, "sig@coast")
    later = motion_on(world, None, body="terms")
    assert later.electorate is not None
    assert [seat.name for seat in later.electorate.seats] == ["north", "east"]


def test_the_operator_does_not_get_a_right_back_by_dissolving_its_holder(world: World) -> None:
    governance = world.hub.governance
    with pytest.raises(ForbiddenError):
        governance.dissolve(OPERATOR, world.hub.mandate, "council", "in the way")
    with pytest.raises(ForbiddenError):
        governance.change(OPERATOR, world.hub.mandate, council(), "in the way")
    with pytest.raises(InputError, match="held by council already"):
        constitute(world, council([SUSPEND], name="puppet"))
    pending = motion_on(world, SUSPEND, "delta")
    own = decide(world, Right.BODY_DISSOLVE, "council")
    governance.dissolve(OPERATOR, governance.granted(own.uuid), "council", "its work is done")
    assert governance.motion(pending.uuid).motion.status is MotionStatus.LAPSED
    assert governance.motion(own.uuid).motion.status is MotionStatus.EXECUTED
    suspend(world, None)
    with pytest.raises(ConflictError, match="there is, or was"):
        constitute(world, council())


def test_a_body_whose_terms_ran_out_keeps_its_rights_and_can_be_seated_anew(world: World) -> None:
    governance = world.hub.governance
    seats = tuple(msgspec.structs.replace(seat, ends=START + 10 * DAY) for seat in SEATS)
    constitute(world, council([Right.PARTY_LEAVE], name="timed", seats=seats))
    with pytest.raises(ForbiddenError):
        governance.change(OPERATOR, world.hub.mandate, council([Right.PARTY_LEAVE], name="timed"), "renewed")
    world.clock.advance(10 * DAY)
    with pytest.raises(ForbiddenError):
        world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "delta", "not decided")
    with pytest.raises(TransitionError, match="run out"):
        motion_on(world, None, body="timed")
    governance.change(OPERATOR, world.hub.mandate, council([Right.PARTY_LEAVE], name="timed"), "renewed")
    motion = decide(world, Right.PARTY_LEAVE, "delta", body="timed")
    world.hub.parties.leave_party(OPERATOR, governance.granted(motion.uuid), "delta", "decided")


def test_who_holds_the_right_to_change_bodies_can_be_seated_anew_as_well(world: World) -> None:
    governance, rights = world.hub.governance, [Right.BODY_CHANGE, Right.BODY_DISSOLVE]
    seats = tuple(msgspec.structs.replace(seat, ends=START + 10 * DAY) for seat in SEATS)
    constitute(world, council(rights, name="timed", seats=seats))
    constitute(world, council(name="advisers"))
    world.clock.advance(10 * DAY - 1)
    with pytest.raises(ForbiddenError):
        governance.change(OPERATOR, governance.founding(), council(rights, name="timed"), "renewed")
    world.clock.advance(1)
    for name in ("council", "advisers"):  # over others it keeps its right: what it cannot use nobody has
        with pytest.raises(ForbiddenError):
            governance.dissolve(OPERATOR, governance.founding(), name, "in the way")
    governance.change(OPERATOR, governance.founding(), council(rights, name="timed"), "renewed")
    with pytest.raises(ForbiddenError):
        governance.change(OPERATOR, governance.founding(), council(rights, name="timed"), "once more")
    world.hub.self_test.require()


WRONG: Final = {
    "nobody": {"seats": ()},
    "a seat twice": {"seats": (SEATS[0], SEATS[0])},
    "somebody twice": {"seats": (SEATS[1], msgspec.structs.replace(SEATS[2], deputies=("sig@bravo",)))},
    "who speaks for another seat": {"seats": (SEATS[0], msgspec.structs.replace(SEATS[1], holder="sig@alfa"))},
    "a deputy who speaks for another seat": {
        "seats": (SEATS[0], msgspec.structs.replace(SEATS[1], deputies=("sig@alfa",)))
    },
    "a chair who is not there": {"chair": "attic"},
    "one side for two": {"seats": SEATS[:2], "rule": Rule(quorum="1/2", public="1/2", private="1/2")},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_body_is(case: str) -> None:
    with pytest.raises(InputError):
        council(**WRONG[case])  # type: ignore[arg-type]


def test_who_is_not_here_has_no_seat(world: World) -> None:
    for holder, what in (("echo", "no party"), ("zed@alfa", "no active user zed@alfa")):
        body = council(name="new", seats=(Seat(name="one", side=Side.PUBLIC, holder=holder),))
        with pytest.raises((InputError, NotFoundError), match=what):
            constitute(world, body)


@pytest.mark.parametrize("rule", ["0/1", "3/2", "2/4", "half", "1/0", "-1/2"])
def test_a_share_is_a_fraction(rule: str) -> None:
    with pytest.raises(InputError):
        Rule(quorum=rule, more_than="1/2")
    with pytest.raises(InputError):
        Rule(quorum="1/2", more_than=rule)


@pytest.mark.parametrize("column", ["body", "name", "dissolved"])
def test_a_damaged_body_is_found(template: Path, tmp_path: Path, column: str) -> None:
    world = World(tmp_path / "hub", template=template)
    # a council that holds one right fewer: the operator would act alone
    less = msgspec.json.encode(council([Right.AGREEMENT_ACTIVATE]))
    changed: dict[str, object] = {"body": less, "name": "senate", "dissolved": True}
    with world.hub.store.write() as connection:
        connection.execute(update(BODIES).values({column: changed[column]}))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    world.hub.close()
