"""Publishing: what is ready leaves at the beginning of a slot, mixed, with what enough other producers publish.

What a slot takes is settled by its beginning: what becomes ready within it waits for the next. So neither the instant
at which a version leaves nor whether it does tells when its original was shared. What was taken back since is looked
for before anything leaves, and followed when it had left.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec
from sqlalchemy import func, select

from tocsin.agreements.document import Attribution
from tocsin.agreements.facts import Facts
from tocsin.agreements.interning import read_labels
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import NotFoundError
from tocsin.exchange import store as exchange
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Outcome
from tocsin.exchange.recall.model import Authority, Order
from tocsin.exchange.releases import WITHDRAWN
from tocsin.exchange.sanitise import store, wire
from tocsin.exchange.sanitise.model import Ending, State
from tocsin.exchange.sanitise.originals import Fate, Original, originals
from tocsin.exchange.sanitise.records import Acts
from tocsin.exchange.sanitise.rights import Publishing, label_of, obstacle, publishing, still
from tocsin.exchange.sanitise.tables import PSEUDONYMS, SANITISED
from tocsin.exchange.stix import ParsedObject, RefusedObject, parse_object
from tocsin.exchange.tables import LABEL_COUNTS
from tocsin.kernel.clock import DAY, Micros, parse_instant
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.parties import store as parties
from tocsin.scrub.sanitise import slot_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from tocsin.agreements.gatekeeper import Gate
    from tocsin.exchange.intake import Intake
    from tocsin.exchange.recall.service import Recalls
    from tocsin.exchange.sanitise.store import Kept
    from tocsin.exchange.withdraw import Withdrawals
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

__all__ = ["CALLED_BACK", "MOST", "PUBLISH_SECONDS", "Slots"]

# Who is told that it was called back is not told by whom: the reason is the same for all.
CALLED_BACK: Final = "what it was made of was called back"
_ENDINGS: Final = {
    Fate.OFFERED: Ending.INVALID,
    Fate.WITHDRAWN: Ending.WITHDRAWN,
    Fate.RECALLED: Ending.RECALLED,
    Fate.EXPIRED: Ending.PURGED,
}

# How often a serving hub looks whether a slot has begun; a slot is an hour, mostly.
PUBLISH_SECONDS: Final = 5.0
# Of one group in one slot: a submission that readers get in a few pages. What is left waits for the next, each
# producer's in turn, so that nobody who publishes much keeps others waiting.
MOST: Final = 2_000

_T = TypeVar("_T")

Group: TypeAlias = tuple[int, str, Tlp]
"""What readers can tell apart by itself: the collection, and towards whom it is published: agreement and TLP."""


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A version that may leave: its row, the bytes that would, its label, and the clause that lets it."""

    kept: store.Kept
    body: bytes
    label: Label
    publishing: Publishing


