"""A map that members share: what an import changes, what a reader sees, and what it must not be able to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from msgspec import structs

from support.cascades import needs
from support.hub import World
from support.mapped import ALFA, AMBER, BRAVO, COAST, STRICT, agreed, map_of, region, share_map, sharing
from tocsin.errors import InputError, LimitError
from tocsin.exchange import reading
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.clock import SECOND, format_instant, parse_instant
from tocsin.map import service
from tocsin.map.allowance import MOST_LEFT_OUT, Allowance
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.model import Asset, AssetMap, Place, Quantiles
from tocsin.map.reported import differing, none_out, reported, with_repairs
from tocsin.map.whatnext import Outage, what_next
from tocsin.map.wire import DEPENDENCIES, TYPES, State, asset_id, encode, encode_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tocsin.kernel.clock import Micros
    from tocsin.map.seen import Seen

EVERY: Final = Query(types=TYPES, versions=frozenset({VersionChoice.ALL}))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "hub")
    agreed(world)
    return world


def owned(plan: AssetMap, owner: str = ALFA) -> AssetMap:
    assets = sorted((structs.replace(one, owner=owner) for one in plan.assets), key=lambda one: one.id)
    return AssetMap(assets=tuple(assets), groups=tuple(sorted(plan.groups, key=lambda one: (one.asset, one.name))))


# --- sharing ---------------------------------------------------------------------------------------------------------


def test_members_see_what_was_shared_and_nobody_else_does(world: World) -> None:
    world.party("outsider")
    receipt = share_map(world, "alfa", region())
    assert receipt is not None
    assert len(receipt.results) == 5
    for name in ("alfa", "bravo", "coast"):
        assert map_of(world, name).plan == owned(region())
    assert map_of(world, "outsider").plan == AssetMap(assets=())


def test_an_import_again_shares_what_has_changed_and_nothing_else(world: World) -> None:
    share_map(world, "alfa", region())
    assert share_map(world, "alfa", region()) is None
    world.clock.advance(SECOND)
    changed = region(value_h=5.0)
    receipt = share_map(world, "alfa", changed)
    assert receipt is not None
    assert [one.id for one in receipt.results] == [asset_id(ALFA, "pump")]
    assert map_of(world, "bravo").plan == owned(changed)
    assert len([item for item, _ in world.read("bravo", query=EVERY)]) == 6  # both versions are there to be asked for


def test_what_was_taken_down_may_come_back(world: World) -> None:
    share_map(world, "alfa", region())
    world.clock.advance(SECOND)
    smaller = AssetMap(assets=region().assets[:2], groups=region().groups[:1])
    assert share_map(world, "alfa", smaller) is None  # nothing is taken down unless that is said
    share_map(world, "alfa", smaller, retire=True)
    assert map_of(world, "bravo").plan == owned(smaller)
    world.clock.advance(SECOND)
    share_map(world, "alfa", region())
    assert map_of(world, "bravo").plan == owned(region())


def test_an_attribute_that_gets_a_marking_of_its_own_leaves_the_asset(world: World) -> None:
    share_map(world, "alfa", region())
    assert any(asset.place for asset in map_of(world, "bravo").plan.assets)
    world.clock.advance(SECOND)
    share_map(world, "alfa", region(), markings={"place": STRICT})
    assert not any(asset.place for asset in map_of(world, "bravo").plan.assets)
    assert map_of(world, "alfa").plan == owned(region())
    world.clock.advance(SECOND)
    moved = AssetMap(
        assets=tuple(structs.replace(one, place=Place(longitude=1.0, latitude=2.0)) for one in region().assets),
        groups=region().groups,
    )
    share_map(world, "alfa", moved)
    assert map_of(world, "alfa").plan == owned(moved)  # the detail of before says nothing any more
    assert map_of(world, "bravo").plan == owned(moved)


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_is_marked_more_narrowly_is_open_in_no_version(
    world: World, *, interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_map(world, "alfa", region())
    world.clock.advance(SECOND)
    narrow = {"place": STRICT, DEPENDENCIES: STRICT}
    if interrupted:
        with monkeypatch.context() as patched:
            patched.setattr(world.hub.shelf._withdrawals, "withdraw", stopped)
            with pytest.raises(KeyboardInterrupt):
                share_map(world, "alfa", region(), markings=narrow)
        assert any(b"suppliers" in body for _, body in world.read("bravo", query=EVERY))
    share_map(world, "alfa", region(), markings=narrow)
    bodies = [body for _, body in world.read("bravo", query=EVERY)]
    assert not [body for body in bodies if b"suppliers" in body or b"longitude" in body]
    assert map_of(world, "bravo").plan.groups == ()
    assert map_of(world, "alfa").plan == owned(region())
    assert share_map(world, "alfa", region(), markings=narrow) is None


def stopped(*_given: Any) -> None:  # noqa: ANN401  whatever it is asked
    raise KeyboardInterrupt


def test_a_report_of_the_field_has_versions_by_source(world: World) -> None:
    share_map(world, "alfa", region())
    ref = asset_id(ALFA, "pump")
    for service_left, source in ((0.5, "crew 4"), (0.0, "flight 1"), (0.8, "crew 4")):
        world.clock.advance(SECOND)
        found = State(
            asset=ref, service=service_left, since=parse_instant("2026-06-01T07:00:00Z"), source=source, confidence=70
        )
        with world.hub.store.read() as connection:
            world.hub.maps.report([found], sharing(world, "bravo"), at=world.hub.log.now(connection))
    states = map_of(world, "coast").states
    assert sorted((one.state.source, one.state.service, one.counts) for one in states) == [
        ("crew 4", 0.8, True),
        ("flight 1", 0.0, False),
    ]
    assert {(one.by, one.asset, one.state.confidence) for one in states} == {(BRAVO, "pump", 70)}


# --- whose word ------------------------------------------------------------------------------------------------------


def bundled(objects: Iterable[Mapping[str, Any]]) -> bytes:
    bundle_id = "bundle--00000000-0000-4000-8000-000000000000"
    return msgspec.json.encode({"type": "bundle", "id": bundle_id, "objects": list(objects)})


def squat(world: World, *objects: Mapping[str, Any], by: str = "coast") -> None:
    receipt = world.share(by, bundled(objects))
    assert not [one.reason for one in receipt.results if one.reason is not None]


def test_who_shares_first_under_an_owners_id_does_not_hide_the_owner(world: World) -> None:
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    forged = AssetMap(assets=tuple(structs.replace(one, owner=ALFA, people=9) for one in region().assets))
    squat(world, *encode(forged, by=ALFA, at=at))
    world.clock.advance(SECOND)
    share_map(world, "alfa", region())
    found = map_of(world, "bravo")
    assert found.plan == owned(region())
    assert {one.by for one in found.unread} == {"https://coast.example"}
    assert len(found.unread) == 3
    assert share_map(world, "alfa", region()) is None  # and its owner, too, finds its own


def test_another_fills_in_and_never_replaces(world: World) -> None:
    share_map(world, "alfa", region())
    other = AssetMap(assets=(Asset(id="pump", owner=ALFA, people=9, kind="pump station"),))
    share_map(world, "bravo", other)
    found = map_of(world, "coast")
    pump = next(asset for asset in found.plan.assets if asset.id == "pump")
    assert (pump.people, pump.kind) == (400, "pump station")
    assert [(one.what, one.by) for one in found.beside] == [("people", BRAVO)]
    assert [(one.what, one.by) for one in found.lent] == [("kind", BRAVO)]


def test_a_member_says_that_it_needs_what_another_has(world: World) -> None:
    share_map(world, "alfa", region())
    plan = AssetMap(
        assets=(Asset(id="hospital", people=90), Asset(id="substation 3", owner=ALFA)),
        groups=(needs("hospital", "substation 3"),),
    )
    receipt = share_map(world, "bravo", plan)
    assert receipt is not None
    assert len(receipt.results) == 2  # of alfa's substation bravo says nothing
    found = map_of(world, "coast")
    wiring = wire(found.plan)
    outcome = simulate(wiring, hits_of(wiring, [[Hit(asset="plant", until_h=10)]]), horizon_h=10, jobs=1)
    assert outcome.outage_h[wiring.ids.index("hospital")] == 10


# --- what must not be told -------------------------------------------------------------------------------------------


def test_a_supplier_that_is_not_seen_is_an_id_and_stays_up(world: World) -> None:
    share_map(world, "alfa", region(), markings=dict.fromkeys(("kind", "sector"), STRICT))
    hidden = AssetMap(assets=(Asset(id="secret plant", people=1),))
    plan = AssetMap(assets=(Asset(id="mill", people=5), *hidden.assets), groups=(needs("mill", "secret plant"),))
    for one, mark in ((hidden, STRICT), (plan, None)):
        with world.hub.store.read() as connection:
            at = world.hub.log.now(connection)
        objects = [
            each for each in encode(one, by=BRAVO, at=at, tlp=mark) if mark or each.get("name") != "secret plant"
        ]
        world.share("bravo", bundled(objects))
    found = map_of(world, "coast")
    ref = asset_id(BRAVO, "secret plant")
    assert found.unseen == (ref,)
    assert [(one.asset, one.group, one.unseen, one.of) for one in found.partly] == [("mill", "power", 1, 1)]
    wiring = wire(found.plan)
    none = hits_of(wiring, [[]])
    assert simulate(wiring, none, horizon_h=10, jobs=1).outage_h.sum() == 0
    assert map_of(world, "bravo").unseen == ()


HIDINGS: Final[dict[str, Callable[[World], object]]] = {
    "nothing": lambda world: None,
    "the supplier itself": lambda world: share_map(
        world, "bravo", AssetMap(assets=(Asset(id="secret", people=7),)), markings=None
    ),
    "a whole map": lambda world: share_map(world, "bravo", structs.replace(region(), assets=region().assets)),
    "what others say of alfa's": lambda world: share_map(
        world, "bravo", AssetMap(assets=(Asset(id="pump", owner=ALFA, people=7),))
    ),
    "the same ids": lambda world: squat(world, *encode(region(), by=ALFA, at=1_780_000_000_000_000)),
}


@pytest.mark.parametrize("hide", [name for name in HIDINGS if name != "nothing"])
def test_a_map_is_the_same_whatever_is_hidden(tmp_path: Path, hide: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One world has what a reader may not see, the other has not: maps, errors and the number of pages are equal."""
    found: list[tuple[Seen, list[int]]] = []
    for number, hiding in enumerate(("nothing", hide)):
        world = World(tmp_path / str(number), seed=3)
        for name in ("alfa", "bravo", "coast"):
            world.party(name)
        world.party("reader")
        world.agreement(ONLY_ALFA, signed_by=("alfa", "reader"))
        HIDINGS[hiding](world)
        world.clock.advance(SECOND)
        plan = AssetMap(
            assets=(*region().assets, Asset(id="secret", owner=BRAVO)),
            groups=(*region().groups, needs("pump", "secret", name="data")),
        )
        share_map(world, "alfa", plan)
        pages: list[int] = []
        asked = world.hub.reading.objects

        def counted(*given: Any, asked: Any = asked, pages: list[int] = pages, **named: Any) -> Any:  # noqa: ANN401
            answer = asked(*given, **named)
            pages.append(len(answer.page.items))
            return answer

        monkeypatch.setattr(world.hub.reading, "objects", counted)
        found.append((map_of(world, "reader"), pages))
    assert found[0] == found[1]


