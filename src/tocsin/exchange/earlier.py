"""What a sender shared before, as far as its next submission is held to it. Never what anybody else shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.interning import read_labels
from tocsin.exchange import store
from tocsin.exchange.relations import note_on, references
from tocsin.exchange.versions import History, check_version, history_of, read_history

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.model import Label
    from tocsin.exchange.stix import ParsedObject
    from tocsin.exchange.store import Own
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter

    Earlier = Mapping[str, Mapping[Micros, Own]]

__all__ = ["enter_version", "last_versions", "reference_notes"]


def last_versions(
    connection: Connection, adapter: Adapter, objects: Iterable[ParsedObject], own: Earlier
) -> dict[str, History]:
    """Return the last version that the sender shared of each object of which another one comes now."""
    last: dict[str, Own] = {}
    for parsed in objects:
        known = own.get(parsed.id)
        if known is not None and parsed.version is not None and parsed.version not in known:
            last[parsed.id] = known[max(known)]
    bodies = store.bodies_of(connection, adapter, [one.contribution_id for one in last.values()]) if last else {}
    found: dict[str, History] = {}
    for object_id, one in last.items():
        body = bodies.get(one.contribution_id)
        if body is not None and one.versioned:
            found[object_id] = read_history(one.version, body)
    return found


def enter_version(histories: dict[str, History], parsed: ParsedObject) -> tuple[str, ...]:
    """Hold a new version to the last one of its object, and keep the later of the two; returns notes for its sender.

    Raises:
        InputError: it is none that STIX 2.1 §3.6 allows after that.
    """
    new, last = history_of(parsed), histories.get(parsed.id)
    if new is None:
        return ()
    notes = () if last is None else check_version(new, last)
    if last is None or new.version > last.version:
        histories[parsed.id] = new
    return notes


def reference_notes(
    connection: Connection, adapter: Adapter, shared: Sequence[tuple[ParsedObject, Label | None]], own: Earlier
) -> list[str | None]:
    """Return for each object now shared what its sender should know of what it refers to.

    ``shared`` are the objects with their labels; None where an earlier contribution's label stays.
    """
    before = {key: versions[max(versions)].label_id for key, versions in own.items()}
    stored = read_labels(connection, adapter, sorted(set(before.values()))) if before else {}
    labels = {key: stored[label_id] for key, label_id in before.items()}
    labels |= {parsed.id: label for parsed, label in shared if label is not None}
    notes: list[str | None] = []
    for parsed, _ in shared:
        named = [(ref, labels[ref]) for ref in references(parsed.obj) if ref in labels]
        notes.append(note_on(labels[parsed.id], named) if named else None)
    return notes
