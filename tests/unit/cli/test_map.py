"""``tocsin map``: from files to members to what falls, and what is refused with all its faults."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli
from support.tours import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

REGION: Final = ROOT / "examples" / "region"
FAULTS: Final = 130


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub whose members share maps under ``examples/region.yaml``; grid has shared the example."""
    home = tmp_path_factory.mktemp("map") / "hub"
    cli = Cli(home)
    cli.ok("init", "--uri", "https://hub.example", "--country", "NO")
    for name, capacity in (("cert", "csirt"), ("grid", "operator"), ("water", "operator")):
        uri = f"https://{name}.example"
        cli.ok("party", "add", name, "--uri", uri, "--kind", "private", "--country", "NO", "--capacity", capacity)
        cli.ok("party", "clear", name, "--clearance", "restricted")
        cli.ok("user", "add", f"sig@{name}", "--role", "signatory")
    cli.ok("agreement", "propose", str(ROOT / "examples" / "region.yaml"))
    for name in ("cert", "grid", "water"):
        cli.ok("agreement", "sign", "region", "--as", name)
    cli.ok("agreement", "activate", "region")
    counts = cli.json("map", "import", str(REGION), "--as", "grid", "--marking", "place=amber+strict")["counts"]
    assert counts == {"added": 15, "changed": 0, "same": 0, "missing": 0, "retired": 0, "withdrawn": 0}
    return home


@pytest.fixture
def cli(hub: Path) -> Cli:
    return Cli(hub)


def test_an_import_again_changes_nothing(cli: Cli) -> None:
    again = cli.json("map", "import", str(REGION), "--as", "grid", "--marking", "place=amber+strict")
    assert (again["counts"]["same"], again["shared"]) == (15, False)
    tried = cli.json("map", "import", str(REGION), "--as", "grid", "--dry-run")
    assert (tried["counts"]["changed"], tried["counts"]["retired"], tried["shared"]) == (5, 5, False)


def test_each_reader_has_a_map_of_its_own(cli: Cli) -> None:
    maps: dict[str, Any] = {name: cli.json("map", "show", "--as", name) for name in ("cert", "water")}
    assert [len(found["assets"]) for found in maps.values()] == [5, 5]
    assert [sum(one["place"] is not None for one in found["assets"]) for found in maps.values()] == [5, 0]


def test_what_is_shown_is_what_can_be_imported(cli: Cli, tmp_path: Path) -> None:
    for form in ("csv", "geojson", "graphml"):
        cli.ok("map", "show", "--as", "cert", "--format", form, "--out", str(tmp_path / form))
        read = cli.json("map", "show", "--from", str(tmp_path / form))
        assert [one["name"] for one in read["assets"]] == [
            "Aker hospital", "Bekk", "Fjell exchange", "Lund pumps", "Vika",
        ]  # fmt: skip
    refused = cli.run("map", "show", "--as", "cert", "--format", "csv", "--out", str(tmp_path / "csv"))
    assert refused.code == 1


def test_what_falls_is_the_same_from_the_hub_and_from_files(cli: Cli) -> None:
    hit = ("--hit", "Vika=1,0,30", "--hours", "48")
    seen, own = (
        cli.json("map", "simulate", "--as", "cert", *hit),
        cli.json("map", "simulate", "--from", str(REGION), *hit),
    )
    assert seen == own
    outages = {one["asset"]: one["outage_h"] for one in own["assets"]}
    assert (outages["Vika"], outages["Lund pumps"]) == (30, 28)
    drawn = ("--samples", "20", "--chance", "0.2", "--seed", "5")
    assert cli.json("map", "simulate", "--from", str(REGION), *drawn) == cli.json(
        "map", "simulate", "--as", "cert", *drawn
    )


def test_single_points_pairs_and_cuts(cli: Cli) -> None:
    found = cli.json("map", "spof", "--from", str(REGION), "--pairs")
    assert found["singles"][0]["assets"] == ["Vika"]
    assert len(found["pairs"]) == 10
    cuts = cli.json("map", "cuts", "Lund pumps", "--from", str(REGION), "--hours", "168")
    assert ["Vika"] in cuts["cuts"]
    assert cli.json("map", "cuts", "Lund pumps", "--as", "cert") == cli.json(
        "map", "cuts", "Lund pumps", "--from", str(REGION)
    )
    assert cli.json("map", "sectors", "--as", "cert") == cli.json("map", "sectors", "--from", str(REGION))


