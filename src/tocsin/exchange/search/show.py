"""From what fits to what its reader is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import StoreBrokenError
from tocsin.exchange import store
from tocsin.exchange.search.model import Hit
from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.search.scan import Fit, Sight
    from tocsin.kernel.db.adapter import Adapter

__all__ = ["Shelf"]


class Shelf:
    """The bytes of what was found in one snapshot."""

    def __init__(self, connection: Connection, adapter: Adapter, sight: Sight) -> None:
        self._connection = connection
        self._adapter = adapter
        self._sight = sight
        self._bodies: dict[int, bytes | None] = {}

    def hits(self, fits: Sequence[Fit]) -> Iterator[Hit]:
        """Yield what is shown of each, in their order; the bytes are fetched with one statement."""
        self.fetch(fits)
        for one in fits:
            yield self.hit(one)

    def hit(self, fit: Fit) -> Hit:
        """Return what is shown of one."""
        match, label = fit.match, self._sight.labels[fit.match.label_id]
        until = match.valid_until
        return Hit(
            id=match.object_id,
            type=label.type,
            version=format_instant(match.version),
            added=format_instant(match.added),
            producer=label.owner,
            tlp=label.tlp,
            object=msgspec.Raw(self.body(fit)),
            confidence=match.confidence,
            valid_until=None if until is None else format_instant(until),
            score=fit.score,
            sighted=None if fit.sighted is None else format_instant(fit.sighted),
            expired=until is not None and until <= self._sight.now,
            revoked=match.revoked,
        )

    def body(self, fit: Fit) -> bytes:
        """Return the bytes of one.

        Raises:
            StoreBrokenError: they are not there, and the index says that they are.
        """
        number = fit.match.contribution_id
        if number not in self._bodies:
            self.fetch([fit])
        found = self._bodies[number]
        if found is None:
            raise StoreBrokenError(
                "the index holds what is purged", where=fit.match.object_id, todo="run `tocsin search reindex`"
            )
        return found

    def fetch(self, fits: Sequence[Fit]) -> None:
        """Fetch the bytes of these, those that are not there yet."""
        wanted = sorted({one.match.contribution_id for one in fits} - self._bodies.keys())
        if wanted:
            found = store.bodies_of(self._connection, self._adapter, wanted)
            self._bodies |= {number: found.get(number) for number in wanted}
