"""Totals over what a reader may not see: told as a clause allows, safe for every owner, and entered as such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from msgspec import structs

from support.cli import Cli
from support.hub import OPERATOR, World
from support.mapped import share_map, sharing
from support.told import entries_of
from tocsin.errors import LogBrokenError
from tocsin.exchange.asking import Question
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.mandate import Acting
from tocsin.map.model import Asset, AssetMap
from tocsin.map.totals.service import STANDS
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.log.model import EntryPayload
    from tocsin.map.totals.told import TotalsTold

OWNERS: Final = ("alfa", "bravo", "coast", "delta", "echo")
AMBER: Final = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"

TEXT: Final = """
agreement: region
version: 1
title: The region
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}, {name: coast}, {name: delta}, {name: echo}, {name: ministry}, {name: other}]
purposes: [analyse, detect]
clauses:
  - {id: "t", total: map, to: {parties: [ministry]}, of: {tlp: {at_most: amber}}}
"""
MEMBERS: Final = (*OWNERS, "ministry", "other")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return hub(tmp_path / "hub")


def hub(home: Path, text: str = TEXT) -> World:
    world = World(home)
    for name in MEMBERS:
        world.party(name)
    world.agreement(text, signed_by=MEMBERS)
    return world


def plant(name: str, people: int, *, sector: str = "energy", value_h: float = 0.0) -> Asset:
    return Asset(id=name, sector=sector, people=people, value_h=value_h)


def share(world: World, owner: str, *assets: Asset, markings: dict[str, str] | None = None) -> None:
    world.clock.advance(SECOND)
    share_map(world, owner, AssetMap(assets=assets), markings=markings)


def shared(world: World, people: dict[str, int]) -> None:
    for owner, count in people.items():
        share(world, owner, plant(f"{owner}'s plant", count, value_h=float(count)))


def told(world: World, reader: str = "ministry", collection: str | None = None) -> TotalsTold:
    return world.hub.totals.told(world.asker(reader, purpose="analyse"), collection)


def people(answer: TotalsTold) -> dict[str | None, int]:
    """Return how many people are told of by sector, and of the whole under None."""
    return {
        one.sector: one.unseen.people
        for one in (*answer.sectors, answer.whole)
        if one.unseen is not None and one.unseen.people is not None
    }


FOUR: Final = {"alfa": 100, "bravo": 120, "coast": 90, "delta": 110}


def test_a_clause_lets_sums_of_several_owners_be_told(world: World) -> None:
    shared(world, FOUR)
    answer = told(world)
    assert people(answer) == {"energy": 420, None: 420}
    whole = answer.whole.unseen
    assert whole is not None
    assert (whole.owners, whole.assets, whole.value_h) == (4, 4, 420)
    assert (answer.clauses, answer.at_least) == (("region/1/t",), 3)
    assert answer.whole.seen.assets == 0


def test_by_default_nobody_is_told_anything(world: World) -> None:
    shared(world, FOUR)
    for reader in ("other", "alfa"):
        assert people(told(world, reader)) == {}
    world.party("outsider")
    assert told(world, "outsider").sectors == ()
    assert kinds(world) == []


def kinds(world: World) -> list[str]:
    world.hub.integrator.integrate()
    return [str(payload.data["kind"]) for payload in entries_of(world) if is_total(payload)]


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ({"alfa": 100, "bravo": 120}, "two owners know each other's"),
        ({"alfa": 100, "bravo": 3, "coast": 4, "delta": 5}, "one has most of it"),
        ({"alfa": 100, "bravo": 101, "coast": 1}, "with the second's help the third is nothing"),
    ],
)
def test_what_would_tell_of_one_owner_is_not_told(world: World, shares: dict[str, int], why: str) -> None:
    shared(world, shares)
    assert people(told(world)) == {}, why


def test_an_answer_without_figures_is_that_of_nothing(world: World) -> None:
    nothing = told(world)
    share(world, "alfa", plant("one", 5))
    share(world, "bravo", plant("two", 5, sector="water"))
    assert told(world) == nothing
    assert kinds(world) == []


def test_a_sector_is_not_had_back_from_the_whole(world: World) -> None:
    shared(world, FOUR)
    share(world, "echo", plant("waterworks", 130, sector="water"))
    answer = people(told(world))
    # the whole less energy would be echo's
    assert answer in ({"energy": 420}, {None: 550})


# --- what the reader sees, and does to see more ----------------------------------------------------------------------


SEES: Final = (
    TEXT
    + """\
  - {id: "r", permit: read, to: {parties: [ministry]}, of: {owner: [alfa, bravo], tlp: {at_most: green}}}
