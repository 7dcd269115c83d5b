"""What follows a sanitised version, what ends it, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from support.publishing import CREATED, HOUR, PRODUCERS, Press, filled, finding, observed, own, pact, states
from support.sharing import bundle, object_id, stamp, terms_mark
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.sanitise.model import Ending, State
from tocsin.exchange.sanitise.tables import SANITISED
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection


def test_later_versions_follow_under_the_same_id(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1))
    filled(world)
    assert world.wait(3 * HOUR) == 3
    world.give("alfa", finding(1, modified=stamp(CREATED + HOUR), pattern="[ipv4-addr:value = '198.51.100.77']"))
    filled(world, 60)
    assert world.wait(3 * HOUR) == 3
    first, second = own(world, "alfa")
    assert first.sanitised_id == second.sanitised_id
    (now,) = [one for one in world.seen() if one["id"] == first.sanitised_id]
    assert now["pattern"].endswith("77']")
    assert (now["created"], now["modified"]) == ("2026-06-01T11:00:00.000000Z", "2026-06-01T14:00:00.000000Z")
    # a revocation, too
    world.give("alfa", finding(1, modified=stamp(CREATED + 2 * HOUR), revoked=True))
    filled(world, 70)
    assert world.wait(3 * HOUR) == 3
    (gone,) = [one for one in world.seen() if one["id"] == first.sanitised_id]
    assert gone["revoked"] is True


def test_what_its_owner_changed_does_not_leave_as_it_was(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1), finding(2), finding(3))
    filled(world)
    strict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
    later = stamp(CREATED + HOUR)
    world.give("alfa", finding(1, modified=later), finding(2, modified=later, object_marking_refs=[strict]))
    world.give("alfa", finding(3, modified=later, revoked=True))
    assert states(world, "alfa") == ["dropped", "dropped", "dropped", "approved"]
    assert {one.standing.ending for one in own(world, "alfa")} == {None, Ending.SUPERSEDED}
    assert world.wait(3 * HOUR) == 3


def test_an_earlier_version_that_comes_late_is_not_published(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1, modified=stamp(CREATED + HOUR)))
    (result,) = world.give("alfa", finding(1)).results
    assert result.notes[-1].endswith("a later version of it was shared before")
    assert states(world, "alfa") == ["approved"]


def test_who_says_nothing_new_does_not_count_in_a_slot(press: Callable[..., Press]) -> None:
    world = press()
    address = observed("ipv4-addr", 1, value="198.51.100.3")
    world.give("alfa", address)
    for number, name in enumerate(PRODUCERS[1:3]):
        world.give(name, finding(number))
    assert world.wait(4 * HOUR) == 3
    before = len(world.seen())
    world.give("alfa", address | {"x_ours": "anything"})
    for number, name in enumerate(PRODUCERS[1:3]):
        world.give(name, finding(number + 10))
    # two producers have something to say, and a slot wants three
    assert world.wait(4 * HOUR) == 0
    assert len(world.seen()) == before
    assert states(world, "alfa") == [State.PUBLISHED, State.DROPPED]
    assert world.hub.self_test.require() > 0


def test_what_is_taken_back_takes_its_versions_along(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1), finding(2))
    filled(world)
    withdraw = world.hub.withdrawals.withdraw
    acting, alfa = Acting(actor="alfa"), "https://alfa.example"
    withdraw(acting, alfa, "exchange", finding(2)["id"], {VersionChoice.ALL})
    assert world.wait(3 * HOUR) == 3
    assert states(world, "alfa") == ["published", "dropped"]
    assert len(world.seen()) == 3
    withdraw(acting, alfa, "exchange", finding(1)["id"], {VersionChoice.ALL})
    assert world.hub.slots.turn() == 0
    (one, _) = own(world, "alfa")
    assert (one.standing.state, one.standing.ending, one.body) == (State.RECALLED, Ending.WITHDRAWN, None)
    assert one.sanitised_id not in {item["id"] for item in world.seen()}
    assert len(world.seen()) == 2


def test_what_was_taken_back_while_nobody_looked_does_not_leave(press: Callable[..., Press]) -> None:
    """The look for what was taken back comes before publishing, and publishing looks again in its own transaction."""
    world = press()
    world.give("alfa", finding(1))
    filled(world)
    world.clock.advance(3 * HOUR)
    world.hub.slots.follow = lambda: 0  # type: ignore[method-assign]  # as if it had come just before
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", finding(1)["id"], {VersionChoice.ALL}
    )
    assert world.hub.slots.turn() == 0
    assert states(world, "alfa") == ["dropped"]


def test_what_expired_before_it_could_leave_is_dropped(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1, valid_until="2026-06-01T09:30:00Z"))
    filled(world)
    assert world.wait(3 * HOUR) == 0
    (one,) = own(world, "alfa")
    assert (one.standing.state, one.standing.ending) == (State.DROPPED, Ending.INVALID)


@pytest.mark.still
@pytest.mark.parametrize("demand", [Demand.STOP_USING, Demand.DESTROY])
def test_a_recall_reaches_whoever_received_the_sanitised_version(press: Callable[..., Press], demand: Demand) -> None:
    world = press()
    world.give("alfa", finding(1), finding(2, pattern="[mutex:name = 'only-in-this-draft']"))
    filled(world)
    assert world.wait(2 * HOUR) == 4
    world.seen()
    world.give("alfa", finding(3, pattern="[mutex:name = 'a-draft-that-waits']"))
    due = world.clock.at + 3 * DAY
    for number in (1, 3):
        world.hub.recalls.recall(
            Acting(actor="alfa"),
            "https://alfa.example",
            str(finding(number)["id"]),
            demand=demand,
            due=due,
            reason="Alfa says so",
        )
    assert world.hub.slots.turn() == 0
    assert states(world, "alfa") == ["recalled", "published", "dropped"]
    left = {one.sanitised_id for one in own(world, "alfa")[:1]}
    (notice,) = world.hub.recalls.notices(*world.hub.parties.resolve("echo"))
    assert {named.id for named in notice.objects} == left
    assert "alfa" not in repr(notice).casefold()
    assert left.isdisjoint(one["id"] for one in world.seen())
    with world.hub.store.read() as connection:
        drafts = connection.execute(select(SANITISED.c.draft)).scalars().all()
    assert not [draft for draft in drafts if draft is not None]


@pytest.mark.still
def test_what_was_published_has_a_time_of_its_own(press: Callable[..., Press]) -> None:
    """Retention of the original takes the draft that waits with it, at once, and leaves what was published."""
    world = press(
        "clauses:\n",
        'clauses:\n  - {id: "9", retain: {for: P2D, then: purge}, of: {owner: [alfa], type: [indicator]}}\n',
    )
    world.give("alfa", finding(1))
    filled(world)
    assert world.wait(2 * HOUR) == 3
    world.give("alfa", finding(2))
    world.clock.advance(3 * DAY)
    world.hub.retention.turn()
    assert states(world, "alfa") == ["published", "dropped"]
    assert own(world, "alfa")[1].standing.ending is Ending.PURGED
    assert world.hub.slots.turn() == 0
    assert states(world, "alfa") == ["published", "dropped"]
    assert own(world, "alfa")[0].sanitised_id in {one["id"] for one in world.seen()}


def test_pseudonyms_are_the_same_within_an_agreement_and_tell_nothing(press: Callable[..., Press]) -> None:
    world = press("attribution: withheld", "attribution: pseudonymous")
    world.give("alfa", finding(1), finding(2))
    filled(world)
    assert world.wait(3 * HOUR) == 4
    world.give("alfa", finding(3))
    filled(world, 60)
    assert world.wait(3 * HOUR) == 3
    seen = world.seen()
    identities = {one["id"] for one in seen if one["type"] == "identity"}
    creators = [one["created_by_ref"] for one in seen if one["type"] == "indicator"]
    assert len(identities) == 3
    assert set(creators) == identities
    assert sorted(creators.count(one) for one in identities) == [2, 2, 3]
    assert all(one["name"] == "A member of press" for one in seen if one["type"] == "identity")


def test_named_keeps_its_creator(press: Callable[..., Press]) -> None:
    world = press("attribution: withheld", "attribution: named")
    world.give("alfa", finding(1, pattern="[domain-name:value = 'alfa.example']"))
    filled(world)
    assert world.wait(3 * HOUR) == 3
    assert {one["created_by_ref"] for one in world.seen()} == {object_id("identity", number) for number in (1, 50, 51)}


def test_what_is_published_no_wider_than_amber_is_addressed_to_the_members(press: Callable[..., Press]) -> None:
    text = pact("tlp: green, attribution", "tlp: amber, attribution").replace("at_most: green", "at_most: amber")
    world = press(pact()[1:], text[1:])
    world.party("foxtrot")
    other = """
