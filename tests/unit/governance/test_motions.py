"""Motions from the table to the act, and every way in which somebody might decide what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import update

from support.agreement_texts import PLAIN
from support.council import SEATS, constitute, council, decide, key, motion_on, recuse, seated, suspend, vote, written
from support.hub import OPERATOR, START, World
from support.told import entries_of
from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    LogBrokenError,
    NotFoundError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.exchange.replay import replay
from tocsin.governance import authority, course, service
from tocsin.governance.model.bodies import Closing, Rule, Seat, Side, Ties
from tocsin.governance.model.motions import (
    MAX_OPEN,
    MAX_UNUSED,
    MOTION_TRANSITIONS,
    Choice,
    MotionAct,
    MotionStatus,
    next_status,
)
from tocsin.governance.model.tally import Reason
from tocsin.governance.tables import MOTIONS
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Right

if TYPE_CHECKING:
    from pathlib import Path

SUSPEND: Final = Right.PARTY_SUSPEND


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seated(tmp_path_factory.mktemp("motions") / "hub")


# --- the transition table ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", MotionAct)
@pytest.mark.parametrize("status", MotionStatus)
def test_every_cell_of_the_table(status: MotionStatus, act: MotionAct) -> None:
    expected = MOTION_TRANSITIONS.get((status, act))
    if expected is not None:
        assert next_status(status, act) is expected
        return
    with pytest.raises(TransitionError, match=f"cannot {act} a motion that is {status}"):
        next_status(status, act)


def test_nothing_comes_of_a_motion_that_ended() -> None:
    ended = set(MotionStatus) - {MotionStatus.TABLED, MotionStatus.OPEN, MotionStatus.PASSED, MotionStatus.EXECUTED}
    assert not [cell for cell in MOTION_TRANSITIONS if cell[0] in ended]
    for status in (*ended, MotionStatus.EXECUTED):
        with pytest.raises(TransitionError) as refused:
            next_status(status, MotionAct.WITHDRAW)
        assert refused.value.todo == "possible from here: nothing"
    # the one way to an act leads through a vote
    assert [cell for cell, after in MOTION_TRANSITIONS.items() if after is MotionStatus.PASSED] == [
        (MotionStatus.OPEN, MotionAct.PASS)
    ]


# --- the way ----------------------------------------------------------------------------------------------------------


def test_a_motion_from_the_table_to_the_act(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta", opened=False)
    assert motion.status is MotionStatus.TABLED
    with pytest.raises(TransitionError):
        vote(world, motion, "sig@alfa", seat="north")
    world.hub.governance.open(OPERATOR, motion.uuid)
    vote(world, motion, "sig@alfa", reasons="It is late")
    motion = vote(world, motion, "sig@bravo")
    with pytest.raises(ForbiddenError, match="this motion is open"):
        suspend(world, motion.uuid)
    motion = vote(world, motion, "sig@coast", "no")
    assert (motion.status, motion.result and motion.result.reason) == (MotionStatus.PASSED, Reason.MAJORITY)
    with pytest.raises(ForbiddenError, match="given to a body"):
        suspend(world, None)
    suspend(world, motion.uuid)
    assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.EXECUTED
    assert world.hub.parties.get("delta").status == "suspended"


@pytest.mark.parametrize("subject", ["delat", "", "sig@delat"])
def test_no_motion_is_on_a_party_that_is_not_there(world: World, subject: str) -> None:
    with pytest.raises(NotFoundError, match="there is no party") as refused:
        motion_on(world, SUSPEND, subject)
    assert "tocsin party list" in (refused.value.todo or "")
    constitute(world, council([Right.USER_DISABLE], name="people"))
    with pytest.raises(NotFoundError, match="there is no party 'delat'"):
        motion_on(world, Right.USER_DISABLE, "sig@delat", body="people")
    with pytest.raises(ForbiddenError, match="does not hold"):
        motion_on(world, Right.PARTY_LEAVE, "delat")  # a body without the right is told of the right alone
    assert world.hub.governance.motions() == []


def test_a_mandate_is_for_one_subject_and_one_use(world: World) -> None:
    motion = decide(world, SUSPEND, "delta")
    granted = world.hub.governance.granted(motion.uuid)
    with pytest.raises(ForbiddenError, match="this mandate is for"):
        world.hub.parties.suspend_party(OPERATOR, granted, "coast", "another")
    with pytest.raises(ForbiddenError, match="this mandate is for"):
        world.hub.parties.leave_party(OPERATOR, granted, "delta", "another right")
    # an act that fails uses nothing up
    with pytest.raises(InputError):
        world.hub.parties.suspend_party(OPERATOR, granted, "delta", "decided\x1b[2J")
    assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.PASSED
    suspend(world, motion.uuid)
    world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "delta", clearance="restricted", until=None)
    with pytest.raises(ForbiddenError, match="good once"):
        suspend(world, motion.uuid)


def test_a_mandate_ends(world: World) -> None:
    motion = decide(world, SUSPEND, "delta")
    world.clock.advance(motion.until - START)
    with pytest.raises(ForbiddenError, match="has ended"):
        suspend(world, motion.uuid)
    (ended,) = world.hub.governance.close_due(OPERATOR)
    assert ended.status is MotionStatus.EXPIRED
    assert world.hub.governance.close_due(OPERATOR) == []


def test_the_clock_set_back_gives_no_ended_mandate_back(world: World) -> None:
    motion = decide(world, SUSPEND, "delta")
    world.clock.advance(motion.until - START)
    world.party("echo")  # hub time is never before what was logged
    world.clock.advance(-100 * DAY)
    with pytest.raises(ForbiddenError, match="has ended"):
        suspend(world, motion.uuid)


def test_a_resolution_passes_and_grants_nothing(world: World) -> None:
    motion = decide(world, None)
    assert motion.status is MotionStatus.PASSED
    with pytest.raises(InputError, match="grants no right"):
        world.hub.governance.granted(motion.uuid)


def test_a_body_is_asked_only_for_what_it_holds(world: World) -> None:
    with pytest.raises(ForbiddenError, match="council does not hold"):
        motion_on(world, Right.PARTY_LEAVE, "delta")
    motion = decide(world, SUSPEND, "delta")
    less = council([Right.AGREEMENT_ACTIVATE])
    change = decide(world, Right.BODY_CHANGE, "council", document=written(less))
    world.hub.governance.change(OPERATOR, world.hub.governance.granted(change.uuid), less, "fewer")
    assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.LAPSED
    with pytest.raises(ForbiddenError, match="lapsed"):
        suspend(world, motion.uuid)
    suspend(world, None)


def test_who_may_table_open_and_withdraw(world: World) -> None:
    governance = world.hub.governance
    for who in ("sig@delta", "delta", "nobody@coast"):
        with pytest.raises(ForbiddenError, match="has no seat"):
            governance.table(OPERATOR.for_(who), "council", title="T", reasons="R")
    motion = governance.table(OPERATOR.for_("dep@coast"), "council", title="T", reasons="R")
    with pytest.raises(ForbiddenError, match="has no seat"):
        governance.open(OPERATOR.for_("sig@delta"), motion.uuid)
    governance.open(OPERATOR.for_("ana@alfa"), motion.uuid)
    with pytest.raises(ForbiddenError, match="moved it"):
        governance.withdraw(OPERATOR, motion.uuid)
    assert governance.withdraw(OPERATOR.for_("dep@coast"), motion.uuid).status is MotionStatus.WITHDRAWN
    with pytest.raises(ForbiddenError, match="only an operator acts for another"):
        governance.table(Acting(actor="sig@alfa", on_behalf_of="sig@coast"), "council", title="T", reasons="R")
    # a member's own act, without any operator
    assert governance.table(Acting(actor="sig@alfa"), "council", title="T", reasons="R").mover == "sig@alfa"


def test_what_a_motion_cannot_be(world: World) -> None:
    governance = world.hub.governance
    for title, reasons in ((" ", "R"), ("T", ""), ("a\x1b[2J", "R")):
        with pytest.raises(InputError):
            governance.table(OPERATOR, "council", title=title, reasons=reasons)
    for open_for, unused_for in ((0, DAY), (MAX_OPEN + 1, DAY), (DAY, 0), (DAY, MAX_UNUSED + 1)):
        with pytest.raises(InputError):
            governance.table(OPERATOR, "council", title="T", reasons="R", open_for=open_for, unused_for=unused_for)
    with pytest.raises(InputError, match="without a right"):
        governance.table(OPERATOR, "council", title="T", reasons="R", subject="delta")
    with pytest.raises(NotFoundError):
        governance.table(OPERATOR, "senate", title="T", reasons="R")
    with pytest.raises(NotFoundError):
        governance.open(OPERATOR, "nothing")


def test_so_many_motions_pend_at_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_PENDING", 2)
    motion = motion_on(world, None)
    motion_on(world, None, opened=False)
    with pytest.raises(LimitError):
        motion_on(world, None)
    world.hub.governance.withdraw(OPERATOR, motion.uuid)
    motion_on(world, None)


# --- ballots ----------------------------------------------------------------------------------------------------------


def test_a_deputy_votes_after_the_seat_holder(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@bravo", "no")
    with pytest.raises(ConflictError, match="sig@bravo has voted for this seat already"):
        vote(world, motion, "dep@bravo")
    (ballot,) = world.hub.governance.motion(motion.uuid).motion.ballots
    assert (ballot.voter, ballot.choice) == ("sig@bravo", "no")


def test_the_seat_holder_votes_after_a_deputy(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "two@coast", "no")
    vote(world, motion, "dep@coast", "abstain")
    with pytest.raises(ConflictError, match="comes before two@coast"):
        vote(world, motion, "two@coast", "no")
    vote(world, motion, "sig@coast", "yes")
    (ballot,) = world.hub.governance.motion(motion.uuid).motion.ballots
    assert (ballot.seat, ballot.voter, ballot.choice) == ("south", "sig@coast", "yes")


def test_a_vote_is_changed_until_the_close_and_no_old_one_comes_back(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@alfa", "yes")
    first = world.hub.governance.motion(motion.uuid).motion.ballots[0]
    vote(world, motion, "sig@alfa", "no")
    with pytest.raises(ConflictError, match="not ballot 3"):
        world.hub.governance.vote(
            OPERATOR.for_("sig@alfa"),
            motion.uuid,
            seat=first.seat,
            choice=first.choice,
            number=first.number,
            signature=first.signature,
        )
    with pytest.raises(ForbiddenError, match="registered key"):
        world.hub.governance.vote(
            OPERATOR.for_("sig@alfa"),
            motion.uuid,
            seat=first.seat,
            choice=first.choice,
            number=3,
            signature=first.signature,
        )
    vote(world, motion, "sig@bravo")
    motion = vote(world, motion, "sig@coast", "no")
    assert motion.status is MotionStatus.FAILED
    with pytest.raises(TransitionError):
        vote(world, motion, "sig@alfa", "yes")


FORGED: Final = {
    "signed by another": {"signed_by": "sig@coast"},
    "for another's seat": {"seat": "south"},
    "for a seat that is none": {"seat": "west"},
    "with a number to come": {"number": 2},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_ballot_is_refused(world: World, case: str) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    with pytest.raises((ForbiddenError, ConflictError)):
        vote(world, motion, "sig@alfa", **FORGED[case])  # type: ignore[arg-type]
    assert world.hub.governance.motion(motion.uuid).motion.ballots == ()


def test_a_ballot_counts_for_its_own_motion_only(world: World) -> None:
    one, other = motion_on(world, SUSPEND, "delta"), motion_on(world, SUSPEND, "coast")
    vote(world, one, "sig@alfa")
    ballot = world.hub.governance.motion(one.uuid).motion.ballots[0]
    with pytest.raises(ForbiddenError, match="registered key"):
        world.hub.governance.vote(
            OPERATOR.for_("sig@alfa"),
            other.uuid,
            seat=ballot.seat,
            choice=Choice.YES,
            number=1,
            signature=ballot.signature,
        )


def test_who_cannot_vote(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    with pytest.raises(ForbiddenError, match="registered key"):  # of the party that holds the seat, and no signatory
        vote(world, motion, "ana@alfa")
    with pytest.raises(InputError, match="speaks for no seat"):
        vote(world, motion, "sig@delta")
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "dep@bravo")
    with pytest.raises(ForbiddenError, match="only an active user"):
        vote(world, motion, "dep@bravo")
    # a key that was replaced signs nothing any more
    world.hub.parties.register_signing_key(OPERATOR, world.hub.mandate, "sig@bravo", public_key_of(key("new@bravo")))
    with pytest.raises(ForbiddenError, match="registered key"):
        vote(world, motion, "sig@bravo")
    vote(world, motion, "sig@bravo", signed_by="new@bravo")


def test_nobody_votes_after_the_deadline(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@alfa")
    vote(world, motion, "sig@bravo")
    with pytest.raises(TransitionError, match="seats have not voted"):
        world.hub.governance.close(OPERATOR, motion.uuid)
    world.clock.advance(motion.deadline - START)
    with pytest.raises(TransitionError, match="deadline has passed"):
        vote(world, motion, "sig@coast", "no")
    with pytest.raises(TransitionError, match="deadline has passed"):
        world.hub.governance.withdraw(OPERATOR, motion.uuid)
    assert world.hub.governance.motion(motion.uuid).closable
    (closed,) = world.hub.governance.close_due(OPERATOR)
    assert closed.status is MotionStatus.PASSED


def test_too_few_voted(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@alfa")
    tabled = motion_on(world, None, opened=False)
    world.clock.advance(motion.deadline - START)
    with pytest.raises(TransitionError, match="deadline has passed"):
        world.hub.governance.open(OPERATOR, tabled.uuid)
    closed = {one.uuid: one for one in world.hub.governance.close_due(OPERATOR)}
    result = closed[motion.uuid].result
    assert result is not None
    assert (closed[motion.uuid].status, result.reason) == (MotionStatus.FAILED, Reason.NO_QUORUM)
    assert closed[tabled.uuid].status is MotionStatus.EXPIRED


def test_a_motion_is_closed_as_soon_as_it_is_settled_where_the_rule_says_so(world: World) -> None:
    rule = Rule(quorum="1/2", more_than="1/2", closes=Closing.SETTLED)
    constitute(world, council([Right.PARTY_LEAVE], name="crisis", rule=rule))
    motion = motion_on(world, Right.PARTY_LEAVE, "delta", body="crisis")
    assert vote(world, motion, "sig@alfa").status is MotionStatus.OPEN
    assert vote(world, motion, "sig@bravo").status is MotionStatus.PASSED


def test_a_weight_counts_and_the_chair_decides_a_tie(world: World) -> None:
    heavy = tuple(msgspec.structs.replace(seat, weight=2 if seat.name == "south" else 1) for seat in SEATS)
    rule = Rule(quorum="1/2", more_than="1/2", ties=Ties.CHAIR)
    constitute(world, council(name="heavy", seats=heavy, rule=rule, chair="south"))
    motion = motion_on(world, None, body="heavy")
    vote(world, motion, "sig@alfa", "no")
    vote(world, motion, "sig@bravo", "no")
    motion = vote(world, motion, "sig@coast", "yes")
    assert (motion.status, motion.result and motion.result.reason) == (MotionStatus.PASSED, Reason.CHAIR)


# --- recusal ----------------------------------------------------------------------------------------------------------


def test_the_quorum_is_lost_by_recusal(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@alfa")
    recuse(world, motion, "south", "sig@coast")
    motion = recuse(world, motion, "east", "sig@bravo")
    # one yes of one seat left: it would have been unanimous, and it is no decision of a body of three
    assert motion.result is not None
    assert (motion.status, motion.result.reason) == (MotionStatus.FAILED, Reason.NO_QUORUM_RECUSED)
    with pytest.raises(ForbiddenError):
        suspend(world, motion.uuid)


def test_what_a_recused_seat_said_before_counts_no_more(world: World) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@coast", "no")
    recuse(world, motion, "south", "sig@coast", reasons="we compete with it")
    for voter in ("sig@coast", "dep@coast"):
        with pytest.raises(ForbiddenError, match="recused"):
            vote(world, motion, voter, "no")
    with pytest.raises(ForbiddenError, match="recused seat demands nothing"):
        recuse(world, motion, "north", "sig@coast")
    vote(world, motion, "sig@alfa", "yes")
    motion = vote(world, motion, "sig@bravo", "abstain")
    assert motion.result is not None
    assert (motion.status, motion.result.public.recused, motion.result.private.yes) == (MotionStatus.PASSED, 1, 1)


def test_no_deputy_silences_who_holds_its_seat(world: World) -> None:
    """Neither before its holder votes nor after: a declaration strikes out the seat's vote, and is for good."""
    motion = motion_on(world, SUSPEND, "delta")
    for deputy in ("dep@coast", "two@coast"):
        with pytest.raises(ForbiddenError, match="sig@coast declares for the seat south, and no deputy"):
            recuse(world, motion, "south", deputy)
    vote(world, motion, "dep@coast", "yes")
    vote(world, motion, "sig@coast", "no")
    with pytest.raises(ForbiddenError, match="and no deputy"):
        recuse(world, motion, "south", "dep@coast")
    recuse(world, motion, "north", "dep@coast")  # of another seat it demands for its own, as it votes for it
    vote(world, motion, "sig@alfa", "yes")
    motion = vote(world, motion, "sig@bravo", "abstain")
    assert motion.result is not None
    assert (motion.status, motion.result.public.no) == (MotionStatus.FAILED, 1)


