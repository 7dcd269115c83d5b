"""What was committed since the last look: one snapshot, a few small queries, whatever the number of listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import select

from tocsin.errors import StoreBrokenError
from tocsin.exchange.sanitise import records as sanitised
from tocsin.exchange.store import read_collections
from tocsin.exchange.tables import OFFERS
from tocsin.log.tables import LOG_ENTRIES, LOG_HEADS

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Change", "Seen", "look"]

# More labels than this at once, and every listener of the collection looks for itself.
MAX_LABELS: Final = 500
# Entries after which everybody's credentials are as good as before. Any other kind, one that comes later included, has
# them proved anew.
_HARMLESS: Final = frozenset(
    {"collection.added", "inquiry", "release", "submission", "token.issued", "withdrawal", *sanitised.KINDS}
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How far a look saw: the newest offer of each collection by its UUID, and how many entries the log had."""

    heads: dict[str, int]
    size: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What came between two looks.

    ``labels`` are those of the new offers, by collection; None: too many to list. ``credentials`` says whether somebody
    may have lost theirs.
    """

    seen: Seen
    labels: dict[str, frozenset[int] | None]
    credentials: bool


def look(connection: Connection, environment: int, before: Seen | None) -> Change:
    """Return what this snapshot has that ``before`` had not; None: nothing was seen yet, and nothing is new.

    Raises:
        StoreBrokenError: the database lost what ``before`` was seen in.
    """
    size = connection.execute(select(LOG_HEADS.c.size).where(LOG_HEADS.c.environment == environment)).scalar_one()
    if before is not None and size < before.size:
        # this snapshot was taken after that one: a log that is shorter went back, to a head that may well be known
        raise StoreBrokenError("the database lost what this process had read in it")
    if before is not None and size == before.size:
        # nothing is offered without an entry
        return Change(seen=before, labels={}, credentials=False)
    collections = read_collections(connection, environment)
    seen = Seen(heads={one.uuid: one.head_seq for one in collections}, size=size)
    if before is None:
        return Change(seen=seen, labels={}, credentials=True)
    labels = {
        one.uuid: _labels(connection, one.id, head, one.head_seq)
        for one in collections
        if one.head_seq > (head := before.heads.get(one.uuid, 0))
    }
    return Change(seen=seen, labels=labels, credentials=_credentials(connection, environment, before.size))


def _labels(connection: Connection, collection_id: int, after: int, upto: int) -> frozenset[int] | None:
    query = (
        select(OFFERS.c.label_id)
        .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq > after, OFFERS.c.offer_seq <= upto)
        .distinct()
        .limit(MAX_LABELS + 1)
    )
    found = frozenset(connection.execute(query).scalars())
    return found if len(found) <= MAX_LABELS else None


def _credentials(connection: Connection, environment: int, start: int) -> bool:
    query = (
        select(LOG_ENTRIES.c.kind)
        .where(LOG_ENTRIES.c.environment == environment, LOG_ENTRIES.c.idx >= start)
        .distinct()
    )
    return not _HARMLESS.issuperset(connection.execute(query).scalars())
