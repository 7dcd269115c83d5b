"""``tocsin application``: how a candidate is vetted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tocsin.agreements.prospect import Near, Prospect, near, prospects
from tocsin.cli.options import (
    ClearanceOption,
    JsonOption,
    MotionOption,
    ReasonOption,
    checked,
    commands,
    example,
    until,
    words,
)
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import Session, opened, read_bounded
from tocsin.errors import InputError, UsageError
from tocsin.kernel.clock import parse_date
from tocsin.parties.model import CLEARANCES, Kind, Party
from tocsin.parties.vetting.model import Evidence, EvidenceKind, Track

if TYPE_CHECKING:
    from tocsin.parties.vetting.model import Application

__all__ = ["app"]

app = commands("Applications: how a candidate is vetted, by evidence and by two who look at it.")

# A paper that somebody scanned; it is hashed and not kept.
MAX_PAPER: int = 256 * 1024 * 1024

IdArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="APPLICATION", help="Its id; `tocsin application list` shows it.")
]
PersonOption: TypeAlias = Annotated[
    str, typer.Option("--as", metavar="USER@PARTY", help="The person who does it; the log names both of you.")
]


@app.command("open", epilog=example("tocsin application open vannverk --clearance restricted --capacity operator"))
def open_(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The applicant, a candidate by its short name.")],
    clearance: ClearanceOption = None,
    capacity: Annotated[
        list[str] | None, typer.Option("--capacity", help="What it is to be admitted as: operator, csirt, …")
    ] = None,
    sponsor: Annotated[
        str | None,
        typer.Option("--light", metavar="SPONSOR", help="The light path: this member answers for it, one reviews it."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Open a party's application. Two people of other parties review it; of the light path, one and a sponsor."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.vetting.open(
            session.acting(),
            party,
            track=Track.FULL if sponsor is None else Track.LIGHT,
            clearance=clearance or CLEARANCES[0],
            capacities=words(capacity),
            sponsor=sponsor,
        )
        _print(out, session, made)
    out.line(f"next: tocsin application evidence {made.uuid} FILE --kind registration")


@app.command("evidence", epilog=example("tocsin application evidence APPLICATION-ID register.pdf --kind registration"))
def evidence(
    application: IdArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The paper; only its hash is kept. - for standard input.")
    ],
    kind: Annotated[EvidenceKind, typer.Option("--kind", help="What it shows.")],
    title: Annotated[str | None, typer.Option("--title", help="What it is called; its file name if not given.")] = None,
    until_: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", help="The UTC day on which it ends.", callback=checked("--until", parse_date)
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put a paper into the file by its SHA-256; the paper stays where it is."""
    out = Output(json=json)
    data = read_bounded(file, MAX_PAPER, "a paper")
    if not data:
        raise InputError("this paper is empty", where=file, todo="give the file itself; an empty one shows nothing")
    with opened() as session:
        paper = Evidence(
            kind=kind,
            title=title or file.rpartition("/")[2],
            sha256=hashlib.sha256(data).hexdigest(),
            added_at=0,
            until=until(until_),
        )
        _print(out, session, session.hub.vetting.add_evidence(session.acting(), application, paper))


@app.command(
    "review", epilog=example("tocsin application review APPLICATION-ID --as kari@fjordkraft --approve --reason 'seen'")
)
def review(
    application: IdArgument,
    as_: PersonOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What was looked at, and found.")],
    approve: Annotated[bool, typer.Option("--approve/--reject", help="What the reviewer finds.")],
    json: JsonOption = False,
) -> None:
    """Enter a review, by a liaison, signatory, auditor or operator of another party; each person once."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.vetting.review(session.acting(as_), application, approves=approve, reasons=reason)
        _print(out, session, made)


@app.command("endorse", epilog=example("tocsin application endorse APPLICATION-ID --as kari@fjordkraft"))
def endorse(application: IdArgument, as_: PersonOption, json: JsonOption = False) -> None:
    """Answer for an applicant on the light path, as the sponsor's liaison or signatory."""
    out = Output(json=json)
    with opened() as session:
        _print(out, session, session.hub.vetting.endorse(session.acting(as_), application))


