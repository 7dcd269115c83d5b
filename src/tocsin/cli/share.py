"""``tocsin share``: a bundle into a collection, for a party."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.options import AsOption, CollectionOption, JsonOption, commands, example, words
from tocsin.cli.output import Output
from tocsin.cli.session import Session, of_file, opened, read_bounded
from tocsin.errors import ForbiddenError, InputError
from tocsin.exchange.asking import Question
from tocsin.exchange.intake import STORING, Submission
from tocsin.exchange.model import DEFAULT_COLLECTION, Outcome
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.kernel.clock import parse_instant
from tocsin.parties.model import Permission, role_permissions

if TYPE_CHECKING:
    from tocsin.exchange.asking import Outlook
    from tocsin.exchange.model import Receipt, Result

__all__ = ["app"]

app = commands()

# What is the case instead of a condition: the last words of an account of what failed.
_INSTEAD: Final = re.compile(r" \([^()]*\)(?=;|$)")


@app.command("share", epilog=example("tocsin share bundle.json --as fjordkraft --to national-cert --tlp amber"))
def share(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A STIX 2.1 bundle; - for standard input.")],
    as_: AsOption,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="PARTY|USER@PARTY", help="To these recipients only.")
    ] = None,
    collection: CollectionOption = DEFAULT_COLLECTION,
    tlp: Annotated[Tlp | None, typer.Option("--tlp", help="At least this TLP, for every object.")] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="PARTY", help="On behalf of this party, whose delegation you have."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Share a bundle: its good objects are in, durable, when this returns; each refused one says why."""
    out = Output(json=json)
    data = read_bounded(file, DEFAULT_LIMITS.max_bytes, "a bundle", todo="share it in parts")
    recipients = tuple(sorted(words(to)))
    with opened() as session:
        party, user = session.resolve(as_)
        if user is not None and Permission.OBJECTS_SUBMIT not in role_permissions(user.roles):
            raise ForbiddenError(
                "the roles of this user do not allow to share", where=as_, todo="act for the party, or for an analyst"
            )
        owner = party if for_ is None else session.hub.parties.get(for_)
        submission = Submission(
            party=owner.uri,
            acting=session.acting(as_),
            data=data,
            collection=collection,
            tlp=tlp,
            to=recipients,
            delegate=None if for_ is None else party.uri,
        )
        stages: list[str] = []
        with out.progress(f"sharing {file}") as advance:

            def reached(stage: str) -> None:
                stages.append(stage)
                advance(1)

            try:
                receipt = session.hub.intake.submit(submission, progress=reached)
            except InputError as error:
                # until it stores, intake has looked at nothing but the file
                raise error if STORING in stages else of_file(file, error) from error
        outlooks: tuple[Outlook, ...] | None = ()
        if recipients:
            outlooks = out.after(lambda: _outlooks(session, for_ or as_, receipt, recipients))
    document = msgspec.to_builtins(receipt)
    out.document(
        document
        | {"counts": {str(outcome): receipt.count(outcome) for outcome in Outcome}}
        | ({"recipients": None if outlooks is None else list(map(_outlook_document, outlooks))} if recipients else {})
    )
    _summary(out, receipt)
    _recipients(out, outlooks or ())
    if receipt.count(Outcome.REFUSED):
        raise typer.Exit(1)


def _summary(out: Output, receipt: Receipt) -> None:
    counts = ", ".join(f"{receipt.count(outcome)} {outcome}" for outcome in Outcome)
    out.line(f"{len(receipt.results)} objects: {counts}")
    for result in receipt.results:
        if result.outcome is Outcome.REFUSED:
            _refusal(out, result)
    notes: dict[str, list[Result]] = defaultdict(list)
    for result in receipt.results:
        for note in result.notes:
            notes[note].append(result)
    for note, results in notes.items():
        first = results[0].id or f"objects[{results[0].index}]"
        more = f" and {len(results) - 1} more" if len(results) > 1 else ""
        out.line(f"note: {note}: {first}{more}")
    if receipt.id is None:
        out.line("nothing was stored")
    else:
        out.line(f"receipt {receipt.id}, collection {receipt.collection}, {receipt.received_at}")


def _refusal(out: Output, result: Result) -> None:
    out.line(f"refused: {result.where or f'objects[{result.index}]'} {result.id or ''}".rstrip())
    section = f" ({result.section})" if result.section else ""
    out.line(f"  {result.reason}{section}")
    if result.todo:
        out.line(f"  to do: {result.todo}")


# --- who of those named can in fact read it ---------------------------------------------------------------------------


def _outlooks(session: Session, reference: str, receipt: Receipt, recipients: tuple[str, ...]) -> tuple[Outlook, ...]:
    versions = {
        result.id: parse_instant(result.version)
        for result in receipt.results
        if result.outcome is not Outcome.REFUSED and result.id is not None and result.version is not None
    }
    party, user = session.resolve(reference)
    question = Question(object_id=f"receipt {receipt.id}", party=party, user=user, acting=session.acting(reference))
    # intake takes URIs as recipients, too; those who can be named here are told of
    readers = [session.resolve(one) for one in recipients if ":" not in one]
    return session.hub.asking.outlook(question, versions, readers) if versions else ()


def _outlook_document(one: Outlook) -> dict[str, object]:
    return {
        "reader": one.reader,
        "type": one.label.type,
        "tlp": one.label.tlp,
        "objects": list(one.objects),
        "purposes": list(one.purposes),
        "missing": _missing(one),
    }


def _missing(one: Outlook) -> list[str]:
    if one.purposes:
        return []
    told = one.explanation
    return [
        *(account.sentence for account in told.reasons),
        *(f"clause {account.clause} of {account.agreement}: {'; '.join(account.failed)}" for account in told.missing),
        *(remark.text for remark in told.remarks),
    ]


def _recipients(out: Output, outlooks: tuple[Outlook, ...]) -> None:
    by_reader: dict[str, list[Outlook]] = defaultdict(list)
    for one in outlooks:
        by_reader[one.reader].append(one)
    for reader, listed in by_reader.items():
        total = sum(len(one.objects) for one in listed)
        able = sum(len(one.objects) for one in listed if one.purposes)
        out.line(f"{reader} can read {able} of {total} objects now")
        closed: dict[tuple[str, ...], list[Outlook]] = defaultdict(list)
        for one in listed:
            if not one.purposes:
                # the same conditions fail for many labels, each with another value in its stead
                closed[tuple(_INSTEAD.sub("", sentence) for sentence in _missing(one))].append(one)
        for missing, same in closed.items():
            kinds = ", ".join(sorted({one.label.type for one in same}))
            out.line(f"  not {sum(len(one.objects) for one in same)} objects ({kinds}):")
            for sentence in missing:
                out.line(f"    {sentence}")