def test_a_log_in_which_a_deputy_declared_is_told_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    motion = motion_on(world, SUSPEND, "delta")
    vote(world, motion, "sig@coast", "no")
    with monkeypatch.context() as before:
        before.setattr(service, "_require_holds", lambda *_: None)
        recuse(world, motion, "south", "dep@coast")
    assert world.hub.governance.motion(motion.uuid).recused == {"south"}
    vote(world, motion, "sig@alfa", "yes")
    assert vote(world, motion, "sig@bravo", "yes").status is MotionStatus.PASSED
    told = replay(list(enumerate(entries_of(world)))).governed.motions[motion.uuid]
    assert (told.status, [one.voter for one in told.recusals]) == (MotionStatus.PASSED, ["dep@coast"])


def test_no_seat_of_two_is_silenced_by_the_other(world: World) -> None:
    constitute(world, council(name="pair", seats=SEATS[:2]))
    motion = motion_on(world, None, body="pair")
    vote(world, motion, "sig@bravo", "no")
    recuse(world, motion, "east", "sig@alfa")
    assert world.hub.governance.motion(motion.uuid).recused == frozenset()
    assert vote(world, motion, "sig@alfa").status is MotionStatus.FAILED


def test_a_demand_takes_more_than_half_of_the_seats(world: World) -> None:
    seats = (*SEATS, Seat(name="west", side=Side.PUBLIC, holder="sig@delta"))
    constitute(world, council(name="four", seats=seats))
    motion = motion_on(world, None, body="four")
    recuse(world, motion, "west", "sig@alfa")
    assert world.hub.governance.motion(motion.uuid).recused == frozenset()
    with pytest.raises(ConflictError, match="said already"):
        recuse(world, motion, "west", "sig@alfa")
    recuse(world, motion, "west", "dep@bravo")
    assert world.hub.governance.motion(motion.uuid).recused == frozenset()  # half of the body, and no more
    recuse(world, motion, "west", "sig@coast")
    assert world.hub.governance.motion(motion.uuid).recused == {"west"}
    with pytest.raises(ForbiddenError, match="recused"):
        vote(world, motion, "sig@delta")
    with pytest.raises(ConflictError, match="said already"):
        recuse(world, motion, "west", "sig@coast")
    with pytest.raises(InputError, match="says why"):
        recuse(world, motion, "north", "sig@coast", reasons=" ")
    with pytest.raises(NotFoundError, match="no such seat"):
        recuse(world, motion, "attic", "sig@coast")


