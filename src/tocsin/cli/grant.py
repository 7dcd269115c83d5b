"""``tocsin grant``: one object to one party until a day."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import typer

from tocsin.agreements.grants import DEFAULT_PURPOSES, Grant
from tocsin.cli.access_common import GivenOption, PurposesOption, Shown, against, status_of
from tocsin.cli.options import AsOption, JsonOption, ReasonOption, checked, commands, example, until, words
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import opened
from tocsin.exchange.access.granting import Terms
from tocsin.kernel.clock import Micros, parse_date, parse_instant

__all__ = ["app", "grant_document"]

app = commands("Grants: one object, released by its owner to one party until a day.")

UntilDay: TypeAlias = Annotated[
    str,
    typer.Option(
        "--until",
        metavar="DATE",
        help="The UTC day on which it ends, within a year.",
        callback=checked("--until", parse_date),
    ),
]
VersionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="TIME",
        help="This version only, by its `modified`; else all, those that come later included.",
        callback=checked("--version", parse_instant),
    ),
]


@app.command("give", epilog=example("tocsin grant give OBJECT-ID --as fjordkraft --to vannverk --until 2026-12-31"))
def give(
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="The object's id.")],
    as_: AsOption,
    to: Annotated[str, typer.Option("--to", metavar="PARTY", help="To whom.")],
    until_: UntilDay,
    version: VersionOption = None,
    purposes: PurposesOption = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Release an object of your party to another one until a day. Forbids and the marking's own floor stay above it."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        given = session.hub.granting.give(
            session.acting(as_),
            party,
            user,
            Terms(
                object_id=object_,
                to=to,
                until=until(until_) or 0,
                version=None if version is None else parse_instant(version),
                purposes=words(purposes) or DEFAULT_PURPOSES,
                reason=reason,
            ),
        )
        names = session.hub.parties.names()
    closed = [against(one) for one in given.closed]
    out.document(
        grant_document(given.grant, names, given.grant.given_at)
        | {"offered": [instant(one) for one in given.offered], "closed": closed}
    )
    versions = "1 version" if len(given.offered) == 1 else f"{len(given.offered)} versions"
    out.line(f"grant {given.grant.uuid}: {versions} to {to}, until {instant(given.grant.until)}")
    for told in closed:
        out.line(f"it opens nothing while this stands against it: {told}")


@app.command("list", epilog=example("tocsin grant list --as fjordkraft"))
def show_all(
    as_: GivenOption = None,
    json: JsonOption = False,
) -> None:
    """List grants, those that are over included."""
    _SHOWN.tell_all(lambda session, party: session.hub.granting.all(party), as_, json=json)


@app.command("revoke", epilog=example("tocsin grant revoke GRANT-ID --as fjordkraft --reason 'the incident is over'"))
def revoke(
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="Its id; `tocsin grant list` shows it.")],
    as_: AsOption,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """End a grant now. What was released under it stays released: an order to destroy it is a recall."""
    _SHOWN.end(
        lambda session, acting, party, user: session.hub.granting.revoke(acting, party, user, grant, reason),
        lambda revoked, names: f"grant {revoked.uuid} to {names[revoked.party]} is revoked",
        as_,
        json=json,
    )


def grant_document(grant: Grant, names: dict[str, str], now: Micros) -> dict[str, object]:
    """Return a grant as JSON tells it; ``names`` are the parties' by their URIs."""
    return {
        "grant": grant.uuid,
        "owner": names[grant.owner],
        "to": names[grant.party],
        "object": grant.object_id,
        "version": instant(grant.version),
        "purposes": sorted(grant.purposes),
        "given_at": instant(grant.given_at),
        "until": instant(grant.until),
        "revoked_at": instant(grant.revoked_at),
        "status": status_of(grant, now),
        "reason": grant.reason,
    }


def _row(grant: Grant, names: dict[str, str], now: Micros) -> tuple[object, ...]:
    return (
        grant.uuid,
        names[grant.owner],
        names[grant.party],
        grant.object_id,
        instant(grant.version) or "all",
        listed(grant.purposes),
        instant(grant.until),
        status_of(grant, now),
        grant.reason,
    )


_SHOWN: Final = Shown(
    columns=("grant", "owner", "to", "object", "version", "for", "until", "status", "reason"),
    row=_row,
    document=grant_document,
    nothing="there are no grants",
)
