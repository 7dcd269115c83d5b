"""``tocsin agreement``: what becomes of a version once it was proposed, and signing away from the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.agreements.document import (
    Said,
    act_bytes,
    document_digest,
    parse_agreement,
    sign_bytes,
    signing_bytes,
)
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.life_acts import MAX_ATTACHMENT
from tocsin.agreements.prose import afterwards
from tocsin.agreements.seals import check_seal, read_anchors, require_seal
from tocsin.agreements.service import Version
from tocsin.cli.agreement_common import (
    FileArgument,
    KeyOption,
    MlDsaKeyOption,
    MlDsaSignatureOption,
    NameArgument,
    SignatoryOption,
    SignatureOption,
    called,
    newest,
    read,
    signatory_of,
    signatures,
    version_document,
)
from tocsin.cli.keyring import read_key, read_ml_dsa_seed
from tocsin.cli.options import (
    JsonOption,
    MotionOption,
    ReasonOption,
    checked,
    commands,
    example,
    words,
)
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import Session, opened, read_bounded
from tocsin.errors import UsageError
from tocsin.kernel.clock import DAY, parse_date

__all__ = ["app"]

app = commands()


@app.command("seal", epilog=example("tocsin agreement seal nordic-grid-exchange.yaml --key kari.key"))
def seal(
    file: FileArgument,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    say: Annotated[
        str | None,
        typer.Option("--say", metavar="ACT", help="Say this of the version and do not sign it: object or withdraw."),
    ] = None,
    party: Annotated[str, typer.Option("--party", metavar="URI", help="With --say: for which party.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="With --say: why.")] = "",
    json: JsonOption = False,
) -> None:
    """Sign a document on the signatory's own machine, without any hub; prints what `--signature` takes."""
    out = Output(json=json)
    if key is None:
        raise UsageError("there is no keyring without a hub", where="--key", todo="name the private key's file")
    document = parse_agreement(read(file), where=called(file)).document
    data = signing_bytes(document)
    if say is not None:
        if say not in {str(one) for one in Said} or not party or not reason:
            raise UsageError(
                "--say is object or withdraw, of a party, for a reason", where="--say", todo="give --party and --reason"
            )
        data = act_bytes(document, Said(say), party=party, reason=reason)
    made = sign_bytes(data, read_key(key), None if ml_dsa_key is None else read_ml_dsa_seed(ml_dsa_key))
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "digest": document_digest(document).hex(),
            "signature": made.signature,
            "ml_dsa_signature": made.ml_dsa_signature,
        }
    )
    out.line(made.signature)
    if made.ml_dsa_signature is not None:
        out.line(made.ml_dsa_signature)


