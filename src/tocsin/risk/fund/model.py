"""A fund and what happens in it: values, and the one table of what may follow what. Pure.

A *project* is proposed, chosen by a decision, awarded to its payee, and done; its *award* pays in *tranches*, each
released when what it was to save was measured. A *claim* asks for compensation of what somebody gave in a crisis.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from tocsin.errors import NotFoundError, TransitionError
from tocsin.kernel.clock import Micros
from tocsin.risk.fund.books import Account, Books
from tocsin.risk.fund.measuring import Sums
from tocsin.risk.fund.projects import Project

__all__ = [
    "Award",
    "AwardKind",
    "Case",
    "CaseStatus",
    "Claim",
    "ClaimStatus",
    "Decision",
    "Fund",
    "Funded",
    "Inspection",
    "Measurement",
    "Step",
    "Terms",
    "Tranche",
    "follow",
]


class AwardKind(enum.StrEnum):
    """Whether what is paid comes back."""

    GRANT = "grant"
    LOAN = "loan"


class CaseStatus(enum.StrEnum):
    """Where a project stands."""

    PROPOSED = "proposed"
    CHOSEN = "chosen"
    AWARDED = "awarded"
    DONE = "done"  # every tranche is released
    CALLED_BACK = "called-back"


class Step(enum.StrEnum):
    """What may happen to a project."""

    CHOOSE = "choose"
    AWARD = "award"
    INSPECT = "inspect"
    MEASURE = "measure"
    RELEASE = "release"
    FINISH = "finish"  # the release of the last tranche
    CALL_BACK = "call back"
    CERTIFY = "certify"


_S = CaseStatus
# The whole life of a project: from a status, by a step, to a status.
_COURSE: Final[Mapping[tuple[CaseStatus, Step], CaseStatus]] = {
    (_S.PROPOSED, Step.CHOOSE): _S.CHOSEN,
    (_S.CHOSEN, Step.AWARD): _S.AWARDED,
    (_S.AWARDED, Step.INSPECT): _S.AWARDED,
    (_S.AWARDED, Step.MEASURE): _S.AWARDED,
    (_S.AWARDED, Step.RELEASE): _S.AWARDED,
    (_S.AWARDED, Step.FINISH): _S.DONE,
    (_S.AWARDED, Step.CALL_BACK): _S.CALLED_BACK,
    (_S.DONE, Step.CALL_BACK): _S.CALLED_BACK,
    (_S.AWARDED, Step.CERTIFY): _S.AWARDED,
    (_S.DONE, Step.CERTIFY): _S.DONE,
}


def follow(status: CaseStatus, step: Step, where: str) -> CaseStatus:
    """Return where a project stands after a step.

    Raises:
        TransitionError: it cannot be taken from there.
    """
    after = _COURSE.get((status, step))
    if after is None:
        before = sorted(str(one) for one, known in _COURSE if known is step)
        raise TransitionError(
            f"this project is {status}", where=where, todo=f"to {step} it, it has to be {' or '.join(before)}"
        )
    return after


class Tranche(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an award: cents, and what the project has to save a sample, in units of ``value_h``; None: nothing yet.

    A tranche without a threshold is an advance: works have to be begun with something.
    """

    amount: int
    threshold: int | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed of an award before anything is built. ``payee`` and ``assessor`` are URIs of parties.

    ``baseline``: the digest of the plan before. ``commitment``: to the assessor's numbers. ``confidence`` over all
    ``attempts`` at a tranche together.
    """

    kind: AwardKind
    payee: str
    assessor: str
    tranches: tuple[Tranche, ...]
    baseline: str
    commitment: str
    samples: int = 2_000
    horizon_h: float = 168.0
    confidence: float = 0.95
    attempts: int = 2


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What the assessor says was built: the digest of the plan, in an entry of the log that seeds what follows."""

    plan: str
    entry: int


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measurement: of which tranche and attempt, of which plan, by which seed and why that one, and its sums.

    ``root``: of the log up to and with entry ``inspected``, which tells the plan.
    """

    tranche: int
    attempt: int
    plan: str
    inspected: int
    root: str
    nonce: str
    seed: int
    sums: Sums


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """An award as it stands. ``opens``: what the assessor's next number hashes to."""

    terms: Terms
    made_at: Micros
    opens: str
    inspection: Inspection | None = None
    measurements: tuple[Measurement, ...] = ()
    met: frozenset[int] = frozenset()  # tranches
    released: frozenset[int] = frozenset()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A project in a fund. ``proposed``: how often its proposer put it, or another in its place."""

    project: Project
    proposer: str  # a party's URI
    status: CaseStatus
    proposed: int = 1
    award: Award | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio that was decided: the projects, what they may cost, and the digest of what it was decided on.

    ``judged``: the digest of each project as it was judged; of decisions of earlier builds there are none.
    """

    projects: tuple[str, ...]
    budget: int
    calculation: str
    at: Micros
    mandate: str
    judged: Mapping[str, str] = msgspec.field(default_factory=dict)


