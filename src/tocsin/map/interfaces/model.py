"""An interface: inputs, outputs, and how losses of the ones become losses of the others. Pure.

What an output lives on is told by stocks (as it most likely is, and at most) or by promises (at least).
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
from msgspec import structs

from tocsin.map.cascade.draws import keys_of, shares

__all__ = ["Bounds", "Input", "Interface", "Loss", "Output", "Promise", "Stock", "rounded"]

# Which numbers of a stock are drawn when its hours are rounded.
_HOURS: Final = 21
_THEN: Final = 22


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Something of others that the member needs: lost as soon as one of ``assets`` is."""

    name: str
    assets: tuple[str, ...]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Fewer than ``k`` of these inputs are up; one is up from a service of ``up_from``.

    They are told by their names; one of the member's other outputs may be among them, by its id.
    """

    inputs: tuple[str, ...]
    k: int
    up_from: float = 1.0


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """While any of ``losses`` lasts it is used up, and afterwards the output has at most ``service``.

    ``hours``: how long it lasts; ``refill``: hours regained in an hour without loss. ``stays``: what is lost then does
    not come back with the inputs, and the output has ``then_h`` hours more. ``starts``: the output may be up for the
    instant in which others start (black start), which what is behind it might bring about.
    """

    losses: tuple[Loss, ...]
    hours: float
    service: float = 0.0
    refill: float = 1.0
    stays: bool = False
    then_h: float = 0.0
    starts: bool = False


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The output has at least ``service`` while this is kept: as long as all that it says is so.

    Every one of ``inputs`` gives at least ``degree``; none of ``losses`` is there; and any of ``inputs`` has been less
    than whole for less than ``hours`` in all (None: however long). ``ever``: what was so once is so for good.
    ``pauses``: hours in which all of them are whole are not counted; else all are, from the first loss on.
    """

    service: float
    inputs: tuple[str, ...]
    losses: tuple[Loss, ...]
    degree: float = 0.0
    hours: float | None = None
    ever: bool = False
    pauses: bool = False


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """An asset of the member's that others need, by its id, and what it lives on.

    ``stocks`` each limit its service. Where there are ``promises``, it has the greatest service that one of those that
    are kept promises, of those that any names; at first all are kept.
    """

    id: str
    kind: str
    sector: str
    owner: str
    stocks: tuple[Stock, ...] = ()
    promises: tuple[Promise, ...] = ()


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """What a member publishes. Nothing else of its part of the map leaves its machine.

    ``together``: losses of up to so many inputs at once were looked at, and of all at once; ``horizon_h``: what takes
    longer is not told. ``degrees``: services of inputs at which they were looked at; one in between counts as the next
    lower. ``step_h``: hours are rounded to multiples of it, at random up or down; 0: they are not.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    together: int
    horizon_h: float
    degrees: tuple[float, ...]
    step_h: float = 0.0


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Two interfaces of one part between which its full map lies, for everybody, at every instant (ADR 144)."""

    least: Interface
    most: Interface


def rounded(interface: Interface, step_h: float, *, seed: int) -> Interface:
    """Return the interface with its hours rounded to multiples of ``step_h``, up or down at random, right on average.

    ``seed`` is the member's and stays with it: who knows it may know on which side of the step an hour was. Nothing
    moves by a step or more.
    """

    def near(hours: float, key: str, question: int) -> float:
        place = hours / step_h
        below = math.floor(place)
        share = float(shares(keys_of([key]), question, seed=seed, sample=0)[0])
        return step_h * (below + (share < place - below))

    def one(output: Output, number: int, stock: Stock) -> Stock:
        key = f"{output.id}\0{number}"
        return structs.replace(stock, hours=near(stock.hours, key, _HOURS), then_h=near(stock.then_h, key, _THEN))

    outputs = (
        structs.replace(output, stocks=tuple(one(output, number, stock) for number, stock in enumerate(output.stocks)))
        for output in interface.outputs
    )
    return structs.replace(interface, outputs=tuple(outputs), step_h=step_h)
