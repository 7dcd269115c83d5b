"""Bytes that were read stay in memory for the next reader, and leave it once anything was withdrawn or purged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import update

from support.hub import World
from support.keeping import ALFA, keeping, later
from support.sharing import bundle, indicator
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGED: Final = b'{"type":"indicator","name":"changed behind the hub"}'


@pytest.fixture
def world() -> Iterator[World]:
    for hubs in keeping():
        made = hubs.world()
        made.share("alfa", bundle([indicator(1)]))
        later(made, 60)
        made.share("alfa", bundle([indicator(2)]))
        yield made
        hubs.drop(made)


def _bodies(world: World) -> list[bytes]:
    return [body for _, body in world.read("bravo")]


def _change_behind(world: World) -> None:
    """Change what the database holds: who reads it there gets the change, who has it in memory does not."""
    with world.hub.store.write() as connection:
        connection.execute(update(CONTRIBUTIONS).where(CONTRIBUTIONS.c.bytes.is_not(None)).values(bytes=CHANGED))


def test_what_was_read_is_not_fetched_again(world: World) -> None:
    before = _bodies(world)
    assert len(before) == 2
    _change_behind(world)
    assert _bodies(world) == before
    world.reopen()
    assert _bodies(world) == [CHANGED, CHANGED]


@pytest.mark.parametrize("how", ["purged", "withdrawn"])
def test_all_of_it_leaves_with_what_goes_in_every_process(world: World, how: str) -> None:
    other = World.again(world.settings.home, seed=9, start=world.clock.now(), settings=world.settings)
    assert len(_bodies(world)) == len(_bodies(other)) == 2
    _change_behind(world)
    if how == "purged":
        later(world, 31)
        assert world.hub.retention.sweep().purged == 1
    else:
        assert world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), ALFA, "exchange", indicator(1)["id"], {VersionChoice.ALL}
        )
    assert _bodies(world) == [CHANGED]
    other.clock.advance(world.clock.now() - other.clock.now())
    assert _bodies(other) == [CHANGED]
    other.hub.close()