@app.command("adopt", epilog=example("tocsin agreement adopt nordic-grid-exchange/4"))
def adopt(name: NameArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Bring an amendment into force for all members who did not object, once enough of them signed."""
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name)
        with session.hub.agreements.living(session.acting()) as acts:
            acts.adopt(session.mandate(motion), version.name, version.version)
        version = session.hub.agreements.get(version.name, version.version)
    carried = [one.party for one in version.standings if one.act == "adopt"]
    out.document(version_document(version) | {"carried": carried})
    out.line(f"{version.name} version {version.version} is in force, among {listed(version.members)}.")
    out.line(f"  bound without their own signature: {listed(carried) or '-'}")


@app.command("tally", epilog=example("tocsin agreement tally nordic-grid-exchange/4"))
def tally(name: NameArgument, json: JsonOption = False) -> None:
    """Show how an amendment stands: who signed, who objects, until when, and what is in its way."""
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name)
        stands = session.hub.agreements.tally(version.name, version.version)
    counted = [
        {
            "kind": one.kind,
            "members": one.members,
            "signed": one.signed,
            "objected": one.objected,
            "more_than": float(one.more_than),
            "enough": one.enough,
        }
        for one in stands.counted
    ]
    out.document(
        {
            "agreement": version.name,
            "version": version.version,
            "amends": version.amends,
            "counted": counted,
            "objections_end": instant(stands.ends),
            "missing": list(stands.missing),
        }
    )
    out.table(
        ("counted", "members", "signed", "object", "more than"),
        (
            (one.kind or "all", str(one.members), str(one.signed), str(one.objected), f"{float(one.more_than):g}")
            for one in stands.counted
        ),
        nothing="nobody is counted",
    )
    out.line(f"members can object until {instant(stands.ends)}")
    for missing in stands.missing:
        out.line(f"  missing: {missing}")
    if not stands.missing:
        out.line(f"next: tocsin agreement adopt {version.name}/{version.version}")


@app.command(
    "object", epilog=example('tocsin agreement object nordic-grid-exchange/4 --as fjordkraft --reason "too wide"')
)
def object_(
    name: NameArgument,
    as_: SignatoryOption,
    reason: ReasonOption,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: SignatureOption = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    json: JsonOption = False,
) -> None:
    """Object to an amendment with a signatory's own keys: the party is not bound by it, and counts against it."""
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name)
        signatory = signatory_of(session, as_)
        data = act_bytes(version.document, Said.OBJECT, party=_uri(session, signatory), reason=reason)
        given = (signature, ml_dsa_signature)
        made = signatures(session, signatory, data, key=key, ml_dsa_key=ml_dsa_key, given=given)
        with session.hub.agreements.living(session.acting(signatory)) as acts:
            acts.object(version.name, version.version, signatory=signatory, made=made, reason=reason)
        version = session.hub.agreements.get(version.name, version.version)
    out.document(version_document(version))
    out.line(f"{signatory} objects to {version.name} version {version.version}.")


@app.command(
    "withdraw",
    epilog=example('tocsin agreement withdraw nordic-grid-exchange --as svea --reason "we sell the grid"'),
)
def withdraw(
    name: NameArgument,
    as_: SignatoryOption,
    reason: ReasonOption,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: SignatureOption = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    json: JsonOption = False,
) -> None:
    """Give notice with a signatory's own keys: the party leaves when the notice is over; what survives binds it on."""
    out = Output(json=json)
    with opened() as session:
        version = session.hub.agreements.get(*_named(session, name))
        signatory = signatory_of(session, as_)
        data = act_bytes(version.document, Said.WITHDRAW, party=_uri(session, signatory), reason=reason)
        given = (signature, ml_dsa_signature)
        made = signatures(session, signatory, data, key=key, ml_dsa_key=ml_dsa_key, given=given)
        with session.hub.agreements.living(session.acting(signatory)) as acts:
            leaves = acts.withdraw(version.name, version.version, signatory=signatory, made=made, reason=reason)
        version = session.hub.agreements.get(version.name, version.version)
        ahead = _signed_ahead(session, version, signatory)
    after = afterwards(version.document)
    held = {
        "survives": list(after.survives),
        "survives_for_shared": list(after.shared),
        "survives_for_received": list(after.received),
        "lapse_for_received": after.lapse,
        "signed_ahead": ahead,
    }
    out.document(version_document(version) | {"leaves_at": instant(leaves)} | held)
    out.line(f"{signatory} has given notice: it leaves {version.name} version {version.version} at {instant(leaves)}.")
    out.line(f"  what binds it afterwards is {after.says}.")
    for number in ahead:
        out.line(
            f"  it signed version {number} too, which is not in force yet: that binds it when it is, whatever this "
            f"notice says; once it is in force, give notice there: tocsin agreement withdraw {version.name}/{number}"
        )


def _signed_ahead(session: Session, left: Version, signatory: str) -> list[int]:
    """Return the versions that a signatory's party signed and that may yet come into force: no notice reaches them."""
    party = signatory.rpartition("@")[2]
    return [
        one.version
        for one in session.hub.agreements.all_versions()
        if one.name == left.name
        and one.status in (AgreementStatus.PROPOSED, AgreementStatus.SIGNED)
        and any(signed.party == party for signed in one.signatures)
    ]


