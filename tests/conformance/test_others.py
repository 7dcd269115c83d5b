"""The tokens that docs/taxii.md names for ``--others`` are the roles that the suite means: made by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support import stores
from support.cli import Cli, partnership
from tocsin.bootstrap import open_hub
from tocsin.conformance.model import Need
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    import pytest

DOCS: Final = Path(__file__).parents[2] / "docs" / "taxii.md"
PARTIES: Final = {"alfa": "alpha", "bravo": "beta"}


def test_the_tokens_of_the_manual_are_the_roles_of_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = re.findall(
        r"\| (\(main\)|`\w+`) \| [^|]+ \| `tocsin user token (\w+) --allow ([\w,]+)` \|", DOCS.read_text()
    )
    assert [role.strip("()`") for role, _, _ in rows] == ["main", "second", "reader", "writer", "lister"]
    home = tmp_path / "home"
    cli: Cli = partnership(home)
    cli.ok("collection", "add", "trial", "--title", "A trial")
    tokens = {
        role.strip("()`"): cli.json("user", "token", PARTIES[party], "--allow", words)["token"]
        for role, party, words in rows
    }
    monkeypatch.setenv("TOCSIN_CONFORMANCE_TOKEN", tokens.pop("main"))
    others = tmp_path / "others.json"
    others.write_text(json.dumps({role: {"token": token} for role, token in tokens.items()}))
    hub = open_hub(stores.settings_of(home))
    try:
        with running(create_app(hub)) as url:
            sections = [word for one in ("1.6.9", "5.1", "5.2", "5.5") for word in ("--section", one)]
            ran = cli.run(
                *("conformance", f"{url}/taxii2/", "--collection", "trial", "--others", str(others)),
                *("--all", "--json"),
                *sections,
            )
    finally:
        hub.close()
    assert ran.code == 0, ran.err
    # of its own client nobody knows a password: all that it has are tokens
    beyond = {f"needs {Need.RESTART}", f"needs {Need.BASIC}"}
    cases = [one for one in ran.document["cases"] if one["reason"] not in beyond]
    assert len(cases) > 60
    assert [one for one in cases if one["outcome"] != "pass"] == []
