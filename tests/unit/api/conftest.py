"""One hub, served once for every test of this folder; writes go into collections of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.doors import opened_doors
from support.taxii import Live, living

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from living(tmp_path_factory.mktemp("api") / "hub")


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from opened_doors(tmp_path_factory.mktemp("doors") / "hub")