@app.command("suspend", epilog=example('tocsin agreement suspend nordic-grid-exchange --reason "a court asks"'))
def suspend(name: NameArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Let a version in force permit nothing until it is resumed; what it forbids stays forbidden."""
    _change("suspend", name, reason, motion, json=json)


@app.command("resume", epilog=example('tocsin agreement resume nordic-grid-exchange --reason "the court has answered"'))
def resume(name: NameArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Let a suspended version permit again."""
    _change("resume", name, reason, motion, json=json)


@app.command("terminate", epilog=example('tocsin agreement terminate nordic-grid-exchange --reason "the law changed"'))
def terminate(name: NameArgument, reason: ReasonOption, motion: MotionOption = None, json: JsonOption = False) -> None:
    """End a version for good; what it forbids stays forbidden within its term. What never was in force is dropped."""
    _change("terminate", name, reason, motion, json=json)


@app.command("admit", epilog=example('tocsin agreement admit nordic-grid-exchange svea --reason "vetted in May"'))
def admit(
    name: NameArgument,
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party, by its short name.")],
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Let a party accede to what is in force, where accession takes a motion; its own signatory still signs."""
    out = Output(json=json)
    with opened() as session:
        version = session.hub.agreements.get(*_named(session, name))
        with session.hub.agreements.living(session.acting()) as acts:
            acts.admit(session.mandate(motion), version.name, version.version, party, reason)
        version = session.hub.agreements.get(version.name, version.version)
    out.document(version_document(version))
    out.line(f"{party} may accede to {version.name} version {version.version}.")
    out.line(f"next: tocsin agreement sign {version.name}/{version.version} --as {party}")


@app.command(
    "grace",
    epilog=example(
        "tocsin agreement grace nordic-grid-exchange --basis nis2-29 --for fjordkraft,svea --until 2026-10-20 "
        '--reason "the act is before parliament"'
    ),
)
def grace(
    name: NameArgument,
    basis: Annotated[str, typer.Option("--basis", metavar="NAME", help="The legal basis, as the document names it.")],
    for_: Annotated[list[str], typer.Option("--for", metavar="PARTIES", help="For whom, by short names.")],
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which the grace ends.",
            callback=checked("--until", parse_date),
        ),
    ],
    reason: ReasonOption,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Let a legal basis that lapses count as valid for some parties for a time: at most 60 days after the lapse."""
    out = Output(json=json)
    with opened() as session:
        version = session.hub.agreements.get(*_named(session, name))
        with session.hub.agreements.living(session.acting()) as acts:
            acts.grace(
                session.mandate(motion),
                version.name,
                version.version,
                basis=basis,
                parties_=words(for_),
                until=parse_date(until),
                reason=reason,
            )
        version = session.hub.agreements.get(version.name, version.version)
    given = version.graces[-1]
    out.document(version_document(version))
    out.line(f"{basis} counts as valid for {listed(given.parties)} until {instant(given.until)}.")


@app.command(
    "attach",
    epilog=example("tocsin agreement attach nordic-grid-exchange seal.p7s --as fjordkraft --trust anchors.pem"),
)
def attach(
    name: NameArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The detached signature or seal: CMS, DER or PEM.")],
    as_: Annotated[str, typer.Option("--as", metavar="PARTY", help="Whose it is.")],
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is called; else its file name.")] = "",
    trust: Annotated[
        str | None, typer.Option("--trust", metavar="FILE", help="Trust anchors, certificates in PEM; else unchecked.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put a detached signature or seal (eIDAS) beside a version: checked where its chain is given, and stored."""
    out = Output(json=json)
    content = read_bounded(file, MAX_ATTACHMENT, "an attachment", todo="attach the detached signature alone")
    require_seal(content, where=file)
    anchors = [] if trust is None else read_anchors(read_bounded(trust, MAX_ATTACHMENT * 16, "a list of trust anchors"))
    with opened() as session:
        version = session.hub.agreements.get(*_named(session, name))
        party, _ = session.resolve(as_)
        wanted = {document_digest(version.document).hex(): "the document"}
        if version.document.instrument is not None and version.document.instrument.sha256 is not None:
            wanted[version.document.instrument.sha256] = "the instrument"
        with session.hub.store.read() as connection:
            now = session.hub.log.now(connection)
        found = check_seal(content, wanted, anchors, now)
        with session.hub.agreements.living(session.acting(as_)) as acts:
            sha256 = acts.attach(
                version.name,
                version.version,
                party=party.name,
                title=title or Path(file).name,
                content=content,
                over=found.over,
                outcome=found.outcome,
            )
    out.document(
        {
            "agreement": version.name,
            "version": version.version,
            "party": party.name,
            "sha256": sha256,
            "over": found.over,
            "checked": found.checked,
            "outcome": found.outcome,
        }
    )
    out.line(f"{sha256} stands beside {version.name} version {version.version}: {found.outcome}")


@app.command("lapses", epilog=example("tocsin agreement lapses --days 90"))
def lapses(
    days: Annotated[int, typer.Option("--days", min=1, max=3_660, help="So many days ahead.")] = 90,
    json: JsonOption = False,
) -> None:
    """Show which legal bases lapse next, for whom, which clauses rest on them, and what becomes of what is held."""
    out = Output(json=json)
    with opened() as session:
        with session.hub.store.read() as connection:
            now = session.hub.log.now(connection)
        found = session.hub.agreements.lapses(after=now, until=now + days * DAY)
        called = session.hub.parties.names()
    told = [
        {
            "at": instant(one.at),
            "agreement": one.agreement,
            "version": one.version,
            "basis": one.basis,
            "parties": sorted(called[uri] for uri in one.parties),
            "clauses": list(one.clauses),
            "held": one.held,
        }
        for one in found
    ]
    out.document(told)
    out.table(
        ("lapses at", "agreement", "basis", "for", "clauses", "what is held"),
        (
            (
                instant(one.at),
                one.id,
                one.basis,
                listed(sorted(called[uri] for uri in one.parties)),
                listed(one.clauses),
                one.held,
            )
            for one in found
        ),
        nothing=f"no legal basis lapses within {days} days",
    )


def _change(act: str, name: str, reason: str, motion: str | None, *, json: bool) -> None:
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name) if act == "terminate" else session.hub.agreements.get(*_named(session, name))
        mandate = session.mandate(motion)
        with session.hub.agreements.living(session.acting()) as acts:
            if act == "suspend":
                acts.suspend(mandate, version.name, version.version, reason)
            elif act == "resume":
                acts.resume(mandate, version.name, version.version, reason)
            else:
                acts.terminate(mandate, version.name, version.version, reason)
        version = session.hub.agreements.get(version.name, version.version)
        of = (version.name, version.version)
        resumed = [one for one in session.hub.agreements.annexes() if one.active and (one.agreement, one.version) == of]
        resumed = resumed if act == "resume" else []
    again = {"annexes_active": [one.annex for one in resumed]} if act == "resume" else {}
    out.document(version_document(version) | again)
    out.line(f"{version.name} version {version.version} is {version.shown}: {reason}")
    for one in resumed:
        out.line(
            f"its annex {one.annex} is ACTIVE again, until {instant(one.until)}; "
            f"to end it: tocsin crisis end {version.name} {one.annex}"
        )


def _named(session: Session, reference: str) -> tuple[str, int]:
    """Return the version that is meant: the one in force, suspended or terminated, if none is named."""
    name, _, number = reference.partition("/")
    version = newest(session, reference) if number else session.hub.agreements.get(name)
    return version.name, version.version


def _uri(session: Session, signatory: str) -> str:
    return session.resolve(signatory)[0].uri