ONLY_ALFA: Final = """
agreement: only-alfa
version: 1
title: What alfa shows
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: reader}]
purposes: [analyse]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: [analyse]
"""


# --- the log, limits -------------------------------------------------------------------------------------------------


def test_every_page_of_a_map_is_a_release(world: World) -> None:
    share_map(world, "alfa", region())
    world.hub.integrator.integrate()
    before = releases(world)
    map_of(world, "bravo")
    map_of(world, "bravo")
    world.hub.integrator.integrate()
    assert releases(world) == before + 2


def releases(world: World) -> int:
    with world.hub.store.read() as connection:
        return [row.kind for row in world.hub.log.rows(connection)].count("release")


def test_a_map_that_is_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every party keeps to its half and all of them together are too many."""
    share_map(world, "alfa", region())
    share_map(world, "bravo", flooding(4))
    share_map(world, "coast", flooding(4))
    monkeypatch.setattr(service, "MOST_WORDS", 10)
    with pytest.raises(LimitError, match="more than 10 objects"):
        map_of(world, "bravo")


def flooding(count: int, name: str = "x") -> AssetMap:
    return AssetMap(assets=tuple(Asset(id=f"{name} {number}") for number in range(count)))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("page", [4, 1_000])
def test_whoever_shares_without_end_is_left_out_and_hides_nobody(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int, *, first: bool
) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE", page)
    share_map(world, "alfa", region())
    before = map_of(world, "coast")
    other = World(tmp_path / "other")
    agreed(other)
    for name in ("bravo", "alfa") if first else ("alfa", "bravo"):
        world.clock.advance(SECOND)
        share_map(other, name, region() if name == "alfa" else flooding(30))
    with monkeypatch.context() as patched:
        patched.setattr(service, "MOST_WORDS", 12)
        found = map_of(other, "coast")
    assert [(one.party, one.cause) for one in found.parties_left_out] == [
        (BRAVO, "it shares more than 6 objects, which is half of what one answer holds")
    ]
    assert structs.replace(found, parties_left_out=()) == before
    # who floods shares and mends its own part as before, and so do the others
    assert share_map(other, "alfa", region(value_h=7)) is not None
    assert share_map(other, "bravo", flooding(2), retire=True) is not None


def test_nobody_is_left_out_for_what_others_share(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the largest, nor whose ids another had before, with however many versions."""
    names = ("plant", "pump", "substation 3")
    forged = AssetMap(assets=tuple(Asset(id=name, owner=ALFA) for name in names))
    for number in range(5):
        at = parse_instant("2026-06-01T07:00:00Z") + number * SECOND
        told = [one | {"created": "2026-06-01T07:00:00.000000Z"} for one in encode(forged, by=ALFA, at=at)]
        squat(world, *told[: 3 if number == 0 else 1], by="bravo")
    squat(world, told[0], by="coast")
    world.clock.advance(SECOND)
    share_map(world, "alfa", region())
    share_map(world, "coast", flooding(4))
    monkeypatch.setattr(service, "MOST_WORDS", 12)
    found = map_of(world, "coast")
    assert found.parties_left_out == ()
    assert {asset.id for asset in found.plan.assets} >= set(names)
    assert {one.by for one in found.unread} == {BRAVO, COAST}


