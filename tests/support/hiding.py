"""Worlds that differ only in what one member may not see: what is hidden, how much of it, and what was done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.sharing import bundle, indicator, terms_mark
from tocsin.exchange.model import VersionChoice
from tocsin.kernel.clock import SECOND
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

__all__ = ["HIDING", "OWN", "SHOWN", "prepared"]

Json = dict[str, Any]

_EXPORT: Final = terms_mark(categories=("export-controlled",))
SHOWN: Final = tuple(range(1, 8))  # alfa's, which bravo may read
OWN: Final = tuple(range(20, 23))  # bravo's own
_MANY: Final = 600


def _hide(world: World, name: str, *objects: Json) -> None:
    receipt = world.share(name, bundle(list(objects), marked=[_EXPORT]))
    assert not [result for result in receipt.results if result.reason is not None]


def _secret(number: int, **said: Any) -> Json:  # noqa: ANN401  properties of STIX, of several types
    return indicator(number, marked=[_EXPORT], **said)


def _nothing(_world: World) -> None:
    pass


def _one(world: World) -> None:
    _hide(world, "alfa", _secret(100))


def _many(world: World) -> None:
    _hide(world, "coast", *(_secret(number) for number in range(100, 100 + _MANY)))


def _one_by_one(world: World) -> None:
    for number in range(200, 212):
        _hide(world, "alfa" if number % 2 else "coast", _secret(number))


def _large(world: World) -> None:
    _hide(world, "alfa", _secret(300, description="x" * 500_000))


def _alike(world: World) -> None:
    """The same ids, and partly the same content, as what bravo sees and as what it is about to share."""
    _hide(world, "coast", *(_secret(number) for number in (*SHOWN[:3], *OWN)))


def _taken_back(world: World) -> None:
    for number in (400, 401):
        world.share("alfa", bundle([indicator(number)]))
        world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(number)["id"], {VersionChoice.ALL}
        )


def _released(world: World) -> None:
    _hide(world, "alfa", _secret(500))
    for reader in ("alfa", "coast", "ana@alfa"):
        world.read(reader)
    world.hub.integrator.integrate()


def _refused(world: World) -> None:
    broken = indicator(600) | {"pattern": "[broken"}
    receipt = world.share("coast", bundle([broken, _secret(601)], marked=[_EXPORT]))
    assert [result.reason is None for result in receipt.results].count(False) == 1


HIDING: Final[dict[str, Callable[[World], None]]] = {
    "nothing": _nothing,
    "one": _one,
    "many at once": _many,
    "one by one": _one_by_one,
    "a large one": _large,
    "under the same ids": _alike,
    "taken back": _taken_back,
    "released to others": _released,
    "partly refused": _refused,
}


def prepared(world: World, hide: Callable[[World], None]) -> None:
    """Let others share what bravo may read, with what it may not between; every act has its own second, as ever."""
    for number in SHOWN[:3]:
        world.share("alfa", bundle([indicator(number)]))
    world.clock.advance(SECOND)
    hide(world)
    world.clock.advance(SECOND)
    for number in SHOWN[3:]:
        world.share("alfa", bundle([indicator(number)]))
    world.clock.advance(SECOND)
    world.hub.indexer.index()
