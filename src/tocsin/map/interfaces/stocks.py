"""From answers to stocks: what comes back, what is used up together, how fast it fills again. Pure."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.interfaces.model import Loss, Stock
from tocsin.map.interfaces.probing import AT_ONCE, falls_of, level_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tocsin.map.cascade.reference import Course
    from tocsin.map.interfaces.probing import Answer, Away, Probe

__all__ = ["losses_of", "stocks_of"]

_PAUSES: Final = (4, 64, 4_096, 1_000_000)
_DIGITS: Final = 4
# Instants of one course after which it may not come back; more are thinned out evenly.
_MOST_INSTANTS: Final = 64


class _Kind(NamedTuple):
    """What answers must have in common to be told together. Times in ticks."""

    ticks: int
    level: int
    up_from: float
    stays_after: int | None  # how long a loss has to last for it to stay; None: it comes back
    refill: float


def stocks_of(probe: Probe, asset: int, answers: Sequence[Answer], names: Sequence[str]) -> tuple[Stock, ...]:
    """Return the stocks of one output: each answer in one of them, in an order that depends on nothing else."""
    kinds: defaultdict[_Kind, list[Answer]] = defaultdict(list)
    afters, refills = _stay_after(probe, asset, answers), _refills(probe, asset, answers)
    for answer, after, regained in zip(answers, afters, refills, strict=True):
        refill = 1.0 if after is not None else regained
        kinds[_Kind(answer.ticks, answer.level, answer.up_from, after, refill)].append(answer)
    found: list[Stock] = []
    for kind in sorted(kinds, key=lambda one: (one.ticks, -one.level, -one.up_from, one.stays_after or 0, one.refill)):
        for together in _sharing(probe, asset, kinds[kind]):
            losses = tuple(losses_of([answer.cut for answer in together], kind.up_from, names))
            # without a stock there is nothing to share
            parts = [losses] if kind.ticks else [(loss,) for loss in losses]
            found += [_stock(kind, part) for part in parts]
    return tuple(found)


def _stock(kind: _Kind, losses: tuple[Loss, ...]) -> Stock:
    first = kind.ticks if kind.stays_after is None else kind.stays_after
    return Stock(
        losses=losses,
        hours=first / TICKS,
        service=kind.level / FULL,
        refill=kind.refill,
        stays=kind.stays_after is not None,
        then_h=(kind.ticks - first) / TICKS,
    )


def _stay_after(probe: Probe, asset: int, answers: Sequence[Answer]) -> list[int | None]:
    """Return how long each loss may last at most for the output to be spared or to come back; None: any time.

    Between two instants of the course nothing happens, so that only these instants are tried, each by a loss that
    lasts a tick longer.
    """
    instants = [_instants(answer) for answer in answers]
    tries = [answer.aways(end=at + 1) for answer, each in zip(answers, instants, strict=True) for at in each]
    found = iter(probe.run(tries))
    told: list[int | None] = []
    for answer, each in zip(answers, instants, strict=True):
        after: int | None = None
        for at, course in zip(each, itertools.islice(found, len(each)), strict=True):
            falls = [t for t, level in falls_of(course, asset) if level <= answer.level]
            stays = falls and (at < answer.ticks or level_at(course, asset, falls[0] + TICKS) <= answer.level)
            if stays and after is None:
                after = at
        told.append(after)
    return told


def _instants(answer: Answer) -> list[int]:
    """Return when anything happens on the way to an answer."""
    happens = {0, answer.ticks, *(t for t, _, _ in answer.course.changes), *(t for t, _ in answer.course.emptied)}
    before = sorted(t for t in happens if t <= answer.ticks)
    step = -(-len(before) // _MOST_INSTANTS)
    return [*before[:-1:step], before[-1]]


def _refills(probe: Probe, asset: int, answers: Sequence[Answer]) -> list[float]:
    """Return hours regained in an hour without loss: lost for half of what it lasts, there for a while, lost again."""
    pauses = [[pause for part in _PAUSES if (pause := answer.ticks // part) > 0] for answer in answers]
    tries = [
        [*answer.aways(end=answer.ticks // 2), *answer.aways(begin=answer.ticks // 2 + pause)]
        for answer, each in zip(answers, pauses, strict=True)
        for pause in each
    ]
    found = iter(probe.run(tries))
    return [
        _refill(asset, answer, each, list(itertools.islice(found, len(each))))
        for answer, each in zip(answers, pauses, strict=True)
    ]


def _refill(asset: int, answer: Answer, pauses: Sequence[int], found: Sequence[Course]) -> float:
    """Return what the longest pause shows after which the stock was not full."""
    if not pauses:
        return 1.0
    for pause, course in zip(pauses, found, strict=True):
        lasted = next((t for t, level in falls_of(course, asset) if level <= answer.level), None)
        if lasted is not None and (gained := lasted - pause - answer.ticks) < answer.ticks // 2:
            return max(0.0, round(gained / pause, _DIGITS))
    return AT_ONCE


def _sharing(probe: Probe, asset: int, answers: Sequence[Answer]) -> list[list[Answer]]:
    """Return the answers by which of them use up the same stock: one for three quarters of its time, then another."""
    ticks = answers[0].ticks
    if ticks == 0 or len(answers) == 1:
        return [list(answers)]
    part = ticks * 3 // 4
    classes: list[list[Answer]] = []
    for answer in answers:
        found = probe.run([_in_turn(one[0], answer, part) for one in classes])
        for one, course in zip(classes, found, strict=True):
            if any(t < 2 * part and level <= answer.level for t, level in falls_of(course, asset)):
                one.append(answer)
                break
        else:
            classes.append([answer])
    return classes


def _in_turn(one: Answer, other: Answer, part: int) -> list[Away]:
    """Return the loss of one cut and then of the other; what is in both is away all the time."""
    both = one.cut & other.cut
    away = [a for a in one.aways(end=part) if a.terminal not in both]
    away += [a for a in other.aways(begin=part, end=2 * part) if a.terminal not in both]
    return away + [a for a in one.aways(end=2 * part) if a.terminal in both]


def losses_of(cuts: Sequence[frozenset[int]], up_from: float, names: Sequence[str]) -> Iterator[Loss]:
    """Yield the losses that some cuts make up: all sets of one size among some inputs are k of n of them."""
    for size in sorted({len(cut) for cut in cuts}):
        sized = [cut for cut in cuts if len(cut) == size]
        for part in _joined(sized):
            union = frozenset(itertools.chain.from_iterable(part))
            if len(part) == math.comb(len(union), size):
                yield _loss(union, len(union) - size + 1, up_from, names)
            else:
                for cut in sorted(part, key=sorted):
                    yield _loss(cut, 1, up_from, names)


def _joined(cuts: Sequence[frozenset[int]]) -> list[list[frozenset[int]]]:
    """Return the cuts by what they have inputs in common with, however indirectly. Single inputs are all of a kind."""
    if len(cuts[0]) == 1:
        return [list(cuts)]
    parts: list[list[frozenset[int]]] = []
    for cut in sorted(cuts, key=sorted):
        touching = [part for part in parts if any(cut & one for one in part)]
        parts = [part for part in parts if part not in touching]
        parts.append([cut, *itertools.chain.from_iterable(touching)])
    return sorted(parts, key=lambda part: sorted(min(part, key=sorted)))


def _loss(inputs: frozenset[int], k: int, up_from: float, names: Sequence[str]) -> Loss:
    return Loss(inputs=tuple(names[one] for one in sorted(inputs)), k=k, up_from=up_from)
