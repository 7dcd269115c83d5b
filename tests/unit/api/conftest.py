"""Hubs that are served, of each file its own: the tests of a file meet in what they do, those of two files do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.doors import opened_doors
from support.taxii import Live, living

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from living(tmp_path_factory.mktemp("api") / "hub")


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from opened_doors(tmp_path_factory.mktemp("doors") / "hub")
