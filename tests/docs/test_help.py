"""Every command's help holds an example that parses, and the documentation names every command and option."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from tocsin.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TOP: Any = typer.main.get_command(app)


def walk(command: Any = TOP, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  Typer keeps its classes to itself
    """Yield every command that does something, with the words that name it."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from walk(inner, (*path, name))
    else:
        yield path, command


COMMANDS = {" ".join(path): command for path, command in walk()}
# What a partnership needs from day to day; a command that goes missing is noticed here.
EXPECTED = {
    *(
        "demo",
        "init",
        "serve",
        "upgrade",
        "check",
        "share",
        "read",
        "why",
        "who",
        "terms",
        "conformance",
        "hub ceiling",
    ),
    *("search", "correlate", "show", "reindex"),
    *(f"saved {verb}" for verb in ("list", "run", "remove")),
    *(f"party {verb}" for verb in ("account", "confirm")),
    *(f"party {verb}" for verb in ("add", "change", "list", "show", "clear", "suspend", "leave")),
    *(f"user {verb}" for verb in ("add", "change", "list", "key", "token", "revoke", "password", "disable")),
    *(f"agreement {verb}" for verb in ("check", "propose", "sign", "seal", "activate", "list", "show")),
    *(f"body {verb}" for verb in ("check", "constitute", "change", "dissolve", "list", "show", "rights")),
    *(f"motion {verb}" for verb in ("table", "open", "vote", "recuse", "withdraw", "close", "list", "show")),
    *(f"agreement {verb}" for verb in ("adopt", "tally", "object", "withdraw", "suspend", "resume", "terminate")),
    *(f"agreement {verb}" for verb in ("admit", "grace", "lapses", "attach", "diff", "impact")),
    *(f"crisis {verb}" for verb in ("show", "duty", "call", "seal", "activate", "ratify", "end", "review", "close")),
    "crisis sweep",
    *(f"user {verb}" for verb in ("second-key", "authority")),
    *(f"charter {verb}" for verb in ("check", "adopt", "report", "evaluate", "list", "show")),
    *(
        f"dispute {verb}"
        for verb in ("file", "mediate", "settle", "withdraw", "decide", "appeal", "conclude", "list", "show")
    ),
    *(f"collection {verb}" for verb in ("add", "list")),
    *(
        f"application {verb}"
        for verb in ("open", "evidence", "review", "endorse", "admit", "refuse", "withdraw", "list", "show", "offer")
    ),
    *(f"vetting {verb}" for verb in ("due", "review", "sweep", "prolong")),
    *(f"grant {verb}" for verb in ("give", "list", "revoke")),
    *(f"request {verb}" for verb in ("ask", "list", "grant", "refuse", "amend", "withdraw")),
    *(f"delegation {verb}" for verb in ("give", "list", "revoke")),
    *(f"map {verb}" for verb in ("import", "validate", "show", "state", "simulate", "spof", "whatnext", "interface")),
    *(f"map {verb}" for verb in ("cuts", "sectors", "bill", "bills", "reach", "vendors", "totals")),
    *(f"marking {verb}" for verb in ("list", "show", "convert")),
    *(f"pattern {verb}" for verb in ("check", "match")),
    *(f"sanitised {verb}" for verb in ("list", "show", "diff", "approve", "veto", "publish", "origin")),
    *(f"webhook {verb}" for verb in ("add", "list", "test", "deliveries", "resume", "remove")),
    *(f"retention {verb}" for verb in ("show", "sweep", "reviews", "keep", "drop", "hold", "holds", "renew", "lift")),
    *(f"recall {verb}" for verb in ("order", "impose", "list", "report", "notices", "attest")),
    *(f"risk scenario {verb}" for verb in ("check", "add", "amend", "review", "retire", "list", "show")),
    "risk scenario estimate",
    *(f"risk {verb}" for verb in ("assess", "sheets", "figures", "withdraw", "rollup", "show", "attack")),
    *(f"risk {verb}" for verb in ("score", "simulate", "due")),
    *(f"baseline {verb}" for verb in ("import", "list", "show", "target", "assess", "confirm", "assessments", "gaps")),
    "baseline recovery",
    *(f"fund {verb}" for verb in ("open", "list", "contribute", "take-back", "propose", "projects")),
    *(f"fund {verb}" for verb in ("plan", "portfolio", "share", "books")),
    *(f"fund {verb}" for verb in ("numbers", "digest", "award", "inspect", "measure", "release", "claw-back", "repay")),
    *(f"fund {verb}" for verb in ("claim", "claims", "settle", "compensate", "certificate", "verify")),
    *(f"log {verb}" for verb in ("head", "show", "export", "verify", "replay", "prove")),
}


def help_of(name: str) -> str:
    context = COMMANDS[name].make_context(f"tocsin {name}", [], resilient_parsing=True)
    text: str = COMMANDS[name].get_help(context)
    return text


def options_of(command: Any) -> set[str]:  # noqa: ANN401  as above
    return {
        name
        for parameter in command.params
        if parameter.param_type_name == "option"
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def test_the_commands_are_those_that_we_promise() -> None:
    assert set(COMMANDS) == EXPECTED


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_what_and_how(name: str) -> None:
    text = help_of(name)
    assert f"Usage: tocsin {name}" in text
    assert (COMMANDS[name].help or "").strip()
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name} says nothing of {parameter.name}"
    assert re.search(r"^ *Example: tocsin ", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_example_parses(name: str) -> None:
    _, _, line = COMMANDS[name].epilog.partition("Example: ")
    words = shlex.split(line)
    assert words[0] == "tocsin"
    command, rest = TOP, words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    assert command is COMMANDS[name]
    with command.make_context(name, rest) as context:
        assert context.params


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_everything_that_prints_prints_json(name: str) -> None:
    assert "--json" in options_of(COMMANDS[name])


def test_the_documentation_names_every_command_and_option() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        _, found, section = text.partition(f"\n### `tocsin {name}")
        assert found, f"docs/cli.md does not describe {name}"
        section = section.split("\n### ", 1)[0].split("\n## ", 1)[0]
        # what all commands have is described once, above
        missing = sorted(
            option for option in options_of(command) - {"--json", "--motion", "--help", "-h"} if option not in section
        )
        assert not missing, f"docs/cli.md does not describe {missing} of {name}"


def test_the_documentation_names_no_command_that_there_is_not() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### `(tocsin(?: [a-z]+(?:-[a-z]+)*)+)", text, re.MULTILINE)
    named = {" ".join(match.split()[1:]) for match in headings}
    assert named == set(COMMANDS)


def test_exit_codes_and_variables_are_documented_in_both_places() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    context = TOP.make_context("tocsin", [], resilient_parsing=True)
    shown = TOP.get_help(context)
    assert "Exit codes: 0 done; 1 refused, or partly refused; 2 " in shown
    for code in ("| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 130 |", "| 141 |"):
        assert code in text
    for variable in ("TOCSIN_HOME", "TOCSIN_DATABASE", "TOCSIN_DEBUG"):
        assert variable in shown
        assert variable in text
