"""Totals of the map: of what a reader may see, and of what it may not as far as the agreements allow.

What is told of what a reader may not see is a release of the kind ``total``, one for each collection, clause, sector
and measure: its entry names what was counted, to each owner its own. Asked again within ``STANDS`` the same is told
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document.object_types import TOTALLED_TYPES
from tocsin.agreements.gatekeeper import Pass
from tocsin.agreements.model import Label
from tocsin.agreements.reveal import Revealed, totalled
from tocsin.errors import BusyError
from tocsin.exchange import store as exchange_store
from tocsin.exchange.model import Collection
from tocsin.exchange.releases import TOTAL, TOTAL_AGAIN, WITHDRAWN, Leaving, stage_if_still
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.ids import new_uuid
from tocsin.map.totals.model import Answer, Earlier, Standing, Version, countable, items_of, knowledge_of, tellable
from tocsin.map.totals.store import answers_to, by_release, counted_in, last_told, object_ids
from tocsin.map.totals.told import TotalsTold, composed
from tocsin.parties import store as parties
from tocsin.parties.model import PURPOSES, UserStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.gatekeeper import Gate
    from tocsin.exchange.reading import Asker
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log
    from tocsin.map.service import Maps

__all__ = ["MOST_COUNTED", "STANDS", "Totals"]

# So long an answer stands: what changed since is told by the next, and nobody watches a map change day by day.
STANDS: Final[Micros] = 30 * DAY
# Versions that one answer looks at: of more nothing is told, and how many they are is not for the reader.
MOST_COUNTED: Final = 50_000
# An answer is thrown away when policy moved, or the party was told other totals, between its snapshot and its release.
_TRIES: Final = 5
_SUPERVISOR: Final = "supervisor"


class _Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One question in one snapshot."""

    passed: Pass
    labels: dict[int, Label]
    clauses: dict[int, Revealed]  # by label
    opened: frozenset[int]
    collections: tuple[Collection, ...]
    scope: str
    now: Micros
    last: int  # the newest release of a total to this party


class _MovedError(Exception):
    """What was decided does not hold any more. Never leaves the module."""


