"""A sanitised version from the receipt to its end: what makes it, who lets it out, when it leaves, what ends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from support.hub import OPERATOR
from support.publishing import CREATED, HOUR, PRODUCERS, Press, finding, link, observed, pact
from support.sharing import bundle, object_id, stamp, terms_mark
from tocsin.errors import ForbiddenError, NotFoundError, TransitionError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.sanitise.model import TRANSITIONS, Act, Ending, State, after
from tocsin.exchange.sanitise.tables import SANITISED
from tocsin.kernel.clock import DAY, SECOND, ManualClock, format_instant, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tocsin.exchange.sanitise.service import Shown

OWNER = "approve: nobody"


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    return tmp_path_factory.mktemp("press"), {}


@pytest.fixture
def press(tmp_path: Path, templates: tuple[Path, dict[str, Path]]) -> Iterator[Callable[..., Press]]:
    made: list[Press] = []
    folder, known = templates

    def make(old: str = "", new: str = "", *, countries: dict[str, str] | None = None) -> Press:
        key = repr((pact(old, new), countries))
        if key not in known:
            known[key] = folder / str(len(known))
            Press(known[key], text=pact(old, new), countries=countries).hub.close()
        made.append(Press(tmp_path / "hub", seed=2, template=known[key]))
        return made[-1]

    yield make
    for one in made:
        one.hub.integrator.integrate()
        one.hub.self_test.require()
        one.hub.close()


def own(world: Press, name: str) -> list[Shown]:
    return world.hub.sanitised.of_party(f"https://{name}.example")


def states(world: Press, name: str) -> list[str]:
    return [str(one.standing.state) for one in own(world, name)]


# --- made ------------------------------------------------------------------------------------------------------------


def test_the_receipt_tells_of_it(press: Callable[..., Press]) -> None:
    world = press()
    (note,) = world.give("alfa", finding(1)).results[0].notes
    (one,) = own(world, "alfa")
    assert one.version is not None
    assert note == (
        "a sanitised version is made under press/1 clause 5: it is approved by the clause, and leaves after"
        f" 2026-06-01T10:00:00.000000Z unless you veto it: tocsin sanitised show {one.uuid}"
    )
    assert one.version.chain.sanitised_id != one.version.chain.object_id


NOT_MADE: dict[str, tuple[dict[str, Any], str]] = {
    "a name": ({"pattern": "[domain-name:value = 'vpn.Bravo.example']"}, "its pattern names a party of this hub"),
    "its own name": ({"pattern": "[url:value = 'https://x.example/ALFA/']"}, "its pattern names a party of this hub"),
    "a login": ({"pattern": "[url:value = 'https://x.example/?jane@y.example']"}, "or a login"),
    "a network": ({"pattern": "[ipv4-addr:value = '10.2.3.4']"}, "an internal network"),
    "an asset": ({"pattern": "[file:name = 'payroll.xlsx']"}, "its pattern asks for file:name"),
    "an account": ({"pattern": "[user-account:user_id = 'x']"}, "its pattern asks for user-account:user_id"),
    "a time": (
        {"pattern": "[url:value = 'x'] START t'2026-05-01T00:00:00Z' STOP t'2026-05-02T00:00:00Z'"},
        "its pattern says when it was seen",
    ),
    "bytes": ({"pattern": "[mutex:name = h'616c6661']"}, "its pattern holds bytes"),
    "another language": (
        {"pattern_type": "yara", "pattern": 'rule a { meta: author = "us" condition: true }'},
        "is no STIX pattern",
    ),
    "revoked": ({"revoked": True}, "it is revoked, and no version of it was published"),
}


@pytest.mark.parametrize("case", NOT_MADE)
def test_what_would_tell_is_not_made(press: Callable[..., Press], case: str) -> None:
    says, why = NOT_MADE[case]
    world = press()
    (result,) = world.give("alfa", finding(1, **says)).results
    (note,) = [note for note in result.notes if "sanitised" in note]
    assert note.startswith("no sanitised version is made under press/1 clause 5: ")
    assert why in note
    assert own(world, "alfa") == []


def test_types_that_no_plan_names_are_not_published(press: Callable[..., Press]) -> None:
    world = press()
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": object_id("identity", 1),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "name": "A victim",
    }
    account = observed("user-account", 1, user_id="jane")
    for result in world.give("alfa", identity, account).results:
        assert "is not published under the plan no-victim" in result.notes[-1]


def test_what_is_addressed_stricter_or_bound_stays(press: Callable[..., Press]) -> None:
    world = press()
    party = world.hub.parties.get("alfa").uri
    addressed = terms_mark(recipients=("https://bravo.example",))
    red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    strict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
    world.user("lina@bravo", roles=frozenset({Role.ANALYST}))
    receipt = world.share(
        "alfa",
        bundle([finding(1, object_marking_refs=[addressed.id])], marked=[addressed]),
    )
    assert receipt.results[1].notes[-1].endswith("it is addressed to somebody")
    world.share("alfa", bundle([finding(2, object_marking_refs=[red])]), to=("lina@bravo",))
    world.share("alfa", bundle([finding(3, object_marking_refs=[strict])]))
    unknown = finding(4, object_marking_refs=[object_id("marking-definition", "nowhere")])
    world.share("alfa", bundle([unknown]))
    assert world.hub.sanitised.of_party(party) == []


def test_the_basis_holds_for_both_ends_and_the_publisher_is_a_member(press: Callable[..., Press]) -> None:
    # SE's basis ends on the first of September
    world = press(countries={"alfa": "SE"})
    world.give("alfa", finding(1))
    world.give("bravo", finding(2))
    world.clock.advance(100 * DAY)
    world.give("alfa", finding(3))
    world.give("bravo", finding(4))
    assert (len(own(world, "alfa")), len(own(world, "bravo"))) == (1, 2)
    # what was ready when the basis ended does not leave
    assert world.wait(3 * HOUR) == 0
    assert states(world, "alfa") == ["approved"]


def test_a_forbid_that_would_be_shaken_off_keeps_the_version_from_being_made(press: Callable[..., Press]) -> None:
    world = press()
    ban = """
