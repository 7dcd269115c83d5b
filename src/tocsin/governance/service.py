"""Governance: bodies, motions and the mandates that they mint; what upper floors call.

A method that takes ``acting`` owns its transaction: it is durable and logged when it returns. What an act needs and
makes stands in ``state``; the log asks for it when the act is entered, so that nothing is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ForbiddenError, InputError, LimitError
from tocsin.governance import store
from tocsin.governance.authority import StoredRegister
from tocsin.governance.course import require_usable
from tocsin.governance.model.bodies import Body, holder_of, parties_of, rank_of, withheld
from tocsin.governance.model.motions import Choice, Motion, MotionStatus
from tocsin.governance.model.votes import closable, hopeless, recused, tally_of
from tocsin.governance.motion_steps import about_of, as_if_open, require_may_table
from tocsin.governance.state import Scene
from tocsin.governance.tables import MOTIONS
from tocsin.governance.tabling import read_text, require_there
from tocsin.governance.wire import as_data
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.db.spans import EVERYTHING, stretch
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Mandate, MandateBasis, Right, founding_mandate
from tocsin.log.service import Record
from tocsin.parties.register import require_party

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

__all__ = ["MAX_PENDING", "OPEN_FOR", "UNUSED_FOR", "Governance", "Standing"]

# A council of two hundred has some motions a day; whoever tables more than this does not mean to decide them.
MAX_PENDING: Final = 1_000
OPEN_FOR: Final[Micros] = 14 * DAY
UNUSED_FOR: Final[Micros] = 30 * DAY


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A motion as it stands now: who takes no part, and whether its vote is over though nobody closed it.

    ``hopeless``: so many seats take no part, or would if it were opened now, that it can only fail for its quorum;
    ``out`` are those seats.
    """

    motion: Motion
    recused: frozenset[str]
    closable: bool
    hopeless: bool = False
    out: frozenset[str] = frozenset()


