"""What is out now, as the reports of the field that count have it: where a forecast begins. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.errors import InputError
from tocsin.kernel.clock import SECOND
from tocsin.map.model import LONGEST_H, AssetMap, Quantiles
from tocsin.map.whatnext import Outage, unknown_end

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tocsin.map.seen import Seen, Standing

__all__ = ["LeftOut", "differing", "none_out", "reported", "with_repairs"]

_HOUR: Final = 3_600 * SECOND


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A reported outage that no forecast begins with, and why: a report of one stops the question of nobody."""

    asset: str
    cause: str


def reported(seen: Seen, plan: AssetMap, but: Collection[str] = ()) -> tuple[list[Outage], tuple[LeftOut, ...]]:
    """Return the outages that the reports that count tell of, whose end is not past; ``but`` those of these assets.

    Beside them what is left out, since neither the report nor the repairs of ``plan`` tell when it ends.
    """
    now = seen.at
    repairs = {asset.id: asset.repair for asset in plan.assets}
    outages: list[Outage] = []
    left: list[LeftOut] = []
    for one in seen.states:
        until = one.state.until
        if not one.counts or one.asset in but or one.state.service >= 1 or (until is not None and until <= now):
            continue
        outage = Outage(
            asset=one.asset,
            damage=round(1 - one.state.service, 6),
            since_h=min(max(0.0, (now - one.state.since) / _HOUR), LONGEST_H),
            repaired_in_h=None if until is None else min((until - now) / _HOUR, LONGEST_H),
        )
        cause = unknown_end(outage, repairs.get(one.asset))
        if cause is None:
            outages.append(outage)
        else:
            left.append(LeftOut(asset=one.asset, cause=cause))
    return outages, tuple(left)


def differing(seen: Seen, but: Collection[str] = ()) -> tuple[Standing, ...]:
    """Return the reports that say otherwise than the one that counts; ``but`` those of these assets."""
    return tuple(one for one in seen.states if one.differs and one.asset not in but)


def none_out(left: Sequence[LeftOut], beside: Sequence[Standing], *, where: str) -> InputError:
    """Return the error of a question that no outage is left of: an empty answer would read as an all-clear.

    ``left``: what was left out; ``beside``: what others say otherwise; ``where``: what an outage is named by.
    """
    worse = [one for one in beside if one.state.service < 1]
    if not left and not worse:
        return InputError("nothing is out", where=where, todo="name an asset that is, or report its state first")
    if not left:
        first = worse[0]
        more = f", and {len(worse) - 1} more reports say otherwise" if len(worse) > 1 else ""
        return InputError(
            f"nothing is out by the reports that count; {first.by} says {first.state.service:.0%}{more}",
            where=first.asset,
            todo="ask its owner, or name it as an outage yourself",
        )
    more = f", and {len(left) - 1} more" if len(left) > 1 else ""
    return InputError(
        f"nothing is out of which it is known when it ends: {left[0].cause}{more}",
        where=left[0].asset,
        todo="name the asset and in how many hours it is repaired, or give the hours of a repair",
    )


def with_repairs(plan: AssetMap, hours: float) -> AssetMap:
    """Return a map on which the repair of what says nothing of it takes so many hours."""
    fallback = Quantiles(hours=(hours, hours))
    assets = (one if one.repair is not None else structs.replace(one, repair=fallback) for one in plan.assets)
    return structs.replace(plan, assets=tuple(assets))