agreement: ban
version: 1
title: What alfa keeps from echo
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: echo}]
purposes: [detect]
clauses:
  - id: "1"
    forbid: read
    to: {parties: [echo]}
    of: {type: [indicator]}
"""
    world.agreement(ban, signed_by=("alfa", "echo"))
    (result,) = world.give("alfa", finding(1)).results
    assert result.notes[-1].endswith("clause 1 of ban/1 forbids what it could no longer be held to")
    assert len(world.give("bravo", finding(2)).results[0].notes) == 1
    assert (len(own(world, "alfa")), len(own(world, "bravo"))) == (0, 1)


def test_references_lead_to_sanitised_versions_of_the_same_owner_or_go(press: Callable[..., Press]) -> None:
    world = press()
    malware: dict[str, Any] = {
        "type": "malware",
        "spec_version": "2.1",
        "id": object_id("malware", 1),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "is_family": True,
        "name": "Nightcap",
    }
    first, second = finding(1), finding(2)
    secret = finding(3, pattern="[file:name = 'x']")
    receipt = world.give(
        "alfa",
        malware,
        first,
        link(1, first["id"], malware["id"]),
        link(2, secret["id"], malware["id"]),
        secret,
    )
    assert "is no valid object" in receipt.results[3].notes[-1]
    # an earlier version may be referred to later
    world.give("alfa", second, link(3, second["id"], malware["id"]))
    assert [one.standing.state for one in own(world, "alfa")] == [State.APPROVED] * 5
    for name in ("bravo", "coast"):
        world.give(name, finding(10 + PRODUCERS.index(name)))
    assert world.wait(3 * HOUR) == 7
    seen = {one["id"]: one for one in world.seen()}
    links = [one for one in seen.values() if one["type"] == "relationship"]
    assert len(links) == 2
    for one in links:
        assert seen[one["target_ref"]]["name"] == "Nightcap"
        assert seen[one["source_ref"]]["type"] == "indicator"


def test_a_long_chain_of_what_cannot_be_published_ends(press: Callable[..., Press]) -> None:
    """Each report refers to the next, and the last to nothing that is published: they fall one after the other."""
    world = press()

    def report(number: int, refers: str) -> dict[str, Any]:
        return {
            "type": "report",
            "spec_version": "2.1",
            "id": object_id("report", number),
            "created": stamp(CREATED),
            "modified": stamp(CREATED),
            "name": "r",
            "published": stamp(CREATED),
            "object_refs": [refers],
        }

    chain = [report(number, object_id("report", number + 1)) for number in range(30)]
    world.give("alfa", *chain, finding(1))
    assert [one.sanitised_id.partition("--")[0] for one in own(world, "alfa")] in (["indicator"], [])


# --- let out ---------------------------------------------------------------------------------------------------------


def test_it_leaves_after_its_countdown_in_a_slot_that_three_producers_share(press: Callable[..., Press]) -> None:
    world = press()
    world.clock.advance(20 * 60 * SECOND)
    world.give("alfa", finding(1))
    world.give("bravo", finding(2))
    # ready at 10:20, which is within the slot that began at 10:00
    assert [world.wait(HOUR) for _ in range(4)] == [0, 0, 0, 0]
    assert (
        own(world, "alfa")[0].waits
        == "for a slot that 3 producers share, or for its owner's word that it may leave alone"
    )
    world.give("coast", finding(3))
    assert [world.wait(HOUR) for _ in range(3)] == [0, 0, 3]
    slot = parse_instant("2026-06-01T15:00:00Z")
    (one,) = own(world, "alfa")
    assert (one.standing.state, one.slot, one.waits) == (State.PUBLISHED, slot, None)
    assert {item["created"] for item in world.seen()} == {format_instant(slot)}
    assert world.wait(HOUR) == 0


def test_what_becomes_ready_within_a_slot_waits_for_the_next(press: Callable[..., Press]) -> None:
    world = press(", delay: PT2H", "")
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
    # at 8:00 sharp they are ready as the slot begins; the fourth is a microsecond late
    world.clock.advance(1)
    world.give("delta", finding(9))
    assert world.hub.slots.turn() == 3
    assert states(world, "delta") == ["approved"]


def test_the_owner_sees_the_bytes_that_leave(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: owner")
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
        (one,) = own(world, name)
        assert (one.standing.state, one.waits) == (State.PENDING, "for approval by the owner")
    assert world.wait(5 * HOUR) == 0
    before: dict[str, bytes | None] = {}
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        shown = world.hub.sanitised.approve(world.viewer(name), one.uuid)
        before[one.sanitised_id] = shown.body
    world.clock.advance(1)
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        before[one.sanitised_id] = world.hub.sanitised.show(world.viewer(name), one.uuid).body
    assert world.wait(HOUR - 1) == 3
    left = {json.loads(body)["id"]: body for _, body in world.read("echo")}
    assert left == before
    for name in PRODUCERS[:3]:
        (one,) = own(world, name)
        assert world.hub.sanitised.show(world.viewer(name), one.uuid).body == left[one.sanitised_id]


def test_who_may_decide(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: owner")
    world.give("alfa", finding(1))
    (one,) = own(world, "alfa")
    world.user("ana@alfa", roles=frozenset({Role.ANALYST}))
    world.user("lina@alfa", roles=frozenset({Role.LIAISON}))
    for reference in ("bravo", "hub", "operator@hub"):
        with pytest.raises(NotFoundError, match="or none that you may see"):
            world.hub.sanitised.approve(world.viewer(reference), one.uuid)
        with pytest.raises(NotFoundError, match="or none that you may see"):
            world.hub.sanitised.show(world.viewer(reference), one.uuid)
    with pytest.raises(ForbiddenError, match="liaison or signatory"):
        world.hub.sanitised.approve(world.viewer("ana@alfa"), one.uuid)
    assert world.hub.sanitised.show(world.viewer("ana@alfa"), one.uuid).uuid == one.uuid
    with pytest.raises(NotFoundError):
        world.hub.sanitised.clear(OPERATOR, world.hub.mandate, one.uuid)
    assert world.hub.sanitised.approve(world.viewer("lina@alfa"), one.uuid).standing.state is State.APPROVED


def test_alone(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1), finding(2))
    world.give("bravo", finding(3))
    first = own(world, "alfa")[0]
    assert world.wait(4 * HOUR) == 0
    world.hub.sanitised.approve(world.viewer("alfa"), first.uuid, alone=True)
    assert world.wait(HOUR) == 1
    assert states(world, "alfa") == ["published", "approved"]
    assert states(world, "bravo") == ["approved"]


def test_the_coordinator_decides_blind(press: Callable[..., Press]) -> None:
    world = press(OWNER, "approve: coordinator")
    world.give("alfa", finding(1))
    (mine,) = own(world, "alfa")
    with pytest.raises(ForbiddenError, match="to the coordinator"):
        world.hub.sanitised.approve(world.viewer("alfa"), mine.uuid)
    (one,) = world.hub.sanitised.for_coordinator()
    assert one.version is None
    told = repr(one) + repr(world.hub.sanitised.show(world.viewer("operator@hub"), one.uuid))
    assert "alfa" not in told
    assert mine.version is not None
    assert mine.version.chain.object_id not in told
    with pytest.raises(NotFoundError):
        world.hub.sanitised.diff(world.viewer("operator@hub"), one.uuid)
    assert world.hub.sanitised.clear(OPERATOR, world.hub.mandate, one.uuid).standing.state is State.APPROVED
    assert world.hub.sanitised.for_coordinator() == []
    assert world.hub.sanitised.veto(world.viewer("alfa"), one.uuid, "no").standing.state is State.VETOED


def test_a_veto_is_for_good(press: Callable[..., Press]) -> None:
    world = press()
    for number, name in enumerate(PRODUCERS):
        world.give(name, finding(number))
    (one,) = own(world, "alfa")
    vetoed = world.hub.sanitised.veto(world.viewer("alfa"), one.uuid, "names a site")
    assert (vetoed.standing.state, vetoed.body) == (State.VETOED, None)
    assert world.wait(3 * HOUR) == 3
    for act in (world.hub.sanitised.approve, world.hub.sanitised.veto):
        with pytest.raises(TransitionError, match="it is vetoed"):
            act(world.viewer("alfa"), one.uuid)


def test_every_cell_of_the_table() -> None:
    for state in State:
        for act in Act:
            if (state, act) in TRANSITIONS:
                assert after(state, act, where="x") is TRANSITIONS[state, act]
            else:
                with pytest.raises(TransitionError, match=f"it is {state}"):
                    after(state, act, where="x")


def test_diff_tells_each_property(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1))
    (one,) = own(world, "alfa")
    _, changes = world.hub.sanitised.diff(world.viewer("alfa"), one.uuid)
    gone = {item.name for item in changes if item.after is None}
    assert gone == {"created_by_ref", "description", "external_references", "labels", "lang", "name", "x_ours"}
    assert {item.name for item in changes} - gone == {
        "confidence",
        "created",
        "id",
        "indicator_types",
        "modified",
        "object_marking_refs",
        "pattern",
        "valid_from",
        "valid_until",
    }


class Ticking(ManualClock):
    """A clock that is never twice the same, as machines' clocks are."""

    def now(self) -> int:
        self.at += 1
        return self.at


