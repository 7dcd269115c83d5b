"""What risk, baselines and the fund ask of the map: of the reader's own, at a hub or in files, and of nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from support import stores
from support.cli import Cli
from support.tours import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES: Final = ROOT / "examples"
PARTS: Final = EXAMPLES / "parts"
SCENARIO: Final = "scenario: outage\ntitle: An outage\nkind: accidental\nowner: cert\nreview: 2028-06-01\nlevel: 3\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of three under ``examples/region.yaml``, where water has shared its part and a recovery time is asked."""
    cli = Cli(tmp_path_factory.mktemp("map") / "home")
    cli.ok("init", "--uri", "https://hub.example", "--country", "NO")
    for name, sector in (("cert", "energy"), ("grid", "energy"), ("water", "drinking-water")):
        capacity = "csirt" if name == "cert" else "operator"
        uri = f"https://{name}.example"
        cli.ok(
            *("party", "add", name, "--uri", uri, "--kind", "private", "--country", "NO"),
            *("--capacity", capacity, "--sector", sector),
        )
        cli.ok("party", "clear", name, "--clearance", "restricted")
        cli.ok("user", "add", f"sig@{name}", "--role", "signatory")
    cli.ok("agreement", "propose", str(EXAMPLES / "region.yaml"))
    for name in ("cert", "grid", "water"):
        cli.ok("agreement", "sign", "region", "--as", name)
    cli.ok("agreement", "activate", "region")
    cli.ok("map", "import", str(PARTS / "water"), "--as", "water")
    due = ("--due", "2028-12-31", "--hours", "24")
    cli.ok("baseline", "target", "nato-seven", "food-water", *due, "--sector", "drinking-water")
    return cli.home


@pytest.fixture
def cli(template: Path, tmp_path: Path) -> Cli:
    stores.copy_home(template, tmp_path / "home")
    return Cli(tmp_path / "home")


def asked(cli: Cli, tmp_path: Path, name: str) -> list[Any]:
    """Return everything that a reader is told of the map by these commands, as JSON."""
    file = tmp_path / f"{name}.json"
    file.unlink(missing_ok=True)
    recovery = ("baseline", "recovery", "--as", name, "--samples", "200")
    estimate = ("risk", "scenario", "estimate", "--as", name, "--samples", "200")
    told = [
        cli.json("fund", "plan", "--as", name, "--chance", "0.4", "--out", str(file)),
        file.read_text(encoding="utf-8"),
        cli.json(*recovery, "--chance", "0.4"),
        cli.json(*estimate, "--chance", "0.4"),
    ]
    ref = told[0]["unseen"][0]
    # of what one does not see one may say that it is hit, as of any supplier; what hits it is not known
    told.append(cli.json(*recovery, "--hit", ref, "--repair", "30"))
    told += [
        cli.run(*start, "--hit", "Bekk", "--json").err
        for start in (recovery, estimate)  # there is no Bekk on the map that one sees, whoever has one
    ]
    return told


def test_what_one_does_not_see_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    before = asked(cli, tmp_path, "water")
    cli.ok("map", "import", str(PARTS / "grid"), "--as", "grid", "--tlp", "amber+strict")
    assert asked(cli, tmp_path, "water") == before
    assert before[0]["unseen"]
    # and it would, if it were seen
    cli.ok("map", "import", str(PARTS / "grid"), "--as", "grid")
    seen = cli.json("baseline", "recovery", "--as", "water", "--samples", "200", "--chance", "0.4")
    assert seen[0]["fell"] > before[2][0]["fell"]


def test_a_recovery_time_is_held_to_the_partys_own_assets(cli: Cli) -> None:
    cli.ok("map", "import", str(PARTS / "grid"), "--as", "grid")
    recovery = ("baseline", "recovery", "--as", "water", "--samples", "500")
    (found,) = cli.json(*recovery, "--hit", "Vika")
    # two hours of buffer, and repairs of which half take a day: the pumps are back within a day of falling in some
    assert (found["asset"], found["fell"]) == ("Lund pumps", 500)
    assert 0.4 < found["low"] < found["in_time"] / 500 < found["high"] < 0.7
    assert (found["met"], found["missed"]) == (False, True)
    (half,) = cli.json(*recovery, "--hit", "Lund pumps=0.5")
    assert half["longest_h"] < 60
    refused = cli.run(*recovery, "--hit", "Vika", "--asset", "Vika")
    assert "not of the party" in refused.err
    assert cli.run(*recovery, "--hit", "Vika=2").code == 2
    assert cli.run(*recovery, "--hit", "Vika", "--chance", "0.5").code == 2
    assert "horizon" in cli.run(*recovery, "--hit", "Vika", "--hours", "20").err
    # a target for another sector asks nothing of grid
    assert "no target asks" in cli.run("baseline", "recovery", "--as", "grid", "--hit", "Vika").err


