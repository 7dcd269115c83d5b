"""The acts of these rooms with which motions are carried out: ``POST /api/v1/motions/{motion}/execution``.

What stands in a body is what the motion leaves open, in the words of the command that does the same. Each service asks
the mandate whether it is for this, and the log asks again; a fund asks besides whose motion it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import InputError, NotFoundError
from tocsin.exchange.api.acts import act, number_in
from tocsin.exchange.api.mandated import Nothing
from tocsin.exchange.api.queries import Day, Name, Said, Text
from tocsin.kernel.clock import parse_date
from tocsin.kernel.mandate import Right
from tocsin.map.rollup.model import MAX_FIGURE, MAX_PARTIES, Rules
from tocsin.parties.model import MAX_VOCABULARY
from tocsin.risk.baselines.model import LONGEST_RECOVERY_H, Recovery, Standing, Target
from tocsin.risk.baselines.oscal import LIMITS, read_catalogue
from tocsin.risk.fund.model import AwardKind, Terms, Tranche
from tocsin.risk.fund.projects import MOST_CENTS, MOST_PROJECTS, Project
from tocsin.risk.http.asked import Cents, Sha256
from tocsin.risk.http.funds import ProjectAsk
from tocsin.risk.registry.model import Unit

if TYPE_CHECKING:
    from tocsin.exchange.api.acts import Act, Carrier
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.service import Parties
    from tocsin.risk.baselines.service import Baselines
    from tocsin.risk.fund.service import Funds
    from tocsin.risk.registry.service import Registry

__all__ = ["Services", "acts"]

# A catalogue of the longest, of which every second character is escaped.
_LONGEST_CATALOGUE: Final = 2 * LIMITS.max_bytes
_MOST_TRANCHES: Final = 20
_STANDARD: Final = Rules()

# 0 counts: an award is ended and nothing called back, a claim is refused.
CentsOrNone = Annotated[int, msgspec.Meta(ge=0, le=MOST_CENTS, description="Cents of the fund's currency, or 0.")]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Less = Annotated[int, msgspec.Meta(ge=1, le=99)]


class RulesAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules under which members' figures are rolled up; those of ``tocsin risk rollup`` where nothing is said."""

    group: Annotated[int, msgspec.Meta(ge=2, le=MAX_PARTIES)] = _STANDARD.group
    colluding: Annotated[int, msgspec.Meta(ge=0, le=2)] = _STANDARD.colluding
    margin: Percent = _STANDARD.margin
    dominance: Less = _STANDARD.dominance
    least: Annotated[int, msgspec.Meta(ge=1, le=MAX_FIGURE)] = _STANDARD.least


class CatalogueAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalogue, the file to the letter: the motion decided on its SHA-256."""

    document: Annotated[
        str, msgspec.Meta(min_length=1, max_length=LIMITS.max_bytes, description="An OSCAL catalogue, JSON.")
    ]


class RecoveryAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Service of ``level`` percent is back within ``hours``, in ``share`` percent of cases."""

    hours: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_RECOVERY_H)]
    level: Percent = 100
    share: Less = 95


class TargetAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What parties of these sectors (of all, if none is named) are to have of a control, and by when."""

    due: Day
    standing: Standing = Standing.MET
    sectors: Annotated[list[Name], msgspec.Meta(max_length=MAX_VOCABULARY)] = []
    confirmed: bool = False
    recovery: RecoveryAsk | None = None


class FundAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fund is called in full, its currency (ISO 4217), and the body that decides about it from then on."""

    title: Text
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    body: Name | None = None


