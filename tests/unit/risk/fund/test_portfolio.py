"""Projects, scenarios and portfolios: named cases, and every fault told."""

from __future__ import annotations

from fractions import Fraction

import pytest
from msgspec.structs import replace

from support.works import TOWN, TOWN_PROJECTS
from tocsin.errors import InputError, LimitError, ProjectError
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Need, Supplier
from tocsin.risk.fund.costs import bill
from tocsin.risk.fund.portfolio import Method, choose
from tocsin.risk.fund.projects import Buffer, Change, Exposure, Harden, Plan, Project, Spare, Supply, checked, plan_with
from tocsin.risk.fund.scenarios import Aim, Scenarios, Terms
from tocsin.risk.fund.sharing import core, shapley

TERMS = Terms(seed=1, samples=500)


def project(*changes: Change, name: str = "p", cost: int = 1_00) -> Project:
    return Project(id=name, title="A project", cost=cost, changes=changes)


def test_each_change_is_made_and_nothing_else() -> None:
    built = plan_with(TOWN, TOWN_PROJECTS)
    groups = {(group.asset, group.name): group for group in built.map.groups}
    exposed = {one.asset: one for one in built.exposures}
    assert groups["hospital", "water"].buffer_h == 36.0
    assert groups["hospital", "power"] == next(one for one in TOWN.map.groups if one.asset == "hospital")
    assert [one.asset for one in groups["pump", "power"].suppliers] == ["substation", "genset-1"]
    assert exposed["substation"].chance == pytest.approx(0.08)
    assert exposed["substation"].repair_h == pytest.approx((2.1, 8.4, 33.6))
    assert exposed["genset-1"].chance == 0.05
    assert plan_with(TOWN, []) == TOWN


FAULTS = [
    pytest.param(project(Harden(asset="dam")), "project 'p': dam: there is no such asset", id="no such asset"),
    pytest.param(
        project(Buffer(asset="pump", group="gas", add_h=1)),
        "pump needs gas: there is no such group",
        id="no such group",
    ),
    pytest.param(project(Harden(asset="pump", chance=1.5)), "chance is 1.5", id="a project that makes things worse"),
    pytest.param(project(Spare(asset="hospital", repair=0.5)), "nothing may happen to it", id="never hit"),
    pytest.param(project(Buffer(asset="pump", group="power", add_h=-1)), "add_h is -1", id="a smaller buffer"),
    pytest.param(project(Buffer(asset="pump", group="power", add_h=float("nan"))), "add_h is nan", id="no number"),
    pytest.param(project(Buffer(asset="pump", group="power", add_h=87_600)), "buffer_h is 87604", id="ten years"),
    pytest.param(project(), "it has 0 changes", id="nothing"),
    pytest.param(project(Harden(asset="pump"), cost=-1), "cost is -1", id="money back"),
    pytest.param(
        project(Supply(asset="pump", group="power", supplier=Supplier(asset="hospital", weight=0))),
        "weight is 0",
        id="no supply",
    ),
    pytest.param(
        project(Supply(asset="pump", group="power", supplier=Supplier(asset="g"), build=Asset(id="g", value_h=1))),
        "has a value",
        id="what is built is a loss",
    ),
    pytest.param(
        project(Supply(asset="pump", group="power", supplier=Supplier(asset="g"), build=Asset(id="h"))),
        "another asset supplies",
        id="another is built",
    ),
    pytest.param(
        project(
            Supply(
                asset="pump",
                group="power",
                supplier=Supplier(asset="g"),
                build=Asset(id="g"),
                exposure=Exposure(asset="g", chance=0.1, repair_h=(1.0, 2.0, 3.0, 4.0)),
            )
        ),
        "4 quantiles",
        id="other quantiles",
    ),
]


@pytest.mark.parametrize(("wrong", "says"), FAULTS)
def test_each_fault_is_told(wrong: Project, says: str) -> None:
    with pytest.raises(ProjectError) as found:
        checked(TOWN, [*TOWN_PROJECTS, wrong])
    assert [says in str(one) for one in found.value.faults] == [True], found.value.faults


