"""``tocsin baseline``: what is required, what members have, who confirmed it, what is missing."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import typer

from tocsin.cli import baseline_recovery
from tocsin.cli.options import AsOption, JsonOption, MotionOption, checked, commands, example, words
from tocsin.cli.output import Output, day, instant
from tocsin.cli.session import of_file, opened, read_bounded, some
from tocsin.errors import CatalogueError, InputError
from tocsin.kernel.clock import parse_date
from tocsin.risk.baselines.model import Recovery, Standing, Target
from tocsin.risk.baselines.oscal import LIMITS, read_catalogue
from tocsin.risk.registry.model import Evidence, EvidenceKind

__all__ = ["app"]

app = commands("Baselines: catalogues in OSCAL, the seven baseline requirements, targets, assessments, gaps.")
app.add_typer(baseline_recovery.app)

# A report with pictures.
MAX_EVIDENCE_BYTES: Final = 256 * 1024 * 1024

CatalogueArgument = Annotated[str, typer.Argument(metavar="CATALOGUE", help="Its name here.")]
ControlArgument = Annotated[str, typer.Argument(metavar="CONTROL", help="The control's id.")]


@app.command("import", epilog=example("tocsin baseline import catalog.json --name sp-800-53-low"))
def import_catalogue(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An OSCAL catalogue in JSON; - for standard input.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What it is called here.")],
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Take a catalogue: its controls and statements. What is not kept is counted."""
    out = Output(json=json)
    data = some(file, read_bounded(file, LIMITS.max_bytes, "a catalogue"))
    try:
        made = read_catalogue(data, name=name)
    except CatalogueError:
        raise  # it tells each fault with its path
    except InputError as error:
        raise of_file(file, error) from error
    with opened() as session:
        session.hub.baselines.import_catalogue(session.acting(), session.mandate(motion), made)
    left = made.left_out
    out.document(
        {
            "catalogue": made.name,
            "title": made.title,
            "version": made.version,
            "controls": len(made.controls),
            "sha256": made.sha256,
            "left_out": left,
        }
    )
    out.line(f"{made.name}: {made.title}, version {made.version}; {len(made.controls)} controls")
    for what, counted in (("not used", left.unused), ("unknown to OSCAL", left.unknown)):
        if counted:
            out.line(f"  {what}: " + ", ".join(f"{field} {count}" for field, count in counted.items()))


@app.command("list", epilog=example("tocsin baseline list"))
def show_all(json: JsonOption = False) -> None:
    """List the catalogues: the built-in one, and those that were imported."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.baselines.catalogues()
        targets = session.hub.baselines.state().targets.values()
    set_ = {one.name: sum(target.catalogue == one.name for target in targets) for one in found}
    out.document(
        [
            {
                "catalogue": one.name,
                "title": one.title,
                "version": one.version,
                "controls": len(one.controls),
                "targets": set_[one.name],
                "sha256": one.sha256,
            }
            for one in found
        ]
    )
    out.table(
        ("catalogue", "version", "controls", "targets", "title"),
        ((one.name, one.version, len(one.controls), set_[one.name], one.title) for one in found),
        nothing="there is no catalogue",
    )


@app.command("show", epilog=example("tocsin baseline show nato-seven"))
def show(
    name: CatalogueArgument,
    control: Annotated[str | None, typer.Argument(metavar="[CONTROL]", help="One control, with its statement.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the controls of a catalogue, or one of them with its statement."""
    out = Output(json=json)
    with opened() as session:
        catalogue = session.hub.baselines.state().catalogue(name)
    if control is not None:
        found = catalogue.control(control)
        out.document(found)
        out.line(f"{found.id}  {found.title}" + (" (withdrawn)" if found.withdrawn else ""), style="bold")
        out.lines(found.statement or "it has no statement", indent="  ")
        return
    out.document(catalogue.controls)
    out.table(
        ("control", "group", "title"),
        ((one.id, one.group, one.title + (" (withdrawn)" if one.withdrawn else "")) for one in catalogue.controls),
        nothing="it has no control",
    )


