"""The plan of a page against a plain list: densities and windows change what it costs, never what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from support import stores
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.paging import View, places_after
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import COLLECTIONS, CONTRIBUTIONS, OFFERS
from tocsin.kernel.db.store import LIVE, LIVE_NAME, ensure_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store

COLLECTION: Final = 1


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    object_id: str
    version: int
    owner: int
    label: int
    added: int


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = stores.store_in(tmp_path_factory.mktemp("paging"))
    # offers stand without the contributions that they refer to
    stores.without_references(store)
    store.create()
    with store.write() as connection:
        ensure_environment(connection, LIVE, LIVE_NAME, 0)
        connection.execute(
            COLLECTIONS.insert().values(
                collection_id=COLLECTION,
                environment=LIVE,
                uuid="u",
                alias="a",
                title="",
                description="",
                head_seq=0,
                head_added=0,
                created_at=0,
            )
        )
    yield store
    store.close()


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    """Return a collection in which labels are as rare or common as chance will have it."""
    count = draw(st.integers(0, 120))
    ids = draw(st.integers(1, 60))
    common = draw(st.integers(0, 100))
    rows, added = [], 0
    for seq in range(1, count + 1):
        added += draw(st.integers(1, 3))
        rare = draw(st.integers(0, 99)) >= common
        rows.append(
            Offer(
                seq=seq,
                object_id=f"indicator--{draw(st.integers(1, ids))}",
                version=draw(st.integers(1, 4)),
                owner=draw(st.integers(1, 3)),
                label=draw(st.integers(2, 30)) if rare else 1,
                added=added,
            )
        )
    return rows


queries = st.builds(
    Query,
    ids=st.none() | st.frozensets(st.integers(1, 60).map("indicator--{}".format), max_size=5),
    versions=st.frozensets(st.sampled_from(VersionChoice) | st.integers(1, 4), min_size=1, max_size=3),
    spec_versions=st.sampled_from([None, None, None, frozenset({"2.1", "2.0"}), frozenset({"2.0"})]),
    added_after=st.none() | st.none() | st.integers(0, 250),
)


def _fill(connection: Connection, rows: Sequence[Offer]) -> None:
    ids = [row.object_id for row in rows]
    connection.execute(delete(OFFERS))
    connection.execute(delete(CONTRIBUTIONS))
    if rows:
        connection.execute(
            CONTRIBUTIONS.insert(),
            [
                {
                    "contribution_id": row.seq,
                    "environment": LIVE,
                    "owner_id": row.owner,
                    "object_key": object_key(LIVE, row.object_id),
                    "object_id": row.object_id,
                    "version": row.version,
                    "type": "indicator",
                    "label_id": row.label,
                    "submission_id": 1,
                    "versioned": True,
                    "sealed": False,
                    "digest": b"",
                }
                for row in rows
            ],
        )
        connection.execute(
            OFFERS.insert(),
            [
                {
                    "collection_id": COLLECTION,
                    "offer_seq": row.seq,
                    "environment": LIVE,
                    "label_id": row.label,
                    "contribution_id": row.seq,
                    "version": row.version,
                    "date_added": row.added,
                    "contested": ids.count(row.object_id) > 1,
                    "withdrawn_at": None,
                }
                for row in rows
            ],
        )


def _plain(rows: Sequence[Offer], open_: frozenset[int], query: Query) -> list[int]:
    """Return the numbers that a query keeps, one offer at a time."""
    if query.spec_versions is not None and "2.1" not in query.spec_versions:
        return []
    visible = [row for row in rows if row.label in open_]
    kept = []
    for row in visible:
        same = [other for other in visible if other.object_id == row.object_id]
        own = [other for other in same if other.owner == same[0].owner]
        first_of_version = row is next(other for other in same if other.version == row.version)
        first_own_of_version = row.owner == same[0].owner and row is next(o for o in own if o.version == row.version)
        chosen = (
            (VersionChoice.ALL in query.versions and first_of_version)
            or (VersionChoice.FIRST in query.versions and first_own_of_version and row.version == min(_versions(own)))
            or (VersionChoice.LAST in query.versions and first_own_of_version and row.version == max(_versions(own)))
            or (row.version in query.versions and first_of_version)
        )
        if (
            chosen
            and (query.ids is None or row.object_id in query.ids)
            and (query.added_after is None or row.added > query.added_after)
        ):
            kept.append(row.seq)
    return kept


def _versions(rows: Sequence[Offer]) -> list[int]:
    return [row.version for row in rows]


@given(
    rows=offers(),
    open_=st.frozensets(st.integers(1, 30)),
    query=queries,
    limits=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    counted=st.sampled_from([0.0, 0.1, 1.0, 1.0, 3.0]),
)
@settings(max_examples=150, deadline=None)
def test_pages_hold_what_a_plain_walk_finds(
    store: Store, rows: list[Offer], *, open_: frozenset[int], query: Query, limits: tuple[int, int], counted: float
) -> None:
    """``counted`` falsifies the count of what is open: a count that is stale costs windows, and no object."""
    view = View(
        environment=LIVE,
        collection_id=COLLECTION,
        head_seq=len(rows),
        labels=open_,
        offers=int(counted * sum(row.label in open_ for row in rows)),
    )
    wanted = _plain(rows, open_, query)
    with store.write() as connection:
        _fill(connection, rows)
        after, found = 0, []
        for limit in [*limits, *[limits[-1]] * len(rows)]:
            page = [item[0] for item in places_after(connection, store.adapter, view, query, after=after, limit=limit)]
            assert len(page) <= limit
            found += page
            if len(page) < limit:
                break
            after = page[-1]
        assert found == wanted
        whole = places_after(connection, store.adapter, view, query, after=0, limit=1000)
        assert [item[0] for item in whole] == wanted
        by_seq = {row.seq: row for row in rows}
        assert all(
            item
            == (
                item[0],
                by_seq[item[0]].label,
                item[0],
                by_seq[item[0]].version,
                by_seq[item[0]].added,
                [row.object_id for row in rows].count(by_seq[item[0]].object_id) > 1,
            )
            for item in whole
        )


@given(offers(), st.integers(0, 120))
@settings(max_examples=30, deadline=None)
def test_a_view_ends_at_its_own_head(store: Store, rows: list[Offer], head: int) -> None:
    """What was offered after the snapshot's head is not there, and supersedes nothing."""
    head = min(head, len(rows))
    everything = frozenset(range(1, 31))
    view = View(environment=LIVE, collection_id=COLLECTION, head_seq=head, labels=everything, offers=head)
    with store.write() as connection:
        _fill(connection, rows)
        found = places_after(connection, store.adapter, view, Query(), after=0, limit=1000)
    assert [item[0] for item in found] == _plain(rows[:head], everything, Query())
