"""A database that goes away: one line when it does and one when it is back, and nothing of it to members."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tocsin.errors import StoreAwayError
from tocsin.kernel.db import Store
from tocsin.kernel.db import outage as outages
from tocsin.kernel.db.outage import Outage
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.kernel.http.problems import problem_of
from tocsin.serving import background

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

AWAY = StoreAwayError("no route to db.inside.example", where="postgresql://db", todo="look whether it runs")


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def store(tmp_path: Path, ticks: Ticks) -> Iterator[Store]:
    made = Store(SqliteAdapter(tmp_path / "hub.db"))
    made.create()
    made._outage = Outage(ticks)
    yield made
    made.close()


def _away(_connection: Connection) -> NoReturn:
    raise AWAY


def test_an_outage_is_one_line_and_one_when_it_is_over(
    store: Store, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        with store.read():
            pass

    def write() -> None:
        with store.write():
            pass

    with capture_logs() as lines:
        with monkeypatch.context() as patch:
            for name in ("begin_read", "begin_write"):
                patch.setattr(store.adapter, name, _away)
            for _ in range(20):
                ticks.now += 0.5
                for work in (read, write):
                    with pytest.raises(StoreAwayError):
                        work()
                    background._take("integrator", work)
        for _ in range(3):
            # it answers one and not the next: that is the same outage
            read()
            with monkeypatch.context() as patch:
                patch.setattr(store.adapter, "begin_read", _away)
                with pytest.raises(StoreAwayError):
                    read()
        ticks.now += outages.QUIET
        read()
        write()
    assert [line["event"] for line in lines] == ["store-away", "store-back"]
    assert "db.inside.example" in lines[0]["what"]
    assert "Traceback" not in str(lines)
    assert lines[1]["seconds"] == ticks.now - 0.5


def test_other_turns_that_fail_are_told_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> NoReturn:
        raise KeyError("a name")

    with capture_logs() as lines:
        background._take("integrator", broken)
    assert [line["event"] for line in lines] == ["turn-failed"]


def test_members_are_told_nothing_of_how_the_hub_is_run() -> None:
    problem = problem_of(AWAY)
    assert (problem.status, problem.what, problem.where, problem.todo) == (
        503,
        "the hub cannot reach its store",
        None,
        "try again",
    )
    assert dict(problem.headers)["retry-after"]


def test_a_file_that_cannot_be_read_is_an_outage(store: Store, tmp_path: Path) -> None:
    store.adapter.engine.dispose()
    file = tmp_path / "hub.db"
    file.rename(tmp_path / "elsewhere.db")
    file.mkdir()
    with capture_logs() as lines, pytest.raises(StoreAwayError, match="cannot be read or written"), store.read() as one:
        one.execute(text("SELECT 1"))
    assert [line["event"] for line in lines] == ["store-away"]
