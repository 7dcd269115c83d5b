"""Reading for a client: what TLP lets a recipient pass on, nothing that itself may not read, both in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.cli import bundle, indicator
from support.hub import OPERATOR
from support.treaty import templates
from tocsin.agreements.classes import Classes
from tocsin.agreements.gate import decide
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import ForbiddenError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.model import Query
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates
    from tocsin.agreements.gatekeeper import Pass
    from tocsin.exchange.reading import Asker

made_templates = pytest.fixture(scope="module")(templates)
CLIENT = "https://outsider.example"
FORBIDDING = """
agreement: export
version: 1
title: Where it may go
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect]
clauses:
  - {id: "f", forbid: read, of: {type: [indicator]}, unless: {countries: [NO]}}
  - {id: "p", permit: read, to: {parties: all}, of: {type: [indicator]}, onward: own-organisation}
"""


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub where bravo serves outsider, and alfa shared one object of each TLP."""
    world = made_templates.world()
    bravo = world.hub.parties.get("bravo")
    world.hub.parties.change_party(
        OPERATOR, world.hub.mandate, msgspec.structs.replace(bravo, clients=frozenset({CLIENT}))
    )
    for number, tlp in enumerate(Tlp, 1):
        to = ("ana@bravo",) if tlp is Tlp.RED else ("bravo",) if tlp is Tlp.AMBER_STRICT else ()
        world.share("alfa", bundle(indicator(number)), tlp=tlp, to=to)
    yield world
    made_templates.drop(world)


def reader(world: World, reference: str = "bravo", purpose: str = "detect", client: str | None = CLIENT) -> Asker:
    """Return who reads for the client."""
    return msgspec.structs.replace(world.asker(reference, purpose=purpose), client=client)


def numbers(world: World, asker: Asker, collection: str = "exchange") -> set[int]:
    """Return the numbers of the indicators that a reader gets."""
    answer = world.hub.reading.objects(asker, collection, Query())
    return {int(item.object_id[-12:]) for item in answer.page.items}


def test_clear_green_and_amber_pass_and_nothing_stricter(world: World) -> None:
    assert numbers(world, reader(world, client=None)) == {1, 2, 3}
    assert numbers(world, reader(world)) == {1, 2, 3}
    assert numbers(world, reader(world, "ana@bravo", "respond", None)) == {1, 2, 3, 4, 5}
    assert numbers(world, reader(world, "ana@bravo", "respond")) == {1, 2, 3}
    assert world.hub.self_test.require() > 0


def test_who_may_not_read_it_reads_it_for_nobody(world: World) -> None:
    coast = world.hub.parties.get("outsider")
    world.hub.parties.change_party(
        OPERATOR,
        world.hub.mandate,
        msgspec.structs.replace(coast, clients=frozenset({"https://alfa.example"})),
    )
    # alfa reads its own; that does not open it to one who serves it
    assert numbers(world, reader(world, "outsider", client="https://alfa.example")) == set()


def test_one_serves_whom_the_register_names_and_as_long(world: World) -> None:
    with pytest.raises(ForbiddenError):
        numbers(world, reader(world, "coast"))
    with pytest.raises(ForbiddenError):
        numbers(world, reader(world, client="https://nobody.example"))
    bravo = world.hub.parties.get("bravo")
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, msgspec.structs.replace(bravo, clients=frozenset()))
    with pytest.raises(ForbiddenError):
        numbers(world, reader(world))


def test_a_client_that_is_suspended_gets_nothing(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "outsider", "under inquiry")
    assert numbers(world, reader(world)) == set()


def test_what_forbids_the_client_forbids_it(world: World) -> None:
    outsider = world.hub.parties.get("outsider")
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, msgspec.structs.replace(outsider, country="US"))
    assert numbers(world, reader(world)) == {1, 2, 3}
    world.agreement(FORBIDDING, signed_by=("alfa", "bravo"))
    assert numbers(world, reader(world, client=None)) == {1, 2, 3}
    assert numbers(world, reader(world)) == set()


def test_a_clause_may_keep_it_inside(world: World) -> None:
    world.agreement(FORBIDDING, signed_by=("alfa", "bravo"))
    assert numbers(world, reader(world, client=None)) == {1, 2, 3}
    assert numbers(world, reader(world)) == set()


def test_no_clause_keeps_what_is_the_reader_s_own(world: World) -> None:
    # an owner is no recipient of its own; its marking binds it towards its clients all the same
    for number, tlp in ((11, Tlp.AMBER), (12, Tlp.AMBER_STRICT)):
        world.share("bravo", bundle(indicator(number)), tlp=tlp)
    world.agreement(FORBIDDING, signed_by=("alfa", "bravo"))
    assert numbers(world, reader(world, client=None)) == {1, 2, 3, 11, 12}
    assert numbers(world, reader(world)) == {11}


def test_a_grant_is_for_one_party(world: World) -> None:
    alfa = world.hub.parties.get("alfa")
    terms = Terms(object_id=str(indicator(3)["id"]), to="bravo", until=world.clock.now() + DAY)
    world.hub.granting.give(OPERATOR.for_("alfa"), alfa, None, terms)
    assert numbers(world, reader(world, client=None), "grants") == {3}
    assert numbers(world, reader(world), "grants") == set()


def test_the_record_names_both_and_replays(world: World) -> None:
    numbers(world, reader(world))
    world.hub.integrator.integrate()
    with world.hub.store.read() as connection:
        rows = [row for row in world.hub.log.rows(connection) if row.payload is not None]
    release = next(row for row in rows if row.kind == "release")
    assert set(release.concerns) == {"https://alfa.example", "https://bravo.example", CLIENT}
    entries = [(row.index, decode_payload(row.payload or b"", where="test")) for row in rows]
    told = next(payload for _, payload in entries if payload.kind == "release")
    assert isinstance(told.data["profile"], dict)
    assert told.data["profile"]["client"]["party"] == CLIENT
    assert replay(entries).releases > 0


def test_classes_decide_as_each_question_does(world: World) -> None:
    with world.hub.store.read() as connection:
        passed: Pass = world.hub.gate.admit(connection, "https://bravo.example", None, "detect", client=CLIENT)
    owners = ("https://alfa.example", "https://bravo.example", CLIENT, "https://coast.example")
    to = (frozenset[str](), frozenset({"https://bravo.example"}), frozenset({CLIENT}))
    known = dict(
        enumerate(
            Label(owner=owner, type="indicator", tlp=tlp, recipients=recipients, unknown_marking=unknown)
            for owner in owners
            for tlp in Tlp
            for recipients in to
            for unknown in (False, True)
        )
    )
    verdicts = decide(passed.slice, passed.profile, list(known.values()))
    allowed = frozenset(number for number, verdict in zip(known, verdicts, strict=True) if verdict.allows)
    assert Classes().opened(passed.slice, passed.profile, known) == allowed
    assert allowed
