"""What the page says to do after a spill is done here, command by command, in its order."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from support.cli import Cli, bundle, indicator, partnership
from support.tours import ROOT, shown

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = (ROOT / "docs" / "spillage.md").read_text(encoding="utf-8")
COMMANDS: Final = [shlex.split(line)[1:] for line, _ in shown(PAGE)]
OBJECT: Final = "indicator--00000000-0000-4000-8000-000000000001"


def test_every_step_runs_and_nothing_is_left(tmp_path: Path) -> None:
    cli = partnership(tmp_path / "home")
    cli.ok("user", "add", "lena@beta", "--role", "liaison")
    secret = "a fact that should have stayed"
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1, description=secret)))
    assert secret in cli.ok("read", "--as", "beta").out + cli.ok("read", "--as", "beta", "--json").out
    known = {"nordlys": "beta", "lena@nordlys": "lena@beta", "fjordkraft": "alpha", "2026-12-20": "2999-01-01"}
    said = {"evidence": str(tmp_path / "evidence"), "account.json": str(tmp_path / "account.json")}
    ran: list[str] = []
    for words in COMMANDS:
        ran.append(" ".join(words[:2]))
        if ran[-1] == "recall order":
            known["2026-12-20"] = soon(cli)
        done = cli.ok(*(known.get(word, said.get(word, word)) for word in words))
        if ran[-1] == "recall order":
            said["RECALL"] = re.findall(r"recall ([0-9a-f-]{36})", done.out)[0]
        if ran[-1] == "recall notices":
            said["NOTICE"] = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", done.out)[0]
        if ran[-1] == "who OBJECT" or words[0] == "who":
            assert "beta" in done.out
        if ran[-1] == "recall report":
            assert "destroyed" in done.out
    assert {"recall order", "recall attest", "recall report", "retention holds", "party account"} <= set(ran)
    assert {"retention sweep", "log export", "log verify"} <= set(ran)
    assert secret not in cli.ok("read", "--as", "beta", "--json").out
    kept = [path for path in cli.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert kept == []
    assert OBJECT in (tmp_path / "account.json").read_text(encoding="utf-8")


def soon(cli: Cli) -> str:
    """Return a day that lies ahead of the hub's clock."""
    stamp = cli.json("log", "show")[-1]["at"]
    year = int(stamp[:4])
    return f"{year + 1 if stamp[5:7] == '12' else year}-{'12' if stamp[5:7] != '12' else '01'}-31"
