"""``tocsin map bill``, ``bills``, ``reach``, ``vendors``: from a vendor's file to the assets that it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support import stores
from support.bills import cyclonedx_of, packed, spdx_of
from support.cli import Cli
from support.tours import ROOT
from tocsin.map.supply.model import Bill, Part, Statement, Verdict

if TYPE_CHECKING:
    from pathlib import Path

REGION: Final = ROOT / "examples" / "region"
CVE: Final = "CVE-2024-3094"
FIRMWARE: Final = Bill(
    parts=(
        Part(name="RTU firmware", version="12.4", kind="firmware", supplier="Nordstation AS", depends_on=(1,)),
        Part(name="xz-utils", version="5.6.0", kind="library", purl="pkg:deb/debian/xz-utils@5.6.0"),
    ),
    statements=(Statement(ids=(CVE,), verdict=Verdict.AFFECTED, parts=(1,)),),
)
CONTROL: Final = Bill(
    parts=(
        Part(name="Pump control", version="3.1", kind="application", supplier="Vannteknikk AB", contains=(1,)),
        Part(name="xz-utils", version="5.6.0", kind="library", purl="pkg:deb/debian/xz-utils@5.6.0"),
    )
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub whose members share maps and bills; grid's stations run a firmware, water's pumps a program."""
    folder = tmp_path_factory.mktemp("chains")
    cli = Cli(folder / "hub")
    cli.ok("init", "--uri", "https://hub.example", "--country", "NO")
    for name, capacity in (("cert", "csirt"), ("grid", "operator"), ("water", "operator")):
        uri = f"https://{name}.example"
        cli.ok("party", "add", name, "--uri", uri, "--kind", "private", "--country", "NO", "--capacity", capacity)
        cli.ok("party", "clear", name, "--clearance", "restricted")
        cli.ok("user", "add", f"sig@{name}", "--role", "signatory")
    text = (ROOT / "examples" / "region.yaml").read_text(encoding="utf-8")
    agreement = folder / "region.yaml"
    agreement.write_text(text, encoding="utf-8")
    cli.ok("agreement", "propose", str(agreement))
    for name in ("cert", "grid", "water"):
        cli.ok("agreement", "sign", "region", "--as", name)
    cli.ok("agreement", "activate", "region")
    cli.ok("map", "import", str(REGION), "--as", "grid")
    (folder / "rtu.cdx.json").write_bytes(packed(cyclonedx_of(FIRMWARE)))
    (folder / "pump.spdx.json").write_bytes(packed(spdx_of(CONTROL)))
    told = cli.json("map", "bill", str(folder / "rtu.cdx.json"), "--as", "grid", "--on", "Vika", "--on", "Bekk")
    assert (told["counts"]["added"], told["form"], told["parts"]) == (3, "CycloneDX 1.6", 2)
    cli.ok("map", "bill", str(folder / "pump.spdx.json"), "--as", "water", "--on", "Lund pumps")
    return folder


@pytest.fixture
def cli(hub: Path, tmp_path: Path) -> Cli:
    stores.copy_home(hub / "hub", tmp_path / "hub")
    return Cli(tmp_path / "hub")


def reached(cli: Cli, what: str, reader: str) -> list[str]:
    return [one["name"] for one in cli.json("map", "reach", what, "--as", reader)["reached"]]


def test_by_default_only_those_whom_the_agreement_names_for_amber_strict_see_it(cli: Cli) -> None:
    assert reached(cli, CVE, "cert") == ["Bekk", "Lund pumps", "Vika"]
    assert reached(cli, CVE, "grid") == ["Bekk", "Vika"]
    # water's own bill says nothing of the vulnerability, and it sees no other
    assert reached(cli, CVE, "water") == []
    assert reached(cli, "xz-utils@5.6.0", "water") == ["Lund pumps"]


def test_what_is_told_to_a_person(cli: Cli) -> None:
    text = cli.ok("map", "reach", CVE, "--as", "cert").out
    assert "RTU firmware 12.4 > xz-utils 5.6.0" in text
    assert "affected, says https://grid.example" in text
    assert "tocsin map simulate --hit Bekk --hit 'Lund pumps' --hit Vika" in text
    assert "it reaches no asset that you see" in cli.ok("map", "reach", CVE, "--as", "water").out
    listed = cli.ok("map", "bills", "--as", "cert").out
    assert "Pump control" in listed
    assert "Nordstation AS" in listed


def test_what_it_reaches_can_be_simulated(cli: Cli) -> None:
    hits = [word for name in reached(cli, CVE, "cert") for word in ("--hit", name)]
    assert cli.json("map", "simulate", "--as", "cert", *hits)["assets"]


