"""Where compiled kernels are kept, and that they run where nothing can be."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import pytest
from numba.core import config

from tocsin.map.cascade import compiled as shelf
from tocsin.map.cascade.compiled import compiled, kept_in

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(
    config.DISABLE_JIT,  # type: ignore[attr-defined]  # numba sets its settings as it is imported
    reason="numba is told not to compile",
)


@pytest.fixture(autouse=True)
def no_folder_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")


def test_a_kernel_is_kept_in_the_user_s_cache_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_in().parent == tmp_path / "tocsin"

    def twice(number: int) -> int:
        return 2 * number

    assert compiled(twice)(21) == 42
    assert stat.S_IMODE(kept_in().stat().st_mode) == 0o700
    assert [one.suffix for one in kept_in().rglob("*.nb*")]
    # others' functions are kept where they were
    assert config.CACHE_DIR == ""  # type: ignore[attr-defined]  # as above


def test_a_folder_that_is_none_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for told in ("", "relative/to/where/we/are"):
        monkeypatch.setenv("XDG_CACHE_HOME", told)
        monkeypatch.setenv("HOME", "/home/somebody")
        assert kept_in().parent == Path("/home/somebody/.cache/tocsin")


def test_another_source_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept_in()
    (tmp_path / "compiled.py").write_text("changed")
    monkeypatch.setattr(shelf, "__file__", str(tmp_path / "compiled.py"))
    assert kept_in() != before


def test_where_nothing_can_be_written_it_compiles_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    njit: Callable[..., Any] = numba.njit

    def nowhere(**given: bool | str) -> Callable[..., Any]:
        if given.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        decorator: Callable[..., Any] = njit(**given)
        return decorator

    monkeypatch.setattr(numba, "njit", nowhere)

    def thrice(number: int) -> int:
        return 3 * number

    assert compiled(thrice)(14) == 42
