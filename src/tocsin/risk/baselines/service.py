"""Baselines: catalogues, targets, assessments and what is missing; what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import NotFoundError
from tocsin.governance.authority import StoredRegister
from tocsin.governance.state import Scene
from tocsin.governance.wire import as_data
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.register import require_party
from tocsin.risk import store
from tocsin.risk.baselines.catalogue import SEVEN, Catalogue
from tocsin.risk.baselines.model import Assessment, gaps
from tocsin.risk.baselines.state import BASELINE_STEPS, Held, assessment_key, target_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.risk.baselines.model import Gap, Standing, Target
    from tocsin.risk.registry.model import Evidence

__all__ = ["Baselines"]


class Baselines:
    """The baselines of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._environment = log.environment

    def import_catalogue(self, acting: Acting, mandate: Mandate, catalogue: Catalogue) -> Catalogue:
        """Take a catalogue that was read.

        Raises:
            ForbiddenError: the mandate is not for this. ConflictError: there is one of its name.
        """
        mandate.require(self._log.environment_name, Right.CATALOGUE_IMPORT, catalogue.name)
        self._enter(acting, "catalogue.imported", {"catalogue": as_data(catalogue)}, mandate=mandate)
        return catalogue

    def set_target(self, acting: Acting, mandate: Mandate, target: Target) -> Target:
        """Set what parties are to have, in the place of an earlier target of the control.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is no such catalogue or control.
            InputError: the control is withdrawn, or the day has passed.
        """
        key = target_key(target.catalogue, target.control)
        mandate.require(self._log.environment_name, Right.TARGET_SET, key)
        data: dict[str, object] = {"target": as_data(target)}
        return self._enter(acting, "target.set", data, mandate=mandate).targets[key]

    def assess(
        self,
        acting: Acting,
        party: str,
        catalogue: str,
        control: str,
        *,
        standing: Standing,
        review: Micros,
        evidence: tuple[Evidence, ...] = (),
        note: str = "",
    ) -> Assessment:
        """Enter what a party says of itself about a control, in the place of what it said before.

        Raises:
            NotFoundError: there is no such party, catalogue or control. ForbiddenError: another party's.
            InputError: the evidence or the reason is missing, or the control is withdrawn.
        """
        with self._store.write() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            at = self._log.now(connection)
            made = Assessment(
                party=uri,
                catalogue=catalogue,
                control=control,
                standing=standing,
                by=acting.on_behalf_of or acting.actor,
                at=at,
                review=review,
                evidence=evidence,
                note=note,
            )
            data: dict[str, object] = {"party": uri, "assessment": as_data(made)}
            self._step(connection, acting, "control.assessed", data, at=at, concerns=(uri,))
        return made

    def confirm(
        self,
        acting: Acting,
        party: str,
        catalogue: str,
        control: str,
        *,
        agrees: bool,
        reasons: str,
        seen: frozenset[str] | None = None,
    ) -> Assessment:
        """Enter what somebody else's person found when they looked at a party's evidence.

        ``seen``: the SHA-256 of every document that was looked at. If it is given, an assessment on other documents, or
        on none, is none: who was shown nothing learns nothing.

        Raises:
            NotFoundError: the party has not assessed this. ForbiddenError: who confirms is not independent of it.
        """
        with self._store.write() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            key = assessment_key(uri, catalogue, control)
            held = store.load(connection, self._environment, Held).assessments.get(key)
            if held is None or seen not in (None, held.documents):
                raise NotFoundError(
                    "this party has not assessed this", where=control, todo="it assesses itself: tocsin baseline assess"
                )
            data: dict[str, object] = {
                "party": uri,
                "catalogue": catalogue,
                "control": control,
                "assessed_at": held.at,
                "agrees": agrees,
                "reasons": reasons,
            }
            at = self._log.now(connection)
            return self._step(connection, acting, "control.confirmed", data, at=at, concerns=(uri,)).assessments[key]

    def state(self) -> Held:
        """Return everything that the log tells of baselines."""
        with self._store.read() as connection:
            return store.load(connection, self._environment, Held)

    def catalogues(self) -> list[Catalogue]:
        """Return the built-in catalogue, and those that were imported."""
        return [SEVEN, *self.state().catalogues.values()]

    def assessments(self, asker: str) -> list[Assessment]:
        """Return what a reader (``party`` or ``user@party``) may see: their party's own, all of them the hub's people.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            held = store.load(connection, self._environment, Held)
            uri = require_party(connection, self._environment, asker.rpartition("@")[2]).party.uri
            everything = self._sees_all(connection, uri)
        return [one for one in held.assessments.values() if everything or one.party == uri]

    def gaps(self, asker: str) -> list[Gap]:
        """Return what is missing, of one's own party; for the hub's people of every party.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            held = store.load(connection, self._environment, Held)
            here = require_party(connection, self._environment, asker.rpartition("@")[2]).party
            rows = [row.party for row in parties.party_rows(connection, self._environment)]
            asked = rows if self._sees_all(connection, here.uri) else [here]
            at = self._log.now(connection)
        told = {(one.party, one.catalogue, one.control): one for one in held.assessments.values()}
        return gaps(asked, held.targets.values(), told, at)

    def recovery_targets(self, party: str) -> list[Target]:
        """Return the targets with a recovery time that are for a party (its short name), the earliest due first.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            held = store.load(connection, self._environment, Held)
            here = require_party(connection, self._environment, party).party
        asked = [one for one in held.targets.values() if one.recovery is not None and one.asks(here)]
        return sorted(asked, key=lambda one: (one.due, one.catalogue, one.control))

    def _sees_all(self, connection: Connection, uri: str) -> bool:
        return parties.read_hub(connection, self._environment) == uri

    def _enter(self, acting: Acting, kind: str, data: dict[str, object], *, mandate: Mandate) -> Held:
        with self._store.write() as connection:
            return self._step(connection, acting, kind, data, at=self._log.now(connection), mandate=mandate)

    def _step(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        data: dict[str, object],
        *,
        at: Micros,
        concerns: tuple[str, ...] = (),
        mandate: Mandate | None = None,
    ) -> Held:
        register = StoredRegister(connection, self._environment)
        written = None if mandate is None else str(mandate)
        before = store.load(connection, self._environment, Held)
        after = BASELINE_STEPS[kind](before, data, Scene(at=at, acting=acting, register=register, mandate=written))
        record = Record(kind=kind, at=at, acting=acting, mandate=mandate, data=data, concerns=concerns)
        self._log.append(connection, [record])
        store.save(connection, self._environment, before, after)
        return after
