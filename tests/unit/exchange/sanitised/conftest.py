"""A hub whose agreement publishes, its text changed as a test asks; those of one text are founded once a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.publishing import Press, pact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    return tmp_path_factory.mktemp("press"), {}


@pytest.fixture
def press(tmp_path: Path, templates: tuple[Path, dict[str, Path]]) -> Iterator[Callable[..., Press]]:
    made: list[Press] = []
    folder, known = templates

    def make(old: str = "", new: str = "", *, countries: dict[str, str] | None = None) -> Press:
        key = repr((pact(old, new), countries))
        if key not in known:
            known[key] = folder / str(len(known))
            Press(known[key], text=pact(old, new), countries=countries).hub.close()
        made.append(Press(tmp_path / "hub", seed=2, template=known[key]))
        return made[-1]

    yield make
    for one in made:
        one.hub.integrator.integrate()
        one.hub.self_test.require()
        one.hub.close()