def test_concentration_by_vendor(cli: Cli) -> None:
    sectors: dict[str, Any] = {one["sector"]: one for one in cli.json("map", "vendors", "--as", "cert")["sectors"]}
    assert sectors["energy"]["hhi"]["assets"] == 10_000
    assert [one["name"] for one in sectors[""]["vendors"]] == ["Nordstation AS", "Vannteknikk AB"]
    assert sectors[""]["hhi"]["assets"] == pytest.approx(10_000 * (4 / 9 + 1 / 9))
    assert sectors[""]["unknown"] == 2
    seen = cli.json("map", "vendors", "--as", "water")["sectors"]
    assert [one["name"] for one in seen[0]["vendors"]] == ["Vannteknikk AB"]
    assert "Nordstation" not in cli.ok("map", "vendors", "--as", "water", "--parts").out


def test_an_import_again_changes_nothing_and_a_dry_run_shares_nothing(cli: Cli, hub: Path, tmp_path: Path) -> None:
    line = ("map", "bill", str(hub / "rtu.cdx.json"), "--as", "grid", "--on", "Vika", "--on", "Bekk")
    again = cli.json(*line)
    assert (again["counts"]["same"], again["shared"]) == (3, False)
    newer = tmp_path / "newer.json"
    newer.write_bytes(packed(cyclonedx_of(FIRMWARE) | {"vulnerabilities": []}))
    tried = cli.json("map", "bill", str(newer), "--as", "grid", "--dry-run")
    assert (tried["counts"]["changed"], tried["shared"]) == (1, False)
    assert reached(cli, CVE, "cert") == ["Bekk", "Lund pumps", "Vika"]


def test_every_fault_is_told_and_nothing_is_shared(cli: Cli, tmp_path: Path) -> None:
    bad = cyclonedx_of(FIRMWARE)
    bad["components"][0]["purl"] = "pkg:x"
    bad["dependencies"][0]["dependsOn"] = ["gone"]
    file = tmp_path / "bad.cdx.json"
    file.write_bytes(packed(bad))
    before = cli.json("map", "bills", "--as", "cert")
    ran = cli.run("map", "bill", str(file), "--as", "grid", "--json")
    assert (ran.code, ran.error["kind"]) == (1, "map")
    assert [one["at"].removeprefix(f"{file}: ") for one in ran.error["faults"]] == [
        "components[0].purl",
        "dependencies[0].dependsOn[0]",
    ]
    assert cli.json("map", "bills", "--as", "cert") == before


REFUSED: Final = {
    "no file": (("map", "bill", "nowhere", "--as", "grid"), 2),
    "no asset": (("map", "bill", "rtu.cdx.json", "--as", "grid", "--on", "Moon"), 1),
    "two directions": (("map", "bill", "rtu.cdx.json", "--as", "grid", "--retire", "--replace"), 2),
    "a supplier of nothing": (("map", "bill", "rtu.cdx.json", "--as", "grid", "--supplier", "X"), 2),
    "nothing to take down": (("map", "bill", "rtu.cdx.json", "--as", "water", "--retire"), 1),
    "a signatory shares nothing": (("map", "bill", "rtu.cdx.json", "--as", "sig@grid"), 1),
    "a purl that is none": (("map", "reach", "pkg:x", "--as", "cert"), 1),
    "a range": (("map", "reach", "vers:npm/<2", "--as", "cert"), 1),
    "no such reader": (("map", "vendors", "--as", "nobody"), 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(cli: Cli, hub: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hub)
    line, code = REFUSED[name]
    ran = cli.run(*line, "--json")
    assert ran.code == code, ran.err
    assert ran.error["what"]


def test_a_firmware_is_updated_and_taken_off(hub: Path, cli: Cli, tmp_path: Path) -> None:
    """Last, since it changes what the others look at."""
    newer = Bill(parts=(FIRMWARE.parts[0].__class__(name="RTU firmware", version="12.5", supplier="Nordstation AS"),))
    file = tmp_path / "rtu.cdx.json"
    file.write_bytes(packed(cyclonedx_of(newer)))
    told = cli.json("map", "bill", str(file), "--as", "grid", "--on", "Vika", "--replace")
    assert (told["counts"]["added"], told["counts"]["retired"]) == (2, 1)
    assert reached(cli, CVE, "cert") == ["Bekk", "Lund pumps"]
    cli.ok("map", "bill", str(hub / "rtu.cdx.json"), "--as", "grid", "--on", "Bekk", "--retire")
    assert reached(cli, "RTU firmware", "cert") == ["Vika"]