def test_so_many_are_left_out_and_then_it_is_refused() -> None:
    allowance = Allowance(2, 100)
    for number in range(MOST_LEFT_OUT):
        assert allowance.takes(f"party {number}", 50)
        assert not allowance.takes(f"party {number}", 1)
        assert not allowance.takes(f"party {number}", 1)
    assert allowance.parties == {f"party {number}" for number in range(MOST_LEFT_OUT)}
    assert not Allowance(2, 100).takes("one", 51)
    assert allowance.takes("one", 50)
    assert allowance.takes("two", 50)
    allowance.require()
    assert allowance.takes("three", 1)
    with pytest.raises(LimitError, match="more than 2 objects"):
        allowance.require()
    with pytest.raises(LimitError, match="more than 2 objects"):
        allowance.takes("four", 1)
    with pytest.raises(LimitError, match="more than 8 parties"):
        allowance.takes("two", 1)


@pytest.mark.parametrize("order", [("alfa", "bravo", "flood"), ("flood", "alfa", "bravo"), ("alfa", "flood", "bravo")])
def test_who_is_left_out_does_not_depend_on_who_is_read_first(order: tuple[str, ...]) -> None:
    allowance = Allowance(100)
    for party in order:
        for _ in range({"alfa": 30, "bravo": 25, "flood": 60}[party]):
            allowance.takes(party, 1)
    allowance.require()
    assert allowance.parties == {"flood"}


