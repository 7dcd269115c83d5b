"""Releases, told from the log: when each was made, and by what; and every one decided again."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements import replay as agreements
from tocsin.agreements.annexes.opened import annexes_of
from tocsin.agreements.gate import can_act, decide, profile_of, profile_until, slice_for
from tocsin.agreements.model import Effect, Reason
from tocsin.agreements.reveal import totalled
from tocsin.exchange.recall.store import readers_of
from tocsin.exchange.releases import TOTAL, TOTAL_AGAIN, encode_offers, under_annexes
from tocsin.exchange.replay.forms import Release, broken, instant_of, shaped
from tocsin.exchange.replay.rebuilt import Judged
from tocsin.exchange.retention.keeping import Left
from tocsin.kernel.clock import DAY, SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.model import Label, Verdict
    from tocsin.exchange.replay.state import State
    from tocsin.exchange.retention.keeping import Keeping
    from tocsin.log.model import EntryPayload

__all__ = ["MAX_STANDSTILL", "MAX_WAIT", "Releases"]

# A release is entered by the next group commit, a second after it was decided; a long import can hold that up. What a
# hub did later than this after a decision, it did with the release in its log, or the decision is made up.
MAX_WAIT: Final[Micros] = 300 * SECOND
# A hub that was killed within that second enters what it staged when it is started, before it does anything else: after
# a long standstill, at the latest a year later.
MAX_STANDSTILL: Final[Micros] = 366 * DAY

_TOTALS: Final = frozenset({TOTAL, TOTAL_AGAIN})
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Releases:
    """The releases so far, and the rules that the next one is held to; ``witness`` is told of each that is judged."""

    def __init__(self, state: State, keeping: Keeping, witness: Callable[[Judged], None] | None) -> None:
        self._state = state
        self._keeping = keeping
        self._witness = witness
        # digests stand for what has some kB: of each release, by UUID, all but what differs by owner
        self._answers: dict[str, bytes] = {}
        self._answered: set[bytes] = set()  # UUID and owner

    def enter(self, index: int, payload: EntryPayload, at: Micros) -> None:
        """Count a release, and check when it was made; it was judged when the entries that decided it had been told."""
        release = shaped(index, payload.data, Release)
        decided = instant_of(index, release.decided_at)
        # hub time never runs back: what came after the decision is not older than it
        if decided > self._state.instants[release.as_of]:
            raise broken(index, f"it was decided later than entry {release.as_of} was made, and not by it")
        acted, acted_at = self._state.acted
        if acted >= release.as_of and acted_at > decided + MAX_WAIT:
            raise broken(index, f"it was not entered when it was decided: entry {acted} came long before it")
        if at > decided + MAX_STANDSTILL:
            raise broken(index, "it was entered long after it was decided")
        # of the ids that were asked for, each owner's entry tells its own objects' only
        asked = release.filter | {"ids": release.filter.get("ids") is not None}
        same = msgspec.structs.replace(release, owner="", offers=[], under=[], filter=asked)
        answer = _digest((same, payload.actor, payload.on_behalf_of))
        if self._answers.setdefault(release.release, answer) != answer:
            raise broken(index, "it is another answer than the one that this id names already")
        part = _digest((release.release, release.owner))
        if part in self._answered:
            raise broken(index, "its part for this owner is entered already")
        self._answered.add(part)
        self._keeping.left(
            Left(
                readers=readers_of(release.profile),
                at=decided,
                kind=release.kind,
                collection=release.collection,
                offers=encode_offers(list(accumulate(release.offers))),
                owner=release.owner,
                under={annex: encode_offers(list(accumulate(steps))) for annex, steps in release.under},
            )
        )
        self._state.rebuilt.releases += 1

    def judge(self, index: int, release: Release) -> None:
        """Decide a release again, with what is known now: the entries before ``as_of``."""
        rebuilt, at = self._state.rebuilt, instant_of(index, release.decided_at)
        if at < self._state.at:
            raise broken(index, "it was decided before the entries that it was decided by")
        party = rebuilt.people.parties.get(release.profile.party)
        user = rebuilt.people.users.get((release.profile.party, release.profile.user or ""))
        if party is None or (release.profile.user is not None and user is None):
            raise broken(index, "it went to a reader who is not there")
        client = None
        if release.profile.client is not None:
            client = rebuilt.people.parties.get(release.profile.client.party)
            if client is None or client.uri not in party.clients:
                raise broken(index, "it was read for a client whom its reader did not serve")
        acts_as = release.profile.acts_as
        expected = profile_of(party, user, release.profile.purpose, at, client=client)
        if (
            not can_act(party.capacities, acts_as)
            or msgspec.structs.replace(expected, acts_as=acts_as) != release.profile
        ):
            raise broken(index, "its reader had other attributes at that instant")
        facts = agreements.facts_of(rebuilt.agreed, rebuilt.people, at)
        until = profile_until(party, user, at, client=client)
        slice_ = slice_for(release.profile, facts, until=until, grants=rebuilt.granted.of(party.uri))
        if slice_.digest.hex() != release.slice:
            raise broken(index, "it was decided under other policies than were in force")
        labels = self._labels_of(index, release)
        verdicts = decide(slice_, release.profile, [label.as_of(at) for label in labels.values()])
        total = release.kind in _TOTALS
        if total:
            verdicts = self._totalled(index, release, facts, [*labels.values()], verdicts)
        for label_id, verdict in zip(labels, verdicts, strict=True):
            if not verdict.allows:
                raise broken(index, f"what it released under label {label_id} was not allowed")
        rebuilt.verdicts += len(verdicts)
        decided = dict(zip(labels, verdicts, strict=True))
        # what a total counts nobody was let read, by an annex or by anything
        by = {} if total else slice_.ground.annexes
        annexes = {label_id: annexes_of(verdict, by) for label_id, verdict in decided.items()}
        self._check_under(index, release, annexes)
        self._show(index, release, facts, decided, annexes)

    def _totalled(
        self, index: int, release: Release, facts: Facts, labels: list[Label], verdicts: list[Verdict]
    ) -> list[Verdict]:
        """Return the verdicts on what was counted: what its reader may read, or the clause that is named lets count.

        What the sums were, and that they gave nobody away, is not told again: the log holds no figures.
        """
        grants = self._state.rebuilt.granted.of(release.profile.party)
        clauses = totalled(release.profile, labels, facts, grants=grants)
        at_least = release.filter.get("at_least")
        found: list[Verdict] = []
        for verdict, clause in zip(verdicts, clauses, strict=True):
            if clause is None:
                found.append(verdict)
                continue
            if clause.id != release.filter.get("clause") or release.profile.client is not None:
                raise broken(index, "it names another clause than the one that lets its reader be told what it counts")
            if not isinstance(at_least, int) or at_least < clause.at_least:
                raise broken(index, "it was told of fewer owners than its clause asks for")
            reason = Reason(
                agreement=clause.agreement,
                version=clause.version,
                clause=clause.clause,
                legal_basis=(),
                effect=Effect.ALLOW,
                policy_id=clause.id,
            )
            found.append(msgspec.structs.replace(verdict, effect=Effect.ALLOW, reasons=(reason,)))
        return found

    def _check_under(self, index: int, release: Release, annexes: dict[int, frozenset[str]]) -> None:
        """Check that a release names the annexes that alone let out what it holds, each with what that was."""
        offers = self._state.rebuilt.offers
        labels = ((one, offers[release.collection, one].label_id) for one in accumulate(release.offers))
        expected = [(one.annex, list(one.offers)) for one in under_annexes(labels, annexes)]
        if expected != [(annex, [*accumulate(steps)]) for annex, steps in release.under]:
            raise broken(index, "it names other annexes than those that alone let out what it released")

    def _show(
        self,
        index: int,
        release: Release,
        facts: Facts,
        verdicts: dict[int, Verdict],
        annexes: dict[int, frozenset[str]],
    ) -> None:
        if self._witness is None:
            return
        offers = self._state.rebuilt.offers
        self._witness(
            Judged(
                index=index,
                release=release.release,
                decided_at=release.decided_at,
                profile=release.profile,
                kind=release.kind,
                collection=release.collection,
                owner=release.owner,
                offers=tuple(offers[release.collection, one] for one in accumulate(release.offers)),
                labels={label_id: self._state.rebuilt.labels[label_id] for label_id in verdicts},
                verdicts=verdicts,
                annexes={label_id: one for label_id, one in annexes.items() if one},
                facts=facts,
            )
        )

    def _labels_of(self, index: int, release: Release) -> dict[int, Label]:
        """Return the labels of what was released, all of which was there for its owner's readers."""
        rebuilt = self._state.rebuilt
        if not release.offers:
            raise broken(index, "it releases nothing")
        labels: dict[int, Label] = {}
        sequence = 0
        for step in release.offers:
            sequence += step
            key = (release.collection, sequence)
            offer = rebuilt.offers.get(key)
            if offer is None or step < 1 or key in rebuilt.withdrawn:
                raise broken(index, f"offer {sequence} was not there to be released")
            if offer.owner != release.owner:
                raise broken(index, f"offer {sequence} is not of the owner whom the entry names")
            labels[offer.label_id] = rebuilt.labels[offer.label_id]
        return labels


def _digest(value: object) -> bytes:
    return hashlib.sha256(_ENCODER.encode(value)).digest()