"""
)
GREEN: Final = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def test_what_the_party_sees_is_counted_apart_and_protects_nobody(tmp_path: Path) -> None:
    world = hub(tmp_path / "hub", SEES.replace("at_most: green", "at_most: amber"))
    shared(world, FOUR)
    answer = told(world)
    # of four owners two are seen: two are left, and neither is told
    assert people(answer) == {}
    assert (answer.whole.seen.owners, answer.whole.seen.people) == (2, 220)
    share(world, "echo", plant("sub", 95))
    assert people(told(world)) == {"energy": 295, None: 295}


def test_what_a_colleague_may_read_protects_nobody_either(tmp_path: Path) -> None:
    text = SEES.replace("at_most: green", "at_most: amber").replace(
        "to: {parties: [ministry]}, of: {owner", "to: {parties: [ministry], role: auditor}, of: {owner"
    )
    world = hub(tmp_path / "hub", text)
    shared(world, FOUR)
    assert people(told(world)) == {"energy": 420, None: 420}
    world.clock.advance(STANDS + DAY)
    world.user("cato@ministry", roles=frozenset({Role.AUDITOR}))
    assert people(told(world)) == {}


def test_a_member_who_changes_its_own_assets_learns_nothing(world: World) -> None:
    shared(world, FOUR)
    before = told(world)
    for count in (5, 70_000, 12):
        share(world, "ministry", plant("our plant", count), plant(f"another {count}", 1))
        now = told(world)
        assert people(now) == people(before)
        assert now.whole.seen.people > 0
        world.clock.advance(STANDS + DAY)
    # nor by speaking of what is others': that chooses nothing of what is counted
    share(world, "ministry", Asset(id="alfa's plant", owner="https://alfa.example", people=1))
    assert people(told(world)) == people(before)


def test_an_owner_who_comes_later_is_not_told_by_the_difference(world: World) -> None:
    shared(world, FOUR)
    assert people(told(world))[None] == 420
    share(world, "echo", plant("sub", 95))
    # the answer stands, and the next one would differ by echo alone
    assert people(told(world))[None] == 420
    world.clock.advance(STANDS + DAY)
    assert None not in people(told(world))


def test_an_answer_that_may_be_told_no_more_is_not(world: World) -> None:
    shared(world, FOUR)
    assert people(told(world))[None] == 420
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.suspend_party("delta", reason="an inquiry")
    assert people(told(world)) == {}


def test_collections_give_nothing_away_by_their_difference(world: World) -> None:
    shared(world, FOUR)
    with_ = told(world, collection="exchange")
    assert people(with_)[None] == 420
    assert people(told(world))[None] == 420  # the same once more is no news


# --- what is never counted -------------------------------------------------------------------------------------------


NEVER: Final = {
    "forbidden": '  - {id: "f", forbid: read, of: {owner: [delta]}}\n',
    "forbidden to the reader": '  - {id: "f", forbid: read, to: {parties: [ministry]}, of: {owner: [delta]}}\n',
}


@pytest.mark.parametrize("name", NEVER)
def test_what_is_forbidden_is_in_no_total(tmp_path: Path, name: str) -> None:
    world = hub(tmp_path / "hub", TEXT + NEVER[name])
    shared(world, FOUR)
    assert people(told(world)) == {"energy": 310, None: 310}


@pytest.mark.parametrize("marking", ["red", "amber+strict"])
def test_what_a_clause_does_not_cover_is_in_no_total(tmp_path: Path, marking: str) -> None:
    text = TEXT.replace("at_most: amber", "at_most: red") if marking == "red" else TEXT
    world = hub(tmp_path / "hub", text)
    marks = {"red": "e828b379-4e03-4974-9ac4-e53a884c97c1", "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003"}
    shared(world, {name: count for name, count in FOUR.items() if name != "delta"})
    world.clock.advance(SECOND)
    own = sharing(world, "delta")
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    marked = f"marking-definition--{marks[marking]}"
    changes = world.hub.maps.changes(AssetMap(assets=(plant("hidden", 110),)), own, at=at, tlp=marked)
    assert world.hub.maps.share(changes, own) is not None
    assert people(told(world)) == {"energy": 310, None: 310}


def test_an_attribute_under_a_marking_of_its_own_is_counted_by_that(world: World) -> None:
    for name, count in FOUR.items():
        strict = {"people": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"} if name == "delta" else None
        share(world, name, plant(f"{name}'s plant", count), markings=strict)
    whole = told(world).whole.unseen
    assert whole is not None
    assert (whole.assets, whole.people) == (4, 310)


def test_what_was_retired_or_withdrawn_is_not_counted(world: World) -> None:
    shared(world, FOUR | {"echo": 95})
    world.clock.advance(SECOND)
    share_map(world, "delta", AssetMap(assets=()), retire=True)
    assert people(told(world)) == {"energy": 405, None: 405}


# --- the log ---------------------------------------------------------------------------------------------------------


def test_each_owner_learns_that_its_asset_was_counted_and_by_which_clause(world: World) -> None:
    shared(world, FOUR)
    told(world)
    told(world)
    world.hub.integrator.integrate()
    party, _ = world.hub.parties.resolve("delta")
    [ref] = [
        item.object_id for item, _ in world.read("delta", purpose="analyse") if item.object_id.startswith("asset--")
    ]
    account = world.hub.asking.who(
        Question(object_id=ref, party=party, user=None, acting=Acting(actor="delta"), purpose="analyse")
    )
    totals = [one for one in account.received if one.kind.startswith("total")]
    assert [one.kind for one in totals] == ["total"] * 3 + ["total-again"] * 3
    assert {(one.party, one.clause) for one in totals} == {("ministry", "region/1/t")}


def test_entries_name_to_each_owner_its_own_and_no_figure(world: World) -> None:
    shared(world, FOUR)
    told(world)
    world.hub.integrator.integrate()
    entries = [payload for payload in entries_of(world) if is_total(payload)]
    assert {one.data["owner"] for one in entries} == {f"https://{name}.example" for name in FOUR}
    assert {len(one.data["offers"]) for one in entries} == {1}
    assert "420" not in str([one.data["filter"] for one in entries])
    assert {str(sorted(one.data["filter"])) for one in entries} == {
        str(["answer", "at_least", "clause", "of", "scope", "sector", "shown", "totals"])
    }


def test_the_log_replays_and_the_hub_is_sound(world: World) -> None:
    shared(world, FOUR)
    told(world)
    world.clock.advance(STANDS + DAY)
    told(world)
    assert world.hub.self_test.require() > 0
    replay(numbered(world))


def numbered(world: World) -> list[tuple[int, EntryPayload]]:
    world.hub.integrator.integrate()
    return list(enumerate(entries_of(world)))


MADE_UP: Final[dict[str, tuple[dict[str, object], str]]] = {
    "another clause": ({"clause": "region/1/r"}, "another clause"),
    "no clause": ({"clause": None}, "another clause"),
    "of fewer owners": ({"at_least": 2}, "fewer owners"),
    "of nobody knows how many": ({"at_least": "3"}, "fewer owners"),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_a_total_that_no_clause_allows_is_found_by_replay(world: World, name: str) -> None:
    shared(world, FOUR)
    told(world)
    change, said = MADE_UP[name]
    with pytest.raises(LogBrokenError, match=said):
        replay([(index, _filtered(one, change)) for index, one in numbered(world)])


def test_a_page_is_not_passed_off_as_a_total(world: World) -> None:
    shared(world, FOUR)
    told(world)
    with pytest.raises(LogBrokenError, match="was not allowed"):
        replay(
            [
                (index, structs.replace(one, data=one.data | {"kind": "objects"}) if is_total(one) else one)
                for index, one in numbered(world)
            ]
        )


def is_total(one: EntryPayload) -> bool:
    return one.kind == "release" and str(one.data["kind"]).startswith("total")


def _filtered(one: EntryPayload, change: dict[str, object]) -> EntryPayload:
    if not is_total(one):
        return one
    return structs.replace(one, data=one.data | {"filter": one.data["filter"] | change})


# --- at the command line ---------------------------------------------------------------------------------------------


def test_the_command_prints_what_is_told_and_leaves_gaps(world: World) -> None:
    shared(world, FOUR)
    share(world, "echo", plant("waterworks", 130, sector="water"))
    expected = told(world)
    cli = Cli(world.settings.home)
    said = cli.ok("map", "totals", "--as", "ministry").out
    assert "unseen: by region/1/t, of 3 owners at least, as of 20" in said
    document = cli.json("map", "totals", "--as", "ministry")
    assert document["whole"]["unseen"]["people"] == people(expected)[None] == 550
    assert [one["sector"] for one in document["sectors"]] == [one.sector for one in expected.sectors]
    # who is told nothing is not told that there is something
    assert cli.ok("map", "totals", "--as", "other").out == "nothing for this reader\n"
    wrong = cli.run("map", "totals", "--as", "ministry", "--collection", "nowhere")
    assert "there is no such collection" in wrong.err
