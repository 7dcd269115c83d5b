"""Charters: what is wanted, what is measured, and how each number came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import update

from support.council import constitute, council, decide, signatory
from support.hub import OPERATOR, World
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY
from tocsin.agreements.model import Tlp
from tocsin.errors import AgreementError, ForbiddenError, InputError, NotFoundError, StoreBrokenError, TransitionError
from tocsin.governance.documents import read_charter
from tocsin.governance.model.disputes import DisputeKind
from tocsin.governance.tables import CHARTERS
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.governance.model.charter import Figure

TEXT: Final = """\
charter: grid
version: 1
title: What the exchange is for
goals:
  - {id: quick, goal: Members are protected within an hour, measure: time-to-protection, owner: alfa,
     over: P30D, every: P1D, target: {at_most: 3600}}
  - {id: use, goal: Half of it is of use, measure: use-confirmed, owner: sig@bravo,
     over: P30D, every: P7D, target: {at_least: 0.5}}
  - {id: done, goal: What is decided is done, measure: actions-closed, owner: hub,
     over: P1Y, every: P30D, target: {at_least: 1}}
  - {id: heard, goal: Who complains is heard, measure: disputes-in-time, owner: hub,
     over: P1Y, every: P30D, target: {at_least: 0.9}}
  - {id: trained, goal: People are trained, measure: reported, owner: coast,
     over: P90D, every: P30D, target: {at_least: 0.8}}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charters") / "hub"
    world = World(folder)
    for name in (*MEMBERS, "outsider"):
        world.party(name)
    for reference in ("dep@bravo", "dep@coast", "two@coast"):
        signatory(world, reference)
    world.agreement(TREATY, signed_by=MEMBERS)
    world.hub.charters.adopt(OPERATOR, world.hub.mandate, TEXT.encode(), where="test")
    world.hub.close()
    return folder


def figures(world: World) -> dict[str, Figure]:
    return {one.goal: one for one in world.hub.charters.evaluate(OPERATOR, "grid").figures}


def test_of_nothing_nothing_is_measured(world: World) -> None:
    assert {goal: (one.value, one.met) for goal, one in figures(world).items()} == dict.fromkeys(
        ("quick", "use", "done", "heard", "trained"), (None, None)
    )


