"""One suite for every store: each test of this folder runs on both."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import pytest

from support import stores
from tocsin.kernel.db.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
def opened() -> Iterator[list[Store]]:
    """What a test opened besides ``store``, closed after it."""
    made: list[Store] = []
    yield made
    for store in made:
        store.close()


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Homes whose database, of one kind, has the schema in it and nothing else: made once."""

    @functools.cache
    def made(kind: str) -> Path:
        home = tmp_path_factory.mktemp("schemas") / kind
        home.mkdir()
        with contextlib.closing(stores.store_in(home, kind=kind)) as store:
            store.create()
        return home

    return made


@pytest.fixture
def store(schemas: Callable[[str], Path], tmp_path: Path, kind: str, opened: list[Store]) -> Store:
    """A store with the schema in it."""
    made = open_store(stores.copy_home(schemas(kind), tmp_path, kind=kind))
    opened.append(made)
    return made


@pytest.fixture
def settings_of(store: Store, tmp_path: Path, kind: str) -> Settings:
    """The settings of ``store``."""
    return stores.settings_of(tmp_path, kind=kind)


@pytest.fixture
def other(settings_of: Settings, opened: list[Store]) -> Store:
    """The same database, opened as another process would."""
    made = open_store(settings_of)
    opened.append(made)
    return made
