"""What stands around an object, as far as its reader may see it.

An id is a text in somebody's bytes, and those never change: who may read a relationship reads both of its ends. What
the hub holds under such an id is told only where that is visible to the reader; what is not, and what was never shared,
is an end without an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import NotFoundError
from tocsin.exchange.search.model import DEFAULT_HITS, Edge, Hit, Surroundings
from tocsin.exchange.search.scan import LOOKED_AT, Fit, Sight, by_terms, scan, standing
from tocsin.exchange.search.show import Shelf
from tocsin.exchange.search.wire import references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.db.adapter import Adapter

__all__ = ["Around"]

_FAR: Final = 2**62
# About an object, and not references between objects.
_REMARKS: Final = frozenset({"sighting", "note", "opinion"})


class Around:
    """Looks around one object in one snapshot."""

    def __init__(self, connection: Connection, adapter: Adapter, sight: Sight) -> None:
        self._connection = connection
        self._adapter = adapter
        self._sight = sight
        self._shelf = Shelf(connection, adapter, sight)

    def of(
        self, object_id: str, *, limit: int, before: int | None = None
    ) -> tuple[Surroundings, list[Fit], int | None]:
        """Return what stands around an id, ``limit`` of each at most, and what this shows, some of it twice.

        ``before``: a later page, of what refers to it below that number; what it refers to itself is on the first. The
        last of the three is the number below which to go on, or None.

        Raises:
            NotFoundError: nothing visible has or names it.
        """
        itself = self._latest([object_id]).get(object_id)
        naming, place = self._naming(object_id, limit, _FAR if before is None else before)
        more = place is not None
        if itself is None and before is None and not naming and not more:
            raise NotFoundError("there is no such object, or none that you may see")
        self._shelf.fetch([*naming, *([itself] if itself else [])])
        sketches: list[tuple[Edge, str | None]] = []
        remarks: dict[str, list[Hit]] = {kind: [] for kind in _REMARKS}
        for fit in naming:
            told: dict[str, Any] = msgspec.json.decode(self._shelf.body(fit))
            kind = told["type"]
            if kind == "relationship" and object_id in (told.get("source_ref"), told.get("target_ref")):
                sketches.append(_relationship(object_id, told, self._shelf.hit(fit)))
            elif kind in _REMARKS and _about(told, object_id):
                remarks[kind].append(self._shelf.hit(fit))
            else:
                sketches += [
                    (Edge(property=one.property, source=told["id"], target=object_id, other=self._shelf.hit(fit)), None)
                    for one in references(told)
                    if one.target == object_id
                ]
        if itself is not None and before is None:
            own = list(references(msgspec.json.decode(self._shelf.body(itself))))
            more = more or len(own) > limit
            sketches += [
                (Edge(property=one.property, source=object_id, target=one.target), one.target) for one in own[:limit]
            ]
        ends = self._latest(sorted({end for _, end in sketches if end is not None}))
        shown = [*naming, *ends.values(), *([itself] if itself else [])]
        self._shelf.fetch(shown)
        edges = [
            edge if end is None or end not in ends else msgspec.structs.replace(edge, other=self._shelf.hit(ends[end]))
            for edge, end in sketches
        ]
        surroundings = Surroundings(
            hit=None if itself is None else self._shelf.hit(itself),
            edges=tuple(edges),
            sightings=tuple(remarks["sighting"]),
            notes=tuple(remarks["note"]),
            opinions=tuple(remarks["opinion"]),
            more=more,
            release=None,
        )
        return surroundings, shown, place

    def _latest(self, object_ids: Sequence[str]) -> dict[str, Fit]:
        """Return the version that stands for each of these ids, of those that the reader may see."""
        return standing(self._connection, self._adapter, self._sight, object_ids)

    def _naming(self, object_id: str, limit: int, before: int) -> tuple[list[Fit], int | None]:
        """Return what refers to an id, the newest first, and below which number there is or may be more."""
        looked_at = 0
        found: list[Fit] = []
        asked = by_terms(self._sight, "ref", [object_id])
        size = max(2 * limit, DEFAULT_HITS)
        for batch in scan(self._connection, self._adapter, self._sight, asked, before=before, batch=size):
            found += batch.fits
            looked_at += batch.looked_at
            if len(found) > limit:
                return found[:limit], found[limit - 1].match.seq
            if looked_at >= LOOKED_AT and not batch.last:
                return found, batch.place
        return found, None


def _relationship(object_id: str, told: dict[str, Any], via: Hit) -> tuple[Edge, str | None]:
    role = "source_ref" if told.get("source_ref") == object_id else "target_ref"
    end = told["target_ref" if role == "source_ref" else "source_ref"]
    edge = Edge(
        property=role,
        source=told["source_ref"],
        target=told["target_ref"],
        via=via,
        relationship=told["relationship_type"],
    )
    return edge, end


def _about(told: dict[str, Any], object_id: str) -> bool:
    return told.get("sighting_of_ref") == object_id or object_id in (told.get("object_refs") or ())
