"""Funds: opened, filled, decided, paid out, measured, called back; what upper floors call.

There is no table: what a fund is, its entries in the log say, and every act begins with reading them. A method that
takes ``acting`` owns its transaction: it is durable and logged when it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import ForbiddenError, InputError, LogBrokenError, NotFoundError, TransitionError
from tocsin.governance import store as governance
from tocsin.governance.authority import StoredRegister
from tocsin.governance.state import Scene
from tocsin.governance.wire import as_data
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting, MandateBasis, Right
from tocsin.log.model import decode_payload
from tocsin.log.note import sign_note
from tocsin.log.service import Record
from tocsin.map.cascade.engine import MOST_TOLD
from tocsin.parties.store import read_hub
from tocsin.risk.fund.certificate import certificate_text, project_digest
from tocsin.risk.fund.measuring import commitment_of, measured, plan_digest, seed_of
from tocsin.risk.fund.model import Funded, Measurement
from tocsin.risk.fund.seen import concerned
from tocsin.risk.fund.stage import Stage, stage_of
from tocsin.risk.fund.steps import KINDS, enter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Mandate
    from tocsin.log.service import Log
    from tocsin.risk.fund.model import Award, Case, Claim, Fund, Terms
    from tocsin.risk.fund.projects import Plan, Project

__all__ = ["Funds"]


class Funds:
    """The funds of one environment."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment

    # --- looking -----------------------------------------------------------------------------------------------------

    def all(self) -> list[Fund]:
        """Return every fund, by name."""
        with self._store.read() as connection:
            return [fund for _, fund in sorted(self._told(connection).funds.items())]

    def get(self, name: str) -> Fund:
        """Return a fund.

        Raises:
            NotFoundError: there is none of this name.
        """
        with self._store.read() as connection:
            return self._told(connection).fund(name)

    # --- the fund and its money --------------------------------------------------------------------------------------

    def open(self, acting: Acting, mandate: Mandate, name: str, *, title: str, currency: str, body: str = "") -> Fund:
        """Open a fund; ``body`` decides about it from then on, or, if none is named, whoever holds the rights.

        Raises:
            ForbiddenError: the mandate is not for this. ConflictError: there is one of this name.
            NotFoundError: there is no such body. InputError: this is no name, title or currency.
        """
        mandate.require(self._log.environment_name, Right.FUND_OPEN, name)
        data: dict[str, object] = {"fund": name, "title": title, "currency": currency, "body": body}
        return self._enter(acting, "fund.opened", data, mandate)

    def pledge(self, acting: Acting, name: str, party: str, amount: int, note: str = "") -> Fund:
        """Promise a contribution in a party's own name (its URI), in cents.

        Raises:
            ForbiddenError: somebody else does. NotFoundError, InputError: there is no such fund, or amount.
        """
        data: dict[str, object] = {"fund": name, "party": party, "amount": amount, "note": note}
        return self._enter(acting, "fund.pledged", data)

    def take_back(self, acting: Acting, name: str, party: str, amount: int, note: str = "") -> Fund:
        """Take back what a party promised (its URI), in cents: of promises of which nothing is paid in, newest first.

        Raises:
            ForbiddenError: somebody else does. TransitionError: it promised less, or what it promised is begun to be
                paid. NotFoundError, InputError: there is no such fund, or amount.
        """
        data: dict[str, object] = {"fund": name, "party": party, "amount": amount, "note": note}
        return self._enter(acting, "fund.taken-back", data)

    def paid(self, acting: Acting, name: str, party: str, amount: int, note: str = "") -> Fund:
        """Enter that a party paid of what it promised.

        Raises:
            ForbiddenError: no operator enters it. TransitionError: it promised less.
        """
        data: dict[str, object] = {"fund": name, "party": party, "amount": amount, "note": note}
        return self._enter(acting, "fund.paid", data)

    # --- projects ----------------------------------------------------------------------------------------------------

    def propose(self, acting: Acting, name: str, party: str, project: Project) -> Case:
        """Propose a project, or put another in the place of one's own that nobody chose yet.

        Raises:
            ForbiddenError: somebody else does. ConflictError: the id is taken. InputError: it has faults.
        """
        data: dict[str, object] = {"fund": name, "party": party, "project": as_data(project)}
        return self._enter(acting, "fund.proposed", data).case(project.id)

    def decide(
        self,
        acting: Acting,
        mandate: Mandate,
        name: str,
        *,
        projects: list[str],
        budget: int,
        calculation: str,
        judged: Iterable[Project] = (),
    ) -> Fund:
        """Choose projects within a budget in cents; ``calculation`` is the digest of what it rests on.

        ``judged``: projects as they were calculated with; what was put in the place of one since then is not chosen.
        The entry keeps the digest of each; of one that is not among them, as it is proposed now.

        Raises:
            ForbiddenError: the mandate is not for this. TransitionError: one is not proposed. InputError: too dear.
            NotFoundError, ConflictError: one that was judged is not there, or is another.
        """
        mandate.require(self._log.environment_name, Right.PORTFOLIO_DECIDE, name)
        with self._store.write() as connection:
            fund, known = self._told(connection).fund(name), {one.id: one for one in judged}
            if unknown := sorted(known.keys() - fund.cases.keys()):
                raise NotFoundError("this project was not proposed", where=unknown[0], todo="tocsin fund propose")
            seen = {one: project_digest(known.get(one, fund.case(one).project)) for one in projects}
            data: dict[str, object] = {
                "fund": name,
                "projects": sorted(projects),
                "budget": budget,
                "calculation": calculation,
                "judged": seen,
            }
            return self._append(connection, acting, "fund.decided", data, mandate).fund(name)

    def award(self, acting: Acting, mandate: Mandate, name: str, project: str, terms: Terms) -> Award:
        """Agree on an award for a chosen project.

        Raises:
            ForbiddenError: the mandate is not for this, or the assessor is not independent. InputError: the terms make
                no sense. TransitionError: it is not chosen, or there is not as much in cash that is not bound.
        """
        mandate.require(self._log.environment_name, Right.AWARD_MAKE, f"{name}/{project}")
        data: dict[str, object] = {"fund": name, "project": project, "terms": as_data(terms)}
        return self._enter(acting, "fund.awarded", data, mandate).award(project)

    def inspect(self, acting: Acting, name: str, project: str, after: Plan) -> Award:
        """Enter, for the assessor, the plan as it was built: the seed of the next measurement follows from it.

        Raises:
            ForbiddenError: somebody else does, or the assessor is not independent any more.
        """
        data: dict[str, object] = {"fund": name, "project": project, "plan": plan_digest(after)}
        return self._enter(acting, "fund.inspected", data).award(project)

    def measure(
        self,
        acting: Acting,
        name: str,
        project: str,
        tranche: int,
        *,
        before: Plan,
        after: Plan,
        nonce: bytes,
        jobs: int = -1,
        most_told: int = MOST_TOLD,
    ) -> Award:
        """Measure what a project saves, on samples that nobody chose; the sums go into the log, met or not.

        ``jobs`` and ``most_told``: how much of the machine it may take, as ``measured`` has them.

        Raises:
            ForbiddenError: somebody else does. InputError: the number is not the one committed to, or the plan before
                is another than was agreed. TransitionError: nothing is to be measured, or no attempt is left.
        """
        with self._store.read() as connection:
            award = self._told(connection).fund(name).award(project)
            if award.inspection is None:
                raise TransitionError(
                    "the plan as built is not in the log since the last measurement",
                    where=project,
                    todo="enter it: tocsin fund inspect",
                )
            root = self._log.root(connection, award.inspection.entry + 1)
        if plan_digest(before) != award.terms.baseline:
            raise ForbiddenError("the plan before is another than was agreed", where=project)
        # asked again by the step; here, so that nothing is computed for a number that is none
        if commitment_of(nonce) != award.opens:
            raise InputError("this is not the number that the assessor committed to", where=project)
        attempt = sum(one.tranche == tranche for one in award.measurements) + 1
        seed = seed_of(root, nonce, fund=name, project=project, tranche=tranche, attempt=attempt)
        terms = award.terms
        sums = measured(
            before,
            after,
            seed=seed,
            samples=terms.samples,
            horizon_h=terms.horizon_h,
            jobs=jobs,
            most_told=most_told,
        )
        made = Measurement(
            tranche=tranche,
            attempt=attempt,
            plan=plan_digest(after),
            inspected=award.inspection.entry,
            root=root.hex(),
            nonce=nonce.hex(),
            seed=seed,
            sums=sums,
        )
        data: dict[str, object] = {"fund": name, "project": project, "measurement": as_data(made)}
        return self._enter(acting, "fund.measured", data).award(project)

    # --- paying ------------------------------------------------------------------------------------------------------

    def release(self, acting: Acting, mandate: Mandate, name: str, project: str, tranche: int) -> Fund:
        """Pay the next tranche of an award, if what it is for was measured.

        Raises:
            ForbiddenError: the mandate is not for this. TransitionError: it is not next, or not met, or paid.
        """
        mandate.require(self._log.environment_name, Right.TRANCHE_RELEASE, f"{name}/{project}/{tranche}")
        data: dict[str, object] = {"fund": name, "project": project, "tranche": tranche}
        return self._enter(acting, "fund.released", data, mandate)

    def call_back(self, acting: Acting, mandate: Mandate, name: str, project: str, *, amount: int, reason: str) -> Fund:
        """Call back what was paid of an award, or 0 to end it only; nothing more is paid of it.

        Raises:
            ForbiddenError: the mandate is not for this. TransitionError: it is more than was paid.
        """
        mandate.require(self._log.environment_name, Right.AWARD_CALL_BACK, f"{name}/{project}")
        data: dict[str, object] = {"fund": name, "project": project, "amount": amount, "reason": reason}
        return self._enter(acting, "fund.called-back", data, mandate)

    def repaid(self, acting: Acting, name: str, project: str, amount: int, note: str = "") -> Fund:
        """Enter that a payee paid back: first what was called back, then of a loan.

        Raises:
            ForbiddenError: no operator enters it. TransitionError: less is owed.
        """
        data: dict[str, object] = {"fund": name, "project": project, "amount": amount, "note": note}
        return self._enter(acting, "fund.repaid", data)

    def certify(self, acting: Acting, name: str, project: str, tranche: int, *, until: Micros) -> bytes:
        """Return a signed certificate that a benchmark was met; that it was made is in the log.

        Raises:
            ForbiddenError: no operator makes it. TransitionError: the benchmark was not met. InputError: its end.
        """
        with self._store.write() as connection:
            at = self._log.now(connection)
            text = certificate_text(
                self._told(connection).fund(name),
                project,
                tranche,
                hub=read_hub(connection, self._environment) or "",
                environment=self._log.environment_name,
                issued=at,
                until=until,
            )
            data: dict[str, object] = {
                "fund": name,
                "project": project,
                "tranche": tranche,
                "until": until,
                "text": text,
            }
            self._append(connection, acting, "fund.certified", data, None)
        return sign_note(text, self._log.signer)

    # --- claims ------------------------------------------------------------------------------------------------------

    def claim(self, acting: Acting, name: str, party: str, *, amount: int, reason: str, evidence: str) -> Claim:
        """File a claim for what a party gave in a crisis; ``evidence`` is the digest of what proves it.

        Raises:
            ForbiddenError: somebody else files it. InputError: amount, reason or evidence is none.
        """
        uuid = new_uuid(self._entropy)
        data: dict[str, object] = {
            "fund": name,
            "claim": uuid,
            "party": party,
            "amount": amount,
            "reason": reason,
            "evidence": evidence,
        }
        return self._enter(acting, "fund.claimed", data).claim(uuid)

    def settle(
        self, acting: Acting, mandate: Mandate, name: str, claim: str, *, granted: int, reasons: str = ""
    ) -> Claim:
        """Decide a claim: how many cents of it are granted, 0 for none.

        Raises:
            ForbiddenError: the mandate is not for this. TransitionError: it is decided, or there is not as much.
        """
        mandate.require(self._log.environment_name, Right.CLAIM_DECIDE, claim)
        data: dict[str, object] = {"fund": name, "claim": claim, "granted": granted, "reasons": reasons}
        return self._enter(acting, "fund.settled", data, mandate).claim(claim)

    def compensate(self, acting: Acting, name: str, claim: str) -> Fund:
        """Enter that a granted claim was paid.

        Raises:
            ForbiddenError: no operator enters it. TransitionError: it is not granted, or paid already.
        """
        return self._enter(acting, "fund.compensated", {"fund": name, "claim": claim})

    # --- the log -----------------------------------------------------------------------------------------------------

    def _told(self, connection: Connection) -> Funded:
        """Return what the entries so far make: each was admitted when it was entered."""
        funded = Funded()
        hub = read_hub(connection, self._environment) or ""
        for row in self._log.rows(connection, kinds=KINDS):
            where = f"entry {row.index}"
            if row.payload is None:
                raise LogBrokenError("an entry about a fund was purged", where=where)
            payload = decode_payload(row.payload, where=where)
            scene = Scene(
                at=row.at,
                acting=Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of),
                register=StoredRegister(connection, self._environment),
                mandate=payload.mandate,
                retold=True,
            )
            stage = Stage(scene=scene, index=row.index, environment=self._log.environment_name, hub=hub, again=True)
            funded = enter(funded, payload.kind, payload.data, stage)
        return funded

    def _enter(self, acting: Acting, kind: str, data: dict[str, object], mandate: Mandate | None = None) -> Fund:
        with self._store.write() as connection:
            return self._append(connection, acting, kind, data, mandate).fund(str(data["fund"]))

    def _append(
        self, connection: Connection, acting: Acting, kind: str, data: dict[str, object], mandate: Mandate | None
    ) -> Funded:
        at = self._log.now(connection)
        # what was decided before goes in first, so that the next entry is this one
        self._log.enter_overdue(connection, at)
        named = [mandate.reference] if mandate is not None and mandate.basis is MandateBasis.MOTION else []
        governed = governance.load(connection, self._environment, uuids=named)
        scene = Scene(
            at=at,
            acting=acting,
            register=StoredRegister(connection, self._environment),
            mandate=None if mandate is None else str(mandate),
        )
        stage = stage_of(
            scene,
            kind,
            governed,
            index=self._log.head(connection).frontier.size,
            environment=self._log.environment_name,
            hub=read_hub(connection, self._environment) or "",
        )
        # what goes in is read as it will be read from the log
        told = msgspec.json.decode(msgspec.json.encode(data))
        after = enter(self._told(connection), kind, told, stage)
        concerns = _concerned(after.fund(str(data["fund"])), data)
        record = Record(kind=kind, at=at, acting=acting, data=data, mandate=mandate, concerns=concerns)
        made = self._log.append(connection, [record])
        if made.start != stage.index:
            raise LogBrokenError("the entry went elsewhere than it was to go", where=f"entry {made.start}")
        return after


def _concerned(fund: Fund, data: Mapping[str, object]) -> tuple[str, ...]:
    """Return the parties that an entry is for: whose money, project, award or claim it is about."""
    told = {str(data["party"])} if "party" in data else set()
    project = data.get("project")
    if isinstance(project, str) and project in fund.cases:
        told |= concerned(fund, project)
    claim = fund.claims.get(str(data.get("claim")))
    if claim is not None:
        told.add(claim.party)
    return tuple(sorted(told))
