"""/api/v1: what members do at the exchange, and that what they may not see answers as what is not there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.hub import OPERATOR
from support.taxii import bundle, indicator, malware, object_id, share
from tocsin.kernel.http.problem_details import JSON, PROBLEM

if TYPE_CHECKING:
    from support.taxii import Live

OBJECTS = "/collections/exchange/objects"
HIDDEN = object_id("indicator", "hidden")  # charlie's, who is in no agreement
MISSING = object_id("indicator", "never shared")
STIX = "application/stix+json;version=2.1"


def ask(live: Live, method: str, path: str, who: str | None = "bravo", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
    auth = live.secrets[who] if who is not None else None
    answer = httpx.request(method, f"{live.url}/api/v1{path}", auth=auth, timeout=60, **more)
    body = answer.json()
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == PROBLEM
        assert body["status"] == answer.status_code
        assert body["title"]
        assert body["detail"]
        assert set(body) <= {"title", "status", "detail", "where", "todo", "error_id"}
    else:
        assert answer.headers["content-type"] == JSON
    assert "Traceback" not in answer.text
    return answer


def post(live: Live, data: bytes, query: str = "", *, who: str = "alfa", type_: str = JSON) -> httpx.Response:
    path = f"/collections/inbox/objects{query}"
    return ask(live, "POST", path, who, content=data, headers={"content-type": type_})


# --- reading ----------------------------------------------------------------------------------------------------------


def test_pages_are_what_taxii_gives(live: Live) -> None:
    """Two protocols, one gate: the same objects in the same order, byte for byte."""
    found: list[bytes] = []
    cursor = ""
    while True:
        page = ask(live, "GET", f"{OBJECTS}?limit=7{cursor}").json()
        assert page["release"]
        found += [item["object"] for item in page["items"]]
        assert all(item["id"] == item["object"]["id"] for item in page["items"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == live.get("/live/collections/exchange/objects/").json()["objects"]


def test_an_empty_page_is_no_release(live: Live) -> None:
    assert ask(live, "GET", "/collections/empty/objects").json() == {"items": [], "next": None, "release": None}


def test_filters(live: Live) -> None:
    two = live.indicators[:2]
    asked = ask(live, "GET", f"{OBJECTS}?id={two[0]}&id={two[1]}&type=indicator").json()["items"]
    assert sorted(item["id"] for item in asked) == sorted(two)
    versions = ask(live, "GET", f"{OBJECTS}?type=malware&version=all").json()["items"]
    assert [item["version"][:10] for item in versions] == ["2026-02-01", "2026-02-02", "2026-02-03"]
    one = object_id("malware", "versions")
    assert [item["version"][:10] for item in ask(live, "GET", f"{OBJECTS}/{one}").json()["items"]] == ["2026-02-03"]
    exact = ask(live, "GET", f"{OBJECTS}/{one}?version=2026-02-02T00:00:00.000Z&version=first").json()["items"]
    assert [item["version"][:10] for item in exact] == ["2026-02-01", "2026-02-02"]


def test_what_one_may_not_see_is_what_is_not_there(live: Live) -> None:
    for path in (f"{OBJECTS}/{{}}", "/objects/{}/why", "/objects/{}/who"):
        hidden = ask(live, "GET", path.format(HIDDEN))
        missing = ask(live, "GET", path.format(MISSING))
        assert hidden.status_code == 404
        assert hidden.content == missing.content
    assert ask(live, "GET", f"{OBJECTS}?id={HIDDEN}").json()["items"] == []
    assert ask(live, "DELETE", f"{OBJECTS}/{HIDDEN}").content == ask(live, "DELETE", f"{OBJECTS}/{MISSING}").content


BAD = {
    "an unknown parameter": (f"{OBJECTS}?types=indicator", 400, "types"),
    "a limit of nothing": (f"{OBJECTS}?limit=0", 400, "limit"),
    "a limit that is no number": (f"{OBJECTS}?limit=x", 400, "limit"),
    "a limit twice": (f"{OBJECTS}?limit=1&limit=2", 400, "limit"),
    "a version that is none": (f"{OBJECTS}?version=newest", 400, "version"),
    "an instant that is none": (f"{OBJECTS}?added_after=yesterday", 400, "added_after"),
    "a cursor that is none": (f"{OBJECTS}?cursor=x", 400, "next"),
    "a control character": (f"{OBJECTS}?type=a%00", 400, "type[0]"),
    "bytes that are no text": (f"{OBJECTS}?type=%ff", 400, "query"),
    "a collection that is none": ("/collections/none/objects", 404, None),
    "a receipt that is none": (f"/receipts/{uuid.UUID(int=7)}", 404, None),
    "a receipt of no form": ("/receipts/%00", 404, None),
    "an object of no form": ("/objects/%00/why", 404, None),
    "a purpose that is none": (f"/objects/{MISSING}/why?purpose=fun", 400, None),
    "a reader that is none": (f"/objects/{MISSING}/why?reader=nobody", 404, None),
    "another purpose than one's own": (f"/objects/{MISSING}/why?purpose=respond", 403, "purpose"),
    "another purpose for oneself by name": (f"/objects/{MISSING}/why?purpose=respond&reader=bravo", 403, "purpose"),
    "a party that is none": ("/parties/nobody", 404, None),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said(live: Live, case: tuple[str, int, str | None]) -> None:
    path, status, where = case
    answer = ask(live, "GET", path)
    assert answer.status_code == status
    assert answer.json().get("where") == where


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_what_is_shared_has_a_receipt_of_ones_own(live: Live) -> None:
    answer = post(live, bundle(indicator("api"), malware("api")), "?tlp=amber&to=bravo", type_=STIX)
    assert answer.status_code == 201
    receipt = answer.json()
    assert (receipt["accepted"], receipt["repeated"], receipt["refused"]) == (2, 0, 0)
    place = answer.headers["location"].removeprefix("/api/v1")
    assert ask(live, "GET", place, "alfa").json() == receipt
    assert ask(live, "GET", place, "bravo").status_code == 404
    item = ask(live, "GET", f"/collections/inbox/objects/{object_id('indicator', 'api')}").json()["items"][0]
    assert item["tlp"] == "amber"
    assert post(live, bundle(indicator("api")), "?tlp=amber&to=bravo").json()["repeated"] == 1


def test_a_bundle_of_which_nothing_is_taken_is_no_creation(live: Live) -> None:
    broken = indicator("broken") | {"pattern": "["}
    answer = post(live, bundle(broken))
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert answer.json()["id"] is None
    assert answer.json()["results"][0]["reason"]


NOT_TAKEN = {
    "no bundle": (b"{}", "", JSON, 422),
    "no JSON": (b"{", "", JSON, 422),
    "another type": (b"{}", "", "text/plain", 415),
    "a TLP that is none": (bundle(malware("x")), "?tlp=purple", JSON, 422),
    "a recipient that is none": (bundle(malware("x")), "?to=nobody", JSON, 422),
}


@pytest.mark.parametrize("case", NOT_TAKEN.values(), ids=NOT_TAKEN.keys())
def test_what_is_not_taken(live: Live, case: tuple[bytes, str, str, int]) -> None:
    data, query, type_, status = case
    assert post(live, data, query, type_=type_).status_code == status


def test_one_withdraws_ones_own(live: Live) -> None:
    share(live, "alfa", malware("gone"), collection="inbox")
    path = f"/collections/inbox/objects/{object_id('malware', 'gone')}"
    assert ask(live, "DELETE", path, "bravo").status_code == 404
    assert ask(live, "GET", path).status_code == 200
    assert ask(live, "DELETE", path, "alfa").json() == {"withdrawn": 1}
    assert ask(live, "GET", path).status_code == 404
    assert ask(live, "DELETE", path, "alfa").status_code == 404


# --- the account ------------------------------------------------------------------------------------------------------


def test_why_names_the_clause(live: Live) -> None:
    (verdict,) = ask(live, "GET", f"/objects/{live.indicators[0]}/why").json()["verdicts"]
    assert (verdict["verdict"], verdict["owner"], verdict["reader"]) == ("allow", "alfa", "bravo")
    assert verdict["reasons"][0]["agreement"] == "test-exchange"


def test_an_owner_asks_about_others_and_others_do_not(live: Live) -> None:
    path = f"/objects/{live.indicators[0]}/why?reader=charlie&purpose=respond"
    (verdict,) = ask(live, "GET", path, "alfa").json()["verdicts"]
    assert (verdict["verdict"], verdict["reader"], verdict["purpose"]) == ("deny", "charlie", "respond")
    assert ask(live, "GET", path, "bravo").status_code == 404


def test_who_received_is_for_the_owner(live: Live) -> None:
    one = live.indicators[1]
    ask(live, "GET", f"{OBJECTS}/{one}")
    account = ask(live, "GET", f"/objects/{one}/who", "alfa").json()
    assert account["owners"] == ["alfa"]
    assert "bravo" in {release["party"] for release in account["received"]}
    assert ask(live, "GET", f"/objects/{one}/who", "bravo").status_code == 404


# --- the partnership --------------------------------------------------------------------------------------------------


def test_who_one_is(live: Live) -> None:
    me = ask(live, "GET", "/me", "anna").json()
    assert (me["id"], me["party"], me["user"], me["purpose"]) == ("anna@bravo", "bravo", "anna", "detect")


def test_members_know_the_vetted_parties_and_no_secrets_of_theirs(live: Live) -> None:
    live.world.hub.parties.suspend_party(OPERATOR, live.world.hub.mandate, "charlie", "under review")
    try:
        parties = ask(live, "GET", "/parties").json()["parties"]
        assert [party["name"] for party in parties] == ["hub", "alfa", "bravo"]
        assert ask(live, "GET", "/parties/charlie").status_code == 404
        for party in parties:
            assert not {"clearance", "clients", "status"} & set(party)
            assert ask(live, "GET", f"/parties/{party['name']}").json() == party
    finally:
        live.world.hub.parties.clear_party(
            OPERATOR, live.world.hub.mandate, "charlie", clearance="unclassified", until=None, reason="reviewed"
        )


def test_agreements_are_known_to_their_parties(live: Live) -> None:
    (agreement,) = ask(live, "GET", "/agreements").json()["agreements"]
    assert agreement["members"] == ["alfa", "bravo"]
    assert "clauses" in agreement["document"]
    path = f"/agreements/{agreement['name']}/1"
    assert ask(live, "GET", path).json() == agreement
    assert ask(live, "GET", "/agreements", "charlie").json() == {"agreements": [], "next": None}
    assert ask(live, "GET", path, "charlie").content == ask(live, "GET", "/agreements/none/1", "charlie").content


# --- permissions ------------------------------------------------------------------------------------------------------

# path, method, who may and who may not
PERMITTED = {
    "list": ("GET", "/collections", "lister", "eraser"),
    "read": ("GET", OBJECTS, "reader", "lister"),
    "why": ("GET", f"/objects/{MISSING}/why", "reader", "lister"),
    "receipts": ("GET", f"/receipts/{uuid.UUID(int=7)}", "writer", "reader"),
    "withdraw": ("DELETE", f"{OBJECTS}/{MISSING}", "alfa", "reader"),
    "parties": ("GET", "/parties", "lister", "eraser"),
    "agreements": ("GET", "/agreements", "lister", "eraser"),
}


@pytest.mark.parametrize("case", PERMITTED.values(), ids=PERMITTED.keys())
def test_a_permission_is_needed(live: Live, case: tuple[str, str, str, str]) -> None:
    method, path, may, may_not = case
    assert ask(live, method, path, may).status_code in {200, 404}
    assert ask(live, method, path, may_not).status_code == 403
    assert ask(live, method, path, None).status_code == 401
