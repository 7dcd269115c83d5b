"""``tocsin request``: asking for what an agreement lets one know of, and answering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from tocsin.agreements.grants import DEFAULT_PURPOSES
from tocsin.cli.access_common import PurposesOption, Shown, against
from tocsin.cli.agreement_common import split
from tocsin.cli.options import AsOption, JsonOption, ReasonOption, checked, commands, example, until, words
from tocsin.cli.output import Output, day, instant
from tocsin.cli.session import opened
from tocsin.exchange.access.granting import Terms
from tocsin.kernel.clock import Micros, parse_date

if TYPE_CHECKING:
    from tocsin.exchange.access.request import Request

__all__ = ["app"]

app = commands("Access requests: for what an agreement lets one know of and not read.")

IdArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="REQUEST", help="Its id; `tocsin request list` shows it.")
]
WhyOption: TypeAlias = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the other side reads it.")]


@app.command("ask", epilog=example("tocsin request ask OBJECT-ID --as vannverk --reason 'we run the same pump'"))
def ask(
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="The object's id, as another object refers to it.")],
    as_: AsOption,
    reason: WhyOption,
    json: JsonOption = False,
) -> None:
    """Ask the owner of an object for it, where a reveal clause lets your party know that there is one."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        made = session.hub.requesting.ask(session.acting(as_), party, user, object_, reason=reason)
        names = session.hub.parties.names()
    out.document([_document(one, names, one.asked_at) for one in made])
    for one in made:
        out.line(f"request {one.uuid}: {names[one.owner]} answers until {day(one.due_at)}")


@app.command("list", epilog=example("tocsin request list --as fjordkraft"))
def show_all(
    as_: Annotated[
        str | None, typer.Option("--as", metavar="PARTY", help="What this party asked or was asked; else all.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List requests and their answers; those that are overdue are said to be."""
    _SHOWN.tell_all(lambda session, party: session.hub.requesting.all(party), as_, json=json)


@app.command("grant", epilog=example("tocsin request grant REQUEST-ID --as fjordkraft --until 2026-12-31"))
def grant(
    request: IdArgument,
    as_: AsOption,
    until_: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which the grant ends, within a year.",
            callback=checked("--until", parse_date),
        ),
    ],
    purposes: PurposesOption = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Answer with a grant of the object to who asked."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        terms = Terms(
            object_id="",
            to="",
            until=until(until_) or 0,
            purposes=words(purposes) or DEFAULT_PURPOSES,
            reason=reason,
        )
        answered, given = session.hub.requesting.grant(
            session.acting(as_), party, user, request, terms=terms, reason=reason
        )
        names = session.hub.parties.names()
    out.document(_document(answered, names, answered.answered_at or 0))
    out.line(f"granted to {names[answered.party]} until {instant(given.grant.until)}: grant {given.grant.uuid}")
    for told in given.closed:
        out.line(f"it opens nothing while this stands against it: {against(told)}")


@app.command(
    "refuse", epilog=example("tocsin request refuse REQUEST-ID --as fjordkraft --reason 'under investigation'")
)
def refuse(request: IdArgument, as_: AsOption, reason: WhyOption, json: JsonOption = False) -> None:
    """Answer with a refusal and its reason."""
    _SHOWN.end(
        lambda session, acting, party, user: session.hub.requesting.refuse(acting, party, user, request, reason=reason),
        lambda answered, names: f"refused to {names[answered.party]}",
        as_,
        json=json,
    )


@app.command(
    "amend", epilog=example("tocsin request amend REQUEST-ID --as fjordkraft --proposal nordic-grid-exchange/4")
)
def amend(
    request: IdArgument,
    as_: AsOption,
    proposal: Annotated[
        str, typer.Option("--proposal", metavar="NAME/VERSION", help="The version of an agreement that would open it.")
    ],
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Answer with a version of an agreement that would open what was asked for to all in the same place."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        answered = session.hub.requesting.amend(
            session.acting(as_), party, user, request, amendment=proposal, reason=reason
        )
        names = session.hub.parties.names()
        name, number = split(proposal)
        unsigned = session.hub.agreements.get(name, number).eligible
    out.document(_document(answered, names, answered.answered_at or 0))
    asker, owner = names[answered.party], names[answered.owner]
    out.line(f"answered with {proposal}: the answer is in the log, for {asker} and {owner}")
    out.line(f"{asker} reads nothing more yet: only once {proposal} is in force, and binds both of you")
    left = [one for one in (owner, asker) if one in unsigned]
    for one in left:
        out.line(f"next: tocsin agreement sign {proposal} --as {one}")
    if not left:
        out.line(f"next: tocsin agreement show {proposal} (both of you signed it; it says what is missing)")


@app.command("withdraw", epilog=example("tocsin request withdraw REQUEST-ID --as vannverk"))
def withdraw(request: IdArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Withdraw a request, for who asked."""
    _SHOWN.end(
        lambda session, acting, party, _user: session.hub.requesting.withdraw(acting, party, request),
        lambda _answered, _names: "withdrawn",
        as_,
        json=json,
    )


def _document(one: Request, names: dict[str, str], now: Micros) -> dict[str, object]:
    return {
        "request": one.uuid,
        "party": names[one.party],
        "user": one.user,
        "owner": names[one.owner],
        "object": one.object_id,
        "clause": one.clause,
        "reason": one.reason,
        "asked_at": instant(one.asked_at),
        "due_at": instant(one.due_at),
        "status": _status(one, now),
        "answered_at": instant(one.answered_at),
        "answer": one.answer,
        "grant": one.grant,
        "amendment": one.amendment,
    }


def _status(one: Request, now: Micros) -> str:
    if one.outcome is not None:
        return str(one.outcome)
    return "overdue" if now >= one.due_at else "open"


def _row(one: Request, names: dict[str, str], now: Micros) -> tuple[object, ...]:
    return (
        one.uuid,
        names[one.party],
        names[one.owner],
        one.object_id,
        one.clause,
        day(one.due_at),
        _status(one, now),
        one.reason,
        one.answer or one.amendment or "",
    )


_SHOWN: Final = Shown(
    columns=("request", "by", "of", "object", "under", "due", "status", "reason", "answer"),
    row=_row,
    document=_document,
    nothing="there are no requests",
)
