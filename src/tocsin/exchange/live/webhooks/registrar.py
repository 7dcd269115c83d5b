"""Who answers for a webhook: what it is sent is released by them, on behalf of its party."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus, Role, UserStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["may_register"]


def may_register(connection: Connection, environment: int, registrar: str) -> bool:
    """Return whether somebody, ``name@party``, may register webhooks now: an active operator of the hub's party.

    What is no such reference may not.
    """
    name, _, home = registrar.rpartition("@")
    party = parties.party_by_name(connection, environment, home)
    if party is None or party.party.uri != parties.read_hub(connection, environment):
        return False
    user = parties.user_by_name(connection, party.party_id, name)
    return (
        party.party.status is PartyStatus.VETTED
        and user is not None
        and user.user.status is UserStatus.ACTIVE
        and Role.OPERATOR in user.user.roles
    )
