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
# Of objects in these hubs: ATT&CK's mean.
SIZE: Final = 1_300
# Change it when what is made changes: a kept hub of another recipe is made anew.
RECIPE: Final = "1"


def measure(run: Run) -> Iterator[Table]:
    """Measure every size."""
    medians: dict[str, float] = {}
    for size in SIZES[:1] if run.quick else SIZES:
        settings = _hub(run.cache / f"hub-{size}", size)
        with hubs.opened(settings) as hub:
            measured, first, labels, objects = _pages(run, hub)
        medians |= {f"{size:,}: {name}": statistics.median(values) for name, values in measured.items()}
        # a page of ten objects is cheaper than one of a thousand, and that is no fault: full pages are compared
        full = {name: medians[f"{size:,}: {name}"] for name in measured if objects[name] >= LIMIT}
        yield Table(
            name="latency",
            title=f"A page of {LIMIT:,} from {size:,} objects with {labels:,} labels",
            lines=(
                *(line(f"{name} ({objects[name]:,} objects)", "ms", values) for name, values in measured.items()),
                *(line(f"{name}: its first page after a start", "ms", [value]) for name, value in first.items()),
            ),
            ratios=(
                *(
                    Ratio(name=f"{name}: p95 to median", value=_p95(values) / statistics.median(values))
                    for name, values in measured.items()
                ),
                Ratio(
                    name="slowest median to that of a full page for the reader of 100 %",
                    value=max(medians[f"{size:,}: {name}"] for name in measured) / full["100 %"],
                    aim=1.5,
                    below=True,
                ),
            ),
            notes=(
                "in process, durable release included; objects of 1.3 kB",
                f"a rare type is {RARE:.1%} of all objects",
            ),
        )
    if not run.quick:
        yield Table(
            name="latency",
            title="The same page from ten times as many objects",
            lines=tuple(line(name, "ms", [value]) for name, value in medians.items()),
            ratios=tuple(
                Ratio(
                    name=f"{name.removeprefix(f'{SIZES[1]:,}: ')}: {SIZES[1]:,} to {SIZES[0]:,}",
                    value=value / medians[name.replace(f"{SIZES[1]:,}", f"{SIZES[0]:,}", 1)],
                    aim=1.5,
                    below=True,
                )
                for name, value in medians.items()
                if name.startswith(f"{SIZES[1]:,}: ") and not name.startswith(f"{SIZES[1]:,}: 0.01")
            ),
            notes=("the page of the reader of 0.01 % holds ten times as many objects too, and is left out",),
        )


def _pages(run: Run, hub: Hub) -> tuple[dict[str, list[float]], dict[str, float], int, dict[str, int]]:
    """Walk through the collection page by page, each reader and filter in turn."""
    queries = {"": Query(), ", rare type": Query(types=frozenset({RARE_TYPE}))}
    walks = {
        f"{share}{suffix}": (reader, query) for suffix, query in queries.items() for reader, share in READERS.items()
    }
    cursors: dict[str, str | None] = dict.fromkeys(walks)
    measured: dict[str, list[float]] = {name: [] for name in walks}
    objects = dict.fromkeys(walks, 0)
    first: dict[str, float] = {}
    for turn in range(run.rounds(60) + 1):
        if turn % 10 == 0:
            run.noise.probe()
        for name, (reader, query) in walks.items():
            start = time.perf_counter()
            answer = hub.reading.objects(hubs.asker(reader), "exchange", query, limit=LIMIT, cursor=cursors[name])
            took = 1e3 * (time.perf_counter() - start)
            cursors[name] = answer.next
            objects[name] = max(objects[name], len(answer.page.items))
            if turn:
                measured[name].append(took)
            elif not query.types:
                first[name] = took
    with hub.store.read() as connection:
        labels = connection.exec_driver_sql("SELECT count(*) FROM label_counts").scalar_one()
    return measured, first, int(labels), objects


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


# --- the hubs ----------------------------------------------------------------------------------------------------------


def _hub(home: Path, size: int) -> Settings:
    settings = Settings(home=home, database=home / "hub.db")
    made = home / "recipe"
    if not made.exists() or made.read_text(encoding="utf-8") != RECIPE:
        shutil.rmtree(home, ignore_errors=True)
        _make(home, size)
        made.write_text(RECIPE, encoding="utf-8")
    return settings


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
            hubs.share(hub, owner, bundle([_marking(owner, index) for index in range(MARKINGS)]))
        for done in range(0, size, SUBMISSION):
            owner = OWNERS[chance.randrange(len(OWNERS))]
            hubs.share(hub, owner, bundle([_object(chance, owner, done + index) for index in range(SUBMISSION)]))
            if done % 20_000 == 0:
                print(f"making {size:,} objects in {home}: {done:,}\r", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _marking_id(owner: str, index: int) -> str:
    return fresh_id("marking-definition", f"{owner}/{index}")


def _marking(owner: str, index: int) -> bytes:
    category = "few" if index == 0 else "some" if index <= SOME_MARKINGS else "other"
    terms = {"extension_type": "property-extension", "categories": sorted({category, f"c{index}"})}
    return json.dumps(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": _marking_id(owner, index),
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
        "object_marking_refs": [_marking_id(owner, index)],
    }
    return json.dumps(item | {"description": chance.randbytes(SIZE // 2 - 190).hex()}).encode()
