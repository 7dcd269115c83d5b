"""Vetting: applications carried on, admissions under a mandate, what is due, and what ends when it is not done."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ForbiddenError, NotFoundError, TransitionError
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.spans import stretch
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import CLEARANCES, Party, PartyStatus, UserStatus
from tocsin.parties.register import require_party, require_subject
from tocsin.parties.vetting import store
from tocsin.parties.vetting.model import (
    ACCESS_REVIEW_EVERY,
    AccessReview,
    Application,
    ApplicationAct,
    Evidence,
    Review,
    Scene,
    Track,
    carried_on,
    check_access_review,
    last_admission,
    last_admissions,
    missing_for_admission,
    require_only_one,
)
from tocsin.parties.vetting.wire import access_digest, act_data, review_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.parties.service import Parties

__all__ = ["Due", "DueKind", "Swept", "Vetting"]

# What the log says when nobody vetted a party in time.
ENDED: Final = "its vetting ended, and nobody vetted it anew"


class DueKind(enum.StrEnum):
    """What somebody has to look at."""

    VETTING = "vetting"  # the party's own; at its end the party is suspended
    FACILITY_CLEARANCE = "facility-clearance"
    PERSONNEL_CLEARANCE = "personnel-clearance"
    EVIDENCE = "evidence"
    ACCESS_REVIEW = "access-review"


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What ends or has to be done, whose, and when."""

    kind: DueKind
    party: str  # short name
    what: str
    at: Micros
    overdue: bool


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """The parties whose vetting had ended: those that are suspended now, and those that a body has to suspend."""

    suspended: tuple[str, ...]
    left: tuple[str, ...]


