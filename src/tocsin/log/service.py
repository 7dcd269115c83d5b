"""The one log: what has effect has an entry here, in the same transaction."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from tocsin.errors import LogBrokenError, NotFoundError, StoreBrokenError
from tocsin.kernel.clock import Clock, Micros, format_instant
from tocsin.kernel.db.store import ensure_environment
from tocsin.kernel.mandate import Acting, Mandate
from tocsin.log import store
from tocsin.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tocsin.log.commitment import SALT_BYTES, commit_entry, opens_entry
from tocsin.log.lineage import Lineage
from tocsin.log.merkle import Frontier, Node, inclusion_proof, leaf_hash, root_at
from tocsin.log.model import EntryPayload, encode_payload
from tocsin.log.store import Head, Row
from tocsin.log.tiles import hash_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy import Connection, RootTransaction

    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.note import NoteSigner

__all__ = ["Authority", "Log", "Record"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An act to be entered: what was done, by whom and for whom, by what right, and which parties it concerns."""

    kind: str
    at: Micros
    acting: Acting
    data: dict[str, object]
    mandate: Mandate | None = None
    concerns: tuple[str, ...] = ()


class Authority(Protocol):
    """Says whether an act may be entered, in the transaction that enters it."""

    def admit(self, connection: Connection, record: Record, index: int) -> None:
        """Refuse a record whose mandate does not authorise it; note the use of one that does.

        ``index`` is the entry that it becomes. What is noted belongs to the caller's transaction.

        Raises:
            ForbiddenError: it lacks a mandate, or has one that is not for it, is used, or has ended.
        """
        ...


