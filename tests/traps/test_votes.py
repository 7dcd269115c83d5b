"""What a council is believed to have decided, and has not.

In the field a vote is won beside the ballot: a deputy votes over the head of who holds the seat, opponents are recused
until nobody is left to disagree, a text is exchanged between the vote and the act, a body decides by a right that it
has lost, and somebody who was thrown out votes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.council import constitute, council, decide, motion_on, recuse, vote, written
from support.field import FIELD, annex
from support.hub import OPERATOR
from tocsin.errors import ConflictError, ForbiddenError, NotFoundError, RefusedError, TransitionError
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.model.tally import Reason
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right
from tocsin.parties.model import Authority

if TYPE_CHECKING:
    from support.hub import World
    from tocsin.governance.model.motions import Motion

SUSPEND: Final = Right.PARTY_SUSPEND
SECOND: Final = FIELD.replace("version: 1", "version: 2")


@pytest.fixture(autouse=True)
def seated(world: World) -> None:
    """Give a council of three the right to suspend a party."""
    constitute(world, council([SUSPEND]))


def suspend(world: World, motion: Motion | None = None) -> None:
    mandate = world.hub.governance.granted(None if motion is None else motion.uuid)
    world.hub.parties.suspend_party(OPERATOR, mandate, "outsider", "decided")


def now(world: World, motion: Motion) -> Motion:
    return world.hub.governance.motion(motion.uuid).motion


# --- deputies --------------------------------------------------------------------------------------------------------


def test_a_deputy_votes_after_the_seat_holder(world: World) -> None:
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@bravo", "no")
    with pytest.raises(ConflictError, match="sig@bravo has voted for this seat already"):
        vote(world, motion, "dep@bravo", "yes")
    vote(world, motion, "sig@alfa", "yes")
    closed = vote(world, motion, "sig@coast", "no")
    assert (closed.status, closed.ballot("east").voter) == (MotionStatus.FAILED, "sig@bravo")  # type: ignore[union-attr]
    with pytest.raises(ForbiddenError):
        suspend(world, motion)


def test_a_deputy_votes_first_and_the_seat_holder_says_otherwise(world: World) -> None:
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "dep@bravo", "yes")
    vote(world, motion, "sig@alfa", "yes")
    vote(world, motion, "sig@bravo", "no")
    with pytest.raises(ConflictError, match="comes before dep@bravo"):
        vote(world, motion, "dep@bravo", "yes")
    assert vote(world, motion, "sig@coast", "no").status is MotionStatus.FAILED


def test_a_deputy_votes_for_a_seat_that_is_recused(world: World) -> None:
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@bravo", "yes")
    recuse(world, motion, "east", "sig@bravo")
    with pytest.raises(ForbiddenError, match="recused"):
        vote(world, motion, "dep@bravo", "yes")


def test_a_seat_holder_who_is_gone_has_voted_all_the_same(world: World) -> None:
    """Disabling somebody is the operator's act: it must not turn their vote over to a deputy."""
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@bravo", "no")
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "sig@bravo", "left the company")
    with pytest.raises(ConflictError, match="has voted for this seat already"):
        vote(world, motion, "dep@bravo", "yes")
    vote(world, motion, "sig@alfa", "no")
    assert vote(world, motion, "sig@coast", "yes").status is MotionStatus.FAILED


# --- recusal ---------------------------------------------------------------------------------------------------------


def test_the_quorum_is_lost_by_recusal(world: World) -> None:
    """Two of three are recused after everybody who is left said yes: no decision of a body of three."""
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@alfa", "yes")
    vote(world, motion, "sig@bravo", "yes")
    recuse(world, motion, "east", "sig@bravo")
    closed = recuse(world, motion, "south", "sig@coast")
    assert closed.result is not None
    assert (closed.status, closed.result.reason) == (MotionStatus.FAILED, Reason.NO_QUORUM_RECUSED)
    with pytest.raises(ForbiddenError, match="this motion is failed"):
        suspend(world, motion)


