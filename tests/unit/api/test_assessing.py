"""Baselines over /api/v1: a party's own assessments and gaps are its own, and its hub's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.doors import ask, told
from support.hub import OPERATOR
from tocsin.kernel.clock import DAY
from tocsin.parties.model import Role, role_permissions
from tocsin.risk.baselines.catalogue import SEVEN
from tocsin.risk.baselines.model import Standing, Target

if TYPE_CHECKING:
    from support.taxii import Live

PAPER: Final = {"kind": "document", "reference": "plan.pdf", "sha256": "ab" * 32}
MET: Final[dict[str, Any]] = {
    "catalogue": "nato-seven",
    "control": "energy",
    "standing": "met",
    "review": "2027-06-01",
    "evidence": [PAPER],
}


@pytest.fixture(scope="module")
def based(doors: Live) -> Live:
    """Two targets, and what bravo says of one of them."""
    world = doors.world
    for control in ("energy", "transport"):
        world.hub.baselines.set_target(
            OPERATOR,
            world.hub.mandate,
            Target(
                catalogue="nato-seven",
                control=control,
                standing=Standing.MET,
                due=world.clock.now() + 90 * DAY,
                confirmed=True,
            ),
        )
    world.user("ann@bravo", roles=frozenset({Role.ANALYST}))
    doors.secrets["ann-bravo"] = (
        "ann@bravo",
        world.token("ann@bravo", permissions=role_permissions(frozenset({Role.ANALYST}))),
    )
    world.user("van@bravo", roles=frozenset({Role.VIEWER}))
    doors.secrets["van-bravo"] = (
        "van@bravo",
        world.token("van@bravo", permissions=role_permissions(frozenset({Role.VIEWER}))),
    )
    made = told(ask(doors, "POST", "/baselines/assessments", "ann-bravo", MET))
    assert (made["party"], made["by"], made["confirmed"]) == ("bravo", "ann@bravo", False)
    return doors


def controls(live: Live, path: str, who: str) -> list[tuple[str, str]]:
    (found,) = (value for name, value in told(ask(live, "GET", path, who)).items() if name != "next")
    return [(one["party"], one["control"]) for one in found]


def test_what_is_required_everybody_may_read(based: Live) -> None:
    path = "/baselines/catalogues/nato-seven"
    assert told(ask(based, "GET", path, "box-charlie"))["controls"] == len(SEVEN.controls)
    page = told(ask(based, "GET", f"{path}/controls?limit=5", "box-charlie"))
    rest = told(ask(based, "GET", f"{path}/controls?limit=5&cursor={page['next']}", "box-charlie"))
    assert [one["id"] for one in page["controls"] + rest["controls"]] == [one.id for one in SEVEN.controls]
    assert rest["next"] is None
    assert told(ask(based, "GET", f"{path}/controls/energy", "box-charlie"))["statement"] == SEVEN.controls[1].statement
    assert [one["control"] for one in told(ask(based, "GET", "/baselines/targets", "box-charlie"))["targets"]] == [
        "energy",
        "transport",
    ]
    for missing in ("/baselines/catalogues/none", f"{path}/controls/none", "/baselines/catalogues/none/controls"):
        assert ask(based, "GET", missing, "box-charlie").status_code == 404


def test_a_party_sees_its_own_and_its_hub_everybodys(based: Live) -> None:
    assert controls(based, "/baselines/assessments", "van-bravo") == [("bravo", "energy")]
    assert controls(based, "/baselines/assessments", "lia-alfa") == []
    assert ("bravo", "energy") in controls(based, "/baselines/assessments", "operator")
    assert controls(based, "/baselines/gaps", "van-bravo") == [("bravo", "energy"), ("bravo", "transport")]
    (first, second) = told(ask(based, "GET", "/baselines/gaps", "van-bravo"))["gaps"]
    assert (first["lack"], second["lack"]) == ("not-confirmed", "not-assessed")
    assert controls(based, "/baselines/gaps?party=bravo", "operator") == controls(based, "/baselines/gaps", "van-bravo")


@pytest.mark.parametrize("who", ["lia-alfa", "box-charlie", "aud-alfa"])
@pytest.mark.parametrize("path", ["/baselines/assessments", "/baselines/gaps"])
def test_naming_another_party_answers_as_naming_none(based: Live, path: str, who: str) -> None:
    answers = {ask(based, "GET", f"{path}?party={party}", who).text for party in ("bravo", "nobody")}
    assert len(answers) == 1
    assert "bravo" not in answers.pop()


def test_others_confirm_at_the_hub_and_the_party_reads_it(based: Live) -> None:
    world = based.world
    world.hub.baselines.confirm(
        OPERATOR.for_("lia@charlie"), "bravo", "nato-seven", "energy", agrees=True, reasons="seen on site"
    )
    (one,) = told(ask(based, "GET", "/baselines/assessments", "van-bravo"))["assessments"]
    assert one["confirmed"]
    assert [(each["by"], each["agrees"]) for each in one["confirmations"]] == [("lia@charlie", True)]
    # and assessed anew it is to be confirmed anew
    made = told(ask(based, "POST", "/baselines/assessments", "box-bravo", MET))
    assert (made["confirmed"], made["confirmations"]) == (False, [])


REFUSED: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "met without a document": ({"evidence": []}, 422),
    "not applicable without a reason": ({"standing": "not-applicable"}, 422),
    "a review that is past": ({"review": "2020-01-01"}, 422),
    "no such control": ({"control": "none"}, 404),
    "no such catalogue": ({"catalogue": "none"}, 404),
    "confirmed by itself": ({"confirmations": []}, 422),
    "for another": ({"party": "alfa"}, 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(based: Live, name: str) -> None:
    changed, status = REFUSED[name]
    answer = ask(based, "POST", "/baselines/assessments", "ann-bravo", MET | changed)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("who", ["van-bravo", "aud-alfa", "operator"])
def test_who_neither_submits_nor_speaks_assesses_nothing(based: Live, who: str) -> None:
    assert ask(based, "POST", "/baselines/assessments", who, MET).status_code == 403
