"""``tocsin agreement``: documents, signatures, what is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.agreements.document import Verb, document_digest, parse_agreement, signing_bytes
from tocsin.agreements.life import EXPIRED, AgreementStatus
from tocsin.agreements.prose import READING, prose
from tocsin.cli import agreement_life, agreement_read
from tocsin.cli.agreement_common import (
    FileArgument,
    KeyOption,
    MlDsaKeyOption,
    MlDsaSignatureOption,
    NameArgument,
    SignatoryOption,
    SignatureOption,
    any_document,
    at_hub,
    called,
    is_file,
    newest,
    notes,
    read,
    signatory_of,
    signatures,
    version_document,
)
from tocsin.cli.alarm import banner
from tocsin.cli.options import JsonOption, MotionOption, commands, example
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import opened, settings
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.agreements.document import AgreementDocument
    from tocsin.agreements.service import Version

__all__ = ["app"]

app = commands("Agreements: documents, signatures, what is in force.")
app.add_typer(agreement_life.app)
app.add_typer(agreement_read.app)


@app.command("check", epilog=example("tocsin agreement check nordic-grid-exchange.yaml"))
def check(file: FileArgument, json: JsonOption = False) -> None:
    """Read a document as it would be proposed: every fault with its line and column, and what has no effect yet."""
    out = Output(json=json)
    source = read(file)
    where = called(file)
    named: tuple[str, ...] = ()
    by_criteria: tuple[str, ...] = ()
    if settings().there:
        with opened() as session:
            checked = session.hub.agreements.check(source, where=where)
        parsed, named, by_criteria = checked.parsed, checked.named, checked.by_criteria
        policies = len(checked.policies)
        against = "the parties of this hub"
    else:
        parsed = parse_agreement(source, where=where, new=True)
        policies = sum(clause.decides for clause in parsed.document.clauses)
        against = "no hub: any party's name is taken"
    document = parsed.document
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "title": document.title,
            "digest": document_digest(document).hex(),
            "clauses": len(document.clauses),
            "kinds": _kinds(document),
            "policies": policies,
            "named": list(named),
            "by_criteria": list(by_criteria),
            "notes": [str(note) for note in parsed.notes],
            "checked_against": against,
        }
    )
    out.line(f"{document.name} version {document.version} is in order: {document.title}")
    of_kind = ", ".join(f"{count} {kind}" for kind, count in _kinds(document).items())
    so_many = f"{len(document.clauses)} clause{'' if len(document.clauses) == 1 else 's'}"
    out.line(f"  {so_many}: {of_kind}; checked against {against}")
    if named:
        out.line(f"  by name: {', '.join(named)}")
    if by_criteria:
        out.line(f"  by criteria, now: {', '.join(by_criteria)}")
    notes(out, [str(note) for note in parsed.notes])


@app.command("propose", epilog=example("tocsin agreement propose nordic-grid-exchange.yaml"))
def propose(
    file: FileArgument,
    amends: Annotated[
        bool,
        typer.Option("--amends", help="It is to amend the version in force for all members (amend_by)."),
    ] = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Lay a version before its parties: from now on it can be signed, and never changed."""
    out = Output(json=json)
    source = read(file)
    with opened() as session:
        agreements = session.hub.agreements
        parsed = agreements.propose(
            session.acting(), session.mandate(motion), source, where=called(file), amends=amends
        )
        version = agreements.get(parsed.document.name, parsed.document.version)
    out.document(version_document(version) | {"notes": [str(note) for note in parsed.notes]})
    out.line(f"{version.name} version {version.version} is proposed.")
    out.line(f"  to sign: {', '.join(version.missing) or 'nobody by name'}")
    others = sorted(set(version.eligible) - set(version.missing))
    if others:
        out.line(f"  may sign: {', '.join(others)}")
    notes(out, [str(note) for note in parsed.notes])
    then = "activate" if version.amends is None else "adopt"
    out.line(
        f"next: tocsin agreement sign {version.name}/{version.version} --as PARTY, for each; then agreement {then}"
    )


