"""The compiled engine: many samples, each by what its hits reach. It gives exactly what ``reference`` gives.

One instant: hits and repairs that are due, buffers that run out, then what can rise rises, what cannot stand falls, and
what changed is written down. Both follow changes from supplier to dependents; where a value moves only one way and the
grid is finite, the order does not matter to what comes of it (``docs/map.md``). It matters to how long it takes: by
rank, whoever is in no ring tells its dependents once, and a ring comes to rest before what hangs on it hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.map.cascade.compiled import bare, compiled, inlined
from tocsin.map.cascade.grid import FULL
from tocsin.map.cascade.hits import DAMAGE, FROM, HIT, UNTIL
from tocsin.map.cascade.state import (
    ALLOWS,
    AT,
    CHANGED,
    DUE,
    EMPTIED,
    FIRST,
    LAST,
    LOST,
    MARK,
    N_CHANGED,
    N_DIRTY,
    N_HEAP,
    N_RANKS,
    N_SAMPLE,
    N_SEEDS,
    N_TOLD,
    N_TOUCHED,
    N_TOUCHED_GROUPS,
    N_TRACE,
    N_TRACE_EMPTIED,
    N_WAITING,
    NEVER,
    NOBODY,
    NOW,
    OLD,
    OWN,
    QUEUED,
    SINCE,
    STOCK,
    STRUCK,
    SUM,
    SUPPLY,
    TOLD,
    TOUCHED,
    WAITING,
    Lines,
    Sums,
    Work,
)
from tocsin.map.cascade.wiring import ALPHA, ASSET, BETA, BLACK_START, BUFFER, COUNTED, FLAGS, REFILL, WANTED, WHOLE

if TYPE_CHECKING:
    from tocsin.map.cascade.wiring import Ints

__all__ = ["DONE", "ENDLESS", "TWICE", "simulate_samples"]

# Why it stopped: all samples done; a sample hits an asset twice; a sample goes on and on.
DONE = 0
TWICE = 1
ENDLESS = 2

# An event is instant << 26 | what: a group, or a hit of this sample << 1 | whether it ends.
_BITS = 26
_WHAT = (1 << _BITS) - 1


@compiled
def simulate_samples(
    lines: Lines, work: Work, sums: Sums, first: Ints, table: Ints, horizon: int, per_hour: int, most: int
) -> tuple[int, int]:
    """Simulate each sample up to ``horizon`` and add it to the sums; return why it stopped, and at which sample.

    ``most``: how often assets may tell their dependents of a change, in one sample.
    """
    lines, work, sums = _bare_lines(lines), _bare_work(work), _bare_sums(sums)
    hits = bare(table)
    for sample in range(len(first) - 1):
        work.used[N_SAMPLE] = sample
        code = _simulate(lines, work, sums, hits[first[sample] : first[sample + 1]], horizon, per_hour, most)
        _put_back(lines, work, sums, sample, horizon, per_hour)
        if code != DONE:
            return code, sample
    return DONE, len(first) - 1


@inlined
def _bare_lines(lines: Lines) -> Lines:
    return Lines(
        bare(lines.groups_of),
        bare(lines.fixed),
        bare(lines.feeds_of),
        bare(lines.feeds),
        bare(lines.rank_of),
    )


@inlined
def _bare_work(work: Work) -> Work:
    return Work(
        bare(work.assets),
        bare(work.groups),
        bare(work.touched),
        bare(work.touched_groups),
        bare(work.lines),
        bare(work.after),
        bare(work.ranks),
        bare(work.changed),
        bare(work.dirty),
        bare(work.seeds),
        bare(work.waiting),
        bare(work.heap),
        bare(work.events),
        bare(work.used),
    )


@inlined
def _bare_sums(sums: Sums) -> Sums:
    return Sums(
        bare(sums.outage),
        bare(sums.hourly),
        bare(sums.row_of),
        bare(sums.buffers),
        bare(sums.measures),
        bare(sums.sector_of),
        bare(sums.people),
        bare(sums.value_h),
        bare(sums.trace),
        bare(sums.trace_emptied),
    )


@inlined
def _simulate(lines: Lines, work: Work, sums: Sums, hits: Ints, horizon: int, per_hour: int, most: int) -> int:
    count, events, heap = work.used, work.events, work.heap
    scheduled = _schedule(work, hits, horizon)
    if scheduled < 0:
        return TWICE
    after = 0
    while count[N_TOLD] < most:
        now = horizon
        if after < scheduled:
            now = min(now, events[after] >> _BITS)
        if count[N_HEAP] > 0:
            now = min(now, heap[0] >> _BITS)
        if now >= horizon:
            return DONE
        repaired = False
        while after < scheduled and events[after] >> _BITS == now:
            what = events[after] & _WHAT
            asset = hits[what >> 1, HIT]
            _seed(work, asset)
            if what & 1:
                work.assets[asset, OWN] = FULL
                repaired = True
            else:
                work.assets[asset, OWN] = FULL - hits[what >> 1, DAMAGE]
            after += 1
        _run_out(lines, work, sums, now)
        _resettle(lines, work, now, repaired, most)
        _close(lines, work, sums, now, horizon, per_hour)
    return ENDLESS


@inlined
def _schedule(work: Work, hits: Ints, horizon: int) -> int:
    """Put the beginnings and ends of the hits in order; return how many, or -1 if an asset is hit twice."""
    count = 0
    for hit in range(len(hits)):
        asset = hits[hit, HIT]
        _touch(work, asset)
        if work.assets[asset, MARK] & STRUCK:
            return -1
        work.assets[asset, MARK] |= STRUCK
        begin, end = hits[hit, FROM], hits[hit, UNTIL]
        if begin >= end or begin >= horizon:
            continue
        work.events[count] = begin << _BITS | hit << 1
        count += 1
        if end < horizon:
            work.events[count] = end << _BITS | hit << 1 | 1
            count += 1
    work.events[:count].sort()
    return count


@inlined
def _touch(work: Work, asset: int) -> None:
    if not work.assets[asset, MARK] & TOUCHED:
        work.assets[asset, MARK] |= TOUCHED
        work.touched[work.used[N_TOUCHED]] = asset
        work.used[N_TOUCHED] += 1


@inlined
def _seed(work: Work, asset: int) -> None:
    """Have an asset reconsidered in this instant."""
    _touch(work, asset)
    work.seeds[work.used[N_SEEDS]] = asset
    work.used[N_SEEDS] += 1


@inlined
def _run_out(lines: Lines, work: Work, sums: Sums, now: int) -> None:
    """Empty the buffers that run out now."""
    count, groups = work.used, work.groups
    while count[N_HEAP] > 0 and work.heap[0] >> _BITS == now:
        group = work.heap[0] & _WHAT
        _pop(work)
        if groups[group, DUE] != now:
            continue  # its supply changed since this was written
        _settle(lines, work, group, now)
        groups[group, DUE] = NEVER
        _limit(lines, work, group, _allowed(lines, work, group))
        _seed(work, lines.fixed[group, ASSET])
        if not groups[group, MARK] & EMPTIED:
            groups[group, MARK] |= EMPTIED
            sums.buffers[group, 0] += 1
            sums.buffers[group, 1] += now
            if sums.buffers[group, 0] == 1 or now < sums.buffers[group, 2]:
                sums.buffers[group, 2] = now
        if len(sums.trace_emptied) > 0:
            if count[N_TRACE_EMPTIED] < len(sums.trace_emptied):
                sums.trace_emptied[count[N_TRACE_EMPTIED], 0] = now
                sums.trace_emptied[count[N_TRACE_EMPTIED], 1] = group
                sums.trace_emptied[count[N_TRACE_EMPTIED], 2] = count[N_SAMPLE]
            count[N_TRACE_EMPTIED] += 1


@inlined
def _settle(lines: Lines, work: Work, group: int, now: int) -> None:
    """Bring a group's buffer up to now, at the supply that it had; once in an instant."""
    groups, count = work.groups, work.used
    mark = groups[group, MARK]
    if mark & CHANGED:
        return
    groups[group, MARK] = mark | CHANGED | TOUCHED
    work.dirty[count[N_DIRTY]] = group
    count[N_DIRTY] += 1
    if not mark & TOUCHED:
        work.touched_groups[count[N_TOUCHED_GROUPS]] = group
        count[N_TOUCHED_GROUPS] += 1
    ticks = now - groups[group, AT]
    groups[group, AT] = now
    buffer, stock = lines.fixed[group, BUFFER], groups[group, STOCK]
    if groups[group, SUPPLY] < FULL:
        groups[group, STOCK] = max(0, stock - ticks * (FULL - groups[group, SUPPLY]))
    elif stock < buffer:
        refill = lines.fixed[group, REFILL]
        # the product alone would not fit for a fast refill over a long time
        if refill > 0 and ticks > (buffer - stock) // refill:
            groups[group, STOCK] = buffer
        else:
            groups[group, STOCK] = stock + refill * ticks


