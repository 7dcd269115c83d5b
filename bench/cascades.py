"""Cascades: the compiled engine, against networkx (no time, no buffers) and numpy stepped by the hour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import networkx as nx
import numpy as np
from scipy import sparse

from bench.measure import Ratio, Table, interleave, line, over, rate
from tocsin.map.cascade.engine import Hourly, simulate
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.hits import DAMAGE, FROM, HIT, UNTIL, Hits, of_table
from tocsin.map.cascade.wiring import ALPHA, ASSET, BUFFER, COUNTED, FLAGS, REFILL, WANTED, assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.measure import Line
    from bench.run import Run
    from tocsin.map.cascade.wiring import Wiring

    Floats = NDArray[np.float64]

HORIZON: Final = 168  # hours
SHARE: Final = 0.01  # of the assets, hit in each sample
MEAN_REPAIR_H: Final = 24.0
# assets, samples, seconds that we want to stay below (on two processors)
SIZES: Final = ((10_000, 1_000, 0.5), (100_000, 1_000, 3.0), (1_000_000, 1_000, 60.0))
QUICK: Final = 100_000  # assets, at most
# Hits in memory at once: ten million of them (a million assets, a thousand samples) are 0.9 GB while they are drawn,
# beside 0.4 GB of map and 0.4 GB of state for each worker.
BATCH: Final = 1_000_000
OURS, STEPPED, NETWORKX = "ours", "numpy and scipy, stepped by the hour", "networkx, without time"
PEER_SAMPLES: Final = 4


def measure(run: Run) -> Iterator[Table]:
    """Measure whole runs at each size, then ours against others at the smallest."""
    for degraded in (False, True):
        for assets, samples, aim in SIZES:
            if not run.quick or assets <= QUICK:
                yield _whole(assets, samples, aim, degraded=degraded)
        yield _against(run, degraded=degraded)


def made(assets: int, *, degraded: bool, seed: int = 1) -> Wiring:
    """Return a map of four tiers, each ten times as large as that above.

    Each asset needs power and control of two suppliers each, drawn from the tier above: any one of them (``degraded``:
    by what they give together, three quarters of which is enough); half of the needs have buffers of 4
    to 24 hours. The first tier needs the second's control: a ring.
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
    fixed[:, WANTED] = 3 * FULL // 2 if degraded else 1
    fixed[:, FLAGS] = 0 if degraded else COUNTED
    fixed[:, BUFFER] = np.where(draw.random(groups) < 0.5, draw.integers(4, 25, groups), 0) * TICKS * FULL
    fixed[:, REFILL] = FULL
    fixed[:, ALPHA] = FULL // 2 if degraded else FULL
    edges = np.column_stack([chosen.ravel(), np.repeat(np.arange(groups), 2), np.full(2 * groups, FULL)])
    ones = np.ones(assets, dtype=np.int64)
    return assemble(
        fixed=fixed, up_from=np.full(groups, FULL), edges=edges, sector_of=0 * ones, people=100 * ones, value_h=ones
    )


def drawn(wiring: Wiring, samples: int, *, degraded: bool, seed: int = 2) -> Hits:
    """Return hits: a hundredth of the assets in each sample, from 0 until repairs that take a day on average."""
    draw = np.random.default_rng(seed)
    gaps = draw.geometric(SHARE, int(1.1 * SHARE * wiring.assets * samples) + 1_000)
    places = np.cumsum(gaps) - 1
    places = places[places < wiring.assets * samples]
    sample, asset = np.divmod(places, wiring.assets)
    table = np.zeros((len(places), 4), dtype=np.int64)
    table[:, HIT] = asset
    table[:, DAMAGE] = draw.integers(1, FULL + 1, len(places)) if degraded else FULL
    table[:, UNTIL] = draw.exponential(MEAN_REPAIR_H * TICKS, len(places)).astype(np.int64)
    first = np.searchsorted(sample, np.arange(samples + 1)).astype(np.int64)
    return of_table(wiring, first=first, table=table)


def _whole(assets: int, samples: int, aim: float, *, degraded: bool) -> Table:
    wiring = made(assets, degraded=degraded)
    simulate(wiring, drawn(wiring, 2, degraded=degraded), horizon_h=HORIZON)  # compiled, or read from its cache
    contenders = {Hourly.NONE: "sums by asset", Hourly.ASSET: "and by asset and hour"}
    lines: list[Line] = []
    seconds: dict[str, float] = {}
    processor: dict[str, float] = {}
    batch = max(1, min(samples, int(BATCH / (SHARE * assets))))
    for hourly, name in contenders.items():
        if hourly is Hourly.ASSET and assets > QUICK:
            continue  # a table of 1.3 GB for each worker
        seconds[name] = processor[name] = hurt = struck = 0.0
        for at in range(0, samples, batch):
            hits = drawn(wiring, min(batch, samples - at), degraded=degraded, seed=2 + at)
            wall, cpu = time.perf_counter(), time.process_time()
            outcome = simulate(wiring, hits, horizon_h=HORIZON, hourly=hourly)
            seconds[name] += time.perf_counter() - wall
            processor[name] += time.process_time() - cpu
            hurt += float(outcome.sums.outage[:, 1].sum())
            struck += len(hits.table)
        lines += [line(name, "s", [seconds[name]]), line(f"{name}: processor", "s", [processor[name]])]
    return Table(
        name="cascades",
        title=f"{assets:,} assets, {samples:,} samples, {HORIZON} hours, {_kind(degraded=degraded)}",
        lines=tuple(lines),
        ratios=(
            Ratio(name="seconds of two processors", value=processor["sums by asset"] / 2, aim=aim, below=True),
            Ratio(name="seconds by the clock, beside whoever else was there", value=seconds["sums by asset"]),
        ),
        notes=(f"{struck / samples:,.0f} assets hit and {hurt / samples:,.0f} hurt in a sample, on average",),
    )


def _against(run: Run, *, degraded: bool) -> Table:
    wiring = made(SIZES[0][0], degraded=degraded)
    hits = drawn(wiring, 200, degraded=degraded)
    few = hits.part(0, PEER_SAMPLES)
    graph = _graph(wiring)
    values = interleave(
        run.rounds(3),
        {
            OURS: lambda: rate(200, lambda: simulate(wiring, hits, horizon_h=HORIZON, jobs=1)),
            STEPPED: lambda: rate(PEER_SAMPLES, lambda: _stepped(wiring, few)),
            NETWORKX: lambda: rate(PEER_SAMPLES, lambda: _fallen(graph, wiring, few)),
        },
        run.noise,
    )
    return Table(
        name="cascades",
        title=f"{wiring.assets:,} assets, {_kind(degraded=degraded)}: one processor each",
        lines=tuple(line(name, "samples/s", measured) for name, measured in values.items()),
        ratios=(
            Ratio(name="ours to numpy by the hour", value=over(values, OURS, STEPPED)),
            Ratio(name="ours to networkx", value=over(values, OURS, NETWORKX)),
        ),
        notes=(
            "stepped by the hour, what happens within an hour is not seen",
            "networkx: what is down for good when nothing is repaired and no buffer helps; degraded counts as none",
        ),
    )


def _kind(*, degraded: bool) -> str:
    return "degraded service" if degraded else "up or down"


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
