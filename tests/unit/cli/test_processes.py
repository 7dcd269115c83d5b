"""Commands as processes of their own: exit codes, pipes, signals, and what they tell of what may not be seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from support.cli import Cli, bundle, indicator, partnership, tool


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = partnership(tmp_path_factory.mktemp("processes") / "home")
    objects = [indicator(number, description="long " * 200) for number in range(200)]
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(*objects, tool(1)))
    return cli


INVISIBLE, NONEXISTENT = str(tool(1)["id"]), "tool--11111111-1111-4111-8111-111111111111"

WAYS = {
    "to a party": ["--as", "beta"],
    "to a user": ["--as", "anna@beta"],
    "to an outsider": ["--as", "gamma"],
    "for another purpose": ["--as", "beta", "--purpose", "respond"],
    "about another reader": ["--as", "beta", "--reader", "gamma"],
    "about its owner": ["--as", "beta", "--reader", "alpha"],
    "as JSON": ["--as", "beta", "--json"],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_why_says_of_the_invisible_what_it_says_of_the_nonexistent(cli: Cli, way: list[str]) -> None:
    told = [cli.run("why", object_id, *way) for object_id in (INVISIBLE, NONEXISTENT, "no id at all")]
    assert (told[0].code, told[0].out) == (1, "")
    assert told[0].err
    assert told[0] == told[1] == told[2]
    # or nothing would be tested: the owner is told of the one, and not of the other
    assert cli.run("why", INVISIBLE, "--as", "alpha").code == 0
    assert cli.run("why", NONEXISTENT, "--as", "alpha").code == 1


@pytest.mark.parametrize("way", [["--as", "beta"], ["--as", "beta", "--json"]], ids=["text", "json"])
def test_a_process_says_it_byte_for_byte(cli: Cli, way: list[str]) -> None:
    one, other = (cli.process("why", object_id, *way) for object_id in (INVISIBLE, NONEXISTENT))
    assert one.returncode == 1
    assert one.stderr
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


def test_who_and_prove_say_of_another_s_object_what_they_say_of_the_nonexistent(cli: Cli) -> None:
    for command in (["who"], ["log", "prove"]):
        told = [cli.run(*command, object_id, "--as", "beta") for object_id in (INVISIBLE, NONEXISTENT)]
        assert told[0].code == 1
        assert told[0] == told[1]


def test_exit_codes_are_the_process_s_own(cli: Cli) -> None:
    assert cli.process("party", "list").returncode == 0
    assert cli.process("party", "show", "nobody").returncode == 1
    assert cli.process("party", "shew").returncode == 2
    assert Cli(cli.home / "none").process("party", "list").returncode == 2


UNREAD = {
    "JSON": ["read", "--as", "alpha", "--json"],
    "a table": ["read", "--as", "alpha"],
    "lines": ["agreement", "show", "pact"],
    "lines and tables": ["party", "show", "alpha"],
    "reasons": ["why", str(indicator(1)["id"]), "--as", "beta"],
    "the log": ["log", "show"],
}


@pytest.mark.parametrize("arguments", UNREAD.values(), ids=UNREAD.keys())
def test_a_closed_pipe_ends_a_command_quietly(cli: Cli, arguments: list[str]) -> None:
    with _running(cli, *arguments) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        # the reader is gone before a byte was written
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, b"")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", UNREAD.values(), ids=UNREAD.keys())
def test_output_that_finds_no_room_is_told_in_words(cli: Cli, arguments: list[str]) -> None:
    with FULL.open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "tocsin.cli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=os.environ | cli.environ,
            timeout=120,
        )
    assert ran.returncode == 3
    assert b"No space left on device" in ran.stderr
    assert b"went wrong" not in ran.stderr
    assert ran.stderr.count(b"No space") == 1


def _running(cli: Cli, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | cli.environ | {"PYTHONUNBUFFERED": ""},
    )


def test_a_command_reads_standard_input(cli: Cli) -> None:
    ran = cli.process("share", "-", "--as", "alpha", stdin=bundle(indicator(900)))
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"1 objects: 1 accepted" in ran.stdout


def test_a_table_in_a_pipe_keeps_its_lines_whole(cli: Cli) -> None:
    lines = cli.process("read", "--as", "beta", "--limit", "3").stdout.decode().splitlines()
    assert len(lines) == 1 + 3 + 2
    assert all(str(indicator(number)["id"]) in lines[1 + number] for number in range(3))


def test_the_server_answers_and_stops_when_told(cli: Cli) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | cli.environ | {"PYTHONUNBUFFERED": "1"},
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        address = running.stdout.readline().decode().split()[-1]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=30)  # noqa: S310  our own address
        assert refused.value.code == 401
        running.send_signal(signal.SIGINT)
        rest, said = running.stdout.read(), running.stderr.read()
    assert running.returncode == 0
    assert b"stopped" in rest
    assert b"Traceback" not in said


def test_help_takes_no_hub() -> None:
    ran = subprocess.run([sys.executable, "-m", "tocsin.cli", "--help"], capture_output=True, check=True, timeout=300)
    assert b"Exit codes: 0 done; 1 refused" in ran.stdout
    version = subprocess.run([sys.executable, "-m", "tocsin.cli", "--version"], capture_output=True, check=True)
    assert version.stdout.startswith(b"tocsin ")
