"""Queries on the index. A search is stated over the labels that the gate opened, and walks over nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import and_, delete, exists, func, literal, or_, select, update

from tocsin.exchange import store
from tocsin.exchange.search.model import TimeField
from tocsin.exchange.search.tables import SEARCH_FACTS, SEARCH_POSTINGS, SEARCH_STATES
from tocsin.exchange.tables import COLLECTIONS, CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import chunks

if TYPE_CHECKING:
    from collections.abc import Collection as Collection_
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from tocsin.exchange.search.wire import Document
    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "Facts",
    "Match",
    "Offered",
    "Range",
    "State",
    "Version",
    "add_documents",
    "facts_of",
    "forget",
    "frequencies",
    "last_sighted",
    "matches",
    "offered_after",
    "postings",
    "read_states",
    "sequences",
    "stored_facts",
    "versions_of",
]

# A term that stands more often than this is frequent, however often that is.
FREQUENT: Final = 1_000


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How far the index of one collection has come. ``indexed_seq`` 0 and ``version`` 0: not begun."""

    collection_id: int
    head_seq: int
    indexed_seq: int
    version: int


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """One offer as the index takes it in; ``body`` is None where it is purged, sealed, or the offer withdrawn."""

    seq: int
    label_id: int
    version: Micros
    body: bytes | None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Which facts a search asks for beside its terms."""

    time: TimeField = TimeField.MODIFIED
    since: Micros | None = None
    until: Micros | None = None
    min_confidence: int | None = None
    reliability: tuple[str, ...] | None = None  # any of these letters
    credibility: int | None = None  # 1 to this
    expired: bool | None = None
    revoked: bool | None = None
    scored: bool = False  # indicators alone have a score
    now: Micros = 0


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Where a search looks: one collection, labels that the gate opened, numbers below ``before``."""

    collection_id: int
    labels: tuple[int, ...]  # sorted
    before: int


class Match(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer that fits, with what the index knows of it."""

    seq: int
    label_id: int
    object_id: str
    version: Micros
    added: Micros
    contribution_id: int
    valid_from: Micros | None
    valid_until: Micros | None
    confidence: int | None
    reliability: str | None
    revoked: bool
    modified: Micros


class Version(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer of an object, as one of its versions."""

    seq: int
    version: Micros
    owner_id: int


# --- following -------------------------------------------------------------------------------------------------------


def read_states(connection: Connection, environment: int) -> list[State]:
    """Return how far the index of each collection has come."""
    rows = connection.execute(
        select(
            COLLECTIONS.c.collection_id,
            COLLECTIONS.c.head_seq,
            func.coalesce(SEARCH_STATES.c.indexed_seq, 0).label("indexed_seq"),
            func.coalesce(SEARCH_STATES.c.version, 0).label("version"),
        )
        .outerjoin(SEARCH_STATES, SEARCH_STATES.c.collection_id == COLLECTIONS.c.collection_id)
        .where(COLLECTIONS.c.environment == environment)
        .order_by(COLLECTIONS.c.collection_id)
    )
    return [
        State(collection_id=row.collection_id, head_seq=row.head_seq, indexed_seq=row.indexed_seq, version=row.version)
        for row in rows
    ]


def offered_after(connection: Connection, collection_id: int, *, after: int, upto: int) -> list[Offered]:
    """Return the offers numbered ``after + 1`` to ``upto``, in order."""
    rows = connection.execute(
        select(OFFERS.c.offer_seq, OFFERS.c.label_id, OFFERS.c.version, OFFERS.c.withdrawn_at)
        .add_columns(CONTRIBUTIONS.c.sealed, CONTRIBUTIONS.c.bytes)
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq > after, OFFERS.c.offer_seq <= upto)
        .order_by(OFFERS.c.offer_seq)
    ).all()
    return [
        Offered(
            seq=row.offer_seq,
            label_id=row.label_id,
            version=row.version,
            body=row.bytes if row.withdrawn_at is None and not row.sealed else None,
        )
        for row in rows
    ]


def labels_now(connection: Connection, collection_id: int, *, after: int, upto: int) -> dict[int, int]:
    """Return the label of each offer numbered ``after + 1`` to ``upto``."""
    rows = connection.execute(
        select(OFFERS.c.offer_seq, OFFERS.c.label_id).where(
            OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq > after, OFFERS.c.offer_seq <= upto
        )
    )
    return {row.offer_seq: row.label_id for row in rows}


_FACT_COLUMNS: Final = tuple(column.name for column in SEARCH_FACTS.columns)
_POSTING_COLUMNS: Final = tuple(column.name for column in SEARCH_POSTINGS.columns)


