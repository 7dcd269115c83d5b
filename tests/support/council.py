"""A council with the rights that a test gives it, and short ways to table, open and vote."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec

from support.hub import OPERATOR, World, key_of
from tocsin.agreements.document import public_key_of, sign_bytes
from tocsin.governance.model.bodies import Body, BodyKind, Rule, Seat, Side
from tocsin.governance.model.motions import Choice, Motion
from tocsin.governance.texts import body_terms
from tocsin.governance.wire import as_data, ballot_bytes, recusal_bytes
from tocsin.kernel.mandate import Right
from tocsin.parties.model import Role, User

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "DEPUTIES",
    "HALF",
    "SEATS",
    "constitute",
    "council",
    "decide",
    "motion_on",
    "recuse",
    "seated",
    "signatory",
    "suspend",
    "vote",
    "written",
]

HALF: Final = Rule(quorum="1/2", more_than="1/2")
# alfa's seat is the party's, the others are a person's each; bravo's has a deputy of its own, coast's two
SEATS: Final = (
    Seat(name="north", side=Side.PRIVATE, holder="alfa"),
    Seat(name="east", side=Side.PRIVATE, holder="sig@bravo", deputies=("dep@bravo",)),
    Seat(name="south", side=Side.PUBLIC, holder="sig@coast", deputies=("dep@coast", "two@coast")),
)
DEPUTIES: Final = ("dep@bravo", "dep@coast", "two@coast")


def signatory(world: World, reference: str) -> None:
    """Add a person who signs, with a key derived from the reference."""
    name, _, party = reference.partition("@")
    uri = world.hub.parties.get(party).uri
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.add_user(User(name=name, party=uri, roles=frozenset({Role.SIGNATORY})))
        acts.register_signing_key(reference, public_key_of(key_of(reference)))


def council(
    rights: Iterable[Right] = (),
    *,
    name: str = "council",
    seats: tuple[Seat, ...] = SEATS,
    rule: Rule = HALF,
    chair: str | None = None,
) -> Body:
    """Return a body."""
    return Body(
        name=name,
        kind=BodyKind.COORDINATING,
        title="The council",
        seats=seats,
        rule=rule,
        rights=tuple(sorted(rights)),
        chair=chair,
    )


def seated(folder: Path) -> Path:
    """Make a hub of four parties, whose council may suspend them and activate agreements; returns where it is."""
    world = World(folder)
    for name in ("alfa", "bravo", "coast", "delta"):
        world.party(name)
    for reference in DEPUTIES:
        signatory(world, reference)
    world.user("ana@alfa")
    constitute(world, council([Right.PARTY_SUSPEND, Right.AGREEMENT_ACTIVATE]))
    world.hub.close()
    return folder


def suspend(world: World, motion: str | None) -> None:
    """Suspend delta under a motion's mandate, or the founding one."""
    world.hub.parties.suspend_party(OPERATOR, world.hub.governance.granted(motion), "delta", "decided")


def written(body: Body) -> str:
    """Return the document of a body, as somebody would write it: of shares that a decimal can tell."""
    told = body_terms({"body": as_data(body)})
    rule: dict[str, Any] = msgspec.to_builtins(body.rule)
    shares = {name: float(Fraction(rule[name])) for name in ("quorum", "more_than") if rule[name] is not None}
    if body.rule.dual:
        shares["more_than"] = {side: float(Fraction(rule[side])) for side in ("public", "private")}  # type: ignore[assignment]
    return msgspec.json.encode(
        {**told, "decides": {name: rule[name] for name in ("abstentions", "ties", "closes")} | shares}
    ).decode()


def constitute(world: World, body: Body) -> Body:
    """Make a body under the founding mandate."""
    return world.hub.governance.constitute(OPERATOR, world.hub.mandate, body)


def key(reference: str) -> bytes:
    """Return the signing key of a person: of ``sig@party`` the one that ``World.party`` registered."""
    name, _, party = reference.partition("@")
    return key_of(party if name == "sig" else reference)


def motion_on(
    world: World,
    right: Right | None,
    subject: str = "",
    *,
    body: str = "council",
    opened: bool = True,
    document: str | None = None,
) -> Motion:
    """Table a motion as the operator, and open it; ``document`` says what exactly is decided, where that is open."""
    governance = world.hub.governance
    motion = governance.table(
        OPERATOR,
        body,
        title="A question",
        reasons="It must be asked",
        right=right,
        subject=subject,
        document=None if document is None else document.encode(),
    )
    return governance.open(OPERATOR, motion.uuid) if opened else motion


def vote(
    world: World,
    motion: Motion,
    voter: str,
    choice: str = "yes",
    *,
    seat: str | None = None,
    number: int | None = None,
    signed_by: str | None = None,
    reasons: str = "",
) -> Motion:
    """Sign a ballot and enter it."""
    governance = world.hub.governance
    motion = governance.motion(motion.uuid).motion
    seat = governance.seat_of(motion.uuid, voter) if seat is None else seat
    number = motion.counted.get(voter, 0) + 1 if number is None else number
    message = ballot_bytes(motion, seat=seat, voter=voter, choice=choice, number=number, reasons=reasons)
    return governance.vote(
        OPERATOR.for_(voter),
        motion.uuid,
        seat=seat,
        choice=Choice(choice),
        number=number,
        signature=sign_bytes(message, key(signed_by or voter)).signature,
        reasons=reasons,
    )


def recuse(
    world: World, motion: Motion, seat: str, voter: str, *, by: str | None = None, reasons: str = "owns it"
) -> Motion:
    """Sign a recusal and enter it: of the voter's own seat, or of another's."""
    governance = world.hub.governance
    motion = governance.motion(motion.uuid).motion
    by = governance.seat_of(motion.uuid, voter)
    message = recusal_bytes(motion, seat=seat, by=by, voter=voter, reasons=reasons)
    return governance.recuse(
        OPERATOR.for_(voter),
        motion.uuid,
        seat=seat,
        by=by,
        reasons=reasons,
        signature=sign_bytes(message, key(voter)).signature,
    )


def decide(
    world: World, right: Right | None, subject: str = "", *, body: str = "council", document: str | None = None
) -> Motion:
    """Table, open and pass a motion: everybody says yes."""
    motion = motion_on(world, right, subject, body=body, document=document)
    for voter in ("sig@alfa", "sig@bravo", "sig@coast"):
        motion = vote(world, motion, voter)
    return motion
