"""Made-up maps with a member's part in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from support.cascades import needs
from tocsin.map.cascade.hits import Hit
from tocsin.map.model import Asset, AssetMap, Need

if TYPE_CHECKING:
    import random

    from tocsin.map.model import DependencyGroup

__all__ = ["any_member", "hits_on", "large_member", "one_stock_each"]


def hits_on(draw: random.Random, names: list[str], *, most_h: float = 60.0) -> list[Hit]:
    """Return hits on some of these assets: from any time on, some of them degraded only."""
    hit = draw.sample(names, min(len(names), draw.choice((1, 1, 2, 3))))
    return [
        Hit(
            asset=one,
            damage=draw.choice((1.0, 1.0, 1.0, 0.5)),
            from_h=(begin := draw.choice((0.0, draw.uniform(0, 30)))),
            until_h=begin + draw.uniform(0.1, most_h),
        )
        for one in hit
    ]


def any_member(draw: random.Random, *, rings: bool, degraded: bool) -> tuple[AssetMap, frozenset[str]]:
    """Return others' assets o…, a member's m… that depend on them and on each other, and those who need the member."""
    outside = [f"o{number}" for number in range(draw.randint(2, 4))]
    own = [f"m{number}" for number in range(draw.randint(3, 7))]
    groups: list[DependencyGroup] = []
    for place, asset in enumerate(own):
        for number in range(draw.choice((1, 1, 2))):
            among = outside + (own[:place] if not rings or draw.random() < 0.7 else [o for o in own if o != asset])
            chosen = draw.sample(among, min(len(among), draw.choice((1, 2, 3))))
            group = needs(
                asset,
                *chosen,
                name=f"g{number}",
                need=Need.COUNT,
                k=float(draw.randint(1, len(chosen))),
                buffer_h=draw.choice((0.0, 0.0, round(draw.uniform(1, 24), 3))),
                refill=draw.choice((0.5, 1.0, 1e6)),
            )
            if degraded and draw.random() < 0.5:
                group = structs.replace(
                    group, need=Need.SUM, k=len(chosen) * draw.choice((0.5, 1.0)), alpha=draw.choice((1.0, 0.5))
                )
            groups.append(group)
    users = [f"u{number}" for number in range(3)]
    groups += [
        needs(user, *draw.sample(own, 2), need=Need.COUNT, k=float(draw.randint(1, 2)), buffer_h=draw.choice((0, 2, 9)))
        for user in users
    ]
    names = [*outside, *own, *users]
    return AssetMap(assets=tuple(Asset(id=name) for name in names), groups=tuple(groups)), frozenset(own)


def one_stock_each(draw: random.Random) -> tuple[AssetMap, frozenset[str]]:
    """Return a map whose member is of the kind that an interface tells exactly.

    Series and k-of-n of inputs, in trees without a buffer; behind each of them an output with one buffer or none.
    """
    outside = [f"o{number}" for number in range(draw.randint(3, 5))]
    groups: list[DependencyGroup] = []
    own: list[str] = []

    def block(depth: int) -> str:
        name = f"m{len(own)}"
        own.append(name)
        parts = draw.sample(outside, draw.randint(1, 3))
        if depth:
            parts = [*parts[:1], *(block(depth - 1) for _ in range(draw.randint(1, 2)))]
        groups.append(needs(name, *parts, need=Need.COUNT, k=float(draw.randint(1, len(parts)))))
        return name

    for number in range(draw.randint(1, 3)):
        output = f"out{number}"
        own.append(output)
        groups.append(
            needs(
                output,
                block(draw.randint(0, 1)),
                need=Need.COUNT,
                buffer_h=draw.choice((0.0, 4.0, 7.25, 9.123456)),
                refill=draw.choice((0.0, 0.5, 1.0, 1e6)),
            )
        )
    users = [one for one in own if one.startswith("out")]
    groups += [needs(f"u{one}", one, buffer_h=draw.choice((0, 3))) for one in users]
    # others who need a user, and whom the member needs: a ring across the border
    groups.append(needs("o0", f"u{users[0]}", buffer_h=5.0, black_start=draw.random() < 0.5))
    names = [*outside, *own, *(f"u{one}" for one in users)]
    return AssetMap(assets=tuple(Asset(id=name) for name in names), groups=tuple(groups)), frozenset(own)


def large_member(draw: random.Random, size: int) -> tuple[AssetMap, frozenset[str]]:
    """Return a map whose member has many assets, most of them hidden: a few inputs, the last four are outputs.

    Up or down, each asset needs some of those shortly before it; here and there a buffer.
    """
    outside = [f"o{number}" for number in range(draw.randint(4, 6))]
    own = [f"m{number}" for number in range(size)]
    groups: list[DependencyGroup] = []
    for place, asset in enumerate(own):
        for number in range(draw.choice((1, 1, 1, 2))):
            near = (
                [*outside, *own[max(0, place - 10) : place]]
                if place < 10 or draw.random() < 0.15
                else own[place - 10 : place]
            )
            chosen = draw.sample(near, min(len(near), draw.choice((1, 1, 2, 2, 3))))
            groups.append(
                needs(
                    asset,
                    *chosen,
                    name=f"g{number}",
                    need=Need.COUNT,
                    k=float(draw.randint(1, len(chosen))),
                    buffer_h=draw.choice((0.0, 0.0, 0.0, round(draw.uniform(1, 24), 1))),
                )
            )
    users = [f"u{number}" for number in range(4)]
    groups += [needs(user, output, need=Need.COUNT) for user, output in zip(users, own[-4:], strict=True)]
    names = [*outside, *own, *users]
    return AssetMap(assets=tuple(Asset(id=name) for name in names), groups=tuple(groups)), frozenset(own)
