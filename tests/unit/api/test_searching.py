"""Search over /api/v1: thin, gated like everything else, and its questions in no address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import pytest

from support.taxii import object_id
from tocsin.exchange.search import store as search_store
from tocsin.kernel.db.adapter import took_too_long
from tocsin.kernel.http.problem_details import PROBLEM

if TYPE_CHECKING:
    from support.taxii import Live

ROOT = "/api/v1/collections/exchange"


def ask(live: Live, method: str, path: str, who: str = "bravo", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
    answer = httpx.request(method, f"{live.url}{path}", auth=live.secrets[who], timeout=60, **more)
    assert "Traceback" not in answer.text
    return answer


@pytest.fixture(scope="module", autouse=True)
def indexed(live: Live) -> None:
    live.world.hub.indexer.index()


def test_pages_of_what_is_found(live: Live) -> None:
    found: list[str] = []
    asked: dict[str, Any] = {"types": ["indicator"], "limit": 10}
    while True:
        page = ask(live, "POST", f"{ROOT}/search", json=asked).json()
        found += [hit["id"] for hit in page["hits"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert sorted(found) == sorted(live.indicators)
    assert object_id("indicator", "hidden") not in found


def test_counts_and_facets_hold_nothing_hidden(live: Live) -> None:
    assert ask(live, "POST", f"{ROOT}/search/count", json={"types": ["indicator"]}).json()["count"] == 25
    faceted = ask(live, "POST", f"{ROOT}/search/facets/producer", json={"types": ["indicator"]}).json()
    assert [tally["value"] for tally in faceted["tallies"]] == ["https://alfa.example"]


def test_correlation_and_relations(live: Live) -> None:
    shared = ask(live, "POST", f"{ROOT}/correlate", json={"subject": "198.51.100.7"}).json()
    assert [one["hit"]["type"] for one in shared["shared"]] == ["ipv4-addr"]
    around = ask(live, "GET", f"{ROOT}/objects/{live.indicators[0]}/relations").json()
    assert around["hit"]["id"] == live.indicators[0]
    hidden = ask(live, "GET", f"{ROOT}/objects/{object_id('indicator', 'hidden')}/relations")
    missing = ask(live, "GET", f"{ROOT}/objects/{object_id('indicator', 'none')}/relations")
    assert hidden.status_code == 404
    assert hidden.content == missing.content


def test_searches_are_kept_for_oneself(live: Live) -> None:
    question = {
        "text": "seed",
        "types": ["indicator"],
        "since": "2026-01-01T00:00:00.000000Z",
        "min_reliability": "B",
        "min_credibility": 2,
    }
    kept = ask(live, "PUT", "/api/v1/searches/mine", "anna", json={"question": question})
    assert kept.status_code == 200
    assert kept.json()["question"] == question
    assert ask(live, "GET", "/api/v1/searches/mine", "anna").json() == kept.json()
    assert ask(live, "GET", "/api/v1/searches", "anna").json() == {"searches": [kept.json()]}
    assert ask(live, "GET", "/api/v1/searches/mine", "alfa").status_code == 404
    assert ask(live, "DELETE", "/api/v1/searches/mine", "anna").json() == {"removed": "mine"}
    assert ask(live, "DELETE", "/api/v1/searches/mine", "anna").status_code == 404


def test_sources_are_a_filter(live: Live) -> None:
    judged = {"min_reliability": "E", "min_credibility": 5}  # nobody judged a source here
    assert ask(live, "POST", f"{ROOT}/search/count", json=judged).json()["count"] == 0


BAD: dict[str, tuple[str, dict[str, Any], int, str | None]] = {
    "an unknown field": (f"{ROOT}/search", {"txt": "x"}, 422, "txt"),
    "too much on a page": (f"{ROOT}/search", {"limit": 10_000}, 422, "limit"),
    "a TLP that is none": (f"{ROOT}/search/count", {"tlps": ["green", "purple"]}, 422, "tlps[1]"),
    "nothing to correlate": (f"{ROOT}/correlate", {}, 422, "subject"),
    "a cursor that is none": (f"{ROOT}/search", {"cursor": "x"}, 422, "next"),
    "a day that is none": (f"{ROOT}/search", {"since": "2026-02-30"}, 422, "since"),
    "a facet that is none": (f"{ROOT}/search/facets/colour", {}, 404, None),
    "a collection that is none": ("/api/v1/collections/none/search", {}, 404, None),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said(live: Live, case: tuple[str, dict[str, Any], int, str | None]) -> None:
    path, asked, status, where = case
    answer = ask(live, "POST", path, json=asked)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert told.get("where") == where
    assert status != 422 or told["todo"]


def test_a_pattern_is_checked(live: Live) -> None:
    sound = ask(live, "POST", "/api/v1/patterns/check", json={"pattern": "[ipv4-addr:value='198.51.100.7']"}).json()
    assert (sound["types"], sound["fault"]) == (["ipv4-addr"], None)
    assert sound["pattern"] == "[ipv4-addr:value = '198.51.100.7']"
    broken = ask(live, "POST", "/api/v1/patterns/check", json={"pattern": "[ipv4-addr:value ="}).json()
    assert broken["pattern"] is None
    assert (broken["fault"]["line"], broken["fault"]["offset"]) == (1, 18)
    assert broken["fault"]["todo"]


def test_a_search_that_takes_too_long_says_what_helps(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> NoReturn:
        raise took_too_long(10.0)

    monkeypatch.setattr(search_store, "sequences", slow)
    refused = ask(live, "POST", f"{ROOT}/search", json={"text": "grid"})
    assert (refused.status_code, refused.headers["content-type"]) == (503, PROBLEM)
    assert "ask for less" in refused.text