def test_a_report_is_what_whatnext_begins_with(cli: Cli) -> None:
    nothing = cli.run("map", "whatnext", "--as", "water", "--json")
    assert (nothing.code, nothing.error["what"], nothing.error["where"]) == (1, "nothing is out", "--out")
    cli.ok("map", "state", "Vika", "--as", "grid", "--service", "0", "--source", "crew 4", "--until", "2999-01-01")
    found = cli.json("map", "whatnext", "--as", "water", "--hours", "48")
    assert [one["asset"] for one in found["already"]] == ["Vika"]
    assert "Lund pumps" in [one["asset"] for one in found["falls"]]
    shown = cli.json("map", "show", "--as", "cert")["states"]
    assert [(one["asset"], one["state"]["source"], one["counts"]) for one in shown] == [("Vika", "crew 4", True)]
    # a report whose end nobody knows stops nobody, and is told
    cli.ok("map", "state", "Bekk", "--as", "grid", "--service", "0", "--source", "crew 5", "--since", "1990-01-01")
    (left,) = cli.json("map", "whatnext", "--as", "water", "--hours", "48")["left_out"]
    assert left["asset"] == "Bekk"
    assert f"left out: Bekk: {left['cause']}" in cli.ok("map", "whatnext", "--as", "water", "--hours", "48").out
    cli.ok("map", "state", "Bekk", "--as", "grid", "--service", "1", "--source", "crew 5")


def test_what_others_say_stands_beside_what_the_owner_says(cli: Cli) -> None:
    cli.ok("map", "state", "Fjell exchange", "--as", "grid", "--service", "1", "--source", "scada")
    for name in ("cert", "water"):
        cli.ok("map", "state", "Fjell exchange", "--as", name, "--service", "0", "--source", f"crew of {name}")
    shown = [one for one in cli.json("map", "show", "--as", "cert")["states"] if one["asset"] == "Fjell exchange"]
    assert {one["by"]: (one["counts"], one["owners"], one["differs"]) for one in shown} == {
        "https://grid.example": (True, True, False),
        "https://cert.example": (False, False, True),
        "https://water.example": (False, False, True),
    }
    told = cli.ok("map", "show", "--as", "cert").out
    assert "by scada (its owner, https://grid.example)" in told
    assert told.count("differs from the report that counts") == 2
    # beside, also where the forecast begins with something else
    ahead = cli.run("map", "whatnext", "--as", "cert", "--out", "Bekk=1,0,5")
    assert ahead.out.count("differs from the report that counts") == 2
    # its owner's word is over: now the latest of anybody counts
    line = ("map", "state", "Fjell exchange", "--as", "grid", "--service", "1", "--source", "scada")
    cli.ok(*line, "--since", "2020-01-01", "--until", "2020-01-02")
    cli.ok("map", "state", "Fjell exchange", "--as", "water", "--service", "0.5", "--source", "crew of water")
    shown = [one for one in cli.json("map", "show", "--as", "cert")["states"] if one["asset"] == "Fjell exchange"]
    assert [(one["by"], one["state"]["service"]) for one in shown if one["counts"]] == [("https://water.example", 0.5)]
    for name in ("cert", "water"):
        cli.ok("map", "state", "Fjell exchange", "--as", name, "--service", "1", "--source", f"crew of {name}")


def test_a_survey_is_reported_whole_or_not_at_all(cli: Cli, tmp_path: Path) -> None:
    survey = tmp_path / "flight.geojson"
    told = [
        {"type": "Feature", "geometry": None, "properties": {"asset": name, "service": 0.5}}
        for name in ("Bekk", "Moon")
    ]
    survey.write_text(json.dumps({"type": "FeatureCollection", "features": told}), encoding="utf-8")
    line = ("map", "state", "--geojson", str(survey), "--as", "cert", "--source", "flight 1")
    refused = cli.run(*line, "--json")
    assert (refused.error["kind"], [one["at"] for one in refused.error["faults"]]) == ("map", ["features[1]"])
    survey.write_text(json.dumps({"type": "FeatureCollection", "features": told[:1]}), encoding="utf-8")
    cli.ok(*line)
    shown = cli.json("map", "show", "--as", "water")["states"]
    assert ("Bekk", "flight 1", 0.5) in [
        (one["asset"], one["state"]["source"], one["state"]["service"]) for one in shown
    ]


