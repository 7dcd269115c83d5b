"""``tocsin agreement``: documents, signatures, what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.agreements.document import AgreementDocument, document_digest, parse_agreement, sign_document
from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.agreements.life import AgreementStatus
from tocsin.cli.keyring import place_of, read_key
from tocsin.cli.options import JsonOption, MotionOption, commands, example
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.session import STDIN, Session, opened, read_bounded, settings
from tocsin.errors import NotFoundError, TransitionError, UsageError
from tocsin.parties.model import Role, UserStatus

if TYPE_CHECKING:
    from tocsin.agreements.service import Version

__all__ = ["app"]

app = commands("Agreements: documents, signatures, what is in force.")

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The document, YAML 1.2; - for standard input.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME[/VERSION]", help="The agreement; its newest version if none is given.")
]


@app.command("check", epilog=example("tocsin agreement check nordic-grid-exchange.yaml"))
def check(file: FileArgument, json: JsonOption = False) -> None:
    """Read a document as it would be proposed: every fault with its line and column, and what has no effect yet."""
    out = Output(json=json)
    source = _read(file)
    where = _called(file)
    named: tuple[str, ...] = ()
    by_criteria: tuple[str, ...] = ()
    if settings().there:
        with opened() as session:
            checked = session.hub.agreements.check(source, where=where)
        parsed, named, by_criteria = checked.parsed, checked.named, checked.by_criteria
        policies = len(checked.policies)
        against = "the parties of this hub"
    else:
        parsed = parse_agreement(source, where=where)
        policies = sum(clause.has_effect for clause in parsed.document.clauses)
        against = "no hub: any party's name is taken"
    document = parsed.document
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "title": document.title,
            "digest": document_digest(document).hex(),
            "clauses": len(document.clauses),
            "policies": policies,
            "named": list(named),
            "by_criteria": list(by_criteria),
            "notes": [str(note) for note in parsed.notes],
            "checked_against": against,
        }
    )
    out.line(f"{document.name} version {document.version} is in order: {document.title}")
    out.line(f"  {len(document.clauses)} clauses, {policies} with effect; checked against {against}")
    if named:
        out.line(f"  by name: {', '.join(named)}")
    if by_criteria:
        out.line(f"  by criteria, now: {', '.join(by_criteria)}")
    _notes(out, [str(note) for note in parsed.notes])


@app.command("propose", epilog=example("tocsin agreement propose nordic-grid-exchange.yaml"))
def propose(file: FileArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Lay a version before its parties: from now on it can be signed, and never changed."""
    out = Output(json=json)
    source = _read(file)
    with opened() as session:
        agreements = session.hub.agreements
        parsed = agreements.propose(session.acting(), session.mandate(motion), source, where=_called(file))
        version = agreements.get(parsed.document.name, parsed.document.version)
    out.document(_version_document(version) | {"notes": [str(note) for note in parsed.notes]})
    out.line(f"{version.name} version {version.version} is proposed.")
    out.line(f"  to sign: {', '.join(version.missing) or 'nobody by name'}")
    others = sorted(set(version.eligible) - set(version.missing))
    if others:
        out.line(f"  may sign: {', '.join(others)}")
    _notes(out, [str(note) for note in parsed.notes])
    out.line(f"next: tocsin agreement sign {version.name} --as PARTY, for each; then agreement activate")


