"""Parties, users, credentials: values and pure functions."""

from __future__ import annotations

import enum
import re
from typing import Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.kernel.clock import Micros

__all__ = [
    "CLEARANCES",
    "COUNTRY",
    "NAME",
    "PARTY_TRANSITIONS",
    "PURPOSES",
    "Kind",
    "Party",
    "PartyAct",
    "PartyStatus",
    "Permission",
    "Principal",
    "PrincipalKind",
    "Role",
    "User",
    "UserStatus",
    "check_name",
    "clearance_rank",
    "effective_clearance",
    "next_status",
]

# Short enough to type and to stand in a log line; no character that a shell, a URL or a policy text could misread.
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)  # ISO 3166-1 alpha-2
# lowest first; a reader needs at least what a clause names
CLEARANCES: Final = ("unclassified", "restricted", "confidential", "secret", "top-secret")
# what a credential may be bound to; an agreement may name more, `enforce` is never implied
PURPOSES: Final = ("detect", "prevent", "respond", "analyse", "enforce")


class Kind(enum.StrEnum):
    """What sort of organisation a party is."""

    PUBLIC = "public"
    PRIVATE = "private"
    ACADEMIA = "academia"
    CIVIL_SOCIETY = "civil-society"
    INTERMEDIARY = "intermediary"


class PartyStatus(enum.StrEnum):
    """Where a party stands."""

    CANDIDATE = "candidate"
    VETTED = "vetted"
    SUSPENDED = "suspended"
    LEFT = "left"


class PartyAct(enum.StrEnum):
    """What moves a party from one status to another."""

    CLEAR = "clear"
    SUSPEND = "suspend"
    LEAVE = "leave"


PARTY_TRANSITIONS: Final[dict[tuple[PartyStatus, PartyAct], PartyStatus]] = {
    (PartyStatus.CANDIDATE, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.VETTED, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.SUSPENDED, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.VETTED, PartyAct.SUSPEND): PartyStatus.SUSPENDED,
    (PartyStatus.CANDIDATE, PartyAct.LEAVE): PartyStatus.LEFT,
    (PartyStatus.VETTED, PartyAct.LEAVE): PartyStatus.LEFT,
    (PartyStatus.SUSPENDED, PartyAct.LEAVE): PartyStatus.LEFT,
}


def next_status(status: PartyStatus, act: PartyAct) -> PartyStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a party in this status cannot do or suffer that.
    """
    try:
        return PARTY_TRANSITIONS[status, act]
    except KeyError:
        allowed = sorted(str(done) for (state, done) in PARTY_TRANSITIONS if state == status)
        raise TransitionError(
            f"a party that is {status} cannot {act}",
            todo=f"possible from here: {', '.join(allowed) or 'nothing'}",
        ) from None


class Role(enum.StrEnum):
    """What a user does for their party."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    LIAISON = "liaison"
    SIGNATORY = "signatory"
    EXERCISE_DIRECTOR = "exercise-director"
    EVALUATOR = "evaluator"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class UserStatus(enum.StrEnum):
    """Whether a user may act."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation. ``uri`` identifies it in the world and never changes; ``name`` is its short name here."""

    uri: str
    name: str
    title: str
    kind: Kind
    country: str
    capacities: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()  # URIs of the parties that it serves as an MSSP
    data_region: str | None = None
    clearance: str = "unclassified"  # facility clearance
    clearance_until: Micros | None = None
    status: PartyStatus = PartyStatus.CANDIDATE


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person of a party, written ``name@party``."""

    name: str
    party: str  # URI
    roles: frozenset[Role] = frozenset({Role.VIEWER})
    clearance: str = "unclassified"  # personnel clearance
    clearance_until: Micros | None = None
    nationality: str | None = None
    purpose: str = "detect"  # of a session signed in by password, which no token binds
    status: UserStatus = UserStatus.ACTIVE
    signing_key: str | None = None  # base64 of the raw Ed25519 public key of a signatory


class Permission(enum.StrEnum):
    """What a route or a credential allows: room, thing, verb."""

    COLLECTIONS_READ = "exchange:collections:read"
    OBJECTS_READ = "exchange:objects:read"
    OBJECTS_SUBMIT = "exchange:objects:submit"
    OBJECTS_DELETE = "exchange:objects:delete"


class PrincipalKind(enum.StrEnum):
    """A person, or a party's machine."""

    USER = "user"
    SERVICE = "service"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as far as a credential proves it."""

    kind: PrincipalKind
    party: str  # URI
    party_name: str
    user: str | None  # name within the party
    purpose: str
    permissions: frozenset[Permission]

    @property
    def id(self) -> str:
        """Return ``name@party`` for a person, ``party`` for a service."""
        return f"{self.user}@{self.party_name}" if self.user else self.party_name


def check_name(name: str, what: str) -> str:
    """Return the name if it is one.

    Raises:
        InputError: it has other characters, or is empty or longer than 64.
    """
    if NAME.fullmatch(name) is None:
        raise InputError(
            f"{name[:80]!r} is no name for a {what}",
            todo="use 1 to 64 of a-z, 0-9, '.', '_' and '-', with a letter or digit at both ends",
        )
    return name


def clearance_rank(clearance: str) -> int:
    """Return the place of a clearance among ``CLEARANCES``.

    Raises:
        InputError: there is no such clearance.
    """
    try:
        return CLEARANCES.index(clearance)
    except ValueError:
        raise InputError(f"{clearance[:40]!r} is no clearance", todo=f"use one of {', '.join(CLEARANCES)}") from None


def effective_clearance(party: Party, user: User | None, at: Micros) -> str:
    """Return the clearance that counts: no higher than the facility's nor the person's; an expired one is none."""

    def standing(clearance: str, until: Micros | None) -> int:
        return clearance_rank(clearance) if until is None or at < until else 0

    rank = standing(party.clearance, party.clearance_until)
    if user is not None:
        rank = min(rank, standing(user.clearance, user.clearance_until))
    return CLEARANCES[rank]
