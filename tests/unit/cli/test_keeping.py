"""Retention, holds, recalls and accounts at the command line, in the order in which one meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = partnership(tmp_path_factory.mktemp("keeping") / "home")
    made.ok("user", "add", "lena@beta", "--role", "liaison")
    made.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1), indicator(2)))
    made.ok("read", "--as", "beta")
    return made


def test_a_hold_is_placed_renewed_and_lifted(cli: Cli) -> None:
    placed = cli.json(
        "retention", "hold", "--authority", "court 1", "--reason", "evidence", "--until", soon(60), "--party", "gamma"
    )
    assert placed["stands"]
    assert placed["covers"] == 0
    assert cli.json("retention", "renew", placed["hold"], "--until", soon(90), "--reason", "appeal")["stands"]
    assert [one["hold"] for one in cli.json("retention", "holds")] == [placed["hold"]]
    assert "court 1" in cli.ok("retention", "holds").out
    assert not cli.json("retention", "lift", placed["hold"], "--reason", "closed")["stands"]
    assert cli.run("retention", "lift", placed["hold"], "--reason", "closed").code == 1
    assert cli.run("retention", "hold", "--authority", "x", "--reason", "y", "--until", soon(60)).code == 1


def test_nothing_is_due_where_no_clause_says_so(cli: Cli) -> None:
    assert cli.json("retention", "show") == []
    assert "no retain clause" in cli.ok("retention", "show", "--party", "alpha").out
    assert cli.json("retention", "sweep") == {"purged": 0, "held": 0, "reviews": 0, "erased": True, "recalls": []}
    assert cli.json("retention", "reviews") == []
    for verb in ("keep", "drop"):
        assert cli.run("retention", verb, str(indicator(1)["id"]), "--as", "alpha").code == 1


def test_a_recall_goes_its_way(cli: Cli) -> None:
    first = str(indicator(1)["id"])
    (recall,) = cli.json("recall", "order", first, "--as", "alpha", "--by", soon(10), "--reason", "names a customer")
    assert [one["party"] for one in recall["recipients"]] == ["beta"]
    assert recall["recall"] in cli.ok("recall", "list", "--as", "alpha").out
    assert cli.run("recall", "report", recall["recall"], "--as", "beta").code == 1
    (notice,) = cli.json("recall", "notices", "--as", "lena@beta")
    assert [one["id"] for one in notice["objects"]] == [first]
    assert cli.run("recall", "attest", notice["notice"], "destroyed", "--as", "beta").code == 1
    done = cli.json("recall", "attest", notice["notice"], "destroyed", "--as", "lena@beta")
    assert done["state"] == "done"
    assert "done" in cli.ok("recall", "report", recall["recall"]).out
    assert cli.run("recall", "order", first, "--as", "gamma", "--by", soon(10), "--reason", "not mine").code == 1


COUNCIL = """\
body: council
kind: advisory-council
title: Council
rights: ["exchange:recall:order"]
decides: {quorum: 0.5, more_than: 0.5}
seats: [{seat: one, side: private, holder: alpha}, {seat: two, side: private, holder: beta}]
"""


def test_a_recall_from_some_and_one_that_a_body_decided(cli: Cli) -> None:
    second = str(indicator(2)["id"])
    how = ("--by", soon(10), "--reason", "sent in error")
    refused = cli.run("recall", "order", second, "--as", "alpha", "--from", "gamma", *how)
    assert (refused.code, "gamma received none of it" in refused.err) == (1, True)
    said = cli.ok("recall", "order", second, "--as", "alpha", "--from", "beta", *how).out
    assert "1 are told" in said
    assert f"beta may still read it here: `tocsin who {second}` says by which clause" in said
    file = cli.home / "council.yaml"
    file.write_text(COUNCIL, encoding="utf-8")
    cli.ok("body", "constitute", str(file))
    assert "was given to a body" in cli.run("recall", "impose", second, "--of", "alpha", *how).err
    asked = ("--right", "exchange:recall:order", "--subject", second, "--title", "Call it back", "--reasons", "Wrong")
    says = [f"objects={second}", "of=alpha", f"by={how[1]}", "demand=stop-using"]
    terms = [word for one in says for word in ("--term", one)]
    motion = cli.json("motion", "table", "council", *asked, "--open", *terms)["motion"]
    for voter in ("sig@alpha", "sig@beta"):
        cli.ok("motion", "vote", motion, "yes", "--as", voter)
    other = cli.run("recall", "impose", str(indicator(1)["id"]), "--of", "alpha", *how, "--motion", motion)
    assert (other.code, "about another object" in other.err) == (1, True)
    destroy = cli.run("recall", "impose", second, "--of", "alpha", *how, "--motion", motion)
    assert (destroy.code, "they differ in demand" in destroy.err) == (1, True)
    (recall,) = cli.json("recall", "impose", second, "--of", "alpha", "--stop-using", *how, "--motion", motion)
    assert (recall["authority"], recall["basis"], recall["demand"]) == ("mandate", second, "stop-using")
    assert [one["party"] for one in recall["recipients"]] == ["beta"]
    assert cli.json("motion", "show", motion)["status"] == "executed"
    assert cli.json("check")["passed"]


def test_an_account_is_made_and_confirmed(cli: Cli, tmp_path: Path) -> None:
    file, export = tmp_path / "account.json", tmp_path / "export"
    assert "beta" in cli.ok("party", "account", "alpha", "--out", str(file)).out
    assert cli.run("party", "account", "alpha", "--as", "lena@beta").code == 1
    cli.ok("log", "export", str(export))
    assert cli.json("party", "confirm", str(file), str(export))["whole"]
    file.write_text(file.read_text(encoding="utf-8").replace("beta.example", "gamma.example"), encoding="utf-8")
    assert cli.run("party", "confirm", str(file), str(export)).code == 3
    assert cli.json("check")["passed"]


def soon(days: int) -> str:
    """Return a day of the machine's clock, by which these commands go."""
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
