"""Access requests: for what an agreement lets one know of; about the rest one hears as if there were nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import delete, update

from support.cli import bundle, indicator
from support.hub import OPERATOR, key_of
from support.treaty import templates
from tocsin.agreements.document import Said, act_bytes, sign_bytes
from tocsin.agreements.gate import profile_of
from tocsin.agreements.model import Label, Tlp
from tocsin.agreements.reveal import revealed
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    StoreBrokenError,
    TocsinError,
    TransitionError,
)
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.access.request import DUE, Outcome
from tocsin.exchange.access.tables import ACCESS_REQUESTS
from tocsin.exchange.model import Query
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Delete, Update

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.access.request import Request

made_templates = pytest.fixture(scope="module")(templates)
REVEALING = """
agreement: knowing
version: 1
title: Who may know
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: outsider}]
purposes: [detect]
clauses:
  - {id: "r", reveal: existence, to: {countries: [NO]}, of: {type: [indicator], tlp: {at_most: amber}}}
  - {id: "f", forbid: read, of: {category: export-controlled}}
"""
ALFA = OPERATOR.for_("alfa")


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub where outsider may know of alfa's indicators, and not of bravo's."""
    world = made_templates.world()
    world.agreement(REVEALING, signed_by=("alfa", "outsider"))
    world.share("alfa", bundle(indicator(1)))
    world.share("bravo", bundle(indicator(2)))
    world.share("alfa", bundle(indicator(3)), tlp=Tlp.AMBER_STRICT, to=("bravo",))
    yield world
    made_templates.drop(world)


def ask(world: World, number: int = 1, *, by: str = "outsider") -> Request:
    (made,) = world.hub.requesting.ask(
        OPERATOR.for_(by), world.hub.parties.get(by), None, str(indicator(number)["id"]), reason="same pump"
    )
    return made


def terms(world: World) -> Terms:
    return Terms(object_id="", to="", until=world.clock.now() + DAY)


def test_asked_and_granted(world: World) -> None:
    made = ask(world)
    assert made.clause == "knowing/1/r"
    with pytest.raises(ConflictError):
        ask(world)
    alfa = world.hub.parties.get("alfa")
    answered, given = world.hub.requesting.grant(ALFA, alfa, None, made.uuid, terms=terms(world))
    assert (answered.outcome, answered.grant) == (Outcome.GRANTED, given.grant.uuid)
    page = world.hub.reading.objects(world.asker("outsider"), "grants", Query()).page
    assert [item.object_id for item in page.items] == [indicator(1)["id"]]
    with pytest.raises(TransitionError):
        world.hub.requesting.refuse(ALFA, alfa, None, made.uuid, reason="too late")
    with pytest.raises(NotFoundError):  # what one reads one need not ask for
        ask(world)
    world.hub.integrator.integrate()
    assert world.hub.self_test.require() > 0


def propose(world: World, text: str) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="test")


