"""What the pages show at a prompt (`$ ` in a console block) is typed, page by page, each in a new home: it runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.tours import ROOT, commands, plain, shown
from tocsin.cli.main import execute
from tocsin.kernel.clock import SystemClock, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGES: Final = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("agreements", "governance", "vetting", "fund", "risk", "baselines", "supply-chains")
}
# pages below whose commands everything that is printed stands; of the others commands alone are held
PRINTED: Final = ("fund", "risk", "baselines", "supply-chains")


def _parties(*names: str) -> Iterator[str]:
    yield "tocsin init --uri https://hub.example --country NO"
    for name in names:
        kind, capacity = ("public", "csirt") if name == "cert" else ("private", "operator")
        sector = "" if name in {"cert", "lab"} else " --sector energy"
        yield (
            f"tocsin party add {name} --uri https://{name}.example --kind {kind} --country NO"
            f" --capacity {capacity}{sector}"
        )
        yield f"tocsin party clear {name} --clearance restricted"
        yield f"tocsin user add sig@{name} --role signatory"


def _agreed(name: str, *members: str) -> Iterator[str]:
    yield f"tocsin agreement propose {name}.yaml"
    for member in members:
        yield f"tocsin agreement sign {name} --as {member}"
    yield f"tocsin agreement activate {name}"


def _term(here: Path, name: str, told: str) -> None:
    for file in (here / "terms.json", here / "loan.json"):
        terms: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) | {name: told.strip()}
        file.write_bytes(msgspec.json.encode(terms))


def _key(here: Path, told: str) -> None:
    (here / "hub.vkey").write_text(next(word for word in told.split() if word.count("+") > 1), encoding="utf-8")


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
    ),
    "fund": tuple(_parties("grid", "water", "hospital", "lab")),
    "risk": (
        *_parties("cert", "fjord", "elv", "sund", "kraft"),
        *_agreed("grid", "cert", "fjord"),
        "tocsin share bundle.json --as cert",
    ),
    "baselines": (
        *_parties("cert", "grid", "water"),
        "tocsin user add eva@water --role analyst",
        *_agreed("region", "cert", "grid", "water"),
        "tocsin map import region --as grid",
    ),
    "supply-chains": (*_parties("cert", "grid", "water"), *_agreed("region", "cert", "grid", "water")),
}
# the words that stand for an id, and the command whose last words print it
IDS: Final = {
    "MOTION": "motion table",
    "DISPUTE": "dispute file",
    "APPLICATION-ID": "application open",
    "CLAIM": "fund claim",
}
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# what somebody writes into a file of theirs once a command has told it
WRITTEN: Final[dict[str, Callable[[Path, str], None]]] = {
    "fund digest": lambda here, told: _term(here, "baseline", told),
    "fund numbers": lambda here, told: _term(here, "commitment", told.splitlines()[0].removeprefix("commitment ")),
    "fund certificate": _key,
}


# the pages were written then: their agreements, reviews and mandates end some years later
WRITTEN_AT: Final = parse_date("2026-11-23")


@pytest.fixture(autouse=True)
def as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine's clock go on from the day on which the pages were written."""
    began = time.monotonic_ns()
    monkeypatch.setattr(SystemClock, "now", lambda _: WRITTEN_AT + (time.monotonic_ns() - began) // 1_000)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs_as_it_stands_there(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TOCSIN_DATABASE", raising=False)
    for name in ("register.pdf", "plan.pdf", "bill.pdf"):
        (here / name).write_bytes(b"%PDF-1.7 a paper")
    before: list[tuple[str, list[str]]] = [(line, []) for line in BEFORE.get(page, ())]
    steps = [*before, *shown(PAGES[page])]
    # what needs a hub stands behind what makes one; two documents are compared without any
    first = next(place for place, (line, _) in enumerate(steps) if line.startswith("tocsin init"))
    known: dict[str, str] = {}
    ran = 0
    for line, printed in (*steps[first:], *steps[:first]):
        said = ""
        for command in commands(line):
            words = shlex.split(command)
            assert words[0] == "tocsin"
            code = execute([known.get(word, word) for word in words[1:]])
            told = capsys.readouterr()
            said += told.out + told.err
            refused = any(each.startswith("tocsin: ") for each in printed)
            assert code == (1 if refused else 0), (command, told.out, told.err)
            ran += 1
            does = " ".join(words[1:3])
            known |= {word: UUID.findall(told.out)[0] for word, prints in IDS.items() if does == prints}
            if does in WRITTEN:
                WRITTEN[does](here, told.out)
        if page in PRINTED and printed:
            assert [plain(each) for each in printed] == [plain(each) for each in said.splitlines() if each.strip()], (
                line
            )
    assert ran > 10
    assert execute(["check"]) == 0


def test_the_documents_of_the_pages_are_those_of_the_examples() -> None:
    found = {
        re.findall(r"^(?:agreement|body|charter|scenario): ([a-z0-9-]+)", block, re.MULTILINE)[0]: block
        for page in PAGES.values()
        for block in re.findall(r"```yaml\n((?:agreement|body|charter|scenario): .*?)```", page, re.DOTALL)
    }
    files = {
        "water-and-power": "water-and-power",
        "council": "council",
        "grid-2026": "charter",
        "flood": "flood",
    }
    for name, file in files.items():
        assert (ROOT / "examples" / f"{file}.yaml").read_text(encoding="utf-8") == found[name], name
    blocks = re.findall(r"```json\n(.*?)```", PAGES["fund"], re.DOTALL)
    for name in ("genset", "terms", "loan"):
        assert (ROOT / "examples" / f"{name}.json").read_text(encoding="utf-8") in blocks, name
    projects = json.loads((ROOT / "examples" / "projects.json").read_text(encoding="utf-8"))
    for name in ("genset", "spare-transformer"):
        assert json.loads((ROOT / "examples" / f"{name}.json").read_text(encoding="utf-8")) in projects


def test_the_second_version_changes_what_the_page_says() -> None:
    first, second = (
        (ROOT / "examples" / f"water-and-power{end}.yaml").read_text(encoding="utf-8") for end in ("", "-2")
    )
    changed = first.replace("version: 1", "version: 2").replace("{at_most: amber}", "{at_most: amber+strict}", 1)
    assert second == changed
    flood, treated = ((ROOT / "examples" / f"flood{end}.yaml").read_text(encoding="utf-8") for end in ("", "-2"))
    assert treated == flood.replace("leaves_loss", "status: done, leaves_loss")
