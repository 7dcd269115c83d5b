"""When a legal basis lapses, what nothing else lets anybody hold is called back, once, from whoever received it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from sqlalchemy import delete, update

from support.hub import OPERATOR
from support.inspection import tell
from support.keeping import notices
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY
from tocsin.agreements.lapses import lapse_of
from tocsin.agreements.model import Tlp
from tocsin.errors import LogBrokenError, StoreBrokenError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.case import Case
from tocsin.exchange.lapsing import DESTROY_WITHIN
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.recall.model import Authority, Demand, Order, OurCopy, Recall
from tocsin.exchange.recall.replay import check_recalls
from tocsin.exchange.recall.tables import RECALLS as RECALL_ROWS
from tocsin.exchange.replay import replay
from tocsin.exchange.retention.tables import RETENTION_PLACES
from tocsin.kernel.clock import DAY, SECOND, format_instant, parse_date
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from support.hub import World

pytestmark = pytest.mark.time_passes

LAPSE: Final = parse_date("2026-08-01")
LAPSING: Final = (
    TREATY.replace("version: 1", "version: 3").replace("2026-01-01, null]}", "2026-01-01, 2026-08-01]}")
    + """  - id: "3"
    permit: read
    to: {parties: all}
    of: {tlp: clear}
on_lapse: {held: purge}
"""
)
IDS: Final = [str(indicator(number)["id"]) for number in range(6)]


@pytest.fixture
def world(bare: World) -> World:
    bare.agreement(LAPSING, signed_by=MEMBERS)
    return bare


def follow(world: World) -> list[tuple[str, frozenset[str]]]:
    """Take a turn; returns of each recall whose it is and what it is about."""
    found = [
        (one.owner, frozenset(named.id for named in world.hub.recalls.report(one.uuid, None).objects))
        for one in world.hub.lapsing.follow()
    ]
    assert world.hub.self_test.require() > 0
    return found


def called_back(world: World, name: str) -> set[str]:
    return {named.id for notice in notices(world, f"lia@{name}") for named in notice.objects}


def grace(world: World, until: int, *, version: int = 3) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.grace(
            world.hub.mandate, "treaty", version, basis="by-contract", parties_=MEMBERS, until=until, reason="late"
        )


@pytest.mark.still
def test_what_nothing_else_lets_anybody_hold_is_called_back(world: World) -> None:
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.CLEAR)  # clause 3 lets it out as well
    world.share("bravo", bundle([indicator(2)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.clock.at = LAPSE - 1
    assert follow(world) == []
    world.clock.at = LAPSE
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:1]))]
    assert called_back(world, "bravo") == {IDS[0]}
    assert called_back(world, "coast") == set()
    (report,) = world.hub.recalls.ordered(None)
    made = report.recall
    assert (made.authority, made.demand, made.ours) == (Authority.AGREEMENT, Demand.DESTROY, OurCopy.KEEP)
    assert made.due == LAPSE + DESTROY_WITHIN
    assert made.basis == f"treaty/3#by-contract@{format_instant(LAPSE)}"
    assert made.actor == "hub"
    # its owner goes on reading it; nobody is told twice, not even by who has lost its place
    assert {item.object_id for item, _ in world.read("alfa")} == set(IDS[:2])
    assert follow(world) == []
    with world.hub.store.write() as connection:
        connection.execute(delete(RETENTION_PLACES))
    assert follow(world) == []


def _between(world: World, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Have something happen, once, when it is known what is due and nothing is ordered yet."""
    lapsing = world.hub.lapsing
    real = lapsing._order

    def order(*looked: Any) -> bool:  # noqa: ANN401  what it is called with
        monkeypatch.undo()
        happens()
        return real(*looked)

    monkeypatch.setattr(lapsing, "_order", order)


@pytest.mark.still
def test_a_clock_that_is_set_back_before_the_order_puts_it_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order of before the lapse that it follows would be one that no check accepts."""
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.clock.at = LAPSE
    _between(world, monkeypatch, lambda: world.clock.advance(-2 * SECOND))
    assert follow(world) == []
    world.clock.at = LAPSE
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:1]))]


@pytest.mark.still
def test_what_left_by_a_clock_that_is_behind_is_called_back_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server looks which lapses there were; before it notes that, another lets something out by its own clock."""
    world.share("alfa", bundle([indicator(0), indicator(1)]), tlp=Tlp.GREEN)

    def behind() -> None:
        world.clock.at = LAPSE - SECOND
        assert len(world.read("bravo")) == 2
        world.clock.at = LAPSE

    world.clock.at = LAPSE
    _between(world, monkeypatch, behind)
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:2]))]
    assert called_back(world, "bravo") == set(IDS[:2])
    # and once it is noted nobody can, whatever their clock says
    world.clock.at = LAPSE - SECOND
    assert world.read("bravo") == []


def test_what_another_reader_of_the_party_may_still_read_the_party_holds_under_that(world: World) -> None:
    world.share("alfa", bundle([indicator(0), indicator(1)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.read("coast")
    world.read("ana@coast", purpose="respond")  # clause 2 rests on nothing
    world.clock.at = LAPSE
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:2]))]
    assert called_back(world, "bravo") == set(IDS[:2])
    assert called_back(world, "coast") == set()


