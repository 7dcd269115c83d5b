"""``tocsin hub ceiling``: shown, set, and lowered by a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cli import Cli, partnership

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_ceiling_is_shown_set_and_lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli: Cli = partnership(tmp_path / "home")
    assert cli.json("hub", "ceiling") == {
        "ceiling": "unclassified",
        "since": None,
        "setting": None,
        "counts_here": "unclassified",
    }
    made = cli.json("hub", "ceiling", "secret", "--reason", "accredited")
    assert (made["ceiling"], made["counts_here"]) == ("secret", "secret")
    monkeypatch.setenv("TOCSIN_CEILING", "restricted")
    said = cli.ok("hub", "ceiling").out
    assert "the ceiling of this hub is secret, since" in said
    assert "what is above restricted is refused" in said
    refused = cli.run("hub", "ceiling", "geheim")
    assert refused.code == 1
    assert "use one of unclassified, restricted" in refused.err
    cli.ok("check")
