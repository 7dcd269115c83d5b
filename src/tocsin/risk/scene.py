"""Who may do what in the rooms of risk: asked of the register as of the entry. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.parties.model import PartyStatus, Role, UserStatus

if TYPE_CHECKING:
    from tocsin.governance.state import Scene
    from tocsin.parties.model import Party, User

__all__ = ["home", "person", "require_for"]

_SPEAKS = frozenset({Role.ANALYST, Role.LIAISON, Role.SIGNATORY})


def home(scene: Scene) -> Party:
    """Return the vetted party whose act it is.

    Raises:
        ForbiddenError: it is not vetted, it has no such person who speaks for it, or somebody acts for another who does
            not run the hub.
    """
    scene.require_visible()
    party = scene.register.party(scene.who.rpartition("@")[2])
    if party is None or party.status is not PartyStatus.VETTED:
        raise ForbiddenError("only a vetted party does this", where=scene.who)
    user = person(scene)
    if user is None:
        speaks = "@" not in scene.who  # a party's own service
    else:
        speaks = user.status is UserStatus.ACTIVE and not user.roles.isdisjoint({*_SPEAKS, Role.OPERATOR})
    if not speaks:
        raise ForbiddenError(
            "this person does not speak for their party", where=scene.who, todo="an analyst, liaison or signatory does"
        )
    return party


def person(scene: Scene) -> User | None:
    """Return the person whose act it is; None: a party's service."""
    return scene.register.user(scene.who) if "@" in scene.who else None


def require_for(scene: Scene, owner: str) -> None:
    """Refuse whoever is neither of the party of ``owner`` (``party`` or ``user@party``) nor an operator of the hub.

    Raises:
        ForbiddenError: they are not. NotFoundError: there is no such owner.
    """
    if not scene.is_operator(scene.who) and home(scene).name != owner.rpartition("@")[2]:
        raise ForbiddenError(f"{owner} answers for it", where=scene.who, todo="act for that party, with --as")
    there = scene.register.user(owner) if "@" in owner else scene.register.party(owner)
    if there is None:
        raise NotFoundError("there is no such owner", where=owner, todo="write PARTY or USER@PARTY")
