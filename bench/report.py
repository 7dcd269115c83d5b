"""What is printed: Markdown, which reads as well in a terminal as in `docs/benchmarks.md`."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.measure import Line, Table


def machine() -> str:
    """Say on what it ran."""
    model = next(
        (
            text.split(":", 1)[1].strip()
            for text in _read("/proc/cpuinfo").splitlines()
            if text.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def table(result: Table) -> str:
    """Write one table."""
    return "\n".join(_table(result))


def _table(result: Table) -> Iterator[str]:
    yield f"### {result.title}\n"
    if result.lines:
        yield from _grid(
            ("", "median", "best … worst", "unit", "rounds"),
            [
                (
                    one.name,
                    number(one.median),
                    f"{number(_best(one))} … {number(_worst(one))}",
                    one.unit,
                    str(one.rounds),
                )
                for one in result.lines
            ],
        )
    if result.ratios:
        if result.lines:
            yield ""
        yield from _grid(
            ("ratio", "value", "aim", ""),
            [
                (
                    one.name,
                    f"{one.value:,.0f}"
                    if one.value >= 1_000
                    else f"{one.value:.1f}"
                    if one.value >= 10
                    else f"{one.value:.2f}",
                    "" if one.aim is None else f"{'≤' if one.below else '≥'} {one.aim:,g}",
                    "" if one.met is None else "met" if one.met else "**missed**",
                )
                for one in result.ratios
            ],
        )
    if result.notes:
        yield ""
        yield from (f"- {note}" for note in result.notes)
    yield ""


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    for index, row in enumerate((head, *rows)):
        yield "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        if index == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def number(value: float) -> str:
    """Write three significant digits, and no more than whole ones above a thousand."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _best(one: Line) -> float:
    return one.high if one.unit.endswith("/s") else one.low


def _worst(one: Line) -> float:
    return one.low if one.unit.endswith("/s") else one.high


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