def test_what_was_kept_apart_by_grants_and_withdrawals(world: World) -> None:
    world.share("alfa", bundle([indicator(0), indicator(1)]), tlp=Tlp.GREEN)
    terms = Terms(to="coast", object_id=IDS[0], until=LAPSE + 30 * DAY)
    world.hub.granting.give(OPERATOR.for_("alfa"), world.hub.parties.get("alfa"), None, terms)
    world.read("coast")
    assert len(world.hub.reading.objects(world.asker("coast"), "grants", Query()).page.items) == 1
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", IDS[1], frozenset({VersionChoice.ALL})
    )
    world.clock.at = LAPSE
    assert follow(world) == [("https://alfa.example", frozenset(IDS[1:2]))]
    assert called_back(world, "coast") == {IDS[1]}


def test_a_grace_puts_it_off(world: World) -> None:
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    grace(world, LAPSE + 9 * DAY)
    world.read("bravo")
    world.clock.at = LAPSE + 9 * DAY - 1
    assert follow(world) == []
    world.clock.at = LAPSE + 9 * DAY
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:1]))]


def test_a_grace_that_comes_too_late_calls_nothing_back_twice(world: World) -> None:
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.clock.at = LAPSE
    assert len(follow(world)) == 1
    grace(world, LAPSE + 9 * DAY)
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    assert {item.object_id for item, _ in world.read("coast")} == set(IDS[:2])
    world.clock.at = LAPSE + 9 * DAY
    assert follow(world) == [("https://alfa.example", frozenset(IDS[:2]))]
    assert called_back(world, "bravo") == {IDS[0]}
    assert len(notices(world, "lia@bravo")) == 1
    assert called_back(world, "coast") == set(IDS[:2])


NEXT: Final = LAPSING.replace("version: 3", "version: 4")
SUPERSEDED: Final = {
    "the next version keeps what is held": (LAPSE - DAY, NEXT.replace("held: purge", "held: keep-protected"), False),
    "the next version lets it lapse no more": (LAPSE - DAY, NEXT.replace("2026-08-01", "null"), False),
    "the next version says the same": (LAPSE - DAY, NEXT, True),
    # the hub was away when it lapsed
    "it was superseded after the lapse": (LAPSE + DAY, NEXT.replace("held: purge", "held: keep-protected"), True),
}


@pytest.mark.parametrize("name", SUPERSEDED)
def test_the_version_counts_under_which_it_lapsed(world: World, name: str) -> None:
    at, text, expected = SUPERSEDED[name]
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.hub.integrator.integrate()
    world.clock.at = at
    world.agreement(text, signed_by=MEMBERS)
    world.clock.at = LAPSE + 2 * DAY
    assert bool(follow(world)) is expected


def test_a_turn_that_was_cut_off_is_taken_to_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, owner in enumerate(("alfa", "coast")):
        world.share(owner, bundle([indicator(number)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.read("coast")
    world.clock.at = LAPSE
    order_recall = world.hub.recalls.order_recall
    ordered: list[Order] = []

    def once(connection: Connection, acting: Acting, order: Order) -> list[Recall]:
        ordered.append(order)
        if len(ordered) == 2:
            raise OSError("cut off")
        return order_recall(connection, acting, order)

    monkeypatch.setattr(world.hub.recalls, "order_recall", once)
    with pytest.raises(OSError, match="cut off"):
        world.hub.lapsing.follow()
    monkeypatch.undo()
    world.hub.lapsing.follow()
    assert called_back(world, "bravo") == set(IDS[:2])
    assert called_back(world, "coast") == {IDS[0]}
    assert [len(notices(world, f"lia@{name}")) for name in ("alfa", "bravo", "coast")] == [0, 2, 1]
    assert world.hub.self_test.require() > 0


FORGED: Final[dict[str, dict[str, object]]] = {
    "of a basis that never lapsed": {"basis": f"treaty/3#other@{format_instant(LAPSE)}"},
    "at another instant": {"basis": f"treaty/3#by-contract@{format_instant(LAPSE - 1)}"},
    "of what was received after it": {"until": None},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_recall_that_follows_no_lapse_is_a_broken_log(world: World, name: str) -> None:
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.clock.at = LAPSE
    assert follow(world)
    told = [payload for _, payload in tell(world.hub)]
    replay(list(enumerate(told)))
    place = next(index for index, one in enumerate(told) if one.kind == "recall.ordered")
    told[place] = msgspec.structs.replace(told[place], data=told[place].data | FORGED[name])
    with pytest.raises(LogBrokenError, match="lapse"):
        replay(list(enumerate(told)))


def test_damage_is_found(world: World) -> None:
    world.share("alfa", bundle([indicator(0)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.clock.at = LAPSE
    assert follow(world)
    with world.hub.store.write() as connection:
        connection.execute(update(RECALL_ROWS).values(basis=f"treaty/3#by-contract@{format_instant(LAPSE + 1)}"))
    with world.hub.store.read() as connection, pytest.raises(StoreBrokenError):
        check_recalls(Case(world.hub.store, world.hub.log, world.hub.agreements, world.hub.environment, connection))


def test_names_of_lapses_are_read_as_they_are_written() -> None:
    found = lapse_of(f"treaty/3#by-contract@{format_instant(LAPSE)}")
    assert found is not None
    assert (found.agreement, found.version, found.basis, found.at) == ("treaty", 3, "by-contract", LAPSE)
    for text in ("treaty/3#9", "treaty/3#flood/1", "treaty/0#law@2026-01-01T00:00:00Z", "treaty/3#law@soon", ""):
        assert lapse_of(text) is None
