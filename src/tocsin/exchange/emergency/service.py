"""What happens by itself while an annex is active, and when it is over.

Everything here follows from what the store says: each step is one transaction, does nothing twice, and goes on where
the last one ended, whoever made that: several servers, a command, or a process that was killed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.annexes.acts import AnnexActs
from tocsin.agreements.annexes.model import annex_id, annex_terms, is_spent
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.store import policy_epoch
from tocsin.errors import NotFoundError
from tocsin.exchange.again import Again
from tocsin.exchange.emergency import store
from tocsin.exchange.emergency.model import MADE_FOR, destroyed, due_at, reason_for, run_name
from tocsin.exchange.emergency.widening import Situation, widened
from tocsin.exchange.model import Audience
from tocsin.exchange.recall import store as recall_store
from tocsin.exchange.recall.model import MAX_OBJECTS, Authority, Demand, Order, OurCopy
from tocsin.exchange.store import offered_in
from tocsin.kernel.mandate import Acting
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.annexes.model import Run
    from tocsin.agreements.facts import Facts
    from tocsin.agreements.gatekeeper import Gate
    from tocsin.agreements.model import Label
    from tocsin.exchange.again import OfferingAgain
    from tocsin.exchange.emergency.store import CalledBack, Unsettled
    from tocsin.exchange.recall.service import Recalls
    from tocsin.exchange.releases import Integrator
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log
    from tocsin.parties.model import User

__all__ = ["CRISIS_SECONDS", "Emergencies", "Turned"]

# How often a server looks whether anything is to be done: what ends at an instant ends then, whoever looks.
CRISIS_SECONDS: Final = 1.0
# What is offered anew in one transaction: others who write wait for some tenths of a second.
CHUNK: Final = 1_000
# Steps of one turn: who waits for the end of a turn does not wait for the offers of a million objects.
STEPS: Final = 10


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: objects offered anew, objects called back, ends of annexes that were settled."""

    offered: int = 0
    recalled: int = 0
    settled: int = 0
    more: bool = False  # there may be more to do

    def __add__(self, other: Turned) -> Turned:
        return Turned(
            offered=self.offered + other.offered,
            recalled=self.recalled + other.recalled,
            settled=self.settled + other.settled,
            more=other.more,
        )


@dataclass(kw_only=True)
class _Course:
    """How far this process has come with one run; what is forgotten is found again in the store."""

    basis: tuple[int, int]  # the epoch of policy, and how many labels there were
    asking: Iterator[frozenset[int]]
    labels: list[int] = field(default_factory=list)  # that the annex is known to widen
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # by collection and label
    heads: dict[tuple[int, int], int] = field(default_factory=dict)  # offers counted when it was done with them


