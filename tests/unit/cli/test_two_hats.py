"""What is told where a party is a supervisor and something else: of every command that says who may read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli, bundle, indicator, partnership
from tocsin.exchange.asking import Asking

if TYPE_CHECKING:
    from pathlib import Path

OBJECT: Final = str(indicator(1)["id"])
BECAUSE: Final = ("--reason", "because")
HATS: Final = "who supervises and is something else too enforces as a supervisor alone"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    made = partnership(tmp_path / "home")
    made.ok(
        *("party", "add", "cert", "--uri", "https://cert.example", "--kind", "public", "--country", "NO"),
        *("--capacity", "csirt,supervisor"),
    )
    made.ok("party", "clear", "cert", "--clearance", "restricted")
    made.ok("user", "add", "ada@cert", "--role", "analyst")
    made.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1)))
    made.ok("read", "--as", "beta")
    return made


def test_every_command_tells_it(cli: Cli) -> None:
    (cert,) = [one for one in cli.json("who", OBJECT, "--as", "alpha")["standings"] if one["reader"] == "cert"]
    assert cert["purposes"] == []
    told = cli.ok("why", OBJECT, "--as", "alpha", "--reader", "cert", "--purpose", "enforce").out
    assert f"the hub's own rule tocsin.two-hats\n    {HATS}\n" in told
    given = cli.json("grant", "give", OBJECT, "--as", "alpha", "--to", "cert", "--for", "enforce", "--until", soon())
    assert given["closed"] == [HATS]
    shared = cli.json("share", "-", "--as", "alpha", "--to", "ada@cert,cert", stdin=bundle(indicator(2)))
    assert [one["reader"] for one in shared["recipients"]] == ["ada@cert", "cert"]
    (ordered,) = cli.json("recall", "order", OBJECT, "--as", "alpha", "--from", "beta", "--by", soon(), *BECAUSE)
    assert ordered["may_still_read"] == ["beta"]
    cli.ok("check")


def test_what_is_done_is_said_to_be_done_whatever_fails_after_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("nobody knows")

    monkeypatch.setattr(Asking, "who", fails)
    monkeypatch.setattr(Asking, "outlook", fails)
    ordered = cli.ok("recall", "order", OBJECT, "--as", "alpha", "--from", "beta", "--by", soon(), *BECAUSE)
    assert "1 are told" in ordered.out
    assert ordered.err == "done; what follows from it cannot be told: RuntimeError: nobody knows; report this line\n"
    shared = cli.run("share", "-", "--as", "alpha", "--to", "cert", "--json", stdin=bundle(indicator(2)))
    assert (shared.code, shared.document["counts"]["accepted"], shared.document["recipients"]) == (0, 1, None)
    assert shared.err.startswith("done; ")


def soon() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