class Governance:
    """Bodies, motions and mandates of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = log.environment

    # --- mandates ----------------------------------------------------------------------------------------------------

    def founding(self) -> Mandate:
        """Return the founding mandate, which lacks what was given to bodies."""
        with self._store.read() as connection:
            return self.founding_in(connection)

    def founding_in(self, connection: Connection) -> Mandate:
        """Return the founding mandate as of the caller's snapshot."""
        bodies = store.load(connection, self._environment).bodies
        lacks = withheld(bodies, self._log.now(connection)) if bodies else frozenset()
        return founding_mandate(self._log.environment_name, withheld=lacks)

    def mandate(self, connection: Connection, right: Right, subject: str, motion: str | None = None) -> Mandate:
        """Return the mandate for one act: that of a passed motion (its UUID), else the founding one.

        Raises:
            NotFoundError: there is no such motion.
            ForbiddenError: the right is a body's and no motion is named, or the motion's mandate is not good for this.
        """
        if motion is None:
            mandate = self.founding_in(connection)
        else:
            governed = store.load(connection, self._environment, uuids=[motion])
            found = governed.motion(motion)
            require_usable(governed, found, (right, subject), self._log.now(connection))
            mandate = self._minted(found)
        mandate.require(self._log.environment_name, right, subject)
        return mandate

    def granted(self, motion: str | None) -> Mandate:
        """Return what a person names on a command: a motion's mandate by its UUID, else the founding one.

        Whether it is good for what follows, the act asks and the log asks again.

        Raises:
            NotFoundError: there is no such motion.
        """
        if motion is None:
            return self.founding()
        return self._minted(self.motion(motion).motion)

    def _minted(self, motion: Motion) -> Mandate:
        if motion.right is None:
            raise InputError("this motion grants no right", where=motion.uuid, todo="name one that does")
        return Mandate(
            basis=MandateBasis.MOTION,
            environment=self._log.environment_name,
            reference=motion.uuid,
            right=motion.right,
            subject=motion.subject,
        )

    def holder(self, connection: Connection, right: Right, subject: str) -> str | None:
        """Return the name of the body that holds a right over a subject; None: it is the founding body's."""
        return holder_of(store.load(connection, self._environment).bodies, right, subject, self._log.now(connection))

    # --- bodies ------------------------------------------------------------------------------------------------------

    def constitute(self, acting: Acting, mandate: Mandate, body: Body) -> Body:
        """Make a body; the rights that it is given are nobody else's from now on.

        Raises:
            ForbiddenError: the mandate is not for this. ConflictError: there is, or was, one of this name.
            InputError: people are missing, or a right is another body's.
        """
        mandate.require(self._log.environment_name, Right.BODY_CONSTITUTE, body.name)
        return self._put(acting, mandate, "body.constituted", body, "")

    def change(self, acting: Acting, mandate: Mandate, body: Body, reason: str) -> Body:
        """Put other seats, rights or rules in the place of a body's; motions that are open keep those they began with.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is no such body.
            InputError: people are missing, or a right is another body's.
        """
        mandate.require(self._log.environment_name, Right.BODY_CHANGE, body.name)
        return self._put(acting, mandate, "body.changed", body, reason)

    def _put(self, acting: Acting, mandate: Mandate, kind: str, body: Body, reason: str) -> Body:
        data: dict[str, object] = {"body": as_data(body), "reason": reason}
        with self._store.write() as connection:
            self._enter(connection, acting, kind, data, concerns=self._concerned(connection, body), mandate=mandate)
        return body

    def dissolve(self, acting: Acting, mandate: Mandate, name: str, reason: str) -> Body:
        """Dissolve a body: its pending motions lapse, and its rights are the founding body's again.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is no such body.
        """
        mandate.require(self._log.environment_name, Right.BODY_DISSOLVE, name)
        with self._store.write() as connection:
            body = store.load(connection, self._environment).body(name)
            concerned = self._concerned(connection, body)
            data: dict[str, object] = {"body": name, "reason": reason}
            self._enter(connection, acting, "body.dissolved", data, concerns=concerned, mandate=mandate)
        return body

    def bodies(self) -> list[Body]:
        """Return the bodies that there are, in the order in which they were constituted."""
        with self._store.read() as connection:
            return list(store.load(connection, self._environment).bodies.values())

    def body(self, name: str) -> Body:
        """Return a body.

        Raises:
            NotFoundError: there is none of this name.
        """
        with self._store.read() as connection:
            return store.load(connection, self._environment).body(name)

    # --- motions -----------------------------------------------------------------------------------------------------

    def table(
        self,
        acting: Acting,
        body: str,
        *,
        title: str,
        reasons: str,
        right: Right | None = None,
        subject: str = "",
        open_for: Micros = OPEN_FOR,
        unused_for: Micros = UNUSED_FOR,
        document: bytes | None = None,
        where: str = "document",
    ) -> Motion:
        """Lay a question before a body: whether ``right`` is used on ``subject``; without a right, a resolution.

        ``open_for`` is the time from now to the deadline, ``unused_for`` that from there to the mandate's end. A motion
        on an agreement names the digest of the version that it is about. ``document`` says what exactly is decided,
        where the right leaves something open (``privileged.TAKES_TEXT``), and is read as ``tabling.read_text`` does;
        ``where`` is its name in errors.

        Raises:
            NotFoundError: there is no such body, or no such party as the right would be used on.
            ForbiddenError: the body does not hold the right, or the mover has no seat in it.
            InputError: title, reasons or the document are missing, or wrong; or a time is too long.
            AgreementError: the document breaks rules; each fault with its place.
            LimitError: too many motions are pending, or the document is too large.
        """
        with self._store.write() as connection:
            if store.count_pending(connection, self._environment) >= MAX_PENDING:
                raise LimitError(
                    f"{MAX_PENDING} motions are pending", todo="close, withdraw or carry out those that are"
                )
            at, uuid = self._log.now(connection), new_uuid(self._entropy)
            register = StoredRegister(connection, self._environment)
            about = about_of(right, subject, register)
            data: dict[str, object] = {
                "motion": uuid,
                "body": body,
                "title": title,
                "reasons": reasons,
                "deadline": at + open_for,
                "until": at + open_for + unused_for,
                "right": None if right is None else str(right),
                "subject": subject,
                "about": None if about is None else as_data(about),
            }
            governed = store.load(connection, self._environment, uuids=[subject])
            found = governed.body(body)
            # first: the text tells how a person or party stands now, and a refusal whether there is one
            require_may_table(governed, found, right, subject, Scene(at=at, acting=acting, register=register))
            require_there(right, subject, register)
            if document is not None:
                if right is None:
                    raise InputError("a resolution takes no document", where=where, todo="name the right")
                data["text"] = read_text(right, subject, document, register, where=where)
            self._enter(connection, acting, "motion.tabled", data, concerns=self._concerned(connection, found))
            return self._motion(connection, uuid)

    def open(self, acting: Acting, uuid: str) -> Motion:
        """Open a motion: from now on the body as it is now votes on it.

        Raises:
            NotFoundError: there is no such motion. TransitionError: it is not tabled, or its deadline has passed.
            ForbiddenError: who opens it has no seat in the body.
        """
        return self._step(acting, "motion.opened", uuid, {})

    def vote(
        self,
        acting: Acting,
        uuid: str,
        *,
        seat: str,
        choice: Choice,
        number: int,
        signature: str,
        ml_dsa_signature: str | None = None,
        reasons: str = "",
    ) -> Motion:
        """Enter a ballot that the actor signed; with the last one that is missing the motion is closed.

        Args:
            acting: the voter, or who enters it visibly for the voter.
            uuid: of the motion.
            seat: for which they vote.
            choice: yes, no or abstain.
            number: which ballot of this voter on this motion it is, from 1.
            signature: base64 of Ed25519 over ``wire.ballot_bytes``.
            ml_dsa_signature: likewise of ML-DSA-44, if such a key is registered for the voter.
            reasons: in the voter's own words.

        Raises:
            NotFoundError: there is no such motion.
            ForbiddenError: the voter does not speak for the seat, it is recused, or the signature is not theirs.
            ConflictError: the seat-holder voted already, and this is a deputy; or the number is another.
            TransitionError: the motion is not open.
        """
        data: dict[str, object] = {"seat": seat, "choice": str(choice), "number": number, "reasons": reasons}
        signed = self._signed(acting, signature, ml_dsa_signature)
        return self._step(acting, "motion.voted", uuid, data | signed)

    def recuse(
        self,
        acting: Acting,
        uuid: str,
        *,
        seat: str,
        by: str,
        reasons: str,
        signature: str,
        ml_dsa_signature: str | None = None,
    ) -> Motion:
        """Declare that one's own seat (``by`` is ``seat``) has a conflict of interest, or demand it of another's.

        A demand takes effect when more than half of the seats that take part made it. A recused seat counts as absent,
        whatever it said before. Only the seat-holder declares, and no deputy. Errors as ``vote``.
        """
        data: dict[str, object] = {"seat": seat, "by": by, "reasons": reasons}
        data |= self._signed(acting, signature, ml_dsa_signature)
        with self._store.write() as connection:
            if seat == by:
                _require_holds(self._motion(connection, uuid), seat, str(data["voter"]))
            return self._step_in(connection, acting, "motion.recused", uuid, data)

    def withdraw(self, acting: Acting, uuid: str, reason: str = "") -> Motion:
        """Take a motion back that the actor moved.

        Raises:
            NotFoundError, TransitionError: as ``open``. ForbiddenError: somebody else moved it.
        """
        return self._step(acting, "motion.withdrawn", uuid, {"reason": reason})

    def close(self, acting: Acting, uuid: str) -> Motion:
        """Count a motion whose vote is over; anybody may.

        Raises:
            NotFoundError: there is no such motion.
            TransitionError: it is not open, or seats are missing and its deadline has not come.
        """
        with self._store.write() as connection:
            self._close(connection, acting, self._motion(connection, uuid))
            return self._motion(connection, uuid)

    def due(self) -> list[str]:
        """Return the motions, by UUID, whose vote is over and was not closed, or whose time has run out."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            pending = store.motions(connection, self._environment, MOTIONS.c.status.in_(store.PENDING))
            return [motion.uuid for motion in pending if _over(motion, at)]

    def close_if_due(self, acting: Acting, uuid: str) -> Motion | None:
        """Close a motion whose vote is over, or end one whose time has run out; None: somebody did so before.

        Raises:
            NotFoundError: there is no such motion.
        """
        with self._store.write() as connection:
            motion = self._motion(connection, uuid)
            if not _over(motion, self._log.now(connection)):
                return None
            if motion.status is MotionStatus.OPEN:
                self._close(connection, acting, motion)
            else:
                data: dict[str, object] = {"motion": uuid}
                self._enter(connection, acting, "motion.expired", data, concerns=self._of_motion(connection, motion))
            return self._motion(connection, uuid)

    def close_due(self, acting: Acting) -> list[Motion]:
        """Close every motion whose vote is over, and end those whose time has run out; returns them."""
        changed = [self.close_if_due(acting, uuid) for uuid in self.due()]
        return [motion for motion in changed if motion is not None]

    def motions(self, *, body: str | None = None) -> list[Motion]:
        """Return the motions of a body, or all, in the order in which they were tabled."""
        with self._store.read() as connection:
            wanted = () if body is None else (MOTIONS.c.body == body,)
            return store.motions(connection, self._environment, *wanted)

    def motion(self, uuid: str) -> Standing:
        """Return a motion as it stands.

        Raises:
            NotFoundError: there is none of this id.
        """
        with self._store.read() as connection:
            return self.motion_in(connection, uuid)

    def motion_in(self, connection: Connection, uuid: str) -> Standing:
        """Return a motion as it stands in the caller's snapshot; errors as ``motion``."""
        motion = self._motion(connection, uuid)
        at = self._log.now(connection)
        over = motion.status is MotionStatus.OPEN and closable(motion, at)
        governed = store.load(connection, self._environment, uuids=[motion.subject])
        register = StoredRegister(connection, self._environment)
        opened = as_if_open(governed, motion, at, register)
        return Standing(
            motion=motion,
            recused=recused(motion),
            closable=over,
            hopeless=hopeless(opened),
            out=recused(opened),
        )

    def bodies_of(self, party: str) -> list[Body]:
        """Return the bodies in which a party (by its short name) has people, in the order of their constitution."""
        return [body for body in self.bodies() if party in parties_of(body)]

    def motions_of(
        self,
        party: str,
        span: Span = EVERYTHING,
        *,
        uuid: str | None = None,
        keep: Callable[[Motion], bool] = lambda _: True,
    ) -> Stretch[Standing]:
        """Return a span of the motions that are kept and concern a party, by its short name, the first first; or one.

        They do as their entries in the log do: they are before a body in which it has people, or had some when the
        motion was opened.
        """
        with self._store.read() as connection:
            at = self._log.now(connection)
            governed = store.load(connection, self._environment)
            all_bodies = {**governed.dissolved, **governed.bodies}
            seated = {name for name, body in all_bodies.items() if party in parties_of(body)}
            wanted = () if uuid is None else (MOTIONS.c.uuid == uuid,)

            def concerns(motion: Motion) -> bool:
                electorate = motion.electorate
                return motion.body in seated or (electorate is not None and party in parties_of(electorate))

            rows = store.numbered_motions(connection, self._environment, *wanted, after=span.after)
            found = stretch(((number, motion) for number, motion in rows if keep(motion) and concerns(motion)), span)
        return found.map(
            lambda motion: Standing(
                motion=motion,
                recused=recused(motion),
                closable=motion.status is MotionStatus.OPEN and closable(motion, at),
            )
        )

    def seat_of(self, uuid: str, person: str) -> str:
        """Return the seat for which a person can speak on an open motion.

        Raises:
            NotFoundError: there is no such motion. InputError: they speak for none.
        """
        motion = self.motion(uuid).motion
        seats = motion.electorate.seats if motion.electorate is not None else ()
        for seat in seats:
            if rank_of(seat, person) is not None:
                return seat.name
        raise InputError(
            f"{person} speaks for no seat on this motion", where=uuid, todo="`tocsin motion show` names who"
        )

    # --- common ------------------------------------------------------------------------------------------------------

    def _signed(self, acting: Acting, signature: str, ml_dsa_signature: str | None) -> dict[str, object]:
        """Return who signs, with which registered keys, and the signatures; the second only where there is any."""
        voter = acting.on_behalf_of or acting.actor
        with self._store.read() as connection:
            user = StoredRegister(connection, self._environment).user(voter)
        key, second = ("", None) if user is None else (user.signing_key or "", user.ml_dsa_key)
        data: dict[str, object] = {"voter": voter, "key": key, "signature": signature}
        beside = {"ml_dsa_key": second, "ml_dsa_signature": ml_dsa_signature}
        return data | {name: value for name, value in beside.items() if value is not None}

    def _step(self, acting: Acting, kind: str, uuid: str, data: dict[str, object]) -> Motion:
        with self._store.write() as connection:
            return self._step_in(connection, acting, kind, uuid, data)

    def _step_in(self, connection: Connection, acting: Acting, kind: str, uuid: str, data: dict[str, object]) -> Motion:
        motion = self._motion(connection, uuid)
        self._enter(connection, acting, kind, {"motion": uuid} | data, concerns=self._of_motion(connection, motion))
        after = self._motion(connection, uuid)
        if after.status is MotionStatus.OPEN and closable(after, self._log.now(connection)):
            self._close(connection, acting, after)
            after = self._motion(connection, uuid)
        return after

    def _close(self, connection: Connection, acting: Acting, motion: Motion) -> None:
        data: dict[str, object] = {"motion": motion.uuid, "result": as_data(tally_of(motion))}
        self._enter(connection, acting, "motion.closed", data, concerns=self._of_motion(connection, motion))

    def _motion(self, connection: Connection, uuid: str) -> Motion:
        return store.load(connection, self._environment, uuids=[uuid]).motion(uuid)

    def _of_motion(self, connection: Connection, motion: Motion) -> tuple[str, ...]:
        governed = store.load(connection, self._environment)
        body = governed.bodies.get(motion.body) or governed.dissolved.get(motion.body)
        return () if body is None else self._concerned(connection, body)

    def _concerned(self, connection: Connection, body: Body) -> tuple[str, ...]:
        return tuple(sorted(require_party(connection, self._environment, name).party.uri for name in parties_of(body)))

    def _enter(
        self,
        connection: Connection,
        acting: Acting,
        kind: str,
        data: dict[str, object],
        *,
        concerns: tuple[str, ...],
        mandate: Mandate | None = None,
    ) -> None:
        at = self._log.now(connection)
        record = Record(kind=kind, at=at, acting=acting, mandate=mandate, data=data, concerns=concerns)
        self._log.append(connection, [record])


def _require_holds(motion: Motion, seat: str, person: str) -> None:
    """Refuse a deputy who declares a conflict for the seat: it would strike out what its holder said, for good.

    Asked here and not in the entry's step: logs from before tell of deputies who did, and count as they did then.
    Whoever does not speak for the seat at all, the step refuses.
    """
    found = None if motion.electorate is None else motion.electorate.seat(seat)
    if found is not None and rank_of(found, person):
        raise ForbiddenError(
            f"{found.holder} declares for the seat {seat}, and no deputy",
            where=motion.uuid,
            todo="whose own the conflict is does not vote",
        )


def _over(motion: Motion, at: Micros) -> bool:
    """Return whether nothing but a close, or the note that its time has run out, is to come of a motion."""
    match motion.status:
        case MotionStatus.OPEN:
            return closable(motion, at)
        case MotionStatus.TABLED:
            return at >= motion.deadline
        case MotionStatus.PASSED:
            return at >= motion.until
        case _:
            return False
