"""What is out now, as the latest reports of the field have it: where a forecast begins. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from tocsin.kernel.clock import SECOND
from tocsin.map.model import LONGEST_H, AssetMap, Quantiles
from tocsin.map.whatnext import Outage

if TYPE_CHECKING:
    from collections.abc import Collection

    from tocsin.kernel.clock import Micros
    from tocsin.map.seen import Seen

__all__ = ["reported", "with_repairs"]

_HOUR: Final = 3_600 * SECOND


def reported(seen: Seen, now: Micros, but: Collection[str] = ()) -> list[Outage]:
    """Return the outages that the latest reports tell of, whose end is not past; ``but`` those of these assets."""
    return [
        Outage(
            asset=one.asset,
            damage=round(1 - one.state.service, 6),
            since_h=min(max(0.0, (now - one.state.since) / _HOUR), LONGEST_H),
            repaired_in_h=None if one.state.until is None else min((one.state.until - now) / _HOUR, LONGEST_H),
        )
        for one in seen.states
        if one.counts
        and one.asset not in but
        and one.state.service < 1
        and (one.state.until is None or one.state.until > now)
    ]


def with_repairs(plan: AssetMap, hours: float) -> AssetMap:
    """Return a map on which the repair of what says nothing of it takes so many hours."""
    fallback = Quantiles(hours=(hours, hours))
    assets = (one if one.repair is not None else structs.replace(one, repair=fallback) for one in plan.assets)
    return structs.replace(plan, assets=tuple(assets))
