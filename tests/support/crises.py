"""Crises for tests: a partnership with an annex, and an oracle that says what it opens, in plain words and loops."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from support.cli import bundle, indicator, tool
from support.council import DEPUTIES, constitute, council, decide, signatory
from support.hub import OPERATOR, START, World, key_of
from tocsin.agreements.annexes.model import Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import sign_bytes
from tocsin.errors import ConflictError, ForbiddenError, NotFoundError, TransitionError
from tocsin.exchange.model import Query
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Kind, Role

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.agreements.annexes.model import Activation
    from tocsin.exchange.reading import Answer

__all__ = ["ANNEX_TYPES", "GRID", "MEMBERS", "Case", "act", "by_duty", "campaign", "found_grid", "read"]

HOUR: Final = 3_600 * 1_000_000
MEMBERS: Final = ("alfa", "bravo", "coast")
GRID: Final = """
agreement: grid
version: 1
title: The grid
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}, {name: coast}]
purposes: [detect, respond]
clauses:
  - {id: "1", permit: read, to: {parties: all}, of: {type: [campaign]}}
  - {id: "2", permit: read, to: {role: analyst}, of: {type: [tool]}, for: respond}
  - id: "9"
    emergency: blackout
    permit: read
    to: {capacity: operator}
    of: {tlp: {at_most: amber}, type: [indicator, tool, campaign]}
    for: respond
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT6H}
    afterwards: {new_releases: stop, keep: [indicator], destroy: {types: [tool], within: P30D}}
