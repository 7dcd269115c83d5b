"""A hub with four parties, for each test of what becomes of an agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.hub import World
from support.lives import (
    ALL,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life") / "hub"
    world = World(folder)
    for name, country in zip(ALL, ("NO", "NO", "SE", "DK"), strict=True):
        world.party(name, country=country)
    world.hub.close()
    return folder
