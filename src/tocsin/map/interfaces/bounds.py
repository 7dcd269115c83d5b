"""What a member's part does at least, and at most, whatever happens to its inputs and outputs. Pure.

By the engine's laws (``docs/map.md``, "The grid"): who loses more, earlier, for longer has less. So an output has at
least what it has after a worse course that was tried, and at most what it has after a better one. Why these: ADR 144.

Each output is taken by itself, and the member's outputs, itself among them, are to it what others' assets are: what is
behind an output may need it, in a ring.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from tocsin.map.cascade.grid import FULL, MOST_TICKS, TICKS, level_of, ticks_of
from tocsin.map.interfaces.model import Bounds, Input, Interface, Loss, Output, Promise, Stock
from tocsin.map.interfaces.probing import AT_ONCE, Away, Probe, falls_of, level_at
from tocsin.map.interfaces.response import DEGREES, checked_inputs, outputs_of
from tocsin.map.interfaces.stocks import losses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tocsin.map.cascade.reference import Course
    from tocsin.map.model import AssetMap, DependencyGroup

__all__ = ["HOLDS_H", "bounds_of"]

# The worst that can have gone before is that everything was away since the start: so long, and bounds hold so long.
_BEFORE: Final = MOST_TICKS // 2
HOLDS_H: Final = _BEFORE / TICKS
_LEAST: Final = 1e-6  # the least service above none

Cut = frozenset[int]


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """How one output answers: to each set of terminals, at each degree.

    ``fresh``: lost from 0 on, all else whole. ``after``: its service when, of all that was lost for as long as can
    have been, all comes back but these, to this degree. ``names`` are the terminals', ``starts`` says whether all that
    is behind it is up at once when everything comes back.
    """

    output: str
    asset: int
    names: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    together: int
    degrees: tuple[float, ...]
    fresh: Mapping[tuple[Cut, float], Course]
    after: Mapping[tuple[Cut, float], int]
    starts: bool

    def lasts(self, cut: Cut, degree: float, level: int) -> int | None:
        """Return after how many ticks its service is below a level; None: it never is."""
        for instant, changed, now in self.fresh[cut, degree].changes:
            if changed == self.asset and now < level:
                return instant
        return None

    def cuts(self, degree: float) -> Iterator[Cut]:
        """Yield what was lost, small sets first."""
        return (cut for cut, at in self.fresh if at == degree)


def bounds_of(
    plan: AssetMap,
    inside: Iterable[str],
    *,
    together: int = 3,
    horizon_h: float = 720.0,
    degrees: Sequence[float] = DEGREES,
    joined: Sequence[Sequence[str]] = (),
    step_h: float = 0.0,
) -> Bounds:
    """Return two interfaces of a member's part between which it lies.

    With ``least`` in place of the part nobody's service is ever above what it is with the part, with ``most`` it is
    never below; whatever is hit of the others' assets and of the outputs, how hard, how often and when, for
    ``HOLDS_H`` hours. (``most`` may be below for less than 3.6 ms for each hour of a stock, after a pause that is
    shorter than that: the grid's refill is no faster.) What an output has at least is told at ``degrees``.
    ``step_h``: hours are multiples of it, shorter in ``least`` and longer in ``most``. Arguments and errors else as
    ``interface_of`` has them.
    """
    own = frozenset(inside)
    inputs = checked_inputs(plan, own, together=together, horizon_h=horizon_h, degrees=degrees, joined=joined)
    outputs = outputs_of(plan, own)
    by_id = {asset.id: asset for asset in plan.assets}
    told = [Output(id=one, kind=by_id[one].kind, sector=by_id[one].sector, owner=by_id[one].owner) for one in outputs]
    tried = [
        _tried(plan, own, one, outputs=outputs, inputs=inputs, together=together, degrees=tuple(sorted(degrees)))
        for one in outputs
    ]
    horizon, step = ticks_of(horizon_h), ticks_of(step_h)
    whole = Interface(
        inputs=inputs,
        outputs=(),
        together=together,
        horizon_h=horizon_h,
        degrees=tuple(sorted(degrees)),
        step_h=step_h,
    )
    apart = sorted({name for one in inputs for name in one.assets})
    return Bounds(
        least=structs.replace(
            whole,
            outputs=tuple(
                structs.replace(output, promises=tuple(_promises(one, horizon, step)))
                for output, one in zip(told, tried, strict=True)
            ),
        ),
        most=structs.replace(
            whole,
            inputs=tuple(Input(name=name, assets=(name,)) for name in apart),
            outputs=tuple(
                structs.replace(output, stocks=tuple(_stocks(one, horizon, step)))
                for output, one in zip(told, tried, strict=True)
            ),
        ),
    )


# --- trying ----------------------------------------------------------------------------------------------------------


def _tried(
    plan: AssetMap,
    own: frozenset[str],
    output: str,
    *,
    outputs: Sequence[str],
    inputs: Sequence[Input],
    together: int,
    degrees: tuple[float, ...],
) -> _Tried:
    behind, needed = _behind(plan, own - frozenset(outputs), output)
    terminals = [(one.name, one.assets) for one in inputs if needed.intersection(one.assets)]
    terminals += [(one, (one,)) for one in outputs if one in needed]
    probe = Probe(_apart(plan, behind, output), behind, [_fed(assets, output) for _, assets in terminals])
    every = range(len(terminals))
    sizes = [*range(1, min(together, len(every)) + 1), *([len(every)] if len(every) > together else [])]
    chosen = [frozenset(cut) for size in sizes for cut in itertools.combinations(every, size)]
    keys = [(cut, degree) for degree in degrees for cut in chosen]
    fresh = probe.run([[Away(terminal=one, service=degree) for one in sorted(cut)] for cut, degree in keys])
    asset = probe.number[output]
    after = probe.run([_after(every, cut, degree) for cut, degree in [(Cut(), 0.0), *keys]])
    began = _levels(after[0], len(probe.number))
    return _Tried(
        output=output,
        asset=asset,
        names=tuple(name for name, _ in terminals),
        parts=tuple(assets for _, assets in terminals),
        together=together,
        degrees=degrees,
        fresh=dict(zip(keys, fresh, strict=True)),
        after={(Cut(), degree): began[asset] for degree in degrees}
        | {key: level_at(course, asset, _BEFORE) for key, course in zip(keys, after[1:], strict=True)},
        starts=all(level == FULL for level in began),
    )


def _behind(plan: AssetMap, among: frozenset[str], output: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the output and what it depends on of these assets, and what else all of that needs: itself, in a ring."""
    suppliers: defaultdict[str, set[str]] = defaultdict(set)
    for group in plan.groups:
        suppliers[group.asset].update(one.asset for one in group.suppliers)
    found, more = {output}, [output]
    while more:
        new = (suppliers[more.pop()] & among) - found
        found |= new
        more += new
    return frozenset(found), frozenset(set().union(*(suppliers[one] for one in found)) - (found - {output}))


def _apart(plan: AssetMap, behind: frozenset[str], output: str) -> AssetMap:
    """Return the map with a stand-in for the output where what is behind it needs it."""

    def fed(group: DependencyGroup) -> DependencyGroup:
        suppliers = (structs.replace(one, asset=_fed((one.asset,), output)[0]) for one in group.suppliers)
        return structs.replace(group, suppliers=tuple(suppliers))

    return structs.replace(plan, groups=tuple(fed(one) for one in plan.groups if one.asset in behind))


def _fed(assets: tuple[str, ...], output: str) -> tuple[str, ...]:
    return tuple(f"{one}\0" if one == output else one for one in assets)


def _after(every: Iterable[int], cut: Cut, degree: float) -> list[Away]:
    """Return that everything is away, and then all comes back but a cut, which comes back to a degree."""
    return [
        *(Away(terminal=one, end=_BEFORE) for one in every),
        *(Away(terminal=one, service=degree, begin=_BEFORE) for one in sorted(cut)),
    ]


def _levels(course: Course, assets: int) -> list[int]:
    """Return the services of the first assets once everything has come back."""
    levels = [FULL] * assets
    for instant, asset, level in course.changes:
        if instant <= _BEFORE and asset < assets:
            levels[asset] = level
    return levels


# --- at least --------------------------------------------------------------------------------------------------------


def _promises(tried: _Tried, horizon: int, step: int) -> list[Promise]:
    """Return what the output has at least; nothing that follows from another."""
    found: list[Promise] = []
    for service in sorted({1.0, *(one for one in tried.degrees if one > 0)}, reverse=True):
        for degree in tried.degrees:
            for new in (*_now(tried, service, degree), *_for_good(tried, service, degree, horizon, step)):
                if not any(_follows(new, other) for other in found):
                    found.append(new)
    return found


def _follows(one: Promise, other: Promise) -> bool:
    """Return whether the other promises as much, and is kept as long at least."""
    return (
        other.service >= one.service
        and other.degree <= one.degree
        and set(other.losses) <= set(one.losses)
        and (other.hours is None or (one.hours is not None and other.hours >= one.hours))
        and (one.ever or not other.ever)
    )


def _now(tried: _Tried, service: float, degree: float) -> Iterator[Promise]:
    """Yield what holds whatever went before: of what is lost now alone."""
    level = level_of(service)
    if tried.after[Cut(), degree] >= level:
        short = [cut for cut in tried.cuts(degree) if tried.after[cut, degree] < level]
        yield Promise(service=service, inputs=tried.names, losses=_losses(tried, short), degree=degree)


def _for_good(tried: _Tried, service: float, degree: float, horizon: int, step: int) -> Iterator[Promise]:
    """Yield what holds for so long from the first loss on, while no more than this was lost in all."""
    lasts = {}
    for cut in tried.cuts(degree):
        ticks = tried.lasts(cut, degree, level_of(service))
        if ticks is not None:
            ticks = min(ticks, horizon)
            lasts[cut] = ticks - ticks % step if step else ticks
    for hours in (None, *sorted({one for one in lasts.values() if one > 0}, reverse=True)):
        short = [cut for cut, ticks in lasts.items() if hours is None or ticks < hours]
        yield Promise(
            service=service,
            inputs=tried.names,
            losses=_losses(tried, short),
            degree=degree,
            hours=None if hours is None else hours / TICKS,
            ever=True,
            pauses=tried.starts,
        )


def _losses(tried: _Tried, cuts: Sequence[Cut]) -> tuple[Loss, ...]:
    """Return these sets as losses, the smallest only; what was not tried is as bad as all of it."""
    small = [cut for cut in cuts if len(cut) <= tried.together]
    least = [cut for cut in small if not any(other < cut for other in small)]
    told = list(losses_of(least, 1.0, tried.names)) if least else []
    if len(small) < len(cuts):
        told.append(Loss(inputs=tried.names, k=len(tried.names) - tried.together))
    return tuple(told)


# --- at most ---------------------------------------------------------------------------------------------------------


def _stocks(tried: _Tried, horizon: int, step: int) -> list[Stock]:
    """Return what the output has at most: when all of a set is lost without a break, for so long."""
    known: list[_Fall] = []
    # an asset has no stock of itself: what its ring does to it is in ``least`` alone
    itself = {at for at, names in enumerate(tried.parts) if names == (tried.output,)}
    for degree in sorted(tried.degrees, reverse=True):
        for cut in tried.cuts(degree):
            for ticks, level in [] if cut & itself else falls_of(tried.fresh[cut, degree], tried.asset):
                later = -(-ticks // step) * step if step else ticks
                new = _Fall(cut=cut, degree=degree, ticks=later, level=level)
                if ticks <= horizon and not any(_covers(other, new) for other in known):
                    known.append(new)
    return [_stock(tried, one) for one in known]


class _Fall(NamedTuple):
    cut: Cut
    degree: float
    ticks: int
    level: int


def _covers(one: _Fall, other: _Fall) -> bool:
    return one.cut <= other.cut and one.degree >= other.degree and one.ticks <= other.ticks and one.level <= other.level


def _stock(tried: _Tried, fall: _Fall) -> Stock:
    names = sorted(name for one in fall.cut for name in tried.parts[one])
    loss = Loss(inputs=tuple(names), k=1, up_from=fall.degree + _LEAST)
    return Stock(losses=(loss,), hours=fall.ticks / TICKS, service=fall.level / FULL, refill=AT_ONCE, starts=True)