def facts_of(offered: Offered, document: Document, terms: Sequence[int]) -> tuple[object, ...]:
    """Return a row of facts but for its key, as the table has it."""
    modified = document.modified if document.modified is not None else document.created
    return (
        len(terms),
        document.created,
        offered.version if modified is None else modified,
        document.valid_from,
        document.valid_until,
        document.seen_from,
        document.seen_until,
        document.confidence,
        document.reliability,
        document.credibility,
        document.revoked,
    )


def add_documents(
    connection: Connection,
    adapter: Adapter,
    *,
    environment: int,
    collection_id: int,
    documents: Iterable[tuple[Offered, Document, Sequence[int]]],
) -> None:
    """Enter what the index keeps of some offers, each with its terms."""
    facts: list[tuple[object, ...]] = []
    terms: list[tuple[int, int, int, int, int]] = []
    for offered, document, found in documents:
        facts.append((collection_id, offered.seq, environment, *facts_of(offered, document, found)))
        terms += [(collection_id, one, offered.label_id, offered.seq, environment) for one in found]
    # in the order of the key, so that neighbours are written together
    terms.sort()
    adapter.bulk_insert(connection, SEARCH_FACTS, _FACT_COLUMNS, facts)
    adapter.bulk_insert(connection, SEARCH_POSTINGS, _POSTING_COLUMNS, terms)


def move_state(connection: Connection, environment: int, state: State, *, upto: int, version: int) -> None:
    """Note how far the index of a collection has come."""
    where = SEARCH_STATES.c.collection_id == state.collection_id
    known = connection.execute(select(SEARCH_STATES.c.collection_id).where(where)).first()
    if known is None:
        connection.execute(
            SEARCH_STATES.insert().values(
                collection_id=state.collection_id, environment=environment, indexed_seq=upto, version=version
            )
        )
    else:
        connection.execute(update(SEARCH_STATES).where(where).values(indexed_seq=upto, version=version))


def clear(connection: Connection, collection_id: int) -> None:
    """Empty the index of a collection."""
    for table in (SEARCH_POSTINGS, SEARCH_FACTS, SEARCH_STATES):
        connection.execute(delete(table).where(table.c.collection_id == collection_id))


def forget(connection: Connection, collection_id: int, gone: Iterable[tuple[int, int, Sequence[int]]]) -> None:
    """Take offers out of the index, each with its label and the terms under which it stood."""
    for seq, label_id, terms in gone:
        for part in chunks(terms):
            connection.execute(
                delete(SEARCH_POSTINGS).where(
                    SEARCH_POSTINGS.c.collection_id == collection_id,
                    SEARCH_POSTINGS.c.term.in_(part),
                    SEARCH_POSTINGS.c.label_id == label_id,
                    SEARCH_POSTINGS.c.offer_seq == seq,
                )
            )
        connection.execute(
            delete(SEARCH_FACTS).where(SEARCH_FACTS.c.collection_id == collection_id, SEARCH_FACTS.c.offer_seq == seq)
        )


# --- finding ---------------------------------------------------------------------------------------------------------


def frequencies(connection: Connection, adapter: Adapter, within: Range, groups: Sequence[Sequence[int]]) -> list[int]:
    """Return how often any term of each group stands among what is open, ``FREQUENT`` at most: one statement."""
    counted = []
    for place, group in enumerate(groups):
        opened = adapter.integers(within.labels, f"opened{place}")
        some = (
            select(literal(1))
            .where(
                SEARCH_POSTINGS.c.collection_id == within.collection_id,
                SEARCH_POSTINGS.c.term.in_(group),
                SEARCH_POSTINGS.c.label_id.in_(select(opened.c.value)),
            )
            .limit(FREQUENT)
            .subquery()
        )
        counted.append(select(func.count()).select_from(some).scalar_subquery().label(f"group{place}"))
    return [int(number) for number in connection.execute(select(*counted)).one()]


