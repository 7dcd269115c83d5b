"""Made-up plans and projects for a fund, from seeds; and a small one that people can follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from support.cascades import made_map, needs
from tocsin.map.model import Asset, AssetMap, Supplier
from tocsin.risk.fund.projects import Buffer, Change, Exposure, Harden, Plan, Project, Spare, Supply

if TYPE_CHECKING:
    import random

__all__ = ["TOWN", "TOWN_PROJECTS", "made_plan", "made_projects"]


def made_plan(draw: random.Random, size: int) -> Plan:
    """Return a random map with owners and values, some of whose assets may be hit."""
    plan = made_map(draw, size, whole=draw.random() < 0.5)
    assets = tuple(
        replace(
            asset, owner=draw.choice(("", "https://a.example", "https://b.example")), value_h=draw.choice((0, 1, 70))
        )
        for asset in plan.assets
    )
    exposures = tuple(
        Exposure(
            asset=asset.id,
            chance=draw.choice((0.05, 0.3, 1.0)),
            damage=draw.choice(((1.0, 1.0), (0.2, 0.7))),
            repair_h=tuple(sorted(draw.uniform(0, 40) for _ in range(3))),
        )
        for asset in assets
        if draw.random() < 0.6
    )
    return Plan(map=AssetMap(assets=assets, groups=plan.groups), exposures=exposures)


def made_projects(draw: random.Random, plan: Plan, count: int) -> list[Project]:
    """Return projects of every kind, of which any may be chosen together."""
    return [
        Project(
            id=f"p{number:02}",
            title=f"project {number}",
            cost=draw.randint(1, 50) * 1_000_00,
            changes=tuple(_made_change(draw, plan, f"p{number:02}.{part}") for part in range(draw.choice((1, 1, 2)))),
        )
        for number in range(count)
    ]


def _made_change(draw: random.Random, plan: Plan, name: str) -> Change:
    kind = draw.choice((Harden, Spare, Buffer, Supply))
    if kind in (Harden, Spare) and plan.exposures:
        asset = draw.choice(plan.exposures).asset
        if kind is Spare:
            return Spare(asset=asset, repair=draw.choice((0.0, 0.3, 0.7)))
        return Harden(asset=asset, chance=draw.choice((0.0, 0.5, 1.0)), damage=draw.choice((0.5, 1.0)))
    if not plan.map.groups:
        return Harden(asset=plan.exposures[0].asset, chance=0.5)
    group = draw.choice(plan.map.groups)
    if kind is Supply:
        build = Asset(id=f"built {name}")
        return Supply(asset=group.asset, group=group.name, supplier=Supplier(asset=build.id), build=build)
    return Buffer(asset=group.asset, group=group.name, add_h=draw.choice((1.0, 5.5, 24.0)))


_POWER, _WATER, _HOSPITAL = "https://power.example", "https://water.example", "https://hospital.example"
TOWN: Final = Plan(
    map=AssetMap(
        assets=(
            Asset(id="substation", sector="energy", owner=_POWER, value_h=2_000),
            Asset(id="pump", sector="water", owner=_WATER, value_h=800, people=30_000),
            Asset(id="hospital", sector="health", owner=_HOSPITAL, value_h=5_000, people=400),
        ),
        groups=(
            needs("pump", "substation", buffer_h=4.0),
            needs("hospital", "substation", buffer_h=12.0),
            needs("hospital", "pump", name="water", buffer_h=6.0, alpha=0.6),
        ),
    ),
    exposures=(
        Exposure(asset="substation", chance=0.2, repair_h=(6.0, 24.0, 96.0)),
        Exposure(asset="pump", chance=0.1, repair_h=(2.0, 12.0, 48.0)),
    ),
)
TOWN_PROJECTS: Final = (
    Project(
        id="flood-wall",
        title="A wall around the substation",
        cost=40_000_00,
        changes=(Harden(asset="substation", chance=0.4),),
    ),
    Project(
        id="spare-transformer",
        title="A transformer in store",
        cost=55_000_00,
        changes=(Spare(asset="substation", repair=0.35),),
    ),
    Project(
        id="tank",
        title="A water tank at the hospital",
        cost=18_000_00,
        changes=(Buffer(asset="hospital", group="water", add_h=30.0),),
    ),
    Project(
        id="genset",
        title="A generator at the pump",
        cost=22_000_00,
        changes=(
            Supply(
                asset="pump",
                group="power",
                supplier=Supplier(asset="genset-1"),
                build=Asset(id="genset-1", owner=_WATER),
                exposure=Exposure(asset="genset-1", chance=0.05, repair_h=(12.0, 24.0, 48.0)),
            ),
        ),
    ),
)
