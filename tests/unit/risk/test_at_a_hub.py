"""The registry and baselines at a hub: who may, what the log tells, and what nobody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import update

from support.adversary import counted
from support.hub import OPERATOR, START, World
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY
from tocsin.agreements.model import Tlp
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    LogBrokenError,
    NotFoundError,
    RefusedError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.exchange.replay import replay
from tocsin.exchange.replay.above import ABOVE
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload
from tocsin.map.model import Asset, AssetMap
from tocsin.map.rollup.model import ALL, Rules
from tocsin.map.wire import asset_id, encode
from tocsin.parties.model import Role
from tocsin.risk import store
from tocsin.risk.baselines import state as baselines
from tocsin.risk.baselines.model import Lack, Standing, Target
from tocsin.risk.baselines.state import Held
from tocsin.risk.registry import service, state
from tocsin.risk.registry.documents import read_figures, read_scenario
from tocsin.risk.registry.model import Evidence, EvidenceKind, Scenario, Unit
from tocsin.risk.registry.scores import Change, moves
from tocsin.risk.registry.state import Registered
from tocsin.risk.replay import KINDS, Retelling
from tocsin.risk.tables import RISK_FIGURES, RISK_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tocsin.kernel.canonical import Json
    from tocsin.log.model import EntryPayload
    from tocsin.risk.registry.figures import Figures
    from tocsin.risk.registry.state import RollUp

SECRET = indicator(1)["id"]
PUMP = asset_id("https://alfa.example", "pump")
FLOOD = f"""\
scenario: flood
title: A flood
kind: natural
owner: alfa
review: 2027-01-01
rate: [0.05, 0.1, 0.3]
losses:
  - {{sector: energy, money: [10, 20, 90]}}
evidence:
  - {{kind: intelligence, reference: {SECRET}}}
  - {{kind: asset, reference: {PUMP}}}
  - {{kind: document, reference: flood-map.pdf, sha256: {"ab" * 32}}}
treatments:
  - {{id: gates, title: Gates, owner: alfa, due: 2026-09-01, leaves_loss: 0.5}}
