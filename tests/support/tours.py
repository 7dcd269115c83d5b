"""The commands that a page shows, as somebody types them who reads it from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ROOT", "commands", "plain", "shown"]

ROOT: Final = Path(__file__).resolve().parents[2]
# what is another in every run
VOLATILE: Final = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "INSTANT"),
    (re.compile(r"(?<!-)\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\+[0-9a-f]{8}\+\S+"), "KEY"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    # a measurement's seed follows from the log's root
    (re.compile(r"[0-9,]+ on average, at least [0-9,]+: "), "MEASURED: "),
    (re.compile(r"saves at least [0-9,]+ a sample"), "MEASURED a sample"),
    (re.compile(r"\s+"), " "),
]


def shown(text: str) -> list[tuple[str, list[str]]]:
    """Return the lines of a page's consoles that begin with ``$``, each with what is printed below it."""
    steps: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line.strip():
                steps[-1][1].append(line)
    return steps


def plain(text: str) -> str:
    """Return a line without what is another in every run."""
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return text.strip()


def commands(line: str) -> Iterator[str]:
    """Yield what a line runs: one command, or one for each word of a shell's ``for``."""
    loop = re.fullmatch(r"for ([a-z]+) in ([^;]+); do (.*); done", line)
    if loop is None:
        yield line
    else:
        yield from (loop[3].replace(f"${loop[1]}", word) for word in loop[2].split())
