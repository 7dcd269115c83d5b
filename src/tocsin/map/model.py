"""Assets and what they depend on: values as they were written, and everything that is wrong with them. Pure.

An asset's service is between 0 (none) and 1 (all that it is there for). It depends on *groups*: each is one need
(power, water, operators), met by any of several suppliers, k of n.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import MapError, MapFault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LONGEST_H",
    "MOST_ASSETS",
    "MOST_GROUPS",
    "MOST_WEIGHT",
    "Asset",
    "AssetMap",
    "DependencyGroup",
    "Need",
    "Place",
    "Provenance",
    "Supplier",
    "checked",
    "faults",
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
_MOST_ID: Final = 200


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


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must not fail. ``value_h`` is what an hour of its service is worth, ``people`` whom it serves."""

    id: str
    kind: str = ""
    sector: str = ""
    owner: str = ""  # a party's URI
    place: Place | None = None
    value_h: float = 0.0
    people: int = 0


class Supplier(msgspec.Struct, frozen=True, kw_only=True):
    """One edge: who supplies, with what weight, and how that is known."""

    asset: str
    weight: float = 1.0
    provenance: Provenance = Provenance.REPORTED
    basis: str = ""  # the source, the rule or the range


class DependencyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One need of one asset.

    ``k``: how much of the suppliers' weighted service (``SUM``), or how many suppliers up (``COUNT``), meets it.
    ``buffer_h``: hours that the stock lasts without any supply; half a supply makes it last twice as long.
    ``refill``: hours of stock regained in an hour of full supply. ``black_start``: the asset can start without it.
    ``alpha``: how far service falls with supply (1: all the way; 0: not at all). ``beta``: how much service goes on
    above the supply. ``up_from``: the service from which a supplier counts as up (``COUNT``).
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


class AssetMap(msgspec.Struct, frozen=True, kw_only=True):
    """Assets and their groups, in any order."""

    assets: tuple[Asset, ...]
    groups: tuple[DependencyGroup, ...] = ()


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
    if not 0 < len(asset.id) <= _MOST_ID:
        yield MapFault(
            asset=asset.id[:_MOST_ID], cause="its id is empty or long", expected=f"1 to {_MOST_ID} characters"
        )
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
    edges = list(_edge_faults(group, known))
    yield from edges
    if not group.suppliers:
        yield _fault(group, "nobody supplies it", "at least one supplier")
    elif not edges:
        yield from _never(group)


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


def _never(group: DependencyGroup) -> Iterator[MapFault]:
    """Yield why the group could not be met with everything up: an asset is whole until something is hit."""
    if not (math.isfinite(group.k) and group.k >= LEAST):
        yield _fault(group, f"k is {group.k}", f"{LEAST:f} or more")
        return
    if group.need is Need.COUNT:
        if group.k != int(group.k):
            yield _fault(group, f"k is {group.k}", "a whole number of suppliers")
            return
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
