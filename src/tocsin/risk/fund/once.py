"""What is paid for once, whichever fund pays: evidence of a claim, an improvement, an assessor's numbers. Pure.

Asked over all funds of the environment when something is entered. Of the log is asked what every build asked: that no
claim in one fund rests on evidence of another in it; what else earlier builds entered stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin.errors import ConflictError
from tocsin.risk.fund.model import CaseStatus, ClaimStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tocsin.risk.fund.model import Award, Case, Fund, Funded

__all__ = ["require_once"]


def require_once(before: Funded, after: Fund, kind: str, data: Mapping[str, Any], *, everywhere: bool) -> None:
    """See that what an entry rests on was not paid for already; ``after``: its fund, with the entry.

    ``everywhere``: in any fund, as is asked of what comes; else in its own alone.

    Raises:
        ConflictError: it was, or may still be.
    """
    if kind == "fund.claimed":
        funds = before.funds.values() if everywhere else [before.fund(after.name)]
        _new_evidence(funds, str(data["party"]), str(data["evidence"]))
    if not everywhere:
        return
    match kind:
        case "fund.awarded":
            award = after.award(str(data["project"]))
            _new_project(before, after, after.case(str(data["project"])))
            _new_numbers(before, award, str(data["project"]))
        case "fund.inspected":
            _new_improvement(before, after, str(data["project"]))
        case _:
            pass


def _new_evidence(funds: Iterable[Fund], party: str, evidence: str) -> None:
    """Refuse a second claim on what a party proved already; what was refused may be claimed again."""
    for fund in funds:
        for one in fund.claims.values():
            if (one.party, one.evidence) == (party, evidence) and one.status is not ClaimStatus.REFUSED:
                raise ConflictError(
                    f"there is a claim on this evidence in the fund {fund.name}, and it is {one.status}",
                    where=one.uuid,
                    todo="claim on other evidence: what was given is compensated once",
                )


def _new_project(before: Funded, after: Fund, case: Case) -> None:
    """Refuse an award for what another fund has an award for: the same changes of the map."""
    for fund, other in _awarded(before):
        if fund.name != after.name and other.project.changes == case.project.changes:
            raise ConflictError(
                f"the fund {fund.name} has an award for the same changes: {other.project.id}",
                where=case.project.id,
                todo="what is built is paid for once: end that award first (tocsin fund claw-back), or let it stand",
            )


def _new_numbers(before: Funded, made: Award, project: str) -> None:
    """Refuse numbers that another award has: who saw them there knows what the seeds here are made of."""
    for _, other in _committed(before):
        used = {other.terms.commitment, *(one.nonce for one in other.measurements)}
        if made.terms.commitment in used:
            raise ConflictError(
                "another award has these numbers of an assessor",
                where=project,
                todo="make others for this one: tocsin fund numbers",
            )


def _new_improvement(before: Funded, after: Fund, project: str) -> None:
    """Refuse plans, before and as built, between which another award has measured what it pays for.

    Which award is not said: what was built elsewhere is for who builds and measures it.
    """
    made = after.award(project)
    built = "" if made.inspection is None else made.inspection.plan
    for fund, other in _awarded(before):
        award = other.award
        if award is None or (fund.name, other.project.id) == (after.name, project):
            continue
        taken = {one.plan for one in award.measurements if one.tranche in award.met}
        if award.inspection is not None:
            taken.add(award.inspection.plan)  # and not measured yet: who comes second would find it met already
        if award.terms.baseline == made.terms.baseline and built in taken:
            raise ConflictError(
                "from this plan before to this plan as built another award is measured already",
                where=project,
                todo="what was improved is paid for once: enter the plan as this project left it",
            )


def _awarded(before: Funded) -> Iterator[tuple[Fund, Case]]:
    """Yield the projects whose awards stand."""
    for fund in before.funds.values():
        for case in fund.cases.values():
            if case.award is not None and case.status is not CaseStatus.CALLED_BACK:
                yield fund, case


def _committed(before: Funded) -> Iterator[tuple[str, Award]]:
    """Yield every award there ever was: a number that was shown stays known."""
    for fund in before.funds.values():
        for name, case in fund.cases.items():
            if case.award is not None:
                yield name, case.award
