"""``tocsin sanitised``: what leaves in place of what a party shared, before it leaves and after."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tocsin.cli.options import AsOption, JsonOption, ReasonOption, commands, example
from tocsin.cli.output import Output, instant
from tocsin.cli.session import opened
from tocsin.errors import UsageError
from tocsin.exchange.sanitise.service import Viewer
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.exchange.sanitise.service import Shown

__all__ = ["app"]

app = commands("Sanitised versions: what leaves in place of what a party shared.")

IdArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="Of the sanitised version; `tocsin sanitised list` shows it.")
]
MaybeAsOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="PARTY|USER@PARTY", help="For whom you act; the log names both of you."),
]
CoordinatorOption: TypeAlias = Annotated[
    bool, typer.Option("--coordinator", help="Decide as the coordinator, without being told whose it is.")
]
MotionOption: TypeAlias = Annotated[
    str | None, typer.Option("--motion", metavar="ID", help="The passed motion, where a body holds the right.")
]

_ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"


@app.command("list", epilog=example("tocsin sanitised list --as nordgrid --waiting"))
def show_all(
    as_: MaybeAsOption = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that have not left, and may yet.")] = False,
    coordinator: CoordinatorOption = False,
    json: JsonOption = False,
) -> None:
    """List the versions made of what a party shared, where each stands, and when it leaves at the earliest.

    With --coordinator: those on which the coordinator decides, without whose they are.
    """
    out = Output(json=json)
    with opened() as session:
        if coordinator:
            _nobody(as_)
            shown = session.hub.sanitised.for_coordinator()
        else:
            shown = session.hub.sanitised.of_party(_viewer(session, as_).party.uri, waiting=waiting)
    out.document([_document(one) for one in shown])
    out.table(
        ("version", "state", "original", "clause", "slot", "waits"),
        (
            (
                one.uuid,
                one.standing.state,
                one.version.chain.object_id if one.version else "-",
                _clause(one),
                instant(one.slot) or "-",
                one.waits or "-",
            )
            for one in shown
        ),
        nothing="there are none",
    )


@app.command("show", epilog=example(f"tocsin sanitised show {_ID} --as nordgrid"))
def show(version: IdArgument, as_: MaybeAsOption = None, json: JsonOption = False) -> None:
    """Show exactly what leaves, or left, in a slot.

    Where a slot falls through, the instants of the slot in it move to the next one, and nothing else.
    """
    out = Output(json=json)
    with opened() as session:
        one = session.hub.sanitised.show(_viewer(session, as_ or session.operator), version)
    out.document(_document(one))
    _tell(out, one)
    if one.body is not None:
        out.line(one.body.decode())


@app.command("diff", epilog=example(f"tocsin sanitised diff {_ID} --as nordgrid"))
def diff(version: IdArgument, as_: AsOption, json: JsonOption = False) -> None:
    """Show what is other than in the original, property by property."""
    out = Output(json=json)
    with opened() as session:
        one, changes = session.hub.sanitised.diff(_viewer(session, as_), version)
    out.document(
        {
            "version": one.uuid,
            "changes": [{"property": item.name, "before": item.before, "after": item.after} for item in changes],
        }
    )
    out.table(
        ("property", "in the original", "leaves as"),
        ((item.name, _short(item.before), _short(item.after)) for item in changes),
        nothing="nothing is other",
    )


@app.command("approve", epilog=example(f"tocsin sanitised approve {_ID} --as lina@nordgrid"))
def approve(
    version: IdArgument,
    as_: MaybeAsOption = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Let it leave though fewer producers than usual share its slot.")
    ] = False,
    coordinator: CoordinatorOption = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Let a version out, after its countdown, in a slot."""
    out = Output(json=json)
    with opened() as session:
        if coordinator:
            _nobody(as_)
            if alone:
                raise UsageError("only its owner may let it leave alone", where="--alone", todo="leave --alone out")
            with session.hub.store.read() as connection:
                mandate = session.hub.governance.mandate(connection, Right.SANITISED_APPROVE, version, motion)
            one = session.hub.sanitised.clear(session.acting(), mandate, version)
        else:
            one = session.hub.sanitised.approve(_viewer(session, as_), version, alone=alone)
    out.document(_document(one))
    _tell(out, one)


