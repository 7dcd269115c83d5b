"""What becomes of an agreement, through commands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support import stores
from support.cli import PACT, Cli, partnership

if TYPE_CHECKING:
    from pathlib import Path

LIVING: Final = (
    PACT.replace("agreement: pact", "agreement: living")
    .replace("valid: [2020-01-01, null]", "valid: [2020-01-01, 2900-01-01]")
    .replace("{name: beta}]", "{name: beta}, {all: {capacity: operator}}]")
    + "amend_by: {more_than: 0.4, objection_period: P30D}\n"
    + 'withdrawal: {notice: P30D, survives: "2"}\n'
    + "accession: {who: {capacity: operator}, by: motion}\n"
)
BECAUSE: Final = ("--reason", "because")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("living") / "home"
    cli = partnership(home)
    write(cli, LIVING)
    cli.ok("agreement", "propose", str(home / "living.yaml"))
    cli.ok("agreement", "sign", "living", "--as", "alpha")
    cli.ok("agreement", "sign", "living", "--as", "beta")
    cli.ok("agreement", "activate", "living")
    return home


@pytest.fixture
def cli(made: Path, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    stores.copy_home(made, home)
    return Cli(home)


def write(cli: Cli, text: str) -> str:
    path = cli.home / "living.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_it_is_suspended_resumed_and_terminated(cli: Cli) -> None:
    assert cli.json("agreement", "suspend", "living", *BECAUSE)["status"] == "suspended"
    assert cli.json("agreement", "resume", "living", *BECAUSE)["status"] == "in-force"
    assert cli.json("agreement", "terminate", "living", *BECAUSE)["status"] == "terminated"
    assert "terminated: because" in cli.ok("agreement", "show", "living").out
    assert cli.run("agreement", "resume", "living", *BECAUSE).code != 0
    cli.ok("check")


def test_it_is_amended_over_an_objection(cli: Cli) -> None:
    second = write(cli, LIVING.replace("version: 1", "version: 2"))
    assert cli.json("agreement", "propose", second, "--amends")["amends"] == 1
    cli.ok("agreement", "object", "living/2", "--as", "beta", *BECAUSE)
    stands = cli.json("agreement", "tally", "living/2")
    assert stands["counted"] == [
        {"kind": None, "members": 2, "signed": 0, "objected": 1, "more_than": 0.4, "enough": False}
    ]
    assert cli.run("agreement", "adopt", "living/2").code != 0
    cli.ok("agreement", "sign", "living/2", "--as", "beta")
    assert "members can object until" in cli.run("agreement", "adopt", "living/2").err
    cli.ok("agreement", "sign", "living/2", "--as", "alpha")
    assert "next: tocsin agreement adopt living/2" in cli.ok("agreement", "tally", "living/2").out
    adopted = cli.json("agreement", "adopt", "living/2")
    assert (adopted["status"], adopted["carried"], adopted["members"]) == ("in-force", [], ["alpha", "beta"])
    cli.ok("check")


def test_one_leaves_with_a_notice_made_elsewhere(cli: Cli) -> None:
    sealed = cli.json(
        *("agreement", "seal", write(cli, LIVING), "--key", str(cli.home / "keyring" / "sig@beta.key")),
        *("--say", "withdraw", "--party", "https://beta.example", *BECAUSE),
    )
    left = cli.json("agreement", "withdraw", "living", "--as", "beta", *BECAUSE, "--signature", sealed["signature"])
    assert left["survives"] == ["2"]
    assert [one["act"] for one in left["standings"]] == ["withdraw"]
    assert "withdraw" in cli.ok("agreement", "show", "living").out
    cli.ok("check")


def test_who_leaves_is_told_what_it_stays_held_to(cli: Cli) -> None:
    protects = (
        '  - {id: "8", protect: {from: antitrust, survives: end}}\n  - {id: "9", protect: {from: privilege-waiver}}\n'
    )
    second = LIVING.replace("version: 1", "version: 2").replace("signatures:", f"{protects}signatures:")
    cli.ok("agreement", "propose", write(cli, second))
    for one in ("alpha", "beta"):
        cli.ok("agreement", "sign", "living/2", "--as", one)
    cli.ok("agreement", "activate", "living/2")
    assert "clause 2 and nothing else, but clause 8 for what it received until then" in " ".join(
        cli.ok("agreement", "show", "living/2", "--prose").out.split()
    )
    left = cli.ok("agreement", "withdraw", "living/2", "--as", "beta", *BECAUSE).out
    bound = "clause 2 and nothing else, but clause 8 for what it received until then"
    assert f"  what binds it afterwards is {bound}.\n" in left


def test_a_notice_tells_of_what_one_signed_ahead(cli: Cli) -> None:
    second = write(cli, LIVING.replace("version: 1", "version: 2"))
    cli.ok("agreement", "propose", second, "--amends")
    cli.ok("agreement", "sign", "living/2", "--as", "beta")
    left = cli.ok("agreement", "withdraw", "living", "--as", "beta", *BECAUSE).out
    assert "it signed version 2 too, which is not in force yet: that binds it when it is" in left
    assert left.endswith("give notice there: tocsin agreement withdraw living/2\n")
    cli.ok("agreement", "sign", "living/2", "--as", "alpha")
    cli.ok("agreement", "adopt", "living/2")
    assert cli.json("agreement", "show", "living/2")["members"] == ["alpha", "beta"]
    assert cli.json("agreement", "withdraw", "living/2", "--as", "beta", *BECAUSE)["signed_ahead"] == []


def test_an_objection_that_was_taken_back_does_not_seem_to_stand(cli: Cli) -> None:
    second = write(cli, LIVING.replace("version: 1", "version: 2").replace("P30D}", "PT1H}", 1))
    cli.ok("agreement", "propose", second, "--amends")
    cli.ok("agreement", "object", "living/2", "--as", "beta", *BECAUSE)
    shown = cli.ok("agreement", "show", "living/2").out
    assert "None" not in shown
    assert "taken back" not in shown
    assert "and 1 hour has passed since" in " ".join(cli.ok("agreement", "show", "living/2", "--prose").out.split())
    cli.ok("agreement", "sign", "living/2", "--as", "beta")
    assert "object, taken back by signing" in cli.ok("agreement", "show", "living/2").out
    (noted,) = cli.json("agreement", "show", "living/2")["standings"]
    assert (noted["act"], noted["taken_back"]) == ("object", True)


def test_one_is_admitted_and_joins(cli: Cli) -> None:
    assert cli.run("agreement", "sign", "living", "--as", "gamma").code != 0
    cli.ok("agreement", "admit", "living", "gamma", *BECAUSE)
    assert cli.json("agreement", "sign", "living", "--as", "gamma")["members"] == ["alpha", "beta", "gamma"]


def test_a_lapse_is_foreseen_and_given_a_grace(cli: Cli) -> None:
    assert cli.json("agreement", "lapses", "--days", "365") == []
    given = cli.json(
        *("agreement", "grace", "living", "--basis", "by-contract", "--for", "alpha,beta"),
        *("--until", "2900-01-20", *BECAUSE),
    )
    assert [one["parties"] for one in given["graces"]] == [["alpha", "beta"]]
    assert "by-contract counts as valid for alpha, beta" in cli.ok("agreement", "show", "living").out


def test_a_file_stands_beside_it_and_is_said_to_be_unchecked(cli: Cli) -> None:
    seal = cli.home / "seal.p7s"
    for nothing in (b"", b"no seal"):
        seal.write_bytes(nothing)
        refused = cli.run("agreement", "attach", "living", str(seal), "--as", "beta")
        assert refused.code != 0
        assert "seal.p7s" in refused.err
        assert "CAdES detached" in refused.err
    seal.write_bytes(bytes.fromhex("300b06092a864886f70d010702"))
    stored = cli.json("agreement", "attach", "living", str(seal), "--as", "beta")
    assert (stored["checked"], stored["outcome"].startswith("not valid")) == (False, True)
    assert "beside it: seal.p7s" in cli.ok("agreement", "show", "living").out
    cli.ok("check")


def test_a_second_key_and_an_authority(cli: Cli) -> None:
    third = write(cli, LIVING.replace("version: 1", "version: 3"))
    cli.ok("agreement", "propose", third)
    key = cli.json("user", "second-key", "sig@alpha")["key_file"]
    cli.ok("user", "authority", "sig@alpha", "--agreement", "other")
    assert "authority does not reach living" in cli.run("agreement", "sign", "living/3", "--as", "alpha").err
    cli.ok("user", "authority", "sig@alpha")
    signed = cli.json("agreement", "sign", "living/3", "--as", "alpha", "--ml-dsa-key", key)["signatures"]
    assert all(one["ml_dsa_signature"] for one in signed)
    cli.ok("check")


OPEN = PACT.replace("agreement: pact", "agreement: open").replace(
    "parties: [{name: alpha}, {name: beta}]", "parties: [{all: {capacity: operator}}]"
)


def test_what_to_do_next_is_what_can_be_done_next(tmp_path: Path) -> None:
    cli = partnership(tmp_path / "home")
    file = tmp_path / "open.yaml"
    file.write_text(OPEN, encoding="utf-8")
    cli.ok("agreement", "propose", str(file))
    refused = cli.run("agreement", "activate", "open")
    assert refused.code == 1
    assert "at least 2 parties sign; 0 did; may sign: alpha, beta, gamma" in refused.err
    first = cli.ok("agreement", "sign", "open", "--as", "alpha").out
    assert "at least 2 parties sign; 1 did; may sign: beta, gamma\n" in first
    assert first.endswith("next: tocsin agreement sign open/1 --as PARTY\n")
    assert "may sign: beta, gamma" in cli.ok("agreement", "show", "open").out
    assert cli.ok("agreement", "sign", "open", "--as", "beta").out.endswith("next: tocsin agreement activate open/1\n")
    cli.ok("agreement", "activate", "open")
    assert "next" not in cli.ok("agreement", "sign", "open", "--as", "gamma").out
