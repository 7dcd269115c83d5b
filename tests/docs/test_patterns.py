"""What the page on patterns says of limits and faults is so."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from support.cli import Cli
from tocsin.exchange.stix.pattern import observed, parser, plan, values

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "patterns.md").read_text(encoding="utf-8")
LIMITS: Final = {
    "characters of a pattern": parser.MAX_LENGTH,
    "parentheses within each other": parser.MAX_NESTING,
    "digits of a number": parser.MAX_DIGITS,
    "steps of a path": parser.MAX_STEPS_OF_PATH,
    "groups and qualifiers within each other, when matched": plan.MAX_DEPTH,
    "repetitions of an expression with OR, FOLLOWEDBY or WITHIN": plan.MAX_COPIES,
    "characters that LIKE and MATCHES search in": values.MAX_SEARCHED,
    "steps of one match": observed.MAX_STEPS,
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_the_one_that_holds(limit: str) -> None:
    assert f"| {limit} | {LIMITS[limit]:,} |" in PAGE


def test_the_memory_of_an_expression_is_the_one_that_holds() -> None:
    assert values.MAX_EXPRESSION_MEMORY == 1 << 20
    assert "| memory of a regular expression | 1 MiB |" in PAGE


def test_a_fault_reads_as_the_page_shows(tmp_path: Path) -> None:
    ran = Cli(tmp_path).run("pattern", "check", "[file:hashes.SHA-256 = 'aa']")
    assert ran.code == 1
    assert ran.err in PAGE
