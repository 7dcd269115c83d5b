"""Which offers a reader gets next: a plan that costs the same whether it sees little, some or all of a collection.

Offers are numbered densely within a collection. The counts of offers by label give the reader's density, the share of
offers whose label is open to it. Only the window ``(cursor, cursor + 1.3 · limit / density]`` is looked into, through
the index ``(collection, label, seq)`` or, where the reader sees most of it, straight through the numbers; while the
page is short, the window doubles.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from sqlalchemy import bindparam, select

from tocsin.exchange import store
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Row, Select

    from tocsin.kernel.db.adapter import Adapter

    OfferRow: TypeAlias = Row[*tuple[Any, ...]]

# One offer that a reader may see, as it comes from the store: number, label, contribution, version, date_added, whether
# it is contested. A plain tuple, since a page has a thousand.
Place: TypeAlias = "tuple[int, int, int, Micros, Micros, bool]"

__all__ = ["SPEC_VERSION", "Place", "View", "places_after"]

# All that intake lets in is STIX 2.1.
SPEC_VERSION: Final = "2.1"
# So many windows' worth of slack that most pages need one look.
SLACK: Final = 1.3
# Where a reader sees more than this share, walking the numbers beats one index descent for each label.
DENSE: Final = 0.5

_COLUMNS: Final = (
    OFFERS.c.offer_seq,
    OFFERS.c.label_id,
    OFFERS.c.contribution_id,
    OFFERS.c.version,
    OFFERS.c.date_added,
    OFFERS.c.contested,
)
_WINDOW: Final = (
    select(*_COLUMNS)
    .where(
        OFFERS.c.collection_id == bindparam("collection"),
        OFFERS.c.offer_seq > bindparam("after"),
        OFFERS.c.offer_seq <= bindparam("upto"),
    )
    .order_by(OFFERS.c.offer_seq)
)
_NAMES: Final = [column.name for column in _COLUMNS]
_WIDTH: Final = len(_NAMES)
_SEQ: Final = _NAMES.index("offer_seq")
_LABEL: Final = _NAMES.index("label_id")
_CONTRIBUTION: Final = _NAMES.index("contribution_id")
_VERSION: Final = _NAMES.index("version")
_CONTESTED: Final = _NAMES.index("contested")
_OF_OBJECTS: Final = select(*_COLUMNS, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.owner_id).join(
    OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id
)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A collection as one reader sees it: the labels open to it, until when, and how many offers carry them."""

    environment: int
    collection_id: int
    head_seq: int
    labels: frozenset[int]
    offers: int
    until: Micros | None = None  # when the policy on one of them ends


def places_after(
    connection: Connection, adapter: Adapter, view: View, query: Query, *, after: int, limit: int
) -> list[Place]:
    """Return the first ``limit`` offers behind ``after`` that the view shows and the query asks for, in order.

    ``view.labels`` must hold only labels that the gate opened; types are asked by narrowing them beforehand.
    """
    if not view.labels or (query.spec_versions is not None and SPEC_VERSION not in query.spec_versions):
        return []
    if query.added_after is not None:
        after = max(after, _seq_at(connection, view.collection_id, query.added_after))
    found: list[Place] = []
    rows = (
        _by_id(connection, adapter, view, query, after)
        if query.ids is not None
        else _by_window(connection, adapter, view, after=after, limit=limit)
    )
    for batch in rows:
        found.extend(_chosen(connection, adapter, view, query, batch))
        if len(found) >= limit:
            break
    return found[:limit]


def _seq_at(connection: Connection, collection_id: int, instant: Micros) -> int:
    """Return the number of the last offer added at or before an instant."""
    row = connection.execute(
        select(OFFERS.c.offer_seq)
        .where(OFFERS.c.collection_id == collection_id, OFFERS.c.date_added <= instant)
        .order_by(OFFERS.c.date_added.desc())
        .limit(1)
    ).scalar_one_or_none()
    return row or 0


def _by_id(connection: Connection, adapter: Adapter, view: View, query: Query, after: int) -> Iterator[Sequence[Place]]:
    ids = query.ids or frozenset()
    rows = _offers_of(connection, adapter, view, store.by_objects(adapter, _OF_OBJECTS, view.environment, ids))
    yield [tuple(row[:_WIDTH]) for row in rows if row.offer_seq > after and row.object_id in ids]


def _offers_of(
    connection: Connection, adapter: Adapter, view: View, contributions: Select[*tuple[Any, ...]]
) -> list[OfferRow]:
    """Return every offer of these contributions that the view shows, in order, with object id and owner."""
    query = contributions.where(OFFERS.c.collection_id == view.collection_id, OFFERS.c.offer_seq <= view.head_seq)
    rows = connection.execute(adapter.through(query, OFFERS, "ix_offers_contribution"))
    return sorted((row for row in rows if row.label_id in view.labels), key=lambda row: row.offer_seq)


