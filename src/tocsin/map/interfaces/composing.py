"""An interface in the others' map: made of the map's own parts, so that the one engine computes both. Pure.

A stock is a need with a buffer. A promise is an asset that is up while it is kept. What is so for good is a ring of two
assets, which does not rise by itself (``docs/map.md``).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from msgspec import structs

from tocsin.errors import ConflictError
from tocsin.map.cascade.grid import TICKS
from tocsin.map.model import MOST_ID, Asset, AssetMap, DependencyGroup, Need, Supplier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tocsin.map.interfaces.model import Interface, Loss, Output, Promise, Stock

__all__ = ["compose"]

# Of a name that is too long so many digits of its digest stay: two names that meet are not to be met with.
_DIGITS: Final = 16


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


def _parts(interface: Interface) -> Iterator[tuple[Asset, list[DependencyGroup]]]:
    """Yield the assets that stand for an interface, each with its needs."""
    stands = {one.id: one.id for one in interface.outputs}
    for one in interface.inputs:
        stands[one.name] = one.assets[0]
        if len(one.assets) > 1:
            stands[one.name] = _named(interface.outputs[0].id, one.name)
            yield Asset(id=stands[one.name]), [_need(stands[one.name], "all", one.assets, k=len(one.assets))]
    memory = _Memory(stands, interface.outputs[0].id if interface.outputs else "")
    for output in interface.outputs:
        needs: list[DependencyGroup] = []
        for number, stock in enumerate(output.stocks):
            yield from _helpers(output, number, stock, stands)
            needs.append(_last(output, number, stock, stands))
        kept = _kept(output)
        for name, promise in kept.items():
            yield Asset(id=name), list(_conditions(name, promise, stands, memory))
        needs += _promised(output, kept)
        yield Asset(id=output.id, kind=output.kind, sector=output.sector, owner=output.owner), needs
    yield from memory.parts()


def _named(*parts: str) -> str:
    """Return the id of what helps an output: what it is of and what it is for, or so much of it as an id holds.

    The same from the same parts; another from others, by the digest that takes the place of what is cut off.
    """
    name = "/".join(parts)
    if len(name) <= MOST_ID:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: MOST_ID - _DIGITS - 1]}~{digest}"


# --- stocks ----------------------------------------------------------------------------------------------------------


def _helpers(
    output: Output, number: int, stock: Stock, stands: Mapping[str, str]
) -> Iterator[tuple[Asset, list[DependencyGroup]]]:
    """Yield what a stock needs between inputs and output.

    Several losses that share a stock meet in an asset of their own. What stays lost is a ring of two, which does not
    rise by itself.
    """
    name = _named(output.id, str(number + 1))
    if len(stock.losses) > 1:
        yield (
            Asset(id=name),
            [_met(name, f"loss {at + 1}", loss, stands) for at, loss in enumerate(stock.losses)],
        )
    if stock.stays:
        one, other = _named(name, "on"), _named(name, "and on")
        if len(stock.losses) > 1:
            first = _need(one, "losses", (name,), hours=stock.hours, refill=stock.refill)
        else:
            first = _met(one, "losses", stock.losses[0], stands, stock)
        yield Asset(id=one), [first, _need(one, "ring", (other,))]
        yield Asset(id=other), [_need(other, "ring", (one,))]


def _last(output: Output, number: int, stock: Stock, stands: Mapping[str, str]) -> DependencyGroup:
    """Return the output's own need of a stock."""
    name, group = _named(output.id, str(number + 1)), f"stock {number + 1}"
    if stock.stays:
        need = _need(output.id, group, (_named(name, "on"),), hours=stock.then_h)
    elif len(stock.losses) > 1:
        need = _need(output.id, group, (name,), hours=stock.hours, refill=stock.refill)
    else:
        need = _met(output.id, group, stock.losses[0], stands, stock)
    return structs.replace(need, alpha=1.0 - stock.service, beta=1.0, black_start=stock.starts)


# --- promises --------------------------------------------------------------------------------------------------------


class _Memory:
    """Stand-ins of inputs that stay down once their input gave less than some service."""

    def __init__(self, stands: Mapping[str, str], member: str) -> None:
        self._stands = stands
        self._member = member
        self._known: dict[tuple[str, float], str] = {}

    def of(self, names: Sequence[str], up_from: float) -> dict[str, str]:
        """Return what stands for these inputs and remembers."""
        return {
            name: self._known.setdefault((name, up_from), _named(self._member, name, f"ever {up_from:g}"))
            for name in names
        }

    def parts(self) -> Iterator[tuple[Asset, list[DependencyGroup]]]:
        """Yield them all: rings of two."""
        for (name, up_from), one in self._known.items():
            other = _named(one, "and on")
            first = structs.replace(_need(one, "input", (self._stands[name],)), up_from=up_from)
            yield Asset(id=one), [first, _need(one, "ring", (other,))]
            yield Asset(id=other), [_need(other, "ring", (one,))]


def _kept(output: Output) -> dict[str, Promise]:
    """Return the promises that may be broken, by the assets that are up while they are kept."""
    return {
        _named(output.id, f"at least {one.service:g}", str(number + 1)): one
        for number, one in enumerate(output.promises)
        if not _always(one)
    }


def _always(promise: Promise) -> bool:
    return not promise.losses and promise.degree == 0 and promise.hours is None


def _conditions(name: str, promise: Promise, stands: Mapping[str, str], memory: _Memory) -> Iterator[DependencyGroup]:
    """Yield what a promise needs to be kept: that no loss is there, the degree, the hours."""
    every, whole = len(promise.inputs), {one: stands[one] for one in promise.inputs}
    for number, loss in enumerate(promise.losses):
        yield _met(name, f"loss {number + 1}", loss, memory.of(loss.inputs, 1.0) if promise.ever else whole)
    if promise.degree > 0:
        seen = memory.of(promise.inputs, promise.degree) if promise.ever else whole
        yield structs.replace(
            _need(name, "degree", tuple(seen.values()), k=every), up_from=1.0 if promise.ever else promise.degree
        )
    if promise.hours is not None:
        watched = whole if promise.pauses else memory.of(promise.inputs, 1.0)
        # a tick less: what is still up at the instant of a repair would lift what an empty buffer does not
        hours = max(0.0, promise.hours - 1 / TICKS)
        yield _need(name, "hours", tuple(watched.values()), k=every, hours=hours, refill=0.0)


def _promised(output: Output, kept: Mapping[str, Promise]) -> Iterator[DependencyGroup]:
    """Yield the output's needs: of each service that is promised, one of the promises of it or of more."""
    below = 0.0
    for service in sorted({one.service for one in output.promises}):
        enough = [one for one in output.promises if one.service >= service]
        if not any(_always(one) for one in enough):
            names = tuple(name for name, one in kept.items() if one.service >= service)
            need = _need(output.id, f"at least {service:g}", names)
            yield structs.replace(need, alpha=1.0 - below, beta=1.0)
        below = service


# --- needs -----------------------------------------------------------------------------------------------------------


def _met(asset: str, name: str, loss: Loss, stands: Mapping[str, str], stock: Stock | None = None) -> DependencyGroup:
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
