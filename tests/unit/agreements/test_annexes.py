"""Emergency annexes at a hub: who opens one, for whom, for how long, and what nobody can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import text

from support.council import constitute, council
from support.council import decide as decide_
from support.flood import (
    ALL,
    HOUR,
    SAME_AGAIN,
    act,
    annex,
    answer,
    by_motion,
    call,
    founded,
    opened,
    reads,
    seated,
    turns,
    uri,
)
from support.hub import OPERATOR, START, World
from support.told import entries_of, rebuilt
from tocsin.agreements.annexes.model import MAX_AHEAD, MAX_SAID, MAX_SHIFT, ActivatedBy, Asked
from tocsin.agreements.model import Tlp
from tocsin.errors import ConflictError, ForbiddenError, InputError, LogBrokenError, NotFoundError, TransitionError
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return founded(tmp_path_factory.mktemp("annexes") / "hub")


# --- activation ------------------------------------------------------------------------------------------------------


def test_without_effect_until_it_is_activated(world: World) -> None:
    assert not reads(world)
    act(world, "activate")
    assert reads(world)
    assert not reads(world, "hub"), "who is no member gains nothing"


@pytest.mark.still
def test_a_motion_s_lasts_as_long_as_the_agreement_says_and_ends_by_itself(world: World) -> None:
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    motion = decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="crisis-council").uuid
    by_motion(world, motion)
    began = world.clock.now()
    view = annex(world)
    (made,) = view.activations
    assert (made.by, made.last) == (ActivatedBy.MOTION, began + 72 * HOUR)
    assert view.begun[1].motion == motion
    world.clock.advance(72 * HOUR - 1)
    assert reads(world)
    world.clock.advance(1)
    assert not reads(world)


def test_two_on_duty_of_both_sides_open_it_until_it_must_be_ratified(world: World) -> None:
    (made,) = opened(world)
    assert reads(world)
    assert made.last == turns(world) == made.starts + 6 * HOUR
    world.clock.advance(6 * HOUR)
    assert not reads(world)


def test_ratified_it_lasts_as_if_a_motion_had_begun_it(world: World) -> None:
    (made,) = opened(world)
    world.clock.advance(HOUR)
    with pytest.raises(ForbiddenError, match="and the founding mandate does not"):
        act(world, "ratify")
    answer(world, "ratify")
    assert turns(world) == made.starts + 72 * HOUR
    with pytest.raises(TransitionError, match="needs no ratification"):
        answer(world, "ratify")


@pytest.mark.parametrize(("first", "second"), [("alfa", "delta"), ("bravo", "coast"), ("alfa", "alfa")])
def test_one_side_alone_opens_nothing(world: World, first: str, second: str) -> None:
    world.clock.advance(1)
    assert call(world, first) == ()
    world.clock.advance(1)
    assert call(world, second) == ()
    assert not reads(world)


def test_floors_stand(world: World) -> None:
    act(world, "activate")
    assert not reads(world, tlp=Tlp.RED)
    assert not reads(world, tlp=Tlp.AMBER_STRICT)
    assert not reads(world, unknown_marking=True)
    assert not reads(world, recipients=frozenset({uri("delta")}))
    assert not reads(world, categories=frozenset({"export-controlled"})), "what the agreement forbids stays forbidden"


def test_a_suspended_agreement_has_no_annex(world: World) -> None:
    act(world, "activate")
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "two-towns", 1, "a test")
    assert not reads(world)
    with pytest.raises(TransitionError, match="not in force"):
        act(world, "activate")
    world.clock.advance(1)
    with pytest.raises(TransitionError, match="not in force"):
        call(world, "alfa")


def test_while_it_is_suspended_it_waits_and_duty_holders_can_end_it(world: World) -> None:
    act(world, "activate")
    until = annex(world).until
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "two-towns", 1, "a test")
    view = annex(world)
    assert (view.until, view.suspended_until, view.review_open) == (None, until, ())
    world.clock.advance(1)
    assert call(world, "delta", asked=Asked.END) == ()
    assert [one.asked for one in annex(world).calls] == [Asked.END]
    world.clock.advance(1)
    assert len(call(world, "coast", asked=Asked.END)) == 1
    assert (annex(world).suspended_until, annex(world).review_open) == (None, (1,))
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.resume(world.hub.mandate, "two-towns", 1, "a test")
    assert not reads(world)
    rebuilt(entries_of(world))
    world.hub.self_test.require()


# --- what duty-holders cannot do -------------------------------------------------------------------------------------


def test_nor_while_it_is_active_nor_in_a_later_version(world: World) -> None:
    opened(world)
    world.clock.advance(1)
    with pytest.raises(ConflictError, match="is active"):
        call(world, "delta", "flood-too")
    world.agreement(SAME_AGAIN.replace("version: 1", "version: 2"), signed_by=ALL)
    assert not reads(world), "an annex ends with its version"
    world.clock.advance(6 * HOUR)
    with pytest.raises(ConflictError, match="no motion has answered"):
        call(world, "delta", version=2)


def test_what_was_said_once_is_not_said_twice(world: World) -> None:
    world.clock.advance(1)
    said = world.clock.now()
    call(world, "alfa", said_at=said)
    with pytest.raises(ForbiddenError, match="heard before"):
        call(world, "alfa", said_at=said)
    call(world, "alfa", said_at=said + 1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"key": "bravo"}, "no call of"),
        ({"hub": "https://other.example"}, "no call of"),
        ({"said_at": START - MAX_SAID}, "was signed for"),
        ({"said_at": START + MAX_AHEAD + 10 * DAY}, "was signed for"),
    ],
    ids=["another's key", "another hub", "kept from before", "made for later"],
)
def test_a_call_is_by_its_caller_here_and_now(world: World, change: dict[str, object], what: str) -> None:
    world.clock.advance(1)
    with pytest.raises(ForbiddenError, match=what):
        call(world, "alfa", **change)  # type: ignore[arg-type]


def test_a_call_stands_for_an_hour(world: World) -> None:
    world.clock.advance(1)
    call(world, "alfa")
    world.clock.advance(HOUR)
    assert call(world, "bravo") == ()


def test_who_is_not_on_duty_calls_nobody(world: World) -> None:
    world.clock.advance(MAX_SHIFT)
    with pytest.raises(ForbiddenError, match="not on duty"):
        call(world, "alfa")


def test_a_shift_is_short_and_of_somebody_with_a_key(world: World) -> None:
    world.user("ana@alfa")
    with world.hub.agreements.emergency(OPERATOR) as acts:
        with pytest.raises(InputError, match="at most 31 days"):
            acts.set_duty(world.hub.mandate, "sig@alfa", starts=START, until=START + MAX_SHIFT + 1)
        with pytest.raises(InputError, match="active signatory"):
            acts.set_duty(world.hub.mandate, "ana@alfa", starts=START, until=START + 1)


def test_no_such_annex(world: World) -> None:
    with pytest.raises(NotFoundError, match="no emergency annex"):
        act(world, "activate", "fire")


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_a_body_ends_it(world: World) -> None:
    act(world, "activate")
    act(world, "end")
    assert not reads(world)
    with pytest.raises(TransitionError, match="is not active"):
        act(world, "end")


def test_duty_holders_end_what_duty_holders_opened(world: World) -> None:
    opened(world)
    world.clock.advance(1)
    assert call(world, "delta", asked=Asked.END) == ()
    world.clock.advance(1)
    assert len(call(world, "coast", asked=Asked.END)) == 1
    assert not reads(world)


def test_but_not_what_a_body_answers_for(world: World) -> None:
    opened(world)
    answer(world, "ratify")
    world.clock.advance(1)
    with pytest.raises(ForbiddenError, match="a body answers"):
        call(world, "delta", asked=Asked.END)


def test_the_clock_set_back_prolongs_nothing(world: World) -> None:
    (made,) = opened(world)
    world.clock.advance(6 * HOUR)
    act(world, "review")
    world.clock.advance(-5 * HOUR)
    assert not reads(world), "hub time never goes back behind what was entered"
    assert made.last <= made.starts + 6 * HOUR


# --- the body that the agreement names -------------------------------------------------------------------------------


def test_another_council_s_motion_will_not_do(world: World) -> None:
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="other-council"))
    other = decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="other-council")
    with pytest.raises(ForbiddenError, match="and this motion is of other-council"):
        by_motion(world, other.uuid)
    assert not reads(world)


def test_nor_the_founding_mandate_where_the_council_exists(world: World) -> None:
    seated(world)
    constitute(world, council(name="crisis-council"))
    with pytest.raises(ForbiddenError, match="leaves this to the body crisis-council"):
        act(world, "activate")
    assert not reads(world)


def test_the_council_s_motion_activates_once(world: World) -> None:
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    motion = decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="crisis-council")
    by_motion(world, motion.uuid)
    assert reads(world)
    with pytest.raises(ForbiddenError, match="good once"):
        by_motion(world, motion.uuid)


# --- the self-test ---------------------------------------------------------------------------------------------------

DAMAGE: Final = {
    "an activation lasts longer": "UPDATE annex_activations SET ends = ends + 1, ratify_by = ratify_by + 1",
    "an activation is reviewed by a motion": "UPDATE annex_activations SET reviewed_by = 'motion'",
    "an activation is ratified": "UPDATE annex_activations SET ratified = starts",
    "an activation is gone": "DELETE FROM annex_activations",
    "a call is another party's": "UPDATE annex_calls SET party = 'https://delta.example' WHERE number = 1",
    "a call is gone": "DELETE FROM annex_calls WHERE number = 2",
    "a call's signature": "UPDATE annex_calls SET signature = reason",
    "a shift is longer": "UPDATE duty SET until = until + 1",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_the_self_test_finds_what_the_log_does_not_tell(template: Path, tmp_path: Path, damage: str) -> None:

    world = World(tmp_path / "hub", template=template)
    opened(world)
    with world.hub.store.write() as connection:
        connection.execute(text(damage))
    faults = [one.check for one in world.hub.self_test.run() if one.fault is not None]
    world.hub.close()
    assert "annexes" in faults


@pytest.mark.parametrize("kind", ["annex.called", "annex.ratified", "annex.ended", "annex.reviewed"])
def test_an_act_told_twice_is_found(world: World, kind: str) -> None:
    opened(world)
    for verb in ("ratify", "end", "review"):
        world.clock.advance(1)
        (act if verb == "end" else answer)(world, verb)
    told = entries_of(world)
    rebuilt(told)
    place = next(index for index, entry in enumerate(told) if entry.kind == kind)
    with pytest.raises(LogBrokenError):
        rebuilt([*told[: place + 1], told[place], *told[place + 1 :]])
