"""Every look at the clock is later than the one before: no act tells its entries in another order than it made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.publishing import HOUR, PACT, Press, finding
from tocsin.exchange.recall.model import Demand
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.time_passes

ALFA = "https://alfa.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Press]:
    made = Press(
        tmp_path / "hub", text=PACT + '  - {id: "6", retain: {for: P30D, then: purge}, of: {type: [indicator]}}\n'
    )
    for name in ("alfa", "bravo"):
        made.give(name, finding(1), finding(2))
    made.seen()
    yield made
    made.hub.close()


def _recall(world: Press) -> None:
    world.hub.recalls.recall(
        Acting(actor="alfa"),
        ALFA,
        finding(1)["id"],
        demand=Demand.DESTROY,
        due=world.clock.at + 9 * DAY,
        reason="names a customer",
    )


def test_what_waits_to_be_published_goes_with_a_recall(world: Press) -> None:
    _recall(world)
    assert world.hub.self_test.require() > 0


def test_what_waits_to_be_published_goes_with_a_sweep(world: Press) -> None:
    world.clock.advance(31 * DAY)
    assert world.hub.retention.sweep().purged == 4
    assert world.hub.self_test.require() > 0


def test_what_was_published_goes_with_a_recall(world: Press) -> None:
    world.give("coast", finding(1), finding(2))
    world.wait(4 * HOUR)
    world.seen()
    _recall(world)
    world.wait(HOUR)
    assert world.hub.self_test.require() > 0


def test_a_clock_that_is_set_back_before_a_purge_puts_it_off(world: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge that is entered before it is due would be one that no check accepts."""
    world.clock.advance(31 * DAY - 2 * SECOND)
    assert world.hub.retention.sweep().purged == 4
    world.give("alfa", finding(3))
    shared = world.clock.at
    world.clock.at = shared + 30 * DAY + SECOND
    retention = world.hub.retention
    real = retention._next

    def found(*looked: Any) -> object:  # noqa: ANN401  what it is called with
        monkeypatch.undo()
        due = real(*looked)
        world.clock.advance(-2 * SECOND)
        return due

    monkeypatch.setattr(retention, "_next", found)
    assert retention.sweep().purged == 0
    assert world.hub.self_test.require() > 0
    world.clock.at = shared + 30 * DAY + SECOND
    assert retention.sweep().purged == 1
    assert world.hub.self_test.require() > 0
