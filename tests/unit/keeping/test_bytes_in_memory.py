"""Bytes that were read stay in memory for the next reader; what is withdrawn or purged is served by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import event, update

from support.hub import World
from support.keeping import ALFA, keeping, later
from support.sharing import bundle, indicator
from tocsin.exchange.model import Query, VersionChoice
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
def test_what_goes_is_served_by_no_process_though_both_read_it(world: World, how: str) -> None:
    other = World.again(world.settings.home, seed=9, start=world.clock.now(), settings=world.settings)
    assert len(_bodies(world)) == len(_bodies(other)) == 2
    _go(world, how)
    assert len(_bodies(world)) == 1
    other.clock.advance(world.clock.now() - other.clock.now())
    assert _bodies(other) == _bodies(world)
    other.hub.close()


@pytest.mark.parametrize("how", ["purged", "withdrawn"])
def test_what_goes_unseen_changes_nothing_in_how_a_page_is_made(world: World, how: str) -> None:
    """Another's withdrawal would show, if it emptied memory, in how long one's own page takes."""
    world.share("coast", bundle([indicator(3)]), to=("https://bravo.example",))
    query = Query(ids=frozenset({indicator(3)["id"]}))
    for _ in range(2):  # the second time nothing is left to be learned
        world.read("bravo", query=query)
    before = _statements(world, query)
    _go(world, how)
    world.hub.integrator.integrate()
    _statements(world, query)  # the collection is another than before, which costs the first page: ADR 18
    assert _statements(world, query) == before
    assert not [statement for statement in before if "contributions.bytes" in statement]


def _go(world: World, how: str) -> None:
    if how == "purged":
        later(world, 31)
        assert world.hub.retention.sweep().purged == 1
    else:
        assert world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), ALFA, "exchange", indicator(1)["id"], {VersionChoice.ALL}
        )


def _statements(world: World, query: Query) -> list[str]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert len(world.read("bravo", query=query)) == 1
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return sent