class _Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction that publishes."""

    connection: Any  # SQLAlchemy's own, which msgspec does not know
    acts: Acts
    acting: Acting
    facts: Facts
    publisher: str
    slot: Micros
    at: Micros


class Slots:
    """Publishes what is ready. ``length``: of a slot, in microseconds; ``least``: how many producers share one."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        gate: Gate,
        intake: Intake,
        withdrawals: Withdrawals,
        recalls: Recalls,
        entropy: Entropy,
        environment: int,
        length: Micros,
        least: int,
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._intake = intake
        self._withdrawals = withdrawals
        self._recalls = recalls
        self._entropy = entropy
        self._environment = environment
        self.length = length
        self.least = least
        self._done: Micros | None = None  # the slot that was published, or found empty
        self._withdrawn: int | None = None  # how many offers were withdrawn when originals were last followed

    def turn(self) -> int:
        """Follow what was taken back, and publish what the present slot takes; returns how many versions left.

        May be taken at any time, by any process, as often as one likes: a slot is published once.
        """
        self.follow()
        with self._store.read() as connection:
            slot = slot_of(self._log.now(connection), self.length)
            if slot == self._done or not self._waiting(connection, slot):
                self._done = slot
                return 0
        with self._store.write() as connection:
            slot = slot_of(self._log.now(connection), self.length)
            count = self._publish(connection, slot)
        self._done = slot
        return count

    # --- what is taken back ------------------------------------------------------------------------------------------

    def follow(self) -> int:
        """End every version whose original is offered no more; what had left is withdrawn. Returns how many there were.

        Each is withdrawn before it is noted, so that what is broken off is done again, and nothing is noted undone.
        """
        with self._store.read() as connection:
            withdrawn = self._withdrawals_so_far(connection)
            if withdrawn == self._withdrawn:
                return 0
            lost = self._lost(connection)
            publisher = parties.read_hub(connection, self._environment)
            acting = self._acting(connection, publisher) if lost and publisher else None
        if acting is not None and publisher is not None:
            for row, original in lost:
                if original.fate is Fate.WITHDRAWN:
                    self._take_back(acting, publisher, row)
            with self._store.write() as connection:
                self._end(connection, acting, publisher, {row.key for row, _ in lost})
        self._withdrawn = withdrawn
        return len(lost)

    def _end(self, connection: Connection, acting: Acting, publisher: str, keys: Collection[int]) -> None:
        """Note the end of these versions, where nobody else noted it meanwhile."""
        ended: dict[Ending, list[Kept]] = {}
        for row, original in self._lost(connection):
            if row.key in keys:
                if original.fate is Fate.RECALLED:
                    self._call_back(connection, acting, publisher, row, original)
                ended.setdefault(_ENDINGS[original.fate], []).append(row)
        for ending, rows in ended.items():
            Acts(connection, self._log, acting).end(rows, ending)

    def _withdrawals_so_far(self, connection: Connection) -> int:
        query = select(func.sum(LABEL_COUNTS.c.offers)).where(
            LABEL_COUNTS.c.environment == self._environment, LABEL_COUNTS.c.label_id == WITHDRAWN
        )
        return int(connection.execute(query).scalar() or 0)

    def _lost(self, connection: Connection) -> list[tuple[Kept, Original]]:
        """Return the versions that have to end since their originals are offered no more, and why that is.

        What was published stays when its original's time is over: it has a time of its own.
        """
        rows = store.version_rows(
            connection,
            self._environment,
            SANITISED.c.state.in_([State.PENDING, State.APPROVED, State.PUBLISHED]),
        )
        fates = originals(connection, self._store.adapter, self._environment, rows)
        kept = {Fate.OFFERED, Fate.EXPIRED}
        return [
            (row, fates[row.key])
            for row in rows
            if fates[row.key].fate not in (kept if row.standing.state is State.PUBLISHED else {Fate.OFFERED})
        ]

    def _take_back(self, acting: Acting, publisher: str, row: Kept) -> None:
        if row.standing.state is not State.PUBLISHED or row.published_as is None:
            return
        try:
            self._withdrawals.withdraw(
                acting, publisher, row.version.collection, row.version.chain.sanitised_id, [row.published_as]
            )
        except NotFoundError:
            return  # it is withdrawn already

    def _call_back(self, connection: Connection, acting: Acting, publisher: str, row: Kept, original: Original) -> None:
        """Call a published version back as its original was: from those who received it."""
        if row.standing.state is not State.PUBLISHED or row.published_as is None:
            return
        owner = parties.party_by_uri(connection, self._environment, publisher)
        name = row.version.chain.sanitised_id
        own = exchange.own_contributions(
            connection, self._store.adapter, self._environment, owner.party_id if owner else 0, [name]
        )
        left = own.get(name, {}).get(row.published_as)
        if left is None or original.demand is None or original.due is None or original.ours is None:
            return
        at = self._log.now(connection)
        self._recalls.order_recall(
            connection,
            acting,
            Order(
                contributions=(left.contribution_id,),
                demand=original.demand,
                due=max(original.due, at + DAY),
                reason=CALLED_BACK,
                authority=Authority.OWNER,
                ours=original.ours,
            ),
        )

    # --- what leaves -------------------------------------------------------------------------------------------------

    def _waiting(self, connection: Connection, slot: Micros) -> bool:
        return bool(store.version_rows(connection, self._environment, *_ready_by(slot), limit=1))

    def _publish(self, connection: Connection, slot: Micros) -> int:
        publisher = parties.read_hub(connection, self._environment)
        rows = store.version_rows(connection, self._environment, *_ready_by(slot))
        if publisher is None or not rows:
            return 0
        acting = self._acting(connection, publisher)
        at = self._log.now(connection)
        turn = _Turn(
            connection=connection,
            acts=Acts(connection, self._log, acting),
            acting=acting,
            facts=self._gate.facts(connection, at),
            publisher=publisher,
            slot=slot,
            at=at,
        )
        groups: dict[Group, list[_Ready]] = {}
        for one in self._ready(turn, rows):
            version = one.kept.version
            groups.setdefault((one.kept.collection_id, version.chain.agreement, version.tlp), []).append(one)
        count = 0
        # groups leave in an order of chance, too: their names are in nobody's order then
        for key in self._shuffled(sorted(groups)):
            leaving = self._enough(groups[key])
            if leaving:
                count += self._leave(turn, self._shuffled(leaving))
        return count

    def _ready(self, turn: _Turn, rows: Sequence[Kept]) -> list[_Ready]:
        """Return what may leave now, and end what may not any more; what only waits for its clause goes on waiting."""
        fates = originals(turn.connection, self._store.adapter, self._environment, rows)
        offered = {key: one.label_id for key, one in fates.items() if one.fate is Fate.OFFERED}
        labels = read_labels(turn.connection, self._store.adapter, sorted(set(offered.values())))
        clauses = {
            party: publishing(turn.facts, party, turn.publisher) for party in {row.version.chain.party for row in rows}
        }
        found: list[_Ready] = []
        over: dict[Ending, list[Kept]] = {}
        for row in rows:
            if row.key not in offered or row.draft is None:
                over.setdefault(_ENDINGS[fates[row.key].fate], []).append(row)
                continue
            label = labels[offered[row.key]]
            clause = still(clauses[row.version.chain.party], row.version, label)
            # `bound` was looked at when it was made, and its original has not changed since
            if clause is None or obstacle(label, clause.terms, turn.facts, turn.publisher, bound=False) is not None:
                continue
            body = wire.rendered(wire.decode_draft(row.draft), slot=turn.slot, born=row.born)
            checked = parse_object(body)
            if isinstance(checked, RefusedObject) or self._left_before(turn, row, checked):
                over.setdefault(Ending.INVALID, []).append(row)
                continue
            new = label_of(label, clause.terms, turn.publisher)
            found.append(_Ready(kept=row, body=body, label=new, publishing=clause))
        for ending, ended in over.items():
            turn.acts.end(ended, ending)
        return found

    def _left_before(self, turn: _Turn, row: Kept, checked: ParsedObject) -> bool:
        """Return whether a version of the same bytes left: an observable says nothing of when it was written.

        Readers would get nothing new, and the slot would be told to have one producer more than they can see.
        """
        if row.born is None or checked.version is not None:
            return False
        owner = parties.party_by_uri(turn.connection, self._environment, turn.publisher)
        own = exchange.own_contributions(
            turn.connection, self._store.adapter, self._environment, owner.party_id if owner else 0, [checked.id]
        )
        digest = hashlib.sha256(checked.body).digest()
        return any(one.digest == digest for one in own.get(checked.id, {}).values())

    def _enough(self, ready: Sequence[_Ready]) -> list[_Ready]:
        """Return what of a group leaves: all where enough producers share the slot, else what may leave alone."""
        by_party: dict[str, list[_Ready]] = {}
        for one in ready:
            by_party.setdefault(one.kept.version.chain.party, []).append(one)
        if len(by_party) < self.least:
            by_party = {
                party: alone
                for party, found in by_party.items()
                if (alone := [one for one in found if one.kept.standing.alone])
            }
        turns = max(map(len, by_party.values()), default=0)
        in_turn = [found[place] for place in range(turns) for found in by_party.values() if place < len(found)]
        return in_turn[:MOST]

    def _leave(self, turn: _Turn, leaving: Sequence[_Ready]) -> int:
        """Share a group as the publisher's own, in the order given; returns how many versions left."""
        first = leaving[0]
        definitions = dict.fromkeys(
            definition for one in leaving if (definition := wire.terms_definition(one.label)) is not None
        )
        bodies = [*definitions, *self._identities(turn, leaving), *(one.body for one in leaving)]
        receipt = self._intake.submit_in(
            turn.connection,
            Submission(
                party=turn.publisher,
                acting=turn.acting,
                data=wire.bundle(bodies, bundle_id=new_uuid(self._entropy)),
                collection=first.kept.version.collection,
                to=_audience(first.kept.version.tlp, first.publishing, turn),
            ),
        )
        results = receipt.results[len(bodies) - len(leaving) :]
        left: list[Kept] = []
        versions: dict[str, Micros] = {}
        refused: list[Kept] = []
        for one, result in zip(leaving, results, strict=True):
            if result.outcome is Outcome.REFUSED or result.version is None:
                refused.append(one.kept)
            else:
                left.append(one.kept)
                versions[one.kept.version.uuid] = parse_instant(result.version)
        if refused:
            turn.acts.end(refused, Ending.INVALID)
        if left:
            store.bear(turn.connection, {row.chain_id for row in left}, turn.slot)
            turn.acts.published(
                left,
                slot=turn.slot,
                decided_at=turn.at,
                least=self.least,
                submission=str(receipt.id),
                versions=versions,
            )
        return len(left)

    def _identities(self, turn: _Turn, leaving: Sequence[_Ready]) -> list[bytes]:
        """Return the identities that stand for the producers who are to be known again."""
        wanted = {
            (one.kept.owner_id, one.kept.version.chain.agreement, one.kept.version.tlp)
            for one in leaving
            if one.kept.version.attribution is Attribution.PSEUDONYMOUS
        }
        if not wanted:
            return []
        owners = {owner_id for owner_id, _, _ in wanted}
        rows = store.pseudonym_rows(turn.connection, self._environment, PSEUDONYMS.c.owner_id.in_(sorted(owners)))
        bodies: list[bytes] = []
        for row in rows:
            if (row.owner_id, row.agreement, row.tlp) in wanted:
                born = turn.slot if row.born is None else row.born
                store.bear_pseudonym(turn.connection, row.pseudonym_id, turn.slot)
                bodies.append(wire.identity(row.identity, row.agreement, slot=born, tlp=row.tlp))
        return self._shuffled(bodies)

    def _acting(self, connection: Connection, publisher: str) -> Acting:
        row = parties.party_by_uri(connection, self._environment, publisher)
        if row is None:
            raise NotFoundError("the party that runs this hub is not there", where=publisher)
        return Acting(actor=row.party.name)

    def _shuffled(self, items: Iterable[_T]) -> list[_T]:
        """Return items in an order of which each is as likely as any other."""
        mixed = list(items)
        for last in range(len(mixed) - 1, 0, -1):
            place = self._below(last + 1)
            mixed[last], mixed[place] = mixed[place], mixed[last]
        return mixed

    def _below(self, bound: int) -> int:
        """Draw a number below a bound, each as likely: what lies beyond the last whole multiple is drawn again."""
        limit = (1 << 32) // bound * bound
        while (number := int.from_bytes(self._entropy.bytes(4), "big")) >= limit:
            pass
        return number % bound


def _ready_by(slot: Micros) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on what a slot takes: what was ready when it began."""
    return SANITISED.c.state == State.APPROVED, SANITISED.c.ready_at <= slot


def _audience(tlp: Tlp, publishing_: Publishing, turn: _Turn) -> tuple[str, ...]:
    """Return to whom a group is addressed: what is no wider than AMBER to the members of its agreement, by URI.

    The publisher may be a member of other agreements, whose members would read it as the publisher's own.
    """
    if tlp in {Tlp.CLEAR, Tlp.GREEN}:
        return ()
    return tuple(sorted(turn.facts.members[publishing_.agreement.id] - {turn.publisher}))
