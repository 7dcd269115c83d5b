"""What the entries about an award need and make: agreed, measured, released, called back, certified. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.governance.wire import from_data
from tocsin.parties.model import check_remark
from tocsin.risk.fund.books import Account, move
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.certificate import MOST_VALID, certificate_text, project_digest
from tocsin.risk.fund.measuring import LEAST_SAMPLES, MOST_LINKS, bound_of, check_level, commitment_of, seed_of
from tocsin.risk.fund.model import Award, AwardKind, Fund, Inspection, Measurement, Step, Terms, Tranche, follow
from tocsin.risk.fund.projects import MOST_CENTS
from tocsin.risk.fund.scenarios import MOST_SAMPLES
from tocsin.risk.fund.stage import Stage, digest
from tocsin.risk.scene import home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.state import Scene
    from tocsin.parties.model import Party

__all__ = ["AWARD_STEPS", "require_independent"]

# More parts than this are no milestones.
_MOST_TRANCHES: Final = 20
_MOST_THRESHOLD: Final = 10**15
_LONGEST_H: Final = 8_784.0  # a year: what lasts longer is another map


class _Awarded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    terms: Terms


class _Inspected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    plan: str


class _Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    measurement: Measurement


class _Released(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    tranche: int


class _CalledBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    amount: int
    reason: str


class _Repaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    amount: int
    note: str = ""


class _Certified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fund: str
    project: str
    tranche: int
    until: int
    text: str


def require_independent(scene: Scene, terms: Terms, proposer: str) -> tuple[Party, Party]:
    """Return payee and assessor, who have nothing to do with each other.

    Raises:
        NotFoundError: one is not there. ForbiddenError: they are one party, one serves the other as its client, or the
            assessor proposed the project.
    """
    payee, assessor = (scene.register.party_of(uri) for uri in (terms.payee, terms.assessor))
    if payee is None or assessor is None:
        raise NotFoundError("there is no such party", where=(terms.payee if payee is None else terms.assessor)[:80])
    if terms.assessor in (terms.payee, proposer) or terms.assessor in payee.clients or terms.payee in assessor.clients:
        raise ForbiddenError(
            f"{assessor.name} is not independent of {payee.name}: nobody assesses itself, its client, whom it serves, "
            "or what it proposed",
            where=assessor.name,
            todo="name another assessor",
        )
    return payee, assessor


def _award(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Awarded)
    case, terms = fund.case(told.project), told.terms
    status = follow(case.status, Step.AWARD, told.project)
    if not stage.again:
        require_independent(stage.scene, terms, case.proposer)
    if case.project.payee not in ("", terms.payee):
        raise InputError("the project names another payee", where=told.project, todo=case.project.payee)
    _require_as_judged(fund, told.project)
    _check_terms(terms, told.project)
    if stage.entering:
        _limit_terms(terms, told.project)
    total = sum(tranche.amount for tranche in terms.tranches)
    if total > case.project.cost:
        raise InputError(
            f"{written(total)} are more than the project costs",
            where=told.project,
            todo=f"{written(case.project.cost)} at most, over all tranches",
        )
    if total > fund.free:
        free = written(max(fund.free, 0))
        raise TransitionError(f"{free} are in cash and not bound already", where=fund.name, todo="pay in more")
    award = Award(terms=terms, made_at=stage.scene.at, opens=terms.commitment)
    return replace(fund, cases={**fund.cases, told.project: replace(case, status=status, award=award)})


def _require_as_judged(fund: Fund, project: str) -> None:
    """Refuse an award for another project than was judged when it was chosen."""
    chosen = next((one for one in reversed(fund.decisions) if project in one.judged), None)
    if chosen is not None and chosen.judged[project] != project_digest(fund.case(project).project):
        raise ConflictError("this project is another than the one that was decided on", where=project)


def _check_terms(terms: Terms, where: str) -> None:
    """See that terms mean something: asked of what is entered, and of what is in the log."""
    digest(terms.baseline, "plan")
    digest(terms.commitment, "number")
    if not terms.tranches:
        raise InputError("0 tranches", where=where, todo=f"1 to {_MOST_TRANCHES}")
    for tranche in terms.tranches:
        if not 0 < tranche.amount <= MOST_CENTS:
            raise InputError(f"a tranche of {tranche.amount} cents", where=where, todo=f"1 to {MOST_CENTS:,}")
        if tranche.threshold is not None and tranche.threshold < 0:
            raise InputError(f"a threshold of {tranche.threshold}", where=where, todo=f"0 to {_MOST_THRESHOLD:,}")
    if all(tranche.threshold is None for tranche in terms.tranches):
        raise InputError("nothing is measured", where=where, todo="give a tranche a threshold, the last at least")
    if terms.samples < LEAST_SAMPLES or not terms.horizon_h > 0:
        raise _no_samples(terms, where)
    check_level(terms.confidence, terms.attempts)


def _limit_terms(terms: Terms, where: str) -> None:
    """See that terms are within what we take: asked of what is entered alone."""
    if len(terms.tranches) > _MOST_TRANCHES:
        raise LimitError(f"{len(terms.tranches)} tranches", where=where, todo=f"1 to {_MOST_TRANCHES}")
    highest = max(tranche.threshold or 0 for tranche in terms.tranches)
    if highest > _MOST_THRESHOLD:
        raise LimitError(f"a threshold of {highest}", where=where, todo=f"0 to {_MOST_THRESHOLD:,}")
    if terms.samples > MOST_SAMPLES or terms.horizon_h > _LONGEST_H:
        raise _no_samples(terms, where)
    if terms.attempts * len(terms.tranches) > MOST_LINKS:
        raise LimitError(f"{terms.attempts} attempts at each tranche", where=where, todo=f"{MOST_LINKS} in all at most")


def _no_samples(terms: Terms, where: str) -> InputError:
    return InputError(
        f"{terms.samples} samples of {terms.horizon_h:g} hours",
        where=where,
        todo=f"{LEAST_SAMPLES:,} to {MOST_SAMPLES:,}, of a year at most",
    )


def _inspect(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Inspected)
    award = _assessing(fund, told.project, Step.INSPECT, stage)
    if award.inspection is not None:
        # who could inspect again would do so until a seed pleases
        raise TransitionError(
            "the last inspection was not measured yet: it makes the next seed, and there is one for each attempt",
            where=told.project,
            todo="tocsin fund measure",
        )
    inspection = Inspection(plan=digest(told.plan, "plan"), entry=stage.index)
    return _with(fund, told.project, replace(award, inspection=inspection))


def _measure(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Measured)
    award, made = _assessing(fund, told.project, Step.MEASURE, stage), told.measurement
    terms, inspection = award.terms, award.inspection
    if inspection is None or (made.plan, made.inspected) != (inspection.plan, inspection.entry):
        raise TransitionError(
            "the plan as built is not in the log since the last measurement",
            where=told.project,
            todo="enter it: tocsin fund inspect",
        )
    tranche = _tranche(award, made.tranche)
    before = sum(one.tranche == made.tranche for one in award.measurements)
    # in order: who could choose the tranche would choose among its seeds
    if tranche.threshold is None or made.tranche != next_measured(award):
        raise TransitionError(
            f"tranche {next_measured(award)} is to be measured" if next_measured(award) else "all is measured",
            where=told.project,
        )
    if made.attempt != before + 1 or made.attempt > terms.attempts:
        raise TransitionError(f"{before} of {terms.attempts} attempts at this tranche were made", where=told.project)
    nonce = bytes.fromhex(digest(made.nonce, "number"))
    if commitment_of(nonce) != award.opens:
        raise InputError("this is not the number that the assessor committed to", where=told.project)
    root = bytes.fromhex(digest(made.root, "root"))
    if made.seed != seed_of(
        root, nonce, fund=fund.name, project=told.project, tranche=made.tranche, attempt=made.attempt
    ):
        raise InputError("the seed is not the one that follows from the log and the number", where=told.project)
    if made.sums.samples != terms.samples:
        raise InputError(f"{made.sums.samples} samples", where=told.project, todo=f"{terms.samples} were agreed")
    bound = bound_of(made.sums, threshold=tranche.threshold, confidence=terms.confidence, attempts=terms.attempts)
    after = replace(
        award,
        inspection=None,
        opens=made.nonce,
        measurements=(*award.measurements, made),
        met=award.met | {made.tranche} if bound.met else award.met,
    )
    return _with(fund, told.project, after)


def next_measured(award: Award) -> int | None:
    """Return the number of the tranche that is measured next; None: all are."""
    return next(
        (
            number
            for number, tranche in enumerate(award.terms.tranches, 1)
            if tranche.threshold is not None and number not in award.met
        ),
        None,
    )


def _assessing(fund: Fund, project: str, step: Step, stage: Stage) -> Award:
    case, award = fund.case(project), fund.award(project)
    follow(case.status, step, project)
    if stage.again:
        return award
    _, assessor = require_independent(stage.scene, award.terms, case.proposer)
    if stage.scene.who.rpartition("@")[2] != assessor.name:
        raise ForbiddenError(
            f"{assessor.name} assesses this project", where=stage.scene.who, todo="act for that party, with --as"
        )
    home(stage.scene)
    return award


def _release(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Released)
    case, award = fund.case(told.project), fund.award(told.project)
    follow(case.status, Step.RELEASE, told.project)
    tranche = _tranche(award, told.tranche)
    if told.tranche in award.released or told.tranche != len(award.released) + 1:
        raise TransitionError(
            f"tranche {len(award.released) + 1} is next", where=told.project, todo="each is released once, in order"
        )
    if tranche.threshold is not None and told.tranche not in award.met:
        raise TransitionError(
            "what this tranche is for was not measured", where=told.project, todo="tocsin fund measure"
        )
    released = award.released | {told.tranche}
    step = Step.FINISH if len(released) == len(award.terms.tranches) else Step.RELEASE
    paid_as = Account.LOANS if award.terms.kind is AwardKind.LOAN else Account.GRANTS
    fund = replace(
        fund,
        books=move(
            fund.books,
            index=stage.index,
            word=f"tranche {told.tranche}",
            amount=tranche.amount,
            debit=(paid_as, told.project),
            credit=(Account.CASH, ""),
        ),
    )
    return _with(fund, told.project, replace(award, released=released), step)


def _call_back(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _CalledBack)
    award = fund.award(told.project)
    follow(fund.case(told.project).status, Step.CALL_BACK, told.project)
    if not check_remark(told.reason, "reason"):
        raise InputError("what is called back is called back for a reason", where=told.project)
    # 0 ends an award of which nothing was paid, or nothing is asked back
    if told.amount != 0:
        from_ = Account.LOANS if award.terms.kind is AwardKind.LOAN else Account.GRANTS
        books = move(
            fund.books,
            index=stage.index,
            word="called back",
            amount=told.amount,
            debit=(Account.CLAW_BACKS, told.project),
            credit=(from_, told.project),
        )
        fund = replace(fund, books=books)
    return _with(fund, told.project, award, Step.CALL_BACK)


def _repay(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Repaid)
    stage.require_treasurer()
    check_remark(told.note, "note")
    fund.award(told.project)
    # what was called back is due at once; a loan by its own days
    due = fund.books.balance(Account.CLAW_BACKS, told.project)
    of = Account.CLAW_BACKS if due else Account.LOANS
    books = move(
        fund.books,
        index=stage.index,
        word="paid back",
        amount=told.amount,
        debit=(Account.CASH, ""),
        credit=(of, told.project),
    )
    return replace(fund, books=books)


def _certify(fund: Fund, data: Mapping[str, Any], stage: Stage) -> Fund:
    told = from_data(data, _Certified)
    stage.require_treasurer()
    follow(fund.case(told.project).status, Step.CERTIFY, told.project)
    award = fund.award(told.project)
    _tranche(award, told.tranche)
    if told.tranche not in award.met:
        raise TransitionError("this benchmark was not met", where=told.project, todo="tocsin fund measure")
    expected = certificate_text(
        fund,
        told.project,
        told.tranche,
        hub=stage.hub,
        environment=stage.environment,
        issued=stage.scene.at,
        until=told.until,
    )
    if stage.entering and told.until > stage.scene.at + MOST_VALID:
        raise InputError(
            "a certificate is good for at most five years", where=told.project, todo="name an earlier day: --until"
        )
    if told.text != expected:
        raise InputError("the certificate says something else than the log", where=told.project)
    return fund


def _tranche(award: Award, number: int) -> Tranche:
    if not 1 <= number <= len(award.terms.tranches):
        raise NotFoundError(f"there is no tranche {number}", todo=f"1 to {len(award.terms.tranches)}")
    return award.terms.tranches[number - 1]


def _with(fund: Fund, project: str, award: Award, step: Step | None = None) -> Fund:
    case = fund.case(project)
    status = case.status if step is None else follow(case.status, step, project)
    return replace(fund, cases={**fund.cases, project: replace(case, status=status, award=award)})


AWARD_STEPS: Final[dict[str, Callable[[Fund, Mapping[str, Any], Stage], Fund]]] = {
    "fund.awarded": _award,
    "fund.inspected": _inspect,
    "fund.measured": _measure,
    "fund.released": _release,
    "fund.called-back": _call_back,
    "fund.repaid": _repay,
    "fund.certified": _certify,
}
