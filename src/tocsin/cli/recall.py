"""``tocsin recall``: what was shared is called back, and who received it attests what became of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from tocsin.cli.alarm import banner
from tocsin.cli.options import AsOption, JsonOption, MotionOption, checked, commands, example, words
from tocsin.cli.output import Output, day, instant
from tocsin.cli.session import Session, opened
from tocsin.exchange.asking import Account, Question
from tocsin.exchange.recall.model import Answer, Attestation, Demand, Notice
from tocsin.exchange.recall.service import Decided, Report
from tocsin.kernel.clock import parse_date, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Party, User

__all__ = ["app"]

app = commands("Recalls: what was shared is called back, and who received it attests what became of it.")

RecallArgument = Annotated[str, typer.Argument(metavar="RECALL", help="The recall's id.")]
OwnerOption = Annotated[
    str | None, typer.Option("--as", metavar="PARTY", help="Whose recalls; every one's if not given.")
]


FromOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from", metavar="PARTIES", help="Only from these, by short names; it stays on offer for the others."
    ),
]
ByOption = Annotated[
    str,
    typer.Option(
        "--by", metavar="DATE", help="The UTC day on which it is to be done.", callback=checked("--by", parse_date)
    ),
]
BecauseOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: its recipients read it.")]
StopOption = Annotated[bool, typer.Option("--stop-using", help="It is to be used no more, and need not be destroyed.")]
VersionsOption = Annotated[
    list[str] | None,
    typer.Option("--version", metavar="INSTANT", help="Only this version; several times."),
]


@app.command(
    "order",
    epilog=example(
        "tocsin recall order indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --as fjordkraft --by 2026-12-01 "
        "--reason 'names a customer'"
    ),
)
def order(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="The id of an object of that party's.")],
    as_: Annotated[str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="Its owner; the log names both of you.")],
    by: ByOption,
    reason: BecauseOption,
    from_: FromOption = None,
    stop_using: StopOption = False,
    version: VersionsOption = None,
    json: JsonOption = False,
) -> None:
    """Call an object back from who received it; nobody reads it any more, and the hub destroys its copy.

    With `--from`, from some of them only: it stays on offer for the others.
    """
    out = Output(json=json)
    with opened() as session:
        owner, user = session.resolve(as_)
        asked = _Asked(
            owner=owner, acting=session.acting(as_), asker=(owner, user), object_id=object_id, by=by, reason=reason
        )
        _order(out, session, asked, from_=from_, stop_using=stop_using, version=version)


@app.command(
    "impose",
    epilog=example(
        "tocsin recall impose indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --of fjordkraft --by 2026-12-01 "
        "--reason 'the council decided' --motion 6b2a4f0e-3f1d-4c8e-9a57-0f4f3c1f6d11"
    ),
)
def impose(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="The object's id.")],
    of: Annotated[str, typer.Option("--of", metavar="PARTY", help="Whose object it is.")],
    by: ByOption,
    reason: BecauseOption,
    basis: Annotated[
        str | None,
        typer.Option("--basis", metavar="TEXT", help="What decides it: the motion's subject, or the object's id."),
    ] = None,
    from_: FromOption = None,
    stop_using: StopOption = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Carry out what a body decided: call a party's object back, from everybody who received it or from some."""
    out = Output(json=json)
    with opened() as session:
        owner, _ = session.resolve(of)
        mandate = session.mandate(motion)
        asked = _Asked(
            owner=owner,
            acting=session.acting(),
            asker=session.itself(),
            object_id=object_id,
            by=by,
            reason=reason,
            decided=Decided(mandate=mandate, basis=basis or mandate.subject or object_id),
        )
        _order(out, session, asked, from_=from_, stop_using=stop_using, version=None)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What both commands order: whose object, who acts and who asks, by when and why."""

    owner: Party
    acting: Acting
    asker: tuple[Party, User | None]
    object_id: str
    by: str
    reason: str
    decided: Decided | None = None


def _order(
    out: Output,
    session: Session,
    asked: _Asked,
    *,
    from_: list[str] | None,
    stop_using: bool,
    version: list[str] | None,
) -> None:
    names = words(from_)
    recalls = session.hub.recalls.recall(
        asked.acting,
        asked.owner.uri,
        asked.object_id,
        demand=Demand.STOP_USING if stop_using else Demand.DESTROY,
        due=parse_date(asked.by),
        reason=asked.reason,
        versions=None if not version else [parse_instant(one) for one in version],
        recipients=None if from_ is None else frozenset(session.resolve(one)[0].uri for one in names),
        decided=asked.decided,
    )
    session.hub.retention.erase()
    reports = [session.hub.recalls.report(one.uuid, asked.owner.uri) for one in recalls]
    still: set[str] | None = set()
    if names:  # it stays on offer, and who still meets a clause could fetch it again
        party, user = asked.asker
        question = Question(object_id=asked.object_id, party=party, user=user, acting=asked.acting)
        account = out.after(lambda: session.hub.asking.who(question))
        still = None if account is None else _may_read(account) & names
    called = session.hub.parties.names()
    out.document(
        [_report(one, called) | {"may_still_read": None if still is None else sorted(still)} for one in reports]
    )
    for one in reports:
        out.line(f"recall {one.recall.uuid}: {len(one.recipients)} are told, by {day(one.recall.due)}")
        out.line(f"next: tocsin recall report {one.recall.uuid}")
    for name in sorted(still or ()):
        out.line(f"  {name} may still read it here: `tocsin who {asked.object_id}` says by which clause")


def _may_read(account: Account) -> set[str]:
    """Return the parties that may still read it for some purpose, themselves or one of their people."""
    return {one.reader.rpartition("@")[2] for one in account.standings if one.purposes}


@app.command("list", epilog=example("tocsin recall list --as fjordkraft"))
def show_all(as_: OwnerOption = None, json: JsonOption = False) -> None:
    """List recalls, and how many of their recipients have not attested."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session, as_)
        owner = None if as_ is None else session.resolve(as_)[0].uri
        reports = session.hub.recalls.ordered(owner)
        called = session.hub.parties.names()
    out.document([_report(one, called) for one in reports])
    out.table(
        ("recall", "of", "ordered", "by", "demand", "objects", "recipients", "open", "reason"),
        (
            (
                one.recall.uuid,
                called[one.recall.owner],
                day(one.recall.ordered_at),
                day(one.recall.due),
                one.recall.demand,
                len(one.objects),
                len(one.recipients),
                sum(recipient.attested is None for recipient in one.recipients),
                one.recall.reason,
            )
            for one in reports
        ),
        nothing="nothing was called back",
    )


