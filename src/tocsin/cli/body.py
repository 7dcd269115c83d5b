"""``tocsin body``: councils, boards and task forces: who sits in them, and what they alone may decide."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli.alarm import banner
from tocsin.cli.options import (
    JsonOption,
    MotionOption,
    ReasonOption,
    commands,
    example,
)
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import STDIN, opened, read_bounded
from tocsin.governance.documents import read_body
from tocsin.governance.model.bodies import Body, Rule
from tocsin.governance.privileged import ACTS, TAKES_TEXT
from tocsin.governance.tabling import TERMS
from tocsin.kernel.mandate import Right

__all__ = ["app"]

app = commands("Bodies: who sits in them, what they alone may decide, and how they decide it.")

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The document, YAML 1.2; - for standard input.")]
NameArgument = Annotated[str, typer.Argument(metavar="BODY", help="The body's name.")]


@app.command("check", epilog=example("tocsin body check council.yaml"))
def check(file: FileArgument, json: JsonOption = False) -> None:
    """Read a document as it would be constituted: every fault with its line and column. Needs no hub."""
    out = Output(json=json)
    body = _read(file)
    out.document(body_document(body))
    _tell(out, body)


@app.command("constitute", epilog=example("tocsin body constitute council.yaml"))
def constitute(file: FileArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Make a body; the rights that it is given are nobody else's from now on."""
    out = Output(json=json)
    body = _read(file)
    with opened() as session:
        session.hub.governance.constitute(session.acting(), session.mandate(motion), body)
    out.document(body_document(body))
    out.line(f"{body.name} is constituted, with {len(body.seats)} seats.")
    for right in body.rights:
        out.line(f"  from now on {right} needs a motion of it")


@app.command("change", epilog=example("tocsin body change council.yaml --reason 'the term of the chair ended'"))
def change(file: FileArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Put a document in the place of a body's; motions that are open keep the seats that they were opened with."""
    out = Output(json=json)
    body = _read(file)
    with opened() as session:
        session.hub.governance.change(session.acting(), session.mandate(motion), body, reason)
    out.document(body_document(body))
    out.line(f"{body.name} is changed.")


@app.command("dissolve", epilog=example("tocsin body dissolve flood-task-force --reason 'its work is done'"))
def dissolve(name: NameArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Dissolve a body: its motions lapse, and its rights are the founding body's again."""
    out = Output(json=json)
    with opened() as session:
        body = session.hub.governance.dissolve(session.acting(), session.mandate(motion), name, reason)
    out.document(body_document(body))
    out.line(f"{name} is dissolved.")


@app.command("list", epilog=example("tocsin body list"))
def show_all(json: JsonOption = False) -> None:
    """List the bodies, and what each alone may decide."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session)
        bodies = session.hub.governance.bodies()
    out.document([body_document(body) for body in bodies])
    out.table(
        ("body", "kind", "seats", "public", "private", "decides", "rights", "title"),
        (
            (
                body.name,
                body.kind,
                len(body.seats),
                sum(seat.side == "public" for seat in body.seats),
                sum(seat.side == "private" for seat in body.seats),
                _rule(body.rule),
                listed(body.rights) or "-",
                body.title,
            )
            for body in bodies
        ),
        nothing="there are no bodies: the operator acts under the founding mandate",
    )


@app.command("show", epilog=example("tocsin body show council"))
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a body: its seats, deputies, terms, rights and rule."""
    out = Output(json=json)
    with opened() as session:
        body = session.hub.governance.body(name)
    out.document(body_document(body))
    _tell(out, body)


@app.command("rights", epilog=example("tocsin body rights"))
def rights(json: JsonOption = False) -> None:
    """List every right that a body can be given, the acts that need it, who holds it, and what a motion on it says."""
    out = Output(json=json)
    with opened() as session:
        held = {right: body.name for body in session.hub.governance.bodies() for right in body.rights}
    acts = {right: sorted(kind for kind, act in ACTS.items() if act.right is right) for right in Right}
    says = {right: sorted(TERMS.get(right, ("document",))) if right in TAKES_TEXT else [] for right in Right}
    out.document(
        [
            {"right": right, "acts": acts[right], "held_by": held.get(right), "motion_says": says[right]}
            for right in Right
        ]
    )
    out.table(
        ("right", "acts", "held by", "a motion says"),
        (
            (right, listed(acts[right]), held.get(right, "the founding body"), listed(says[right]) or "-")
            for right in Right
        ),
        nothing="there are no rights",
    )


def _read(file: str) -> Body:
    data = read_bounded(file, MAX_BYTES, "the document of a body")
    return read_body(data, where="<stdin>" if file == STDIN else file)


def _rule(rule: Rule) -> str:
    majority = rule.more_than or f"{rule.public} of public and {rule.private} of private"
    return f"more than {majority}, quorum {rule.quorum}"


def _tell(out: Output, body: Body) -> None:
    out.line(f"{body.name}  {body.title}", style="bold")
    out.line(f"  kind         {body.kind}" + (f", until {day(body.ends)}" if body.ends is not None else ""))
    out.line(f"  decides by   {_rule(body.rule)}")
    out.line(f"  abstentions  {body.rule.abstentions}; ties: {body.rule.ties}; closes: {body.rule.closes}")
    out.line(f"  chair        {body.chair or '-'}")
    out.line(f"  rights       {listed(body.rights) or 'none: it advises'}")
    out.line()
    out.table(
        ("seat", "side", "held by", "deputies", "weight", "from", "until"),
        (
            (
                seat.name,
                seat.side,
                seat.holder,
                ", ".join(seat.deputies) or "-",
                seat.weight,
                day(seat.starts) if seat.starts else "-",
                day(seat.ends) or "-",
            )
            for seat in body.seats
        ),
        nothing="no seats",
    )


def body_document(body: Body) -> dict[str, object]:
    """Return a body as JSON values."""
    return {
        "body": body.name,
        "kind": body.kind,
        "title": body.title,
        "rights": list(body.rights),
        "chair": body.chair,
        "until": instant(body.ends),
        "decides": {
            "quorum": body.rule.quorum,
            "more_than": body.rule.more_than or {"public": body.rule.public, "private": body.rule.private},
            "abstentions": body.rule.abstentions,
            "ties": body.rule.ties,
            "closes": body.rule.closes,
        },
        "seats": [
            {
                "seat": seat.name,
                "side": seat.side,
                "holder": seat.holder,
                "deputies": list(seat.deputies),
                "weight": seat.weight,
                "from": instant(seat.starts) if seat.starts else None,
                "until": instant(seat.ends),
            }
            for seat in body.seats
        ],
    }
