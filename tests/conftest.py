"""The stores of a session: a PostgreSQL that the first who asks starts, and databases that go with their tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import structlog
from hypothesis import settings

from support import clocks, engines, postgres, schemas, stores
from tocsin.kernel.db import migrate
from tocsin.kernel.db import postgres as postgres_adapter
from tocsin.kernel.db import sqlite as sqlite_adapter

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says how busy the machine is: no test of ours is about that.
settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")

# A server in a test's own process would write its records into what a command of another test prints.
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

# What is founded has its schema at once; what an upgrade begins with is no empty database, and gets the migrations.
migrate.upgrade = schemas.set_down
# What one hub's engine compiled, the next one's need not.
for _adapter in (sqlite_adapter, postgres_adapter):
    _adapter.create_engine = engines.create_engine  # type: ignore[attr-defined]  # imported there

SQLITE_ALONE = "looks into a file of SQLite's, or at its plans"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: what it tests is a file of SQLite's; skipped on PostgreSQL")
    config.addinivalue_line("markers", "time_passes: the clock of its hub goes on at each look, as machines' clocks do")
    config.addinivalue_line("markers", "still: even so, its clock stands still: it is about an exact instant")
    # xdist's workers are told of the folder by the environment
    if not hasattr(config, "workerinput"):
        os.environ[postgres.OWNER] = str(os.getpid())
        postgres.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if stores.on_postgres():
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason=SQLITE_ALONE))


@pytest.fixture(autouse=True)
def time_passes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the clock of a test's hub go on where the test says so; what its module founds has a clock that stands."""
    marked = {marker.name for marker in request.node.iter_markers()}
    step = 0 if "still" in marked else clocks.EVERYWHERE or int("time_passes" in marked)
    with clocks.going_on(step):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Drop the databases of a test's own folder, and of folders that are gone: those of wider fixtures stay."""
    try:
        return (yield)
    finally:
        folder = item.stash.get(_FOLDER, None)
        for home in stores.made():
            if not home.exists() or (folder is not None and (folder == home or folder in home.parents)):
                stores.drop(home)


_FOLDER: Final = pytest.StashKey[Path | None]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    item.stash[_FOLDER] = getattr(item, "funcargs", {}).get("tmp_path")
    return (yield)