def test_all_faults_are_told_at_once() -> None:
    projects = [one for case in FAULTS for one in case.values if isinstance(one, Project)]
    wrong = [replace(one, id=f"wrong {place}") for place, one in enumerate(projects)]
    assert len(wrong) == len(FAULTS)
    with pytest.raises(ProjectError) as found:
        checked(TOWN, [*TOWN_PROJECTS, *wrong])
    assert {one.project for one in found.value.faults} == {one.id for one in wrong}


def test_faults_of_the_plan_are_told_before_those_of_projects() -> None:
    bad = Plan(map=TOWN.map, exposures=(Exposure(asset="dam", chance=2, repair_h=(3.0, 1.0)),))
    with pytest.raises(ProjectError) as found:
        checked(bad, [project()])
    assert sorted(one.cause for one in found.value.faults) == [
        "chance is 2",
        "repair_h is 3, 1",
        "there is no such asset",
    ]


def test_two_projects_that_contradict_each_other_are_told() -> None:
    one = project(Supply(asset="pump", group="power", supplier=Supplier(asset="g"), build=Asset(id="g")), name="one")
    with pytest.raises(ProjectError, match="stands 2 times"):
        checked(TOWN, [one, replace(one, id="two")])


def test_what_the_town_should_pay_for() -> None:
    scenarios = Scenarios(TOWN, TOWN_PROJECTS, TERMS)
    found = choose(scenarios, Aim(), budget=80_000_00)
    assert (found.method, found.gap) == (Method.ENUMERATION, 0.0)
    assert found.projects == ("spare-transformer", "tank")
    assert found.cost == 73_000_00
    assert found.aimed < found.aimed_before
    nothing = choose(scenarios, Aim(), budget=0)
    assert (nothing.projects, nothing.aimed) == ((), nothing.aimed_before)


def test_cvar_is_the_mean_of_the_worst() -> None:
    scenarios = Scenarios(TOWN, (), TERMS)
    lost = sorted(scenarios.totals(frozenset()).tolist(), reverse=True)
    none: frozenset[int] = frozenset()
    hour = scenarios.ticks_per_hour
    assert scenarios.cvar(none, Aim(alpha="0.98")) == Fraction(sum(lost[:10]), 10 * hour)
    assert scenarios.cvar(none, Aim(alpha="0")) == scenarios.expected(none)
    # a share of a sample counts as that share
    assert scenarios.cvar(none, Aim(alpha="0.997")) == Fraction(2 * lost[0] + lost[1], 3 * hour)
    assert scenarios.aimed(none, Aim(weight="0.25", alpha="0")) == scenarios.expected(none)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        pytest.param(replace(TERMS, samples=0), LimitError, id="no samples"),
        pytest.param(replace(TERMS, samples=10**6), LimitError, id="too many"),
        pytest.param(replace(TERMS, times=0.0), InputError, id="never"),
        pytest.param(replace(TERMS, horizon_h=0.0), LimitError, id="no time"),
    ],
)
def test_terms_that_make_no_sense(terms: Terms, error: type[Exception]) -> None:
    with pytest.raises(error):
        choose(Scenarios(TOWN, TOWN_PROJECTS, terms), Aim(), budget=1)


@pytest.mark.parametrize("aim", [Aim(weight="1.1"), Aim(alpha="1"), Aim(weight="much"), Aim(alpha="1/0")])
def test_an_aim_that_is_none(aim: Aim) -> None:
    with pytest.raises(InputError):
        aim.shares()


def test_nobody_pays_for_what_helps_others_alone() -> None:
    scenarios = Scenarios(TOWN, TOWN_PROJECTS, TERMS)
    # the tank helps the hospital, and nobody else
    found = bill(scenarios, frozenset({2}))
    assert found.game.players == ("https://hospital.example",)
    assert (found.game.total, found.unneeded) == (18_000_00, 0)
    both = bill(scenarios, frozenset({1, 2}))
    assert both.game.total == 73_000_00
    shares = shapley(both.game)
    assert shares["https://hospital.example"] > 18_000_00
    assert shares["https://power.example"] == shares["https://water.example"] == Fraction(55_000_00, 3)
    assert core(both.game, shares).in_core


