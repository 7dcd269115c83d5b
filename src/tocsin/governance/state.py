"""What bodies and motions there are, and what a step of theirs needs to know. Pure.

The hub takes the same steps (``body_steps``, ``motion_steps``) when it acts and when it is retold from its log, so that
neither can do what the other does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.governance.model.bodies import Body, holder_of
from tocsin.governance.model.charter import Charter
from tocsin.governance.model.disputes import Dispute
from tocsin.governance.model.motions import Motion
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Role, UserStatus

if TYPE_CHECKING:
    from tocsin.kernel.mandate import Right
    from tocsin.parties.model import Party, User

__all__ = ["Governed", "Register", "Scene", "Told", "put", "require_holder"]

_T = TypeVar("_T")


class Register(Protocol):
    """Who is there, and which agreements: as of the entry."""

    def party(self, name: str) -> Party | None:
        """Return a party by its short name."""
        ...

    def party_of(self, uri: str) -> Party | None:
        """Return a party by its URI."""
        ...

    def user(self, reference: str) -> User | None:
        """Return a user by ``user@party``."""
        ...

    def hub(self) -> str | None:
        """Return the short name of the party that runs the hub."""
        ...

    def digest(self, agreement: str, version: int) -> str | None:
        """Return the digest of a version that was proposed, in hexadecimal."""
        ...

    def in_force(self, agreement: str) -> str | None:
        """Return the digest of the version of an agreement that is in force."""
        ...


class Governed(msgspec.Struct, frozen=True, kw_only=True):
    """Bodies and charters by name, motions and disputes by UUID; names of dissolved bodies are not given again."""

    bodies: Mapping[str, Body] = msgspec.field(default_factory=dict)
    dissolved: Mapping[str, Body] = msgspec.field(default_factory=dict)
    motions: Mapping[str, Motion] = msgspec.field(default_factory=dict)
    disputes: Mapping[str, Dispute] = msgspec.field(default_factory=dict)
    charters: Mapping[str, Charter] = msgspec.field(default_factory=dict)

    def charter(self, name: str) -> Charter:
        """Return a charter; NotFoundError: there is none of this name."""
        return _found(self.charters, name, "charter")

    def dispute(self, uuid: str) -> Dispute:
        """Return a dispute; NotFoundError: there is none of this id."""
        return _found(self.disputes, uuid, "dispute")

    def motion(self, uuid: str) -> Motion:
        """Return a motion; NotFoundError: there is none of this id."""
        return _found(self.motions, uuid, "motion")

    def body(self, name: str) -> Body:
        """Return a body; NotFoundError: there is none of this name."""
        return _found(self.bodies, name, "body")


def _found(known: Mapping[str, _T], key: str, noun: str) -> _T:
    found = known.get(key)
    if found is None:
        raise NotFoundError(f"there is no such {noun}", where=key[:80], todo=f"`tocsin {noun} list` shows them")
    return found


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step is taken: when, by whom and for whom, under which mandate, and who is there.

    ``retold``: the entry is in the log already. Its rules are asked again; limits that later builds have are not.
    """

    at: Micros
    acting: Acting
    register: Register
    mandate: str | None = None
    retold: bool = False

    @property
    def who(self) -> str:
        """Return whose act it is: of whom it was done for, if for somebody."""
        return self.acting.on_behalf_of or self.acting.actor

    def is_operator(self, person: str) -> bool:
        """Return whether a person (``user@party``) is an operator of the party that runs the hub."""
        user = self.register.user(person) if "@" in person else None
        home = person.rpartition("@")[2]
        return (
            user is not None
            and user.status is UserStatus.ACTIVE
            and Role.OPERATOR in user.roles
            and home == self.register.hub()
        )

    def require_visible(self) -> None:
        """Refuse somebody who acts for another and does not run the hub.

        Raises:
            ForbiddenError: only an operator enters what others did.
        """
        if self.acting.on_behalf_of is not None and not self.is_operator(self.acting.actor):
            raise ForbiddenError("only an operator acts for another here", where=self.acting.actor)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, as far as governance is concerned. ``mandate`` is written as in the payload: ``motion:UUID``."""

    index: int
    kind: str
    data: Mapping[str, Any]
    mandate: str | None


def put(governed: Governed, motion: Motion) -> Governed:
    """Return what there is with a motion as it is now."""
    return replace(governed, motions={**governed.motions, motion.uuid: motion})


def require_holder(governed: Governed, right: Right, subject: str, body: str, at: Micros) -> None:
    """Refuse a body (by name) that does not hold a right over a subject.

    Raises:
        ForbiddenError: another body holds it, or the founding body.
    """
    if holder_of(governed.bodies, right, subject, at) != body:
        raise ForbiddenError(f"{body} does not hold {right}", where=subject or None, todo="`tocsin body list` says who")
