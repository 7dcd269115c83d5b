"""What a page costs a reader who sees a hundredth of a percent, five percent or all of a large collection.

The hubs are made through the intake, by ten parties whose objects carry some 5,000 labels, mixed at random; three
readers are each permitted one category. They are kept between runs.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from bench import hubs
from bench.data import STAMP, bundle, fresh_id
from bench.measure import Ratio, Table, line
from support.hub import World
from tocsin.exchange.markings import TERMS_EXTENSION
from tocsin.exchange.model import Query
from tocsin.kernel.clock import SystemClock
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.run import Run
    from tocsin.bootstrap import Hub

OWNERS: Final = tuple(f"owner-{index}" for index in range(10))
# label = owner x type x marking: 10 x 10 x 50
TYPES: Final = (
    *("attack-pattern", "campaign", "course-of-action", "incident", "infrastructure"),
    *("threat-actor", "tool", "vulnerability", "identity"),
)
RARE_TYPE: Final = "intrusion-set"
RARE: Final = 0.001
MARKINGS: Final = 50
# the first marking is the one that a reader of 0.01 % is permitted; the next few make up 5 %
FEW, SOME, SOME_MARKINGS = 0.0001, 0.05, 3
READERS: Final = {"few": "0.01 %", "some": "5 %", "all": "100 %"}
SUBMISSION: Final = 1_000
SIZES: Final = (100_000, 1_000_000)
LIMIT: Final = 1_000
PAGES: Final = 60
WHOLE: Final = "100 %"
# so many objects are a full page, for comparing pages: some rare ones are just below the limit
FULL: Final = 900
# Of objects in these hubs: ATT&CK's mean.
SIZE: Final = 1_300
# Change it when what is made changes: a kept hub of another recipe is made anew.
RECIPE: Final = "1"


def measure(run: Run) -> Iterator[Table]:
    """Measure every size; compare what is a full page in both."""
    full: dict[int, dict[str, float]] = {}
    for size in SIZES[:1] if run.quick else SIZES:
        settings = _hub(run.cache / f"hub-{size}", size)
        with hubs.opened(settings) as hub:
            first, again, objects = _pages(run, hub), _pages(run, hub), _objects(hub)
            with hub.store.read() as connection:
                labels = int(connection.exec_driver_sql("SELECT count(*) FROM label_counts").scalar_one())
        medians = {name: statistics.median(values) for name, values in again.items()}
        full[size] = {name: medians[name] for name in medians if objects[name] >= FULL}
        yield Table(
            name="latency",
            title=f"A page of {LIMIT:,} from {size:,} objects with {labels:,} labels",
            lines=(
                *(line(f"{name} ({objects[name]:,} objects)", "ms", values) for name, values in again.items()),
                *(line(f"{name}: p95", "ms", [_p95(values)]) for name, values in again.items()),
                *(line(f"{name}: in the first walk", "ms", values[1:]) for name, values in first.items()),
                *(line(f"{name}: the very first page", "ms", values[:1]) for name, values in first.items()),
            ),
            ratios=tuple(
                Ratio(name=f"{name} to the full page of 100 %", value=median / medians[WHOLE], aim=1.5, below=True)
                for name, median in medians.items()
                if name != WHOLE
            ),
            notes=(
                "in process, durable release included; objects of 1.3 kB",
                f"a rare type is {RARE:.1%} of all objects",
                "the second of two walks through the same pages: the first finds much on disk, and verdicts undecided",
            ),
        )
    if not run.quick:
        small, large = (full[size] for size in SIZES)
        both = [name for name in large if name in small]
        yield Table(
            name="latency",
            title=f"A full page from {SIZES[1]:,} objects against one from {SIZES[0]:,}",
            ratios=tuple(Ratio(name=name, value=large[name] / small[name], aim=1.5, below=True) for name in both),
        )


def _walks() -> dict[str, tuple[str, Query]]:
    queries = {"": Query(), ", rare type": Query(types=frozenset({RARE_TYPE}))}
    return {
        f"{share}{suffix}": (reader, query) for suffix, query in queries.items() for reader, share in READERS.items()
    }


def _pages(run: Run, hub: Hub) -> dict[str, list[float]]:
    """Walk through the collection page by page, each reader and filter in turn; how long each page took."""
    cursors: dict[str, str | None] = {}
    measured: dict[str, list[float]] = {name: [] for name in _walks()}
    for turn in range(run.rounds(PAGES)):
        if turn % 10 == 0:
            run.noise.probe()
        for name, (reader, query) in _walks().items():
            start = time.perf_counter()
            answer = hub.reading.objects(hubs.asker(reader), "exchange", query, limit=LIMIT, cursor=cursors.get(name))
            measured[name].append(1e3 * (time.perf_counter() - start))
            cursors[name] = answer.next
    return measured


def _objects(hub: Hub) -> dict[str, int]:
    """Return how many objects the first page of each walk holds."""
    return {
        name: len(hub.reading.objects(hubs.asker(reader), "exchange", query, limit=LIMIT).page.items)
        for name, (reader, query) in _walks().items()
    }


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


# --- the hubs --------------------------------------------------------------------------------------------------------


def _hub(home: Path, size: int) -> Settings:
    settings = Settings(home=home, database=home / "hub.db")
    made = home / "recipe"
    if not made.exists() or made.read_text(encoding="utf-8") != RECIPE:
        shutil.rmtree(home, ignore_errors=True)
        _make(home, size)
        made.write_text(RECIPE, encoding="utf-8")
    return hubs.kept(settings)


def _make(home: Path, size: int) -> None:
    world = World(home, start=SystemClock().now())
    for name in (*OWNERS, *READERS):
        world.party(name)
    hubs.agreement(world, "all", (*OWNERS, "all"), "tlp: {at_most: amber}")
    for reader in ("few", "some"):
        hubs.agreement(world, reader, (*OWNERS, reader), f"tlp: {{at_most: amber}}, category: {reader}")
    world.hub.close()
    chance = random.Random(1)
    with hubs.opened(world.settings) as hub:
        for owner in OWNERS:
            hubs.share(hub, owner, bundle([marking(owner, index) for index in range(MARKINGS)]))
        for done in range(0, size, SUBMISSION):
            owner = OWNERS[chance.randrange(len(OWNERS))]
            hubs.share(hub, owner, bundle([_object(chance, owner, done + index) for index in range(SUBMISSION)]))
            if done % 20_000 == 0:
                print(f"making {size:,} objects in {home}: {done:,}\r", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def marking_id(owner: str, index: int) -> str:
    return fresh_id("marking-definition", f"{owner}/{index}")


def marking(owner: str, index: int) -> bytes:
    category = "few" if index == 0 else "some" if index <= SOME_MARKINGS else "other"
    terms = {"extension_type": "property-extension", "categories": sorted({category, f"c{index}"})}
    return json.dumps(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": marking_id(owner, index),
            "created": STAMP,
            "extensions": {TERMS_EXTENSION: terms},
        }
    ).encode()


def _object(chance: random.Random, owner: str, number: int) -> bytes:
    kind = RARE_TYPE if chance.random() < RARE else TYPES[chance.randrange(len(TYPES))]
    roll = chance.random()
    if roll < FEW:
        index = 0
    elif roll < FEW + SOME:
        index = 1 + chance.randrange(SOME_MARKINGS)
    else:
        index = chance.randrange(1 + SOME_MARKINGS, MARKINGS)
    item = {
        "type": kind,
        "spec_version": "2.1",
        "id": fresh_id(kind, str(number)),
        "created": STAMP,
        "modified": STAMP,
        "name": f"object {number}",
        "object_marking_refs": [marking_id(owner, index)],
    }
    return json.dumps(item | {"description": chance.randbytes(SIZE // 2 - 190).hex()}).encode()
