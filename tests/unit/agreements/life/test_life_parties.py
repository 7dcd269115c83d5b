"""Who leaves a version in force, what binds it still, and who joins."""

from __future__ import annotations

import pytest

from support.hub import OPERATOR, START, World
from support.lives import (
    SAUCE,
    SECOND,
    TEXT,
    admit,
    adopt,
    amend,
    in_force,
    members,
    object_,
    reads,
    sign,
    status,
    withdraw,
)
from tocsin.agreements.life import AgreementStatus
from tocsin.errors import ConflictError, ForbiddenError
from tocsin.kernel.clock import DAY

# All of it is about the instant at which a notice ends.
pytestmark = pytest.mark.still


def test_who_leaves_is_a_member_until_the_notice_ends(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    assert withdraw(world, "coast") == START + 30 * DAY
    assert members(world) == ("alfa", "bravo", "coast")
    world.clock.at = START + 30 * DAY - 1
    assert reads(world, "coast", "alfa")
    assert reads(world, "alfa", "coast")
    world.clock.at += 1
    assert members(world) == ("alfa", "bravo")
    assert not reads(world, "coast", "alfa")
    assert not reads(world, "alfa", "coast")


def test_what_survives_binds_who_left_and_nothing_else_does(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    withdraw(world, "coast")
    world.clock.at = START + 30 * DAY
    # of its own objects it is the owner, so that only forbids stand in its way
    assert reads(world, "coast", "coast", categories=frozenset({"export-controlled"}))
    assert not reads(world, "coast", "coast", categories=SAUCE)
    assert not reads(world, "alfa", "alfa", categories=frozenset({"export-controlled"}))


@pytest.mark.parametrize("how", ["withdraws", "is superseded", "objects"])
def test_nobody_gets_rid_of_what_survives_by_leaving_otherwise(world: World, how: str) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    freer = SECOND.replace('id: "3"\n    forbid: read\n', 'id: "3"\n    forbid: read\n    to: {countries: DK}\n')
    if how == "withdraws":
        withdraw(world, "coast")
        world.clock.at = START + 30 * DAY
        in_force(world, text=freer)
    elif how == "is superseded":
        in_force(world, text=freer)
    else:
        amend(world, freer)
        object_(world, "coast", freer)
        sign(world, "alfa", freer)
        sign(world, "bravo", freer)
        world.clock.at = START + 30 * DAY
        adopt(world)
    assert status(world, 2) is AgreementStatus.IN_FORCE
    assert "coast" not in members(world)
    assert not reads(world, "coast", "coast", categories=SAUCE)
    assert reads(world, "alfa", "alfa", categories=SAUCE)
    sign(world, "coast", freer)  # and by joining again it does
    assert reads(world, "coast", "coast", categories=SAUCE)


def test_a_suspended_party_can_leave(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    assert withdraw(world, "coast") == START + 30 * DAY


def test_who_may_accede_signs_what_is_in_force(world: World) -> None:
    in_force(world)
    assert world.hub.agreements.get("two-towns").eligible == ("coast",)
    sign(world, "coast")
    assert members(world) == ("alfa", "bravo", "coast")


def test_before_it_is_in_force_accession_is_no_question(world: World) -> None:
    in_force(world, ("alfa", "bravo", "delta"))
    assert members(world) == ("alfa", "bravo", "delta")


def test_accession_by_motion_takes_an_admission_and_the_party_s_own_signature(world: World) -> None:
    text = TEXT.replace("by: signature", "by: motion")
    in_force(world, text=text)
    with pytest.raises(ForbiddenError, match="was not admitted"):
        sign(world, "coast", text)
    admit(world, "coast")
    assert members(world) == ("alfa", "bravo")
    with pytest.raises(ConflictError, match="already"):
        admit(world, "coast")
    sign(world, "coast", text)
    assert members(world) == ("alfa", "bravo", "coast")
