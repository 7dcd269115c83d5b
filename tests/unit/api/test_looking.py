"""What is due, attacked, confirmed and computed on one's own map, over the API: nothing tells what others have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.doors import ask, opened_doors, told
from support.hub import EVERYTHING, OPERATOR
from support.mapped import STRICT, region
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.map.model import Asset, AssetMap
from tocsin.map.rollup.model import Rules
from tocsin.map.shelf import Sharing
from tocsin.map.wire import asset_id
from tocsin.parties.model import Permission, Role
from tocsin.risk.baselines.model import Recovery, Standing, Target
from tocsin.risk.fund.measuring import plan_digest
from tocsin.risk.fund.wire import read_plan
from tocsin.risk.http import computed
from tocsin.risk.registry.documents import read_figures, read_scenario
from tocsin.risk.registry.model import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.taxii import Live

ALFA: Final = "https://alfa.example"
SHOWN: Final = "ab" * 32
HIT: Final[dict[str, Any]] = {"collection": "inbox", "hits": [{"asset": "plant"}], "samples": 20, "hours": 100}
SCENARIO: Final = """\
{{scenario: {name}, title: A flood, kind: natural, owner: alfa, review: '{review}', rate: 0.1,
 losses: [{{sector: energy, money: [1, 2, 9]}}],
 treatments: [{{id: wall, title: A wall, owner: alfa, due: 2026-06-11, leaves_rate: 0.5}}]}}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Alfa shares a map with bravo, and is to be back in time; scenarios are due; alfa says that it meets a control."""
    serving = opened_doors(tmp_path_factory.mktemp("looking") / "hub")
    live = next(serving)
    world = live.world
    hub, mandate = world.hub, world.hub.mandate
    asker = world.asker("alfa", purpose="analyse")
    sharing = Sharing(asker=asker, acting=Acting(actor="alfa"), collection="inbox")
    with hub.store.read() as connection:
        at = hub.log.now(connection)
    hub.maps.share(hub.maps.changes(region(), sharing, at=at), sharing)
    hidden = AssetMap(assets=(Asset(id="hidden", people=10**9),))
    strict = hub.maps.changes(hidden, sharing, at=at, tlp=STRICT)
    hub.maps.share(strict, sharing)
    for name, review in (("first", "2026-06-03"), ("second", "2026-06-02"), ("later", "2027-06-01")):
        document = SCENARIO.format(name=name, review=review)
        hub.registry.put(OPERATOR, read_scenario(document.encode(), where="test"))
    for number, name in enumerate(("alfa", "bravo", "charlie"), 1):
        figures = (
            f"{{sector: energy, figures: {{first: {{money: {10 ** (2 * number)}}}, second: {{money: 700}}}}}}".encode()
        )
        hub.registry.submit(OPERATOR.for_(name), name, read_figures(figures, where="test"))
    back = Recovery(hours=48, level=100, share=95)
    for control, recovery in (("energy", back), ("transport", None)):
        target = Target(
            catalogue="nato-seven",
            control=control,
            standing=Standing.MET,
            due=world.clock.now() + 90 * DAY,
            recovery=recovery,
            sectors=frozenset({"energy"}),
        )
        hub.baselines.set_target(OPERATOR, mandate, target)
    world.user("aud@hub", roles=frozenset({Role.AUDITOR}))
    world.user("ana@charlie", roles=frozenset({Role.ANALYST}))
    world.user("ana@alfa", roles=frozenset({Role.ANALYST}))
    for reference in ("aud@hub", "ana@charlie", "ana@alfa"):
        allowed = frozenset({Permission.OBJECTS_READ}) if reference == "aud@hub" else EVERYTHING
        live.secrets[reference.replace("@", "-")] = (reference, world.token(reference, permissions=allowed))
    paper = {"kind": "document", "reference": "plan.pdf", "sha256": SHOWN}
    told(
        ask(
            live,
            "POST",
            "/baselines/assessments",
            "ana-alfa",
            {
                "catalogue": "nato-seven",
                "control": "energy",
                "standing": "met",
                "review": "2027-06-01",
                "evidence": [paper],
            },
        )
    )
    yield live
    serving.close()


# --- the registry -----------------------------------------------------------------------------------------------------


def test_what_is_due_comes_in_pages(seen: Live) -> None:
    whole = told(ask(seen, "GET", "/risk/dues", "box-charlie"))
    assert [(one["scenario"], one["what"]) for one in whole["dues"]] == [
        ("first", "review"),
        ("first", "wall"),
        ("second", "review"),
        ("second", "wall"),
        ("later", "wall"),
    ]
    page = told(ask(seen, "GET", "/risk/dues?limit=2&days=5", "box-charlie"))
    assert [one["what"] for one in page["dues"]] == ["review", "review"]
    assert page["next"] is None
    first = told(ask(seen, "GET", "/risk/dues?limit=1", "box-charlie"))
    rest = told(ask(seen, "GET", f"/risk/dues?cursor={first['next']}", "box-charlie"))
    assert first["dues"] + rest["dues"] == whole["dues"]
    assert ask(seen, "GET", "/risk/dues?days=-1", "box-charlie").status_code == 400


def test_who_runs_the_hub_attacks_what_was_rolled_up(seen: Live) -> None:
    assert ask(seen, "POST", "/risk/attack", "aud-hub", {}).status_code == 404
    hub = seen.world.hub
    hub.registry.publish(OPERATOR, hub.mandate, Unit.MONEY, Rules())
    found = told(ask(seen, "POST", "/risk/attack", "operator", {"unit": "money"}))
    audit = hub.registry.attack(Unit.MONEY)
    assert audit is not None
    assert (found["coalitions"], found["targets"]) == (audit.coalitions, audit.targets)
    assert (found["passed"], found["breaches"]) == (True, 0)
    assert found["targets"] > 0


@pytest.mark.parametrize("who", ["lia-alfa", "box-charlie", "aud-alfa", "ana-charlie"])
def test_nobody_else_attacks(seen: Live, who: str) -> None:
    answers = {
        (answer.status_code, answer.text)
        for unit in ("money", "people-hours")
        for answer in [ask(seen, "POST", "/risk/attack", who, {"unit": unit})]
    }
    assert [status for status, _ in answers] == [403]


# --- confirming -------------------------------------------------------------------------------------------------------


def confirmation(**more: object) -> dict[str, Any]:
    return {
        "party": "alfa",
        "catalogue": "nato-seven",
        "control": "energy",
        "documents": [SHOWN],
        "reasons": "seen on site",
    } | more


@pytest.mark.parametrize("who", ["ana-charlie", "lia-bravo", "box-bravo"])
def test_who_was_shown_nothing_does_not_learn_what_was_assessed(seen: Live, who: str) -> None:
    answers = {
        (answer.status_code, answer.text)
        for body in (
            confirmation(documents=["cd" * 32]),
            confirmation(documents=[SHOWN, "cd" * 32]),
            confirmation(control="transport"),
            confirmation(control="none"),
            confirmation(catalogue="none"),
            confirmation(party="charlie"),
        )
        for answer in [ask(seen, "POST", "/baselines/confirmations", who, body)]
    }
    assert [status for status, _ in answers] == [404]
    assert ask(seen, "POST", "/baselines/confirmations", who, confirmation(documents=[])).status_code == 422
    unknown = ask(seen, "POST", "/baselines/confirmations", who, confirmation(party="nobody"))
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "there is no such party")


@pytest.mark.parametrize("who", ["box-charlie", "ana-alfa", "aud-hub"])
def test_a_machine_or_ones_own_people_confirm_nothing(seen: Live, who: str) -> None:
    assert ask(seen, "POST", "/baselines/confirmations", who, confirmation()).status_code == 403


def test_who_looked_at_the_documents_confirms_or_disputes(seen: Live) -> None:
    made = told(ask(seen, "POST", "/baselines/confirmations", "ana-charlie", confirmation()))
    assert (made["by"], made["agrees"], made["standing"]) == ("ana@charlie", True, "met")
    (one,) = told(ask(seen, "GET", "/baselines/assessments", "lia-alfa"))["assessments"]
    assert one["confirmed"]
    told(ask(seen, "POST", "/baselines/confirmations", "lia-bravo", confirmation(agrees=False, reasons="not built")))
    (one,) = told(ask(seen, "GET", "/baselines/assessments", "lia-alfa"))["assessments"]
    assert [(each["by"], each["agrees"]) for each in one["confirmations"]] == [
        ("ana@charlie", True),
        ("lia@bravo", False),
    ]
    assert not one["confirmed"]


# --- on one's own map -------------------------------------------------------------------------------------------------

COMPUTED: Final[dict[str, dict[str, Any]]] = {
    "/risk/estimate": HIT,
    "/baselines/recovery": HIT,
    "/risk/plan": {"collection": "inbox", "chance": 0.5},
}


def test_an_event_is_estimated(seen: Live) -> None:
    found = told(ask(seen, "POST", "/risk/estimate", "box-bravo", HIT))
    losses = {one["sector"]: one["people_hours"] for one in found["losses"]}
    assert losses["water"]["mean"] > 0
    assert found == told(ask(seen, "POST", "/risk/estimate", "lia-bravo", HIT))
    # the points are such as a scenario takes
    points = {key: value for key, value in losses["water"].items() if key != "mean"}
    entered = {
        "scenario": "estimated",
        "title": "The plant is lost",
        "kind": "accidental",
        "owner": "bravo",
        "review": "2027-06-01",
        "rate": {"low": "0.1", "mode": "0.1", "high": "0.1"},
        "losses": [{"sector": "water", "people_hours": points}],
    }
    told(ask(seen, "POST", "/risk/scenarios", "lia-bravo", entered))


def test_targets_are_held_to_ones_own_assets(seen: Live) -> None:
    found = told(ask(seen, "POST", "/baselines/recovery", "lia-alfa", HIT | {"hours": 200}))
    assert {one["control"] for one in found["recoveries"]} == {"energy"}
    rows = {one["asset"]: one for one in found["recoveries"]}
    assert {"plant", "pump", "hidden"} <= set(rows)
    assert rows["plant"]["fell"] == 20
    assert 0 <= rows["plant"]["low"] <= rows["plant"]["high"] <= 1
    one = told(ask(seen, "POST", "/baselines/recovery", "lia-alfa", HIT | {"hours": 200, "assets": ["pump"]}))
    assert [each["asset"] for each in one["recoveries"]] == ["pump"]
    # bravo has no asset; what is alfa's, what it does not see and what is not there are told alike
    answers = {
        (answer.status_code, answer.json()["detail"])
        for name in ("plant", asset_id(ALFA, "plant"))
        for answer in [ask(seen, "POST", "/baselines/recovery", "lia-bravo", HIT | {"assets": [name]})]
    }
    assert answers == {(404, "there is no such asset of your party on the map that you see")}
    assert ask(seen, "POST", "/baselines/recovery", "lia-alfa", HIT | {"hours": 40}).status_code == 422


def test_a_plan_is_of_the_map_that_one_sees(seen: Live) -> None:
    asked = COMPUTED["/risk/plan"]
    found = told(ask(seen, "POST", "/risk/plan", "lia-bravo", asked))
    text = ask(seen, "POST", "/risk/plan", "lia-bravo", asked).content
    plan = read_plan(text[text.index(b'"plan":') + 7 : -1], where="test")
    assert plan_digest(plan) == found["digest"]
    assert {one.id for one in plan.map.assets} == {"plant", "pump", "substation 3"}
    built = {
        "project": "tank",
        "title": "A tank",
        "cost": 1,
        "changes": [{"change": "spare", "asset": "plant", "repair": 0.5}],
    }
    changed = told(ask(seen, "POST", "/risk/plan", "lia-bravo", asked | {"built": [built]}))
    assert changed["digest"] != found["digest"]
    built["changes"][0]["asset"] = "hidden"  # type: ignore[index]
    assert ask(seen, "POST", "/risk/plan", "lia-bravo", asked | {"built": [built]}).status_code == 422


@pytest.mark.parametrize("path", COMPUTED)
@pytest.mark.parametrize("name", ["hidden", asset_id(ALFA, "hidden"), "nowhere"])
def test_what_one_may_not_see_is_not_there(seen: Live, path: str, name: str) -> None:
    if path == "/risk/plan":
        assert "hidden" not in ask(seen, "POST", path, "lia-bravo", COMPUTED[path]).text
        return
    answer = ask(seen, "POST", path, "lia-bravo", COMPUTED[path] | {"hits": [{"asset": name}]})
    assert (answer.status_code, "no such asset" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("path", COMPUTED)
def test_more_than_a_hub_computes_is_refused(seen: Live, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed, "MOST_WORK", 10)
    monkeypatch.setattr(computed, "_MOST_MODES", -1)
    who = "lia-alfa" if "baselines" in path else "lia-bravo"
    assert ask(seen, "POST", path, who, COMPUTED[path]).status_code == 413


REFUSED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "no event": ("/risk/estimate", {"samples": 3}),
    "two hazards": ("/risk/estimate", {"chance": 0.1, "intensity": 0.1, "measure": "PGA g"}),
    "hits and a hazard": ("/risk/estimate", {"hits": [{"asset": "plant"}], "chance": 0.1}),
    "too many samples": ("/risk/estimate", {"chance": 0.1, "samples": 10**6}),
    "a plan of two hazards": ("/risk/plan", {"chance": 0.1, "intensity": 0.1}),
    "more than can be built": ("/risk/plan", {"chance": 0.1, "built": [{}] * 21}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(seen: Live, name: str) -> None:
    path, body = REFUSED[name]
    assert ask(seen, "POST", path, "lia-bravo", {"collection": "inbox"} | body).status_code == 422
