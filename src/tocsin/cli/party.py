"""``tocsin party``: organisations."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from tocsin.cli.alarm import banner
from tocsin.cli.options import (
    ClearanceOption,
    CountryOption,
    JsonOption,
    MotionOption,
    ReasonOption,
    UntilOption,
    checked,
    commands,
    example,
    until,
    words,
)
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import Session, opened
from tocsin.errors import UsageError
from tocsin.kernel.clock import DAY, Micros
from tocsin.parties.model import Kind, Party, User, check_country

__all__ = ["app", "party_document", "user_document"]

app = commands("Parties: organisations, their vetting and clearance.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The party's short name.")]
CapacitiesOption = Annotated[list[str] | None, typer.Option("--capacity", help="What it is: operator, csirt, …")]
SectorsOption = Annotated[list[str] | None, typer.Option("--sector", help="Its sectors: energy, …")]
CommunitiesOption = Annotated[list[str] | None, typer.Option("--community", help="Its communities.")]
ClientsOption = Annotated[list[str] | None, typer.Option("--client", help="Parties that it serves, by name or URI.")]
RegionOption = Annotated[str | None, typer.Option("--data-region", help="Where it keeps data: eea.")]


@app.command(
    "add",
    epilog=example(
        "tocsin party add fjordkraft --uri https://fjordkraft.example --kind private --country NO "
        "--capacity operator --sector energy --data-region eea --title 'Fjordkraft AS'"
    ),
)
def add(
    name: NameArgument,
    uri: Annotated[str, typer.Option("--uri", help="What identifies it in the world, for ever.")],
    kind: Annotated[Kind, typer.Option("--kind", help="What sort of organisation it is.")],
    country: CountryOption,
    title: Annotated[str | None, typer.Option("--title", help="Its full name; the short one if not given.")] = None,
    capacity: CapacitiesOption = None,
    sector: SectorsOption = None,
    community: CommunitiesOption = None,
    client: ClientsOption = None,
    data_region: RegionOption = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Admit a party as a candidate; `party clear` then vets it. Lists take commas or repetition."""
    out = Output(json=json)
    with opened() as session:
        party = session.hub.parties.add_party(
            session.acting(),
            session.mandate(motion),
            Party(
                uri=uri,
                name=name,
                title=title or name,
                kind=kind,
                country=country,
                capacities=words(capacity),
                sectors=words(sector),
                communities=words(community),
                clients=frozenset(_uri(session, one) for one in words(client)),
                data_region=data_region,
            ),
        )
    out.document(party_document(party))
    out.line(f"{party.name} is a candidate.")
    out.line(f"next: tocsin party clear {party.name} --clearance restricted")


@app.command(
    "change",
    epilog=example("tocsin party change fjordkraft --title 'Fjordkraft Nett AS' --sector energy,drinking-water"),
)
def change(
    name: NameArgument,
    title: Annotated[str | None, typer.Option("--title", help="Its full name from now on.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What sort of organisation it is.")] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country", metavar="CC", help="Its country, ISO 3166-1: NO.", callback=checked("--country", check_country)
        ),
    ] = None,
    capacity: CapacitiesOption = None,
    sector: SectorsOption = None,
    community: CommunitiesOption = None,
    client: ClientsOption = None,
    data_region: RegionOption = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Change what a party is: what is not named stays, a list takes the place of the old one, '' empties.

    Its short name and its URI are for ever, since agreements and the log name
    it by them. Who may read what follows at once: see `tocsin who`.
    """
    out = Output(json=json)
    with opened() as session:
        old = session.hub.parties.get(name)
        new = replace(
            old,
            title=old.title if title is None else title,
            kind=kind or old.kind,
            country=country or old.country,
            capacities=old.capacities if capacity is None else words(capacity),
            sectors=old.sectors if sector is None else words(sector),
            communities=old.communities if community is None else words(community),
            clients=old.clients if client is None else frozenset(_uri(session, one) for one in words(client)),
            data_region=old.data_region if data_region is None else data_region or None,
        )
        if new == old:
            raise UsageError("nothing would change", where=name, todo="name what is to be another")
        party = session.hub.parties.change_party(session.acting(), session.mandate(motion), new)
    out.document(party_document(party))
    out.line(f"{party.name} is changed; everything it may read is decided anew.")
    out.line(f"next: tocsin party show {party.name}")


def _uri(session: Session, client: str) -> str:
    return client if ":" in client else session.hub.parties.get(client).uri


@app.command("list", epilog=example("tocsin party list"))
def show_all(json: JsonOption = False) -> None:
    """List the parties, those that left included."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session)
        parties = session.hub.parties.all_parties()
    out.document([party_document(party) for party in parties])
    out.table(
        ("party", "title", "kind", "country", "capacity", "sector", "clearance", "until", "status"),
        (
            (
                party.name,
                party.title,
                party.kind,
                party.country,
                listed(party.capacities),
                listed(party.sectors),
                party.clearance,
                day(party.clearance_until),
                party.status,
            )
            for party in parties
        ),
        nothing="there are no parties",
    )