def test_time_that_moves_on_within_an_act(press: Callable[..., Press]) -> None:
    world = press("approve: nobody, delay: PT2H", "approve: owner, delay: PT2H")
    world.clock.__class__ = Ticking
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
        world.hub.sanitised.approve(world.viewer(name), own(world, name)[0].uuid)
    world.give("alfa", finding(0, modified=stamp(CREATED + HOUR)))
    world.hub.sanitised.approve(world.viewer("alfa"), own(world, "alfa")[1].uuid)
    assert world.wait(4 * HOUR) == 3
    assert len(world.seen()) == 3


# --- versions and ends -----------------------------------------------------------------------------------------------


def filled(world: Press, number: int = 50) -> None:
    for place, name in enumerate(("bravo", "coast")):
        world.give(name, finding(number + place))


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


# --- attribution, audience -------------------------------------------------------------------------------------------


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


# --- lead back -------------------------------------------------------------------------------------------------------


def test_only_its_producer_and_an_auditor_lead_it_back(press: Callable[..., Press]) -> None:
    world = press()
    world.give("alfa", finding(1))
    filled(world)
    assert world.wait(3 * HOUR) == 3
    (one,) = own(world, "alfa")
    for reference in ("alfa", "operator@hub"):  # the operator of a new hub is its auditor as well
        (origin,) = world.hub.sanitised.origin(world.viewer(reference), one.sanitised_id)
        assert (origin.chain.party, origin.chain.object_id) == ("https://alfa.example", finding(1)["id"])
    world.user("ola@hub", roles=frozenset({Role.OPERATOR}))
    world.user("ana@bravo", roles=frozenset({Role.AUDITOR}))
    said = set()
    for reference in ("bravo", "echo", "hub", "ola@hub", "ana@bravo"):
        for asked in (one.sanitised_id, object_id("indicator", "nothing")):
            with pytest.raises(NotFoundError) as caught:
                world.hub.sanitised.origin(world.viewer(reference), asked)
            said.add(str(caught.value))
    assert len(said) == 1
    with world.hub.store.read() as connection:
        (found,) = world.hub.sanitised.published_of(connection, "https://alfa.example", finding(1)["id"])
        assert found.sanitised_id == one.sanitised_id
        assert world.hub.sanitised.published_of(connection, "https://bravo.example", finding(1)["id"]) == []
