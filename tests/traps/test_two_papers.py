"""Two papers say two things, or one says it no more.

In the field a party is in several partnerships, and what one of them forbids is read through another; an exception that
one owner made outlives what it was an exception from; and who has left goes on asking, or is answered.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest

from support.field import FIELD, FORBIDS, KINDS, annex, grant, ids, seen, thing
from support.hub import OPERATOR, key_of
from support.sharing import bundle, terms_mark
from tocsin.agreements.document import Said, act_bytes, sign_bytes
from tocsin.errors import ForbiddenError, InputError, NotFoundError, RefusedError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.access.request import Outcome
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Query
from tocsin.exchange.recall.model import Demand
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World
    from tocsin.exchange.access.request import Request

pytestmark = pytest.mark.time_passes

PERMITS: Final = """\
agreement: leave
version: 1
title: What alfa lets bravo have whatever else is agreed
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect]
clauses:
  - {id: "1", permit: read, to: {parties: [bravo]}, of: {owner: [alfa]}}
"""
BETWEEN: Final = ("alfa", "bravo")


# --- one permits, the other forbids ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", list(itertools.permutations((PERMITS, FORBIDS))), ids=["permit first", "forbid first"]
)
def test_a_party_in_two_agreements_one_permitting_and_one_forbidding(world: World, order: tuple[str, str]) -> None:
    for text in order:
        world.agreement(text, signed_by=BETWEEN)
    assert seen(world) == set(KINDS) - {"tool"}
    # it binds alfa's objects for everybody, since alfa signed it; and bravo for everybody's objects
    assert "tool" not in seen(world, "coast")
    world.share("coast", bundle([thing("tool", 70)]))
    assert {item.object_id for item, _ in world.read("bravo")}.isdisjoint({thing("tool", 70)["id"]})
    # nor does an emergency lift it
    annex(world, "activate")
    assert "tool" not in seen(world)


def _stop(act: str) -> Callable[[World], None]:
    def do(world: World) -> None:
        with world.hub.agreements.living(OPERATOR) as acts:
            getattr(acts, act)(world.hub.mandate, "ban", 1, "a test")

    return do


def _vetted_anew(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "a test")
    world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "bravo", clearance="restricted", until=None)


WAYS_OUT: Final[dict[str, Callable[[World], None]]] = {
    "it is suspended": _stop("suspend"),
    "it is terminated": _stop("terminate"),
    "who signed it is suspended and cleared again": _vetted_anew,
}


@pytest.mark.parametrize("case", WAYS_OUT)
def test_what_forbids_is_not_got_rid_of_by_ending_it(world: World, case: str) -> None:
    world.agreement(PERMITS, signed_by=BETWEEN)
    world.agreement(FORBIDS, signed_by=BETWEEN)
    WAYS_OUT[case](world)
    assert "tool" not in seen(world)


def test_why_names_the_forbid_to_its_owner_and_to_nobody_outside(world: World) -> None:
    """alfa is told which clause shuts; coast, who signed neither paper, is told what it would be of nothing."""
    world.agreement(PERMITS, signed_by=BETWEEN)
    world.agreement(FORBIDS, signed_by=BETWEEN)

    def why(name: str, object_id: str, reader: str | None = None) -> str:
        party, acting = world.hub.parties.get(name), OPERATOR.for_(name)
        question = Question(object_id=object_id, party=party, user=None, acting=acting, reader=reader)
        try:
            return str(world.hub.asking.why(question)).replace(object_id, "it")
        except NotFoundError as error:
            return f"nothing: {error}".replace(object_id, "it")

    tool, missing = ids("tool")[0], str(thing("tool", 999)["id"])
    assert "ban" in why("alfa", tool, "bravo")
    assert why("coast", tool) == why("coast", missing)
    assert why("bravo", tool) == why("bravo", missing)
    assert why("bravo", missing).startswith("nothing")


# --- what one owner allowed ------------------------------------------------------------------------------------------


def granted(world: World) -> list[str]:
    """Return what outsider gets through grants."""
    found = world.hub.reading.objects(world.asker("outsider"), "grants", Query(), limit=99).page.items
    world.hub.integrator.integrate()
    return [item.object_id for item in found]


def _terminated(world: World) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.terminate(world.hub.mandate, "field", 1, "a test")


def _left(world: World) -> None:
    document = world.hub.agreements.get("field").document
    made = sign_bytes(act_bytes(document, Said.WITHDRAW, party="https://alfa.example", reason="a test"), key_of("alfa"))
    with world.hub.agreements.living(Acting(actor="sig@alfa")) as acts:
        acts.withdraw("field", 1, signatory="sig@alfa", made=made, reason="a test")
    world.clock.advance(30 * DAY)


OUTLIVED: Final[dict[str, tuple[Callable[[World], object], bool]]] = {
    "the agreement is terminated": (_terminated, True),
    "the owner leaves the agreement": (_left, True),
    "the owner is suspended": (
        lambda world: world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "late"),
        False,
    ),
    "the owner leaves the hub": (
        lambda world: world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "alfa", "gone"),
        False,
    ),
    "the object is called back": (
        lambda world: world.hub.recalls.recall(
            Acting(actor="alfa"),
            "https://alfa.example",
            ids("tool")[0],
            demand=Demand.STOP_USING,
            due=world.clock.now() + DAY,
            reason="wrong",
        ),
        False,
    ),
}


@pytest.mark.parametrize("case", OUTLIVED)
def test_a_grant_outlives_the_agreement(world: World, case: str) -> None:
    """It rests on the owner's word alone, and lasts as long as the owner is there to take it back."""
    act, stands = OUTLIVED[case]
    (tool, *_) = ids("tool")
    grant(world, tool, "outsider")
    assert granted(world) == [tool]
    act(world)
    assert granted(world) == ([tool] if stands else [])


