"""An agreement with an emergency annex, and what tests do with it: call, activate, answer, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from support.agreement_texts import PLAIN
from support.council import DEPUTIES, constitute, council, signatory
from support.council import decide as decide_
from support.hub import OPERATOR, START, World, key_of
from tocsin.agreements.annexes.model import MAX_SHIFT, Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import Signed, sign_bytes
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.ground import turns_at
from tocsin.agreements.model import Label, Tlp
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.agreements.annexes.model import Activation
    from tocsin.agreements.annexes.views import AnnexView
    from tocsin.log.model import EntryPayload

HOUR: Final = 3_600 * 1_000_000

ANNEX: Final = """\
  - id: "9"
    emergency: flood
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: respond
    rests_on: [law]
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT6H}
    afterwards: {new_releases: stop, keep: [indicator]}
"""

TEXT: Final = (
    PLAIN.replace("until: 2027-01-01", "until: null").replace(
        'SE: {cite: "Act 2", valid: [2026-01-15, 2026-06-01]}', 'SE: {cite: "Act 2", valid: [2026-01-15, null]}'
    )
    + ANNEX
)

SAME_AGAIN: Final = TEXT + ANNEX.replace('id: "9"', 'id: "10"').replace("flood", "flood-too")

ALL: Final = ("alfa", "bravo", "coast", "delta")


def uri(name: str) -> str:
    return f"https://{name}.example"


def call(
    world: World,
    name: str,
    annex: str = "flood",
    *,
    asked: Asked = Asked.ACTIVATE,
    said_at: int | None = None,
    key: str | None = None,
    made: Signed | None = None,
    version: int = 1,
    hub: str = "https://hub.example",
) -> tuple[Activation, ...]:
    said = world.clock.now() if said_at is None else said_at
    document = world.hub.agreements.get("two-towns", version).document
    data = call_bytes(
        document, annex=annex, asked=asked, hub=hub, party=uri(name), user="sig", said_at=said, reason="water"
    )
    signed = made or sign_bytes(data, key_of(key or name))
    with world.hub.agreements.emergency(Acting(actor=f"sig@{name}")) as acts:
        return acts.call(
            "two-towns",
            version,
            annex,
            caller=f"sig@{name}",
            asked=asked,
            said_at=said,
            made=signed,
            reason="water",
        )


def act(world: World, verb: str, annex: str = "flood", version: int = 1) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(world.hub.mandate, "two-towns", version, annex, "because")


def annex(world: World) -> AnnexView:
    return next(one for one in world.hub.agreements.annexes() if one.annex == "flood")


def opened(world: World) -> tuple[Activation, ...]:
    world.clock.advance(1)
    assert call(world, "alfa") == ()
    world.clock.advance(1)
    made = call(world, "bravo")
    assert len(made) == 1
    return made


def reads(world: World, reader: str = "coast", owner: str = "alfa", **more: object) -> bool:
    """Return whether a party's service may read an indicator of another's to respond; only the annex lets it."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        facts = world.hub.agreements.facts(connection, at)
    profile = profile_of(facts.parties[uri(reader)], None, "respond", at)
    label = Label(owner=uri(owner), type="indicator", **({"tlp": Tlp.GREEN} | more))  # type: ignore[arg-type]
    (verdict,) = decide(slice_for(profile, facts), profile, [label])
    return verdict.allows


def turns(world: World) -> int | None:
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        return turns_at(uri("coast"), world.hub.agreements.facts(connection, at))


def of_before(entries: list[EntryPayload]) -> list[EntryPayload]:
    """Return a log as hubs of earlier versions wrote it: who closed a review is not in it, nor who may renew."""
    told = []
    for one in entries:
        data = {name: value for name, value in one.data.items() if name != "renewed_by"}
        if "activations" in data:
            data["activations"] = [
                {name: value for name, value in each.items() if name != "reviewed_by"} for each in data["activations"]
            ]
        told.append(msgspec.structs.replace(one, data=data))
    return told


def seated(world: World) -> None:
    for reference in DEPUTIES:
        signatory(world, reference)


def answer(world: World, verb: str) -> None:
    """Let a motion of the council that the agreement names act on the annex; it is constituted where there is none."""
    if not any(one.name == "crisis-council" for one in world.hub.governance.bodies()):
        seated(world)
        constitute(world, council([Right.ANNEX_ACTIVATE, Right.ANNEX_REVIEW], name="crisis-council"))
    right = Right.ANNEX_REVIEW if verb == "review" else Right.ANNEX_ACTIVATE
    by_motion(world, decide_(world, right, "two-towns/1#flood", body="crisis-council").uuid, verb, right=right)


def by_motion(world: World, motion: str, verb: str = "activate", *, right: Right = Right.ANNEX_ACTIVATE) -> None:
    with world.hub.store.read() as connection:
        mandate = world.hub.governance.mandate(connection, right, "two-towns/1#flood", motion)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(mandate, "two-towns", 1, "flood", "because")


def founded(folder: Path) -> Path:
    """Found a hub with the agreement of the flood, everybody on duty, in ``folder``; return the folder, closed."""
    world = World(folder)
    for name in ALL:
        world.party(name, kind=Kind.PUBLIC if name in ("alfa", "delta") else Kind.PRIVATE)
    world.agreement(SAME_AGAIN, signed_by=ALL)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for name in ALL:
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=START, until=START + MAX_SHIFT)
    world.hub.close()
    return folder
