"""The field that traps are laid in: one agreement whose every clause can end otherwise, and who ends what.

alfa (public) owns what is shared; bravo and coast (private) read it. Of each type there is one clause, and several
objects in turn, so that wherever a walk is interrupted some of each type are still to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from support.council import DEPUTIES, signatory
from support.hub import OPERATOR, START, World, key_of
from support.sharing import CREATED, bundle, object_id, stamp
from tocsin.agreements.annexes.model import MAX_SHIFT, Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import sign_bytes
from tocsin.exchange.access.granting import Terms
from tocsin.kernel.clock import DAY, SECOND, Micros, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.agreements.annexes.model import Activation
    from tocsin.exchange.access.granting import Given

__all__ = [
    "ALL",
    "BASIS_ENDS",
    "CLEARANCE_ENDS",
    "FIELD",
    "FORBIDS",
    "HOUR",
    "KEEPING",
    "KINDS",
    "ROUNDS",
    "annex",
    "call",
    "found_field",
    "grant",
    "ids",
    "lay",
    "seen",
    "thing",
    "uri",
]

HOUR: Final[Micros] = 3_600 * SECOND
ALL: Final = ("alfa", "bravo", "coast")
BASIS_ENDS: Final = parse_instant("2026-06-02T00:00:00Z")
CLEARANCE_ENDS: Final = parse_instant("2026-06-03T00:00:00Z")
# how many objects of each type there are
ROUNDS: Final = 3
KINDS: Final = ("indicator", "malware", "tool", "campaign")

FIELD: Final = """\
agreement: field
version: 1
title: What the traps are laid in
in_force: {from: 2026-01-01, until: 2027-06-01}
parties: [{name: alfa}, {name: bravo}, {all: {capacity: operator}}]
legal_bases:
  statute:
    NO: {cite: "an act, section 1", valid: [2026-01-01, 2026-06-02]}
purposes: [detect, respond]
clauses:
  - {id: "1", permit: read, to: {parties: all}, of: {type: [indicator]}, for: [detect], rests_on: [statute]}
  - {id: "2", permit: read, to: {clearance: restricted}, of: {type: [malware]}, for: [detect]}
  - {id: "3", permit: read, to: {parties: all}, of: {type: [tool]}, for: [detect]}
  - {id: "4", forbid: read, of: {category: trade-matter}}
  - id: "9"
    emergency: flood
    permit: read
    to: {parties: all}
    of: {type: [campaign]}
    for: [detect]
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT12H}
amend_by: {more_than: 0.5, objection_period: P10D}
withdrawal: {notice: P30D, survives: ["4"]}
"""
FORBIDS: Final = """\
agreement: ban
version: 1
title: What alfa takes back from bravo
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect]
clauses:
  - {id: "1", forbid: read, of: {type: [tool]}}
"""
# tools go a day after they were shared
KEEPING: Final = """\
agreement: keeping
version: 1
title: How long
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect]
clauses:
  - {id: "1", retain: {for: P1D, then: purge}, of: {type: [tool]}}
"""
_MORE: Final[dict[str, dict[str, Any]]] = {
    "indicator": {
        "pattern": "[ipv4-addr:value = '198.51.100.1']",
        "pattern_type": "stix",
        "valid_from": stamp(CREATED),
    },
    "malware": {"name": "wiper", "is_family": False},
    "tool": {"name": "wrench"},
    "campaign": {"name": "winter"},
}


def uri(name: str) -> str:
    """Return the URI of a party."""
    return f"https://{name}.example"


def thing(kind: str, number: int, **says: object) -> dict[str, Any]:
    """Return an object of one of ``KINDS``."""
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": object_id(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
    }
    return made | _MORE[kind] | says


def found_field(home: Path) -> World:
    """Return a hub with the agreement in force, everybody on duty, and alfa's objects of each type in turn."""
    world = World(home)
    for name in ALL:
        world.party(
            name,
            kind=Kind.PUBLIC if name == "alfa" else Kind.PRIVATE,
            until=CLEARANCE_ENDS if name == "bravo" else None,
        )
    world.party("outsider", capacities=frozenset({"researcher"}))
    for reference in DEPUTIES:
        signatory(world, reference)
    world.agreement(FIELD, signed_by=ALL)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for name in ALL:
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=START, until=START + MAX_SHIFT)
    lay(world)
    return world


def lay(world: World, first: int = 0) -> None:
    """Let alfa share objects of each type in turn, each by itself: in one submission, chance mixes them."""
    for number in range(first, first + ROUNDS):
        for kind in KINDS:
            world.share("alfa", bundle([thing(kind, number)]))


def ids(*kinds: str, first: int = 0) -> list[str]:
    """Return the ids of what alfa shared of these types, in the order in which it did."""
    return [object_id(kind, number) for number in range(first, first + ROUNDS) for kind in KINDS if kind in kinds]


def seen(world: World, reader: str = "bravo") -> set[str]:
    """Return the types that a reader gets now; what it gets is in the log at once."""
    found = {msgspec.json.decode(body)["type"] for _, body in world.read(reader)}
    world.hub.integrator.integrate()
    return found


def annex(world: World, verb: str, name: str = "flood", version: int = 1) -> None:
    """Activate, ratify, end or review an annex of the agreement, as the operator."""
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(world.hub.mandate, "field", version, name, "a test")


def call(
    world: World, name: str, *, user: str = "sig", asked: Asked = Asked.ACTIVATE, key: str | None = None
) -> tuple[Activation, ...]:
    """Let somebody of a party call for the annex, a moment later, with a key of theirs; returns what that activated."""
    world.clock.advance(1)
    said, caller = world.clock.now(), f"{user}@{name}"
    document = world.hub.agreements.get("field").document
    data = call_bytes(
        document,
        annex="flood",
        asked=asked,
        hub="https://hub.example",
        party=uri(name),
        user=user,
        said_at=said,
        reason="water",
    )
    made = sign_bytes(data, key_of(key or (name if user == "sig" else caller)))
    with world.hub.agreements.emergency(Acting(actor=caller)) as acts:
        return acts.call(
            "field", document.version, "flood", caller=caller, asked=asked, said_at=said, made=made, reason="water"
        )


def grant(world: World, object_: str, to: str, *, days: int = 100) -> Given:
    """Let alfa release one object to one party."""
    alfa = world.hub.parties.get("alfa")
    terms = Terms(object_id=object_, to=to, until=world.clock.now() + days * DAY, reason="a test")
    return world.hub.granting.give(OPERATOR.for_("alfa"), alfa, None, terms)
