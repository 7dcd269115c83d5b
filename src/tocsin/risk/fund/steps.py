"""What the entries about funds need and make. Pure: the hub takes these steps when it acts, and when it is retold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.governance.wire import from_data
from tocsin.parties.model import check_name, check_remark
from tocsin.risk.fund.award_steps import AWARD_STEPS
from tocsin.risk.fund.books import PAID_IN, PLEDGED, TAKEN_BACK, Account, move, untouched
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.certificate import project_digest
from tocsin.risk.fund.model import Case, CaseStatus, Claim, ClaimStatus, Decision, Fund, Funded, Step, follow
from tocsin.risk.fund.once import require_once
from tocsin.risk.fund.projects import MOST_CENTS, MOST_PROJECTS, Project, own_faults
from tocsin.risk.fund.stage import Stage, digest, put, speaks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "KINDS",
    "MOST_CLAIMS_OF_ONE",
    "MOST_PLEDGES_OF_ONE",
    "MOST_PROJECTS_OF_ONE",
    "MOST_PROPOSED",
    "Stage",
    "enter",
]

_CURRENCY: Final = re.compile(r"[A-Z]{3}")  # ISO 4217
# Open claims of a fund: a body that has more undecided decides none.
_MOST_CLAIMS: Final = 1_000
# What one party enters itself: else one member could leave the others no room, or make every look at a fund slow.
MOST_CLAIMS_OF_ONE: Final = 100  # that are undecided
MOST_PROJECTS_OF_ONE: Final = 50
MOST_PROPOSED: Final = 20  # times that one project is put: each is an entry, and told at each look
MOST_PLEDGES_OF_ONE: Final = 1_000


class _Opened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    title: str
    currency: str
    body: str


class _Amount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    party: str
    amount: int
    note: str = ""


class _Proposed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    party: str
    project: Project


class _Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    projects: tuple[str, ...]
    budget: int
    calculation: str
    judged: dict[str, str] | None = None  # earlier builds told none


class _Claimed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    claim: str
    party: str
    amount: int
    reason: str
    evidence: str


class _Settled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    claim: str
    granted: int
    reasons: str


class _Paid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    claim: str


def enter(funded: Funded, kind: str, data: Mapping[str, Any], stage: Stage) -> Funded:
    """Return what an entry makes of the funds.

    Raises:
        RefusedError: it cannot have happened, or may not happen; says why.
    """
    if not stage.again:
        stage.scene.require_visible()
    if kind == "fund.opened":
        return _open(funded, data, stage)
    fund = funded.fund(str(data.get("fund")))
    if stage.privileged:
        stage.require_body(fund)
    after = _STEPS[kind](fund, data, stage)
    if not stage.again:
        require_once(funded, after, kind, data, everywhere=stage.entering)
    return put(funded, after)


def _open(funded: Funded, data: Mapping[str, Any], stage: Stage) -> Funded:
    told = from_data(data, _Opened)
    check_name(told.fund, "fund")
    if not told.title or not check_remark(told.title, "title"):
        raise InputError("a fund has a title", where=told.fund)
    if _CURRENCY.fullmatch(told.currency) is None:
        raise InputError(f"{told.currency[:20]!r} is no currency", where=told.fund, todo="three letters: EUR, NOK, USD")
    if told.fund in funded.funds:
        raise ConflictError("there is a fund of this name", where=told.fund, todo="choose another")
    if told.body and told.body not in stage.bodies and not stage.again:
        raise NotFoundError("there is no such body", where=told.body[:80], todo="`tocsin body list` shows them")
    fund = Fund(name=told.fund, title=told.title, currency=told.currency, body=told.body, opened_at=stage.scene.at)
    if told.body:
        stage.require_body(fund)
    return put(funded, fund)


def _pledge(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Amount)
    speaks(stage, told.party, "promises what is its own")
    check_remark(told.note, "note")
    own = f"{Account.CONTRIBUTIONS}:{told.party}"
    _leave_room(stage, sum(one.credit == own for one in fund.books.entries), MOST_PLEDGES_OF_ONE, "promises")
    return _moved(fund, stage, PLEDGED, told.amount, (Account.PLEDGES, told.party), (Account.CONTRIBUTIONS, told.party))


def _take_back(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Amount)
    speaks(stage, told.party, "takes back what it promised itself")
    check_remark(told.note, "note")
    own = f"{Account.CONTRIBUTIONS}:{told.party}"
    _leave_room(stage, sum(one.debit == own for one in fund.books.entries), MOST_PLEDGES_OF_ONE, "promises taken back")
    free = untouched(fund.books, told.party)
    # what is begun to be paid is owed to its end
    if told.amount > free:
        raise TransitionError(
            f"{written(free)} is promised of which nothing is paid in",
            where=fund.name,
            todo="take back that, or less"
            if free
            else "there is nothing to take back: what is begun is paid to its end",
        )
    return _moved(
        fund, stage, TAKEN_BACK, told.amount, (Account.CONTRIBUTIONS, told.party), (Account.PLEDGES, told.party)
    )


def _pay(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Amount)
    stage.require_treasurer()
    check_remark(told.note, "note")
    return _moved(fund, stage, PAID_IN, told.amount, (Account.CASH, ""), (Account.PLEDGES, told.party))


def _propose(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Proposed)
    speaks(stage, told.party, "proposes in its own name")
    project = told.project
    check_name(project.id, "project")
    check_remark(project.title, "title")
    if faults := tuple(own_faults(project, limited=stage.entering)):
        raise InputError(str(faults[0]), where=project.id)
    if project.payee and not stage.again and stage.scene.register.party_of(project.payee) is None:
        raise NotFoundError("there is no such party", where=project.payee[:80])
    before = fund.cases.get(project.id)
    if before is not None and (before.status is not CaseStatus.PROPOSED or before.proposer != told.party):
        raise ConflictError("there is a project of this id", where=project.id, todo="choose another")
    if before is None and len(fund.cases) >= MOST_PROJECTS and stage.entering:
        raise TransitionError(f"a fund has {MOST_PROJECTS} projects at most", where=fund.name, todo="open another")
    if before is None:
        own = sum(one.proposer == told.party for one in fund.cases.values())
        _leave_room(stage, own, MOST_PROJECTS_OF_ONE, "projects")
    times = 0 if before is None else before.proposed
    _leave_room(stage, times, MOST_PROPOSED, "proposals of this project")
    case = Case(project=project, proposer=told.party, status=CaseStatus.PROPOSED, proposed=times + 1)
    return replace(fund, cases={**fund.cases, project.id: case})


def _decide(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Decided)
    digest(told.calculation, "calculation")
    if not 0 <= told.budget <= MOST_CENTS:
        raise InputError(f"a budget of {told.budget}", todo=f"cents, 0 to {MOST_CENTS:,}")
    if not told.projects or list(told.projects) != sorted(set(told.projects)):
        raise InputError("a decision names its projects, each once, in order", where=fund.name)
    if told.judged is not None and told.judged.keys() != set(told.projects):
        raise InputError("each project is told as it was judged, and no other", where=fund.name)
    cases = dict(fund.cases)
    for name in told.projects:
        case = fund.case(name)
        if told.judged is not None and told.judged[name] != project_digest(case.project):
            raise ConflictError(
                "the project that is proposed is another than was judged",
                where=name,
                todo="judge it as it is proposed: tocsin fund projects --json",
            )
        cases[name] = replace(case, status=follow(case.status, Step.CHOOSE, name))
    cost = sum(cases[name].project.cost for name in told.projects)
    if cost > told.budget:
        raise InputError(
            f"these projects cost {written(cost)}, and the budget is {written(told.budget)}",
            where=fund.name,
            todo="choose fewer, or decide a larger one",
        )
    decision = Decision(
        projects=told.projects,
        budget=told.budget,
        calculation=told.calculation,
        at=stage.scene.at,
        mandate=stage.scene.mandate or "",
        judged=told.judged or {},
    )
    return replace(fund, cases=cases, decisions=(*fund.decisions, decision))


def _claim(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Claimed)
    speaks(stage, told.party, "claims for itself")
    digest(told.evidence, "evidence")
    if not 0 < told.amount <= MOST_CENTS:
        raise InputError(f"an amount of {written(told.amount)}", todo=f"0.01 to {written(MOST_CENTS)}")
    if not check_remark(told.reason, "reason"):
        raise InputError("a claim has a reason", where=told.claim[:80])
    if told.claim in fund.claims:
        raise ConflictError("there is a claim of this id", where=told.claim[:80])
    undecided = sum(one.status is ClaimStatus.FILED for one in fund.claims.values())
    if stage.entering and undecided >= _MOST_CLAIMS:
        raise TransitionError(f"{_MOST_CLAIMS} claims are undecided", where=fund.name, todo="decide some")
    own = sum(one.party == told.party and one.status is ClaimStatus.FILED for one in fund.claims.values())
    _leave_room(stage, own, MOST_CLAIMS_OF_ONE, "undecided claims")
    claim = Claim(uuid=told.claim, party=told.party, amount=told.amount, reason=told.reason, evidence=told.evidence)
    return replace(fund, claims={**fund.claims, told.claim: claim})


def _settle(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Settled)
    claim = fund.claim(told.claim)
    if claim.status is not ClaimStatus.FILED:
        raise TransitionError(f"this claim is {claim.status}", where=claim.uuid)
    if not 0 <= told.granted <= claim.amount:
        raise InputError(
            f"{written(told.granted)} of {written(claim.amount)}", where=claim.uuid, todo="0 to what is claimed"
        )
    if told.granted > fund.free:
        free = written(max(fund.free, 0))
        raise TransitionError(f"{free} are in cash and not bound already", where=fund.name, todo="pay in more")
    status = ClaimStatus.GRANTED if told.granted else ClaimStatus.REFUSED
    after = replace(claim, status=status, granted=told.granted, reasons=check_remark(told.reasons, "reasons"))
    fund = replace(fund, claims={**fund.claims, claim.uuid: after})
    if not told.granted:
        return fund
    debit, credit = (Account.COMPENSATION, claim.uuid), (Account.PAYABLE, claim.uuid)
    return _moved(fund, stage, "granted", told.granted, debit, credit)


def _compensate(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    claim = fund.claim(from_data(data, _Paid).claim)
    stage.require_treasurer()
    if claim.status is not ClaimStatus.GRANTED:
        raise TransitionError(f"this claim is {claim.status}", where=claim.uuid, todo="a granted claim is paid once")
    fund = replace(fund, claims={**fund.claims, claim.uuid: replace(claim, status=ClaimStatus.PAID)})
    return _moved(fund, stage, "compensated", claim.granted, (Account.PAYABLE, claim.uuid), (Account.CASH, ""))


def _leave_room(stage: Stage, own: int, most: int, what: str) -> None:
    """Refuse a party that has so many already; what an operator enters for it, the operator has seen."""
    if own >= most and stage.entering and stage.scene.acting.on_behalf_of is None:
        raise LimitError(f"your party has {most:,} {what} in this fund", todo="an operator of the hub enters more")


def _moved(  # noqa: PLR0917  what, how much, from where to where: as it stands in the books
    fund: Fund, stage: Stage, word: str, amount: int, debit: tuple[Account, str], credit: tuple[Account, str]
) -> Fund:
    return replace(
        fund, books=move(fund.books, index=stage.index, word=word, amount=amount, debit=debit, credit=credit)
    )


_STEPS: Final[dict[str, Callable[[Fund, Mapping[str, Any], Stage], Fund]]] = {
    "fund.pledged": _pledge,
    "fund.taken-back": _take_back,
    "fund.paid": _pay,
    "fund.proposed": _propose,
    "fund.decided": _decide,
    "fund.claimed": _claim,
    "fund.settled": _settle,
    "fund.compensated": _compensate,
    **AWARD_STEPS,
}
KINDS: Final = frozenset({"fund.opened", *_STEPS})
