"""``tocsin fund``: the joint fund, what is in it, who gives and who is paid."""

from __future__ import annotations

import hashlib
from typing import Annotated

import typer

from tocsin.cli import fund_award, fund_plan
from tocsin.cli.fund_common import AsOption, FundArgument, called, content, fund_document, tell, tell_own, uri_of
from tocsin.cli.options import JsonOption, MotionOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import opened
from tocsin.errors import UsageError
from tocsin.risk.fund.books import Account
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.model import Claim, ClaimStatus, Fund
from tocsin.risk.fund.seen import balances_seen
from tocsin.risk.fund.wire import cents_of, read_project

__all__ = ["app"]

app = commands("The joint fund: projects, portfolios, who pays what, awards that are measured, and the books.")

AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="In the fund's currency, like 1200.50.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="A reference; it is entered into the log.")]
ClaimArgument = Annotated[str, typer.Argument(metavar="CLAIM", help="Its UUID, as `fund claims` shows it.")]


@app.command("open", epilog=example("tocsin fund open region --title 'Fund of the region' --currency EUR"))
def open_(
    name: FundArgument,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is called in full.")],
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="Three letters, as ISO 4217 has them.")],
    body: Annotated[
        str, typer.Option("--body", metavar="BODY", help="Who decides about it; else whoever holds the rights.")
    ] = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Open a fund."""
    out = Output(json=json)
    with opened() as session:
        fund = session.hub.funds.open(
            session.acting(), session.mandate(motion), name, title=title, currency=currency, body=body
        )
    tell(out, fund)


@app.command("list", epilog=example("tocsin fund list"))
def show_all(json: JsonOption = False) -> None:
    """List the funds, with what is in each."""
    out = Output(json=json)
    with opened() as session:
        funds = session.hub.funds.all()
    out.document([fund_document(fund) for fund in funds])
    out.table(
        ("fund", "currency", "cash", "bound", "free", "body", "title"),
        (
            (
                one.name,
                one.currency,
                written(one.books.balance(Account.CASH)),
                written(one.bound),
                written(one.free),
                one.body or "-",
                one.title,
            )
            for one in funds
        ),
        nothing="there is no fund",
    )


@app.command("contribute", epilog=example("tocsin fund contribute region --as sig@fjordkraft --amount 50000"))
def contribute(
    name: FundArgument,
    as_: AsOption,
    amount: AmountOption,
    paid: Annotated[
        bool, typer.Option("--paid", help="It has come in: the hub's operator enters it, of what was promised.")
    ] = False,
    note: NoteOption = "",
    json: JsonOption = False,
) -> None:
    """Promise a contribution; with --paid, enter that so much of it was paid."""
    out = Output(json=json)
    with opened() as session:
        party, funds = uri_of(session, as_), session.hub.funds
        if paid:
            fund = funds.paid(session.acting(), name, party, cents_of(amount), note)
        else:
            fund = funds.pledge(session.acting(as_), name, party, cents_of(amount), note)
    tell_own(out, fund, party)


@app.command("take-back", epilog=example("tocsin fund take-back region --as sig@fjordkraft --amount 20000"))
def take_back(
    name: FundArgument, as_: AsOption, amount: AmountOption, note: NoteOption = "", json: JsonOption = False
) -> None:
    """Take back what was promised, the newest promise first, as long as nothing of it was paid in."""
    out = Output(json=json)
    with opened() as session:
        party = uri_of(session, as_)
        fund = session.hub.funds.take_back(session.acting(as_), name, party, cents_of(amount), note)
    tell_own(out, fund, party)


@app.command("propose", epilog=example("tocsin fund propose region wall.json --as sig@fjordkraft"))
def propose(
    name: FundArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The project, JSON; - for standard input.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Propose a project, or another in the place of one's own that nobody chose yet."""
    out = Output(json=json)
    project = read_project(content(file, "a project"), where=called(file))
    with opened() as session:
        case = session.hub.funds.propose(session.acting(as_), name, uri_of(session, as_), project)
    out.document({"project": case.project, "proposer": case.proposer, "status": case.status})
    out.line(f"{case.project.id} is {case.status}: {case.project.title}, {written(case.project.cost)}")


@app.command("projects", epilog=example("tocsin fund projects region"))
def projects(name: FundArgument, json: JsonOption = False) -> None:
    """List the projects of a fund, where each stands, and what was paid for it."""
    out = Output(json=json)
    with opened() as session:
        fund, names = session.hub.funds.get(name), session.hub.parties.names()
    cases = sorted(fund.cases.values(), key=lambda one: one.project.id)
    out.document(
        [
            {
                "project": one.project,
                "proposer": one.proposer,
                "status": one.status,
                "award": _award(fund, one.project.id),
            }
            for one in cases
        ]
    )
    out.table(
        ("project", "status", "cost", "paid", "by", "title"),
        (
            (
                one.project.id,
                one.status,
                written(one.project.cost),
                written(_outstanding(fund, one.project.id)),
                names.get(one.proposer, one.proposer),
                one.project.title,
            )
            for one in cases
        ),
        nothing="nothing was proposed",
    )


