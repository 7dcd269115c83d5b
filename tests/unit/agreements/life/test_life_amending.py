"""What a majority changes for all, and what a grace prolongs."""

from __future__ import annotations

from typing import Final

import pytest

from support.hub import OPERATOR, START, World
from support.lives import (
    ALL,
    SAUCE,
    SECOND,
    TEXT,
    adopt,
    amend,
    grace,
    in_force,
    members,
    object_,
    reads,
    sign,
    status,
    uri,
    withdraw,
)
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import MAX_GRACE
from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, TransitionError
from tocsin.kernel.clock import DAY, parse_date

# All of it is about the instants at which notices and objections end.
pytestmark = pytest.mark.still


def test_a_majority_amends_for_all_who_do_not_object(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    with pytest.raises(TransitionError) as caught:
        adopt(world)
    assert "members can object until 2026-07-01" in str(caught.value)
    world.clock.at = START + 30 * DAY
    assert adopt(world) == {uri("coast")}
    assert (status(world, 1), status(world, 2)) == (AgreementStatus.SUPERSEDED, AgreementStatus.IN_FORCE)
    assert members(world) == ("alfa", "bravo", "coast")
    assert reads(world, "coast", "alfa")
    assert reads(world, "alfa", "coast")


def test_when_all_signed_nobody_is_waited_for(world: World) -> None:
    in_force(world)
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    assert adopt(world) == frozenset()


# who signs, who objects; the terms; whether it is adopted
MAJORITIES: Final = {
    "half is no majority": (("alfa", "bravo"), (), "{more_than: 0.5}", False),
    "three of four": (("alfa", "bravo", "coast"), (), "{more_than: 0.5}", True),
    "as many object as sign": (("alfa", "bravo"), ("coast", "delta"), "{more_than: 0.25}", False),
    "fewer object than sign": (("alfa", "bravo"), ("coast",), "{more_than: 0.25}", True),
    "an objection alone stops no majority": (("alfa", "bravo", "coast"), ("delta",), "{more_than: 0.5}", True),
    "who signs takes the objection back": (("alfa", "bravo", "coast"), ("coast", "delta"), "{more_than: 0.5}", True),
    "of every kind": (("alfa", "bravo", "coast"), (), "{more_than: {private: 0.5, public: 0.5}}", True),
    "of a kind without members alone": (ALL, (), "{more_than: {public: 0.5}}", False),
    "more than all cannot be": (ALL, (), "{more_than: 1}", False),
}


@pytest.mark.parametrize("name", MAJORITIES)
def test_what_a_majority_is(world: World, name: str) -> None:
    signing, objecting, terms, adopted = MAJORITIES[name]
    text = TEXT.replace("{more_than: 0.5, objection_period: P30D}", terms[:-1] + ", objection_period: P30D}")
    second = text.replace("version: 1", "version: 2")
    in_force(world, ALL, text)
    amend(world, second)
    for each in objecting:
        object_(world, each, second)
    for each in signing:
        sign(world, each, second)
    world.clock.at = START + 30 * DAY
    if not adopted:
        with pytest.raises(TransitionError, match="cannot be adopted"):
            adopt(world)
        return
    carried = adopt(world)
    assert carried == {uri(each) for each in ALL} - {uri(each) for each in (*signing, *objecting)}
    assert set(members(world)) == set(ALL) - (set(objecting) - set(signing))


def test_who_was_suspended_meanwhile_is_not_released_from_what_is_forbidden(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    world.clock.at = START + 30 * DAY
    assert adopt(world) == {uri("coast")}
    assert members(world) == ("alfa", "bravo")
    with world.hub.store.read() as connection:
        facts = world.hub.agreements.facts(connection, world.clock.now())
    assert uri("coast") in facts.bound["two-towns/2"]


def test_who_was_suspended_has_the_time_to_object_and_does(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "in the way")
    with pytest.raises(TransitionError) as caught:
        adopt(world)
    assert "members can object until 2026-07-01" in str(caught.value)
    object_(world, "coast")
    assert adopt(world) == frozenset(), "nobody is left to wait for"
    world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "coast", clearance="restricted", until=None)
    assert members(world) == ("alfa", "bravo")


def test_a_notice_runs_on_in_what_amends(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    world.clock.at = START + 20 * DAY
    assert withdraw(world, "coast") == START + 50 * DAY
    world.clock.at = START + 30 * DAY
    adopt(world)
    assert members(world) == ("alfa", "bravo", "coast")
    world.clock.at = START + 50 * DAY
    assert members(world) == ("alfa", "bravo")
    assert not reads(world, "coast", "coast", categories=SAUCE)


# what the amendment permits more; what is read; for what
NOBODY_ELSE_S_TO_GIVE: Final = {
    "amber+strict": ("of: {tlp: {at_most: amber+strict}}", "detect", {"tlp": Tlp.AMBER_STRICT}),
    "enforce": ("for: [detect, enforce]", "enforce", {"tlp": Tlp.GREEN}),
}


@pytest.mark.parametrize("name", NOBODY_ELSE_S_TO_GIVE)
def test_a_majority_opens_nothing_that_only_the_owner_s_own_word_opens(world: World, name: str) -> None:
    clause, purpose, label = NOBODY_ELSE_S_TO_GIVE[name]
    wider = SECOND.replace(
        "accession:", f'  - id: "8"\n    permit: read\n    to: {{parties: all}}\n    {clause}\naccession:'
    )
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world, wider)
    sign(world, "alfa", wider)
    sign(world, "bravo", wider)
    world.clock.at = START + 30 * DAY
    adopt(world)
    assert reads(world, "coast", "alfa", purpose=purpose, **label)
    assert not reads(world, "alfa", "coast", purpose=purpose, **label)
    sign(world, "coast", wider)
    assert reads(world, "alfa", "coast", purpose=purpose, **label)


# --- grace ---


def test_a_grace_prolongs_a_legal_basis_for_whom_it_names(world: World) -> None:
    in_force(world)
    lapse, ends = parse_date("2026-12-01"), parse_date("2026-12-20")
    world.clock.at = lapse
    assert not reads(world, "alfa", "bravo")
    grace(world, "alfa", until=ends)
    assert not reads(world, "alfa", "bravo")  # at both ends
    grace(world, "bravo", until=ends)
    assert reads(world, "alfa", "bravo")
    world.clock.at = ends - 1
    assert reads(world, "alfa", "bravo")
    world.clock.at = ends
    assert not reads(world, "alfa", "bravo")


def test_graces_one_after_the_other_end_where_one_must(world: World) -> None:
    in_force(world)
    last = parse_date("2026-12-01") + MAX_GRACE
    for at in (parse_date("2026-11-01"), last - 3 * DAY, last - DAY):
        world.clock.at = at
        grace(world, "alfa", "bravo", until=last)
        with pytest.raises(InputError, match="at most 60 days"):
            grace(world, "alfa", "bravo", until=last + 1)
    assert reads(world, "alfa", "bravo")
    world.clock.at = last
    assert not reads(world, "alfa", "bravo")


def test_a_grace_is_told_by_why(world: World) -> None:
    in_force(world)
    world.user("ana@alfa")
    world.clock.at = parse_date("2026-12-01")
    grace(world, "alfa", "bravo", until=parse_date("2026-12-20"))
    shown = world.hub.agreements.get("two-towns").graces
    assert [(one.basis, one.parties, one.reason) for one in shown] == [("law", ("alfa", "bravo"), "because")]


def test_a_grace_goes_on_with_an_amendment_and_no_longer(world: World) -> None:
    in_force(world)
    lapse, ends = parse_date("2026-12-01"), parse_date("2026-12-20")
    world.clock.at = lapse - 40 * DAY
    grace(world, "alfa", "bravo", until=ends)
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    adopt(world)
    shown = world.hub.agreements.get("two-towns", 2).graces
    assert [(one.basis, one.parties, one.until, one.reason) for one in shown] == [
        ("law", ("alfa", "bravo"), ends, "because")
    ]
    world.clock.at = ends - 1
    assert reads(world, "alfa", "bravo")
    world.clock.at = ends
    assert not reads(world, "alfa", "bravo")
    world.hub.self_test.require()


def test_a_grace_goes_on_with_the_next_version_that_all_sign(world: World) -> None:
    in_force(world)
    grace(world, "alfa", "bravo", until=parse_date("2026-12-20"))
    # there Norway's law ends no more, and needs no grace
    endless = SECOND.replace('"Act 1", valid: [2026-01-01, 2026-12-01]', '"Act 3", valid: [2026-01-01, null]')
    world.agreement(endless, signed_by=("alfa", "bravo"))
    assert world.hub.agreements.get("two-towns", 2).graces == ()
    world.hub.self_test.require()


def test_a_clearance_that_ends_in_the_middle_of_it_is_prolonged_and_ends_then(world: World) -> None:
    # criteria ask for a clearance: a member whose own ends is none any more, unless somebody who may prolongs it
    text = TEXT.replace("{all: {capacity: operator}}", "{all: {capacity: operator, clearance: restricted}}")
    in_force(world, ("alfa", "bravo", "coast"), text=text)
    clear = world.hub.parties.clear_party
    ends, grace_ends = START + 9 * DAY, START + 20 * DAY
    clear(OPERATOR, world.hub.mandate, "coast", clearance="restricted", until=ends)
    world.clock.at = ends - 1
    assert reads(world, "coast", "alfa")
    world.clock.at = ends
    assert not reads(world, "coast", "alfa")
    assert not reads(world, "alfa", "coast")
    clear(OPERATOR, world.hub.mandate, "coast", clearance="restricted", until=grace_ends, reason="in an incident")
    assert reads(world, "coast", "alfa")
    world.clock.at = grace_ends
    assert not reads(world, "coast", "alfa")
    assert world.hub.self_test.require() > 0
