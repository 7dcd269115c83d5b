"""What an operator watches: for whom, what it tells, and that it tells nothing about anybody."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from support.hub import OPERATOR
from support.replicas import Copy, copy_database
from support.taxii import living
from tocsin.errors import StoreBrokenError
from tocsin.exchange.replica import MAX_LAG
from tocsin.kernel.clock import SECOND
from tocsin.kernel.http.problem_details import PROBLEM
from tocsin.parties.model import Permission
from tocsin.serving import health as healths
from tocsin.serving.health import Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.taxii import Live

CHECKS = ("look", "schema", "history", "integrator", "writer", "replica")
WATCH = frozenset({Permission.HUB_WATCH})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    serving = living(tmp_path_factory.mktemp("watched") / "hub")
    live = next(serving)
    live.secrets["scraper"] = ("hub", live.world.token("hub", permissions=WATCH))
    live.secrets["all"] = ("bravo", live.world.token("bravo", permissions=frozenset(Permission)))
    yield live
    serving.close()


def get(live: Live, path: str, who: str | None = None) -> httpx.Response:
    return httpx.get(f"{live.url}{path}", auth=None if who is None else live.secrets[who])


# --- who may ----------------------------------------------------------------------------------------------------------

FOR_WHOM = {
    "alive, anyone": ("/healthz", None, 200),
    "ready, anyone": ("/readyz", None, 200),
    "details, anyone": ("/readyz/details", None, 401),
    "details, a member with every permission": ("/readyz/details", "all", 403),
    "details, a member without": ("/readyz/details", "reader", 403),
    "details, the scraper": ("/readyz/details", "scraper", 200),
    "numbers, anyone": ("/metrics", None, 401),
    "numbers, a member with every permission": ("/metrics", "all", 403),
    "numbers, the scraper": ("/metrics", "scraper", 200),
}


@pytest.mark.parametrize("case", FOR_WHOM.values(), ids=FOR_WHOM.keys())
def test_for_whom(live: Live, case: tuple[str, str | None, int]) -> None:
    path, who, status = case
    assert get(live, path, who).status_code == status


def test_the_scraper_gets_nothing_else(live: Live) -> None:
    for path in ("/live/collections/", "/api/v1/collections", "/api/v1/parties", "/api/v1/agreements"):
        assert get(live, path, "scraper").status_code == 403


# --- the numbers ------------------------------------------------------------------------------------------------------


def test_the_numbers_are_text_that_a_scraper_reads(live: Live) -> None:
    live.get("/live/collections/exchange/objects/")
    answer = get(live, "/metrics", "scraper")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name in (
        'tocsin_requests_total{method="GET",route="/live/collections/{collection:str}/objects",status="200"}',
        "tocsin_request_seconds_bucket",
        "tocsin_writer_wait_seconds_count",
        'tocsin_lane_work{lane="reader"}',
        'tocsin_lane_refused_total{lane="writer"}',
        "tocsin_stream_listeners 0.0",
        "tocsin_offers_total 30.0",
        "tocsin_log_entries_total",
        "tocsin_checkpoint_age_seconds",
        "tocsin_releases_staged ",
        "tocsin_releases_staged_age_seconds",
        "tocsin_index_behind",
    ):
        assert name in answer.text, name


def test_the_numbers_name_nobody_and_nothing(live: Live) -> None:
    httpx.get(f"{live.url}/live/collections/canary-collection/objects/canary-object/", auth=live.secrets["bravo"])
    httpx.request("CANARY", f"{live.url}/canary-path/?canary=query", headers={"x-canary": "header"})
    text = get(live, "/metrics", "scraper").text
    assert 'method="(other)",route="(none)"' in text
    for word in ("canary", "alfa", "bravo", "anna", "charlie", *live.collections.values(), *live.indicators):
        assert word not in text, word
    labels = set(re.findall(r'[{,](\w+)="', text))
    assert labels <= {"method", "route", "status", "le", "lane"}


# --- health -----------------------------------------------------------------------------------------------------------


def test_who_is_not_ready_says_no_more_to_anyone(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Health, "ready", property(lambda _: False))
    answer = get(live, "/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == PROBLEM
    assert int(answer.headers["retry-after"]) > 0
    assert set(answer.json()) == {"title", "status", "detail", "todo"}
    assert get(live, "/healthz").status_code == 200
    assert get(live, "/readyz/details", "scraper").status_code == 503


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(live: Live, clock: Clock) -> Health:
    hub = live.world.hub
    return Health(
        store=hub.store, log=hub.log, replica=hub.reading.replica, environment=hub.environment, monotonic_=clock
    )


def found(health: Health) -> dict[str, bool]:
    return {check.name: check.ok for check in health.report().checks}


def test_nobody_is_ready_who_has_not_looked(health: Health) -> None:
    assert not health.ready
    health.look()
    assert health.ready
    assert found(health) == dict.fromkeys(CHECKS, True)


def test_a_look_grows_old(health: Health, clock: Clock) -> None:
    health.look()
    clock.now = healths.STALE_SECONDS
    assert health.ready
    clock.now += 1
    assert not health.ready
    assert not found(health)["look"]


def test_what_is_wrong_is_a_finding_and_tells_no_foreign_words(
    health: Health, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = live.world.hub.store

    def broken() -> None:
        raise StoreBrokenError("the schema is old")

    def gone() -> None:
        raise OSError("postgresql://user:hunter2@db")

    monkeypatch.setattr(store, "require_current", broken)
    monkeypatch.setattr(store, "write", gone)
    health.look()
    assert found(health) == dict.fromkeys(CHECKS, True) | {"schema": False, "writer": False}
    assert "hunter2" not in str(health.report())


def test_a_fault_of_ours_is_no_finding_and_nobody_is_ready(
    health: Health, live: Live, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    health.look()

    def faulty() -> None:
        raise KeyError("a name that is none")

    monkeypatch.setattr(live.world.hub.store, "require_current", faulty)
    clock.now = healths.STALE_SECONDS + 1
    with pytest.raises(KeyError):  # whoever takes the turns enters it into the operator's log
        health.look()
    assert not health.ready


def test_a_database_that_lost_what_was_read_makes_nobody_ready(health: Health, live: Live, tmp_path: Path) -> None:
    hub = live.world.hub
    database = hub.settings.database
    if not isinstance(database, Path):
        pytest.skip("a copy of a file is put back")
    health.look()
    copy_database(database, tmp_path / "then.db")
    hub.collections.add(OPERATOR, hub.mandate, "later", title="Later")
    health.look()
    copy_database(database, tmp_path / "now.db")
    copy_database(tmp_path / "then.db", database)
    try:
        health.look()
        assert found(health) == dict.fromkeys(CHECKS, True) | {"history": False, "writer": True}
        assert not health.ready
        assert "start every process of the hub anew" in str(health.report())
    finally:
        copy_database(tmp_path / "now.db", database)
    health.look()
    assert health.ready


def test_how_the_replica_does_is_told_to_who_watches(health: Health, live: Live, tmp_path: Path) -> None:
    hub = live.world.hub
    if not isinstance(hub.settings.database, Path):
        pytest.skip("the replica is a copy of a file")

    def said() -> str:
        health.look()
        assert health.ready, "pages are made from the database when the replica is none"
        return next(check.detail for check in health.report().checks if check.name == "replica")

    assert said() == "there is none"
    copy = Copy(live.world, tmp_path / "replica.db")
    try:
        live.get("/live/collections/exchange/objects/")
        assert said() == "used; 0.0 s behind; 1 pages from it, 0 from the database"
        live.world.clock.advance(MAX_LAG + SECOND)
        hub.collections.add(OPERATOR, hub.mandate, "behind", title="Behind")
        live.get("/live/collections/exchange/objects/")
        assert said().startswith("not used: the replica is behind; ")
        assert said().endswith("; 1 pages from it, 1 from the database")
        copy.replay()
        assert said().startswith("used; 0.0 s behind")
        assert "replica" not in get(live, "/readyz").text
    finally:
        hub.store.replica = None


def test_a_release_that_nobody_enters_is_noticed(health: Health, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healths, "staged_age", lambda *_: (3, healths.STAGED_SECONDS + 1))
    health.look()
    assert found(health)["integrator"] is False


def test_asking_takes_no_writers_turn(live: Live) -> None:
    """The writer stands still, and who asks whether the hub is ready is answered at once all the same."""
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with live.world.hub.store.write():
            held.set()
            free.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        assert held.wait(30)
        assert get(live, "/readyz").status_code == 200
        assert get(live, "/healthz").status_code == 200
    finally:
        free.set()
        holding.join()
