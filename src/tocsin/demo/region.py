"""The region's map: three operators share their parts of it, and the CERT asks what falls next and what hurts most."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from tocsin.exchange.reading import Asker
from tocsin.map import failures
from tocsin.map.cascade import Hit, hits_of, trace, wire
from tocsin.map.cascade.grid import FULL
from tocsin.map.formats import read_files
from tocsin.map.shelf import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.bootstrap import Hub
    from tocsin.kernel.mandate import Acting
    from tocsin.map.seen import Seen

__all__ = ["OPERATORS", "asker_of", "cascade", "seen_by", "share_maps", "single_point"]

COLLECTION: Final = "map"
OPERATORS: Final = ("fjordkraft", "vannverket", "telebris")
_HOURS: Final = 72.0


def share_maps(hub: Hub, acting: Acting) -> Iterator[tuple[str, int]]:
    """Open a collection for the map, and let each operator share its part; yields whose, and how many objects."""
    hub.collections.add(acting, hub.mandate, COLLECTION, title="Map", description="Assets and what they depend on")
    for name in OPERATORS:
        folder = files("tocsin.demo") / "story" / "map" / name
        read = read_files({one.name: one.read_bytes() for one in folder.iterdir()})
        asker = asker_of(hub, acting, name)
        sharing = Sharing(asker=asker, acting=asker.acting, collection=COLLECTION)
        with hub.store.read() as connection:
            at = hub.log.now(connection)
        changes = hub.maps.changes(read.plan, sharing, at=at)
        hub.maps.share(changes, sharing)
        yield name, len(changes.objects)


def seen_by(hub: Hub, acting: Acting, reader: str) -> Seen:
    """Return the map that a party sees."""
    return hub.maps.seen(asker_of(hub, acting, reader), COLLECTION)


def cascade(seen: Seen, asset: str, hours: float) -> str:
    """Return what follows within three days when an asset is down for so many hours, in one line."""
    wiring = wire(seen.plan)
    course = trace(wiring, hits_of(wiring, [[Hit(asset=asset, until_h=hours)]]), horizon_h=_HOURS)
    falls: dict[int, str] = {}
    for at, number, level in course.changes:
        if level < FULL and wiring.ids[number] != asset:
            falls.setdefault(number, f"{wiring.ids[number]} at {at / wiring.ticks_per_hour:.1f} h ({level / FULL:.0%})")
    return f"{asset} down for {hours:g} h: " + (", ".join(falls.values()) or "nothing else falls")


def single_point(seen: Seen) -> str:
    """Return the asset that takes most with it when it is down for three days, in one line."""
    wiring = wire(seen.plan)
    losses = failures.singles(wiring, horizon_h=_HOURS)
    first = losses.ranked()[0]
    name = wiring.ids[int(losses.sets[first][0])]
    return (
        f"{name} down for {_HOURS:g} h leaves {losses.people_h[first]:,.0f} people-hours without service,"
        " more than any other"
    )


def asker_of(hub: Hub, acting: Acting, name: str) -> Asker:
    """Return a party as a reader of the map and of evidence."""
    party = hub.parties.get(name)
    return Asker(party=party.uri, user=None, purpose="respond", acting=acting.for_(name))