def sequences(
    connection: Connection,
    adapter: Adapter,
    within: Range,
    groups: Sequence[Sequence[int]],
    facts: Facts,
    *,
    limit: int,
) -> list[int]:
    """Return the newest ``limit`` numbers below ``within.before`` that fit, falling.

    Of each group one term must stand there; the first is walked along, so it should be the rarest. Without groups, all
    that is open is walked along.
    """
    opened = select(adapter.integers(within.labels, "opened").c.value)
    if groups:
        walked = SEARCH_POSTINGS.alias("walked")
        query = select(walked.c.offer_seq).where(
            walked.c.collection_id == within.collection_id,
            walked.c.term.in_(groups[0]),
            walked.c.label_id.in_(opened),
            walked.c.offer_seq < within.before,
        )
        for place, group in enumerate(groups[1:], 1):
            beside = SEARCH_POSTINGS.alias(f"beside{place}")
            query = query.where(
                exists().where(
                    beside.c.collection_id == within.collection_id,
                    beside.c.term.in_(group),
                    beside.c.label_id == walked.c.label_id,
                    beside.c.offer_seq == walked.c.offer_seq,
                )
            )
        number: ColumnElement[int] = walked.c.offer_seq
        if len(groups[0]) > 1:
            query = query.distinct()
    else:
        query = select(OFFERS.c.offer_seq).where(
            OFFERS.c.collection_id == within.collection_id,
            OFFERS.c.label_id.in_(opened),
            OFFERS.c.offer_seq < within.before,
        )
        number = OFFERS.c.offer_seq
    asked = _asked(facts, number, within.collection_id)
    if asked is not None:
        query = query.where(asked)
    if not groups:
        # by label: along the numbers it would walk over what is not open, too
        query = adapter.through(query, OFFERS, "ix_offers_label")
    return list(connection.execute(query.order_by(number.desc()).limit(limit)).scalars())


def _asked(facts: Facts, number: ColumnElement[int], collection_id: int) -> ColumnElement[bool] | None:
    """Return the condition on an offer's facts, or None where there is none."""
    table = SEARCH_FACTS
    conditions: list[ColumnElement[bool]] = _timely(facts)
    if facts.min_confidence is not None:
        conditions.append(table.c.confidence >= facts.min_confidence)
    if facts.reliability is not None:
        conditions.append(table.c.reliability.in_(facts.reliability))
    if facts.credibility is not None:
        conditions.append(table.c.credibility <= facts.credibility)
    if facts.revoked is not None:
        conditions.append(table.c.revoked.is_(facts.revoked))
    if facts.expired is not None:
        over = and_(table.c.valid_until.is_not(None), table.c.valid_until <= facts.now)
        conditions.append(over if facts.expired else ~over)
    if facts.scored:
        conditions.append(table.c.valid_from.is_not(None))
    if not conditions:
        return None
    return exists().where(table.c.collection_id == collection_id, table.c.offer_seq == number, *conditions)


def _timely(facts: Facts) -> list[ColumnElement[bool]]:
    """Return the conditions on the time that a search asks for: an instant, or a span that must overlap."""
    table, since, until = SEARCH_FACTS, facts.since, facts.until
    if since is None and until is None:
        return []
    if facts.time is TimeField.ADDED:
        # among the facts of the offer itself
        added = exists().where(
            OFFERS.c.collection_id == table.c.collection_id,
            OFFERS.c.offer_seq == table.c.offer_seq,
            *([OFFERS.c.date_added >= since] if since is not None else []),
            *([OFFERS.c.date_added < until] if until is not None else []),
        )
        return [added]
    first, last = {
        TimeField.CREATED: (table.c.created, table.c.created),
        TimeField.MODIFIED: (table.c.modified, table.c.modified),
        TimeField.VALID: (table.c.valid_from, table.c.valid_until),
        TimeField.SEEN: (table.c.seen_from, table.c.seen_until),
    }[facts.time]
    conditions: list[ColumnElement[bool]] = [or_(first.is_not(None), last.is_not(None))]
    if since is not None:
        # `valid_until` ends a span before itself (STIX 2.1 §4.7); one without an end lasts
        ended = last > since if facts.time is TimeField.VALID else last >= since
        conditions.append(or_(last.is_(None), ended))
    if until is not None:
        conditions.append(or_(first.is_(None), first < until))
    return conditions


