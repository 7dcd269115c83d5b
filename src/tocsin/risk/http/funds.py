"""The joint fund over ``/api/v1``: what members may see of it, and what a party promises, proposes and claims.

What a party may see is ``fund.seen``'s to say; who runs the hub, as its operator or auditor, sees everything. What
the treasurer enters is in ``treasury``, what is measured in ``awarding``; what takes a mandate, in ``carried``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, NAMED, READ, REFUSED, ROOT, SPEAK, TAKEN, Given, by_id, id_in, listed
from tocsin.exchange.api.queries import Name, Said, Text
from tocsin.exchange.api.viewers import Register, known_party, sees_all
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, NoQuery, Operation, Part
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.risk.fund.books import Account
from tocsin.risk.fund.model import CaseStatus, ClaimStatus, Measurement
from tocsin.risk.fund.projects import MOST_CHANGES, Buffer, Harden, Project, Spare, Supply
from tocsin.risk.fund.seen import balances_seen, concerned
from tocsin.risk.http.asked import LARGE_BODY, Cents, RiskCall, Sha256, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.parties.model import Principal
    from tocsin.risk.fund.model import Award, Case, Claim, Fund, Terms
    from tocsin.risk.fund.service import Funds

__all__ = [
    "CLAIM",
    "FUND",
    "PROJECT",
    "AwardResource",
    "BooksResource",
    "ClaimResource",
    "PledgeAsk",
    "ProjectAsk",
    "Services",
    "award_told",
    "books_of",
    "claim_told",
    "fund_in",
    "operations",
    "project_in",
]

_NO_FUND: Final = "there is no such fund"
_NO_PROJECT: Final = "there is no such project in this fund"
_NO_CLAIM: Final = "your party has no such claim in this fund"

FUND: Final = {"fund": Part(says="A fund's name.", example="region", pattern=NAMED, longest=64)}
PROJECT: Final = {"project": Part(says="A project's id.", example="flood-wall", pattern=NAMED, longest=64)}
CLAIM: Final = by_id("claim", "A claim's id.")

Changes = Annotated[list[Harden | Supply | Buffer | Spare], msgspec.Meta(min_length=1, max_length=MOST_CHANGES)]


class ProjectAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project: what it costs, in cents, and what it changes of the map; ``payee`` is who builds it, if that is known.

    In the place of one's own of the same id that nobody chose yet.
    """

    project: Name
    title: Text
    cost: Cents
    changes: Changes
    payee: Name | None = None


class PledgeAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What your party promises to give, in cents."""

    amount: Cents
    note: Said = ""


class ClaimAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What your party gave in a crisis, in cents, and the SHA-256 of what proves it; the evidence stays with you."""

    amount: Cents
    reason: Text
    evidence: Sha256


class FundResource(msgspec.Struct, frozen=True, kw_only=True):
    """A fund; ``body`` decides about it, or, where it is null, whoever holds the rights."""

    fund: str
    title: str
    currency: str
    body: str | None
    opened: str


class FundList(msgspec.Struct, frozen=True, kw_only=True):
    """The funds, the first first."""

    funds: list[FundResource]
    next: Next


