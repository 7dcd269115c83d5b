"""Disputes: each stage with a clock, only their parties see them, and nobody decides their own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import update

from support.council import constitute, council, motion_on, recuse, signatory, vote
from support.hub import OPERATOR, START, World
from tocsin.errors import ForbiddenError, InputError, NotFoundError, StoreBrokenError, TransitionError
from tocsin.governance.model.bodies import Rule, Seat, Side
from tocsin.governance.model.disputes import (
    CLOCKS,
    DISPUTE_TRANSITIONS,
    URGENT_CLOCKS,
    Dispute,
    DisputeAct,
    DisputeKind,
    DisputeStatus,
    Outcome,
    clock_of,
    next_dispute_status,
)
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.tables import DISPUTES
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right
from tocsin.parties.model import SPEAKERS, Kind, Party, Role, User

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tocsin.kernel.mandate import Mandate

ID: Final = "indicator--00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disputes") / "hub"
    world = World(folder)
    for name in ("alfa", "bravo", "coast", "delta"):
        world.party(name)
    for reference in ("dep@bravo", "dep@coast", "two@coast"):
        signatory(world, reference)
    world.hub.close()
    return folder


def file(
    world: World,
    kind: DisputeKind = DisputeKind.LABEL,
    *,
    by: str = "sig@alfa",
    against: str = "bravo",
    subject: str = ID,
) -> Dispute:
    return world.hub.disputes.file(
        OPERATOR.for_(by),
        kind,
        complainant=by.rpartition("@")[2],
        respondent=against,
        statement="Green is too wide",
        subject=subject,
    )


def decide(world: World, dispute: Dispute, outcome: Outcome = Outcome.UPHELD) -> Dispute:
    remedy = "" if outcome is Outcome.REJECTED else "Mark it amber"
    return world.hub.disputes.decide(
        OPERATOR, world.hub.mandate, dispute.uuid, outcome=outcome, reasons="It names a customer", remedy=remedy
    )


def test_a_motion_that_can_only_fail_is_known_before_it_is_opened(world: World) -> None:
    constitute(world, council([Right.DISPUTE_DECIDE], rule=Rule(quorum="2/3", more_than="1/2")))
    ours, theirs = (file(world, against=party).uuid for party in ("bravo", "delta"))
    motion = motion_on(world, Right.DISPUTE_DECIDE, ours, document=CLEARED, opened=False)
    for _ in range(2):
        standing = world.hub.governance.motion(motion.uuid)
        assert (standing.hopeless, standing.out) == (True, frozenset({"north", "east"}))
        if motion.status is MotionStatus.TABLED:
            assert standing.recused == frozenset(), "nobody is, before it is opened"
            motion = world.hub.governance.open(OPERATOR, motion.uuid)
    other = motion_on(world, Right.DISPUTE_DECIDE, theirs, document=CLEARED)
    assert not world.hub.governance.motion(other.uuid).hopeless, "two of three are enough"
    recuse(world, other, "east", "sig@bravo")
    assert world.hub.governance.motion(other.uuid).hopeless
    world.clock.at = other.deadline
    world.hub.governance.close_due(OPERATOR)
    assert not world.hub.governance.motion(other.uuid).hopeless, "it has failed"


def test_only_who_speaks_for_a_party_speaks_for_it_in_a_dispute(template: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "hub", template=template)
    disputes = world.hub.disputes
    for role in sorted(set(Role) - {Role.OPERATOR}):  # who runs the hub is of no member
        name = f"{role}@alfa"
        world.user(name, roles=frozenset({role}))
        filed, who = file(world), OPERATOR.for_(name)
        acts: tuple[Callable[[], object], ...] = (
            partial(file, world, by=name),
            partial(disputes.offer, who, filed.uuid, "alfa", "Amber"),
            partial(disputes.withdraw, who, filed.uuid, "alfa"),
        )
        before = disputes.all()
        for act in acts:
            if role in SPEAKERS:
                act()
                continue
            with pytest.raises(ForbiddenError, match="only a liaison or signatory"):
                act()
        assert (disputes.all() == before) is (role not in SPEAKERS)
    decided = decide(world, file(world))
    with pytest.raises(ForbiddenError, match="only a liaison or signatory"):
        disputes.appeal(OPERATOR.for_("analyst@alfa"), decided.uuid, "alfa", "No")


@pytest.mark.parametrize("act", DisputeAct)
@pytest.mark.parametrize("status", DisputeStatus)
def test_every_cell_of_the_table(status: DisputeStatus, act: DisputeAct) -> None:
    expected = DISPUTE_TRANSITIONS.get((status, act))
    if expected is not None:
        assert next_dispute_status(status, act) is expected
        return
    with pytest.raises(TransitionError, match=f"cannot {act} a dispute that is {status}"):
        next_dispute_status(status, act)


def test_every_stage_that_is_no_end_has_a_clock() -> None:
    stages = {status for status, _ in DISPUTE_TRANSITIONS}
    assert CLOCKS.keys() == URGENT_CLOCKS.keys() == stages
    assert all(URGENT_CLOCKS[stage] <= CLOCKS[stage] for stage in stages)
    assert clock_of(DisputeKind.LABEL, DisputeStatus.FINAL) is None


CLEARED: Final = "{outcome: upheld, reasons: It was cleared, remedy: Clear alfa}"
BEFORE: Final = "{outcome: rejected, reasons: As before.}"


def test_a_dispute_through_all_its_stages(world: World) -> None:
    disputes = world.hub.disputes
    dispute = file(world)
    assert (dispute.status, dispute.due) == (DisputeStatus.FILED, START + 7 * DAY)
    world.clock.advance(DAY)
    dispute = disputes.mediate(OPERATOR, dispute.uuid, "sig@coast")
    assert (dispute.status, dispute.due) == (DisputeStatus.MEDIATION, START + 31 * DAY)
    disputes.offer(OPERATOR.for_("alfa"), dispute.uuid, "alfa", "Amber")
    dispute = decide(world, dispute)
    assert (dispute.status, dispute.decisions[0].mandate) == (DisputeStatus.DECIDED, "founding:entry:0")
    dispute = disputes.appeal(OPERATOR.for_("sig@bravo"), dispute.uuid, "bravo", "It names nobody")
    assert dispute.status is DisputeStatus.APPEALED
    dispute = decide(world, dispute, Outcome.REJECTED)
    assert (dispute.status, dispute.due, dispute.closed_at) == (DisputeStatus.FINAL, None, START + DAY)
    with pytest.raises(TransitionError):
        decide(world, dispute)


def test_a_decision_that_nobody_appealed_is_final(world: World) -> None:
    dispute = decide(world, file(world))
    assert world.hub.disputes.conclude_due(OPERATOR) == []
    world.clock.advance(14 * DAY)
    with pytest.raises(TransitionError, match="has passed"):
        world.hub.disputes.appeal(OPERATOR.for_("bravo"), dispute.uuid, "bravo", "Late")
    (final,) = world.hub.disputes.conclude_due(OPERATOR)
    assert final.status is DisputeStatus.FINAL


def test_it_is_settled_by_the_same_words_from_both(world: World) -> None:
    disputes, dispute = world.hub.disputes, file(world)
    for who, terms in (("alfa", "Amber"), ("bravo", "Green"), ("bravo", "Amber and a note")):
        dispute = disputes.offer(OPERATOR.for_(who), dispute.uuid, who, terms)
        assert dispute.status is DisputeStatus.FILED
    assert disputes.offer(OPERATOR.for_("alfa"), dispute.uuid, "alfa", "Amber and a note").status == "settled"
    other = file(world)
    with pytest.raises(InputError, match="has terms"):
        disputes.offer(OPERATOR.for_("alfa"), other.uuid, "alfa", " ")


def test_who_filed_withdraws_and_a_withdrawn_appeal_leaves_the_decision(world: World) -> None:
    disputes = world.hub.disputes
    dispute = file(world)
    with pytest.raises(ForbiddenError, match="withdraws it"):
        disputes.withdraw(OPERATOR.for_("bravo"), dispute.uuid, "bravo")
    assert disputes.withdraw(OPERATOR.for_("alfa"), dispute.uuid, "alfa").status is DisputeStatus.WITHDRAWN
    dispute = decide(world, file(world))
    disputes.appeal(OPERATOR.for_("bravo"), dispute.uuid, "bravo", "No")
    with pytest.raises(ForbiddenError):
        disputes.withdraw(OPERATOR.for_("alfa"), dispute.uuid, "alfa")
    dispute = disputes.withdraw(OPERATOR.for_("bravo"), dispute.uuid, "bravo")
    assert (dispute.status, len(dispute.decisions)) == (DisputeStatus.FINAL, 1)


def test_a_suspended_party_appeals_quickly(world: World) -> None:
    with pytest.raises(TransitionError, match="not suspended"):
        file(world, DisputeKind.SUSPENSION, against="hub", subject="")
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "under review")
    dispute = file(world, DisputeKind.SUSPENSION, against="hub", subject="")
    assert dispute.due == START + 2 * DAY
    # it is the hub's own dispute: the operator does not decide it
    with pytest.raises(ForbiddenError, match="its own dispute"):
        decide(world, dispute)
    constitute(world, council([Right.DISPUTE_DECIDE]))
    motion = motion_on(world, Right.DISPUTE_DECIDE, dispute.uuid, document=CLEARED)
    assert motion.barred == ("north",)
    vote(world, motion, "sig@bravo")
    motion = vote(world, motion, "sig@coast")
    assert motion.status is MotionStatus.PASSED
    granted = world.hub.governance.granted(motion.uuid)
    dispute = world.hub.disputes.decide(
        OPERATOR, granted, dispute.uuid, outcome=Outcome.UPHELD, reasons="It was cleared", remedy="Clear alfa"
    )
    assert dispute.decisions[0].mandate == f"motion:{motion.uuid}"


def test_nobody_votes_on_their_own_dispute(world: World) -> None:
    constitute(world, council([Right.DISPUTE_DECIDE]))
    motion = motion_on(world, Right.DISPUTE_DECIDE, file(world, against="delta").uuid, document=CLEARED)
    assert motion.barred == ("north",)
    with pytest.raises(ForbiddenError, match="recused"):
        vote(world, motion, "sig@alfa")
    # a body of both parties has no quorum
    both = motion_on(world, Right.DISPUTE_DECIDE, file(world, against="bravo").uuid, document=CLEARED)
    both = vote(world, both, "sig@coast")
    assert both.status is MotionStatus.FAILED


def test_a_motion_from_before_an_appeal_does_not_decide_it(world: World) -> None:
    constitute(world, council([Right.DISPUTE_DECIDE]))
    disputes, uuid = world.hub.disputes, file(world, against="delta").uuid

    def by_motion(document: str) -> Mandate:
        motion = motion_on(world, Right.DISPUTE_DECIDE, uuid, document=document)
        for voter in ("sig@bravo", "sig@coast"):
            motion = vote(world, motion, voter)
        return world.hub.governance.granted(motion.uuid)

    first, spare = by_motion("{outcome: rejected, reasons: It is not.}"), by_motion(BEFORE)
    disputes.decide(OPERATOR, first, uuid, outcome=Outcome.REJECTED, reasons="It is not.")
    world.clock.advance(1)
    disputes.appeal(OPERATOR.for_("sig@alfa"), uuid, "alfa", "Nobody looked.")
    with pytest.raises(ForbiddenError, match="before the appeal"):
        disputes.decide(OPERATOR, spare, uuid, outcome=Outcome.REJECTED, reasons="As before.")
    heard = by_motion("{outcome: upheld, reasons: It is., remedy: Amber.}")
    decided = disputes.decide(OPERATOR, heard, uuid, outcome=Outcome.UPHELD, reasons="It is.", remedy="Amber.")
    assert decided.status is DisputeStatus.FINAL
    world.hub.self_test.require()


def test_only_its_parties_see_a_dispute_and_who_decides_it(world: World) -> None:
    disputes, dispute = world.hub.disputes, file(world)
    for viewer in (None, "alfa", "bravo"):
        assert [one.uuid for one in disputes.all(viewer)] == [dispute.uuid]
    for viewer in ("coast", "delta"):
        assert disputes.all(viewer) == []
        with pytest.raises(NotFoundError) as hidden:
            disputes.get(dispute.uuid, viewer)
        with pytest.raises(NotFoundError) as missing:
            disputes.get("nothing", viewer)
        assert (hidden.value.what, hidden.value.todo) == (missing.value.what, missing.value.todo)
        with pytest.raises(NotFoundError):
            disputes.offer(OPERATOR.for_(viewer), dispute.uuid, viewer, "Amber")
    constitute(world, council([Right.DISPUTE_DECIDE]))
    assert [one.uuid for one in disputes.all("coast")] == [dispute.uuid]
    assert disputes.all("delta") == []


def test_whose_seat_is_over_sees_disputes_no_more(world: World) -> None:
    dispute, until = file(world), world.clock.now() + 30 * DAY
    seats = (
        Seat(name="south", side=Side.PRIVATE, holder="coast", ends=until),
        Seat(name="west", side=Side.PRIVATE, holder="delta"),
    )
    constitute(world, council([Right.DISPUTE_DECIDE], seats=seats))
    assert [one.uuid for one in world.hub.disputes.all("coast")] == [dispute.uuid]
    world.clock.advance(30 * DAY)
    assert world.hub.disputes.all("coast") == []
    assert [one.uuid for one in world.hub.disputes.all("delta")] == [dispute.uuid]


WRONG: Final = {
    "without an object": {"subject": " "},
    "with oneself": {"against": "alfa"},
    "with nobody": {"against": "zulu"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_dispute_is(world: World, case: str) -> None:
    with pytest.raises((InputError, NotFoundError)):
        file(world, **WRONG[case])  # type: ignore[arg-type]


def test_nobody_speaks_for_another_party(world: World) -> None:
    dispute = file(world)
    with pytest.raises(ForbiddenError, match="not of that party"):
        world.hub.disputes.offer(OPERATOR.for_("sig@delta"), dispute.uuid, "alfa", "Amber")
    with pytest.raises(ForbiddenError, match="not of that party"):
        world.hub.disputes.file(
            OPERATOR.for_("sig@delta"), DisputeKind.COMPLAINT, complainant="alfa", respondent="bravo", statement="X"
        )
    for mediator, error in (("sig@alfa", ForbiddenError), ("nobody@coast", InputError), ("coast", InputError)):
        with pytest.raises(error):
            world.hub.disputes.mediate(OPERATOR, dispute.uuid, mediator)
    # no operator: refused as one, whatever the mediator's party is
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    with pytest.raises(ForbiddenError, match="the secretary names"):
        world.hub.disputes.mediate(OPERATOR.for_("sig@delta"), dispute.uuid, "sig@coast")
    for reasons, remedy in (("", "Amber"), ("So", "")):
        with pytest.raises(InputError):
            world.hub.disputes.decide(
                OPERATOR, world.hub.mandate, dispute.uuid, outcome=Outcome.UPHELD, reasons=reasons, remedy=remedy
            )


def test_a_mediator_is_of_a_vetted_party(world: World) -> None:
    dispute = file(world)
    parties = world.hub.parties
    uri = "https://cand.example"
    with parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.add_party(Party(uri=uri, name="cand", title="Cand", kind=Kind.PRIVATE, country="NO"))
        acts.add_user(User(name="eve", party=uri))
    parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    for mediator, status in (("eve@cand", "candidate"), ("sig@coast", "suspended")):
        with pytest.raises(ForbiddenError, match=f"a mediator is of a vetted party, and .* is {status}"):
            world.hub.disputes.mediate(OPERATOR, dispute.uuid, mediator)
    assert world.hub.disputes.mediate(OPERATOR, dispute.uuid, "sig@delta").mediator == "sig@delta"


@pytest.mark.parametrize("column", ["dispute", "status", "due", "complainant", "respondent"])
def test_a_damaged_dispute_is_found(template: Path, tmp_path: Path, column: str) -> None:
    world = World(tmp_path / "hub", template=template)
    file(world)
    changed: dict[str, object] = {"dispute": b"{}", "status": "final", "due": None}
    changed |= {"complainant": "x", "respondent": "x"}
    with world.hub.store.write() as connection:
        connection.execute(update(DISPUTES).values({column: changed[column]}))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    world.hub.close()