def test_one_supplier_more_asks_for_no_more_than_thirds_gave() -> None:
    """Three thirds are 0.999999 of what is needed, on the grid: a fourth supplier does not raise that to 1."""
    thirds = tuple(Supplier(asset=one, weight=1 / 3) for one in "abc")
    groups = (
        DependencyGroup(asset="bus", name="power", suppliers=thirds, k=1.0),
        DependencyGroup(asset="pump", name="power", suppliers=(Supplier(asset="bus"),), need=Need.COUNT, k=1),
    )
    assets = (*(Asset(id=one, owner="o") for one in ("a", "b", "c", "bus")), Asset(id="pump", owner="o", value_h=1_000))
    pump = Exposure(asset="pump", chance=0.01, repair_h=(1.0, 2.0))
    weak = Exposure(asset="d", chance=0.5, repair_h=(24.0, 48.0))
    backup = Supply(asset="bus", group="power", supplier=Supplier(asset="d"), build=Asset(id="d"), exposure=weak)
    plan = Plan(map=AssetMap(assets=assets, groups=groups), exposures=(pump,))
    scenarios = Scenarios(plan, (Project(id="backup", title="", cost=100, changes=(backup,)),), TERMS)
    assert (scenarios.totals(frozenset({0})) <= scenarios.totals(frozenset())).all()


def test_a_loss_beyond_63_bits_is_added_up() -> None:
    plan = Plan(
        map=AssetMap(assets=(Asset(id="mill", owner="o", value_h=10**9),), groups=()),
        exposures=(Exposure(asset="mill", chance=1.0, repair_h=(168.0, 168.0)),),
    )
    scenarios = Scenarios(plan, (), replace(TERMS, samples=2_000, horizon_h=168.0, times=1.0))
    assert scenarios.sums(frozenset())[0] > 2**63
    assert scenarios.expected_cents(frozenset()) == {"o": 168 * 10**11}


def test_two_projects_build_with_quantiles_that_fit_each_other() -> None:
    def built(name: str, hours: tuple[float, ...]) -> Project:
        supply = Supply(
            asset="mill",
            group="power",
            supplier=Supplier(asset=name),
            build=Asset(id=name),
            exposure=Exposure(asset=name, chance=0.5, repair_h=hours),
        )
        return Project(id=name, title="", cost=1, changes=(supply,))

    group = DependencyGroup(asset="mill", name="power", suppliers=(Supplier(asset="grid"),))
    plan = Plan(map=AssetMap(assets=(Asset(id="mill"), Asset(id="grid")), groups=(group,)), exposures=())
    with pytest.raises(ProjectError, match="3 quantiles"):
        checked(plan, [built("x", (1.0, 2.0, 3.0, 4.0)), built("y", (1.0, 2.0, 3.0))])
    checked(plan, [built("x", (1.0, 2.0, 3.0)), built("y", (1.0, 3.0))])


def test_a_repair_told_by_its_ends_is_drawn_as_one_told_by_every_quantile_between() -> None:
    def losses(*hours: float) -> list[int]:
        town = AssetMap(assets=(Asset(id="mill", owner="o", value_h=1), Asset(id="inn", owner="o", value_h=7)))
        fine = Exposure(asset="mill", chance=1, repair_h=(2.0, 4.0, 6.0, 6.0, 70.0))
        plan = Plan(map=town, exposures=(fine, Exposure(asset="inn", chance=1, repair_h=hours)))
        totals = Scenarios(plan, (), replace(TERMS, samples=200, horizon_h=168.0)).totals(frozenset())
        return [int(total) for total in totals]

    assert losses(4.0, 36.0) == losses(4.0, 12.0, 20.0, 28.0, 36.0)
    assert losses(4.0, 36.0) != losses(4.0, 12.0, 20.0, 28.0, 60.0)
