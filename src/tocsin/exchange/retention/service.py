"""Retention: what is due when, the sweep that does it, and the reviews that owners decide."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from sqlalchemy import select

from tocsin.agreements.document.terms import Then
from tocsin.agreements.interning import read_labels
from tocsin.agreements.store import agreement_rows, policy_epoch
from tocsin.agreements.tables import LABELS
from tocsin.errors import NotFoundError
from tocsin.exchange.retention import store
from tocsin.exchange.retention.model import REVIEW_TIME, Decision, Due, Ground, Purged, Review, Rule
from tocsin.exchange.retention.rules import binding, bound_by, due_at, rules_for
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.mandate import Acting
from tocsin.log.service import Record
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.model import Label
    from tocsin.exchange.retention.model import Item
    from tocsin.exchange.retention.purge import Purger
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.log.service import Log

K = TypeVar("K")
V = TypeVar("V")

__all__ = ["SHOWN", "SWEEP_SECONDS", "Plan", "Retention", "Swept", "planned"]

# Contributions of one transaction of the sweep: intake waits no longer than it lasts.
BATCH: Final = 200
# What `retention show` tells at most, the first due first.
SHOWN: Final = 100
# Days count here, not seconds: a sweep that finds nothing to do costs some look-ups.
SWEEP_SECONDS: Final = 60.0
# Tables in which purged content stood.
_STOOD_IN: Final = ("contributions", "submissions", "search_facts", "search_postings", "offers")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep did: how many contributions it purged, found under a legal hold, and laid before their owners."""

    purged: int = 0
    held: int = 0
    reviews: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            purged=self.purged + other.purged, held=self.held + other.held, reviews=self.reviews + other.reviews
        )


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every rule that binds anything, with the labels that it binds and the text that its place is kept under."""

    rule: Rule
    key: str
    labels: frozenset[int]


class Retention:
    """Keeps contributions for as long as the agreements say, and no longer."""

    def __init__(self, *, store: Store, log: Log, purger: Purger, environment: int) -> None:
        self._store = store
        self._log = log
        self._purger = purger
        self._environment = environment
        self._known: dict[int, Label] = {}
        self._plans: tuple[tuple[int, int], tuple[Plan, ...]] | None = None
        self._erased: Micros | None = None

    # --- what is due -------------------------------------------------------------------------------------------------

    def due(self, owner: str | None = None, *, limit: int = SHOWN) -> list[Due]:
        """Return what is to happen next to contributions of an owner (by URI) or of all, the first due first."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            standing = [one for one in store.holds(connection, self._environment) if one.stands(at)]
            labels = self._labels(connection)
            found: dict[tuple[int, Then], Due] = {}
            for plan in self._planned(connection):
                wanted = {one for one in plan.labels if owner is None or labels[one].owner == owner}
                if not wanted:
                    continue
                items = store.items_after(
                    connection,
                    self._store.adapter,
                    self._environment,
                    after=store.place_of(connection, self._environment, plan.key),
                    labels=wanted,
                    submitted_by=at if plan.rule.until is None else min(at, plan.rule.until - 1),
                    limit=limit,
                )
                for item in items:
                    due = Due(
                        item=item,
                        rule=plan.rule,
                        at=due_at(item.submitted, plan.rule),
                        held=any(hold.scope.covers(item) for hold in standing),
                    )
                    key = (item.contribution_id, plan.rule.then)
                    if key not in found or due.at < found[key].at:
                        found[key] = due
        return sorted(found.values(), key=lambda due: (due.at, due.item.contribution_id, due.rule.reference))[:limit]

    def reviews(self, owner: str | None = None) -> list[Review]:
        """Return the reviews that wait for their owner (by URI), or all, the first to be answered first."""
        with self._store.read() as connection:
            return store.open_reviews(connection, self._environment, owner)

    def decide(self, acting: Acting, owner: str, object_id: str, decision: Decision) -> int:
        """Decide the open reviews of an object of the owner's (by URI), all versions; returns how many there were.

        What is kept is reviewed again when the time of the same clause is over once more, from now on.

        Raises:
            NotFoundError: no review of such an object waits for this party.
        """
        with self._store.write() as connection:
            found = [
                one
                for one in store.open_reviews(connection, self._environment, owner)
                if one.item.object_id == object_id
            ]
            if not found:
                raise NotFoundError(
                    "no review of such an object waits for this party",
                    where=object_id[:256],
                    todo="`tocsin retention reviews` shows those that wait, and whose they are",
                )
            at = self._log.now(connection)
            if decision is Decision.PURGE:
                for reference, items in _by_reference(found).items():
                    self._purger.purge(
                        connection,
                        acting,
                        [item.contribution_id for item in items],
                        ground=Ground.REVIEW,
                        reference=reference,
                    )
                return len(found)
            lasts = {plan.rule.reference: plan.rule.lasts for plan in self._planned(connection)}
            for reference, items in _by_reference(found).items():
                # a clause that binds no more will not be asked again, and what it laid open is not kept for ever by it
                until = at + lasts.get(reference, REVIEW_TIME)
                store.close_reviews(
                    connection,
                    [item.contribution_id for item in items],
                    decision=decision,
                    at=at,
                    kept_until=until,
                    reference=reference,
                )
                self._enter(
                    connection,
                    acting,
                    "review.decided",
                    owner=owner,
                    data={"reference": reference, "objects": _named(items), "kept_until": format_instant(until)},
                    at=at,
                )
            return len(found)

    # --- the sweep ---------------------------------------------------------------------------------------------------

    def sweep(self, acting: Acting | None = None, progress: Callable[[int], None] = lambda _done: None) -> Swept:
        """Do everything that is due; returns what was done. Without ``acting`` it is the hub itself that acts."""
        total = Swept()
        while True:
            done, more = self._step(acting)
            total += done
            progress(done.purged + done.held + done.reviews)
            if not more:
                break
        self.erase()
        return total

    def turn(self) -> None:
        """Do what is due: for who calls it again and again."""
        self.sweep()

    def erase(self) -> bool:
        """Have the database overwrite what was purged since the last time; returns whether nothing is left to do.

        A reader with a snapshot from before may hold it up: then the next turn tries again.
        """
        with self._store.read() as connection:
            last = store.last_purge(connection, self._environment)
        if last is None or last == self._erased:
            return True
        if self._store.erase(_STOOD_IN):
            self._erased = last
            return True
        return False

    def _step(self, acting: Acting | None) -> tuple[Swept, bool]:
        """Do one batch of what is due; returns what was done, and whether there may be more."""
        with self._store.read() as connection:
            epoch = policy_epoch(connection, self._environment)
            at = self._log.now(connection)
            batch = self._next(connection, at)
            again = store.expired_keeps(connection, self._environment, at)[:BATCH]
            waiting = self._released(connection, at)[:BATCH]
        if batch is None and not again and not waiting:
            return Swept(), False
        with self._store.write() as connection:
            if policy_epoch(connection, self._environment) != epoch or self._log.now(connection) < at:
                return Swept(), True  # what was found rests on agreements that moved, or on a clock that was set back
            doer = acting or self._itself(connection)
            done = Swept()
            if batch is not None:
                done += self._do(connection, doer, *batch)
            for reference, ids in _grouped((reference, one) for one, reference in again).items():
                done += self._ask(connection, doer, ids, reference)
            for (ground, reference), ids in _grouped(((one[1], one[2]), one[0]) for one in waiting).items():
                done += _swept(self._purger.purge(connection, doer, ids, ground=Ground(ground), reference=reference))
        return done, True

    def _next(self, connection: Connection, at: Micros) -> tuple[Plan, list[Item], int] | None:
        """Return the next batch of a rule that has any, and how far the rule is done with it."""
        for plan in self._planned(connection):
            after = store.place_of(connection, self._environment, plan.key)
            by = at - plan.rule.lasts
            by = by if plan.rule.until is None else min(by, plan.rule.until - 1)
            upto = store.last_submitted(connection, self._environment, by)
            if upto <= after:
                continue
            items = store.items_after(
                connection,
                self._store.adapter,
                self._environment,
                after=after,
                labels=plan.labels,
                submitted_by=by,
                limit=BATCH,
            )
            return plan, items, items[-1].contribution_id if len(items) == BATCH else upto
        return None

    def _do(self, connection: Connection, acting: Acting, plan: Plan, items: Sequence[Item], upto: int) -> Swept:
        ids = [item.contribution_id for item in items]
        if plan.rule.then is Then.PURGE:
            done = _swept(
                self._purger.purge(connection, acting, ids, ground=Ground.RETENTION, reference=plan.rule.reference)
            )
        else:
            done = self._ask(connection, acting, ids, plan.rule.reference)
        store.put_place(connection, self._environment, plan.key, upto)
        return done

    def _ask(self, connection: Connection, acting: Acting, contribution_ids: Sequence[int], reference: str) -> Swept:
        """Lay contributions before their owners, unless they are to be gone anyway, or were laid before them already.

        Another process may have come first, and a clause begins at the first contribution again when a party joins.
        """
        adapter, at = self._store.adapter, self._log.now(connection)
        done = store.closed(connection, adapter, contribution_ids)
        done |= store.asked(connection, adapter, contribution_ids, reference, after=at)
        items = [
            item for item in store.items_of(connection, adapter, contribution_ids) if item.contribution_id not in done
        ]
        store.add_reviews(
            connection,
            self._environment,
            [item.contribution_id for item in items],
            reference=reference,
            opened_at=at,
            answer_by=at + REVIEW_TIME,
        )
        for owner, own in _grouped((item.owner, item) for item in items).items():
            answer_by = format_instant(at + REVIEW_TIME)
            data: dict[str, object] = {"reference": reference, "objects": _named(own), "answer_by": answer_by}
            self._enter(connection, acting, "review.opened", owner=owner, data=data, at=at)
        return Swept(reviews=len(items))

    def _released(self, connection: Connection, at: Micros) -> list[tuple[int, str, str]]:
        """Return what waited for a legal hold that keeps it no more."""
        waiting = store.waiting(connection, self._environment)
        if not waiting:
            return []
        standing = [one for one in store.holds(connection, self._environment) if one.stands(at)]
        items = store.items_of(connection, self._store.adapter, [one for one, _, _ in waiting])
        free = {item.contribution_id for item in items if not any(hold.scope.covers(item) for hold in standing)}
        return [one for one in waiting if one[0] in free]

    def _itself(self, connection: Connection) -> Acting:
        uri = parties.read_hub(connection, self._environment)
        row = None if uri is None else parties.party_by_uri(connection, self._environment, uri)
        if row is None:
            raise NotFoundError("nobody runs this hub")
        return Acting(actor=row.party.name)

    def _enter(
        self, connection: Connection, acting: Acting, kind: str, *, owner: str, data: dict[str, object], at: Micros
    ) -> None:
        record = Record(kind=kind, at=at, acting=acting, concerns=(owner,), data={"owner": owner} | data)
        self._log.append(connection, [record])

    # --- rules -------------------------------------------------------------------------------------------------------

    def _planned(self, connection: Connection) -> tuple[Plan, ...]:
        """Return every rule that binds what carries some label, in a fixed order."""
        labels = self._labels(connection)
        key = (policy_epoch(connection, self._environment), max(labels, default=0))
        kept = self._plans
        if kept is not None and kept[0] == key:
            return kept[1]
        plans = _plan(_bound(connection, self._environment), labels)
        # two threads may come here at once: both make the same
        self._plans = (key, plans)
        return plans

    def _labels(self, connection: Connection) -> Mapping[int, Label]:
        query = select(LABELS.c.label_id).where(LABELS.c.environment == self._environment)
        ids = [int(one) for one in connection.execute(query).scalars()]
        if unknown := [one for one in ids if one not in self._known]:
            self._known.update(read_labels(connection, self._store.adapter, unknown))
        return {one: self._known[one] for one in ids}