def test_an_interface_is_a_map_that_can_be_imported(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "interface"
    cli.ok("map", "interface", str(REGION), "--inside", "Lund pumps", "--out", str(out))
    hit = ("--hit", "Vika", "--hours", "24")
    full = {one["asset"]: one["outage_h"] for one in cli.json("map", "simulate", "--from", str(REGION), *hit)["assets"]}
    small = {one["asset"]: one["outage_h"] for one in cli.json("map", "simulate", "--from", str(out), *hit)["assets"]}
    assert small["Lund pumps"] == full["Lund pumps"]


def test_bounds_are_maps_between_which_the_full_one_lies(cli: Cli, tmp_path: Path) -> None:
    home = ROOT / "examples" / "home"
    line = ("map", "interface", str(home), "--owner", "https://water.example", "--samples", "20")
    for bound, hours in (("least", 12.0), ("near", 12.0), ("most", 12.0)):
        told = cli.json(*line, "--bound", bound, "--out", str(tmp_path / bound))
        assert (told["bound"], told["samples"], told["width"]["outside"]) == (bound, 20, 0)
        assert told["width"]["least_h"] <= told["width"]["lost_h"] <= told["width"]["most_h"]
        cli.ok("map", "validate", str(tmp_path / bound))
        hit = ("--hit", "Vika", "--hours", "16")
        found = cli.json("map", "simulate", "--from", str(tmp_path / bound), *hit)["assets"]
        # 3 hours at the works, then 1 in the mains
        lost = {one["asset"]: one["outage_h"] for one in found}["Lund pumps"]
        assert lost == pytest.approx(hours, abs=1e-4)  # by a promise, a tick sooner
    rounded = cli.json(*line, "--bound", "least", "--round", "3")
    assert {one["hours"] for output in rounded["outputs"] for one in output["promises"]} == {None, 3.0, 9.0}


def test_a_picture(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.png"):
        cli.ok("map", "simulate", "--from", str(REGION), "--hit", "Vika", "--plot", str(tmp_path / name))
        assert (tmp_path / name).stat().st_size > 1_000
    refused = cli.run("map", "spof", "--from", str(REGION), "--plot", str(tmp_path / "c.doc"))
    assert refused.code == 2


def test_every_fault_is_told_and_nothing_is_shared(cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(REGION, tmp_path / "bad")
    with (tmp_path / "bad" / "suppliers.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"Lund pumps,power,nobody {number},1,reported,\n" for number in range(FAULTS))
    before = cli.json("map", "show", "--as", "grid")
    ran = cli.run("map", "import", str(tmp_path / "bad"), "--as", "grid")
    assert ran.code == 1
    assert ran.err.count("there is no such asset") == 100
    assert f"and {FAULTS - 100} more faults" in ran.err
    told = cli.run("map", "validate", str(tmp_path / "bad"), "--json")
    assert (told.error["kind"], len(told.error["faults"])) == ("map", FAULTS)
    assert told.error["faults"][0]["at"] == "suppliers.csv:8"
    assert cli.json("map", "show", "--as", "grid") == before


REFUSED: Final = {
    "no map": (("map", "show"), 2),
    "two maps": (("map", "show", "--as", "cert", "--from", str(REGION)), 2),
    "no file": (("map", "validate", "nowhere"), 2),
    "no TLP": (("map", "import", str(REGION), "--as", "grid", "--marking", "place=secret"), 2),
    "no attribute": (("map", "import", str(REGION), "--as", "grid", "--marking", "colour=amber"), 1),
    "nothing hit": (("map", "simulate", "--from", str(REGION)), 2),
    "no such asset": (("map", "simulate", "--from", str(REGION), "--hit", "Moon"), 1),
    "no hit": (("map", "simulate", "--from", str(REGION), "--hit", "Vika=a,b"), 2),
    "a form that is only read": (("map", "show", "--from", str(REGION), "--format", "epanet", "--out", "x"), 2),
    "a seed for nothing": (("map", "interface", str(REGION), "--inside", "Vika", "--seed", "1"), 2),
    "rounded without a seed": (("map", "interface", str(REGION), "--inside", "Vika", "--round", "2"), 2),
    "a bound needs no seed": (
        ("map", "interface", str(REGION), "--inside", "Vika", "--round", "2", "--bound", "most", "--seed", "1"),
        2,
    ),
    "no interface of nobody": (("map", "interface", str(REGION), "--owner", "https://nobody.example"), 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(cli: Cli, name: str) -> None:
    line, code = REFUSED[name]
    ran = cli.run(*line, "--json")
    assert ran.code == code, ran.err
    assert ran.error["what"]
