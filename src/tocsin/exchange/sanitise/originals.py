"""What became of the originals of sanitised versions: offered, taken back, called back, destroyed."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tocsin.exchange.recall.model import Demand, OurCopy
from tocsin.exchange.recall.tables import RECALL_OBJECTS, RECALLS
from tocsin.exchange.retention.model import Ground
from tocsin.exchange.retention.tables import PURGES
from tocsin.exchange.sanitise import store
from tocsin.exchange.sanitise.model import Ending, State
from tocsin.exchange.sanitise.records import Acts
from tocsin.exchange.sanitise.tables import SANITISED, SANITISED_CHAINS
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.sanitise.store import Kept
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

__all__ = ["Drafts", "Fate", "Original", "originals"]


class Fate(enum.StrEnum):
    """What became of an original."""

    OFFERED = "offered"
    WITHDRAWN = "withdrawn"  # its owner took it back, or it is not there
    RECALLED = "recalled"  # it was called back from everybody
    EXPIRED = "expired"  # its time was over, and it was destroyed: what was published of it has a time of its own


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one original: its label while it is offered; of what was called back, what is demanded by when."""

    fate: Fate
    label_id: int = 0
    demand: Demand | None = None
    due: Micros | None = None
    ours: OurCopy | None = None


_GONE = Original(fate=Fate.WITHDRAWN)


def originals(connection: Connection, adapter: Adapter, environment: int, rows: Sequence[Kept]) -> dict[int, Original]:
    """Return what became of the original of each version, by the version's key."""
    keys = sorted({object_key(environment, row.version.chain.object_id) for row in rows})
    wanted = adapter.integers(keys, "keys")
    query = select(
        CONTRIBUTIONS.c.contribution_id,
        CONTRIBUTIONS.c.owner_id,
        CONTRIBUTIONS.c.object_id,
        CONTRIBUTIONS.c.version,
        CONTRIBUTIONS.c.label_id,
    ).where(CONTRIBUTIONS.c.object_key.in_(select(wanted.c.value)))
    found = {(row.owner_id, row.object_id, row.version): row for row in connection.execute(query)}
    own = {row.key: found.get((row.owner_id, row.version.chain.object_id, row.version.version)) for row in rows}
    numbers = sorted({row.contribution_id for row in own.values() if row is not None})
    offered = _offered(connection, adapter, numbers)
    ended = _ended(connection, adapter, numbers)
    fates: dict[int, Original] = {}
    for row in rows:
        original = own[row.key]
        if original is None:
            fates[row.key] = _GONE
        elif (original.contribution_id, row.collection_id) in offered:
            fates[row.key] = Original(fate=Fate.OFFERED, label_id=original.label_id)
        else:
            fates[row.key] = ended.get(original.contribution_id, _GONE)
    return fates


def _offered(connection: Connection, adapter: Adapter, numbers: Sequence[int]) -> set[tuple[int, int]]:
    wanted = adapter.integers(numbers, "wanted")
    query = select(OFFERS.c.contribution_id, OFFERS.c.collection_id).where(
        OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.withdrawn_at.is_(None)
    )
    rows = connection.execute(adapter.through(query, OFFERS, "ix_offers_contribution"))
    return {(row.contribution_id, row.collection_id) for row in rows}


def _ended(connection: Connection, adapter: Adapter, numbers: Sequence[int]) -> dict[int, Original]:
    wanted = adapter.integers(numbers, "wanted")
    among = select(wanted.c.value)
    purged = connection.execute(
        select(PURGES.c.contribution_id).where(
            PURGES.c.contribution_id.in_(among), PURGES.c.ground != str(Ground.RECALL)
        )
    ).scalars()
    found = {number: Original(fate=Fate.EXPIRED) for number in purged}
    recalls = connection.execute(
        select(RECALL_OBJECTS.c.contribution_id, RECALLS.c.demand, RECALLS.c.due, RECALLS.c.ours)
        .join(RECALLS, RECALLS.c.recall_id == RECALL_OBJECTS.c.recall_id)
        .where(RECALL_OBJECTS.c.contribution_id.in_(among), RECALLS.c.ours != str(OurCopy.KEEP))
        .order_by(RECALLS.c.recall_id)
    )
    # what was called back is, even if its time is over as well; the last order counts
    for row in recalls:
        found[row.contribution_id] = Original(
            fate=Fate.RECALLED, demand=Demand(row.demand), due=row.due, ours=OurCopy(row.ours)
        )
    return found


class Drafts:
    """What waits to leave: it is made of its original, and is destroyed with it."""

    def __init__(self, *, store: Store, log: Log, environment: int) -> None:
        self._adapter = store.adapter
        self._log = log
        self._environment = environment

    def erase(self, connection: Connection, acting: Acting, contributions: Sequence[int]) -> None:
        """Drop what waits of contributions whose content is being destroyed, in the caller's transaction."""
        wanted = self._adapter.integers(contributions, "wanted")
        query = select(CONTRIBUTIONS.c.owner_id, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version).where(
            CONTRIBUTIONS.c.contribution_id.in_(select(wanted.c.value))
        )
        gone = {tuple(row) for row in connection.execute(query)}
        keys = self._adapter.integers(
            sorted({object_key(self._environment, object_id) for _, object_id, _ in gone}), "keys"
        )
        rows = store.version_rows(
            connection,
            self._environment,
            SANITISED_CHAINS.c.object_key.in_(select(keys.c.value)),
            SANITISED.c.state.in_([State.PENDING, State.APPROVED]),
        )
        waiting = [row for row in rows if (row.owner_id, row.version.chain.object_id, row.version.version) in gone]
        if waiting:
            Acts(connection, self._log, acting).end(waiting, Ending.PURGED)