@app.command("report", epilog=example("tocsin recall report 1b4e28ba-2fa1-41d2-883f-0016d3cca427 --as fjordkraft"))
def report(recall: RecallArgument, as_: OwnerOption = None, json: JsonOption = False) -> None:
    """Say who was told, who attested what, and who is overdue: for owner, auditor and operator."""
    out = Output(json=json)
    with opened() as session:
        owner = None if as_ is None else session.resolve(as_)[0].uri
        found = session.hub.recalls.report(recall, owner)
        called = session.hub.parties.names()
    out.document(_report(found, called))
    of = found.recall
    out.line(f"{of.demand} by {instant(of.due)}: {of.reason}", style="bold")
    out.line(
        f"{len(found.objects)} objects of {called[of.owner]}, by {of.actor}" + (f", {of.basis}" if of.basis else "")
    )
    for what, count in found.ours.items():
        out.line(f"the hub's own copies: {count} {what}")
    out.table(
        ("state", "party", "notice", "objects", "attested", "until", "says", "by"),
        (
            (
                one.state,
                called[one.party],
                one.notice,
                one.objects,
                one.attested.answer if one.attested else "-",
                day(one.attested.until) if one.attested else "",
                one.attested.remark if one.attested else "",
                (one.attested.on_behalf_of or one.attested.actor) if one.attested else "",
            )
            for one in found.recipients
        ),
        nothing="nobody received any of it",
    )


@app.command("notices", epilog=example("tocsin recall notices --as lena@tidewater"))
def notices(as_: AsOption, json: JsonOption = False) -> None:
    """List what a party was told to give back, and where it stands."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        found = session.hub.recalls.notices(party, user)
    out.document([_notice(one) for one in found])
    out.table(
        ("notice", "state", "by", "demand", "objects", "reason"),
        ((one.uuid, one.state, day(one.due), one.demand, len(one.objects) + one.withheld, one.reason) for one in found),
        nothing="nothing was called back from this party",
    )


@app.command(
    "attest",
    epilog=example(
        "tocsin recall attest 1b4e28ba-2fa1-41d2-883f-0016d3cca427 destroyed-except-backups --until 2027-01-31 "
        "--as lena@tidewater"
    ),
)
def attest(
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="The notice's id.")],
    answer: Annotated[Answer, typer.Argument(help="What became of it.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="USER@PARTY", help="A liaison or signatory; the log names both of you.")
    ],
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="The UTC day on which the backups are gone.")
    ] = None,
    remark: Annotated[
        str, typer.Option("--remark", metavar="TEXT", help="The basis of a hold, or why it cannot be done.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Attest for a recipient what became of what a notice is about."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        told = session.hub.recalls.attest(
            session.acting(as_),
            party,
            user,
            notice,
            answer=answer,
            until=None if until is None else parse_date(until),
            remark=remark,
        )
    out.document(_notice(told))
    out.line(f"notice {notice}: {told.state}")


# --- as JSON ---------------------------------------------------------------------------------------------------------


def _report(one: Report, called: dict[str, str]) -> dict[str, object]:
    of = one.recall
    return {
        "recall": of.uuid,
        "owner": called[of.owner],
        "authority": str(of.authority),
        "basis": of.basis,
        "demand": str(of.demand),
        "due": instant(of.due),
        "reason": of.reason,
        "ordered": instant(of.ordered_at),
        "actor": of.actor,
        "on_behalf_of": of.on_behalf_of,
        "objects": [{"id": named.id, "version": instant(named.version)} for named in one.objects],
        "hub": one.ours,
        "recipients": [
            {
                "notice": recipient.notice,
                "party": called[recipient.party],
                "objects": recipient.objects,
                "state": str(recipient.state),
                "attested": _attested(recipient.attested),
            }
            for recipient in one.recipients
        ],
    }


def _notice(one: Notice) -> dict[str, object]:
    return {
        "notice": one.uuid,
        "state": str(one.state),
        "demand": str(one.demand),
        "due": instant(one.due),
        "reason": one.reason,
        "ordered": instant(one.ordered_at),
        "objects": [{"id": named.id, "version": instant(named.version)} for named in one.objects],
        "withheld": one.withheld,
        "attested": _attested(one.attested),
    }


def _attested(one: Attestation | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {
        "answer": str(one.answer),
        "until": instant(one.until),
        "remark": one.remark,
        "by": one.on_behalf_of or one.actor,
        "at": instant(one.at),
    }
