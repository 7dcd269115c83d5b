"""``tocsin agreement diff`` and ``impact``: what a version would change, before anybody signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.agreements.diff import Change, Difference, diff
from tocsin.agreements.impact import Counts, Impact, Move, band
from tocsin.cli.agreement_common import any_document, at_hub, called, is_file, read
from tocsin.cli.options import JsonOption, commands, example, words
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import Session, opened
from tocsin.exchange.impacts import Expected, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["app"]

app = commands()


@app.command("diff", epilog=example("tocsin agreement diff nordic-grid-exchange nordic-grid-exchange-4.yaml"))
def show_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A document, or NAME[/VERSION] of the hub's.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="A document, or NAME[/VERSION] of the hub's.")],
    json: JsonOption = False,
) -> None:
    """Show what changes from one document to another, as sentences, and which changes widen what may be read."""
    out = Output(json=json)
    before, after = any_document(old), any_document(new)
    found = diff(before, after)
    out.document(
        {
            "old": before.id,
            "new": after.id,
            "changes": [
                {
                    "about": one.about,
                    "change": one.change,
                    "bearing": one.bearing,
                    "before": one.before,
                    "after": one.after,
                    "gone": list(one.gone),
                    "new": list(one.new),
                }
                for one in found
            ],
        }
    )
    out.line(f"{before.id} -> {after.id}: {len(found) or 'no'} change{'' if len(found) == 1 else 's'}")
    for one in found:
        _print(out, one)


def _print(out: Output, one: Difference) -> None:
    out.line()
    out.line(f"{one.about} is {one.change}: {_BEARINGS[one.bearing]}", style="bold")
    if one.change is not Change.CHANGED:
        out.line(f"  {'+' if one.change is Change.ADDED else '-'} {one.after or one.before}")
        return
    for text in one.gone:
        out.line(f"  - {text}")
    for text in one.new:
        out.line(f"  + {text}")
    out.line(f"  now: {one.after}")


_BEARINGS = {
    "widens": "it widens what may be read",
    "narrows": "it narrows what may be read",
    "neither": "it neither widens nor narrows what may be read",
    "cannot say": "whether it widens or narrows cannot be said from the words; ask `agreement impact`",
}


@app.command("impact", epilog=example("tocsin agreement impact nordic-grid-exchange-4.yaml"))
def show_impact(
    version: Annotated[str, typer.Argument(metavar="FILE|NAME/VERSION", help="A document, or a proposed version.")],
    signed_by: Annotated[
        list[str] | None,
        typer.Option("--signed-by", metavar="PARTIES", help="Who would sign; without it, who is assumed is said."),
    ] = None,
    amends: Annotated[
        bool, typer.Option("--amends", help="It would be proposed to amend the version in force.")
    ] = False,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="USER@PARTY",
            help="Who asks: a signatory, liaison or auditor of a party; the operator if not given.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell what a version would open and close if it came into force now, before anybody signs it."""
    out = Output(json=json)
    with opened() as session:
        source, where = _source(session, version)
        question = Question(
            acting=session.acting(as_),
            asker=session.itself() if as_ is None else session.resolve(as_),
            source=source,
            where=where,
            signed_by=words(signed_by) if signed_by else None,
            amends=amends,
        )
        expected = session.hub.impacts.ask(question)
        names = session.hub.parties.names()
    out.document(_told(expected, names))
    _print_impact(out, expected, names)


def _source(session: Session, reference: str) -> tuple[bytes, str]:
    """Return the bytes of a document and what to call it."""
    if is_file(reference):
        return read(reference), called(reference)
    version = at_hub(session, reference)
    return version.source, reference


