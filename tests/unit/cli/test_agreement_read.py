"""What an agreement says and what a version changes, read through commands, before anybody signs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.cli import PACT, Cli

SECOND = PACT.replace("version: 1", "version: 2").replace("type: [indicator, malware]", "type: [indicator]")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for name, text in (("one.yaml", PACT), ("two.yaml", SECOND)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def test_a_file_is_read_back_without_a_hub(tmp_path: Path, files: list[str]) -> None:
    cli = Cli(tmp_path / "nowhere")
    said = cli.ok("agreement", "show", files[0], "--prose").out
    assert "clause 1\n  A member may read an object that a member contributed, in order to detect, where all" in said
    assert "how it is read\n" in said
    told = cli.json("agreement", "show", files[0], "--prose")
    assert [one["about"] for one in told["prose"]][:2] == ["title", "term"]
    assert cli.run("agreement", "show", files[0], "--prose", "--cedar").code != 0


def test_what_changes_is_told_without_a_hub(tmp_path: Path, files: list[str]) -> None:
    cli = Cli(tmp_path / "nowhere")
    said = cli.ok("agreement", "diff", *files).out
    assert said.startswith("pact/1 -> pact/2: 2 changes\n")
    assert "clause 1 is changed: it narrows what may be read\n  - its type is indicator or malware\n" in said
    found = {one["about"]: one["bearing"] for one in cli.json("agreement", "diff", *reversed(files))["changes"]}
    assert found == {"title": "neither", "clause 1": "widens"}
    assert "no changes" in cli.ok("agreement", "diff", files[0], files[0]).out


def test_the_page_shows_a_diff_as_it_is_printed(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text(encoding="utf-8")
    (whole,) = re.findall(r"```yaml\n(agreement: water-and-power .*?)```", page, re.DOTALL)
    second = whole.replace("version: 1", "version: 2").replace("{at_most: amber}", "{at_most: amber+strict}", 1)
    for name, text in (("one.yaml", whole), ("water-and-power-2.yaml", second)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = Cli(tmp_path / "nowhere").ok(
        "agreement", "diff", str(tmp_path / "one.yaml"), str(tmp_path / "water-and-power-2.yaml")
    )
    assert f"$ tocsin agreement diff water-and-power water-and-power-2.yaml\n{said.out}```\n" in page
