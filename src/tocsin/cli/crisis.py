"""``tocsin crisis``: emergency annexes: who is on duty, what is active, how it began and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tocsin.agreements.annexes.model import ActivatedBy, Asked, annex_id, annex_terms, runs_of
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import Signed, parse_agreement, sign_bytes
from tocsin.cli.agreement_common import (
    FileArgument,
    KeyOption,
    MlDsaKeyOption,
    MlDsaSignatureOption,
    called,
    read,
    signatures,
    split,
)
from tocsin.cli.keyring import read_key, read_ml_dsa_seed
from tocsin.cli.options import (
    JsonOption,
    MotionOption,
    ReasonOption,
    checked,
    commands,
    example,
)
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import Session, opened
from tocsin.errors import UsageError
from tocsin.exchange.emergency.record import received_under
from tocsin.kernel.clock import SystemClock, parse_date, parse_instant
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from tocsin.agreements.annexes.model import Activation, Run
    from tocsin.agreements.annexes.views import AnnexView, OnDuty, Word
    from tocsin.agreements.document import AgreementDocument
    from tocsin.exchange.emergency.store import CalledBack

__all__ = ["app"]

app = commands("Crisis mode: emergency annexes, who is on duty, what is active and until when.")

AgreementArgument = Annotated[
    str, typer.Argument(metavar="NAME[/VERSION]", help="The agreement; the version in force if none is given.")
]
AnnexArgument = Annotated[str, typer.Argument(metavar="ANNEX", help="The annex, by its name in the agreement.")]
EndOption = Annotated[bool, typer.Option("--end", help="Call for its end instead.")]


@app.command("show", epilog=example("tocsin crisis show"))
def show(json: JsonOption = False) -> None:
    """Show every annex: whether it is active, who opened it and why, what was called, called back, and is to review."""
    out = Output(json=json)
    with opened() as session:
        found = _shown(session)
        parties = session.hub.parties.names()
    out.document([_document(one, parties) for one in found])
    if not found:
        out.line("no agreement in force has an emergency annex")
    for one in found:
        _tell(out, one, parties)


@app.command("duty", epilog=example("tocsin crisis duty kari@fjordkraft --until 2026-10-08T06:00:00Z"))
def duty(
    who: Annotated[str | None, typer.Argument(metavar="USER@PARTY", help="Whom to enter; else all are shown.")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="When the shift ends, within 31 days: an instant (RFC 3339), or the UTC day before which it does.",
            callback=checked("--until", parse_date),
        ),
    ] = None,
    starts: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="When it begins, likewise; else now.", callback=checked("--from", parse_date)
        ),
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Show who is on duty, or enter somebody's shift: an active signatory whose key is registered."""
    out = Output(json=json)
    if (who is None) is not (until is None):
        raise UsageError("a shift is somebody's, and ends", where="--until", todo="name USER@PARTY and --until")
    with opened() as session:
        if who is not None and until is not None:
            begins = session.now() if starts is None else parse_date(starts)
            with session.hub.agreements.emergency(session.acting()) as acts:
                acts.set_duty(session.mandate(motion), who, starts=begins, until=parse_date(until))
        found = session.hub.agreements.on_duty()
    out.document([_duty_document(one) for one in found])
    out.table(
        ("user", "kind", "from", "until", "on duty"),
        ((one.user, one.kind, instant(one.starts), instant(one.until), "yes" if one.now else "-") for one in found),
        nothing="nobody was ever on duty",
    )


