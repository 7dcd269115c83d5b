"""Delegations over the API: signed where the key is, known to both parties, and sharing under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.doors import NOBODY, ask, told
from support.hub import OPERATOR, key_of
from support.taxii import bundle, indicator, object_id
from tocsin.agreements.document import sign_bytes
from tocsin.exchange.access.delegation import signing_bytes
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.ids import new_uuid
from tocsin.parties.model import Kind, Party

if TYPE_CHECKING:
    from support.taxii import Live

UNTIL = "2027-12-31"
JSON = {"content-type": "application/json"}
FOR = "/api/v1/collections/exchange/objects?for="


def body_of(live: Live, represented: str, delegate: str, *, key: str | None = None, **other: object) -> dict[str, Any]:
    """Return what is sent for a delegation, signed by ``sig`` of the represented party."""
    body: dict[str, Any] = {"delegation": new_uuid(live.world.entropy), "to": delegate, "until": UNTIL} | other
    signed = {
        "represented": f"https://{represented}.example",
        "delegate": f"https://{delegate}.example",
        "types": body.get("types"),
        "tlp": body.get("tlp", "amber"),
        "until": format_instant(parse_date(UNTIL)),
        "signatory": "sig",
    }
    made = sign_bytes(signing_bytes(body["delegation"], signed), key_of(key or represented))
    return body | {"signature": made.signature}


def listed(live: Live, who: str) -> set[str]:
    return {one["delegation"] for one in told(ask(live, "GET", "/delegations", who))["delegations"]}


def test_a_party_lets_another_share_for_it_and_ends_it(doors: Live) -> None:
    body = body_of(doors, "alfa", "charlie", types=["indicator"])
    mine = bundle(indicator("for alfa"))
    refused = doors.client("box-charlie").post(f"{FOR}alfa", content=mine, headers=JSON)
    assert refused.status_code == 403
    given = told(ask(doors, "POST", "/delegations", "sig-alfa", body))
    assert (given["represented"], given["delegate"], given["types"]) == ("alfa", "charlie", ["indicator"])
    assert given["stands"]
    receipt = doors.client("box-charlie").post(f"{FOR}alfa", content=mine, headers=JSON)
    assert (receipt.status_code, receipt.json()["accepted"]) == (201, 1)
    assert "location" not in receipt.headers
    # what is shared so is the represented party's
    who = told(ask(doors, "GET", f"/objects/{object_id('indicator', 'for alfa')}/who", "lia-alfa"))
    assert who["owners"] == ["alfa"]
    assert given["delegation"] in listed(doors, "lia-alfa") & listed(doors, "box-charlie")
    assert given["delegation"] not in listed(doors, "lia-bravo")
    path = f"/delegations/{given['delegation']}/revocation"
    # who was given it does not end it; to all others there is none
    answers = [ask(doors, "POST", path, who, {}) for who in ("sig-charlie", "sig-bravo")]
    answers.append(ask(doors, "POST", f"/delegations/{NOBODY}/revocation", "sig-bravo", {}))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert not told(ask(doors, "POST", path, "lia-alfa", {"reason": "another provider"}))["stands"]
    assert ask(doors, "POST", path, "lia-alfa", {}).status_code == 409
    again = doors.client("box-charlie").post(f"{FOR}alfa", content=mine, headers=JSON)
    assert again.status_code == 403
    # in the words for whom nobody shares
    for name in ("bravo", "nobody"):
        other = doors.client("box-charlie").post(f"{FOR}{name}", content=mine, headers=JSON)
        assert other.content == again.content == refused.content


@pytest.mark.parametrize(
    ("who", "change", "status"),
    [
        ("sig-alfa", {"signature": "AAAA"}, 422),
        ("sig-alfa", {"tlp": "green"}, 403),  # other terms than were signed
        ("lia-alfa", {}, 403),  # somebody else than who signed, and no signatory
        ("box-alfa", {}, 403),  # no person
        ("alfa", {}, 403),  # a token that does not speak
        ("sig-alfa", {"to": "nobody"}, 404),
        ("sig-alfa", {"to": "alfa"}, 422),
        ("sig-alfa", {"tlp": "red"}, 422),
        ("sig-alfa", {"until": "2020-01-01"}, 422),
        ("sig-alfa", {"types": []}, 422),
        ("sig-alfa", {"delegation": "mine"}, 422),
    ],
)
def test_a_delegation_that_cannot_be_one(doors: Live, who: str, change: dict[str, object], status: int) -> None:
    before = listed(doors, "alfa")
    assert ask(doors, "POST", "/delegations", who, body_of(doors, "alfa", "charlie") | change).status_code == status
    assert listed(doors, "alfa") == before


def test_candidates_are_known_to_nobody(doors: Live) -> None:
    hub = doors.world.hub
    maybe = Party(uri="https://maybe.example", name="maybe", title="Maybe", kind=Kind.PRIVATE, country="NO")
    hub.parties.add_party(OPERATOR, hub.mandate, maybe)
    for path, field, body in (
        ("/delegations", "to", body_of(doors, "alfa", "maybe")),
        ("/disputes", "against", {"kind": "complaint", "statement": "It is here."}),
    ):
        answers = [ask(doors, "POST", path, "sig-alfa", body | {field: name}) for name in ("maybe", "nobody")]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1


def test_a_delegation_is_sent_twice(doors: Live) -> None:
    """A signature is good once: what was sent, or revoked, is not given again; nor is another's id taken."""
    body = body_of(doors, "alfa", "charlie")
    told(ask(doors, "POST", "/delegations", "sig-alfa", body))
    assert ask(doors, "POST", "/delegations", "sig-alfa", body).status_code == 409


def test_a_delegate_learns_nothing_of_what_the_party_shared_itself(doors: Live) -> None:
    told(ask(doors, "POST", "/delegations", "sig-alfa", body_of(doors, "alfa", "charlie", types=["indicator"])))
    mine = doors.client("alfa").post(FOR.partition("?")[0], content=bundle(indicator("theirs")), headers=JSON)
    assert mine.json()["accepted"] == 1
    receipts = []
    for title in ("theirs", "of nobody"):
        shared = bundle(indicator(title))
        receipt = doors.client("box-charlie").post(f"{FOR}alfa", content=shared, headers=JSON).json()
        receipts.append({key: value for key, value in receipt.items() if key not in {"id", "received_at"}})
        assert receipts[-1]["results"][0].pop("id") == object_id("indicator", title)
    assert receipts[0] == receipts[1]
    # nor why something of theirs stands in the way
    other = indicator("theirs") | {"description": "it is another"}
    refused = doors.client("box-charlie").post(f"{FOR}alfa", content=bundle(other), headers=JSON).json()
    assert refused["results"][0]["reason"] == "this cannot be shared for that party"