@app.command("sign", epilog=example("tocsin agreement sign nordic-grid-exchange --as kari@fjordkraft"))
def sign(
    name: NameArgument,
    as_: Annotated[
        str,
        typer.Option("--as", metavar="USER@PARTY|PARTY", help="The signatory; a party alone means its only signatory."),
    ],
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The private key; else the keyring.")] = (
        None
    ),
    signature: Annotated[
        str | None,
        typer.Option("--signature", metavar="BASE64", help="A signature made elsewhere, by `agreement seal`."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Sign a version with a signatory's own key; with the last signature missing, it can be activated."""
    out = Output(json=json)
    if key is not None and signature is not None:
        raise UsageError("--key and --signature exclude each other")
    with opened() as session:
        version = _newest(session, name)
        signatory = _signatory(session, as_)
        if signature is None:
            signature = sign_document(version.document, read_key(key or place_of(session.hub.settings, signatory)))
        status = session.hub.agreements.sign(
            session.acting(signatory), version.name, version.version, signatory=signatory, signature=signature
        )
        version = session.hub.agreements.get(version.name, version.version)
    out.document(_version_document(version))
    out.line(f"{signatory} has signed {version.name} version {version.version}: it is {status}.")
    if version.missing:
        out.line(f"  still to sign: {', '.join(version.missing)}")
    elif status is not AgreementStatus.IN_FORCE:
        out.line(f"next: tocsin agreement activate {version.name}/{version.version}")


@app.command("seal", epilog=example("tocsin agreement seal nordic-grid-exchange.yaml --key kari.key"))
def seal(
    file: FileArgument,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The signatory's private key.")],
    json: JsonOption = False,
) -> None:
    """Sign a document on the signatory's own machine, without any hub; prints what `sign --signature` takes."""
    out = Output(json=json)
    document = parse_agreement(_read(file), where=_called(file)).document
    signature = sign_document(document, read_key(key))
    out.document(
        {
            "agreement": document.name,
            "version": document.version,
            "digest": document_digest(document).hex(),
            "signature": signature,
        }
    )
    out.line(signature)


def _signatory(session: Session, reference: str) -> str:
    """Return ``user@party``; a party alone means its only active signatory.

    Raises:
        UsageError: it has several; NotFoundError: it has none.
    """
    party, user = session.resolve(reference)
    if user is not None:
        return reference
    found = [
        one.name
        for one in session.hub.parties.users(party.name)
        if Role.SIGNATORY in one.roles and one.status is UserStatus.ACTIVE
    ]
    if not found:
        raise NotFoundError(
            f"{party.name} has no signatory", todo=f"tocsin user add USER@{party.name} --role signatory"
        )
    if len(found) > 1:
        who = ", ".join(f"{one}@{party.name}" for one in found)
        raise UsageError(f"{party.name} has several signatories", where="--as", todo=f"name one: {who}")
    return f"{found[0]}@{party.name}"


@app.command("activate", epilog=example("tocsin agreement activate nordic-grid-exchange/3"))
def activate(name: NameArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Bring a version into force that all its named parties signed; lower versions are superseded."""
    out = Output(json=json)
    with opened() as session:
        version = _newest(session, name)
        agreements = session.hub.agreements
        superseded = agreements.activate(session.acting(), session.mandate(motion), version.name, version.version)
        version = agreements.get(version.name, version.version)
    out.document(_version_document(version) | {"supersedes": superseded})
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
        versions = session.hub.agreements.all_versions()
    out.document([_version_document(version) for version in versions])
    out.table(
        ("agreement", "version", "status", "from", "until", "members", "to sign", "title"),
        (
            (
                version.name,
                version.version,
                version.status + ("" if version.in_term else ", not in term"),
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


@app.command("show", epilog=example("tocsin agreement show nordic-grid-exchange --cedar"))
def show(
    name: Annotated[str, typer.Argument(metavar="NAME[/VERSION]|FILE", help="A version of the hub's, or a document.")],
    cedar: Annotated[bool, typer.Option("--cedar", help="Show the policies that it compiles to.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a version: status, signatures, members, document; or a document as it would be proposed."""
    out = Output(json=json)
    if name == STDIN or Path(name).is_file():
        _show_file(out, name, cedar=cedar)
        return
    with opened() as session:
        agreement, number = _split(name)
        version = session.hub.agreements.get(agreement, number)
    policies = {"policies": [policy.text for policy in version.policies]} if cedar else {}
    source = version.source.decode()
    out.document(_version_document(version) | {"document": source} | policies)
    out.line(f"{version.name} version {version.version}  {version.title}", style="bold")
    out.line(f"  status     {version.status}" + ("" if version.in_term else ", not in term"))
    out.line(f"  term       {day(version.starts)} until {day(version.ends) or 'superseded'}")
    out.line(f"  digest     {version.digest.hex()}")
    out.line(f"  members    {listed(version.members) or '-'}")
    out.line(f"  to sign    {listed(version.missing) or '-'}")
    out.line(f"  may sign   {listed(version.eligible) or '-'}")
    out.line()
    out.table(
        ("signed by", "for", "at", "key"),
        ((one.signatory, one.party, instant(one.signed_at), one.key) for one in version.signatures),
        nothing="no signatures",
    )
    _notes(out, [str(note) for note in version.notes])
    out.line()
    _texts(out, source, [policy.text for policy in version.policies], cedar=cedar)


def _show_file(out: Output, file: str, *, cedar: bool) -> None:
    source = _read(file)
    with opened() as session:
        checked = session.hub.agreements.check(source, where=_called(file))
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


def _newest(session: Session, reference: str) -> Version:
    """Return a version by ``name/version``, or the highest of a name that is not superseded."""
    name, number = _split(reference)
    if number is not None:
        return session.hub.agreements.get(name, number)
    versions = [one for one in session.hub.agreements.all_versions() if one.name == name]
    if not versions:
        return session.hub.agreements.get(name)
    newest = versions[-1]
    if newest.status is AgreementStatus.SUPERSEDED:
        raise TransitionError(f"every version of {name} is superseded", todo="propose a higher version")
    return newest


def _split(reference: str) -> tuple[str, int | None]:
    name, slash, number = reference.partition("/")
    if not slash:
        return name, None
    if not (number.isascii() and number.isdigit() and len(number) <= 9):  # noqa: PLR2004  any version has fewer digits
        raise UsageError(f"{number[:40]!r} is no version", where=reference[:80], todo="write NAME/3")
    return name, int(number)


def _read(file: str) -> bytes:
    todo = "name parties by criteria, and leave prose to the instrument"
    return read_bounded(file, MAX_BYTES, "an agreement", todo=todo)


def _called(file: str) -> str:
    return "<stdin>" if file == STDIN else file


def _notes(out: Output, notes: list[str]) -> None:
    for note in notes:
        out.line(f"  note: {note}")


def _version_document(version: Version) -> dict[str, object]:
    document: AgreementDocument = version.document
    return {
        "agreement": version.name,
        "version": version.version,
        "title": version.title,
        "status": version.status,
        "in_term": version.in_term,
        "from": instant(version.starts),
        "until": instant(version.ends),
        "digest": version.digest.hex(),
        "clauses": [clause.id for clause in document.clauses],
        "members": list(version.members),
        "missing": list(version.missing),
        "eligible": list(version.eligible),
        "proposed_at": instant(version.proposed_at),
        "activated_at": instant(version.activated_at),
        "ended_at": instant(version.ended_at),
        "signatures": [
            {
                "party": one.party,
                "signatory": one.signatory,
                "key": one.key,
                "signature": one.signature,
                "signed_at": instant(one.signed_at),
            }
            for one in version.signatures
        ],
    }