# --- reports that would stop or outrank the others -------------------------------------------------------------------


def say(world: World, name: str, asset: str, service_left: float, *, since: str, until: str | None = None) -> None:
    world.clock.advance(SECOND)
    found = State(
        asset=asset_id(ALFA, asset),
        service=service_left,
        since=parse_instant(since),
        until=None if until is None else parse_instant(until),
        source=f"crew of {name}",
    )
    world.hub.maps.report([found], sharing(world, name), at=now_of(world))


def now_of(world: World) -> Micros:
    with world.hub.store.read() as connection:
        return world.hub.log.now(connection)


def test_a_report_without_a_known_end_stops_nobody(world: World) -> None:
    share_map(world, "alfa", region(repair=Quantiles(hours=(1.0, 20.0))))
    say(world, "bravo", "plant", 0.0, since="2026-06-01T07:00:00Z")
    say(world, "bravo", "pump", 0.5, since="1999-01-01T00:00:00Z")
    say(world, "coast", "substation 3", 0.0, since="1971-01-01T00:00:00Z", until="2999-01-01T00:00:00Z")
    seen = map_of(world, "alfa")
    told, left = reported(seen, seen.plan)
    assert [one.asset for one in told] == ["substation 3"]
    causes = {one.asset: one.cause for one in left}
    assert causes["plant"] == "how long its repair takes is not known"
    assert causes["pump"].startswith("it has lasted 87600 hours, longer than")
    # nor does one that has lasted for longer than the grid is wide
    assert [one.asset for one in what_next(seen.plan, told, horizon_h=10).already] == ["pump", "substation 3"]
    # a repair that the asker gives is known
    given = with_repairs(seen.plan, 10**4 * 8.0)
    assert {one.asset for one in reported(seen, given)[0]} == {"plant", "substation 3"}
    with pytest.raises(InputError, match="not known"):
        what_next(seen.plan, [Outage(asset="plant")], horizon_h=10)


