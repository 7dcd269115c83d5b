"""The demonstration's folder: what is cleared, what is not, and while who looks on."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from support.cli import Cli
from tocsin.demo.home import MARKER, cleared, in_use
from tocsin.errors import ConflictError, UsageError

README = Path(__file__).parents[3] / "README.md"


def test_the_next_demonstration_clears_what_the_last_one_left(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with cleared(home):
        (home / "hub.db").write_bytes(b"old")
        (home / "keys").mkdir()
        (home / "keys" / "log.key").write_bytes(b"old")
        (home / "elsewhere").symlink_to(tmp_path)
    with cleared(home):
        assert [entry.name for entry in home.iterdir()] == [MARKER]
    assert tmp_path.exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConflictError, match="something else"), cleared(tmp_path):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError), cleared(tmp_path / "file"):
        pass


@pytest.mark.parametrize("user", [cleared, in_use])
def test_a_folder_that_another_process_uses_is_not_cleared(tmp_path: Path, user: object) -> None:
    home = tmp_path / "home"
    with cleared(home):
        pass
    with cleared(home) if user is cleared else in_use(home):
        (home / "hub.db").write_bytes(b"served")
        ran = Cli(home).run("demo", "--home", str(home), "--no-serve", "--json")
        assert (ran.code, ran.error["kind"]) == (1, "conflict")
        assert (home / "hub.db").read_bytes() == b"served"
    with cleared(home):
        assert not (home / "hub.db").exists()


def test_several_may_use_one_demonstration_and_any_other_folder(tmp_path: Path) -> None:
    with cleared(tmp_path / "home"):
        pass
    with in_use(tmp_path / "home"), in_use(tmp_path / "home"), in_use(tmp_path), in_use(tmp_path):
        assert not (tmp_path / MARKER).exists()


def test_a_hub_of_a_demonstration_that_runs_is_not_served_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with cleared(home):
        cli = Cli(home)
        cli.ok("init")
        ran = cli.run("serve", "--port", "0", "--json")
        assert (ran.code, ran.error["kind"]) == (1, "conflict")


def test_a_story_that_goes_to_a_file_keeps_the_lines_of_its_tables_whole(tmp_path: Path) -> None:
    with mock.patch("tocsin.demo.run.run") as told:
        assert Cli(tmp_path).run("demo", "--no-serve").code == 0
    assert told.call_args.args[1].width == 150


def test_a_port_that_is_taken_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = Cli(tmp_path).run("demo", "--home", str(tmp_path / "home"), "--port", port)
    assert (ran.code, ran.out) == (2, "")
    assert port in ran.err
    assert not (tmp_path / "home").exists()


def test_the_demonstration_tells_its_whole_story(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tocsin.cli", "demo", "--no-serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "it verifies" in done.stdout
    assert "one bit of a copy changed: caught" in done.stdout
    assert done.stdout.count("JSON-equal to what was shared") == 8
    shown = README.read_text(encoding="utf-8").split("What it shows, shortened:")[1].split("```")[1].splitlines()
    # what a run draws anew is left out: the log's root, which is another each time
    told = {line.partition("root ")[0].rstrip() for line in done.stdout.splitlines()}
    missing = [line for line in shown if line != "…" and line.partition("root ")[0].rstrip() not in told]
    assert not missing, "the README shows something else"
