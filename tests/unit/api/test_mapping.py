"""The map over /api/v1: one's own map, what follows on it within limits, and reports of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from support.mapped import region
from tocsin.agreements.model import Tlp
from tocsin.kernel.mandate import Acting
from tocsin.map.http import asked as limits
from tocsin.map.http import structural
from tocsin.map.model import Asset, AssetMap
from tocsin.map.shelf import Sharing
from tocsin.map.wire import asset_id

if TYPE_CHECKING:
    from support.taxii import Live
    from tocsin.exchange.reading import Asker
    from tocsin.map.seen import Seen

STRICT: Final = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
ALFA: Final = "https://alfa.example"


@pytest.fixture(scope="module")
def mapped(live: Live) -> Live:
    """Alfa shares its region, and beside it an asset that nobody else may see."""
    asker = live.world.asker("alfa", purpose="analyse")
    sharing = Sharing(asker=asker, acting=Acting(actor="alfa"), collection="inbox")
    with live.world.hub.store.read() as connection:
        at = live.world.hub.log.now(connection)
    maps = live.world.hub.maps
    maps.share(maps.changes(region(), sharing, at=at), sharing)
    hidden = AssetMap(assets=(Asset(id="hidden", sector="secret", people=10**9),))
    maps.share(maps.changes(hidden, sharing, at=at, tlp=STRICT), sharing)
    return live


def ask(live: Live, method: str, path: str, who: str = "bravo", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
    return httpx.request(method, f"{live.url}/api/v1{path}", auth=live.secrets[who], timeout=60, **more)


def test_a_reader_gets_its_map_and_nothing_of_what_is_hidden(mapped: Live) -> None:
    answer = ask(mapped, "GET", "/map?collection=inbox")
    assert answer.status_code == 200
    found = answer.json()
    assert [one["asset"]["id"] for one in found["assets"]] == ["plant", "pump", "substation 3"]
    assert [one["seen"] for one in found["assets"]] == [True] * 3
    assert "hidden" not in answer.text
    own = ask(mapped, "GET", "/map?collection=inbox", "alfa").json()
    assert "hidden" in [one["asset"]["id"] for one in own["assets"]]


def test_totals_are_of_what_a_reader_sees_where_no_clause_says_more(mapped: Live) -> None:
    answer = ask(mapped, "GET", "/map/totals?collection=inbox")
    assert answer.status_code == 200
    found = answer.json()
    whole = {"owners": 1, "assets": 3, "people": 400, "value_h": 0.0}
    assert (found["whole"], found["as_of"]) == ({"sector": None, "seen": whole, "unseen": None}, None)
    assert [(one["sector"], one["seen"]["assets"]) for one in found["sectors"]] == [("energy", 2), ("water", 1)]
    own = ask(mapped, "GET", "/map/totals?collection=inbox", "alfa").json()["whole"]
    assert (own["seen"]["people"], own["unseen"]) == (400 + 10**9, None)
    assert ask(mapped, "GET", "/map/totals?collection=nowhere").status_code == 404
    assert ask(mapped, "GET", "/map/totals?limit=1").status_code == 400


def test_what_follows_is_computed_on_the_readers_map(mapped: Live) -> None:
    asked = {"hours": 10, "hits": [{"asset": "plant"}], "collection": "inbox"}
    found = ask(mapped, "POST", "/map/simulate", json=asked).json()
    assert {one["asset"]: one["outage_h"] for one in found["assets"]} == {"plant": 10, "substation 3": 10, "pump": 6}
    assert {one["sector"]: one["people_h"] for one in found["sectors"]} == {"energy": 0, "water": 2400}


@pytest.mark.parametrize("name", ["hidden", asset_id(ALFA, "hidden"), "nowhere", asset_id(ALFA, "nowhere")])
@pytest.mark.parametrize("path", ["simulate", "states"])
def test_an_asset_that_one_may_not_see_is_one_that_is_not_there(mapped: Live, path: str, name: str) -> None:
    if path == "states":
        if name.startswith("asset--"):
            return  # a report may be about what only others see: it is told to them, and answers the same in any case
        asked: dict[str, Any] = {"asset": name, "service": 0.5, "source": "crew", "collection": "inbox"}
    else:
        asked = {"hits": [{"asset": name}], "collection": "inbox"}
    answer = ask(mapped, "POST", f"/map/{path}", json=asked)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no such asset on the map that you see"


@pytest.mark.parametrize("name", ["hidden", "nowhere"])
def test_a_report_about_what_is_hidden_answers_as_about_what_is_not_there(mapped: Live, name: str) -> None:
    asked = {"asset": asset_id(ALFA, name), "service": 0.5, "source": f"crew {name}", "collection": "inbox"}
    answer = ask(mapped, "POST", "/map/states", json=asked)
    assert answer.status_code == 201
    (result,) = answer.json()["results"]
    assert (result["outcome"], result.get("notes", [])) == ("accepted", [])


def test_samples_are_the_same_for_the_same_seed(mapped: Live) -> None:
    asked = {"hours": 100, "samples": 50, "chance": 0.3, "seed": 7, "collection": "inbox"}
    first, second = (ask(mapped, "POST", "/map/simulate", json=asked).json() for _ in range(2))
    assert first == second
    assert first["samples"] == 50


REFUSED: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "nothing hit": ({}, 422),
    "both": ({"hits": [{"asset": "pump"}], "samples": 3}, 422),
    "a hazard nobody tells of": ({"samples": 3}, 422),
    "too many samples": ({"samples": 10**9, "chance": 0.1}, 422),
    "twice the same": ({"hits": [{"asset": "pump"}, {"asset": asset_id(ALFA, "pump")}]}, 422),
    "repaired before it is hit": ({"hits": [{"asset": "pump", "from_h": 5, "until_h": 1}]}, 422),
    "no such collection": ({"samples": 1, "chance": 1, "collection": "none"}, 404),
    "an unknown field": ({"samples": 1, "chance": 1, "jobs": 64}, 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(mapped: Live, name: str) -> None:
    asked, status = REFUSED[name]
    answer = ask(mapped, "POST", "/map/simulate", json={"collection": "inbox"} | asked)
    assert answer.status_code == status, answer.text


def test_more_work_than_one_may_ask_for_is_refused(mapped: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WORK", 5)
    asked = {"samples": 2, "chance": 0.1, "collection": "inbox"}
    assert ask(mapped, "POST", "/map/simulate", json=asked).status_code == 413


def test_who_shares_more_than_an_answer_holds_of_one_is_left_out_and_named(
    mapped: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_OBJECTS", 8)
    answer = ask(mapped, "GET", "/map?collection=inbox")
    assert answer.status_code == 200
    assert [one["party"] for one in answer.json()["parties_left_out"]] == [ALFA]
    # of its assets the others' reports are left
    assert [one for one in answer.json()["assets"] if one["seen"] and one["asset"]["owner"] == ALFA] == []
    asked = {"hours": 10, "samples": 1, "chance": 1, "collection": "inbox"}
    found = ask(mapped, "POST", "/map/simulate", json=asked).json()
    assert [one["party"] for one in found["parties_left_out"]] == [ALFA]


def test_a_report_of_the_field_is_shared_and_seen(mapped: Live) -> None:
    asked = {
        "asset": "pump",
        "service": 0.25,
        "source": "crew 4",
        "since": "2026-06-01",
        "confidence": 60,
        "collection": "inbox",
    }
    answer = ask(mapped, "POST", "/map/states", json=asked | {"tlp": str(Tlp.GREEN)})
    assert answer.status_code == 201
    found = ask(mapped, "GET", "/map?collection=inbox", "alfa").json()["states"]
    (one,) = [one for one in found if one["source"] == "crew 4"]
    assert (one["asset"], one["service"], one["by"], one["counts"]) == ("pump", 0.25, "https://bravo.example", True)
    ended = asked | {"until": "2026-05-01"}
    assert ask(mapped, "POST", "/map/states", json=ended).status_code == 422


def test_the_map_is_walked_page_by_page_and_each_asset_met_once(mapped: Live) -> None:
    whole = ask(mapped, "GET", "/map?collection=inbox").json()
    assert whole["next"] is None
    pages, cursor = [], ""
    while True:
        page = ask(mapped, "GET", f"/map?collection=inbox&limit=1{cursor}").json()
        assert len(page["assets"]) == 1
        pages.append(page)
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
        if len(pages) == 1:
            # what comes meanwhile moves nothing that was there
            sharing = Sharing(
                asker=mapped.world.asker("bravo", purpose="analyse"), acting=Acting(actor="bravo"), collection="inbox"
            )
            maps, log = mapped.world.hub.maps, mapped.world.hub.log
            with mapped.world.hub.store.read() as connection:
                at = log.now(connection)
            late = AssetMap(assets=tuple(Asset(id=f"late {number}") for number in range(8)))
            maps.share(maps.changes(late, sharing, at=at), sharing)
    met = [one["asset"]["id"] for page in pages for one in page["assets"] if not one["asset"]["id"].startswith("late")]
    assert sorted(met) == [one["asset"]["id"] for one in whole["assets"]]
    groups = [(one["asset"], one["name"]) for page in pages for one in page["groups"]]
    assert sorted(groups) == sorted((one["asset"], one["name"]) for one in whole["groups"])
    for page in pages:
        assert {one["asset"] for one in page["groups"] + page["states"]} <= {page["assets"][0]["asset"]["id"]}
    cursor = pages[0]["next"]
    assert ask(mapped, "GET", f"/map?collection=inbox&cursor={cursor}", "alfa").status_code == 400
    assert ask(mapped, "GET", f"/map?cursor={cursor}").status_code == 400


def test_what_fails_next_begins_with_what_is_out(mapped: Live) -> None:
    asked = {"hours": 10, "outages": [{"asset": "plant", "since_h": 1, "repaired_in_h": 20}], "collection": "inbox"}
    found = ask(mapped, "POST", "/map/whatnext", json=asked | {"reported": False}).json()
    assert (found["exact"], found["samples"]) == (True, 1)
    assert [one["asset"] for one in found["already"]] == ["plant", "substation 3"]
    # four hours of buffer, one of which is gone
    (pump,) = found["falls"]
    assert (pump["asset"], pump["when"]["median_h"], pump["when"]["chance"]) == ("pump", 3, 1)
    assert ask(mapped, "POST", "/map/whatnext", json={"reported": False, "collection": "inbox"}).status_code == 422
    unknown = asked | {"outages": [{"asset": "plant"}], "reported": False}
    assert ask(mapped, "POST", "/map/whatnext", json=unknown).status_code == 422
    drawn = ask(mapped, "POST", "/map/whatnext", json=unknown | {"repair_h": 9, "samples": 20}).json()
    assert (drawn["exact"], drawn["samples"]) == (False, 20)


def test_a_report_whose_end_nobody_knows_is_left_out_and_told(mapped: Live) -> None:
    report = {"asset": "substation 3", "service": 0, "source": "crew 9", "since": "2026-06-01", "collection": "inbox"}
    assert ask(mapped, "POST", "/map/states", json=report).status_code == 201
    asked = {"hours": 10, "outages": [{"asset": "plant", "repaired_in_h": 20}], "collection": "inbox"}
    answer = ask(mapped, "POST", "/map/whatnext", json=asked)
    assert answer.status_code == 200, answer.text
    left = {one["asset"]: one["cause"] for one in answer.json()["left_out"]}
    assert left["substation 3"] == "how long its repair takes is not known"
    assert [one["asset"] for one in answer.json()["outages"]] == ["plant"]
    # where nothing else is out, no empty answer reads as an all-clear
    nothing = ask(mapped, "POST", "/map/whatnext", json={"collection": "inbox"})
    assert nothing.status_code == 422
    assert "known when it ends" in nothing.json()["detail"]
    ended = report | {"service": 1}
    assert ask(mapped, "POST", "/map/states", json=ended).status_code == 201


def test_a_name_is_looked_for_in_the_collection_that_is_named(mapped: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str | None] = []
    maps = mapped.world.hub.maps
    seen = maps.seen

    def noted(asker: Asker, collection: str | None = None, **more: Any) -> Seen:  # noqa: ANN401  as it is
        read.append(collection)
        return seen(asker, collection, **more)

    monkeypatch.setattr(maps, "seen", noted)
    report = {"asset": "pump", "service": 1, "source": "crew 10"}
    for named in ({"collection": "inbox"}, {}):
        assert ask(mapped, "POST", "/map/states", json=report | named).status_code == 201
    assert read == ["inbox", None]


def test_what_takes_most_with_it_is_found_among_what_one_sees(mapped: Live) -> None:
    asked = {"hours": 10, "among": ["plant", "pump"], "pairs": True, "collection": "inbox"}
    found = ask(mapped, "POST", "/map/spof", json=asked).json()
    assert {one["assets"][0]: one["people_h"] for one in found["singles"]} == {"plant": 2400, "pump": 4000}
    (both,) = found["pairs"]
    assert (sorted(both["assets"]), both["people_h"], found["longest_buffer_h"]) == (["plant", "pump"], 4000, 4)
    alone = ask(mapped, "POST", "/map/spof", json={"hours": 10, "most": 1, "collection": "inbox"}).json()
    assert ([one["assets"] for one in alone["singles"]], alone["pairs"]) == ([["pump"]], None)
    ranked = ask(mapped, "POST", "/map/criticality", json={"hours": 10, "redraws": 2, "collection": "inbox"}).json()
    assert (ranked["assumed"], ranked["ranks"][0]["asset"], ranked["ranks"][0]["loss"]) == (0, "pump", 4000)
    assert "hidden" not in str(alone) + str(ranked)


def test_cut_sets_are_those_of_the_readers_map(mapped: Live) -> None:
    asked = {"asset": "pump", "collection": "inbox", "chance": 0.1, "chances": [{"asset": "plant", "chance": 0}]}
    found = ask(mapped, "POST", "/map/cuts", json=asked).json()
    assert found["cuts"] == [["plant"], ["substation 3"]]
    assert found["sizes"] == [{"size": 1, "sets": 2}]
    assert found["probability"] == pytest.approx(0.1)
    only = ask(mapped, "POST", "/map/cuts", json={"asset": "pump", "among": ["plant"], "collection": "inbox"}).json()
    assert (only["cuts"], only["probability"]) == ([["plant"]], None)


def test_sectors_are_those_of_the_readers_map(mapped: Live) -> None:
    asked = {"hits": [{"sector": "energy", "share": 0.5}], "recovery_h": 10, "hours": 24, "collection": "inbox"}
    found = ask(mapped, "POST", "/map/sectors", json=asked).json()
    water = found["sectors"].index("water")
    energy = found["sectors"].index("energy")
    assert found["dependence"][water][energy] == 1
    assert len(found["by_hour"]) == 25
    assert found["by_hour"][0][energy] == 0.5
    bare = ask(mapped, "POST", "/map/sectors", json={"collection": "inbox"}).json()
    assert (bare["inoperability"], bare["by_hour"], bare["dependence"]) == (None, None, found["dependence"])
    own = ask(mapped, "POST", "/map/sectors", "alfa", json={"collection": "inbox"}).json()
    assert "secret" in own["sectors"]
    assert "secret" not in bare["sectors"]


STRUCTURAL: Final[dict[str, tuple[str, dict[str, Any], int]]] = {
    "no asset": ("cuts", {}, 422),
    "hidden, among others": ("cuts", {"asset": "pump", "among": ["hidden"]}, 404),
    "nowhere, among others": ("cuts", {"asset": "pump", "among": ["nowhere"]}, 404),
    "hidden, by chance": ("cuts", {"asset": "pump", "chances": [{"asset": "hidden", "chance": 1}]}, 404),
    "more than sure": ("cuts", {"asset": "pump", "chance": 1.5}, 422),
    "no service": ("cuts", {"asset": "pump", "service": 0}, 422),
    "a sector only others see": ("sectors", {"hits": [{"sector": "secret", "share": 1}]}, 404),
    "a sector nobody has": ("sectors", {"hits": [{"sector": "gas", "share": 1}]}, 404),
    "nothing to recover from": ("sectors", {"recovery_h": 5}, 422),
    "recovery of some": (
        "sectors",
        {"hits": [{"sector": "energy", "share": 1}], "recoveries": [{"sector": "energy", "hours": 5}]},
        422,
    ),
}


@pytest.mark.parametrize("name", STRUCTURAL)
def test_what_structure_cannot_be_asked(mapped: Live, name: str) -> None:
    path, asked, status = STRUCTURAL[name]
    answer = ask(mapped, "POST", f"/map/{path}", json={"collection": "inbox"} | asked)
    assert answer.status_code == status, answer.text
    assert "people" not in answer.text


def test_structure_has_its_bounds(mapped: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(path: str, **asked: Any) -> int:  # noqa: ANN401  as JSON has it
        return ask(mapped, "POST", f"/map/{path}", json={"collection": "inbox"} | asked).status_code

    hit = {"hits": [{"sector": "energy", "share": 1}], "recovery_h": 5}
    assert (status("cuts", asset="pump"), status("sectors", **hit)) == (200, 200)
    for limit, path, asked in (
        ("_MOST_STEPS", "cuts", {"asset": "pump"}),
        ("_MOST_NODES", "cuts", {"asset": "pump"}),
        ("_MOST_CUTS", "cuts", {"asset": "pump"}),
        ("_MOST_SECTORS", "sectors", {}),
        ("_MOST_CELLS", "sectors", hit),
        ("_MOST_ROUNDS", "sectors", hit),
        ("MOST_WORK", "sectors", {}),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(structural, limit, 1)
            assert status(path, **asked) == 413, limit


BEYOND: Final[dict[str, dict[str, Any]]] = {
    "whatnext": {"outages": [{"asset": "pump"}], "repair_h": 3, "samples": 100},
    "spof": {"among": ["pump", "plant"], "pairs": True},
    "criticality": {"redraws": 100},
}


@pytest.mark.parametrize("path", BEYOND)
def test_each_question_has_its_bound_and_hides_what_is_hidden(
    mapped: Live, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for name in ("hidden", "nowhere"):
        asked: dict[str, dict[str, Any]] = {"whatnext": {"outages": [{"asset": name}]}, "spof": {"among": [name]}}
        named = asked.get(path, {"collection": name})
        answer = ask(mapped, "POST", f"/map/{path}", json={"collection": "inbox"} | named)
        assert answer.status_code == 404, answer.text
        assert "people" not in answer.text
    monkeypatch.setattr(limits, "MOST_WORK", 8)
    answer = ask(mapped, "POST", f"/map/{path}", json={"collection": "inbox"} | BEYOND[path])
    assert answer.status_code == 413, answer.text
