"""Parties and users rebuilt from the payloads of the log alone.

What is read here comes from an export that somebody else may have made: every step that the rules of the house do not
allow is a broken log, named by its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LogBrokenError, TransitionError
from tocsin.parties.model import (
    Party,
    PartyAct,
    PartyStatus,
    Role,
    User,
    UserAct,
    UserStatus,
    next_status,
    next_user_status,
)
from tocsin.parties.wire import party_from_data, user_from_data

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "People", "apply"]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Every party by its URI, and every user by the URI of the party and the name.

    ``hub`` is the URI of the party that runs the hub; where it is None, what binds that party alone is not checked.
    """

    hub: str | None = None
    parties: Mapping[str, Party] = msgspec.field(default_factory=dict)
    users: Mapping[tuple[str, str], User] = msgspec.field(default_factory=dict)


def apply(people: People, kind: str, data: Mapping[str, object]) -> People:
    """Return what an entry makes of parties and users; an entry of another room changes nothing.

    Raises:
        LogBrokenError: the payload is not one that this kind has, or tells of something that cannot have happened.
    """
    step = _STEPS.get(kind)
    if step is None:
        return people
    try:
        return step(people, kind, data)
    except (InputError, TransitionError) as error:
        raise LogBrokenError(str(error), where=kind) from error


def _mapping(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = data.get(name)
    if not isinstance(value, Mapping):
        raise InputError(f"it has no {name}")
    return value


def _known(people: People, uri: object) -> Party:
    party = people.parties.get(uri) if isinstance(uri, str) else None
    if party is None:
        raise InputError(f"it is about a party that was never added: {str(uri)[:80]!r}")
    return party


def _add_party(people: People, _kind: str, data: Mapping[str, object]) -> People:
    party = party_from_data(_mapping(data, "party"))
    if (party.status, party.clearance, party.clearance_until) != (PartyStatus.CANDIDATE, "unclassified", None):
        raise InputError(f"{party.name} does not begin as an unclassified candidate")
    if any(party.uri == other.uri or party.name == other.name for other in people.parties.values()):
        raise InputError(f"{party.name} was added before")
    return msgspec.structs.replace(people, parties={**people.parties, party.uri: party})


def _change_party(people: People, kind: str, data: Mapping[str, object]) -> People:
    party = party_from_data(_mapping(data, "party"))
    old = _known(people, party.uri)
    if party.name != old.name:
        raise InputError(f"{old.name} cannot change its name")
    act = _PARTY_ACTS.get(kind)
    if party.uri == people.hub and act in {PartyAct.SUSPEND, PartyAct.LEAVE}:
        raise InputError(f"{old.name} runs the hub: it cannot {act}")
    if party.status != (old.status if act is None else next_status(old.status, act)):
        raise InputError(f"{old.name} cannot have become {party.status}")
    if act is None:
        if old.status is PartyStatus.LEFT:
            raise InputError(f"{old.name} had left")
        # a changed party keeps its clearance
        allowed = msgspec.structs.replace(party, clearance=old.clearance, clearance_until=old.clearance_until)
    elif act is PartyAct.CLEAR:
        allowed = msgspec.structs.replace(
            old, status=party.status, clearance=party.clearance, clearance_until=party.clearance_until
        )
    else:
        allowed = msgspec.structs.replace(old, status=party.status)
    if party != allowed:
        raise InputError(f"{old.name} changed in more than this act can change")
    return msgspec.structs.replace(people, parties={**people.parties, party.uri: party})


def _add_user(people: People, _kind: str, data: Mapping[str, object]) -> People:
    user = user_from_data(_mapping(data, "user"))
    _known(people, user.party)
    if user.status is not UserStatus.ACTIVE or (user.party, user.name) in people.users:
        raise InputError(f"user {user.name} was added before, or not as active")
    if (user.signing_key, user.ml_dsa_key, user.authority) != (None, None, None):
        raise InputError(f"user {user.name} begins with a signing key")
    _check_home(people, user)
    return msgspec.structs.replace(people, users={**people.users, (user.party, user.name): user})


def _change_user(people: People, kind: str, data: Mapping[str, object]) -> People:
    user = user_from_data(_mapping(data, "user"))
    old = people.users.get((user.party, user.name))
    if old is None:
        raise InputError(f"it is about a user who was never added: {user.name}")
    status = next_user_status(old.status, UserAct.DISABLE) if kind == "user.disabled" else UserStatus.ACTIVE
    if user.status is not status or (kind != "user.disabled" and old.status is not UserStatus.ACTIVE):
        raise InputError(f"user {user.name} cannot have become {user.status}")
    if kind == "user.disabled" and user != msgspec.structs.replace(old, status=status):
        raise InputError(f"user {user.name} changed in more than this act can change")
    if (user.signing_key, user.ml_dsa_key) != (old.signing_key, old.ml_dsa_key):
        _check_key(people, old, user)
    elif user.authority != old.authority:
        _check_signatory(user, msgspec.structs.replace(old, authority=user.authority), "the authority")
    if kind != "user.disabled":
        _check_home(people, user)
    return msgspec.structs.replace(people, users={**people.users, (user.party, user.name): user})


def _check_home(people: People, user: User) -> None:
    # an operator sees who received what of everybody; no member's own person does
    if people.hub is not None and Role.OPERATOR in user.roles and user.party != people.hub:
        raise InputError(f"user {user.name} is an operator, and not of the party that runs the hub")


def _check_signatory(user: User, allowed: User, what: str) -> None:
    if Role.SIGNATORY not in user.roles or user != allowed:
        raise InputError(f"user {user.name} is no signatory, or changed in more than {what}")


def _check_key(people: People, old: User, user: User) -> None:
    allowed = msgspec.structs.replace(old, signing_key=user.signing_key, ml_dsa_key=user.ml_dsa_key)
    _check_signatory(user, allowed, "the signing key")
    if user.signing_key is None or (old.ml_dsa_key is not None and user.ml_dsa_key is None):
        raise InputError(f"a signing key of user {user.name} was taken away")
    mine = {user.signing_key, user.ml_dsa_key} - {None}
    others = (other for each, other in people.users.items() if each != (user.party, user.name))
    if any(not mine.isdisjoint({other.signing_key, other.ml_dsa_key}) for other in others):
        raise InputError(f"the signing key of user {user.name} is another person's")


def _check_token(people: People, kind: str, data: Mapping[str, object]) -> People:
    party, user = _known(people, data.get("party")), data.get("user")
    if user is not None and (not isinstance(user, str) or (party.uri, user) not in people.users):
        raise InputError("it is about a token of a user who was never added")
    capacity = data.get("capacity")
    if kind == "token.issued" and capacity is not None and capacity not in party.capacities:
        raise InputError("it is about a token that acts in a capacity which its party lacks")
    return people


_PARTY_ACTS: Final[dict[str, PartyAct]] = {
    "party.cleared": PartyAct.CLEAR,
    "party.suspended": PartyAct.SUSPEND,
    "party.left": PartyAct.LEAVE,
}
_STEPS: Final[dict[str, Callable[[People, str, Mapping[str, object]], People]]] = {
    "party.added": _add_party,
    "party.changed": _change_party,
    "party.cleared": _change_party,
    "party.suspended": _change_party,
    "party.left": _change_party,
    "user.added": _add_user,
    "user.changed": _change_user,
    "user.disabled": _change_user,
    "token.issued": _check_token,
    "token.revoked": _check_token,
}
KINDS: Final = frozenset(_STEPS)