# --- an agreement that changes ----------------------------------------------------------------------------------------


def agree(world: World, version: int, *, activate: bool = False) -> str:
    text = PLAIN.replace("version: 1", f"version: {version}")
    document = parse_agreement(text.encode(), where="text").document
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="text")
    for name in ("alfa", "bravo"):
        signature = sign_document(document, key(f"sig@{name}"))
        world.hub.agreements.sign(
            Acting(actor=f"sig@{name}"), document.name, version, signatory=f"sig@{name}", signature=signature
        )
    if activate:
        motion = decide(world, Right.AGREEMENT_ACTIVATE, document.id)
        world.hub.agreements.activate(OPERATOR, world.hub.governance.granted(motion.uuid), document.name, version)
    return document.id


def test_an_agreement_is_amended_while_a_motion_on_it_is_open(world: World) -> None:
    agree(world, 1, activate=True)
    second, third = agree(world, 2), agree(world, 3)
    tabled = motion_on(world, Right.AGREEMENT_ACTIVATE, third, opened=False)
    opened = motion_on(world, Right.AGREEMENT_ACTIVATE, third)
    passed = decide(world, Right.AGREEMENT_ACTIVATE, third)
    assert passed.about is not None
    vote(world, opened, "sig@alfa")
    amending = decide(world, Right.AGREEMENT_ACTIVATE, second)
    name, _, version = second.partition("/")
    world.hub.agreements.activate(OPERATOR, world.hub.governance.granted(amending.uuid), name, int(version))
    for motion in (tabled, opened, passed):
        assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.LAPSED
    assert world.hub.governance.motion(amending.uuid).motion.status is MotionStatus.EXECUTED
    with pytest.raises(TransitionError):
        vote(world, opened, "sig@bravo")
    with pytest.raises(ForbiddenError, match="lapsed"):
        world.hub.agreements.activate(OPERATOR, world.hub.governance.granted(passed.uuid), name, 3)
    # asked again, of what is in force now, it can be decided
    again = decide(world, Right.AGREEMENT_ACTIVATE, third)
    world.hub.agreements.activate(OPERATOR, world.hub.governance.granted(again.uuid), name, 3)


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["motion", "status", "agreement", "deadline", "until", "body"])
def test_a_damaged_motion_is_found(template: Path, tmp_path: Path, column: str) -> None:
    world = World(tmp_path / "hub", template=template)
    motion = decide(world, SUSPEND, "delta")
    changed: dict[str, object] = {
        "motion": msgspec.json.encode(msgspec.structs.replace(motion, subject="coast"), order="deterministic"),
        "status": "executed",
        "agreement": "another",
        "deadline": motion.deadline + 1,
        "until": motion.until + 1,
        "body": "another",
    }
    with world.hub.store.write() as connection:
        connection.execute(update(MOTIONS).values({column: changed[column]}))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    world.hub.close()


