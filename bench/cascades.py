"""Cascades: the compiled engine, against networkx (no time, no buffers) and numpy stepped by the hour."""

from __future__ import annotations

import resource
import statistics
import time
from typing import TYPE_CHECKING, Final, TypeVar

import networkx as nx
import numpy as np
from scipy import sparse

from bench.measure import Ratio, Table, interleave, line, over, rate
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.cascade.engine import Hourly, simulate
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.hits import DAMAGE, FROM, HIT, UNTIL
from tocsin.map.cascade.wiring import ALPHA, ASSET, BUFFER, COUNTED, FLAGS, REFILL, WANTED, assemble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from bench.measure import Line
    from bench.run import Run
    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.wiring import Wiring

    Floats = NDArray[np.float64]

T = TypeVar("T")

HORIZON: Final = 168  # hours
SHARE: Final = 0.01  # of the assets, hit in each sample
MEAN_REPAIR_H: Final = 24.0
SAMPLES: Final = 1_000
# assets, seconds that we want to stay below (on two processors), rounds
SIZES: Final = ((10_000, 0.5, 5), (100_000, 3.0, 3), (1_000_000, 60.0, 1))
QUICK: Final = 100_000  # assets, at most
# assets; samples of ours, and of the others, in a round
PEERS: Final = {10_000: (200, 4), 100_000: (50, 1)}
OURS, STEPPED, NETWORKX = "ours", "numpy and scipy, stepped by the hour", "networkx, without time"
SUMS, HOURS, DRAWN = "sums by asset", "and by asset and hour", "drawing the samples"
# Each asset needs power and control of two suppliers each: either of them, three quarters of both, or all of both.
UP_OR_DOWN, DEGRADED, NO_MARGIN = "up or down", "degraded service", "degraded, and no margin anywhere"


def measure(run: Run) -> Iterator[Table]:
    """Measure whole runs at each size, then ours against others."""
    for kind in (UP_OR_DOWN, DEGRADED):
        for assets, aim, rounds in SIZES:
            if not run.quick or assets <= QUICK:
                yield _whole(assets, kind, aim=aim, rounds=rounds)
        for assets in PEERS:
            if assets == SIZES[0][0] or not run.quick:
                yield _against(run, assets, kind)
    yield _whole(SIZES[0][0], NO_MARGIN, aim=None, rounds=3)


