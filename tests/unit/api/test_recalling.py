"""Recalls over the API: ordered by owners, told to each recipient of its own alone, answered by who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.taxii import indicator, object_id, share
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from support.taxii import Live

BY = {"by": "2026-12-01", "reason": "names a customer"}


@pytest.fixture(scope="module")
def called_back(live: Live) -> dict[str, Any]:
    live.world.user("lia@bravo", roles=frozenset({Role.LIAISON}))
    live.secrets["lia"] = ("lia@bravo", live.world.token("lia@bravo"))
    share(live, "alfa", indicator("called back"))
    mine = object_id("indicator", "called back")
    answer = ask(live, "GET", f"/collections/exchange/objects/{mine}", "bravo")
    assert answer.status_code == 200
    answer = ask(live, "POST", f"/objects/{mine}/recall", "alfa", BY)
    assert answer.status_code == 201, answer.text
    (recall,) = answer.json()["recalls"]
    assert isinstance(recall, dict)
    return recall


def ask(live: Live, method: str, path: str, who: str, body: object = None) -> httpx.Response:
    return httpx.request(method, f"{live.url}/api/v1{path}", auth=live.secrets[who], json=body)


def test_its_owner_sees_where_it_stands(live: Live, called_back: dict[str, Any]) -> None:
    assert [one["party"] for one in called_back["recipients"]] == ["bravo"]
    assert ask(live, "GET", f"/recalls/{called_back['recall']}", "alfa").json()["demand"] == "destroy"
    assert called_back["recall"] in {one["recall"] for one in ask(live, "GET", "/recalls", "alfa").json()["recalls"]}


def test_what_is_another_s_is_not_there(live: Live, called_back: dict[str, Any]) -> None:
    mine = object_id("indicator", "called back")
    there, nowhere = f"/recalls/{called_back['recall']}", "/recalls/00000000-0000-4000-8000-000000000000"
    notice = called_back["recipients"][0]["notice"]
    for method, path, other, who, body in (
        ("GET", there, nowhere, "bravo", None),
        (
            "POST",
            f"/objects/{mine}/recall",
            "/objects/indicator--00000000-0000-4000-8000-00000000000a/recall",
            "bravo",
            BY,
        ),
        ("POST", f"/objects/{mine}/recall", "/objects/no-object/recall", "charlie", BY),
        (
            "POST",
            "/notices/00000000-0000-4000-8000-000000000000/attestation",
            f"/notices/{called_back['recall']}/attestation",
            "lia",
            {"answer": "destroyed"},
        ),
    ):
        answers = [ask(live, method, one, who, body) for one in (path, other)]
        assert {answer.status_code for answer in answers} == {404}
        assert len({(one.json()["title"], one.json()["detail"]) for one in answers}) == 1
    assert ask(live, "GET", "/notices", "charlie").json() == {"notices": [], "next": None}
    assert notice not in ask(live, "GET", "/notices", "alfa").text


def test_a_recipient_answers(live: Live, called_back: dict[str, Any]) -> None:
    notice = called_back["recipients"][0]["notice"]
    (told,) = [one for one in ask(live, "GET", "/notices", "lia").json()["notices"] if one["notice"] == notice]
    assert [one["id"] for one in told["objects"]] == [object_id("indicator", "called back")]
    path = f"/notices/{notice}/attestation"
    for who in ("bravo", "anna-token"):
        assert ask(live, "POST", path, who, {"answer": "destroyed"}).status_code == 403
    assert ask(live, "POST", path, "lia", {"answer": "held"}).status_code == 422
    assert ask(live, "POST", path, "lia", {"answer": "vanished"}).status_code == 422
    assert ask(live, "POST", path, "lia", {"answer": "destroyed"}).json()["state"] == "done"
    assert ask(live, "POST", path, "lia", {"answer": "held", "remark": "no"}).status_code == 409
    (seen,) = ask(live, "GET", f"/recalls/{called_back['recall']}", "alfa").json()["recipients"]
    assert (seen["state"], seen["attested"]["by"]) == ("done", "lia@bravo")
