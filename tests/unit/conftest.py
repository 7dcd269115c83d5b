"""What many rooms' tests begin with: copies of a hub that their module founds once, or of one with the treaty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.hub import World
from support.treaty import Templates, templates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    """Return a copy of the closed hub that a module's ``template`` is; whatever a test does to it stays consistent."""
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.self_test.require()
    made.hub.close()
