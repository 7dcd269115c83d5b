"""What is paid for is paid for once, over all funds of an environment; what earlier builds entered stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.funds import BUILT, CHAIN, NONCE, TANK, WALL, agreed, awarded, filled, fund_world, uri
from support.hub import OPERATOR
from support.told import entries_of
from support.works import TOWN
from tocsin.errors import ConflictError, ForbiddenError, LogBrokenError, NotFoundError, RefusedError
from tocsin.exchange.replay import replay
from tocsin.risk.fund import award_steps, certificate, steps
from tocsin.risk.fund.certificate import project_digest
from tocsin.risk.fund.measuring import chain_of
from tocsin.risk.fund.model import Decision, Fund, Tranche
from tocsin.risk.fund.projects import plan_with
from tocsin.risk.replay import Retelling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World
    from tocsin.risk.fund.model import Terms
    from tocsin.risk.fund.projects import Project

PAYEE, ASSESSOR, GIVER = OPERATOR.for_("sig@power"), OPERATOR.for_("sig@lab"), OPERATOR.for_("sig@water")
EVIDENCE = "cd" * 32
# met whatever the samples are
EASY = (Tranche(amount=10_000_00), Tranche(amount=30_000_00, threshold=2_000))
TRANCHES = (Tranche(amount=1_00), Tranche(amount=1_00, threshold=1))
OTHERS = chain_of(b"other numbers".ljust(32), 8)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = fund_world(tmp_path / "hub")
    world.hub.funds.open(OPERATOR, world.hub.mandate, "second", title="Another fund", currency="EUR")
    world.hub.funds.pledge(GIVER, "second", uri("water"), 100_000_00)
    world.hub.funds.paid(OPERATOR, "second", uri("water"), 100_000_00)
    yield world
    world.hub.close()


def claim(world: World, fund: str, evidence: str = EVIDENCE) -> str:
    made = world.hub.funds.claim(GIVER, fund, uri("water"), amount=500_00, reason="fuel", evidence=evidence)
    return made.uuid


def award_in(world: World, fund: str, project: Project, terms: Terms) -> None:
    funds, mandate = world.hub.funds, world.hub.mandate
    if project.id not in funds.get(fund).cases:
        funds.propose(PAYEE, fund, uri("power"), project)
        funds.decide(OPERATOR, mandate, fund, projects=[project.id], budget=project.cost, calculation="ab" * 32)
    funds.award(OPERATOR, mandate, fund, project.id, terms)


def measured(world: World, fund: str, project: str, nonce: bytes) -> None:
    world.hub.funds.inspect(ASSESSOR, fund, project, BUILT)
    award = world.hub.funds.measure(ASSESSOR, fund, project, 2, before=TOWN, after=BUILT, nonce=nonce)
    assert 2 in award.met


def told_again(world: World) -> Retelling:
    told = Retelling()
    replay(list(enumerate(entries_of(world))), above=told)
    assert list(told.funded.funds.values()) == world.hub.funds.all()
    return told


# --- over all funds --------------------------------------------------------------------------------------------------


def test_the_same_evidence_proves_no_claim_in_another_fund(world: World) -> None:
    filled(world)
    first = claim(world, "region")
    for fund in ("region", "second"):
        with pytest.raises(ConflictError, match="on this evidence in the fund region"):
            claim(world, fund)
    world.hub.funds.settle(OPERATOR, world.hub.mandate, "region", first, granted=0)
    assert claim(world, "second")


def test_a_log_in_which_one_fund_pays_twice_for_the_same_evidence_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(world)
    with monkeypatch.context() as lying:
        lying.setattr(steps, "require_once", lambda *_, **__: None)
        claim(world, "region")
        claim(world, "region")
    with pytest.raises(LogBrokenError, match="there is a claim on this evidence"):
        replay(list(enumerate(entries_of(world))), above=Retelling())


def test_anothers_evidence_is_told_to_nobody(world: World) -> None:
    claim(world, "region")
    # the same paper may prove what two gave; and who guesses a digest learns nothing from the answer
    made = world.hub.funds.claim(PAYEE, "second", uri("power"), amount=1_00, reason="fuel", evidence=EVIDENCE)
    assert made.party == uri("power")


def test_the_same_changes_are_awarded_in_one_fund(world: World) -> None:
    awarded(world, tranches=EASY)
    renamed = replace(WALL, id="dyke", title="A dyke")
    with pytest.raises(ConflictError, match="the fund region has an award for the same changes"):
        award_in(world, "second", renamed, agreed(commitment=OTHERS[0]))
    world.hub.funds.call_back(OPERATOR, world.hub.mandate, "region", WALL.id, amount=0, reason="paid elsewhere")
    award_in(world, "second", renamed, agreed(commitment=OTHERS[0]))


@pytest.mark.parametrize("fund", ["region", "second"])
def test_an_assessors_numbers_serve_one_award(world: World, fund: str) -> None:
    awarded(world, tranches=EASY)
    measured(world, "region", WALL.id, NONCE)
    for known in CHAIN[:2]:
        # who saw a number knows what the next seeds are made of
        with pytest.raises(ConflictError, match="these numbers"):
            award_in(world, fund, replace(TANK, payee=""), agreed(commitment=known, tranches=TRANCHES))


@pytest.mark.parametrize("fund", ["region", "second"])
def test_what_was_measured_for_one_award_is_measured_for_no_other(world: World, fund: str) -> None:
    awarded(world, tranches=EASY)
    measured(world, "region", WALL.id, NONCE)
    award_in(world, fund, TANK, agreed(commitment=OTHERS[0], tranches=TRANCHES))
    with pytest.raises(ConflictError, match="another award is measured already"):
        world.hub.funds.inspect(ASSESSOR, fund, TANK.id, BUILT)
    # and not which: what was built elsewhere is others' business
    with pytest.raises(ConflictError) as told:
        world.hub.funds.inspect(ASSESSOR, fund, TANK.id, BUILT)
    assert WALL.id not in str(told.value)
    world.hub.funds.inspect(ASSESSOR, fund, TANK.id, plan_with(TOWN, [TANK]))


def test_what_is_about_to_be_measured_for_one_award_waits_for_it(world: World) -> None:
    awarded(world, tranches=(Tranche(amount=1_00, threshold=10**9),))
    award_in(world, "second", TANK, agreed(commitment=OTHERS[0], tranches=TRANCHES))
    funds = world.hub.funds
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    # else both would be measured, and both be met
    with pytest.raises(ConflictError, match="is measured already"):
        funds.inspect(ASSESSOR, "second", TANK.id, BUILT)
    funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=NONCE)
    # the first saved too little: what it did not prove, the other may
    funds.inspect(ASSESSOR, "second", TANK.id, BUILT)


def test_a_log_of_an_earlier_build_in_which_two_funds_paid_replays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(steps, "require_once", lambda *_, **__: None)
        awarded(world, tranches=EASY)
        measured(world, "region", WALL.id, NONCE)
        award_in(world, "second", WALL, agreed(tranches=EASY))
        measured(world, "second", WALL.id, NONCE)
        claim(world, "region")
        claim(world, "second")
    told_again(world)
    assert next(one.fault for one in world.hub.self_test.run() if one.check == "fund") is None


# --- as it was judged ------------------------------------------------------------------------------------------------


def decide(world: World, *judged: Project) -> Fund:
    return world.hub.funds.decide(
        OPERATOR,
        world.hub.mandate,
        "region",
        projects=[WALL.id],
        budget=WALL.cost,
        calculation="ab" * 32,
        judged=judged,
    )


def test_a_decision_keeps_the_projects_as_they_were_judged(world: World) -> None:
    funds = world.hub.funds
    funds.propose(PAYEE, "region", uri("power"), WALL)
    dearer = replace(WALL, title="A lower wall")
    funds.propose(PAYEE, "region", uri("power"), dearer)
    with pytest.raises(ConflictError, match="another than was judged"):
        decide(world, WALL)
    with pytest.raises(NotFoundError, match="was not proposed"):
        decide(world, TANK)
    assert decide(world, dearer).decisions[0].judged == {WALL.id: project_digest(dearer)}
    entries = entries_of(world)
    assert entries[-1].data["judged"] == {WALL.id: project_digest(dearer)}
    told_again(world)
    # nor does a log say that a project was judged which nobody chose, or as another
    for wrong in ({}, {WALL.id: project_digest(WALL)}, {WALL.id: project_digest(dearer), "other": "ab" * 32}):
        entries[-1] = replace(entries[-1], data={**entries[-1].data, "judged": wrong})
        with pytest.raises(LogBrokenError, match="judged"):
            replay(list(enumerate(entries)), above=Retelling())


def test_an_award_is_for_the_project_that_was_judged(world: World) -> None:
    filled(world)
    world.hub.funds.propose(PAYEE, "region", uri("power"), WALL)
    fund = decide(world)
    other = replace(fund.case(WALL.id), project=replace(WALL, title="A lower wall"))
    with pytest.raises(ConflictError, match="another than the one that was decided on"):
        award_steps._require_as_judged(replace(fund, cases={WALL.id: other}), WALL.id)
    # of a decision of an earlier build nothing is known, and nothing refused
    decisions = tuple(replace(one, judged={}) for one in fund.decisions)
    award_steps._require_as_judged(replace(fund, cases={WALL.id: other}, decisions=decisions), WALL.id)


def test_decisions_of_earlier_builds_replay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    awarded(world, tranches=EASY)
    entries = [
        replace(one, data={key: value for key, value in one.data.items() if key != "judged"})
        if one.kind == "fund.decided"
        else one
        for one in entries_of(world)
    ]
    told = Retelling()
    replay(list(enumerate(entries)), above=told)
    (decision,) = told.funded.fund("region").decisions
    assert isinstance(decision, Decision)
    assert decision.judged == {}


# --- limits are of what is entered -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "limit", "lower"),
    [
        (award_steps, "_MOST_TRANCHES", 1),
        (award_steps, "_MOST_THRESHOLD", 0),
        (award_steps, "_LONGEST_H", 1.0),
        (award_steps, "MOST_SAMPLES", 1_000 - 1),
        (award_steps, "MOST_LINKS", 1),
    ],
)
def test_a_limit_that_came_later_refuses_no_award_of_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, module: object, limit: str, lower: float
) -> None:
    awarded(world, tranches=EASY)
    measured(world, "region", WALL.id, NONCE)
    monkeypatch.setattr(module, limit, lower)
    with pytest.raises(RefusedError):
        award_in(world, "region", TANK, agreed(commitment=OTHERS[0], tranches=TRANCHES[:1] + TRANCHES[1:] * 2))
    told_again(world)


def test_limits_on_projects_claims_and_certificates_refuse_nothing_of_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    awarded(world, tranches=EASY)
    measured(world, "region", WALL.id, NONCE)
    funds, until = world.hub.funds, world.clock.now() + 10**12
    funds.certify(OPERATOR, "region", WALL.id, 2, until=until)
    claim(world, "region")
    monkeypatch.setattr(steps, "MOST_PROJECTS", 0)
    monkeypatch.setattr(steps, "_MOST_CLAIMS", 0)
    monkeypatch.setattr(award_steps, "MOST_VALID", 1)
    monkeypatch.setattr("tocsin.risk.fund.projects.MOST_CHANGES", 0)
    for refused in (
        lambda: funds.propose(PAYEE, "second", uri("power"), TANK),
        lambda: claim(world, "second", "ef" * 32),
        lambda: funds.certify(OPERATOR, "region", WALL.id, 2, until=until),
    ):
        with pytest.raises(RefusedError):
            refused()
    told_again(world)
    assert certificate.MOST_VALID > 1


def test_rules_are_asked_of_the_log_as_well(world: World) -> None:
    awarded(world, tranches=EASY)
    entries = entries_of(world)
    place = next(number for number, one in enumerate(entries) if one.kind == "fund.awarded")
    told = entries[place].data
    unmeasured = {**told["terms"], "tranches": [{"amount": 1_00, "threshold": None}]}
    entries[place] = replace(entries[place], data={**told, "terms": unmeasured})
    with pytest.raises(LogBrokenError, match="nothing is measured"):
        replay(list(enumerate(entries)), above=Retelling())


def test_nobody_whom_nobody_knows_speaks_for_a_party(world: World) -> None:
    funds = world.hub.funds
    for who in ("ghost@water", "ghost@power"):
        with pytest.raises(ForbiddenError):
            funds.pledge(OPERATOR.for_(who), "region", uri(who.partition("@")[2]), 1_00)
    assert funds.get("region").books.entries == ()
