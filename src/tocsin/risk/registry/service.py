"""The registry: scenarios, members' figures and roll-ups; what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ConflictError, InputError, LimitError, NotFoundError, StoreBrokenError
from tocsin.exchange.model import Query
from tocsin.governance.authority import StoredRegister
from tocsin.governance.state import Scene
from tocsin.governance.wire import as_data, from_data
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.model import decode_payload
from tocsin.log.service import Record
from tocsin.map.rollup.model import Publication
from tocsin.parties.register import require_party
from tocsin.risk import store
from tocsin.risk.registry.model import Evidence, Scenario, TreatmentStatus, Unit
from tocsin.risk.registry.state import REGISTRY_STEPS, Registered, RollUp, Sheet, require_own_people, standing

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.exchange.reading import Asker, Reading
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.map.rollup.model import Rules, Slot
    from tocsin.map.rollup.protect import Audit
    from tocsin.risk.registry.figures import Figures, Seal

__all__ = ["MAX_ACTS_A_DAY", "Due", "Registry", "publication_of"]

_SCENARIOS: Final = ("scenario.put", "scenario.amended", "scenario.reviewed", "scenario.retired")
# Of one party's own people: all that it may answer for, once, and some of them corrected. Each is kept for ever.
MAX_ACTS_A_DAY: Final = 300


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has to look at: a scenario, or a treatment of it that is not done."""

    scenario: str
    what: str  # review, or the treatment's id
    owner: str
    at: Micros
    overdue: bool


