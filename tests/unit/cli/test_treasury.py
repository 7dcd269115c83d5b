"""What a treasurer and a newcomer type at a fund, a baseline and the registry: lists, and hints that lead on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.cli import Cli
from support.funds import TANK, WALL, fund_world
from support.tours import ROOT
from support.works import TOWN

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    fund_world(tmp_path / "home").hub.close()
    for name, value in (("town", TOWN), ("wall", WALL), ("projects", (WALL, TANK))):
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(value))
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.7 a bill")
    (tmp_path / "empty").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path / "home")


def test_claims_are_listed_to_the_treasurer_and_to_each_party_its_own(cli: Cli) -> None:
    claim = ("fund", "claim", "region", "--amount", "900", "--reason", "fuel", "--evidence", "bill.pdf")
    first = cli.json(*claim, "--as", "sig@water")["uuid"]
    second = cli.json(*claim, "--as", "sig@power")["uuid"]
    cli.ok("fund", "settle", "region", first, "--grant", "0", "--reasons", "usual")
    assert [one["uuid"] for one in cli.json("fund", "claims", "region")] == [first, second]
    assert [one["uuid"] for one in cli.json("fund", "claims", "region", "--undecided")] == [second]
    assert [one["uuid"] for one in cli.json("fund", "claims", "region", "--as", "water")] == [first]
    assert cli.json("fund", "claims", "region", "--as", "lab") == []
    assert second not in cli.ok("fund", "claims", "region", "--as", "water").out
    lost = cli.run("fund", "settle", "region", "6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77", "--grant", "1")
    assert "tocsin fund claims FUND" in lost.err


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param(
            "fund take-back region --as sig@water --amount 5", "there is nothing to take back", id="nothing promised"
        ),
        pytest.param(
            "fund contribute region --as sig@water --amount 100000000001", "100,000,000,000.00 at most", id="too much"
        ),
        pytest.param("fund verify town.json --key x", "this is no certificate", id="a plan is no certificate"),
        pytest.param("fund verify town.json", "given with --plan", id="a plan without a key"),
        pytest.param("fund portfolio town.json wall.json --budget 1", "a list of projects", id="one project"),
        pytest.param("fund propose region projects.json --as sig@power", "one project", id="a list of projects"),
        pytest.param("fund portfolio empty projects.json --budget 1", "it is empty", id="an empty plan"),
        pytest.param("fund digest /dev/null", "it is empty", id="no plan"),
        pytest.param("fund digest projects.json", "`tocsin fund plan` writes it", id="another file"),
        pytest.param("fund award region x empty", "it is empty", id="empty terms"),
        pytest.param(
            "fund claim region --as sig@water --amount 1 --reason x --evidence empty", "it is empty", id="no evidence"
        ),
        pytest.param("fund release region x 1", "`tocsin fund projects FUND`", id="no such project"),
        pytest.param("baseline import empty --name x", "it is empty", id="an empty catalogue"),
        pytest.param("baseline import bill.pdf --name x", "an OSCAL catalogue in JSON", id="no catalogue"),
        pytest.param("baseline import bill.pdf --name x", "bill.pdf", id="which file is none"),
        pytest.param(
            "baseline assess nato-seven energy met --review 2100-01-01 --as sig@water",
            "--evidence FILE",
            id="met by nothing",
        ),
        pytest.param(
            "baseline assess nato-seven energy met --evidence empty --review 2100-01-01 --as sig@water",
            "it is empty",
            id="met by an empty file",
        ),
        pytest.param("baseline recovery --as water --hours nan", "--hours: it is no number", id="no number of hours"),
        pytest.param("risk score --since 2100-01-01", "is to come", id="since a day to come"),
        pytest.param("risk simulate --years 1000000000000", "fewer years", id="too many years"),
    ],
)
def test_a_refusal_leads_on(cli: Cli, typed: str, says: str) -> None:
    if "simulate" in typed:
        document = (
            (EXAMPLES / "wiper.yaml").read_text(encoding="utf-8").replace("2028", "2100").replace("cert", "power")
        )
        cli.ok("risk", "scenario", "add", "-", "--as", "power", stdin=document.encode())
    ran = cli.run(*typed.split())
    assert ran.code in {1, 2}
    assert says in ran.err, ran.err
    assert "Traceback" not in ran.err


def test_to_release_what_is_not_awarded_says_how_it_is(cli: Cli) -> None:
    cli.ok("fund", "propose", "region", "wall.json", "--as", "sig@power")
    for act in (("release", "region", WALL.id, "1"), ("inspect", "region", WALL.id, "town.json", "--as", "sig@lab")):
        assert "tocsin fund award" in cli.run("fund", *act).err


def test_a_scenario_is_checked_as_it_is_entered(cli: Cli) -> None:
    checked = cli.json("risk", "scenario", "check", str(EXAMPLES / "flood.yaml"))
    assert [one["kind"] for one in checked["evidence"]] == ["document", "intelligence"]
    assert "evidence: document flood-map.pdf" in cli.ok("risk", "scenario", "check", str(EXAMPLES / "flood.yaml")).out


def test_a_party_that_may_see_nothing_of_the_books_is_told_so(cli: Cli) -> None:
    cli.ok("fund", "contribute", "region", "--as", "sig@water", "--amount", "900")
    told = cli.ok("fund", "books", "region", "--as", "power").out
    assert told == cli.ok("fund", "books", "region", "--as", "lab").out
    assert "there is nothing that this party may see" in told
    assert "900" not in told
    own = cli.json("fund", "books", "region", "--as", "water")["accounts"]
    assert set(own) == {"contributions:https://water.example", "pledges:https://water.example"}


def test_a_simulation_is_drawn(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    document = (EXAMPLES / "wiper.yaml").read_text(encoding="utf-8").replace("2028", "2100").replace("cert", "power")
    cli.ok("risk", "scenario", "add", "-", "--as", "power", stdin=document.encode())
    for name, begins in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        cli.ok("risk", "simulate", "--years", "200", "--plot", str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert cli.run("risk", "simulate", "--years", "200", "--plot", "a.doc").code == 2
