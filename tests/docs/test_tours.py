"""What the pages show at a prompt (`$ ` in a console block) is typed, page by page, each in a new home: it runs."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from support.tours import ROOT, commands, shown
from tocsin.cli.main import execute

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("agreements", "governance", "vetting")
}
# what a page takes for granted: a hub, whose parties it names
BEFORE: Final = {
    "vetting": (
        "tocsin init --uri https://hub.example --country NO",
        *(
            f"tocsin party add {name} --uri https://{name}.example --kind private --country NO --capacity operator"
            for name in ("fjordkraft", "national-cert", "vannverk")
        ),
        "for p in fjordkraft national-cert; do tocsin party clear $p; done",
        "for u in kari@fjordkraft ola@national-cert; do tocsin user add $u --role signatory; done",
    )
}
# the words that stand for an id, and the command whose last words print it
IDS: Final = {"MOTION": "motion table", "DISPUTE": "dispute file", "APPLICATION-ID": "application open"}
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs_as_it_stands_there(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOCSIN_DATABASE", raising=False)
    (tmp_path / "examples" / "register.pdf").write_bytes(b"%PDF-1.7 a register")
    steps = [*BEFORE.get(page, ()), *(line for line, _ in shown(PAGES[page]))]
    # what needs a hub stands behind what makes one; two documents are compared without any
    first = next(place for place, line in enumerate(steps) if line.startswith("tocsin init"))
    known: dict[str, str] = {}
    ran = 0
    for line in (*steps[first:], *steps[:first]):
        for command in commands(line):
            words = shlex.split(command)
            assert words[0] == "tocsin"
            code = execute([known.get(word, word) for word in words[1:]])
            told = capsys.readouterr()
            assert code == 0, (command, told.out, told.err)
            ran += 1
            for word, prints in IDS.items():
                if " ".join(words[1:3]) == prints:
                    known[word] = UUID.findall(told.out)[0]
    assert ran > 10
    assert execute(["check"]) == 0


def test_the_documents_of_the_pages_are_those_of_the_examples() -> None:
    found = {
        re.findall(r"^(?:agreement|body|charter): ([a-z0-9-]+)", block, re.MULTILINE)[0]: block
        for page in PAGES.values()
        for block in re.findall(r"```yaml\n((?:agreement|body|charter): .*?)```", page, re.DOTALL)
    }
    for name, file in {"water-and-power": "water-and-power", "council": "council", "grid-2026": "charter"}.items():
        assert (ROOT / "examples" / f"{file}.yaml").read_text(encoding="utf-8") == found[name], name


def test_the_second_version_changes_what_the_page_says() -> None:
    first, second = (
        (ROOT / "examples" / f"water-and-power{end}.yaml").read_text(encoding="utf-8") for end in ("", "-2")
    )
    changed = first.replace("version: 1", "version: 2").replace("{at_most: amber}", "{at_most: amber+strict}", 1)
    assert second == changed
