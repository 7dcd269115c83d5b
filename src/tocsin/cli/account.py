"""``tocsin party account``: who received what a party shared, signed, and checked by anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.log import KeyOption, vkey
from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import of_file, opened, read_bounded, write_new
from tocsin.errors import InputError
from tocsin.exchange.account.model import Account, Left, Protected, Under
from tocsin.exchange.account.service import check_account
from tocsin.exchange.account.wire import MAX_ACCOUNT_BYTES, decode_account
from tocsin.log.verify import verify_export

__all__ = ["app"]

app = commands()


@app.command("account", epilog=example("tocsin party account fjordkraft --out account.json"))
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The party's short name.")],
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="USER@PARTY",
            help="Who asks: a signatory, liaison or auditor of it; the operator if not given.",
        ),
    ] = None,
    out_file: Annotated[str | None, typer.Option("--out", metavar="FILE", help="A new file for the account.")] = None,
    json: JsonOption = False,
) -> None:
    """Say who received what a party shared, when, by which clause, under which protection; and that nobody else did."""
    out = Output(json=json)
    with opened() as session, out.progress("telling the log") as advance:
        asker = session.itself() if as_ is None else session.resolve(as_)
        party, _ = session.resolve(name)
        account, data = session.hub.accounts.make(session.acting(as_), asker, party, advance)
        called = session.hub.parties.names()
    if out_file is not None:
        write_new(out_file, data, mode=0o600)
        out.document({"file": out_file, "size": account.size, "releases": len(account.releases)})
    elif json:
        out.raw(data)
    out.line(f"Account of {name}, by the first {account.size} entries of {account.origin}", style="bold")
    out.table(
        ("entry", "received", "by", "for", "kind", "objects", "let out by", "protected from"),
        (_row(one, called) for one in account.releases),
        nothing="nobody received anything",
    )
    if account.published:
        out.line("Sanitised versions left in place of it; the publisher owns them, and these received them:")
        out.table(
            ("entry", "received", "by", "for", "kind", "objects", "let out by", "protected from"),
            (_row(one, called) for one in account.instead),
            nothing="nobody yet",
        )
    _say(out, account)
    if out_file is not None:
        out.line(f"anybody checks {out_file} with: tocsin party confirm {out_file} EXPORT --key VKEY")


@app.command("confirm", epilog=example("tocsin party confirm account.json ./log-of-today"))
def confirm(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An account, as `party account --out` wrote it.")],
    directory: Annotated[Path, typer.Argument(metavar="EXPORT", help="An export of the log, made after it.")],
    key: KeyOption = None,
    json: JsonOption = False,
) -> None:
    """Hold an account against an export of the log, offline: no hub, no database, no network."""
    out = Output(json=json)
    source = read_bounded(file, MAX_ACCOUNT_BYTES, "an account")
    try:
        account, pinned = decode_account(source, trusted_vkey=vkey(key))
    except InputError as error:
        todo = error.todo or "name an account's file, as `tocsin party account --out FILE` wrote it"
        raise of_file(file, InputError(error.what, where=error.where, todo=todo)) from error
    with out.progress("verifying") as advance:
        verified = verify_export(directory, trusted_vkey=vkey(key), progress=advance)
    checked = check_account(account, directory, verified)
    out.document(
        {
            "party": account.party,
            "origin": account.origin,
            "size": account.size,
            "releases": checked.releases,
            "whole": checked.whole,
            "pinned": pinned,
        }
    )
    out.line(f"It holds: {checked.releases} releases of what {account.party} shared, by {account.size} entries.")
    out.line(
        "Every entry was read: nobody else received anything."
        if checked.whole
        else "The export discloses the party's own entries: that there are no others of it the hub's signature says; "
        "an export of everything shows it."
    )
    if account.published and not checked.whole:
        out.line("Who received what was published in its place stands in the publisher's entries, not in this export.")
    if not pinned:
        out.line("The key was taken from the account itself: give the hub's with --key.")


def _say(out: Output, account: Account) -> None:
    readers = {one.reader for one in account.releases}
    objects = {named for one in account.releases for under in one.under for named in under.objects}
    out.line(
        f"{len(account.releases)} releases of {len(objects)} objects to {len(readers)} parties. "
        "Nobody else received anything by this checkpoint."
    )
    if account.published:
        out.line(f"{len(account.published)} sanitised versions left in place of them.")
    out.line(f"  root {account.root.hex()}")


def _row(one: Left, called: dict[str, str]) -> tuple[object, ...]:
    by = called.get(one.reader, one.reader)
    client = "" if one.client is None else f" for {called.get(one.client, one.client)}"
    return (
        one.entry,
        one.at,
        (by if one.user is None else f"{one.user}@{by}") + client,
        one.purpose,
        one.kind,
        sum(len(under.objects) for under in one.under),
        "; ".join(sorted({_clauses(under) for under in one.under})),
        "; ".join(sorted({_protection(part) for under in one.under for part in under.protect})) or "-",
    )


def _protection(protected: Protected) -> str:
    stays = {"withdrawal": ", also for who left", "end": ", also after its end"}.get(protected.survives or "", "")
    return f"{', '.join(protected.uses)} ({protected.clause}{stays})"


def _clauses(under: Under) -> str:
    return ", ".join(f"{one.clause}{' on ' + ', '.join(one.bases) if one.bases else ''}" for one in under.clauses)