def test_who_passed_it_is_not_recused_afterwards(world: World) -> None:
    motion = decide(world, SUSPEND, "outsider")
    with pytest.raises(TransitionError):
        recuse(world, motion, "east", "sig@bravo")
    suspend(world, motion)


# --- who may vote no more --------------------------------------------------------------------------------------------


def test_a_suspended_party_votes(world: World) -> None:
    """Its people cannot; what they said before stands, and its seat stays one of three."""
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@alfa", "yes")
    constituted = now(world, motion).electorate
    by_council = decide(world, SUSPEND, "bravo")
    world.hub.parties.suspend_party(OPERATOR, world.hub.governance.granted(by_council.uuid), "bravo", "decided")
    for voter in ("sig@bravo", "dep@bravo"):
        with pytest.raises(ForbiddenError, match="only an active user of a vetted party votes"):
            vote(world, motion, voter, "no")
        with pytest.raises(ForbiddenError, match="only an active user of a vetted party votes"):
            recuse(world, motion, "north", voter)
    assert now(world, motion).electorate == constituted
    closed = vote(world, motion, "sig@coast", "yes")
    assert closed.status is MotionStatus.OPEN, "one seat has not voted, and its time has not run out"
    world.clock.advance(closed.deadline - world.clock.now())
    assert world.hub.governance.close(OPERATOR, motion.uuid).status is MotionStatus.PASSED


def test_what_a_party_said_before_it_was_suspended_stands(world: World) -> None:
    motion = motion_on(world, SUSPEND, "outsider")
    vote(world, motion, "sig@bravo", "no")
    by_council = decide(world, SUSPEND, "bravo")
    world.hub.parties.suspend_party(OPERATOR, world.hub.governance.granted(by_council.uuid), "bravo", "decided")
    vote(world, motion, "sig@alfa", "yes")
    closed = vote(world, motion, "sig@coast", "no")
    assert closed.result is not None
    assert (closed.status, closed.result.private.no) == (MotionStatus.FAILED, 1)


def test_an_authority_that_ended_votes(world: World) -> None:
    motion = motion_on(world, SUSPEND, "outsider")
    authorise = world.hub.parties.authorise_signatory
    authorise(OPERATOR, world.hub.mandate, "sig@bravo", Authority(until=world.clock.now() + DAY))
    vote(world, motion, "sig@bravo", "no")
    world.clock.advance(DAY)
    with pytest.raises(ForbiddenError, match="authority to sign has ended"):
        vote(world, motion, "sig@bravo", "yes")
    with pytest.raises(ForbiddenError, match="authority to sign has ended"):
        recuse(world, motion, "east", "sig@bravo")
    assert now(world, motion).ballot("east").choice == "no"  # type: ignore[union-attr]


# --- a right that is gone --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sound")
def test_a_motion_passes_after_its_body_lost_the_right(world: World) -> None:
    """It cannot: what the body can do nothing about any more lapses, passed or not, and does not come back with it."""
    governance = world.hub.governance
    tabled = motion_on(world, SUSPEND, "outsider", opened=False)
    opened = motion_on(world, SUSPEND, "outsider")
    passed = decide(world, SUSPEND, "outsider")
    resolution = motion_on(world, None)
    without = decide(world, Right.BODY_CHANGE, "council", document=written(council()))
    governance.change(OPERATOR, governance.granted(without.uuid), council(), "fewer rights")
    governance.change(OPERATOR, world.hub.mandate, council([SUSPEND]), "and again")
    assert {now(world, one).status for one in (tabled, opened, passed)} == {MotionStatus.LAPSED}
    assert now(world, resolution).status is MotionStatus.OPEN
    with pytest.raises(TransitionError):
        vote(world, opened, "sig@alfa")
    for one in (opened, passed, None):
        with pytest.raises(ForbiddenError):
            suspend(world, one)
    # asked anew, it can be decided
    suspend(world, decide(world, SUSPEND, "outsider"))


# --- another text ----------------------------------------------------------------------------------------------------

