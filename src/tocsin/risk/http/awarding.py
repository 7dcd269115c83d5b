"""Awards over ``/api/v1``: the assessor says what was built and has it measured; an operator has it certified.

The assessor's numbers stay with it: one leaves with each measurement, which uses it up. To whoever does not measure a
project, nothing is said of who does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import ForbiddenError, LimitError
from tocsin.exchange.api.parts import CARRY, MISSING, REFUSED, ROOT, SMALL, SPEAK, TAKEN
from tocsin.exchange.api.queries import Day
from tocsin.exchange.api.wire import read_body, reply
from tocsin.kernel.clock import parse_date
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import Body, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.map.http.asked import MOST_TOLD, MOST_WORK
from tocsin.risk.fund.projects import Plan, checked
from tocsin.risk.http import funds
from tocsin.risk.http.funds import FUND, PROJECT, AwardResource, award_told, fund_in, project_in
from tocsin.risk.http.treasury import require_treasurer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.kernel.http.routes import Access
    from tocsin.kernel.http.turn import Turn
    from tocsin.log.service import Log
    from tocsin.parties.model import Principal
    from tocsin.risk.fund.model import Terms
    from tocsin.risk.http.asked import RiskCall

__all__ = ["Services", "operations"]

# Two plans of as many assets as one measurement takes, with long names and many suppliers.
_PLANS: Final = Body(types=(JSON_TYPE,), limit=8 * 1_024 * 1_024)

Number = Annotated[int, msgspec.Meta(ge=1, le=1_000, description="Of a tranche, from 1.")]


class InspectAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan as it was built; its digest is entered, and the seed of the next measurement follows from that."""

    plan: Plan


class MeasureAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan that the terms name, the plan that was entered as built, and the assessor's next number."""

    tranche: Number
    before: Plan
    after: Plan
    number: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="32 bytes in hexadecimal.")]


class CertificateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which tranche's benchmark, and until when: five years at most."""

    tranche: Number
    until: Day


class CertificateResource(msgspec.Struct, frozen=True, kw_only=True):
    """A signed note, to the letter, and the hub's key; whoever checks it has the key on another way."""

    certificate: str
    key: str


class Services(funds.Services, Protocol):
    """What the addresses need of a hub."""

    log: Log


class Awarding:
    """The addresses of awards in one environment; ``turn``: of what computes, one at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._funds = services.funds
        self._log = services.log
        self._turn = turn

    def inspect(self, call: RiskCall) -> Reply:
        """Enter the plan as it was built."""
        fund, project, _ = self._assessed(call)
        asked = read_body(call.body, InspectAsk)
        checked(asked.plan, ())
        made = self._funds.inspect(_acting(call), fund, project, asked.plan)
        return reply(award_told(made, self._services.parties.names()), status=HTTPStatus.CREATED)

    def measure(self, call: RiskCall) -> Reply:
        """Measure what a project saves."""
        fund, project, terms = self._assessed(call)
        asked = read_body(call.body, MeasureAsk)
        assets = len(asked.before.map.assets) + len(asked.after.map.assets)
        if assets * terms.samples > MOST_WORK:
            raise LimitError(
                f"assets of both plans times samples are more than {MOST_WORK:,}",
                where="after",
                todo="have it measured at the hub: `tocsin fund measure`",
            )
        with self._turn.taken(call.principal.party):
            made = self._funds.measure(
                _acting(call),
                fund,
                project,
                asked.tranche,
                before=asked.before,
                after=asked.after,
                nonce=bytes.fromhex(asked.number),
                jobs=1,
                most_told=MOST_TOLD // terms.samples,
            )
        return reply(award_told(made, self._services.parties.names()), status=HTTPStatus.CREATED)

    def certify(self, call: RiskCall) -> Reply:
        """Sign that a benchmark was met."""
        require_treasurer(self._services, call)
        asked = read_body(call.body, CertificateAsk)
        fund = fund_in(self._services, call)
        project = project_in(fund, call)
        note = self._funds.certify(_acting(call), fund.name, project, asked.tranche, until=parse_date(asked.until))
        told = CertificateResource(certificate=note.decode(), key=self._log.vkey)
        return reply(told, status=HTTPStatus.CREATED)

    def _assessed(self, call: RiskCall) -> tuple[str, str, Terms]:
        """Return fund, project and terms of what the asker's party measures.

        Raises:
            NotFoundError: there is no such fund or project. ForbiddenError: another party measures it, or none.
        """
        fund = fund_in(self._services, call)
        project = project_in(fund, call)
        award = fund.cases[project].award
        if award is None or award.terms.assessor != call.principal.party:
            raise ForbiddenError("who measures this project, by the terms of its award, enters that")
        return fund.name, project, award.terms


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about awards."""
    does = Awarding(services, turn)
    return [
        _entered(
            "inspect",
            "inspection",
            does.inspect,
            "Enter, as the assessor, the plan as it was built",
            InspectAsk,
            AwardResource,
        ),
        _entered(
            "measure",
            "measurements",
            does.measure,
            "Have measured, as the assessor, what a project saves, on samples that nobody chose",
            MeasureAsk,
            AwardResource,
        ),
        _entered(
            "certify",
            "certificates",
            does.certify,
            "Have signed, as an operator of the hub, that a benchmark was met",
            CertificateAsk,
            CertificateResource,
            access=CARRY,
            body=SMALL,
        ),
    ]


def _entered(  # noqa: PLR0917  as they stand in an operation, each of another type
    id_: str,
    name: str,
    run: Callable[[RiskCall], Reply],
    summary: str,
    takes: type[msgspec.Struct],
    type_: type[msgspec.Struct],
    *,
    access: Access = SPEAK,
    body: Body = _PLANS,
) -> Operation[Principal]:
    return Operation(
        id=f"fund-{id_}",
        tag="fund",
        method="POST",
        path=f"{ROOT}/funds/{{fund}}/projects/{{project}}/{name}",
        does=Endpoint(access=access, run=run, body=body),
        summary=summary,
        parts=FUND | PROJECT,
        takes=takes,
        answers={HTTPStatus.CREATED: Answer(says="It is entered; so it stands now.", type=type_)},
        problems=MISSING | REFUSED | TAKEN,
    )


def _acting(call: RiskCall) -> Acting:
    return Acting(actor=call.principal.id)
