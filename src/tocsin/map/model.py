"""Assets and what they depend on: values as they were written, and everything that is wrong with them. Pure.

An asset's service is between 0 (none) and 1 (all that it is there for). It depends on *groups*: each is one need
(power, water, operators), met by any of several suppliers, k of n.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections import Counter
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import MapError, MapFault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LONGEST_H",
    "MOST_ASSETS",
    "MOST_GROUPS",
    "MOST_ID",
    "MOST_WEIGHT",
    "Asset",
    "AssetMap",
    "DependencyGroup",
    "FailureMode",
    "Fragility",
    "Lognormal",
    "Need",
    "Normal",
    "Place",
    "Provenance",
    "Quantiles",
    "Repair",
    "Supplier",
    "checked",
    "faults",
    "hours_of",
]

# An event of the engine is one 64-bit number: its instant in 37 bits, what it happens to in 26 (``cascade.grid``).
MOST_ASSETS: Final = 1 << 25
MOST_GROUPS: Final = 1 << 26
# Ten years: a buffer that holds longer does not run out in anybody's plan, and 37 bits of ticks hold fifteen.
LONGEST_H: Final = 87_600.0
# The weights of one group together, so that weight times service stays within 63 bits; ample for megawatts or litres.
MOST_WEIGHT: Final = 1_000_000.0
# Weights and services are read to the millionth: a smaller weight would be none.
LEAST: Final = 1e-6
# A supplier of nobody's: thirds add up to 0.999…, and are meant to add up to 1.
SLACK: Final = 1e-9
_MOST_PEOPLE: Final = 10_000_000_000  # more than there are
_MOST_VALUE_H: Final = 10_000_000_000.0  # an hour of the largest economies is worth less
MOST_ID: Final = 200
_MOST_MODES: Final = 100  # ways in which one asset fails; nobody has told more than a dozen apart
_MOST_QUANTILES: Final = 1_001  # a thousandth each
_MOST_PER_YEAR: Final = 8_766.0  # once an hour
_MOST_SIGMA: Final = 10.0  # of a logarithm: beyond it a median says nothing
_MOST_INTENSITY: Final = 1e6
# A distribution without end is read between these: a repair that nobody has seen the end of is no plan.
TAIL: Final = 0.001
_STANDARD: Final = NormalDist()


class Provenance(enum.StrEnum):
    """How an edge came to be known."""

    PUBLISHED = "published"
    REPORTED = "reported"
    DERIVED = "derived"  # by a rule, which stands beside it
    ASSUMED = "assumed"  # within a range, which stands beside it


class Need(enum.StrEnum):
    """How suppliers add up."""

    SUM = "sum"  # what they give, by their weights, against k: half a supply is half a supply
    COUNT = "count"  # how many of them are up, against k: met or not


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is: degrees, WGS 84."""

    longitude: float
    latitude: float


class Quantiles(msgspec.Struct, frozen=True, kw_only=True, tag="quantiles", tag_field="form"):
    """Hours, rising, evenly spaced from the shortest to the longest; linear in between."""

    hours: tuple[float, ...]


class Lognormal(msgspec.Struct, frozen=True, kw_only=True, tag="lognormal", tag_field="form"):
    """Half of all repairs take at most ``median_h`` hours; ``sigma`` is the deviation of their natural logarithm."""

    median_h: float
    sigma: float


class Normal(msgspec.Struct, frozen=True, kw_only=True, tag="normal", tag_field="form"):
    """Hours, none below 0, as HAZUS has its times of recovery."""

    mean_h: float
    sigma_h: float


Repair: TypeAlias = Quantiles | Lognormal | Normal


