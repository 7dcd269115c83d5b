"""How a member's outputs answer to the loss of its inputs: found by trying it, on the member's own map. Pure.

Nothing is read off the map's inside: what comes out depends on how the outputs answer and on nothing else, so that two
insides which answer alike have the same interface, bit for bit.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tocsin.errors import InputError, NotFoundError
from tocsin.map.cascade.grid import ticks_of
from tocsin.map.interfaces.model import Input, Interface, Output
from tocsin.map.interfaces.probing import Answer, Away, Probe, falls_of
from tocsin.map.interfaces.stocks import stocks_of
from tocsin.map.model import AssetMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.cascade.reference import Course

__all__ = ["DEGREES", "LONGEST_TOLD_H", "checked_inputs", "interface_of", "others_of", "outputs_of"]

# Service of inputs at which answers are looked at: none, and three in between.
DEGREES: Final = (0.0, 0.25, 0.5, 0.75)
# What takes longer than a year of loss is not told; three of its lengths fit the engine's horizon.
LONGEST_TOLD_H: Final = 8_760.0
_MOST_TOGETHER: Final = 6


def others_of(plan: AssetMap, inside: Iterable[str]) -> AssetMap:
    """Return the map without a member's assets. Others' groups still name its outputs: it wants an interface."""
    own = frozenset(inside)
    return AssetMap(
        assets=tuple(asset for asset in plan.assets if asset.id not in own),
        groups=tuple(group for group in plan.groups if group.asset not in own),
    )


def interface_of(
    plan: AssetMap,
    inside: Iterable[str],
    *,
    together: int = 3,
    horizon_h: float = 720.0,
    degrees: Sequence[float] = DEGREES,
    joined: Sequence[Sequence[str]] = (),
) -> Interface:
    """Return the interface of the member that has the assets ``inside``.

    Its inputs are the others' assets that its groups name, its outputs those of its assets that others' groups name.
    An output that others of its assets need is an input of the other outputs too: a hit on it is passed on.
    ``joined``: inputs that are told as one, lost as soon as one of them is (less is told, and it looks worse than it
    is). Raises ``NotFoundError`` for an asset that the map has not, ``InputError`` for what cannot be, ``LimitError``
    where there is too much to try.
    """
    own = frozenset(inside)
    inputs = checked_inputs(plan, own, together=together, horizon_h=horizon_h, degrees=degrees, joined=joined)
    outputs = outputs_of(plan, own)
    passing = _passing(plan, own, outputs)
    probe = Probe(plan, own, [*(one.assets for one in inputs), *((one,) for one in passing)])
    names = (*(one.name for one in inputs), *passing)
    tries = list(_tries(len(names), together, sorted(degrees, reverse=True)))
    found = probe.run([one.aways() for one in tries])
    by_id = {asset.id: asset for asset in plan.assets}
    told = []
    for output in outputs:
        itself = names.index(output) if output in passing else None
        answers = _answers(probe.number[output], itself, tries, found, ticks_of(horizon_h))
        asset = by_id[output]
        told.append(
            Output(
                id=output,
                kind=asset.kind,
                sector=asset.sector,
                owner=asset.owner,
                stocks=stocks_of(probe, probe.number[output], answers, names),
            )
        )
    return Interface(
        inputs=inputs,
        outputs=tuple(told),
        together=together,
        horizon_h=horizon_h,
        degrees=tuple(sorted(degrees)),
    )


@dataclass(frozen=True, kw_only=True)
class Try:
    """Some inputs at one service from 0 on. ``up_from``: what an input has to give at least to count as better."""

    terminals: tuple[int, ...]
    service: float
    up_from: float

    def aways(self) -> list[Away]:
        """Return it as what the probe runs."""
        return [Away(terminal=one, service=self.service) for one in self.terminals]


def checked_inputs(
    plan: AssetMap,
    own: frozenset[str],
    *,
    together: int,
    horizon_h: float,
    degrees: Sequence[float],
    joined: Sequence[Sequence[str]],
) -> tuple[Input, ...]:
    """Return the inputs of a member's part, joined as asked for. Raises what ``interface_of`` raises."""
    _check(plan, own, together, horizon_h, degrees)
    return _inputs(plan, own, joined)


def _check(plan: AssetMap, own: frozenset[str], together: int, horizon_h: float, degrees: Sequence[float]) -> None:
    missing = sorted(own - {asset.id for asset in plan.assets})
    if missing:
        raise NotFoundError("there is no such asset", where=missing[0], todo="`tocsin map show` lists them")
    if not own:
        raise InputError("no assets", todo="say which are the member's")
    if not 1 <= together <= _MOST_TOGETHER:
        raise InputError(f"{together} losses together", todo=f"1 to {_MOST_TOGETHER}")
    if not 0 < horizon_h <= LONGEST_TOLD_H:
        raise InputError(f"a horizon of {horizon_h:g} hours", todo=f"up to {LONGEST_TOLD_H:,.0f}")
    if 0.0 not in degrees or not all(0 <= one < 1 for one in degrees):
        raise InputError("degrees are services of inputs that are not whole", todo="0 among them, all below 1")


def _inputs(plan: AssetMap, own: frozenset[str], joined: Sequence[Sequence[str]]) -> tuple[Input, ...]:
    needed = {
        one.asset for group in plan.groups if group.asset in own for one in group.suppliers if one.asset not in own
    }
    told: list[Input] = []
    for number, together in enumerate(joined):
        strange = [one for one in together if one not in needed]
        if strange:
            raise InputError("is no input, or is joined twice", where=strange[0], todo="join inputs, each once")
        needed -= set(together)
        told.append(Input(name=f"joined {number + 1}", assets=tuple(sorted(together))))
    return (*(Input(name=one, assets=(one,)) for one in sorted(needed)), *told)


def outputs_of(plan: AssetMap, own: frozenset[str]) -> list[str]:
    """Return those of these assets that others need."""
    wanted = {
        one.asset for group in plan.groups if group.asset not in own for one in group.suppliers if one.asset in own
    }
    return sorted(wanted)


def _passing(plan: AssetMap, own: frozenset[str], outputs: Sequence[str]) -> list[str]:
    """Return the outputs that other assets of the member's need: what they lose, others may."""
    needed = {one.asset for group in plan.groups if group.asset in own for one in group.suppliers}
    return [one for one in outputs if one in needed]


def _tries(terminals: int, together: int, degrees: Sequence[float]) -> Iterable[Try]:
    """Yield what is tried: small sets first, of each the slightest loss first; all inputs at the end."""
    sizes = [*range(1, min(together, terminals) + 1), *([terminals] if terminals > together else [])]
    for size in sizes:
        for chosen in itertools.combinations(range(terminals), size):
            above = 1.0
            for service in degrees:
                yield Try(terminals=chosen, service=service, up_from=above)
                above = service


def _answers(
    asset: int, itself: int | None, tries: Sequence[Try], found: Sequence[Course], horizon: int
) -> list[Answer]:
    """Return the answers of one output that do not follow from others; its own loss is none."""
    answers: list[Answer] = []
    for one, course in zip(tries, found, strict=True):
        if itself in one.terminals:
            continue
        for ticks, level in falls_of(course, asset):
            new = Answer(
                cut=frozenset(one.terminals),
                ticks=ticks,
                level=level,
                up_from=one.up_from,
                service=one.service,
                course=course,
            )
            if ticks <= horizon and not any(other.covers(new) for other in answers):
                answers.append(new)
    return answers
