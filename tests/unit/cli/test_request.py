"""``tocsin request`` from asking to each answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership

if TYPE_CHECKING:
    from pathlib import Path

KNOWING = """
agreement: knowing
version: 1
title: Who may know
in_force: {from: 2026-01-01, until: null}
parties: [{name: alpha}, {name: gamma}]
purposes: [detect]
clauses:
  - {id: "r", reveal: existence, to: {parties: all}, of: {type: indicator}}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    made = partnership(home)
    document = home / "knowing.yaml"
    document.write_text(KNOWING, encoding="utf-8")
    made.ok("agreement", "propose", str(document))
    for name in ("alpha", "gamma"):
        made.ok("agreement", "sign", "knowing", "--as", name)
    made.ok("agreement", "activate", "knowing")
    made.ok("share", "-", "--as", "alpha", stdin=bundle(*(indicator(number) for number in range(1, 5))))
    return made


def test_each_answer(cli: Cli) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    asked = [
        cli.json("request", "ask", str(indicator(number)["id"]), "--as", "gamma", "--reason", "same pump")[0]["request"]
        for number in range(1, 5)
    ]
    assert {one["status"] for one in cli.json("request", "list", "--as", "alpha")} == {"open"}
    granted = cli.json("request", "grant", asked[0], "--as", "alpha", "--until", until)
    assert granted["status"] == "granted"
    assert str(indicator(1)["id"]) in cli.ok("read", "--as", "gamma", "--collection", "grants").out
    assert cli.json("request", "refuse", asked[1], "--as", "alpha", "--reason", "later")["answer"] == "later"
    refused = cli.run("request", "amend", asked[2], "--as", "alpha", "--proposal", "a better one")
    assert (refused.code, "no such version of an agreement lies before both" in refused.err) == (1, True)
    (cli.home / "knowing.yaml").write_text(KNOWING.replace("version: 1", "version: 2"), encoding="utf-8")
    cli.ok("agreement", "propose", str(cli.home / "knowing.yaml"))
    cli.ok("agreement", "sign", "knowing/2", "--as", "alpha")
    told = cli.ok("request", "amend", asked[2], "--as", "alpha", "--proposal", "knowing/2").out
    assert "the answer is in the log, for gamma and alpha" in told
    assert "gamma reads nothing more yet: only once knowing/2 is in force, and binds both of you" in told
    assert told.count("next:") == 1
    assert "next: tocsin agreement sign knowing/2 --as gamma" in told
    (amended,) = (one for one in cli.json("request", "list") if one["request"] == asked[2])
    assert amended["amendment"] == "knowing/2"
    assert cli.json("request", "withdraw", asked[3], "--as", "gamma")["status"] == "withdrawn"
    assert "granted" in cli.ok("request", "list").out
    assert cli.run("request", "ask", str(indicator(1)["id"]), "--as", "beta", "--reason", "x").code == 1
    cli.ok("check")
