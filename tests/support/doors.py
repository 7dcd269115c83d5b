"""A served hub on which a party may know of another's objects, publish sanitised versions, and sit in a council."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.council import constitute, council, signatory
from support.hub import EVERYTHING, OPERATOR, key_of
from support.taxii import living
from tocsin.agreements.document import ml_dsa_public_key_of, public_key_of
from tocsin.governance.model.bodies import Seat, Side
from tocsin.parties.model import Permission, Role, User

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx

    from support.taxii import Live

__all__ = ["ML_DSA_SEED", "NOBODY", "ask", "opened_doors", "told"]

# An id that nothing has.
NOBODY: Final = "00000000-0000-4000-8000-000000000000"
ML_DSA_SEED: Final = b"\x05" * 32
_SPEAKS: Final = frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_READ, Permission.PARTY_SPEAK})

KNOWING: Final = """
agreement: knowing
version: 1
title: Who may know
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: charlie}]
purposes: [detect]
clauses:
  - {id: "r", reveal: existence, to: {countries: [NO]}, of: {type: [indicator], tlp: {at_most: amber}}}
"""
PRESS: Final = """
agreement: press
version: 1
title: What is published
in_force: {from: 2026-01-01, until: null}
parties: [{name: hub}, {name: alfa}, {name: bravo}]
legal_bases:
  statute:
    NO: {cite: "an act", valid: [2026-01-01, null]}
purposes: [detect]
clauses:
  - id: "5"
    publish: {sanitised: no-victim, tlp: green, attribution: withheld, approve: owner, delay: PT2H}
    of: {type: [indicator], tlp: {at_most: amber}}
    rests_on: [statute]
"""
_SEATS: Final = (
    Seat(name="north", side=Side.PRIVATE, holder="alfa"),
    Seat(name="east", side=Side.PRIVATE, holder="sig@bravo", deputies=("dep@bravo",)),
)


def opened_doors(home: Path) -> Generator[Live]:
    """Serve a hub while the generator is open; ``lia-x`` and ``sig-x`` are tokens of people, ``box-x`` of a machine.

    ``operator`` carries out what bodies decide.
    """
    serving = living(home)
    live = next(serving)
    world = live.world
    hub = world.hub.parties.get("hub")
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.add_user(User(name="sig", party=hub.uri, roles=frozenset({Role.SIGNATORY})))
        acts.register_signing_key("sig@hub", public_key_of(key_of("hub")))
    world.agreement(KNOWING, signed_by=("alfa", "charlie"))
    wider = KNOWING.replace("version: 1", "version: 2").encode()  # lies before both, for who answers with an amendment
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, wider, where="test")
    world.agreement(PRESS, signed_by=("hub", "alfa", "bravo"))
    signatory(world, "dep@bravo")
    world.hub.parties.register_signing_key(
        OPERATOR,
        world.hub.mandate,
        "dep@bravo",
        public_key_of(key_of("dep@bravo")),
        ml_dsa_key=ml_dsa_public_key_of(ML_DSA_SEED),
    )
    constitute(world, council(seats=_SEATS))
    for party in ("alfa", "bravo", "charlie"):
        world.user(f"lia@{party}", roles=frozenset({Role.LIAISON}))
        live.secrets[f"lia-{party}"] = _token(live, f"lia@{party}", EVERYTHING | {Permission.PARTY_SPEAK})
        live.secrets[f"sig-{party}"] = _token(live, f"sig@{party}", _SPEAKS)
        live.secrets[f"box-{party}"] = _token(live, party, EVERYTHING | {Permission.PARTY_SPEAK})
    live.secrets["dep-bravo"] = _token(live, "dep@bravo", _SPEAKS)
    world.user("aud@alfa", roles=frozenset({Role.AUDITOR}))
    live.secrets["aud-alfa"] = _token(live, "aud@alfa", _SPEAKS - {Permission.PARTY_SPEAK})
    carries = frozenset({Permission.OBJECTS_READ, Permission.MANDATE_USE})
    live.secrets["operator"] = _token(live, OPERATOR.actor, carries)
    yield live
    serving.close()


def ask(live: Live, method: str, path: str, who: str | None, body: object = None) -> httpx.Response:
    """Send one request to ``/api/v1``; no answer tells how we are built inside."""
    answer = live.client(who).request(method, f"/api/v1{path}", json=body)
    assert answer.status_code != 500, answer.text
    assert "Traceback" not in answer.text
    return answer


def told(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of an answer that went well."""
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


def _token(live: Live, reference: str, permissions: frozenset[Permission]) -> tuple[str, str]:
    return reference, live.world.token(reference, permissions=permissions)