# rights on an agreement, and the subject that each has
ASKED: Final = {
    Right.AGREEMENT_SUSPEND: "field/1",
    Right.AGREEMENT_TERMINATE: "field/1",
    Right.ANNEX_ACTIVATE: "field/1#flood",
    Right.ANNEX_END: "field/1#flood",
    Right.LAPSE_GRACE: "field/1:statute",
    Right.ACCESSION_ADMIT: "field/1:outsider",
    Right.AGREEMENT_ACTIVATE: "field/3",
}
SAID: Final = {Right.LAPSE_GRACE: "{for: alfa, until: 2026-12-20}"}


@pytest.mark.usefixtures("sound")
def test_an_agreement_is_amended_while_a_motion_on_it_is_open(world: World) -> None:
    """Tabled, open or passed: what was asked was asked about the text that is no more."""
    constitute(world, council(list(ASKED), name="senate"))
    world.hub.agreements.propose(
        OPERATOR, world.hub.mandate, FIELD.replace("version: 1", "version: 3").encode(), where=""
    )
    motions = [
        [
            motion_on(world, right, subject, body="senate", opened=False, document=SAID.get(right)),
            motion_on(world, right, subject, body="senate", document=SAID.get(right)),
            decide(world, right, subject, body="senate", document=SAID.get(right)),
        ]
        for right, subject in ASKED.items()
    ]
    world.agreement(SECOND, signed_by=("alfa", "bravo"), activate=False, amends=True)
    adopting = decide(world, Right.AGREEMENT_ACTIVATE, "field/2", body="senate")
    world.clock.advance(10 * DAY)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.adopt(world.hub.governance.granted(adopting.uuid), "field", 2)
    assert now(world, adopting).status is MotionStatus.EXECUTED
    for tabled, opened, passed in motions:
        assert {now(world, one).status for one in (tabled, opened, passed)} == {MotionStatus.LAPSED}
        with pytest.raises(TransitionError):
            vote(world, opened, "sig@alfa")
    suspending, activating = motions[0][2], motions[2][2]
    with pytest.raises(RefusedError), world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.governance.granted(suspending.uuid), "field", 1, "decided")
    with pytest.raises(RefusedError), world.hub.agreements.emergency(OPERATOR) as emergency:
        emergency.activate(world.hub.governance.granted(activating.uuid), "field", 1, "flood", "decided")


@pytest.mark.parametrize("right", sorted(set(ASKED) - {Right.ANNEX_END}))
def test_a_motion_is_tabled_on_a_text_that_nobody_has_seen(world: World, right: Right) -> None:
    """A blank cheque: the council votes on version 9, and the operator writes it afterwards."""
    constitute(world, council([right], name="senate"))
    unseen = ASKED[right].replace("/1", "/9").replace("/3", "/9")
    with pytest.raises(NotFoundError, match="was never proposed"):
        motion_on(world, right, unseen, body="senate", document=SAID.get(right))


def test_a_number_is_given_to_another_text(world: World) -> None:
    """A version that was dropped keeps its number: what was decided on it cannot become another's."""
    world.agreement(SECOND, signed_by=("alfa",), activate=False)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.terminate(world.hub.mandate, "field", 2, "not now")
    other = SECOND.replace("What the traps are laid in", "What else")
    with pytest.raises(ConflictError, match="says something else"):
        world.hub.agreements.propose(OPERATOR, world.hub.mandate, other.encode(), where="test")


def test_the_body_that_an_annex_names_is_asked_whoever_holds_the_right(world: World) -> None:
    """The right is the senate's, the agreement names the crisis council: neither alone opens the annex."""
    constitute(world, council([Right.ANNEX_ACTIVATE], name="senate"))
    constitute(world, council(name="crisis-council"))
    passed = decide(world, Right.ANNEX_ACTIVATE, "field/1#flood", body="senate")
    with pytest.raises(ForbiddenError), world.hub.agreements.emergency(OPERATOR) as acts:
        acts.activate(world.hub.governance.granted(passed.uuid), "field", 1, "flood", "decided")
    with pytest.raises(ForbiddenError):
        annex(world, "activate")
