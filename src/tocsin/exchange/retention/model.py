"""What retention knows: rules of clauses, grounds of purges, legal holds and their limits. Pure."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.agreements.document.terms import Then
from tocsin.errors import InputError, LimitError
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.parties.model import MAX_REMARK, check_remark, check_uri

__all__ = [
    "HUB_HOLDS",
    "MAX_HOLD",
    "MAX_HOLDS",
    "MAX_SCOPE",
    "REVIEW_TIME",
    "Decision",
    "Due",
    "Ground",
    "Hold",
    "Item",
    "Purged",
    "Review",
    "Rule",
    "Scope",
    "check_hold",
]

# How long an owner has for a review before it counts as overdue: as long as notice periods are.
REVIEW_TIME: Final[Micros] = 30 * DAY
# A hold ends by itself: who needs it longer places it anew, with a reason that still holds then.
MAX_HOLD: Final[Micros] = 180 * DAY
# Each is compared with each contribution that is to go.
MAX_HOLDS: Final = 1_000
# Ids or types that one hold names.
MAX_SCOPE: Final = 1_000
# The longest ids that intake takes.
_MAX_WORD: Final = 256
# What is said of the hub's own copy to whom it concerns: not whose order it is.
HUB_HOLDS: Final = "kept under a legal hold"


class Ground(enum.StrEnum):
    """Why something is purged."""

    RETENTION = "retention"  # the time of a clause is over
    REVIEW = "review"  # its owner said so when the time of a clause was over
    RECALL = "recall"  # a recall orders it destroyed


class Decision(enum.StrEnum):
    """What an owner decides in a review."""

    KEEP = "keep"
    PURGE = "purge"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One retain clause that applies: of which agreement, and what it asks."""

    agreement: str
    version: int
    clause: str
    lasts: Micros
    then: Then
    until: Micros | None = None  # it binds what was submitted before; None: whenever it was

    @property
    def reference(self) -> str:
        """Return the clause as people cite it: ``agreement/version#clause``."""
        return f"{self.agreement}/{self.version}#{self.clause}"


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A contribution, as far as its being kept goes."""

    contribution_id: int
    owner: str  # URI
    object_id: str
    version: Micros
    type: str
    label_id: int
    submitted: Micros


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to a contribution, when, and by which clause. ``held``: a legal hold keeps it meanwhile."""

    item: Item
    rule: Rule
    at: Micros
    held: bool


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """What an order to purge came to: how many are gone, and how many a legal hold keeps, open to nobody."""

    purged: int = 0
    held: int = 0

    def __add__(self, other: Purged) -> Purged:
        return Purged(purged=self.purged + other.purged, held=self.held + other.held)


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A contribution whose owner is asked whether it is still needed."""

    item: Item
    reference: str
    opened_at: Micros
    answer_by: Micros


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a legal hold keeps: contributions that meet everything that is given. Something must be.

    Raises:
        InputError: nothing is given, or it is not readable; LimitError: more than ``MAX_SCOPE``.
    """

    owner: str | None = None  # URI
    objects: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    since: Micros | None = None  # submitted at or after
    until: Micros | None = None  # submitted before

    def __post_init__(self) -> None:
        given = (self.owner, self.objects or None, self.types or None, self.since, self.until)
        if all(one is None for one in given):
            raise InputError("a hold names what it keeps", todo="give a party, objects, types or when it was submitted")
        if self.owner is not None:
            check_uri(self.owner)
        if max(len(self.objects), len(self.types)) > MAX_SCOPE:
            raise LimitError(f"a hold names at most {MAX_SCOPE} objects or types", todo="place several")
        if any(not one.isprintable() or not 0 < len(one) <= _MAX_WORD for one in (*self.objects, *self.types)):
            raise InputError("an object or type of a hold is none", todo="name ids and STIX types")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InputError("the hold would keep nothing: its first day is not before its last")

    def covers(self, item: Item) -> bool:
        """Return whether a contribution meets everything that is given."""
        return (
            (self.owner is None or item.owner == self.owner)
            and (not self.objects or item.object_id in self.objects)
            and (not self.types or item.type in self.types)
            and (self.since is None or self.since <= item.submitted)
            and (self.until is None or item.submitted < self.until)
        )


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A legal hold: by whose order, why, what, and until when at most."""

    uuid: str
    authority: str
    reason: str
    scope: Scope
    placed_at: Micros
    until: Micros
    lifted_at: Micros | None = None

    def stands(self, at: Micros) -> bool:
        """Return whether it keeps anything at an instant."""
        return self.placed_at <= at < self.until and (self.lifted_at is None or at < self.lifted_at)


def check_hold(*, authority: str, reason: str, until: Micros, at: Micros) -> None:
    """Refuse a hold that says too little, or is to last for too long.

    Raises:
        InputError: authority or reason are empty or unreadable, or it ends before it begins.
        LimitError: it is to last longer than ``MAX_HOLD``.
    """
    for what, said in (("authority", authority), ("reason", reason)):
        if not check_remark(said, what).strip():
            raise InputError(f"a hold has {what}", where=what, todo=f"say it in at most {MAX_REMARK} characters")
    if until <= at:
        raise InputError("a hold ends after it begins", where="until", todo="name a later day")
    if until - at > MAX_HOLD:
        raise LimitError(
            f"a hold lasts at most {MAX_HOLD // DAY} days",
            where="until",
            todo=f"end it by {format_instant(at + MAX_HOLD)[:10]}, and renew it then if it is still needed",
        )
