"""What is refused says what, where, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli, partnership

if TYPE_CHECKING:
    from pathlib import Path

SOON: Final = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
BODY: Final = """\
body: council
kind: coordinating-body
title: The council
seats:
  - {seat: north, side: private, holder: alpha}
  - {seat: east, side: public, holder: sig@beta}
decides: {quorum: 0.5, more_than: 0.5}
rights: [parties:party:suspend]
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    made = partnership(home)
    (home / "tab.yaml").write_text("agreement: tabbed\n\tversion: 1\n", encoding="utf-8")
    (home / "account.json").write_text("{}", encoding="utf-8")
    (home / "council.yaml").write_text(BODY, encoding="utf-8")
    return made


FILED: Final = ("dispute", "file", "label", "--as", "sig@alpha", "--against", "beta", "--statement", "too wide")
REFUSED: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "a dispute of no object": ((*FILED, "--object", "rubbish"), ("--object", "no id of a STIX object", "its UUID")),
    "no kind of entry": (("log", "show", "--kind", "relase"), ("--kind", "no entry is of a kind", "release")),
    "nothing like a kind": (("log", "show", "--kind", "123456"), ("no entry is of a kind", "docs/log.md")),
    "no file to show": (("agreement", "show", "nosuch.yaml", "--prose"), ("there is no such file", "NAME/VERSION")),
    "neither file nor version": (("agreement", "impact", "nosuch"), ("and no such file", "agreement list")),
    "nothing to compare": (("agreement", "diff", "nosuch", "pact"), ("and no such file", "agreement list")),
    "signed twice": (("agreement", "sign", "pact", "--as", "alpha"), ("has signed pact", "who is still to sign")),
    "an object that is none": (
        ("grant", "give", "rubbish", "--as", "alpha", "--to", "beta", "--until", SOON, "--reason", "so"),
        ("receipts",),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_where_and_what_to_do(cli: Cli, name: str) -> None:
    command, said = REFUSED[name]
    refused = cli.run(*command)
    assert refused.code != 0
    for part in said:
        assert part in refused.err


def test_a_tab_is_said_to_be_one(cli: Cli) -> None:
    refused = cli.run("agreement", "check", str(cli.home / "tab.yaml"))
    assert "found found" not in refused.err
    assert "indent with spaces" in refused.err


def test_an_account_that_is_none_names_the_file_and_the_remedy(cli: Cli) -> None:
    refused = cli.run("party", "confirm", str(cli.home / "account.json"), str(cli.home))
    assert "account.json" in refused.err
    assert "tocsin party account --out FILE" in refused.err


def test_whose_motion_changes_a_body(cli: Cli) -> None:
    council = str(cli.home / "council.yaml")
    cli.ok("body", "constitute", council)
    refused = cli.run("body", "change", council, "--reason", "a new chair")
    assert "its own motion alone decides governance:body:change" in refused.err
    assert "tocsin motion table council --right governance:body:change --subject council" in refused.err
    assert "was given to a body" not in refused.err
