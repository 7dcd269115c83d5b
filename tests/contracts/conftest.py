"""One suite for every store: each test of this folder runs on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import stores
from tocsin.kernel.db.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tocsin.kernel.db import Store
    from tocsin.settings import Settings


@pytest.fixture(params=stores.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(tmp_path: Path, kind: str) -> Settings:
    """Settings whose database is empty."""
    return stores.fresh(tmp_path, kind=kind)


@pytest.fixture
def opened(settings: Settings) -> Iterator[list[Store]]:
    """What a test opened besides ``store``, closed after it."""
    made: list[Store] = []
    yield made
    for store in made:
        store.close()


@pytest.fixture
def store(settings: Settings, opened: list[Store]) -> Store:
    """A store with the schema in it."""
    made = open_store(settings)
    opened.append(made)
    made.create()
    return made


@pytest.fixture
def other(settings: Settings, store: Store, opened: list[Store]) -> Store:
    """The same database, opened as another process would."""
    made = open_store(settings)
    opened.append(made)
    return made