"""
EVERYBODY = (*MEMBERS, "delta", "echo", "foxtrot")
PAPER = Evidence(kind=EvidenceKind.DOCUMENT, reference="plan.pdf", sha256="ab" * 32)


def pump() -> dict[str, Json]:
    plan = AssetMap(assets=(Asset(id="pump", owner="https://alfa.example"),))
    (made,) = encode(plan, by="https://alfa.example", at=START)
    return made


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("risk") / "hub"
    world = World(folder)
    for name in EVERYBODY:
        world.party(name)
        world.user(f"ana@{name}")
    world.user("vic@alfa", roles=frozenset({Role.VIEWER}))
    world.agreement(TREATY, signed_by=MEMBERS)
    world.share("alfa", bundle([indicator(1), pump()]), tlp=Tlp.AMBER)
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.self_test.require()
    made.hub.close()


def flood(**others: object) -> Scenario:
    return msgspec.structs.replace(read_scenario(FLOOD.encode(), where="test"), **others)


def figures(money: int, *, scenario: str = "flood", sector: str = "energy") -> Figures:
    return read_figures(f"{{sector: {sector}, figures: {{{scenario}: {{money: {money}}}}}}}".encode(), where="test")


def give(world: World, name: str, money: int) -> str:
    return world.hub.registry.submit(OPERATOR.for_(f"ana@{name}"), name, figures(money)).sheet


def publish(world: World, rules: Rules | None = None) -> RollUp:
    return world.hub.registry.publish(OPERATOR, world.hub.mandate, Unit.MONEY, rules or Rules())


def entries(world: World) -> list[tuple[int, EntryPayload]]:
    with world.hub.store.read() as connection:
        return [(row.index, decode_payload(row.payload)) for row in world.hub.log.rows(connection) if row.payload]


# --- scenarios -------------------------------------------------------------------------------------------------------


def test_a_scenario_lives_and_what_moved_the_score_is_told(world: World) -> None:
    registry, ana = world.hub.registry, OPERATOR.for_("ana@alfa")
    registry.put(ana, flood())
    then = world.clock.now()
    world.clock.at += DAY
    done = msgspec.convert("done", type(flood().treatments[0].status))
    treated = (msgspec.structs.replace(flood().treatments[0], status=done),)
    registry.amend(ana, flood(treatments=treated))
    (move,) = moves(registry.as_of(then), registry.state().current(), Unit.MONEY)
    assert (move.change, move.treatment) == (Change.TREATMENT, "gates")
    assert move.amount < 0
    assert [one.what for one in registry.due(within=400 * DAY)] == ["review"]
    registry.review(ana, "flood", again=START + 500 * DAY, note="holds")
    assert registry.retire(ana, "flood", "joined").status == "retired"
    with pytest.raises(TransitionError):
        registry.amend(ana, flood())
    with pytest.raises(TransitionError):
        registry.put(ana, flood())
    assert registry.state().current() == {}


@pytest.mark.parametrize("who", ["ana@bravo", "vic@alfa", "bravo"])
def test_nobody_else_puts_a_scenario_for_its_owner(world: World, who: str) -> None:
    with pytest.raises(ForbiddenError):
        world.hub.registry.put(OPERATOR.for_(who), flood())
    with pytest.raises(ForbiddenError):
        world.hub.registry.put(Acting(actor=who, on_behalf_of="ana@alfa"), flood())


@pytest.mark.parametrize("owner", ["bravo", "ana@bravo"])
def test_no_party_makes_another_answer_for_its_scenario(world: World, owner: str) -> None:
    registry = world.hub.registry
    registry.put(OPERATOR.for_("ana@alfa"), flood())
    for acting in (Acting(actor="ana@alfa"), OPERATOR.for_("ana@alfa"), Acting(actor="alfa")):
        with pytest.raises(ForbiddenError):
            registry.amend(acting, flood(owner=owner))
    assert registry.amend(Acting(actor="ana@alfa"), flood(owner="ana@alfa")).owner == "ana@alfa"
    assert registry.amend(OPERATOR, flood(owner=owner)).owner == owner
    assert registry.amend(Acting(actor="ana@bravo"), flood(owner="bravo")).owner == "bravo"
    with pytest.raises(ForbiddenError):
        registry.amend(Acting(actor="ana@alfa"), flood())


def test_retired_scenarios_take_nobodys_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, ana = world.hub.registry, Acting(actor="ana@alfa")
    registry.put(ana, flood())
    for limit in ("MAX_SCENARIOS", "MAX_SCENARIOS_OF_ONE"):
        with monkeypatch.context() as patched:
            patched.setattr(state, limit, 1)
            with pytest.raises(LimitError):
                registry.put(ana, flood(id=f"more-{limit[-3:].lower()}"))
    monkeypatch.setattr(state, "MAX_SCENARIOS", 1)
    monkeypatch.setattr(state, "MAX_SCENARIOS_OF_ONE", 1)
    registry.retire(ana, "flood", "joined")
    assert registry.put(ana, flood(id="storm")).id == "storm"


def test_a_party_does_not_fill_the_log_by_amending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, ana = world.hub.registry, Acting(actor="ana@alfa")
    monkeypatch.setattr(service, "MAX_ACTS_A_DAY", 3)
    registry.put(ana, flood())
    registry.amend(ana, flood(title="Another flood"))
    registry.review(ana, "flood", again=START + 500 * DAY, note="holds")
    acts: tuple[Callable[[], Scenario], ...] = (
        lambda: registry.amend(ana, flood()),
        lambda: registry.review(ana, "flood", again=START + 501 * DAY, note="holds"),
        lambda: registry.retire(ana, "flood", "joined"),
        lambda: registry.put(ana, flood(id="storm")),
    )
    for refused in acts:
        with pytest.raises(LimitError, match="3 times within a day"):
            refused()
    # others have their own room, an operator does what is to be done, and tomorrow is another day
    registry.put(Acting(actor="ana@bravo"), flood(id="surge", owner="bravo", treatments=()))
    registry.amend(OPERATOR.for_("ana@alfa"), flood(title="By an operator"))
    world.clock.at += DAY + 1
    assert registry.amend(ana, flood(title="Tomorrow")).title == "Tomorrow"
    # it is asked of what is entered: a log in which a day held more replays
    monkeypatch.setattr(service, "MAX_ACTS_A_DAY", 0)
    told = Retelling()
    replay(entries(world), above=told)
    assert told.registered == registry.state()


def test_limits_that_came_later_refuse_nothing_of_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, ana = world.hub.registry, Acting(actor="ana@alfa")
    registry.put(ana, flood())
    for name, money in zip(EVERYBODY, (100, 120, 140, 160, 180, 200), strict=True):
        give(world, name, money)
    publish(world)
    world.hub.baselines.assess(
        OPERATOR.for_("ana@alfa"),
        "alfa",
        "nato-seven",
        "energy",
        standing=Standing.MET,
        review=START + 500 * DAY,
        evidence=(PAPER,),
    )
    world.hub.baselines.confirm(
        OPERATOR.for_("ana@delta"), "alfa", "nato-seven", "energy", agrees=True, reasons="seen on site"
    )
    for limit in ("MAX_SCENARIOS", "MAX_SCENARIOS_OF_ONE", "_MOST_EVER", "MAX_SHEETS_A_DAY", "MAX_PUBLICATIONS"):
        monkeypatch.setattr(state, limit, 0)
    monkeypatch.setattr(baselines, "_MAX_CONFIRMATIONS", 0)
    with pytest.raises(LimitError):
        registry.put(ana, flood(id="storm"))
    told = Retelling()
    replay(entries(world), above=told)
    assert told.registered == registry.state()
    assert told.held == world.hub.baselines.state()


def test_nobody_whom_nobody_knows_acts_for_a_party(world: World) -> None:
    for acting in (OPERATOR.for_("ghost@alfa"), Acting(actor="ghost@alfa")):
        with pytest.raises(ForbiddenError):
            world.hub.registry.put(acting, flood())
        with pytest.raises(ForbiddenError):
            world.hub.registry.submit(acting, "alfa", figures(5))


def test_nothing_has_moved_since_a_day_to_come(world: World) -> None:
    with pytest.raises(InputError, match="is to come"):
        world.hub.registry.as_of(world.clock.now() + DAY)


def test_who_enters_a_scenario_again_is_told_how_it_is_done(world: World) -> None:
    registry, ana = world.hub.registry, Acting(actor="ana@alfa")
    registry.put(ana, flood())
    with pytest.raises(TransitionError) as told:
        registry.put(ana, flood())
    assert told.value.todo == "amend it (tocsin risk scenario amend)"
    registry.retire(ana, "flood", "joined")
    with pytest.raises(TransitionError) as told:
        registry.put(ana, flood())
    assert told.value.todo == "give another id"


def test_evidence_of_the_exchange_is_for_those_who_may_read_it(world: World) -> None:
    registry = world.hub.registry
    registry.put(OPERATOR.for_("ana@alfa"), flood())
    seen = {name: registry.evidence(world.asker(name), flood()) for name in ("alfa", "bravo", "delta")}
    assert [one.reference for one in seen["bravo"]] == [SECRET, PUMP, "flood-map.pdf"]
    assert [one.reference for one in seen["delta"]] == ["flood-map.pdf"]
    # and a scenario without that evidence answers in the same way
    bare = flood(evidence=flood().evidence[2:])
    assert registry.evidence(world.asker("delta"), bare) == seen["delta"]
    # an asset that is on nobody's map is not told from one that one may not see
    nowhere = Evidence(kind=EvidenceKind.ASSET, reference=asset_id("https://alfa.example", "nowhere"))
    both = flood(evidence=(nowhere, *flood().evidence))
    assert {name: registry.evidence(world.asker(name), both) for name in seen} == seen


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (EvidenceKind.ASSET, "substation 3"),
        (EvidenceKind.INTELLIGENCE, "what anna said"),
        (EvidenceKind.INCIDENT, SECRET),
        (EvidenceKind.ASSET, SECRET),
    ],
)
def test_evidence_of_the_exchange_is_named_by_its_id_and_not_in_words(kind: EvidenceKind, reference: str) -> None:
    with pytest.raises(InputError):
        Evidence(kind=kind, reference=reference)


# --- members' figures ------------------------------------------------------------------------------------------------


def test_the_log_tells_no_figure_and_neither_does_the_store(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    sheet = give(world, "alfa", 7_654_321)
    told = [msgspec.json.encode(payload) for _, payload in entries(world)]
    assert not any(b"7654321" in one for one in told)
    with world.hub.store.read() as connection:
        for table in (RISK_FIGURES, RISK_RECORDS):
            assert all(b"7654321" not in repr(tuple(row)).encode() for row in connection.execute(table.select()))
    assert world.hub.registry.figures(OPERATOR.for_("ana@alfa"), "alfa", sheet).figures[0].money == 7_654_321
    kind, payload = (entries(world)[-1][1].kind, entries(world)[-1][1])
    assert (kind, payload.actor, payload.on_behalf_of) == ("figures.shown", "operator@hub", "ana@alfa")


@pytest.mark.parametrize("who", ["ana@bravo", "operator@hub", "hub"])
def test_figures_are_shown_to_their_party_alone(world: World, who: str) -> None:
    sheet = give(world, "alfa", 7)
    before = len(entries(world))
    missing = "00000000-0000-4000-8000-000000000000"
    said = []
    for uuid in (sheet, missing):
        with pytest.raises(RefusedError) as told:
            world.hub.registry.figures(OPERATOR.for_(who), "alfa", uuid)
        said.append((type(told.value), told.value.what))
    assert said[0] == said[1]
    with pytest.raises(NotFoundError):
        world.hub.registry.withdraw(OPERATOR.for_(who), "alfa", sheet)
    with pytest.raises(ForbiddenError):
        world.hub.registry.submit(OPERATOR.for_(who), "alfa", figures(1))
    assert len(entries(world)) == before


def test_the_last_figures_of_a_sector_count(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name, money in zip(EVERYBODY, (100, 120, 140, 160, 180, 200), strict=True):
        give(world, name, money)
    first = publish(world)
    assert first.shown == (("energy", "flood", 900),)
    for name in EVERYBODY:
        give(world, name, 300)
    assert publish(world).shown == (("energy", "flood", 1_800),)


# --- roll-ups --------------------------------------------------------------------------------------------------------


def test_who_joins_is_not_had_back_by_subtraction(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name, money in zip(EVERYBODY[:5], (100, 120, 140, 160, 180), strict=True):
        give(world, name, money)
    assert publish(world).shown == (("energy", "flood", 700),)
    give(world, "foxtrot", 200)
    assert publish(world).shown == ()
    found = world.hub.registry.attack(Unit.MONEY)
    assert found is not None
    assert found.passed


def test_who_leaves_or_changes_is_not_either(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    sheets = {name: give(world, name, 100 + place) for place, name in enumerate(EVERYBODY)}
    assert publish(world).shown
    give(world, "alfa", 150)
    assert publish(world).shown == ()
    give(world, "alfa", 100)
    world.hub.registry.withdraw(OPERATOR.for_("ana@bravo"), "bravo", sheets["bravo"])
    assert publish(world).shown == ()


def test_later_roll_ups_promise_no_less(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name in EVERYBODY:
        give(world, name, 100)
    publish(world, Rules(group=5, margin=20))
    with pytest.raises(ForbiddenError, match="group, margin"):
        publish(world)


def test_without_figures_nothing_is_rolled_up(world: World) -> None:
    with pytest.raises(NotFoundError):
        publish(world)


def test_a_suspended_partys_figures_count_no_more(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name in EVERYBODY[:4]:
        give(world, name, 100)
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.suspend_party("delta", "a test")
    assert publish(world).shown == (("energy", "flood", 300),)


def test_looking_for_anothers_sheet_is_as_much_work_as_for_none(world: World) -> None:
    sheet = give(world, "alfa", 5)

    def look(uuid: str, act: str) -> list[str]:
        def looked() -> None:
            with pytest.raises(NotFoundError):
                getattr(world.hub.registry, act)(Acting(actor="ana@bravo"), "bravo", uuid)

        return counted(world, looked)

    for act in ("figures", "withdraw"):
        assert look(sheet, act) == look("00000000-0000-4000-8000-000000000000", act)


# --- baselines -------------------------------------------------------------------------------------------------------


def assess(world: World, name: str = "alfa", standing: Standing = Standing.MET) -> None:
    world.hub.baselines.assess(
        OPERATOR.for_(f"ana@{name}"),
        name,
        "nato-seven",
        "energy",
        standing=standing,
        review=world.clock.now() + 365 * DAY,
        evidence=(PAPER,),
    )


def confirm(world: World, who: str, *, agrees: bool = True) -> None:
    world.hub.baselines.confirm(
        OPERATOR.for_(who), "alfa", "nato-seven", "energy", agrees=agrees, reasons="seen on site"
    )


def test_a_gap_closes_when_somebody_else_has_confirmed(world: World) -> None:
    target = Target(
        catalogue="nato-seven", control="energy", standing=Standing.MET, due=START + 90 * DAY, confirmed=True
    )
    world.hub.baselines.set_target(OPERATOR, world.hub.mandate, target)

    def lack() -> list[Lack]:
        return [one.lack for one in world.hub.baselines.gaps("alfa")]

    assert lack() == [Lack.NOT_ASSESSED]
    assess(world)
    assert lack() == [Lack.NOT_CONFIRMED]
    for who in ("ana@alfa", "sig@alfa", "bravo", "vic@alfa"):
        with pytest.raises(ForbiddenError):
            confirm(world, who)
    confirm(world, "ana@bravo", agrees=False)
    assert lack() == [Lack.DISPUTED]
    confirm(world, "ana@coast")
    assert lack() == []
    # what is said anew has to be looked at anew
    assess(world)
    assert lack() == [Lack.NOT_CONFIRMED]
    assert {one.party for one in world.hub.baselines.gaps("hub")} >= {"bravo", "coast"}


def test_others_see_neither_assessments_nor_gaps(world: World) -> None:
    assess(world)
    assert world.hub.baselines.assessments("bravo") == []
    assert [one.control for one in world.hub.baselines.assessments("ana@alfa")] == ["energy"]
    assert [one.control for one in world.hub.baselines.assessments("hub")] == ["energy"]


def test_a_provider_does_not_confirm_its_client(world: World) -> None:
    alfa = world.hub.parties.get("alfa").uri
    changed = msgspec.structs.replace(world.hub.parties.get("bravo"), clients=frozenset({alfa}))
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, changed)
    assess(world)
    with pytest.raises(ForbiddenError, match="serves"):
        confirm(world, "ana@bravo")


def test_nobody_assesses_another(world: World) -> None:
    with pytest.raises(ForbiddenError):
        world.hub.baselines.assess(
            OPERATOR.for_("ana@bravo"),
            "alfa",
            "nato-seven",
            "energy",
            standing=Standing.NOT_MET,
            review=START + 365 * DAY,
        )


# --- the log ---------------------------------------------------------------------------------------------------------


def test_replay_hands_up_exactly_what_the_rooms_retell() -> None:
    assert ABOVE == KINDS


def test_the_log_alone_rebuilds_it_and_what_cannot_have_happened_is_refused(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name in EVERYBODY:
        give(world, name, 100)
    publish(world)
    assess(world)
    told = Retelling()
    replay(entries(world), above=told)
    with world.hub.store.read() as connection:
        assert told.registered == store.load(connection, world.hub.environment, Registered)
        assert told.held == store.load(connection, world.hub.environment, Held)
    for kind, data in (
        ("scenario.put", {"actor": "operator@hub", "on_behalf_of": "ana@bravo"}),
        ("figures.submitted", {"on_behalf_of": "ana@bravo"}),
        ("control.assessed", {"on_behalf_of": "ana@bravo"}),
        ("rollup.published", {"mandate": None}),
    ):
        place = next(index for index, payload in entries(world) if payload.kind == kind)
        forged = [(i, msgspec.structs.replace(p, **data) if i == place else p) for i, p in entries(world)]
        with pytest.raises(LogBrokenError):
            replay(forged, above=Retelling())


def test_the_self_test_finds_what_somebody_changed_in_the_database(template: Path, tmp_path: Path) -> None:
    made = World(tmp_path / "hub", template=template)
    made.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    sheet = give(made, "alfa", 100)
    with made.hub.store.write() as connection:
        connection.execute(update(RISK_FIGURES).where(RISK_FIGURES.c.uuid == sheet).values(sealed=b"\0" * 80))
    with pytest.raises(StoreBrokenError, match="changed"):
        made.hub.self_test.require()
    made.hub.close()


def test_a_roll_up_that_tells_too_much_is_found(template: Path, tmp_path: Path) -> None:
    """Whoever holds the hub's key signs a roll-up that shows a single party's figure."""
    made = World(tmp_path / "hub", template=template)
    made.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    give(made, "alfa", 100)
    rollup = publish(made)
    assert rollup.shown == ()
    with made.hub.store.write() as connection:
        before = store.load(connection, made.hub.environment, Registered)
        shown = msgspec.structs.replace(rollup, rollup="forged", shown=(("energy", "flood", 100),))
        after = msgspec.structs.replace(before, rollups={**before.rollups, "forged": shown})
        store.save(connection, made.hub.environment, before, after)
    with pytest.raises(StoreBrokenError, match="registry"):
        made.hub.self_test.require()
    made.hub.close()


def test_two_roll_ups_at_once_are_one_after_the_other(world: World) -> None:
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), flood())
    for name in EVERYBODY:
        give(world, name, 100)
    rollup = publish(world)
    data = msgspec.json.decode(msgspec.json.encode(rollup)) | {"at": 0, "mandate": ""}
    with pytest.raises(ConflictError):
        world.hub.registry._enter(OPERATOR, "rollup.published", data)
    assert ALL == "*"
