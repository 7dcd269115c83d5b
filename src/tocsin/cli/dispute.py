"""``tocsin dispute``: complaints, appeals against a suspension, disputes of a label or an attribution."""

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
from tocsin.cli.output import Output, instant
from tocsin.cli.session import Session, opened
from tocsin.errors import UsageError
from tocsin.exchange.stix.types import check_object_id
from tocsin.governance.model.disputes import Dispute, DisputeKind, Outcome

__all__ = ["app"]

app = commands("Disputes: filed, mediated, settled or decided, appealed; each stage with a clock.")

DisputeArgument = Annotated[str, typer.Argument(metavar="DISPUTE", help="Its UUID, as `dispute list` shows it.")]
AsPartyOption = Annotated[
    str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="For whom you act; the log names both of you.")
]
ViewerOption = Annotated[
    str | None, typer.Option("--as", metavar="PARTY", help="As this party sees it; everything if not given.")
]


@app.command(
    "file",
    epilog=example(
        "tocsin dispute file label --as sig@fjordkraft --against national-cert "
        "--object indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --statement 'It names our customer.'"
    ),
)
def file(
    kind: Annotated[
        DisputeKind, typer.Argument(metavar="KIND", help="complaint, suspension (of yourself), label or attribution.")
    ],
    as_: AsPartyOption,
    against: Annotated[str, typer.Option("--against", metavar="PARTY", help="With whom.")],
    statement: Annotated[str, typer.Option("--statement", metavar="TEXT", help="What is wrong, and what is asked.")],
    object_: Annotated[
        str | None,
        typer.Option(
            "--object",
            metavar="ID",
            help="The object that it is about, if one is.",
            callback=checked("--object", check_object_id),
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """File a dispute with another party; its first clock begins to run."""
    out = Output(json=json)
    with opened() as session:
        dispute = session.hub.disputes.file(
            session.acting(as_),
            kind,
            complainant=as_.rpartition("@")[2],
            respondent=against,
            statement=statement,
            subject=object_ or "",
        )
        _tell(out, session, dispute)


@app.command(
    "mediate", epilog=example("tocsin dispute mediate 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --mediator eva@regulator")
)
def mediate(
    uuid: DisputeArgument,
    mediator: Annotated[str, typer.Option("--mediator", metavar="USER@PARTY", help="Somebody of neither party.")],
    json: JsonOption = False,
) -> None:
    """Name a mediator; the clock of the mediation begins to run."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session, session.hub.disputes.mediate(session.acting(), uuid, mediator))


@app.command(
    "settle",
    epilog=example(
        "tocsin dispute settle 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --as kari@fjordkraft --terms 'It is marked amber.'"
    ),
)
def settle(
    uuid: DisputeArgument,
    as_: AsPartyOption,
    terms: Annotated[str, typer.Option("--terms", metavar="TEXT", help="What both agree on.")],
    json: JsonOption = False,
) -> None:
    """Offer terms; when the other party offers the same words the dispute is settled."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session, session.hub.disputes.offer(session.acting(as_), uuid, as_.rpartition("@")[2], terms))


@app.command(
    "withdraw", epilog=example("tocsin dispute withdraw 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --as kari@fjordkraft")
)
def withdraw(
    uuid: DisputeArgument,
    as_: AsPartyOption,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Take back a dispute, or an appeal: then the first decision is final."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session, session.hub.disputes.withdraw(session.acting(as_), uuid, as_.rpartition("@")[2], reason))


@app.command(
    "decide",
    epilog=example(
        "tocsin dispute decide 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 upheld "
        "--reasons 'It names a customer.' --remedy 'Mark it amber.'"
    ),
)
def decide(
    uuid: DisputeArgument,
    outcome: Annotated[Outcome, typer.Argument(metavar="OUTCOME", help="upheld, partly-upheld or rejected.")],
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="Why.")],
    remedy: Annotated[str, typer.Option("--remedy", metavar="TEXT", help="What is to be done.")] = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Decide a dispute or an appeal; what the remedy says is done by a command of its own."""
    out = Output(json=json)
    with opened() as session:
        dispute = session.hub.disputes.decide(
            session.acting(), session.mandate(motion), uuid, outcome=outcome, reasons=reasons, remedy=remedy
        )
        _tell(out, session, dispute)


@app.command(
    "appeal",
    epilog=example(
        "tocsin dispute appeal 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 "
        "--as kari@fjordkraft --reasons 'The log says otherwise.'"
    ),
)
def appeal(
    uuid: DisputeArgument,
    as_: AsPartyOption,
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="Why.")],
    json: JsonOption = False,
) -> None:
    """Appeal against the first decision, while its time runs."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session, session.hub.disputes.appeal(session.acting(as_), uuid, as_.rpartition("@")[2], reasons))


@app.command("conclude", epilog=example("tocsin dispute conclude"))
def conclude(json: JsonOption = False) -> None:
    """Make final what was decided and not appealed in its time."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.disputes.conclude_due(session.acting())
        names, now = session.hub.parties.names(), session.hub.disputes.now()
    out.document([_document(dispute, names, now) for dispute in made])
    for dispute in made:
        out.line(f"dispute {dispute.uuid} is {dispute.status}")
    if not made:
        out.line("nothing is due")


@app.command("list", epilog=example("tocsin dispute list --overdue"))
def show_all(
    as_: ViewerOption = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose clock has run out.")] = False,
    json: JsonOption = False,
) -> None:
    """List disputes, oldest first, with their clocks."""
    out = Output(json=json)
    with opened() as session:
        names, now = session.hub.parties.names(), session.hub.disputes.now()
        found = [one for one in session.hub.disputes.all(_viewer(as_)) if not overdue or one.overdue(now)]
    out.document([_document(dispute, names, now) for dispute in found])
    out.table(
        ("dispute", "kind", "by", "with", "status", "due", "about"),
        (
            (
                one.uuid,
                one.kind,
                names.get(one.complainant, one.complainant),
                names.get(one.respondent, one.respondent),
                one.status,
                (instant(one.due) or "-") + (", overdue" if one.overdue(now) else ""),
                one.subject or "-",
            )
            for one in found
        ),
        nothing="there are no disputes",
    )


@app.command("show", epilog=example("tocsin dispute show 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77"))
def show(uuid: DisputeArgument, as_: ViewerOption = None, json: JsonOption = False) -> None:
    """Show a dispute: what is asked, who said what, and what was decided."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session, session.hub.disputes.get(uuid, _viewer(as_)))


def _viewer(as_: str | None) -> str | None:
    if as_ is not None and "@" in as_:
        raise UsageError("a party sees a dispute", where="--as", todo="name the party alone")
    return as_


def _tell(out: Output, session: Session, dispute: Dispute) -> None:
    names, now = session.hub.parties.names(), session.hub.disputes.now()
    out.document(_document(dispute, names, now))
    out.line(f"{dispute.uuid}  {dispute.kind}", style="bold")
    for label, value in (
        ("status", dispute.status),
        ("due", (instant(dispute.due) or "-") + (", overdue" if dispute.overdue(now) else "")),
        ("by", f"{names.get(dispute.complainant, dispute.complainant)} ({dispute.filed_by})"),
        ("with", names.get(dispute.respondent, dispute.respondent)),
        ("about", dispute.subject or "-"),
        ("statement", dispute.statement),
        ("mediator", dispute.mediator or "-"),
    ):
        out.line(f"  {label:10} {value}")
    for party, terms in sorted(dispute.offers.items()):
        out.line(f"  offer      {names.get(party, party)}: {terms}")
    for decision in dispute.decisions:
        out.line(f"  decision   {decision.outcome}: {decision.reasons} ({decision.mandate})")
        if decision.remedy:
            out.line(f"  remedy     {decision.remedy}")
    if dispute.appeal is not None:
        out.line(f"  appeal     {names.get(dispute.appeal.party, dispute.appeal.party)}: {dispute.appeal.reasons}")


def _document(dispute: Dispute, names: dict[str, str], now: int) -> dict[str, object]:
    return {
        "dispute": dispute.uuid,
        "kind": dispute.kind,
        "status": dispute.status,
        "complainant": names.get(dispute.complainant, dispute.complainant),
        "respondent": names.get(dispute.respondent, dispute.respondent),
        "about": dispute.subject,
        "statement": dispute.statement,
        "filed_by": dispute.filed_by,
        "filed_at": instant(dispute.filed_at),
        "due": instant(dispute.due),
        "overdue": dispute.overdue(now),
        "mediator": dispute.mediator,
        "offers": {names.get(party, party): terms for party, terms in dispute.offers.items()},
        "decisions": [
            {
                "outcome": one.outcome,
                "reasons": one.reasons,
                "remedy": one.remedy,
                "mandate": one.mandate,
                "at": instant(one.at),
            }
            for one in dispute.decisions
        ],
        "appeal": None
        if dispute.appeal is None
        else {
            "party": names.get(dispute.appeal.party, dispute.appeal.party),
            "reasons": dispute.appeal.reasons,
            "at": instant(dispute.appeal.at),
        },
        "closed_at": instant(dispute.closed_at),
    }
