"""What the commands about agreements have in common: their arguments, and a version for people and programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.agreements.document import AgreementDocument, Signed, parse_agreement, sign_bytes
from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.agreements.life import AGREEMENT_TRANSITIONS
from tocsin.agreements.service import Version
from tocsin.cli.keyring import ml_dsa_place_of, place_of, read_key, read_ml_dsa_seed
from tocsin.cli.output import Output, instant
from tocsin.cli.session import STDIN, Session, opened, read_bounded
from tocsin.errors import NotFoundError, TransitionError, UsageError
from tocsin.parties.model import Role, UserStatus

__all__ = [
    "FileArgument",
    "KeyOption",
    "MlDsaKeyOption",
    "MlDsaSignatureOption",
    "NameArgument",
    "SignatoryOption",
    "SignatureOption",
    "any_document",
    "at_hub",
    "called",
    "is_file",
    "newest",
    "notes",
    "read",
    "signatory_of",
    "signatures",
    "split",
    "version_document",
]

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The document, YAML 1.2; - for standard input.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME[/VERSION]", help="The agreement; its newest version if none is given.")
]
SignatoryOption = Annotated[
    str, typer.Option("--as", metavar="USER@PARTY|PARTY", help="The signatory; a party alone means its only signatory.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The private key (Ed25519); else the keyring.")
]
MlDsaKeyOption = Annotated[
    Path | None,
    typer.Option("--ml-dsa-key", metavar="FILE", help="The second private key, of who has one; else the keyring."),
]
SignatureOption = Annotated[
    str | None, typer.Option("--signature", metavar="BASE64", help="A signature made elsewhere, by `agreement seal`.")
]
MlDsaSignatureOption = Annotated[
    str | None, typer.Option("--ml-dsa-signature", metavar="BASE64", help="The second signature, of who has two keys.")
]


def any_document(reference: str) -> AgreementDocument:
    """Return a document: a file's, read as anybody's, or that of the hub's version ``name[/version]``."""
    if is_file(reference):
        return parse_agreement(read(reference), where=called(reference)).document
    with opened() as session:
        return at_hub(session, reference).document


def is_file(reference: str) -> bool:
    """Return whether a file is meant, and not a version at the hub.

    Raises:
        UsageError: it looks like one, and there is none.
    """
    if reference == STDIN or Path(reference).is_file():
        return True
    if reference.endswith((".yaml", ".yml", ".json")) or reference.startswith((".", "/", "~")):
        raise UsageError("there is no such file", where=reference[:200], todo="name one, or a version: NAME/VERSION")
    return False


def at_hub(session: Session, reference: str) -> Version:
    """Return what the hub knows as ``name[/version]``.

    Raises:
        NotFoundError: nothing; nor is there a file of this name.
        UsageError: what stands behind the slash is no version.
    """
    try:
        return session.hub.agreements.get(*split(reference))
    except NotFoundError as error:
        todo = "name a document's file that is there, or NAME/VERSION: `tocsin agreement list` shows what there is"
        raise NotFoundError(f"{error.what}, and no such file", where=error.where, todo=todo) from error


def signatures(
    session: Session,
    signatory: str,
    data: bytes,
    *,
    key: Path | None,
    ml_dsa_key: Path | None,
    given: tuple[str | None, str | None],
) -> Signed:
    """Return a signatory's signatures over bytes: those ``given``, else made with their keys on this machine.

    Raises:
        UsageError: keys and signatures were given, a second signature without a first, or a key cannot be read.
        InputError: a file holds no such key.
    """
    signature, ml_dsa_signature = given
    if signature is not None:
        if key is not None or ml_dsa_key is not None:
            raise UsageError("--key and --signature exclude each other")
        return Signed(signature=signature, ml_dsa_signature=ml_dsa_signature)
    if ml_dsa_signature is not None:
        raise UsageError("a second signature stands beside a first", where="--ml-dsa-signature", todo="give both")
    chosen = session.hub.settings
    raw = read_key(key or place_of(chosen, signatory))
    _, user = session.resolve(signatory)
    seed = None
    if ml_dsa_key is not None or (user is not None and user.ml_dsa_key is not None):
        seed = read_ml_dsa_seed(ml_dsa_key or ml_dsa_place_of(chosen, signatory))
    return sign_bytes(data, raw, seed)


def signatory_of(session: Session, reference: str) -> str:
    """Return ``user@party``; a party alone means its only active signatory.

    Raises:
        UsageError: it has several; NotFoundError: it has none.
    """
    party, user = session.resolve(reference)
    if user is not None:
        if Role.SIGNATORY not in user.roles:
            raise UsageError(f"{reference} is no signatory", where="--as", todo="name one, or their party alone")
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


def newest(session: Session, reference: str) -> Version:
    """Return a version by ``name/version``, or the highest of a name that has not ended."""
    name, number = split(reference)
    if number is not None:
        return session.hub.agreements.get(name, number)
    versions = [one for one in session.hub.agreements.all_versions() if one.name == name]
    if not versions:
        return session.hub.agreements.get(name)
    living = [one for one in versions if any(status is one.status for status, _ in AGREEMENT_TRANSITIONS)]
    if not living:
        raise TransitionError(f"every version of {name} has ended", todo="propose a higher version")
    return living[-1]


def split(reference: str) -> tuple[str, int | None]:
    """Return name and version of ``name/version`` or ``name``.

    Raises:
        UsageError: what stands behind the slash is no version.
    """
    name, slash, number = reference.partition("/")
    if not slash:
        return name, None
    if not (number.isascii() and number.isdigit() and len(number) <= 9):  # noqa: PLR2004  any version has fewer digits
        raise UsageError(f"{number[:40]!r} is no version", where=reference[:80], todo="write NAME/3")
    return name, int(number)


def read(file: str) -> bytes:
    """Return the bytes of a document, or of standard input for ``-``."""
    todo = "name parties by criteria, and leave prose to the instrument"
    return read_bounded(file, MAX_BYTES, "an agreement", todo=todo)


def called(file: str) -> str:
    """Return what to call a document in faults."""
    return "<stdin>" if file == STDIN else file


def notes(out: Output, texts: list[str]) -> None:
    """Print what a reader of a document should know about it all the same."""
    for note in texts:
        out.line(f"  note: {note}")


def version_document(version: Version) -> dict[str, object]:
    """Return a version for programs."""
    document: AgreementDocument = version.document
    return {
        "agreement": version.name,
        "version": version.version,
        "title": version.title,
        "status": version.status,
        "shown": version.shown,
        "reason": version.reason,
        "amends": version.amends,
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
                "ml_dsa_key": one.ml_dsa_key,
                "ml_dsa_signature": one.ml_dsa_signature,
            }
            for one in version.signatures
        ],
        "standings": [
            {
                "party": one.party,
                "act": one.act,
                "at": instant(one.at),
                "until": instant(one.until),
                "reason": one.reason,
                "taken_back": one.taken_back,
            }
            for one in version.standings
        ],
        "graces": [
            {
                "basis": one.basis,
                "parties": list(one.parties),
                "at": instant(one.at),
                "until": instant(one.until),
                "reason": one.reason,
            }
            for one in version.graces
        ],
    }