@app.command("show", epilog=example("tocsin party show fjordkraft"))
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a party: attributes, clearance, people, tokens, agreements."""
    out = Output(json=json)
    with opened() as session:
        hub = session.hub
        party, users, tokens = hub.parties.get(name), hub.parties.users(name), hub.parties.tokens(name)
        called = hub.parties.names()
        with hub.store.read() as connection:
            now = hub.log.now(connection)
        agreements = [
            (one, "member" if name in one.members else "may sign" if name in one.eligible else "signed")
            for one in hub.agreements.all_versions()
            if name in one.members or name in one.eligible or any(made.party == name for made in one.signatures)
        ]
    out.document(
        party_document(party)
        | {
            "users": [user_document(user, name) for user in users],
            "tokens": [
                {
                    "token_id": token.token_id,
                    "subject": token.subject,
                    "purpose": token.purpose,
                    "permissions": sorted(token.permissions),
                    "stands": token.stands(now),
                    "expires_at": instant(token.expires_at),
                    "note": token.note,
                }
                for token in tokens
            ],
            "agreements": [
                {"agreement": one.name, "version": one.version, "status": one.status, "standing": standing}
                for one, standing in agreements
            ],
        }
    )
    out.line(f"{party.name}  {party.title}", style="bold")
    for label, value in (
        ("URI", party.uri),
        ("status", party.status),
        ("kind", f"{party.kind}, {party.country}"),
        ("capacity", listed(party.capacities)),
        ("sectors", listed(party.sectors)),
        ("communities", listed(party.communities)),
        ("clients", listed(called.get(client, client) for client in party.clients)),
        ("data region", party.data_region or ""),
        ("clearance", _clearance(party.clearance, party.clearance_until, now)),
    ):
        out.line(f"  {label:12} {value or '-'}")
    out.line()
    out.table(
        ("user", "roles", "clearance", "nationality", "purpose", "key", "status"),
        (
            (
                f"{user.name}@{name}",
                listed(user.roles),
                _clearance(user.clearance, user.clearance_until, now),
                user.nationality or "-",
                user.purpose,
                "registered" if user.signing_key else "-",
                user.status,
            )
            for user in users
        ),
        nothing="no users",
    )
    out.line()
    out.table(
        ("token", "of", "purpose", "until", "good", "note"),
        (
            (
                token.token_id,
                token.subject,
                token.purpose,
                day(token.expires_at) or "no end",
                "yes" if token.stands(now) else "no",
                token.note,
            )
            for token in tokens
        ),
        nothing="no tokens",
    )
    out.line()
    out.table(
        ("agreement", "version", "status", "standing"),
        ((one.name, one.version, one.status, standing) for one, standing in agreements),
        nothing="no agreements",
    )


def _clearance(clearance: str, until_: Micros | None, now: Micros) -> str:
    if until_ is None:
        return clearance
    return f"{clearance} until {day(until_)}" + (" (ended)" if until_ <= now else "")


@app.command("clear", epilog=example("tocsin party clear fjordkraft --clearance restricted --until 2027-12-31"))
def clear(
    name: NameArgument,
    clearance: ClearanceOption = None,
    until_: UntilOption = None,
    reason: ReasonOption = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Vet a party, or vet it anew, and give it a facility clearance; without --clearance it keeps the one it had."""
    out = Output(json=json)
    end = until(until_)
    with opened() as session:
        parties = session.hub.parties
        if clearance is None:
            had = parties.get(name)
            clearance, end = had.clearance, had.clearance_until if until_ is None else end
        party = parties.clear_party(
            session.acting(), session.mandate(motion), name, clearance=clearance, until=end, reason=reason
        )
    out.document(party_document(party))
    ends = f" until {day(party.clearance_until)}" if party.clearance_until is not None else ""
    out.line(f"{name} is vetted, cleared {party.clearance}{ends}.")


@app.command("suspend", epilog=example("tocsin party suspend fjordkraft --reason 'clearance under review'"))
def suspend(
    name: NameArgument,
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Shut a party out until it is cleared again."""
    out = Output(json=json)
    with opened() as session:
        party = session.hub.parties.suspend_party(session.acting(), session.mandate(motion), name, reason)
    out.document(party_document(party))
    out.line(f"{name} is suspended: it receives nothing, and its people and machines cannot sign in.")
    out.line(f"to end that: tocsin party clear {name} --clearance {party.clearance}{_until(party.clearance_until)}")


def _until(at: Micros | None) -> str:
    """Return the option that says again when a clearance ends: as a day, if it is the beginning of one."""
    if at is None:
        return ""
    return f" --until {instant(at) if at % DAY else day(at)}"


@app.command("leave", epilog=example("tocsin party leave fjordkraft --reason 'left the partnership'"))
def leave(name: NameArgument, reason: ReasonOption = "", motion: MotionOption = None, json: JsonOption = False) -> None:
    """Let a party go, for good; its name and URI stay taken."""
    out = Output(json=json)
    with opened() as session:
        party = session.hub.parties.leave_party(session.acting(), session.mandate(motion), name, reason)
    out.document(party_document(party))
    out.line(f"{name} has left.")


def party_document(party: Party) -> dict[str, object]:
    """Return a party as JSON values."""
    return {
        "name": party.name,
        "uri": party.uri,
        "title": party.title,
        "kind": party.kind,
        "country": party.country,
        "status": party.status,
        "capacities": sorted(party.capacities),
        "sectors": sorted(party.sectors),
        "communities": sorted(party.communities),
        "clients": sorted(party.clients),
        "data_region": party.data_region,
        "clearance": party.clearance,
        "clearance_until": instant(party.clearance_until),
    }


def user_document(user: User, party: str) -> dict[str, object]:
    """Return a user as JSON values."""
    return {
        "user": f"{user.name}@{party}",
        "roles": sorted(user.roles),
        "clearance": user.clearance,
        "clearance_until": instant(user.clearance_until),
        "nationality": user.nationality,
        "purpose": user.purpose,
        "status": user.status,
        "signing_key": user.signing_key,
    }