class Fragility(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of a failure by the intensity x of a hazard: Phi(ln(x / median) / beta) (HAZUS, section 5.4)."""

    measure: str  # what is measured, and in what: "PGA g", "depth m"
    median: float
    beta: float


class FailureMode(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which an asset fails: by itself, so often a year, or with a hazard, or both.

    Its damage is between ``damage_least`` and ``damage_most``, shares of the service lost. ``repair``: where it takes
    another time than the asset's other failures.
    """

    name: str
    per_year: float = 0.0
    fragility: Fragility | None = None
    damage_least: float = 1.0
    damage_most: float = 1.0
    repair: Repair | None = None


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must not fail. ``value_h`` is what an hour of its service is worth, ``people`` whom it serves.

    ``repair``: how long one takes; ``failure_modes``: how it fails by itself. Both may be unknown.
    """

    id: str
    kind: str = ""
    sector: str = ""
    owner: str = ""  # a party's URI
    place: Place | None = None
    value_h: float = 0.0
    people: int = 0
    repair: Repair | None = None
    failure_modes: tuple[FailureMode, ...] = ()


class Supplier(msgspec.Struct, frozen=True, kw_only=True):
    """One edge: who supplies, with what weight, and how that is known.

    ``basis``: the source, the rule or the reason of an assumption. ``least`` and ``most``: what the weight may be,
    where it is assumed and only there.
    """

    asset: str
    weight: float = 1.0
    provenance: Provenance = Provenance.REPORTED
    basis: str = ""
    least: float | None = None
    most: float | None = None


class DependencyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One need of one asset.

    ``k``: how much of the suppliers' weighted service (``SUM``), or how many suppliers up (``COUNT``), meets it.
    ``buffer_h``: hours that the stock lasts without any supply; half a supply makes it last twice as long.
    ``refill``: hours of stock regained in an hour of full supply. ``black_start``: the asset can start without it.
    ``alpha``: how far service falls with supply (1: all the way; 0: not at all). ``beta``: how much service goes on
    above the supply. ``up_from``: the service from which a supplier counts as up (``COUNT``). ``buffer_least_h`` and
    ``buffer_most_h``: what the buffer may be, where it is assumed.
    """

    asset: str
    name: str
    suppliers: tuple[Supplier, ...]
    k: float = 1.0
    need: Need = Need.SUM
    buffer_h: float = 0.0
    refill: float = 1.0
    black_start: bool = False
    alpha: float = 1.0
    beta: float = 0.0
    up_from: float = 1.0
    buffer_least_h: float | None = None
    buffer_most_h: float | None = None


class AssetMap(msgspec.Struct, frozen=True, kw_only=True):
    """Assets and their groups, in any order."""

    assets: tuple[Asset, ...]
    groups: tuple[DependencyGroup, ...] = ()


def hours_of(repair: Repair, level: float) -> float:
    """Return the hours within which a share ``level`` of all repairs is done, 0 to 1.

    Distributions without end are read from the thousandth to the last thousandth. Rises with ``level``.
    """
    if isinstance(repair, Quantiles):
        place = level * (len(repair.hours) - 1)
        below = min(int(place), len(repair.hours) - 2)
        return repair.hours[below] + (repair.hours[below + 1] - repair.hours[below]) * (place - below)
    away = _STANDARD.inv_cdf(min(max(level, TAIL), 1 - TAIL))
    if isinstance(repair, Lognormal):
        return repair.median_h * math.exp(repair.sigma * away)
    return max(0.0, repair.mean_h + repair.sigma_h * away)


def checked(plan: AssetMap) -> AssetMap:
    """Return the map itself; raise ``MapError`` with every fault in it, if there is one."""
    found = tuple(faults(plan))
    if found:
        raise MapError(found)
    return plan


def faults(plan: AssetMap) -> Iterator[MapFault]:
    """Yield every fault, each once and each by itself: what follows from another fault is not told."""
    if len(plan.assets) > MOST_ASSETS:
        yield MapFault(cause=f"there are {len(plan.assets):,} assets", expected=f"at most {MOST_ASSETS:,}")
    if len(plan.groups) > MOST_GROUPS:
        yield MapFault(cause=f"there are {len(plan.groups):,} groups", expected=f"at most {MOST_GROUPS:,}")
    known = Counter(asset.id for asset in plan.assets)
    told: set[str] = set()
    for asset in plan.assets:
        if known[asset.id] > 1 and asset.id not in told:
            told.add(asset.id)
            yield MapFault(asset=asset.id, cause=f"stands {known[asset.id]} times", expected="each asset once")
        yield from _asset_faults(asset)
    named = Counter((group.asset, group.name) for group in plan.groups)
    repeated: set[tuple[str, str]] = set()
    for group in plan.groups:
        key = (group.asset, group.name)
        if named[key] > 1 and key not in repeated:
            repeated.add(key)
            yield _fault(group, f"stands {named[key]} times", "each group of an asset once")
        yield from _group_faults(group, known)


def _asset_faults(asset: Asset) -> Iterator[MapFault]:
    if not 0 < len(asset.id) <= MOST_ID:
        yield MapFault(asset=asset.id[:MOST_ID], cause="its id is empty or long", expected=f"1 to {MOST_ID} characters")
    if not 0 <= asset.value_h <= _MOST_VALUE_H:
        yield MapFault(asset=asset.id, cause=f"value_h is {asset.value_h}", expected=f"0 to {_MOST_VALUE_H:,.0f}")
    if not 0 <= asset.people <= _MOST_PEOPLE:
        yield MapFault(asset=asset.id, cause=f"people is {asset.people}", expected=f"0 to {_MOST_PEOPLE:,}")
    place = asset.place
    if place is not None and not (-180 <= place.longitude <= 180 and -90 <= place.latitude <= 90):  # noqa: PLR2004
        yield MapFault(
            asset=asset.id,
            cause=f"its place is {place.longitude}, {place.latitude}",
            expected="degrees: longitude -180 to 180, latitude -90 to 90",
        )
    yield from _repair_faults(asset, asset.repair, "its repair")
    yield from _mode_faults(asset)


def _repair_faults(asset: Asset, repair: Repair | None, which: str) -> Iterator[MapFault]:
    if repair is None:
        return
    if isinstance(repair, Quantiles):
        hours = repair.hours
        if not 2 <= len(hours) <= _MOST_QUANTILES:  # noqa: PLR2004 -- the shortest and the longest
            yield MapFault(
                asset=asset.id, cause=f"{which} has {len(hours)} quantiles", expected=f"2 to {_MOST_QUANTILES:,}"
            )
        elif not (
            all(0 <= each <= LONGEST_H for each in hours)
            and all(one <= next_ for one, next_ in itertools.pairwise(hours))
        ):
            yield MapFault(
                asset=asset.id,
                cause=f"{which} has quantiles that are no hours, or fall",
                expected=f"0 to {LONGEST_H:,.0f}, none below the one before",
            )
        return
    if isinstance(repair, Lognormal):
        bounds = (("median_h", repair.median_h, LONGEST_H), ("sigma", repair.sigma, _MOST_SIGMA))
    else:
        bounds = (("mean_h", repair.mean_h, LONGEST_H), ("sigma_h", repair.sigma_h, LONGEST_H))
    for name, value, most in bounds:
        if not 0 <= value <= most:
            yield MapFault(asset=asset.id, cause=f"{which} has {name} {value}", expected=f"0 to {most:,.0f}")


def _mode_faults(asset: Asset) -> Iterator[MapFault]:
    if len(asset.failure_modes) > _MOST_MODES:
        yield MapFault(
            asset=asset.id, cause=f"has {len(asset.failure_modes)} failure modes", expected=f"at most {_MOST_MODES}"
        )
        return
    named = Counter(mode.name for mode in asset.failure_modes)
    for name, times in named.items():
        if times > 1 or not 0 < len(name) <= MOST_ID:
            yield MapFault(
                asset=asset.id,
                cause=f"its failure mode {name[:MOST_ID]!r} stands {times} times, or has no name",
                expected=f"each once, with 1 to {MOST_ID} characters",
            )
    for mode in asset.failure_modes:
        which = f"its failure mode {mode.name[:MOST_ID]!r}"
        if not 0 <= mode.per_year <= _MOST_PER_YEAR:
            yield MapFault(
                asset=asset.id, cause=f"{which} has per_year {mode.per_year}", expected=f"0 to {_MOST_PER_YEAR:,.0f}"
            )
        if not 0 <= mode.damage_least <= mode.damage_most <= 1:
            yield MapFault(
                asset=asset.id,
                cause=f"{which} has damage from {mode.damage_least} to {mode.damage_most}",
                expected="two shares, the lower first, 0 to 1",
            )
        fragile = mode.fragility
        if fragile is not None and not (
            0 < fragile.median <= _MOST_INTENSITY and 0 < fragile.beta <= _MOST_SIGMA and fragile.measure
        ):
            yield MapFault(
                asset=asset.id,
                cause=f"{which} has a fragility in {fragile.measure[:MOST_ID]!r} of {fragile.median}, {fragile.beta}",
                expected=f"what is measured, a median up to {_MOST_INTENSITY:,.0f}, a beta up to {_MOST_SIGMA:g}",
            )
        yield from _repair_faults(asset, mode.repair, f"the repair of {which}")


def _group_faults(group: DependencyGroup, known: Counter[str]) -> Iterator[MapFault]:
    if group.asset not in known:
        yield _fault(group, "there is no such asset", "the id of an asset of this map")
    for name, value, least, most in (
        ("buffer_h", group.buffer_h, 0.0, LONGEST_H),
        ("refill", group.refill, 0.0, MOST_WEIGHT),
        ("alpha", group.alpha, 0.0, 1.0),
        ("beta", group.beta, 0.0, 1.0),
        ("up_from", group.up_from, LEAST, 1.0),
    ):
        if not least <= value <= most:
            yield _fault(group, f"{name} is {value}", f"{least:g} to {most:,.10g}")
    low, high = group.buffer_least_h, group.buffer_most_h
    ranged = low is not None and high is not None and 0 <= low <= group.buffer_h <= high <= LONGEST_H
    if not (ranged or (low is None and high is None)):
        yield _fault(
            group,
            f"buffer_h is {group.buffer_h} within {low} to {high}",
            f"both or neither; 0 to {LONGEST_H:,.0f}, with the buffer in between",
        )
    edges = list(_edge_faults(group, known))
    yield from edges
    if not (math.isfinite(group.k) and group.k >= LEAST):
        yield _fault(group, f"k is {group.k}", f"{LEAST:f} or more")
    elif group.need is Need.COUNT and group.k != int(group.k):
        yield _fault(group, f"k is {group.k}", "a whole number of suppliers")
    elif group.suppliers and not edges:
        yield from _never(group)
    if not group.suppliers:
        yield _fault(group, "nobody supplies it", "at least one supplier")


def _edge_faults(group: DependencyGroup, known: Counter[str]) -> Iterator[MapFault]:
    seen: set[str] = set()
    for supplier in group.suppliers:
        if supplier.asset not in known:
            yield _fault(group, "there is no such asset", "the id of an asset of this map", supplier)
        elif supplier.asset == group.asset:
            yield _fault(group, "an asset cannot supply itself", "another asset", supplier)
        if supplier.asset in seen:
            yield _fault(group, "supplies the group twice", "each supplier of a group once", supplier)
        seen.add(supplier.asset)
        if not LEAST <= supplier.weight <= MOST_WEIGHT:
            yield _fault(group, f"weight is {supplier.weight}", f"{LEAST:f} to {MOST_WEIGHT:,.0f}", supplier)
        elif not _ranged(group, supplier):
            yield _fault(
                group,
                f"{supplier.provenance} with weight {supplier.weight} within {supplier.least} to {supplier.most}",
                f"the range of what is assumed, of nothing else: {LEAST:f} to {MOST_WEIGHT:,.0f}, the weight within",
                supplier,
            )


def _ranged(group: DependencyGroup, supplier: Supplier) -> bool:
    """Return whether the weight has a range where it is assumed and only there; the buffer's range may stand for it."""
    assumed = supplier.provenance is Provenance.ASSUMED
    if supplier.least is None or supplier.most is None:
        neither = supplier.least is None and supplier.most is None
        return neither and (not assumed or group.buffer_least_h is not None)
    return assumed and LEAST <= supplier.least <= supplier.weight <= supplier.most <= MOST_WEIGHT


def _never(group: DependencyGroup) -> Iterator[MapFault]:
    """Yield why the group could not be met with everything up: an asset is whole until something is hit."""
    if group.need is Need.COUNT:
        there: float = len(group.suppliers)
    else:
        there = math.fsum(supplier.weight for supplier in group.suppliers)
        if there > MOST_WEIGHT:
            yield _fault(group, f"the weights add up to {there:g}", f"{MOST_WEIGHT:,.0f} at most")
            return
    if group.k > there * (1 + SLACK):
        yield _fault(group, f"k is {group.k:g} and all suppliers together give {there:g}", "a need that can be met")


def _fault(group: DependencyGroup, cause: str, expected: str, supplier: Supplier | None = None) -> MapFault:
    return MapFault(
        asset=group.asset,
        group=group.name,
        supplier=None if supplier is None else supplier.asset,
        cause=cause,
        expected=expected,
    )
