"""What a page costs at 10⁵ and at 10⁷ objects on PostgreSQL, for readers of a hundredth of a percent, five and all.

The parties, agreements, markings and some objects of every label come in through the intake. The rest is loaded by
COPY, behind the log's back: ten million submissions' worth of log entries would say nothing about a page. So these hubs
do not pass `tocsin check`, and their objects, each with its own 1.3 kB of bytes, have made-up salts and digests.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import statistics
import struct
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import psycopg
from sqlalchemy import event

from bench import hubs, postgres
from bench.data import STAMP, bundle, fresh_id
from bench.latency import (
    FEW,
    LIMIT,
    MARKINGS,
    OWNERS,
    RARE,
    RARE_TYPE,
    READERS,
    SIZE,
    SOME,
    SOME_MARKINGS,
    TYPES,
    marking,
    marking_id,
)
from bench.measure import Ratio, Table, line
from support.hub import World
from tocsin.exchange.model import Query
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import SystemClock, parse_instant
from tocsin.kernel.db.store import LIVE
from tocsin.settings import Postgres, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.run import Run
    from support.postgres import Server
    from tocsin.bootstrap import Hub

SIZES: Final = (100_000, 10_000_000)
PAGES: Final = 60
WHOLE: Final = "{}, whole"
# Change it when what is made changes: a kept hub of another recipe is made anew.
RECIPE: Final = "2"
# µs between two offers: as far as the intake's steps are apart on the average
STEP: Final = 17
_LINES: Final = 20_000  # rows that are handed to COPY at once


def measure(run: Run) -> Iterator[Table]:
    """Measure pages from places all over each collection, twice; the sizes take turns, and are compared."""
    sizes = SIZES[:1] if run.quick else SIZES
    with postgres.running(run.cache / "postgres-scale") as server, contextlib.ExitStack() as stack:
        made = {size: _hub(run.cache / f"scale-{size}", server, size) for size in sizes}
        opened = {size: stack.enter_context(hubs.opened(settings)) for size, settings in made.items()}
        places = _places(run, opened[sizes[0]], sizes[0])
        first = _pages(run, opened, places)
        again = _pages(run, opened, places)
    for size in sizes:
        yield Table(
            name="scale",
            title=f"A page of {LIMIT:,} from {size:,} objects on PostgreSQL",
            lines=(
                *(line(name, "ms", values) for name, values in again.took[size].items()),
                *(line(f"{name}: p95", "ms", [_p95(values)]) for name, values in again.took[size].items()),
                *(line(f"{name}: objects", "", values) for name, values in again.objects[size].items()),
                *(line(f"{name}: statements", "", values) for name, values in again.statements[size].items()),
                *(line(f"{name}: the first time", "ms", values) for name, values in first.took[size].items()),
            ),
            notes=(
                "in process, one page after the other, durable release included; sizes and readers take turns",
                "no object's bytes are in the process's memory when it is asked for",
                f"{PAGES} pages each, from places all over the collection; then the same ones again",
                f"both sizes are asked for {LIMIT:,}, or half of what the smaller has behind that place if it has less",
                f"{WHOLE.format(READERS['few'])}: asked for {LIMIT:,}, gets what there is of them",
                f"every object has its own {SIZE:,} bytes; loaded by COPY, without entries in the log",
                postgres.NOTE,
            ),
        )
    if not run.quick:
        small, large = (again.took[size] for size in SIZES)
        ratios = {name: (large[name], small[name]) for name in READERS.values()}
        unlike = WHOLE.format(READERS["few"])
        ratios[f"{unlike} (of more objects)"] = (large[unlike], small[unlike])
        yield Table(
            name="scale",
            title=f"{SIZES[1]:,} objects against {SIZES[0]:,} on PostgreSQL",
            ratios=(
                *(
                    Ratio(
                        name=f"{name}, median",
                        value=statistics.median(one) / statistics.median(other),
                        aim=1.5 if name in small else None,
                        below=True,
                    )
                    for name, (one, other) in ratios.items()
                ),
                *(
                    Ratio(
                        name=f"{name}, p95",
                        value=_p95(one) / _p95(other),
                        aim=2 if name in small else None,
                        below=True,
                    )
                    for name, (one, other) in ratios.items()
                ),
            ),
        )


class _Taken:
    """What was measured, by size and reader: milliseconds, objects, and statements of each page."""

    def __init__(self) -> None:
        self.took: dict[int, dict[str, list[float]]] = {}
        self.objects: dict[int, dict[str, list[float]]] = {}
        self.statements: dict[int, dict[str, list[float]]] = {}

    def page(self, size: int, name: str, *, hub: Hub, reader: str, query: Query, limit: int) -> None:
        """Ask for a page, and note what it took."""
        sent = 0

        def count(*_: object) -> None:
            nonlocal sent
            sent += 1

        # a hundred thousand objects' bytes fit half into memory, ten million's do not: nobody has them here
        hubs.nothing_read(hub)
        event.listen(hub.store.adapter.engine, "before_cursor_execute", count)
        start = time.perf_counter()
        answer = hub.reading.objects(hubs.asker(reader), "exchange", query, limit=limit)
        took = 1e3 * (time.perf_counter() - start)
        event.remove(hub.store.adapter.engine, "before_cursor_execute", count)
        assert answer.page.items, "a page of nothing costs nothing"
        for values, value in ((self.took, took), (self.objects, len(answer.page.items)), (self.statements, sent)):
            values.setdefault(size, {}).setdefault(name, []).append(value)


class _Place(NamedTuple):
    """From where pages are asked for, as a share of the collection, and how many objects each reader is to get."""

    share: float
    limits: dict[str, int]


def _places(run: Run, hub: Hub, size: int) -> list[_Place]:
    """Choose places, and how many objects each reader is to ask for there, so that both sizes have them."""
    chance = random.Random(7)
    places = []
    for _ in range(run.rounds(PAGES)):
        # not of the last fifth: there are too few left there for the reader of few
        share = chance.uniform(0.2, 1)
        query = _behind(hub, size, share)
        there = {
            reader: len(hub.reading.manifest(hubs.asker(reader), "exchange", query, limit=LIMIT).page.items)
            for reader in READERS
        }
        # where that is no full page, half of it: to look for the last one there is, is another question
        limits = {reader: count if count == LIMIT else (count + 1) // 2 for reader, count in there.items()}
        places.append(_Place(share, limits))
    hub.integrator.integrate()
    return places


def _behind(hub: Hub, size: int, share: float) -> Query:
    with hub.store.read() as connection:
        head = int(connection.exec_driver_sql("SELECT max(date_added) FROM offers").scalar_one())
    return Query(added_after=head - STEP * int(size * share))


def _pages(run: Run, opened: dict[int, Hub], places: list[_Place]) -> _Taken:
    """Ask for pages from the same places, whoever asks; how long each took."""
    taken = _Taken()
    for hub in opened.values():
        for reader in READERS:
            # what is decided once is not what a page costs
            hub.reading.objects(hubs.asker(reader), "exchange", Query(), limit=1)
    for turn, place in enumerate(places):
        if turn % 10 == 0:
            run.noise.probe()
        queries = {size: _behind(hub, size, place.share) for size, hub in opened.items()}
        for reader, name in READERS.items():
            for size, hub in opened.items():
                if place.limits[reader]:
                    taken.page(size, name, hub=hub, reader=reader, query=queries[size], limit=place.limits[reader])
                if reader == "few":
                    whole = WHOLE.format(name)
                    taken.page(size, whole, hub=hub, reader=reader, query=queries[size], limit=LIMIT)
        for hub in opened.values():
            hub.integrator.integrate()
    return taken


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


# --- the hubs --------------------------------------------------------------------------------------------------------


def _hub(home: Path, server: Server, size: int) -> Settings:
    made = home / "recipe"
    name = f"scale_{size}"
    if made.exists() and made.read_text(encoding="utf-8") == RECIPE:
        return hubs.kept(Settings(home=home, database=Postgres(url=server.url(name))))
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    settings = Settings(home=home, database=postgres.database(server, name))
    world = World(home, start=SystemClock().now(), settings=settings)
    for party in (*OWNERS, *READERS):
        world.party(party)
    hubs.agreement(world, "all", (*OWNERS, "all"), "tlp: {at_most: amber}")
    for reader in ("few", "some"):
        hubs.agreement(world, reader, (*OWNERS, reader), f"tlp: {{at_most: amber}}, category: {reader}")
    world.hub.close()
    with hubs.opened(settings) as hub:
        for owner in OWNERS:
            hubs.share(hub, owner, bundle([marking(owner, index) for index in range(MARKINGS)]))
            hubs.share(hub, owner, bundle([_one(owner, kind, index) for kind in _KINDS for index in range(MARKINGS)]))
    _load(server.url(name), size)
    made.write_text(RECIPE, encoding="utf-8")
    return settings


_KINDS: Final = (*TYPES, RARE_TYPE)


def _one(owner: str, kind: str, index: int) -> bytes:
    """Return the one object that makes the label of an owner, a type and a marking."""
    own = fresh_id(kind, f"{owner}/{kind}/{index}")
    return (
        f'{{"type":"{kind}","spec_version":"2.1","id":"{own}","created":"{STAMP}","modified":"{STAMP}",'
        f'"name":"one","object_marking_refs":["{marking_id(owner, index)}"]'
        f"{_NEEDED.get(kind, '')}}}"
    ).encode()


_NEEDED: Final = {"infrastructure": ',"infrastructure_types":["unknown"]', "identity": ',"identity_class":"group"'}


def _load(url: str, size: int) -> None:
    with psycopg.connect(url) as connection:
        # references hold by how the rows are made; to look each of them up would take longer than all the rest
        connection.execute("SET session_replication_role = replica")
        labels: dict[str, str] = dict(
            connection.execute(
                "SELECT object_id, (label_id, owner_id, submission_id)::text FROM contributions"
            ).fetchall()
        )
        chosen = {
            (owner, kind, index): tuple(map(int, labels[fresh_id(kind, f"{owner}/{kind}/{index}")][1:-1].split(",")))
            for owner in OWNERS
            for kind in _KINDS
            for index in range(MARKINGS)
        }
        first = len(labels) + 1
        head = connection.execute("SELECT head_added FROM collections WHERE alias = 'exchange'").fetchone()
        assert head is not None
        indices = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('offers', 'contributions')"
            " AND indexname LIKE 'ix_%'"
        ).fetchall()
        for name, _ in indices:
            connection.execute(f"DROP INDEX {name}".encode())
        chance = random.Random(1)
        offers: list[bytes] = []
        with connection.cursor() as cursor:
            with cursor.copy(_copy(CONTRIBUTIONS.name, [column.name for column in CONTRIBUTIONS.columns])) as copy:
                copy.write(_HEAD)
                rows: list[bytes] = []
                for number in range(first, size + 1):
                    kind, (label, owner, submission) = _pick(chance, chosen)
                    rows.append(_contribution(number, kind, label, owner, submission))
                    offers.append(_OFFER.pack(label, number, head[0] + STEP * (number - first + 1)))
                    if len(rows) == _LINES:
                        copy.write(b"".join(rows))
                        rows.clear()
                        print(f"loading {size:,} objects: {number:,}\r", end="", file=sys.stderr, flush=True)
                copy.write(b"".join(rows) + _TAIL)
            with cursor.copy(_copy(OFFERS.name, [column.name for column in OFFERS.columns])) as copy:
                copy.write(_HEAD)
                for start in range(0, len(offers), _LINES):
                    copy.write(b"".join(_offer(*_OFFER.unpack(one)) for one in offers[start : start + _LINES]))
                copy.write(_TAIL)
        for _, definition in indices:
            connection.execute(definition.encode())
        connection.execute("DELETE FROM label_counts")
        connection.execute(
            "INSERT INTO label_counts (collection_id, label_id, environment, offers)"
            " SELECT collection_id, label_id, environment, count(*) FROM offers GROUP BY 1, 2, 3"
        )
        connection.execute(
            "UPDATE collections SET head_seq = (SELECT max(offer_seq) FROM offers),"
            " head_added = (SELECT max(date_added) FROM offers) WHERE alias = 'exchange'"
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(file=sys.stderr)


def _pick(
    chance: random.Random, chosen: dict[tuple[str, str, int], tuple[int, ...]]
) -> tuple[str, tuple[int, int, int]]:
    kind = RARE_TYPE if chance.random() < RARE else TYPES[int(chance.random() * len(TYPES))]
    roll = chance.random()
    if roll < FEW:
        index = 0
    elif roll < FEW + SOME:
        index = 1 + int(chance.random() * SOME_MARKINGS)
    else:
        index = 1 + SOME_MARKINGS + int(chance.random() * (MARKINGS - 1 - SOME_MARKINGS))
    label, owner, submission = chosen[OWNERS[int(chance.random() * len(OWNERS))], kind, index]
    return kind, (label, owner, submission)


# --- PostgreSQL's binary COPY: each field behind its length ----------------------------------------------------------

_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL: Final = b"\xff\xff"
_NONE: Final = b"\xff\xff\xff\xff"
_OFFER: Final = struct.Struct("=qqq")
_FILL: Final = ("x" * SIZE).encode()
_VERSION: Final = parse_instant(STAMP)
_NUMBERS: Final = struct.Struct(">hiqihiqiq")
_LENGTH: Final = struct.Struct(">i")
_INT8: Final = struct.Struct(">iq")
_OFFERED: Final = struct.Struct(">hiqiqihiqiqiqiqibi")


def _copy(table: str, columns: Sequence[str]) -> bytes:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)".encode()


def _field(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _contribution(number: int, kind: str, label: int, owner: int, submission: int) -> bytes:
    """Return one row, its columns in the table's order."""
    own = f"{kind}--{number:08x}-0000-4000-8000-{number:012x}"
    body = f'{{"type":"{kind}","id":"{own}","spec_version":"2.1","name":"object {number}","description":"'.encode()
    body += _FILL[: SIZE - len(body) - 2] + b'"}'
    return b"".join(
        (
            _NUMBERS.pack(16, 8, number, 2, LIVE, 8, owner, 8, object_key(LIVE, own)),
            _field(own.encode()),
            _INT8.pack(8, _VERSION),
            _field(kind.encode()),
            _INT8.pack(8, label),
            _field(body[:32]),  # for a salt
            _INT8.pack(8, submission),
            _field(b"\1"),
            _field(b"\0"),
            _NONE,
            _NONE,
            _field(body[:32]),  # for a digest
            _field(body),
        )
    )


def _offer(label: int, number: int, added: int) -> bytes:
    """Return one row: offers are numbered as contributions are, in the one collection there is."""
    return _OFFERED.pack(9, 8, 1, 8, number, 2, LIVE, 8, label, 8, number, 8, _VERSION, 8, added, 1, 0, -1)
