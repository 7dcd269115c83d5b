"""``tocsin delegation`` and what it allows: ``share --for``, ``read --client``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    return partnership(home)


def test_from_giving_to_revoking(cli: Cli) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert cli.run("share", "-", "--as", "gamma", "--for", "alpha", stdin=bundle(indicator(1))).code == 1
    assert cli.run("delegation", "give", "--as", "alpha", "--to", "gamma", "--until", until).code == 2
    given = cli.json(
        "delegation", "give", "--as", "sig@alpha", "--to", "gamma", "--until", until, "--type", "indicator"
    )
    assert (given["represented"], given["delegate"], given["status"]) == ("alpha", "gamma", "stands")
    cli.ok("share", "-", "--as", "gamma", "--for", "alpha", stdin=bundle(indicator(1)))
    assert str(indicator(1)["id"]) in cli.ok("read", "--as", "beta").out
    assert cli.run("read", "--as", "beta", "--client", "gamma").code == 1  # beta does not serve gamma
    (listed,) = cli.json("delegation", "list", "--as", "gamma")
    assert listed["delegation"] == given["delegation"]
    assert cli.json("delegation", "revoke", given["delegation"], "--as", "alpha")["status"] == "revoked"
    assert "revoked" in cli.ok("delegation", "list").out
    assert cli.run("share", "-", "--as", "gamma", "--for", "alpha", stdin=bundle(indicator(2))).code == 1
    cli.ok("check")