def test_the_last_member_is_protected_when_it_received_it(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    world.clock.advance(600 * SECOND)
    assert world.read("bravo")
    world.hub.integrator.integrate()
    # coast has not come for it: what nobody fetches does not look quick
    world.clock.advance(2_400 * SECOND)
    waiting = figures(world)["quick"]
    assert (waiting.value, waiting.count, waiting.met) == ("3000", 1, True)
    assert "1 have not reached all" in waiting.how
    world.clock.advance(1_000 * SECOND)
    assert figures(world)["quick"].met is False
    assert world.read("coast")
    world.hub.integrator.integrate()
    world.clock.advance(DAY)
    # the outsider may not read it, and its owner need not
    assert figures(world)["quick"].value == "4000"
    # a second reading changes nothing; what was shared before the time does not count
    world.read("bravo")
    world.hub.integrator.integrate()
    assert figures(world)["quick"].value == "4000"
    world.clock.advance(40 * DAY)
    assert figures(world)["quick"].value is None


def test_use_is_confirmed_by_another_party(world: World) -> None:
    def sighting(number: int, of: int) -> dict[str, object]:
        when = "2026-06-01T08:00:00.000Z"
        return {
            "type": "sighting",
            "spec_version": "2.1",
            "id": f"sighting--00000000-0000-4000-8000-{number:012d}",
            "created": when,
            "modified": when,
            "sighting_of_ref": indicator(of)["id"],
        }

    world.share("alfa", bundle([indicator(1), indicator(2)]), tlp=Tlp.GREEN)
    world.share("alfa", bundle([sighting(1, 1)]), tlp=Tlp.GREEN)
    assert figures(world)["use"].value == "0.0000"
    world.share("bravo", bundle([sighting(2, 2)]), tlp=Tlp.GREEN)
    assert (figures(world)["use"].value, figures(world)["use"].met) == ("0.5000", True)


def test_what_was_decided_and_who_was_heard(world: World) -> None:
    constitute(world, council([Right.PARTY_SUSPEND]))
    first, _ = (decide(world, Right.PARTY_SUSPEND, name) for name in ("outsider", "coast"))
    suspend = world.hub.parties.suspend_party
    suspend(OPERATOR, world.hub.governance.granted(first.uuid), "outsider", "decided")
    world.hub.disputes.file(
        OPERATOR.for_("alfa"), DisputeKind.COMPLAINT, complainant="alfa", respondent="bravo", statement="X"
    )
    found = figures(world)
    assert (found["done"].value, found["done"].met, found["heard"].value) == ("0.5000", False, "1.0000")
    world.clock.advance(8 * DAY)
    assert figures(world)["heard"].met is False


def test_what_is_reported_is_its_owner_s_and_grows_old(world: World) -> None:
    charters = world.hub.charters
    with pytest.raises(ForbiddenError, match="coast answers"):
        charters.report(OPERATOR.for_("sig@alfa"), "grid", "trained", "1")
    for value in ("much", "1/0", "9" * 50):
        with pytest.raises(InputError):
            charters.report(OPERATOR.for_("coast"), "grid", "trained", value)
    charters.report(OPERATOR.for_("sig@coast"), "grid", "trained", "0.85", "a survey")
    found = figures(world)["trained"]
    assert (found.value, found.met) == ("0.85", True)
    assert "sig@coast" in found.how
    world.clock.advance(90 * DAY)
    assert figures(world)["trained"].value is None


def test_what_is_measured_is_not_reported(world: World) -> None:
    with pytest.raises(InputError, match="this goal is measured by disputes-in-time"):
        world.hub.charters.report(OPERATOR.for_("hub"), "grid", "heard", "1")
    assert world.hub.charters.get("grid").reports == {}


def test_it_is_evaluated_when_it_is_due(world: World) -> None:
    charters = world.hub.charters
    assert [one.name for one in charters.evaluate_due(OPERATOR)] == ["grid"]
    assert charters.evaluate_due(OPERATOR) == []
    world.clock.advance(DAY)
    assert len(charters.evaluate_due(OPERATOR)) == 1
    with pytest.raises(ForbiddenError):
        charters.evaluate(OPERATOR.for_("sig@alfa"), "grid")
    with pytest.raises(NotFoundError):
        charters.evaluate(OPERATOR, "water")


def test_a_higher_version_takes_its_place(world: World) -> None:
    charters = world.hub.charters
    with pytest.raises(TransitionError, match="version 1 is adopted"):
        charters.adopt(OPERATOR, world.hub.mandate, TEXT.encode(), where="test")
    second = TEXT.replace("version: 1", "version: 2").replace("at_most: 3600", "at_most: 60")
    assert charters.adopt(OPERATOR, world.hub.mandate, second.encode(), where="test").version == 2
    nobody = second.replace("version: 2", "version: 3").replace("owner: coast", "owner: zulu")
    with pytest.raises(InputError, match="nobody here is zulu"):
        charters.adopt(OPERATOR, world.hub.mandate, nobody.encode(), where="test")


WRONG: Final = {
    "no measure of ours": TEXT.replace("use-confirmed", "fun"),
    "two targets": TEXT.replace("{at_most: 3600}", "{at_most: 3600, at_least: 1}"),
    "a word for a target": TEXT.replace("{at_most: 3600}", "{at_most: soon}"),
    "over no time": TEXT.replace("over: P1Y", "over: PT1S"),
    "a goal twice": TEXT.replace("id: use", "id: quick"),
    "no goals": "charter: a\nversion: 1\ntitle: A\ngoals: []\n",
    "a list": "- 1\n",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_charter_is(case: str) -> None:
    with pytest.raises((AgreementError, InputError)):
        read_charter(WRONG[case].encode(), where="test")


def test_a_damaged_charter_is_found(template: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "hub", template=template)
    with world.hub.store.write() as connection:
        connection.execute(update(CHARTERS).values(version=7))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    world.hub.close()
