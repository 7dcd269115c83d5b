"""Emergency annexes at a hub: who opens one, for whom, for how long, and what nobody can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import text

from support.agreement_texts import PLAIN
from support.council import DEPUTIES, constitute, council, signatory
from support.council import decide as decide_
from support.hub import OPERATOR, START, World, key_of
from support.told import entries_of, rebuilt
from tocsin.agreements.annexes import model
from tocsin.agreements.annexes.model import MAX_AHEAD, MAX_SAID, MAX_SHIFT, ActivatedBy, Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import Signed, sign_bytes
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.ground import turns_at
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import ConflictError, ForbiddenError, InputError, LogBrokenError, NotFoundError, TransitionError
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tocsin.agreements.annexes.model import Activation
    from tocsin.agreements.annexes.views import AnnexView
    from tocsin.agreements.document import AnnexTerms
    from tocsin.log.model import EntryPayload

HOUR: Final = 3_600 * 1_000_000
ANNEX: Final = """\
  - id: "9"
    emergency: flood
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: respond
    rests_on: [law]
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT6H}
    afterwards: {new_releases: stop, keep: [indicator]}
"""
TEXT: Final = (
    PLAIN.replace("until: 2027-01-01", "until: null").replace(
        'SE: {cite: "Act 2", valid: [2026-01-15, 2026-06-01]}', 'SE: {cite: "Act 2", valid: [2026-01-15, null]}'
    )
    + ANNEX
)
SAME_AGAIN: Final = TEXT + ANNEX.replace('id: "9"', 'id: "10"').replace("flood", "flood-too")
ALL: Final = ("alfa", "bravo", "coast", "delta")


@pytest.fixture
def lax(template: Path, tmp_path: Path) -> Iterator[World]:
    """Return a hub that is made to do what earlier versions did: its own log, which is of today, may not tell that."""
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annexes") / "hub"
    world = World(folder)
    for name in ALL:
        world.party(name, kind=Kind.PUBLIC if name in ("alfa", "delta") else Kind.PRIVATE)
    world.agreement(SAME_AGAIN, signed_by=ALL)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for name in ALL:
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=START, until=START + MAX_SHIFT)
    world.hub.close()
    return folder


def uri(name: str) -> str:
    return f"https://{name}.example"


def call(
    world: World,
    name: str,
    annex: str = "flood",
    *,
    asked: Asked = Asked.ACTIVATE,
    said_at: int | None = None,
    key: str | None = None,
    made: Signed | None = None,
    version: int = 1,
    hub: str = "https://hub.example",
) -> tuple[Activation, ...]:
    said = world.clock.now() if said_at is None else said_at
    document = world.hub.agreements.get("two-towns", version).document
    data = call_bytes(
        document, annex=annex, asked=asked, hub=hub, party=uri(name), user="sig", said_at=said, reason="water"
    )
    signed = made or sign_bytes(data, key_of(key or name))
    with world.hub.agreements.emergency(Acting(actor=f"sig@{name}")) as acts:
        return acts.call(
            "two-towns",
            version,
            annex,
            caller=f"sig@{name}",
            asked=asked,
            said_at=said,
            made=signed,
            reason="water",
        )


def act(world: World, verb: str, annex: str = "flood", version: int = 1) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(world.hub.mandate, "two-towns", version, annex, "because")


def annex(world: World) -> AnnexView:
    return next(one for one in world.hub.agreements.annexes() if one.annex == "flood")


def opened(world: World) -> tuple[Activation, ...]:
    world.clock.advance(1)
    assert call(world, "alfa") == ()
    world.clock.advance(1)
    made = call(world, "bravo")
    assert len(made) == 1
    return made


def reads(world: World, reader: str = "coast", owner: str = "alfa", **more: object) -> bool:
    """Return whether a party's service may read an indicator of another's to respond; only the annex lets it."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        facts = world.hub.agreements.facts(connection, at)
    profile = profile_of(facts.parties[uri(reader)], None, "respond", at)
    label = Label(owner=uri(owner), type="indicator", **({"tlp": Tlp.GREEN} | more))  # type: ignore[arg-type]
    (verdict,) = decide(slice_for(profile, facts), profile, [label])
    return verdict.allows


def turns(world: World) -> int | None:
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        return turns_at(uri("coast"), world.hub.agreements.facts(connection, at))


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


def of_before(entries: list[EntryPayload]) -> list[EntryPayload]:
    """Return a log as hubs of earlier versions wrote it: who closed a review is not in it, nor who may renew."""
    told = []
    for one in entries:
        data = {name: value for name, value in one.data.items() if name != "renewed_by"}
        if "activations" in data:
            data["activations"] = [
                {name: value for name, value in each.items() if name != "reviewed_by"} for each in data["activations"]
            ]
        told.append(msgspec.structs.replace(one, data=data))
    return told


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


def seated(world: World) -> None:
    for reference in DEPUTIES:
        signatory(world, reference)


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


def answer(world: World, verb: str) -> None:
    """Let a motion of the council that the agreement names act on the annex; it is constituted where there is none."""
    if not any(one.name == "crisis-council" for one in world.hub.governance.bodies()):
        seated(world)
        constitute(world, council([Right.ANNEX_ACTIVATE, Right.ANNEX_REVIEW], name="crisis-council"))
    right = Right.ANNEX_REVIEW if verb == "review" else Right.ANNEX_ACTIVATE
    by_motion(world, decide_(world, right, "two-towns/1#flood", body="crisis-council").uuid, verb, right=right)


def by_motion(world: World, motion: str, verb: str = "activate", *, right: Right = Right.ANNEX_ACTIVATE) -> None:
    with world.hub.store.read() as connection:
        mandate = world.hub.governance.mandate(connection, right, "two-towns/1#flood", motion)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(mandate, "two-towns", 1, "flood", "because")


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
