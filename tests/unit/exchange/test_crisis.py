"""What an active annex makes happen: what it widens is offered anew, and called back when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import text

from support.cli import bundle, indicator, tool
from support.crises import GRID, MEMBERS, act, by_duty, campaign, found_grid, read
from support.hub import OPERATOR, World
from support.told import entries_of
from tocsin.agreements.annexes.acts import AnnexActs
from tocsin.errors import LogBrokenError, NotFoundError, TransitionError
from tocsin.exchange.emergency import service
from tocsin.exchange.emergency.record import received_under
from tocsin.exchange.emergency.service import Turned
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.exchange.reading import Answer

HOUR: Final = 3_600 * 1_000_000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crisis") / "hub"
    world = found_grid(folder)
    world.share("alfa", bundle(indicator(1), tool(1), campaign(1)))
    world.hub.close()
    return folder


def types(answer: Answer) -> list[str]:
    return sorted(item.object_id.partition("--")[0] for item in answer.page.items)


def known(world: World, reader: str) -> list[str]:
    return [one.alias for one in world.hub.reading.collections(world.asker(reader))]


# --- the collection --------------------------------------------------------------------------------------------------


def test_what_it_widens_stands_in_a_collection_of_its_own(world: World) -> None:
    assert world.hub.emergencies.turn() == Turned()
    act(world, "activate")
    done = world.hub.emergencies.turn()
    assert done.offered == 2, "campaigns are open to every member anyway"
    assert types(read(world, "coast")) == ["indicator", "tool"]
    assert types(read(world, "ana@coast", purpose="detect")) == []
    assert world.hub.emergencies.turn() == Turned(), "nothing twice"


def test_who_is_no_member_knows_of_nothing(world: World) -> None:
    before = known(world, "outsider")
    act(world, "activate")
    world.hub.emergencies.turn()
    assert known(world, "outsider") == before
    assert known(world, "coast") == [*before, "blackout"]
    with pytest.raises(NotFoundError):
        read(world, "outsider")


def test_what_is_shared_while_it_is_active_is_widened_too(world: World) -> None:
    act(world, "activate")
    world.hub.emergencies.turn()
    world.share("bravo", bundle(tool(2)))
    world.share("alfa", bundle(tool(3), indicator(4)))
    assert world.hub.emergencies.turn().offered == 3
    assert len(read(world, "coast").page.items) == 5


def test_what_is_addressed_is_widened_for_those_to_whom_it_is(world: World) -> None:
    world.share("alfa", bundle(tool(2)), to=("bravo",))
    world.share("alfa", bundle(tool(3)), to=("outsider",))
    act(world, "activate")
    assert world.hub.emergencies.turn().offered == 3
    assert len(read(world, "bravo").page.items) == 3
    assert len(read(world, "coast").page.items) == 2


def test_in_chunks_and_on_from_where_a_process_was_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.share("alfa", bundle(*(tool(number) for number in range(10, 30))))
    monkeypatch.setattr(service, "CHUNK", 6)
    act(world, "activate")
    assert world.hub.emergencies.turn(1) == Turned(offered=6, more=True)
    assert len(read(world, "coast").page.items) == 6, "the first page is there at once"
    world.reopen()
    assert world.hub.emergencies.sweep().offered == 16
    assert len(read(world, "coast").page.items) == 22


def test_the_next_time_it_is_another_collection(world: World) -> None:
    by_duty(world)
    world.hub.emergencies.sweep()
    act(world, "ratify")
    assert world.hub.emergencies.sweep() == Turned(), "prolonged, it is the same"
    act(world, "end")
    world.hub.emergencies.sweep()
    act(world, "activate")
    assert world.hub.emergencies.sweep().offered == 2
    assert len(known(world, "coast")) == 4


# --- releases name it ------------------------------------------------------------------------------------------------


def test_each_release_names_the_annex_that_opened_it(world: World) -> None:
    act(world, "activate")
    read(world, "coast", "exchange")
    read(world, "ana@coast", "exchange")
    world.hub.integrator.integrate()
    (service_, person) = [one.data for one in entries_of(world) if one.kind == "release"]
    ((annex, steps),) = service_["under"]
    assert (annex, len(steps)) == ("grid/1#blackout", 2), "indicator and tool, not the campaign"
    ((annex, steps),) = person["under"]
    assert (annex, len(steps)) == ("grid/1#blackout", 1), "an analyst reads tools anyway"
    hub = world.hub
    told = received_under(hub.store, hub.log, hub.integrator, annex="grid/1#blackout")
    assert [(one.user, one.object_id.partition("--")[0]) for one in told] == [
        (None, "indicator"),
        (None, "tool"),
        ("ana", "indicator"),
    ]


def test_a_release_that_does_not_name_it_is_found(world: World) -> None:
    act(world, "activate")
    read(world, "coast", "exchange")
    world.hub.integrator.integrate()
    told = entries_of(world)
    place = next(index for index, one in enumerate(told) if one.kind == "release")
    ((annex, steps),) = told[place].data["under"]
    for under in ([], [[annex, steps[:1]]], [["grid/1#other", steps]], [[annex, steps], [annex, steps]]):
        data = {key: value for key, value in told[place].data.items() if key != "under"} | {"under": under}
        changed = msgspec.structs.replace(told[place], data=data)
        with pytest.raises(LogBrokenError, match="other annexes"):
            replay([*enumerate([*told[:place], changed, *told[place + 1 :]])])


# --- afterwards ------------------------------------------------------------------------------------------------------


def notices(world: World, party: str) -> list[tuple[str, ...]]:
    found = world.hub.recalls.notices(world.hub.parties.get(party), None)
    return [tuple(sorted(one.id.partition("--")[0] for one in notice.objects)) for notice in found]


@pytest.mark.still
def test_what_must_be_destroyed_is_ordered_back_from_who_received_it(world: World) -> None:
    act(world, "activate")
    read(world, "coast", "exchange")
    read(world, "ana@bravo", "exchange")
    act(world, "end")
    assert types(read(world, "coast", "exchange")) == ["campaign"]
    assert world.hub.emergencies.sweep() == Turned(recalled=1, settled=1)
    assert notices(world, "coast") == [("tool",)]
    assert notices(world, "bravo") == [], "its analyst was allowed the tool anyway"
    (notice,) = world.hub.recalls.notices(world.hub.parties.get("coast"), None)
    assert notice.due == world.clock.now() + 30 * DAY
    assert world.hub.emergencies.sweep() == Turned()


def test_unratified_everything_goes_back_but_what_may_be_kept(world: World) -> None:
    world.share("alfa", bundle(campaign(2)))
    by_duty(world)
    read(world, "coast", "exchange")
    world.clock.advance(6 * HOUR)
    assert world.hub.emergencies.sweep() == Turned(recalled=1, settled=1)
    assert notices(world, "coast") == [("tool",)]
    view = world.hub.agreements.annexes()[0]
    assert (view.active, view.review_open) == (False, (1,))


def test_who_has_it_otherwise_too_keeps_it(world: World) -> None:
    act(world, "activate")
    read(world, "coast", "exchange")
    read(world, "ana@coast", "exchange")
    act(world, "end")
    assert world.hub.emergencies.sweep() == Turned(settled=1)
    assert notices(world, "coast") == []


def _supersede(world: World) -> None:
    world.agreement(GRID.replace("version: 1", "version: 2"), signed_by=MEMBERS)


def _terminate(world: World) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.terminate(world.hub.mandate, "grid", 1, "a test")


def _suspend(world: World) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "grid", 1, "a test")


SPENT: Final = {"superseded": (_supersede, True), "terminated": (_terminate, True), "suspended": (_suspend, False)}


@pytest.mark.parametrize("case", SPENT)
def test_what_follows_does_not_wait_for_a_version_that_opens_nothing_any_more(world: World, case: str) -> None:
    change, at_once = SPENT[case]
    act(world, "activate")
    read(world, "coast", "exchange")
    world.clock.advance(1)
    change(world)
    done = world.hub.emergencies.sweep()
    assert done == (Turned(recalled=1, settled=1) if at_once else Turned())
    assert notices(world, "coast") == ([("tool",)] if at_once else [])
    world.hub.integrator.integrate()
    kinds = [payload.kind for payload in entries_of(world)]
    assert ("annex.ceased" in kinds) is at_once
    replay([*enumerate(entries_of(world))])
    world.hub.self_test.require()
    if not at_once:
        # what may be resumed is not over before its time
        with world.hub.agreements.emergency(OPERATOR) as acts, pytest.raises(TransitionError):
            acts.cease("grid", 1, "blackout", "a test")
        world.clock.advance(72 * HOUR)
        assert world.hub.emergencies.sweep() == Turned(recalled=1, settled=1)


def test_an_annex_that_ceased_for_nothing_is_found(world: World) -> None:
    act(world, "activate")
    act(world, "end")
    told = entries_of(world)
    (place,) = (index for index, one in enumerate(told) if one.kind == "annex.ended")
    told[place] = msgspec.structs.replace(told[place], kind="annex.ceased", mandate=None)
    with pytest.raises(LogBrokenError, match="may still open"):
        replay([*enumerate(told)])


def test_the_clock_set_back_extends_nothing_and_orders_nothing_twice(world: World) -> None:
    by_duty(world)
    read(world, "coast", "exchange")
    world.clock.advance(6 * HOUR)
    world.hub.emergencies.sweep()
    world.clock.advance(-5 * HOUR)
    assert types(read(world, "coast", "exchange")) == ["campaign"]
    assert world.hub.emergencies.sweep() == Turned()
    assert len(notices(world, "coast")) == 1


def test_an_end_that_was_settled_without_its_recall_is_found(template: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "hub", template=template)
    act(world, "activate")
    read(world, "coast", "exchange")
    act(world, "end")
    world.hub.integrator.integrate()
    told = entries_of(world)
    with world.hub.store.write() as connection:
        acts = AnnexActs(connection=connection, acting=Acting(actor="hub"), log=world.hub.log)
        acts.settle("grid", 1, "blackout", "nothing to do")
    assert replay([*enumerate(told)]).releases == 1
    with pytest.raises(LogBrokenError, match="not ordered back"):
        replay([*enumerate(entries_of(world))])
    world.hub.close()


# --- the self-test ---------------------------------------------------------------------------------------------------

DAMAGE: Final = {
    "annexes": "UPDATE annex_activations SET settled = settled + 1",
    "releases": "UPDATE released_under SET annex = 'grid/1#other'",
    "releases ": "DELETE FROM released_under",
    "releases  ": "UPDATE released_under SET offers = "
    "(SELECT offers FROM releases WHERE releases.release_id = released_under.release_id)",
}


@pytest.mark.parametrize(("check", "damage"), DAMAGE.items(), ids=DAMAGE.values())
def test_the_self_test_finds_what_the_log_does_not_tell(
    template: Path, tmp_path: Path, check: str, damage: str
) -> None:
    world = World(tmp_path / "hub", template=template)
    act(world, "activate")
    read(world, "coast", "exchange")
    act(world, "end")
    world.hub.emergencies.sweep()
    world.hub.self_test.require()
    with world.hub.store.write() as connection:
        connection.execute(text(damage))
    faults = [one.check for one in world.hub.self_test.run() if one.fault is not None]
    world.hub.close()
    assert check.strip() in faults
