"""Hubs with the treaty, and a fresh one for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.treaty import Templates, templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    hubs.drop(world)
