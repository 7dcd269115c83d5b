"""Agreements as the log alone tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements import replay
from tocsin.kernel.clock import parse_instant
from tocsin.log.model import EntryPayload, decode_payload
from tocsin.parties.replay import People
from tocsin.parties.replay import apply as apply_party

if TYPE_CHECKING:
    from support.hub import World

__all__ = ["entries_of", "rebuilt"]


def entries_of(world: World) -> list[EntryPayload]:
    """Return what a hub's log tells, in its order."""
    with world.hub.store.read() as connection:
        rows = list(world.hub.log.rows(connection))
    return [decode_payload(row.payload) for row in rows if row.payload is not None]


def rebuilt(entries: list[EntryPayload]) -> replay.Agreed:
    """Return what entries make of agreements, by the log alone."""
    agreed, people = replay.Agreed(), People(hub="https://hub.example")
    for entry in entries:
        people = apply_party(people, entry.kind, entry.data)
        at = parse_instant(entry.at)
        agreed = replay.apply(agreed, entry.kind, entry.data, people=people, at=at, mandate=entry.mandate)
    return agreed
