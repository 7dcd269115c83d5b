"""``tocsin sanitised`` from the receipt to leading back, on a hub in a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli
from support.publishing import Press, finding, pact
from support.sharing import bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    text = pact("approve: nobody, delay: PT2H", "approve: owner")
    Press(home, text=text).hub.close()
    return Cli(home)


def share(cli: Cli, name: str, number: int) -> str:
    """Share an indicator for a party; returns the id of its sanitised version."""
    cli.ok("share", "-", "--as", name, stdin=bundle([finding(number)]))
    listed = cli.json("sanitised", "list", "--as", name)
    return str(listed[-1]["id"])


def test_from_the_receipt_to_leading_back(cli: Cli) -> None:
    one = share(cli, "alfa", 1)
    assert "for approval by the owner" in cli.ok("sanitised", "list", "--as", "alfa", "--waiting").out
    shown = cli.json("sanitised", "show", one, "--as", "alfa")
    assert (shown["state"], shown["original"], shown["clause"]) == ("pending", finding(1)["id"], "5")
    assert json.loads(shown["bytes"]) == shown["object"]
    assert shown["bytes"] in cli.ok("sanitised", "show", one, "--as", "alfa").out.splitlines()
    changes = {item["property"]: item for item in cli.json("sanitised", "diff", one, "--as", "alfa")["changes"]}
    assert changes["description"]["after"] is None
    assert "Ticket 1 of ours" in cli.ok("sanitised", "diff", one, "--as", "alfa").out
    # others learn nothing, and whoever may not decide decides nothing
    for command in ("show", "veto", "approve"):
        refused = cli.run("sanitised", command, one, "--as", "bravo")
        assert refused.code == 1
        assert "there is no such sanitised version, or none that you may see" in refused.err
    assert cli.run("sanitised", "approve", one, "--coordinator").code == 1
    assert cli.json("sanitised", "approve", one, "--as", "sig@alfa", "--alone")["state"] == "approved"
    assert cli.json("sanitised", "list", "--coordinator") == []
    # it is ready since a moment, and the slot began before: it leaves in the next
    assert cli.json("sanitised", "publish") == {"published": 0}
    assert "for the next slot" in cli.ok("sanitised", "show", one, "--as", "alfa").out
    refused = cli.run("sanitised", "origin", shown["published_under"], "--as", "echo")
    assert (refused.code, refused.out) == (1, "")
    cli.ok("check")


def test_a_veto(cli: Cli) -> None:
    one = share(cli, "bravo", 2)
    assert cli.json("sanitised", "veto", one, "--as", "bravo", "--reason", "names a site")["state"] == "vetoed"
    again = cli.run("sanitised", "veto", one, "--as", "bravo")
    assert (again.code, "it is vetoed" in again.err) == (1, True)
    assert "there are none" in cli.ok("sanitised", "list", "--as", "bravo", "--waiting").out
    other = share(cli, "bravo", 3)
    stopped = cli.json("sanitised", "veto", other, "--coordinator", "--reason", "a court says so")
    assert (stopped["state"], "original" in stopped) == ("vetoed", False)


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--coordinator", "--as", "alfa"),
        ("approve", "x", "--coordinator", "--as", "alfa"),
        ("approve", "x", "--coordinator", "--alone"),
        ("approve", "x"),
        ("veto", "x", "--coordinator", "--as", "alfa"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli.run("sanitised", *words).code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOCSIN_PUBLISH_MINUTES", "0"),
        ("TOCSIN_PUBLISH_MINUTES", "1441"),
        ("TOCSIN_PUBLISH_MINUTES", "an hour"),
        ("TOCSIN_PUBLISH_PRODUCERS", "1"),
        ("TOCSIN_PUBLISH_PRODUCERS", "\u0663"),
        ("TOCSIN_PUBLISH_PRODUCERS", "9" * 40),
    ],
)
def test_settings_that_are_none(cli: Cli, name: str, value: str) -> None:
    ran = cli.run("sanitised", "list", "--as", "alfa", environ={name: value})
    assert ran.code == 2
    assert name in ran.err
