"""An interface: inputs, outputs, and the stocks by which losses of the ones become losses of the others. Pure.

It is made of the map's own parts, so that the others' map with an interface in it is a map like any other, and the one
engine computes both (``docs/map.md``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.errors import ConflictError
from tocsin.map.cascade.draws import keys_of, shares
from tocsin.map.model import LONGEST_H, Asset, AssetMap, DependencyGroup, Need, Supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Input", "Interface", "Loss", "Output", "Stock", "bounds", "compose", "rounded"]

# Which numbers of a stock are drawn when its hours are rounded.
_HOURS: Final = 21
_THEN: Final = 22


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Something of others that the member needs: lost as soon as one of ``assets`` is."""

    name: str
    assets: tuple[str, ...]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Fewer than ``k`` of these inputs (their names) are up; one is up from a service of ``up_from``."""

    inputs: tuple[str, ...]
    k: int
    up_from: float = 1.0


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """While any of ``losses`` lasts it is used up, and afterwards the output has at most ``service``.

    ``hours``: how long it lasts; ``refill``: hours regained in an hour without loss. ``stays``: what is lost then does
    not come back with the inputs, and the output has ``then_h`` hours more.
    """

    losses: tuple[Loss, ...]
    hours: float
    service: float = 0.0
    refill: float = 1.0
    stays: bool = False
    then_h: float = 0.0


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """An asset of the member's that others need, by its id, and what it lives on."""

    id: str
    kind: str
    sector: str
    owner: str
    stocks: tuple[Stock, ...]


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


def compose(others: AssetMap, *interfaces: Interface) -> AssetMap:
    """Return the others' map with these interfaces in it. The outputs keep their ids; what helps them has new ones.

    Raises ``ConflictError`` where an output, or what helps one, has an id of the others' assets.
    """
    assets = list(others.assets)
    groups = list(others.groups)
    for interface in interfaces:
        for asset, needs in _parts(interface):
            assets.append(asset)
            groups += needs
    taken: set[str] = set()
    for asset in assets:
        if asset.id in taken:
            raise ConflictError("two assets have one id", where=asset.id, todo="rename one of them")
        taken.add(asset.id)
    return AssetMap(assets=tuple(assets), groups=tuple(groups))


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

    return structs.replace(_changed(interface, one), step_h=step_h)


def bounds(interface: Interface) -> tuple[Interface, Interface]:
    """Return the interface with every hour as short, and as long, as its rounding leaves open.

    More buffer never gives less service: the member's own hours lie between, and so does what follows from them.
    """
    step = interface.step_h

    def shorter(_output: Output, _number: int, stock: Stock) -> Stock:
        return structs.replace(stock, hours=max(0.0, stock.hours - step), then_h=max(0.0, stock.then_h - step))

    def longer(_output: Output, _number: int, stock: Stock) -> Stock:
        return structs.replace(
            stock, hours=min(LONGEST_H, stock.hours + step), then_h=min(LONGEST_H, stock.then_h + step)
        )

    return _changed(interface, shorter), _changed(interface, longer)


def _changed(interface: Interface, change: Callable[[Output, int, Stock], Stock]) -> Interface:
    outputs = (
        structs.replace(
            output, stocks=tuple(change(output, number, stock) for number, stock in enumerate(output.stocks))
        )
        for output in interface.outputs
    )
    return structs.replace(interface, outputs=tuple(outputs))


def _parts(interface: Interface) -> Iterator[tuple[Asset, list[DependencyGroup]]]:
    """Yield the assets that stand for an interface, each with its needs."""
    stands = {one.name: one.assets[0] for one in interface.inputs}
    for one in interface.inputs:
        if len(one.assets) > 1:
            stands[one.name] = f"{interface.outputs[0].id}/{one.name}"
            yield Asset(id=stands[one.name]), [_need(stands[one.name], "all", one.assets, k=len(one.assets))]
    for output in interface.outputs:
        needs: list[DependencyGroup] = []
        for number, stock in enumerate(output.stocks):
            yield from _helpers(output, number, stock, stands)
            needs.append(_last(output, number, stock, stands))
        yield Asset(id=output.id, kind=output.kind, sector=output.sector, owner=output.owner), needs


def _helpers(
    output: Output, number: int, stock: Stock, stands: dict[str, str]
) -> Iterator[tuple[Asset, list[DependencyGroup]]]:
    """Yield what a stock needs between inputs and output.

    Several losses that share a stock meet in an asset of their own. What stays lost is a ring of two, which does not
    rise by itself.
    """
    name = f"{output.id}/{number + 1}"
    if len(stock.losses) > 1:
        yield (
            Asset(id=name),
            [_met(name, f"loss {at + 1}", loss, stands) for at, loss in enumerate(stock.losses)],
        )
    if stock.stays:
        one, other = f"{name}/on", f"{name}/and on"
        if len(stock.losses) > 1:
            first = _need(one, "losses", (name,), hours=stock.hours, refill=stock.refill)
        else:
            first = _met(one, "losses", stock.losses[0], stands, stock)
        yield Asset(id=one), [first, _need(one, "ring", (other,))]
        yield Asset(id=other), [_need(other, "ring", (one,))]


def _last(output: Output, number: int, stock: Stock, stands: dict[str, str]) -> DependencyGroup:
    """Return the output's own need of a stock."""
    name, group = f"{output.id}/{number + 1}", f"stock {number + 1}"
    if stock.stays:
        need = _need(output.id, group, (f"{name}/on",), hours=stock.then_h)
    elif len(stock.losses) > 1:
        need = _need(output.id, group, (name,), hours=stock.hours, refill=stock.refill)
    else:
        need = _met(output.id, group, stock.losses[0], stands, stock)
    return structs.replace(need, alpha=1.0 - stock.service, beta=1.0)


def _met(asset: str, name: str, loss: Loss, stands: dict[str, str], stock: Stock | None = None) -> DependencyGroup:
    """Return the need that is not met while a loss lasts; with the stock that lasts as long, if it is this need's."""
    need = _need(asset, name, tuple(stands[one] for one in loss.inputs), k=loss.k)
    if stock is not None:
        need = structs.replace(need, buffer_h=stock.hours, refill=stock.refill)
    return structs.replace(need, up_from=loss.up_from)


def _need(
    asset: str, name: str, suppliers: tuple[str, ...], *, k: int = 1, hours: float = 0.0, refill: float = 1.0
) -> DependencyGroup:
    return DependencyGroup(
        asset=asset,
        name=name,
        suppliers=tuple(Supplier(asset=one) for one in suppliers),
        need=Need.COUNT,
        k=float(k),
        buffer_h=hours,
        refill=refill,
    )
