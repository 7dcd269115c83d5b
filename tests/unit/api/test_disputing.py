"""Disputes over the API: their parties', whoever decides them, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.doors import NOBODY, ask, told
from support.hub import OPERATOR
from tocsin.governance.model.disputes import Outcome

if TYPE_CHECKING:
    from support.taxii import Live

NONE = "there is no such dispute, or none that you may see"
COMPLAINT = {"kind": "complaint", "against": "bravo", "statement": "It passes on what is amber."}


def filed(live: Live, who: str = "sig-alfa", **other: object) -> dict[str, Any]:
    return told(ask(live, "POST", "/disputes", who, COMPLAINT | other))


def listed(live: Live, who: str) -> list[str]:
    return [one["dispute"] for one in told(ask(live, "GET", "/disputes", who))["disputes"]]


def test_two_parties_settle_a_dispute(doors: Live) -> None:
    one = filed(doors, kind="label", object="indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")
    assert (one["complainant"], one["respondent"], one["status"]) == ("alfa", "bravo", "filed")
    assert one["due"] is not None
    path = f"/disputes/{one['dispute']}"
    assert told(ask(doors, "GET", path, "lia-bravo")) == one
    told(ask(doors, "POST", f"{path}/settlement", "sig-alfa", {"terms": "It is marked green."}))
    told(ask(doors, "POST", f"{path}/settlement", "lia-bravo", {"terms": "Nothing changes."}))
    settled = told(ask(doors, "POST", f"{path}/settlement", "lia-bravo", {"terms": "It is marked green."}))
    assert (settled["status"], settled["due"]) == ("settled", None)
    assert {each["terms"] for each in settled["offers"]} == {"It is marked green."}
    assert ask(doors, "POST", f"{path}/withdrawal", "sig-alfa", {}).status_code == 409


def test_a_decision_is_appealed_once_and_in_time(doors: Live) -> None:
    one = filed(doors)
    path = f"/disputes/{one['dispute']}"
    assert ask(doors, "POST", f"{path}/appeal", "sig-bravo", {"reasons": "too early"}).status_code == 409
    hub = doors.world.hub
    hub.disputes.decide(
        OPERATOR, hub.mandate, one["dispute"], outcome=Outcome.UPHELD, reasons="It did.", remedy="It stops."
    )
    appealed = told(ask(doors, "POST", f"{path}/appeal", "sig-bravo", {"reasons": "It did not."}))
    assert (appealed["status"], appealed["appeal"]["party"]) == ("appealed", "bravo")
    assert appealed["decisions"][0]["outcome"] == "upheld"
    # who appealed takes it back, and then the first decision stands
    assert ask(doors, "POST", f"{path}/withdrawal", "sig-alfa", {}).status_code == 403
    assert told(ask(doors, "POST", f"{path}/withdrawal", "sig-bravo", {}))["status"] == "final"


def test_nobody_else_learns_of_a_dispute(doors: Live) -> None:
    one = filed(doors)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/settlement", {"terms": "ours"}),
        ("POST", "/appeal", {"reasons": "ours"}),
        ("POST", "/withdrawal", {}),
    ):
        answers = [
            ask(doors, method, f"/disputes/{each}{path}", "lia-charlie", body)
            for each in (one["dispute"], NOBODY, "%00")
        ]
        assert {(each.status_code, each.json()["detail"]) for each in answers} == {(404, NONE)}
        assert len({each.content for each in answers}) == 1
    assert listed(doors, "lia-charlie") == []
    # nor whoever speaks for neither party, of their own people
    for who in ("alfa", "aud-alfa", "anna"):
        for path in ("/disputes", f"/disputes/{one['dispute']}", f"/disputes/{NOBODY}"):
            assert ask(doors, "GET", path, who).status_code == 403
    # and what others dispute puts no gap between one's own
    first = filed(doors, against="charlie")
    filed(doors, "sig-bravo", against="alfa")
    second = filed(doors, "lia-charlie", against="alfa")
    assert listed(doors, "sig-charlie") == [first["dispute"], second["dispute"]]


def test_an_operator_sees_all_and_names_a_mediator(doors: Live) -> None:
    one = filed(doors)
    path = f"/disputes/{one['dispute']}"
    assert one["dispute"] in listed(doors, "operator")
    assert told(ask(doors, "GET", path, "operator"))["dispute"] == one["dispute"]
    who = {"mediator": "lia@charlie"}
    assert ask(doors, "POST", f"{path}/mediation", "sig-alfa", who).status_code == 403
    assert ask(doors, "POST", f"{path}/mediation", "operator", {"mediator": "lia@alfa"}).status_code == 403
    assert ask(doors, "POST", f"{path}/mediation", "operator", {"mediator": "nobody"}).status_code == 422
    assert told(ask(doors, "POST", f"{path}/mediation", "operator", who))["mediator"] == "lia@charlie"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"against": "nobody"}, 404),
        ({"against": "alfa"}, 422),
        ({"statement": " "}, 422),
        ({"statement": "\x00"}, 422),
        ({"kind": "label"}, 422),  # of which object?
        ({"kind": "grudge"}, 422),
        ({"kind": "suspension"}, 409),  # it is not suspended
        ({"party": "charlie"}, 422),
    ],
)
def test_a_dispute_that_cannot_be_one(doors: Live, change: dict[str, object], status: int) -> None:
    before = listed(doors, "sig-alfa")
    assert ask(doors, "POST", "/disputes", "sig-alfa", COMPLAINT | change).status_code == status
    assert listed(doors, "sig-alfa") == before