class Vetting:
    """Applications, vettings and access reviews of one environment."""

    def __init__(self, *, store: Store, log: Log, parties: Parties, entropy: Entropy) -> None:
        self._store = store
        self._log = log
        self._parties = parties
        self._entropy = entropy
        self._environment = log.environment

    # --- applications ------------------------------------------------------------------------------------------------

    def open(
        self,
        acting: Acting,
        party: str,
        *,
        track: Track,
        clearance: str,
        capacities: frozenset[str],
        sponsor: str | None = None,
    ) -> Application:
        """Open a party's application; durable and logged when it returns.

        Raises:
            NotFoundError: there is no such party or sponsor. ConflictError: one is open already.
            ForbiddenError: the sponsor is not vetted. InputError: it cannot be one.
        """
        with self._store.write() as connection:
            applicant = require_party(connection, self._environment, party).party
            sponsoring = None if sponsor is None else require_party(connection, self._environment, sponsor).party.uri
            at = self._log.now(connection)
            told = Application(
                uuid=new_uuid(self._entropy),
                party=applicant.uri,
                track=track,
                clearance=clearance,
                capacities=capacities,
                sponsor=sponsoring,
                opened_at=at,
            )
            made = carried_on(None, ApplicationAct.OPENED, told, self._scene(connection, acting, at))
            require_only_one(made, store.applications(connection, self._environment))
            store.add_application(connection, self._environment, made)
            self._record(connection, acting, ApplicationAct.OPENED, made, at)
        return made

    def add_evidence(self, acting: Acting, uuid: str, evidence: Evidence) -> Application:
        """Put a paper into the file, by its hash; errors as ``model.carried_on``."""
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            told = msgspec.structs.replace(before, evidence=(*before.evidence, evidence))
            return self._carry_on(connection, acting, ApplicationAct.EVIDENCE, before, told)

    def review(self, acting: Acting, uuid: str, *, approves: bool, reasons: str) -> Application:
        """Enter the review of the person for whom ``acting`` acts; errors as ``model.carried_on``."""
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            review = Review(reviewer="", party="", approves=approves, reasons=reasons, at=0)
            told = msgspec.structs.replace(before, reviews=(*before.reviews, review))
            return self._carry_on(connection, acting, ApplicationAct.REVIEWED, before, told)

    def endorse(self, acting: Acting, uuid: str) -> Application:
        """Enter that the sponsor answers for the applicant; errors as ``model.carried_on``."""
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            return self._carry_on(connection, acting, ApplicationAct.ENDORSED, before, before)

    def admit(self, acting: Acting, mandate: Mandate, uuid: str, *, until: Micros) -> Application:
        """Admit an applicant under a mandate to clear it: vetted, with the facility clearance asked for, until a day.

        Raises:
            ForbiddenError: the mandate is for something else. TransitionError: something is missing, or it is decided.
            InputError: the day is past, or too far.
        """
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            party = self._by_uri(connection)[before.party]
            acts = self._parties.acts(connection, acting, mandate)
            acts.clear_party(party.name, clearance=before.clearance, until=until, reason=f"application {before.uuid}")
            told = msgspec.structs.replace(before, until=until, reason="")
            return self._carry_on(connection, acting, ApplicationAct.ADMITTED, before, told)

    def prolong(self, acting: Acting, mandate: Mandate, party: str, *, until: Micros, reason: str) -> Application:
        """Put off the end of a party's vetting under a mandate, before or after it: by 60 days in all at most.

        It does not clear a party that was suspended meanwhile: that is another decision.

        Raises:
            ForbiddenError: the mandate is for something else. NotFoundError: there is no such party.
            TransitionError: its vetting has no end. InputError: no reason is given, or the day is too early or late.
        """
        mandate.require(self._log.environment_name, Right.VETTING_PROLONG, party)
        with self._store.write() as connection:
            found = require_party(connection, self._environment, party).party
            if found.status is PartyStatus.LEFT:
                raise TransitionError(f"{party} has left the hub", where=party)
            uri = found.uri
            before = last_admission(uri, store.applications(connection, self._environment))
            if before is None:
                raise TransitionError(
                    "it was admitted by no application: its vetting has no end",
                    where=party,
                    todo=f"where its clearance ends, tocsin party clear {party} --until DATE puts that off",
                )
            told = msgspec.structs.replace(before, prolonged=until, prolonged_because=reason)
            return self._carry_on(connection, acting, ApplicationAct.PROLONGED, before, told, mandate=mandate)

    def refuse(self, acting: Acting, uuid: str, reason: str) -> Application:
        """Refuse an applicant, with a reason."""
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            told = msgspec.structs.replace(before, reason=reason)
            return self._carry_on(connection, acting, ApplicationAct.REFUSED, before, told)

    def withdraw(self, acting: Acting, uuid: str, reason: str = "") -> Application:
        """Withdraw an application, for the applicant."""
        with self._store.write() as connection:
            before = self._require(connection, uuid)
            told = msgspec.structs.replace(before, reason=reason)
            return self._carry_on(connection, acting, ApplicationAct.WITHDRAWN, before, told)

    def all(self) -> list[Application]:
        """Return every application, oldest first."""
        with self._store.read() as connection:
            return store.applications(connection, self._environment)

    def within(self, span: Span, keep: Callable[[Application], bool]) -> Stretch[Application]:
        """Return a span of the applications that are kept, oldest first."""
        with self._store.read() as connection:
            rows = store.numbered_applications(connection, self._environment, after=span.after)
            return stretch(((number, one) for number, one in rows if keep(one)), span)

    def find(self, uuid: str) -> Application | None:
        """Return the application of this id, if there is one."""
        with self._store.read() as connection:
            return next(iter(store.applications(connection, self._environment, uuid=uuid)), None)

    def missing(self, application: Application) -> list[str]:
        """Return what keeps an application from being granted now, in words; nothing of one that is decided."""
        if application.ended_at is not None:
            return []
        with self._store.read() as connection:
            return missing_for_admission(application, self._by_uri(connection), self._log.now(connection))

    def get(self, uuid: str) -> Application:
        """Return one application.

        Raises:
            NotFoundError: there is none.
        """
        with self._store.read() as connection:
            return self._require(connection, uuid)

    # --- what is due -------------------------------------------------------------------------------------------------

    def review_access(self, acting: Acting) -> AccessReview:
        """Enter that a party's liaison, for whom ``acting`` acts, has looked who has which roles and tokens.

        Raises:
            ForbiddenError: it is no active liaison.
        """
        with self._store.write() as connection:
            at = self._log.now(connection)
            scene = self._scene(connection, acting, at)
            user = scene.user
            if user is None:
                raise ForbiddenError("a party's own liaison reviews who has access", todo="name USER@PARTY")
            row = require_party(connection, self._environment, scene.parties[user.party].name)
            users = [
                one.user
                for one in parties.user_rows(connection, self._environment, row.party_id)
                if one.user.status is UserStatus.ACTIVE
            ]
            tokens = [
                one.token
                for one in parties.token_rows(connection, self._environment, row.party_id)
                if one.token.stands(at)
            ]
            review = AccessReview(
                party=user.party,
                by=user.name,
                at=at,
                digest=access_digest(users, tokens),
                users=len(users),
                tokens=len(tokens),
            )
            check_access_review(review, user)
            store.write_access_review(connection, self._environment, review)
            record = Record(
                kind="access.reviewed", at=at, acting=acting, concerns=(review.party,), data=review_data(review)
            )
            self._log.append(connection, [record])
        return review

    def due(self, within: Micros, party: str | None = None) -> list[Due]:
        """Return what has ended or ends within a time, of one party (its short name) or all, the most urgent first."""
        with self._store.read() as connection:
            now = self._log.now(connection)
            due = (one for one in self._dues(connection, now) if party in {None, one.party})
            found = [one for one in due if one.at <= now + within]
        return sorted(found, key=lambda one: (one.at, one.party, one.what))

    def ended(self) -> list[str]:
        """Return the parties, by short name, whose vetting has ended and that nobody suspended."""
        with self._store.read() as connection:
            return self._ended_in(connection)

    def suspend_ended(self, acting: Acting, mandate: Mandate, name: str) -> bool:
        """Suspend a party whose vetting has ended; returns whether it was: somebody may have done so, or vetted it.

        Raises:
            ForbiddenError: a body has the right, and this is not its mandate.
        """
        with self._store.write() as connection:
            if name not in self._ended_in(connection):
                return False
            self._parties.acts(connection, acting, mandate).suspend_party(name, ENDED)
            return True

    def sweep(self, acting: Acting, mandate: Mandate) -> Swept:
        """Suspend every party whose vetting has ended, each in a transaction of its own.

        What a body has to suspend, because the right is not the mandate's, is left and named.
        """
        suspended: list[str] = []
        left: list[str] = []
        for name in self.ended():
            try:
                if self.suspend_ended(acting, mandate, name):
                    suspended.append(name)
            except ForbiddenError:
                left.append(name)
        return Swept(suspended=tuple(suspended), left=tuple(left))

    def _ended_in(self, connection: Connection) -> list[str]:
        now = self._log.now(connection)
        hub = parties.read_hub(connection, self._environment)
        by_uri = self._by_uri(connection)
        return [
            by_uri[uri].name
            for uri, one in self._vettings(connection).items()
            if uri != hub and by_uri[uri].status is PartyStatus.VETTED and one.ends is not None and one.ends <= now
        ]

    def _vettings(self, connection: Connection) -> dict[str, Application]:
        """Return the last admission of each party."""
        return last_admissions(store.applications(connection, self._environment))

    def _dues(self, connection: Connection, now: Micros) -> Iterator[Due]:
        everyone = {uri: party for uri, party in self._by_uri(connection).items() if party.status is PartyStatus.VETTED}

        def due(kind: DueKind, party: Party, what: str, at: Micros) -> Due:
            return Due(kind=kind, party=party.name, what=what, at=at, overdue=at <= now)

        for uri, one in self._vettings(connection).items():
            if uri in everyone and one.ends is not None:
                yield due(DueKind.VETTING, everyone[uri], f"application {one.uuid}", one.ends)
                for paper in one.evidence:
                    if paper.until is not None:
                        yield due(DueKind.EVIDENCE, everyone[uri], paper.title, paper.until)
        reviews = store.access_reviews(connection, self._environment)
        for uri, party in everyone.items():
            if party.clearance_until is not None and party.clearance != CLEARANCES[0]:
                yield due(DueKind.FACILITY_CLEARANCE, party, party.clearance, party.clearance_until)
            last = reviews[uri].at if uri in reviews else None
            # who was never asked is asked now
            yield due(
                DueKind.ACCESS_REVIEW, party, "roles and tokens", now if last is None else last + ACCESS_REVIEW_EVERY
            )
        for row in parties.user_rows(connection, self._environment):
            user = row.user
            if user.status is UserStatus.ACTIVE and user.clearance_until is not None and user.party in everyone:
                what = f"{user.name}: {user.clearance}"
                yield due(DueKind.PERSONNEL_CLEARANCE, everyone[user.party], what, user.clearance_until)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _require(self, connection: Connection, uuid: str) -> Application:
        found = store.applications(connection, self._environment, uuid=uuid)
        if not found:
            raise NotFoundError("there is no such application", todo="`tocsin application list` shows them")
        return found[0]

    def _carry_on(
        self,
        connection: Connection,
        acting: Acting,
        act: ApplicationAct,
        before: Application,
        told: Application,
        *,
        mandate: Mandate | None = None,
    ) -> Application:
        at = self._log.now(connection)
        after = carried_on(before, act, told, self._scene(connection, acting, at))
        store.replace_application(connection, self._environment, after)
        self._record(connection, acting, act, after, at, mandate=mandate)
        return after

    def _record(
        self,
        connection: Connection,
        acting: Acting,
        act: ApplicationAct,
        after: Application,
        at: Micros,
        *,
        mandate: Mandate | None = None,
    ) -> None:
        record = Record(
            kind=f"application.{act}",
            at=at,
            acting=acting,
            mandate=mandate,
            concerns=(after.party,),
            data=act_data(act, after),
        )
        self._log.append(connection, [record])

    def _scene(self, connection: Connection, acting: Acting, at: Micros) -> Scene:
        party, user = require_subject(connection, self._environment, acting.on_behalf_of or acting.actor)
        return Scene(
            parties=self._by_uri(connection),
            user=None if user is None else user.user,
            actor_party=party.party.uri,
            at=at,
        )

    def _by_uri(self, connection: Connection) -> dict[str, Party]:
        return {row.party.uri: row.party for row in parties.party_rows(connection, self._environment)}
