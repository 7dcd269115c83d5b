"""``tocsin fund`` from files to a certificate, and what an auditor finds who trusts nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from support.cli import Cli
from support.funds import BUILT, CHAIN, WALL, agreed, awarded, fund_world, uri
from support.hub import OPERATOR, World
from support.works import TOWN, TOWN_PROJECTS
from tocsin.errors import LogBrokenError
from tocsin.exchange.account.service import Entries
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY, SystemClock, format_instant
from tocsin.log.service import Record
from tocsin.risk.fund.measuring import measured, plan_digest, seed_of
from tocsin.risk.fund.model import Tranche
from tocsin.risk.replay import Retelling

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    fund_world(tmp_path / "home").hub.close()
    files = {
        "town": TOWN,
        "built": BUILT,
        "projects": TOWN_PROJECTS,
        "wall": WALL,
        "one": (WALL,),
    }
    for name, value in files.items():
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(value))
    return Cli(tmp_path / "home")


def test_a_portfolio_and_its_bill_need_no_hub(cli: Cli, tmp_path: Path) -> None:
    town, projects = str(tmp_path / "town.json"), str(tmp_path / "projects.json")
    nowhere = Cli(tmp_path / "nowhere")
    found = nowhere.json("fund", "portfolio", town, projects, "--budget", "80000", "--samples", "300")
    assert (found["projects"], found["cost"], found["gap"]) == (["spare-transformer", "tank"], 73_000_00, 0.0)
    again = nowhere.json("fund", "portfolio", town, projects, "--budget", "80000.00", "--samples", "300")
    assert again["calculation"] == found["calculation"]
    other = nowhere.json("fund", "portfolio", town, projects, "--budget", "80000", "--samples", "301")
    assert other["calculation"] != found["calculation"]
    bill = nowhere.json("fund", "share", town, projects, "--chosen", "spare-transformer,tank", "--samples", "300")
    assert bill["cost"] == sum(one["shapley"] for one in bill["owners"].values()) == 73_000_00
    assert bill["in_core"] == {"shapley": True, "nucleolus": True}


def test_an_owner_sees_its_own_part_and_no_sum_that_is_anothers(cli: Cli, tmp_path: Path) -> None:
    town, projects = str(tmp_path / "town.json"), str(tmp_path / "projects.json")
    own = ("--as", uri("water"), "--samples", "300")
    three = cli.json("fund", "share", town, projects, "--chosen", "spare-transformer,tank", *own)
    assert list(three["owners"]) == [uri("water")]
    assert three["benefit"] > three["owners"][uri("water")]["benefit"]
    # what the generator saves is water's and the hospital's: the sum less one's own is the other's
    two = cli.json("fund", "share", town, projects, "--chosen", "genset", *own)
    assert (two["benefit"], two["uncovered"]) == (None, None)
    said = cli.ok("fund", "share", town, projects, "--chosen", "genset", *own).out
    assert "gain" not in said.splitlines()[0]
    assert uri("hospital") not in said


def test_books_tell_a_party_nobody_elses_figure(cli: Cli) -> None:
    for name, amount in (("water", "300"), ("power", "20.50")):
        cli.ok("fund", "contribute", "region", "--as", f"sig@{name}", "--amount", amount)
    seen = cli.json("fund", "books", "region", "--as", "water")
    # two have promised: the total less 300 is power's
    assert seen["accounts"] == {
        f"pledges:{uri('water')}": 300_00,
        f"contributions:{uri('water')}": -300_00,
    }
    assert "20.50" not in cli.ok("fund", "books", "region", "--as", "water").out
    cli.ok("fund", "contribute", "region", "--as", "sig@lab", "--amount", "1")
    assert cli.json("fund", "books", "region", "--as", "water")["accounts"]["pledges"] == 321_50
    assert cli.run("fund", "books", "region", "--as", "water", "--entries").code == 2


def test_who_gives_is_told_its_own_gift_and_no_total(cli: Cli) -> None:
    cli.ok("fund", "contribute", "region", "--as", "sig@power", "--amount", "20.50")
    own = ("region", "--as", "sig@water", "--amount")
    assert "20.50" not in cli.ok("fund", "contribute", *own, "300").out
    told = {"fund": "region", "currency": "EUR", "party": uri("water"), "promised": 300_00, "outstanding": 200_00}
    assert cli.json("fund", "contribute", *own, "100", "--paid") == told
    cli.ok("fund", "contribute", *own, "7")
    assert cli.json("fund", "take-back", *own, "7") == told


def test_every_fault_of_every_project_is_told(cli: Cli, tmp_path: Path) -> None:
    wrong = [
        {"id": name, "title": "", "cost": -1, "changes": [{"change": "spare", "asset": "dam", "repair": 2}]}
        for name in "ab"
    ]
    (tmp_path / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")
    ran = cli.run("fund", "portfolio", str(tmp_path / "town.json"), str(tmp_path / "wrong.json"), "--budget", "1")
    assert ran.code == 1
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == [
        "project 'a'",
        "project 'a'",
        "project 'b'",
        "project 'b'",
    ]
    told = cli.run(
        "fund", "portfolio", str(tmp_path / "town.json"), str(tmp_path / "wrong.json"), "--budget", "1", "--json"
    )
    assert (told.error["kind"], [one["project"] for one in told.error["faults"]]) == ("project", ["a", "a", "b", "b"])
    ran = cli.run("fund", "portfolio", str(tmp_path / "wall.json"), str(tmp_path / "wrong.json"), "--budget", "1")
    assert ran.code == 1
    assert "wall.json" in ran.err


@pytest.mark.parametrize("amount", ["-1", "1.005", "x", "", "1e3", "٣", "100000000000000", "1.", ".5"])
def test_what_is_no_amount(cli: Cli, amount: str) -> None:
    ran = cli.run("fund", "contribute", "region", "--as", "sig@water", f"--amount={amount}")
    assert ran.code == 1
    assert "amount" in ran.err or "more than we take" in ran.err


def test_from_an_award_to_a_certificate(cli: Cli, tmp_path: Path) -> None:
    def file(name: str) -> str:
        return str(tmp_path / name)

    cli.ok("fund", "contribute", "region", "--as", "sig@water", "--amount", "40,000")
    cli.ok("fund", "contribute", "region", "--as", "water", "--amount", "40000", "--paid")
    cli.ok("fund", "propose", "region", file("wall.json"), "--as", "sig@power")
    budget = ("--budget", "40000", "--samples", "200")
    refused = cli.run(
        "fund", "portfolio", file("town.json"), file("projects.json"), "--budget", "90000", "--decide", "region"
    )
    assert "was not proposed" in refused.err
    cli.ok("fund", "portfolio", file("town.json"), file("one.json"), *budget, "--decide", "region")
    commitment = cli.json("fund", "numbers", file("numbers"), "--count", "4")["commitment"]
    assert (tmp_path / "numbers").stat().st_mode & 0o077 == 0
    baseline = cli.ok("fund", "digest", file("town.json")).out.strip()
    # far below the 25,000 or so that it saves: the seed is the log's, another each time
    tranches = (Tranche(amount=10_000_00), Tranche(amount=30_000_00, threshold=5_000))
    terms = msgspec.to_builtins(agreed(commitment=commitment, baseline=baseline, tranches=tranches)) | {
        "payee": "power",
        "assessor": "lab",
    }
    (tmp_path / "terms.json").write_text(json.dumps(terms), encoding="utf-8")
    cli.ok("fund", "award", "region", WALL.id, file("terms.json"))
    cli.ok("fund", "release", "region", WALL.id, "1")
    cli.ok("fund", "inspect", "region", WALL.id, file("built.json"), "--as", "sig@lab")
    measure = ("fund", "measure", "region", WALL.id, "2", "--before", file("town.json"), "--after", file("built.json"))
    assert cli.run(*measure, "--numbers", file("terms.json"), "--as", "sig@lab").code == 1
    assert cli.json(*measure, "--numbers", file("numbers"), "--as", "sig@lab")["last"]["met"]
    cli.ok("fund", "release", "region", WALL.id, "2")
    until = format_instant(SystemClock().now() + 300 * DAY)
    made = cli.json("fund", "certificate", "region", WALL.id, "2", "--until", until, "--out", file("certificate"))
    verified = cli.json("fund", "verify", file("certificate"), "--key", made["key"])
    assert verified["certificate"]["project"] == WALL.id
    assert cli.run("fund", "verify", file("certificate")).code == 2
    another = World(tmp_path / "another", seed=2)
    strange = another.hub.log.vkey
    another.hub.close()
    assert strange != made["key"]
    assert cli.run("fund", "verify", file("certificate"), "--key", strange).code == 3
    (tmp_path / "forged").write_bytes(
        (tmp_path / "certificate").read_bytes().replace(b'"threshold":5', b'"threshold":9')
    )
    assert cli.run("fund", "verify", file("forged"), "--key", made["key"]).code == 3
    cli.ok("log", "export", file("dump"), "--disclose", "all")
    audited = cli.json("fund", "verify", file("dump"), "--key", made["key"])
    assert (audited["funds"], audited["movements"], audited["measurements"]) == (["region"], 4, 1)
    plans = ("--plan", file("town.json"), "--plan", file("built.json"))
    assert cli.json("fund", "verify", file("dump"), *plans)["measured_again"] == 1
    assert cli.json("fund", "verify", file("dump"), *plans[:2])["measured_again"] == 0


def test_a_hub_that_makes_up_a_root_is_caught_by_the_tree(tmp_path: Path) -> None:
    world = fund_world(tmp_path / "home")
    awarded(world)
    hub, lab = world.hub, OPERATOR.for_("sig@lab")
    hub.funds.inspect(lab, "region", WALL.id, BUILT)
    inspection = hub.funds.get("region").award(WALL.id).inspection
    assert inspection is not None
    root, nonce = b"\x07" * 32, bytes.fromhex(CHAIN[1])
    seed = seed_of(root, nonce, fund="region", project=WALL.id, tranche=2, attempt=1)
    sums = measured(TOWN, BUILT, seed=seed, samples=1_000, horizon_h=168.0)
    measurement = {
        "tranche": 2,
        "attempt": 1,
        "plan": plan_digest(BUILT),
        "inspected": inspection.entry,
        "root": root.hex(),
        "nonce": nonce.hex(),
        "seed": seed,
        "sums": msgspec.to_builtins(sums),
    }
    with hub.store.write() as connection:
        data: dict[str, object] = {"fund": "region", "project": WALL.id, "measurement": measurement}
        hub.log.append(connection, [Record(kind="fund.measured", at=hub.log.now(connection), acting=lab, data=data)])
    with hub.store.read() as connection:
        size = hub.log.head(connection).frontier.size
        # by the payloads alone all is in order
        replay(Entries(hub.log, connection, size, lambda _count: None), above=Retelling())
    hub.close()
    cli = Cli(tmp_path / "home")
    cli.ok("log", "export", str(tmp_path / "dump"), "--disclose", "all")
    ran = cli.run("fund", "verify", str(tmp_path / "dump"))
    assert ran.code == 3
    assert "rests on another root" in ran.err


def test_an_entry_that_no_step_allows_is_caught_by_the_replay(tmp_path: Path) -> None:
    world = fund_world(tmp_path / "home")
    awarded(world)
    hub = world.hub
    with hub.store.write() as connection:
        data: dict[str, object] = {"fund": "region", "project": WALL.id, "tranche": 2}
        record = Record(
            kind="fund.released", at=hub.log.now(connection), acting=OPERATOR, data=data, mandate=hub.mandate
        )
        hub.log.append(connection, [record])
    with hub.store.read() as connection:
        entries = Entries(hub.log, connection, hub.log.head(connection).frontier.size, lambda _count: None)
        with pytest.raises(LogBrokenError, match="tranche 1 is next"):
            replay(entries, above=Retelling())
    assert any("tranche 1 is next" in (one.fault or "") for one in hub.self_test.run())
    hub.close()
