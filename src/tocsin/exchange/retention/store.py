"""Rows of purges, reviews, legal holds and places of the sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, exists, func, select, update

from tocsin.errors import StoreBrokenError
from tocsin.exchange.retention.model import Decision, Hold, Item, Review, Scope
from tocsin.exchange.retention.tables import LEGAL_HOLDS, PURGES, RETENTION_PLACES, RETENTION_REVIEWS
from tocsin.exchange.tables import CONTRIBUTIONS, SUBMISSIONS
from tocsin.kernel.db.store import chunks, next_id
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "add_hold",
    "add_reviews",
    "close_reviews",
    "closed",
    "count_covered",
    "holds",
    "items_of",
    "last_purge",
    "lift_hold",
    "note_purges",
    "open_reviews",
    "place_of",
    "put_place",
    "waiting",
]


def _items() -> Select[Any]:
    return (
        select(
            CONTRIBUTIONS.c.contribution_id,
            PARTIES.c.uri,
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.version,
            CONTRIBUTIONS.c.type,
            CONTRIBUTIONS.c.label_id,
            SUBMISSIONS.c.received_at,
        )
        .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
        .join(SUBMISSIONS, SUBMISSIONS.c.submission_id == CONTRIBUTIONS.c.submission_id)
    )


def _item(row: Row[Any]) -> Item:
    return Item(
        contribution_id=row.contribution_id,
        owner=row.uri,
        object_id=row.object_id,
        version=row.version,
        type=row.type,
        label_id=row.label_id,
        submitted=row.received_at,
    )


def items_of(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> list[Item]:
    """Return those of these contributions that are not purged, by number."""
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    query = (
        _items()
        .where(CONTRIBUTIONS.c.contribution_id.in_(select(wanted.c.value)), CONTRIBUTIONS.c.salt.is_not(None))
        .order_by(CONTRIBUTIONS.c.contribution_id)
    )
    return [_item(row) for row in connection.execute(query)]


def items_after(
    connection: Connection,
    adapter: Adapter,
    environment: int,
    *,
    after: int,
    labels: Collection[int],
    submitted_by: Micros,
    limit: int,
) -> list[Item]:
    """Return contributions behind a number, under some labels, that were submitted by an instant: by number."""
    wanted = adapter.integers(sorted(labels), "wanted")
    query = (
        _items()
        .where(
            CONTRIBUTIONS.c.environment == environment,
            CONTRIBUTIONS.c.contribution_id > after,
            CONTRIBUTIONS.c.contribution_id <= last_submitted(connection, environment, submitted_by),
            CONTRIBUTIONS.c.label_id.in_(select(wanted.c.value)),
            CONTRIBUTIONS.c.salt.is_not(None),
        )
        .order_by(CONTRIBUTIONS.c.contribution_id)
        .limit(limit)
    )
    return [_item(row) for row in connection.execute(query)]


def items_between(
    connection: Connection, adapter: Adapter, environment: int, *, upto: int, labels: Collection[int]
) -> list[int]:
    """Return the contributions up to a number, under some labels, that are not purged."""
    wanted = adapter.integers(sorted(labels), "wanted")
    query = select(CONTRIBUTIONS.c.contribution_id).where(
        CONTRIBUTIONS.c.environment == environment,
        CONTRIBUTIONS.c.contribution_id <= upto,
        CONTRIBUTIONS.c.label_id.in_(select(wanted.c.value)),
        CONTRIBUTIONS.c.salt.is_not(None),
    )
    return [int(one) for one in connection.execute(query).scalars()]


def last_submitted(connection: Connection, environment: int, by: Micros) -> int:
    """Return the number of the last contribution that was submitted by an instant: both rise together."""
    submission = connection.execute(
        select(func.max(SUBMISSIONS.c.submission_id)).where(
            SUBMISSIONS.c.environment == environment, SUBMISSIONS.c.received_at <= by
        )
    ).scalar_one_or_none()
    if submission is None:
        return 0
    low, high = (
        0,
        int(connection.execute(select(func.coalesce(func.max(CONTRIBUTIONS.c.contribution_id), 0))).scalar_one()),
    )
    # numbers rise with those of submissions: found in some twenty looks at the key, without an index of its own
    while low < high:
        middle = (low + high + 1) // 2
        came = connection.execute(
            select(CONTRIBUTIONS.c.submission_id)
            .where(CONTRIBUTIONS.c.contribution_id <= middle)
            .order_by(CONTRIBUTIONS.c.contribution_id.desc())
            .limit(1)
        ).scalar_one_or_none()
        low, high = (middle, high) if came is None or came <= submission else (low, middle - 1)
    return low


# --- purges ----------------------------------------------------------------------------------------------------------


def note_purges(
    connection: Connection,
    environment: int,
    contribution_ids: Sequence[int],
    *,
    ground: str,
    reference: str,
    at: Micros,
    purged: bool,
) -> None:
    """Note that contributions are to be gone, and whether they are; one that waited before keeps its ground."""
    known: set[int] = set()
    for part in chunks(contribution_ids):
        known.update(
            connection.execute(select(PURGES.c.contribution_id).where(PURGES.c.contribution_id.in_(part))).scalars()
        )
    fresh = [one for one in contribution_ids if one not in known]
    if fresh:
        connection.execute(
            PURGES.insert(),
            [
                {
                    "contribution_id": one,
                    "environment": environment,
                    "ground": ground,
                    "reference": reference,
                    "ordered_at": at,
                    "purged_at": at if purged else None,
                }
                for one in fresh
            ],
        )
    if purged:
        for part in chunks(sorted(known)):
            connection.execute(update(PURGES).where(PURGES.c.contribution_id.in_(part)).values(purged_at=at))


def waiting(connection: Connection, environment: int) -> list[tuple[int, str, str]]:
    """Return what a legal hold kept when it was to go: contribution, ground, reference."""
    rows = connection.execute(
        select(PURGES.c.contribution_id, PURGES.c.ground, PURGES.c.reference)
        .where(PURGES.c.environment == environment, PURGES.c.purged_at.is_(None))
        .order_by(PURGES.c.contribution_id)
    )
    return [(row.contribution_id, row.ground, row.reference) for row in rows]


def last_purge(connection: Connection, environment: int) -> Micros | None:
    """Return when something was purged last."""
    return connection.execute(
        select(func.max(PURGES.c.purged_at)).where(PURGES.c.environment == environment)
    ).scalar_one_or_none()


def closed(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> set[int]:
    """Return those of these contributions that are purged or wait for it: they are never offered again."""
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    rows = connection.execute(
        select(PURGES.c.contribution_id).where(PURGES.c.contribution_id.in_(select(wanted.c.value)))
    )
    return set(rows.scalars())


# --- the sweep's places ----------------------------------------------------------------------------------------------


def place_of(connection: Connection, environment: int, rule: str) -> int:
    """Return up to which contribution a rule is done."""
    found = connection.execute(
        select(RETENTION_PLACES.c.upto).where(
            RETENTION_PLACES.c.environment == environment, RETENTION_PLACES.c.rule == rule
        )
    ).scalar_one_or_none()
    return 0 if found is None else int(found)


def put_place(connection: Connection, environment: int, rule: str, upto: int) -> None:
    """Note up to which contribution a rule is done."""
    which = (RETENTION_PLACES.c.environment == environment, RETENTION_PLACES.c.rule == rule)
    if not connection.execute(update(RETENTION_PLACES).where(*which).values(upto=upto)).rowcount:
        connection.execute(RETENTION_PLACES.insert().values(environment=environment, rule=rule, upto=upto))


def forget_places(connection: Connection, environment: int, rules: Collection[str]) -> None:
    """Forget the places of rules that nobody asks for any more."""
    known = connection.execute(
        select(RETENTION_PLACES.c.rule).where(RETENTION_PLACES.c.environment == environment)
    ).scalars()
    for gone in sorted(set(known) - set(rules)):
        connection.execute(
            delete(RETENTION_PLACES).where(
                RETENTION_PLACES.c.environment == environment, RETENTION_PLACES.c.rule == gone
            )
        )


# --- reviews ---------------------------------------------------------------------------------------------------------


def add_reviews(
    connection: Connection,
    environment: int,
    contribution_ids: Iterable[int],
    *,
    reference: str,
    opened_at: Micros,
    answer_by: Micros,
) -> None:
    """Ask the owners of contributions whether they are still needed."""
    free = next_id(connection, RETENTION_REVIEWS.c.review_id)
    rows = [
        {
            "review_id": free + place,
            "environment": environment,
            "contribution_id": one,
            "reference": reference,
            "opened_at": opened_at,
            "answer_by": answer_by,
            "decided_at": None,
            "decision": None,
            "kept_until": None,
        }
        for place, one in enumerate(contribution_ids)
    ]
    if rows:
        connection.execute(RETENTION_REVIEWS.insert(), rows)


def open_reviews(connection: Connection, environment: int, owner: str | None = None) -> list[Review]:
    """Return the reviews that are not decided, of one owner (by URI) or of all, the first to be answered first."""
    query = (
        _items()
        .add_columns(RETENTION_REVIEWS.c.reference, RETENTION_REVIEWS.c.opened_at, RETENTION_REVIEWS.c.answer_by)
        .join(RETENTION_REVIEWS, RETENTION_REVIEWS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
        .where(
            RETENTION_REVIEWS.c.environment == environment,
            RETENTION_REVIEWS.c.decided_at.is_(None),
            CONTRIBUTIONS.c.salt.is_not(None),
        )
        .order_by(RETENTION_REVIEWS.c.answer_by, RETENTION_REVIEWS.c.review_id)
    )
    if owner is not None:
        query = query.where(PARTIES.c.uri == owner)
    return [
        Review(item=_item(row), reference=row.reference, opened_at=row.opened_at, answer_by=row.answer_by)
        for row in connection.execute(query)
    ]


def asked(
    connection: Connection,
    adapter: Adapter,
    contribution_ids: Collection[int],
    reference: str,
    *,
    after: Micros | None = None,
) -> set[int]:
    """Return those of these contributions that a clause had reviewed.

    With ``after``: those only that it is not to have reviewed again by that instant, since their owner was not heard
    yet, or said to keep them for longer.
    """
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    query = select(RETENTION_REVIEWS.c.contribution_id).where(
        RETENTION_REVIEWS.c.contribution_id.in_(select(wanted.c.value)), RETENTION_REVIEWS.c.reference == reference
    )
    if after is not None:
        kept = RETENTION_REVIEWS.c.kept_until
        query = query.where(kept.is_(None) | (kept > after))
    return set(connection.execute(query).scalars())


def expired_keeps(connection: Connection, environment: int, at: Micros) -> list[tuple[int, str]]:
    """Return what was kept until an instant that is past, and not reviewed again since: contribution, clause.

    What waits for a legal hold is to be gone, whatever was decided before.
    """
    newest = (
        select(func.max(RETENTION_REVIEWS.c.review_id).label("review_id"))
        .where(RETENTION_REVIEWS.c.environment == environment)
        .group_by(RETENTION_REVIEWS.c.contribution_id, RETENTION_REVIEWS.c.reference)
        .subquery()
    )
    rows = connection.execute(
        select(RETENTION_REVIEWS.c.contribution_id, RETENTION_REVIEWS.c.reference)
        .join(newest, newest.c.review_id == RETENTION_REVIEWS.c.review_id)
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == RETENTION_REVIEWS.c.contribution_id)
        .where(
            RETENTION_REVIEWS.c.kept_until <= at,
            CONTRIBUTIONS.c.salt.is_not(None),
            ~exists().where(PURGES.c.contribution_id == RETENTION_REVIEWS.c.contribution_id),
        )
        .order_by(RETENTION_REVIEWS.c.contribution_id)
    )
    return [(row.contribution_id, row.reference) for row in rows]


def close_reviews(
    connection: Connection,
    contribution_ids: Sequence[int],
    *,
    decision: Decision,
    at: Micros,
    kept_until: Micros | None,
    reference: str | None = None,
) -> None:
    """Note what was decided in the open reviews of contributions, of one clause or of all."""
    for part in chunks(contribution_ids):
        which: list[ColumnElement[bool]] = [
            RETENTION_REVIEWS.c.contribution_id.in_(part),
            RETENTION_REVIEWS.c.decided_at.is_(None),
        ]
        if reference is not None:
            which.append(RETENTION_REVIEWS.c.reference == reference)
        connection.execute(
            update(RETENTION_REVIEWS).where(*which).values(decided_at=at, decision=str(decision), kept_until=kept_until)
        )


# --- legal holds -----------------------------------------------------------------------------------------------------


def add_hold(connection: Connection, environment: int, hold: Hold) -> None:
    """Enter a hold."""
    connection.execute(
        LEGAL_HOLDS.insert().values(
            hold_id=next_id(connection, LEGAL_HOLDS.c.hold_id),
            environment=environment,
            uuid=hold.uuid,
            authority=hold.authority,
            reason=hold.reason,
            scope=msgspec.json.encode(hold.scope),
            placed_at=hold.placed_at,
            until=hold.until,
            lifted_at=hold.lifted_at,
        )
    )


def count_covered(connection: Connection, environment: int, scope: Scope) -> int:
    """Return how many contributions that are not purged meet all that a scope gives: as ``Scope.covers`` has it."""
    query = _items().where(CONTRIBUTIONS.c.environment == environment, CONTRIBUTIONS.c.salt.is_not(None))
    if scope.owner is not None:
        query = query.where(PARTIES.c.uri == scope.owner)
    if scope.objects:
        query = query.where(CONTRIBUTIONS.c.object_id.in_(scope.objects))
    if scope.types:
        query = query.where(CONTRIBUTIONS.c.type.in_(scope.types))
    if scope.since is not None:
        query = query.where(SUBMISSIONS.c.received_at >= scope.since)
    if scope.until is not None:
        query = query.where(SUBMISSIONS.c.received_at < scope.until)
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def lift_hold(connection: Connection, environment: int, uuid: str, at: Micros) -> None:
    """Note that a hold keeps nothing any more."""
    connection.execute(
        update(LEGAL_HOLDS)
        .where(LEGAL_HOLDS.c.environment == environment, LEGAL_HOLDS.c.uuid == uuid)
        .values(lifted_at=at)
    )


def move_hold(connection: Connection, environment: int, uuid: str, until: Micros) -> None:
    """Let a hold end at another instant."""
    connection.execute(
        update(LEGAL_HOLDS)
        .where(LEGAL_HOLDS.c.environment == environment, LEGAL_HOLDS.c.uuid == uuid)
        .values(until=until)
    )


def holds(connection: Connection, environment: int) -> list[Hold]:
    """Return every hold, the first placed first.

    Raises:
        StoreBrokenError: one cannot be read.
    """
    rows = connection.execute(
        select(LEGAL_HOLDS).where(LEGAL_HOLDS.c.environment == environment).order_by(LEGAL_HOLDS.c.hold_id)
    )
    return [_hold(row) for row in rows]


def _hold(row: Row[Any]) -> Hold:
    try:
        scope = msgspec.json.decode(row.scope, type=Scope)
    except msgspec.MsgspecError as error:
        raise StoreBrokenError(f"its scope cannot be read: {error}", where=f"legal hold {row.uuid}") from error
    return Hold(
        uuid=row.uuid,
        authority=row.authority,
        reason=row.reason,
        scope=scope,
        placed_at=row.placed_at,
        until=row.until,
        lifted_at=row.lifted_at,
    )