@app.command("sign", epilog=example("tocsin agreement sign nordic-grid-exchange --as kari@fjordkraft"))
def sign(
    name: NameArgument,
    as_: SignatoryOption,
    key: KeyOption = None,
    ml_dsa_key: MlDsaKeyOption = None,
    signature: SignatureOption = None,
    ml_dsa_signature: MlDsaSignatureOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a version with a signatory's own keys; with the last signature missing, it can be activated."""
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name)
        signatory = signatory_of(session, as_)
        made = signatures(
            session,
            signatory,
            signing_bytes(version.document),
            key=key,
            ml_dsa_key=ml_dsa_key,
            given=(signature, ml_dsa_signature),
        )
        status = session.hub.agreements.sign(
            session.acting(signatory),
            version.name,
            version.version,
            signatory=signatory,
            signature=made.signature,
            ml_dsa_signature=made.ml_dsa_signature,
        )
        version = session.hub.agreements.get(version.name, version.version)
    out.document(version_document(version))
    out.line(f"{signatory} has signed {version.name} version {version.version}: it is {status}.")
    if status is AgreementStatus.IN_FORCE:
        return
    if version.amends is not None:
        out.line(f"next: tocsin agreement tally {version.name}/{version.version}, which says when it can be adopted")
        return
    for lacking in version.lacks:
        out.line(f"  {lacking}")
    act = "sign" if version.lacks else "activate"
    whom = " --as PARTY" if version.lacks else ""
    out.line(f"next: tocsin agreement {act} {version.name}/{version.version}{whom}")


@app.command("activate", epilog=example("tocsin agreement activate nordic-grid-exchange/3"))
def activate(name: NameArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Bring a version into force that all its named parties signed; lower versions are superseded."""
    out = Output(json=json)
    with opened() as session:
        version = newest(session, name)
        agreements = session.hub.agreements
        superseded = agreements.activate(session.acting(), session.mandate(motion), version.name, version.version)
        version = agreements.get(version.name, version.version)
    out.document(version_document(version) | {"supersedes": superseded})
    out.line(f"{version.name} version {version.version} is in force, among {', '.join(version.members)}.")
    if not version.in_term:
        out.line(f"  its term begins on {day(version.starts)}")
    if superseded is not None:
        out.line(f"  version {superseded} is superseded")


@app.command("list", epilog=example("tocsin agreement list"))
def show_all(json: JsonOption = False) -> None:
    """List every version of every agreement."""
    out = Output(json=json)
    with opened() as session:
        banner(out, session)
        versions = session.hub.agreements.all_versions()
    out.document([version_document(version) for version in versions])
    out.table(
        ("agreement", "version", "status", "from", "until", "members", "to sign", "title"),
        (
            (
                version.name,
                version.version,
                _status(version),
                day(version.starts),
                day(version.ends),
                listed(version.members),
                listed(version.missing),
                version.title,
            )
            for version in versions
        ),
        nothing="there are no agreements",
    )


@app.command("show", epilog=example("tocsin agreement show nordic-grid-exchange --prose"))
def show(
    name: Annotated[str, typer.Argument(metavar="NAME[/VERSION]|FILE", help="A version of the hub's, or a document.")],
    cedar: Annotated[bool, typer.Option("--cedar", help="Show the policies that it compiles to.")] = False,
    as_prose: Annotated[bool, typer.Option("--prose", help="Show what it says, as sentences.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a version: status, signatures, members, document; or a document as it would be proposed."""
    out = Output(json=json)
    if as_prose:
        if cedar:
            raise UsageError("--cedar and --prose exclude each other")
        _show_prose(out, any_document(name))
        return
    if is_file(name):
        _show_file(out, name, cedar=cedar)
        return
    with opened() as session:
        version = at_hub(session, name)
        files = session.hub.agreements.attachments(version.name, version.version)
    policies = {"policies": [policy.text for policy in version.policies]} if cedar else {}
    source = version.source.decode()
    attached = [
        {
            "title": file.title,
            "party": file.party,
            "sha256": file.sha256,
            "outcome": file.outcome,
            "at": instant(file.at),
        }
        for file in files
    ]
    out.document(version_document(version) | {"document": source, "attachments": attached} | policies)
    out.line(f"{version.name} version {version.version}  {version.title}", style="bold")
    out.line(f"  status     {_status(version)}" + (f": {version.reason}" if version.reason else ""))
    if version.amends is not None:
        out.line(f"  amends     version {version.amends}")
    out.line(f"  term       {day(version.starts)} until {day(version.ends) or 'superseded'}")
    out.line(f"  digest     {version.digest.hex()}")
    out.line(f"  members    {listed(version.members) or '-'}")
    out.line(f"  to sign    {'; '.join(version.lacks) or listed(version.missing) or '-'}")
    out.line(f"  may sign   {listed(version.eligible) or '-'}")
    out.line()
    out.table(
        ("signed by", "for", "at", "key"),
        ((one.signatory, one.party, instant(one.signed_at), one.key) for one in version.signatures),
        nothing="no signatures",
    )
    _later(out, version)
    for file in files:
        out.line(f"  beside it: {file.title} ({file.sha256}), {file.outcome}")
    notes(out, [str(note) for note in version.notes])
    out.line()
    _texts(out, source, [policy.text for policy in version.policies], cedar=cedar)


def _kinds(document: AgreementDocument) -> dict[str, int]:
    """Return how many clauses of each kind a document has; those of an annex are counted apart."""
    kinds = [str(one.verb) if one.emergency is None else "emergency" for one in document.clauses]
    return {kind: kinds.count(kind) for kind in dict.fromkeys((*map(str, Verb), "emergency")) if kind in kinds}


def _show_prose(out: Output, document: AgreementDocument) -> None:
    passages = prose(document)
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "prose": [{"about": one.about, "text": one.text} for one in passages],
            "reading": list(READING),
        }
    )
    for one in passages:
        out.line(one.about, style="bold")
        out.line(f"  {one.text}")
    out.line("how it is read", style="bold")
    for text in READING:
        out.line(f"  {text}")


