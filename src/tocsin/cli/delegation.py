"""``tocsin delegation``: who shares on behalf of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.access_common import GivenOption, Shown, status_of
from tocsin.cli.agreement_common import KeyOption, MlDsaKeyOption, signatures
from tocsin.cli.options import AsOption, JsonOption, ReasonOption, checked, commands, example, until, words
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import opened
from tocsin.errors import UsageError
from tocsin.kernel.clock import Micros, parse_date

if TYPE_CHECKING:
    from tocsin.exchange.access.delegation import Delegation

__all__ = ["app"]

app = commands("Delegations: who shares on behalf of whom.")


@app.command(
    "give", epilog=example("tocsin delegation give --as kari@kommune --to soc-as --until 2027-12-31 --type indicator")
)
def give(
    as_: Annotated[str, typer.Option("--as", metavar="USER@PARTY", help="The represented party's signatory.")],
    to: Annotated[str, typer.Option("--to", metavar="PARTY", help="Who may share for it.")],
    until_: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which it ends, within three years.",
            callback=checked("--until", parse_date),
        ),
    ],
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Objects of these STIX types; else of all.")
    ] = None,
    tlp: Annotated[Tlp, typer.Option("--tlp", help="Up to this TLP.")] = Tlp.AMBER,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    json: JsonOption = False,
) -> None:
    """Let another party share for yours, within these bounds: signed with the signatory's own keys."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        if user is None:
            raise UsageError("a delegation is signed by a person", where="--as", todo="name the signatory: USER@PARTY")
        draft, message = session.hub.delegating.draft(
            party,
            session.hub.parties.get(to),
            types=words(types) or None,
            tlp=tlp,
            until=until(until_) or 0,
            signatory=user.name,
        )
        made = signatures(session, as_, message, key=key, ml_dsa_key=ml_dsa_key, given=(None, None))
        given = session.hub.delegating.give(
            session.acting(as_), draft, made.signature, ml_dsa_signature=made.ml_dsa_signature
        )
        names = session.hub.parties.names()
    out.document(_document(given, names, given.given_at))
    out.line(f"delegation {given.uuid}: {to} may share for {party.name} until {instant(given.until)}")


@app.command("list", epilog=example("tocsin delegation list --as kommune"))
def show_all(
    as_: GivenOption = None,
    json: JsonOption = False,
) -> None:
    """List delegations, those that are over included."""
    _SHOWN.tell_all(lambda session, party: session.hub.delegating.all(party), as_, json=json)


@app.command(
    "revoke", epilog=example("tocsin delegation revoke DELEGATION-ID --as kommune --reason 'another provider'")
)
def revoke(
    delegation: Annotated[str, typer.Argument(metavar="DELEGATION", help="Its id; `tocsin delegation list` shows it.")],
    as_: AsOption,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """End a delegation now, for the represented party."""
    _SHOWN.end(
        lambda session, acting, party, user: session.hub.delegating.revoke(acting, party, user, delegation, reason),
        lambda revoked, _names: f"delegation {revoked.uuid} is revoked",
        as_,
        json=json,
    )


def _document(one: Delegation, names: dict[str, str], now: Micros) -> dict[str, object]:
    return {
        "delegation": one.uuid,
        "represented": names[one.represented],
        "delegate": names[one.delegate],
        "types": None if one.types is None else sorted(one.types),
        "tlp": one.tlp,
        "given_at": instant(one.given_at),
        "until": instant(one.until),
        "signatory": one.signatory,
        "revoked_at": instant(one.revoked_at),
        "status": status_of(one, now),
    }


def _row(one: Delegation, names: dict[str, str], now: Micros) -> tuple[object, ...]:
    return (
        one.uuid,
        names[one.represented],
        names[one.delegate],
        "all" if one.types is None else listed(one.types),
        one.tlp,
        instant(one.until),
        one.signatory,
        status_of(one, now),
    )


_SHOWN: Final = Shown(
    columns=("delegation", "for", "by", "types", "up to", "until", "signed by", "status"),
    row=_row,
    document=_document,
    nothing="there are no delegations",
)