def test_nobody_speaks_in_the_owners_place_of_its_asset(world: World) -> None:
    share_map(world, "alfa", region())
    say(world, "alfa", "pump", 1.0, since="2026-06-01T07:00:00Z")
    say(world, "bravo", "pump", 0.0, since="2026-06-01T07:00:00Z", until="2999-01-01T00:00:00Z")
    say(world, "coast", "pump", 0.25, since="2026-06-01T07:00:00Z", until="2999-01-01T00:00:00Z")
    seen = map_of(world, "bravo")
    assert [(one.by, one.differs) for one in seen.states if one.counts] == [(ALFA, False)]
    assert [one.owners for one in seen.states] == [one.by == ALFA for one in seen.states]
    assert reported(seen, seen.plan) == ([], ())
    beside = differing(seen)
    assert sorted((one.by, one.state.service) for one in beside) == [(BRAVO, 0.0), (COAST, 0.25)]
    error = none_out((), beside, where="--out")
    assert "nothing is out by the reports that count" in error.what
    assert "and 1 more reports say otherwise" in error.what
    assert differing(seen, {"pump"}) == ()


def test_an_owners_word_that_is_over_gives_way_and_brings_nothing_back(world: World) -> None:
    share_map(world, "alfa", region())
    say(world, "bravo", "pump", 0.0, since="2026-06-01T07:00:00Z")
    until = now_of(world) + 60 * SECOND
    say(world, "alfa", "pump", 0.5, since="2026-06-01T07:00:00Z", until=format_instant(until))
    assert [one.by for one in map_of(world, "coast").states if one.counts] == [ALFA]
    world.clock.advance(90 * SECOND)
    # bravo's is older than the owner's: it was put behind once, and stays there, to be seen
    seen = map_of(world, "coast")
    assert [one.by for one in seen.states if one.counts] == [ALFA]
    assert [one.by for one in differing(seen)] == [BRAVO]
    say(world, "coast", "pump", 0.25, since="2026-06-01T07:00:00Z")
    assert [one.by for one in map_of(world, "coast").states if one.counts] == [COAST]


@pytest.mark.parametrize("modified", ["9999-12-31T23:59:59.999Z", "2026-06-01T09:00:00.000Z"])
def test_a_report_that_is_dated_ahead_outranks_nobody(world: World, modified: str) -> None:
    share_map(world, "alfa", region())
    since = parse_instant("2026-06-01T07:00:00Z")
    ahead = State(asset=asset_id(ALFA, "pump"), service=1.0, since=since, source="crew")
    squat(world, encode_state(ahead, by=COAST, at=now_of(world), tlp=AMBER) | {"modified": modified})
    say(world, "bravo", "pump", 0.0, since="2026-06-01T07:00:00Z")
    seen = map_of(world, "alfa")
    assert [(one.by, one.state.service, one.counts) for one in seen.states] == [(BRAVO, 0.0, True)]
    assert [(one.by, one.cause) for one in seen.unread] == [(COAST, "modified: it is dated after the hub received it")]


def test_a_clock_that_is_a_little_fast_is_no_reason_to_leave_a_report_out(world: World) -> None:
    share_map(world, "alfa", region())
    found = State(asset=asset_id(ALFA, "pump"), service=0.0, since=now_of(world), source="crew")
    squat(world, encode_state(found, by=COAST, at=now_of(world) + 60 * SECOND, tlp=AMBER))
    assert [one.counts for one in map_of(world, "alfa").states] == [True]
