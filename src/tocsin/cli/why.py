"""``tocsin why`` and ``tocsin who``: the reasons of a verdict, and who received what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsOption, JsonOption, PurposeOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.session import opened
from tocsin.exchange.api import forms
from tocsin.exchange.asking import Question

if TYPE_CHECKING:
    from tocsin.agreements.explain import BasisAccount, ClauseAccount
    from tocsin.exchange.asking import Standing, Why

__all__ = ["app"]

app = commands()

ObjectArgument = Annotated[str, typer.Argument(metavar="OBJECT", help="The id of an object.")]


@app.command("why", epilog=example("tocsin why indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --as national-cert"))
def why(
    object_id: ObjectArgument,
    as_: AsOption,
    purpose: PurposeOption = "detect",
    reader: Annotated[
        str | None,
        typer.Option("--reader", metavar="PARTY|USER@PARTY", help="Whose reading is asked about, by the owner."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say why an object may or may not be read: the clause, what it rests on, and its policy.

    Of what one may not see it says what it says of what does not exist, except to its owner and to auditors.
    """
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        found = session.hub.asking.why(
            Question(
                object_id=object_id,
                party=party,
                user=user,
                acting=session.acting(as_),
                purpose=purpose,
                reader=reader,
            )
        )
    out.document(forms.verdicts(found))
    for place, one in enumerate(found):
        if place:
            out.line()
        _why_text(out, one)


def _why_text(out: Output, one: Why) -> None:
    told = one.explanation
    end = "" if told.verdict.valid_until is None else f", until {instant(told.verdict.valid_until)}"
    out.line(f"{told.verdict.effect.upper()}: {one.reader} reads, to {one.purpose}{end}", style="bold")
    marked = f"TLP:{one.label.tlp.upper()}" + (f", PAP:{one.label.pap.upper()}" if one.label.pap else "")
    out.line(f"  {one.object_id}, version {one.version}, of {one.owner}; {marked}")
    for account in told.reasons:
        _clause_text(out, account)
    if not told.reasons and not told.verdict.allows:
        out.line("  no clause permits it")
    for account in told.missing:
        out.line(f"  would permit it: {_called(account)}")
        out.line(f"    {account.sentence}")
        for failed in account.failed:
            out.line(f"    {failed}")
        _bases_text(out, account.bases)
    for remark in told.remarks:
        out.line(f"  {remark.text}")
    for term in told.terms:
        out.line(f"  {term.kind}: {term.statement}")


def _clause_text(out: Output, account: ClauseAccount) -> None:
    verb = "permitted" if account.effect == "allow" else "forbidden"
    out.line(f"  {verb} by {_called(account)}")
    out.line(f"    {account.sentence}")
    for failed in account.failed:
        out.line(f"    {failed}")
    _bases_text(out, account.bases)
    out.lines(account.cedar, indent="      ", style="dim")


def _bases_text(out: Output, bases: tuple[BasisAccount, ...]) -> None:
    for basis in bases:
        out.line(f"    {basis.sentence}")


def _called(account: ClauseAccount) -> str:
    if account.agreement is None:
        return f"the hub's own rule {account.clause}"
    return f"{account.agreement} version {account.version}, clause {account.clause}"


@app.command("who", epilog=example("tocsin who indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --as fjordkraft"))
def who(
    object_id: ObjectArgument,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="PARTY|USER@PARTY", help="Who asks, as its owner; the operator if not given."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say who received an object, and who may now, or what they lack: for owner, auditor and operator."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.itself() if as_ is None else session.resolve(as_)
        account = session.hub.asking.who(
            Question(object_id=object_id, party=party, user=user, acting=session.acting(as_))
        )
    out.document(forms.who_received(account))
    out.line(f"{account.object_id}, of {', '.join(account.owners)}", style="bold")
    entry = ("log entry",) if account.entries_told else ()
    out.table(
        ("received", "by", "acting", "for", "purpose", "kind", "version", *entry),
        (
            (
                one.at,
                one.party,
                one.actor,
                one.on_behalf_of or "-",
                one.purpose,
                one.kind if one.clause is None else f"{one.kind}, {one.clause}",
                one.version,
                *(("staged" if one.log_entry is None else one.log_entry,) if entry else ()),
            )
            for one in account.received
        ),
        nothing="nobody received it",
    )
    out.line()
    out.table(
        ("may now", "version", "for", "lacks"),
        ((one.reader, one.version, ", ".join(one.purposes) or "nothing", _lacks(one)) for one in account.standings),
        nothing="there is nobody else",
    )


def _lacks(one: Standing) -> str:
    if one.purposes:
        return ""
    told = one.explanation
    return " | ".join(
        [
            *(f"{_called(account)}: {account.sentence}" for account in told.reasons),
            *(f"{_called(account)}: {'; '.join(account.failed)}" for account in told.missing),
            *(remark.text for remark in told.remarks),
        ]
    )