def matches(connection: Connection, adapter: Adapter, within: Range, found: Sequence[int]) -> list[Match]:
    """Return the offers of these numbers that are open, the newest first."""
    wanted = adapter.integers(found, "wanted")
    opened = frozenset(within.labels)
    rows = connection.execute(
        select(
            OFFERS.c.offer_seq,
            OFFERS.c.label_id,
            OFFERS.c.contribution_id,
            CONTRIBUTIONS.c.object_id,
            OFFERS.c.version,
            OFFERS.c.date_added,
            SEARCH_FACTS.c.valid_from,
            SEARCH_FACTS.c.valid_until,
            SEARCH_FACTS.c.confidence,
            SEARCH_FACTS.c.reliability,
            SEARCH_FACTS.c.revoked,
            SEARCH_FACTS.c.modified,
        )
        .join(
            SEARCH_FACTS,
            and_(
                SEARCH_FACTS.c.collection_id == OFFERS.c.collection_id, SEARCH_FACTS.c.offer_seq == OFFERS.c.offer_seq
            ),
        )
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .where(OFFERS.c.collection_id == within.collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
        .order_by(OFFERS.c.offer_seq.desc())
    ).all()
    return [
        Match(
            seq=row.offer_seq,
            label_id=row.label_id,
            object_id=row.object_id,
            version=row.version,
            added=row.date_added,
            contribution_id=row.contribution_id,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            confidence=row.confidence,
            reliability=row.reliability,
            revoked=row.revoked,
            modified=row.modified,
        )
        for row in rows
        # what was withdrawn has no label that is open to anybody
        if row.label_id in opened
    ]


def versions_of(
    connection: Connection,
    adapter: Adapter,
    environment: int,
    within: Range,
    object_ids: Collection_[str],
    *,
    upto: int,
) -> dict[str, list[Version]]:
    """Return the open offers of these objects up to a number, in their order, by object id."""
    found: dict[str, list[Version]] = {}
    opened = adapter.integers(within.labels, "opened")
    query = (
        select(CONTRIBUTIONS.c.object_id, OFFERS.c.offer_seq, OFFERS.c.version, CONTRIBUTIONS.c.owner_id)
        .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
        .where(
            OFFERS.c.collection_id == within.collection_id,
            OFFERS.c.offer_seq <= upto,
            OFFERS.c.label_id.in_(select(opened.c.value)),
        )
        .order_by(OFFERS.c.offer_seq)
    )
    # from the objects to their offers: SQLite would walk over every offer of the collection
    narrowed = adapter.through(
        store.by_objects(adapter, query, environment, object_ids), OFFERS, "ix_offers_contribution"
    )
    rows = connection.execute(narrowed)
    for row in rows:
        if row.object_id in object_ids:
            version = Version(seq=row.offer_seq, version=row.version, owner_id=row.owner_id)
            found.setdefault(row.object_id, []).append(version)
    return found


def last_sighted(connection: Connection, adapter: Adapter, within: Range, terms: Sequence[int]) -> dict[int, Micros]:
    """Return, by term, when what it names was last sighted, by the sightings that are open."""
    newest: dict[int, Micros] = {}
    opened = adapter.integers(within.labels, "opened")
    seen = func.coalesce(SEARCH_FACTS.c.seen_until, SEARCH_FACTS.c.seen_from, SEARCH_FACTS.c.modified)
    for part in chunks(terms):
        rows = connection.execute(
            select(SEARCH_POSTINGS.c.term, func.max(seen).label("seen"))
            .join(
                SEARCH_FACTS,
                and_(
                    SEARCH_FACTS.c.collection_id == SEARCH_POSTINGS.c.collection_id,
                    SEARCH_FACTS.c.offer_seq == SEARCH_POSTINGS.c.offer_seq,
                ),
            )
            .where(
                SEARCH_POSTINGS.c.collection_id == within.collection_id,
                SEARCH_POSTINGS.c.term.in_(part),
                SEARCH_POSTINGS.c.label_id.in_(select(opened.c.value)),
                SEARCH_FACTS.c.revoked.is_(False),
            )
            .group_by(SEARCH_POSTINGS.c.term)
        )
        newest.update((row.term, row.seen) for row in rows)
    return newest


# --- checking --------------------------------------------------------------------------------------------------------


def postings(connection: Connection, collection_id: int) -> Iterator[tuple[int, int, int]]:
    """Walk over every posting of a collection: term, label and number."""
    query = select(SEARCH_POSTINGS.c.term, SEARCH_POSTINGS.c.label_id, SEARCH_POSTINGS.c.offer_seq)
    # a list of them all would not fit into memory
    rows = connection.execution_options(yield_per=10_000).execute(
        query.where(SEARCH_POSTINGS.c.collection_id == collection_id)
    )
    for row in rows:
        yield row.term, row.label_id, row.offer_seq


def stored_facts(connection: Connection, collection_id: int, *, after: int, upto: int) -> dict[int, tuple[object, ...]]:
    """Return the rows of facts of the offers numbered ``after + 1`` to ``upto``, as ``facts_of`` gives them."""
    rows = connection.execute(
        select(SEARCH_FACTS).where(
            SEARCH_FACTS.c.collection_id == collection_id,
            SEARCH_FACTS.c.offer_seq > after,
            SEARCH_FACTS.c.offer_seq <= upto,
        )
    )
    key = len(("collection_id", "offer_seq", "environment"))
    return {row.offer_seq: tuple(row)[key:] for row in rows}
