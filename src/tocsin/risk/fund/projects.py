"""Projects: what money can change about a map and about what may happen to it. Pure.

A project never makes anything worse: each of its changes is one under which, by the laws of the cascade engine, no
asset has less service in any sample (``docs/map.md``). So more projects are never a greater loss, exactly, and this is
what the search for a portfolio rests on.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from tocsin.errors import MapFault, ProjectError, ProjectFault
from tocsin.map.cascade.grid import FULL, weight_of
from tocsin.map.model import LONGEST_H, Asset, AssetMap, Need, Supplier, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tocsin.map.model import DependencyGroup

__all__ = [
    "MOST_CENTS",
    "MOST_CHANGES",
    "MOST_PROJECTS",
    "Buffer",
    "Change",
    "Exposure",
    "Harden",
    "Plan",
    "Project",
    "Spare",
    "Supply",
    "checked",
    "own_faults",
    "plan_with",
    "quantiles_of",
]

# A hundred billion of a currency with cents: sums over a thousand projects, and over all subsets of twenty parties,
# stay within 63 bits. It is what an amount is, in the log, too: it can be raised, and never lowered.
MOST_CENTS: Final = 10**13
# A committee reads them one by one; the pairs of them (20,000) are the cascades that a portfolio is planned with.
MOST_PROJECTS: Final = 200
MOST_CHANGES: Final = 100  # of one project: a larger one is several
_MOST_TEXT: Final = 200
_LEAST_QUANTILES: Final = 2


class Exposure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may happen to one asset in a sample: the draws of ``tocsin.map.cascade.draws``.

    ``chance`` of being hit. ``damage``: lowest and highest share of service lost. ``repair_h``: quantiles of the time
    of repair in hours, rising, evenly spaced from the shortest to the longest; a draw between two is on their line.
    """

    asset: str
    chance: float
    repair_h: tuple[float, ...]
    damage: tuple[float, float] = (1.0, 1.0)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A map and what may happen to it."""

    map: AssetMap
    exposures: tuple[Exposure, ...]


class Harden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="harden", tag_field="change"):
    """An asset is hit less often, or less hard: its chance and damage are multiplied, each by 0 to 1."""

    asset: str
    chance: float = 1.0
    damage: float = 1.0


class Supply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="supply", tag_field="change"):
    """A group has one supplier more. ``build``: the supplier is not on the map yet; it depends on nothing.

    What is built has no value and serves nobody by itself; ``exposure`` says what may happen to it (None: nothing).
    """

    asset: str
    group: str
    supplier: Supplier
    build: Asset | None = None
    exposure: Exposure | None = None


class Buffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="buffer", tag_field="change"):
    """A group's buffer lasts ``add_h`` hours longer."""

    asset: str
    group: str
    add_h: float


class Spare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="spare", tag_field="change"):
    """An asset is repaired sooner: every quantile of its repair time is multiplied by ``repair``, 0 to 1."""

    asset: str
    repair: float


Change: TypeAlias = Harden | Supply | Buffer | Spare


