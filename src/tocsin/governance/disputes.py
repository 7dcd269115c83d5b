"""Disputes: filed, mediated, settled or decided, appealed; what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns. Only its parties see a
dispute, and whose people decide it, operators and auditors; to everybody else there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.governance import store
from tocsin.governance.authority import StoredRegister
from tocsin.governance.model.bodies import parties_of
from tocsin.governance.model.disputes import Dispute, DisputeKind, DisputeStatus, Outcome
from tocsin.governance.state import Scene
from tocsin.governance.tables import DISPUTES
from tocsin.kernel.db.spans import EVERYTHING
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties.model import SPEAKERS, PartyStatus
from tocsin.parties.register import require_party, require_user

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Disputes"]


class Disputes:
    """The disputes of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = log.environment

    def file(
        self, acting: Acting, kind: DisputeKind, *, complainant: str, respondent: str, statement: str, subject: str = ""
    ) -> Dispute:
        """File a dispute of one party (by name) with another.

        ``subject`` is the object whose label or attribution is disputed; whether it is there, nobody looks.

        Raises:
            NotFoundError: there is no such party. ForbiddenError: the actor is neither the complainant nor one
                of its liaisons and signatories.
            TransitionError: an appeal against a suspension, of a party that is not suspended.
            InputError: a statement or the object is missing, or both parties are the same.
        """
        uuid = new_uuid(self._entropy)
        with self._store.write() as connection:
            one, other = (
                require_party(connection, self._environment, name).party.uri for name in (complainant, respondent)
            )
            data: dict[str, object] = {
                "dispute": uuid,
                "kind": str(kind),
                "complainant": one,
                "respondent": other,
                "subject": subject,
                "statement": statement,
            }
            self._require_speaker(connection, acting, one)
            return self._enter(connection, acting, "dispute.filed", data, concerns=(one, other))

    def mediate(self, acting: Acting, uuid: str, mediator: str) -> Dispute:
        """Name a mediator, ``user@party`` of a vetted party that is neither; an operator does.

        Raises:
            NotFoundError: there is no such dispute. TransitionError: it is beyond mediation.
            InputError: there is no such user.
            ForbiddenError: the mediator is of a party to it, or of one that is not vetted.
        """
        with self._store.write() as connection:
            self._require_vetted(connection, acting, mediator)
            return self._step_in(connection, acting, "dispute.mediated", uuid, {"mediator": mediator})

    def offer(self, acting: Acting, uuid: str, party: str, terms: str) -> Dispute:
        """Offer terms of settlement for a party (by name); the same words from the other settle the dispute.

        Raises:
            NotFoundError, TransitionError: as ``mediate``. ForbiddenError: as ``file``, of the party.
                InputError: there are no terms.
        """
        return self._say(acting, "dispute.offered", uuid, party, terms)

    def withdraw(self, acting: Acting, uuid: str, party: str, reason: str = "") -> Dispute:
        """Take back what a party (by name) filed: the dispute, or its appeal, whereupon the first decision is final.

        Raises:
            As ``offer``.
        """
        return self._say(acting, "dispute.withdrawn", uuid, party, reason)

    def decide(
        self, acting: Acting, mandate: Mandate, uuid: str, *, outcome: Outcome, reasons: str, remedy: str = ""
    ) -> Dispute:
        """Decide a dispute, or its appeal. What the remedy says is done by an act of its own, under its own mandate.

        Raises:
            NotFoundError: there is no such dispute. TransitionError: it is decided, or over.
            ForbiddenError: the mandate is not for this, or the hub's own party would decide its own dispute.
            InputError: reasons or remedy are missing.
        """
        mandate.require(self._log.environment_name, Right.DISPUTE_DECIDE, uuid)
        data: dict[str, object] = {"outcome": str(outcome), "reasons": reasons, "remedy": remedy}
        return self._step(acting, "dispute.decided", uuid, data, mandate)

    def appeal(self, acting: Acting, uuid: str, party: str, reasons: str) -> Dispute:
        """Appeal for a party (by name) against the first decision, while its time runs.

        Raises:
            As ``offer``; InputError: there are no reasons.
        """
        return self._say(acting, "dispute.appealed", uuid, party, reasons)

    def due(self) -> list[str]:
        """Return the disputes, by UUID, that were decided and not appealed in their time."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            decided = store.disputes(connection, self._environment, DISPUTES.c.status == DisputeStatus.DECIDED)
            return [dispute.uuid for dispute in decided if dispute.overdue(at)]

    def conclude_if_due(self, acting: Acting, uuid: str) -> Dispute | None:
        """Make final what was decided and not appealed in its time; None: it is final, or was appealed.

        Raises:
            NotFoundError: there is no such dispute.
        """
        with self._store.write() as connection:
            dispute = store.load(connection, self._environment, uuids=[uuid]).dispute(uuid)
            if dispute.status is not DisputeStatus.DECIDED or not dispute.overdue(self._log.now(connection)):
                return None
            data: dict[str, object] = {"dispute": uuid}
            return self._enter(connection, acting, "dispute.concluded", data, concerns=dispute.parties)

    def conclude_due(self, acting: Acting) -> list[Dispute]:
        """Make final all that was decided and not appealed in its time; returns those disputes."""
        made = [self.conclude_if_due(acting, uuid) for uuid in self.due()]
        return [dispute for dispute in made if dispute is not None]

    def all(self, viewer: str | None = None) -> list[Dispute]:
        """Return the disputes that a party (by name) may see, or all for operators and auditors, oldest first.

        Raises:
            NotFoundError: there is no such party.
        """
        return [*self.within(viewer, EVERYTHING).items]

    def within(self, viewer: str | None, span: Span) -> Stretch[Dispute]:
        """Return a span of what ``all`` returns; what others dispute is not looked at."""
        with self._store.read() as connection:
            return store.disputes_within(connection, self._environment, span, *self._seen(connection, viewer))

    def get(self, uuid: str, viewer: str | None = None) -> Dispute:
        """Return a dispute.

        Raises:
            NotFoundError: there is none of this id, or none that the viewer (a party, by name) may see.
        """
        with self._store.read() as connection:
            seen = self._seen(connection, viewer)
            found = store.disputes(connection, self._environment, DISPUTES.c.uuid == uuid, *seen)
        if not found:
            raise _none(uuid)
        return found[0]

    def now(self) -> int:
        """Return hub time, to say what is overdue."""
        with self._store.read() as connection:
            return self._log.now(connection)

    def _seen(self, connection: Connection, viewer: str | None) -> tuple[ColumnElement[bool], ...]:
        """Return what a dispute meets that a party (by name) may see."""
        if viewer is None:
            return ()
        uri = require_party(connection, self._environment, viewer).party.uri
        if self._decides(connection, viewer):
            return ()
        return ((DISPUTES.c.complainant == uri) | (DISPUTES.c.respondent == uri),)

    def _decides(self, connection: Connection, viewer: str) -> bool:
        """Return whether people of a party sit now in the body that decides disputes: not those whose time is over."""
        at = self._log.now(connection)
        bodies = store.load(connection, self._environment).bodies.values()
        return any(
            Right.DISPUTE_DECIDE in body.rights and body.stands(at) and viewer in parties_of(body, at)
            for body in bodies
        )

    # --- common ------------------------------------------------------------------------------------------------------

    def _say(self, acting: Acting, kind: str, uuid: str, party: str, text: str) -> Dispute:
        with self._store.read() as connection:
            uri = require_party(connection, self._environment, party).party.uri
            # to who is no party to it there is none
            if uri not in store.load(connection, self._environment, uuids=[uuid]).dispute(uuid).parties:
                raise _none(uuid)
            self._require_speaker(connection, acting, uri)
        return self._step(acting, kind, uuid, {"party": uri, "text": text})

    def _require_speaker(self, connection: Connection, acting: Acting, party: str) -> None:
        """Refuse people of a party whose word is not its own; of others the entry itself is refused.

        Here and not where entries are held to their rules: in logs of earlier versions any active user spoke.
        """
        who = acting.on_behalf_of or acting.actor
        if "@" not in who:
            return
        user = require_user(connection, self._environment, who)[1].user
        if user.party == party and user.roles.isdisjoint(SPEAKERS):
            raise ForbiddenError(
                "only a liaison or signatory speaks for their party in a dispute", where=who, todo="ask one of them"
            )

    def _step(
        self, acting: Acting, kind: str, uuid: str, data: dict[str, object], mandate: Mandate | None = None
    ) -> Dispute:
        with self._store.write() as connection:
            return self._step_in(connection, acting, kind, uuid, data, mandate=mandate)

    def _step_in(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        uuid: str,
        data: dict[str, object],
        *,
        mandate: Mandate | None = None,
    ) -> Dispute:
        dispute = store.load(connection, self._environment, uuids=[uuid]).dispute(uuid)
        data = {"dispute": uuid} | data
        return self._enter(connection, acting, kind, data, concerns=dispute.parties, mandate=mandate)

    def _require_vetted(self, connection: Connection, acting: Acting, mediator: str) -> None:
        """Refuse an operator who names a mediator of a party that is not vetted.

        Asked here and not in the entry's step: logs from before may tell of such. Everything else the step refuses;
        who is no operator learns nothing here of how a party stands.
        """
        register = StoredRegister(connection, self._environment)
        scene = Scene(at=self._log.now(connection), acting=acting, register=register)
        user = register.user(mediator) if "@" in mediator else None
        party = None if user is None else register.party_of(user.party)
        if party is not None and party.status is not PartyStatus.VETTED and scene.is_operator(scene.who):
            raise ForbiddenError(
                f"a mediator is of a vetted party, and {party.name} is {party.status}",
                where=mediator,
                todo="name somebody of another party",
            )

    def _enter(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        data: dict[str, object],
        *,
        concerns: tuple[str, str],
        mandate: Mandate | None = None,
    ) -> Dispute:
        at, whom = self._log.now(connection), tuple(sorted(set(concerns)))
        record = Record(kind=kind, at=at, acting=acting, mandate=mandate, data=data, concerns=whom)
        self._log.append(connection, [record])
        uuid = str(data["dispute"])
        return store.load(connection, self._environment, uuids=[uuid]).dispute(uuid)


def _none(uuid: str) -> NotFoundError:
    return NotFoundError("there is no such dispute", where=uuid[:80], todo="`tocsin dispute list` shows them")