@app.command(
    "call",
    epilog=example('tocsin crisis call nordic-grid-exchange grid-crisis --as kari@fjordkraft --reason "blackout"'),
)
def call(
    agreement: AgreementArgument,
    annex: AnnexArgument,
    as_: Annotated[str, typer.Option("--as", metavar="USER@PARTY", help="Who is on duty and calls.")],
    reason: ReasonOption,
    end: EndOption = False,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: Annotated[
        str | None, typer.Option("--signature", metavar="BASE64", help="A signature made by `crisis seal`.")
    ] = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    said_at: Annotated[
        str | None, typer.Option("--said-at", metavar="TIME", help="With --signature: the instant that was signed.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Call for an annex as somebody on duty, with their own key: the call that completes the terms activates it."""
    out = Output(json=json)
    if (signature is None) is not (said_at is None):
        raise UsageError("a signature made elsewhere is of an instant", where="--said-at", todo="give both")
    with opened() as session:
        name, version = _version(session, agreement)
        party, user = session.resolve(as_)
        if user is None:
            raise UsageError("a call is signed by a person", where="--as", todo="name who is on duty: USER@PARTY")
        at = session.now() if said_at is None else parse_instant(said_at)
        asked = Asked.END if end else Asked.ACTIVATE
        data = call_bytes(
            session.hub.agreements.get(name, version).document,
            annex=annex,
            asked=asked,
            hub=session.party.uri,
            party=party.uri,
            user=user.name,
            said_at=at,
            reason=reason,
        )
        given = (signature, ml_dsa_signature)
        made = signatures(session, as_, data, key=key, ml_dsa_key=ml_dsa_key, given=given)
        with session.hub.agreements.emergency(session.acting(as_)) as acts:
            changed = acts.call(name, version, annex, caller=as_, asked=asked, said_at=at, made=made, reason=reason)
        session.hub.emergencies.turn()
        (shown,) = _shown(session, (name, version, annex))
        parties = session.hub.parties.names()
    out.document(_document(shown, parties) | {"changed": [one.number for one in changed]})
    out.line(f"{as_} calls for {'the end of ' if end else ''}{annex}.")
    _tell(out, shown, parties)


@app.command(
    "seal",
    epilog=example(
        "tocsin crisis seal nordic-grid-exchange.yaml grid-crisis --hub https://hub.example "
        '--party https://fjordkraft.example --user kari --key kari.key --reason "blackout"'
    ),
)
def seal(
    file: FileArgument,
    annex: AnnexArgument,
    hub: Annotated[str, typer.Option("--hub", metavar="URI", help="The party that runs the hub.")],
    party: Annotated[str, typer.Option("--party", metavar="URI", help="The caller's party.")],
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="The caller, by the name within the party.")],
    reason: ReasonOption,
    end: EndOption = False,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a call on the caller's own machine, without any hub; prints what `crisis call` takes, for 15 minutes."""
    out = Output(json=json)
    if key is None:
        raise UsageError("there is no keyring without a hub", where="--key", todo="name the private key's file")
    document: AgreementDocument = parse_agreement(read(file), where=called(file)).document
    at = SystemClock().now()
    data = call_bytes(
        document,
        annex=annex,
        asked=Asked.END if end else Asked.ACTIVATE,
        hub=hub,
        party=party,
        user=user,
        said_at=at,
        reason=reason,
    )
    made: Signed = sign_bytes(data, read_key(key), None if ml_dsa_key is None else read_ml_dsa_seed(ml_dsa_key))
    out.document({"said_at": instant(at), "signature": made.signature, "ml_dsa_signature": made.ml_dsa_signature})
    out.line(f"--said-at {instant(at)} --signature {made.signature}")
    if made.ml_dsa_signature is not None:
        out.line(f"--ml-dsa-signature {made.ml_dsa_signature}")


@app.command(
    "activate", epilog=example('tocsin crisis activate nordic-grid-exchange grid-crisis --reason "as the council said"')
)
def activate(
    agreement: AgreementArgument,
    annex: AnnexArgument,
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Bring an annex into force, as a motion decided, or prolong it; while no body may, for half a day at most."""
    _act("activate", agreement, annex, reason, motion, json=json)


@app.command(
    "ratify", epilog=example('tocsin crisis ratify nordic-grid-exchange grid-crisis --reason "as the council said"')
)
def ratify(
    agreement: AgreementArgument,
    annex: AnnexArgument,
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Let what was activated without a motion last as if one had begun it; that takes a motion."""
    _act("ratify", agreement, annex, reason, motion, json=json)


@app.command("end", epilog=example('tocsin crisis end nordic-grid-exchange grid-crisis --reason "the grid is up"'))
def end_(
    agreement: AgreementArgument,
    annex: AnnexArgument,
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """End an annex before its time."""
    _act("end", agreement, annex, reason, motion, json=json)


@app.command("review", epilog=example("tocsin crisis review nordic-grid-exchange grid-crisis"))
def review(agreement: AgreementArgument, annex: AnnexArgument, json: JsonOption = False) -> None:
    """Say who received what under an annex, and when: every release that nothing else would have allowed."""
    out = Output(json=json)
    with opened() as session:
        name, version = _version(session, agreement)
        document = session.hub.agreements.get(name, version).document
        annex_terms(document, annex)  # says what there is, where there is no such annex
        hub = session.hub
        found = received_under(hub.store, hub.log, hub.integrator, annex=annex_id(document, annex))
        parties = hub.parties.names()
    readers = [
        parties.get(one.reader, one.reader) if one.user is None else f"{one.user}@{parties.get(one.reader, one.reader)}"
        for one in found
    ]
    out.document(
        [
            {
                "entry": one.entry,
                "at": one.at,
                "reader": reader,
                "owner": parties.get(one.owner, one.owner),
                "object": one.object_id,
                "version": instant(one.version),
                "clauses": list(one.clauses),
            }
            for one, reader in zip(found, readers, strict=True)
        ]
    )
    out.table(
        ("entry", "at", "reader", "owner", "object", "clause"),
        (
            (str(one.entry), one.at, reader, parties.get(one.owner, one.owner), one.object_id, listed(one.clauses))
            for one, reader in zip(found, readers, strict=True)
        ),
        nothing="nothing left under this annex",
    )


@app.command("sweep", epilog=example("tocsin crisis sweep"))
def sweep(json: JsonOption = False) -> None:
    """Do all that annexes ask for now: offer anew what they widen, call back what is over; a server does so itself."""
    out = Output(json=json)
    with opened() as session:
        done = session.hub.emergencies.sweep()
    out.document({"offered": done.offered, "recalled": done.recalled, "settled": done.settled})
    out.line(f"offered anew: {done.offered}; called back: {done.recalled}; ends settled: {done.settled}")


@app.command(
    "close", epilog=example('tocsin crisis close nordic-grid-exchange grid-crisis --reason "nobody read too much"')
)
def close(
    agreement: AgreementArgument,
    annex: AnnexArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What the review found.")],
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Close the reviews of an annex that is over; under a motion that lets people on duty activate it again, too."""
    _act("review", agreement, annex, reason, motion, json=json)


def _act(verb: str, agreement: str, annex: str, reason: str, motion: str | None, *, json: bool) -> None:
    out = Output(json=json)
    with opened() as session:
        name, version = _version(session, agreement)
        mandate = session.mandate(motion)
        with session.hub.agreements.emergency(session.acting()) as acts:
            if verb == "activate":
                acts.activate(mandate, name, version, annex, reason)
            elif verb == "ratify":
                acts.ratify(mandate, name, version, annex, reason)
            elif verb == "end":
                acts.end(mandate, name, version, annex, reason)
            else:
                acts.review(mandate, name, version, annex, reason)
        session.hub.emergencies.turn()
        found = _shown(session, (name, version, annex))
        parties = session.hub.parties.names()
    out.document(_document(found[0], parties) if found else {"agreement": name, "version": version, "annex": annex})
    if not found:
        out.line(f"{name} version {version}: the review of {annex} is closed")
    for one in found:
        _tell(out, one, parties)


def _version(session: Session, reference: str) -> tuple[str, int]:
    name, number = split(reference)
    return name, session.hub.agreements.get(name, number).version


class _Shown(NamedTuple):
    """An annex, with the last time that it was in force if that is over, and what was called back after it."""

    view: AnnexView
    over: Run | None
    back: CalledBack | None


def _shown(session: Session, which: tuple[str, int, str] | None = None) -> list[_Shown]:
    """Return every annex, or the one of an agreement's version."""
    found = []
    for view in session.hub.agreements.annexes():
        if which is None or which == (view.agreement, view.version, view.annex):
            runs = runs_of(view.activations)
            over = runs[-1] if runs and not runs[-1].active(session.now()) else None
            back = None if over is None else session.hub.emergencies.called_back(view.agreement, over)
            found.append(_Shown(view, over, back))
    return found


def _document(shown: _Shown, parties: dict[str, str]) -> dict[str, object]:
    view, over, back = shown
    return {
        "agreement": view.agreement,
        "version": view.version,
        "annex": view.annex,
        "clauses": list(view.clauses),
        "in_force": view.in_force,
        "active": view.active,
        "until": instant(view.until),
        "suspended_until": instant(view.suspended_until),
        "ratify_by": instant(view.to_ratify),
        "review_open": list(view.review_open),
        "unanswered": list(view.unanswered),
        "calls": [
            {
                "user": f"{one.user}@{parties.get(one.party, one.party)}",
                "kind": one.kind,
                "asked": str(one.asked),
                "at": instant(one.at),
            }
            for one in view.calls
        ],
        "activations": [
            {
                "number": one.number,
                "by": str(one.by),
                **_word(view.begun.get(one.number)),
                "starts": instant(one.starts),
                "until": instant(one.last),
                "ratified": instant(one.ratified),
                "ratified_by": _word(view.ratified[one.number]) if one.number in view.ratified else None,
                "ended": instant(one.ended),
                "reviewed": instant(one.reviewed),
                "reviewed_by": None if one.reviewed_by is None else str(one.reviewed_by),
            }
            for one in view.activations
        ],
        "called_back": None
        if over is None or back is None
        else {
            "objects": back.objects,
            "parties": back.parties,
            "recalls": list(back.recalls),
            "complete": over.settled,
        },
    }


def _word(word: Word | None) -> dict[str, object]:
    """Return who brought an annex into force, on what mandate, and why; nothing is known of what the log purged."""
    if word is None:
        return {"actor": None, "mandate": None, "motion": None, "reason": None}
    return {"actor": word.actor, "mandate": word.mandate, "motion": word.motion, "reason": word.reason}


def _duty_document(one: OnDuty) -> dict[str, object]:
    return {
        "user": one.user,
        "kind": one.kind,
        "from": instant(one.starts),
        "until": instant(one.until),
        "on_duty": one.now,
    }


def _tell(out: Output, shown: _Shown, parties: dict[str, str]) -> None:
    view, over, back = shown
    state = f"ACTIVE until {instant(view.until)}" if view.active else "not active"
    if view.suspended_until is not None:
        state = f"suspended; if the version is resumed it is active again, until {instant(view.suspended_until)}"
    out.line(f"{view.agreement} version {view.version}, annex {view.annex}: {state}")
    out.line(f"  clauses: {listed(view.clauses)}")
    if view.suspended_until is not None:
        out.line(f"  to end it for good: tocsin crisis end {view.agreement} {view.annex}")
    for each in view.told:
        out.line(f"  activated at {instant(each.starts)} by {_who(view, each)}")
        if each.number in view.ratified:
            out.line(f"  ratified at {instant(each.ratified)} by {_by('a motion', view.ratified[each.number])}")
    if view.to_ratify is not None:
        out.line(f"  it ends at {instant(view.to_ratify)} unless a motion ratifies it")
    for one in view.calls:
        what = "its end" if one.asked is Asked.END else "it"
        out.line(
            f"  {one.user}@{parties.get(one.party, one.party)} ({one.kind}) called for {what} at {instant(one.at)}"
        )
    if over is not None and back is not None:
        out.line(f"  over since {instant(over.last)}; {_recalled(over, back)}")
    if view.review_open:
        numbers = listed([str(one) for one in view.review_open])
        out.line(
            f"  review open of activation {numbers}: tocsin crisis review {view.agreement} {view.annex}, then close"
        )
    for line in _closed(view):
        out.line(line)


def _closed(view: AnnexView) -> list[str]:
    """Return, of activations whose review is closed, that no motion answered for them, and what that means."""
    numbers = [str(one) for one in view.unanswered if one not in view.review_open]
    if not numbers:
        return []
    body = view.terms.motion.body
    closed = (
        f"  the review of activation {listed(numbers)} is closed, and no motion has answered for it: neither people on "
        "duty nor the founding mandate renew it"
    )
    what = (
        f"  what renews it is a motion of {body} (tocsin motion table {body}, after tocsin body constitute where "
        f"there is none), or one under which the review is closed: tocsin crisis close {view.agreement} "
        f"{view.annex} --motion MOTION"
    )
    return [closed, what]


def _who(view: AnnexView, made: Activation) -> str:
    """Return who activated an annex, by what right and why, in words.

    Logs of before say of the founding mandate that it was a motion: the mandate of the entry says which it was.
    """
    begun = view.begun.get(made.number)
    founding = begun is not None and (begun.mandate or "").startswith(f"{MandateBasis.FOUNDING}:")
    if made.by is ActivatedBy.DUTY:
        right = "people on duty"
    elif made.by is ActivatedBy.FOUNDING or founding:
        right = "the founding mandate"
    else:
        right = "a motion"
    return right if begun is None else _by(right, begun)


def _by(right: str, word: Word) -> str:
    motion = "" if word.motion is None else f" {word.motion}"
    return f"{right}{motion} ({word.actor}): {word.reason}"


def _recalled(over: Run, back: CalledBack) -> str:
    """Return what was called back after an annex, why, and what shows it."""
    more = "" if over.settled else "; more may follow: tocsin crisis sweep"
    if not back.recalls:
        return f"nothing is called back{more}"
    why = "as the agreement says" if over.answered else "since no body answered for it"
    where = f"report {back.recalls[0]}" if len(back.recalls) == 1 else "list"
    return f"{back.objects} objects are called back from {back.parties} parties, {why}: tocsin recall {where}{more}"