class Registry:
    """The registry of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log, reading: Reading, seal: Seal, entropy: Entropy) -> None:
        self._store = store
        self._log = log
        self._reading = reading
        self._seal = seal
        self._entropy = entropy
        self._environment = log.environment

    # --- scenarios ---------------------------------------------------------------------------------------------------

    def put(self, acting: Acting, scenario: Scenario) -> Scenario:
        """Enter a scenario, whose owner answers for it from now on.

        Raises:
            TransitionError: there is one of its id. ForbiddenError: neither of the owner's party nor an operator, or it
                names a person of another party.
            InputError, NotFoundError: an owner is not here, or its review is not to come.
        """
        return self._entered(acting, "scenario.put", scenario)

    def amend(self, acting: Acting, scenario: Scenario) -> Scenario:
        """Put a scenario in the place of what it was; errors as ``put``, and TransitionError: it is retired.

        Raises:
            LimitError: the party changed scenarios too often within a day; so of all acts here.
        """
        return self._entered(acting, "scenario.amended", scenario)

    def review(self, acting: Acting, scenario: str, *, again: Micros, note: str) -> Scenario:
        """Say that a scenario was looked at and holds, and when it is looked at again; errors as ``amend``."""
        data: dict[str, object] = {"scenario": scenario, "review": again, "note": note}
        return self._enter(acting, "scenario.reviewed", data).scenario(scenario)

    def retire(self, acting: Acting, scenario: str, reason: str) -> Scenario:
        """Take a scenario out of every sum from now on; errors as ``amend``."""
        return self._enter(acting, "scenario.retired", {"scenario": scenario, "reason": reason}).scenario(scenario)

    def state(self) -> Registered:
        """Return everything that the log tells of the registry."""
        with self._store.read() as connection:
            return store.load(connection, self._environment, Registered)

    def as_of(self, at: Micros) -> dict[str, Scenario]:
        """Return the scenarios that counted at an instant, as the log tells them.

        Raises:
            InputError: it is to come. StoreBrokenError: entries that tell it were purged.
        """
        found: dict[str, Scenario] = {}
        with self._store.read() as connection:
            if at > self._log.now(connection):
                raise InputError(
                    "this day is to come: nothing has moved since", where="since", todo="name a day before"
                )
            for row in self._log.rows(connection, kinds=_SCENARIOS):
                if row.at > at:
                    break
                if row.payload is None:
                    raise StoreBrokenError("what the registry was then is purged", where=f"entry {row.index}")
                told = decode_payload(row.payload, where=f"entry {row.index}").data["scenario"]
                if row.kind == "scenario.retired":
                    del found[told]
                elif row.kind == "scenario.reviewed":
                    continue  # when it is looked at again moves no score
                else:
                    scenario = from_data(told, Scenario)
                    found[scenario.id] = scenario
        return found

    def evidence(self, asker: Asker, scenario: Scenario) -> tuple[Evidence, ...]:
        """Return what of a scenario's evidence a reader may see: objects of the exchange through the gate.

        What they may see of these is read as any page is, and leaves a release behind; of the others nothing is said,
        not how many there are either.
        """
        wanted = frozenset(one.reference for one in scenario.evidence if one.gated)
        seen: set[str] = set()
        for collection in self._reading.collections(asker) if wanted else ():
            answer = self._reading.manifest(asker, collection.alias, Query(ids=wanted))
            seen |= {item.object_id for item in answer.page.items}
        return tuple(one for one in scenario.evidence if not one.gated or one.reference in seen)

    def due(self, *, within: Micros) -> list[Due]:
        """Return what is to be looked at before ``within`` from now, the earliest first."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            scenarios = store.load(connection, self._environment, Registered).current().values()
        asked = [(one.id, "review", one.owner, one.review) for one in scenarios]
        asked += [
            (one.id, part.id, part.owner, part.due)
            for one in scenarios
            for part in one.treatments
            if part.status is not TreatmentStatus.DONE
        ]
        return [
            Due(scenario=scenario, what=what, owner=owner, at=when, overdue=when <= at)
            for scenario, what, owner, when in sorted(asked, key=lambda one: (one[3], one[0], one[1]))
            if when <= at + within
        ]

    # --- members' figures --------------------------------------------------------------------------------------------

    def submit(self, acting: Acting, party: str, figures: Figures) -> Sheet:
        """Take a party's figures of one sector, in the place of those before; the log tells no figure.

        Raises:
            NotFoundError: there is no such party. ForbiddenError: somebody else's figures.
        """
        sheet = new_uuid(self._entropy)
        commitment, sealed = self._seal.close(sheet, figures)
        with self._store.write() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            told = Sheet(sheet=sheet, party=uri, sector=figures.sector, commitment=commitment)
            data = as_data(told)
            after = self._step(connection, acting, "figures.submitted", data, concerns=(uri,))
            store.add_figures(connection, self._environment, sheet, sealed)
        return after.sheets[sheet]

    def withdraw(self, acting: Acting, party: str, sheet: str) -> Sheet:
        """Take figures out of every later roll-up.

        Raises:
            NotFoundError: the party has no such figures. TransitionError: they do not stand any more.
        """
        with self._store.write() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            data: dict[str, object] = {"sheet": sheet, "party": uri}
            return self._step(connection, acting, "figures.withdrawn", data, concerns=(uri,)).sheets[sheet]

    def figures(self, acting: Acting, party: str, sheet: str) -> Figures:
        """Return a party's own figures. That they were shown, to whom and who acted, is an entry of the log.

        Raises:
            NotFoundError: the party has no such figures.
        """
        with self._store.write() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            data: dict[str, object] = {"sheet": sheet, "party": uri}
            after = self._step(connection, acting, "figures.shown", data, concerns=(uri,))
            return self._open(connection, after.sheets[sheet])

    def sheets(self, party: str) -> list[Sheet]:
        """Return that a party gave figures, of which sectors and when; not the figures.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            held = store.load(connection, self._environment, Registered).sheets.values()
        return [one for one in held if one.party == uri]

    # --- roll-ups ----------------------------------------------------------------------------------------------------

    def publish(self, acting: Acting, mandate: Mandate, unit: Unit, rules: Rules) -> RollUp:
        """Roll up what members gave, and publish what may be shown of it.

        Raises:
            ForbiddenError: the mandate is not for this, or the rules promise less than earlier ones.
            NotFoundError: nobody gave figures in this unit. LimitError: too many, or none can be protected.
            ConflictError: figures changed meanwhile.
        """
        mandate.require(self._log.environment_name, Right.ROLLUP_PUBLISH, str(unit))
        with self._store.read() as connection:
            registered = store.load(connection, self._environment, Registered)
            sheets = [one for one in standing(registered) if self._vetted(connection, one.party)]
            told = RollUp(
                rollup=new_uuid(self._entropy),
                unit=unit,
                rules=rules,
                sheets=tuple(sorted(one.sheet for one in sheets)),
                scenarios=tuple(sorted(registered.current())),
                shown=(),
            )
            earlier = [self._publication(connection, registered, one) for one in registered.published(unit)]
            figures = self._publication(connection, registered, told).figures
        if not figures:
            raise NotFoundError(
                "no member gave figures of current scenarios in this unit", where=str(unit), todo="tocsin risk assess"
            )
        from tocsin.map.rollup.protect import publish  # noqa: PLC0415  the solver takes a second to load

        # beside other writers: this may take minutes
        made = publish(figures, earlier, rules)
        told = msgspec.structs.replace(
            told, shown=tuple((*total, value) for total, value in sorted(made.shown.items()))
        )
        with self._store.write() as connection:
            now = store.load(connection, self._environment, Registered)
            if [one.rollup for one in now.published(unit)] != [one.rollup for one in registered.published(unit)]:
                raise ConflictError("another roll-up was published meanwhile", todo="publish again")
            after = self._step(connection, acting, "rollup.published", as_data(told), mandate=mandate)
        return after.rollups[told.rollup]

    def attack(self, unit: Unit) -> Audit | None:
        """Attack all roll-ups in a unit, under the rules of the last; None: there is none."""
        with self._store.read() as connection:
            registered = store.load(connection, self._environment, Registered)
            rollups = registered.published(unit)
            found = [self._publication(connection, registered, one) for one in rollups]
        from tocsin.map.rollup.protect import audit  # noqa: PLC0415  the solver takes a second to load

        return audit(found, rollups[-1].rules) if rollups else None

    def _publication(self, connection: Connection, registered: Registered, rollup: RollUp) -> Publication:
        opened = {uuid: self._open(connection, registered.sheets[uuid]) for uuid in rollup.sheets}
        return publication_of(registered, rollup, opened)

    # --- the way of an act -------------------------------------------------------------------------------------------

    def _open(self, connection: Connection, sheet: Sheet) -> Figures:
        sealed = store.read_figures(connection, self._environment, sheet.sheet)
        return self._seal.open(sheet.sheet, sealed, sheet.commitment)

    def _vetted(self, connection: Connection, uri: str) -> bool:
        party = StoredRegister(connection, self._environment).party_of(uri)
        return party is not None and party.status == "vetted"

    def _entered(self, acting: Acting, kind: str, scenario: Scenario) -> Scenario:
        with self._store.write() as connection:
            scene = self._scene(connection, acting)
            self._leave_room(connection, scene)
            require_own_people(store.load(connection, self._environment, Registered), scenario, scene)
            return self._step(connection, acting, kind, {"scenario": as_data(scenario)}).scenario(scenario.id)

    def _scene(self, connection: Connection, acting: Acting, mandate: str | None = None) -> Scene:
        register = StoredRegister(connection, self._environment)
        return Scene(at=self._log.now(connection), acting=acting, register=register, mandate=mandate)

    def _enter(self, acting: Acting, kind: str, data: dict[str, object]) -> Registered:
        with self._store.write() as connection:
            self._leave_room(connection, self._scene(connection, acting))
            return self._step(connection, acting, kind, data)

    def _leave_room(self, connection: Connection, scene: Scene) -> None:
        """Refuse a party that has entered much within a day; what an operator enters, the operator has seen."""
        if scene.is_operator(scene.acting.actor):
            return
        mine, done = scene.acting.actor.rpartition("@")[2], 0
        for row in self._log.rows(connection, self._log.since(connection, scene.at - DAY), kinds=_SCENARIOS):
            payload = None if row.payload is None else decode_payload(row.payload, where=f"entry {row.index}")
            done += payload is not None and payload.actor.rpartition("@")[2] == mine
        if done >= MAX_ACTS_A_DAY:
            raise LimitError(
                f"your party changed scenarios {MAX_ACTS_A_DAY} times within a day",
                todo="do the next tomorrow; an operator of the hub enters more",
            )

    def _step(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        data: dict[str, object],
        *,
        concerns: tuple[str, ...] = (),
        mandate: Mandate | None = None,
    ) -> Registered:
        scene = self._scene(connection, acting, None if mandate is None else str(mandate))
        before = store.load(connection, self._environment, Registered)
        after = REGISTRY_STEPS[kind](before, data, scene)
        record = Record(kind=kind, at=scene.at, acting=acting, mandate=mandate, data=data, concerns=concerns)
        self._log.append(connection, [record])
        store.save(connection, self._environment, before, after)
        return after


def publication_of(registered: Registered, rollup: RollUp, opened: dict[str, Figures]) -> Publication:
    """Return a roll-up with the figures that it was made of, from its opened sheets by UUID."""
    figures: dict[Slot, int] = {
        (registered.sheets[uuid].party, sheet.sector, one.scenario): value
        for uuid, sheet in opened.items()
        for one in sheet.figures
        if one.scenario in rollup.scenarios and (value := one.in_(rollup.unit)) is not None
    }
    shown = {(sector, scenario): value for sector, scenario, value in rollup.shown}
    return Publication(rules=rollup.rules, figures=figures, shown=shown)
