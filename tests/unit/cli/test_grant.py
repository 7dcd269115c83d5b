"""``tocsin grant``: given, received, listed, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership

if TYPE_CHECKING:
    from pathlib import Path

OBJECT = str(indicator(1)["id"])
GIVE = ("grant", "give", OBJECT, "--as", "alpha", "--to", "gamma")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    made = partnership(home)
    made.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1)))
    return made


def test_from_giving_to_revoking(cli: Cli) -> None:
    from datetime import UTC, datetime, timedelta

    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    refused = cli.run("read", "--as", "gamma", "--collection", "grants")
    assert refused.code == 1
    given = cli.json(*GIVE, "--until", until, "--reason", "incident 7")
    assert (given["owner"], given["to"], given["status"], len(given["offered"])) == ("alpha", "gamma", "stands", 1)
    assert given["purposes"] == ["analyse", "detect", "prevent", "respond"]
    assert OBJECT in cli.ok("read", "--as", "gamma", "--collection", "grants").out
    why = cli.ok("why", OBJECT, "--as", "gamma").out
    assert "tocsin.grant" in why
    assert "incident 7" in why
    (listed,) = cli.json("grant", "list", "--as", "gamma")
    assert listed["grant"] == given["grant"]
    assert cli.json("grant", "list", "--as", "beta") == []
    revoked = cli.json("grant", "revoke", given["grant"], "--as", "sig@alpha", "--reason", "over")
    assert revoked["status"] == "revoked"
    assert cli.run("why", OBJECT, "--as", "gamma").code == 1
    assert "revoked" in cli.ok("grant", "list").out
    cli.ok("check")


def test_refusals(cli: Cli) -> None:
    assert cli.run(*GIVE, "--until", "2020-01-01").code == 1
    assert cli.run(*GIVE, "--until", "soon").code == 2
    assert cli.run(*GIVE, "--until", "2026-12-31", "--version", "first").code == 2
    assert cli.run("grant", "revoke", "nothing", "--as", "alpha").code == 1