@app.command(
    "claim",
    epilog=example("tocsin fund claim region --as sig@vannverket --amount 900 --reason fuel --evidence bill.pdf"),
)
def claim(
    name: FundArgument,
    as_: AsOption,
    amount: AmountOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What was given, in which crisis.")],
    evidence: Annotated[
        str, typer.Option("--evidence", metavar="FILE", help="What proves it; only its digest is entered.")
    ],
    json: JsonOption = False,
) -> None:
    """Claim compensation for what a party gave in a crisis."""
    out = Output(json=json)
    proof = hashlib.sha256(content(evidence, "evidence")).hexdigest()
    with opened() as session:
        made = session.hub.funds.claim(
            session.acting(as_), name, uri_of(session, as_), amount=cents_of(amount), reason=reason, evidence=proof
        )
    _tell_claim(out, made)


@app.command("claims", epilog=example("tocsin fund claims region --undecided"))
def claims(
    name: FundArgument,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="PARTY", help="As this party may see them: its own.")
    ] = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Those that nobody decided yet.")] = False,
    json: JsonOption = False,
) -> None:
    """List claims: all of them to who runs the hub; to a party its own."""
    out = Output(json=json)
    with opened() as session:
        whose = None if as_ is None else uri_of(session, as_)
        found = session.hub.funds.get(name).claims.values()
        names = session.hub.parties.names()
    shown = [one for one in found if whose in {None, one.party} and (one.status is ClaimStatus.FILED or not undecided)]
    out.document(shown)
    out.table(
        ("claim", "party", "status", "asked", "granted", "reason"),
        (
            (
                one.uuid,
                names.get(one.party, one.party),
                one.status,
                written(one.amount),
                "-" if one.status is ClaimStatus.FILED else written(one.granted),
                one.reason,
            )
            for one in shown
        ),
        nothing="there is no such claim" if undecided else "nothing was claimed",
    )


@app.command(
    "settle",
    epilog=example("tocsin fund settle region 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --grant 400 --reasons usual"),
)
def settle(
    name: FundArgument,
    uuid: ClaimArgument,
    grant: Annotated[str, typer.Option("--grant", metavar="AMOUNT", help="How much of it; 0 refuses it.")],
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="Why.")] = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Decide a claim."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.funds.settle(
            session.acting(), session.mandate(motion), name, uuid, granted=cents_of(grant), reasons=reasons
        )
    _tell_claim(out, made)


@app.command("compensate", epilog=example("tocsin fund compensate region 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77"))
def compensate(name: FundArgument, uuid: ClaimArgument, json: JsonOption = False) -> None:
    """Enter that a granted claim was paid."""
    out = Output(json=json)
    with opened() as session:
        tell(out, session.hub.funds.compensate(session.acting(), name, uuid))


@app.command("books", epilog=example("tocsin fund books region"))
def books(
    name: FundArgument,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="PARTY", help="As this party may see them: totals, and its own.")
    ] = None,
    entries: Annotated[bool, typer.Option("--entries", help="Every movement, with its entry in the log.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the accounts: all of them to who runs the hub; to a party the totals and its own."""
    out = Output(json=json)
    if as_ is not None and (entries or "@" in as_):
        raise UsageError("a party sees totals and its own accounts", where="--as", todo="name the party alone")
    with opened() as session:
        fund = session.hub.funds.get(name)
        whose = None if as_ is None else uri_of(session, as_)
    shown = balances_seen(fund, whose)
    moved = [one for one in fund.books.entries if entries]
    about = fund_document(fund) if whose is None else {"fund": fund.name, "currency": fund.currency}
    out.document({**about, "accounts": shown, "entries": moved})
    out.table(
        ("account", f"debit {fund.currency}", f"credit {fund.currency}"),
        (
            (account, written(amount) if amount >= 0 else "", written(-amount) if amount < 0 else "")
            for account, amount in shown.items()
        ),
        nothing="nothing was entered" if whose is None else "there is nothing that this party may see",
    )
    if whose is None:
        total = sum(amount for amount in shown.values() if amount > 0)
        out.line(f"debits {written(total)}, credits {written(-sum(amount for amount in shown.values() if amount < 0))}")
    if entries:
        out.table(
            ("entry", "what", "amount", "debit", "credit"),
            ((one.index, one.word, written(one.amount), one.debit, one.credit) for one in moved),
            nothing="nothing was entered",
        )


def _outstanding(fund: Fund, project: str) -> int:
    return fund.books.balance(Account.GRANTS, project) + fund.books.balance(Account.LOANS, project)


def _award(fund: Fund, project: str) -> dict[str, object] | None:
    award = fund.case(project).award
    if award is None:
        return None
    return {
        "terms": award.terms,
        "met": sorted(award.met),
        "released": sorted(award.released),
        "measurements": award.measurements,
    }


def _tell_claim(out: Output, made: Claim) -> None:
    out.document(made)
    granted = "" if made.granted == 0 else f", {written(made.granted)} granted"
    out.line(f"claim {made.uuid} is {made.status}: {written(made.amount)}{granted}; {made.reason}")


for _more in (fund_plan.app, fund_award.app):
    app.add_typer(_more)
