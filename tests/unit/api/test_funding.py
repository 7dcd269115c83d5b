"""The joint fund over /api/v1: what a party promises, proposes and claims, and what it does not learn of others."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from support.doors import NOBODY, ask, told
from support.funds import CALCULATION, joint_terms, uri, work
from support.hub import OPERATOR
from tocsin.risk.fund import steps

if TYPE_CHECKING:
    from support.taxii import Live

GIVEN: Final = 7_391_737
HARDEN: Final = {"change": "harden", "asset": "substation", "chance": 0.4}
PROJECT: Final[dict[str, Any]] = {"project": "tank", "title": "A tank", "cost": 100, "changes": [HARDEN]}
CLAIM: Final[dict[str, Any]] = {"amount": 4_747, "reason": "fuel in the flood", "evidence": "cd" * 32}


@pytest.fixture(scope="module")
def funded(doors: Live) -> Live:
    """A fund to which bravo has paid all that is in it, out of which alfa builds and charlie measures."""
    funds, mandate = doors.world.hub.funds, doors.world.hub.mandate
    funds.open(OPERATOR, mandate, "town", title="The town's fund", currency="EUR")
    told(ask(doors, "POST", "/funds/town/pledges", "lia-bravo", {"amount": GIVEN, "note": "for 2026"}))
    funds.paid(OPERATOR, "town", uri("bravo"), GIVEN)
    for name in ("wall", "spare"):
        funds.propose(OPERATOR.for_("sig@alfa"), "town", uri("alfa"), work(name))
    funds.decide(OPERATOR, mandate, "town", projects=["wall"], budget=100_00, calculation=CALCULATION)
    funds.award(OPERATOR, mandate, "town", "wall", replace(joint_terms(), assessor=uri("charlie")))
    funds.release(OPERATOR, mandate, "town", "wall", 1)
    return doors


def test_what_there_is_everybody_may_read(funded: Live) -> None:
    assert "town" in [one["fund"] for one in told(ask(funded, "GET", "/funds", "box-charlie"))["funds"]]
    assert told(ask(funded, "GET", "/funds/town", "box-charlie"))["currency"] == "EUR"
    (decision,) = told(ask(funded, "GET", "/funds/town/decisions", "box-charlie"))["decisions"]
    assert (decision["projects"], decision["mandate"]) == (["wall"], "founding:entry:0")
    listed = told(ask(funded, "GET", "/funds/town/projects", "lia-bravo"))["projects"]
    assert {("wall", "awarded"), ("spare", "proposed")} <= {(one["project"], one["status"]) for one in listed}
    for path in ("/funds/none", "/funds/none/books", "/funds/town/projects/none", f"/funds/town/claims/{NOBODY}"):
        assert ask(funded, "GET", path, "lia-bravo").status_code == 404


@pytest.mark.parametrize(
    ("who", "whole"),
    [("box-alfa", True), ("lia-charlie", True), ("operator", True), ("lia-bravo", False), ("box-bravo", False)],
)
def test_what_a_project_changes_and_saves_is_for_whom_it_concerns(funded: Live, who: str, *, whole: bool) -> None:
    one = told(ask(funded, "GET", "/funds/town/projects/wall", who))
    assert (one["detail"] is not None) == whole
    # a digest would say of a guess that it is right
    decisions = told(ask(funded, "GET", "/funds/town/decisions", who))["decisions"]
    assert [bool(one["judged"]) for one in decisions] == [whole]
    if whole:
        assert one["detail"]["award"]["tranches"][0]["released"]
        assert one["detail"]["changes"] == [*msgspec.to_builtins(work("wall").changes)]


def test_one_members_gift_is_no_total_for_another(funded: Live) -> None:
    own = told(ask(funded, "GET", "/funds/town/books", "lia-bravo"))
    assert own["accounts"]["contributions:https://bravo.example"] == -GIVEN
    # that nobody else gave is told by nothing, the cash included
    assert "cash" not in own["accounts"]
    assert (own["bound"], own["free"]) == (None, None)
    everything = told(ask(funded, "GET", "/funds/town/books", "operator"))
    assert sum(everything["accounts"].values()) == 0
    for who in ("lia-alfa", "box-charlie", "aud-alfa"):
        seen = told(ask(funded, "GET", "/funds/town/books", who))
        assert (seen["bound"], seen["free"]) == (None, None)
        # whatever is added up of what alfa is told, it is none of bravo's figures
        assert not {GIVEN, GIVEN - 40_00} & {abs(value) for value in seen["accounts"].values()}
        # what was paid out; to whom it was paid, as its own account besides
        assert sum(seen["accounts"].values()) == (80_00 if who.endswith("alfa") else 40_00)
        assert "bravo" not in str(seen)


def test_only_who_speaks_for_a_party_promises_proposes_and_claims(funded: Live) -> None:
    for who in ("bravo", "writer", "aud-alfa", "operator"):
        for path, body in (("pledges", {"amount": 5}), ("projects", PROJECT), ("claims", CLAIM)):
            assert ask(funded, "POST", f"/funds/town/{path}", who, body).status_code == 403


def test_a_project_is_proposed_and_put_in_the_place_of_ones_own(funded: Live) -> None:
    made = told(ask(funded, "POST", "/funds/town/projects", "sig-charlie", PROJECT | {"payee": "bravo"}))
    assert (made["proposer"], made["payee"], made["detail"]["changes"]) == (
        "charlie",
        "bravo",
        [HARDEN | {"damage": 1.0}],
    )
    again = told(ask(funded, "POST", "/funds/town/projects", "lia-charlie", PROJECT | {"cost": 200}))
    assert (again["cost"], again["payee"]) == (200, None)
    assert ask(funded, "POST", "/funds/town/projects", "lia-bravo", PROJECT).status_code == 409
    taken = ask(funded, "POST", "/funds/town/projects", "lia-charlie", PROJECT | {"project": "wall"})
    assert taken.status_code == 409
    wrongs: tuple[dict[str, Any], ...] = (
        {"changes": [HARDEN | {"change": "soften"}]},
        {"cost": 0},
        {"changes": []},
        {"proposer": "alfa"},
    )
    for wrong in wrongs:
        assert ask(funded, "POST", "/funds/town/projects", "lia-charlie", PROJECT | wrong).status_code == 422
    payee = ask(funded, "POST", "/funds/town/projects", "lia-charlie", PROJECT | {"payee": "nobody"})
    assert (payee.status_code, payee.json()["detail"]) == (404, "there is no such party")


@pytest.mark.parametrize("who", ["lia-alfa", "box-charlie", "aud-alfa"])
def test_a_claim_is_its_partys(funded: Live, who: str) -> None:
    evidence = hashlib.sha256(who.encode()).hexdigest()  # each proves one claim
    made = told(ask(funded, "POST", "/funds/town/claims", "sig-bravo", CLAIM | {"evidence": evidence}))
    assert (made["party"], made["status"]) == ("bravo", "filed")
    uuid = made["claim"]
    assert uuid in [one["claim"] for one in told(ask(funded, "GET", "/funds/town/claims", "lia-bravo"))["claims"]]
    assert told(ask(funded, "GET", f"/funds/town/claims/{uuid}", "operator"))["amount"] == CLAIM["amount"]
    assert told(ask(funded, "GET", "/funds/town/claims", who))["claims"] == []
    answers = {
        (answer.status_code, answer.text)
        for one in (uuid, NOBODY, "not-an-id")
        for answer in [ask(funded, "GET", f"/funds/town/claims/{one}", who)]
    }
    assert [status for status, _ in answers] == [404]
    for path in ("books", "projects", "decisions", "claims"):
        text = ask(funded, "GET", f"/funds/town/{path}", who).text
        assert uuid not in text
        assert str(CLAIM["amount"]) not in text


def test_one_member_leaves_the_others_room(funded: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_PLEDGES_OF_ONE", "MOST_PROJECTS_OF_ONE", "MOST_CLAIMS_OF_ONE"):
        monkeypatch.setattr(steps, name, 0)
    more = PROJECT | {"project": "one-more"}
    for path, body in (("pledges", {"amount": 5}), ("projects", more), ("claims", CLAIM)):
        assert ask(funded, "POST", f"/funds/town/{path}", "lia-charlie", body).status_code == 413
    funds = funded.world.hub.funds
    assert funds.propose(OPERATOR.for_("sig@charlie"), "town", uri("charlie"), work("one-more")).proposer


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": 1.5}, {"evidence": "AB" * 32}, {"reason": ""}])
def test_what_is_no_claim_is_refused(funded: Live, wrong: dict[str, Any]) -> None:
    assert ask(funded, "POST", "/funds/town/claims", "lia-bravo", CLAIM | wrong).status_code == 422
