"""GET of a page of 1,000, against the bare framework serving the same stored bytes; the durable release apart."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from bench import hubs
from bench.data import Source
from bench.http_client import Client, Server
from bench.measure import Costs, Ratio, Table, interleave, line, over, seconds
from tocsin.exchange.model import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.run import Run
    from tocsin.bootstrap import Hub
    from tocsin.exchange.reading import Asker
    from tocsin.settings import Settings

ROUNDS: Final = 25
SIZE: Final = 1_000
# of a round, so that a page is not measured by one stroke of the disk
TIMES: Final = 20
GET, STORE, MEMORY = "ours, GET", "bare Litestar, the same rows of SQLite", "bare Litestar, bytes held in memory"
SERVICE, UNREAD, RELEASE = "ours, in process", "ours, in process, of bytes not read lately", "of it the durable release"


def measure(run: Run) -> Iterator[Table]:
    """Measure one connection's pages, over HTTP, in turn."""
    source = Source()
    settings, _, token = hubs.small_hub(run.folder / "bare")
    with hubs.opened(settings) as hub:
        hubs.share(hub, hubs.OWNER, source.bundle(SIZE))
    with _bare(settings) as bare, hubs.served(settings, token) as server, hubs.opened(settings) as hub:
        costs, releases = Costs(), list[float]()
        path = f"/objects/?limit={SIZE}"
        sizes = [len(bare.client.get("/store")), len(bare.client.get("/memory")), len(server.client.get(path))]
        assert max(sizes) - min(sizes) < SIZE, "they serve other bytes"
        asker = hubs.asker(hubs.READER)
        with _release_timed(hub, releases):
            turns = {
                GET: costs.counted(GET, server.pid, TIMES, _often(lambda: server.client.get(path))),
                STORE: costs.counted(STORE, bare.pid, TIMES, _often(lambda: bare.client.get("/store"))),
                MEMORY: costs.counted(MEMORY, bare.pid, TIMES, _often(lambda: bare.client.get("/memory"))),
                SERVICE: _often(lambda: hub.reading.objects(asker, "exchange", Query(), limit=SIZE)),
                UNREAD: _often(lambda: _unread(hub, asker)),
            }
            for turn in turns.values():
                turn()
            releases.clear()
            values = interleave(run.rounds(ROUNDS), turns, run.noise)
    lines = {name: line(name, "ms", measured) for name, measured in values.items()}
    release = line(RELEASE, "ms", releases)
    apart = lines[GET].median - release.median
    used = costs.each(GET)
    yield Table(
        name="bare",
        title=f"GET limit={SIZE:,} against the bare framework serving the same stored bytes",
        lines=(*lines.values(), release, *costs.lines("page")),
        ratios=(
            Ratio(name="GET, objects/s", value=1e3 * SIZE / lines[GET].median, aim=100_000),
            Ratio(name="GET without the release, objects/s", value=1e3 * SIZE / apart, aim=100_000),
            Ratio(name="GET without the release, to bare from the store", value=lines[STORE].median / apart, aim=0.5),
            Ratio(name="GET, to bare from the store", value=over(values, STORE, GET)),
            Ratio(name="in process, bytes not read lately to those kept", value=over(values, UNREAD, SERVICE)),
            Ratio(name="GET, to bare from memory", value=over(values, MEMORY, GET)),
            Ratio(name="GET, objects/s of one processor (the server's time)", value=1e3 * SIZE / used),
        ),
        notes=(
            source.note(),
            "one client, one connection, loopback; one process each, both under uvicorn's h11",
            "ours signs in, decides, stages a release durably before the first byte, and enters it into the log later",
            "what was read lately is in memory with us; `bare, the same rows of SQLite` fetches it anew each time",
            "the release is timed in process, in the same rounds: from the end of the snapshot to the commit",
        ),
    )


def _often(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: 1e3 * seconds(lambda: [work() for _ in range(TIMES)]) / TIMES


def _unread(hub: Hub, asker: Asker) -> None:
    hubs.nothing_read(hub)
    hub.reading.objects(asker, "exchange", Query(), limit=SIZE)


@contextlib.contextmanager
def _release_timed(hub: Hub, measured: list[float]) -> Iterator[None]:
    """Time what a page does to leave its release behind, while the ``with`` lasts."""
    reading = hub.reading
    stage = reading._stage  # noqa: SLF001  what it costs is told apart, and it has no door of its own

    def timed(*args: object, **named: object) -> object:
        start = time.perf_counter()
        try:
            return stage(*args, **named)  # type: ignore[arg-type]  # handed on as it came
        finally:
            measured.append(1e3 * (time.perf_counter() - start))

    reading._stage = timed  # type: ignore[method-assign,assignment]  # noqa: SLF001
    try:
        yield
    finally:
        reading._stage = stage  # type: ignore[method-assign]  # noqa: SLF001


@contextlib.contextmanager
def _bare(settings: Settings) -> Iterator[Server]:
    command = [sys.executable, "-m", "bench.serve_bare", str(settings.home / "hub.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line_ = process.stdout.readline().strip()
            time.sleep(1)  # it listens already; this is until it answers
            yield Server(client=Client(line_, "Bearer none"), pid=process.pid)
        finally:
            process.terminate()
