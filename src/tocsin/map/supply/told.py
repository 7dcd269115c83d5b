"""Answers about supply chains as they are told, at the command line and over ``/api/v1``: assets by name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from tocsin.map.allowance import PartyLeftOut
from tocsin.map.model import Asset
from tocsin.map.seen import Unread
from tocsin.map.supply.graph import Reached
from tocsin.map.supply.model import Part, Verdict
from tocsin.map.supply.vendors import Concentration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.map.supply.service import Reach, SeenChains, Vendors

__all__ = [
    "ListedBill",
    "ReachResource",
    "ReachedAsset",
    "SectorReached",
    "VendorsResource",
    "Way",
    "listed_bills",
    "reach_told",
    "vendors_told",
]


class ListedBill(msgspec.Struct, frozen=True, kw_only=True):
    """One bill of materials: whose word it is, its product, and which assets have that, by name."""

    id: str
    by: str
    tlp: str
    product: Part
    parts: int
    statements: int
    assets: tuple[str, ...]


class Way(Reached, frozen=True, kw_only=True):
    """One way to an asset, and what that is called on the map; its STIX id where the reader does not see it there."""

    name: str


class ReachedAsset(Asset, frozen=True, kw_only=True):
    """An asset that is reached, as it is on the reader's map; ``ref``: its STIX id."""

    ref: str


class SectorReached(msgspec.Struct, frozen=True, kw_only=True):
    """What is reached of one sector: assets, the people they serve, what an hour of them is worth."""

    sector: str
    assets: int
    people: int
    value_h: float


class ReachResource(msgspec.Struct, frozen=True, kw_only=True):
    """Which assets a vulnerability, product or component reaches, the worst verdict first.

    ``cleared``: assets whose every way somebody says is fixed or not affected. ``more``: ways that are not told here.
    ``assets``: those of both lists that the asker sees on its map; ``people`` and ``value_h``: of all that are reached.
    ``loose``, ``near``, ``vague``, ``incomplete``: docs/supply-chains.md. ``unseen``: products on assets whose bill the
    asker does not see; ``unread``, ``parties_left_out``: what is left out, and why.
    """

    asked: str
    parts: int
    products: int
    reached: tuple[Way, ...]
    cleared: tuple[Way, ...]
    more: int
    assets: tuple[ReachedAsset, ...]
    people: int
    value_h: float
    sectors: tuple[SectorReached, ...]
    loose: tuple[str, ...]
    near: tuple[str, ...]
    vague: int
    incomplete: bool
    unseen: int
    unread: tuple[Unread, ...]
    parties_left_out: tuple[PartyLeftOut, ...]


class VendorsResource(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what the asker sees hangs on whose products: in all (``""``), then by sector.

    ``more``: vendors that are not told, of all sectors together. ``unseen`` and the rest as in a reach.
    """

    sectors: tuple[Concentration, ...]
    more: int
    unseen: int
    unread: tuple[Unread, ...]
    parties_left_out: tuple[PartyLeftOut, ...]


def listed_bills(seen: SeenChains, names: Mapping[str, str]) -> list[ListedBill]:
    """Return the bills of what is seen, by id; ``names``: what assets are called, by STIX id."""
    fitted: dict[str, set[str]] = {}
    for fit in seen.chains.fits:
        fitted.setdefault(fit.bill, set()).add(names.get(fit.asset, fit.asset))
    return [
        ListedBill(
            id=id_,
            by=word.by,
            tlp=word.tlp,
            product=word.bill.product,
            parts=len(word.bill.parts),
            statements=len(word.bill.statements),
            assets=tuple(sorted(fitted.get(id_, ()))),
        )
        for id_, word in seen.chains.bills.items()
        if word.bill is not None
    ]


def reach_told(found: Reach, *, most: int | None = None) -> ReachResource:
    """Return what is told of a reach: ``most`` ways of each list, all if not said."""
    answer = found.answer
    reached, cleared = _ways(found, answer.reached), _ways(found, answer.cleared)
    kept = (reached[:most], cleared[:most])
    told = dict.fromkeys(one.asset for ways in kept for one in ways)
    there = [found.assets[ref] for ref in dict.fromkeys(one.asset for one in reached) if ref in found.assets]
    return ReachResource(
        asked=found.asked,
        parts=answer.parts,
        products=answer.products,
        reached=kept[0],
        cleared=kept[1],
        more=len(reached) + len(cleared) - sum(map(len, kept)),
        assets=tuple(
            ReachedAsset(ref=ref, **structs.asdict(found.assets[ref])) for ref in sorted(told) if ref in found.assets
        ),
        people=sum(asset.people for asset in there),
        value_h=sum(asset.value_h for asset in there),
        sectors=tuple(_sectors(there)),
        loose=answer.loose[:most],
        near=answer.near[:most],
        vague=found.vague,
        incomplete=found.incomplete,
        unseen=found.chains.chains.unseen,
        unread=found.chains.unread,
        parties_left_out=found.chains.parties_left_out,
    )


def _ways(found: Reach, reached: Iterable[Reached]) -> tuple[Way, ...]:
    """Return ways in the order of their assets' names, the worst verdict first."""
    worst = tuple(Verdict)
    ways = (
        Way(
            name=found.assets[one.asset].id if one.asset in found.assets else one.asset,
            **{field: getattr(one, field) for field in one.__struct_fields__},
        )
        for one in reached
    )
    return tuple(
        sorted(ways, key=lambda one: (0 if one.verdict is None else worst.index(one.verdict), one.name, one.path))
    )


def _sectors(assets: Iterable[Asset]) -> Iterable[SectorReached]:
    by_sector: dict[str, list[Asset]] = {}
    for asset in assets:
        by_sector.setdefault(asset.sector, []).append(asset)
    for sector, those in sorted(by_sector.items()):
        yield SectorReached(
            sector=sector,
            assets=len(those),
            people=sum(asset.people for asset in those),
            value_h=sum(asset.value_h for asset in those),
        )


def vendors_told(found: Vendors, *, most: int | None = None) -> VendorsResource:
    """Return what is told of vendors: ``most`` of each sector, all if not said."""
    sectors = tuple(structs.replace(one, vendors=one.vendors[:most]) for one in found.sectors)
    return VendorsResource(
        sectors=sectors,
        more=sum(len(one.vendors) for one in found.sectors) - sum(len(one.vendors) for one in sectors),
        unseen=found.chains.chains.unseen,
        unread=found.chains.unread,
        parties_left_out=found.chains.parties_left_out,
    )
