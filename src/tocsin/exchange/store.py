"""Rows of collections, submissions, contributions, offers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import bindparam, func, select, update

from tocsin.errors import NotFoundError
from tocsin.exchange.model import Collection, Receipt
from tocsin.exchange.tables import BODIES, COLLECTIONS, CONTRIBUTIONS, LABEL_COUNTS, OFFERS, SUBMISSIONS
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import chunks, next_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "Own",
    "add_collection",
    "find_collection",
    "own_contributions",
    "read_collections",
    "read_receipt",
]

# Asked for by every page.
_COLLECTIONS: Final = (
    select(COLLECTIONS)
    .where(COLLECTIONS.c.environment == bindparam("environment"))
    .order_by(COLLECTIONS.c.collection_id)
)
_LABEL_COUNT: Final = select(LABEL_COUNTS.c.offers).where(
    LABEL_COUNTS.c.collection_id == bindparam("collection"), LABEL_COUNTS.c.label_id == bindparam("label")
)

_ADD_TO_COUNT: Final = (
    update(LABEL_COUNTS)
    .where(LABEL_COUNTS.c.collection_id == bindparam("collection"), LABEL_COUNTS.c.label_id == bindparam("label"))
    .values(offers=LABEL_COUNTS.c.offers + bindparam("added"))
)
_FIRST_COUNT: Final = LABEL_COUNTS.insert().values(
    collection_id=bindparam("collection"),
    label_id=bindparam("label"),
    environment=bindparam("environment_"),
    offers=bindparam("added"),
)


class Own(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A contribution that a party made before."""

    contribution_id: int
    object_id: str
    version: Micros
    versioned: bool
    body_id: int
    digest: bytes
    label_id: int


def read_collections(connection: Connection, environment: int) -> list[Collection]:
    """Return every collection, in the order of being made."""
    rows = connection.execute(_COLLECTIONS, {"environment": environment})
    return [
        Collection(
            id=row.collection_id,
            uuid=row.uuid,
            alias=row.alias,
            title=row.title,
            description=row.description,
            head_seq=row.head_seq,
            head_added=row.head_added,
        )
        for row in rows
    ]


def find_collection(connection: Connection, environment: int, reference: str) -> Collection:
    """Return a collection by its alias or UUID.

    Raises:
        NotFoundError: there is none.
    """
    for collection in read_collections(connection, environment):
        if reference in (collection.alias, collection.uuid):
            return collection
    raise NotFoundError("there is no such collection", todo="`tocsin collection list` shows those there are")


def add_collection(
    connection: Connection, environment: int, *, uuid: str, alias: str, title: str, description: str, at: Micros
) -> int:
    """Enter a collection; returns its id."""
    number = next_id(connection, COLLECTIONS.c.collection_id)
    connection.execute(
        COLLECTIONS.insert().values(
            collection_id=number,
            environment=environment,
            uuid=uuid,
            alias=alias,
            title=title,
            description=description,
            head_seq=0,
            head_added=0,
            created_at=at,
        )
    )
    return number


def own_contributions(
    connection: Connection, environment: int, owner_id: int, object_ids: Sequence[str]
) -> dict[str, dict[Micros, Own]]:
    """Return what a party contributed before under these object ids: by id, then by version."""
    found: dict[str, dict[Micros, Own]] = {}
    for part in chunks(object_ids):
        rows = connection.execute(
            select(
                CONTRIBUTIONS.c.contribution_id,
                CONTRIBUTIONS.c.object_id,
                CONTRIBUTIONS.c.version,
                CONTRIBUTIONS.c.versioned,
                CONTRIBUTIONS.c.body_id,
                BODIES.c.digest,
                CONTRIBUTIONS.c.label_id,
            )
            .join(BODIES, BODIES.c.body_id == CONTRIBUTIONS.c.body_id)
            .where(
                CONTRIBUTIONS.c.environment == environment,
                CONTRIBUTIONS.c.owner_id == owner_id,
                CONTRIBUTIONS.c.object_id.in_(part),
            )
            .order_by(CONTRIBUTIONS.c.version)
        )
        for row in rows:
            found.setdefault(row.object_id, {})[row.version] = Own(**row._mapping)  # noqa: SLF001  SQLAlchemy's public name
    return found


def own_definitions(
    connection: Connection, environment: int, owner_id: int, object_ids: Iterable[str]
) -> dict[str, bytes]:
    """Return the bytes of a party's own marking-definitions among these ids: of several under one id the first."""
    found: dict[str, bytes] = {}
    for part in chunks(sorted(object_ids)):
        rows = connection.execute(
            select(CONTRIBUTIONS.c.object_id, BODIES.c.bytes)
            .join(BODIES, BODIES.c.body_id == CONTRIBUTIONS.c.body_id)
            .where(
                CONTRIBUTIONS.c.environment == environment,
                CONTRIBUTIONS.c.owner_id == owner_id,
                CONTRIBUTIONS.c.object_id.in_(part),
            )
            .order_by(CONTRIBUTIONS.c.version)
        )
        for row in rows:
            if row.bytes is not None:
                found.setdefault(row.object_id, row.bytes)
    return found