def test_a_text_that_was_exchanged_is_found(template: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "hub", template=template)
    constitute(world, council([Right.PARTY_CLEAR], name="clearing"))
    motion = decide(world, Right.PARTY_CLEAR, "delta", body="clearing", document="clearance: restricted")
    assert isinstance(motion.text, str)
    world.hub.self_test.require()
    other = msgspec.structs.replace(motion, text=motion.text.replace("restricted", "secret"))
    with world.hub.store.write() as connection:
        connection.execute(update(MOTIONS).values(motion=msgspec.json.encode(other, order="deterministic")))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    world.hub.close()


@pytest.mark.parametrize("act", ["tabled", "carried out"])
def test_no_motion_goes_without_a_text_once_there_was_one(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """A hub that was changed lets it pass; a replay does not."""
    world = World(tmp_path / "hub", template=template)
    constitute(world, council([Right.PARTY_CLEAR], name="clearing"))
    with monkeypatch.context() as changed:
        for room in (authority, course):
            changed.setattr(room, "require_said", lambda *_: None)
        blank = decide(world, Right.PARTY_CLEAR, "delta", body="clearing")
        decide(world, Right.PARTY_CLEAR, "delta", body="clearing", document="clearance: restricted")
        replay(list(enumerate(entries_of(world))))
        if act == "tabled":
            motion_on(world, Right.PARTY_CLEAR, "coast", body="clearing")
        else:
            granted = world.hub.governance.granted(blank.uuid)
            world.hub.parties.clear_party(OPERATOR, granted, "delta", clearance="secret", until=None)
        replay(list(enumerate(entries_of(world))))
    says = {"tabled": "says what exactly is decided", "carried out": "does not say what exactly was decided"}
    with pytest.raises(LogBrokenError, match=says[act]):
        replay(list(enumerate(entries_of(world))))
    world.hub.close()
