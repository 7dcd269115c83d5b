"""What a fund's treasurer enters over ``/api/v1``: what was paid in, out and back; and every movement of the books.

The treasurer is an operator of the hub, whose token allows to carry out. None of this decides anything: only what was
promised is paid in, only what was granted is paid out, only what is owed is paid back, and each is an entry of the log.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import CARRY, MISSING, READ, REFUSED, ROOT, SMALL, SPEAK, TAKEN, id_in
from tocsin.exchange.api.queries import Name, Said
from tocsin.exchange.api.viewers import operates, sees_all
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.kernel.http.operations import Answer, NoQuery, Operation
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.risk.http.asked import Cents, RiskCall, part_of
from tocsin.risk.http.funds import (
    CLAIM,
    FUND,
    PROJECT,
    BooksResource,
    ClaimResource,
    PledgeAsk,
    Services,
    books_of,
    claim_told,
    fund_in,
    project_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.kernel.http.operations import Part
    from tocsin.kernel.http.routes import Access
    from tocsin.parties.model import Principal

__all__ = ["operations", "require_treasurer"]


class PaymentAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which party paid how much of what it promised, in cents."""

    party: Name
    amount: Cents
    note: Said = ""


class RepaymentAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a project's payee paid back, in cents: of what was called back first, then of a loan."""

    amount: Cents
    note: Said = ""


class MovementResource(msgspec.Struct, frozen=True, kw_only=True):
    """One movement, in cents, from ``credit`` to ``debit``; ``entry`` is its place in the log."""

    entry: int
    what: str
    amount: int
    debit: str
    credit: str


class MovementList(msgspec.Struct, frozen=True, kw_only=True):
    """Movements, the first first."""

    entries: list[MovementResource]
    next: Next


class Treasury:
    """The addresses of a fund's money in one environment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._funds = services.funds
        self._parties = services.parties
        self._lists = lists.Lists(services)

    def entries(self, call: RiskCall) -> Reply:
        """Answer with every movement of a fund."""
        if not sees_all(self._services, call.principal):
            raise ForbiddenError(
                "movements are for operators and auditors of the hub", todo="`…/books` has what your party may see"
            )
        fund = fund_in(self._services, call)
        place = f"entries {fund.name}"
        found = part_of(fund.books.entries, self._lists.span(call, place))
        told = [
            MovementResource(entry=one.index, what=one.word, amount=one.amount, debit=one.debit, credit=one.credit)
            for one in found.items
        ]
        return reply(MovementList(entries=told, next=self._lists.next(call, place, found.last)))

    def take_back(self, call: RiskCall) -> Reply:
        """Take back what the asker's party promised."""
        asked = read_body(call.body, PledgeAsk)
        name = fund_in(self._services, call).name
        fund = self._funds.take_back(_acting(call), name, call.principal.party, asked.amount, asked.note)
        return reply(books_of(self._services, call, fund), status=HTTPStatus.CREATED)

    def pay_in(self, call: RiskCall) -> Reply:
        """Enter that a party paid of what it promised."""
        require_treasurer(self._services, call)
        asked = read_body(call.body, PaymentAsk)
        name, party = fund_in(self._services, call).name, self._parties.get(asked.party).uri
        fund = self._funds.paid(_acting(call), name, party, asked.amount, asked.note)
        return reply(books_of(self._services, call, fund), status=HTTPStatus.CREATED)

    def pay_out(self, call: RiskCall) -> Reply:
        """Enter that a granted claim was paid."""
        require_treasurer(self._services, call)
        fund, uuid = fund_in(self._services, call), id_in(call.path, "claim", _NO_CLAIM)
        if uuid not in fund.claims:
            raise NotFoundError(_NO_CLAIM)
        made = self._funds.compensate(_acting(call), fund.name, uuid).claim(uuid)
        return reply(claim_told(made, self._parties.names()), status=HTTPStatus.CREATED)

    def pay_back(self, call: RiskCall) -> Reply:
        """Enter that a payee paid back."""
        require_treasurer(self._services, call)
        asked = read_body(call.body, RepaymentAsk)
        fund = fund_in(self._services, call)
        fund = self._funds.repaid(_acting(call), fund.name, project_in(fund, call), asked.amount, asked.note)
        return reply(books_of(self._services, call, fund), status=HTTPStatus.CREATED)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about funds' money."""
    does = Treasury(services)
    fund = f"{ROOT}/funds/{{fund}}"
    return [
        Operation(
            id="fund-entries",
            tag="fund",
            method="GET",
            path=f"{fund}/entries",
            does=Endpoint(access=READ, run=does.entries),
            summary="Every movement of the books, for operators and auditors of the hub",
            parts=FUND,
            query=ListQuery,
            answers={HTTPStatus.OK: Answer(says="A page of them.", type=MovementList)},
            problems=MISSING,
        ),
        _entered(
            "take-back",
            f"{fund}/take-backs",
            does.take_back,
            "Take back what your party promised, the newest promise first, as who speaks for it",
            BooksResource,
            takes=PledgeAsk,
            parts=FUND,
            access=SPEAK,
        ),
        _entered(
            "pay-in",
            f"{fund}/payments",
            does.pay_in,
            "Enter, as an operator of the hub, that a party paid of what it promised",
            BooksResource,
            takes=PaymentAsk,
            parts=FUND,
        ),
        _entered(
            "pay-out",
            f"{fund}/claims/{{claim}}/payment",
            does.pay_out,
            "Enter, as an operator of the hub, that a granted claim was paid",
            ClaimResource,
            parts=FUND | dict(CLAIM),
        ),
        _entered(
            "pay-back",
            f"{fund}/projects/{{project}}/repayments",
            does.pay_back,
            "Enter, as an operator of the hub, that a payee paid back",
            BooksResource,
            takes=RepaymentAsk,
            parts=FUND | PROJECT,
        ),
    ]


def require_treasurer(services: Services, call: RiskCall) -> None:
    """Refuse whoever is no operator of the hub, in the same words whatever they name; the log asks again.

    Raises:
        ForbiddenError: they are none.
    """
    if not operates(services, call.principal):
        raise ForbiddenError("an operator of the hub enters what was paid")


_NO_CLAIM: Final = "there is no such claim in this fund"


def _entered(
    id_: str,
    path: str,
    run: Callable[[RiskCall], Reply],
    summary: str,
    type_: type[msgspec.Struct],
    *,
    parts: Mapping[str, Part],
    takes: type[msgspec.Struct] | None = None,
    access: Access = CARRY,
) -> Operation[Principal]:
    return Operation(
        id=f"fund-{id_}",
        tag="fund",
        method="POST",
        path=path,
        does=Endpoint(access=access, run=run, body=None if takes is None else SMALL),
        summary=summary,
        parts=parts,
        query=NoQuery,
        takes=takes,
        answers={HTTPStatus.CREATED: Answer(says="It is entered; so it stands now.", type=type_)},
        problems=MISSING | TAKEN | ({} if takes is None else REFUSED),
    )


def _acting(call: RiskCall) -> Acting:
    return Acting(actor=call.principal.id)
