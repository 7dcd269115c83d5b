"""What is required of whom, what they say that they have, who confirmed it, and what is missing. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ForbiddenError, InputError
from tocsin.kernel.clock import Micros
from tocsin.parties.model import PartyStatus, UserStatus, check_name, check_remark
from tocsin.risk.registry.model import MAX_EVIDENCE, Evidence, EvidenceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.parties.model import Party, User

__all__ = [
    "LONGEST_RECOVERY_H",
    "Assessment",
    "Confirmation",
    "Gap",
    "Lack",
    "Recovery",
    "Standing",
    "Target",
    "gaps",
    "require_independent",
]

# Five years: what is back later was built anew.
LONGEST_RECOVERY_H: Final = 43_830


class Standing(enum.StrEnum):
    """How far a control is met."""

    NOT_MET = "not-met"
    PARTLY = "partly"
    MET = "met"
    NOT_APPLICABLE = "not-applicable"  # with a reason; it has to be confirmed like what is met


_RANK: Final = {Standing.NOT_MET: 0, Standing.PARTLY: 1, Standing.MET: 2, Standing.NOT_APPLICABLE: 2}


class Recovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recovery-time target: service of ``level`` percent or more within ``hours``, in ``share`` percent of cases."""

    hours: int
    level: int = 100
    share: int = 95

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("hours", self.hours, 0, LONGEST_RECOVERY_H),
            ("level", self.level, 1, 100),
            ("share", self.share, 1, 99),
        ):
            if not low <= value <= high:
                raise InputError(f"{name} is {value}", where="recovery", todo=f"{low} to {high:,}")


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every party of these sectors (of all, if none is named) is to have, by when, and whether confirmed."""

    catalogue: str
    control: str
    standing: Standing
    due: Micros
    sectors: frozenset[str] = frozenset()
    confirmed: bool = False
    recovery: Recovery | None = None
    mandate: str = ""

    def __post_init__(self) -> None:
        if self.standing not in (Standing.PARTLY, Standing.MET):
            raise InputError(
                "a target is that a control is met, or partly", where=self.control, todo="say met, or partly"
            )
        for sector in self.sectors:
            check_name(sector, "sector")

    def asks(self, party: Party) -> bool:
        """Return whether it is a target for a party."""
        return not self.sectors or not self.sectors.isdisjoint(party.sectors)


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looked at an assessment's evidence, and what they found."""

    by: str
    at: Micros
    agrees: bool
    reasons: str


class Assessment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a party says of itself about one control, on what evidence, and what others said of that."""

    party: str  # URI
    catalogue: str
    control: str
    standing: Standing
    by: str
    at: Micros
    review: Micros
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    confirmations: tuple[Confirmation, ...] = ()

    def __post_init__(self) -> None:
        if len(self.evidence) > MAX_EVIDENCE:
            raise InputError(f"{len(self.evidence)} pieces of evidence", todo=f"at most {MAX_EVIDENCE}")
        documents = any(one.kind is EvidenceKind.DOCUMENT for one in self.evidence)
        if self.standing in (Standing.MET, Standing.PARTLY) and not documents:
            raise InputError(
                "what is met, or partly, is shown by a document",
                where=self.control,
                todo="name it as evidence: --evidence FILE, or its SHA-256 over the API",
            )
        if self.standing is Standing.NOT_APPLICABLE and not self.note.strip():
            raise InputError(
                "why a control does not apply has to be said", where=self.control, todo="add a note: --note TEXT"
            )
        if self.note:
            check_remark(self.note, "note")
        if self.review <= self.at:
            raise InputError(
                "it is to be looked at again later, not before", where=self.control, todo="name a day to come"
            )

    @property
    def documents(self) -> frozenset[str]:
        """The SHA-256 of each document that shows it."""
        return frozenset(one.sha256 for one in self.evidence if one.sha256 is not None)

    @property
    def confirmed(self) -> bool:
        """Whether the last who looked at it agreed."""
        return bool(self.confirmations) and self.confirmations[-1].agrees


class Lack(enum.StrEnum):
    """What is missing; the first that applies."""

    NOT_ASSESSED = "not-assessed"
    BELOW = "below"  # the party itself says that it is not there yet
    DISPUTED = "disputed"  # who looked at it did not agree
    OUT_OF_DATE = "out-of-date"  # its review date has passed
    NOT_CONFIRMED = "not-confirmed"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What one party lacks of one target."""

    party: str  # short name
    catalogue: str
    control: str
    lack: Lack
    due: Micros
    overdue: bool


def gaps(
    parties: Iterable[Party],
    targets: Iterable[Target],
    assessments: Mapping[tuple[str, str, str], Assessment],
    at: Micros,
) -> list[Gap]:
    """Return what vetted parties lack of the targets that are for them, the earliest due first.

    ``assessments`` are by the party's URI, catalogue and control.
    """
    ordered = sorted(targets, key=lambda one: (one.due, one.catalogue, one.control))
    vetted = sorted((one for one in parties if one.status is PartyStatus.VETTED), key=lambda one: one.name)
    found: list[Gap] = []
    for target in ordered:
        for party in vetted:
            lack = _lack(target, assessments.get((party.uri, target.catalogue, target.control)), at)
            if target.asks(party) and lack is not None:
                gap = Gap(
                    party=party.name,
                    catalogue=target.catalogue,
                    control=target.control,
                    lack=lack,
                    due=target.due,
                    overdue=target.due <= at,
                )
                found.append(gap)
    return found


def _lack(target: Target, assessment: Assessment | None, at: Micros) -> Lack | None:
    if assessment is None:
        return Lack.NOT_ASSESSED
    if _RANK[assessment.standing] < _RANK[target.standing]:
        return Lack.BELOW
    if assessment.confirmations and not assessment.confirmed:
        return Lack.DISPUTED
    if assessment.review <= at:
        return Lack.OUT_OF_DATE
    if not assessment.confirmed and (target.confirmed or assessment.standing is Standing.NOT_APPLICABLE):
        return Lack.NOT_CONFIRMED
    return None


def require_independent(assessed: Party, by: str, confirming: Party, user: User | None) -> None:
    """Refuse to confirm an assessment unless somebody else's person does, of a party that neither serves nor is served.

    Raises:
        ForbiddenError: it is one's own; the parties are provider and client of each other, or of the same provider's
            making; a machine confirms nothing; or the person or party is not in good standing.
    """
    if user is None or user.status is not UserStatus.ACTIVE or confirming.status is not PartyStatus.VETTED:
        raise ForbiddenError("a person of a vetted party confirms", where=by, todo="act for USER@PARTY")
    if assessed.uri == confirming.uri:
        raise ForbiddenError("nobody confirms what their own party says", where=by, todo="ask another party")
    if confirming.uri in assessed.clients or assessed.uri in confirming.clients:
        raise ForbiddenError("one of the two serves the other", where=by, todo="ask a party that neither serves")
