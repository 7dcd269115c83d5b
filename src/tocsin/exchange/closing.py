"""Takes contributions out of every collection: their offers stay on record, and are open to nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import select, union, update

from tocsin.exchange import store
from tocsin.exchange.recall.model import OurCopy
from tocsin.exchange.recall.tables import RECALL_OBJECTS, RECALLS
from tocsin.exchange.releases import WITHDRAWN
from tocsin.exchange.retention.tables import PURGES
from tocsin.exchange.search.indexer import terms_in, withdrawn
from tocsin.exchange.tables import COLLECTIONS, OFFERS
from tocsin.kernel.db.store import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter

__all__ = ["close_offers", "closed_for_good"]

# Contributions whose bodies are in memory at once.
STEP = 500


def close_offers(
    connection: Connection, adapter: Adapter, environment: int, contribution_ids: Sequence[int], at: Micros
) -> dict[str, list[int]]:
    """Withdraw every standing offer of contributions, in the caller's transaction; returns them by collection.

    What is closed has no label any more, and no place in the index. The caller enters it into the log.
    """
    closed: dict[str, list[int]] = {}
    for start in range(0, len(contribution_ids), STEP):
        for uuid, sequences in _close(connection, adapter, environment, contribution_ids[start : start + STEP], at):
            closed.setdefault(uuid, []).extend(sequences)
    return {uuid: sorted(sequences) for uuid, sequences in sorted(closed.items())}


def closed_for_good(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> set[int]:
    """Return those of these contributions that were purged or called back from everybody: never offered again."""
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    among = select(wanted.c.value)
    purged = select(PURGES.c.contribution_id).where(PURGES.c.contribution_id.in_(among))
    recalled = (
        select(RECALL_OBJECTS.c.contribution_id)
        .join(RECALLS, RECALLS.c.recall_id == RECALL_OBJECTS.c.recall_id)
        .where(RECALL_OBJECTS.c.contribution_id.in_(among), RECALLS.c.ours != str(OurCopy.KEEP))
    )
    return set(connection.execute(union(purged, recalled)).scalars())


def _close(
    connection: Connection, adapter: Adapter, environment: int, contribution_ids: Sequence[int], at: Micros
) -> list[tuple[str, list[int]]]:
    wanted = adapter.integers(contribution_ids, "wanted")
    query = (
        select(
            OFFERS.c.collection_id, COLLECTIONS.c.uuid, OFFERS.c.offer_seq, OFFERS.c.label_id, OFFERS.c.contribution_id
        )
        .join(COLLECTIONS, COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
        .where(OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.withdrawn_at.is_(None))
        .order_by(OFFERS.c.collection_id, OFFERS.c.offer_seq)
    )
    rows = connection.execute(query).all()
    bodies = store.bodies_of(connection, adapter, sorted({row.contribution_id for row in rows})) if rows else {}
    terms = {number: terms_in(body) for number, body in bodies.items()}
    found: list[tuple[str, list[int]]] = []
    for collection_id, uuid in dict.fromkeys((row.collection_id, row.uuid) for row in rows):
        here = [row for row in rows if row.collection_id == collection_id]
        sequences = [row.offer_seq for row in here]
        for part in chunks(sequences):
            connection.execute(
                update(OFFERS)
                .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(part))
                .values(label_id=WITHDRAWN, withdrawn_at=at)
            )
        withdrawn(
            connection, collection_id, [(row.offer_seq, row.label_id, terms[row.contribution_id]) for row in here]
        )
        gone = Counter(row.label_id for row in here)
        counts = [(label_id, -offers) for label_id, offers in gone.items()]
        store.count_labels(connection, environment, collection_id, [*counts, (WITHDRAWN, len(here))])
        found.append((uuid, sequences))
    return found
