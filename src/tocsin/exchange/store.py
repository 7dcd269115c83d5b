"""Rows of collections, submissions, contributions, offers."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import bindparam, exists, or_, select, update

from tocsin.errors import NotFoundError
from tocsin.exchange.model import Audience, Collection, Receipt
from tocsin.exchange.tables import (
    AUDIENCES,
    COLLECTIONS,
    CONTRIBUTIONS,
    LABEL_COUNTS,
    MADE_COLLECTIONS,
    OFFERS,
    SUBMISSIONS,
)
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import chunks, next_id

if TYPE_CHECKING:
    from collections.abc import Collection as Collection_
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row, Select, Update

    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "Own",
    "add_collection",
    "bodies_of",
    "find_collection",
    "known_collections",
    "make_known",
    "object_key",
    "own_contributions",
    "read_collections",
    "read_receipt",
]

# Asked for by every page.
_COLLECTIONS: Final = (
    select(COLLECTIONS, MADE_COLLECTIONS.c.audience, MADE_COLLECTIONS.c.made_for)
    .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == COLLECTIONS.c.collection_id)
    .where(COLLECTIONS.c.environment == bindparam("environment"))
    .order_by(COLLECTIONS.c.collection_id)
)
# One statement whether or not there are any that not everybody knows: what is asked must not tell that there are.
_KNOWN: Final = _COLLECTIONS.where(
    or_(
        MADE_COLLECTIONS.c.audience.is_(None),
        MADE_COLLECTIONS.c.audience == Audience.ALL,
        exists().where(
            AUDIENCES.c.collection_id == COLLECTIONS.c.collection_id, AUDIENCES.c.party == bindparam("party")
        ),
    )
)
_LABEL_COUNT: Final = select(LABEL_COUNTS.c.offers).where(
    LABEL_COUNTS.c.collection_id == bindparam("collection"), LABEL_COUNTS.c.label_id == bindparam("label")
)

_ADD_TO_COUNT: Final = (
    update(LABEL_COUNTS)
    .where(LABEL_COUNTS.c.collection_id == bindparam("collection"), LABEL_COUNTS.c.label_id == bindparam("label"))
    .values(offers=LABEL_COUNTS.c.offers + bindparam("added"))
)
_COUNTED: Final = select(LABEL_COUNTS.c.label_id).where(
    LABEL_COUNTS.c.collection_id == bindparam("collection"),
    LABEL_COUNTS.c.label_id.in_(bindparam("labels", expanding=True)),
)
_MOVE_HEAD: Final = (
    update(COLLECTIONS)
    .where(COLLECTIONS.c.collection_id == bindparam("collection"))
    .values(head_seq=bindparam("seq"), head_added=bindparam("added"))
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
    digest: bytes
    label_id: int


def read_collections(connection: Connection, environment: int) -> list[Collection]:
    """Return every collection, in the order of being made: for the hub itself. Of others ask ``known_collections``."""
    return _as_collections(connection.execute(_COLLECTIONS, {"environment": environment}))


def known_collections(connection: Connection, environment: int, party: str) -> list[Collection]:
    """Return the collections that a party (its URI) knows of, in the order of being made."""
    return _as_collections(connection.execute(_KNOWN, {"environment": environment, "party": party}))


def _as_collections(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Collection]:
    return [
        Collection(
            id=row.collection_id,
            uuid=row.uuid,
            alias=row.alias,
            title=row.title,
            description=row.description,
            head_seq=row.head_seq,
            head_added=row.head_added,
            audience=Audience(row.audience or Audience.ALL),
            made_for=row.made_for or "",
        )
        for row in rows
    ]


def find_collection(connection: Connection, environment: int, reference: str, *, party: str | None) -> Collection:
    """Return a collection by its alias or UUID, of those that a party (its URI) knows of.

    Without a party it is one of those that parties submit into, and that everybody knows of.

    Raises:
        NotFoundError: there is none; the same words where the party knows of none.
    """
    known = (
        known_collections(connection, environment, party)
        if party is not None
        else [one for one in read_collections(connection, environment) if not one.made_for]
    )
    for collection in known:
        if reference in (collection.alias, collection.uuid):
            return collection
    raise NotFoundError("there is no such collection", todo="`tocsin collection list` shows those there are")


def make_known(connection: Connection, environment: int, collection_id: int, party: str, at: Micros) -> None:
    """Let a party (its URI) know of a collection of the audience ``given``; one that knows already goes on to."""
    known = select(AUDIENCES.c.party).where(AUDIENCES.c.collection_id == collection_id, AUDIENCES.c.party == party)
    if connection.execute(known).first() is None:
        connection.execute(
            AUDIENCES.insert().values(collection_id=collection_id, party=party, environment=environment, since=at)
        )


def add_collection(
    connection: Connection,
    environment: int,
    *,
    uuid: str,
    alias: str,
    title: str,
    description: str,
    at: Micros,
    audience: Audience = Audience.ALL,
    made_for: str = "",
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
    if made_for:
        connection.execute(
            MADE_COLLECTIONS.insert().values(
                collection_id=number, environment=environment, made_for=made_for, audience=audience
            )
        )
    return number


# A submission asks thrice for the key of each of its objects, and most hold some thousands at most; a larger one works
# each out again, for a microsecond.
@functools.lru_cache(maxsize=16_384)
def object_key(environment: int, object_id: str) -> int:
    """Return the number under which an object's contributions are found: 64 bits of a hash, signed.

    Two ids may have one key, by chance or by somebody's labour: whoever looks up by it compares the id as well.
    """
    text = b"%d/%b" % (environment, object_id.encode())
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def by_objects(adapter: Adapter, query: Select[Any], environment: int, object_ids: Iterable[str]) -> Select[Any]:
    """Narrow a query of contributions to these object ids: its text is the same for any number of them.

    The caller compares ``object_id``, which the query has to return.
    """
    keys = adapter.integers([object_key(environment, one) for one in object_ids], "keys")
    narrowed = query.where(CONTRIBUTIONS.c.object_key.in_(select(keys.c.value)))
    return adapter.through(narrowed, CONTRIBUTIONS, "ix_contributions_object")


def own_contributions(
    connection: Connection, adapter: Adapter, environment: int, owner_id: int, object_ids: Collection_[str]
) -> dict[str, dict[Micros, Own]]:
    """Return what a party contributed before under these object ids: by id, then by version."""
    asked = {"owner": owner_id, "keys": _keys(adapter, environment, object_ids)}
    found: dict[str, dict[Micros, Own]] = {}
    for object_id, version, contribution_id, versioned, digest, label_id in connection.execute(_own(adapter), asked):
        if object_id in object_ids:
            found.setdefault(object_id, {})[version] = Own(
                contribution_id=contribution_id,
                object_id=object_id,
                version=version,
                versioned=versioned,
                digest=digest,
                label_id=label_id,
            )
    return found


def own_definitions(
    connection: Connection, adapter: Adapter, environment: int, owner_id: int, object_ids: Collection_[str]
) -> dict[str, bytes]:
    """Return the bytes of a party's own marking-definitions among these ids: of several under one id the first."""
    asked = {"owner": owner_id, "keys": _keys(adapter, environment, object_ids)}
    found: dict[str, bytes] = {}
    for object_id, body in connection.execute(_own_bytes(adapter), asked):
        if body is not None and object_id in object_ids:
            found.setdefault(object_id, body)
    return found