@app.command("admit", epilog=example("tocsin application admit APPLICATION-ID --until 2028-12-31"))
def admit(
    application: IdArgument,
    until_: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which the vetting ends, within three years.",
            callback=checked("--until", parse_date),
        ),
    ],
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Admit an applicant: vetted and cleared until a day, on which `vetting sweep` suspends it."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.vetting.admit(
            session.acting(), session.mandate(motion), application, until=until(until_) or 0
        )
        _print(out, session, made)


@app.command("refuse", epilog=example("tocsin application refuse APPLICATION-ID --reason 'not an operator'"))
def refuse(
    application: IdArgument,
    reason: ReasonOption,
    json: JsonOption = False,
) -> None:
    """Refuse an applicant, with a reason."""
    out = Output(json=json)
    with opened() as session:
        _print(out, session, session.hub.vetting.refuse(session.acting(), application, reason))


@app.command("withdraw", epilog=example("tocsin application withdraw APPLICATION-ID --as vannverk"))
def withdraw(
    application: IdArgument,
    as_: Annotated[str, typer.Option("--as", metavar="PARTY", help="The applicant; the log names both of you.")],
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Withdraw an application, for the applicant."""
    out = Output(json=json)
    with opened() as session:
        _print(out, session, session.hub.vetting.withdraw(session.acting(as_), application, reason))


@app.command("list", epilog=example("tocsin application list"))
def show_all(json: JsonOption = False) -> None:
    """List the applications, those that are decided included."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.vetting.all()
        names = session.hub.parties.names()
        documents = [_document(one, names, session.hub.vetting.missing(one)) for one in found]
    out.document(documents)
    out.table(
        ("application", "party", "path", "clearance", "papers", "reviews", "status", "until"),
        (
            (
                one.uuid,
                names[one.party],
                one.track,
                one.clearance,
                len(one.evidence),
                len(one.reviews),
                one.status,
                day(one.ends),
            )
            for one in found
        ),
        nothing="there are no applications",
    )


@app.command("show", epilog=example("tocsin application show APPLICATION-ID"))
def show(application: IdArgument, json: JsonOption = False) -> None:
    """Show an application: its papers, its reviews, what is missing."""
    out = Output(json=json)
    with opened() as session:
        _print(out, session, session.hub.vetting.get(application))


@app.command("offer", epilog=example("tocsin application offer --kind private --country NO --capacity operator"))
def offer(
    party: Annotated[
        str | None, typer.Argument(metavar="[PARTY]", help="A candidate by its short name; else --kind and so on.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What sort of organisation it is.")] = None,
    country: Annotated[str | None, typer.Option("--country", metavar="CC", help="Its country, ISO 3166-1: NO.")] = None,
    capacity: Annotated[list[str] | None, typer.Option("--capacity", help="What it is: operator, csirt, …")] = None,
    sector: Annotated[list[str] | None, typer.Option("--sector", help="Its sectors: energy, …")] = None,
    community: Annotated[list[str] | None, typer.Option("--community", help="Its communities.")] = None,
    data_region: Annotated[str | None, typer.Option("--data-region", help="Where it keeps data: eea.")] = None,
    clearance: ClearanceOption = None,
    json: JsonOption = False,
) -> None:
    """Print what an applicant would give and get, from the agreements in force that would admit it."""
    out = Output(json=json)
    with opened() as session:
        if party is not None:
            applicant = session.hub.parties.get(party)
        elif kind is None or country is None:
            raise UsageError("an offer is for somebody", todo="name a candidate, or --kind and --country")
        else:
            applicant = Party(
                uri="urn:example:applicant",
                name="applicant",
                title="The applicant",
                kind=kind,
                country=country,
                capacities=words(capacity),
                sectors=words(sector),
                communities=words(community),
                data_region=data_region,
                clearance=clearance or CLEARANCES[0],
            )
        with session.hub.store.read() as connection:
            now = session.hub.log.now(connection)
            facts = session.hub.agreements.facts(connection, now)
        found, closer = prospects(applicant, facts), near(applicant, facts)
    out.document([*(_prospect_document(one) for one in found), *(_near_document(one) for one in closer)])
    if not found:
        out.line(f"no agreement in force would admit it{' as it is' if closer else ''}")
    for one in found:
        out.line(f"{one.title} ({one.agreement} version {one.version})", style="bold")
        out.line(f"  for: {', '.join(one.purposes)}")
        for head, sentences in (("you get", one.gets), ("you give", one.gives), ("you are held to", one.held)):
            out.line(f"  {head}:")
            for sentence in sentences or ("nothing",):
                out.line(f"    - {sentence}")
    for near_by in closer:
        out.line(f"{near_by.title} ({near_by.agreement} version {near_by.version})", style="bold")
        out.line(f"  would admit it, but it lacks {' and '.join(near_by.lacks)}")


def _print(out: Output, session: Session, one: Application) -> None:
    names, missing = session.hub.parties.names(), session.hub.vetting.missing(one)
    out.document(_document(one, names, missing))
    ends = f" until {day(one.ends)}" if one.ends is not None else ""
    out.line(f"application {one.uuid} of {names[one.party]}: {one.status}{ends}")
    out.line(
        f"  the {one.track} path, clearance {one.clearance}, as {listed(one.capacities) or 'nothing in particular'}"
    )
    if one.sponsor is not None:
        endorsed = f"endorsed by {one.endorsed_by}" if one.endorsed_by else "not endorsed yet"
        out.line(f"  sponsor {names[one.sponsor]}: {endorsed}")
    for paper in one.evidence:
        out.line(f"  {paper.kind}: {paper.title} (SHA-256 {paper.sha256}){_ends(paper.until)}")
    for found in one.reviews:
        verdict = "approves" if found.approves else "rejects"
        out.line(f"  {found.reviewer}@{names[found.party]} {verdict}: {found.reasons}")
    if one.reason:
        out.line(f"  reason: {one.reason}")
    if one.prolonged is not None:
        out.line(f"  prolonged beyond {day(one.until)}: {one.prolonged_because}")
    for lacking in missing:
        out.line(f"  missing: {lacking}")


def _ends(at: int | None) -> str:
    return "" if at is None else f", until {day(at)}"


def _document(one: Application, names: dict[str, str], missing: list[str]) -> dict[str, object]:
    return {
        "application": one.uuid,
        "party": names[one.party],
        "status": one.status,
        "path": one.track,
        "clearance": one.clearance,
        "capacities": sorted(one.capacities),
        "sponsor": None if one.sponsor is None else names[one.sponsor],
        "endorsed_by": one.endorsed_by,
        "opened_at": instant(one.opened_at),
        "evidence": [
            {"kind": paper.kind, "title": paper.title, "sha256": paper.sha256, "until": instant(paper.until)}
            for paper in one.evidence
        ],
        "reviews": [
            {
                "reviewer": f"{found.reviewer}@{names[found.party]}",
                "approves": found.approves,
                "reasons": found.reasons,
                "at": instant(found.at),
            }
            for found in one.reviews
        ],
        "missing": missing,
        "ended_at": instant(one.ended_at),
        "until": instant(one.until),
        "prolonged": instant(one.prolonged),
        "prolonged_because": one.prolonged_because,
        "reason": one.reason,
    }


def _near_document(one: Near) -> dict[str, object]:
    """Return what an agreement that would not admit it means for it as it is, which is nothing; and what it lacks."""
    return {
        "agreement": one.agreement,
        "version": one.version,
        "title": one.title,
        "purposes": [],
        "gets": [],
        "gives": [],
        "held": [],
        "lacks": list(one.lacks),
    }


def _prospect_document(one: Prospect) -> dict[str, object]:
    return {
        "agreement": one.agreement,
        "version": one.version,
        "title": one.title,
        "purposes": list(one.purposes),
        "gets": list(one.gets),
        "gives": list(one.gives),
        "held": list(one.held),
        "lacks": [],
    }
