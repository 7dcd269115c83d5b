"""What goes wrong ends in one message and one exit code, never in a traceback."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from sqlalchemy.exc import OperationalError

import tocsin.errors
from support.cli import Cli, bundle, indicator
from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli import party
from tocsin.cli.main import BROKEN, EXIT_CODES, REFUSED, USAGE
from tocsin.errors import BrokenError, RefusedError, TocsinError, UsageError
from tocsin.exchange.stix import DEFAULT_LIMITS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = Cli(tmp_path_factory.mktemp("errors") / "home")
    cli.ok("init", "--uri", "https://hub.example")
    cli.ok(
        *("party", "add", "alpha", "--uri", "https://alpha.example", "--kind", "private", "--country", "NO"),
    )
    cli.ok("party", "clear", "alpha")
    return cli


CASES = {
    "no command": (["party"], 2, None),
    "an unknown command": (["frobnicate"], 2, "usage"),
    "an unknown option": (["party", "list", "--frobnicate"], 2, "usage"),
    "a missing argument": (["party", "show"], 2, "usage"),
    "a missing option": (["share", "x.json"], 2, "usage"),
    "a number that is none": (["log", "show", "--last", "many"], 2, "usage"),
    "a number out of range": (["read", "--as", "alpha", "--limit", "0"], 2, "usage"),
    "a kind that is none": (["party", "add", "x", "--uri", "urn:x:y", "--kind", "odd", "--country", "NO"], 2, "usage"),
    "a role that is none": (["user", "add", "a@alpha", "--role", "king"], 2, "usage"),
    "a permission that is none": (["user", "token", "alpha", "--allow", "fly"], 2, "usage"),
    "a file that is not there": (["share", "/nonexistent.json", "--as", "alpha"], 2, "usage"),
    "a directory for a file": (["share", "/", "--as", "alpha"], 2, "usage"),
    "a user where a party is": (["user", "add", "alpha"], 2, "usage"),
    "an argument that is no text": (["party", "show", "\udcff"], 2, "usage"),
    "an unknown party": (["party", "show", "nobody"], 1, "not-found"),
    "a name that is none": (["party", "show", "No Body"], 1, "not-found"),
    "a reader that is none": (["read", "--as", "No Body"], 1, "input"),
    "a date that is none": (["party", "clear", "alpha", "--until", "2026-13-01"], 2, "usage"),
    "a clearance that is none": (["party", "clear", "alpha", "--clearance", "top"], 2, "usage"),
    "a user's clearance that is none": (["user", "add", "a@alpha", "--clearance", "top"], 2, "usage"),
    "a purpose that is none": (["read", "--as", "alpha", "--purpose", "fun"], 2, "usage"),
    "a token's purpose that is none": (["user", "token", "alpha", "--purpose", "fun"], 2, "usage"),
    "more days than a token lives": (["user", "token", "alpha", "--days", "99999"], 2, "usage"),
    "a country that is none": (
        ["party", "add", "x", "--uri", "urn:x:y", "--kind", "private", "--country", "UK"],
        2,
        "usage",
    ),
    "a nationality that is none": (["user", "add", "a@alpha", "--nationality", "ZZ"], 2, "usage"),
    "a scope that is none": (["log", "export", "/nonexistent/export", "--disclose", "foo"], 2, "usage"),
    "a scope of nobody": (["log", "export", "/nonexistent/export", "--disclose", "party:nobody"], 1, "not-found"),
    "a party that is there": (
        ["party", "add", "alpha", "--uri", "urn:x:y", "--kind", "private", "--country", "NO"],
        1,
        "conflict",
    ),
    "no bundle": (["share", "-", "--as", "alpha"], 1, "input"),
    "an export that is not there": (["log", "verify", "/nonexistent"], 2, "usage"),
    "no export": (["log", "verify", "/bin"], 3, "log-broken"),
    "no proof": (["log", "verify", "-"], 3, "log-broken"),
    "no verifier key": (["log", "verify", "/bin", "--key", "x+y+z"], 2, "usage"),
    "no agreement": (["agreement", "show", "nothing"], 1, "not-found"),
    "no document": (["agreement", "check", "-"], 1, "agreement"),
    "no signing key": (["agreement", "sign", "nothing", "--as", "alpha"], 1, "not-found"),
    "an address that is taken by nobody": (["serve", "--host", "192.0.2.1"], 2, "usage"),
}


@pytest.mark.parametrize(("arguments", "code", "kind"), CASES.values(), ids=CASES.keys())
def test_every_error_has_its_code_and_words(cli: Cli, arguments: list[str], code: int, kind: str | None) -> None:
    plain = cli.run(*arguments)
    assert (plain.code, plain.out) == (code, "")
    assert plain.err
    assert "Traceback" not in plain.err
    if kind is not None:
        told = cli.run(*arguments, "--json")
        assert (told.code, told.out) == (code, "")
        assert told.error["kind"] == kind
        assert told.error["what"]
        assert {"what", "where", "todo", "kind"} <= told.error.keys()


VALUES = {
    "no number": (("read", "--limit", "many"), "--limit: it is no whole number", None),
    "too small a number": (("read", "--limit", "0"), "--limit: it is less than 1", None),
    "no port": (("serve", "--port", "70000"), "--port: it is more than 65535", None),
    "none of a choice": (
        ("share", "x.json", "--tlp", "purple"),
        "--tlp: 'purple' is none of them",
        "use clear, green, amber, amber+strict, red",
    ),
    "another's kind": (
        ("marking", "convert", "RED", "--from", "tlp", "--to", "pap"),
        "--from: 'tlp' is none of them",
        "use tlp1, tlp2, iep-tlp, pap, iep-actions",
    ),
    "no day": (("search", "--since", "soon"), "--since: 'soon' is not a date-time", None),
    "a day that there is not": (
        ("search", "--until", "2026-02-30"),
        "--until: '2026-02-30' is not a day of the calendar",
        "write it like 2026-01-31",
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_is_refused_in_words_about_it(cli: Cli, case: str) -> None:
    arguments, said, todo = VALUES[case]
    ran = cli.run(*arguments, *(() if arguments[0] in {"serve", "marking"} else ("--as", "alpha")))
    assert ran.code == USAGE
    first, second = ran.err.splitlines()
    assert first == f"tocsin: {said}"
    assert second == f"  to do: {todo}" if todo else second.startswith("  to do: ")


FILES = {
    "no JSON": (b"no json", "the document is not I-JSON: here it stops being JSON (RFC 8259 §2)"),
    "half of it": (b'{"type":', "the document is not JSON: it ends before it is complete"),
    "no bundle": (b"[]", "the document is not a bundle: not a JSON object"),
}


@pytest.mark.parametrize("case", FILES)
def test_what_is_wrong_with_a_file_names_it(cli: Cli, tmp_path: Path, case: str) -> None:
    content, said = FILES[case]
    file = tmp_path / "some.json"
    file.write_bytes(content)
    for command in (("share", str(file), "--as", "alpha"), ("pattern", "match", "[a:b = 1]", str(file))):
        told = cli.run(*command, "--json").error
        assert told["what"] == said
        assert told["where"].startswith(str(file))
        assert told["todo"]
    # what is not about the file does not name it
    file.write_bytes(bundle(indicator(1)))
    told = cli.run("share", str(file), "--as", "alpha", "--to", "nobody", "--json").error
    assert "recipient" in told["what"]
    assert str(file) not in str(told)


def test_every_error_class_has_a_code() -> None:
    for name in tocsin.errors.__all__:
        kind = getattr(tocsin.errors, name)
        if issubclass(kind, TocsinError) and kind is not TocsinError:
            code = next(code for base, code in EXIT_CODES if issubclass(kind, base))
            expected = USAGE if issubclass(kind, UsageError) else REFUSED if issubclass(kind, RefusedError) else BROKEN
            assert code == expected, name
    assert dict(EXIT_CODES)[BrokenError] == BROKEN


def test_without_a_hub_a_command_says_how_to_make_one(tmp_path: Path) -> None:
    ran = Cli(tmp_path / "none").run("party", "list", "--json")
    assert (ran.code, ran.error["kind"]) == (2, "usage")
    assert "tocsin init" in ran.error["todo"]
    assert not (tmp_path / "none").exists()


@pytest.mark.sqlite
def test_a_hub_without_its_store_is_broken_and_not_missing(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    cli.ok("init")
    (cli.home / "hub.db").unlink()
    ran = cli.run("party", "list", "--json")
    assert (ran.code, ran.error["kind"]) == (3, "store-broken")


@pytest.mark.sqlite
def test_a_store_that_is_none_is_a_broken_store(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    cli.ok("init")
    (cli.home / "hub.db").write_bytes(b"no database at all, but long enough to look like one" * 100)
    for suffix in ("-wal", "-shm"):
        (cli.home / f"hub.db{suffix}").unlink(missing_ok=True)
    ran = cli.run("party", "list")
    assert ran.code == 3
    assert "Traceback" not in ran.err


def test_a_key_that_is_lost_is_a_broken_hub(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    cli.ok("init")
    (cli.home / "keys" / "token.key").unlink()
    ran = cli.run("party", "list", "--json")
    assert (ran.code, ran.error["kind"]) == (3, "store-broken")


def test_another_database_than_the_home_s(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere" / "store.db"
    environ = {"TOCSIN_DATABASE": f"sqlite:///{elsewhere}"}
    assert cli.run("init", environ=environ).code == 0
    assert elsewhere.exists()
    assert cli.run("party", "list", environ=environ).code == 0
    assert cli.run("party", "list", environ={"TOCSIN_DATABASE": "mysql://x"}).code == 2


def test_what_should_not_happen_is_one_line_to_report(cli: Cli) -> None:
    with mock.patch.object(party, "party_document", side_effect=ValueError("odd\nand more")):
        ran = cli.run("party", "list", "--json")
        assert (ran.code, ran.error["kind"]) == (3, "broken")
        assert "ValueError: odd" in ran.error["what"]
        plain = cli.run("party", "list")
        assert plain.code == 3
        assert len(plain.err.splitlines()) == 2
        assert "Traceback" not in plain.err
        debug = cli.run("party", "list", environ={"TOCSIN_DEBUG": "1"})
        assert "Traceback" in debug.err


def test_a_database_that_fails_is_a_broken_store(cli: Cli) -> None:
    failure = OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error"))
    with mock.patch.object(party, "party_document", side_effect=failure):
        ran = cli.run("party", "list")
    assert ran.code == 3
    assert "disk I/O error" in ran.err
    assert "SELECT" not in ran.err


def test_an_interrupt_is_quiet(cli: Cli) -> None:
    with mock.patch.object(party, "party_document", side_effect=KeyboardInterrupt):
        ran = cli.run("party", "list")
    assert (ran.code, ran.out, ran.err) == (130, "", "")


def test_a_file_beyond_the_limit_is_not_read_to_its_end(cli: Cli) -> None:
    class Endless:
        def __init__(self) -> None:
            self.given = 0

        def read(self, count: int) -> bytes:
            self.given += count
            return b" " * count

    source = Endless()
    ran = cli.run("share", "-", "--as", "alpha", stdin=mock.Mock(buffer=source))
    assert (ran.code, source.given) == (1, DEFAULT_LIMITS.max_bytes + 1)
    assert "share it in parts" in ran.err


def test_an_agreement_beyond_the_limit_is_told_what_helps_an_agreement(cli: Cli) -> None:
    ran = cli.run("agreement", "check", "-", stdin=b" " * (MAX_BYTES + 1), environ={"TOCSIN_HOME": "/nonexistent"})
    assert ran.code == 1
    assert "by criteria" in ran.err
    assert "share it" not in ran.err


def test_what_a_party_wrote_cannot_command_a_terminal(cli: Cli) -> None:
    name = "red\x1b[31m and \u202e more"
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1, name=name)))
    text = cli.ok("read", "--as", "alpha").out
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "red\\x1b[31m and \\u202e more" in text


def test_nobody_is_judged_who_does_not_answer(cli: Cli) -> None:
    done = cli.run("conformance", "http://127.0.0.1:9/taxii2/", "--user", "x")
    assert done.code == 2
    assert "no answer" in done.err