class _Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be offered next, and where that leaves the course."""

    contributions: tuple[int, ...] = ()
    places: dict[tuple[int, int], int] = {}
    heads: dict[tuple[int, int], int] = {}


class Emergencies:
    """What annexes of one environment make happen."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        gate: Gate,
        offering: OfferingAgain,
        recalls: Recalls,
        integrator: Integrator,
        environment: int,
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._offering = offering
        self._recalls = recalls
        self._integrator = integrator
        self._environment = environment
        self._labels: dict[int, Label] = {}
        self._courses: dict[str, _Course] = {}
        self._known: tuple[int, list[Unsettled]] | None = None
        self._told: dict[str, tuple[int, int]] = {}  # runs whose members were made known, at which epoch

    # --- what is to be done ------------------------------------------------------------------------------------------

    def turn(self, steps: int = STEPS) -> Turned:
        """Do some of what is to be done: for who calls it again and again; returns what was done."""
        total = Turned()
        for _ in range(steps):
            done = self._step()
            total += done
            if not done.more:
                break
        return total

    def sweep(self) -> Turned:
        """Do all that is to be done; returns what was."""
        total = self.turn()
        while total.more:
            total += self.turn()
        return total

    def called_back(self, agreement: str, run: Run) -> CalledBack:
        """Return what was called back so far after one time that an annex of an agreement was in force."""
        with self._store.read() as connection:
            return store.called_back(connection, self._environment, run_name(agreement, run))

    def _unsettled(self, connection: Connection) -> list[Unsettled]:
        epoch = policy_epoch(connection, self._environment)
        known = self._known
        if known is None or known[0] != epoch:
            # two threads may come here at once: both read the same
            known = self._known = (epoch, store.unsettled(connection, self._environment))
        return known[1]

    def _step(self) -> Turned:
        chunk, chosen = None, None
        with self._store.read() as connection:
            at = self._log.now(connection)
            waiting = self._unsettled(connection)
            over = next((one for one in waiting if not one.run.active(at) or _is_spent(one, at)), None)
            for one in waiting if over is None else ():
                if one.run.active(at) and _in_force(one, at) and (chunk := self._next(connection, one, at)) is not None:
                    chosen = one
                    break
        if over is not None:
            return self._settle(over)
        if chunk is not None and chosen is not None:
            return self._offer(chosen, chunk)
        return Turned()

    # --- while it is active ------------------------------------------------------------------------------------------

    def _next(self, connection: Connection, one: Unsettled, at: Micros) -> _Chunk | None:
        """Return what is to be offered next for a run; None: nothing is, and its members know of the collection."""
        name = run_name(one.row.name, one.run)
        counts = store.offered_counts(connection, self._environment)
        course = self._course(connection, one, counts, at)
        into = store.made_for(connection, self._environment, [MADE_FOR + name]).get(MADE_FOR + name)
        while True:
            chunk = self._chunk(connection, course, counts, into=into)
            while chunk is not None and not chunk.contributions:  # all of it is offered there: by another process
                chunk = self._chunk(connection, course, counts, into=into)
            if chunk is not None:
                return chunk
            try:
                found = next(course.asking, None)
            except BaseException:
                self._courses.pop(name, None)  # who was asked so far is asked again
                raise
            if found is None:
                break
            course.labels += sorted(found)
        if into is None or self._told.get(name) != course.basis:
            return _Chunk()
        return None

    def _course(self, connection: Connection, one: Unsettled, counts: dict[int, dict[int, int]], at: Micros) -> _Course:
        name = run_name(one.row.name, one.run)
        present = sorted({label_id for by_label in counts.values() for label_id in by_label})
        basis = (policy_epoch(connection, self._environment), len(present))
        course = self._courses.get(name)
        if course is not None and course.basis == basis:
            return course
        unknown = [label_id for label_id in present if label_id not in self._labels]
        if unknown:
            self._labels.update(self._gate.labels(connection, unknown))
        situation = self._situation(connection, one, self._gate.facts(connection, at), present)
        places = {} if course is None else course.places
        course = self._courses[name] = _Course(basis=basis, asking=widened(situation), places=places)
        return course

    def _situation(self, connection: Connection, one: Unsettled, facts: Facts, present: Sequence[int]) -> Situation:
        users: dict[str, list[User]] = {}
        for row in parties.user_rows(connection, self._environment):
            users.setdefault(row.user.party, []).append(row.user)
        return Situation(
            document=one.row.document,
            annex=one.run.annex,
            annex_id=annex_id(one.row.document, one.run.annex),
            facts=facts,
            users=users,
            labels={label_id: self._labels[label_id] for label_id in present},
        )

    def _chunk(
        self, connection: Connection, course: _Course, counts: dict[int, dict[int, int]], *, into: int | None
    ) -> _Chunk | None:
        """Return what the labels known so far give, at most ``CHUNK``; None: nothing that is not offered.

        ``into`` is the number of the collection that it is to be offered in; None: there is none yet.
        """
        places: dict[tuple[int, int], int] = {}
        heads: dict[tuple[int, int], int] = {}
        found: list[int] = []
        for key in ((collection_id, label_id) for collection_id in counts for label_id in course.labels):
            count = counts[key[0]].get(key[1], 0)
            if not count or course.heads.get(key) == count:
                continue
            room = CHUNK - len(found)
            if not room:
                break
            rows = store.offers_after(connection, *key, after=course.places.get(key, 0), limit=room)
            found += [contribution for _, contribution in rows]
            if rows:
                places[key] = rows[-1][0]
            if len(rows) < room:
                heads[key] = count
        left = set(found)
        if into is not None and found:
            left -= offered_in(connection, self._store.adapter, into, found)
        if left:
            return _Chunk(contributions=tuple(sorted(left)), places=places, heads=heads)
        course.places |= places
        course.heads |= heads
        return _Chunk() if len(found) == CHUNK else None

    def _offer(self, one: Unsettled, chunk: _Chunk) -> Turned:
        name = run_name(one.row.name, one.run)
        with self._store.write() as connection:
            at = self._log.now(connection)
            now = self._same(connection, one)
            if now is None or not now.run.active(at):
                return Turned(more=True)  # it is over meanwhile, or prolonged: the next step sees it as it is
            itself = self._itself(connection)
            collection = self._offering.collection(
                connection,
                itself,
                MADE_FOR + name,
                alias=one.run.annex,
                title=f"{one.row.document.title[:100]}: {one.run.annex}",
                description="What an emergency annex lets its members read while it is active",
                audience=Audience.GIVEN,
            )
            members = self._gate.facts(connection, at).members.get(one.row.document.id, frozenset())
            store.make_all_known(connection, self._environment, collection.id, members, at)
            offers = [Again(contribution_id=number) for number in chunk.contributions]
            made = self._offering.offer_again(connection, itself, collection, offers, because=MADE_FOR + name)
            epoch = policy_epoch(connection, self._environment)
        course = self._courses.get(name)
        if course is not None and course.basis[0] == epoch:
            course.places |= chunk.places
            course.heads |= chunk.heads
            self._told[name] = course.basis
        return Turned(offered=len(made), more=True)

    def _same(self, connection: Connection, one: Unsettled) -> Unsettled | None:
        """Return a run as it stands now; None when it was settled."""
        numbers = {each.number for each in one.run.activations}
        return next(
            (
                each
                for each in store.unsettled(connection, self._environment)
                if each.row.agreement_id == one.row.agreement_id
                and not numbers.isdisjoint(each.number for each in each.run.activations)
            ),
            None,
        )

    # --- when it is over ---------------------------------------------------------------------------------------------

    def _settle(self, one: Unsettled) -> Turned:
        """Order back what is to be destroyed, some thousand objects at a time; note when all is ordered.

        What outlived its version is ended first: it opens nothing since, and so what follows does not wait.
        """
        with self._store.write() as connection:
            at = self._log.now(connection)
            now = self._same(connection, one)
            if now is None or (now.run.active(at) and not _is_spent(now, at)):
                return Turned(more=True)
            itself = self._itself(connection)
            if now.run.active(at):
                acts = AnnexActs(connection=connection, acting=itself, log=self._log)
                acts.cease(
                    now.row.name, now.row.version, now.run.annex, f"{now.row.document.id} opens nothing any more"
                )
                return Turned(more=True)
            self._integrator.enter(connection)
            terms = annex_terms(now.row.document, now.run.annex)
            basis = run_name(now.row.name, now.run)
            chosen = self._to_recall(connection, now, basis)
            if chosen:
                order = Order(
                    contributions=chosen,
                    demand=Demand.DESTROY,
                    due=due_at(terms, now.run, at),
                    reason=reason_for(now.run),
                    authority=Authority.AGREEMENT,
                    basis=basis,
                    ours=OurCopy.KEEP,
                    since=now.run.starts,
                    until=now.run.last,
                    under=annex_id(now.row.document, now.run.annex),
                )
                self._recalls.order_recall(connection, itself, order)
                return Turned(recalled=len(chosen), more=True)
            acts = AnnexActs(connection=connection, acting=itself, log=self._log)
            acts.settle(now.row.name, now.row.version, now.run.annex, "what follows its end was carried out")
        return Turned(settled=1, more=True)

    def _to_recall(self, connection: Connection, one: Unsettled, basis: str) -> tuple[int, ...]:
        """Return contributions that are to be called back and were not yet, at most as many as one recall takes."""
        terms = annex_terms(one.row.document, one.run.annex)
        under = annex_id(one.row.document, one.run.annex)
        found = store.let_out(connection, self._store.adapter, self._environment, one.row, one.run)
        done = store.recalled(connection, self._environment, basis)
        wanted = sorted(key for key, type_ in found.items() if key not in done and destroyed(terms, one.run, type_))
        for start in range(0, len(wanted), MAX_OBJECTS):
            part = wanted[start : start + MAX_OBJECTS]
            left = list(recall_store.received(connection, self._store.adapter, part))
            otherwise = {(one_.contribution_id, one_.party) for one_ in left if not one_.under}
            meant = {
                one_.contribution_id
                for one_ in left
                if under in one_.under
                and one.run.starts <= one_.at < one.run.last
                and (one_.contribution_id, one_.party) not in otherwise
            }
            if meant:
                return tuple(sorted(meant))
        return ()

    def _itself(self, connection: Connection) -> Acting:
        uri = parties.read_hub(connection, self._environment)
        row = None if uri is None else parties.party_by_uri(connection, self._environment, uri)
        if row is None:
            raise NotFoundError("nobody runs this hub")
        return Acting(actor=row.party.name)


def _is_spent(one: Unsettled, at: Micros) -> bool:
    return is_spent(one.row.status, one.row.document, at)


def _in_force(one: Unsettled, at: Micros) -> bool:
    return one.row.status is AgreementStatus.IN_FORCE and one.row.document.in_term(at)