agreement: other
version: 1
title: With somebody else
in_force: {from: 2026-01-01, until: null}
parties: [{name: hub}, {name: foxtrot}]
purposes: [detect]
clauses: [{id: "1", permit: read, to: {parties: all}, of: {tlp: {at_most: amber}}, for: [detect]}]
"""
    world.agreement(other, signed_by=("hub", "foxtrot"))
    world.give("alfa", finding(1))
    filled(world)
    assert world.wait(3 * HOUR) == 3
    published = {one.sanitised_id for one in own(world, "alfa")}
    assert published <= {one["id"] for one in world.seen("echo")}
    assert world.seen("foxtrot") == []


def test_what_restricts_goes_with_it(press: Callable[..., Press]) -> None:
    world = press()
    terms = terms_mark(categories=("export-controlled",), residency="eea", sectors=("energy",), countries=("NO",))
    pap = "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9"
    for number, name in enumerate(PRODUCERS[:3]):
        world.share(name, bundle([finding(number, object_marking_refs=[terms.id, pap])], marked=[terms]))
    assert world.wait(3 * HOUR) == 3
    with world.hub.store.read() as connection:
        labels = world.hub.gate.labels(connection, [row for (row,) in _labels_of(connection)])
    (label,) = [one for one in labels.values() if one.type == "indicator"]
    assert (label.categories, label.residency, label.sectors, label.countries, label.pap, label.tlp) == (
        frozenset({"export-controlled"}),
        "eea",
        frozenset(),
        frozenset(),
        "green",
        "green",
    )
    assert {"marking-definition", "indicator"} == {one["type"] for one in world.seen()}


def _labels_of(connection: Connection) -> list[tuple[int]]:
    from sqlalchemy import select

    from tocsin.agreements.tables import LABELS

    return [
        tuple(row)
        for row in connection.execute(select(LABELS.c.label_id).where(LABELS.c.owner == "https://hub.example"))
    ]
