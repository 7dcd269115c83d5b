"""How we measure: interleaved rounds, medians, and a fixed loop that says how busy the machine was."""

from __future__ import annotations

import hashlib
import statistics
import time
from typing import TYPE_CHECKING, Final

import msgspec
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Some 40 ms of one core: long enough to feel a neighbour, short against any round.
LOOP: Final = 120_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one contender did: the median of its rounds, and its best and worst."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    rounds: int


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One contender against another. ``aim``: what we want of it at least, or at most where ``below``."""

    name: str
    value: float
    aim: float | None = None
    below: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.below else self.value >= self.aim


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's result."""

    name: str
    title: str
    notes: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    ratios: tuple[Ratio, ...] = ()


class Noise:
    """Runs the fixed loop before each round, and remembers how long it took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def probe(self) -> None:
        """Run the loop once."""
        start = time.perf_counter()
        block = b"\0" * 64
        for _ in range(LOOP):
            block = hashlib.sha256(block).digest()
        self.seconds.append(time.perf_counter() - start)

    def line(self) -> Line:
        """Return how long the loop took: on an idle machine its worst is near its best."""
        return line("the fixed loop", "ms", [1e3 * seconds for seconds in self.seconds])


def line(name: str, unit: str, values: list[float]) -> Line:
    """Sum up what was measured."""
    return Line(
        name=name, unit=unit, median=statistics.median(values), low=min(values), high=max(values), rounds=len(values)
    )


def interleave(rounds: int, contenders: Mapping[str, Callable[[], float]], noise: Noise) -> dict[str, list[float]]:
    """Let every contender have its turn in every round; each returns what it measured."""
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        noise.probe()
        for name, turn in contenders.items():
            measured[name].append(turn())
    return measured


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second, when ``work`` does ``count``."""
    return count / seconds(work)


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Cost:
    """The processor time of a process and its children, which a busy neighbour changes little."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._used()
        self.seconds = 0.0

    def _used(self) -> float:
        # gunicorn's worker is a child; what one used that has ended since stands with its parent
        own = self._process.cpu_times()
        times = [own, *(child.cpu_times() for child in self._process.children(recursive=True))]
        return sum(one.user + one.system for one in times) + own.children_user + own.children_system

    def start(self) -> None:
        """Begin to count."""
        self._before = self._used()

    def stop(self) -> None:
        """Add what was used since ``start``."""
        self.seconds += self._used() - self._before


class Costs:
    """What each contender's server used of the processor, over all its rounds."""

    def __init__(self) -> None:
        self._costs: dict[str, Cost] = {}
        self._done: dict[str, int] = {}

    def counted(self, name: str, pid: int, done: int, turn: Callable[[], float]) -> Callable[[], float]:
        """Return the turn with its cost counted; it does ``done`` units."""
        cost = self._costs[name] = Cost(pid)
        self._done[name] = 0

        def counted() -> float:
            cost.start()
            measured = turn()
            cost.stop()
            self._done[name] += done
            return measured

        return counted

    def each(self, name: str) -> float:
        """Return milliseconds of processor time for one unit."""
        return 1e3 * self._costs[name].seconds / self._done[name]

    def lines(self, unit: str) -> list[Line]:
        """Return what one unit cost each, over all rounds."""
        return [line(f"{name}: processor", f"ms/{unit}", [self.each(name)]) for name in self._costs]


def over(values: Mapping[str, list[float]], ours: str, theirs: str) -> float:
    """Return the ratio of two contenders' medians."""
    return statistics.median(values[ours]) / statistics.median(values[theirs])
