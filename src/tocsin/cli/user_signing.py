"""``tocsin user``: a signatory's second key, and what they may sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.keyring import ml_dsa_place_of, new_ml_dsa_key, public_half, registering, require_one
from tocsin.cli.options import JsonOption, MotionOption, checked, commands, example, words
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import opened
from tocsin.errors import InputError
from tocsin.kernel.clock import parse_date
from tocsin.parties.model import Authority

__all__ = ["app"]

app = commands()

SignatoryArgument = Annotated[str, typer.Argument(metavar="USER@PARTY", help="The signatory.")]


@app.command("second-key", epilog=example("tocsin user second-key kari@fjordkraft --key-file kari.ml-dsa.key"))
def second_key(
    reference: SignatoryArgument,
    public: Annotated[
        str | None,
        typer.Option("--public", metavar="BASE64", help="Register this public key, made elsewhere; writes no file."),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Where to write the key; else the keyring.")
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Give a signatory an ML-DSA-44 key beside the first: from then on both sign, or nothing counts."""
    out = Output(json=json)
    require_one(public, key_file)
    with opened() as session, registering() as written:
        _, user = session.resolve(reference)
        if user is None or user.signing_key is None:
            raise InputError("a second key stands beside a first", where=reference, todo=f"tocsin user key {reference}")
        place = key_file or ml_dsa_place_of(session.hub.settings, reference)
        public = public_half(public, place, new_ml_dsa_key, session.hub.entropy, written)
        user = session.hub.parties.register_signing_key(
            session.acting(), session.mandate(motion), reference, user.signing_key, ml_dsa_key=public
        )
    path = next(iter(written), None)
    out.document({"user": reference, "ml_dsa_key": user.ml_dsa_key, "key_file": None if path is None else str(path)})
    out.line(f"signatures of {reference} are checked with both keys from now on; the second is")
    out.line(f"{user.ml_dsa_key}")
    if path is not None:
        out.line(f"signing key: {path}")
        out.line("The key belongs to the signatory alone: hand it over and delete it here. Who holds both signs.")


@app.command(
    "authority",
    epilog=example("tocsin user authority kari@fjordkraft --agreement nordic-grid-exchange --until 2027-01-01"),
)
def authority(
    reference: SignatoryArgument,
    agreement: Annotated[
        list[str] | None, typer.Option("--agreement", metavar="NAMES", help="The agreements; all if none is named.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The UTC day on which it ends; else it does not.",
            callback=checked("--until", parse_date),
        ),
    ] = None,
    evidence: Annotated[
        str | None, typer.Option("--evidence", metavar="SHA256", help="The hash of what shows it: a power of attorney.")
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a signatory may sign: which agreements, until when; without options, all of them, without end."""
    out = Output(json=json)
    given = Authority(
        agreements=words(agreement), until=None if until is None else parse_date(until), evidence=evidence
    )
    with opened() as session:
        session.hub.parties.authorise_signatory(
            session.acting(), session.mandate(motion), reference, None if given == Authority() else given
        )
    out.document(
        {
            "user": reference,
            "agreements": sorted(given.agreements) or None,
            "until": instant(given.until),
            "evidence": given.evidence,
        }
    )
    what = listed(sorted(given.agreements)) or "every agreement"
    end = "without end" if given.until is None else f"until {instant(given.until)}"
    out.line(f"{reference} may sign {what}, {end}.")