"""
# What only the annex opens to at least one member: campaigns are open to every one of them anyway.
ANNEX_TYPES: Final = frozenset({"indicator", "tool"})


def campaign(number: int) -> dict[str, object]:
    """Return a campaign."""
    made = tool(number)
    return made | {"type": "campaign", "id": str(made["id"]).replace("tool--", "campaign--")}


def found_grid(home: Path) -> World:
    """Return a hub with three members, of which alfa is public, everybody on duty, and an outsider."""
    world = World(home)
    for name in (*MEMBERS, "outsider"):
        world.party(name, kind=Kind.PUBLIC if name == "alfa" else Kind.PRIVATE)
    for name in ("bravo", "coast"):
        world.user(f"ana@{name}")
        world.user(f"lia@{name}", roles=frozenset({Role.LIAISON}))
    world.agreement(GRID, signed_by=MEMBERS)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for name in MEMBERS:
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=START, until=START + 31 * DAY)
    return world


def act(world: World, verb: str) -> None:
    """Do something with the annex under the founding mandate, or a motion's where that is what it takes.

    What ratifies is a motion; once there is a council for it, it activates too.
    """
    world.clock.advance(1)
    if verb == "ratify" and not _has_council(world):
        for reference in DEPUTIES:
            signatory(world, reference)
        constitute(world, council([Right.ANNEX_ACTIVATE], name="crisis-council"))
    mandate = world.hub.mandate
    if verb in ("activate", "ratify") and _has_council(world):
        motion = decide(world, Right.ANNEX_ACTIVATE, "grid/1#blackout", body="crisis-council")
        mandate = world.hub.governance.granted(motion.uuid)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(mandate, "grid", 1, "blackout", "because")


def _has_council(world: World) -> bool:
    return bool(world.hub.governance.bodies())


def by_duty(world: World) -> None:
    """Let one of each side call for the annex."""
    document = world.hub.agreements.get("grid", 1).document
    for name in ("alfa", "bravo"):
        world.clock.advance(1)
        with world.hub.store.read() as connection:
            said = world.hub.log.now(connection)
        uri = f"https://{name}.example"
        who = {"hub": "https://hub.example", "party": uri, "user": "sig"}
        data = call_bytes(document, annex="blackout", asked=Asked.ACTIVATE, said_at=said, reason="dark", **who)
        made = sign_bytes(data, key_of(name))
        with world.hub.agreements.emergency(Acting(actor=f"sig@{name}")) as acts:
            acts.call(
                *("grid", 1, "blackout"),
                caller=f"sig@{name}",
                asked=Asked.ACTIVATE,
                said_at=said,
                made=made,
                reason="dark",
            )


def read(world: World, reader: str, collection: str = "blackout", *, purpose: str = "respond") -> Answer:
    """Ask for the first page of a collection."""
    return world.hub.reading.objects(world.asker(reader, purpose=purpose), collection, Query())


class Case:
    """A hub, and what the oracle knows of it. Times are hub time: it never goes back behind what was logged."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shared: dict[str, tuple[str, str]] = {}  # object: owner, type
        self.runs: list[dict[str, int | bool]] = []  # starts, last, ratified or moved
        self.receipts: Counter[tuple[str, str, bool, int]] = Counter()  # party, object, only the annex, at
        self._number = 0

    # --- what happens ------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Return hub time."""
        with self.world.hub.store.read() as connection:
            return self.world.hub.log.now(connection)

    @property
    def active(self) -> bool:
        """Return whether the annex is, by the oracle."""
        return bool(self.runs) and self.now < self.runs[-1]["last"]

    def wait(self, time: int) -> None:
        """Let time pass; what left is in the log within a second, as where a hub is served."""
        self.world.hub.integrator.integrate()
        self.world.clock.advance(time)

    def share(self, owner: str, kind: str) -> None:
        """Share one object."""
        self._number += 1
        made = {"indicator": indicator, "tool": tool, "campaign": campaign}[kind](self._number)
        self.world.share(owner, bundle(made))
        self.shared[str(made["id"])] = (owner, kind)

    def act(self, verb: str) -> None:
        """Do something under a mandate; what cannot be done is refused, and the oracle knows."""
        active, at = self.active, self.now
        with contextlib.suppress(TransitionError, ConflictError, ForbiddenError):
            act(self.world, verb)
        at = max(at, self.now)
        if verb == "activate" and _has_council(self.world):
            if not active:
                self.runs.append({"starts": at, "last": 0, "answered": True, "duty": False})
            self.runs[-1].update(last=max(int(self.runs[-1]["last"]), at + 72 * HOUR), answered=True)
        # the founding mandate does so once, and renews nothing that people on duty opened
        elif verb == "activate" and not self.runs:
            self.runs.append({"starts": at, "last": at + 6 * HOUR, "answered": False, "duty": False})
        elif verb == "end" and active:
            self.runs[-1]["last"] = at
        elif verb == "ratify" and active and not self.runs[-1]["answered"]:
            self.runs[-1].update(last=int(self.runs[-1]["starts"]) + 72 * HOUR, answered=True)

    def by_duty(self) -> None:
        """Let duty-holders activate it."""
        before = len(self._activations())
        with contextlib.suppress(ConflictError, ForbiddenError):
            by_duty(self.world)
        made = self._activations()[before:]
        for one in made:
            assert not self.active
            assert all(one["answered"] for one in self.runs if one["duty"]), "renewed without a motion"
            self.runs.append({"starts": one.starts, "last": one.starts + 6 * HOUR, "answered": False, "duty": True})

    def turn(self) -> None:
        """Let the hub do what is to be done, and look at the collection that it made."""
        self.world.hub.emergencies.sweep()
        if self.active:
            expected = {key for key, (_, kind) in self.shared.items() if kind in ANNEX_TYPES}
            assert self._offered() == expected

    # --- what is read ------------------------------------------------------------------------------------------------

    def read(self, reader: str, purpose: str) -> None:
        """Read the exchange, and compare."""
        self._compare(reader, purpose, read(self.world, reader, "exchange", purpose=purpose), set(self.shared))

    def read_collection(self, reader: str, purpose: str) -> None:
        """Read the collection of the annex's last time, where there is one and the reader knows of it."""
        name = self._collection()
        if name is None:
            return
        offered = self._offered()
        try:
            answer = read(self.world, reader, name, purpose=purpose)
        except NotFoundError:
            assert reader == "outsider"
            return
        assert reader != "outsider"
        self._compare(reader, purpose, answer, offered)

    def _compare(self, reader: str, purpose: str, answer: Answer, offered: set[str]) -> None:
        party = reader.rpartition("@")[2]
        opened = {
            key: self._how(reader, party, purpose, *self.shared[key])
            for key in offered
            if self._how(reader, party, purpose, *self.shared[key]) is not None
        }
        assert {item.object_id for item in answer.page.items} == set(opened)
        for key, only in opened.items():
            self.receipts[party, key, bool(only), self.now] += 1

    def _how(self, reader: str, party: str, purpose: str, owner: str, kind: str) -> bool | None:
        """Return None: it is not for this reader; else whether only the annex opens it."""
        if owner == party:
            return False
        if party not in MEMBERS:
            return None
        if kind == "campaign" or (kind == "tool" and "@" in reader and purpose == "respond"):
            return False
        return True if self.active and purpose == "respond" else None

    # --- what is called back -----------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Let everything be over, and compare what was called back with what was received."""
        self.world.hub.emergencies.sweep()
        called: Counter[tuple[str, str]] = Counter()
        for party in (*MEMBERS, "outsider"):
            for notice in self.world.hub.recalls.notices(self.world.hub.parties.get(party), None):
                called.update((party, one.id) for one in notice.objects)
        # a hub that nobody looked after settles late: who received it otherwise before then keeps it
        otherwise = {(party, key) for party, key, only, _ in self.receipts if not only}
        expected = {
            (party, key)
            for run in self.runs
            for party, key, only, at in self.receipts
            if only and int(run["starts"]) <= at < int(run["last"]) and self._destroyed(run, self.shared[key][1])
        }
        assert expected - otherwise <= set(called) <= expected
        self.world.hub.self_test.require()

    @staticmethod
    def _destroyed(run: dict[str, int | bool], kind: str) -> bool:
        return kind != "indicator" and (kind == "tool" or not run["answered"])

    # --- parts -------------------------------------------------------------------------------------------------------

    def _activations(self) -> list[Activation]:
        return [one for view in self.world.hub.agreements.annexes() for one in view.activations]

    def _collection(self) -> str | None:
        made = [one for one in self.world.hub.collections.all() if one.made_for.startswith("annex:")]
        return made[-1].alias if made else None

    def _offered(self) -> set[str]:
        name = self._collection()
        with self.world.hub.store.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT c.object_id FROM offers o JOIN contributions c ON c.contribution_id = o.contribution_id"
                " JOIN collections n ON n.collection_id = o.collection_id WHERE n.alias = "
                f"'{name}'"
            )
            return {row[0] for row in rows}