def test_a_grant_does_not_outlive_what_its_owner_forbade(world: World) -> None:
    """What alfa signed not to let out it does not let out one by one, agreement terminated or not."""
    sauce = terms_mark(categories=("trade-matter",))
    secret = thing("tool", 80, object_marking_refs=[sauce.id])
    world.share("alfa", bundle([secret], marked=[sauce]))
    given = grant(world, str(secret["id"]), "outsider")
    assert [one.verdict.allows for one in given.closed] == [False]
    assert granted(world) == []
    _terminated(world)
    assert granted(world) == []


def test_nobody_grants_what_was_granted_to_it(world: World) -> None:
    (tool, *_) = ids("tool")
    grant(world, tool, "outsider")
    outsider = world.hub.parties.get("outsider")
    terms = Terms(object_id=tool, to="coast", until=world.clock.now() + DAY)
    with pytest.raises(NotFoundError):
        world.hub.granting.give(OPERATOR.for_("outsider"), outsider, None, terms)


# --- who asked and is gone -------------------------------------------------------------------------------------------

REVEALS: Final = FIELD.replace(
    "amend_by:", '  - {id: "8", reveal: existence, to: {capacity: operator}, of: {type: [campaign]}}\namend_by:'
).replace("version: 1", "version: 2")


@pytest.fixture
def asked(world: World) -> Request:
    """Return coast's question for one of alfa's campaigns, which the agreement lets it know of."""
    world.agreement(REVEALS, signed_by=("alfa", "bravo", "coast"))
    (campaign, *_) = ids("campaign")
    coast = world.hub.parties.get("coast")
    (made,) = world.hub.requesting.ask(OPERATOR.for_("coast"), coast, None, campaign, reason="same pump")
    return made


def _answer(world: World, request: Request) -> Request:
    alfa = world.hub.parties.get("alfa")
    terms = Terms(object_id=request.object_id, to="coast", until=world.clock.now() + DAY)
    answered, _ = world.hub.requesting.grant(OPERATOR.for_("alfa"), alfa, None, request.uuid, terms=terms)
    return answered


def _withdrawn(world: World) -> None:
    document = world.hub.agreements.get("field").document
    made = sign_bytes(
        act_bytes(document, Said.WITHDRAW, party="https://coast.example", reason="a test"), key_of("coast")
    )
    with world.hub.agreements.living(Acting(actor="sig@coast")) as acts:
        acts.withdraw("field", 2, signatory="sig@coast", made=made, reason="a test")
    world.clock.advance(30 * DAY)


def test_a_withdrawn_party_has_an_open_request(world: World, asked: Request) -> None:
    """It asks nothing more; what it asked is still the owner's to answer, who may give away what is its own."""
    _withdrawn(world)
    assert "coast" not in world.hub.agreements.get("field").members
    coast = world.hub.parties.get("coast")
    for number in (1, 999):
        with pytest.raises(NotFoundError):
            world.hub.requesting.ask(
                OPERATOR.for_("coast"), coast, None, str(thing("campaign", number)["id"]), reason="same pump"
            )
    assert _answer(world, asked).outcome is Outcome.GRANTED
    (item,) = world.hub.reading.objects(world.asker("coast"), "grants", Query(), limit=9).page.items
    assert item.object_id == asked.object_id


@pytest.mark.parametrize("act", ["suspend_party", "leave_party"])
def test_a_party_that_is_gone_has_an_open_request(world: World, asked: Request, act: str) -> None:
    """Nothing is granted to who is not vetted; the question stays open, and can be refused."""
    getattr(world.hub.parties, act)(OPERATOR, world.hub.mandate, "coast", "a test")
    with pytest.raises(InputError):
        _answer(world, asked)
    (open_,) = world.hub.requesting.all(world.hub.parties.get("alfa"))[0]
    assert open_.outcome is None
    alfa = world.hub.parties.get("alfa")
    refused = world.hub.requesting.refuse(OPERATOR.for_("alfa"), alfa, None, asked.uuid, reason="it is gone")
    assert refused.outcome is Outcome.REFUSED
    with pytest.raises(RefusedError):
        _answer(world, asked)


def test_an_owner_that_is_suspended_answers_nothing_by_a_grant(world: World, asked: Request) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "a test")
    with pytest.raises(ForbiddenError, match="not vetted"):
        _answer(world, asked)