class Totals:
    """Tells totals of the map of one environment."""

    def __init__(self, *, store: Store, log: Log, gate: Gate, maps: Maps, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._maps = maps
        self._entropy = entropy
        self._environment = environment

    def told(self, asker: Asker, collection: str | None = None, *, most: int | None = None) -> TotalsTold:
        """Return the totals of the map, of one collection or of all that the reader knows of.

        ``most``: as ``Maps.seen``.

        Raises:
            NotFoundError: there is no such collection. LimitError: the reader's map is larger than one answer holds.
            BusyError: agreements kept changing.
        """
        seen = self._maps.seen(asker, collection, most=most)
        for _ in range(_TRIES):
            try:
                answer = self._answer(asker, collection)
            except _MovedError:
                continue
            return composed(seen, answer)
        raise BusyError("agreements keep changing", todo="ask again")

    def _answer(self, asker: Asker, collection: str | None) -> Answer | None:
        """Return what is told of the unseen, its releases staged; None: nothing.

        Raises:
            _MovedError: it does not hold any more.
        """
        if asker.client is not None:
            return None  # a clause names its reader, and not whom that serves
        with self._store.read() as connection:
            sight = self._sight(connection, asker, collection)
            if sight is None:
                return None
            before = list(answers_to(connection, self._store.adapter, self._environment, asker.party))
            answer, kind = next((one for one in reversed(before) if _stands(one, sight)), None), TOTAL_AGAIN
            if answer is None:
                answer, kind = self._anew(connection, asker, sight, before), TOTAL
            if answer is None:
                return None
            ids = object_ids(connection, self._store.adapter, answer)
            withdrawn = {
                one.id: exchange_store.offers_of_label(connection, one.id, WITHDRAWN) for one in sight.collections
            }
        with self._store.write() as connection:
            self._require_still(connection, asker, sight, answer)
            for collection_id, asked, items in by_release(answer):
                leaving = Leaving(
                    environment=self._environment,
                    uuid=new_uuid(self._entropy),
                    kind=kind,
                    acting=asker.acting,
                    purpose=asker.purpose,
                    collection_id=collection_id,
                    filter=msgspec.to_builtins(asked),
                    owned=tuple(sorted((one.offer[1], ids[one.offer], one.owner) for one in items)),
                    withdrawn=withdrawn[collection_id],
                    until=min((ends for one in items if (ends := sight.labels[one.label_id].ends)), default=None),
                )
                if stage_if_still(connection, leaving, gate=self._gate, log=self._log, passed=sight.passed) is None:
                    raise _MovedError
        return answer

    def _sight(self, connection: Connection, asker: Asker, reference: str | None) -> _Sight | None:
        """Return how the asker stands to what there is; None: no clause lets it be told anything."""
        passed = self._gate.admit(connection, asker.party, asker.user, asker.purpose, capacity=asker.capacity)
        if not passed.profile.active:
            return None
        known = tuple(exchange_store.known_collections(connection, self._environment, asker.party))
        labels = self._labels(connection, known)
        now = self._log.now(connection)
        facts = self._gate.facts(connection, now)
        found = totalled(passed.profile, [*labels.values()], facts, grants=passed.grants)
        clauses = {key: one for key, one in zip(labels, found, strict=True) if one is not None}
        if not clauses:
            return None
        return _Sight(
            passed=passed,
            labels=labels,
            clauses=clauses,
            opened=self._gate.opened(passed, labels, now),
            collections=known,
            scope=next((one.uuid for one in known if reference in (one.alias, one.uuid)), ""),
            now=now,
            last=last_told(connection, self._environment, asker.party),
        )

    def _labels(self, connection: Connection, collections: Iterable[Collection]) -> dict[int, Label]:
        offered = {key for one in collections for key in exchange_store.read_label_counts(connection, one.id)}
        labels = self._gate.labels(connection, sorted(offered - {WITHDRAWN}))
        return {key: labels[key] for key in sorted(labels) if labels[key].type in TOTALLED_TYPES}

    def _require_still(self, connection: Connection, asker: Asker, sight: _Sight, answer: Answer) -> None:
        """Raise ``_MovedError`` where a clause, or what the party was told, is not what it was in the snapshot."""
        if last_told(connection, self._environment, asker.party) != sight.last:
            raise _MovedError
        labels = sorted({one.label_id for one in answer.told.items} & sight.clauses.keys())
        facts = self._gate.facts(connection, self._log.now(connection))
        mine = [sight.labels[key] for key in labels]
        found = totalled(sight.passed.profile, mine, facts, grants=sight.passed.grants)
        if found != [sight.clauses[key] for key in labels]:
            raise _MovedError

    def _anew(self, connection: Connection, asker: Asker, sight: _Sight, before: Sequence[Answer]) -> Answer | None:
        versions = self._versions(connection, asker, sight)
        known = knowledge_of(versions)
        items = countable(items_of(versions, known), before)
        at_least = max((sight.clauses[one.label_id].at_least for one in items), default=0)
        kept, shown = tellable(items, [one.told for one in before], known, at_least=at_least) if items else ([], {})
        if not shown:
            return None
        return Answer(
            id=new_uuid(self._entropy),
            at=sight.now,
            scope=sight.scope,
            at_least=at_least,
            told=Earlier(items=tuple(kept), shown=shown),
            clauses={one.offer: sight.clauses[one.label_id].id for one in kept},
            whole=True,
        )

    def _versions(self, connection: Connection, asker: Asker, sight: _Sight) -> list[Version]:
        """Return each version of each word on offer, and how it stands to the asker's party; none if they are many."""
        open_to = sight.opened | self._open_to_party(connection, asker, sight)
        found: list[Version] = []
        looked_at = 0
        for collection in sight.collections:
            counts = not collection.made_for and sight.scope in ("", collection.uuid)
            there = counted_in(
                connection,
                self._store.adapter,
                collection.id,
                sorted(sight.labels if counts else open_to),
                most=MOST_COUNTED + 1 - looked_at,
            )
            looked_at += len(there)
            if looked_at > MOST_COUNTED:
                return []
            for one in there:
                standing = Standing.COUNTED if one.label_id in sight.clauses else Standing.SHUT
                standing = Standing.OPEN if one.label_id in open_to else standing
                found.append(Version(word=one.word, offer=one.offer, label_id=one.label_id, standing=standing))
        return found

    def _open_to_party(self, connection: Connection, asker: Asker, sight: _Sight) -> frozenset[int]:
        """Return the labels that anybody of a party may read, for whatever purpose: what one knows all may know."""
        row = parties.party_by_uri(connection, self._environment, asker.party)
        if row is None:
            return frozenset()
        users = [
            one.user.name
            for one in parties.user_rows(connection, self._environment, row.party_id)
            if one.user.status is UserStatus.ACTIVE
        ]
        capacities = {None, *row.party.capacities} & {None, _SUPERVISOR}
        found: frozenset[int] = frozenset()
        for user in (None, *users):
            for purpose in PURPOSES:
                for capacity in capacities:
                    passed = self._gate.admit(connection, asker.party, user, purpose, capacity=capacity)
                    shut = {key: label for key, label in sight.labels.items() if key not in found}
                    found |= self._gate.opened(passed, shut, sight.now)
        return found


def _stands(one: Answer, sight: _Sight) -> bool:
    """Return whether an answer is told again: it is not old, and all that it counted may still be counted."""
    if one.scope != sight.scope or not one.whole or not one.at <= sight.now < one.at + STANDS:
        return False
    return all(
        item.label_id in sight.opened
        or (item.label_id in sight.clauses and sight.clauses[item.label_id].id == one.clauses[item.offer])
        for item in one.told.items
    )
