"""``tocsin vetting``: what is due, and what ends when it is not done."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.options import (
    JsonOption,
    MotionOption,
    ReasonOption,
    checked,
    commands,
    example,
)
from tocsin.cli.output import Output, day, instant
from tocsin.cli.session import opened
from tocsin.kernel.clock import DAY, parse_date
from tocsin.parties.model import PartyStatus

__all__ = ["app"]

app = commands("Vetting: what is due, and what ends when it is not done.")


@app.command("due", epilog=example("tocsin vetting due --within 60"))
def due(
    within: Annotated[int, typer.Option("--within", min=0, max=3_660, help="Within so many days.")] = 30,
    json: JsonOption = False,
) -> None:
    """List vettings, clearances and papers that end soon, and access reviews that are due; overdue ones first."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.vetting.due(within * DAY)
    out.document(
        [
            {"kind": one.kind, "party": one.party, "what": one.what, "at": instant(one.at), "overdue": one.overdue}
            for one in found
        ]
    )
    out.table(
        ("when", "party", "what", "", "overdue"),
        ((day(one.at), one.party, one.kind, one.what, "yes" if one.overdue else "") for one in found),
        nothing=f"nothing is due within {within} days",
    )


@app.command("review", epilog=example("tocsin vetting review --as lisa@fjordkraft"))
def review(
    as_: Annotated[str, typer.Option("--as", metavar="USER@PARTY", help="The party's liaison, who has looked.")],
    json: JsonOption = False,
) -> None:
    """Enter that a party's liaison has looked who of theirs has which roles and tokens: `user list` shows them."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.vetting.review_access(session.acting(as_))
        party = session.resolve(as_)[0]
    out.document(
        {
            "party": party.name,
            "by": made.by,
            "at": instant(made.at),
            "users": made.users,
            "tokens": made.tokens,
            "digest": made.digest,
        }
    )
    out.line(f"{as_} has reviewed {made.users} people and {made.tokens} tokens of {party.name}")


@app.command(
    "prolong", epilog=example("tocsin vetting prolong fjordkraft --until 2026-12-20 --reason 'in an incident'")
)
def prolong(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party, by its short name.")],
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which its vetting ends instead: at most 60 days later than it would have.",
            callback=checked("--until", parse_date),
        ),
    ],
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Put off the end of a party's vetting, before it or after, so that nobody is shut out in an incident."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.vetting.prolong(
            session.acting(), session.mandate(motion), party, until=parse_date(until), reason=reason
        )
        now = session.hub.parties.get(party)
    out.document(
        {
            "party": party,
            "application": made.uuid,
            "until": instant(made.until),
            "prolonged": instant(made.prolonged),
            "reason": made.prolonged_because,
            "status": now.status,
        }
    )
    out.line(f"the vetting of {party} ends on {day(made.prolonged)}, and not on {day(made.until)}")
    if now.status is PartyStatus.SUSPENDED:
        out.line(f"  {party} was suspended meanwhile, and stays so until it is cleared")
    ends = now.clearance_until
    shorter = ends is not None and made.prolonged is not None and ends < made.prolonged
    if shorter:
        out.line(f"  its clearance {now.clearance} ends on {day(ends)}, which is another decision")
    if shorter or now.status is PartyStatus.SUSPENDED:
        out.line(f"next: tocsin party clear {party} --until {until} --reason TEXT")


@app.command("sweep", epilog=example("tocsin vetting sweep"))
def sweep(motion: MotionOption = None, json: JsonOption = False) -> None:
    """Suspend the parties whose vetting has ended. Access reviews that are overdue are listed by `due`, no more."""
    out = Output(json=json)
    with opened() as session:
        swept = session.hub.vetting.sweep(session.acting(), session.mandate(motion))
    out.document({"suspended": list(swept.suspended), "left": list(swept.left)})
    for name in swept.suspended:
        out.line(f"{name} is suspended: its vetting ended")
    for name in swept.left:
        out.line(f"{name}: its vetting ended, and a body has the right to suspend it")
    if not (swept.suspended or swept.left):
        out.line("no vetting has ended")
    if swept.left:
        raise typer.Exit(1)
