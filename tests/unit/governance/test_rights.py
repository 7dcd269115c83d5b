"""Every right has its act and every act its right; whoever tries one without a mandate for it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.council import constitute, council, decide, motion_on
from support.hub import OPERATOR
from support.privileged import DEEDS, OTHERWISE, Deed, copy, ready
from tocsin.errors import ForbiddenError, InputError, RefusedError
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.privileged import ACTS, required
from tocsin.kernel.mandate import ANY_SUBJECT, REPEATABLE, Mandate, MandateBasis, Right, founding_mandate
from tocsin.log.model import decode_payload
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World
    from tocsin.log.model import EntryPayload

EACH = [
    pytest.param(kind, deed, id=f"{kind}-{place}") for kind, deeds in DEEDS.items() for place, deed in enumerate(deeds)
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rights") / "hub"
    ready(folder).hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = copy(template, tmp_path / "hub")
    yield made
    made.hub.close()


def motion(right: Right, subject: str, environment: str = "live") -> Mandate:
    """Return what a passed motion's mandate would look like; no motion passed it."""
    return Mandate(
        basis=MandateBasis.MOTION,
        environment=environment,
        reference="00000000-0000-4000-8000-000000000000",
        right=right,
        subject=subject,
    )


def size(world: World) -> int:
    with world.hub.store.read() as connection:
        return world.hub.log.head(connection).frontier.size


def last(world: World) -> EntryPayload:
    with world.hub.store.read() as connection:
        row = world.hub.log.row(connection, world.hub.log.head(connection).frontier.size - 1)
    assert row.payload is not None
    return decode_payload(row.payload)


def enter(world: World, kind: str, data: dict[str, object], mandate: Mandate | None) -> None:
    with world.hub.store.write() as connection:
        record = Record(kind=kind, at=world.hub.log.now(connection), acting=OPERATOR, data=data, mandate=mandate)
        world.hub.log.append(connection, [record])


def test_every_right_has_an_act_and_every_act_a_right() -> None:
    assert {act.right for act in ACTS.values()} == set(Right)
    assert DEEDS.keys() == ACTS.keys()


def test_it_ratifies_nothing(world: World) -> None:
    (deed,) = DEEDS["annex.ratified"]
    with pytest.raises(ForbiddenError, match="a motion ratifies"):
        deed.do(world, world.hub.mandate)


@pytest.mark.parametrize(("kind", "deed"), [one for one in EACH if one.values[0] != "annex.ratified"])
def test_the_founding_mandate_holds_what_nobody_else_was_given(world: World, kind: str, deed: Deed) -> None:
    subject = deed.subject(world)
    names = {party.uri: party.name for party in world.hub.parties.all_parties()}
    deed.do(world, world.hub.mandate)
    payload = last(world)
    assert (payload.kind, payload.mandate) == (kind, "founding:entry:0")
    # what the entry tells is about the subject that the act asked its mandate for
    assert required(kind, payload.data, names.__getitem__) == (ACTS[kind].right, subject)
    with pytest.raises(ForbiddenError, match="needs a mandate"):
        enter(world, kind, payload.data, None)


@pytest.mark.parametrize(("kind", "deed"), EACH)
def test_an_operator_without_a_mandate_for_it_changes_nothing(world: World, kind: str, deed: Deed) -> None:
    right, subject, before = ACTS[kind].right, deed.subject(world), size(world)
    other = next(one for one in Right if one is not right)
    for mandate in (
        founding_mandate("exercise"),
        founding_mandate("live", withheld=frozenset({(right, ANY_SUBJECT)})),
        founding_mandate("live", withheld=frozenset({(right, subject)})),
        motion(other, subject),
        motion(right, f"{subject}x"),
        motion(right, ANY_SUBJECT),
        motion(right, subject, "exercise"),
    ):
        with pytest.raises(ForbiddenError):
            deed.do(world, mandate)
    assert size(world) == before


@pytest.mark.parametrize(("kind", "deed"), EACH)
def test_what_a_body_was_given_needs_a_motion_of_that_body(world: World, kind: str, deed: Deed) -> None:
    right, subject = ACTS[kind].right, deed.subject(world)
    constitute(world, council([right]))
    before = size(world)
    made_up = founding_mandate("live")  # as if nothing had been given away
    for mandate in (world.hub.mandate, made_up, motion(right, subject)):
        with pytest.raises(RefusedError):
            deed.do(world, mandate)
    assert size(world) == before
    passed = decide(world, right, subject, document=deed.document)
    assert passed.status is MotionStatus.PASSED
    with world.hub.store.read() as connection:
        mandate = world.hub.governance.mandate(connection, right, subject, motion=passed.uuid)
    deed.do(world, mandate)
    assert last(world).mandate == f"motion:{passed.uuid}"
    done = world.hub.governance.motion(passed.uuid).motion
    assert (done.status, done.used) == (MotionStatus.EXECUTED, (size(world) - 1,))
    if right.startswith("governance:"):  # the others' rooms have their own tests
        world.hub.self_test.require()
    with world.hub.store.read() as connection:
        if right in REPEATABLE:
            world.hub.governance.mandate(connection, right, subject, motion=passed.uuid)
        else:
            with pytest.raises(ForbiddenError, match="good once"):
                world.hub.governance.mandate(connection, right, subject, motion=passed.uuid)
    # nor does the log take it a second time from whoever kept the value
    if right not in REPEATABLE:
        with pytest.raises(ForbiddenError, match="good once"):
            enter(world, kind, last(world).data, mandate)


@pytest.mark.parametrize("kind", OTHERWISE)
def test_what_a_body_decided_is_done_and_nothing_else(world: World, kind: str) -> None:
    deed, right, (document, differ) = DEEDS[kind][0], ACTS[kind].right, OTHERWISE[kind]
    subject = deed.subject(world)
    constitute(world, council([right]))
    with pytest.raises(InputError, match="what exactly is decided"):
        motion_on(world, right, subject)
    passed = decide(world, right, subject, document=document)
    before = size(world)
    with pytest.raises(ForbiddenError, match=rf"they differ in {differ} \("):
        deed.do(world, world.hub.governance.granted(passed.uuid))
    assert size(world) == before
    assert world.hub.governance.motion(passed.uuid).motion.status is MotionStatus.PASSED


def test_the_log_takes_no_mandate_where_none_belongs(world: World) -> None:
    with pytest.raises(ForbiddenError, match="takes no mandate"):
        enter(world, "inquiry", {}, world.hub.mandate)


@pytest.mark.parametrize("kind", sorted(ACTS))
def test_data_of_another_kind_is_refused_by_name(kind: str) -> None:
    for data in ({}, {"party": 1, "user": 2}, {"user": {"name": "x", "party": []}}):
        with pytest.raises(InputError, match=kind):
            required(kind, data, {"https://a.example": "a"}.__getitem__)
