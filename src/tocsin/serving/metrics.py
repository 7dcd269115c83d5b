"""What an operator's scraper reads: numbers about this process and the store, and no word about anybody.

No label names a party, a user, a collection or an object; routes are their templates. Still the numbers are about all
members at once (how much is offered, how many listen), so that they are for who runs the hub: docs/adr/0061.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from tocsin.exchange.tables import COLLECTIONS, RELEASES
from tocsin.kernel.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric
    from sqlalchemy import Connection

    from tocsin.exchange.live.streams import Streams
    from tocsin.exchange.search.indexer import Indexer
    from tocsin.kernel.db import Store
    from tocsin.kernel.http.edge import Answered
    from tocsin.kernel.http.lanes import Lane
    from tocsin.log.service import Log

__all__ = ["EXPOSITION", "Metrics", "staged_age"]

# The text format that every scraper reads, in the version that the library writes.
EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
# From a page out of memory to a bundle of the largest size.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WAITS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0)


class Metrics:
    """The numbers of one serving process."""

    def __init__(self, *, store: Store, log: Log, indexer: Indexer, streams: Streams, environment: int) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tocsin_requests", "Answers given.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "tocsin_request_seconds",
            "From a request's head to its answer; of a stream, to its first byte.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._waits = Histogram(
            "tocsin_writer_wait_seconds",
            "How long writers waited for their turn.",
            buckets=_WAITS,
            registry=self._registry,
        )
        self._lanes: tuple[Lane, ...] = ()
        self._store = store
        self._log = log
        self._indexer = indexer
        self._streams = streams
        self._environment = environment
        self._registry.register(_Scraped(self))

    def watch(self, lanes: Iterable[Lane]) -> None:
        """Tell of these lanes, too."""
        self._lanes = (*self._lanes, *lanes)

    def answered(self, answer: Answered) -> None:
        """Count one answer; any thread may."""
        self._requests.labels(answer.method, answer.route, str(answer.status)).inc()
        self._seconds.labels(answer.method, answer.route).observe(answer.seconds)

    def waited(self, seconds: float) -> None:
        """Count one wait for the writer's turn; any thread may."""
        self._waits.observe(seconds)

    def text(self) -> bytes:
        """Return everything in the format of ``EXPOSITION``; reads the store."""
        return generate_latest(self._registry)

    def scraped(self) -> Iterator[Metric]:
        """Yield what is read at the moment of asking."""
        work = GaugeMetricFamily("tocsin_lane_work", "Work that runs or waits in a lane.", labels=("lane",))
        refused = CounterMetricFamily("tocsin_lane_refused", "Work that a full lane refused.", labels=("lane",))
        for lane in self._lanes:
            work.add_metric((lane.name,), lane.depth)
            refused.add_metric((lane.name,), lane.refused)
        yield work
        yield refused
        yield GaugeMetricFamily("tocsin_stream_listeners", "Open streams.", value=self._streams.count)
        with self._store.read() as connection:
            head = self._log.head(connection)
            now = self._log.now(connection)
            staged, age = staged_age(connection, self._environment, now)
            offers = connection.execute(
                select(func.coalesce(func.sum(COLLECTIONS.c.head_seq), 0)).where(
                    COLLECTIONS.c.environment == self._environment
                )
            ).scalar_one()
        yield CounterMetricFamily("tocsin_offers", "Offers ever made, in all collections.", value=int(offers))
        yield CounterMetricFamily("tocsin_log_entries", "Entries of the log.", value=head.frontier.size)
        yield GaugeMetricFamily(
            "tocsin_checkpoint_age_seconds", "Since the newest checkpoint was signed.", value=(now - head.at) / SECOND
        )
        yield GaugeMetricFamily("tocsin_releases_staged", "Releases that are not in the log yet.", value=staged)
        yield GaugeMetricFamily(
            "tocsin_releases_staged_age_seconds", "Since the oldest of them left; 0 without any.", value=age
        )
        yield GaugeMetricFamily("tocsin_index_behind", "Offers that search does not know yet.", value=self._behind())

    def _behind(self) -> int:
        return self._indexer.behind()


class _Scraped(Collector):
    """The library's port to numbers that are read when they are asked for."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.scraped()

    def describe(self) -> Iterable[Metric]:
        # without it the library would collect once at registration, before there is anything to read
        return ()


def staged_age(connection: Connection, environment: int, now: int) -> tuple[int, float]:
    """Return how many releases are not in the log yet, and for how many seconds the oldest has not been."""
    waiting = connection.execute(
        select(func.count(), func.min(RELEASES.c.at)).where(
            RELEASES.c.environment == environment, RELEASES.c.log_idx.is_(None)
        )
    ).one()
    count, oldest = int(waiting[0]), waiting[1]
    return count, 0.0 if oldest is None else max(0.0, (now - int(oldest)) / SECOND)