BETWEEN = REVEALING.replace("agreement: knowing", "agreement: between")
PROPOSALS = {
    "some text": ("a better agreement", NotFoundError),
    "what was never proposed": ("between/2", NotFoundError),
    "no version": ("between", NotFoundError),
    "between others": ("others/1", NotFoundError),
    "in force between both": ("knowing/1", TransitionError),
    "replaced": ("replaced/1", NotFoundError),
    "one whose term is over": ("over/1", NotFoundError),
    "one that its owner left": ("left/1", NotFoundError),
    "no text at all": ("between/1\x00", InputError),
    "one that both may sign": ("between/1", None),
    "one that the asker may still join": ("joined/1", None),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_an_answer_by_amendment_names_what_lies_before_both(world: World, name: str) -> None:
    proposal, refused = PROPOSALS[name]
    propose(world, BETWEEN)
    propose(world, BETWEEN.replace("agreement: between", "agreement: others").replace("outsider", "bravo"))
    replaced = BETWEEN.replace("agreement: between", "agreement: replaced")
    world.agreement(replaced, signed_by=("alfa", "outsider"))
    world.agreement(replaced.replace("version: 1", "version: 2"), signed_by=("alfa", "outsider"))
    joined = BETWEEN.replace("agreement: between", "agreement: joined")
    joined = joined.replace("{name: outsider}", "{name: bravo}, {all: {kind: [public, private]}}")
    world.agreement(joined, signed_by=("alfa", "bravo"))
    over = BETWEEN.replace("agreement: between", "agreement: over").replace("until: null", "until: 2026-06-02")
    propose(world, over)
    left = BETWEEN.replace("agreement: between", "agreement: left") + "withdrawal: {notice: PT1H}\n"
    world.agreement(left, signed_by=("alfa", "outsider"))
    notice = act_bytes(
        world.hub.agreements.get("left", 1).document, Said.WITHDRAW, party="https://alfa.example", reason="a test"
    )
    with world.hub.agreements.living(Acting(actor="sig@alfa")) as acts:
        acts.withdraw("left", 1, signatory="sig@alfa", made=sign_bytes(notice, key_of("alfa")), reason="a test")
    world.clock.advance(2 * DAY)
    made, alfa = ask(world), world.hub.parties.get("alfa")
    if refused is None:
        answered = world.hub.requesting.amend(ALFA, alfa, None, made.uuid, amendment=proposal)
        assert (answered.outcome, answered.amendment) == (Outcome.AMENDMENT, proposal)
        return
    with pytest.raises(refused):
        world.hub.requesting.amend(ALFA, alfa, None, made.uuid, amendment=proposal)
    (still,), _ = world.hub.requesting.all(alfa)
    assert still.outcome is None


def test_refused_amended_withdrawn(world: World) -> None:
    alfa, bravo = world.hub.parties.get("alfa"), world.hub.parties.get("bravo")
    made = ask(world)
    assert made.due_at == made.asked_at + DUE
    with pytest.raises(InputError):
        world.hub.requesting.refuse(ALFA, alfa, None, made.uuid, reason=" ")
    with pytest.raises(NotFoundError):
        world.hub.requesting.refuse(OPERATOR.for_("bravo"), bravo, None, made.uuid, reason="not mine")
    with pytest.raises(ForbiddenError):
        world.hub.requesting.refuse(OPERATOR, alfa, None, made.uuid, reason="for nobody")
    assert world.hub.requesting.refuse(ALFA, alfa, None, made.uuid, reason="later").answer == "later"
    again = ask(world)
    propose(world, REVEALING.replace("version: 1", "version: 2"))
    assert world.hub.requesting.amend(ALFA, alfa, None, again.uuid, amendment="knowing/2").amendment == "knowing/2"
    third = ask(world)
    outsider = world.hub.parties.get("outsider")
    with pytest.raises(NotFoundError):
        world.hub.requesting.withdraw(ALFA, alfa, third.uuid)
    assert world.hub.requesting.withdraw(OPERATOR.for_("outsider"), outsider, third.uuid).outcome is Outcome.WITHDRAWN
    assert len(world.hub.requesting.all(alfa)[0]) == 3
    assert world.hub.requesting.all(bravo)[0] == []
    assert world.hub.self_test.require() > 0


# alfa's addressed object, bravo's that no clause reveals, and one that nobody ever shared
@pytest.mark.parametrize("number", [2, 3, 99])
def test_the_hidden_is_answered_as_the_missing(world: World, number: int) -> None:
    sizes = []
    for asked in (number, 98):
        with world.hub.store.read() as connection:
            before = world.hub.log.head(connection).frontier.size
        with pytest.raises(NotFoundError, match="there is no such object, or none that you may ask for"):
            ask(world, asked)
        with world.hub.store.read() as connection:
            sizes.append(world.hub.log.head(connection).frontier.size - before)
    assert sizes == [1, 1]
    assert world.hub.requesting.all()[0] == []
    assert world.hub.self_test.require() > 0


def test_it_reveals_to_members_only_and_opens_nothing(world: World) -> None:
    for name in ("bravo", "coast"):
        with pytest.raises(NotFoundError):
            ask(world, by=name)
    assert world.read("outsider") == []


def test_what_ended_is_not_revealed(world: World) -> None:
    outsider, owner = world.hub.parties.get("outsider"), world.hub.parties.get("alfa").uri
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        facts = world.hub.gate.facts(connection, at)
    label = Label(owner=owner, type="indicator", tlp=Tlp.AMBER, ends=at + 1)
    over = msgspec.structs.replace(label, ends=at)  # for its owner alone: a request could not be granted
    found = revealed(profile_of(outsider, None, "detect", at), [label, over], facts)
    assert [one is not None for one in found] == [True, False]


def test_who_wears_two_hats_is_told_nothing_for_the_other(world: World) -> None:
    world.party("watch", capacities=frozenset({"supervisor"}))
    world.party("both", capacities=frozenset({"supervisor", "csirt"}))
    text = REVEALING.replace("knowing", "watching").replace("{name: outsider}", "{name: watch}, {name: both}")
    text = text.replace("{countries: [NO]}", "{capacity: [supervisor]}")
    world.agreement(text, signed_by=("alfa", "watch", "both"))
    assert ask(world, by="watch").clause == "watching/1/r"
    with pytest.raises(NotFoundError):  # nobody acts as a supervisor unasked (ADR 81)
        ask(world, by="both")


def test_a_forged_answer_does_not_replay(world: World) -> None:
    made = ask(world)
    world.hub.requesting.grant(ALFA, world.hub.parties.get("alfa"), None, made.uuid, terms=terms(world))
    with world.hub.store.read() as connection:
        entries = [
            (row.index, decode_payload(row.payload or b"", where="test")) for row in world.hub.log.rows(connection)
        ]
    assert replay(entries).granted.requests
    by_kind = {payload.kind: index for index, payload in entries}
    for kind, change in (
        ("request.asked", {"party": "https://bravo.example"}),
        ("request.asked", {"object": "indicator--x"}),
        ("request.answered", {"outcome": "refused"}),
        ("request.answered", {"grant": "another"}),
        ("request.answered", {"owner": "https://bravo.example"}),
    ):
        index = by_kind[kind]
        told = msgspec.structs.replace(entries[index][1], data=dict(entries[index][1].data) | change)
        with pytest.raises(TocsinError):
            replay([*entries[:index], (index, told), *entries[index + 1 :]])


@pytest.mark.parametrize(
    "damage",
    [
        delete(ACCESS_REQUESTS),
        # an answer would find no row by its id, and be lost
        update(ACCESS_REQUESTS).values(uuid="00000000-0000-4000-8000-000000000000"),
        update(ACCESS_REQUESTS).values(body=b"{"),
        # it would be told to whom it is none of the business of
        update(ACCESS_REQUESTS).values(party="https://charlie.example"),
        update(ACCESS_REQUESTS).values(owner="https://charlie.example"),
    ],
    ids=["gone", "another id", "no request", "another party's", "to another"],
)
def test_damage_is_found(world: World, damage: Delete | Update) -> None:
    ask(world)
    with world.hub.store.write() as connection:
        connection.execute(damage)
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
