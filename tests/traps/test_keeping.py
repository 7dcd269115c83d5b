"""What must be gone, what must be kept, and what must be told, all at once.

In the field a court asks for what a machine is just about to destroy, an owner wants back what the hub no longer has,
and the order to destroy comes while the copy is on its way to one more recipient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from support.field import KEEPING, ROUNDS, ids, seen, thing
from support.hub import OPERATOR
from support.keeping import ALFA, call_back, hold, later, notices
from support.pact import before_turns
from support.sharing import bundle
from tocsin.errors import NotFoundError
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.retention import service
from tocsin.exchange.retention.model import Scope
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from support.hub import World

pytestmark = [pytest.mark.usefixtures("sound"), pytest.mark.time_passes]


@pytest.fixture
def due(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a hub at which all of alfa's tools, which bravo received, are due to go, one in each batch of a sweep."""
    monkeypatch.setattr(service, "BATCH", 1)
    world.agreement(KEEPING, signed_by=("alfa", "bravo"))
    assert "tool" in seen(world)
    later(world, 1)
    return world


def kept(world: World) -> list[str]:
    """Return the tools whose bytes the hub has."""
    query = select(CONTRIBUTIONS.c.object_id).where(CONTRIBUTIONS.c.bytes.is_not(None))
    with world.hub.store.read() as connection:
        found = connection.execute(query.order_by(CONTRIBUTIONS.c.contribution_id)).scalars().all()
    return [one for one in found if one.startswith("tool--")]


def test_a_legal_hold_is_placed_during_a_sweep(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was purged before it is gone; from the hold on nothing more is destroyed, nor read by anybody."""
    before_turns(monkeypatch, due.hub.store, [lambda: None, lambda: hold(due)])
    swept = due.hub.retention.sweep()
    assert (swept.purged, swept.held) == (1, ROUNDS - 1)
    assert kept(due) == ids("tool")[1:]
    assert "tool" not in seen(due)
    assert "tool" not in seen(due, "alfa")
    (made,) = [one for one, _ in due.hub.holds.all()]
    due.hub.holds.lift(OPERATOR, due.hub.mandate, made.uuid, reason="done")
    due.hub.retention.sweep()
    assert kept(due) == []


def test_a_hold_is_lifted_and_placed_anew_between_two_sweeps(due: World) -> None:
    """Holds do not add up to a gap: what the second covers when the sweep comes is kept."""
    first = hold(due)
    due.hub.retention.sweep()
    due.hub.holds.lift(OPERATOR, due.hub.mandate, first.uuid, reason="the wrong court")
    hold(due, scope=Scope(objects=(ids("tool")[0],)))
    due.hub.retention.sweep()
    assert kept(due) == ids("tool")[:1]


def test_a_recall_of_what_is_already_purged(due: World) -> None:
    """The hub has it no more; who received it has, and is told."""
    due.hub.retention.sweep()
    assert kept(due) == []
    (tool, *_) = ids("tool")
    (made,) = call_back(due, "alfa", tool, Demand.DESTROY)
    (notice,) = notices(due, "bravo")
    assert [one.id for one in notice.objects] == [tool]
    report = due.hub.recalls.report(made.uuid, ALFA)
    assert report.ours == {"purged": 1}
    assert [one.party for one in report.recipients] == ["https://bravo.example"]
    # nor does it come back
    due.share("alfa", bundle([thing("tool", 0)]))
    assert tool not in {item.object_id for item, _ in due.read("alfa")}


def test_a_recall_is_ordered_while_a_page_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets the page is told; whoever is too late gets a page without it."""
    (tool, *_) = ids("tool")
    before_turns(monkeypatch, world.hub.store, [lambda: call_back(world, "alfa", tool, Demand.DESTROY)])
    page = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=99).page
    assert tool not in {item.object_id for item in page.items}
    assert notices(world, "bravo") == []
    with pytest.raises(NotFoundError):
        call_back(world, "alfa", str(thing("tool", 999)["id"]), Demand.DESTROY)


def test_a_recall_reaches_who_may_not_read_any_more(world: World) -> None:
    """bravo lost its clearance after it received: to take a right away is not to take the duty along."""
    (malware, *_) = ids("malware")
    assert "malware" in seen(world)
    world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "bravo", clearance="unclassified", until=None)
    assert "malware" not in seen(world)
    call_back(world, "alfa", malware, Demand.DESTROY)
    assert [one.id for notice in notices(world, "bravo") for one in notice.objects] == [malware]
    page = world.hub.reading.objects(world.asker("bravo"), "recalls", Query(), limit=99).page
    assert len(page.items) == 1
    other = world.hub.reading.objects(world.asker("coast"), "recalls", Query(), limit=99).page
    assert other.items == ()


def test_a_recall_of_what_a_hold_keeps(world: World) -> None:
    """The order goes out; the hub's own copy stays where the court finds it, and where nobody else reads it."""
    hold(world)
    (tool, *_) = ids("tool")
    seen(world)
    (made,) = call_back(world, "alfa", tool, Demand.DESTROY)
    report = world.hub.recalls.report(made.uuid, ALFA)
    assert sum(report.ours.values()) == 1
    assert "purged" not in report.ours
    assert tool in kept(world)
    assert tool not in {item.object_id for item, _ in world.read("alfa")}


def test_what_was_withdrawn_is_called_back_all_the_same(world: World) -> None:
    (tool, *_) = ids("tool")
    seen(world)
    world.hub.withdrawals.withdraw(Acting(actor="alfa"), ALFA, "exchange", tool, [VersionChoice.ALL])
    call_back(world, "alfa", tool, Demand.DESTROY)
    assert [one.id for notice in notices(world, "bravo") for one in notice.objects] == [tool]