class JudgedAsk(ProjectAsk, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project as it was judged; one that its proposer put in its place since then is not chosen."""

    cost: CentsOrNone


class PortfolioAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The projects that are chosen, within which budget, and the digest that ``tocsin fund portfolio`` prints."""

    projects: Annotated[list[JudgedAsk], msgspec.Meta(min_length=1, max_length=MOST_PROJECTS)]
    budget: CentsOrNone
    calculation: Sha256


class TrancheAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an award, and what the project has to save a sample for it; null: an advance."""

    amount: Cents
    threshold: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None


class TermsAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The terms of an award. ``baseline``: the digest of the plan before; ``commitment``: to the assessor's numbers."""

    kind: AwardKind
    payee: Name
    assessor: Name
    tranches: Annotated[list[TrancheAsk], msgspec.Meta(min_length=1, max_length=_MOST_TRANCHES)]
    baseline: Sha256
    commitment: Sha256
    samples: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 2_000
    horizon_h: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 168.0
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    attempts: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 2


class CallBackAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of what was paid is called back (0: the award ends, and nothing is asked back), and why."""

    amount: CentsOrNone
    reason: Text


class ClaimDecisionAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a claim is granted, 0 for none, and why."""

    granted: CentsOrNone
    reasons: Said = ""


class Services(Protocol):
    """What the acts need of a hub."""

    parties: Parties

    @property
    def registry(self) -> Registry:
        """What may happen, and members' figures of what it would cost."""
        ...

    @property
    def baselines(self) -> Baselines:
        """What is required, and who has it."""
        ...

    @property
    def funds(self) -> Funds:
        """The joint funds."""
        ...


class Deciding:
    """The acts of these rooms in one environment; ``turn``: of roll-ups, one at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._parties = services.parties
        self._turn = turn

    def publish(self, carrier: Carrier, asked: RulesAsk) -> None:
        """Roll up what members gave, in the unit that the motion is on."""
        rules = Rules(
            group=asked.group,
            colluding=asked.colluding,
            margin=asked.margin,
            dominance=asked.dominance,
            least=asked.least,
        )
        with self._turn.taken(carrier.acting.actor.rpartition("@")[2]):
            self._services.registry.publish(carrier.acting, carrier.mandate, _unit(carrier.subject), rules)

    def take(self, carrier: Carrier, asked: CatalogueAsk) -> None:
        """Take a catalogue."""
        read = read_catalogue(asked.document.encode(), name=carrier.subject)
        self._services.baselines.import_catalogue(carrier.acting, carrier.mandate, read)

    def require(self, carrier: Carrier, asked: TargetAsk) -> None:
        """Set a target."""
        back = asked.recovery
        catalogue, _, control = carrier.subject.partition(":")
        target = Target(
            catalogue=catalogue,
            control=control,
            standing=asked.standing,
            due=parse_date(asked.due),
            sectors=frozenset(asked.sectors),
            confirmed=asked.confirmed,
            recovery=None if back is None else Recovery(hours=back.hours, level=back.level, share=back.share),
        )
        self._services.baselines.set_target(carrier.acting, carrier.mandate, target)

    def open(self, carrier: Carrier, asked: FundAsk) -> None:
        """Open a fund."""
        self._services.funds.open(
            carrier.acting,
            carrier.mandate,
            carrier.subject,
            title=asked.title,
            currency=asked.currency,
            body=asked.body or "",
        )

    def choose(self, carrier: Carrier, asked: PortfolioAsk) -> None:
        """Choose the projects of a fund."""
        judged = [
            Project(
                id=one.project,
                title=one.title,
                cost=one.cost,
                changes=tuple(one.changes),
                payee="" if one.payee is None else self._parties.get(one.payee).uri,
            )
            for one in asked.projects
        ]
        self._services.funds.decide(
            carrier.acting,
            carrier.mandate,
            carrier.subject,
            projects=[one.id for one in judged],
            budget=asked.budget,
            calculation=asked.calculation,
            judged=judged,
        )

    def award(self, carrier: Carrier, asked: TermsAsk) -> None:
        """Agree on an award."""
        fund, project = _within(carrier.subject, 2)
        terms = Terms(
            kind=asked.kind,
            payee=self._parties.get(asked.payee).uri,
            assessor=self._parties.get(asked.assessor).uri,
            tranches=tuple(Tranche(amount=one.amount, threshold=one.threshold) for one in asked.tranches),
            baseline=asked.baseline,
            commitment=asked.commitment,
            samples=asked.samples,
            horizon_h=asked.horizon_h,
            confidence=asked.confidence,
            attempts=asked.attempts,
        )
        self._services.funds.award(carrier.acting, carrier.mandate, fund, project, terms)

    def call_back(self, carrier: Carrier, asked: CallBackAsk) -> None:
        """Call back what was paid of an award."""
        fund, project = _within(carrier.subject, 2)
        self._services.funds.call_back(
            carrier.acting, carrier.mandate, fund, project, amount=asked.amount, reason=asked.reason
        )

    def release(self, carrier: Carrier, _asked: Nothing) -> None:
        """Pay a tranche."""
        fund, project, tranche = _within(carrier.subject, 3)
        self._services.funds.release(carrier.acting, carrier.mandate, fund, project, number_in(tranche))

    def settle(self, carrier: Carrier, asked: ClaimDecisionAsk) -> None:
        """Decide a claim, in whichever fund it was filed."""
        funds = self._services.funds
        fund = next((one.name for one in funds.all() if carrier.subject in one.claims), None)
        if fund is None:
            raise NotFoundError("there is no such claim", where=carrier.subject[:80])
        funds.settle(
            carrier.acting,
            carrier.mandate,
            fund,
            carrier.subject,
            granted=asked.granted,
            reasons=asked.reasons,
        )


def acts(services: Services, turn: Turn) -> dict[str, Act]:
    """Return the acts of these rooms, by the names that a body has for them; ``turn``: of roll-ups, one at a time."""
    does = Deciding(services, turn)
    return {
        "publish_rollup": act(Right.ROLLUP_PUBLISH, RulesAsk, does.publish),
        "import_catalogue": act(Right.CATALOGUE_IMPORT, CatalogueAsk, does.take, longest=_LONGEST_CATALOGUE),
        "set_target": act(Right.TARGET_SET, TargetAsk, does.require),
        "open_fund": act(Right.FUND_OPEN, FundAsk, does.open),
        "decide_portfolio": act(Right.PORTFOLIO_DECIDE, PortfolioAsk, does.choose),
        "make_award": act(Right.AWARD_MAKE, TermsAsk, does.award),
        "call_back_award": act(Right.AWARD_CALL_BACK, CallBackAsk, does.call_back),
        "release_tranche": act(Right.TRANCHE_RELEASE, Nothing, does.release),
        "decide_claim": act(Right.CLAIM_DECIDE, ClaimDecisionAsk, does.settle),
    }


def _unit(subject: str) -> Unit:
    try:
        return Unit(subject)
    except ValueError as error:
        raise InputError("the motion is on no such thing: it names no unit", where=subject[:80]) from error


def _within(subject: str, parts: int) -> list[str]:
    """Return the names that stand in a subject with slashes between them.

    Raises:
        InputError: there are more or fewer.
    """
    names = subject.split("/")
    if len(names) != parts:
        raise InputError("the motion is on no such thing: it does not name it", where=subject[:80])
    return names
