"""Who is told that an annex is active: the members of its agreement, and whoever runs the hub; nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.annexes.model import runs_of
from tocsin.agreements.store import policy_epoch
from tocsin.exchange.emergency.model import MADE_FOR, Crisis, parse_run
from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.gatekeeper import Gate, Pass
    from tocsin.exchange.model import Collection
    from tocsin.kernel.clock import Clock, Micros
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["HEADER", "LOOK_SECONDS", "Alarm", "shown"]

# What members are told beside their answers is as old as this at most.
LOOK_SECONDS: Final = 1.0
HEADER: Final = "tocsin-crisis"


class Alarm:
    """The annexes that are active, by who may know. ``look`` brings up to date what is told beside other answers."""

    def __init__(self, *, store: Store, log: Log, gate: Gate, clock: Clock, environment: int) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._clock = clock
        self._environment = environment
        self._seen: int | None = None  # the epoch of policy at the last look
        self._all: tuple[Crisis, ...] = ()
        self._members: Mapping[str, frozenset[str]] = {}  # by agreement and version
        self._turns: Micros | None = None  # when time alone may change either

    def crises(self, connection: Connection, party: str | None) -> list[Crisis]:
        """Return the annexes that are active now, of agreements that a party (its URI) is a member of; None: all."""
        at = self._log.now(connection)
        facts = self._gate.facts(connection, at)
        return [
            Crisis(
                agreement=one.document.name,
                version=one.document.version,
                annex=run.annex,
                since=run.starts,
                until=run.last,
                ratify_by=None if run.answered else run.last,
            )
            for one in facts.in_force
            if party is None or party in facts.members[one.id]
            for run in runs_of(one.annexes)
            if run.active(at)
        ]

    def look(self) -> None:
        """Note what is active, and whom it concerns."""
        with self._store.read() as connection:
            epoch = policy_epoch(connection, self._environment)
            at = self._log.now(connection)
            # time alone ends them, and who is a member; whatever else changes counts as a change of policy
            if epoch == self._seen and (self._turns is None or at < self._turns):
                return
            self._all = tuple(self.crises(connection, None))
            self._members, self._turns = {}, None
            if self._all:
                facts = self._gate.facts(connection, at)
                instants = [one.clearance_until for one in facts.parties.values()]
                instants += [one for agreement in facts.in_force for one in agreement.instants()]
                self._members = facts.members
                self._turns = min((one for one in instants if one is not None and at < one), default=None)
            self._seen = epoch

    def of(self, party: str | None) -> tuple[Crisis, ...]:
        """Return what a party (its URI) is told, as of the last look, without asking the store; None: all there is."""
        if not self._all:
            return ()
        now = self._clock.now()
        return tuple(
            one
            for one in self._all
            if now < one.until and (party is None or party in self._members.get(f"{one.agreement}/{one.version}", ()))
        )

    def headers(self, party: str) -> tuple[tuple[str, str], ...]:
        """Return the header that stands beside what a party is answered, if any."""
        told = ", ".join(f'{one.id}; until="{format_instant(one.until)}"' for one in self.of(party))
        return ((HEADER, told),) if told else ()


def shown(passed: Pass, collections: Sequence[Collection]) -> list[Collection]:
    """Return collections as a reader is shown them: of those made for an annex, whether it is active for them."""
    found = []
    for one in collections:
        if one.made_for.startswith(MADE_FOR):
            name, version, annex, _ = parse_run(one.made_for.removeprefix(MADE_FOR))
            active = f"{name}/{version}#{annex}" in passed.slice.ground.annexes.values()
            state = "The annex is ACTIVE" if active else "The annex is not active"
            found.append(msgspec.structs.replace(one, description=f"{one.description}. {state}."))
        else:
            found.append(one)
    return found