@app.command("target", epilog=example("tocsin baseline target nato-seven energy --due 2027-12-31 --hours 48"))
def target(
    catalogue: CatalogueArgument,
    control: ControlArgument,
    due: Annotated[
        str,
        typer.Option("--due", metavar="DATE", help="The UTC day by which.", callback=checked("--due", parse_date)),
    ],
    standing: Annotated[Standing, typer.Option("--standing", help="partly or met.")] = Standing.MET,
    sectors: Annotated[
        list[str] | None, typer.Option("--sector", metavar="SECTOR", help="Of parties of this sector; else of all.")
    ] = None,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="Another party has to confirm it.")] = False,
    hours: Annotated[int | None, typer.Option("--hours", help="Service is back within so many hours.", min=0)] = None,
    level: Annotated[int, typer.Option("--level", help="Back means so many percent of it.")] = 100,
    share: Annotated[int, typer.Option("--share", help="In so many percent of cases.")] = 95,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Set what parties are to have, by when."""
    out = Output(json=json)
    wanted = Target(
        catalogue=catalogue,
        control=control,
        standing=standing,
        due=parse_date(due),
        sectors=words(sectors),
        confirmed=confirmed,
        recovery=None if hours is None else Recovery(hours=hours, level=level, share=share),
    )
    with opened() as session:
        made = session.hub.baselines.set_target(session.acting(), session.mandate(motion), wanted)
    out.document({"catalogue": catalogue, "control": control, "standing": made.standing, "due": day(made.due)})
    who = ", ".join(sorted(made.sectors)) or "every sector"
    out.line(f"{catalogue} {control}: {made.standing} by {day(made.due)}, for {who}")


@app.command(
    "assess",
    epilog=example("tocsin baseline assess nato-seven energy met --evidence plan.pdf --review 2027-06-01 --as fjord"),
)
def assess(
    catalogue: CatalogueArgument,
    control: ControlArgument,
    standing: Annotated[Standing, typer.Argument(metavar="STANDING", help="not-met, partly, met or not-applicable.")],
    as_: AsOption,
    review: Annotated[
        str,
        typer.Option(
            "--review",
            metavar="DATE",
            help="The UTC day on which it is looked at again.",
            callback=checked("--review", parse_date),
        ),
    ],
    evidence: Annotated[
        list[str] | None,
        typer.Option("--evidence", metavar="FILE", help="What shows it; its SHA-256 is kept, the file is not."),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="In the party's own words.")] = "",
    json: JsonOption = False,
) -> None:
    """Say how far one's own party meets a control, and on what evidence."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.baselines.assess(
            session.acting(as_),
            as_.rpartition("@")[2],
            catalogue,
            control,
            standing=standing,
            review=parse_date(review),
            evidence=tuple(_hashed(file) for file in evidence or ()),
            note=note,
        )
    out.document({"catalogue": catalogue, "control": control, "standing": made.standing, "evidence": made.evidence})
    out.line(f"{as_}: {catalogue} {control} is {made.standing}; looked at again on {day(made.review)}")


@app.command(
    "confirm", epilog=example("tocsin baseline confirm fjord nato-seven energy --reasons 'seen on site' --as eva@audit")
)
def confirm(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Who assessed itself.")],
    catalogue: CatalogueArgument,
    control: ControlArgument,
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="What was looked at, and found.")],
    as_: AsOption,
    dispute: Annotated[bool, typer.Option("--dispute", help="It is not as the party says.")] = False,
    json: JsonOption = False,
) -> None:
    """Confirm what another party says of itself, or dispute it: as a person of a party that is independent of it."""
    out = Output(json=json)
    with opened() as session:
        session.hub.baselines.confirm(
            session.acting(as_), party, catalogue, control, agrees=not dispute, reasons=reasons
        )
    out.document({"party": party, "catalogue": catalogue, "control": control, "agrees": not dispute, "by": as_})
    out.line(f"{as_} {'disputes' if dispute else 'confirms'} {party}: {catalogue} {control}")


@app.command("assessments", epilog=example("tocsin baseline assessments --as fjord"))
def assessments(as_: AsOption, json: JsonOption = False) -> None:
    """List one's own party's assessments; as the party that runs the hub, everybody's."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.baselines.assessments(as_)
    out.document([{**_fields(one.party, one.catalogue, one.control), "assessment": one} for one in found])
    out.table(
        ("party", "catalogue", "control", "standing", "by", "at", "review", "confirmed"),
        (
            (
                one.party,
                one.catalogue,
                one.control,
                one.standing,
                one.by,
                instant(one.at),
                day(one.review),
                one.confirmations[-1].by if one.confirmed else "no",
            )
            for one in found
        ),
        nothing="nothing was assessed",
    )


@app.command("gaps", epilog=example("tocsin baseline gaps --as fjord"))
def gaps(as_: AsOption, json: JsonOption = False) -> None:
    """List what one's own party lacks of its targets; as the party that runs the hub, what everybody lacks."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.baselines.gaps(as_)
    out.document(
        [
            {
                **_fields(one.party, one.catalogue, one.control),
                "lack": one.lack,
                "due": day(one.due),
                "overdue": one.overdue,
            }
            for one in found
        ]
    )
    out.table(
        ("party", "catalogue", "control", "lack", "due", ""),
        (
            (one.party, one.catalogue, one.control, one.lack, day(one.due), "overdue" if one.overdue else "")
            for one in found
        ),
        nothing="nothing is missing",
    )


def _hashed(file: str) -> Evidence:
    data = some(file, read_bounded(file, MAX_EVIDENCE_BYTES, "a piece of evidence"))
    name = file.replace("\\", "/").rpartition("/")[2]
    return Evidence(kind=EvidenceKind.DOCUMENT, reference=name, sha256=hashlib.sha256(data).hexdigest())


def _fields(party: str, catalogue: str, control: str) -> dict[str, object]:
    return {"party": party, "catalogue": catalogue, "control": control}