def _keys(adapter: Adapter, environment: int, object_ids: Iterable[str]) -> object:
    """Return the keys of these objects as a value that statements of ours take."""
    return adapter.list_value([object_key(environment, one) for one in object_ids])


@functools.lru_cache(maxsize=4)  # one of each hub in the process
def _own(adapter: Adapter) -> Select[Any]:
    columns = CONTRIBUTIONS.c
    query = select(
        columns.object_id,
        columns.version,
        columns.contribution_id,
        columns.versioned,
        columns.digest,
        columns.label_id,
    )
    return _of_owner(adapter, query)


@functools.lru_cache(maxsize=4)  # as above
def _own_bytes(adapter: Adapter) -> Select[Any]:
    return _of_owner(adapter, select(CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.bytes))


def _of_owner(adapter: Adapter, query: Select[Any]) -> Select[Any]:
    narrowed = query.where(
        CONTRIBUTIONS.c.owner_id == bindparam("owner"), adapter.among(CONTRIBUTIONS.c.object_key, "keys")
    )
    return adapter.through(narrowed.order_by(CONTRIBUTIONS.c.version), CONTRIBUTIONS, "ix_contributions_object")


def offered_in(
    connection: Connection, adapter: Adapter, collection_id: int, contribution_ids: Sequence[int]
) -> set[int]:
    """Return those of these contributions that a collection offers and has not withdrawn."""
    wanted = adapter.integers(contribution_ids, "wanted")
    query = select(OFFERS.c.contribution_id).where(
        OFFERS.c.contribution_id.in_(select(wanted.c.value)),
        OFFERS.c.collection_id == collection_id,
        OFFERS.c.withdrawn_at.is_(None),
    )
    return set(connection.execute(adapter.through(query, OFFERS, "ix_offers_contribution")).scalars())


