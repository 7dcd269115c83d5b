"""Offering anew: how clients receive what they were not allowed when it was first offered.

A client polls with ``added_after`` and never looks back. So when rights widen, by a grant or by an annex, what they
open is offered once more, in a collection made for it (``made_for``), at the end of that collection's order. The bytes
are those of the contribution; nothing is decided here: what is offered passes the gate like every other offer.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from tocsin.agreements.interning import as_json, intern_labels
from tocsin.agreements.model import Label
from tocsin.errors import ConflictError, LimitError, NotFoundError
from tocsin.exchange import store
from tocsin.exchange.collections import MAX_COLLECTIONS
from tocsin.exchange.stamps import drawn
from tocsin.exchange.tables import CONTRIBUTIONS, MADE_COLLECTIONS, OFFER_COLUMNS, OFFERS
from tocsin.kernel.ids import new_uuid
from tocsin.log.service import Record
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.model import Audience, Collection
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

__all__ = ["MAX_AGAIN", "Again", "OfferingAgain"]

# What one transaction offers anew, and its entries tell: a second of the writer's time. Who has more comes again.
MAX_AGAIN: Final = 5_000


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A contribution that is to be offered anew: under its own label, or under one made for this offer."""

    contribution_id: int
    label: Label | None = None


class _Contributed(msgspec.Struct, frozen=True, kw_only=True):
    """A contribution as it stands, and the label that its new offer gets."""

    contribution_id: int
    object_id: str
    version: int
    owner: str
    label_id: int


