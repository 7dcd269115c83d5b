"""``tocsin motion``: what a body decides, and the mandate that comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.agreement_common import MlDsaKeyOption, MlDsaSignatureOption, signatures
from tocsin.cli.alarm import banner
from tocsin.cli.motion_text import motion_source, motion_text, tell_text
from tocsin.cli.options import JsonOption, ReasonOption, commands, example
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import opened
from tocsin.errors import UsageError
from tocsin.governance.model.bodies import Seat, rank_of
from tocsin.governance.model.motions import MAX_OPEN, MAX_UNUSED, Choice, Motion
from tocsin.governance.model.tally import Count
from tocsin.governance.model.votes import tally_of
from tocsin.governance.service import Standing
from tocsin.governance.wire import ballot_bytes, recusal_bytes
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right

__all__ = ["app"]

app = commands("Motions: tabled, opened, voted on by signed ballots, and carried out under the mandate that they mint.")

MotionArgument = Annotated[str, typer.Argument(metavar="MOTION", help="Its UUID, as `motion list` shows it.")]
AsVoterOption = Annotated[
    str, typer.Option("--as", metavar="USER@PARTY", help="Whose act it is; the log names both of you.")
]
MaybeAsOption = Annotated[
    str | None, typer.Option("--as", metavar="USER@PARTY", help="Whose act it is; yours, as secretary, if not given.")
]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The private key; else the keyring.")]
SignatureOption = Annotated[
    str | None, typer.Option("--signature", metavar="BASE64", help="A signature made elsewhere over `--to-sign`.")
]
ToSignOption = Annotated[
    bool, typer.Option("--to-sign", help="Change nothing: print what is to be signed, in hexadecimal.")
]


@app.command(
    "table",
    epilog=example(
        "tocsin motion table council --right parties:party:suspend --subject fjordkraft "
        "--title 'Suspend Fjordkraft' --reasons 'Its clearance is under review.'"
    ),
)
def table(
    body: Annotated[str, typer.Argument(metavar="BODY", help="Which body is asked.")],
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The question in some words.")],
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="Why it is asked.")],
    right: Annotated[
        Right | None, typer.Option("--right", metavar="RIGHT", help="What is to be done: `body rights` lists them.")
    ] = None,
    subject: Annotated[
        str, typer.Option("--subject", metavar="SUBJECT", help="To what: a party, NAME/VERSION, …")
    ] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=MAX_OPEN // DAY, help="From now to the deadline.")] = 14,
    carry_out: Annotated[
        int,
        typer.Option("--carry-out", metavar="DAYS", min=1, max=MAX_UNUSED // DAY, help="How long its mandate is good."),
    ] = 30,
    document: Annotated[
        str | None,
        typer.Option("--document", metavar="FILE", help="What exactly is decided, where that is left open; YAML 1.2."),
    ] = None,
    term: Annotated[
        list[str] | None,
        typer.Option(
            "--term", metavar="NAME=VALUE", help="The same in a few words: clearance=secret. May be repeated."
        ),
    ] = None,
    now: Annotated[bool, typer.Option("--open", help="Open it at once.")] = False,
    as_: MaybeAsOption = None,
    json: JsonOption = False,
) -> None:
    """Lay a question before a body; without --right it is a resolution, which grants nothing.

    Where the act leaves something open (a body's seats, a clearance, how a dispute ends), the motion says it, and the
    act is held to it: --document is a body's or charter's document, or lists names and values, as --term does.
    """
    out = Output(json=json)
    source = motion_source(document, term)
    with opened() as session:
        governance, acting = session.hub.governance, session.acting(as_)
        motion = governance.table(
            acting,
            body,
            title=title,
            reasons=reasons,
            right=right,
            subject=subject,
            open_for=days * DAY,
            unused_for=carry_out * DAY,
            document=source,
            where="--term" if document is None else document,
        )
        if now:
            motion = governance.open(acting, motion.uuid)
        standing = governance.motion(motion.uuid)
    out.document(_standing_document(standing))
    out.line(f"motion {motion.uuid} is {motion.status} before {body}, until {instant(motion.deadline)}")
    if motion.about is not None:
        out.line(f"  it is about {motion.about.agreement} version {motion.about.version}, {motion.about.digest}")
    tell_text(out, motion)
    _tell_hopeless(out, standing)
    verb = "vote" if now else "open"
    out.line(f"next: tocsin motion {verb} {motion.uuid}" + (" yes --as USER@PARTY, for each seat" if now else ""))


@app.command("open", epilog=example("tocsin motion open 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77"))
def open_(uuid: MotionArgument, as_: MaybeAsOption = None, json: JsonOption = False) -> None:
    """Open a motion: from now on the body votes, with the seats that it has now."""
    out = Output(json=json)
    with opened() as session:
        motion = session.hub.governance.open(session.acting(as_), uuid)
        standing = session.hub.governance.motion(uuid)
    out.document(_standing_document(standing))
    out.line(f"motion {uuid} is open until {instant(motion.deadline)}")
    _tell_hopeless(out, standing)
    out.line(f"next: tocsin motion vote {uuid} yes --as USER@PARTY, for each seat")


@app.command("vote", epilog=example("tocsin motion vote 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 yes --as kari@fjordkraft"))
def vote(
    uuid: MotionArgument,
    choice: Annotated[Choice, typer.Argument(metavar="CHOICE", help="yes, no or abstain.")],
    as_: AsVoterOption,
    seat: Annotated[
        str | None, typer.Option("--seat", metavar="SEAT", help="For which seat; found if not given.")
    ] = None,
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="In the voter's own words.")] = "",
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: SignatureOption = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    to_sign: ToSignOption = False,
    json: JsonOption = False,
) -> None:
    """Sign a ballot with the voter's own key and enter it; voting again before the close replaces it."""
    out = Output(json=json)
    _one_of(key, signature, to_sign=to_sign)
    with opened() as session:
        governance = session.hub.governance
        motion = governance.motion(uuid).motion
        seat = governance.seat_of(uuid, as_) if seat is None else seat
        number = motion.counted.get(as_, 0) + 1
        message = ballot_bytes(motion, seat=seat, voter=as_, choice=choice, number=number, reasons=reasons)
        if to_sign:
            _to_sign(out, message)
            return
        given = (signature, ml_dsa_signature)
        made = signatures(session, as_, message, key=key, ml_dsa_key=ml_dsa_key, given=given)
        motion = governance.vote(
            session.acting(as_),
            uuid,
            seat=seat,
            choice=choice,
            number=number,
            signature=made.signature,
            ml_dsa_signature=made.ml_dsa_signature,
            reasons=reasons,
        )
        standing = governance.motion(uuid)
    out.document(motion_document(motion))
    out.line(f"{as_} voted {choice} for the seat {seat}.")
    _tell_standing(out, standing)


@app.command(
    "recuse",
    epilog=example(
        "tocsin motion recuse 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --as kari@fjordkraft --reasons 'We own it.'"
    ),
)
def recuse(
    uuid: MotionArgument,
    as_: AsVoterOption,
    reasons: Annotated[str, typer.Option("--reasons", metavar="TEXT", help="What the conflict of interest is.")],
    seat: Annotated[
        str | None, typer.Option("--seat", metavar="SEAT", help="Demand it of this seat; your own if not given.")
    ] = None,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: SignatureOption = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    to_sign: ToSignOption = False,
    json: JsonOption = False,
) -> None:
    """Declare a conflict of interest, or demand that another seat take no part; more than half of all decide."""
    out = Output(json=json)
    _one_of(key, signature, to_sign=to_sign)
    with opened() as session:
        governance = session.hub.governance
        motion = governance.motion(uuid).motion
        by = governance.seat_of(uuid, as_)
        seat = by if seat is None else seat
        message = recusal_bytes(motion, seat=seat, by=by, voter=as_, reasons=reasons)
        if to_sign:
            _to_sign(out, message)
            return
        given = (signature, ml_dsa_signature)
        made = signatures(session, as_, message, key=key, ml_dsa_key=ml_dsa_key, given=given)
        governance.recuse(
            session.acting(as_),
            uuid,
            seat=seat,
            by=by,
            reasons=reasons,
            signature=made.signature,
            ml_dsa_signature=made.ml_dsa_signature,
        )
        standing = governance.motion(uuid)
    out.document(_standing_document(standing))
    out.line(f"the seat {seat} is {'recused' if seat in standing.recused else 'not recused yet: others decide'}.")
    _tell_standing(out, standing)


@app.command(
    "withdraw",
    epilog=example("tocsin motion withdraw 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77 --reason 'settled otherwise'"),
)
def withdraw(
    uuid: MotionArgument, reason: ReasonOption = "", as_: MaybeAsOption = None, json: JsonOption = False
) -> None:
    """Take a motion back; only who moved it may."""
    out = Output(json=json)
    with opened() as session:
        motion = session.hub.governance.withdraw(session.acting(as_), uuid, reason)
    out.document(motion_document(motion))
    out.line(f"motion {uuid} is withdrawn.")


@app.command("close", epilog=example("tocsin motion close --due"))
def close(
    uuid: Annotated[str | None, typer.Argument(metavar="[MOTION]", help="Its UUID.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Close all whose vote is over, end those whose time is.")] = False,
    json: JsonOption = False,
) -> None:
    """Count a motion whose deadline has passed or on which every seat has voted."""
    out = Output(json=json)
    if (uuid is None) is not due:
        raise UsageError("either a motion is named, or --due")
    with opened() as session:
        governance = session.hub.governance
        changed = governance.close_due(session.acting()) if uuid is None else [governance.close(session.acting(), uuid)]
    out.document([motion_document(motion) for motion in changed])
    for motion in changed:
        why = f": {motion.result.reason}" if motion.result is not None else ""
        out.line(f"motion {motion.uuid} is {motion.status}{why}")
    if not changed:
        out.line("nothing is due")


@app.command("list", epilog=example("tocsin motion list --body council"))
def show_all(
    body: Annotated[str | None, typer.Option("--body", metavar="BODY", help="Of this body only.")] = None,
    json: JsonOption = False,
) -> None:
    """List motions, in the order in which they were tabled."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session)
        motions = session.hub.governance.motions(body=body)
    out.document([motion_document(motion) for motion in motions])
    out.table(
        ("motion", "body", "status", "right", "subject", "deadline", "good until", "title"),
        (
            (
                motion.uuid,
                motion.body,
                motion.status,
                motion.right or "-",
                motion.subject or "-",
                instant(motion.deadline),
                instant(motion.until),
                motion.title,
            )
            for motion in motions
        ),
        nothing="there are no motions",
    )


@app.command("show", epilog=example("tocsin motion show 6f1c0c5e-3f0f-4f43-9a1e-0f0f5b1f2a77"))
def show(uuid: MotionArgument, json: JsonOption = False) -> None:
    """Show a motion: what it asks, who voted how and why, who takes no part, and what became of it."""
    out = Output(json=json)
    with opened() as session:
        standing = session.hub.governance.motion(uuid)
    motion = standing.motion
    out.document(_standing_document(standing))
    out.line(f"{motion.uuid}  {motion.title}", style="bold")
    for label, value in (
        ("body", motion.body),
        ("moved by", motion.mover),
        ("asks for", f"{motion.right} of {motion.subject}" if motion.right else "nothing: a resolution"),
        ("reasons", motion.reasons),
        ("deadline", instant(motion.deadline)),
        ("good until", instant(motion.until)),
        ("carried out", ", ".join(f"entry {index}" for index in motion.used) or "-"),
    ):
        out.line(f"  {label:12} {value}")
    if motion.about is not None:
        out.line(f"  about        {motion.about.agreement} version {motion.about.version}, {motion.about.digest}")
    tell_text(out, motion)
    _tell_standing(out, standing)
    out.line()
    seats = motion.electorate.seats if motion.electorate is not None else ()
    out.table(
        ("seat", "side", "weight", "held by", "vote", "by", "as", "reasons"),
        ((seat.name, seat.side, seat.weight, seat.holder, *_cells(standing, seat)) for seat in seats),
        nothing="it was not opened",
    )
    if motion.recusals:
        out.line()
        out.table(
            ("recusal of", "said by", "for", "reasons"),
            ((one.seat, one.voter, one.by, one.reasons) for one in motion.recusals),
            nothing="",
        )


def _cells(standing: Standing, seat: Seat) -> tuple[str, str, str, str]:
    """Return the vote of a seat, who cast it, as what, and why."""
    ballot = standing.motion.ballot(seat.name)
    vote = "recused" if seat.name in standing.recused else "-" if ballot is None else str(ballot.choice)
    if ballot is None:
        return vote, "-", "-", ""
    return vote, ballot.voter, _rank(rank_of(seat, ballot.voter)), ballot.reasons


def _rank(rank: int | None) -> str:
    return "seat-holder" if rank == 0 else f"deputy {rank}"


def _one_of(key: Path | None, signature: str | None, *, to_sign: bool) -> None:
    if (key is not None) + (signature is not None) + to_sign > 1:
        raise UsageError("--key, --signature and --to-sign exclude each other")


def _to_sign(out: Output, message: bytes) -> None:
    out.document({"to_sign": message.hex()})
    out.line(message.hex())


def _tell_standing(out: Output, standing: Standing) -> None:
    motion = standing.motion
    out.line(f"  status       {motion.status}" + (", its vote is over: close it" if standing.closable else ""))
    _tell_hopeless(out, standing)
    if motion.electorate is None:
        return
    tally = motion.result or tally_of(motion)
    for side, part in (("public", tally.public), ("private", tally.private)):
        if part.seats:
            out.line(f"  {side:12} {_counted(part)}")
    word = "result" if motion.result is not None else "as it stands"
    out.line(f"  {word:12} {'passed' if tally.passed else 'failed'}: {tally.reason}")
    if standing.recused:
        out.line(f"  recused      {listed(standing.recused)}")


def _tell_hopeless(out: Output, standing: Standing) -> None:
    """Say that a motion has no quorum to reach, as long as something can be done about it."""
    if not standing.hopeless:
        return
    motion = standing.motion
    out.line(f"  it can only fail: {listed(sorted(standing.out))} take no part, and without them there is no quorum")
    out.line(
        f"  what to do: tocsin motion withdraw {motion.uuid}, and table it before another body that holds the right; "
        f"or seat others in {motion.body} first (tocsin body change), since a recusal does not lower the quorum"
    )


def _counted(part: Count) -> str:
    return f"{part.voted} of {part.seats} voted: yes {part.yes}, no {part.no}, abstained {part.abstained}"


def _standing_document(standing: Standing) -> dict[str, object]:
    return motion_document(standing.motion) | {
        "recused": sorted(standing.recused),
        "vote_is_over": standing.closable,
        "can_only_fail": standing.hopeless,
    }


def motion_document(motion: Motion) -> dict[str, object]:
    """Return a motion as JSON values."""
    tally = motion.result if motion.electorate is None else motion.result or tally_of(motion)
    return {
        "motion": motion.uuid,
        "body": motion.body,
        "title": motion.title,
        "reasons": motion.reasons,
        "mover": motion.mover,
        "status": motion.status,
        "right": motion.right,
        "subject": motion.subject,
        "about": motion.about,
        "document": motion.document,
        "text": motion_text(motion),
        "tabled_at": instant(motion.tabled_at),
        "opened_at": instant(motion.opened_at),
        "deadline": instant(motion.deadline),
        "closed_at": instant(motion.closed_at),
        "good_until": instant(motion.until),
        "used_by_entries": list(motion.used),
        "tally": tally,
        "ballots": [
            {
                "seat": ballot.seat,
                "voter": ballot.voter,
                "choice": ballot.choice,
                "number": ballot.number,
                "reasons": ballot.reasons,
                "key": ballot.key,
                "signature": ballot.signature,
                "ml_dsa_key": ballot.ml_dsa_key,
                "ml_dsa_signature": ballot.ml_dsa_signature,
                "cast_at": instant(ballot.cast_at),
            }
            for ballot in motion.ballots
        ],
        "recusals": [
            {"seat": one.seat, "by": one.by, "voter": one.voter, "reasons": one.reasons} for one in motion.recusals
        ],
    }