@app.command("veto", epilog=example(f"tocsin sanitised veto {_ID} --as lina@nordgrid --reason 'names a site'"))
def veto(
    version: IdArgument,
    as_: MaybeAsOption = None,
    reason: ReasonOption = "",
    coordinator: CoordinatorOption = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a version in, for good; a later version of the original gets one of its own."""
    out = Output(json=json)
    with opened() as session:
        if coordinator:
            _nobody(as_)
            with session.hub.store.read() as connection:
                mandate = session.hub.governance.mandate(connection, Right.SANITISED_STOP, version, motion)
            one = session.hub.sanitised.stop(session.acting(), mandate, version, reason)
        else:
            one = session.hub.sanitised.veto(_viewer(session, as_), version, reason)
    out.document(_document(one))
    _tell(out, one)


@app.command("publish", epilog=example("tocsin sanitised publish"))
def publish(json: JsonOption = False) -> None:
    """Let out what the present slot takes, as a serving hub does by itself."""
    out = Output(json=json)
    with opened() as session:
        count = session.hub.slots.turn()
    out.document({"published": count})
    out.line(f"{count} sanitised versions left" if count else "nothing leaves in this slot")


@app.command("origin", epilog=example(f"tocsin sanitised origin indicator--{_ID} --as auditor@national-cert"))
def origin(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="The STIX id under which it was published.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Lead a published version back to its original: for its producer and for auditors of the hub; logged."""
    out = Output(json=json)
    with opened() as session:
        viewer = _viewer(session, as_)
        found = session.hub.sanitised.origin(viewer, object_id)
        named = session.hub.parties.names()
    rows = [
        {
            "party": named.get(one.chain.party, one.chain.party),
            "object": one.chain.object_id,
            "version": instant(one.version),
            "agreement": one.chain.agreement,
            "published_as": one.sanitised_id,
            "published_version": instant(one.published_as),
        }
        for one in found
    ]
    out.document(rows)
    out.table(
        ("party", "original", "its version", "agreement"),
        ((row["party"], row["object"], row["version"], row["agreement"]) for row in rows),
        nothing="there are none",
    )


def _viewer(session: Session, reference: str | None) -> Viewer:
    if reference is None:
        raise UsageError("say for whom you act", where="--as", todo="--as PARTY or --as USER@PARTY")
    party, user = session.resolve(reference)
    return Viewer(party=party, user=user, acting=session.acting(reference))


def _nobody(as_: str | None) -> None:
    if as_ is not None:
        raise UsageError("the coordinator acts for itself", where="--as", todo="leave --as or --coordinator out")


def _clause(one: Shown) -> str:
    version = one.version
    return "-" if version is None else f"{version.chain.agreement}/{version.agreement_version} {version.clause}"


def _tell(out: Output, one: Shown) -> None:
    out.line(f"sanitised version {one.uuid}: {one.standing.state}")
    if one.version is not None:
        out.line(f"  of       {one.version.chain.object_id}, version {instant(one.version.version)}")
        out.line(f"  under    {_clause(one)}: plan {one.version.plan}, TLP:{one.version.tlp.upper()}")
    out.line(f"  under id {one.sanitised_id}")
    if one.slot is not None:
        out.line(
            f"  {'left' if one.waits is None else 'leaves'}   {instant(one.slot)}" + (" or later" if one.waits else "")
        )
    if one.waits is not None:
        out.line(f"  waits    {one.waits}")
    if one.standing.ending is not None:
        out.line(f"  because  {one.standing.ending}")


def _document(one: Shown) -> dict[str, Any]:
    version = one.version
    document: dict[str, Any] = {
        "id": one.uuid,
        "published_under": one.sanitised_id,
        "state": str(one.standing.state),
        "alone": one.standing.alone,
        "slot": instant(one.slot),
        "waits": one.waits,
        "ending": one.standing.ending,
        "object": None if one.body is None else jsonlib.loads(one.body),
        "bytes": None if one.body is None else one.body.decode(),
    }
    if version is not None:
        document |= {
            "original": version.chain.object_id,
            "original_version": instant(version.version),
            "agreement": version.chain.agreement,
            "agreement_version": version.agreement_version,
            "clause": version.clause,
            "plan": version.plan,
            "tlp": str(version.tlp),
            "attribution": str(version.attribution),
            "approve": str(version.approve),
            "countdown_ends": instant(version.leaves_at),
        }
    return document


def _short(value: object) -> str:
    text = "-" if value is None else jsonlib.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004  a column of a terminal
