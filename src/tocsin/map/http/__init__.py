"""The map over ``/api/v1``: what a reader may see of it, what follows, supply chains, and reports of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.map.http import computed, shown, structural, supplied, totals
from tocsin.map.http.asked import Services

if TYPE_CHECKING:
    from tocsin.kernel.http.operations import Operation
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal

__all__ = ["Services", "operations"]


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about the map; ``turn``: of what computes, one at a time."""
    return [
        *shown.operations(services),
        *computed.operations(services, turn),
        *structural.operations(services, turn),
        *supplied.operations(services, turn),
        *totals.operations(services, turn),
    ]
