"""Whom an asker may know of, and who of them sees everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tocsin.errors import NotFoundError
from tocsin.exchange.addressing import UNKNOWN
from tocsin.parties.model import PartyStatus, Role

if TYPE_CHECKING:
    from tocsin.kernel.db import Store
    from tocsin.parties.model import Party, Principal
    from tocsin.parties.service import Parties

__all__ = ["Register", "known_party", "operates", "sees_all"]


class Register(Protocol):
    """What is asked of a hub."""

    parties: Parties
    store: Store


def known_party(services: Register, name: str) -> Party:
    """Return a party that members may name: of candidates, and of who has left, they do not know.

    Raises:
        NotFoundError: there is none: the same words, whatever there is.
    """
    for one in services.parties.all_parties():
        if one.name == name and one.status not in UNKNOWN:
            return one
    raise NotFoundError("there is no such party", todo="`GET /api/v1/parties` shows them")


def sees_all(services: Register, principal: Principal) -> bool:
    """Return whether somebody is an operator or auditor of the party that runs the hub."""
    return bool(_roles_at_hub(services, principal) & {Role.OPERATOR, Role.AUDITOR})


def operates(services: Register, principal: Principal) -> bool:
    """Return whether somebody is an operator of the party that runs the hub."""
    return Role.OPERATOR in _roles_at_hub(services, principal)


def _roles_at_hub(services: Register, principal: Principal) -> frozenset[Role]:
    if principal.user is None:
        return frozenset()
    party, user = services.parties.resolve(principal.id)
    with services.store.read() as connection:
        hub = services.parties.hub_party(connection)
    return user.roles if user is not None and (party.uri, party.status) == (hub, PartyStatus.VETTED) else frozenset()