def test_what_stays_at_home_is_held_to_it_at_home(cli: Cli) -> None:
    cli.ok("baseline", "target", "nato-seven", "energy", "--due", "2028-12-31", "--hours", "24", "--sector", "energy")
    assert "no asset" in cli.run("baseline", "recovery", "--as", "grid", "--hit", "Vika").err
    log = cli.json("log", "head")["size"]
    at_home = ("--from", str(EXAMPLES / "town"), "--hit", "Vika", "--samples", "300")
    (found,) = cli.json("baseline", "recovery", "--as", "grid", *at_home)
    assert (found["asset"], found["fell"]) == ("Vika", 300)
    assert cli.json("log", "head")["size"] == log


def test_a_plan_is_of_the_map_that_one_sees_and_tells_no_more_than_it_needs(cli: Cli, tmp_path: Path) -> None:
    cli.ok("map", "import", str(PARTS / "grid"), "--as", "grid")
    out = tmp_path / "plan.json"
    told = cli.json("fund", "plan", "--as", "cert", "--chance", "0.2", "--out", str(out))
    assert (told["assets"], told["groups"], set(told["exposed"].values())) == (3, 2, {0.2})
    assert out.stat().st_mode & 0o077 == 0
    plan = json.loads(out.read_bytes())
    assert not any(one.get("place") or one.get("repair") for one in plan["map"]["assets"])
    assert {one["owner"] for one in plan["map"]["assets"]} == {"https://grid.example", "https://water.example"}
    again = cli.run("fund", "plan", "--as", "cert", "--chance", "0.2", "--out", str(out))
    assert again.code == 1
    assert cli.ok("fund", "digest", str(out)).out.strip() == told["digest"]
    nothing = cli.run("fund", "plan", "--as", "cert", "--out", str(tmp_path / "none.json"))
    assert "says how it fails" in nothing.err
    assert not (tmp_path / "none.json").exists()


def test_a_project_that_is_built_is_in_the_plan_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "nowhere")
    start = ("fund", "plan", "--from", str(EXAMPLES / "town"), "--intensity", "depth m=1.2")
    built = ("--built", str(EXAMPLES / "genset.json"))
    assert cli.json(*start, *built, "--out", str(tmp_path / "built.json"))["assets"] == 4
    wrong = tmp_path / "wrong.json"
    wrong.write_text(
        '{"id": "a", "title": "", "cost": 1, "changes": [{"change": "spare", "asset": "dam", "repair": 2}]}',
        encoding="utf-8",
    )
    ran = cli.run(*start, "--built", str(wrong), "--out", str(tmp_path / "other.json"))
    assert "no such asset" in ran.err
    assert not (tmp_path / "other.json").exists()


def test_losses_that_are_printed_go_into_a_scenario(cli: Cli) -> None:
    cli.ok("map", "import", str(PARTS / "grid"), "--as", "grid")
    estimate = ("risk", "scenario", "estimate", "--as", "cert", "--hit", "Vika", "--samples", "200")
    told = cli.ok(*estimate).out
    assert "everybody reads what a scenario says" in told
    read = cli.json("risk", "scenario", "check", "-", stdin=f"{SCENARIO}{told}".encode())
    document = cli.json(*estimate)
    assert (
        [one["sector"] for one in read["losses"]]
        == [one["sector"] for one in document["losses"]]
        == [
            "energy",
            "water",
        ]
    )
    assert cli.json("risk", "scenario", "list") == []
    assert cli.run("risk", "scenario", "estimate", "--as", "cert").code == 2


def test_a_promise_is_taken_back(cli: Cli) -> None:
    cli.ok("fund", "open", "joint", "--title", "Joint", "--currency", "EUR")
    cli.ok("fund", "contribute", "joint", "--as", "sig@water", "--amount", "300")
    back = cli.json("fund", "take-back", "joint", "--as", "sig@water", "--amount", "100.50", "--note", "the board")
    assert (back["party"], back["promised"], back["outstanding"]) == ("https://water.example", 199_50, 199_50)
    assert cli.run("fund", "take-back", "joint", "--as", "sig@grid", "--amount", "1").code == 1
    cli.ok("fund", "contribute", "joint", "--as", "water", "--amount", "1", "--paid")
    refused = cli.run("fund", "take-back", "joint", "--as", "sig@water", "--amount", "1")
    assert "0.00 is promised of which nothing is paid in" in refused.err
    cli.ok("check")
