"""Which sanitised versions are made from what was shared, and why others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.publishing import CREATED, HOUR, PRODUCERS, Press, finding, link, observed, own, states
from support.sharing import bundle, object_id, stamp, terms_mark
from tocsin.exchange.sanitise.model import State
from tocsin.kernel.clock import DAY
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.still
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


def test_a_clause_that_publishes_as_red_publishes_nothing(press: Callable[..., Press]) -> None:
    world = press("tlp: green, attribution", "tlp: red, attribution")
    (result,) = world.give("alfa", finding(1)).results
    assert not [note for note in result.notes if "sanitised" in note]
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
