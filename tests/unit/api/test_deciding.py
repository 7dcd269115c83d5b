"""What leaves in a party's stead, its account, and its vetting, over the API: its own, and nobody else's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from support.doors import NOBODY, ask, told
from support.hub import OPERATOR
from support.taxii import indicator, object_id, share
from tocsin.kernel.clock import DAY
from tocsin.parties.model import Permission, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.taxii import Live

NONE = "there is no such sanitised version, or none that you may see"
STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
PAPER = {"kind": "registration", "title": "register.pdf", "sha256": "ab" * 32}


def waiting(live: Live, name: str) -> dict[str, Any]:
    share(live, "alfa", indicator(name))
    found = told(ask(live, "GET", "/sanitised", "alfa"))["sanitised"]
    (one,) = [each for each in found if each["made_of"]["object"] == object_id("indicator", name)]
    assert isinstance(one, dict)
    return one


# --- sanitised versions -----------------------------------------------------------------------------------------------


def test_its_producer_sees_what_will_leave_and_lets_it_out(doors: Live) -> None:
    one = waiting(doors, "to leave")
    assert (one["state"], one["waits"]) == ("pending", "for approval by the owner")
    path = f"/sanitised/{one['id']}"
    whole = told(ask(doors, "GET", path, "alfa"))
    assert whole["object"]["id"] == one["published_under"] != one["made_of"]["object"]
    changed = {each["property"] for each in told(ask(doors, "GET", f"{path}/changes", "alfa"))["changes"]}
    assert {"id", "name"} <= changed
    assert told(ask(doors, "POST", f"{path}/approval", "lia-alfa", {"alone": True}))["state"] == "approved"
    assert told(ask(doors, "POST", f"{path}/veto", "sig-alfa", {"reason": "names a site"}))["state"] == "vetoed"
    assert ask(doors, "POST", f"{path}/approval", "lia-alfa", {}).status_code == 409
    assert one["id"] not in ask(doors, "GET", "/sanitised", "alfa").text


def test_nobody_else_learns_that_something_waits(doors: Live) -> None:
    one = waiting(doors, "hidden")
    nothing: dict[str, object] = {}
    asked = (("GET", ""), ("GET", "/changes"), ("POST", "/approval"), ("POST", "/veto"))
    for method, path in asked:
        for who in ("lia-bravo", "box-charlie"):
            answers = [
                ask(doors, method, f"/sanitised/{each}{path}", who, nothing if method == "POST" else None)
                for each in (one["id"], NOBODY, "%00")
            ]
            assert {(each.status_code, each.json()["detail"]) for each in answers} == {(404, NONE)}
            assert len({each.content.replace(one["id"].encode(), NOBODY.encode()) for each in answers[:2]}) == 1
    for who in ("bravo", "charlie"):
        assert told(ask(doors, "GET", "/sanitised", who)) == {"sanitised": [], "next": None}
    for name in (one["published_under"], one["made_of"]["object"], object_id("indicator", "nowhere"), "none"):
        refused = ask(doors, "GET", f"/objects/{name}/origin", "lia-bravo")
        assert (refused.status_code, refused.json()["detail"]) == (404, NONE)
    for who in ("alfa", "aud-alfa"):
        for act in ("approval", "veto"):
            assert ask(doors, "POST", f"/sanitised/{one['id']}/{act}", who, {}).status_code == 403


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_has_no_places_and_no_size(doors: Live) -> None:
    doors.world.clock.advance(DAY)
    share(doors, "alfa", indicator("accounted for"))
    told(ask(doors, "GET", f"/collections/exchange/objects/{object_id('indicator', 'accounted for')}", "anna-token"))
    account = told(ask(doors, "GET", "/account", "sig-alfa"))
    assert account["party"] == "alfa"
    mine = object_id("indicator", "accounted for")
    (left,) = [
        one
        for one in account["releases"]
        if mine in {each["id"] for under in one["under"] for each in under["objects"]}
    ]
    assert (left["reader"], left["user"], left["purpose"]) == ("bravo", "anna", "detect")
    assert [each["clause"] for each in left["under"][0]["clauses"]] == ["test-exchange/1#1"]
    assert not {"entry", "size", "root", "origin"} & (set(account) | set(left))
    # it is made once a day, and asked for again it is the same
    told(ask(doors, "GET", f"/collections/exchange/objects/{mine}", "anna-token"))
    assert told(ask(doors, "GET", "/account", "lia-alfa")) == account
    # bravo's own account has nothing of what alfa shared
    assert object_id("indicator", "accounted for") not in ask(doors, "GET", "/account", "lia-bravo").text


@pytest.mark.parametrize(("who", "status"), [("aud-alfa", 200), ("alfa", 403), ("box-alfa", 403), ("anna", 403)])
def test_an_account_is_told_to_who_answers_for_the_party(doors: Live, who: str, status: int) -> None:
    assert ask(doors, "GET", "/account", who).status_code == status


def test_clients_are_those_of_one_s_own_party(doors: Live) -> None:
    nobody: dict[str, list[str]] = {"serves": [], "served_by": []}
    assert told(ask(doors, "GET", "/clients", "bravo")) == nobody
    hub = doors.world.hub
    served = hub.parties.get("charlie").uri
    with hub.parties.acting(OPERATOR, hub.mandate) as acts:
        acts.change_party(replace(hub.parties.get("bravo"), clients=frozenset({served})))
    assert told(ask(doors, "GET", "/clients", "bravo")) == nobody | {"serves": ["charlie"]}
    assert told(ask(doors, "GET", "/clients", "charlie")) == nobody | {"served_by": ["bravo"]}
    assert told(ask(doors, "GET", "/clients", "alfa")) == nobody
    # and it reads for them: what it may pass on, named in the release
    share(doors, "alfa", indicator("for a client"), indicator("not for a client", marking=STRICT))
    page = told(ask(doors, "GET", "/collections/exchange/objects?client=charlie", "bravo"))
    read = {item["id"] for item in page["items"]}
    assert object_id("indicator", "for a client") in read
    assert object_id("indicator", "not for a client") not in read
    one = f"/collections/exchange/objects/{object_id('indicator', 'for a client')}"
    assert ask(doors, "GET", f"{one}?client=charlie", "bravo").status_code == 200
    answers = [ask(doors, "GET", f"{one}?client={name}", "bravo") for name in ("alfa", "nobody", "bravo", "hub")]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert ask(doors, "GET", f"{one}?client=charlie", "alfa").content == answers[0].content


# --- vetting ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def application(doors: Live) -> Iterator[dict[str, Any]]:
    body = {"clearance": "restricted", "capacities": ["operator"], "sponsor": "alfa"}
    made = told(ask(doors, "POST", "/applications", "lia-charlie", body))
    yield made
    ask(doors, "POST", f"/applications/{made['application']}/withdrawal", "lia-charlie", {"reason": "for the test"})


def test_a_member_is_vetted_anew(doors: Live, application: dict[str, Any]) -> None:
    path = f"/applications/{application['application']}"
    assert (application["party"], application["path"], application["sponsor"]) == ("charlie", "light", "alfa")
    assert ask(doors, "POST", "/applications", "lia-charlie", {"clearance": "restricted"}).status_code == 409
    assert told(ask(doors, "POST", f"{path}/evidence", "box-charlie", PAPER))["evidence"][0]["title"] == "register.pdf"
    told(ask(doors, "POST", f"{path}/endorsement", "sig-alfa"))
    review = {"approves": True, "reasons": "register seen"}
    assert ask(doors, "POST", f"{path}/reviews", "lia-alfa", review).status_code == 403  # it sponsors it
    assert ask(doors, "POST", f"{path}/reviews", "lia-charlie", review).status_code == 403  # nobody reviews themselves
    doors.secrets.setdefault("lia-hub", ("lia@hub", _hub_liaison(doors)))
    reviewed = told(ask(doors, "POST", f"{path}/reviews", "lia-hub", review))
    assert reviewed["missing"] == []
    assert reviewed["application"] in ask(doors, "GET", "/applications", "lia-hub").text
    # admitting takes a mandate: there is no such address
    assert ask(doors, "POST", f"{path}/admission", "lia-hub", {}).status_code == 404


def test_an_application_is_its_applicant_s_and_its_sponsor_s(doors: Live, application: dict[str, Any]) -> None:
    review = {"approves": True, "reasons": "no"}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/evidence", PAPER),
        ("POST", "/reviews", review),
        ("POST", "/endorsement", None),
        ("POST", "/withdrawal", {}),
    ):
        answers = [
            ask(doors, method, f"/applications/{each}{path}", "lia-bravo", body)
            for each in (application["application"], NOBODY, "%00")
        ]
        assert {each.status_code for each in answers} == {404}
        assert len({each.content for each in answers}) == 1
    assert told(ask(doors, "GET", "/applications", "lia-bravo")) == {"applications": [], "next": None}
    for path, body in (("/evidence", PAPER), ("/withdrawal", {})):
        whole = f"/applications/{application['application']}{path}"
        assert ask(doors, "POST", whole, "lia-alfa", body).status_code == 403  # the sponsor answers for it, no more


@pytest.mark.parametrize(
    "change",
    [
        {"clearance": "cosmic"},
        {"capacities": ["supervisor"]},  # the register does not say so
        {"capacities": ["\x00"]},
        {"sponsor": "\x00"},
        {"sponsor": "bravo", "clearance": "secret"},
        {"sponsor": "bravo"} | {"party": "alfa"},
    ],
)
def test_an_application_that_cannot_be_one(doors: Live, change: dict[str, object]) -> None:
    assert ask(doors, "POST", "/applications", "lia-bravo", change).status_code == 422


def test_what_one_gives_and_gets_and_who_has_access(doors: Live) -> None:
    offered = told(ask(doors, "GET", "/offer", "sig-bravo"))["agreements"]
    assert {"test-exchange", "press"} <= {one["agreement"] for one in offered}
    # of an agreement that would not admit it, nothing
    assert "knowing" not in json.dumps(offered)
    made = told(ask(doors, "POST", "/access-reviews", "lia-bravo"))
    assert (made["by"], made["users"] > 0) == ("lia", True)
    for who in ("sig-bravo", "box-bravo", "anna"):
        assert ask(doors, "POST", "/access-reviews", who).status_code == 403


def _hub_liaison(live: Live) -> str:
    live.world.user("lia@hub", roles=frozenset({Role.LIAISON}))
    return live.world.token("lia@hub", permissions=frozenset({Permission.OBJECTS_READ, Permission.PARTY_SPEAK}))
