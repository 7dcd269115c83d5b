"""Copies of the field, each held to its own log when a trap is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.field import found_field
from support.hub import World
from support.told import entries_of
from tocsin.exchange.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("field") / "hub"
    found_field(folder).hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.integrator.integrate()
    replay(list(enumerate(entries_of(made))))
    made.hub.close()


@pytest.fixture
def sound(world: World) -> Iterator[None]:
    """Hold the store to its log as well: where a trap is about what the store does at once, or twice."""
    yield
    world.hub.integrator.integrate()
    world.hub.self_test.require()