class ClaimStatus(enum.StrEnum):
    """Where a claim stands."""

    FILED = "filed"
    REFUSED = "refused"
    GRANTED = "granted"
    PAID = "paid"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a party asks for having given in a crisis, and what became of it. Amounts in cents."""

    uuid: str
    party: str
    amount: int
    reason: str
    evidence: str  # SHA-256 of what proves it
    status: ClaimStatus = ClaimStatus.FILED
    granted: int = 0
    reasons: str = ""


class Fund(msgspec.Struct, frozen=True, kw_only=True):
    """A fund: its rules, its projects, decisions, claims and books."""

    name: str
    title: str
    currency: str
    body: str
    opened_at: Micros
    books: Books = msgspec.field(default_factory=Books)
    cases: Mapping[str, Case] = msgspec.field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    claims: Mapping[str, Claim] = msgspec.field(default_factory=dict)

    def case(self, project: str) -> Case:
        """Return a project; NotFoundError: there is none of this id."""
        found = self.cases.get(project)
        if found is None:
            raise NotFoundError(
                "there is no such project", where=project[:80], todo="`tocsin fund projects FUND` shows them"
            )
        return found

    def award(self, project: str) -> Award:
        """Return the award of a project; TransitionError: it has none."""
        award = self.case(project).award
        if award is None:
            raise TransitionError(
                "nothing was awarded for this project", where=project, todo="tocsin fund award, once it is chosen"
            )
        return award

    def claim(self, uuid: str) -> Claim:
        """Return a claim; NotFoundError: there is none of this id."""
        found = self.claims.get(uuid)
        if found is None:
            raise NotFoundError("there is no such claim", where=uuid[:80], todo="`tocsin fund claims FUND` shows them")
        return found

    @property
    def bound(self) -> int:
        """What is promised to payees and claimants and not paid yet, in cents."""
        tranches = sum(
            tranche.amount
            for case in self.cases.values()
            if case.award is not None and case.status is CaseStatus.AWARDED
            for number, tranche in enumerate(case.award.terms.tranches, 1)
            if number not in case.award.released
        )
        return tranches + self.books.total(Account.PAYABLE)

    @property
    def free(self) -> int:
        """What may still be promised: cash that is not bound."""
        return self.books.balance(Account.CASH) - self.bound


class Funded(msgspec.Struct, frozen=True, kw_only=True):
    """The funds of an environment, by name."""

    funds: Mapping[str, Fund] = msgspec.field(default_factory=dict)

    def fund(self, name: str) -> Fund:
        """Return a fund; NotFoundError: there is none of this name."""
        found = self.funds.get(name)
        if found is None:
            raise NotFoundError("there is no such fund", where=name[:80], todo="`tocsin fund list` shows them")
        return found
