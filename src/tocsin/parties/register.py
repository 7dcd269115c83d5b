"""The register: who is there, by name, on the caller's connection; what is missing is an error that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import NotFoundError, UsageError
from tocsin.parties import store
from tocsin.parties.model import parse_reference

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.parties.model import Token

__all__ = ["no_party", "require_party", "require_party_by_uri", "require_subject", "require_token", "require_user"]


def no_party(name: str) -> NotFoundError:
    """Return the error that says that there is no party of this name."""
    return NotFoundError(
        f"there is no party {name[:80]!r}", todo="`tocsin party list` shows them, `tocsin party add` adds one"
    )


def require_party(connection: Connection, environment: int, name: str) -> store.PartyRow:
    """Return the party of this name.

    Raises:
        NotFoundError: there is none.
    """
    row = store.party_by_name(connection, environment, name)
    if row is None:
        raise no_party(name)
    return row


def require_party_by_uri(connection: Connection, environment: int, uri: str) -> store.PartyRow:
    """Return the party of this URI.

    Raises:
        NotFoundError: there is none.
    """
    row = store.party_by_uri(connection, environment, uri)
    if row is None:
        raise NotFoundError(
            f"there is no party with the URI {uri[:80]!r}",
            todo="`tocsin party list` shows them, `tocsin party add` adds one",
        )
    return row


def require_subject(
    connection: Connection, environment: int, reference: str
) -> tuple[store.PartyRow, store.UserRow | None]:
    """Return who is meant by ``party`` or ``user@party``.

    Raises:
        InputError: it is neither form.
        NotFoundError: there is no such party, or no such user of it.
    """
    party_name, user_name = parse_reference(reference)
    party = require_party(connection, environment, party_name)
    if user_name is None:
        return party, None
    user = store.user_by_name(connection, party.party_id, user_name)
    if user is None:
        raise NotFoundError(
            f"{party_name} has no user {user_name!r}",
            todo=f"`tocsin party show {party_name}` shows them, `tocsin user add` adds one",
        )
    return party, user


def require_user(connection: Connection, environment: int, reference: str) -> tuple[store.PartyRow, store.UserRow]:
    """Return the user meant by ``user@party``, and the party.

    Raises:
        InputError, NotFoundError: as ``require_subject``.
        UsageError: the reference names a party only.
    """
    party, user = require_subject(connection, environment, reference)
    if user is None:
        raise UsageError(f"{reference} is a party, not a user", todo=f"write user@{reference}")
    return party, user


def require_token(connection: Connection, environment: int, token_id: int) -> Token:
    """Return the token of this number.

    Raises:
        NotFoundError: there is none.
    """
    row = store.token_by_id(connection, environment, token_id)
    if row is None:
        raise NotFoundError(f"there is no token number {token_id}", todo="`tocsin party show` lists a party's tokens")
    return row.token
