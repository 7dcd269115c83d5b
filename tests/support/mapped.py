"""A hub whose members share parts of the map under an agreement that opens some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.cascades import needs
from tocsin.map.model import Asset, AssetMap, Place
from tocsin.map.shelf import Sharing

if TYPE_CHECKING:
    from support.hub import World
    from tocsin.exchange.model import Receipt
    from tocsin.map.seen import Seen

__all__ = ["ALFA", "AMBER", "BRAVO", "COAST", "STRICT", "agreed", "map_of", "region", "share_map", "sharing"]

ALFA: Final = "https://alfa.example"
BRAVO: Final = "https://bravo.example"
COAST: Final = "https://coast.example"
STRICT: Final = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
AMBER: Final = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"

_AGREEMENT: Final = """
agreement: region
version: 1
title: What falls next
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}, {name: coast}]
purposes: [analyse, respond, detect]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [asset, asset-detail, dependency, asset-state]}
    for: [analyse, respond, detect]
"""


def agreed(world: World) -> None:
    """Add three members who share their maps up to TLP:AMBER."""
    for name in ("alfa", "bravo", "coast"):
        world.party(name)
    world.agreement(_AGREEMENT, signed_by=("alfa", "bravo", "coast"))


def region(**said: Any) -> AssetMap:  # noqa: ANN401  attributes of any type
    """Return what alfa has: a plant, a substation that needs it, and a pump that needs the substation."""
    return AssetMap(
        assets=(
            Asset(id="plant", kind="plant", sector="energy"),
            Asset(id="substation 3", kind="substation", sector="energy", place=Place(longitude=10.7, latitude=59.9)),
            Asset(id="pump", sector="water", people=400, **said),
        ),
        groups=(needs("substation 3", "plant"), needs("pump", "substation 3", buffer_h=4.0)),
    )


def sharing(world: World, name: str) -> Sharing:
    """Return how a party shares for itself."""
    asker = world.asker(name, purpose="analyse")
    return Sharing(asker=asker, acting=asker.acting)


def share_map(
    world: World, name: str, plan: AssetMap, *, markings: dict[str, str] | None = None, retire: bool = False
) -> Receipt | None:
    """Import a map for a party; None: nothing of it was new."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    own = sharing(world, name)
    changes = world.hub.maps.changes(plan, own, at=at, markings=markings, tlp=AMBER, retire=retire)
    receipt = world.hub.maps.share(changes, own)
    assert receipt is None or not [one.reason for one in receipt.results if one.reason is not None]
    return receipt


def map_of(world: World, name: str) -> Seen:
    """Return the map that a party sees."""
    return world.hub.maps.seen(world.asker(name, purpose="analyse"))