def planned(connection: Connection, adapter: Adapter, environment: int) -> tuple[Plan, ...]:
    """Return every rule that binds what carries some label, in a fixed order, from what is stored."""
    query = select(LABELS.c.label_id).where(LABELS.c.environment == environment)
    ids = [int(one) for one in connection.execute(query).scalars()]
    return _plan(_bound(connection, environment), read_labels(connection, adapter, ids) if ids else {})


def _bound(connection: Connection, environment: int) -> tuple[Activated, ...]:
    return binding(row.standing for row in agreement_rows(connection, environment))


def _plan(bound: Sequence[Activated], labels: Mapping[int, Label]) -> tuple[Plan, ...]:
    found: dict[Rule, set[int]] = {}
    for label_id, label in labels.items():
        for rule in rules_for(label, bound):
            found.setdefault(rule, set()).add(label_id)
    joined = {one.id: bound_by(one) for one in bound}
    return tuple(
        Plan(rule=rule, key=_key(rule, joined[f"{rule.agreement}/{rule.version}"]), labels=frozenset(found[rule]))
        for rule in sorted(found, key=lambda rule: (rule.reference, rule.lasts, rule.until or 0))
    )


def _key(rule: Rule, joined: Collection[str]) -> str:
    """Return what a rule's place is kept under: another text when it binds older contributions than it did before."""
    told = msgspec.json.encode([rule.reference, rule.lasts, str(rule.then), rule.until, sorted(joined)])
    return hashlib.sha256(told).hexdigest()


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _by_reference(reviews: Iterable[Review]) -> dict[str, list[Item]]:
    return _grouped((one.reference, one.item) for one in reviews)


def _named(items: Iterable[Item]) -> list[list[object]]:
    return [[item.object_id, item.version] for item in items]


def _swept(purged: Purged) -> Swept:
    return Swept(purged=purged.purged, held=purged.held)
