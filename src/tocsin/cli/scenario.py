"""``tocsin risk scenario``: what may happen, how likely, how bad, and what is done about it."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli import scenario_estimate
from tocsin.cli.options import AsOption, JsonOption, PurposeOption, ReasonOption, checked, commands, example
from tocsin.cli.output import Output, day
from tocsin.cli.session import opened, read_bounded
from tocsin.kernel.clock import parse_date
from tocsin.risk.registry.documents import read_scenario
from tocsin.risk.registry.model import Evidence, Scenario, ScenarioStatus
from tocsin.risk.registry.scale import IMPACTS

__all__ = ["app"]

app = commands("Scenarios: malicious, accidental, natural.")
app.add_typer(scenario_estimate.app)

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The document, YAML 1.2; - for standard input.")]
NameArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="The scenario's id.")]


@app.command("check", epilog=example("tocsin risk scenario check flood.yaml"))
def check(file: FileArgument, json: JsonOption = False) -> None:
    """Read a document as it would be entered: every fault with its line and column. Needs no hub."""
    scenario = _read(file)
    _tell(Output(json=json), scenario, scenario.evidence)


@app.command("add", epilog=example("tocsin risk scenario add flood.yaml --as cert"))
def add(file: FileArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Enter a scenario; its owner's party answers for it."""
    out, scenario = Output(json=json), _read(file)
    with opened() as session:
        _tell(out, session.hub.registry.put(session.acting(as_), scenario), scenario.evidence)


@app.command("amend", epilog=example("tocsin risk scenario amend flood.yaml --as cert"))
def amend(file: FileArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Put a scenario in the place of what it was; the log keeps both."""
    out, scenario = Output(json=json), _read(file)
    with opened() as session:
        _tell(out, session.hub.registry.amend(session.acting(as_), scenario), scenario.evidence)


@app.command("review", epilog=example("tocsin risk scenario review flood --again 2027-06-01 --note 'holds' --as cert"))
def review(
    name: NameArgument,
    again: Annotated[
        str,
        typer.Option(
            "--again",
            metavar="DATE",
            help="The UTC day on which it is looked at again.",
            callback=checked("--again", parse_date),
        ),
    ],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was found.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Say that a scenario was looked at and holds."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.registry.review(session.acting(as_), name, again=parse_date(again), note=note)
    out.document({"scenario": made.id, "review": day(made.review)})
    out.line(f"{made.id} is looked at again on {day(made.review)}")


@app.command("retire", epilog=example("tocsin risk scenario retire flood --reason 'joined with surge' --as cert"))
def retire(name: NameArgument, reason: ReasonOption, as_: AsOption, json: JsonOption = False) -> None:
    """Take a scenario out of every sum from now on; its id is not given again."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.registry.retire(session.acting(as_), name, reason)
    out.document({"scenario": made.id, "status": made.status})
    out.line(f"{made.id} is retired")


@app.command("list", epilog=example("tocsin risk scenario list"))
def show_all(
    everything: Annotated[bool, typer.Option("--all", help="Retired ones, too.")] = False, json: JsonOption = False
) -> None:
    """List scenarios with their levels of likelihood and impact, 1 to 5."""
    out = Output(json=json)
    with opened() as session:
        found = session.hub.registry.state().scenarios.values()
    shown = [one for one in found if everything or one.status is ScenarioStatus.CURRENT]
    out.document([_document(one, None) for one in shown])
    out.table(
        ("scenario", "kind", "likelihood", "impact", "owner", "review", "title"),
        (
            (
                one.id,
                one.kind,
                one.likelihood,
                one.impact or "-",
                one.owner,
                "retired" if one.status is ScenarioStatus.RETIRED else day(one.review),
                one.title,
            )
            for one in shown
        ),
        nothing="there is no scenario",
    )


@app.command("show", epilog=example("tocsin risk scenario show flood --as fjordkraft"))
def show(name: NameArgument, as_: AsOption, purpose: PurposeOption = "analyse", json: JsonOption = False) -> None:
    """Show a scenario; of its evidence, what the reader may see by the agreements in force."""
    out = Output(json=json)
    with opened() as session:
        registry = session.hub.registry
        scenario = registry.state().scenario(name)
        _tell(out, scenario, registry.evidence(session.asker(as_, purpose), scenario))


def _read(file: str) -> Scenario:
    return read_scenario(read_bounded(file, MAX_BYTES, "a scenario"), where="<stdin>" if file == "-" else file)


def _tell(out: Output, scenario: Scenario, evidence: tuple[Evidence, ...]) -> None:
    out.document(_document(scenario, evidence))
    retired = ", retired" if scenario.status is ScenarioStatus.RETIRED else ""
    out.line(f"{scenario.id}  {scenario.title} ({scenario.kind}{retired})", style="bold")
    rate = "" if scenario.rate is None else f"; {scenario.rate} a year"
    out.line(f"  likelihood {scenario.likelihood} of 5{rate}")
    for dimension, level in sorted(scenario.impacts.items()):
        out.line(f"  impact on {dimension}: {level}, {IMPACTS[level - 1]}")
    for loss in scenario.losses:
        for unit, estimate in (("", loss.money), (" people-hours", loss.people_hours)):
            if estimate is not None:
                out.line(f"  costs {loss.sector} {estimate}{unit}")
    for one in scenario.treatments:
        leaves = f"leaves {one.leaves_rate} of the rate, {one.leaves_loss} of the loss"
        out.line(f"  {one.id}: {one.title} ({one.status}, due {day(one.due)}, {one.owner}); {leaves}")
    for piece in evidence:
        out.line(f"  evidence: {piece.kind} {piece.reference}" + (f" sha256 {piece.sha256}" if piece.sha256 else ""))
    out.line(f"  {scenario.owner} answers for it; to be looked at again on {day(scenario.review)}")


def _document(scenario: Scenario, evidence: tuple[Evidence, ...] | None) -> dict[str, object]:
    return {
        "scenario": scenario.id,
        "title": scenario.title,
        "kind": scenario.kind,
        "status": scenario.status,
        "owner": scenario.owner,
        "review": day(scenario.review),
        "likelihood": scenario.likelihood,
        "rate": scenario.rate,
        "impact": scenario.impact,
        "impacts": scenario.impacts,
        "losses": scenario.losses,
        "treatments": [
            {
                "id": one.id,
                "title": one.title,
                "owner": one.owner,
                "due": day(one.due),
                "status": one.status,
                "leaves_rate": one.leaves_rate,
                "leaves_loss": one.leaves_loss,
            }
            for one in scenario.treatments
        ],
    } | ({} if evidence is None else {"evidence": evidence})
