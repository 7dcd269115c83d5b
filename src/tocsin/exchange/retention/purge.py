"""The one function that destroys content: whoever orders it, on whatever ground, it is done here.

What goes: the object's bytes, the salt that opens its commitment, the digest by which a guess at it could be tested,
its places in the index, what its receipt quotes of it. What stays: the entry that offered it, with its id, version and
label; the entries of its releases; and the entry that tells of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy import select, update

from tocsin.exchange.closing import close_offers
from tocsin.exchange.model import Receipt
from tocsin.exchange.retention import store
from tocsin.exchange.retention.model import Decision, Ground, Hold, Item, Purged
from tocsin.exchange.tables import CONTRIBUTIONS, SUBMISSIONS
from tocsin.kernel.clock import format_instant
from tocsin.kernel.db.store import chunks
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

__all__ = ["PURGED", "Purger"]

# Objects that one entry names: some hundred bytes for each.
ENTRY: int = 5_000
# A purged contribution's digest: of no bytes is this the SHA-256.
PURGED: bytes = b""


Erase: TypeAlias = "Callable[[Connection, Acting, Sequence[int]], None]"


class Purger:
    """Purges contributions of one environment."""

    def __init__(self, *, store: Store, log: Log, environment: int, erase: Erase = lambda *_: None) -> None:
        """Take what it works on; ``erase`` destroys, in the same transaction, what else was made of what goes."""
        self._erase = erase
        self._adapter = store.adapter
        self._log = log
        self._environment = environment

    def purge(
        self,
        connection: Connection,
        acting: Acting,
        contribution_ids: Collection[int],
        *,
        ground: Ground,
        reference: str,
    ) -> Purged:
        """Destroy contributions in the caller's transaction, except for what a legal hold keeps.

        Either way they are withdrawn everywhere, for ever. What is kept goes by itself when no hold keeps it any more.
        What is purged already is passed over. ``reference`` names the clause or the recall that orders it.
        """
        at = self._log.now(connection)
        standing = [one for one in store.holds(connection, self._environment) if one.stands(at)]
        waits = {one for one, _, _ in store.waiting(connection, self._environment)}
        by_owner: dict[str, list[Item]] = {}
        for part in chunks(sorted(contribution_ids)):
            for item in store.items_of(connection, self._adapter, _numbers(part)):
                by_owner.setdefault(item.owner, []).append(item)
        total = Purged()
        for owner, items in sorted(by_owner.items()):
            for start in range(0, len(items), ENTRY):
                total += self._step(
                    connection,
                    acting,
                    owner,
                    items[start : start + ENTRY],
                    standing=standing,
                    waits=waits,
                    ground=ground,
                    reference=reference,
                )
        return total

    def _step(
        self,
        connection: Connection,
        acting: Acting,
        owner: str,
        items: Sequence[Item],
        *,
        standing: Sequence[Hold],
        waits: Collection[int],
        ground: Ground,
        reference: str,
    ) -> Purged:
        kept: list[Item] = []
        gone: list[Item] = []
        for item in items:
            if not any(hold.scope.covers(item) for hold in standing):
                gone.append(item)
            elif item.contribution_id not in waits:
                # what waits already was told of, and withdrawn, when it began to wait
                kept.append(item)
        if not kept and not gone:
            return Purged()
        numbers = sorted(item.contribution_id for item in (*kept, *gone))
        erased = [item.contribution_id for item in gone]
        self._quiet_receipts(connection, gone)
        if erased:
            self._erase(connection, acting, erased)
        # not before the entries that this just made
        at = self._log.now(connection)
        closed = close_offers(connection, self._adapter, self._environment, numbers, at)
        for part in chunks(erased):
            connection.execute(
                update(CONTRIBUTIONS)
                .where(CONTRIBUTIONS.c.contribution_id.in_(part))
                .values(salt=None, bytes=None, digest=PURGED)
            )
        for some, purged in ((erased, True), ([item.contribution_id for item in kept], False)):
            store.note_purges(
                connection,
                self._environment,
                some,
                ground=str(ground),
                reference=reference,
                at=at,
                purged=purged,
            )
        store.close_reviews(connection, numbers, decision=Decision.PURGE, at=at, kept_until=None)
        data: dict[str, object] = {
            "owner": owner,
            "ground": str(ground),
            "reference": reference,
            "objects": _named(gone),
            "held": _named(kept),
            "withdrawn": closed,
        }
        self._log.append(connection, [Record(kind="purge", at=at, acting=acting, concerns=(owner,), data=data)])
        return Purged(purged=len(gone), held=len(kept))

    def _quiet_receipts(self, connection: Connection, items: Iterable[Item]) -> None:
        """Take out of receipts what their notes may quote of these objects."""
        gone = {(item.object_id, format_instant(item.version)) for item in items}
        for part in chunks([item.contribution_id for item in items]):
            rows = connection.execute(
                select(SUBMISSIONS.c.submission_id, SUBMISSIONS.c.result).where(
                    SUBMISSIONS.c.submission_id.in_(
                        select(CONTRIBUTIONS.c.submission_id).where(CONTRIBUTIONS.c.contribution_id.in_(part))
                    )
                )
            ).all()
            for row in rows:
                receipt = msgspec.json.decode(row.result, type=Receipt)
                results = tuple(
                    msgspec.structs.replace(one, notes=()) if (one.id, one.version) in gone and one.notes else one
                    for one in receipt.results
                )
                if results != receipt.results:
                    quiet = msgspec.json.encode(msgspec.structs.replace(receipt, results=results))
                    connection.execute(
                        update(SUBMISSIONS).where(SUBMISSIONS.c.submission_id == row.submission_id).values(result=quiet)
                    )


def _named(items: Iterable[Item]) -> list[list[object]]:
    return [[item.object_id, item.version] for item in items]


def _numbers(part: Sequence[Any]) -> list[int]:
    return [int(one) for one in part]