class BooksResource(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts that you may see, in cents: debits above 0, credits below. Totals of each kind, and your party's own.

    What members gave or claimants were granted, and the cash, is not there where a total would be one member's figure.
    ``bound`` is awarded or granted and not paid yet, ``free`` the rest of the cash; null where the cash is not told.
    """

    fund: str
    currency: str
    accounts: dict[str, int]
    bound: int | None
    free: int | None


class TrancheResource(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an award: what the project has to save a sample for it (null: nothing), and what became of it."""

    number: int
    amount: int
    threshold: int | None
    met: bool
    released: bool


class AwardResource(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of an award, and every measurement under them."""

    kind: str
    payee: str
    assessor: str
    baseline: str
    samples: int
    horizon_h: float
    confidence: float
    attempts: int
    tranches: list[TrancheResource]
    measurements: list[Measurement]


class ProjectDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What a project changes, and its award: for who proposed, builds or measures it."""

    changes: Changes
    award: AwardResource | None


class ProjectResource(msgspec.Struct, frozen=True, kw_only=True):
    """A project, and where it stands; ``detail`` is null for whose business it is not: it says where somebody is weak.

    ``cost`` in cents.
    """

    project: str
    title: str
    cost: int
    status: CaseStatus
    proposer: str
    payee: str | None
    detail: ProjectDetail | None


class ProjectList(msgspec.Struct, frozen=True, kw_only=True):
    """The projects of a fund, the first first."""

    projects: list[ProjectResource]
    next: Next


class PortfolioResource(msgspec.Struct, frozen=True, kw_only=True):
    """Projects that were chosen together: under which mandate, and the digest of what that rests on. In cents.

    ``judged``: the digest of each project as it was judged, of those that are your business: who guesses what a project
    changes could see in it that they are right. Decisions of earlier builds have none.
    """

    projects: list[str]
    budget: int
    calculation: str
    at: str
    mandate: str
    judged: dict[str, str]


class PortfolioList(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, the first first."""

    decisions: list[PortfolioResource]
    next: Next


class ClaimResource(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, and what became of it. Amounts in cents; ``evidence`` is the SHA-256 of what proves it."""

    claim: str
    party: str
    amount: int
    reason: str
    evidence: str
    status: ClaimStatus
    granted: int
    reasons: str


class ClaimList(msgspec.Struct, frozen=True, kw_only=True):
    """Your party's claims, the first first; for who runs the hub, all of them."""

    claims: list[ClaimResource]
    next: Next


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    @property
    def funds(self) -> Funds:
        """The joint funds."""
        ...


class Funding:
    """The addresses of funds in one environment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._funds = services.funds
        self._parties = services.parties
        self._lists = lists.Lists(services)

    def funds(self, call: RiskCall) -> Reply:
        """Answer with the funds."""
        opened = sorted(self._funds.all(), key=lambda one: one.opened_at)
        found = part_of(opened, self._lists.span(call, "funds"))
        told = [_fund(one) for one in found.items]
        return reply(FundList(funds=told, next=self._lists.next(call, "funds", found.last)))

    def fund(self, call: RiskCall) -> Reply:
        """Answer with one fund."""
        return reply(_fund(self._named(call)))

    def books(self, call: RiskCall) -> Reply:
        """Answer with what the asker may see of a fund's books."""
        return reply(self._books(call, self._named(call)))

    def projects(self, call: RiskCall) -> Reply:
        """Answer with the projects of a fund."""
        fund = self._named(call)
        place = f"projects {fund.name}"
        found = part_of(fund.cases.values(), self._lists.span(call, place))
        tell = self._teller(call, fund)
        told = [tell(one) for one in found.items]
        return reply(ProjectList(projects=told, next=self._lists.next(call, place, found.last)))

    def project(self, call: RiskCall) -> Reply:
        """Answer with one project of a fund."""
        fund = self._named(call)
        return reply(self._teller(call, fund)(fund.cases[project_in(fund, call)]))

    def propose(self, call: RiskCall) -> Reply:
        """Propose a project for the asker's party."""
        asked = read_body(call.body, ProjectAsk)
        name = self._named(call).name
        project = Project(
            id=asked.project,
            title=asked.title,
            cost=asked.cost,
            changes=tuple(asked.changes),
            payee="" if asked.payee is None else known_party(self._services, asked.payee).uri,
        )
        case = self._funds.propose(_acting(call), name, call.principal.party, project)
        return reply(_project(case, self._parties.names(), whole=True), status=HTTPStatus.CREATED)

    def decisions(self, call: RiskCall) -> Reply:
        """Answer with what was decided about a fund's projects."""
        fund = self._named(call)
        place = f"decisions {fund.name}"
        found = part_of(fund.decisions, self._lists.span(call, place))
        everything = sees_all(self._services, call.principal)

        def own(project: str) -> bool:
            return everything or call.principal.party in concerned(fund, project)

        told = [
            PortfolioResource(
                projects=list(one.projects),
                budget=one.budget,
                calculation=one.calculation,
                at=format_instant(one.at),
                mandate=one.mandate,
                judged={name: digest for name, digest in one.judged.items() if own(name)},
            )
            for one in found.items
        ]
        return reply(PortfolioList(decisions=told, next=self._lists.next(call, place, found.last)))

    def claims(self, call: RiskCall) -> Reply:
        """Answer with the claims of the asker's party; for who runs the hub, all of them."""
        fund = self._named(call)
        place = f"claims {fund.name}"
        found = part_of(self._claims(call, fund), self._lists.span(call, place))
        names = self._parties.names()
        told = [claim_told(one, names) for one in found.items]
        return reply(ClaimList(claims=told, next=self._lists.next(call, place, found.last)))

    def claim(self, call: RiskCall) -> Reply:
        """Answer with one claim."""
        fund = self._named(call)
        uuid = id_in(call.path, "claim", _NO_CLAIM)
        one = next((one for one in self._claims(call, fund) if one.uuid == uuid), None)
        if one is None:
            raise NotFoundError(_NO_CLAIM)
        return reply(claim_told(one, self._parties.names()))

    def file(self, call: RiskCall) -> Reply:
        """File a claim for the asker's party."""
        asked = read_body(call.body, ClaimAsk)
        made = self._funds.claim(
            _acting(call),
            self._named(call).name,
            call.principal.party,
            amount=asked.amount,
            reason=asked.reason,
            evidence=asked.evidence,
        )
        return reply(claim_told(made, self._parties.names()), status=HTTPStatus.CREATED)

    def pledge(self, call: RiskCall) -> Reply:
        """Promise a contribution of the asker's party."""
        asked = read_body(call.body, PledgeAsk)
        fund = self._funds.pledge(_acting(call), self._named(call).name, call.principal.party, asked.amount, asked.note)
        return reply(self._books(call, fund), status=HTTPStatus.CREATED)

    def _named(self, call: RiskCall) -> Fund:
        return fund_in(self._services, call)

    def _books(self, call: RiskCall, fund: Fund) -> BooksResource:
        return books_of(self._services, call, fund)

    def _claims(self, call: RiskCall, fund: Fund) -> list[Claim]:
        everything = sees_all(self._services, call.principal)
        return [one for one in fund.claims.values() if everything or one.party == call.principal.party]

    def _teller(self, call: RiskCall, fund: Fund) -> Callable[[Case], ProjectResource]:
        names, everything = self._parties.names(), sees_all(self._services, call.principal)

        def tell(case: Case) -> ProjectResource:
            own = everything or call.principal.party in concerned(fund, case.project.id)
            return _project(case, names, whole=own)

        return tell


def fund_in(services: Services, call: RiskCall) -> Fund:
    """Return the fund that a path names.

    Raises:
        NotFoundError: there is none of this name.
    """
    try:
        return services.funds.get(call.path["fund"])
    except NotFoundError as error:
        raise NotFoundError(_NO_FUND, todo="`GET /api/v1/funds` lists them") from error


def project_in(fund: Fund, call: RiskCall) -> str:
    """Return the id of the project of a fund that a path names.

    Raises:
        NotFoundError: there is none of this id.
    """
    if call.path["project"] not in fund.cases:
        raise NotFoundError(_NO_PROJECT)
    return call.path["project"]


def books_of(services: Services, call: RiskCall, fund: Fund) -> BooksResource:
    """Return what an asker may see of a fund's books."""
    everything = sees_all(services, call.principal)
    accounts = balances_seen(fund, None if everything else call.principal.party)
    # cash of 0 is in no list of balances either way, and then nothing is free
    told = everything or Account.CASH in accounts
    return BooksResource(
        fund=fund.name,
        currency=fund.currency,
        accounts=accounts,
        bound=fund.bound if told else None,
        free=fund.free if told else None,
    )


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about funds."""
    does = Funding(services)
    path = f"{ROOT}/funds"
    one = f"{path}/{{fund}}"
    fund, project = FUND, PROJECT
    return [
        *listed(
            "fund",
            path,
            READ,
            every=Given("funds", does.funds, "The funds", "A page of them.", FundList),
            one=Given("fund", does.fund, "One fund", "The fund.", FundResource),
            by=fund,
            query=ListQuery,
        ),
        _read("books", f"{one}/books", does.books, "The accounts that you may see", BooksResource, fund),
        _read("projects", f"{one}/projects", does.projects, "The projects", ProjectList, fund, ListQuery),
        _read("project", f"{one}/projects/{{project}}", does.project, "One project", ProjectResource, fund | project),
        _read("decisions", f"{one}/decisions", does.decisions, "What was decided", PortfolioList, fund, ListQuery),
        _read("claims", f"{one}/claims", does.claims, "Your party's claims", ClaimList, fund, ListQuery),
        _read(
            "claim",
            f"{one}/claims/{{claim}}",
            does.claim,
            "One claim of your party's",
            ClaimResource,
            fund | dict(CLAIM),
        ),
        _entered("propose", f"{one}/projects", does.propose, "Propose a project", ProjectAsk, ProjectResource, fund),
        _entered("pledge", f"{one}/pledges", does.pledge, "Promise a contribution", PledgeAsk, BooksResource, fund),
        _entered("claim-file", f"{one}/claims", does.file, "Claim compensation", ClaimAsk, ClaimResource, fund),
    ]


def _read(  # noqa: PLR0917  as they stand in an operation, each of another type
    id_: str,
    path: str,
    run: Callable[[RiskCall], Reply],
    summary: str,
    type_: type[msgspec.Struct],
    parts: Mapping[str, Part],
    query: type[msgspec.Struct] = NoQuery,
) -> Operation[Principal]:
    return Operation(
        id=f"fund-{id_}",
        tag="fund",
        method="GET",
        path=path,
        does=Endpoint(access=READ, run=run),
        summary=summary,
        parts=parts,
        answers={HTTPStatus.OK: Answer(says=summary + ".", type=type_)},
        problems=MISSING,
        query=query,
    )


def _entered(  # noqa: PLR0917  as above
    id_: str,
    path: str,
    run: Callable[[RiskCall], Reply],
    summary: str,
    takes: type[msgspec.Struct],
    type_: type[msgspec.Struct],
    parts: Mapping[str, Part],
) -> Operation[Principal]:
    return Operation(
        id=f"fund-{id_}",
        tag="fund",
        method="POST",
        path=path,
        does=Endpoint(access=SPEAK, run=run, body=LARGE_BODY),
        summary=f"{summary}, as who speaks for your party",
        parts=parts,
        takes=takes,
        answers={HTTPStatus.CREATED: Answer(says="It is entered; so it stands now.", type=type_)},
        problems=MISSING | REFUSED | TAKEN,
    )


def _acting(call: RiskCall) -> Acting:
    return Acting(actor=call.principal.id)


def _fund(one: Fund) -> FundResource:
    return FundResource(
        fund=one.name,
        title=one.title,
        currency=one.currency,
        body=one.body or None,
        opened=format_instant(one.opened_at),
    )


def _project(case: Case, names: Mapping[str, str], *, whole: bool) -> ProjectResource:
    project = case.project
    award = None if case.award is None else award_told(case.award, names)
    return ProjectResource(
        project=project.id,
        title=project.title,
        cost=project.cost,
        status=case.status,
        proposer=names.get(case.proposer, case.proposer),
        payee=names.get(project.payee, project.payee) or None,
        detail=ProjectDetail(changes=list(project.changes), award=award) if whole else None,
    )


def award_told(award: Award, names: Mapping[str, str]) -> AwardResource:
    """Return what is told of an award, to whom it concerns; ``names`` are parties' by their URIs."""
    terms: Terms = award.terms
    return AwardResource(
        kind=str(terms.kind),
        payee=names.get(terms.payee, terms.payee),
        assessor=names.get(terms.assessor, terms.assessor),
        baseline=terms.baseline,
        samples=terms.samples,
        horizon_h=terms.horizon_h,
        confidence=terms.confidence,
        attempts=terms.attempts,
        tranches=[
            TrancheResource(
                number=number,
                amount=one.amount,
                threshold=one.threshold,
                met=number in award.met,
                released=number in award.released,
            )
            for number, one in enumerate(terms.tranches, 1)
        ],
        measurements=list(award.measurements),
    )


def claim_told(one: Claim, names: Mapping[str, str]) -> ClaimResource:
    """Return what is told of a claim, to its party and to who runs the hub; ``names`` as above."""
    return ClaimResource(
        claim=one.uuid,
        party=names[one.party],
        amount=one.amount,
        reason=one.reason,
        evidence=one.evidence,
        status=one.status,
        granted=one.granted,
        reasons=one.reasons,
    )
