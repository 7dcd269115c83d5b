"""Whether the memory of a serving process stays where it is, over a million requests of every kind."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import psutil

from bench import hubs
from bench.data import Source
from bench.http_client import Client
from bench.measure import Ratio, Table, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.run import Run

SIZE: Final = 1_000
CLIENTS: Final = 4
PARTS: Final = 20
# where the first caches are full: what is held then is compared with what is held in the end
SETTLED: Final = 5
# A round: most requests of a client that polls find nothing; each page is durable, so that they are the fewer.
ROUND: Final = (
    *("/objects/?limit=1000", "/objects/?limit=10", "/manifest/?limit=100"),
    *("/objects/?added_after=2090-01-01T00:00:00Z",) * 60,
    *("/",) * 30,
    *("/objects/?match[type]=campaign&added_after=2090-01-01T00:00:00Z",) * 7,
)


def measure(run: Run) -> Iterator[Table]:
    """Ask, and look at the process twenty times."""
    requests = min(run.requests, 20_000) if run.quick else run.requests
    settings, _, token = hubs.small_hub(run.folder / "memory")
    with hubs.opened(settings) as hub:
        hubs.share(hub, hubs.OWNER, Source().bundle(SIZE))
    resident: list[float] = []
    rates: list[float] = []
    with hubs.served(settings, token) as server, ThreadPoolExecutor(CLIENTS) as pool:
        process = psutil.Process(server.pid)
        clients = [server.client, *(Client(server.base, f"Bearer {token}") for _ in range(CLIENTS - 1))]
        for _ in range(PARTS):
            run.noise.probe()
            start = time.perf_counter()
            list(pool.map(_asking, clients, itertools.repeat(requests // PARTS // CLIENTS)))
            rates.append(requests / PARTS / (time.perf_counter() - start))
            resident.append(process.memory_info().rss / 2**20)
    yield Table(
        name="memory",
        title=f"Memory of a serving process over {requests:,} requests",
        lines=(
            line("resident, looked at twenty times", "MiB", resident),
            line("after a quarter", "MiB", [resident[SETTLED - 1]]),
            line("in the end", "MiB", [resident[-1]]),
            line("requests", "requests/s", rates),
        ),
        ratios=(
            Ratio(
                name="in the end to after a quarter", value=resident[-1] / resident[SETTLED - 1], aim=1.1, below=True
            ),
        ),
        notes=(
            f"{CLIENTS} connections; of {len(ROUND)} requests 3 are pages, the others find nothing new",
            "resident after each twentieth: " + ", ".join(f"{value:.0f}" for value in resident) + " MiB",
        ),
    )


def _asking(client: Client, requests: int) -> None:
    for path in itertools.islice(itertools.cycle(ROUND), requests):
        client.get(path)
