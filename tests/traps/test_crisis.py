"""A crisis is information, and what it opened has an end.

In the field the list of those who are told is made when the alarm goes off, and nobody takes a name from it; the shelf
on which everything was laid out for the emergency stays open afterwards; and whoever left in the middle knows on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.field import HOUR, annex, call, ids
from support.hub import OPERATOR, key_of
from tocsin.agreements.document import Said, act_bytes, sign_bytes
from tocsin.errors import NotFoundError
from tocsin.exchange.model import Query
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

pytestmark = pytest.mark.time_passes


def told(world: World, name: str) -> bool:
    """Return whether a party is told beside its answers that an annex is active."""
    world.hub.alarm.look()
    return bool(world.hub.alarm.headers(f"https://{name}.example"))


def described(world: World, name: str) -> list[str]:
    """Return what the collection of the annex says to a party that knows of it."""
    return [one.description for one in world.hub.reading.collections(world.asker(name)) if one.alias == "flood"]


def laid_out(world: World, name: str, *, cursor: str | None = None, limit: int = 99) -> tuple[list[str], str | None]:
    answer = world.hub.reading.objects(world.asker(name), "flood", Query(), limit=limit, cursor=cursor)
    world.hub.integrator.integrate()
    return [item.object_id for item in answer.page.items], answer.next


def open_(world: World) -> None:
    annex(world, "activate")
    world.hub.emergencies.sweep()


@pytest.mark.parametrize("end", ["it is ended", "it runs out"])
def test_the_shelf_is_empty_from_the_end_on(world: World, end: str) -> None:
    open_(world)
    first, cursor = laid_out(world, "bravo", limit=1)
    assert (first, cursor is not None) == (ids("campaign")[:1], True)
    assert told(world, "bravo")
    if end == "it is ended":
        annex(world, "end")
    else:
        world.clock.advance(72 * HOUR)
    assert laid_out(world, "bravo", cursor=cursor) == ([], None)
    assert laid_out(world, "bravo") == ([], None)
    assert not told(world, "bravo")
    assert all("not active" in one for one in described(world, "bravo"))


def _reclassified(world: World) -> None:
    coast = replace(world.hub.parties.get("coast"), capacities=frozenset({"researcher"}))
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, coast)


def _gone(world: World) -> None:
    world.clock.advance(1)


LOST = {"its membership was taken": _reclassified, "its notice ran out": _gone}


@pytest.mark.still
@pytest.mark.parametrize("case", LOST)
def test_who_is_a_member_no_more_is_told_no_more(world: World, case: str) -> None:
    """By an act or by time alone: from that instant on it reads nothing there, and is told of no crisis."""
    document = world.hub.agreements.get("field").document
    made = sign_bytes(act_bytes(document, Said.WITHDRAW, party="https://coast.example", reason="x"), key_of("coast"))
    with world.hub.agreements.living(Acting(actor="sig@coast")) as acts:
        leaves = acts.withdraw("field", 1, signatory="sig@coast", made=made, reason="x")
    world.clock.at = leaves - 1
    open_(world)
    assert told(world, "coast")
    assert laid_out(world, "coast")[0] == ids("campaign")
    act: Callable[[World], None] = LOST[case]
    act(world)
    assert not told(world, "coast")
    assert told(world, "alfa")
    assert laid_out(world, "coast") == ([], None)
    assert all("not active" in one for one in described(world, "coast"))


def test_who_joins_nothing_learns_nothing(world: World) -> None:
    open_(world)
    assert not told(world, "outsider")
    assert described(world, "outsider") == []
    with pytest.raises(NotFoundError):
        laid_out(world, "outsider")


def test_what_was_called_back_after_a_crisis_was_received_under_it_alone(world: World) -> None:
    """Nobody answered: what people on duty opened is called back, from whom it reached, and nothing else is."""
    assert call(world, "alfa") == ()
    assert len(call(world, "bravo")) == 1
    world.hub.emergencies.sweep()
    assert {item.object_id for item, _ in world.read("coast")} >= {*ids("campaign"), *ids("tool")}
    world.hub.integrator.integrate()
    world.clock.advance(12 * HOUR)
    world.hub.emergencies.sweep()
    named = {
        one.id for notice in world.hub.recalls.notices(*world.hub.parties.resolve("coast")) for one in notice.objects
    }
    assert named == set(ids("campaign"))
    assert world.hub.recalls.notices(*world.hub.parties.resolve("bravo")) == []
