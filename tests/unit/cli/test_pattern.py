"""``tocsin pattern``: no hub, two verbs, and what each says to a person and to a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli
from support.patterns import SECOND, bundle, observed_data, sco

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = sco("ipv4-addr", value="198.51.100.1")
SEEN = observed_data(1, [ADDRESS["id"]], first=SECOND.format(0), count=2)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "no-hub")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(bundle([ADDRESS, SEEN])))
    return str(path)


def test_a_pattern_is_checked_and_written_anew(cli: Cli) -> None:
    ran = cli.run("pattern", "check", "[ file:name=='a' ]", "--json")
    assert (ran.code, ran.document) == (0, {"pattern": "[file:name = 'a']", "types": ["file"], "notes": []})
    assert "It is a STIX pattern." in cli.run("pattern", "check", "[a:b = 1 AND c:d = 2]").out
    assert "no object is of both" in cli.run("pattern", "check", "[a:b = 1 AND c:d = 2]").out


def test_a_fault_is_refused_with_its_place(cli: Cli) -> None:
    ran = cli.run("pattern", "check", "[file:name = 'a'\n AND ]", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["where"] == "line 2, column 6"
    assert ran.error["kind"] == "input"
    ran = cli.run("pattern", "check", "(" * 65, "--json")
    assert (ran.code, ran.error["kind"]) == (1, "limit")


def test_a_pattern_comes_from_standard_input_too(cli: Cli, file: str) -> None:
    assert cli.run("pattern", "check", "-", stdin=b"[a:b = 1]\r\n").code == 0
    ran = cli.run("pattern", "check", "-", "--json", stdin=b"[a:b = '\xff']")
    assert (ran.code, ran.error["where"]) == (1, "byte 9")
    assert cli.run("pattern", "match", "-", file, stdin=b"[ipv4-addr:value LIKE '%']\n").code == 0
    assert cli.run("pattern", "match", "-", "-", stdin=b"").code == 2


def test_a_match_names_what_is_bound(cli: Cli, file: str) -> None:
    pattern = "[ipv4-addr:value = '198.51.100.1'] REPEATS 2 TIMES"
    ran = cli.run("pattern", "match", pattern, file, "--json")
    assert ran.code == 0
    assert ran.document["matched"]
    assert ran.document["bound"] == [
        {"expression": "[ipv4-addr:value = '198.51.100.1']", "start": 0, "observed": SEEN["id"], "times": 2}
    ]
    told = cli.run("pattern", "match", pattern, file).out
    assert "It matches, by 1 of 1 observed-data." in told
    assert SEEN["id"] in told


def test_no_match_is_an_answer_and_no_refusal(cli: Cli, file: str) -> None:
    ran = cli.run("pattern", "match", "[ipv4-addr:value = 'x']", file)
    assert (ran.code, ran.out) == (0, "It matches none of 1 observed-data.\n")


def test_objects_that_are_refused_are_told_and_counted_as_such(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bundle([ADDRESS | {"value": 7}, SEEN])))
    ran = cli.run("pattern", "match", "[ipv4-addr:value LIKE '%']", str(path))
    assert ran.code == 1
    assert "note: 1 references lead to objects that are not in the bundle" in ran.out
    assert f"refused: objects[0].value {ADDRESS['id']}" in ran.out
