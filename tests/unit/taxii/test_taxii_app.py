"""The application around TAXII: what runs beside the requests, and who answers where no route does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from structlog.testing import capture_logs

from support.taxii import living
from tocsin.errors import StoreBrokenError
from tocsin.serving.app import create_app, running
from tocsin.serving.background import repeating

if TYPE_CHECKING:
    from pathlib import Path


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_releases_are_in_the_log_when_the_server_has_stopped(tmp_path: Path) -> None:
    serving = living(tmp_path / "hub")
    live = next(serving)
    assert live.get("/live/collections/exchange/objects/").json()["objects"]
    with pytest.raises(StopIteration):
        next(serving)
    reopened = live.world.reopen()
    assert not reopened.integrator.pending()
    with reopened.store.read() as connection:
        assert "release" in [row.kind for row in reopened.log.rows(connection)]
    reopened.close()


def test_the_thread_belongs_to_a_running_application_only(tmp_path: Path) -> None:
    serving = living(tmp_path / "hub")
    live = next(serving)
    before = names().count("tocsin-integrator")
    another = create_app(live.world.hub)
    assert names().count("tocsin-integrator") == before, "making an application starts nothing"
    with running(another) as url:
        assert names().count("tocsin-integrator") == before + 1
        assert httpx.get(f"{url}/taxii2/").status_code == 401
    assert names().count("tocsin-integrator") == before
    serving.close()
    assert names().count("tocsin-integrator") == before - 1


class Moody:
    """An integrator that fails twice, then works."""

    def __init__(self) -> None:
        self.turns = 0
        self.worked = threading.Event()

    def integrate(self) -> int:
        self.turns += 1
        if self.turns == 1:
            raise StoreBrokenError("the disk is full")
        if self.turns == 2:
            raise OSError("hunter2")
        self.worked.set()
        return 0


def test_a_turn_that_fails_is_told_and_tried_again() -> None:
    moody = Moody()
    with capture_logs() as logged, repeating("integrator", moody.integrate, seconds=0.001):
        assert moody.worked.wait(30)
    assert len(logged) == 2
    assert "the disk is full" in logged[0]["what"]
    assert "builtins.OSError" in logged[1]["what"]
    assert not any('"hunter2"' not in line and "hunter2" in line for line in logged[1]["what"].splitlines())


def test_discovery_names_the_address_that_the_world_knows(tmp_path: Path) -> None:
    serving = living(tmp_path / "hub")
    live = next(serving)
    with running(create_app(live.world.hub, address="https://hub.example/")) as url:
        found = httpx.get(f"{url}/taxii2/", auth=live.secrets["bravo"], headers={"host": "evil.example"}).json()
    assert found["api_roots"] == ["https://hub.example/live/"]
    assert live.get("/taxii2/", headers={"host": "evil.example"}).json()["default"] == "/live/"
    serving.close()
