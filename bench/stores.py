"""Intake into each store, durable when answered: how many objects a second, and what of it is reading alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench import hubs, postgres
from bench.data import Source
from bench.measure import Ratio, Table, interleave, line, rate
from tocsin.exchange.stix import parse_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.run import Run
    from tocsin.bootstrap import Hub

ROUNDS: Final = 15
SIZE: Final = 1_000
# of a round: what the store puts off (checkpoints) is in some of them
TIMES: Final = 10
SQLITE, POSTGRES, READING = "into SQLite", "into PostgreSQL", "reading alone"
AIMS: Final = {SQLITE: 10_000, POSTGRES: 12_000}


def measure(run: Run) -> Iterator[Table]:
    """Measure submissions of a thousand fresh objects into both, side by side."""
    source = Source()
    with postgres.running(run.cache / "postgres") as server:
        homes = {
            SQLITE: hubs.small_hub(run.folder / "stores-sqlite")[0],
            POSTGRES: hubs.small_hub(run.folder / "stores-pg", postgres.database(server, "stores"))[0],
        }
        with hubs.opened(homes[SQLITE]) as sqlite, hubs.opened(homes[POSTGRES]) as pg:
            spent: dict[str, list[float]] = {SQLITE: [], POSTGRES: [], READING: []}
            turns = {
                SQLITE: _sharing(sqlite, source, spent[SQLITE]),
                POSTGRES: _sharing(pg, source, spent[POSTGRES]),
                READING: _reading(source, spent[READING]),
            }
            for name in (SQLITE, POSTGRES):
                turns[name]()  # builds statements, fills caches
            values = interleave(run.rounds(ROUNDS), turns, run.noise)
    lines = {name: line(name, "objects/s", measured) for name, measured in values.items()}
    yield Table(
        name="stores",
        title=f"Intake into each store: submissions of {SIZE:,}, in process",
        lines=(
            *lines.values(),
            *(line(f"{name}: our processor time", "µs/object", times) for name, times in spent.items()),
        ),
        ratios=tuple(Ratio(name=f"{name}, objects/s", value=lines[name].median, aim=aim) for name, aim in AIMS.items()),
        notes=(
            source.note(),
            f"each submission durable and in the log; {TIMES * SIZE:,} objects a round",
            postgres.NOTE,
            "reading is all that happens to bytes before the writer's turn: I-JSON, types, rules, re-encoding",
        ),
    )


def _sharing(hub: Hub, source: Source, spent: list[float]) -> Callable[[], float]:
    def turn() -> float:
        bundles = [source.bundle(SIZE) for _ in range(TIMES)]
        return _timed(spent, lambda: [hubs.share(hub, hubs.OWNER, one) for one in bundles])

    return turn


def _reading(source: Source, spent: list[float]) -> Callable[[], float]:
    def turn() -> float:
        bundles = [source.bundle(SIZE) for _ in range(TIMES)]
        return _timed(spent, lambda: [parse_bundle(one) for one in bundles])

    return turn


def _timed(spent: list[float], work: Callable[[], object]) -> float:
    start = time.process_time()
    measured = rate(SIZE * TIMES, work)
    spent.append(1e6 * (time.process_time() - start) / (SIZE * TIMES))
    return measured
