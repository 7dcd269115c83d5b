"""Whom an order reaches, and what of it was ordered before: nobody is told twice of what is asked of them once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tocsin.agreements.interning import read_labels
from tocsin.agreements.model import Tlp, user_address
from tocsin.errors import ConflictError
from tocsin.exchange.recall import store
from tocsin.exchange.recall.model import Order, OurCopy, Recall, asks_as_much
from tocsin.kernel.clock import Micros, format_instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.recall.store import NoticeRow, Owned
    from tocsin.kernel.db.adapter import Adapter

__all__ = ["Before", "recipients_of"]


def recipients_of(
    connection: Connection, adapter: Adapter, order: Order, owned: Sequence[Owned]
) -> dict[tuple[str, str], dict[int, Micros]]:
    """Return who received which of some contributions of one owner, and when last, by party and address.

    What is TLP:RED went to the individual who received it. ``owned`` is one contribution at least.
    """
    labels = read_labels(connection, adapter, sorted({one.label_id for one in owned}))
    red = {one.contribution_id for one in owned if labels[one.label_id].tlp is Tlp.RED}
    owner = owned[0].owner
    told: dict[tuple[str, str], dict[int, Micros]] = {}
    received = list(store.received(connection, adapter, [one.contribution_id for one in owned]))
    otherwise = {(one.contribution_id, one.party) for one in received if not one.under}
    for left in received:
        meant = (
            left.party != owner
            and (
                order.under is None
                or (order.under in left.under and (left.contribution_id, left.party) not in otherwise)
            )
            and (order.recipients is None or left.party in order.recipients)
            and (order.since is None or order.since <= left.at)
            and (order.until is None or left.at < order.until)
        )
        if meant:
            person = left.user if left.contribution_id in red else None
            address = left.party if person is None else user_address(person, left.party)
            theirs = told.setdefault((left.party, address), {})
            theirs[left.contribution_id] = max(left.at, theirs.get(left.contribution_id, left.at))
    return {who: told[who] for who in sorted(told)}


@dataclass(frozen=True, kw_only=True)
class Before:
    """The recalls before an order that ask as much of what it names, and the notices that they gave."""

    order: Order
    adapter: Adapter
    recalls: dict[int, tuple[Recall, frozenset[int]]]  # by number, the first first; each with what it called back
    notices: tuple[NoticeRow, ...]

    @classmethod
    def of(cls, connection: Connection, adapter: Adapter, environment: int, order: Order) -> Before:
        """Return what was before an order, by the caller's snapshot."""
        about = store.recalls_about(connection, adapter, environment, order.contributions)
        recalls = {number: one for number, one in about.items() if asks_as_much(one[0], order)}
        notices = store.notices_of(connection, environment, recalls)
        return cls(order=order, adapter=adapter, recalls=recalls, notices=tuple(notices))

    def untold(self, received: Mapping[tuple[str, str], Mapping[int, Micros]]) -> dict[tuple[str, str], set[int]]:
        """Return of what each received, and when last, that of which no notice told them since."""
        left = {who: set(theirs) for who, theirs in received.items()}
        for notice in self.notices:
            since = self.recalls[notice.recall_id][0].ordered_at
            for who in ((notice.party, address) for address in notice.addresses):
                theirs = received.get(who, {})
                left.get(who, set()).difference_update(
                    one for one in notice.contributions if theirs.get(one, since) < since
                )
        return {who: ids for who, ids in left.items() if ids}

    def left(
        self, connection: Connection, owned: Sequence[Owned], untold: Mapping[tuple[str, str], Collection[int]]
    ) -> list[Owned]:
        """Return what is new in the order: what somebody is to be told of, or the hub did not do with its own copy."""
        new = {one for ids in untold.values() for one in ids}
        done = {one for recall, ids in self.recalls.values() if recall.ours.covers(self.order.ours) for one in ids}
        if self.order.ours is not OurCopy.KEEP:  # what was shared again since is on offer again
            done -= store.on_offer(connection, self.adapter, [one.contribution_id for one in owned])
        return [one for one in owned if one.contribution_id in new or one.contribution_id not in done]

    def conflict(self) -> ConflictError:
        """Return what is said of an order that has nothing new: there is a recall, then."""
        recall, _ = self.recalls[max(self.recalls)]
        by = recall.actor if recall.on_behalf_of is None else f"{recall.actor} for {recall.on_behalf_of}"
        return ConflictError(
            f"it is called back already: ordered at {format_instant(recall.ordered_at)} by {by}, "
            f"to be done by {format_instant(recall.due)}; nobody else received it since",
            where=f"recall {recall.uuid}",
            todo="its report says who attested what; to ask for more, name another day or other recipients",
        )
