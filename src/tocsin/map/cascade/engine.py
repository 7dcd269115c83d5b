"""Run cascades: many samples, shared out among workers, summed up in integers.

By the kernel; where numba is not, by the reference, which gives the same, slowly.
"""

from __future__ import annotations

import enum
import itertools
from typing import TYPE_CHECKING, Final

import joblib
import numpy as np

from tocsin.errors import InputError, LimitError
from tocsin.map.cascade.grid import MOST_TICKS, ticks_of
from tocsin.map.cascade.hits import ONE_HIT
from tocsin.map.cascade.outcome import Outcome
from tocsin.map.cascade.plainly import add_plainly
from tocsin.map.cascade.reference import Course, course
from tocsin.map.cascade.state import N_TRACE, N_TRACE_EMPTIED, Sums, lines_of, new_work

if TYPE_CHECKING:
    from types import ModuleType

    from tocsin.map.cascade.hits import Hits
    from tocsin.map.cascade.wiring import Ints, Wiring

__all__ = ["MOST_TOLD", "Hourly", "compiled_kernel", "courses", "simulate", "trace"]

# How often, in one sample, an asset may tell its dependents of a change. A cascade over a million assets takes some
# millions; only a ring whose weights fall short of what it needs by a millionth creeps down step by step: a minute.
MOST_TOLD: Final = 500_000_000
_MOST_SUM: Final = 1 << 62


class Hourly(enum.StrEnum):
    """Of what the outage of each hour is kept: a table of as many rows as hours, for each worker."""

    NONE = "none"
    SECTOR = "sector"
    ASSET = "asset"


def compiled_kernel() -> ModuleType | None:
    """Return the module of compiled functions; None where numba is not installed, or not for this Python.

    It is imported when it is first asked for: numba takes a second, which nobody waits for who simulates nothing.
    """
    try:
        from tocsin.map.cascade import kernel  # noqa: PLC0415 -- see above
    except ImportError:
        return None
    return kernel


def simulate(
    wiring: Wiring,
    hits: Hits,
    *,
    horizon_h: float,
    hourly: Hourly = Hourly.NONE,
    jobs: int = -1,
    most_told: int = MOST_TOLD,
) -> Outcome:
    """Return what follows from the hits of every sample within ``horizon_h`` hours.

    ``jobs``: workers, as joblib counts them (-1: one for each processor). They are threads of this process that share
    the map; ``joblib.parallel_config`` puts others in their place (loky, dask, ray). The outcome is the same, bit for
    bit, however many there are. Raises ``InputError`` for an asset that is hit twice in a sample, ``LimitError`` for
    what would not fit a sum, and for a cascade that goes on and on.
    """
    if hits.samples == 0:
        raise InputError("there are no samples", todo="hit nothing in one sample, if that is what you mean")
    horizon = _horizon(wiring, horizon_h)
    _bounded(wiring, hits, horizon)
    workers = max(1, min(joblib.effective_n_jobs(jobs), hits.samples))
    bounds = [hits.samples * worker // workers for worker in range(workers + 1)]
    parts = joblib.Parallel(n_jobs=jobs, prefer="threads")(
        joblib.delayed(_part)(wiring, hits, begin, end, horizon=horizon, hourly=hourly, most_told=most_told)
        for begin, end in itertools.pairwise(bounds)
    )
    total = _joined(parts)
    return Outcome(wiring=wiring, samples=hits.samples, horizon=horizon, hourly_of=hourly.value, sums=total)


def trace(wiring: Wiring, hits: Hits, *, horizon_h: float, most_told: int = MOST_TOLD) -> Course:
    """Return everything that happens in the one sample that ``hits`` has."""
    if hits.samples != 1:
        raise InputError(f"{hits.samples} samples", todo="one sample is traced at a time")
    return courses(wiring, hits, horizon_h=horizon_h, jobs=1, most_told=most_told)[0]


def courses(
    wiring: Wiring, hits: Hits, *, horizon_h: float, jobs: int = -1, most_told: int = MOST_TOLD
) -> list[Course]:
    """Return everything that happens, sample by sample. Errors and ``jobs`` as ``simulate`` has them.

    All of it is in memory: for questions about when something happens, of some thousands of samples.
    """
    if hits.samples == 0:
        return []
    horizon = _horizon(wiring, horizon_h)
    _bounded(wiring, hits, horizon)
    if compiled_kernel() is None:
        return [course(wiring, hits.part(at, at + 1).table, horizon) for at in range(hits.samples)]
    workers = max(1, min(joblib.effective_n_jobs(jobs), hits.samples))
    bounds = [hits.samples * worker // workers for worker in range(workers + 1)]
    parts = joblib.Parallel(n_jobs=jobs, prefer="threads")(
        joblib.delayed(_traced)(wiring, hits, begin, end, horizon=horizon, most_told=most_told)
        for begin, end in itertools.pairwise(bounds)
    )
    return [one for part in parts for one in part]


def _traced(wiring: Wiring, hits: Hits, begin: int, end: int, *, horizon: int, most_told: int) -> list[Course]:
    part = hits.part(begin, end)
    room = 64 + 4 * len(part.table)
    while True:
        sums = _new_sums(wiring, end - begin, 0, Hourly.NONE, room)
        changes, emptied = _run(wiring, part, sums, begin=begin, horizon=horizon, most_told=most_told)
        if max(changes, emptied) <= room:
            break
        room = max(changes, emptied)
    rows, emptied_rows = sums.trace[:changes], sums.trace_emptied[:emptied]
    # by sample, then instant, then asset or group
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0], rows[:, 3]))]
    emptied_rows = emptied_rows[np.lexsort((emptied_rows[:, 1], emptied_rows[:, 0], emptied_rows[:, 2]))]
    each = np.arange(end - begin + 1)
    of, of_emptied = np.searchsorted(rows[:, 3], each), np.searchsorted(emptied_rows[:, 2], each)
    told = [(t, asset, level) for t, asset, level, _ in rows.tolist()]
    told_emptied = [(t, group) for t, group, _ in emptied_rows.tolist()]
    return [
        Course(
            changes=tuple(told[of[at] : of[at + 1]]), emptied=tuple(told_emptied[of_emptied[at] : of_emptied[at + 1]])
        )
        for at in range(end - begin)
    ]


