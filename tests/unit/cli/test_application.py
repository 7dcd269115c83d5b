"""``tocsin application`` and ``tocsin vetting``, from a candidate to the end of its vetting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, partnership

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    return partnership(home)


def test_from_candidate_to_member(cli: Cli) -> None:
    until = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    cli.ok("party", "add", "small", "--uri", "https://small.example", "--kind", "private", "--country", "NO")
    made = cli.json("application", "open", "small", "--clearance", "restricted")
    uuid = made["application"]
    assert "there is no evidence" in made["missing"]
    cli.ok("application", "evidence", uuid, "-", "--kind", "registration", "--title", "register", stdin=b"a paper")
    assert cli.run("application", "admit", uuid, "--until", until).code == 1
    cli.ok("application", "review", uuid, "--as", "sig@alpha", "--approve", "--reason", "seen")
    cli.ok("application", "review", uuid, "--as", "sig@beta", "--approve", "--reason", "known")
    assert cli.json("application", "show", uuid)["missing"] == []
    assert cli.json("application", "admit", uuid, "--until", until)["status"] == "admitted"
    assert cli.json("party", "show", "small")["status"] == "vetted"
    assert {one["party"] for one in cli.json("vetting", "due") if one["kind"] == "vetting"} == {"small"}
    assert cli.json("vetting", "sweep") == {"suspended": [], "left": []}
    cli.ok("user", "add", "lia@beta", "--role", "liaison")
    assert cli.json("vetting", "review", "--as", "lia@beta")["users"] == 3
    (listed,) = cli.json("application", "list")
    assert (listed["application"], len(listed["reviews"])) == (uuid, 2)
    assert "register" in cli.ok("application", "show", uuid).out
    cli.ok("check")


def test_the_light_path_refusal_and_withdrawal(cli: Cli) -> None:
    for name in ("tiny", "odd"):
        cli.ok("party", "add", name, "--uri", f"https://{name}.example", "--kind", "private", "--country", "NO")
    uuid = cli.json("application", "open", "tiny", "--light", "alpha")["application"]
    cli.ok("application", "endorse", uuid, "--as", "sig@alpha")
    assert cli.json("application", "refuse", uuid, "--reason", "not an operator")["status"] == "refused"
    uuid = cli.json("application", "open", "odd")["application"]
    assert cli.json("application", "withdraw", uuid, "--as", "odd")["status"] == "withdrawn"


def test_what_one_would_give_and_get(cli: Cli) -> None:
    (offer,) = cli.json("application", "offer", "alpha")
    assert offer["agreement"] == "pact"
    assert len(offer["gets"]) == len(offer["gives"]) == 1
    assert "90 days" in offer["held"][0]
    assert "you give" in cli.ok("application", "offer", "alpha").out
    assert cli.json("application", "offer", "--kind", "private", "--country", "NO") == []  # the pact names its parties
    assert cli.run("application", "offer").code == 2