def offered_in(connection: Connection, collection_id: int, object_ids: Sequence[str]) -> dict[str, set[int]]:
    """Return the contributions that a collection offers and has not withdrawn, by object id."""
    found: dict[str, set[int]] = {}
    for part in chunks(object_ids):
        rows = connection.execute(
            select(OFFERS.c.object_id, OFFERS.c.contribution_id).where(
                OFFERS.c.collection_id == collection_id,
                OFFERS.c.object_id.in_(part),
                OFFERS.c.withdrawn_at.is_(None),
            )
        )
        for row in rows:
            found.setdefault(row.object_id, set()).add(row.contribution_id)
    return found


def known_bodies(connection: Connection, environment: int, digests: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids of bodies that are stored already."""
    found: dict[bytes, int] = {}
    for part in chunks(digests):
        rows = connection.execute(
            select(BODIES.c.digest, BODIES.c.body_id).where(
                BODIES.c.environment == environment, BODIES.c.digest.in_(part), BODIES.c.bytes.is_not(None)
            )
        )
        found.update((row.digest, row.body_id) for row in rows)
    return found


def mark_contested(connection: Connection, collection_id: int, object_ids: Sequence[str]) -> None:
    """Note on every offer of these objects that the collection holds another one."""
    for part in chunks(object_ids):
        connection.execute(
            update(OFFERS)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.object_id.in_(part), OFFERS.c.contested.is_(False))
            .values(contested=True)
        )


def count_labels(
    connection: Connection, environment: int, collection_id: int, added: Iterable[tuple[int, int]]
) -> None:
    """Add to (or, with negative numbers, take from) the count of offers of each label."""
    changes: Counter[int] = Counter()
    for label_id, offers in added:
        changes[label_id] += offers
    known: set[int] = set()
    for part in chunks(list(changes)):
        query = select(LABEL_COUNTS.c.label_id).where(
            LABEL_COUNTS.c.collection_id == collection_id, LABEL_COUNTS.c.label_id.in_(part)
        )
        known.update(connection.execute(query).scalars())
    rows = [
        {"collection": collection_id, "label": label_id, "environment_": environment, "added": offers}
        for label_id, offers in changes.items()
    ]
    for statement, some in (
        (_ADD_TO_COUNT, [row for row in rows if row["label"] in known]),
        (_FIRST_COUNT, [row for row in rows if row["label"] not in known]),
    ):
        if some:
            connection.execute(statement, some)


def read_label_counts(connection: Connection, collection_id: int) -> dict[int, int]:
    """Return how many offers a collection holds of each label."""
    rows = connection.execute(
        select(LABEL_COUNTS.c.label_id, LABEL_COUNTS.c.offers).where(LABEL_COUNTS.c.collection_id == collection_id)
    )
    return {row.label_id: row.offers for row in rows}


def offers_of_label(connection: Connection, collection_id: int, label_id: int) -> int:
    """Return how many offers a collection holds of one label."""
    which = {"collection": collection_id, "label": label_id}
    return connection.execute(_LABEL_COUNT, which).scalar_one_or_none() or 0


def move_head(connection: Connection, collection_id: int, *, seq: int, added: Micros) -> None:
    """Note the newest offer of a collection."""
    connection.execute(
        update(COLLECTIONS).where(COLLECTIONS.c.collection_id == collection_id).values(head_seq=seq, head_added=added)
    )


def read_receipt(connection: Connection, environment: int, uuid: str, party_id: int) -> Receipt | None:
    """Return the receipt of a party's own submission, or None."""
    result = connection.execute(
        select(SUBMISSIONS.c.result).where(
            SUBMISSIONS.c.environment == environment,
            SUBMISSIONS.c.uuid == uuid,
            SUBMISSIONS.c.party_id == party_id,
        )
    ).scalar_one_or_none()
    return None if result is None else msgspec.json.decode(result, type=Receipt)


def bodies_of(connection: Connection, adapter: Adapter, ids: Sequence[int]) -> dict[int, bytes | None]:
    """Return stored bytes by body id."""
    wanted = adapter.integers(ids, "wanted")
    query = select(BODIES.c.body_id, BODIES.c.bytes).join(wanted, wanted.c.value == BODIES.c.body_id)
    return dict(connection.execute(query).all())


def count_offers(connection: Connection, collection_id: int) -> int:
    """Return how many offers a collection ever made."""
    query = select(func.count()).select_from(OFFERS).where(OFFERS.c.collection_id == collection_id)
    return int(connection.execute(query).scalar_one())
