"""Access requests and grants over the API: asked where one may know, answered by who speaks for the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.doors import NOBODY, ask, told
from support.taxii import bundle, indicator, object_id, share
from tocsin.agreements.model import Tlp
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from support.taxii import Live

WHY = "we run the same pump"


def shared(live: Live, name: str, owner: str = "alfa") -> str:
    share(live, owner, indicator(name))
    return object_id("indicator", name)


def requested(live: Live, name: str) -> dict[str, Any]:
    body = {"object": shared(live, name), "reason": WHY}
    (one,) = told(ask(live, "POST", "/requests", "lia-charlie", body))["requests"]
    assert isinstance(one, dict)
    return one


def test_a_request_is_granted_and_what_was_asked_for_is_read(doors: Live) -> None:
    one = requested(doors, "granted")
    assert (one["status"], one["owner"], one["party"], one["user"]) == ("open", "alfa", "charlie", "lia")
    for who in ("lia-alfa", "alfa", "lia-charlie"):
        assert one["request"] in {each["request"] for each in told(ask(doors, "GET", "/requests", who))["requests"]}
    answer = {"outcome": "granted", "until": "2026-12-01", "reason": "for this incident"}
    granted = told(ask(doors, "POST", f"/requests/{one['request']}/answer", "lia-alfa", answer))
    assert granted["status"] == "granted"
    assert granted["grant"] in {each["grant"] for each in told(ask(doors, "GET", "/grants", "charlie"))["grants"]}
    page = told(ask(doors, "GET", "/collections/grants/objects", "charlie"))
    assert one["object"] in {item["id"] for item in page["items"]}
    assert ask(doors, "POST", f"/requests/{one['request']}/answer", "lia-alfa", answer).status_code == 409


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"outcome": "granted"}, 422),  # a grant ends
        ({"outcome": "granted", "until": "2026-12-01", "purposes": ["spy"]}, 422),
        ({"outcome": "granted", "until": "2026-12-01", "purposes": []}, 422),
        ({"outcome": "granted", "until": "2030-12-01"}, 422),
        ({"outcome": "refused"}, 422),  # a refusal says why
        ({"outcome": "amendment"}, 422),
        ({"outcome": "withdrawn"}, 422),
        ({"outcome": "refused", "reason": "no", "party": "alfa"}, 422),
        ({"outcome": "refused", "reason": "\x00"}, 422),
        ({"outcome": "refused", "reason": "under investigation"}, 200),
    ],
)
def test_an_answer_says_what_it_has_to(doors: Live, answer: dict[str, object], status: int) -> None:
    one = requested(doors, f"answer {sorted(answer.items())}")
    assert ask(doors, "POST", f"/requests/{one['request']}/answer", "lia-alfa", answer).status_code == status
    amended = {"outcome": "amendment", "amendment": "knowing/2", "reason": "for all"}
    later = ask(doors, "POST", f"/requests/{one['request']}/answer", "sig-alfa", amended)
    assert later.status_code == (200 if status == 422 else 409)


def test_what_one_may_not_know_of_is_asked_for_like_what_is_not_there(doors: Live) -> None:
    hidden = (
        shared(doors, "of bravo", "bravo"),
        object_id("indicator", "nowhere"),
        object_id("malware", "versions"),
        "no id at all",
        "indicator--\x00",
    )
    answers, entries = [], []
    for one in hidden:
        with doors.world.hub.store.read() as connection:
            before = doors.world.hub.log.head(connection).frontier.size
        answers.append(ask(doors, "POST", "/requests", "lia-charlie", {"object": one, "reason": WHY}))
        with doors.world.hub.store.read() as connection:
            rows = list(doors.world.hub.log.rows(connection, before))
        payloads = [decode_payload(row.payload or b"", where="") for row in rows]
        entries.append([(each.kind, sorted(each.data)) for each in payloads])
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert entries == [entries[0]] * len(hidden)


def test_a_request_is_known_to_its_two_parties_only(doors: Live) -> None:
    one = requested(doors, "between two")["request"]
    refusal = {"outcome": "refused", "reason": "no"}
    for path, method, body in (("", "GET", None), ("", "DELETE", None), ("/answer", "POST", refusal)):
        for who in ("lia-bravo", "box-bravo"):
            answers = [ask(doors, method, f"/requests/{each}{path}", who, body) for each in (one, NOBODY)]
            assert {answer.status_code for answer in answers} == {404}
            assert answers[0].content == answers[1].content
    # who asked does not answer, and who was asked does not withdraw
    assert ask(doors, "POST", f"/requests/{one}/answer", "lia-charlie", refusal).status_code == 404
    assert ask(doors, "DELETE", f"/requests/{one}", "lia-alfa").status_code == 404
    assert told(ask(doors, "GET", "/requests", "lia-bravo")) == {"requests": [], "next": None}
    assert told(ask(doors, "DELETE", f"/requests/{one}", "lia-charlie"))["status"] == "withdrawn"


def test_who_decides_speaks_for_the_party(doors: Live) -> None:
    one = requested(doors, "decided")
    answer = {"outcome": "refused", "reason": "no"}
    grant = {"object": one["object"], "to": "charlie", "until": "2026-12-01"}
    for path, body in ((f"/requests/{one['request']}/answer", answer), ("/grants", grant)):
        for who in ("alfa", "writer", "aud-alfa"):
            refused = ask(doors, "POST", path, who, body)
            assert refused.status_code == 403
            assert "parties:party:speak" in refused.json()["detail"]
        assert ask(doors, "POST", path, None, body).status_code == 401
    assert ask(doors, "POST", "/requests", "sig-charlie", {"object": "x", "reason": WHY}).status_code == 403


def test_a_grant_is_given_and_ended_by_its_owner(doors: Live) -> None:
    mine = shared(doors, "given")
    grant = {"object": mine, "to": "charlie", "until": "2026-12-01", "purposes": ["detect"]}
    made = told(ask(doors, "POST", "/grants", "box-alfa", grant))
    assert (made["hindered"], len(made["offered"])) == (False, 1)
    uuid = made["grant"]["grant"]
    for who in ("lia-bravo", "lia-charlie"):
        answers = [ask(doors, "POST", f"/grants/{each}/revocation", who, {}) for each in (uuid, NOBODY, "%00")]
        assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {
            (404, "the party gave no such grant")
        }
    assert uuid not in ask(doors, "GET", "/grants", "bravo").text
    ended = told(ask(doors, "POST", f"/grants/{uuid}/revocation", "lia-alfa", {"reason": "it is over"}))
    assert not ended["stands"]
    assert ask(doors, "POST", f"/grants/{uuid}/revocation", "lia-alfa", {}).status_code == 409


def test_nobody_grants_what_is_another_s_nor_to_whom_nobody_knows(doors: Live) -> None:
    theirs, until = shared(doors, "of bravo, too", "bravo"), "2026-12-01"
    answers = [
        ask(doors, "POST", "/grants", "lia-alfa", {"object": one, "to": "charlie", "until": until})
        for one in (theirs, object_id("indicator", "nowhere"))
    ]
    assert {(one.status_code, one.json()["detail"]) for one in answers} == {
        (404, "the party offers no such object, or no such version of it")
    }
    for name in ("nobody", "https://nobody.example", "anna@bravo", "\x00", "a@b@c"):
        refused = ask(doors, "POST", "/grants", "lia-alfa", {"object": theirs, "to": name, "until": until})
        assert refused.status_code == 422, name


def test_what_stands_above_a_grant_is_not_told(doors: Live) -> None:
    doors.world.share("alfa", bundle(indicator("red")), tlp=Tlp.RED, to=("anna@bravo",))
    grant = {"object": object_id("indicator", "red"), "to": "charlie", "until": "2026-12-01"}
    made = told(ask(doors, "POST", "/grants", "lia-alfa", grant))
    assert made["hindered"] is True
    assert set(made) == {"grant", "offered", "hindered"}
