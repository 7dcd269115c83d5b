"""What bodies decide is carried out over the API: by operators of the hub, under a motion, once, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.council import DEPUTIES, constitute, council, decide, motion_on, signatory
from support.hub import World
from tocsin.errors import ForbiddenError, InputError, NotFoundError, TocsinError, TransitionError
from tocsin.exchange.api.carried import LEFT_OUT, acts
from tocsin.exchange.api.carrying import operations
from tocsin.governance.model.disputes import DisputeKind
from tocsin.governance.model.motions import MotionStatus
from tocsin.kernel.http.routes import Call, Endpoint
from tocsin.kernel.http.turn import Turn
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Kind, PartyStatus, Permission, Principal, PrincipalKind, Role
from tocsin.risk import http as risk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATED: Final = "operator@hub"
FLOOD: Final = """\
body: flood
kind: task-force
title: The flood
decides: {quorum: 0.5, more_than: 0.5}
seats:
  - {seat: one, side: private, holder: alfa}
"""
# right, subject, what it takes besides, and the body with which it is carried out
CASES: Final[dict[str, tuple[Right, str, str | None, dict[str, Any]]]] = {
    "a party is suspended": (Right.PARTY_SUSPEND, "delta", None, {"suspend_party": {"reason": "decided"}}),
    "a party is cleared": (
        Right.PARTY_CLEAR,
        "delta",
        "{clearance: secret, until: 2027-01-01}",
        {"clear_party": {"clearance": "secret", "until": "2027-01-01"}},
    ),
    "a party is changed": (
        Right.PARTY_CHANGE,
        "delta",
        "title: Delta Two",
        {"change_party": {"title": "Delta Two"}},
    ),
    "a user is added": (
        Right.USER_ADD,
        "new@delta",
        "{roles: analyst, clearance: restricted}",
        {"add_user": {"roles": ["analyst"], "clearance": "restricted"}},
    ),
    "a collection is opened": (
        Right.COLLECTION_ADD,
        "lab",
        "title: The lab",
        {"add_collection": {"title": "The lab"}},
    ),
    "the ceiling is raised": (Right.CEILING_SET, "restricted", None, {"set_ceiling": {}}),
    "a hold is placed": (
        Right.HOLD_PLACE,
        "court",
        "{until: 2026-07-01, party: delta, types: tool}",
        {"place_hold": {"until": "2026-07-01", "reason": "evidence", "party": "delta", "types": ["tool"]}},
    ),
    "a body is made": (Right.BODY_CONSTITUTE, "flood", FLOOD, {"constitute_body": {"document": FLOOD}}),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carrying") / "hub"
    world = World(folder)
    for name in ("alfa", "bravo", "coast", "delta"):
        world.party(name)
    for reference in DEPUTIES:
        signatory(world, reference)
    world.user("aud@hub", roles=frozenset({Role.AUDITOR}))
    world.hub.disputes.file(
        Acting(actor="sig@delta"),
        DisputeKind.COMPLAINT,
        complainant="delta",
        respondent="hub",
        statement="It is so.",
    )
    constitute(world, council({right for right, *_ in CASES.values()} | {Right.DISPUTE_DECIDE, Right.VETTING_PROLONG}))
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


def execute(world: World, motion: str, body: object, *, who: str = OPERATED) -> dict[str, Any]:
    """Ask for it past HTTP, with every permission."""
    (operation,) = operations(world.hub)
    user, _, party = who.rpartition("@")
    principal = Principal(
        kind=PrincipalKind.USER if user else PrincipalKind.SERVICE,
        party=world.hub.parties.get(party).uri,
        party_name=party,
        user=user or None,
        purpose="detect",
        permissions=frozenset(Permission),
    )
    assert isinstance(operation.does, Endpoint)
    call = Call(known=principal, path={"motion": motion}, query=b"", headers={}, body=json.dumps(body).encode())
    told: dict[str, Any] = json.loads(operation.does.run(call).body)
    return told


@pytest.mark.parametrize("case", CASES)
def test_what_was_decided_is_done_once(world: World, case: str) -> None:
    right, subject, document, body = CASES[case]
    motion = decide(world, right, subject, document=document)
    (act,) = body
    assert execute(world, motion.uuid, body) == {
        "motion": motion.uuid,
        "act": act,
        "right": str(right),
        "subject": subject,
        "status": "executed",
    }
    with pytest.raises(TocsinError):
        execute(world, motion.uuid, body)
    world.hub.self_test.require()


def test_a_dispute_is_decided_as_it_was_voted_on(world: World) -> None:
    (dispute,) = world.hub.disputes.all()
    asked = {"outcome": "upheld", "reasons": "It did.", "remedy": "It stops."}
    motion = decide(world, Right.DISPUTE_DECIDE, dispute.uuid, document=json.dumps(asked))
    with pytest.raises(ForbiddenError):
        execute(world, motion.uuid, {"decide_dispute": asked | {"outcome": "rejected"}})
    assert execute(world, motion.uuid, {"decide_dispute": asked})["status"] == "executed"
    assert world.hub.disputes.get(dispute.uuid).decisions[0].mandate == f"motion:{motion.uuid}"


@pytest.mark.parametrize("who", ["sig@alfa", "aud@hub", "hub", "delta"])
def test_nobody_but_an_operator_carries_out_and_learns_what_there_is(world: World, who: str) -> None:
    motion = decide(world, Right.PARTY_SUSPEND, "delta")
    body = {"suspend_party": {"reason": "decided"}}
    refusals = set()
    for uuid in (motion.uuid, "00000000-0000-4000-8000-000000000000", "none"):
        with pytest.raises(ForbiddenError) as refused:
            execute(world, uuid, body, who=who)
        refusals.add((refused.value.what, refused.value.where, refused.value.todo))
    assert len(refusals) == 1
    assert world.hub.parties.get("delta").status is PartyStatus.VETTED


def test_what_was_not_decided_is_not_done(world: World) -> None:
    body = {"suspend_party": {"reason": "decided"}}
    pending = motion_on(world, Right.PARTY_SUSPEND, "delta")
    resolution = decide(world, None)
    other = decide(world, Right.CEILING_SET, "restricted")
    for uuid in (pending.uuid, resolution.uuid, other.uuid):
        with pytest.raises(ForbiddenError):
            execute(world, uuid, body)
    for uuid in ("00000000-0000-4000-8000-000000000000", "none"):
        with pytest.raises(NotFoundError):
            execute(world, uuid, body)
    cleared = decide(world, Right.PARTY_CLEAR, "delta", document="clearance: restricted")
    with pytest.raises(ForbiddenError):
        execute(world, cleared.uuid, {"clear_party": {"clearance": "secret"}})
    assert world.hub.parties.get("delta").status is PartyStatus.VETTED
    assert world.hub.parties.get("delta").kind is Kind.PRIVATE


def test_what_the_act_itself_refuses_uses_no_motion_up(world: World) -> None:
    motion = decide(world, Right.VETTING_PROLONG, "delta", document="until: 2026-07-01")
    with pytest.raises(TransitionError, match="admitted by no application"):
        execute(world, motion.uuid, {"prolong_vetting": {"until": "2026-07-01", "reason": "in an incident"}})
    assert world.hub.governance.motion(motion.uuid).motion.status is MotionStatus.PASSED


@pytest.mark.parametrize(
    "body",
    [{}, {"suspend_party": {}, "let_party_go": {}}, {"suspend": {}}, {"suspend_party": {"party": "alfa"}}, [], 1],
)
def test_one_act_and_nothing_else(world: World, body: object) -> None:
    with pytest.raises(InputError):
        execute(world, "00000000-0000-4000-8000-000000000000", body)


def test_every_right_has_its_act_or_is_left_out(world: World) -> None:
    own, above = acts(world.hub), risk.acts(world.hub, Turn("roll-up"))
    assert not own.keys() & above.keys()
    rights = {one.right for one in (*own.values(), *above.values())}
    assert rights | LEFT_OUT == set(Right)
    assert not rights & LEFT_OUT
