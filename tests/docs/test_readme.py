"""The README's tour, typed as it stands there: every command does what is printed below it."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING, Final

from support.tours import ROOT, commands, plain, shown
from tocsin.cli.main import execute

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tour_does_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_HOME", raising=False)
    monkeypatch.delenv("TOCSIN_DATABASE", raising=False)
    monkeypatch.setenv("COLUMNS", "150")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    steps = shown(README.split("## Two minutes of your own", 1)[1])
    assert len(steps) > 15
    for line, printed in steps:
        told = ""
        for command in commands(line):
            words = shlex.split(command)
            assert words[0] == "tocsin"
            code = execute(words[1:])
            captured = capsys.readouterr()
            told += captured.out + captured.err
            assert code == (1 if "no such object" in " ".join(printed) else 0), (command, told)
        lines = [plain(each) for each in told.replace(f"{tmp_path}/", "").splitlines()]
        for expected in map(plain, printed):
            whole = expected in lines
            assert whole or (expected.endswith("…") and any(each.startswith(expected[:60]) for each in lines)), expected
