"""What was opened without a motion: how long it lasts, who renews it, and what logs of before tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.council import constitute, council
from support.council import decide as decide_
from support.flood import (
    HOUR,
    act,
    annex,
    answer,
    by_motion,
    call,
    founded,
    of_before,
    opened,
    reads,
    seated,
    turns,
)
from support.hub import OPERATOR, World
from support.told import entries_of, rebuilt
from tocsin.agreements.annexes import model
from tocsin.agreements.annexes.model import ActivatedBy, Asked
from tocsin.errors import ConflictError, ForbiddenError, LogBrokenError, TransitionError
from tocsin.exchange.replay import replay
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tocsin.agreements.annexes.model import Activation
    from tocsin.agreements.document import AnnexTerms


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return founded(tmp_path_factory.mktemp("annexes") / "hub")


@pytest.fixture
def lax(template: Path, tmp_path: Path) -> Iterator[World]:
    """Return a hub that is made to do what earlier versions did: its own log, which is of today, may not tell that."""
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


@pytest.mark.still
def test_the_founding_mandate_s_lasts_no_longer_than_duty_holders_and_is_told_as_such(world: World) -> None:
    world.clock.advance(1)
    call(world, "alfa")
    world.clock.advance(1)
    act(world, "activate")
    began = world.clock.now()
    assert turns(world) == began + 6 * HOUR
    view = annex(world)
    (made,) = view.activations
    assert (made.by, made.ratify_by) == (ActivatedBy.FOUNDING, began + 6 * HOUR)
    begun = view.begun[1]
    assert (begun.actor, begun.reason) == (OPERATOR.actor, "because")
    assert (begun.mandate or "").startswith("founding:")
    assert view.calls == (), "a call that was not completed did not begin it"
    with pytest.raises(ConflictError, match="is active"):
        act(world, "activate")
    with pytest.raises(ForbiddenError, match="the founding mandate does not"):
        act(world, "ratify")
    world.hub.self_test.require()
    world.clock.advance(6 * HOUR)
    assert not reads(world)
    act(world, "review")
    with pytest.raises(ConflictError, match="before, and no motion has answered"):
        act(world, "activate")
    rebuilt(entries_of(world))


def test_logs_of_before_tell_that_it_did_so_again(lax: World, monkeypatch: pytest.MonkeyPatch) -> None:
    act(lax, "activate")
    lax.clock.advance(6 * HOUR)
    with monkeypatch.context() as before:
        before.setattr(model, "require_unused", lambda *_: None)
        act(lax, "activate")
    with pytest.raises(LogBrokenError, match="no motion has answered"):
        rebuilt(entries_of(lax))
    rebuilt(of_before(entries_of(lax)))
    lax.clock.advance(6 * HOUR)
    with pytest.raises(ConflictError, match="before, and no motion has answered"):
        act(lax, "activate")


def test_a_log_in_which_it_ratified_itself_is_refused(world: World) -> None:
    act(world, "activate")
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    by_motion(world, decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="crisis-council").uuid, "ratify")
    entries = entries_of(world)
    rebuilt(entries)
    forged = [
        msgspec.structs.replace(one, mandate="founding:entry:0") if one.kind == "annex.ratified" else one
        for one in entries
    ]
    with pytest.raises(LogBrokenError, match="and the founding mandate does not"):
        rebuilt(forged)
    with pytest.raises(LogBrokenError, match="ratified what it had opened itself"):
        rebuilt(of_before(forged))


def test_once_used_up_the_founding_mandate_leaves_it_to_a_body(world: World) -> None:
    act(world, "activate")
    world.clock.advance(6 * HOUR)
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    by_motion(world, decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="crisis-council").uuid)
    assert reads(world)


def test_duty_holders_end_what_the_founding_mandate_opened_and_open_it_themselves(world: World) -> None:
    act(world, "activate")
    world.clock.advance(1)
    assert call(world, "delta", asked=Asked.END) == ()
    world.clock.advance(1)
    assert len(call(world, "coast", asked=Asked.END)) == 1
    assert not reads(world)
    opened(world)
    assert reads(world)
    rebuilt(entries_of(world))
    world.hub.self_test.require()


def test_a_body_ratifies_what_the_founding_mandate_opened(world: World) -> None:
    act(world, "activate")
    seated(world)
    constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    (made,) = annex(world).activations
    motion = decide_(world, Right.ANNEX_ACTIVATE, "two-towns/1#flood", body="crisis-council")
    by_motion(world, motion.uuid, "ratify")
    (ratified,) = annex(world).activations
    assert ratified.last == made.starts + 72 * HOUR


def test_logs_of_before_say_of_the_founding_mandate_that_it_was_a_motion(
    lax: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(terms: AnnexTerms, _history: object, *, annex: str, version: int, at: int, number: int) -> Activation:
        return model.by_motion(terms, annex=annex, version=version, at=at, number=number)

    monkeypatch.setattr(model, "by_founding", before)
    act(lax, "activate")
    monkeypatch.undo()
    (made,) = annex(lax).activations
    assert (made.by, made.last - made.starts) == (ActivatedBy.MOTION, 72 * HOUR)
    with pytest.raises(LogBrokenError, match="what only a motion does"):
        rebuilt(entries_of(lax))
    rebuilt(of_before(entries_of(lax)))


def test_never_twice_without_a_motion(world: World) -> None:
    opened(world)
    world.clock.advance(6 * HOUR)
    for name, annex_ in (("alfa", "flood"), ("delta", "flood"), ("coast", "flood-too"), ("delta", "flood-too")):
        world.clock.advance(1)
        with pytest.raises(ConflictError, match="no motion has answered"):
            call(world, name, annex_)
    with pytest.raises(ConflictError, match="no motion has answered"):
        act(world, "activate")
    act(world, "review")
    assert (annex(world).review_open, annex(world).unanswered) == ((), (1,))
    with pytest.raises(ConflictError, match="closed, but under the founding mandate"):
        opened(world)
    for name in ("flood", "flood-too"):
        with pytest.raises(ConflictError, match="closed, but under the founding mandate"):
            act(world, "activate", name)
    with pytest.raises(TransitionError, match="no review of flood is open"):
        act(world, "review")
    answer(world, "review")
    assert annex(world).unanswered == ()
    opened(world)
    assert reads(world)
    rebuilt(entries_of(world))
    world.hub.self_test.require()


def test_a_log_in_which_no_motion_answered_for_what_is_renewed_is_refused(world: World) -> None:
    opened(world)
    world.clock.advance(6 * HOUR)
    answer(world, "review")
    opened(world)
    entries = entries_of(world)
    rebuilt(entries)
    (place,) = (index for index, one in enumerate(entries) if one.kind == "annex.reviewed")
    unanswered = msgspec.structs.replace(entries[place], mandate="founding:entry:0")
    forged = [*entries[:place], unanswered, *entries[place + 1 :]]
    with pytest.raises(LogBrokenError):  # it says that a motion closed it
        rebuilt(forged)
    (said,) = unanswered.data["activations"]
    for told in (said | {"reviewed_by": "founding"}, {key: said[key] for key in said if key != "reviewed_by"}):
        forged[place] = msgspec.structs.replace(unanswered, data=unanswered.data | {"activations": [told]})
        with pytest.raises(LogBrokenError):
            rebuilt(forged)
    rebuilt(of_before(forged))  # as earlier versions took it
    # from the first entry on that says who closes reviews, a log of an earlier founding is held to it too
    founded = [of_before([entries[0]])[0], *entries[1:]]
    rebuilt(founded)
    forged = [*founded[:place], unanswered, *founded[place + 1 :]]
    with pytest.raises(LogBrokenError):
        rebuilt(forged)


def test_a_log_that_says_so_with_its_founding_is_held_to_it_from_its_first_entry(world: World) -> None:
    opened(world)
    world.clock.advance(6 * HOUR)
    act(world, "review")
    entries = entries_of(world)
    replay([*enumerate(entries)])
    before = of_before(entries)
    replay([*enumerate(before)])
    with pytest.raises(LogBrokenError, match="other activations"):
        replay([*enumerate([entries[0], *before[1:]])])


def test_what_a_log_of_before_says_was_reviewed_counts_as_then(lax: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(lax)
    lax.clock.advance(6 * HOUR)
    now = model.review
    with monkeypatch.context() as before:
        before.setattr(model, "review", lambda one, *, at, by: now(one, at=at, by=by and None))
        act(lax, "review")
    opened(lax)
    assert reads(lax)


def test_the_founding_mandate_ends_what_a_motion_opened_while_no_body_may(world: World) -> None:
    answer(world, "activate")
    act(world, "end")
    assert not reads(world)
    answer(world, "activate")
    constitute(world, council([Right.ANNEX_END], name="ends"))
    with pytest.raises(ForbiddenError, match="was given to a body"):
        act(world, "end")
    assert reads(world)
