"""From a page to the data of an event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from tocsin.exchange.emergency.model import Crisis
    from tocsin.exchange.model import Page

__all__ = ["write_crisis", "write_objects"]


def write_objects(page: Page) -> bytes:
    """Return the objects of a page, in one line, with the instants at which the first and last of them were offered.

    The instants are those of TAXII's ``X-TAXII-Date-Added-…`` headers: with them a client can go on by polling.
    """
    first, last = format_instant(page.items[0].date_added), format_instant(page.items[-1].date_added)
    head = f'{{"date_added_first":"{first}","date_added_last":"{last}","objects":['
    return head.encode() + b",".join(page.bodies) + b"]}"


def write_crisis(crisis: Crisis, *, active: bool) -> bytes:
    """Return what a listener is told when an annex of its agreements becomes active, or is over."""
    told = {
        "agreement": crisis.agreement,
        "version": crisis.version,
        "annex": crisis.annex,
        "active": active,
        "since": format_instant(crisis.since),
        "until": format_instant(crisis.until) if active else None,
    }
    return msgspec.json.encode(told)
