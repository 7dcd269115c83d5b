"""Motions over ``/api/v1``: shown to the parties whose people sit in the body, opened and voted on by those people.

A ballot is signed where the voter's key is. The hub says what is signed (the motion's digest, and which ballot of the
voter's it is), takes the signature, and checks it: when it comes, and whenever the log is replayed.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.parts import MISSING, REFUSED, ROOT, SMALL, SPEAK, Thing, by_id, id_in
from tocsin.exchange.api.queries import Name, Said, Text
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.governance.model.bodies import Body, BodyKind, Side, rank_of
from tocsin.governance.model.motions import MAX_OPEN, MAX_UNUSED, Choice, MotionStatus, motion_digest
from tocsin.governance.model.tally import Tally
from tocsin.governance.model.votes import tally_of
from tocsin.kernel.clock import DAY, format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import MAX_URI, Principal, check_remark

if TYPE_CHECKING:
    from tocsin.governance.model.motions import Motion
    from tocsin.governance.service import Governance, Standing

__all__ = ["Services", "operations"]

# Base64 of the 64 bytes of Ed25519 (RFC 8032 §5.1.6), and of the 2,420 of ML-DSA-44 (FIPS 204, table 2), with room.
MAX_SIGNATURE: Final = 4_096
_NO_MOTION: Final = "there is no such motion, or none before a body in which your party has a seat"
_NO_BODY: Final = "there is no such body, or none in which your party has a seat"

# A document of the longest, each of its characters escaped as two or three.
_TABLED: Final = replace(SMALL, limit=3 * MAX_BYTES)

GoverningCall: TypeAlias = Call[Principal]

Signature = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SIGNATURE, description="Base64.")]
Document = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_BYTES, description="What exactly is decided: YAML 1.2, or JSON.")
]


class MotionsQuery(lists.ListQuery, frozen=True, kw_only=True):
    """Which motions."""

    body: Annotated[Name | None, msgspec.Meta(description="Before this body only.")] = None
    status: Annotated[list[MotionStatus], msgspec.Meta(max_length=len(MotionStatus), description="That stand so.")] = (
        msgspec.field(default_factory=list)
    )


class MotionAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to a body: whether ``right`` is used on ``subject``. Without a right it is a resolution.

    ``document`` is for rights that leave something open: the document of a body or charter, else names and values.
    """

    body: Name
    title: Text
    reasons: Text
    right: Right | None = None
    subject: Annotated[str, msgspec.Meta(max_length=MAX_URI)] = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=MAX_OPEN // DAY, description="From now to the deadline.")] = 14
    carry_out: Annotated[
        int, msgspec.Meta(ge=1, le=MAX_UNUSED // DAY, description="For how many days its mandate is good.")
    ] = 30
    document: Document | None = None


class BallotAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ballot, signed by the voter: ``number`` is the motion's ``next_ballot``."""

    seat: Name
    choice: Choice
    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    signature: Signature
    ml_dsa_signature: Signature | None = None
    reasons: Said = ""


class RecusalAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed statement that a seat has a conflict of interest: ``by`` is the seat of who says so."""

    seat: Name
    by: Name
    reasons: Text
    signature: Signature
    ml_dsa_signature: Signature | None = None


class WithdrawAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a motion is taken back."""

    reason: Said = ""


class SeatResource(msgspec.Struct, frozen=True, kw_only=True):
    """A seat: a party's, or a person's; its deputies in their order."""

    seat: str
    side: Side
    holder: str
    deputies: list[str]
    weight: int
    ends: str | None


class BodyResource(msgspec.Struct, frozen=True, kw_only=True):
    """A body in which your party has a seat, and the rights that it alone holds."""

    body: str
    kind: BodyKind
    title: str
    rights: list[str]
    seats: list[SeatResource]


class Bodies(msgspec.Struct, frozen=True, kw_only=True):
    """The bodies in which your party has a seat."""

    bodies: list[BodyResource]


class BallotResource(msgspec.Struct, frozen=True, kw_only=True):
    """A ballot that stands, with what it is verified by."""

    seat: str
    voter: str
    choice: Choice
    number: int
    reasons: str
    cast: str
    key: str
    signature: str
    ml_dsa_key: str | None
    ml_dsa_signature: str | None


class MotionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A motion, without its ballots. ``over``: it is open, and its vote is over; anybody of the body may close it."""

    motion: str
    body: str
    title: str
    status: MotionStatus
    right: str | None
    subject: str
    deadline: str
    good_until: str
    over: bool


class MotionResource(msgspec.Struct, frozen=True, kw_only=True):
    """A motion, whole.

    ``digest`` is what a ballot names; null until it is opened. ``your_seat`` and ``next_ballot`` are for who asks.
    ``agreement`` is the digest of the version that it is about. ``text`` is what exactly is decided, where the right
    leaves something open, and ``document`` its SHA-256, which stands in what a ballot signs.
    """

    motion: str
    body: str
    title: str
    reasons: str
    mover: str
    status: MotionStatus
    right: str | None
    subject: str
    agreement: str | None
    document: str | None
    text: str | None
    tabled: str
    deadline: str
    good_until: str
    over: bool
    digest: str | None
    your_seat: str | None
    next_ballot: int
    recused: list[str]
    tally: Tally | None
    ballots: list[BallotResource]


class Motions(msgspec.Struct, frozen=True, kw_only=True):
    """Motions, in the order in which they were tabled."""

    motions: list[MotionSummary]
    next: Next = None


_WHOLE: Final = Answer(says="The motion, as it stands.", type=MotionResource)


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    governance: Governance


class Governing:
    """The addresses of bodies and motions in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._governance = services.governance

    def bodies(self, call: GoverningCall) -> Reply:
        """Answer with the bodies in which the asker's party has a seat."""
        return reply(Bodies(bodies=[_body(one) for one in self._governance.bodies_of(call.principal.party_name)]))

    def motions(self, call: GoverningCall) -> Reply:
        """Answer with the motions before them."""
        asked, span = self._lists.asked(call, "motions", MotionsQuery)
        found = self._governance.motions_of(
            call.principal.party_name,
            span,
            keep=lambda one: asked.body in (None, one.body) and (not asked.status or one.status in asked.status),
        )
        told = [_summary(one) for one in found.items]
        return reply(Motions(motions=told, next=self._lists.next(call, "motions", found.last, asked)))

    def motion(self, call: GoverningCall) -> Reply:
        """Answer with one of them."""
        return self._told(call, self._standing(call).motion.uuid)

    def table(self, call: GoverningCall) -> Reply:
        """Lay a question before a body."""
        asked = read_body(call.body, MotionAsk)
        check_remark(asked.subject, "subject")
        if asked.body not in {one.name for one in self._governance.bodies_of(call.principal.party_name)}:
            raise NotFoundError(_NO_BODY)
        made = self._governance.table(
            Acting(actor=call.principal.id),
            asked.body,
            title=asked.title,
            reasons=asked.reasons,
            right=asked.right,
            subject=asked.subject,
            open_for=asked.days * DAY,
            unused_for=asked.carry_out * DAY,
            document=None if asked.document is None else asked.document.encode(),
        )
        return self._told(call, made.uuid, status=HTTPStatus.CREATED)

    def open(self, call: GoverningCall) -> Reply:
        """Open a motion."""
        motion = self._standing(call).motion
        self._governance.open(Acting(actor=call.principal.id), motion.uuid)
        return self._told(call, motion.uuid)

    def vote(self, call: GoverningCall) -> Reply:
        """Enter a ballot that the asker signed."""
        asked = read_body(call.body, BallotAsk)
        motion = self._standing(call).motion
        self._governance.vote(
            Acting(actor=call.principal.id),
            motion.uuid,
            seat=asked.seat,
            choice=asked.choice,
            number=asked.number,
            signature=asked.signature,
            ml_dsa_signature=asked.ml_dsa_signature,
            reasons=asked.reasons,
        )
        return self._told(call, motion.uuid)

    def recuse(self, call: GoverningCall) -> Reply:
        """Enter a recusal, or a demand for one, that the asker signed."""
        asked = read_body(call.body, RecusalAsk)
        motion = self._standing(call).motion
        self._governance.recuse(
            Acting(actor=call.principal.id),
            motion.uuid,
            seat=asked.seat,
            by=asked.by,
            reasons=asked.reasons,
            signature=asked.signature,
            ml_dsa_signature=asked.ml_dsa_signature,
        )
        return self._told(call, motion.uuid)

    def withdraw(self, call: GoverningCall) -> Reply:
        """Take a motion back that the asker moved."""
        asked = read_body(call.body, WithdrawAsk)
        motion = self._standing(call).motion
        self._governance.withdraw(Acting(actor=call.principal.id), motion.uuid, asked.reason)
        return self._told(call, motion.uuid)

    def close(self, call: GoverningCall) -> Reply:
        """Count a motion whose vote is over."""
        motion = self._standing(call).motion
        self._governance.close(Acting(actor=call.principal.id), motion.uuid)
        return self._told(call, motion.uuid)

    def _standing(self, call: GoverningCall) -> Standing:
        """Return the motion that a path names, if it concerns the asker's party.

        Raises:
            NotFoundError: there is none, or none that does: the same words for both.
        """
        uuid = id_in(call.path, "motion", _NO_MOTION)
        for one in self._governance.motions_of(call.principal.party_name, uuid=uuid).items:
            return one
        raise NotFoundError(_NO_MOTION)

    def _told(self, call: GoverningCall, uuid: str, *, status: HTTPStatus = HTTPStatus.OK) -> Reply:
        return reply(_motion(self._governance.motion(uuid), call.principal.id), status=status)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about bodies and motions."""
    does = Governing(services)
    path = f"{ROOT}/motions"
    return [
        Operation(
            id="bodies",
            tag="governance",
            method="GET",
            path=f"{ROOT}/bodies",
            does=Endpoint(access=SPEAK, run=does.bodies),
            summary="The bodies in which your party has a seat",
            answers={HTTPStatus.OK: Answer(says="All of them.", type=Bodies)},
        ),
        Operation(
            id="motions",
            tag="governance",
            method="GET",
            path=path,
            does=Endpoint(access=SPEAK, run=does.motions),
            summary="The motions before them",
            query=MotionsQuery,
            answers={HTTPStatus.OK: Answer(says="A page of them, without ballots.", type=Motions)},
        ),
        Operation(
            id="motion-table",
            tag="governance",
            method="POST",
            path=path,
            does=Endpoint(access=SPEAK, run=does.table, body=_TABLED),
            summary="Lay a question before a body in which you have a seat",
            takes=MotionAsk,
            answers={HTTPStatus.CREATED: Answer(says="The motion.", type=MotionResource)},
            problems=MISSING | REFUSED,
        ),
        *_of_one(does, f"{path}/{{motion}}"),
    ]


def _of_one(does: Governing, path: str) -> list[Operation[Principal]]:
    thing = Thing("governance", path, by_id("motion", "A motion's id."), _WHOLE)
    signed = "Signed on your side: docs/governance.md says over what. Your key stays where it is."
    return [
        Operation(
            id="motion",
            tag="governance",
            method="GET",
            path=path,
            does=Endpoint(access=SPEAK, run=does.motion),
            summary="One motion, with its ballots",
            parts=thing.parts,
            answers={HTTPStatus.OK: _WHOLE},
            problems=MISSING,
        ),
        thing.act("opening", does.open, "Open a motion: from now on the body votes"),
        thing.act("ballots", does.vote, "Cast a signed ballot", BallotAsk, says=signed),
        thing.act("recusals", does.recuse, "Declare or demand a recusal", RecusalAsk, says=signed),
        thing.act("withdrawal", does.withdraw, "Take back a motion", WithdrawAsk),
        thing.act("closing", does.close, "Count a motion whose vote is over"),
    ]


def _body(one: Body) -> BodyResource:
    return BodyResource(
        body=one.name,
        kind=one.kind,
        title=one.title,
        rights=[str(right) for right in one.rights],
        seats=[
            SeatResource(
                seat=seat.name,
                side=seat.side,
                holder=seat.holder,
                deputies=list(seat.deputies),
                weight=seat.weight,
                ends=instant(seat.ends),
            )
            for seat in one.seats
        ],
    )


def _summary(one: Standing) -> MotionSummary:
    motion = one.motion
    return MotionSummary(
        motion=motion.uuid,
        body=motion.body,
        title=motion.title,
        status=motion.status,
        right=None if motion.right is None else str(motion.right),
        subject=motion.subject,
        deadline=format_instant(motion.deadline),
        good_until=format_instant(motion.until),
        over=one.closable,
    )


def _motion(one: Standing, asker: str) -> MotionResource:
    motion = one.motion
    opened = motion.electorate is not None
    return MotionResource(
        **msgspec.structs.asdict(_summary(one)),
        reasons=motion.reasons,
        mover=motion.mover,
        agreement=None if motion.about is None else motion.about.digest,
        document=motion.document,
        text=None if isinstance(motion.text, msgspec.UnsetType) else motion.text,
        tabled=format_instant(motion.tabled_at),
        digest=motion_digest(motion).hex() if opened else None,
        your_seat=_seat(motion, asker),
        next_ballot=motion.counted.get(asker, 0) + 1,
        recused=sorted(one.recused),
        tally=motion.result or (tally_of(motion) if opened else None),
        ballots=[
            BallotResource(
                seat=ballot.seat,
                voter=ballot.voter,
                choice=ballot.choice,
                number=ballot.number,
                reasons=ballot.reasons,
                cast=format_instant(ballot.cast_at),
                key=ballot.key,
                signature=ballot.signature,
                ml_dsa_key=ballot.ml_dsa_key,
                ml_dsa_signature=ballot.ml_dsa_signature,
            )
            for ballot in motion.ballots
        ],
    )


def _seat(motion: Motion, asker: str) -> str | None:
    seats = () if motion.electorate is None else motion.electorate.seats
    return next((seat.name for seat in seats if rank_of(seat, asker) is not None), None)
