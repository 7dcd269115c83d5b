"""``tocsin charter``: what the partnership wants, and where it stands."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli.options import JsonOption, MotionOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.session import STDIN, opened, read_bounded
from tocsin.errors import UsageError
from tocsin.governance.documents import read_charter
from tocsin.governance.model.charter import Charter, Goal
from tocsin.kernel.clock import DAY

__all__ = ["app"]

app = commands("The charter: goals, measures, targets and owners; evaluated from the log where it can be.")

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The document, YAML 1.2; - for standard input.")]
NameArgument = Annotated[str, typer.Argument(metavar="CHARTER", help="The charter's name.")]


@app.command("check", epilog=example("tocsin charter check charter.yaml"))
def check(file: FileArgument, json: JsonOption = False) -> None:
    """Read a document as it would be adopted: every fault with its line and column. Needs no hub."""
    out = Output(json=json)
    charter = read_charter(read_bounded(file, MAX_BYTES, "a charter"), where=_called(file))
    _tell(out, charter)


@app.command("adopt", epilog=example("tocsin charter adopt charter.yaml"))
def adopt(file: FileArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Adopt a charter, in the place of a lower version of it."""
    out = Output(json=json)
    source = read_bounded(file, MAX_BYTES, "a charter")
    with opened() as session:
        charter = session.hub.charters.adopt(session.acting(), session.mandate(motion), source, where=_called(file))
    _tell(out, charter)


@app.command("report", epilog=example("tocsin charter report grid-2026 training 0.85 --as kari@fjordkraft"))
def report(
    name: NameArgument,
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="The goal's id.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Where it stands: a number.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="Who answers for the goal; the log names both.")
    ],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="How it was found.")] = "",
    json: JsonOption = False,
) -> None:
    """Say where a goal stands that is measured by what its owner reports."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session.hub.charters.report(session.acting(as_), name, goal, value, note))


@app.command("evaluate", epilog=example("tocsin charter evaluate --due"))
def evaluate(
    name: Annotated[str | None, typer.Argument(metavar="[CHARTER]", help="The charter's name.")] = None,
    due: Annotated[bool, typer.Option("--due", help="All of which a goal is to be looked at again.")] = False,
    json: JsonOption = False,
) -> None:
    """Measure every goal now, and say how each number was computed; to be run daily with --due."""
    out = Output(json=json)
    if (name is None) is not due:
        raise UsageError("either a charter is named, or --due")
    with opened() as session:
        charters = session.hub.charters
        made = charters.evaluate_due(session.acting()) if name is None else [charters.evaluate(session.acting(), name)]
    if name is None:
        out.document([_document(charter) for charter in made])
        for charter in made:
            _say(out, charter)
        if not made:
            out.line("nothing is due")
    else:
        _tell(out, made[0])


@app.command("list", epilog=example("tocsin charter list"))
def show_all(json: JsonOption = False) -> None:
    """List the charters in force."""
    out = Output(json=json)
    with opened() as session:
        charters = session.hub.charters.all()
    out.document([_document(charter) for charter in charters])
    out.table(
        ("charter", "version", "goals", "met", "evaluated", "title"),
        (
            (
                one.name,
                one.version,
                len(one.goals),
                sum(figure.met is True for figure in one.figures),
                instant(one.evaluated_at) or "-",
                one.title,
            )
            for one in charters
        ),
        nothing="there is no charter",
    )


@app.command("show", epilog=example("tocsin charter show grid-2026"))
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a charter: its goals, who answers for each, and where they stood when they were last evaluated."""
    out = Output(json=json)
    with opened() as session:
        _tell(out, session.hub.charters.get(name))


def _called(file: str) -> str:
    return "<stdin>" if file == STDIN else file


def _target(goal: Goal) -> str:
    return f"at most {goal.at_most}" if goal.at_most is not None else f"at least {goal.at_least}"


def _tell(out: Output, charter: Charter) -> None:
    out.document(_document(charter))
    _say(out, charter)


def _say(out: Output, charter: Charter) -> None:
    out.line(f"{charter.name} version {charter.version}  {charter.title}", style="bold")
    figures = {figure.goal: figure for figure in charter.figures}
    for goal in charter.goals:
        figure = figures.get(goal.id)
        stands = "not evaluated yet" if figure is None else figure.value or "nothing to measure"
        word = {True: ", met", False: ", NOT met", None: ""}[None if figure is None else figure.met]
        out.line(f"  {goal.id}  {goal.goal}")
        out.line(f"    {stands}{word}; target {_target(goal)}; {goal.owner} answers for it")
        if figure is not None:
            out.line(f"    {goal.measure}: {figure.how}")
    if charter.evaluated_at is not None:
        out.line(f"evaluated at {instant(charter.evaluated_at)}")


def _document(charter: Charter) -> dict[str, object]:
    figures = {figure.goal: figure for figure in charter.figures}
    return {
        "charter": charter.name,
        "version": charter.version,
        "title": charter.title,
        "adopted_at": instant(charter.adopted_at) if charter.adopted_at else None,
        "mandate": charter.mandate or None,
        "evaluated_at": instant(charter.evaluated_at),
        "goals": [
            {
                "id": goal.id,
                "goal": goal.goal,
                "measure": goal.measure,
                "owner": goal.owner,
                "over_days": goal.over // DAY,
                "every_days": goal.every // DAY,
                "target": _target(goal),
                "value": figures[goal.id].value if goal.id in figures else None,
                "count": figures[goal.id].count if goal.id in figures else None,
                "met": figures[goal.id].met if goal.id in figures else None,
                "how": figures[goal.id].how if goal.id in figures else None,
                "reported": charter.reports.get(goal.id),
            }
            for goal in charter.goals
        ],
    }
