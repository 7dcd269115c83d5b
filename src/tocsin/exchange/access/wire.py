"""Grants as the log tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.grants import Grant
from tocsin.kernel.clock import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["grant_data", "grant_from_data"]


def grant_data(grant: Grant) -> dict[str, object]:
    """Return a grant as the entry that gives it tells it."""
    return {
        "grant": grant.uuid,
        "owner": grant.owner,
        "party": grant.party,
        "object": grant.object_id,
        "version": grant.version,
        "purposes": sorted(grant.purposes),
        "until": format_instant(grant.until),
        "reason": grant.reason,
    }


def grant_from_data(data: Mapping[str, object], at: int) -> Grant:
    """Return the grant that an entry of an instant tells.

    Raises:
        InputError: it cannot be one; KeyError, TypeError: it has not the form.
    """
    version, purposes = data["version"], data["purposes"]
    if not isinstance(purposes, list) or not (version is None or isinstance(version, int)):
        raise TypeError("version or purposes")
    return Grant(
        uuid=str(data["grant"]),
        owner=str(data["owner"]),
        party=str(data["party"]),
        object_id=str(data["object"]),
        version=version,
        purposes=frozenset(map(str, purposes)),
        given_at=at,
        until=parse_instant(str(data["until"])),
        reason=str(data["reason"]),
    )
