"""From how people and markings name a recipient to the address that labels hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.agreements.model import user_address
from tocsin.errors import InputError
from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus, UserStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["UNKNOWN", "address_of"]

# Members do not know of these; one that is suspended was a member, and may be cleared again.
UNKNOWN: Final = frozenset({PartyStatus.CANDIDATE, PartyStatus.LEFT})


def address_of(connection: Connection, environment: int, reference: str) -> str:
    """Return the address that ``party``, ``user@party`` or either with the party's URI stands for.

    Members address each other, so that they may know which names there are, but of candidates none.

    Raises:
        InputError: there is no such party or user, or it was never vetted, has left or is disabled.
    """
    head, at, tail = reference.partition("@")
    # no user's name holds a colon, and every URI does before its first `@`
    user, party = (head, tail) if at and ":" not in head else (None, reference)
    find = parties.party_by_uri if ":" in party else parties.party_by_name
    # what cannot be printed names nobody, and a lone surrogate could not even be asked for
    row = find(connection, environment, party) if reference.isprintable() else None
    unknown = InputError(
        f"there is no recipient {reference[:120]!r} here", todo="name a party, USER@PARTY, or a party's URI"
    )
    if row is None or row.party.status in UNKNOWN:
        raise unknown
    if user is None:
        return row.party.uri
    found = parties.user_by_name(connection, row.party_id, user)
    if found is None or found.user.status is not UserStatus.ACTIVE:
        raise unknown
    return user_address(user, row.party.uri)
