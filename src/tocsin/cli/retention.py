"""``tocsin retention``: how long contributions are kept, and what a legal hold keeps longer."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.options import (
    JsonOption,
    MotionOption,
    ReasonOption,
    commands,
    example,
    words,
)
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import opened
from tocsin.exchange.retention.model import Decision, Due, Hold, Review, Scope
from tocsin.exchange.retention.service import SHOWN
from tocsin.kernel.clock import format_instant, parse_date

__all__ = ["app"]

app = commands("Retention: how long contributions are kept, and what a legal hold keeps longer.")

OwnerOption = Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Only what this party contributed.")]
ObjectArgument = Annotated[str, typer.Argument(metavar="OBJECT", help="The id of an object.")]
AsOwnerOption = Annotated[str, typer.Option("--as", metavar="PARTY", help="Its owner, who decides.")]
HoldArgument = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id.")]
EndOption = Annotated[str, typer.Option("--until", metavar="DATE", help="The UTC day on which it ends.")]


@app.command("show", epilog=example("tocsin retention show --party fjordkraft"))
def show(
    party: OwnerOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="So many at most.")] = SHOWN,
    json: JsonOption = False,
) -> None:
    """Say what is due when, and by which clause: the first due first."""
    out = Output(json=json)
    with opened() as session:
        owner = None if party is None else session.resolve(party)[0].uri
        due = session.hub.retention.due(owner, limit=limit)
        waiting = len(session.hub.retention.reviews(owner))
        called = session.hub.parties.names()
    out.document([_due(one, called) for one in due])
    out.table(
        ("due", "then", "object", "version", "of", "clause", "hold"),
        (
            (
                instant(one.at),
                one.rule.then,
                one.item.object_id,
                instant(one.item.version),
                called[one.item.owner],
                one.rule.reference,
                "kept" if one.held else "",
            )
            for one in due
        ),
        nothing="no retain clause has anything due of what is stored",
    )
    if waiting:
        out.line(f"{waiting} reviews are open, whose time is over already: tocsin retention reviews")


@app.command("sweep", epilog=example("tocsin retention sweep"))
def sweep(json: JsonOption = False) -> None:
    """Do now what is due; `tocsin serve` does so every minute."""
    out = Output(json=json)
    with opened() as session, out.progress("sweeping") as advance:
        called = session.hub.lapsing.follow(session.acting())
        done = session.hub.retention.sweep(session.acting(), advance)
        erased = session.hub.retention.erase()
    out.document(
        {"purged": done.purged, "held": done.held, "reviews": done.reviews, "erased": erased}
        | {"recalls": [one.uuid for one in called]}
    )
    out.line(f"{done.purged} purged, {done.held} kept under a legal hold, {done.reviews} laid before their owners")
    for one in called:
        out.line(f"recall {one.uuid}: {one.reason}")
    if not erased:
        out.line("somebody still reads what was there before: run it again to have the files overwritten")


@app.command("reviews", epilog=example("tocsin retention reviews --party fjordkraft"))
def reviews(party: OwnerOption = None, json: JsonOption = False) -> None:
    """List what waits for its owner to say whether it is still needed, the first to be answered first."""
    out = Output(json=json)
    with opened() as session:
        owner = None if party is None else session.resolve(party)[0].uri
        waiting = session.hub.retention.reviews(owner)
        called = session.hub.parties.names()
        with session.hub.store.read() as connection:
            now = session.hub.log.now(connection)
    out.document([_review(one, called) | {"overdue": one.answer_by <= now} for one in waiting])
    out.table(
        ("answer by", "object", "version", "of", "clause", "asked"),
        (
            (
                f"{day(one.answer_by)}{' (overdue)' if one.answer_by <= now else ''}",
                one.item.object_id,
                instant(one.item.version),
                called[one.item.owner],
                one.reference,
                day(one.opened_at),
            )
            for one in waiting
        ),
        nothing="no review waits",
    )


@app.command(
    "keep", epilog=example("tocsin retention keep incident--f1b1ad7e-9d8f-4a5c-8f5e-2b1c0a9d8e7f --as fjordkraft")
)
def keep(object_id: ObjectArgument, as_: AsOwnerOption, json: JsonOption = False) -> None:
    """Say in a review that an object is still needed: it is asked again when the clause's time is over once more."""
    _decide(object_id, as_, Decision.KEEP, json=json)


@app.command(
    "drop", epilog=example("tocsin retention drop incident--f1b1ad7e-9d8f-4a5c-8f5e-2b1c0a9d8e7f --as fjordkraft")
)
def drop(object_id: ObjectArgument, as_: AsOwnerOption, json: JsonOption = False) -> None:
    """Say in a review that an object is needed no more: its content is destroyed now."""
    _decide(object_id, as_, Decision.PURGE, json=json)


def _decide(object_id: str, as_: str, decision: Decision, *, json: bool) -> None:
    out = Output(json=json)
    with opened() as session:
        owner, _ = session.resolve(as_)
        count = session.hub.retention.decide(session.acting(as_), owner.uri, object_id, decision)
        session.hub.retention.erase()
    out.document({"object": object_id, "decision": str(decision), "versions": count})
    out.line(f"{object_id}: {decision}, {count} reviews decided")


