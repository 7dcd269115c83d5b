"""Intake into each store, durable when answered: how many objects a second, and what bounds that.

Beside it stand reading alone, the same rows written again by the driver alone (`bench.writes`), submissions two at a
time, and what the index takes afterwards.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from bench import hubs, postgres, writes
from bench.data import Source
from bench.measure import Cost, Line, Ratio, Table, interleave, line, over, rate
from tocsin.exchange.stix import parse_bundle
from tocsin.settings import Postgres, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from bench.run import Run
    from tocsin.bootstrap import Hub

    # gives how many objects it is about, and what is to be measured
    Prepared: TypeAlias = Callable[[], tuple[int, Callable[[], object]]]

ROUNDS: Final = 9
SIZE: Final = 1_000
# of a round: what the store puts off (checkpoints) is in some of them
TIMES: Final = 10
SUBMITTERS: Final = 2
INDEXED: Final = 2_000
SQLITE, POSTGRES, READING = "into SQLite", "into PostgreSQL", "reading alone"
AIMS: Final = {SQLITE: 10_000, POSTGRES: 12_000}
BARE, BESIDE, INDEX = "{}: the same rows, by the driver alone", "{}, two submissions at a time", "{}: indexing them"


def measure(run: Run) -> Iterator[Table]:
    """Measure submissions of a thousand fresh objects into both, side by side."""
    source = Source()
    with postgres.running(run.cache / "postgres") as server, contextlib.ExitStack() as stack:
        homes = {
            SQLITE: hubs.small_hub(run.folder / "stores-sqlite")[0],
            POSTGRES: hubs.small_hub(run.folder / "stores-pg", postgres.database(server, "stores"))[0],
        }
        # before anything is in them: what is recorded is written there again
        copies = {SQLITE: _copy(homes[SQLITE]), POSTGRES: _copy(homes[POSTGRES])}
        copies[POSTGRES] = Settings(home=homes[POSTGRES].home, database=postgres.copy(server, "stores", "stores_bare"))
        costs = _Costs(int((server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        turns: dict[str, Callable[[], float]] = {}
        for name, settings in homes.items():
            hub = stack.enter_context(hubs.opened(settings))
            record = stack.enter_context(writes.recorded(hub.store))
            again = stack.enter_context(writes.bare(copies[name]))
            turns[name] = costs.counted(name, _sharing(hub, source, 1))
            turns[BESIDE.format(name)] = costs.counted(BESIDE.format(name), _sharing(hub, source, SUBMITTERS))
            turns[BARE.format(name)] = costs.counted(BARE.format(name), _again(record, again))
            turns[INDEX.format(name)] = costs.counted(INDEX.format(name), _indexing(hub, record))
        turns[READING] = costs.counted(READING, _reading(source))
        for turn in turns.values():
            turn()  # builds statements, fills caches
        costs.clear()
        values = interleave(run.rounds(ROUNDS), turns, run.noise)
    lines = {name: line(name, "objects/s", measured) for name, measured in values.items()}
    yield Table(
        name="stores",
        title=f"Intake into each store: submissions of {SIZE:,}, in process",
        lines=(*lines.values(), *costs.lines()),
        ratios=(
            *(Ratio(name=f"{name}, objects/s", value=lines[name].median, aim=aim) for name, aim in AIMS.items()),
            *(Ratio(name=f"{name}, best round", value=lines[name].high, aim=aim) for name, aim in AIMS.items()),
            *(Ratio(name=f"{name}, to the driver alone", value=over(values, name, BARE.format(name))) for name in AIMS),
            *(Ratio(name=f"{name}, to reading alone", value=over(values, name, READING)) for name in AIMS),
        ),
        notes=(
            source.note(),
            f"each submission durable and in the log; {TIMES * SIZE:,} objects a round",
            postgres.NOTE,
            "reading is all that happens to bytes before the writer's turn: I-JSON, types, rules, re-encoding",
            (
                "the driver alone: these submissions' recorded statements, run again in a copy of the database with its"
                " keys, indices and references; nothing is read, decided, hashed or signed"
            ),
            f"indexing happens beside intake, in `tocsin serve`; here it has its own turn, {INDEXED:,} objects a round",
        ),
    )


def _copy(settings: Settings) -> Settings:
    if isinstance(settings.database, Postgres):
        return settings
    there = settings.database.with_name("bare.db")
    shutil.copyfile(settings.database, there)
    return Settings(home=settings.home, database=there)


def _sharing(hub: Hub, source: Source, submitters: int) -> Prepared:
    def prepare() -> tuple[int, Callable[[], object]]:
        bundles = [source.bundle(SIZE) for _ in range(TIMES)]
        if submitters == 1:
            return SIZE * TIMES, lambda: [hubs.share(hub, hubs.OWNER, one) for one in bundles]
        return SIZE * TIMES, lambda: _at_once(submitters, lambda one: hubs.share(hub, hubs.OWNER, one), bundles)

    return prepare


def _at_once(threads: int, work: Callable[[bytes], object], bundles: list[bytes]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, bundles))


def _again(record: writes.Recorded, again: Callable[[list[list[writes.Write]]], None]) -> Prepared:
    def prepare() -> tuple[int, Callable[[], object]]:
        done = record.take()
        return SIZE * len(done), lambda: again(done)

    return prepare


def _indexing(hub: Hub, record: writes.Recorded) -> Prepared:
    def prepare() -> tuple[int, Callable[[], object]]:
        return INDEXED, lambda: (hub.indexer.index(limit=INDEXED), record.take())  # what it writes is no submission

    return prepare


def _reading(source: Source) -> Prepared:
    def prepare() -> tuple[int, Callable[[], object]]:
        bundles = [source.bundle(SIZE) for _ in range(TIMES)]
        return SIZE * TIMES, lambda: [parse_bundle(one) for one in bundles]

    return prepare


class _Costs:
    """Processor time of this process, and of PostgreSQL's, in each turn; by object."""

    def __init__(self, postmaster: int) -> None:
        self._server = Cost(postmaster)
        self._ours: dict[str, list[float]] = {}
        self._theirs: dict[str, list[float]] = {}

    def counted(self, name: str, prepare: Prepared) -> Callable[[], float]:
        """Return the turn, with its costs noted; what prepares it is neither timed nor counted."""

        def turn() -> float:
            objects, work = prepare()
            theirs = self._server.seconds
            self._server.start()
            before = time.process_time()
            measured = rate(objects, work)
            self._ours.setdefault(name, []).append(1e6 * (time.process_time() - before) / objects)
            self._server.stop()
            if POSTGRES in name:
                self._theirs.setdefault(name, []).append(1e6 * (self._server.seconds - theirs) / objects)
            return measured

        return turn

    def clear(self) -> None:
        """Forget what was counted so far."""
        self._ours.clear()
        self._theirs.clear()

    def lines(self) -> Iterator[Line]:
        """Give a line for each."""
        yield from (line(f"{name}: processor", "µs/object", values) for name, values in self._ours.items())
        yield from (
            line(f"{name}: PostgreSQL's processor", "µs/object", values) for name, values in self._theirs.items()
        )