def offers_of_objects(
    connection: Connection, adapter: Adapter, environment: int, collection_id: int, object_ids: Collection_[str]
) -> list[tuple[str, int]]:
    """Return the id and number of every offer that a collection ever made of these objects, whoever made it."""
    asked = {"collection": collection_id, "keys": _keys(adapter, environment, object_ids)}
    rows = adapter.rows(connection, _offers_of(adapter), asked)
    return [(object_id, seq) for object_id, seq in rows if object_id in object_ids]


@functools.lru_cache(maxsize=4)  # as above
def _offers_of(adapter: Adapter) -> Select[Any]:
    query = (
        select(CONTRIBUTIONS.c.object_id, OFFERS.c.offer_seq)
        .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
        .where(OFFERS.c.collection_id == bindparam("collection"), adapter.among(CONTRIBUTIONS.c.object_key, "keys"))
    )
    by_key = adapter.through(query, CONTRIBUTIONS, "ix_contributions_object")
    return adapter.through(by_key, OFFERS, "ix_offers_contribution")


def mark_contested(connection: Connection, adapter: Adapter, collection_id: int, sequences: Sequence[int]) -> None:
    """Note on these offers that the collection holds another one of their object."""
    asked = {"collection": collection_id, "wanted": adapter.list_value(sequences)}
    connection.execute(_contest(adapter), asked)


@functools.lru_cache(maxsize=4)  # as above
def _contest(adapter: Adapter) -> Update:
    return (
        update(OFFERS)
        .where(
            OFFERS.c.collection_id == bindparam("collection"),
            adapter.among(OFFERS.c.offer_seq, "wanted"),
            OFFERS.c.contested.is_(False),
        )
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
        known.update(connection.execute(_COUNTED, {"collection": collection_id, "labels": part}).scalars())
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
    connection.execute(_MOVE_HEAD, {"collection": collection_id, "seq": seq, "added": added})


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


def contents_of(connection: Connection, adapter: Adapter, ids: Sequence[int]) -> dict[int, tuple[str, bytes | None]]:
    """Return object id and stored bytes (None: purged) by contribution id."""
    rows = adapter.rows(connection, _contents(adapter), {"wanted": adapter.list_value(ids)})
    return {number: (object_id, body) for number, object_id, body in rows}


@functools.lru_cache(maxsize=4)  # one of each hub in the process
def _contents(adapter: Adapter) -> Select[Any]:
    return select(CONTRIBUTIONS.c.contribution_id, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.bytes).where(
        adapter.among(CONTRIBUTIONS.c.contribution_id, "wanted")
    )


def bodies_of(connection: Connection, adapter: Adapter, ids: Sequence[int]) -> dict[int, bytes | None]:
    """Return stored bytes (None: purged) by contribution id."""
    return {number: body for number, (_, body) in contents_of(connection, adapter, ids).items()}


def object_ids_of(connection: Connection, adapter: Adapter, ids: Sequence[int]) -> dict[int, str]:
    """Return object ids by contribution id."""
    return dict(adapter.rows(connection, _object_ids(adapter), {"wanted": adapter.list_value(ids)}))


@functools.lru_cache(maxsize=4)  # one of each hub in the process
def _object_ids(adapter: Adapter) -> Select[Any]:
    return select(CONTRIBUTIONS.c.contribution_id, CONTRIBUTIONS.c.object_id).where(
        adapter.among(CONTRIBUTIONS.c.contribution_id, "wanted")
    )
