"""Who acts, for whom, and by what right."""

from __future__ import annotations

import enum

import msgspec

from tocsin.errors import ForbiddenError

__all__ = ["Acting", "Mandate", "MandateBasis", "founding_mandate"]


class MandateBasis(enum.StrEnum):
    """What a mandate rests on."""

    FOUNDING = "founding"
    MOTION = "motion"


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """The value that proves that a privileged act was authorised.

    ``environment`` is the only one in which it counts; ``reference`` names the log entry that granted it.
    A founding mandate is minted once, when a hub is founded; a motion's by the body that passed it.
    """

    basis: MandateBasis
    environment: str
    reference: str

    def require(self, environment: str) -> None:
        """Refuse to be used anywhere but in the environment that granted it.

        Raises:
            ForbiddenError: the environment is another.
        """
        if environment != self.environment:
            raise ForbiddenError(f"this mandate counts in {self.environment!r}, not in {environment!r}")

    def __str__(self) -> str:
        return f"{self.basis}:{self.reference}"


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, and for whom: both are named in the log.

    ``actor`` is a user (``name@party``) or a party's service (``party``); ``on_behalf_of`` likewise, or None when
    actors act for themselves.
    """

    actor: str
    on_behalf_of: str | None = None

    def for_(self, other: str) -> Acting:
        """Return the same actor, visibly acting for another."""
        return Acting(actor=self.actor, on_behalf_of=None if other == self.actor else other)


def founding_mandate(environment: str) -> Mandate:
    """Return the mandate under which a partnership without bodies runs; entry 0 of its log granted it."""
    return Mandate(basis=MandateBasis.FOUNDING, environment=environment, reference="entry:0")
