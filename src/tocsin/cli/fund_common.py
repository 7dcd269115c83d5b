"""What the commands of the fund share: their arguments, and how a fund is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tocsin.cli.output import Output
from tocsin.cli.session import STDIN, read_bounded, some
from tocsin.risk.fund.books import Account
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.wire import MOST_BYTES, read_plan, read_projects

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.risk.fund.model import Fund
    from tocsin.risk.fund.projects import Plan, Project

__all__ = [
    "AsOption",
    "FundArgument",
    "ProjectArgument",
    "called",
    "content",
    "fund_document",
    "plan_of",
    "projects_of",
    "tell",
    "tell_own",
    "uri_of",
]

FundArgument: TypeAlias = Annotated[str, typer.Argument(metavar="FUND", help="The fund's name.")]
ProjectArgument: TypeAlias = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id.")]
AsOption: TypeAlias = Annotated[
    str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="For whom you act; the log names both of you.")
]


def called(file: str) -> str:
    """Return how a file is called where a fault in it is told."""
    return "<stdin>" if file == STDIN else file


def content(file: str, what: str) -> bytes:
    """Return the bytes of a file; never more than we take are read.

    Raises:
        UsageError, LimitError: as ``read_bounded``. InputError: it is empty.
    """
    return some(file, read_bounded(file, MOST_BYTES, what))


def plan_of(file: str) -> Plan:
    """Read a plan from a file."""
    return read_plan(content(file, "a plan"), where=called(file))


def projects_of(file: str) -> tuple[Project, ...]:
    """Read projects from a file."""
    return read_projects(content(file, "projects"), where=called(file))


def uri_of(session: Session, reference: str) -> str:
    """Return the URI of the party that somebody acts for."""
    return session.resolve(reference)[0].uri


def fund_document(fund: Fund) -> dict[str, object]:
    """Return a fund as JSON: its totals, which every member may know, and no party's part of them."""
    return {
        "fund": fund.name,
        "title": fund.title,
        "currency": fund.currency,
        "body": fund.body or None,
        "totals": {str(kind): fund.books.total(kind) for kind in Account},
        "bound": fund.bound,
        "free": fund.free,
        "projects": len(fund.cases),
        "claims": len(fund.claims),
    }


def tell(out: Output, fund: Fund) -> None:
    """Print where a fund stands."""
    out.document(fund_document(fund))
    out.line(f"{fund.name}  {fund.title}", style="bold")
    cash = fund.books.balance(Account.CASH)
    out.line(
        f"  in cash {written(cash, fund.currency)}, of which {written(fund.bound)} bound and {written(fund.free)} free"
    )
    out.line(f"  promised and not paid in yet: {written(fund.books.total(Account.PLEDGES))}")


def tell_own(out: Output, fund: Fund, party: str) -> None:
    """Print what one party (its URI) promised, and how much of it is paid in: a total may be somebody else's figure."""
    promised = fund.books.balance(Account.CONTRIBUTIONS, party)
    outstanding = fund.books.balance(Account.PLEDGES, party)
    out.document(
        {
            "fund": fund.name,
            "currency": fund.currency,
            "party": party,
            "promised": promised,
            "outstanding": outstanding,
        }
    )
    out.line(f"{fund.name}  {fund.title}", style="bold")
    out.line(
        f"  own part: {written(promised, fund.currency)} promised, of which {written(outstanding)} is not paid in yet"
    )
