"""The risk registry over /api/v1: scenarios and who touches them, scores, and figures that nobody else sees."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.doors import NOBODY, ask, told
from support.hub import OPERATOR
from support.sharing import indicator
from tocsin.errors import ForbiddenError
from tocsin.kernel.http.turn import Turn
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload
from tocsin.map.rollup.model import Rules
from tocsin.parties.model import Kind, Party, Role, role_permissions
from tocsin.risk.http import operations, scenarios
from tocsin.risk.registry import state
from tocsin.risk.registry.model import Treatment, Unit

if TYPE_CHECKING:
    from support.taxii import Live

# A number that stands nowhere else.
FIGURE: Final = 739_173_719
# Everybody who is not bravo: members, machines, people who speak, auditors, and who runs the hub.
OTHERS: Final = ("lia-alfa", "sig-charlie", "box-alfa", "aud-alfa", "operator", "aud-hub", "liv-hub", "all-hub")


def scenario(name: str = "flood", owner: str = "bravo", **more: object) -> dict[str, Any]:
    return {
        "scenario": name,
        "title": "River flood in the valley",
        "kind": "natural",
        "owner": owner,
        "review": "2027-06-01",
        "rate": {"low": "0.02", "mode": "0.05", "high": "0.2"},
        "losses": [{"sector": "energy", "money": {"low": "10", "mode": "20", "high": "90"}}],
    } | more


def sheet(money: int = FIGURE, sector: str = "energy") -> dict[str, Any]:
    return {"sector": sector, "figures": [{"scenario": "storm", "money": money, "people_hours": 12}]}


@pytest.fixture(scope="module")
def risky(doors: Live) -> Live:
    """An analyst and a viewer of bravo's, and of the hub whoever could be thought to see more."""
    world = doors.world
    for reference, role in (
        ("ana@bravo", Role.ANALYST),
        ("vic@bravo", Role.VIEWER),
        ("aud@hub", Role.AUDITOR),
        ("liv@hub", Role.LIAISON),
    ):
        world.user(reference, roles=frozenset({role}))
        name = reference.replace("@", "-")
        doors.secrets[name] = (reference, world.token(reference, permissions=role_permissions(frozenset({role}))))
    world.user("all@hub", roles=frozenset(Role))
    doors.secrets["all-hub"] = ("all@hub", world.token("all@hub", permissions=role_permissions(frozenset(Role))))
    told(ask(doors, "POST", "/risk/scenarios", "lia-bravo", scenario("storm")))
    return doors


@pytest.fixture(scope="module")
def given(risky: Live) -> str:
    """Return bravo's sheet, with a figure that is looked for everywhere."""
    return str(told(ask(risky, "POST", "/risk/sheets", "ana-bravo", sheet()))["sheet"])


# --- scenarios -------------------------------------------------------------------------------------------------------


def test_a_scenario_lives_and_moves_the_score(risky: Live) -> None:
    before = told(ask(risky, "GET", "/risk/scores", "lia-alfa"))
    was = {one["sector"]: Fraction(one["score"]) for one in before["sectors"]}.get("energy", Fraction(0))
    made = told(ask(risky, "POST", "/risk/scenarios", "ana-bravo", scenario("flood")))
    assert (made["likelihood"], made["rate"], made["evidence"]) == (4, scenario()["rate"], [])
    treated = {"id": "gates", "title": "Gates", "owner": "lia@bravo", "due": "2026-12-10", "leaves_loss": "0.5"}
    body = scenario("flood", treatments=[treated | {"status": "done"}])
    del body["scenario"]
    told(ask(risky, "POST", "/risk/scenarios/flood/amendment", "ana-bravo", body))
    found = told(ask(risky, "GET", "/risk/scores?since=2026-01-01", "lia-alfa"))
    (energy,) = found["sectors"]
    # rate and loss by PERT's mean, (low + 4 mode + high) / 6, and half of the loss is left
    mean = Fraction("0.42") / 6 * Fraction(180, 6)
    assert Fraction(energy["score"]) - was == mean / 2
    assert sum(Fraction(one["amount"]) for one in found["moved"]) == Fraction(energy["score"])
    told(ask(risky, "POST", "/risk/scenarios/flood/review", "ana-bravo", {"again": "2028-01-01", "note": "holds"}))
    retired = told(ask(risky, "POST", "/risk/scenarios/flood/retirement", "lia-bravo", {"reason": "joined"}))
    assert (retired["status"], retired["review"]) == ("retired", "2028-01-01T00:00:00.000000Z")
    assert ask(risky, "POST", "/risk/scenarios/flood/amendment", "ana-bravo", body).status_code == 409
    assert ask(risky, "POST", "/risk/scenarios", "ana-bravo", scenario("flood")).status_code == 409