class Log:
    """The log of one environment.

    ``append`` belongs into the transaction of what it records: both become durable, or neither. The new checkpoint is
    signed in the same transaction, so that the head, the entries and the store can never disagree after a crash.
    """

    def __init__(
        self,
        *,
        store: Store,
        environment: int,
        environment_name: str,
        signer: NoteSigner,
        clock: Clock,
        entropy: Entropy,
        authority: Authority,
    ) -> None:
        self.environment = environment
        self.environment_name = environment_name
        self._store = store
        self._signer = signer
        self._clock = clock
        self._entropy = entropy
        self._authority = authority
        # called before acts are entered, with their time: what was decided long before them is to go in first
        self.enter_overdue: Callable[[Connection, Micros], object] = lambda _connection, _at: None
        self._lineage = Lineage(store=store, environment=environment)
        self._key: Final = ("tocsin.log.read", environment)

    @property
    def origin(self) -> str:
        """The first line of every checkpoint, and the name of the key that signs it."""
        return self._signer.key.name

    @property
    def vkey(self) -> str:
        """The verifier key that outsiders check the log with."""
        return self._signer.key.encode()

    @property
    def signer(self) -> NoteSigner:
        """The hub's key, for what else it signs: exports."""
        return self._signer

    def found(self, connection: Connection) -> Micros:
        """Enter this environment, and begin its empty log; returns hub time."""
        at = self._read_clock(connection)
        ensure_environment(connection, self.environment, self.environment_name, at)
        store.write_head(connection, self.environment, self._sign(Frontier(), at), new=True)
        return at

    def now(self, connection: Connection) -> Micros:
        """Return hub time: the clock's, and never before what was logged last.

        In one transaction or snapshot it is one instant, however often it is asked and however long that takes
        (docs/adr/0097): an act has one time, by which it is decided, entered and stored.
        """
        at = store.read_at(connection, self.environment)
        if at is None:
            raise _no_log(self.environment_name)
        return max(self._read_clock(connection), at)

    def look(self, connection: Connection) -> store.Mark:
        """Return the head in a snapshot, which is of the history that this process knows, and remember it.

        A replica's snapshot is compared by whoever opens it, with ``require_same``.

        Raises:
            StoreBrokenError: the database lost what this process had read in it.
        """
        if connection.engine is self._store.adapter.engine:
            mark = self._lineage.see(connection)
        else:
            mark = store.read_mark(connection, self.environment)
        if mark is None:
            raise _no_log(self.environment_name)
        return mark

    def seen(self, connection: Connection) -> Micros:
        """Return hub time in a snapshot, and ``look`` at it."""
        return max(self._read_clock(connection), self.look(connection).at)

    def require_seen(self, connection: Connection) -> None:
        """Refuse to go on in a transaction, a writer's too, that lacks what this process had read.

        Raises:
            StoreBrokenError: the database lost it.
        """
        self._lineage.require(connection)

    def require_same(self, connection: Connection) -> store.Mark:
        """Return the head in a replica's snapshot, which is of the same history as what was looked at in the database.

        Raises:
            StoreBrokenError: it is not.
            LogBrokenError: there is no log in it.
        """
        mark, same = self._lineage.same(connection)
        if mark is None:
            raise _no_log(self.environment_name)
        if not same:
            raise StoreBrokenError("this is the replica of another database")
        return mark

    def head(self, connection: Connection) -> Head:
        """Return the newest checkpoint and frontier.

        Raises:
            LogBrokenError: there is no log here.
        """
        head = store.read_head(connection, self.environment)
        if head is None:
            raise _no_log(self.environment_name)
        return head

    def append(self, connection: Connection, records: Sequence[Record], *, decided: bool = False) -> range:
        """Enter acts in order and sign the new head; returns their indices. Whoever watches the store is woken.

        ``decided``: they were decided in earlier transactions, and are entered now; no others can be waiting.

        Raises:
            ForbiddenError: the mandate of one does not authorise it.
            LogBrokenError: one is older than hub time was already; the log would be one that no check accepts.
        """
        if records and not decided:
            self.enter_overdue(connection, records[0].at)
        head = self._own_head(connection)
        start = head.frontier.size
        _require_order(head, records)
        salts = self._entropy.bytes(SALT_BYTES * len(records))
        rows: list[Row] = []
        for place, record in enumerate(records):
            self._authority.admit(connection, record, start + place)
            salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
            payload = encode_payload(self._payload(record))
            entry = commit_entry(salt=salt, payload=payload)
            rows.append(
                Row(
                    index=start + place,
                    kind=record.kind,
                    at=record.at,
                    concerns=record.concerns,
                    entry=entry,
                    leaf=leaf_hash(entry),
                    salt=salt,
                    payload=payload,
                )
            )
        nodes: list[Node] = []
        frontier = head.frontier.grown((row.leaf for row in rows), nodes=nodes)
        store.add_entries(connection, self._store.adapter, self.environment, rows)
        store.add_nodes(connection, self._store.adapter, self.environment, nodes)
        at = records[-1].at if records else head.at
        store.write_head(connection, self.environment, self._sign(frontier, at))
        return range(start, frontier.size)

    def note_time(self, connection: Connection, at: Micros) -> None:
        """Let hub time never go behind an instant at which something was decided, although its entry comes later."""
        store.raise_at(connection, self.environment, at)

    def rows(
        self, connection: Connection, start: int = 0, stop: int | None = None, *, kinds: Collection[str] = ()
    ) -> Iterator[Row]:
        """Walk over the entries ``start`` to ``stop`` (exclusive): those of some kinds, or all."""
        return store.read_rows(connection, self.environment, start, stop, kinds=kinds)

    def since(self, connection: Connection, at: Micros) -> int:
        """Return the number of the first entry of this instant or later; of the next entry, where there is none."""
        return bisect_left(
            range(self.head(connection).frontier.size), at, key=lambda index: self.row(connection, index).at
        )

    def purged(self, connection: Connection) -> int:
        """Return how many entries have no payload any more."""
        return store.count_purged(connection, self.environment)

    def row(self, connection: Connection, index: int) -> Row:
        """Return one entry.

        Raises:
            NotFoundError: the log has no such entry.
        """
        for row in self.rows(connection, index, index + 1):
            return row
        raise NotFoundError(f"the log has no entry {index}", todo="`tocsin log head` says how many there are")

    def inclusion(self, connection: Connection, index: int) -> list[bytes]:
        """Return the audit path of an entry under the present head."""
        size = self.head(connection).frontier.size
        if not 0 <= index < size:
            raise NotFoundError(f"the log has no entry {index}", todo=f"its entries are 0 to {size - 1}")
        reader = hash_reader(lambda tile: store.read_tile(connection, self.environment, tile), size=size)
        return inclusion_proof(index=index, size=size, hash_at=reader)

    def root(self, connection: Connection, size: int) -> bytes:
        """Return the root that the log had with its first ``size`` entries.

        Raises:
            NotFoundError: it had never so many, or none.
        """
        now = self.head(connection).frontier.size
        if not 0 < size <= now:
            raise NotFoundError(f"the log had never {size} entries", todo=f"it has {now}")
        reader = hash_reader(lambda tile: store.read_tile(connection, self.environment, tile), size=now)
        return root_at(size=size, hash_at=reader)

    def check(self, connection: Connection) -> int:
        """Derive every invariant of the stored log anew; returns its size.

        Raises:
            LogBrokenError: an entry, a hash, the head or the signature is not what it must be; says which.
        """
        head = self.head(connection)
        frontier, last, nodes = Frontier(), 0, 0
        expected = 0
        for row in self.rows(connection):
            where = f"entry {row.index}"
            if row.index != expected:
                raise LogBrokenError(f"entry {expected} is missing", where=where)
            if leaf_hash(row.entry) != row.leaf:
                raise LogBrokenError("its hash is not that of its bytes", where=where)
            if (row.salt is None) != (row.payload is None):
                raise LogBrokenError("salt and payload are purged together or not at all", where=where)
            if (
                row.salt is not None
                and row.payload is not None
                and not opens_entry(row.entry, salt=row.salt, payload=row.payload)
            ):
                raise LogBrokenError("its payload is not the one that it commits to", where=where)
            if row.at < last:
                raise LogBrokenError("it is older than the entry before it", where=where)
            grown: list[Node] = []
            frontier = frontier.grown([row.leaf], nodes=grown)
            nodes += len(store.whole(grown))
            expected, last = expected + 1, row.at
        if frontier != head.frontier:
            raise LogBrokenError(f"the entries make another tree than its head says ({expected} entries)", where="head")
        if nodes != store.count_nodes(connection, self.environment):
            raise LogBrokenError("inner hashes are missing or too many", where="log_nodes")
        signed = open_checkpoint(head.checkpoint, key=self._signer.key)
        if (signed.size, signed.root) != (frontier.size, frontier.root()):
            raise LogBrokenError("the signed checkpoint is not that of the entries", where="checkpoint")
        return expected

    def _own_head(self, connection: Connection) -> Head:
        """Return the head if it is one that this hub signed: never sign on top of what somebody else wrote.

        Raises:
            LogBrokenError: the stored tree is not that of the stored checkpoint, or the signature is not ours.
        """
        head = self.head(connection)
        signed = open_checkpoint(head.checkpoint, key=self._signer.key)
        if (signed.size, signed.root) != (head.frontier.size, head.frontier.root()):
            raise LogBrokenError(
                "the stored tree is not the one that was signed: somebody changed the database",
                where="log_heads",
                todo="run `tocsin check`, and compare with an export or another member's checkpoint",
            )
        return head

    def _read_clock(self, connection: Connection) -> Micros:
        """Return what the clock said when a transaction first asked; the clock's own, outside of any."""
        begun = connection.get_transaction()
        if begun is None:
            return self._clock.now()
        # `info` is the pooled connection's and outlives the transaction: what another one left there is not ours
        held: tuple[RootTransaction, Micros] | None = connection.info.get(self._key)
        if held is None or held[0] is not begun:
            held = connection.info[self._key] = (begun, self._clock.now())
        return held[1]

    def _payload(self, record: Record) -> EntryPayload:
        return EntryPayload(
            kind=record.kind,
            at=format_instant(record.at),
            environment=self.environment_name,
            actor=record.acting.actor,
            on_behalf_of=record.acting.on_behalf_of,
            mandate=str(record.mandate) if record.mandate else None,
            data=record.data,
        )

    def _sign(self, frontier: Frontier, at: Micros) -> Head:
        checkpoint = Checkpoint(origin=self.origin, size=frontier.size, root=frontier.root())
        return Head(origin=self.origin, frontier=frontier, checkpoint=sign_checkpoint(checkpoint, self._signer), at=at)


def _require_order(head: Head, records: Sequence[Record]) -> None:
    """Refuse acts that are not in the order of their instants, or before hub time: nothing of them may be done.

    A clock that went back is not the reason, since hub time never does: somebody took the time of another transaction.
    """
    last = head.at
    for place, record in enumerate(records):
        if record.at < last:
            raise LogBrokenError(
                f"an act of {format_instant(record.at)} cannot follow one of {format_instant(last)}",
                where=f"entry {head.frontier.size + place}, {record.kind}",
                todo="nothing of it was done; this is a fault of ours, please report it",
            )
        last = record.at


def _no_log(environment: str) -> LogBrokenError:
    return LogBrokenError("there is no log", where=environment, todo="run `tocsin init`")