def _told(expected: Expected, names: Mapping[str, str]) -> dict[str, object]:
    prospect = expected.prospect
    told: dict[str, object] = {
        "agreement": prospect.document.name,
        "version": prospect.document.version,
        "at": instant(prospect.at),
        "supersedes": prospect.supersedes,
        "amends": prospect.amends,
        "assumed_to_sign": sorted(names[uri] for uri in prospect.signed),
        "carried": sorted(names[uri] for uri in prospect.carried),
        "objected": sorted(names[uri] for uri in prospect.objected),
        "lacking": sorted(names[uri] for uri in prospect.lacking),
        "findings": [
            {"clause": one.clause, "kind": one.kind, "text": one.text, "against": one.against}
            for one in expected.findings
        ],
        "not_counted": [
            {
                "clause": one.clause,
                "kind": one.verb if one.annex is None else "emergency",
                "change": one.change,
                "before": one.before,
                "after": one.after,
                "parties": sorted(names[uri] for uri in one.parties),
            }
            for one in expected.uncounted
        ],
    }
    for key, impact, count in _parts(expected):
        told[key] = [
            {
                "party": names[move.party],
                "who": move.seat,
                "purposes": list(move.purposes),
                "gains": _counts(move.gains, count),
                "loses": _counts(move.losses, int),
            }
            for move in impact.moves
        ]
    if expected.whole is not None:
        whole = expected.whole
        told["compared"] = {
            "readers": whole.readers,
            "labels": whole.labels,
            "objects": whole.objects,
            "verdicts": whole.verdicts,
            "changed": whole.changed,
        }
    return told


def _parts(expected: Expected) -> Iterator[tuple[str, Impact, Callable[[int], object]]]:
    """Yield what is told under which key, and how its gains are written."""
    if expected.whole is not None:
        yield "everybody", expected.whole, int
    if expected.own is not None:
        yield "own_readers", expected.own, band
    if expected.shared is not None:
        yield "own_objects", expected.shared, int


def _counts(counts: Counts, write: Callable[[int], object]) -> dict[str, object]:
    return {"labels": write(counts.labels), "objects": {name: write(n) for name, n in counts.objects.items()}}


def _print_impact(out: Output, expected: Expected, names: Mapping[str, str]) -> None:
    prospect = expected.prospect
    came = "amended" if prospect.amends is not None else "superseded"
    then = "" if prospect.supersedes is None else f"; version {prospect.supersedes} would be {came}"
    out.line(f"{prospect.document.id} as if it came into force at {instant(prospect.at)}{then}", style="bold")
    out.line(f"  taken to sign: {listed(sorted(names[uri] for uri in prospect.signed)) or 'nobody'}")
    if prospect.carried:
        out.line(f"  carried without signing: {listed(sorted(names[uri] for uri in prospect.carried))}")
    if prospect.objected:
        out.line(f"  objected, and not bound by it: {listed(sorted(names[uri] for uri in prospect.objected))}")
    if prospect.lacking:
        out.line(f"  it cannot be activated without: {listed(sorted(names[uri] for uri in prospect.lacking))}")
    for finding in expected.findings:
        out.line(f"  clause {finding.clause}, {finding.kind}: {finding.text}")
    for key, impact, count in _parts(expected):
        out.line()
        out.line(_HEADS[key], style="bold")
        out.table(
            ("party", "who", "for", "gains", "loses"),
            (_row(move, names, count) for move in impact.moves),
            nothing="nothing changes",
        )
    if expected.whole is not None:
        whole = expected.whole
        out.line(
            f"{whole.changed:,} of {whole.verdicts:,} verdicts change: those of {whole.readers:,} readers on "
            f"{whole.labels:,} labels, of {whole.objects:,} objects"
        )
    if expected.uncounted:
        out.line()
        out.line("what no figure tells: clauses that come, change and go beside those that are counted", style="bold")
    for one in expected.uncounted:
        text = one.after if one.after is not None else one.before
        out.line(f"  clause {one.clause} is {one.change}: {text}")
        if one.change is Change.CHANGED:
            out.line(f"    until then: {one.before}")
        reached = listed(sorted(names[uri] for uri in one.parties))
        nobody = "nobody" if expected.whole is not None else "others than you, if anybody"
        out.line(f"    it reaches {reached or nobody}")


_HEADS = {
    "everybody": "what would open and close, to whom",
    "own_readers": "what your own readers would gain, in orders of magnitude, and lose",
    "own_objects": "who would gain and lose what you shared",
}


def _row(move: Move, names: Mapping[str, str], count: Callable[[int], object]) -> tuple[str, ...]:
    return (
        names[move.party],
        str(move.seat),
        listed(move.purposes),
        _said(move.gains, count),
        _said(move.losses, int),
    )


def _said(counts: Counts, count: Callable[[int], object]) -> str:
    return listed(tuple(f"{count(number)} {name}" for name, number in counts.objects.items())) or "-"