def test_lists_are_walked_page_by_page(risky: Live) -> None:
    for number in range(3):
        told(ask(risky, "POST", "/risk/scenarios", "lia-bravo", scenario(f"paged-{number}")))
    whole = [one["scenario"] for one in told(ask(risky, "GET", "/risk/scenarios", "lia-alfa"))["scenarios"]]
    walked, cursor = [], ""
    while True:
        page = told(ask(risky, "GET", f"/risk/scenarios?limit=2{cursor}", "lia-alfa"))
        walked += [one["scenario"] for one in page["scenarios"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert walked == whole
    first = told(ask(risky, "GET", "/risk/scenarios?limit=1", "lia-alfa"))["next"]
    for path, who in (
        (f"/risk/scenarios?cursor={first}", "lia-bravo"),
        (f"/risk/scenarios?status=current&cursor={first}", "lia-alfa"),
        (f"/risk/rollups?cursor={first}", "lia-alfa"),
    ):
        assert ask(risky, "GET", path, who).status_code == 400


def test_nothing_has_moved_since_a_day_to_come(risky: Live) -> None:
    assert ask(risky, "GET", "/risk/scores?since=2099-01-01", "lia-alfa").status_code == 400


def test_what_is_retired_between_two_pages_hides_no_other(risky: Live) -> None:
    path = "/risk/scenarios?status=current&limit="
    for number in range(3):
        told(ask(risky, "POST", "/risk/scenarios", "lia-bravo", scenario(f"between-{number}")))
    current = [one["scenario"] for one in told(ask(risky, "GET", f"{path}50", "lia-alfa"))["scenarios"]]
    first = told(ask(risky, "GET", f"{path}{current.index('between-1')}", "lia-alfa"))
    assert first["scenarios"][-1]["scenario"] == "between-0"
    told(ask(risky, "POST", "/risk/scenarios/between-0/retirement", "lia-bravo", {"reason": "joined"}))
    rest = told(ask(risky, "GET", f"{path}50&cursor={first['next']}", "lia-alfa"))
    assert [one["scenario"] for one in rest["scenarios"]][:2] == ["between-1", "between-2"]


@pytest.mark.parametrize("who", ["lia-alfa", "box-charlie", "vic-bravo", "aud-alfa", "operator"])
def test_nobody_else_touches_a_scenario_of_bravos(risky: Live, who: str) -> None:
    refusals = [
        ask(risky, "POST", "/risk/scenarios", who, scenario("theirs")),
        ask(risky, "POST", "/risk/scenarios/storm/review", who, {"again": "2028-01-01", "note": "holds"}),
        ask(risky, "POST", "/risk/scenarios/storm/retirement", who, {"reason": "gone"}),
    ]
    assert {one.status_code for one in refusals} == {403}
    assert told(ask(risky, "GET", "/risk/scenarios/storm", "lia-bravo"))["status"] == "current"


@pytest.mark.parametrize("owner", ["foundling", "ann@foundling", "nowhere", "ann@nowhere"])
@pytest.mark.parametrize("place", ["owner", "treatment"])
def test_whether_there_is_a_candidate_nobody_finds_out(risky: Live, owner: str, place: str) -> None:
    parties = risky.world.hub.parties
    if "foundling" not in parties.names().values():
        party = Party(uri="https://foundling.example", name="foundling", title="F", kind=Kind.PRIVATE, country="NO")
        parties.add_party(OPERATOR, risky.world.hub.mandate, party)
    treatment = {"id": "a", "title": "A", "owner": owner, "due": "2026-12-10"}
    body = scenario("x", owner=owner) if place == "owner" else scenario("x", treatments=[treatment])
    answer = ask(risky, "POST", "/risk/scenarios", "lia-bravo", body)
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such party")
    assert "foundling" not in answer.text


@pytest.mark.parametrize("place", ["owner", "treatment"])
def test_which_people_another_party_has_nobody_finds_out(risky: Live, place: str) -> None:
    answers = set()
    for owner in ("lia@alfa", "nobody@alfa"):
        treatment = {"id": "a", "title": "A", "owner": owner, "due": "2026-12-10"}
        body = scenario("x", owner=owner) if place == "owner" else scenario("x", treatments=[treatment])
        amended = {field: value for field, value in body.items() if field != "scenario"}
        for path, asked in (("/risk/scenarios", body), ("/risk/scenarios/storm/amendment", amended)):
            answer = ask(risky, "POST", path, "lia-bravo", asked)
            answers.add((path, answer.status_code, answer.json()["detail"], answer.json().get("todo")))
    assert len(answers) == 2, answers
    assert {status for _, status, *_ in answers} == {403}
    own = scenario("x", treatments=[{"id": "a", "title": "A", "owner": "nobody@bravo", "due": "2026-12-10"}])
    assert ask(risky, "POST", "/risk/scenarios", "lia-bravo", own).status_code == 422


def test_whom_an_operator_named_an_amendment_keeps(risky: Live) -> None:
    registry = risky.world.hub.registry
    theirs = Treatment(id="a", title="A", owner="lia@alfa", due=0)
    storm = registry.state().scenario("storm")
    named = msgspec.structs.replace(storm, id="named", treatments=(theirs,))
    registry.put(OPERATOR.for_("ana@bravo"), named)
    assert registry.amend(Acting(actor="ana@bravo"), msgspec.structs.replace(named, title="T")).title == "T"
    moved = msgspec.structs.replace(theirs, owner="sig@alfa")
    with pytest.raises(ForbiddenError, match="a person of another party"):
        registry.amend(Acting(actor="ana@bravo"), msgspec.structs.replace(named, treatments=(moved,)))


def test_evidence_goes_through_the_gate_and_says_nothing_of_the_rest(risky: Live) -> None:
    shown, hidden = risky.indicators[0], str(indicator(77)["id"])
    evidence = [{"kind": "intelligence", "reference": one} for one in (shown, hidden)]
    told(ask(risky, "POST", "/risk/scenarios", "lia-alfa", scenario("watched", owner="alfa", evidence=evidence)))
    found = {
        who: told(ask(risky, "GET", "/risk/scenarios/watched", who))["evidence"] for who in ("lia-bravo", "lia-charlie")
    }
    assert [one["reference"] for one in found["lia-bravo"]] == [shown]
    assert found["lia-charlie"] == []


REFUSED: Final[dict[str, dict[str, Any]]] = {
    "no likelihood": {"rate": None},
    "a level that contradicts": {"level": 1},
    "a rate that falls": {"rate": {"low": "2", "mode": "1", "high": "3"}},
    "a rate in words": {"rate": {"low": "1/3", "mode": "1", "high": "3"}},
    "a review that is past": {"review": "2020-01-01"},
    "an impact beyond the scale": {"impacts": {"economy": 6}},
    "a sector twice": {"losses": scenario()["losses"] * 2},
    "a document without its hash": {"evidence": [{"kind": "document", "reference": "plan.pdf"}]},
    "an owner that is none": {"owner": "ann@@bravo"},
    "an unknown field": {"status": "retired"},
    "a title that breaks a terminal": {"title": "\x1b[2J"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_scenario_is_refused_whole(risky: Live, name: str) -> None:
    answer = ask(risky, "POST", "/risk/scenarios", "lia-bravo", scenario("bad") | REFUSED[name])
    assert answer.status_code == 422, answer.text
    assert ask(risky, "GET", "/risk/scenarios/bad", "lia-bravo").status_code == 404


def test_a_simulation_is_the_same_for_a_seed_and_bounded(risky: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        told(ask(risky, "POST", "/risk/simulate", "lia-alfa", {"years": 500, "seed": 7})) for _ in range(2)
    )
    assert first == second
    assert first["sectors"][-1]["sector"] == "*"
    assert told(ask(risky, "POST", "/risk/simulate", "lia-alfa", {"years": 1}))["sectors"][0]["standard_error"] is None
    monkeypatch.setattr(scenarios, "MOST_WORK", 10)
    assert ask(risky, "POST", "/risk/simulate", "lia-alfa", {"years": 500}).status_code == 413


# --- members' figures ------------------------------------------------------------------------------------------------


def test_a_party_gives_its_figures_itself_and_has_them(risky: Live, given: str) -> None:
    sheets = told(ask(risky, "GET", "/risk/sheets", "lia-bravo"))["sheets"]
    (mine,) = [one for one in sheets if one["sheet"] == given]
    assert (mine["sector"], mine["counts"]) == ("energy", True)
    figures = told(ask(risky, "GET", f"/risk/sheets/{given}/figures", "lia-bravo"))["figures"]
    assert figures == [{"scenario": "storm", "money": FIGURE, "people_hours": 12}]
    hub = risky.world.hub
    with hub.store.read() as connection:
        payloads = [decode_payload(row.payload) for row in hub.log.rows(connection) if row.payload]
    acts = [one for one in payloads if one.kind.startswith("figures.") and one.data["sheet"] == given]
    assert [(one.kind, one.actor, one.on_behalf_of) for one in acts[:2]] == [
        ("figures.submitted", "ana@bravo", None),
        ("figures.shown", "lia@bravo", None),
    ]
    assert not [one for one in payloads if str(FIGURE) in str(one)]


def test_who_does_not_speak_for_the_party_gives_and_does_not_look(risky: Live, given: str) -> None:
    assert ask(risky, "GET", f"/risk/sheets/{given}/figures", "ana-bravo").status_code == 403
    refusals = [
        ask(risky, "POST", "/risk/sheets", "vic-bravo", sheet()),
        ask(risky, "GET", "/risk/sheets", "vic-bravo"),
        ask(risky, "GET", f"/risk/sheets/{given}/figures", "vic-bravo"),
    ]
    assert {one.status_code for one in refusals} == {403}


@pytest.mark.parametrize("who", OTHERS)
def test_another_partys_sheet_answers_as_one_that_is_not_there(risky: Live, given: str, who: str) -> None:
    for method, what in (("GET", "figures"), ("POST", "withdrawal")):
        answers = {
            (answer.status_code, answer.text)
            for one in (given, NOBODY, "not-an-id")
            for answer in [ask(risky, method, f"/risk/sheets/{one}/{what}", who)]
        }
        assert len(answers) == 1, answers
        assert answers.pop()[0] in {403, 404}
    assert told(ask(risky, "GET", f"/risk/sheets/{given}/figures", "lia-bravo"))["figures"][0]["money"] == FIGURE


@pytest.mark.parametrize("who", OTHERS)
def test_no_answer_to_anybody_else_holds_a_figure_or_its_sheet(risky: Live, given: str, who: str) -> None:
    names = {"scenario": "storm", "sheet": given, "rollup": given, "catalogue": "nato-seven", "control": "energy"}
    paths = {
        one.path.removeprefix("/api/v1").format_map(names | {"fund": "none", "project": "none", "claim": given})
        for one in operations(risky.world.hub, Turn("simulation"), Turn("roll-up"))
        if one.method == "GET"
    }
    assert len(paths) > 15
    for path in paths:
        text = ask(risky, "GET", path, who).text
        assert str(FIGURE) not in text
        assert given not in text


@pytest.mark.parametrize("wrong", [{"sector": "No Sector"}, {"figures": []}, {"extra": 1}, {"sector": 5}])
def test_a_refusal_repeats_no_figure(risky: Live, wrong: dict[str, Any]) -> None:
    answer = ask(risky, "POST", "/risk/sheets", "lia-bravo", sheet() | wrong)
    assert answer.status_code == 422
    assert str(FIGURE) not in answer.text
    beyond = ask(risky, "POST", "/risk/sheets", "lia-bravo", sheet(money=FIGURE * 10**9))
    assert (beyond.status_code, str(FIGURE) in beyond.text) == (422, False)


def test_a_rollup_tells_sums_and_not_how_many_gave(risky: Live, given: str) -> None:
    world = risky.world
    for who in ("alfa", "charlie"):
        told(ask(risky, "POST", "/risk/sheets", f"lia-{who}", sheet(money=FIGURE + len(who))))
    made = world.hub.registry.publish(OPERATOR, world.hub.mandate, Unit.MONEY, Rules(colluding=0))
    listed = ask(risky, "GET", "/risk/rollups?unit=money", "box-charlie")
    assert [one["rollup"] for one in told(listed)["rollups"]] == [made.rollup]
    whole = ask(risky, "GET", f"/risk/rollups/{made.rollup}", "vic-bravo")
    assert [(one["sector"], one["scenario"], one["sum"]) for one in told(whole)["shown"]] == [*made.shown]
    assert given in made.sheets
    for answer in (listed, whole):
        assert not [one for one in made.sheets if one in answer.text]
        assert answer.json().keys() <= {"rollups", "next", "rollup", "unit", "at", "mandate", "rules", "shown"}
    assert ask(risky, "GET", f"/risk/rollups/{NOBODY}", "vic-bravo").status_code == 404
    assert told(ask(risky, "GET", "/risk/rollups?unit=people-hours", "vic-bravo"))["rollups"] == []


def test_one_member_leaves_the_others_room(risky: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    told(ask(risky, "POST", "/risk/sheets", "sig-bravo", sheet(sector="health")))  # speaks, and shares nothing
    monkeypatch.setattr(state, "MAX_SHEETS_A_DAY", 1)
    assert ask(risky, "POST", "/risk/sheets", "sig-bravo", sheet(sector="health")).status_code == 413
    monkeypatch.setattr(state, "MAX_SCENARIOS_OF_ONE", 1)
    assert ask(risky, "POST", "/risk/scenarios", "sig-bravo", scenario("one-more")).status_code == 413
    registry = risky.world.hub.registry
    more = msgspec.structs.replace(registry.state().scenario("storm"), id="one-more")
    assert registry.put(OPERATOR.for_("ana@bravo"), more).id == "one-more"


def test_figures_are_withdrawn_once(risky: Live) -> None:
    mine = told(ask(risky, "POST", "/risk/sheets", "box-bravo", sheet(sector="water")))["sheet"]
    assert told(ask(risky, "POST", f"/risk/sheets/{mine}/withdrawal", "ana-bravo"))["counts"] is False
    assert ask(risky, "POST", f"/risk/sheets/{mine}/withdrawal", "ana-bravo").status_code == 409
