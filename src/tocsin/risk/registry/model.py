"""Scenarios: what may happen, how likely, how bad, what that rests on, and what is done about it. Pure."""

from __future__ import annotations

import enum
import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.exchange.stix.types import check_object_id
from tocsin.kernel.clock import Micros
from tocsin.parties.model import check_name, check_remark, parse_reference
from tocsin.risk.registry.pert import Pert, written
from tocsin.risk.registry.scale import LEVELS, Dimension, Kind, level_of_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "MAX_EVIDENCE",
    "MAX_RATE",
    "MAX_SECTORS",
    "MAX_TREATMENTS",
    "Evidence",
    "EvidenceKind",
    "Loss",
    "Scenario",
    "ScenarioAct",
    "ScenarioStatus",
    "Treatment",
    "TreatmentStatus",
    "Unit",
    "next_status",
]

# The Shapley value of what moved a score looks at every set of changes of one scenario: 2 to the power of these and 2.
MAX_TREATMENTS: Final = 8
# A judgement rests on what somebody can read.
MAX_EVIDENCE: Final = 100
# The sectors of a country: the longest list in use has 16.
MAX_SECTORS: Final = 40
# Once a week: what happens more often is no scenario but the daily business.
MAX_RATE: Final = 52
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_REFERENCE: Final = 300


class Unit(enum.StrEnum):
    """What a loss is counted in."""

    MONEY = "money"  # whole units of the registry's one currency
    PEOPLE_HOURS = "people-hours"


class EvidenceKind(enum.StrEnum):
    """What a piece of evidence is."""

    # ids of STIX objects: of any, of an incident, of an asset of the map; shown to who may read them, by the gate
    INTELLIGENCE = "intelligence"
    INCIDENT = "incident"
    ASSET = "asset"
    DOCUMENT = "document"  # a reference and the document's SHA-256


_TYPE_OF: Final = {EvidenceKind.INCIDENT: "incident", EvidenceKind.ASSET: "asset"}


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a judgement rests on."""

    kind: EvidenceKind
    reference: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.reference) <= _MAX_REFERENCE or not self.reference.isprintable():
            raise InputError("a reference has 1 to 300 printable characters", where="evidence")
        if (self.kind is EvidenceKind.DOCUMENT) is (self.sha256 is None):
            raise InputError("a document has its SHA-256, and nothing else has", where=self.reference)
        if self.sha256 is not None and _SHA256.fullmatch(self.sha256) is None:
            raise InputError("a SHA-256 is 64 hexadecimal digits, in small letters", where=self.reference)
        if self.gated:
            # a name in plain words would tell of an object whoever may not see it
            check_object_id(self.reference)
            of = self.reference.partition("--")[0]
            if self.kind in _TYPE_OF and of != _TYPE_OF[self.kind]:
                raise InputError(
                    f"{self.kind} is the kind of evidence, and this is of type {of}",
                    where=self.reference,
                    todo="intelligence is any object",
                )

    @property
    def gated(self) -> bool:
        """Whether it is an object of the exchange, of which a reader is told only what the gate opens."""
        return self.kind is not EvidenceKind.DOCUMENT


class TreatmentStatus(enum.StrEnum):
    """How far a treatment is. Only what is done counts."""

    PROPOSED = "proposed"
    UNDER_WAY = "under-way"
    DONE = "done"


class Treatment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a scenario: the shares of its likelihood and of its losses that are left when it is done."""

    id: str
    title: str
    owner: str
    due: Micros
    status: TreatmentStatus = TreatmentStatus.PROPOSED
    leaves_rate: str = "1"
    leaves_loss: str = "1"

    def __post_init__(self) -> None:
        check_name(self.id, "treatment")
        check_remark(self.title, "title")
        parse_reference(self.owner)
        for text in (self.leaves_rate, self.leaves_loss):
            if written(text, self.id) > 1:
                raise InputError(f"what a treatment leaves is a share, from 0 to 1, not {text}", where=self.id)

    @property
    def done(self) -> bool:
        """Whether it counts."""
        return self.status is TreatmentStatus.DONE


