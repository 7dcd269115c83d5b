"""What becomes of a version: every cell of the table of transitions, and what is stopped, resumed, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.hub import OPERATOR, START, World
from support.lives import (
    MORE,
    SAUCE,
    SECOND,
    TEXT,
    admit,
    change,
    grace,
    in_force,
    members,
    reads,
    sign,
    status,
    withdraw,
)
from tocsin.agreements.life import AGREEMENT_TRANSITIONS, AgreementAct, AgreementStatus
from tocsin.errors import InputError, TransitionError
from tocsin.kernel.clock import DAY, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable


def _until(status_: AgreementStatus) -> Callable[[World], None]:
    """Return how version 1, which amends nothing, comes to a status."""

    def proposed(world: World) -> None:
        world.agreement(TEXT, signed_by=("alfa",), activate=False)

    def signed(world: World) -> None:
        world.agreement(TEXT, signed_by=("alfa", "bravo"), activate=False)

    def superseded(world: World) -> None:
        in_force(world)
        in_force(world, text=SECOND)

    def after(act: str, before: Callable[[World], None]) -> Callable[[World], None]:
        def do(world: World) -> None:
            before(world)
            change(world, act)

        return do

    ways: dict[AgreementStatus, Callable[[World], None]] = {
        AgreementStatus.PROPOSED: proposed,
        AgreementStatus.SIGNED: signed,
        AgreementStatus.IN_FORCE: in_force,
        AgreementStatus.SUSPENDED: after("suspend", in_force),
        AgreementStatus.TERMINATED: after("terminate", in_force),
        AgreementStatus.SUPERSEDED: superseded,
        AgreementStatus.DROPPED: after("terminate", signed),
    }
    return ways[status_]


def _activate(world: World) -> None:
    world.hub.agreements.activate(OPERATOR, world.hub.mandate, "two-towns", 1)


def _supersede(world: World) -> None:
    world.agreement(SECOND.replace("version: 2", "version: 3"), signed_by=("alfa", "bravo"))


# of the acts that the operator or a party can do from anywhere; the others have tests of their own
DEEDS: Final[dict[AgreementAct, Callable[[World], object]]] = {
    AgreementAct.SIGN: lambda world: sign(world, "coast"),
    AgreementAct.ACTIVATE: _activate,
    AgreementAct.SUPERSEDE: _supersede,
    AgreementAct.ADMIT: lambda world: admit(world, "coast"),
    AgreementAct.WITHDRAW: lambda world: withdraw(world, "alfa"),
    AgreementAct.GRACE: lambda world: grace(world, "alfa", until=START + 200 * DAY),
    AgreementAct.SUSPEND: lambda world: change(world, "suspend"),
    AgreementAct.RESUME: lambda world: change(world, "resume"),
}


@pytest.mark.parametrize("act", DEEDS)
@pytest.mark.parametrize("start", AgreementStatus)
def test_every_cell_of_the_table(world: World, start: AgreementStatus, act: AgreementAct) -> None:
    _until(start)(world)
    assert status(world) is start
    expected = AGREEMENT_TRANSITIONS.get((start, act))
    if act is AgreementAct.SUPERSEDE and expected is None:
        # there is nothing to supersede: what has ended stays as it ended
        DEEDS[act](world)
        assert status(world) is start
        return
    if expected is None:
        with pytest.raises(TransitionError):
            DEEDS[act](world)
        assert status(world) is start
        return
    DEEDS[act](world)
    assert status(world) is expected


@pytest.mark.parametrize("start", AgreementStatus)
def test_what_is_terminated_ends_for_good_and_what_never_began_is_dropped(world: World, start: AgreementStatus) -> None:
    _until(start)(world)
    ends = {
        AgreementStatus.PROPOSED: AgreementStatus.DROPPED,
        AgreementStatus.SIGNED: AgreementStatus.DROPPED,
        AgreementStatus.IN_FORCE: AgreementStatus.TERMINATED,
        AgreementStatus.SUSPENDED: AgreementStatus.TERMINATED,
    }
    if start not in ends:
        with pytest.raises(TransitionError):
            change(world, "terminate")
        return
    change(world, "terminate")
    shown = world.hub.agreements.get("two-towns", 1)
    assert (shown.status, shown.reason, shown.ended_at is not None) == (ends[start], "because", True)


def test_what_is_over_is_shown_as_expired_and_nothing_is_stored(world: World) -> None:
    in_force(world, text=TEXT.replace("until: null", "until: 2026-07-01"))
    for at, shown in ((START, "in-force"), (parse_date("2026-07-01"), "expired")):
        world.clock.at = at
        version = world.hub.agreements.get("two-towns")
        assert (version.status, version.shown) == (AgreementStatus.IN_FORCE, shown)


# --- suspended, terminated -------------------------------------------------------------------------------------------

STOPS: Final = ("suspend", "terminate")


@pytest.mark.parametrize("act", STOPS)
def test_what_is_stopped_permits_nothing_and_forbids_what_it_forbade(world: World, act: str) -> None:
    in_force(world)
    # another agreement, between the same two, that forbids nothing
    other = TEXT.replace("two-towns", "three-towns")
    world.agreement(
        other[: other.index('  - id: "2"')] + MORE.replace(', survives: ["3"]', ""), signed_by=("alfa", "bravo")
    )
    assert reads(world, "alfa", "bravo")
    assert not reads(world, "alfa", "bravo", categories=SAUCE)
    change(world, act)
    assert reads(world, "alfa", "bravo")  # by the other
    assert not reads(world, "alfa", "bravo", categories=SAUCE)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "three-towns", 1, "because")
    assert not reads(world, "alfa", "bravo")


def test_what_is_resumed_permits_again(world: World) -> None:
    in_force(world)
    change(world, "suspend")
    assert (reads(world, "alfa", "bravo"), members(world)) == (False, ())
    change(world, "resume")
    assert (reads(world, "alfa", "bravo"), members(world)) == (True, ("alfa", "bravo"))


def test_what_a_terminated_version_forbade_ends_with_what_all_sign_instead(world: World) -> None:
    in_force(world)
    change(world, "terminate")
    freer = SECOND[: SECOND.index('  - id: "3"')] + MORE.replace(', survives: ["3"]', "")
    in_force(world, text=freer)
    assert status(world) is AgreementStatus.SUPERSEDED
    assert reads(world, "alfa", "bravo", categories=SAUCE)


@pytest.mark.parametrize("act", ["suspend", "resume", "terminate"])
def test_an_act_of_the_partnership_takes_a_reason(world: World, act: str) -> None:
    in_force(world)
    if act == "resume":
        change(world, "suspend")
    for reason in ("", " ", "a\nb", "x" * 501):
        with pytest.raises(InputError), world.hub.agreements.living(OPERATOR) as acts:
            getattr(acts, act)(world.hub.mandate, "two-towns", 1, reason)
