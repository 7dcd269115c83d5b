"""Supply chains over /api/v1: bills, what they reach, from whom they come; within limits, each a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from support.mapped import ALFA, AMBER, STRICT, region
from tocsin.kernel.mandate import Acting
from tocsin.map.http import supplied
from tocsin.map.shelf import Sharing
from tocsin.map.supply import wire
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.service import Bounds
from tocsin.map.wire import asset_id

if TYPE_CHECKING:
    from support.taxii import Live

CVE: Final = "CVE-2024-3094"
PUMP: Final = asset_id(ALFA, "pump")
PLANT: Final = asset_id(ALFA, "plant")


def firmware(version: str, supplier: str = "Nordstation AS") -> Bill:
    return Bill(
        parts=(
            Part(name="RTU firmware", version=version, supplier=supplier, contains=(1,)),
            Part(name="xz-utils", version="5.6.0", purl="pkg:deb/debian/xz-utils@5.6.0"),
        ),
        statements=(Statement(ids=(CVE,), verdict=Verdict.AFFECTED, parts=(1,)),),
    )


@pytest.fixture(scope="module")
def supplied_hub(live: Live) -> Live:
    """Alfa shares what is on two of its assets, and beside it what is on them and nobody else may see."""
    sharing = Sharing(
        asker=live.world.asker("alfa", purpose="analyse"), acting=Acting(actor="alfa"), collection="inbox"
    )
    hub = live.world.hub
    with hub.store.read() as connection:
        at = hub.log.now(connection)
    hub.maps.share(hub.maps.changes(region(), sharing, at=at), sharing)
    for bill, assets, mark in (
        (firmware("12.4"), (PUMP, PLANT), AMBER),
        (firmware("12.5"), (PUMP,), AMBER),
        (firmware("secret", "Hidden Maker"), (PUMP,), STRICT),
    ):
        hub.supplies.share(hub.supplies.changes(bill, assets, sharing, at=at, tlp=mark), sharing)
    hub.indexer.index()
    return live


def ask(live: Live, method: str, path: str, who: str = "bravo", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
    return httpx.request(method, f"{live.url}/api/v1/map{path}", auth=live.secrets[who], timeout=60, **more)


def reached(live: Live, what: str, who: str = "bravo", **more: Any) -> Any:  # noqa: ANN401  JSON
    answer = ask(live, "POST", "/reach", who, json={"what": what, "collection": "inbox"} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("what", [CVE, "xz-utils", "pkg:deb/debian/xz-utils@5.6.0", "RTU firmware"])
def test_what_is_reached_by_what_one_sees_and_by_nothing_else(supplied_hub: Live, what: str) -> None:
    found = reached(supplied_hub, what)
    ways = {(one["name"], one["path"][0]) for one in found["reached"]}
    assert ways == {("pump", "RTU firmware 12.4"), ("pump", "RTU firmware 12.5"), ("plant", "RTU firmware 12.4")}
    assert (found["people"], found["more"], found["products"]) == (400, 0, 2)
    assert {one["sector"]: one["people"] for one in found["sectors"]} == {"energy": 0, "water": 400}
    assert {one["verdict"] for one in found["reached"]} == ({"affected"} if what == CVE else {None})
    few = reached(supplied_hub, what, most=1)
    assert (len(few["reached"]), few["more"], few["people"], len(few["assets"])) == (1, 2, 400, 1)
    assert few["reached"] == found["reached"][:1]
    assert any("secret" in one["path"][0] for one in reached(supplied_hub, what, "alfa")["reached"])
    assert "ecret" not in str(found)
    assert "Hidden" not in str(found)


@pytest.mark.parametrize("what", ["RTU firmware@secret", "RTU firmware@nowhere"])
def test_a_product_that_one_may_not_see_is_one_that_is_not_there(supplied_hub: Live, what: str) -> None:
    found = reached(supplied_hub, what)
    assert found == reached(supplied_hub, "nothing") | {"asked": what}
    assert (found["parts"], found["reached"], found["unseen"]) == (0, [], 0)


def test_bills_page_by_page(supplied_hub: Live) -> None:
    whole = ask(supplied_hub, "GET", "/bills?collection=inbox").json()
    assert [
        (one["product"]["version"], one["assets"], one["parts"], one["statements"])
        for one in sorted(whole["bills"], key=lambda one: str(one["product"]["version"]))
    ] == [("12.4", ["plant", "pump"], 2, 1), ("12.5", ["pump"], 2, 1)]
    assert (whole["next"], whole["unseen"], whole["parties_left_out"]) == (None, 0, [])
    first = ask(supplied_hub, "GET", "/bills?collection=inbox&limit=1").json()
    path = f"/bills?collection=inbox&cursor={first['next']}"
    second = ask(supplied_hub, "GET", path).json()
    assert first["bills"] + second["bills"] == whole["bills"]
    assert (second["next"], second["unseen"]) == (None, None)
    assert ask(supplied_hub, "GET", path, "alfa").status_code == 400
    assert len(ask(supplied_hub, "GET", "/bills?collection=inbox", "alfa").json()["bills"]) == 3


def test_vendors_of_what_one_sees(supplied_hub: Live) -> None:
    found = ask(supplied_hub, "GET", "/vendors?collection=inbox").json()
    assert found["sectors"][0]["known"] == 2
    assert [one["name"] for one in found["sectors"][0]["vendors"]] == ["Nordstation AS"]
    assert found["sectors"][0]["hhi"]["assets"] == 10_000
    own = ask(supplied_hub, "GET", "/vendors?collection=inbox&parts=true", "alfa").json()
    assert {one["name"] for one in own["sectors"][0]["vendors"]} == {"Nordstation AS", "Hidden Maker"}
    few = ask(supplied_hub, "GET", "/vendors?collection=inbox&most=1", "alfa").json()
    assert ([len(one["vendors"]) for one in few["sectors"]], few["more"]) == ([1, 1, 1], 2)


REFUSED: Final[dict[str, tuple[str, str, dict[str, Any], int]]] = {
    "nothing": ("POST", "/reach", {"json": {}}, 422),
    "an empty text": ("POST", "/reach", {"json": {"what": ""}}, 422),
    "a control character": ("POST", "/reach", {"json": {"what": "a\nb"}}, 422),
    "no purl": ("POST", "/reach", {"json": {"what": "pkg:"}}, 422),
    "too long": ("POST", "/reach", {"json": {"what": "x" * 2_001}}, 422),
    "no such collection": ("POST", "/reach", {"json": {"what": "x", "collection": "none"}}, 404),
    "an unknown field": ("POST", "/reach", {"json": {"what": "x", "all": True}}, 422),
    "bills of no collection": ("GET", "/bills?collection=none", {}, 404),
    "vendors of no collection": ("GET", "/vendors?collection=none", {}, 404),
    "vendors by something else": ("GET", "/vendors?parts=perhaps", {}, 400),
    "no vendors": ("GET", "/vendors?most=0", {}, 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(supplied_hub: Live, name: str) -> None:
    method, path, more, status = REFUSED[name]
    answer = ask(supplied_hub, method, path, **more)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_who_shares_more_than_an_answer_holds_of_one_is_named(
    supplied_hub: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supplied, "BOUNDS", Bounds(bills=3))
    found = reached(supplied_hub, CVE)
    assert (found["reached"], [one["party"] for one in found["parties_left_out"]]) == ([], [ALFA])
    assert [one["party"] for one in ask(supplied_hub, "GET", "/bills?collection=inbox").json()["parties_left_out"]]


def test_each_answer_is_a_release_of_what_it_was_made_from(supplied_hub: Live) -> None:
    bill = wire.bill_id(firmware("12.4").product, ALFA)
    account = supplied_hub.url + f"/api/v1/objects/{bill}/who"

    def received() -> int:
        supplied_hub.world.hub.integrator.integrate()
        return len(httpx.get(account, auth=supplied_hub.secrets["alfa"], timeout=60).json()["received"])

    before = received()
    reached(supplied_hub, CVE)
    assert received() > before
    before = received()
    assert ask(supplied_hub, "GET", "/vendors?collection=inbox").status_code == 200
    assert received() > before
