"""Whether a hub is what it must be: its log verifies, is retold, and tells the same as its store."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tocsin.agreements.interning import read_labels
from tocsin.agreements.store import agreement_rows
from tocsin.agreements.tables import LABELS
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Outcome, Receipt
from tocsin.exchange.releases import WITHDRAWN, decode_offers
from tocsin.exchange.replay import Offered, Rebuilt, replay
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import (
    COLLECTIONS,
    CONTRIBUTIONS,
    LABEL_COUNTS,
    OFFERS,
    RELEASES,
    SUBMISSIONS,
)
from tocsin.log.commitment import commit_content, content_text
from tocsin.log.verify import Disclosures, verify_export
from tocsin.parties import store as parties
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.bootstrap import Hub
    from tocsin.log.model import EntryPayload

__all__ = ["export_all", "inspect_hub", "released_in", "tell"]


def export_all(hub: Hub, directory: Path) -> Path:
    """Export a hub's whole log with every payload."""
    export_log(hub.store, hub.log, directory)
    return directory


def tell(hub: Hub) -> list[tuple[int, EntryPayload]]:
    """Export, verify and read back what a hub's log tells; nothing of it comes from the store any more."""
    with tempfile.TemporaryDirectory() as folder:
        directory = export_all(hub, Path(folder) / "export")
        verified = verify_export(directory, trusted_vkey=hub.log.vkey)
        told = list(Disclosures(directory))
    assert verified.size == len(told)
    return told


def inspect_hub(hub: Hub) -> Rebuilt:
    """Check everything that must hold of a hub at rest; returns what its log alone tells of it.

    The hub tests itself; what it must find is derived here once more, from the export.
    """
    hub.self_test.require()
    told = tell(hub)
    rebuilt = replay(told)
    with hub.store.read() as connection:
        assert hub.log.check(connection) == len(told) == rebuilt.entries
        _people_agree(hub, connection, rebuilt)
        _agreements_agree(hub, connection, rebuilt)
        _offers_agree(hub, connection, rebuilt)
        _counts_agree(connection)
        _submissions_are_whole(connection, told)
        assert _stored_releases(connection) == released_in(told)
    return rebuilt


def _people_agree(hub: Hub, connection: Connection, rebuilt: Rebuilt) -> None:
    everyone = {row.party.uri: row.party for row in parties.party_rows(connection, hub.environment)}
    assert dict(rebuilt.people.parties) == everyone
    users = {(row.user.party, row.user.name): row.user for row in parties.user_rows(connection, hub.environment)}
    assert dict(rebuilt.people.users) == users


def _agreements_agree(hub: Hub, connection: Connection, rebuilt: Rebuilt) -> None:
    stored = {
        row.document.id: (row.status, row.signed, row.document.canonical, row.activated.policies)
        for row in agreement_rows(connection, hub.environment)
    }
    assert stored == {
        key: (one.status, one.activated.signed, one.activated.document.canonical, one.activated.policies)
        for key, one in rebuilt.agreed.versions.items()
    }


