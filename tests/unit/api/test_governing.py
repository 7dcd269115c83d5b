"""Motions over the API: known to the parties that sit in the body, voted on by ballots that are signed elsewhere."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785

from support.council import SEATS, constitute, council, recuse
from support.doors import ML_DSA_SEED, NOBODY, ask, told
from support.hub import key_of
from tocsin.agreements.document import Signed, ml_dsa_public_key_of, sign_bytes
from tocsin.exchange.replay import replay
from tocsin.kernel.mandate import Right
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from support.taxii import Live

QUESTION = {"body": "council", "title": "Suspend charlie", "reasons": "Its clearance is under review."}
RIGHTLESS = QUESTION | {"right": "parties:party:suspend", "subject": "charlie"}


def opened(live: Live) -> dict[str, Any]:
    made = told(ask(live, "POST", "/motions", "sig-alfa", QUESTION))
    assert (made["status"], made["digest"], made["your_seat"]) == ("tabled", None, None)
    motion = told(ask(live, "POST", f"/motions/{made['motion']}/opening", "sig-alfa"))
    assert (motion["status"], motion["your_seat"], motion["next_ballot"]) == ("open", "north", 1)
    return motion


def ballot(motion: dict[str, Any], voter: str, choice: str = "yes", **other: object) -> dict[str, object]:
    """Return a ballot as a client makes it that has read docs/governance.md and nothing of ours."""
    says = {"seat": "north" if voter.endswith("alfa") else "east", "choice": choice, "number": 1, "reasons": ""} | other
    form = {"motion": motion["motion"], "digest": motion["digest"], "voter": voter, **says}
    signed = signature(b"tocsin/ballot/v1\n" + canonical(form), voter)
    return says | {"signature": signed.signature}


def canonical(form: dict[str, Any]) -> bytes:
    return rfc8785.dumps(form)


def signature(message: bytes, voter: str, seed: bytes | None = None) -> Signed:
    name, _, party = voter.partition("@")
    return sign_bytes(message, key_of(party if name == "sig" else voter), seed)


def test_a_ballot_is_signed_elsewhere_and_counted(doors: Live) -> None:
    motion = opened(doors)
    path = f"/motions/{motion['motion']}"
    told(ask(doors, "POST", f"{path}/ballots", "sig-alfa", ballot(motion, "sig@alfa", reasons="It must be")))
    done = told(ask(doors, "POST", f"{path}/ballots", "sig-bravo", ballot(motion, "sig@bravo", "no")))
    assert done["status"] == "failed"
    assert [(one["voter"], one["choice"]) for one in done["ballots"]] == [("sig@bravo", "no"), ("sig@alfa", "yes")]
    assert ask(doors, "POST", f"{path}/closing", "sig-alfa").status_code == 409
    assert motion["motion"] in {
        one["motion"] for one in told(ask(doors, "GET", "/motions?status=failed&body=council", "lia-bravo"))["motions"]
    }


@pytest.mark.parametrize("query", ["status=null", "status=ended", "body=null%00", "status=", "what=ever"])
def test_a_filter_that_is_none_is_refused(doors: Live, query: str) -> None:
    assert ask(doors, "GET", f"/motions?{query}", "sig-alfa").status_code == 400


@pytest.mark.parametrize(
    ("who", "voter", "change", "status"),
    [
        ("sig-alfa", "sig@bravo", {}, 403),  # another's ballot, handed in by oneself
        ("lia-alfa", "sig@alfa", {}, 403),  # a liaison has no key, and votes for nobody
        ("box-alfa", "sig@alfa", {}, 403),  # a machine is nobody
        ("sig-alfa", "sig@alfa", {"choice": "no"}, 403),  # changed on the way
        ("sig-alfa", "sig@alfa", {"reasons": "as they wanted"}, 403),
        ("sig-alfa", "sig@alfa", {"number": 2}, 409),
        ("sig-alfa", "sig@alfa", {"seat": "east"}, 403),
        ("sig-alfa", "sig@alfa", {"seat": "moon"}, 403),
        ("sig-alfa", "sig@alfa", {"signature": "AAAA"}, 422),
        ("sig-alfa", "sig@alfa", {"signature": "no base64!"}, 422),
        ("sig-alfa", "sig@alfa", {"ml_dsa_signature": "AAAA"}, 403),  # there is no second key
        ("sig-alfa", "sig@alfa", {"choice": "perhaps"}, 422),
        ("sig-alfa", "sig@alfa", {"voter": "sig@bravo"}, 422),
        ("sig-alfa", "sig@alfa", {"reasons": "\x00"}, 422),
    ],
)
def test_nobody_votes_for_another(doors: Live, who: str, voter: str, change: dict[str, object], status: int) -> None:
    motion = opened(doors)
    path = f"/motions/{motion['motion']}"
    assert ask(doors, "POST", f"{path}/ballots", who, ballot(motion, voter) | change).status_code == status
    assert told(ask(doors, "GET", path, "sig-bravo"))["ballots"] == []
    told(ask(doors, "POST", f"{path}/withdrawal", "sig-alfa", {"reason": "asked for the test"}))


def test_who_has_two_keys_votes_with_both(doors: Live) -> None:
    motion = opened(doors)
    path, voter = f"/motions/{motion['motion']}/ballots", "dep@bravo"
    cast = ballot(motion, voter)
    assert ask(doors, "POST", path, "dep-bravo", cast).status_code == 403
    form = {key: value for key, value in cast.items() if key != "signature"}
    form |= {"motion": motion["motion"], "digest": motion["digest"], "voter": voter}
    message = b"tocsin/ballot/v1\n" + canonical(form)
    both = signature(message, voter, ML_DSA_SEED)
    other = signature(message + b" ", voter, ML_DSA_SEED)
    broken = base64.b64encode(b"\x00" * 2_420).decode()
    for second in (other.ml_dsa_signature, broken):
        assert ask(doors, "POST", path, "dep-bravo", cast | {"ml_dsa_signature": second}).status_code == 403
    whole = cast | {"signature": both.signature, "ml_dsa_signature": both.ml_dsa_signature}
    (kept,) = told(ask(doors, "POST", path, "dep-bravo", whole))["ballots"]
    assert kept["ml_dsa_signature"] == both.ml_dsa_signature
    assert kept["ml_dsa_key"] == ml_dsa_public_key_of(ML_DSA_SEED)


def test_a_motion_is_known_to_the_parties_that_sit_in_the_body(doors: Live) -> None:
    motion = opened(doors)
    one = motion["motion"]
    cast, reason = ballot(motion, "sig@charlie"), {"reason": "no"}
    swears = {"seat": "north", "by": "east", "reasons": "It owns it.", "signature": "AAAA"}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/opening", None),
        ("POST", "/ballots", cast),
        ("POST", "/recusals", swears),
        ("POST", "/withdrawal", reason),
        ("POST", "/closing", None),
    ):
        answers = [ask(doors, method, f"/motions/{each}{path}", "sig-charlie", body) for each in (one, NOBODY, "%00")]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    assert told(ask(doors, "GET", "/motions", "sig-charlie")) == {"motions": [], "next": None}
    assert told(ask(doors, "GET", "/bodies", "box-charlie")) == {"bodies": []}
    answers = [
        ask(doors, "POST", "/motions", "sig-charlie", QUESTION | {"body": name}) for name in ("council", "nothing")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    # what it is about is not told to it either: the entry concerns the council's parties
    assert "council" in ask(doors, "GET", "/bodies", "sig-alfa").text
    for who in ("alfa", "aud-alfa", "anna"):
        assert ask(doors, "GET", f"/motions/{one}", who).status_code == 403


def test_motions_come_in_pages(doors: Live) -> None:
    """The first first, each once, whatever is tabled meanwhile; a filter counts what it keeps."""
    before = told(ask(doors, "GET", "/motions?status=tabled", "sig-alfa"))["motions"]
    tabled = [told(ask(doors, "POST", "/motions", "sig-alfa", QUESTION))["motion"] for _ in range(3)]
    wanted = [one["motion"] for one in before] + tabled
    path, found = "/motions?status=tabled&limit=2", list[str]()
    page = told(ask(doors, "GET", path, "sig-alfa"))
    first = page["next"]
    told(ask(doors, "POST", f"/motions/{opened(doors)['motion']}/withdrawal", "sig-alfa", {"reason": "no"}))
    while True:
        found += [one["motion"] for one in page["motions"]]
        assert len(page["motions"]) <= 2
        if page["next"] is None:
            break
        page = told(ask(doors, "GET", f"{path}&cursor={page['next']}", "sig-alfa"))
    assert found == wanted
    assert ask(doors, "GET", f"/motions?cursor={first}", "sig-alfa").status_code == 400, "it is for these filters"
    assert ask(doors, "GET", f"{path}&cursor={first}", "sig-bravo").status_code == 400, "and for whom it was given to"


def test_what_a_body_may_not_decide_it_is_not_asked(doors: Live) -> None:
    assert ask(doors, "POST", "/motions", "sig-alfa", RIGHTLESS).status_code == 403
    for change in ({"subject": "x"}, {"days": 0}, {"right": "everything"}, {"title": " "}, {"subject": "\x00"}):
        assert ask(doors, "POST", "/motions", "sig-alfa", QUESTION | change).status_code == 422, change


def test_what_exactly_is_decided_is_shown_and_signed(doors: Live) -> None:
    constitute(doors.world, council([Right.PARTY_CLEAR], name="board", seats=SEATS[:2]))
    asked = QUESTION | {"body": "board", "right": "parties:party:clear", "subject": "charlie"}
    blank = ask(doors, "POST", "/motions", "sig-alfa", asked)
    assert (blank.status_code, "what exactly is decided" in blank.text) == (422, True)
    for document in ("clearance: cosmic", "[", "\x00", "", "a" * 70_000):
        refused = ask(doors, "POST", "/motions", "sig-alfa", asked | {"document": document})
        assert refused.status_code == 422, document[:20]
    made = told(ask(doors, "POST", "/motions", "sig-alfa", asked | {"document": "clearance: secret"}))
    assert made["text"] == '{"clearance":"secret","until":null}'
    assert made["document"] == hashlib.sha256(made["text"].encode()).hexdigest()
    path = f"/motions/{made['motion']}"
    motion = told(ask(doors, "POST", f"{path}/opening", "sig-alfa"))
    done = told(ask(doors, "POST", f"{path}/ballots", "sig-alfa", ballot(motion, "sig@alfa")))
    assert (done["text"], len(done["ballots"])) == (made["text"], 1)
    # to whom the motion is not known its text is not, nor how anybody stands whom a motion would be about
    answers = [
        ask(doors, "POST", "/motions", "sig-charlie", asked | {"document": "clearance: secret", "subject": subject})
        for subject in ("charlie", "nobody")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content


def test_a_recusal_is_signed_too(doors: Live) -> None:
    motion = opened(doors)
    said = {"seat": "north", "by": "north", "reasons": "We own it."}
    form = said | {"motion": motion["motion"], "digest": motion["digest"], "voter": "sig@alfa"}
    made = signature(b"tocsin/recusal/v1\n" + canonical(form), "sig@alfa")
    path = f"/motions/{motion['motion']}/recusals"
    assert ask(doors, "POST", path, "sig-bravo", said | {"signature": made.signature}).status_code == 403
    assert told(ask(doors, "POST", path, "sig-alfa", said | {"signature": made.signature}))["recused"] == ["north"]


def test_what_came_by_the_api_replays(doors: Live) -> None:
    motion = opened(doors)
    recuse(doors.world, doors.world.hub.governance.motion(motion["motion"]).motion, "north", "sig@bravo")
    hub = doors.world.hub
    hub.integrator.integrate()
    with hub.store.read() as connection:
        rows = [(row.index, decode_payload(row.payload or b"", where="")) for row in hub.log.rows(connection)]
    told_again = replay(rows).governed.motions[motion["motion"]]
    assert told_again == hub.governance.motion(motion["motion"]).motion
