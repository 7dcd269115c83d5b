"""Pictures of what years cost, as SVG or PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.map.plots import draw_shares

if TYPE_CHECKING:
    from tocsin.risk.registry.loss import Losses

__all__ = ["draw_exceedance", "exceeded"]

# More points than a picture has columns tell nothing.
_POINTS: Final = 2_000


def draw_exceedance(path: str, drawn: Losses) -> None:
    """Draw, for each sector and all together, in which share of years a loss is exceeded.

    Raises:
        UsageError: as ``map.plots.draw_hours``.
    """
    lines = {sector or "all": exceeded(drawn, sector) for sector in (*drawn.sectors, None)}
    draw_shares(path, lines, across=f"{drawn.unit} a year", up="share of years with more")


def exceeded(drawn: Losses, sector: str | None) -> tuple[list[float], list[float]]:
    """Return losses, rising, and the share of years in which each is exceeded, above 0."""
    years = np.sort(drawn.of(sector))
    losses, first = np.unique(years, return_index=True)
    more = (years.size - np.append(first[1:], years.size)) / years.size
    # of the greatest nothing is exceeded
    if losses.size == 1:
        return [], []
    kept = np.unique(np.linspace(0, losses.size - 2, _POINTS).astype(np.int64))
    return losses[kept].tolist(), more[kept].tolist()
