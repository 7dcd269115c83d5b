"""What is called back from some of its recipients is asked of those alone, and stays on offer for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from support.hub import OPERATOR
from support.inspection import tell
from support.keeping import ALFA, BRAVO, COAST, notices
from support.sharing import bundle, indicator
from tocsin.errors import ConflictError, ForbiddenError, InputError, LogBrokenError, NotFoundError
from tocsin.exchange.recall.model import Authority, Demand, Order, OurCopy, check_order
from tocsin.exchange.recall.service import Decided
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from support.hub import World
    from tocsin.exchange.recall.model import Recall

FIRST: Final = str(indicator(1)["id"])


@pytest.fixture
def world(bare: World) -> World:
    bare.share("alfa", bundle([indicator(1)]))
    for reader in ("bravo", "coast"):
        assert len(bare.read(reader)) == 1
    return bare


def from_some(world: World, *whom: str, demand: Demand = Demand.DESTROY, decided: str | None = None) -> Recall:
    (made,) = world.hub.recalls.recall(
        Acting(actor="alfa") if decided is None else OPERATOR,
        ALFA,
        FIRST,
        demand=demand,
        due=world.clock.now() + 10 * DAY,
        reason="sent in error",
        recipients=frozenset(whom),
        decided=None if decided is None else Decided(mandate=world.hub.mandate, basis=decided),
    )
    return made


@pytest.mark.parametrize("demand", Demand)
def test_the_notice_goes_to_exactly_those_and_others_read_on(world: World, demand: Demand) -> None:
    recall = from_some(world, BRAVO, demand=demand)
    report = world.hub.recalls.report(recall.uuid, ALFA)
    assert [one.party for one in report.recipients] == [BRAVO]
    assert report.ours == {"stored": 1}
    assert len(notices(world, "bravo")) == 1
    assert notices(world, "coast") == []
    assert len(world.read("coast")) == 1
    # and everybody else, later: who was told already is told anew, of another recall
    (whole,) = world.hub.recalls.recall(
        Acting(actor="alfa"), ALFA, FIRST, demand=demand, due=world.clock.now() + DAY, reason="names a customer"
    )
    assert {one.party for one in world.hub.recalls.report(whole.uuid, ALFA).recipients} == {BRAVO, COAST}
    assert world.read("coast") == []
    assert world.hub.self_test.require() > 0


@pytest.mark.parametrize("whom", [("https://outsider.example",), (BRAVO, "https://outsider.example"), ()], ids=str)
def test_who_received_nothing_is_asked_for_nothing(world: World, whom: tuple[str, ...]) -> None:
    with pytest.raises(NotFoundError, match="received none of it"):
        from_some(world, *whom)
    assert world.hub.recalls.ordered(None) == []
    assert notices(world, "bravo") == []


def test_a_mandate_calls_back_what_it_is_about_and_nothing_else(world: World) -> None:
    with pytest.raises(ForbiddenError, match="about another object"):
        from_some(world, BRAVO, decided=str(indicator(2)["id"]))
    recall = from_some(world, BRAVO, decided=FIRST)
    assert (recall.authority, recall.basis) == (Authority.MANDATE, FIRST)
    assert [one.party for one in world.hub.recalls.report(recall.uuid, None).recipients] == [BRAVO]
    assert from_some(world, COAST, decided="treaty/2#6.1").basis == "treaty/2#6.1"
    assert world.hub.self_test.require() > 0


def test_an_owner_cannot_let_the_hub_destroy_what_others_read(world: World) -> None:
    order = Order(
        contributions=(1,),
        demand=Demand.DESTROY,
        due=world.clock.now() + DAY,
        reason="x",
        authority=Authority.OWNER,
        ours=OurCopy.PURGE,
        recipients=frozenset({BRAVO}),
    )
    with pytest.raises(InputError, match="stays on offer for the others"):
        check_order(order, world.clock.now())


def test_a_replay_holds_an_entry_to_whom_it_names(world: World) -> None:
    from_some(world, BRAVO)
    from_some(world, BRAVO, decided=FIRST)
    world.hub.integrator.integrate()
    entries = [payload for _, payload in tell(world.hub)]
    replay(list(enumerate(entries)))
    changed: dict[str, dict[str, object]] = {
        "recall.ordered": {"only": [COAST]},
        "recall.imposed": {"basis": str(indicator(2)["id"])},
    }
    for kind, other in changed.items():
        lies = [msgspec.structs.replace(one, data=one.data | other) if one.kind == kind else one for one in entries]
        with pytest.raises(LogBrokenError):
            replay(list(enumerate(lies)))


DUE: Final = 10 * DAY


def again(world: World, due: int, *whom: str, demand: Demand = Demand.DESTROY) -> list[Recall]:
    world.clock.advance(1)
    return world.hub.recalls.recall(
        Acting(actor="alfa"),
        ALFA,
        FIRST,
        demand=demand,
        due=due,
        reason="sent in error",
        recipients=frozenset(whom) or None,
    )


def told(world: World, recalls: list[Recall]) -> list[str]:
    return [one.party for made in recalls for one in world.hub.recalls.report(made.uuid, ALFA).recipients]


@pytest.mark.parametrize("whom", [(), (BRAVO,)], ids=["everybody", "some"])
def test_what_was_ordered_already_is_not_ordered_again(world: World, whom: tuple[str, ...]) -> None:
    due = world.clock.now() + DUE
    first = again(world, due, *whom)
    with pytest.raises(ConflictError, match=r"called back already: ordered at 2026-.* by alfa") as caught:
        again(world, due, *whom)
    assert caught.value.where == f"recall {first[0].uuid}"
    with pytest.raises(ConflictError):
        again(world, due, *whom, demand=Demand.STOP_USING)
    assert len(world.hub.recalls.ordered(None)) == 1
    assert len(notices(world, "bravo")) == 1


def test_an_order_that_widens_tells_only_what_is_new(world: World) -> None:
    due = world.clock.now() + DUE
    assert told(world, again(world, due, BRAVO, demand=Demand.STOP_USING)) == [BRAVO]
    assert told(world, again(world, due, BRAVO, COAST, demand=Demand.STOP_USING)) == [COAST]
    assert told(world, again(world, due, BRAVO, COAST)) == [BRAVO, COAST], "more is asked of both"
    world.clock.advance(1)
    assert len(world.read("coast")) == 1, "it is still on offer"
    assert told(world, again(world, due, BRAVO, COAST)) == [COAST], "who fetched it again has it again"
    assert told(world, again(world, due)) == [], "all were told: but the hub's own copy is called back as well"
    assert world.read("coast") == []
    assert told(world, again(world, due + DAY)) == [BRAVO, COAST], "another day is another order"
    assert world.hub.self_test.require() > 0
    entries = list(tell(world.hub))
    replay(entries)
    place = max(place for place, (_, payload) in enumerate(entries) if payload.kind == "recall.ordered")
    index, payload = entries[place]
    forged = msgspec.structs.replace(payload, data=payload.data | {"recipients": payload.data["recipients"][:1]})
    with pytest.raises(LogBrokenError, match="others than those who received"):
        replay([*entries[:place], (index, forged), *entries[place + 1 :]])
