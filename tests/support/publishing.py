"""A partnership whose agreement publishes sanitised versions, and short ways to share, wait and read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from support.hub import OPERATOR, World, key_of
from support.sharing import bundle, object_id, stamp
from tocsin.agreements.document import public_key_of
from tocsin.exchange.sanitise.service import Viewer
from tocsin.kernel.clock import SECOND, Micros, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Role, User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tocsin.exchange.model import Receipt
    from tocsin.exchange.sanitise.service import Shown

__all__ = [
    "CREATED",
    "HOUR",
    "PACT",
    "PRODUCERS",
    "Press",
    "filled",
    "finding",
    "link",
    "observed",
    "own",
    "pact",
    "states",
]

HOUR: Final[Micros] = 3_600 * SECOND
CREATED: Final = parse_instant("2026-05-20T11:22:33.456Z")
PRODUCERS: Final = ("alfa", "bravo", "coast", "delta")
READER: Final = "echo"

PACT: Final = """
agreement: press
version: 1
title: What is published
in_force: {from: 2026-01-01, until: null}
parties: [{name: hub}, {name: alfa}, {name: bravo}, {name: coast}, {name: delta}, {name: echo}]
legal_bases:
  statute:
    NO: {cite: "an act", valid: [2026-01-01, 2027-01-01]}
    SE: {cite: "another act", valid: [2026-01-01, 2026-09-01]}
purposes: [detect]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: green}}
    for: [detect]
  - id: "5"
    publish: {sanitised: no-victim, tlp: green, attribution: withheld, approve: nobody, delay: PT2H}
    of: {tlp: {at_most: amber}}
    rests_on: [statute]
"""


def pact(old: str = "", new: str = "") -> str:
    """Return the agreement with one piece of its text replaced; the piece is there once."""
    if old and PACT.count(old) != 1:
        raise ValueError(old)
    return PACT.replace(old, new) if old else PACT


class Press(World):
    """A hub whose own party and five others are members of an agreement that publishes; ``echo`` only reads."""

    def __init__(
        self,
        home: Path,
        *,
        text: str = PACT,
        seed: int = 1,
        countries: dict[str, str] | None = None,
        template: Path | None = None,
    ) -> None:
        """Found a hub in ``home``, or begin with a copy of the closed one in ``template``, made with another seed."""
        super().__init__(home, seed=seed, template=template)
        if template is not None:
            return
        hub = self.hub.parties.get("hub")
        with self.hub.parties.acting(OPERATOR, self.hub.mandate) as acts:
            acts.add_user(User(name="sig", party=hub.uri, roles=frozenset({Role.SIGNATORY})))
            acts.register_signing_key("sig@hub", public_key_of(key_of("hub")))
        for name in (*PRODUCERS, READER):
            self.party(name, country=(countries or {}).get(name, "NO"))
        self.agreement(text, signed_by=("hub", *PRODUCERS, READER))

    def give(self, name: str, *objects: dict[str, Any]) -> Receipt:
        """Share objects, each valid."""
        receipt = self.share(name, bundle(objects))
        assert [result.reason for result in receipt.results] == [None] * len(objects)
        return receipt

    def viewer(self, reference: str) -> Viewer:
        """Return who looks or decides, written ``party`` or ``user@party``."""
        party, user = self.hub.parties.resolve(reference)
        return Viewer(party=party, user=user, acting=Acting(actor=reference))

    def wait(self, by: Micros) -> int:
        """Let time pass, and take the turn of the slot that it is then; returns how many versions left."""
        self.clock.advance(by)
        return self.hub.slots.turn()

    def seen(self, reader: str = READER) -> list[dict[str, Any]]:
        """Return what a reader gets, as JSON; the release is in the log at once."""
        found = [json.loads(body) for _, body in self.read(reader)]
        self.hub.integrator.integrate()
        return found


def finding(number: int, **says: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON value
    """Return an indicator that says much of whoever wrote it."""
    made = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": object_id("indicator", number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "created_by_ref": object_id("identity", number),
        "name": f"Ticket {number} of ours",
        "description": f"Seen by our analyst at site {number}",
        "labels": [f"case-{number}"],
        "lang": "no",
        "confidence": 77,
        "pattern": f"[ ipv4-addr:value='198.51.100.{number % 256}' ]",
        "pattern_type": "stix",
        "valid_from": stamp(CREATED),
        "valid_until": "2027-05-20T11:22:33.456Z",
        "indicator_types": ["malicious-activity", f"of-our-own-{number}"],
        "external_references": [{"source_name": f"ours-{number}", "external_id": f"T-{number}"}],
        "x_ours": f"anything {number}",
    }
    return {name: value for name, value in (made | says).items() if value is not ...}


def observed(kind: str, number: int, **says: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an observable."""
    return {"type": kind, "spec_version": "2.1", "id": object_id(kind, number), **says}


def link(number: int, source: str, target: str, **says: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a relationship."""
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": object_id("relationship", number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "relationship_type": "indicates",
        "source_ref": source,
        "target_ref": target,
        "description": f"as we found in case {number}",
        **says,
    }


def names(listed: Sequence[dict[str, Any]]) -> list[str]:
    """Return ids, in their order."""
    return [str(one["id"]) for one in listed]


def own(world: Press, name: str) -> list[Shown]:
    """Return a party's own versions, oldest first."""
    return world.hub.sanitised.of_party(f"https://{name}.example")


def states(world: Press, name: str) -> list[str]:
    """Return where a party's own versions stand."""
    return [str(one.standing.state) for one in own(world, name)]


def filled(world: Press, number: int = 50) -> None:
    """Let two others share, so that a slot has the producers that it takes."""
    for place, name in enumerate(("bravo", "coast")):
        world.give(name, finding(number + place))