def _by_window(
    connection: Connection, adapter: Adapter, view: View, *, after: int, limit: int
) -> Iterator[Sequence[Place]]:
    density = max(view.offers, 1) / max(view.head_seq, 1)
    # who sees all of it needs no slack
    width = math.ceil((SLACK if density < 1 else 1) * limit / density)
    labels = sorted(view.labels)
    # one look even where nothing was offered since: who polls must not cost more for what they may not see
    while True:
        upto = min(after + width, view.head_seq)
        window = {"collection": view.collection_id, "after": after, "upto": upto}
        if density > DENSE or width < len(labels):
            labels_of = view.labels
            yield [row for row in adapter.rows(connection, _WINDOW, window) if row[_LABEL] in labels_of]
        else:
            yield adapter.rows(connection, _labelled(adapter), window | {"opened": adapter.list_value(labels)})
        if upto >= view.head_seq:
            return
        after, width = upto, width * 2


@functools.lru_cache(maxsize=4)  # one of each hub in the process
def _labelled(adapter: Adapter) -> Select[*tuple[Any, ...]]:
    narrowed = _WINDOW.where(adapter.among(OFFERS.c.label_id, "opened"))
    return adapter.through(narrowed, OFFERS, "ix_offers_label")


# --- versions --------------------------------------------------------------------------------------------------------


def _chosen(
    connection: Connection, adapter: Adapter, view: View, query: Query, places: Sequence[Place]
) -> Sequence[Place]:
    """Keep those that the version filter asks for (TAXII 2.1 §3.4.1), judged among what this reader may see."""
    contested = [place[_CONTRIBUTION] for place in places if place[_CONTESTED]]
    kept = _judge(connection, adapter, view, query.versions, contested) if contested else frozenset()
    plain = VersionChoice.ALL in query.versions or query.versions & {VersionChoice.FIRST, VersionChoice.LAST}
    if plain and not contested:
        return places
    return [
        place
        for place in places
        if (place[_SEQ] in kept if place[_CONTESTED] else plain or place[_VERSION] in query.versions)
    ]


@functools.lru_cache(
    maxsize=4
)  # as above; building it for each page told, by time, that another party offers its object
def _siblings(adapter: Adapter) -> Select[*tuple[Any, ...]]:
    """Return the offers of all contributions, of any owner, that have an object key of the ``wanted`` ones.

    The caller tells apart by ``object_id`` what has the same key.
    """
    known = CONTRIBUTIONS.alias("known")
    keys = select(known.c.object_key).where(adapter.among(known.c.contribution_id, "wanted"))
    narrowed = _OF_OBJECTS.where(
        CONTRIBUTIONS.c.object_key.in_(keys),
        OFFERS.c.collection_id == bindparam("collection"),
        OFFERS.c.offer_seq <= bindparam("upto"),
    )
    by_key = adapter.through(narrowed, CONTRIBUTIONS, "ix_contributions_object")
    return adapter.through(by_key, OFFERS, "ix_offers_contribution")


def _judge(
    connection: Connection,
    adapter: Adapter,
    view: View,
    versions: Collection[VersionChoice | Micros],
    contribution_ids: Sequence[int],
) -> frozenset[int]:
    """Return the numbers of the offers that a version filter keeps, of objects that were offered more than once.

    The first contribution visible of each version counts, and the object's owner is the party of the first visible one
    of all: ``first`` and ``last`` are among the owner's versions, so that no other party's supersedes them.
    """
    by_object: dict[str, list[OfferRow]] = {}
    asked = {
        "collection": view.collection_id,
        "upto": view.head_seq,
        "wanted": adapter.list_value(contribution_ids),
    }
    siblings = connection.execute(_siblings(adapter), asked)
    for row in sorted((row for row in siblings if row.label_id in view.labels), key=lambda row: row.offer_seq):
        by_object.setdefault(row.object_id, []).append(row)
    kept: set[int] = set()
    for offers in by_object.values():
        first_of: dict[Micros, int] = {}
        own_first: dict[Micros, int] = {}
        for row in offers:
            first_of.setdefault(row.version, row.offer_seq)
            if row.owner_id == offers[0].owner_id:
                own_first.setdefault(row.version, row.offer_seq)
        if VersionChoice.ALL in versions:
            kept.update(first_of.values())
        if VersionChoice.FIRST in versions:
            kept.add(own_first[min(own_first)])
        if VersionChoice.LAST in versions:
            kept.add(own_first[max(own_first)])
        kept.update(first_of[version] for version in versions if isinstance(version, int) and version in first_of)
    return frozenset(kept)
