"""Grants: a one-off release of an object to one party until a date, by its owner.

A grant is a permit like any other at the gate, and no way around it: floors and forbids hold. What it opens is offered
anew under a label of its own, which names the grant and addresses the party; that label is closed to everybody else,
and to the party too from the grant's end on. Everybody else's slices, verdicts and pages stay what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import DAY, Micros
from tocsin.parties.model import PURPOSES, PartyStatus, check_purpose, check_remark, check_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.agreements.model import Label
    from tocsin.parties.model import Party

__all__ = ["DEFAULT_PURPOSES", "LONGEST", "Grant", "granted_label", "held"]

# A grant is an exception to what was agreed: what is needed for longer belongs into an agreement.
LONGEST: Final[Micros] = 366 * DAY
# `enforce` is never implied.
DEFAULT_PURPOSES: Final = frozenset(PURPOSES) - {"enforce"}


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A release of an object to one party. ``version`` None: every version of it, those that come later included.

    Raises:
        InputError: it cannot be one.
    """

    uuid: str
    owner: str  # URI
    party: str  # URI of whom it is for
    object_id: str
    version: Micros | None
    purposes: frozenset[str]
    given_at: Micros
    until: Micros
    reason: str = ""
    revoked_at: Micros | None = None

    def __post_init__(self) -> None:
        check_uri(self.owner)
        check_uri(self.party)
        check_remark(self.reason, "reason")
        if self.owner == self.party:
            raise InputError("a party needs no grant for what is its own", where="to", todo="name another party")
        if not self.purposes:
            raise InputError("a grant is for some purpose", where="for", todo=f"name some of {', '.join(PURPOSES)}")
        for purpose in self.purposes:
            check_purpose(purpose)
        if not self.given_at < self.until <= self.given_at + LONGEST:
            raise InputError(
                "a grant ends after it is given, and within a year",
                where="until",
                todo="name a day that lies ahead; what is needed for longer belongs into an agreement",
            )

    def stands(self, at: Micros) -> bool:
        """Return whether it is neither revoked nor over."""
        return self.revoked_at is None and at < self.until

    def covers(self, owner: str, object_id: str, version: Micros) -> bool:
        """Return whether it is about this version of an object of this owner."""
        return (owner, object_id) == (self.owner, self.object_id) and self.version in {None, version}


def granted_label(label: Label, grant: Grant) -> Label:
    """Return the label under which what carries ``label`` is offered anew for a grant.

    To grant something is to address it, so that what asks for an address is met by the grant and by nobody else's name.
    """
    return msgspec.structs.replace(label, grant=grant.uuid, recipients=label.recipients | {grant.party})


def held(standing: Iterable[Grant], *, purpose: str, parties: Mapping[str, Party]) -> frozenset[str]:
    """Return the ids of those of a party's standing grants that open something to it for a purpose.

    ``parties`` are all of the hub's by URI: what an owner granted who is not vetted any more opens nothing.
    """
    return frozenset(one.uuid for one in standing if purpose in one.purposes and _vetted(parties.get(one.owner)))


def _vetted(party: Party | None) -> bool:
    return party is not None and party.status is PartyStatus.VETTED