class Project(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that can be paid for. ``cost`` in cents of the fund's currency; ``payee``: the party that builds it."""

    id: str
    title: str
    cost: int
    changes: tuple[Change, ...]
    payee: str = ""


def plan_with(plan: Plan, projects: Iterable[Project]) -> Plan:
    """Return the plan as it is once projects are built. They and the plan were checked together."""
    chosen = sorted(projects, key=lambda one: one.id)  # products of floats depend on their order
    for project in chosen:
        for change in project.changes:
            plan = _changed(plan, change)
    return plan


def _changed(plan: Plan, change: Change) -> Plan:
    match change:
        case Harden():
            return _exposed(
                plan,
                change.asset,
                lambda one: replace(
                    one,
                    chance=one.chance * change.chance,
                    damage=(one.damage[0] * change.damage, one.damage[1] * change.damage),
                ),
            )
        case Spare():
            return _exposed(
                plan,
                change.asset,
                lambda one: replace(one, repair_h=tuple(hours * change.repair for hours in one.repair_h)),
            )
        case Buffer():
            groups = tuple(
                replace(group, buffer_h=group.buffer_h + change.add_h)
                if (group.asset, group.name) == (change.asset, change.group)
                else group
                for group in plan.map.groups
            )
            return replace(plan, map=replace(plan.map, groups=groups))
        case Supply():
            groups = tuple(
                _with_supplier(group, change.supplier)
                if (group.asset, group.name) == (change.asset, change.group)
                else group
                for group in plan.map.groups
            )
            assets = plan.map.assets if change.build is None else (*plan.map.assets, change.build)
            exposures = plan.exposures if change.exposure is None else (*plan.exposures, change.exposure)
            return Plan(map=AssetMap(assets=assets, groups=groups), exposures=exposures)


def _with_supplier(group: DependencyGroup, supplier: Supplier) -> DependencyGroup:
    """Return a group with one supplier more, and a need that is no larger: what thirds fall short of 1 stays so."""
    if group.need is Need.COUNT:
        return replace(group, suppliers=(*group.suppliers, supplier))
    together = sum(weight_of(one.weight) for one in group.suppliers) / FULL
    return replace(group, k=min(group.k, together), suppliers=(*group.suppliers, supplier))


def _exposed(plan: Plan, asset: str, change: Callable[[Exposure], Exposure]) -> Plan:
    exposures = tuple(change(one) if one.asset == asset else one for one in plan.exposures)
    return replace(plan, exposures=exposures)


def checked(plan: Plan, projects: Sequence[Project]) -> None:
    """See that the map, what may happen to it and every project are in order, each project by itself and all at once.

    Any choice among them is then in order: what one needs is on the map, and what two contradict each other in, or add
    up to, all contradict or add up to.

    Raises:
        ProjectError: with every fault in them; what follows from another fault is not told.
    """
    found = [*_map_faults(None, faults(plan.map)), *_exposure_faults(plan)]
    if not found:
        found = list(_project_faults(plan, projects))
    if not found:
        found = list(_map_faults(None, faults(plan_with(plan, projects).map)))
    if found:
        raise ProjectError(tuple(found))


def _map_faults(project: str | None, found: Iterable[MapFault]) -> Iterator[ProjectFault]:
    for fault in found:
        where = "the map, with all projects" if fault.where is None else fault.where
        yield ProjectFault(project=project, where=where, cause=fault.cause, expected=fault.expected)


def quantiles_of(plan: Plan, projects: Sequence[Project]) -> int:
    """Return how many quantiles of repair times all draws have: the most of the plan's; of what is built, without."""
    built = (change.exposure for one in projects for change in one.changes if isinstance(change, Supply))
    exposures = plan.exposures or [one for one in built if one is not None]
    return max((len(one.repair_h) for one in exposures), default=_LEAST_QUANTILES)


def _exposure_faults(plan: Plan) -> Iterator[ProjectFault]:
    known = {asset.id for asset in plan.map.assets}
    counted = Counter(one.asset for one in plan.exposures)
    quantiles = quantiles_of(plan, ())
    for asset, count in counted.items():
        if count > 1:
            yield ProjectFault(where=asset, cause=f"is exposed {count} times", expected="once at most")
    for one in plan.exposures:
        if one.asset not in known:
            yield ProjectFault(where=one.asset, cause="there is no such asset", expected="the id of an asset")
        yield from _one_exposure(None, one, quantiles)


def _one_exposure(project: str | None, one: Exposure, quantiles: int) -> Iterator[ProjectFault]:
    if not 0 <= one.chance <= 1:
        yield ProjectFault(project=project, where=one.asset, cause=f"chance is {one.chance}", expected="0 to 1")
    low, high = one.damage
    if not 0 <= low <= high <= 1:
        yield ProjectFault(
            project=project, where=one.asset, cause=f"damage is {low} to {high}", expected="shares, 0 to 1, rising"
        )
    hours = one.repair_h
    rising = all(0 <= early <= late <= LONGEST_H for early, late in itertools.pairwise(hours))
    if len(hours) < _LEAST_QUANTILES or not rising:
        yield ProjectFault(
            project=project,
            where=one.asset,
            cause=f"repair_h is {', '.join(f'{one:g}' for one in hours[:10]) or 'empty'}",
            expected=f"two hours or more, rising, up to {LONGEST_H:,.0f}",
        )
    elif (quantiles - 1) % (len(hours) - 1):
        fitting = [count + 1 for count in range(1, quantiles) if (quantiles - 1) % count == 0]
        yield ProjectFault(
            project=project,
            where=one.asset,
            cause=f"repair_h has {len(hours)} quantiles",
            expected=f"{', '.join(map(str, fitting))}: the plan has {quantiles}, and these are among them",
        )


def _project_faults(plan: Plan, projects: Sequence[Project]) -> Iterator[ProjectFault]:
    if len(projects) > MOST_PROJECTS:
        yield ProjectFault(cause=f"there are {len(projects)} projects", expected=f"at most {MOST_PROJECTS}")
    counted = Counter(project.id for project in projects)
    told: set[str] = set()
    quantiles = quantiles_of(plan, projects)
    for project in projects:
        if counted[project.id] > 1 and project.id not in told:
            told.add(project.id)
            yield ProjectFault(
                project=project.id, cause=f"stands {counted[project.id]} times", expected="each project once"
            )
        own = [*own_faults(project), *_change_faults(plan, project, quantiles)]
        yield from own
        if not own:
            yield from _map_faults(project.id, faults(plan_with(plan, [project]).map))


def own_faults(project: Project, *, limited: bool = True) -> Iterator[ProjectFault]:
    """Yield what is wrong with a project by itself, whatever the map; ``limited``: also what is more than we take."""
    most_changes = MOST_CHANGES if limited else len(project.changes)
    if not 0 < len(project.id) <= _MOST_TEXT:
        yield ProjectFault(
            project=project.id[:_MOST_TEXT], cause="its id is empty or long", expected=f"1 to {_MOST_TEXT} characters"
        )
    if limited and len(project.title) > _MOST_TEXT:
        yield ProjectFault(project=project.id, cause="its title is long", expected=f"{_MOST_TEXT} characters at most")
    if not 0 <= project.cost <= MOST_CENTS:
        yield ProjectFault(project=project.id, cause=f"cost is {project.cost}", expected=f"cents, 0 to {MOST_CENTS:,}")
    if not 0 < len(project.changes) <= most_changes:
        yield ProjectFault(
            project=project.id, cause=f"it has {len(project.changes)} changes", expected=f"1 to {MOST_CHANGES}"
        )


def _change_faults(plan: Plan, project: Project, quantiles: int) -> Iterator[ProjectFault]:
    assets = {asset.id for asset in plan.map.assets}
    groups = {(group.asset, group.name) for group in plan.map.groups}
    exposed = {one.asset for one in plan.exposures}

    def fault(where: str, cause: str, expected: str) -> ProjectFault:
        return ProjectFault(project=project.id, where=where, cause=cause, expected=expected)

    for change in project.changes:
        if change.asset not in assets:
            yield fault(change.asset, "there is no such asset", "the id of an asset of this map")
            continue
        if isinstance(change, Buffer | Supply) and (change.asset, change.group) not in groups:
            yield fault(f"{change.asset} needs {change.group}", "there is no such group", "a group of this asset")
            continue
        if isinstance(change, Harden | Spare) and change.asset not in exposed:
            yield fault(change.asset, "nothing may happen to it", "an asset that is exposed")
        for name, share in _shares(change):
            if not 0 <= share <= 1:
                yield fault(change.asset, f"{name} is {share}", "a factor, 0 to 1: a project makes nothing worse")
        if isinstance(change, Buffer) and not (math.isfinite(change.add_h) and 0 < change.add_h <= LONGEST_H):
            yield fault(f"{change.asset} needs {change.group}", f"add_h is {change.add_h}", "hours, above 0")
        if isinstance(change, Supply):
            yield from _built(project.id, change, quantiles)


def _built(project: str, change: Supply, quantiles: int) -> Iterator[ProjectFault]:
    build, exposure = change.build, change.exposure
    if build is not None and build.id != change.supplier.asset:
        yield ProjectFault(
            project=project, where=build.id, cause="another asset supplies", expected=f"{change.supplier.asset!r}"
        )
    if build is not None and (build.value_h or build.people):
        yield ProjectFault(
            project=project,
            where=build.id,
            cause="what is built has a value, or serves people, by itself",
            expected="value_h and people of 0: else building it is a loss in the sums",
        )
    if exposure is not None:
        if build is None or exposure.asset != build.id:
            yield ProjectFault(
                project=project, where=exposure.asset, cause="it is not what is built", expected="the asset that is"
            )
        yield from _one_exposure(project, exposure, quantiles)


def _shares(change: Change) -> tuple[tuple[str, float], ...]:
    match change:
        case Harden():
            return (("chance", change.chance), ("damage", change.damage))
        case Spare():
            return (("repair", change.repair),)
        case _:
            return ()