def _horizon(wiring: Wiring, hours: float) -> int:
    horizon = ticks_of(hours, wiring.ticks_per_hour)
    if not 0 < horizon <= MOST_TICKS:
        raise LimitError(f"a horizon of {hours:g} hours", todo=f"up to {MOST_TICKS // wiring.ticks_per_hour:,} hours")
    return horizon


def _bounded(wiring: Wiring, hits: Hits, horizon: int) -> None:
    """See that every sum stays within 63 bits, whatever happens."""
    for name, most in (
        ("samples by assets by an hour", wiring.assets * hits.samples * wiring.ticks_per_hour),
        ("samples by the horizon", hits.samples * horizon),
        ("assets by the horizon", wiring.assets * horizon),
        ("people by the horizon", sum(wiring.people.tolist()) * horizon),
        ("value_h by the horizon", sum(wiring.value_h.tolist()) * horizon),
    ):
        if most > _MOST_SUM:
            raise LimitError(
                f"{name}, in ticks, would not fit a sum",
                todo="a nearer horizon, fewer samples at once, or larger units",
            )


def _part(wiring: Wiring, hits: Hits, begin: int, end: int, *, horizon: int, hourly: Hourly, most_told: int) -> Sums:
    hours = -(-horizon // wiring.ticks_per_hour)
    sums = _new_sums(wiring, end - begin, hours, hourly, 0)
    _run(wiring, hits.part(begin, end), sums, begin=begin, horizon=horizon, most_told=most_told)
    return sums


def _run(wiring: Wiring, hits: Hits, sums: Sums, *, begin: int, horizon: int, most_told: int) -> tuple[int, int]:
    kernel = compiled_kernel()
    if kernel is None:
        add_plainly(wiring, hits, sums, horizon=horizon)
        return 0, 0
    work = new_work(wiring, hits)
    code, sample = kernel.simulate_samples(
        lines_of(wiring), work, sums, hits.first, hits.table, horizon, wiring.ticks_per_hour, most_told
    )
    if code == kernel.TWICE:
        raise InputError("an asset is hit twice", where=f"sample {begin + sample}", todo=ONE_HIT)
    if code == kernel.ENDLESS:
        raise LimitError(
            f"after {most_told:,} changes the cascade still goes on",
            where=f"sample {begin + sample}",
            todo="look for a ring of assets whose weights add up to a little less than what they need",
        )
    return int(work.used[N_TRACE]), int(work.used[N_TRACE_EMPTIED])


def _new_sums(wiring: Wiring, samples: int, hours: int, hourly: Hourly, traced: int) -> Sums:
    rows = {Hourly.NONE: 0, Hourly.SECTOR: len(wiring.sectors), Hourly.ASSET: wiring.assets}[hourly]
    row_of = {
        Hourly.NONE: np.full(wiring.assets, -1, dtype=np.int64),
        Hourly.SECTOR: wiring.sector_of,
        Hourly.ASSET: np.arange(wiring.assets, dtype=np.int64),
    }[hourly]
    return Sums(
        outage=_zeros(wiring.assets, 2),
        hourly=_zeros(rows, hours + 2),
        row_of=row_of,
        buffers=_zeros(wiring.groups, 3),
        measures=_zeros(samples, len(wiring.sectors), 3),
        sector_of=wiring.sector_of,
        people=wiring.people,
        value_h=wiring.value_h,
        trace=_zeros(traced, 4),
        trace_emptied=_zeros(traced, 3),
    )


def _joined(parts: list[Sums]) -> Sums:
    """Add up what the workers have; samples follow each other. The first part's arrays are used up."""
    total = parts[0]
    outage, hourly, buffers = (np.array(array, copy=None) for array in (total.outage, total.hourly, total.buffers))
    for part in parts[1:]:
        outage += part.outage
        hourly += part.hourly
        both = (buffers[:, 0] > 0) & (part.buffers[:, 0] > 0)
        earliest = np.where(both, np.minimum(buffers[:, 2], part.buffers[:, 2]), buffers[:, 2] + part.buffers[:, 2])
        buffers[:, :2] += part.buffers[:, :2]
        buffers[:, 2] = earliest
    np.cumsum(hourly, axis=1, out=hourly)
    measures = np.concatenate([part.measures for part in parts])
    return total._replace(outage=outage, hourly=hourly[:, :-2], buffers=buffers, measures=measures)


def _zeros(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)