def _offers_agree(hub: Hub, connection: Connection, rebuilt: Rebuilt) -> None:
    ids = connection.execute(select(LABELS.c.label_id)).scalars().all()
    assert rebuilt.labels == read_labels(connection, hub.store.adapter, ids)
    assert rebuilt.collections == dict(connection.execute(select(COLLECTIONS.c.uuid, COLLECTIONS.c.alias)).all())
    rows = connection.execute(
        select(
            COLLECTIONS.c.uuid,
            PARTIES.c.uri,
            OFFERS.c.offer_seq,
            OFFERS.c.version,
            OFFERS.c.label_id,
            OFFERS.c.withdrawn_at,
            CONTRIBUTIONS.c.label_id.label("given"),
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.object_key,
            CONTRIBUTIONS.c.version.label("contributed_version"),
        )
        .join(COLLECTIONS, COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
    ).all()
    for row in rows:
        assert row.label_id == (row.given if row.withdrawn_at is None else WITHDRAWN)
        assert row.version == row.contributed_version
        assert row.object_key == object_key(hub.environment, row.object_id)
    stored = {
        (row.uuid, row.offer_seq): (row.object_id, row.version, row.given, row.uri, row.withdrawn_at is not None)
        for row in rows
    }

    def as_row(key: tuple[str, int], offer: Offered) -> tuple[str, int, int, str, bool]:
        return offer.object_id, offer.version, offer.label_id, offer.owner, key in rebuilt.withdrawn

    assert stored == {key: as_row(key, offer) for key, offer in rebuilt.offers.items()}


def _counts_agree(connection: Connection) -> None:
    """Offers are dense, ``date_added`` rises, label counts count, and contested ids are known as such."""
    for collection in connection.execute(select(COLLECTIONS)).all():
        rows = connection.execute(
            select(OFFERS, CONTRIBUTIONS.c.object_id)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .where(OFFERS.c.collection_id == collection.collection_id)
            .order_by(OFFERS.c.offer_seq)
        ).all()
        assert [row.offer_seq for row in rows] == list(range(1, collection.head_seq + 1))
        added = [row.date_added for row in rows]
        assert added == sorted(set(added))
        assert (added[-1] if added else 0) == collection.head_added
        counts = connection.execute(
            select(LABEL_COUNTS.c.label_id, LABEL_COUNTS.c.offers).where(
                LABEL_COUNTS.c.collection_id == collection.collection_id
            )
        )
        assert Counter(row.label_id for row in rows) == Counter(dict(counts.all()))
        times = Counter(row.object_id for row in rows)
        assert all(row.contested == (times[row.object_id] > 1) for row in rows)


def _submissions_are_whole(connection: Connection, told: list[tuple[int, EntryPayload]]) -> None:
    """Every receipt has its entry, and every object that it calls accepted is there, with the content committed to."""
    receipts = {
        row.uuid: msgspec.json.decode(row.result, type=Receipt) for row in connection.execute(select(SUBMISSIONS))
    }
    entered = {payload.data["submission"]: payload.data for _, payload in told if payload.kind == "submission"}
    assert receipts.keys() == entered.keys()
    commitments: set[str] = set()
    for uuid, receipt in receipts.items():
        accepted = [result.id for result in receipt.results if result.outcome is Outcome.ACCEPTED]
        offers = entered[uuid]["offers"]
        assert isinstance(offers, list)
        # chance mixes objects of different labels
        assert sorted(str(offer["object"]) for offer in offers) == sorted(map(str, accepted))
        commitments |= {offer["content"] for offer in offers if "content" in offer}
    contents = connection.execute(
        select(
            CONTRIBUTIONS.c.salt,
            CONTRIBUTIONS.c.bytes,
            CONTRIBUTIONS.c.owner_id,
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.version,
        )
    ).all()
    # the one writer sees to it, and no index
    assert len({(row.owner_id, row.object_id, row.version) for row in contents}) == len(contents)
    assert commitments == {content_text(commit_content(salt=row.salt, body=row.bytes)) for row in contents}
    assert len(contents) == len(commitments)


def released_in(told: list[tuple[int, EntryPayload]]) -> dict[str, frozenset[int]]:
    """Return the offers of each release in a log, by the release's id."""
    found: dict[str, set[int]] = {}
    for _, payload in told:
        if payload.kind == "release":
            release, steps = payload.data["release"], payload.data["offers"]
            assert isinstance(release, str)
            assert isinstance(steps, list)
            place = 0
            for step in steps:
                place += int(step)
                found.setdefault(release, set()).add(place)
    return {uuid: frozenset(offers) for uuid, offers in found.items()}


def _stored_releases(connection: Connection) -> dict[str, frozenset[int]]:
    rows = connection.execute(select(RELEASES)).all()
    assert all(row.log_idx is not None for row in rows)
    assert all((row.first_seq, row.last_seq) == _ends(decode_offers(row.offers)) for row in rows)
    return {row.uuid: frozenset(decode_offers(row.offers)) for row in rows}


def _ends(sequences: list[int]) -> tuple[int, int]:
    return sequences[0], sequences[-1]