def made(assets: int, kind: str, *, seed: int = 1) -> Wiring:
    """Return a map of four tiers, each ten times as large as that above.

    Each asset needs power and control of two suppliers each, drawn from the tier above, and half of the needs have
    buffers of 4 to 24 hours. The first tier needs the second's control: a ring.
    """
    draw = np.random.default_rng(seed)
    ends = np.unique((assets / 10.0 ** np.arange(3, -1, -1)).astype(np.int64))
    tier = np.searchsorted(ends, np.arange(assets), side="right")
    starts = np.concatenate([[0], ends])
    above = np.where(tier == 0, 1, tier - 1)
    groups = 2 * assets
    owner = np.repeat(np.arange(assets), 2)
    low, high = starts[above][owner], starts[above + 1][owner]
    chosen = low[:, None] + (draw.random((groups, 2)) * (high - low)[:, None]).astype(np.int64)
    chosen[:, 1] = np.where(chosen[:, 1] == chosen[:, 0], low + (chosen[:, 0] - low + 1) % (high - low), chosen[:, 1])
    fixed = np.zeros((groups, 8), dtype=np.int64)
    fixed[:, ASSET] = owner
    fixed[:, WANTED] = {UP_OR_DOWN: 1, DEGRADED: 3 * FULL // 2, NO_MARGIN: 2 * FULL}[kind]
    fixed[:, FLAGS] = COUNTED if kind == UP_OR_DOWN else 0
    fixed[:, BUFFER] = np.where(draw.random(groups) < 0.5, draw.integers(4, 25, groups), 0) * TICKS * FULL
    fixed[:, REFILL] = FULL
    fixed[:, ALPHA] = FULL
    edges = np.column_stack([chosen.ravel(), np.repeat(np.arange(groups), 2), np.full(2 * groups, FULL)])
    ones = np.ones(assets, dtype=np.int64)
    return assemble(
        fixed=fixed, up_from=np.full(groups, FULL), edges=edges, sector_of=0 * ones, people=100 * ones, value_h=ones
    )


def hazard_of(assets: int, kind: str) -> Hazard:
    """Return a hundredth's chance for each; repairs from 0 that take a day on average; by halves where degraded."""
    share = np.arange(1_001) / 1_001
    return Hazard(
        chance=np.full(assets, SHARE),
        damage=np.tile([1.0 if kind == UP_OR_DOWN else 0.0, 1.0], (assets, 1)),
        repairs=-MEAN_REPAIR_H * np.log1p(-share)[None, :],
        repair_of=np.zeros(assets, dtype=np.int64),
    )


class _Spent:
    """Seconds of the clock and of the processor, by what they went to."""

    def __init__(self) -> None:
        self.clock: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def on(self, name: str, work: Callable[[], T]) -> T:
        clock, processor = time.perf_counter(), time.process_time()
        result = work()
        self.clock.setdefault(name, []).append(time.perf_counter() - clock)
        self.processor.setdefault(name, []).append(time.process_time() - processor)
        return result

    def lines(self) -> list[Line]:
        both = ((self.clock, ""), (self.processor, ": processor"))
        return [line(name + what, "s", times[name]) for name in self.clock for times, what in both]


def _whole(assets: int, kind: str, *, aim: float | None, rounds: int) -> Table:
    wiring, hazard = made(assets, kind), hazard_of(assets, kind)
    keys = keys_of([str(number) for number in range(assets)])
    few = draw_hits(wiring, hazard, keys, seed=1, samples=range(2))
    simulate(wiring, few, horizon_h=HORIZON)  # compiled, or read from its cache
    spent = _Spent()
    for _ in range(rounds):
        hits = spent.on(DRAWN, lambda: draw_hits(wiring, hazard, keys, seed=2, samples=range(SAMPLES)))
        outcome = spent.on(SUMS, lambda: simulate(wiring, hits, horizon_h=HORIZON))  # noqa: B023 -- called at once
        if assets <= QUICK:  # beyond, a table of 1.3 GB for each worker
            spent.on(HOURS, lambda: simulate(wiring, hits, horizon_h=HORIZON, hourly=Hourly.ASSET))  # noqa: B023
    clock, processor = (
        statistics.median(one + other for one, other in zip(times[DRAWN], times[SUMS], strict=True))
        for times in (spent.clock, spent.processor)
    )
    struck, hurt = len(hits.table) / SAMPLES, outcome.sums.outage[:, 1].sum() / SAMPLES
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Table(
        name="cascades",
        title=f"{assets:,} assets, {SAMPLES:,} samples, {HORIZON} hours, {kind}",
        lines=tuple(spent.lines()),
        ratios=(
            Ratio(name="drawn and summed up: seconds of two processors", value=processor / 2, aim=aim, below=True),
            Ratio(name="the same by the clock, beside whoever else was there", value=clock, aim=aim, below=True),
        ),
        notes=(
            f"{struck:,.0f} assets hit and {hurt:,.0f} hurt in a sample, on average",
            f"{peak:.1f} GiB of memory at most, by this process until here",
        ),
    )


def _against(run: Run, assets: int, kind: str) -> Table:
    wiring, hazard = made(assets, kind), hazard_of(assets, kind)
    keys = keys_of([str(number) for number in range(assets)])
    many, few = PEERS[assets]
    hits = draw_hits(wiring, hazard, keys, seed=2, samples=range(many))
    part, graph = hits.part(0, few), _graph(wiring)
    lost = simulate(wiring, part, horizon_h=HORIZON).lost_h.sum()
    theirs = _stepped(wiring, part).sum()
    contenders = {
        OURS: lambda: rate(many, lambda: simulate(wiring, hits, horizon_h=HORIZON, jobs=1)),
        STEPPED: lambda: rate(few, lambda: _stepped(wiring, part)),
        NETWORKX: lambda: rate(few, lambda: _fallen(graph, wiring, part)),
    }
    values = interleave(run.rounds(3), contenders, run.noise)
    return Table(
        name="cascades",
        title=f"{assets:,} assets, {kind}: one processor each",
        lines=tuple(line(name, "samples/s", measured) for name, measured in values.items()),
        ratios=tuple(
            Ratio(name=f"ours to {name}", value=over(values, OURS, name)) for name in contenders if name != OURS
        ),
        notes=(
            f"stepped by the hour, what happens within an hour is not seen: {theirs / lost - 1:+.1%} asset-hours lost",
            "networkx: what is down for good when nothing is repaired and no buffer helps; degraded counts as none",
        ),
    )


def _stepped(wiring: Wiring, hits: Hits) -> Floats:
    """Return the service lost by each sample: every asset, every hour, as arrays."""
    fixed = wiring.fixed.astype(np.float64)
    counted = (wiring.fixed[:, FLAGS] & COUNTED) != 0
    wanted = np.where(counted, fixed[:, WANTED], fixed[:, WANTED] / FULL)
    weights = np.where(np.repeat(counted, np.diff(wiring.from_of)), 1.0, wiring.sources[:, 1] / FULL)
    supplies = sparse.csr_array((weights, wiring.sources[:, 0], wiring.from_of), shape=(wiring.groups, wiring.assets))
    alpha, buffer = fixed[:, ALPHA] / FULL, fixed[:, BUFFER] / FULL / TICKS
    lost = np.zeros(hits.samples)
    for sample in range(hits.samples):
        rows = hits.table[hits.first[sample] : hits.first[sample + 1]]
        service, stock = np.ones(wiring.assets), buffer.copy()
        for hour in range(HORIZON):
            own = np.ones(wiring.assets)
            struck = rows[(rows[:, FROM] <= hour * TICKS) & (rows[:, UNTIL] > hour * TICKS)]
            own[struck[:, HIT]] = 1 - struck[:, DAMAGE] / FULL
            service = np.maximum(service, own)
            while True:
                given = supplies @ service / wanted
                supply = np.where(counted, given >= 1, np.minimum(given, 1))
                covered = np.where(stock > 0, 1.0, supply)
                allowed = np.minimum.reduceat(alpha * covered + 1 - alpha, wiring.groups_of[:-1])
                new = np.minimum(own, allowed)
                if np.abs(new - service).max() <= 1e-9:
                    break
                service = new
            stock = np.where(supply < 1, np.maximum(0, stock - (1 - supply)), np.minimum(buffer, stock + 1))
            lost[sample] += (1 - service).sum()
    return lost


def _graph(wiring: Wiring) -> nx.DiGraph[object]:
    graph: nx.DiGraph[object] = nx.DiGraph()
    for group in range(wiring.groups):
        need = ("need", group)
        graph.add_edge(need, int(wiring.fixed[group, ASSET]))
        begin, end = wiring.from_of[group], wiring.from_of[group + 1]
        graph.add_edges_from((int(source), need) for source in wiring.sources[begin:end, 0])
    return graph


def _fallen(graph: nx.DiGraph[object], wiring: Wiring, hits: Hits) -> list[int]:
    """Return how many assets each sample leaves without service."""
    found = []
    for sample in range(hits.samples):
        down: set[object] = set(hits.table[hits.first[sample] : hits.first[sample + 1], HIT].tolist())
        fresh = list(down)
        while fresh:
            for need in graph.successors(fresh.pop()):
                up = sum(source not in down for source in graph.predecessors(need))
                if need in down or up >= _at_least(wiring, need):
                    continue
                down.add(need)
                for asset in graph.successors(need):
                    if asset not in down:
                        down.add(asset)
                        fresh.append(asset)
        found.append(sum(not isinstance(one, tuple) for one in down))
    return found


def _at_least(wiring: Wiring, need: object) -> int:
    assert isinstance(need, tuple)
    row = wiring.fixed[need[1]]
    return int(row[WANTED] if row[FLAGS] & COUNTED else row[WANTED] // FULL)
