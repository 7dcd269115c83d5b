"""Patterns: read and checked, against stix2-patterns; matched, against stix2-matcher."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

from bench.data import REALDATA
from bench.measure import Ratio, Table, interleave, line, over, rate
from support.patterns import Maker
from tocsin.exchange.stix.pattern import match, parse, pattern_error
from tocsin.exchange.stix.pattern.wire import read_observations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.run import Run

ROUNDS: Final = 9
MADE: Final = 400
SLICE: Final = 100  # of the patterns, for the peers
TREE, CHECK = "ours: parse, to a tree", "ours: pattern_error, as at intake"
GRAMMAR, VALIDATOR = "stix2-patterns 2.1.2: Pattern, to a tree", "stix2-patterns 2.1.2: run_validator"
MATCH, MATCHER = "ours: match", "stix2-matcher 3.0.0: match"
FILES: Final = ("predator.stix2", "operation_triangulation.stix2", "kingspawn.stix2")


def measure(run: Run) -> Iterator[Table]:
    """Measure the patterns of real indicators, and made-up ones with everything that the grammar has."""
    real = _real()
    if real:
        yield _reading(run, f"{len(real):,} patterns of real indicators", real)
    makers = [Maker(random.Random(seed)) for seed in range(MADE)]
    documents = [maker.observations() for maker in makers]
    made = [maker.pattern() for maker in makers]
    yield _reading(run, f"{MADE} made-up patterns with everything", made)
    yield _matching(run, made, documents)


def _real() -> list[str]:
    found = [path for path in (REALDATA / "stix" / name for name in FILES) if path.exists()]
    objects = [item for path in found for item in json.loads(path.read_bytes())["objects"]]
    return [item["pattern"] for item in objects if item["type"] == "indicator"]


def _reading(run: Run, what: str, texts: list[str]) -> Table:
    from stix2patterns.v21.pattern import Pattern
    from stix2patterns.validator import run_validator

    few = texts[:: max(1, len(texts) // SLICE)]

    def checked() -> None:
        assert not any(pattern_error(text) for text in texts)

    def validated() -> None:
        for text in few:
            run_validator(text, "2.1")

    values = interleave(
        run.rounds(ROUNDS),
        {
            TREE: lambda: rate(len(texts), lambda: [parse(text) for text in texts]),
            CHECK: lambda: rate(len(texts), checked),
            GRAMMAR: lambda: rate(len(few), lambda: [Pattern(text) for text in few]),
            VALIDATOR: lambda: rate(len(few), validated),
        },
        run.noise,
    )
    return Table(
        name="patterns",
        title=f"Reading patterns: {what}",
        lines=tuple(line(name, "patterns/s", measured) for name, measured in values.items()),
        ratios=(
            Ratio(name="trees, ours to stix2-patterns", value=over(values, TREE, GRAMMAR), aim=20),
            Ratio(name="checks, ours to stix2-patterns", value=over(values, CHECK, VALIDATOR), aim=20),
        ),
        notes=(
            f"{sum(map(len, texts)) // len(texts)} characters on average; the peer gets {len(few)} of them",
            "the validator also walks its tree to check digests and qualifiers",
        ),
    )


def _matching(run: Run, texts: list[str], documents: list[dict[str, object]]) -> Table:
    from stix2matcher.matcher import Pattern

    observed = [read_observations(json.dumps(document).encode()).observed for document in documents]
    ours = [(parse(text), seen) for text, seen in zip(texts, observed, strict=True)]
    theirs = [(Pattern(text, "2.1"), [document]) for text, document in zip(texts, documents, strict=True)]
    values = interleave(
        run.rounds(ROUNDS),
        {
            MATCH: lambda: rate(len(ours), lambda: [match(pattern, seen) for pattern, seen in ours]),
            MATCHER: lambda: rate(len(theirs), lambda: [pattern.match(seen) for pattern, seen in theirs]),
        },
        run.noise,
    )
    return Table(
        name="patterns",
        title=f"Matching: {len(texts)} made-up patterns, each with one to four observations",
        lines=tuple(line(name, "matches/s", measured) for name, measured in values.items()),
        ratios=(Ratio(name="ours to stix2-matcher", value=over(values, MATCH, MATCHER)),),
        notes=("patterns and observations were read before, by both",),
    )