def _status(version: Version) -> str:
    return version.shown + ("" if version.in_term or version.shown == EXPIRED else ", not in term")


def _later(out: Output, version: Version) -> None:
    """Print what happened to a version besides its signatures, if anything did."""
    if version.standings:
        out.line()
        out.table(
            ("party", "did or suffered", "at", "leaves at", "reason"),
            (
                (
                    one.party,
                    f"{one.act}, taken back by signing" if one.taken_back else one.act,
                    instant(one.at),
                    instant(one.until) or "-",
                    one.reason,
                )
                for one in version.standings
            ),
            nothing="",
        )
    for grace in version.graces:
        out.line(
            f"  grace: {grace.basis} counts as valid for {listed(grace.parties)} until {instant(grace.until)}: "
            f"{grace.reason}"
        )


def _show_file(out: Output, file: str, *, cedar: bool) -> None:
    source = read(file)
    with opened() as session:
        checked = session.hub.agreements.check(source, where=called(file))
    document = checked.parsed.document
    policies = [policy.text for policy in checked.policies]
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "title": document.title,
            "digest": document_digest(document).hex(),
            "named": list(checked.named),
            "by_criteria": list(checked.by_criteria),
            "document": source.decode(),
        }
        | ({"policies": policies} if cedar else {})
    )
    out.line(f"{document.name} version {document.version}  {document.title} (not proposed)", style="bold")
    _texts(out, source.decode(), policies, cedar=cedar)


def _texts(out: Output, source: str, policies: list[str], *, cedar: bool) -> None:
    if not cedar:
        out.lines(source)
    for text in policies if cedar else ():
        out.lines(text)
        out.line()