class OfferingAgain:
    """Offers what is there already, in collections made for that."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment

    def collection(
        self,
        connection: Connection,
        acting: Acting,
        made_for: str,
        *,
        alias: str,
        title: str,
        description: str,
        audience: Audience,
    ) -> Collection:
        """Return the collection that is made for something, opening it when it is first asked for.

        Of the audience ``GIVEN`` only those know of it whom ``make_known`` told; the others' lists, pages and errors
        are the same whether or not it exists. It takes no mandate: whatever offers in it has one of its own.

        Args:
            connection: the caller's transaction.
            acting: whose act makes it needed.
            made_for: a word or reference that names what it is made for, the same at every call: ``grants``,
                ``annex:NAME/VERSION#ANNEX``.
            alias: its short name; where that is taken, one with some digits behind it.
            title: what people see.
            description: likewise.
            audience: who knows of it.

        Raises:
            LimitError: the hub has too many collections.
        """
        present = store.read_collections(connection, self._environment)
        for one in present:
            if one.made_for == made_for:
                return one
        if len(present) >= MAX_COLLECTIONS:
            raise LimitError(f"a hub has at most {MAX_COLLECTIONS} collections", where=alias)
        uuid = new_uuid(self._entropy)
        if any(alias == one.alias for one in present):
            alias = f"{alias}-{uuid[:8]}"
        at = self._log.now(connection)
        told: dict[str, object] = {
            "uuid": uuid,
            "alias": alias,
            "title": title,
            "description": description,
            "audience": str(audience),
            "made_for": made_for,
        }
        store.add_collection(
            connection,
            self._environment,
            uuid=uuid,
            alias=alias,
            title=title,
            description=description,
            at=at,
            audience=audience,
            made_for=made_for,
        )
        self._log.append(connection, [Record(kind="collection.made", at=at, acting=acting, data=told)])
        return next(one for one in store.read_collections(connection, self._environment) if one.uuid == uuid)

    def offer_again(
        self,
        connection: Connection,
        acting: Acting,
        collection: Collection,
        offers: Sequence[Again],
        *,
        because: str,
    ) -> list[int]:
        """Offer contributions anew at the end of a collection; returns the numbers of the new offers, rising.

        Durable when the caller's transaction commits; readers and streams see the offers like any others, each by its
        label. Left out is what is purged, what its owner took back from every collection that it was submitted into,
        and what this collection offers already under the same label. Each owner's offers are an entry of their own
        (``offering``), which concerns that owner alone.

        Args:
            connection: the caller's transaction; ``collection`` must have been read in it.
            acting: whose act widened the rights.
            collection: one that is made for something.
            offers: at most ``MAX_AGAIN``; the order does not matter, chance gives the new one (ADR 0072).
            because: what widened the rights, as the log tells it: ``grant:UUID``, ``annex:NAME/VERSION#ANNEX``.

        Raises:
            ConflictError: the collection is one that parties submit into.
            LimitError: there are more than ``MAX_AGAIN``.
            NotFoundError: there is no such contribution.
        """
        if not collection.made_for:
            raise ConflictError("what is offered anew stands in a collection made for it", where=collection.alias)
        if len(offers) > MAX_AGAIN:
            raise LimitError(f"at most {MAX_AGAIN} objects are offered anew at a time", todo="offer them in parts")
        at = self._log.now(connection)
        left = self._left(connection, offers)
        labels = list(dict.fromkeys(one.label for one in offers if one.label and one.contribution_id in left))
        ids, new = intern_labels(connection, self._environment, labels, at)
        found = self._chosen(connection, collection, offers, left, ids)
        if not found:
            return []
        began = max(at, collection.head_added)
        head = collection.head_seq
        placed = [
            (head + place, began + after, found[which])
            for place, (after, which) in enumerate(drawn([one.label_id for one in found], self._entropy), 1)
        ]
        self._insert(connection, collection, placed)
        self._log.append(connection, self._records(at, acting, collection, placed, new, because=because))
        return [seq for seq, _, _ in placed]

    def _left(self, connection: Connection, offers: Sequence[Again]) -> dict[int, _Contributed]:
        """Return, by its number, each contribution that is neither purged nor taken back."""
        wanted = self._store.adapter.integers(sorted({one.contribution_id for one in offers}), "wanted")
        query = (
            select(
                CONTRIBUTIONS.c.contribution_id,
                CONTRIBUTIONS.c.object_id,
                CONTRIBUTIONS.c.version,
                CONTRIBUTIONS.c.label_id,
                CONTRIBUTIONS.c.salt,
                PARTIES.c.uri,
            )
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .where(
                CONTRIBUTIONS.c.environment == self._environment,
                CONTRIBUTIONS.c.contribution_id.in_(select(wanted.c.value)),
            )
        )
        rows = {row.contribution_id: row for row in connection.execute(query)}
        for one in offers:
            if one.contribution_id not in rows:
                raise NotFoundError("there is no such contribution", where=str(one.contribution_id))
        query_offers = (
            select(OFFERS.c.contribution_id)
            .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
            .where(
                OFFERS.c.contribution_id.in_(select(wanted.c.value)),
                OFFERS.c.withdrawn_at.is_(None),
                MADE_COLLECTIONS.c.made_for.is_(None),
            )
        )
        through = self._store.adapter.through(query_offers, OFFERS, "ix_offers_contribution")
        offered = set(connection.execute(through).scalars())
        return {
            number: _Contributed(
                contribution_id=number,
                object_id=row.object_id,
                version=row.version,
                owner=row.uri,
                label_id=row.label_id,
            )
            for number, row in rows.items()
            if row.salt is not None and number in offered
        }

    def _chosen(
        self,
        connection: Connection,
        collection: Collection,
        offers: Sequence[Again],
        left: dict[int, _Contributed],
        labels: dict[Label, int],
    ) -> list[_Contributed]:
        """Return what the collection never offered under the label that it is to have now."""
        wanted = self._store.adapter.integers(sorted(left), "wanted")
        query = select(OFFERS.c.contribution_id, OFFERS.c.label_id).where(
            OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.collection_id == collection.id
        )
        through = self._store.adapter.through(query, OFFERS, "ix_offers_contribution")
        standing = {(row.contribution_id, row.label_id) for row in connection.execute(through)}
        found: dict[tuple[int, int], _Contributed] = {}
        for one in offers:
            if (contributed := left.get(one.contribution_id)) is None:
                continue
            label_id = contributed.label_id if one.label is None else labels[one.label]
            key = (one.contribution_id, label_id)
            if key not in standing:
                found[key] = msgspec.structs.replace(contributed, label_id=label_id)
        return list(found.values())

    def _insert(
        self, connection: Connection, collection: Collection, placed: Sequence[tuple[int, int, _Contributed]]
    ) -> None:
        here = Counter(one.object_id for _, _, one in placed)
        held = store.offers_of_objects(connection, self._store.adapter, self._environment, collection.id, here)
        store.mark_contested(connection, self._store.adapter, collection.id, [seq for _, seq in held])
        contested = {object_id for object_id, _ in held} | {one for one, times in here.items() if times > 1}
        self._store.adapter.bulk_insert(
            connection,
            OFFERS,
            OFFER_COLUMNS,
            [
                (
                    collection.id,
                    seq,
                    self._environment,
                    one.label_id,
                    one.contribution_id,
                    one.version,
                    added,
                    one.object_id in contested,
                    None,
                )
                for seq, added, one in placed
            ],
        )
        counted = Counter(one.label_id for _, _, one in placed)
        store.count_labels(connection, self._environment, collection.id, counted.items())
        last, added, _ = placed[-1]
        store.move_head(connection, collection.id, seq=last, added=added)

    @staticmethod
    def _records(
        at: Micros,
        acting: Acting,
        collection: Collection,
        placed: Sequence[tuple[int, int, _Contributed]],
        new: Sequence[tuple[int, Label]],
        *,
        because: str,
    ) -> list[Record]:
        owners = list(dict.fromkeys(one.owner for _, _, one in placed))
        return [
            Record(
                kind="offering",
                at=at,
                acting=acting,
                concerns=(owner,),
                data={
                    "collection": collection.uuid,
                    "because": because,
                    "owner": owner,
                    "rest": len(owners) - place,
                    "labels": [[label_id, as_json(label)] for label_id, label in new if label.owner == owner],
                    "offers": _told((seq, added, one) for seq, added, one in placed if one.owner == owner),
                },
            )
            for place, owner in enumerate(owners, 1)
        ]


def _told(placed: Iterable[tuple[int, int, _Contributed]]) -> list[dict[str, Any]]:
    return [
        {"seq": seq, "added": added, "object": one.object_id, "version": one.version, "label": one.label_id}
        for seq, added, one in placed
    ]
