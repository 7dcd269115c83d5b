"""Money is whole cents: how a sum is cut so that its parts add up. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

__all__ = ["apportioned", "written"]


def apportioned(total: int, shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Return shares in whole cents that add up to ``total``, each within a cent of its own: largest remainders.

    Of equal remainders the first names get the cent, so that the same shares are always cut alike.

    Raises:
        InputError: the shares do not add up to the total.
    """
    if sum(shares.values()) != total:
        raise InputError(f"shares add up to {float(sum(shares.values())):g}", todo=f"{total}: the whole")
    cut = {name: math.floor(share) for name, share in shares.items()}
    left = total - sum(cut.values())
    for name in sorted(shares, key=lambda one: (cut[one] - shares[one], one))[:left]:
        cut[name] += 1
    return cut


def written(cents: int, currency: str = "") -> str:
    """Return an amount as people write it: 1,234.50, with its currency behind it."""
    sign, units, rest = "-" if cents < 0 else "", *divmod(abs(cents), 100)
    return f"{sign}{units:,}.{rest:02}" + (f" {currency}" if currency else "")