# --- legal holds -----------------------------------------------------------------------------------------------------


@app.command(
    "hold",
    epilog=example(
        "tocsin retention hold --authority 'Oslo tingrett, 26-0815' --reason 'evidence' --until 2027-03-01 "
        "--party fjordkraft --type incident"
    ),
)
def hold(
    authority: Annotated[str, typer.Option("--authority", metavar="TEXT", help="Who orders it, with its file number.")],
    reason: ReasonOption,
    until: EndOption,
    party: OwnerOption = None,
    object_: Annotated[
        list[str] | None, typer.Option("--object", metavar="ID", help="Only these objects; several times, or commas.")
    ] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Only of these STIX types.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only what was submitted on this day or later.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="Only what was submitted before this day.")
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Keep contributions from being destroyed, under a mandate and for a limited time; narrow it somehow."""
    out = Output(json=json)
    with opened() as session:
        scope = Scope(
            owner=None if party is None else session.resolve(party)[0].uri,
            objects=tuple(sorted(words(object_))),
            types=tuple(sorted(words(type_))),
            since=None if since is None else parse_date(since),
            until=None if before is None else parse_date(before),
        )
        placed = session.hub.holds.place(
            session.acting(),
            session.mandate(motion),
            authority=authority,
            reason=reason,
            scope=scope,
            until=parse_date(until),
        )
        covered = session.hub.holds.covered(scope)
    out.document(_hold(placed, stands=True) | {"covers": covered})
    out.line(f"hold {placed.uuid} keeps it until {format_instant(placed.until)}: {covered} contributions now")
    if not covered:
        out.line("nothing that is stored meets all that it names: it keeps only what may come; `lift` ends it")


@app.command("holds", epilog=example("tocsin retention holds"))
def holds(json: JsonOption = False) -> None:
    """List the legal holds, those that are over included."""
    out = Output(json=json)
    with opened() as session:
        rows = session.hub.holds.all()
    out.document([_hold(one, stands=stands) for one, stands in rows])
    out.table(
        ("hold", "stands", "until", "authority", "keeps", "reason"),
        (
            (one.uuid, "yes" if stands else "no", day(one.until), one.authority, _scope(one), one.reason)
            for one, stands in rows
        ),
        nothing="there are no holds",
    )


@app.command(
    "renew",
    epilog=example(
        "tocsin retention renew 1b4e28ba-2fa1-41d2-883f-0016d3cca427 --until 2027-09-01 --reason 'appeal pending'"
    ),
)
def renew(
    hold: HoldArgument, until: EndOption, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False
) -> None:
    """Let a hold that stands end later."""
    out = Output(json=json)
    with opened() as session:
        renewed = session.hub.holds.renew(
            session.acting(), session.mandate(motion), hold, reason=reason, until=parse_date(until)
        )
    out.document(_hold(renewed, stands=True))
    out.line(f"hold {hold} keeps it until {format_instant(renewed.until)}")


@app.command(
    "lift", epilog=example("tocsin retention lift 1b4e28ba-2fa1-41d2-883f-0016d3cca427 --reason 'case closed'")
)
def lift(hold: HoldArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """End a hold before its time; what waited for it goes with the next sweep."""
    out = Output(json=json)
    with opened() as session:
        lifted = session.hub.holds.lift(session.acting(), session.mandate(motion), hold, reason=reason)
    out.document(_hold(lifted, stands=False))
    out.line(f"hold {hold} is lifted")


# --- as JSON ---------------------------------------------------------------------------------------------------------


def _due(one: Due, called: dict[str, str]) -> dict[str, object]:
    return {
        "due": instant(one.at),
        "then": str(one.rule.then),
        "object": one.item.object_id,
        "version": instant(one.item.version),
        "owner": called[one.item.owner],
        "clause": one.rule.reference,
        "held": one.held,
    }


def _review(one: Review, called: dict[str, str]) -> dict[str, object]:
    return {
        "object": one.item.object_id,
        "version": instant(one.item.version),
        "owner": called[one.item.owner],
        "clause": one.reference,
        "opened": instant(one.opened_at),
        "answer_by": instant(one.answer_by),
    }


def _hold(one: Hold, *, stands: bool) -> dict[str, object]:
    scope = one.scope
    return {
        "hold": one.uuid,
        "stands": stands,
        "authority": one.authority,
        "reason": one.reason,
        "party": scope.owner,
        "objects": list(scope.objects),
        "types": list(scope.types),
        "since": instant(scope.since),
        "before": instant(scope.until),
        "placed": instant(one.placed_at),
        "until": instant(one.until),
        "lifted": instant(one.lifted_at),
    }


def _scope(one: Hold) -> str:
    scope = one.scope
    said = [
        scope.owner,
        listed(scope.types) or None,
        f"{len(scope.objects)} objects" if scope.objects else None,
        None if scope.since is None else f"from {day(scope.since)}",
        None if scope.until is None else f"before {day(scope.until)}",
    ]
    return "; ".join(part for part in said if part)
