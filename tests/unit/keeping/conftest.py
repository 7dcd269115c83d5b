"""Hubs where something is kept: each test has a copy of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.keeping import keeping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.keeping import Keeping


@pytest.fixture(scope="module")
def hubs() -> Iterator[Keeping]:
    yield from keeping()


@pytest.fixture
def bare(hubs: Keeping) -> Iterator[World]:
    made = hubs.world()
    yield made
    hubs.drop(made)


@pytest.fixture
def world(bare: World) -> World:
    """Return what most tests begin with; a file that shares or agrees on something first has its own."""
    return bare
