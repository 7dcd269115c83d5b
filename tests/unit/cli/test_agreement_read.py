"""What an agreement says and what a version changes, read through commands, before anybody signs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.cli import PACT, Cli, bundle, indicator, partnership, tool

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


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Return a partnership in which alpha shared two indicators and a tool under an agreement for indicators."""
    cli = partnership(tmp_path_factory.mktemp("impact") / "home")
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1), indicator(2), tool(1)))
    return cli


WIDER = PACT.replace("version: 1", "version: 2").replace("type: [indicator, malware]", "type: [indicator, tool]")
NEEDLESS = WIDER.replace(
    '  - {id: "2"', '  - {id: "1b", permit: read, to: {capacity: csirt}, of: {type: tool}, for: [detect]}\n  - {id: "2"'
)


def test_an_impact_is_told_in_objects(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wider.yaml"
    file.write_text(NEEDLESS, encoding="utf-8")
    said = shared.ok("agreement", "impact", str(file)).out
    assert "taken to sign: alpha, beta\n" in said
    assert "clause 1b, nobody: no member meets what it asks of a reader at" in said
    told = shared.json("agreement", "impact", str(file))
    assert [(one["party"], one["who"], one["purposes"]) for one in told["everybody"]] == [
        ("beta", "machine", ["detect"]),
        ("beta", "people", ["detect"]),
    ]
    move = told["everybody"][0]
    assert move["gains"] == {"labels": 1, "objects": {"tool": 1}}
    assert move["loses"] == {"labels": 0, "objects": {}}
    assert told["compared"]["objects"] == 3
    lonely = shared.json("agreement", "impact", str(file), "--signed-by", "alpha")
    assert lonely["lacking"] == ["beta"]
    assert [one["loses"]["objects"] for one in lonely["everybody"]] == [{"indicator": 2}] * 2


def test_a_signatory_asks_about_a_proposed_version_alone(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wider.yaml"
    file.write_text(WIDER, encoding="utf-8")
    assert "proposed" in shared.run("agreement", "impact", str(file), "--as", "sig@beta").err
    shared.ok("agreement", "propose", str(file))
    told = shared.json("agreement", "impact", "pact/2", "--as", "sig@beta")
    assert "everybody" not in told
    assert "compared" not in told
    assert [one["gains"]["objects"] for one in told["own_readers"]] == [{"tool": "1 to 9"}] * 2
    assert told["own_objects"] == []
    mine = shared.json("agreement", "impact", "pact/2", "--as", "sig@alpha")["own_objects"]
    assert [(one["party"], one["gains"]["objects"]) for one in mine] == [("beta", {"tool": 1})] * 2
    assert "1 to 9 tool" in shared.ok("agreement", "impact", "pact/2", "--as", "sig@beta").out


MORE = SECOND.replace("signatures: []\n", "").replace("for: P90D", "for: P30D") + (
    """\
  - {id: "3", reveal: existence, to: {parties: [beta]}, of: {type: incident}}
  - {id: "4", protect: {from: [regulatory-use]}, of: {owner: [alpha]}}
  - id: "5"
    emergency: flood
    permit: read
    to: {countries: [DK]}
    lasts: PT24H
    activated_by: {motion: {body: council, more_than: 0.5}}
  - {id: "6", total: map, to: {countries: [SE]}, at_least: 4}
"""
)


def test_what_no_figure_counts_is_told_in_words(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(MORE.replace("version: 2", "version: 3"), encoding="utf-8")
    told = {one["clause"]: one for one in shared.json("agreement", "impact", str(file))["not_counted"]}
    assert {name: (one["kind"], one["change"], one["parties"]) for name, one in told.items()} == {
        "2": ("retain", "changed", ["alpha", "beta"]),
        "3": ("reveal", "added", ["beta"]),
        "4": ("protect", "added", ["alpha"]),
        "5": ("emergency", "added", []),
        "6": ("total", "added", []),
    }
    assert "90 days" in told["2"]["before"]
    assert "30 days" in told["2"]["after"]
    said = shared.ok("agreement", "impact", str(file)).out
    assert f"  clause 3 is added: {told['3']['after']}\n    it reaches beta\n" in said
    assert f"    until then: {told['2']['before']}\n" in said
    assert f"  clause 5 is added: {told['5']['after']}\n    it reaches nobody\n" in said
    shared.ok("agreement", "propose", str(file))
    mine = {
        one["clause"]: one["parties"]
        for one in shared.json("agreement", "impact", "pact/3", "--as", "sig@alpha")["not_counted"]
    }
    assert mine == {"2": ["alpha"], "3": [], "4": ["alpha"], "5": [], "6": []}


def test_a_clause_that_goes_is_told_with_whom_it_reached(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "less.yaml"
    kept = PACT.replace("version: 1", "version: 4").replace("signatures: []\n", "").splitlines(keepends=True)
    file.write_text("".join(line for line in kept if "retain" not in line), encoding="utf-8")
    (gone,) = shared.json("agreement", "impact", str(file))["not_counted"]
    assert (gone["clause"], gone["change"], gone["parties"]) == ("2", "removed", ["alpha", "beta"])
    assert gone["after"] is None


def test_check_counts_every_clause_by_its_kind(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(MORE, encoding="utf-8")
    counted = {"permit": 1, "retain": 1, "protect": 1, "reveal": 1, "emergency": 1, "total": 1}
    assert shared.json("agreement", "check", str(file))["kinds"] == counted
    assert "6 clauses: 1 permit, 1 retain, 1 protect, 1 reveal, 1 total, 1 emergency; checked" in (
        shared.ok("agreement", "check", str(file)).out
    )