class Loss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one event costs a sector, in each unit that somebody estimated."""

    sector: str
    money: Pert | None = None
    people_hours: Pert | None = None

    def __post_init__(self) -> None:
        check_name(self.sector, "sector")
        if self.money is None and self.people_hours is None:
            raise InputError("a loss is in money, in people-hours, or in both", where=self.sector)

    def in_(self, unit: Unit) -> Pert | None:
        """Return the estimate in a unit."""
        return self.money if unit is Unit.MONEY else self.people_hours


class ScenarioStatus(enum.StrEnum):
    """Where a scenario is in its life."""

    CURRENT = "current"
    RETIRED = "retired"


class ScenarioAct(enum.StrEnum):
    """What is done with a scenario."""

    PUT = "put"
    AMEND = "amend"
    REVIEW = "review"
    RETIRE = "retire"


_NEXT: Final[Mapping[tuple[ScenarioStatus | None, ScenarioAct], ScenarioStatus]] = {
    (None, ScenarioAct.PUT): ScenarioStatus.CURRENT,
    (ScenarioStatus.CURRENT, ScenarioAct.AMEND): ScenarioStatus.CURRENT,
    (ScenarioStatus.CURRENT, ScenarioAct.REVIEW): ScenarioStatus.CURRENT,
    (ScenarioStatus.CURRENT, ScenarioAct.RETIRE): ScenarioStatus.RETIRED,
}


def next_status(status: ScenarioStatus | None, act: ScenarioAct) -> ScenarioStatus:
    """Return what a scenario is after an act; None: there is none yet. The one table of a scenario's life.

    Raises:
        TransitionError: it is not in a state in which this can happen.
    """
    found = _NEXT.get((status, act))
    if found is None:
        if act is ScenarioAct.PUT:
            amended = "amend it (tocsin risk scenario amend)" if status is ScenarioStatus.CURRENT else "give another id"
            raise TransitionError(f"there is a scenario of this id already, and it is {status}", todo=amended)
        raise TransitionError(
            f"to {act} a scenario, it has to be current, and this is {status or 'not there'}",
            todo="`tocsin risk scenario list --all` shows them",
        )
    return found


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario of the registry.

    ``level``: its likelihood on the register's scale, judged. ``rate``: events a year, with how sure that is; a level
    said beside it is that of its mode. ``impacts``: 1 to 5 by dimension. ``losses``: what one event costs each sector.
    A scenario with a level alone stands in the matrix, and in no sum: no rate is made up for it.
    """

    id: str
    title: str
    kind: Kind
    owner: str
    review: Micros
    level: int | None = None
    rate: Pert | None = None
    impacts: dict[Dimension, int] = msgspec.field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    status: ScenarioStatus = ScenarioStatus.CURRENT

    def __post_init__(self) -> None:
        check_name(self.id, "scenario")
        check_remark(self.title, "title")
        parse_reference(self.owner)
        if self.level is None and self.rate is None:
            raise InputError("a scenario has a level of likelihood, a rate, or both", where=self.id)
        if self.level is not None and self.level not in LEVELS:
            raise InputError(f"there is no level {self.level}", where=self.id, todo="1 to 5")
        if self.rate is not None:
            if self.rate.points[2] > MAX_RATE:
                raise InputError(f"more than {MAX_RATE} events a year", where=self.id, todo="a scenario is rarer")
            meant = level_of_rate(float(self.rate.points[1]), self.kind)
            if self.level not in (None, meant):
                raise InputError(
                    f"level {self.level} and a rate whose likeliest value is of level {meant} contradict each other",
                    where=self.id,
                    todo="leave the level out, or mend one of them",
                )
        _check_parts(self)

    @property
    def likelihood(self) -> int:
        """The level of its likelihood: as judged, or that of its likeliest rate."""
        if self.rate is None:
            return self.level or LEVELS[0]
        return level_of_rate(float(self.rate.points[1]), self.kind)

    @property
    def impact(self) -> int | None:
        """The level of its impact: the worst of its dimensions; None where none was judged."""
        return max(self.impacts.values(), default=None)

    @property
    def left_rate(self) -> Fraction:
        """The share of its rate that treatments which are done leave."""
        return _product(one.leaves_rate for one in self.treatments if one.done)

    @property
    def left_loss(self) -> Fraction:
        """The share of its losses that treatments which are done leave."""
        return _product(one.leaves_loss for one in self.treatments if one.done)

    def loss(self, sector: str, unit: Unit) -> Pert | None:
        """Return what an untreated event costs a sector; None: nobody estimated it."""
        return next((one.in_(unit) for one in self.losses if one.sector == sector), None)


def _check_parts(scenario: Scenario) -> None:
    where = scenario.id
    if any(level not in LEVELS for level in scenario.impacts.values()):
        raise InputError("an impact is of level 1 to 5", where=where)
    for what, found, most in (
        ("sector", [one.sector for one in scenario.losses], MAX_SECTORS),
        ("treatment", [one.id for one in scenario.treatments], MAX_TREATMENTS),
        ("piece of evidence", [f"{one.kind} {one.reference}" for one in scenario.evidence], MAX_EVIDENCE),
    ):
        if len(set(found)) < len(found):
            raise InputError(f"each {what} stands there once", where=where)
        if len(found) > most:
            raise InputError(f"{len(found)} times a {what}", where=where, todo=f"at most {most}")


def _product(shares: Iterable[str]) -> Fraction:
    return math.prod(map(Fraction, shares), start=Fraction(1))
