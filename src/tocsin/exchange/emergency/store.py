"""Rows: which annexes are in force, what they let out, how far what they widen was offered anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import bindparam, func, select

from tocsin.agreements.annexes.model import Run, annex_id, runs_of
from tocsin.agreements.store import agreement_rows
from tocsin.agreements.tables import AGREEMENTS, ANNEX_ACTIVATIONS
from tocsin.exchange.recall.model import CARRIED
from tocsin.exchange.recall.tables import RECALL_NOTICES, RECALL_OBJECTS, RECALLS
from tocsin.exchange.releases import decode_offers
from tocsin.exchange.tables import (
    AUDIENCES,
    CONTRIBUTIONS,
    LABEL_COUNTS,
    MADE_COLLECTIONS,
    OFFERS,
    RELEASED_UNDER,
    RELEASES,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection

    from tocsin.agreements.store import AgreementRow
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "CalledBack",
    "Unsettled",
    "called_back",
    "let_out",
    "made_for",
    "make_all_known",
    "offered_counts",
    "offers_after",
    "recalled",
    "unsettled",
]


class Unsettled(NamedTuple):
    """A run of an annex whose end was not settled, or has not come."""

    row: AgreementRow
    run: Run


def unsettled(connection: Connection, environment: int) -> list[Unsettled]:
    """Return every run that was not settled, those that last among them, by agreement and number."""
    table = ANNEX_ACTIVATIONS
    query = (
        select(AGREEMENTS.c.name)
        .join(table, table.c.agreement_id == AGREEMENTS.c.agreement_id)
        .where(table.c.environment == environment, table.c.settled.is_(None))
        .distinct()
        .order_by(AGREEMENTS.c.name)
    )
    return [
        Unsettled(row, run)
        for name in connection.execute(query).scalars().all()
        for row in agreement_rows(connection, environment, name)
        for run in runs_of(row.annexes)
        if not run.settled
    ]


def make_all_known(
    connection: Connection, environment: int, collection_id: int, members: Collection[str], at: Micros
) -> None:
    """Let parties (their URIs) know of a collection of the audience ``given``; those who know already go on to."""
    query = select(AUDIENCES.c.party).where(AUDIENCES.c.collection_id == collection_id)
    known = set(connection.execute(query).scalars())
    rows = [
        {"collection_id": collection_id, "party": party, "environment": environment, "since": at}
        for party in sorted(set(members) - known)
    ]
    if rows:
        connection.execute(AUDIENCES.insert(), rows)


def offered_counts(connection: Connection, environment: int) -> dict[int, dict[int, int]]:
    """Return how many offers of each label the collections hold that parties submit into, by collection and label."""
    query = (
        select(LABEL_COUNTS.c.collection_id, LABEL_COUNTS.c.label_id, LABEL_COUNTS.c.offers)
        .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == LABEL_COUNTS.c.collection_id)
        .where(
            LABEL_COUNTS.c.environment == environment,
            LABEL_COUNTS.c.label_id > 0,  # what was withdrawn has none
            LABEL_COUNTS.c.offers > 0,
            MADE_COLLECTIONS.c.made_for.is_(None),
        )
    )
    found: dict[int, dict[int, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.collection_id, {})[row.label_id] = row.offers
    return found


def offers_after(
    connection: Connection, collection_id: int, label_id: int, *, after: int, limit: int
) -> list[tuple[int, int]]:
    """Return number and contribution of what a collection offers under a label behind a number, rising."""
    asked = {"collection": collection_id, "label": label_id, "after": after, "most": limit}
    return [(row.offer_seq, row.contribution_id) for row in connection.execute(_OFFERS_AFTER, asked)]


_OFFERS_AFTER: Final = (
    select(OFFERS.c.offer_seq, OFFERS.c.contribution_id)
    .where(
        OFFERS.c.collection_id == bindparam("collection"),
        OFFERS.c.label_id == bindparam("label"),
        OFFERS.c.offer_seq > bindparam("after"),
    )
    .order_by(OFFERS.c.offer_seq)
    .limit(bindparam("most"))
)


def let_out(connection: Connection, adapter: Adapter, environment: int, row: AgreementRow, run: Run) -> dict[int, str]:
    """Return what left under a run of an annex alone: contributions with the types of their objects."""
    query = (
        select(RELEASES.c.collection_id, RELEASED_UNDER.c.offers)
        .join(RELEASES, RELEASES.c.release_id == RELEASED_UNDER.c.release_id)
        .where(
            RELEASED_UNDER.c.environment == environment,
            RELEASED_UNDER.c.annex == annex_id(row.document, run.annex),
            RELEASES.c.kind.in_(sorted(CARRIED)),
            RELEASES.c.at >= run.starts,
            RELEASES.c.at < run.last,
        )
    )
    sequences: dict[int, set[int]] = {}
    for one in connection.execute(query):
        sequences.setdefault(one.collection_id, set()).update(decode_offers(one.offers))
    found: dict[int, str] = {}
    for collection_id, wanted in sequences.items():
        numbers = adapter.integers(sorted(wanted), "wanted")
        offers = connection.execute(
            select(CONTRIBUTIONS.c.contribution_id, CONTRIBUTIONS.c.type)
            .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(select(numbers.c.value)))
        )
        found.update((one.contribution_id, one.type) for one in offers)
    return found


def recalled(connection: Connection, environment: int, basis: str) -> frozenset[int]:
    """Return the contributions that were called back on a basis."""
    query = (
        select(RECALL_OBJECTS.c.contribution_id)
        .join(RECALLS, RECALLS.c.recall_id == RECALL_OBJECTS.c.recall_id)
        .where(RECALLS.c.environment == environment, RECALLS.c.basis == basis)
    )
    return frozenset(connection.execute(query).scalars())


class CalledBack(NamedTuple):
    """What was called back after an annex, of everybody: how many objects, from how many parties, by which recalls."""

    objects: int
    parties: int
    recalls: tuple[str, ...]  # ids, in the order of being made


def called_back(connection: Connection, environment: int, basis: str) -> CalledBack:
    """Return what was called back on a basis, so far."""
    here = (RECALLS.c.environment == environment, RECALLS.c.basis == basis)
    made = connection.execute(select(RECALLS.c.uuid).where(*here).order_by(RECALLS.c.recall_id)).scalars().all()
    parties = connection.execute(
        select(func.count(RECALL_NOTICES.c.party_id.distinct()))
        .join(RECALLS, RECALLS.c.recall_id == RECALL_NOTICES.c.recall_id)
        .where(*here)
    ).scalar_one()
    return CalledBack(len(recalled(connection, environment, basis)), parties, tuple(made))


def made_for(connection: Connection, environment: int, names: Iterable[str]) -> dict[str, int]:
    """Return the number of each collection that is made for one of these."""
    query = select(MADE_COLLECTIONS.c.made_for, MADE_COLLECTIONS.c.collection_id).where(
        MADE_COLLECTIONS.c.environment == environment, MADE_COLLECTIONS.c.made_for.in_(sorted(names))
    )
    return {row.made_for: row.collection_id for row in connection.execute(query)}
