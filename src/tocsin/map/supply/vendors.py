"""Vendor concentration: how much of what must not fail hangs on whose products. Pure.

The Herfindahl-Hirschman index is the sum of the squares of all shares, each in hundredths: 10,000 where there is one
vendor, 10,000 / n where n share alike. An asset with products of several vendors counts for each of them in equal
parts, so that shares add up to one; ``holds`` counts it whole for each. Assets of whose vendors nothing is said are in
neither, and are counted. Two vendors are one where their names differ by capitals and spaces only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.map.supply.model import same_maker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tocsin.map.model import Asset
    from tocsin.map.supply.graph import Chains

__all__ = ["Concentration", "Measure", "Vendor", "concentrations", "makers"]

_HUNDREDTHS: Final = 100.0


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One number for each way to weigh assets: each alike, by what an hour of them is worth, by the people they serve.

    None where there is nothing to divide by.
    """

    assets: float | None
    value_h: float | None
    people: float | None


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor in one sector: ``share`` of it, 0 to 1, and the assets that it is in, whole."""

    name: str
    share: Measure
    holds: Measure


class Concentration(msgspec.Struct, frozen=True, kw_only=True):
    """One sector, or all (``""``): assets with a known vendor and without, the index, the vendors, largest first."""

    sector: str
    known: int
    unknown: int
    hhi: Measure
    vendors: tuple[Vendor, ...]


def makers(chains: Chains, *, of_parts: bool = False) -> dict[str, dict[str, str]]:
    """Return the vendors of each asset (its STIX id): by how they are compared, the name as it is first written.

    ``of_parts``: of everything that is in its products, and not of these alone.
    """
    within = _within(chains) if of_parts else {}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for fit in chains.fits:
        nodes = within.get(fit.bill, ((fit.bill, 0),))
        for node in nodes:
            name = chains.part(node).supplier
            if name:
                found[fit.asset].setdefault(same_maker(name), name)
    return dict(found)


def _within(chains: Chains) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return all parts of each bill that an asset has, and of the bills of what is in it."""
    below: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
    for node, holders in chains.holders().items():
        for holder in holders:
            below[holder].append(node)
    found = {}
    for bill in {fit.bill for fit in chains.fits}:
        reached, waiting = {(bill, 0)}, [(bill, 0)]
        while waiting:
            for other in below[waiting.pop()]:
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        found[bill] = tuple(sorted(node for node in reached if node[1] >= 0))
    return found


def concentrations(assets: Mapping[str, Asset], vendors: Mapping[str, Mapping[str, str]]) -> list[Concentration]:
    """Return the concentration in all of these assets (by STIX id), and in each sector, by name."""
    sectors: dict[str, list[str]] = defaultdict(list)
    for ref, asset in assets.items():
        sectors[asset.sector].append(ref)
    found = [_concentration("", list(assets), assets, vendors)]
    found += [_concentration(sector, refs, assets, vendors) for sector, refs in sorted(sectors.items()) if sector]
    return found


def _concentration(
    sector: str, refs: Sequence[str], assets: Mapping[str, Asset], vendors: Mapping[str, Mapping[str, str]]
) -> Concentration:
    known = [ref for ref in refs if vendors.get(ref)]
    names: dict[str, str] = {}
    parts: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for ref in sorted(known):
        for key, name in vendors[ref].items():
            names.setdefault(key, name)
            parts[key].append((ref, 1 / len(vendors[ref])))
    whole = _weights([(ref, 1.0) for ref in known], assets)
    shares = {key: _divided(_weights(held, assets), whole) for key, held in parts.items()}
    listed = [
        Vendor(name=names[key], share=shares[key], holds=_measured(_weights([(ref, 1.0) for ref, _ in held], assets)))
        for key, held in parts.items()
    ]
    return Concentration(
        sector=sector,
        known=len(known),
        unknown=len(refs) - len(known),
        hhi=_index(shares.values()),
        vendors=tuple(sorted(listed, key=lambda one: (-(one.share.assets or 0), one.name))),
    )


def _weights(held: Sequence[tuple[str, float]], assets: Mapping[str, Asset]) -> tuple[float, float, float]:
    return (
        math.fsum(part for _, part in held),
        math.fsum(part * assets[ref].value_h for ref, part in held),
        math.fsum(part * assets[ref].people for ref, part in held),
    )


def _measured(weights: tuple[float, float, float]) -> Measure:
    count, value_h, people = weights
    return Measure(assets=count, value_h=value_h, people=people)


def _divided(weights: tuple[float, float, float], whole: tuple[float, float, float]) -> Measure:
    count, value_h, people = (part / all_ if all_ else None for part, all_ in zip(weights, whole, strict=True))
    return Measure(assets=count, value_h=value_h, people=people)


def _index(shares: Iterable[Measure]) -> Measure:
    found = list(shares)

    def squared(each: Sequence[float | None]) -> float | None:
        said = [one for one in each if one is not None]
        return math.fsum((_HUNDREDTHS * one) ** 2 for one in said) if said else None

    return Measure(
        assets=squared([one.assets for one in found]),
        value_h=squared([one.value_h for one in found]),
        people=squared([one.people for one in found]),
    )
