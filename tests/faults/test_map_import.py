"""An import of a map whose write fails, at each place, before it persisted and after; and two imports at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from support.hub import World
from support.inspection import inspect_hub
from support.mapped import AMBER, STRICT, agreed, map_of, region, share_map, sharing
from support.sabotage import Saboteur, observe
from tocsin.errors import BusyError
from tocsin.exchange.model import Query, Receipt, VersionChoice
from tocsin.kernel.clock import SECOND
from tocsin.map.wire import DEPENDENCIES, TYPES

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.map.shelf import Changes

FAILURES: Final = (OperationalError, BusyError, psycopg.Error)
EVERY: Final = Query(types=TYPES, versions=frozenset({VersionChoice.ALL}))
NARROW: Final = {"place": STRICT, DEPENDENCIES: STRICT}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "hub")
    agreed(world)
    return world


def changes_of(world: World, **said: float) -> Changes:
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    return world.hub.maps.changes(region(**said), sharing(world, "alfa"), at=at, tlp=AMBER)


def test_whatever_write_fails_the_map_is_as_before_or_as_wanted_and_again_as_wanted(world: World) -> None:
    share_map(world, "alfa", region())
    value = 0.0
    failed: set[str] = set()
    for after in (False, True):
        at = 0
        while True:
            at += 1
            before, value = map_of(world, "bravo").plan, value + 1.0
            world.clock.advance(SECOND)
            saboteur = Saboteur(fail_at=at, after=after)
            with pytest.MonkeyPatch.context() as patched:
                observe(world.hub.store, saboteur, put=patched.setattr)
                try:
                    share_map(world, "alfa", region(value_h=value))
                except FAILURES:
                    assert saboteur.failed is not None
            found = map_of(world, "bravo").plan
            share_map(world, "alfa", region(value_h=value))
            wanted = map_of(world, "bravo").plan
            assert found in {before, wanted} if saboteur.failed is not None else found == wanted
            assert [one.value_h for one in wanted.assets if one.id == "pump"] == [value]
            if saboteur.failed is None:
                break
            failed.add(saboteur.failed)
    assert len(failed) > 5
    world.hub.self_test.require()
    inspect_hub(world.hub)


def test_a_narrower_marking_that_stops_anywhere_is_completed_by_the_next_import(world: World) -> None:
    at, stopped = 1, 0
    while True:
        world.clock.advance(SECOND)
        share_map(world, "alfa", region())
        world.clock.advance(SECOND)
        saboteur = Saboteur(fail_at=at)
        with pytest.MonkeyPatch.context() as patched:
            observe(world.hub.store, saboteur, put=patched.setattr)
            try:
                share_map(world, "alfa", region(), markings=NARROW)
            except FAILURES:
                stopped += 1
        share_map(world, "alfa", region(), markings=NARROW)
        bodies = [body for _, body in world.read("bravo", query=EVERY)]
        assert not [body for body in bodies if b"suppliers" in body or b"longitude" in body], saboteur.failed
        assert share_map(world, "alfa", region(), markings=NARROW) is None
        if saboteur.failed is None:
            break
        at += 5
    assert stopped > 5
    world.hub.self_test.require()


def test_two_imports_of_one_folder_that_both_found_nothing_leave_one_map(world: World) -> None:
    first = changes_of(world)
    world.clock.advance(SECOND)
    second = changes_of(world)
    assert first.added == second.added == 5
    for one in (first, second):
        assert world.hub.maps.share(one, sharing(world, "alfa")) is not None
    assert {one.id: one.owner for one in map_of(world, "bravo").plan.assets} == dict.fromkeys(
        ("plant", "pump", "substation 3"), "https://alfa.example"
    )
    assert changes_of(world).same == 5
    assert share_map(world, "alfa", region()) is None


def test_two_imports_at_once_leave_one_of_both_and_the_next_puts_it_right(world: World) -> None:
    share_map(world, "alfa", region())
    world.clock.advance(SECOND)
    both = {value: changes_of(world, value_h=value) for value in (3.0, 4.0)}
    start, told = threading.Barrier(2), list[BaseException | Receipt | None]()

    def imported(value: float) -> None:
        start.wait()
        try:
            told.append(world.hub.maps.share(both[value], sharing(world, "alfa")))
        except BaseException as error:  # noqa: BLE001  whatever it is, the test is to see it
            told.append(error)

    threads = [threading.Thread(target=imported, args=(value,)) for value in (3.0, 4.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [one for one in told if isinstance(one, Receipt)]
    outcomes = sorted(str(result.outcome) for one in taken for result in one.results)
    # two versions of one instant: the second is refused, and its member told so; or it came too late altogether
    assert outcomes in (["accepted", "refused"], ["accepted"]), told
    assert len(taken) == 2 or any(isinstance(one, BusyError) for one in told), told
    (found,) = [one.value_h for one in map_of(world, "bravo").plan.assets if one.id == "pump"]
    assert found in {3.0, 4.0}
    world.clock.advance(SECOND)
    share_map(world, "alfa", region(value_h=5.0))
    (found,) = [one.value_h for one in map_of(world, "bravo").plan.assets if one.id == "pump"]
    assert found == 5.0
    assert share_map(world, "alfa", region(value_h=5.0)) is None
    inspect_hub(world.hub)
