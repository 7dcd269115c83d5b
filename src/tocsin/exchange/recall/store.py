"""Rows of recalls, notices and attestations; and who received what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from tocsin.agreements.interning import read_profile
from tocsin.exchange.recall.model import (
    CARRIED,
    Answer,
    Attestation,
    Authority,
    Demand,
    Named,
    OurCopy,
    Recall,
)
from tocsin.exchange.recall.tables import RECALL_ATTESTATIONS, RECALL_NOTICES, RECALL_OBJECTS, RECALLS
from tocsin.exchange.releases import decode_offers, encode_offers
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS, RELEASED_UNDER, RELEASES
from tocsin.kernel.db.spans import EVERYTHING, within
from tocsin.kernel.db.store import chunks, next_id
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from tocsin.agreements.model import Profile
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.kernel.db.spans import Span
    from tocsin.kernel.mandate import Acting

__all__ = [
    "Left",
    "NoticeRow",
    "Owned",
    "RecallRow",
    "add_attestation",
    "add_notices",
    "add_recall",
    "attestations_of",
    "contributions_of",
    "notices_of",
    "notices_to",
    "on_offer",
    "owned",
    "readers_of",
    "recalls_about",
    "recalls_of",
    "received",
]


class Left(NamedTuple):
    """A contribution that left in a release: to which party, and to whom in it."""

    contribution_id: int
    party: str  # URI
    user: str | None  # name within the party; None: its service
    at: Micros
    under: frozenset[str]  # the emergency annexes that alone let it out


class RecallRow(NamedTuple):
    """A recall with the number of its row."""

    recall_id: int
    recall: Recall


class NoticeRow(NamedTuple):
    """A notice as it is stored."""

    notice_id: int
    uuid: str
    recall_id: int
    party_id: int
    party: str  # URI
    addresses: frozenset[str]
    contributions: tuple[int, ...]


# --- who received what -----------------------------------------------------------------------------------------------


def received(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> Iterator[Left]:
    """Yield what left of these contributions through the gate, staged releases included, collection by collection.

    Counts and facets are left out: they name no object.
    """
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    rows = connection.execute(
        select(OFFERS.c.collection_id, OFFERS.c.offer_seq, OFFERS.c.contribution_id)
        .where(OFFERS.c.contribution_id.in_(select(wanted.c.value)))
        .order_by(OFFERS.c.collection_id, OFFERS.c.offer_seq)
    ).all()
    offered: dict[int, dict[int, int]] = {}
    for row in rows:
        offered.setdefault(row.collection_id, {})[row.offer_seq] = row.contribution_id
    readers: dict[int, list[tuple[str, str | None]]] = {}
    for collection_id, by_seq in offered.items():
        found = connection.execute(
            select(
                RELEASES.c.release_id,
                RELEASES.c.profile_id,
                RELEASES.c.party,
                RELEASES.c.at,
                RELEASES.c.kind,
                RELEASES.c.offers,
            )
            .where(
                RELEASES.c.collection_id == collection_id,
                RELEASES.c.first_seq <= max(by_seq),
                RELEASES.c.last_seq >= min(by_seq),
            )
            .order_by(RELEASES.c.release_id)
        )
        annexes = _under(connection, collection_id)
        for release in found:
            if release.kind not in CARRIED:
                continue
            under = annexes.get(release.release_id, ())
            for sequence in decode_offers(release.offers):
                if sequence not in by_seq:
                    continue
                if release.profile_id not in readers:
                    readers[release.profile_id] = readers_of(read_profile(connection, release.profile_id))
                by = frozenset(annex for annex, offers in under if sequence in offers)
                for party, user in readers[release.profile_id]:
                    yield Left(by_seq[sequence], party, user, release.at, by)


def _under(connection: Connection, collection_id: int) -> dict[int, list[tuple[str, frozenset[int]]]]:
    """Return what annexes alone let out of a collection, by release."""
    query = (
        select(RELEASED_UNDER)
        .join(RELEASES, RELEASES.c.release_id == RELEASED_UNDER.c.release_id)
        .where(RELEASES.c.collection_id == collection_id)
    )
    found: dict[int, list[tuple[str, frozenset[int]]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.release_id, []).append((row.annex, frozenset(decode_offers(row.offers))))
    return found


def readers_of(profile: Profile) -> list[tuple[str, str | None]]:
    """Return who received what a profile was given: its party and user, and the client for whose service it read."""
    found = [(profile.party, profile.user)]
    return found if profile.client is None else [*found, (profile.client.party, None)]


class Owned(NamedTuple):
    """A contribution, purged or not, and whose it is."""

    contribution_id: int
    owner: str  # URI
    owner_id: int
    object_id: str
    version: Micros
    label_id: int


def owned(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> list[Owned]:
    """Return these contributions, by number."""
    wanted = adapter.integers(sorted(set(contribution_ids)), "wanted")
    rows = connection.execute(
        select(
            CONTRIBUTIONS.c.contribution_id,
            PARTIES.c.uri,
            CONTRIBUTIONS.c.owner_id,
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.version,
            CONTRIBUTIONS.c.label_id,
        )
        .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
        .where(CONTRIBUTIONS.c.contribution_id.in_(select(wanted.c.value)))
        .order_by(CONTRIBUTIONS.c.contribution_id)
    )
    return [Owned(*row) for row in rows]


# --- recalls ---------------------------------------------------------------------------------------------------------


def add_recall(connection: Connection, environment: int, recall: Recall, *, owner_id: int, ids: Sequence[int]) -> int:
    """Enter a recall of contributions; returns its number."""
    recall_id = next_id(connection, RECALLS.c.recall_id)
    connection.execute(
        RECALLS.insert().values(
            recall_id=recall_id,
            environment=environment,
            uuid=recall.uuid,
            owner_id=owner_id,
            authority=str(recall.authority),
            basis=recall.basis,
            reason=recall.reason,
            demand=str(recall.demand),
            due=recall.due,
            ours=str(recall.ours),
            actor=recall.actor,
            on_behalf_of=recall.on_behalf_of,
            ordered_at=recall.ordered_at,
        )
    )
    rows = [{"environment": environment, "contribution_id": one, "recall_id": recall_id} for one in ids]
    connection.execute(RECALL_OBJECTS.insert(), rows)
    return recall_id


def recalls_of(
    connection: Connection,
    environment: int,
    *,
    owner: str | None = None,
    uuid: str | None = None,
    span: Span = EVERYTHING,
) -> list[RecallRow]:
    """Return the recalls of an owner (by URI) or of all, or one by its id, the first first; as ``within`` has them."""
    query = within(
        select(RECALLS, PARTIES.c.uri)
        .join(PARTIES, PARTIES.c.party_id == RECALLS.c.owner_id)
        .where(RECALLS.c.environment == environment),
        RECALLS.c.recall_id,
        span,
    )
    if owner is not None:
        query = query.where(PARTIES.c.uri == owner)
    if uuid is not None:
        query = query.where(RECALLS.c.uuid == uuid)
    return [RecallRow(row.recall_id, _recall(row)) for row in connection.execute(query)]


def recalls_by_id(connection: Connection, environment: int, recall_ids: Collection[int]) -> dict[int, Recall]:
    """Return recalls by their numbers."""
    found: dict[int, Recall] = {}
    for part in chunks(sorted(recall_ids)):
        query = (
            select(RECALLS, PARTIES.c.uri)
            .join(PARTIES, PARTIES.c.party_id == RECALLS.c.owner_id)
            .where(RECALLS.c.environment == environment, RECALLS.c.recall_id.in_(part))
        )
        found.update({row.recall_id: _recall(row) for row in connection.execute(query)})
    return found


def recalls_about(
    connection: Connection, adapter: Adapter, environment: int, contribution_ids: Collection[int]
) -> dict[int, tuple[Recall, frozenset[int]]]:
    """Return the recalls of any of these contributions, by number, the first first; each with those that it names."""
    wanted = adapter.integers(sorted(set(contribution_ids)), "wanted")
    query = select(RECALL_OBJECTS.c.recall_id, RECALL_OBJECTS.c.contribution_id).where(
        RECALL_OBJECTS.c.environment == environment, RECALL_OBJECTS.c.contribution_id.in_(select(wanted.c.value))
    )
    about: dict[int, set[int]] = {}
    for row in connection.execute(query):
        about.setdefault(row.recall_id, set()).add(row.contribution_id)
    recalls = recalls_by_id(connection, environment, about)
    return {number: (recalls[number], frozenset(about[number])) for number in sorted(about)}


def on_offer(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> frozenset[int]:
    """Return those of these contributions that any collection offers."""
    wanted = adapter.integers(sorted(set(contribution_ids)), "wanted")
    query = select(OFFERS.c.contribution_id).where(
        OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.withdrawn_at.is_(None)
    )
    return frozenset(connection.execute(query).scalars())


def contributions_of(connection: Connection, recall_id: int) -> list[tuple[int, Named]]:
    """Return what a recall is about, each with the number of its contribution."""
    rows = connection.execute(
        select(CONTRIBUTIONS.c.contribution_id, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version)
        .join(RECALL_OBJECTS, RECALL_OBJECTS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
        .where(RECALL_OBJECTS.c.recall_id == recall_id)
        .order_by(CONTRIBUTIONS.c.contribution_id)
    )
    return [(row.contribution_id, Named(id=row.object_id, version=row.version)) for row in rows]


def _recall(row: Row[Any]) -> Recall:
    return Recall(
        uuid=row.uuid,
        owner=row.uri,
        authority=Authority(row.authority),
        basis=row.basis,
        reason=row.reason,
        demand=Demand(row.demand),
        due=row.due,
        ours=OurCopy(row.ours),
        ordered_at=row.ordered_at,
        actor=row.actor,
        on_behalf_of=row.on_behalf_of,
    )


# --- notices ---------------------------------------------------------------------------------------------------------


def add_notices(
    connection: Connection,
    environment: int,
    recall_id: int,
    told: Sequence[tuple[str, int, frozenset[str], Sequence[int]]],
) -> None:
    """Enter the notices of a recall: id, party, addresses, contributions."""
    free = next_id(connection, RECALL_NOTICES.c.notice_id)
    rows = [
        {
            "notice_id": free + place,
            "environment": environment,
            "uuid": uuid,
            "recall_id": recall_id,
            "party_id": party_id,
            "addresses": "\n".join(sorted(addresses)),
            "contributions": encode_offers(sorted(contributions)),
        }
        for place, (uuid, party_id, addresses, contributions) in enumerate(told)
    ]
    if rows:
        connection.execute(RECALL_NOTICES.insert(), rows)


def notices_of(connection: Connection, environment: int, recall_ids: Collection[int] | None = None) -> list[NoticeRow]:
    """Return the notices of some recalls, or all of them, in the order of being made."""
    found: list[NoticeRow] = []
    query = _NOTICES.where(RECALL_NOTICES.c.environment == environment).order_by(RECALL_NOTICES.c.notice_id)
    if recall_ids is None:
        return [_notice(row) for row in connection.execute(query)]
    for part in chunks(sorted(recall_ids)):
        found += [_notice(row) for row in connection.execute(query.where(RECALL_NOTICES.c.recall_id.in_(part)))]
    return found


def notices_to(
    connection: Connection, environment: int, party: str, uuid: str | None = None, *, span: Span = EVERYTHING
) -> list[NoticeRow]:
    """Return the notices to a party (by URI), the first first, as ``within`` has them; or the one of an id."""
    query = _NOTICES.where(RECALL_NOTICES.c.environment == environment, PARTIES.c.uri == party)
    if uuid is not None:
        query = query.where(RECALL_NOTICES.c.uuid == uuid)
    return [_notice(row) for row in connection.execute(within(query, RECALL_NOTICES.c.notice_id, span))]


_NOTICES = select(RECALL_NOTICES, PARTIES.c.uri).join(PARTIES, PARTIES.c.party_id == RECALL_NOTICES.c.party_id)


def _notice(row: Row[Any]) -> NoticeRow:
    return NoticeRow(
        notice_id=row.notice_id,
        uuid=row.uuid,
        recall_id=row.recall_id,
        party_id=row.party_id,
        party=row.uri,
        addresses=frozenset(row.addresses.split("\n")),
        contributions=tuple(decode_offers(row.contributions)),
    )


def named(connection: Connection, adapter: Adapter, contribution_ids: Collection[int]) -> Mapping[int, Named]:
    """Return what contributions are of, by number."""
    wanted = adapter.integers(sorted(contribution_ids), "wanted")
    rows = connection.execute(
        select(CONTRIBUTIONS.c.contribution_id, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version).where(
            CONTRIBUTIONS.c.contribution_id.in_(select(wanted.c.value))
        )
    )
    return {row.contribution_id: Named(id=row.object_id, version=row.version) for row in rows}


# --- attestations ----------------------------------------------------------------------------------------------------


def add_attestation(
    connection: Connection,
    environment: int,
    notice_id: int,
    *,
    answer: Answer,
    until: Micros | None,
    remark: str,
    acting: Acting,
    at: Micros,
) -> None:
    """Enter what was attested; the last one of a notice counts."""
    connection.execute(
        RECALL_ATTESTATIONS.insert().values(
            attestation_id=next_id(connection, RECALL_ATTESTATIONS.c.attestation_id),
            environment=environment,
            notice_id=notice_id,
            answer=str(answer),
            until=until,
            remark=remark,
            actor=acting.actor,
            on_behalf_of=acting.on_behalf_of,
            attested_at=at,
        )
    )


def attestations_of(connection: Connection, notice_ids: Collection[int]) -> dict[int, Attestation]:
    """Return the last attestation of each notice that has any."""
    found: dict[int, Attestation] = {}
    for part in chunks(sorted(notice_ids)):
        newest = (
            select(func.max(RECALL_ATTESTATIONS.c.attestation_id))
            .where(RECALL_ATTESTATIONS.c.notice_id.in_(part))
            .group_by(RECALL_ATTESTATIONS.c.notice_id)
        )
        for row in connection.execute(
            select(RECALL_ATTESTATIONS).where(RECALL_ATTESTATIONS.c.attestation_id.in_(newest))
        ):
            found[row.notice_id] = Attestation(
                answer=Answer(row.answer),
                until=row.until,
                remark=row.remark,
                actor=row.actor,
                on_behalf_of=row.on_behalf_of,
                at=row.attested_at,
            )
    return found