@inlined
def _supply(lines: Lines, work: Work, group: int) -> int:
    wanted, total = lines.fixed[group, WANTED], work.groups[group, SUM]
    if lines.fixed[group, FLAGS] & COUNTED:
        return FULL if total >= wanted else 0
    return FULL if total >= wanted * FULL else total // wanted


@inlined
def _allowed(lines: Lines, work: Work, group: int) -> int:
    if work.groups[group, STOCK] > 0:
        return FULL
    supply = _supply(lines, work, group)
    if supply == FULL:
        return FULL
    alpha = lines.fixed[group, ALPHA]
    allowed: int = min(alpha * supply // FULL + FULL - alpha, supply + lines.fixed[group, BETA])
    return allowed


@inlined
def _limit(lines: Lines, work: Work, group: int, allows: int) -> None:
    """Lower what a group allows; remember its asset if it could start without."""
    work.groups[group, ALLOWS] = allows
    if lines.fixed[group, FLAGS] & BLACK_START and allows < FULL:
        asset = lines.fixed[group, ASSET]
        _touch(work, asset)
        if not work.assets[asset, MARK] & WAITING:
            work.assets[asset, MARK] |= WAITING
            work.waiting[work.used[N_WAITING]] = asset
            work.used[N_WAITING] += 1


@inlined
def _level(lines: Lines, work: Work, asset: int, starting: int) -> int:
    """Return what an asset can do now; when starting, without the needs that have black start."""
    level: int = work.assets[asset, OWN]
    for group in range(lines.groups_of[asset], lines.groups_of[asset + 1]):
        if work.groups[group, ALLOWS] < level and not (starting and lines.fixed[group, FLAGS] & BLACK_START):
            level = work.groups[group, ALLOWS]
    return level


@inlined
def _move(lines: Lines, work: Work, asset: int, level: int) -> None:
    """Give an asset another service, of which its dependents will hear."""
    _touch(work, asset)
    assets, count = work.assets, work.used
    assets[asset, NOW] = level
    mark = assets[asset, MARK]
    if not mark & CHANGED:
        work.changed[count[N_CHANGED]] = asset
        count[N_CHANGED] += 1
    if not mark & QUEUED:
        rank = lines.rank_of[asset]
        last = work.lines[rank, LAST]
        if last == NOBODY:
            work.lines[rank, FIRST] = asset
            _rise(work.ranks, count[N_RANKS], rank)
            count[N_RANKS] += 1
        else:
            work.after[last] = asset
        work.lines[rank, LAST] = asset
    assets[asset, MARK] = mark | CHANGED | QUEUED


@inlined
def _resettle(lines: Lines, work: Work, now: int, repaired: bool, most: int) -> None:
    """First what can rise does, to the least fixed point above what was; then what cannot stand falls.

    Down to the greatest fixed point below. Without a repair nothing can rise; with one, every black start is tried.
    """
    count = work.used
    for rising in range(1 if repaired else 0, -1, -1):
        for place in range(count[N_SEEDS]):
            _reconsider(lines, work, work.seeds[place], rising)
        for place in range(count[N_WAITING] if repaired else 0):
            _reconsider(lines, work, work.waiting[place], rising)
        _tell(lines, work, now, rising, most)
    count[N_SEEDS] = 0


@inlined
def _reconsider(lines: Lines, work: Work, asset: int, rising: int) -> None:
    """Move an asset to what it can do now, if that is where this phase goes."""
    level, now = _level(lines, work, asset, rising), work.assets[asset, NOW]
    if (rising and level > now) or (not rising and level < now):
        _move(lines, work, asset, level)


@inlined
def _tell(lines: Lines, work: Work, now: int, rising: int, most: int) -> None:
    """Tell dependents of changes, and theirs, until nobody's service changes any more."""
    count, assets = work.used, work.assets
    while count[N_RANKS] > 0 and count[N_TOLD] < most:
        rank = work.ranks[0]
        asset = work.lines[rank, FIRST]
        if asset == work.lines[rank, LAST]:
            work.lines[rank, LAST] = NOBODY
            count[N_RANKS] -= 1
            _sink(work.ranks, count[N_RANKS])
        else:
            work.lines[rank, FIRST] = work.after[asset]
        count[N_TOLD] += 1
        assets[asset, MARK] &= ~QUEUED
        told, level = assets[asset, TOLD], assets[asset, NOW]
        assets[asset, TOLD] = level
        for feed in range(lines.feeds_of[asset], lines.feeds_of[asset + 1]):
            _feed(lines, work, lines.feeds[feed, 0], lines.feeds[feed, 1], told, level, now, rising)


@inlined
def _feed(lines: Lines, work: Work, group: int, weight: int, told: int, level: int, now: int, rising: int) -> None:
    """Let one group see its supplier's service go from ``told`` to ``level``."""
    if weight < 0:
        change = (1 if level >= -weight else 0) - (1 if told >= -weight else 0)
        if change == 0:
            return
    else:
        change = weight * (level - told)
    _settle(lines, work, group, now)
    work.groups[group, SUM] += change
    allows = _allowed(lines, work, group)
    if allows == work.groups[group, ALLOWS]:
        return
    asset = lines.fixed[group, ASSET]
    if rising:
        work.groups[group, ALLOWS] = allows
    else:
        _limit(lines, work, group, allows)
        if allows >= work.assets[asset, NOW]:
            return
    _reconsider(lines, work, asset, rising)


@inlined
def _close(lines: Lines, work: Work, sums: Sums, now: int, horizon: int, per_hour: int) -> None:
    """End an instant: write down what changed, and when buffers will run out."""
    count, groups, assets = work.used, work.groups, work.assets
    for place in range(count[N_DIRTY]):
        group = work.dirty[place]
        groups[group, MARK] &= ~CHANGED
        supply = _supply(lines, work, group)
        if supply == groups[group, SUPPLY]:
            continue  # it runs out when it would have
        groups[group, SUPPLY] = supply
        groups[group, DUE] = NEVER
        stock, short = groups[group, STOCK], FULL - supply
        if short > 0 and stock > 0:
            due = now + (stock + short - 1) // short
            if due < horizon:
                groups[group, DUE] = due
                _push(work, due << _BITS | group)
    count[N_DIRTY] = 0
    for place in range(count[N_CHANGED]):
        asset = work.changed[place]
        assets[asset, MARK] &= ~CHANGED
        level = assets[asset, NOW]
        if level == assets[asset, OLD]:
            continue
        _account(work, sums, asset, now, per_hour)
        assets[asset, OLD] = level
        assets[asset, SINCE] = now
        if len(sums.trace) > 0:
            if count[N_TRACE] < len(sums.trace):
                sums.trace[count[N_TRACE], 0] = now
                sums.trace[count[N_TRACE], 1] = asset
                sums.trace[count[N_TRACE], 2] = level
                sums.trace[count[N_TRACE], 3] = count[N_SAMPLE]
            count[N_TRACE] += 1
    count[N_CHANGED] = 0


@inlined
def _account(work: Work, sums: Sums, asset: int, now: int, per_hour: int) -> None:
    """Count what was lost since the asset's service last changed."""
    lost = FULL - work.assets[asset, OLD]
    since = work.assets[asset, SINCE]
    if lost == 0 or now == since:
        return
    work.assets[asset, LOST] += lost * (now - since)
    row = sums.row_of[asset]
    if row < 0:
        return
    # a difference for each hour, added up when all samples are done: an outage of weeks costs as much as one of minutes
    whole = lost * per_hour // FULL
    hour, last = since // per_hour, now // per_hour
    begun = lost * ((hour + 1) * per_hour - since) // FULL
    sums.hourly[row, hour] += begun
    sums.hourly[row, hour + 1] += whole - begun
    ended = lost * ((last + 1) * per_hour - now) // FULL
    sums.hourly[row, last] -= ended
    sums.hourly[row, last + 1] -= whole - ended


@inlined
def _put_back(lines: Lines, work: Work, sums: Sums, sample: int, horizon: int, per_hour: int) -> None:
    """End a sample: count it, and make everything whole again."""
    count, groups, assets = work.used, work.groups, work.assets
    for place in range(count[N_TOUCHED]):
        asset = work.touched[place]
        _account(work, sums, asset, horizon, per_hour)
        lost = assets[asset, LOST] // FULL
        if assets[asset, LOST] > 0:
            sums.outage[asset, 0] += lost
            sums.outage[asset, 1] += 1
            sector = sums.sector_of[asset]
            sums.measures[sample, sector, 0] += lost
            sums.measures[sample, sector, 1] += lost * sums.people[asset]
            sums.measures[sample, sector, 2] += lost * sums.value_h[asset]
        for column in (NOW, TOLD, OWN, OLD):
            assets[asset, column] = FULL
        for column in (SINCE, LOST, MARK):
            assets[asset, column] = 0
    for place in range(count[N_TOUCHED_GROUPS]):
        group = work.touched_groups[place]
        groups[group, SUM] = lines.fixed[group, WHOLE]
        groups[group, STOCK] = lines.fixed[group, BUFFER]
        groups[group, AT] = 0
        groups[group, SUPPLY] = FULL
        groups[group, DUE] = NEVER
        groups[group, ALLOWS] = FULL
        groups[group, MARK] = 0
    count[:N_TRACE] = 0


@inlined
def _push(work: Work, event: int) -> None:
    count, heap = work.used, work.heap
    if count[N_HEAP] == len(heap):
        _thin(work)
    _rise(heap, count[N_HEAP], event)
    count[N_HEAP] += 1


@inlined
def _pop(work: Work) -> None:
    work.used[N_HEAP] -= 1
    _sink(work.heap, work.used[N_HEAP])


@inlined
def _rise(heap: Ints, place: int, event: int) -> None:
    """Put one more into a heap that has so many."""
    while place > 0:
        above = (place - 1) >> 1
        if heap[above] <= event:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = event


@inlined
def _sink(heap: Ints, size: int) -> None:
    """Take the least out of a heap that has so many without it."""
    event = heap[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= event:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = event


@inlined
def _thin(work: Work) -> None:
    """Drop what is out of date or stands twice: at most one event of each group is left. In order, it is a heap."""
    count, heap = work.used, work.heap
    heap[: count[N_HEAP]].sort()
    kept = 0
    for place in range(count[N_HEAP]):
        event = heap[place]
        if work.groups[event & _WHAT, DUE] == event >> _BITS and (kept == 0 or heap[kept - 1] != event):
            heap[kept] = event
            kept += 1
    count[N_HEAP] = kept
